//! What was read of a node: each file once, so that a plan can be bound to it.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::ffi::OsString;
use std::fmt::Write;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::{Disk, access, words};
use crate::migrate::manifest::{Found, Input, State};
use crate::names;
use crate::source::{Files, ReadError};

/// What reading a file came to.
type Answer = Result<Arc<[u8]>, ReadError>;
/// What listing a directory came to.
type Listing = Result<Vec<(Vec<u8>, bool)>, ReadError>;

/// Files of another source, each read at most once: for one node, and dropped with it.
pub struct Cached<'a> {
    // Not by path: to hash one is to split it.
    read: RefCell<HashMap<OsString, Answer>>,
    listed: RefCell<HashMap<OsString, Listing>>,
    under: &'a dyn Files,
}

impl<'a> Cached<'a> {
    /// Keeps what is read from `under`.
    pub fn new(under: &'a dyn Files) -> Cached<'a> {
        Cached { read: RefCell::default(), listed: RefCell::default(), under }
    }

    /// All that has been read so far, by path; `disk` says whose the files are. What a server writes while it runs is
    /// left out: it comes and goes with the server.
    pub fn inputs(&self, disk: &Disk) -> Vec<Input> {
        let mut inputs = BTreeMap::new();
        for (path, answer) in self.listed.borrow().iter() {
            let found = match answer {
                Ok(entries) => Found::Directory { names: included(entries) },
                Err(error) => missing(error),
            };
            inputs.insert(PathBuf::from(path), found);
        }
        for (path, answer) in self.read.borrow().iter() {
            let path = Path::new(path);
            let found = match answer {
                Ok(bytes) => match disk.resolve(path).map(|path| access(&path)) {
                    Ok(Ok(access)) => Found::File(as_state(bytes, access)),
                    _ => Found::Nothing,
                },
                // It was listed as well.
                Err(ReadError::IsDirectory) if inputs.contains_key(path) => continue,
                Err(error) => missing(error),
            };
            inputs.insert(path.to_owned(), found);
        }
        let inputs = inputs.into_iter().filter(|(path, _)| !is_of_a_running_server(path));
        inputs.map(|(path, found)| Input { path, found }).collect()
    }
}

impl Files for Cached<'_> {
    fn read(&self, path: &Path) -> Answer {
        if let Some(known) = self.read.borrow().get(path.as_os_str()) {
            return known.clone();
        }
        let read = self.under.read(path);
        self.read.borrow_mut().insert(path.into(), read.clone());
        read
    }

    fn list(&self, directory: &Path) -> Listing {
        if let Some(known) = self.listed.borrow().get(directory.as_os_str()) {
            return known.clone();
        }
        let listed = self.under.list(directory);
        self.listed.borrow_mut().insert(directory.into(), listed.clone());
        listed
    }

    fn mode(&self, path: &Path) -> Option<u32> {
        self.under.mode(path)
    }

    fn owner(&self, path: &Path) -> Option<u32> {
        self.under.owner(path)
    }
}

fn missing(error: &ReadError) -> Found {
    match error {
        ReadError::Missing | ReadError::NotDirectory => Found::Nothing,
        other => Found::Unreadable { why: other.to_string() },
    }
}

/// The files of a directory that `include_dir` reads.
fn included(entries: &[(Vec<u8>, bool)]) -> Vec<String> {
    let is_read = |name: &[u8]| name.ends_with(b".conf") && !name.starts_with(b".");
    let names = entries.iter().filter(|(name, is_directory)| is_read(name) && !is_directory);
    let mut names: Vec<String> = names.map(|(name, _)| String::from_utf8_lossy(name).into_owned()).collect();
    names.sort_unstable();
    names
}

fn is_of_a_running_server(path: &Path) -> bool {
    path.ends_with(names::POSTMASTER_PID)
        || path.ends_with(names::PG_CONTROL)
        || path.iter().any(|part| part == names::PG_REPLSLOT)
}

/// What has changed since, a sentence for each input.
pub fn differences(inputs: &[Input], disk: &Disk) -> Vec<String> {
    let mut sentences = Vec::new();
    for input in inputs {
        let path = input.path.display();
        let now = look(&input.path, disk);
        match (&input.found, &now) {
            (before, now) if before == now => {}
            (Found::Directory { names: before }, Found::Directory { names: now }) => {
                let new = now.iter().filter(|name| !before.contains(name));
                sentences.extend(new.map(|name| format!("{path}/{name} has appeared")));
                let gone = before.iter().filter(|name| !now.contains(name));
                sentences.extend(gone.map(|name| format!("{path}/{name} has vanished")));
            }
            (Found::File(before), Found::File(now)) if before.sha256 == now.sha256 => {
                sentences.push(format!("{path} has another mode or owner"));
            }
            // It was taken for a file once, and what is in it was not asked for.
            (Found::Unreadable { why }, Found::Directory { .. }) if *why == ReadError::IsDirectory.to_string() => {}
            (Found::Nothing, _) => sentences.push(format!("{path} has appeared")),
            (_, Found::Nothing) => sentences.push(format!("{path} has vanished")),
            _ => sentences.push(format!("{path} has been changed")),
        }
    }
    sentences
}

fn look(path: &Path, disk: &Disk) -> Found {
    match disk.read(path) {
        Ok(bytes) => match disk.resolve(path).map(|path| access(&path)) {
            Ok(Ok(access)) => Found::File(as_state(&bytes, access)),
            _ => Found::Nothing,
        },
        Err(ReadError::IsDirectory) => match disk.list(path) {
            Ok(entries) => Found::Directory { names: included(&entries) },
            Err(error) => missing(&error),
        },
        Err(error) => missing(&error),
    }
}

fn as_state(bytes: &[u8], access: super::Access) -> State {
    State { sha256: sha256(bytes), mode: access.mode, uid: access.uid, gid: access.gid }
}

/// What a file is now; nothing where it is not there.
///
/// # Errors
/// As the operating system reports them.
pub fn state(path: &Path) -> Result<Option<State>, ReadError> {
    let bytes = match Disk::default().read(path) {
        Ok(bytes) => bytes,
        // A link to nothing is in the way of a new file all the same.
        Err(ReadError::Missing) if fs::symlink_metadata(path).is_ok() => {
            return Err(ReadError::Other("it is a link to nothing".to_owned()));
        }
        Err(ReadError::Missing) => return Ok(None),
        Err(error) => return Err(error),
    };
    let in_words = |error: io::Error| words(&error);
    Ok(Some(as_state(&bytes, access(path).map_err(in_words)?)))
}

/// The sum of bytes, as sha256sum prints it.
pub fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().fold(String::with_capacity(64), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn what_was_read_is_told_apart_from_what_is_there_later() {
        let tree = tempfile::tempdir().expect("a temporary directory");
        let path = |name: &str| tree.path().join(name);
        fs::create_dir(path("conf.d")).expect("made");
        for name in ["a.conf", "b.conf", "c.conf", "conf.d/1.conf", "postmaster.pid"] {
            fs::write(path(name), name).expect("written");
        }
        let disk = Disk::default();
        let cached = Cached::new(&disk);
        fs::create_dir(path("sockets")).expect("made");
        for name in ["a.conf", "b.conf", "c.conf", "none.conf", "postmaster.pid", "sockets"] {
            let _ = cached.read(&path(name));
        }
        cached.list(&path("conf.d")).expect("listed");
        let _ = cached.read(&path("conf.d"));
        let inputs = cached.inputs(&disk);
        assert_eq!(inputs.len(), 6, "{inputs:?}");
        assert_eq!(differences(&inputs, &disk), Vec::<String>::new());
        // What include_dir does not read may come and go.
        fs::write(path("conf.d/.hidden.conf"), "").expect("written");
        fs::write(path("conf.d/readme"), "").expect("written");
        fs::remove_file(path("postmaster.pid")).expect("removed");
        assert_eq!(differences(&inputs, &disk), Vec::<String>::new());
        fs::write(path("a.conf"), "other").expect("written");
        fs::remove_file(path("b.conf")).expect("removed");
        fs::set_permissions(path("c.conf"), fs::Permissions::from_mode(0o600)).expect("changed");
        fs::write(path("none.conf"), "").expect("written");
        fs::write(path("conf.d/2.conf"), "").expect("written");
        fs::remove_file(path("conf.d/1.conf")).expect("removed");
        let top = format!("{}/", tree.path().display());
        let told: Vec<String> = differences(&inputs, &disk).iter().map(|text| text.replace(&top, "")).collect();
        assert_eq!(
            told,
            [
                "a.conf has been changed",
                "b.conf has vanished",
                "c.conf has another mode or owner",
                "conf.d/2.conf has appeared",
                "conf.d/1.conf has vanished",
                "none.conf has appeared",
            ]
        );
    }
}
