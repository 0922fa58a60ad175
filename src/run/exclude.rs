//! Which of the nodes that were found the configuration leaves out.

use std::path::{Path, PathBuf};

use super::lexical;
use crate::cli::Check;
use crate::config::Config;
use crate::files::{self, Disk};
use crate::report::Show;

/// Whether a node, a lone file, or a directory that cannot be read is left out.
///
/// Who names a path means it: only what lies below counts, unless `--force-exclude` says otherwise.
///
/// A node is left out with its directory, or with each of its files.
pub fn leaves_out(config: &Config, path: &Path, is_file: bool, asked: &Check, disk: &Disk, show: &Show) -> bool {
    if config.exclude.is_empty() {
        return false;
    }
    let is_out = |path: &Path, is_file: bool| is_left_out(config, path, is_file, asked, disk, show);
    if is_file || is_out(path, false) {
        return is_out(path, is_file);
    }
    let own = disk.resolve(path).map(|real| files::markers(&real)).unwrap_or_default();
    !own.is_empty() && own.iter().all(|name| is_out(&path.join(name), true))
}

fn is_left_out(config: &Config, path: &Path, is_file: bool, asked: &Check, disk: &Disk, show: &Show) -> bool {
    let whole = |path: &Path| {
        let real = disk.resolve(path).unwrap_or_else(|_| path.to_owned());
        lexical(&show.directory.join(real))
    };
    let path = whole(path);
    let own = whole(config.path.parent().unwrap_or(Path::new("")));
    // A file that `--config` names may lie elsewhere: its globs hold below the working directory then.
    let Some(base) = [&own, &show.directory].into_iter().find(|base| path.starts_with(base)) else { return false };
    let is_covered = |top: &Path| {
        let parts = path.ancestors().take_while(|part| *part != top && part != base);
        let covers = |part: &Path| {
            let is_directory = !is_file || part != path;
            part.strip_prefix(base).is_ok_and(|inside| config.exclude.covers(inside, is_directory))
        };
        parts.into_iter().any(covers)
    };
    let tops: Vec<PathBuf> = asked.paths.iter().chain(&asked.stdin_filename).map(|path| whole(path)).collect();
    let mut tops = tops.iter().filter(|top| !asked.force_exclude && path.starts_with(top)).peekable();
    match tops.peek() {
        Some(_) => tops.all(|top| is_covered(top)),
        None => is_covered(base),
    }
}
