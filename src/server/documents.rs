//! What stands in the editor's buffers, and the disk behind them.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use gen_lsp_types::Uri;

use crate::files::{Disk, kind_of};
use crate::source::{FileKind, Files, ReadError};

/// An open file.
#[derive(Clone, Debug)]
pub struct Document {
    /// As the client spells it.
    pub uri: Uri,
    /// Grows with each change.
    pub version: i32,
    /// What it is by what the client calls its language, or by its name. Other files may be included by one that is known.
    pub kind: Option<FileKind>,
    /// What stands in the buffer.
    pub bytes: Arc<[u8]>,
}

/// Open files by path, without `.` and `..`.
pub type Documents = BTreeMap<PathBuf, Document>;

/// Files as the user sees them: buffers stand before the disk.
pub struct Buffers<'a> {
    /// What is open.
    pub documents: &'a Documents,
    /// Where all else is read.
    pub disk: &'a Disk,
}

impl Buffers<'_> {
    fn open(&self, path: &Path) -> Option<&Document> {
        self.documents.get(&real(self.disk, path))
    }
}

impl Files for Buffers<'_> {
    fn read(&self, path: &Path) -> Result<Arc<[u8]>, ReadError> {
        self.open(path).map_or_else(|| self.disk.read(path), |document| Ok(Arc::clone(&document.bytes)))
    }

    fn list(&self, directory: &Path) -> Result<Vec<(Vec<u8>, bool)>, ReadError> {
        let mut names = self.disk.list(directory)?;
        let inside = real(self.disk, directory);
        // A new file stands in its buffer before it is on the disk.
        for path in self.documents.keys().filter(|path| path.parent() == Some(&inside)) {
            let Some(name) = path.file_name().map(|name| name.as_encoded_bytes().to_vec()) else { continue };
            if !names.iter().any(|(known, _)| *known == name) {
                names.push((name, false));
            }
        }
        Ok(names)
    }

    fn mode(&self, path: &Path) -> Option<u32> {
        self.disk.mode(path)
    }

    fn owner(&self, path: &Path) -> Option<u32> {
        self.disk.owner(path)
    }
}

/// Where a path leads, without `.` and `..`: what an include names and what the editor opens are then the same.
pub fn real(disk: &Disk, path: &Path) -> PathBuf {
    let resolved = disk.resolve(path).unwrap_or_else(|_| path.to_owned());
    let mut plain = PathBuf::new();
    for component in resolved.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => {
                plain.pop();
            }
            component => plain.push(component),
        }
    }
    plain
}

/// What a file is by the language that the client says, else by its name.
///
/// Stricter than on the command line: an editor shows whatever is opened, and most `*.conf` are not PostgreSQL's.
pub fn kind(language: &str, path: &Path) -> Option<FileKind> {
    match language {
        "postgresql-conf" => return Some(FileKind::Conf),
        "postgresql-hba" => return Some(FileKind::Hba),
        "postgresql-ident" => return Some(FileKind::Ident),
        "postgresql-recovery" => return Some(FileKind::Recovery),
        _ => {}
    }
    let name = path.file_name()?.to_str()?;
    let kind = kind_of(path).filter(|_| name.contains(".conf"))?;
    let is_named = kind != FileKind::Conf || name.starts_with("postgresql.");
    is_named.then_some(kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_named_like_it_is_postgresql_s() {
        let kind = |path: &str| kind("conf", Path::new(path));
        assert_eq!(kind("/a/postgresql.auto.conf"), Some(FileKind::Conf));
        assert_eq!(kind("/a/pg_hba.conf.j2"), Some(FileKind::Hba));
        assert_eq!(kind("/a/recovery.conf"), Some(FileKind::Recovery));
        for other in ["/etc/nginx/nginx.conf", "/a/pg_hba.py", "/a/postgresql.service", "/a/recovery.done"] {
            assert_eq!(kind(other), None, "{other}");
        }
        assert_eq!(super::kind("postgresql-conf", Path::new("/a/extra")), Some(FileKind::Conf));
    }

    #[test]
    fn buffers_stand_before_the_disk_under_every_name() {
        let directory = tempfile::tempdir().expect("a directory");
        let disk = Disk::default();
        let path = directory.path().join("conf.d/new.conf");
        let document =
            Document { uri: Uri(String::new()), version: 1, kind: None, bytes: Arc::from(&b"port = 1\n"[..]) };
        let documents = Documents::from([(path, document)]);
        let files = Buffers { documents: &documents, disk: &disk };
        let other = directory.path().join("x/../conf.d/./new.conf");
        assert_eq!(files.read(&other).as_deref(), Ok(&b"port = 1\n"[..]));
        assert_eq!(files.list(&directory.path().join("conf.d")), Err(ReadError::Missing));
        std::fs::create_dir(directory.path().join("conf.d")).expect("made");
        assert_eq!(files.list(&directory.path().join("conf.d")), Ok(vec![(b"new.conf".to_vec(), false)]));
    }
}
