//! The files of a question, by their path in the data directory.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::user;

/// Bytes of a file, a message or a value: nothing here need be UTF-8.
pub type Bytes = Vec<u8>;

/// Files to put into a data directory.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct FileSet {
    /// Contents by path relative to the data directory, `/` between names;
    /// `None` deletes a file that a fresh data directory has.
    pub files: BTreeMap<String, Option<Bytes>>,
    /// Which of them get other permissions than usual.
    pub modes: BTreeMap<String, u32>,
}

impl FileSet {
    /// A lone postgresql.conf.
    pub fn conf(bytes: impl Into<Bytes>) -> FileSet {
        FileSet::default().with("postgresql.conf", bytes)
    }

    /// The same files and one more.
    #[must_use]
    pub fn with(mut self, path: &str, bytes: impl Into<Bytes>) -> FileSet {
        self.files.insert(path.to_string(), Some(bytes.into()));
        self
    }

    /// The same files and one that is to be missing.
    #[must_use]
    pub fn without(mut self, path: &str) -> FileSet {
        self.files.insert(path.to_string(), None);
        self
    }

    /// The same files, one of them with these permissions.
    #[must_use]
    pub fn mode(mut self, path: &str, mode: u32) -> FileSet {
        self.modes.insert(path.to_string(), mode);
        self
    }

    /// The contents of one file, if it is there.
    pub fn get(&self, path: &str) -> Option<&Bytes> {
        self.files.get(path)?.as_ref()
    }

    /// Writes the files below a directory and returns every path that did not
    /// exist before, parents first.
    pub fn write(&self, directory: &Path) -> Result<Vec<PathBuf>> {
        let mut created = Vec::new();
        if let Some(mode) = self.modes.get(".") {
            fs::set_permissions(directory, fs::Permissions::from_mode(*mode))?;
        }
        for (name, bytes) in &self.files {
            let path = directory.join(name);
            let Some(bytes) = bytes else {
                match fs::remove_file(&path) {
                    Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                    other => other.with_context(|| format!("deleting {}", path.display()))?,
                }
                continue;
            };
            // Most files lie in the data directory itself and replace nothing.
            if name.contains('/') {
                create_parents(directory, name, &mut created)?;
            }
            if !matches!(name.as_str(), "postgresql.conf" | "postgresql.auto.conf") && !path.exists() {
                created.push(path.clone());
            }
            fs::write(&path, bytes).with_context(|| format!("writing {}", path.display()))?;
            if let Some(mode) = self.modes.get(name) {
                fs::set_permissions(&path, fs::Permissions::from_mode(*mode))?;
            }
        }
        Ok(created)
    }
}

/// Replaces every occurrence of one string of bytes by another.
pub fn replace(bytes: &[u8], from: &[u8], to: &[u8]) -> Bytes {
    let mut out = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while !rest.is_empty() {
        if !from.is_empty() && rest.starts_with(from) {
            out.extend(to);
            rest = &rest[from.len()..];
        } else {
            out.push(rest[0]);
            rest = &rest[1..];
        }
    }
    out
}

fn create_parents(directory: &Path, name: &str, created: &mut Vec<PathBuf>) -> Result<()> {
    for (end, _) in name.match_indices('/') {
        let parent = directory.join(&name[..end]);
        if parent.is_file() {
            fs::remove_file(&parent)?;
        }
        if !parent.is_dir() {
            fs::create_dir(&parent).with_context(|| format!("creating {}", parent.display()))?;
            user::give(&parent)?;
            created.push(parent);
        }
    }
    Ok(())
}
