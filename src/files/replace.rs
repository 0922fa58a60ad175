//! Replacing a file so that at every moment there is either all of the old one or all of the new one.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

/// Replaces the contents of a file durably; a link stays, and what it leads to is replaced.
///
/// The new file has the mode and owner of the old one before it takes its name. It is readable by nobody else in
/// between: it may hold a password.
///
/// # Errors
/// As the operating system reports them; the old file is then untouched.
pub fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let path = fs::canonicalize(path)?;
    let directory = path.parent().ok_or(io::ErrorKind::IsADirectory)?;
    let old = fs::metadata(&path)?;
    if !old.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a regular file"));
    }
    let mut new = tempfile::Builder::new().prefix(".pgconflint-").tempfile_in(directory)?;
    new.write_all(bytes)?;
    keep_owner(&old, new.as_file())?;
    new.as_file().set_permissions(old.permissions())?;
    new.as_file().sync_all()?;
    new.persist(&path).map_err(|error| error.error)?;
    // Without this the rename itself may be lost.
    File::open(directory)?.sync_all()
}

/// Makes a file with this mode, which it has before anything is in it; nothing is ever replaced.
///
/// # Errors
/// As the operating system reports them: [`io::ErrorKind::AlreadyExists`] among them.
pub fn create(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, mode & 0o666);
    let _ = mode;
    let mut file = options.open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// Changing the owner clears the set-id bits, so the mode comes after.
#[cfg(unix)]
fn keep_owner(old: &fs::Metadata, new: &File) -> io::Result<()> {
    use std::os::unix::fs::{MetadataExt, fchown};
    let now = new.metadata()?;
    if (now.uid(), now.gid()) == (old.uid(), old.gid()) {
        return Ok(());
    }
    fchown(new, Some(old.uid()), Some(old.gid()))
}

#[cfg(not(unix))]
fn keep_owner(_old: &fs::Metadata, _new: &File) -> io::Result<()> {
    Ok(())
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

    use super::*;

    #[test]
    fn mode_and_link_stay_and_nothing_is_left_behind() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let (real, link) = (directory.path().join("real"), directory.path().join("link"));
        fs::write(&real, "old").expect("written");
        fs::set_permissions(&real, fs::Permissions::from_mode(0o640)).expect("changed");
        symlink("real", &link).expect("linked");
        let before = fs::metadata(&real).expect("it is there");
        replace(&link, b"new").expect("replaced");
        let after = fs::metadata(&real).expect("it is there");
        assert_eq!(fs::read(&real).expect("readable"), b"new");
        assert!(fs::symlink_metadata(&link).expect("it is there").is_symlink());
        assert_eq!((after.mode(), after.uid(), after.gid()), (before.mode(), before.uid(), before.gid()));
        assert_ne!(after.ino(), before.ino(), "it is another file, not the old one overwritten");
        assert_eq!(fs::read_dir(directory.path()).expect("readable").count(), 2);
    }

    #[test]
    fn the_owner_stays_where_that_is_allowed() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let path = directory.path().join("x");
        fs::write(&path, "old").expect("written");
        // Only root may give a file away.
        if std::os::unix::fs::chown(&path, Some(4321), Some(4321)).is_ok() {
            replace(&path, b"new").expect("replaced");
            let after = fs::metadata(&path).expect("it is there");
            assert_eq!((after.uid(), after.gid()), (4321, 4321));
        }
    }

    #[test]
    fn what_is_no_file_is_refused() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        assert!(replace(directory.path(), b"new").is_err());
        assert!(replace(&directory.path().join("none"), b"new").is_err());
        assert_eq!(fs::read_dir(directory.path()).expect("readable").count(), 0);
    }
}
