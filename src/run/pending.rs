//! What fixes make of files, until all nodes are done: then each file is replaced once.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::fix::Change;
use crate::files::{self, Disk};
use crate::report::Trouble;
use crate::source::{Files, ReadError};

/// The disk as it will be. Nodes may share a file, so each sees what the fixes of the one before made of it.
pub struct Pending<'a> {
    disk: &'a Disk,
    /// By where the file really lies.
    changes: BTreeMap<PathBuf, Change>,
}

impl<'a> Pending<'a> {
    /// Nothing has changed yet.
    pub fn new(disk: &'a Disk) -> Pending<'a> {
        Pending { disk, changes: BTreeMap::new() }
    }

    /// Takes what the fixes of a node change.
    ///
    /// # Errors
    /// A file to which two names lead, with different changes: none of the node's changes is taken.
    pub fn add(&mut self, changes: Vec<Change>) -> Result<(), Trouble> {
        let mut taken: BTreeMap<PathBuf, Change> = BTreeMap::new();
        for change in changes {
            let real = self.real(&change.path).unwrap_or_else(|| change.path.clone());
            if taken.get(&real).is_some_and(|known| known.new != change.new) {
                let message = "two names lead to this file, so its fixes were not applied".to_owned();
                return Err(Trouble { path: Some(change.path), message });
            }
            taken.insert(real, change);
        }
        for (real, change) in taken {
            let old = self.changes.get(&real).map_or(&change.old, |known| &known.old);
            let change = Change { old: Arc::clone(old), ..change };
            self.changes.insert(real, change);
        }
        Ok(())
    }

    /// The changes, by path.
    pub fn changes(&self) -> impl Iterator<Item = &Change> {
        self.changes.values()
    }

    /// Replaces every file that changes, each at once. If one of them must not be touched none is.
    pub fn write(&self) -> Vec<Trouble> {
        let refused: Vec<Trouble> = self.changes.iter().filter_map(|(real, change)| refusal(real, change)).collect();
        if !refused.is_empty() {
            return refused;
        }
        let done = self.changes.iter().map(|(real, change)| (change, files::replace(real, &change.new)));
        let failed = done.filter_map(|(change, done)| Some((change, done.err()?)));
        failed.map(|(change, error)| trouble(change, files::words(&error).to_string())).collect()
    }

    fn real(&self, path: &Path) -> Option<PathBuf> {
        fs::canonicalize(self.disk.resolve(path).ok()?).ok()
    }
}

/// Why a file must not be replaced: it is not the one that was read, or its owner does not want it written.
fn refusal(real: &Path, change: &Change) -> Option<Trouble> {
    let now = match fs::metadata(real).and_then(|metadata| Ok((metadata, fs::read(real)?))) {
        Ok(now) => now,
        Err(error) => return Some(trouble(change, files::words(&error).to_string())),
    };
    match now {
        (metadata, _) if metadata.permissions().readonly() => {
            Some(trouble(change, "it is read-only, so nothing was changed".to_owned()))
        }
        (_, bytes) if *bytes != *change.old => {
            Some(trouble(change, "it has changed since it was read, so nothing was changed".to_owned()))
        }
        _ => None,
    }
}

fn trouble(change: &Change, message: String) -> Trouble {
    Trouble { path: Some(change.path.clone()), message }
}

impl Files for Pending<'_> {
    fn read(&self, path: &Path) -> Result<Arc<[u8]>, ReadError> {
        if !self.changes.is_empty()
            && let Some(change) = self.real(path).and_then(|real| self.changes.get(&real))
        {
            return Ok(Arc::clone(&change.new));
        }
        self.disk.read(path)
    }

    fn list(&self, directory: &Path) -> Result<Vec<(Vec<u8>, bool)>, ReadError> {
        self.disk.list(directory)
    }

    fn mode(&self, path: &Path) -> Option<u32> {
        self.disk.mode(path)
    }

    fn owner(&self, path: &Path) -> Option<u32> {
        self.disk.owner(path)
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn change(path: &Path, old: &str, new: &str) -> Change {
        Change { path: path.to_owned(), old: Arc::from(old.as_bytes()), new: Arc::from(new.as_bytes()) }
    }

    #[test]
    fn a_shared_file_is_read_as_it_will_be_and_written_once() {
        let directory = tempfile::tempdir().expect("a directory");
        let (file, link) = (directory.path().join("a"), directory.path().join("b"));
        fs::write(&file, "1").expect("written");
        std::os::unix::fs::symlink("a", &link).expect("linked");
        let disk = Disk::default();
        let mut pending = Pending::new(&disk);
        pending.add(vec![change(&file, "1", "2")]).expect("taken");
        assert_eq!(pending.read(&link).as_deref(), Ok(&b"2"[..]));
        pending.add(vec![change(&link, "2", "3")]).expect("taken");
        let both = vec![change(&file, "3", "4"), change(&link, "3", "5")];
        assert!(pending.add(both).is_err(), "which of them would it be?");
        assert_eq!(fs::read(&file).expect("there"), b"1");
        assert_eq!(pending.write(), []);
        assert_eq!(fs::read(&file).expect("there"), b"3");
    }

    #[test]
    fn what_has_changed_or_is_read_only_keeps_all_from_being_written() {
        let directory = tempfile::tempdir().expect("a directory");
        let (one, other) = (directory.path().join("one"), directory.path().join("other"));
        fs::write(&one, "1").expect("written");
        fs::write(&other, "1").expect("written");
        let disk = Disk::default();
        let mut pending = Pending::new(&disk);
        pending.add(vec![change(&one, "1", "2"), change(&other, "1", "2")]).expect("taken");
        fs::write(&other, "somebody else's").expect("written");
        assert_eq!(pending.write()[0].path.as_deref(), Some(other.as_path()));
        fs::write(&other, "1").expect("written");
        let mut mode = fs::metadata(&other).expect("there").permissions();
        mode.set_readonly(true);
        fs::set_permissions(&other, mode).expect("set");
        assert!(pending.write()[0].message.starts_with("it is read-only"));
        assert_eq!(fs::read(&one).expect("there"), b"1");
    }
}
