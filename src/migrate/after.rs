//! The files of a node as they will be: some with other bytes, some no longer there.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::source::{Files, ReadError};

/// Files of another source with changes before them.
pub struct After<'a> {
    /// New bytes by path; `None` stands for a file that is gone.
    pub files: BTreeMap<PathBuf, Option<Arc<[u8]>>>,
    /// Where all else is read.
    pub under: &'a dyn Files,
}

impl<'a> After<'a> {
    /// As it is under it.
    pub fn new(under: &'a dyn Files) -> After<'a> {
        After { files: BTreeMap::new(), under }
    }

    /// Gives a file these bytes.
    pub fn set(&mut self, path: PathBuf, bytes: Vec<u8>) {
        self.files.insert(path, Some(Arc::from(bytes)));
    }

    /// Takes a file away.
    pub fn hide(&mut self, path: PathBuf) {
        self.files.insert(path, None);
    }
}

impl Files for After<'_> {
    fn read(&self, path: &Path) -> Result<Arc<[u8]>, ReadError> {
        match self.files.get(path) {
            Some(Some(bytes)) => Ok(Arc::clone(bytes)),
            Some(None) => Err(ReadError::Missing),
            None => self.under.read(path),
        }
    }

    fn list(&self, directory: &Path) -> Result<Vec<(Vec<u8>, bool)>, ReadError> {
        self.under.list(directory)
    }

    fn mode(&self, path: &Path) -> Option<u32> {
        self.under.mode(path)
    }
}
