//! Where the collector of logs writes: it opens its first file at the start.

use std::path::{Path, PathBuf};

use super::{Lacking, lacking, needs};
use crate::check::replication::{at_trait, with_trait};
use crate::check::spot::{Spot, View};
use crate::model::path;
use crate::source::{ReadError, display};
use crate::value::Value;

/// The directory of logs is made at the start, but not those above it, and none that the names of the files have.
pub fn check(view: &View, data: &Path) -> Option<Spot> {
    let (_, collects) = with_trait(view, "log-collector")?;
    if collects != Value::Bool(true) {
        return None;
    }
    let directory = with_trait(view, "log-directory")?.1.plain();
    let name = with_trait(view, "log-file")?.1.plain();
    let shown = display(&directory);
    if directory.is_empty() {
        // Together with the name that is a file of the system's own topmost directory.
        let spot = at_trait(view, "log-file-unopenable", "log-directory")?.word("path", "/");
        return Some(spot.word("reason", "no name is the topmost directory").label("empty"));
    }
    let directory = path::from_bytes(&directory);
    let says = format!("could not open log file \"{shown}/");
    let above = directory.parent().filter(|above| !above.as_os_str().is_empty());
    if let Some((why, above)) = above.and_then(|above| Some((lacking(view, &data.join(above))?, above))) {
        return Some(needs(view, "log-directory", above, &why)?.server(says));
    }
    if let Some(why @ Lacking::File) = lacking(view, &data.join(&directory)) {
        return Some(needs(view, "log-directory", &directory, &why)?.server(says));
    }
    let (inside, reason) = file(view, &data.join(&directory), &name)?;
    let path = format!("{shown}/{}", display(&inside));
    Some(at_trait(view, "log-file-unopenable", "log-file")?.word("path", path).word("reason", reason).server(says))
}

/// A name that no file can have: the piece of it that is at fault, and why.
fn file(view: &View, directory: &Path, name: &[u8]) -> Option<(Vec<u8>, &'static str)> {
    let (inside, last) = match memchr::memrchr(b'/', name) {
        Some(slash) => (&name[..slash], &name[slash + 1..]),
        None => (&b""[..], name),
    };
    // Even a name that begins with a slash is put behind the directory.
    let whole = |piece: &[u8]| -> PathBuf {
        let slashes = piece.iter().take_while(|byte| **byte == b'/').count();
        directory.join(path::from_bytes(&piece[slashes..]))
    };
    // What stands for the time of the day is not known.
    if memchr::memchr(b'%', inside).is_none() && !inside.is_empty() && lacking(view, &whole(inside)).is_some() {
        return Some((inside.to_vec(), "there is no such directory"));
    }
    let is_directory = || view.files.read(&whole(name)) == Err(ReadError::IsDirectory);
    (last.is_empty() || memchr::memchr(b'%', name).is_none() && is_directory())
        .then(|| (name.to_vec(), "that is a directory"))
}
