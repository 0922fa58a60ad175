//! Every system call by which a migration changes something: one function each, so that a test can end or fail the run
//! before any of them.

use std::fmt;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

use super::words;

/// A system call that changes something, or makes sure of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Call {
    /// `mkdir`
    MakeDirectory,
    /// `open` of a file that is not there
    MakeFile,
    /// `fchown`
    GiveOwner,
    /// `fchmod`
    SetMode,
    /// `write`
    Write,
    /// `fsync` of a file or directory
    Sync,
    /// `rename`
    Rename,
    /// `unlink`
    Remove,
    /// `rmdir`
    RemoveDirectory,
}

/// Who a file belongs to, and who may read it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Access {
    /// Permission bits.
    pub mode: u32,
    /// The owner.
    pub uid: u32,
    /// The group.
    pub gid: u32,
}

/// Changes on the disk.
#[derive(Clone, Copy)]
pub struct Changes<'a> {
    /// Asked before each system call; what it answers is what the call comes to.
    pub before: &'a dyn Fn(Call, &Path) -> io::Result<()>,
}

impl fmt::Debug for Changes<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Changes")
    }
}

/// What could not be done, in words that name the file.
type Done<T = ()> = Result<T, String>;

impl Changes<'_> {
    fn call<T>(&self, call: Call, path: &Path, act: impl FnOnce() -> io::Result<T>) -> Done<T> {
        (self.before)(call, path).and_then(|()| act()).map_err(|error| format!("{}: {}", path.display(), words(&error)))
    }

    /// Makes a directory that only its owner may enter.
    ///
    /// # Errors
    /// As the operating system reports them; so it is with all the others.
    pub fn make_directory(&self, path: &Path, owner: Access) -> Done {
        self.call(Call::MakeDirectory, path, || {
            let mut builder = fs::DirBuilder::new();
            #[cfg(unix)]
            std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
            builder.create(path)
        })?;
        self.give_directory(path, owner)?;
        self.sync(path)?;
        self.sync_parent(path)
    }

    /// Makes a file that was not there, down to the disk. Its owner and mode are set before anything is in it: it may
    /// hold a password.
    pub fn make_file(&self, path: &Path, bytes: &[u8], access: Access) -> Done {
        let mut file = self.call(Call::MakeFile, path, || {
            let mut options = fs::OpenOptions::new();
            options.write(true).create_new(true);
            #[cfg(unix)]
            std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
            options.open(path)
        })?;
        self.give(&file, path, access)?;
        self.set_mode(&file, path, access.mode)?;
        if !bytes.is_empty() {
            self.call(Call::Write, path, || file.write_all(bytes))?;
        }
        self.call(Call::Sync, path, || file.sync_all())
    }

    /// Gives a file another name in the same directory; what has that name is replaced.
    pub fn rename(&self, from: &Path, to: &Path) -> Done {
        self.call(Call::Rename, to, || fs::rename(from, to))?;
        // Without this the rename itself may be lost.
        self.sync_parent(to)
    }

    /// Takes a file away.
    pub fn remove(&self, path: &Path) -> Done {
        self.call(Call::Remove, path, || fs::remove_file(path))?;
        self.sync_parent(path)
    }

    /// Takes an empty directory away.
    pub fn remove_directory(&self, path: &Path) -> Done {
        self.call(Call::RemoveDirectory, path, || fs::remove_dir(path))?;
        self.sync_parent(path)
    }

    fn sync_parent(&self, path: &Path) -> Done {
        self.sync(path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new(".")))
    }

    fn sync(&self, directory: &Path) -> Done {
        self.call(Call::Sync, directory, || File::open(directory)?.sync_all())
    }

    /// Giving a file away clears some of its bits, so its mode comes after.
    #[cfg(unix)]
    fn give(&self, file: &File, path: &Path, owner: Access) -> Done {
        use std::os::unix::fs::{MetadataExt, fchown};
        let now = file.metadata().map_err(|error| format!("{}: {}", path.display(), words(&error)))?;
        if (now.uid(), now.gid()) == (owner.uid, owner.gid) {
            return Ok(());
        }
        let given = self.call(Call::GiveOwner, path, || fchown(file, Some(owner.uid), Some(owner.gid)));
        given.map_err(|error| format!("{error} (it is to belong to user {}, group {})", owner.uid, owner.gid))
    }

    /// Gives a directory another owner. No link is followed: whoever owns the directory above might put one in its place.
    ///
    /// # Errors
    /// As the operating system reports them.
    #[cfg(unix)]
    pub fn give_directory(&self, path: &Path, owner: Access) -> Done {
        use std::os::unix::fs::{MetadataExt, lchown};
        let now = fs::symlink_metadata(path).map_err(|error| format!("{}: {}", path.display(), words(&error)))?;
        if (now.uid(), now.gid()) == (owner.uid, owner.gid) {
            return Ok(());
        }
        self.call(Call::GiveOwner, path, || lchown(path, Some(owner.uid), Some(owner.gid)))
    }

    /// Nobody owns a file here.
    ///
    /// # Errors
    /// None.
    #[cfg(not(unix))]
    pub fn give_directory(&self, _path: &Path, _owner: Access) -> Done {
        Ok(())
    }

    #[cfg(not(unix))]
    fn give(&self, _file: &File, _path: &Path, _owner: Access) -> Done {
        Ok(())
    }

    #[cfg(unix)]
    fn set_mode(&self, file: &File, path: &Path, mode: u32) -> Done {
        use std::os::unix::fs::PermissionsExt;
        self.call(Call::SetMode, path, || file.set_permissions(fs::Permissions::from_mode(mode)))
    }

    #[cfg(not(unix))]
    fn set_mode(&self, _file: &File, _path: &Path, _mode: u32) -> Done {
        Ok(())
    }
}

/// Who a file or directory belongs to; links are followed.
///
/// # Errors
/// As the operating system reports them.
pub fn access(path: &Path) -> io::Result<Access> {
    let metadata = fs::metadata(path)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        Ok(Access { mode: metadata.mode() & 0o7777, uid: metadata.uid(), gid: metadata.gid() })
    }
    #[cfg(not(unix))]
    {
        let _ = metadata;
        Ok(Access { mode: 0o600, uid: 0, gid: 0 })
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::cell::RefCell;

    use super::*;

    #[test]
    fn each_call_is_asked_about_and_none_is_made_that_is_refused() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let path = directory.path().join("x");
        let here = access(directory.path()).expect("it is there");
        let asked = RefCell::new(Vec::new());
        let before = |call: Call, _: &Path| {
            asked.borrow_mut().push(call);
            Ok(())
        };
        let changes = Changes { before: &before };
        changes.make_file(&path, b"secret", Access { mode: 0o640, ..here }).expect("made");
        assert_eq!(*asked.borrow(), [Call::MakeFile, Call::SetMode, Call::Write, Call::Sync]);
        assert_eq!(access(&path).expect("it is there").mode, 0o640);
        let refused = Changes { before: &|_, _| Err(io::ErrorKind::StorageFull.into()) };
        let other = directory.path().join("y");
        let error = refused.rename(&path, &other).expect_err("refused");
        assert!(error.starts_with(&other.display().to_string()), "{error}");
        assert!(refused.remove(&path).is_err() && path.exists() && !other.exists());
    }
}
