//! Whether a server runs on a data directory, as its postmaster.pid and the machine tell.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::names;

/// What a postmaster.pid comes to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Postmaster {
    /// There is none.
    None,
    /// Its server is gone for certain: no process has its number, and nobody listens on the socket that it left.
    Gone(u32),
    /// It runs, or nothing here proves that it does not; the reason.
    InTheWay(String),
}

/// Looks at the postmaster.pid of a data directory.
///
/// A process of another container, or of another machine with the same disk, is not seen from here. So that no process
/// has the number proves nothing; that the server's own socket is still there, was made by that very process, and
/// refuses to connect proves that it ended on this machine.
pub fn postmaster(data: &Path) -> Postmaster {
    let path = data.join(names::POSTMASTER_PID);
    let in_the_way = |why: &str| Postmaster::InTheWay(format!("{} is there: {why}", path.display()));
    let bytes = match fs::read(&path) {
        Ok(bytes) => bytes,
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Postmaster::None;
        }
        Err(error) => return in_the_way(&super::words(&error).to_string()),
    };
    let text = String::from_utf8_lossy(&bytes);
    let mut lines = text.lines().map(str::trim);
    let Some(pid) =
        lines.next().and_then(|line| line.trim_start_matches('-').parse::<u32>().ok()).filter(|pid| *pid > 0)
    else {
        return in_the_way("it names no process, so nothing says that the server does not run");
    };
    if Path::new("/proc").join(pid.to_string()).exists() {
        return in_the_way(&match command(pid) {
            Some(name) if !name.contains("postgres") && !name.contains("postmaster") => format!(
                "process {pid} runs; here it is `{name}`, but the server may run in another container or on another \
                 machine"
            ),
            _ => format!("the server runs, as process {pid}"),
        });
    }
    // Data directory, start time, port, directory of the socket.
    let mut rest = lines.skip(2);
    let (port, directory) = (rest.next().unwrap_or_default(), rest.next().unwrap_or_default());
    if !port.is_empty() && directory.starts_with('/') {
        match listens(&Path::new(directory).join(format!(".s.PGSQL.{port}")), pid) {
            Some(true) => return in_the_way("a server listens on its socket"),
            Some(false) => return Postmaster::Gone(pid),
            None => {}
        }
    }
    in_the_way(&format!(
        "no process {pid} runs here, but the server may run in another container or on another machine"
    ))
}

/// The name of a process.
fn command(pid: u32) -> Option<String> {
    let name = fs::read_to_string(format!("/proc/{pid}/comm")).ok()?;
    Some(name.trim().to_owned())
}

/// Whether somebody listens on a socket that a process made; nothing where that cannot be told.
#[cfg(unix)]
fn listens(socket: &Path, pid: u32) -> Option<bool> {
    let mut lock = PathBuf::from(socket).into_os_string();
    lock.push(".lock");
    let lock = fs::read_to_string(lock).ok()?;
    let made_by = lock.lines().next()?.trim().parse::<u32>().ok()?;
    if made_by != pid {
        return None;
    }
    match std::os::unix::net::UnixStream::connect(socket) {
        Ok(_) => Some(true),
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => Some(false),
        Err(_) => None,
    }
}

#[cfg(not(unix))]
fn listens(_socket: &Path, _pid: u32) -> Option<bool> {
    None
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::net::UnixListener;

    use super::*;

    /// A number that no process has: the largest that Linux gives is 4194304.
    const NOBODY: u32 = 99_999_999;

    fn seen(data: &Path, pid: &str, sockets: &str) -> Postmaster {
        let text = format!("{pid}\n{}\n1700000000\n5432\n{sockets}\n\n  1 2\nready   \n", data.display());
        fs::write(data.join(names::POSTMASTER_PID), text).expect("written");
        postmaster(data)
    }

    #[test]
    fn only_a_dead_socket_proves_that_a_server_is_gone() {
        let data = tempfile::tempdir().expect("a temporary directory");
        let data = data.path();
        let sockets = data.to_str().expect("UTF-8");
        assert_eq!(postmaster(data), Postmaster::None);
        assert_eq!(postmaster(&data.join("none")), Postmaster::None);
        let own = std::process::id().to_string();
        let nobody = NOBODY.to_string();
        let is_in_the_way = |seen: Postmaster, word: &str| match seen {
            Postmaster::InTheWay(why) => assert!(why.contains(word), "{why}"),
            other => panic!("{other:?}"),
        };
        is_in_the_way(seen(data, &own, sockets), "another container");
        is_in_the_way(seen(data, "", sockets), "names no process");
        is_in_the_way(seen(data, "-1", sockets), "process 1");
        is_in_the_way(seen(data, &nobody, sockets), "no process");
        is_in_the_way(seen(data, &nobody, ""), "no process");
        let socket = data.join(".s.PGSQL.5432");
        fs::write(data.join(".s.PGSQL.5432.lock"), format!("{nobody}\n")).expect("written");
        let listener = UnixListener::bind(&socket).expect("bound");
        is_in_the_way(seen(data, &nobody, sockets), "listens");
        drop(listener);
        assert_eq!(seen(data, &nobody, sockets), Postmaster::Gone(NOBODY));
        // Another process made it.
        fs::write(data.join(".s.PGSQL.5432.lock"), "1\n").expect("written");
        is_in_the_way(seen(data, &nobody, sockets), "no process");
    }
}
