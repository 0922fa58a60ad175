//! Files that hold a secret, and that every account of the machine may read.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use super::conninfo;
use super::spot::{Spot, View};
use crate::catalog::access::Access;
use crate::names;
use crate::source::{FileId, Files, Place, ReadError, display};

/// The bit of a file that others may read, and of a directory that they may enter.
const OTHERS_READ: u32 = 0o004;
const OTHERS_ENTER: u32 = 0o001;

/// Directories above the working directory that are looked at.
const MOST_PARENTS: usize = 40;

/// A spot for each such file of a node that is in use; what lies in a repository is for everybody's eyes anyway.
pub fn check(view: &View, spots: &mut Vec<Spot>) {
    let version = view.tree.data_directory.join(names::PG_VERSION);
    if matches!(view.files.read(&version), Err(ReadError::Missing | ReadError::NotDirectory)) {
        return;
    }
    let mut told: HashSet<FileId> = HashSet::new();
    for (place, name) in conninfo::passwords(view).into_iter().chain(access_secrets(view)) {
        if !told.insert(place.file) {
            continue;
        }
        let path = &view.sources.get(place.file).path;
        let Some(mode) = mode_for_all(view.files, path) else { continue };
        let file = path.file_name().unwrap_or(path.as_os_str());
        let spot = Spot::new("secret-in-readable-file", place)
            .word("name", name.clone())
            .word("path", display(file.as_encoded_bytes()))
            .word("value", format!("{mode:04o}"))
            .subject(name);
        spots.push(spot.label("for everybody to read"));
    }
}

/// Where options of pg_hba.conf hold a secret.
fn access_secrets<'a>(view: &View<'a>) -> impl Iterator<Item = (Place, String)> + use<'a> {
    let entries = view.access.hba.iter().flat_map(|hba| hba.entries());
    let options = entries.flat_map(|(_, entry)| &entry.options);
    let known = Access::shared(view.settings.catalog.version.major);
    let is_secret = |name: &str| known.option(name.as_bytes()).is_some_and(|word| word.is_secret);
    let secret = options.filter(move |option| is_secret(option.name) && !option.value.is_empty());
    secret.map(|option| (option.place, option.name.to_string()))
}

/// The mode of a file that every account may read, as far as the directories above it are known to let it.
fn mode_for_all(files: &dyn Files, path: &Path) -> Option<u32> {
    let mode = files.mode(path).filter(|mode| mode & OTHERS_READ != 0)?;
    let may_enter = |directory: PathBuf| files.mode(&directory).is_none_or(|mode| mode & OTHERS_ENTER != 0);
    above(path).all(may_enter).then_some(mode)
}

/// The directories above a file; for a relative path also those above the working directory.
fn above(path: &Path) -> impl Iterator<Item = PathBuf> {
    let own = path.ancestors().skip(1).map(|directory| match directory.as_os_str().is_empty() {
        true => PathBuf::from("."),
        false => directory.to_path_buf(),
    });
    let parents = (1..=MOST_PARENTS).map(|depth| std::iter::repeat_n("..", depth).collect());
    own.chain(parents.take(if path.is_absolute() { 0 } else { MOST_PARENTS }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_directories_above_are_looked_at() {
        let shown =
            |path: &str| above(Path::new(path)).take(5).map(|path| path.display().to_string()).collect::<Vec<_>>();
        assert_eq!(shown("/a/b/c.conf"), ["/a/b", "/a", "/"]);
        assert_eq!(shown("a/c.conf"), ["a", ".", "..", "../..", "../../.."]);
        assert_eq!(shown("c.conf"), [".", "..", "../..", "../../..", "../../../.."]);
    }
}
