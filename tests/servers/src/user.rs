//! The account that servers run under. PostgreSQL refuses to run as root, so
//! root lends itself `postgres`, or `nobody` where there is none.

use std::ffi::OsStr;
use std::os::unix::fs::{MetadataExt, chown};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::OnceLock;

/// A user and a group, by number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct User {
    /// The user's number.
    pub uid: u32,
    /// The number of its own group.
    pub gid: u32,
    /// Whether this process must become that user to run a server.
    pub other: bool,
}

/// The user that servers run under, looked up once.
pub fn user() -> User {
    static USER: OnceLock<User> = OnceLock::new();
    *USER.get_or_init(|| {
        let uid = rustix::process::geteuid().as_raw();
        let gid = rustix::process::getegid().as_raw();
        if uid != 0 {
            return User { uid, gid, other: false };
        }
        let accounts = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
        let (uid, gid) =
            account(&accounts, "postgres").or_else(|| account(&accounts, "nobody")).unwrap_or((65534, 65534));
        User { uid, gid, other: true }
    })
}

/// A command that will run as [`user`], with nothing of this environment that
/// could change a server's answer.
pub fn command(program: impl AsRef<OsStr>) -> Command {
    let user = user();
    let mut command = Command::new(program);
    command.env_clear().env("PATH", "/usr/local/bin:/usr/bin:/bin").env("LC_ALL", "C").env("TZ", "UTC");
    command.current_dir("/").stdin(Stdio::null());
    if user.other {
        command.uid(user.uid).gid(user.gid);
    }
    command
}

/// Gives a file or directory to [`user`].
pub fn give(path: &Path) -> std::io::Result<()> {
    let user = user();
    if user.other && path.symlink_metadata()?.uid() != user.uid {
        chown(path, Some(user.uid), Some(user.gid))?;
    }
    Ok(())
}

/// Whether [`user`] can enter a directory and read what it holds.
pub fn can_read(directory: &Path) -> bool {
    let mut test = command("/usr/bin/env");
    test.args(["sh", "-c", "cd \"$1\" && test -r .", "sh"]).arg(directory);
    test.stdout(Stdio::null()).stderr(Stdio::null());
    test.status().is_ok_and(|status| status.success())
}

fn account(accounts: &str, name: &str) -> Option<(u32, u32)> {
    let line = accounts.lines().find(|line| line.split(':').next() == Some(name))?;
    let mut fields = line.split(':').skip(2);
    Some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
}
