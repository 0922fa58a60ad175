//! The revision of a node that `--base` names.

use std::path::{Path, PathBuf};

use super::target;
use crate::check::{Before, Node};
use crate::cli;
use crate::config::Config;
use crate::files::{self, Place};
use crate::names;
use crate::report::{Show, Trouble};
use crate::source::{FileKind, Files};

/// The same node below `base`, read as the node itself is. Nothing for a node that is new there.
///
/// # Errors
/// Nothing there to compare the one path with that was asked about.
pub fn of(
    files: &dyn Files,
    base: &Path,
    node: &Node,
    asked: &cli::Check,
    config: &Config,
    show: &Show,
) -> Result<Option<Node>, Trouble> {
    let top = asked.paths.first().map_or(Path::new("."), PathBuf::as_path);
    let inside = plain(&node.path).strip_prefix(plain(top)).unwrap_or(Path::new("")).to_path_buf();
    let is_asked_for = inside.as_os_str().is_empty();
    let fault = |path: &Path, message: &str| Trouble { path: Some(path.to_path_buf()), message: message.to_string() };
    let (path, main) = match node.file {
        Some(FileKind::Hba | FileKind::Ident) => {
            return Err(fault(&node.path, "--base compares settings, and here are none"));
        }
        Some(_) if is_asked_for && is_file(files, base) => (base.to_path_buf(), base.to_path_buf()),
        Some(_) => {
            let file = base.join(node.path.file_name().unwrap_or_default());
            (file.clone(), file)
        }
        None if is_asked_for => (base.to_path_buf(), base.join(names::POSTGRESQL_CONF)),
        None => (base.join(&inside), base.join(&inside).join(names::POSTGRESQL_CONF)),
    };
    if !is_file(files, &main) {
        // A tree may have more nodes than it had.
        return if is_asked_for { Err(fault(&main, "there is nothing to compare with")) } else { Ok(None) };
    }
    let found = files::Node { path, place: node.file.map_or(Place::Directory, Place::File) };
    let target = cli::Target { pg: Some(node.targets.clone()), ..asked.target.clone() };
    let base = target::resolve(files, &found, &target, config, show)?;
    Ok(Some(Node { role: node.role, wal_segment_size: node.wal_segment_size, before: Before::default(), ..base }))
}

fn is_file(files: &dyn Files, path: &Path) -> bool {
    files.read(path).is_ok()
}

/// The path without the `./` in front of it.
fn plain(path: &Path) -> &Path {
    path.strip_prefix(".").unwrap_or(path)
}
