//! The data directory itself: its permissions, its version, what a backup has left in it.

mod control;

use std::path::Path;

use super::recovery::node_top;
use super::replication::{at_trait, with_trait};
use super::spot::{Spot, View};
use crate::model::path;
use crate::model::recovery::signals::{self, Mode};
use crate::names;
use crate::value::Value;
use crate::version::{Major, from_pg_version_file};

pub(super) use control::too_low;

/// What a server up to 10 leaves nobody but its own account; from 11 on its group may read.
const UP_TO_10: u32 = 0o077;
const FROM_11: u32 = 0o027;

/// What is refused of a private key of root's, which a group may read, and of the server's own.
const KEY: u32 = 0o037;
const OWN_KEY: u32 = 0o077;

/// Spots for what a start finds wrong before it reads any data.
pub fn check(view: &View, spots: &mut Vec<Spot>) {
    let data = view.tree.data_directory.as_path();
    let Some(top) = node_top(view) else { return };
    let Ok(version) = view.files.read(&data.join(names::PG_VERSION)) else { return };
    let major = view.settings.catalog.version.major;
    let new = |rule: &'static str| Spot::new(rule, top).word("pg", view.version_word());
    if let Ok(own) = from_pg_version_file(&version)
        && own != major
        && !view.several
    {
        spots.push(new("data-directory-version").word("since", own.to_string()).label(format!("data of {own}")));
    }
    spots.extend(key(view, data));
    // What lies in a repository has other permissions, and no data.
    if view.files.read(&data.join(names::PG_CONTROL)).is_err() {
        return;
    }
    let refused = if major < Major::V11 { UP_TO_10 } else { FROM_11 };
    let itself = if data.as_os_str().is_empty() { Path::new(".") } else { data };
    if let Some(mode) = view.files.mode(itself).filter(|mode| mode & refused != 0) {
        let says = if major < Major::V11 { "has group or world access" } else { "has invalid permissions" };
        let allowed = if major < Major::V11 { "700" } else { "700 or 750" };
        let spot = new("data-directory-permissions").word("value", format!("{mode:04o}")).word("allowed", allowed);
        spots.push(
            spot.label(format!("its directory has mode {mode:04o}"))
                .server(format!("data directory \"{}\" {says}", data.display())),
        );
    }
    if let Some(reason) = lock_file(view, data) {
        spots.push(new("lock-file-unreadable").word("reason", reason).label("postmaster.pid beside it"));
    }
    if is_invalid_label(view, data) {
        let says = "invalid data in file \"backup_label\"";
        spots.push(new("backup-label-invalid").label("backup_label beside it").server(says));
    }
    // Beside a running server up to 14 it may belong to a backup that is under way.
    let is_running = view.files.read(&data.join(names::POSTMASTER_PID)).is_ok();
    let is_left = !is_running && view.files.read(&data.join(names::BACKUP_LABEL)).is_ok();
    let is_plain = match view.recovery {
        Some(_) => false,
        // Up to 11 the signal files mean nothing.
        None => major < Major::V12 || signals::signals(view.files, data).mode() == Mode::Primary,
    };
    control::check(view, data, !is_plain, spots);
    if is_left && is_plain {
        spots.push(new("backup-label-without-signal").label("backup_label beside it"));
    }
}

/// A lock file from which no start can tell whose it is.
fn lock_file(view: &View, data: &Path) -> Option<&'static str> {
    let bytes = view.files.read(&data.join(names::POSTMASTER_PID)).ok()?;
    let first = bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let digits = first.trim_ascii_start();
    let digits = digits.strip_prefix(b"-").unwrap_or(digits);
    match () {
        () if bytes.is_empty() => Some("is empty"),
        // As far as it is a number.
        () if digits.iter().take_while(|byte| byte.is_ascii_digit()).all(|byte| *byte == b'0') => {
            Some("does not begin with the number of a process")
        }
        () => None,
    }
}

/// Whether there is a backup_label that no server reads.
fn is_invalid_label(view: &View, data: &Path) -> bool {
    let Ok(bytes) = view.files.read(&data.join(names::BACKUP_LABEL)) else { return false };
    let mut lines = bytes.split(|byte| *byte == b'\n');
    let begins = |line: Option<&[u8]>, with: &str| {
        line.and_then(|line| line.strip_prefix(with.as_bytes())).is_some_and(|rest| rest.contains(&b'/'))
    };
    !(begins(lines.next(), "START WAL LOCATION: ") && begins(lines.next(), "CHECKPOINT LOCATION: "))
}

/// The private key, where TLS is on.
fn key(view: &View, data: &Path) -> Option<Spot> {
    let (_, ssl) = with_trait(view, "tls")?;
    let (_, file) = with_trait(view, "tls-key")?;
    let name = file.plain();
    if ssl != Value::Bool(true) || name.is_empty() {
        return None;
    }
    let path = path::from_bytes(&name);
    let place = if path.is_absolute() { path } else { data.join(path) };
    // The server runs as whoever owns its data. Of a copy that root has made nobody knows.
    let server = view.files.owner(data).filter(|owner| *owner != 0);
    let is_own = server.is_some() && view.files.owner(&place) == server;
    let refused = if is_own { OWN_KEY } else { KEY };
    let mode = view.files.mode(&place).filter(|mode| mode & refused != 0)?;
    let shown = crate::source::display(&name);
    let spot = at_trait(view, "ssl-key-readable", "tls-key")?.word("path", shown.clone());
    let says = format!("private key file \"{shown}\" has group or world access");
    Some(spot.word("mode", format!("{mode:04o}")).label(format!("mode {mode:04o}")).server(says))
}
