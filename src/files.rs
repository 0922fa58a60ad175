//! The disk: reading, finding nodes, and replacing a file so that a crash leaves the old or the new one.

// This is the outer ring: here the disk is.
#![allow(clippy::disallowed_methods)]

mod change;
mod discover;
mod ignored;
mod inputs;
mod postmaster;
mod reader;
mod replace;

pub use change::{Access, Call, Changes, access};
pub use discover::{Discovery, Node, Place, discover, holds_node, kind_of, markers, pages};
pub use inputs::{Cached, differences, sha256, state};
pub use postmaster::{Postmaster, postmaster};
pub use reader::Reader;
pub use replace::{create, replace};

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use crate::names;
use crate::source::{Files, ReadError};

/// Files as they lie on the disk.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Disk {
    /// The directory below which absolute paths are looked up: an image, or a repository.
    pub root: Option<PathBuf>,
    /// The user as whom files are read; nothing for whoever runs this.
    pub reader: Option<Reader>,
}

impl Disk {
    /// The disk, or what lies below a directory, as whoever runs this sees it.
    pub fn below(root: Option<PathBuf>) -> Disk {
        Disk { root, reader: None }
    }

    fn is_denied(&self, path: &Path) -> bool {
        // Which version it is may be known whoever asks.
        !path.ends_with(names::PG_VERSION) && self.reader.as_ref().is_some_and(|reader| !reader.can_read(path))
    }

    /// Where a path really lies: the same path, or below the root if there is one.
    ///
    /// # Errors
    /// [`ReadError::Loop`] after 40 symbolic links.
    pub fn resolve(&self, path: &Path) -> Result<PathBuf, ReadError> {
        // The directory above a bare name has none.
        let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
        let Some(root) = &self.root else {
            return Ok(path.to_owned());
        };
        match path.strip_prefix(root) {
            Ok(inside) => below(root, inside),
            Err(_) if path.is_absolute() => below(root, path),
            Err(_) => Ok(path.to_owned()),
        }
    }

    /// Why nothing is behind a link: that a name is there and no file would otherwise look like no file at all.
    fn dangling(&self, link: &Path) -> Option<String> {
        let error = match self.resolve(link) {
            Ok(path) => words(&fs::metadata(path).err()?),
            Err(error) => error,
        };
        let target = fs::read_link(link).unwrap_or_default();
        Some(format!("a link to {}: {error}", target.display()))
    }
}

impl Files for Disk {
    fn read(&self, path: &Path) -> Result<Arc<[u8]>, ReadError> {
        let path = self.resolve(path)?;
        // Opening a FIFO waits for a writer: look before.
        let kind = fs::metadata(&path).map_err(|error| words(&error))?.file_type();
        if kind.is_dir() {
            return Err(ReadError::IsDirectory);
        }
        if !kind.is_file() {
            return Err(ReadError::Other(special(kind).to_owned()));
        }
        if self.is_denied(&path) {
            return Err(ReadError::Denied);
        }
        let mut file = File::open(&path).map_err(|error| words(&error))?;
        read_all(&mut file).map_err(|error| words(&error))
    }

    fn list(&self, directory: &Path) -> Result<Vec<(Vec<u8>, bool)>, ReadError> {
        let directory = self.resolve(directory)?;
        if self.is_denied(&directory) {
            return Err(ReadError::Denied);
        }
        let mut names = Vec::new();
        for entry in fs::read_dir(&directory).map_err(|error| words(&error))? {
            let entry = entry.map_err(|error| words(&error))?;
            let kind = entry.file_type().map_err(|error| words(&error))?;
            // A link counts as what it leads to, and a dangling one as a file: reading it says what is wrong.
            let is_directory = if kind.is_symlink() {
                let target = self.resolve(&entry.path())?;
                fs::metadata(target).is_ok_and(|target| target.is_dir())
            } else {
                kind.is_dir()
            };
            names.push((entry.file_name().into_encoded_bytes(), is_directory));
        }
        Ok(names)
    }

    #[cfg(unix)]
    fn mode(&self, path: &Path) -> Option<u32> {
        use std::os::unix::fs::PermissionsExt;
        let metadata = fs::metadata(self.resolve(path).ok()?).ok()?;
        Some(metadata.permissions().mode() & 0o7777)
    }

    #[cfg(unix)]
    fn owner(&self, path: &Path) -> Option<u32> {
        use std::os::unix::fs::MetadataExt;
        Some(fs::metadata(self.resolve(path).ok()?).ok()?.uid())
    }
}

/// Reads a file of which neither the size nor the end is sure: a log may grow, an editor may cut it short.
fn read_all(file: &mut File) -> io::Result<Arc<[u8]>> {
    let expected = usize::try_from(file.metadata()?.len()).map_err(io::Error::other)?;
    // Straight into its final place: a copy would double the memory that a large file takes.
    let mut bytes: Arc<[u8]> = std::iter::repeat_n(0, expected).collect();
    let place = Arc::get_mut(&mut bytes).expect("nobody else has it yet");
    let mut filled = 0;
    while filled < expected {
        match file.read(&mut place[filled..]) {
            Ok(0) => return Ok(Arc::from(&bytes[..filled])),
            Ok(length) => filled += length,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    let mut rest = Vec::new();
    file.read_to_end(&mut rest)?;
    if rest.is_empty() {
        return Ok(bytes);
    }
    Ok(Arc::from([&bytes, rest.as_slice()].concat()))
}

/// The system's error as the core knows it.
pub fn words(error: &io::Error) -> ReadError {
    const TOO_MANY_LINKS: i32 = if cfg!(target_os = "linux") { 40 } else { 62 };
    match error.kind() {
        io::ErrorKind::NotFound => ReadError::Missing,
        io::ErrorKind::PermissionDenied => ReadError::Denied,
        io::ErrorKind::IsADirectory => ReadError::IsDirectory,
        io::ErrorKind::NotADirectory => ReadError::NotDirectory,
        _ if error.raw_os_error() == Some(TOO_MANY_LINKS) => ReadError::Loop,
        _ => {
            let text = error.to_string();
            ReadError::Other(text.split(" (os error").next().unwrap_or(&text).to_owned())
        }
    }
}

fn special(kind: fs::FileType) -> &'static str {
    #[cfg(unix)]
    {
        use std::os::unix::fs::FileTypeExt;
        if kind.is_fifo() {
            return "It is a FIFO, not a file";
        }
        if kind.is_socket() {
            return "It is a socket, not a file";
        }
        if kind.is_block_device() || kind.is_char_device() {
            return "It is a device, not a file";
        }
    }
    let _ = kind;
    "It is not a regular file"
}

/// Walks `path` as if `root` were the root directory: `..` stops there, absolute links begin there.
fn below(root: &Path, path: &Path) -> Result<PathBuf, ReadError> {
    let mut inside = PathBuf::new();
    let mut todo: Vec<OsString> = names_reversed(path);
    let mut links = 0;
    while let Some(name) = todo.pop() {
        if name == ".." {
            inside.pop();
            continue;
        }
        inside.push(&name);
        let Ok(target) = fs::read_link(root.join(&inside)) else { continue };
        links += 1;
        if links > 40 {
            return Err(ReadError::Loop);
        }
        inside.pop();
        if target.is_absolute() {
            inside.clear();
        }
        todo.extend(names_reversed(&target));
    }
    Ok(root.join(inside))
}

fn names_reversed(path: &Path) -> Vec<OsString> {
    let names = path.components().filter_map(|component| match component {
        Component::Normal(name) => Some(name.to_owned()),
        Component::ParentDir => Some(OsString::from("..")),
        Component::Prefix(_) | Component::RootDir | Component::CurDir => None,
    });
    let mut names: Vec<OsString> = names.collect();
    names.reverse();
    names
}

/// Files that stand in memory before those of another source: fixed ones not yet written, and standard input.
pub struct Overlay<'a> {
    /// What stands before.
    pub files: BTreeMap<PathBuf, Arc<[u8]>>,
    /// Where all else is read.
    pub under: &'a dyn Files,
}

impl Files for Overlay<'_> {
    fn read(&self, path: &Path) -> Result<Arc<[u8]>, ReadError> {
        self.files.get(path).map_or_else(|| self.under.read(path), |bytes| Ok(Arc::clone(bytes)))
    }

    fn list(&self, directory: &Path) -> Result<Vec<(Vec<u8>, bool)>, ReadError> {
        self.under.list(directory)
    }

    fn mode(&self, path: &Path) -> Option<u32> {
        // What is written takes over the mode of what it replaces.
        self.under.mode(path)
    }

    fn owner(&self, path: &Path) -> Option<u32> {
        self.under.owner(path)
    }
}

/// Files that exist only in memory.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    /// What each path holds, or why it cannot be read.
    pub files: BTreeMap<PathBuf, Result<Arc<[u8]>, ReadError>>,
}

impl Memory {
    /// The same files and one more.
    #[must_use]
    pub fn with(mut self, path: &str, bytes: &[u8]) -> Memory {
        self.files.insert(path.into(), Ok(Arc::from(bytes)));
        self
    }
}

impl Files for Memory {
    fn read(&self, path: &Path) -> Result<Arc<[u8]>, ReadError> {
        let is_directory = || self.files.keys().any(|file| file.starts_with(path));
        match self.files.get(path) {
            Some(file) => file.clone(),
            None if is_directory() => Err(ReadError::IsDirectory),
            None => Err(ReadError::Missing),
        }
    }

    fn list(&self, directory: &Path) -> Result<Vec<(Vec<u8>, bool)>, ReadError> {
        if self.files.contains_key(directory) {
            return Err(ReadError::NotDirectory);
        }
        let names: BTreeSet<(Vec<u8>, bool)> = self
            .files
            .keys()
            .filter_map(|file| {
                let mut below = file.strip_prefix(directory).ok()?.components();
                let name = below.next()?.as_os_str().as_encoded_bytes().to_vec();
                Some((name, below.next().is_some()))
            })
            .collect();
        if names.is_empty() { Err(ReadError::Missing) } else { Ok(names.into_iter().collect()) }
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    fn tree() -> tempfile::TempDir {
        let tree = tempfile::tempdir().expect("a temporary directory");
        fs::create_dir_all(tree.path().join("image/etc/pg")).expect("made");
        fs::write(tree.path().join("image/etc/pg/a.conf"), "inside").expect("written");
        fs::write(tree.path().join("secret"), "outside").expect("written");
        tree
    }

    #[test]
    fn errors_are_told_apart() {
        let tree = tree();
        let path = |name: &str| tree.path().join(name);
        symlink("loop", path("loop")).expect("linked");
        let socket = std::os::unix::net::UnixListener::bind(path("socket")).expect("bound");
        let read = |name: &str| Disk::default().read(&path(name)).map(|bytes| bytes.len());
        assert_eq!(read("image/etc/pg/a.conf"), Ok(6));
        assert_eq!(read("none"), Err(ReadError::Missing));
        assert_eq!(read("image"), Err(ReadError::IsDirectory));
        assert_eq!(read("secret/x"), Err(ReadError::NotDirectory));
        assert_eq!(read("loop"), Err(ReadError::Loop));
        assert_eq!(read("socket"), Err(ReadError::Other("It is a socket, not a file".to_owned())));
        assert_eq!(Disk::default().list(&path("secret")), Err(ReadError::NotDirectory));
        drop(socket);
    }

    #[test]
    fn a_fifo_is_refused_and_does_not_hang() {
        let tree = tree();
        let fifo = tree.path().join("postgresql.conf");
        let made = std::process::Command::new("mkfifo").arg(&fifo).status().expect("mkfifo runs");
        assert!(made.success());
        assert_eq!(Disk::default().read(&fifo), Err(ReadError::Other("It is a FIFO, not a file".to_owned())));
        assert!(Disk::default().read(Path::new("/dev/null")).is_err());
    }

    #[test]
    fn a_file_without_a_true_size_is_read_to_its_end() {
        assert!(!Disk::default().read(Path::new("/proc/self/status")).expect("readable").is_empty());
    }

    #[test]
    fn nothing_below_a_root_leads_out_of_it() {
        let tree = tree();
        let image = tree.path().join("image");
        symlink("/etc/pg/a.conf", image.join("absolute")).expect("linked");
        symlink("../../../../etc/pg/a.conf", image.join("etc/pg/relative")).expect("linked");
        symlink("../../secret", image.join("out")).expect("linked");
        symlink("/round", image.join("round")).expect("linked");
        let disk = Disk::below(Some(image.clone()));
        let read = |path: &Path| disk.read(path).map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        let inside = Ok("inside".to_owned());
        assert_eq!(read(Path::new("/etc/pg/a.conf")), inside);
        assert_eq!(read(Path::new("/absolute")), inside);
        assert_eq!(read(Path::new("/etc/pg/relative")), inside);
        assert_eq!(read(&image.join("etc/../../../etc/pg/a.conf")), inside);
        assert_eq!(read(Path::new("/out")), Err(ReadError::Missing));
        assert_eq!(read(Path::new("/../secret")), Err(ReadError::Missing));
        assert_eq!(read(Path::new("/round")), Err(ReadError::Loop));
    }

    #[test]
    fn modes_are_those_of_the_disk() {
        let tree = tree();
        let path = tree.path().join("image/etc/pg/a.conf");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).expect("changed");
        symlink("/etc/pg/a.conf", tree.path().join("image/link")).expect("linked");
        let disk = Disk::below(Some(tree.path().join("image")));
        let cached = Cached::new(&disk);
        let overlay = Overlay { files: BTreeMap::new(), under: &cached };
        assert_eq!(Disk::default().mode(&path), Some(0o640));
        assert_eq!(overlay.mode(Path::new("/link")), Some(0o640));
        assert_eq!(overlay.mode(Path::new("/none")), None);
        assert_eq!(Memory::default().with("a", b"").mode(Path::new("a")), None);
    }

    #[test]
    fn a_file_that_may_not_be_read_is_denied() {
        let tree = tree();
        let path = tree.path().join("secret");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o000)).expect("changed");
        // Root reads everything, so there is nothing to see as root.
        if File::open(&path).is_err() {
            assert_eq!(Disk::default().read(&path), Err(ReadError::Denied));
        }
    }

    #[test]
    fn memory_lists_as_a_disk_does() {
        let memory = Memory::default().with("a/b/c.conf", b"x").with("a/d.conf", b"y");
        assert_eq!(memory.list(Path::new("a")), Ok(vec![(b"b".to_vec(), true), (b"d.conf".to_vec(), false)]));
        assert_eq!(memory.list(Path::new("z")), Err(ReadError::Missing));
        assert_eq!(memory.read(Path::new("a/b")), Err(ReadError::IsDirectory));
    }
}
