//! The passfile, where it is in reach: whether any of its lines is for this connection.

use std::path::Path;

use super::Subject;
use super::advice::Hosts;
use crate::catalog::conninfo as table;
use crate::check::spot::Spot;
use crate::model::path;
use crate::names;
use crate::source::display;

/// The name of the database under which a walreceiver looks for its password.
const DATABASE: &[u8] = b"replication";

/// A line of a passfile, its password left out.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Entry {
    host: Vec<u8>,
    port: Vec<u8>,
    database: Vec<u8>,
    user: Vec<u8>,
}

/// Permission bits of the group and of others, with any of which libpq leaves a passfile alone.
const OTHERS: u32 = 0o077;

/// A spot where libpq does not read the passfile, or finds no line in it for this connection.
pub fn check(subject: &Subject, spots: &mut Vec<Spot>) {
    let Some(row) = table::laws(table::Kind::Passfile, subject.major).next() else { return };
    let Some((index, name)) = subject.options.get(row.name) else { return };
    if subject.options.filled(names::PASSWORD).is_some() || name.is_empty() {
        return;
    }
    // The server runs in its data directory.
    let passfile = subject.view.tree.data_directory.join(path::from_bytes(name));
    let ignored = subject.view.files.mode(&passfile).filter(|mode| mode & OTHERS != 0);
    spots.extend(match ignored {
        Some(mode) => Some(unread(subject, index, name, mode)),
        None => unmatched(subject, index, name, &passfile),
    });
}

/// A passfile that others may read or write.
fn unread(subject: &Subject, index: usize, name: &[u8], mode: u32) -> Spot {
    let name = display(name);
    let message =
        format!("password file \"{name}\" has group or world access; permissions should be u=rw (0600) or less");
    let span = subject.conninfo.pairs[index].value_span;
    let spot = subject.spot("conninfo-passfile-ignored", span).server(message).label("not read");
    spot.word("path", name).word("value", format!("{mode:04o}"))
}

/// A passfile without a line for this connection.
fn unmatched(subject: &Subject, index: usize, name: &[u8], passfile: &Path) -> Option<Spot> {
    let user = subject.options.filled(names::USER)?;
    let hosts = Hosts::of(subject);
    if hosts.all.is_empty() {
        return None;
    }
    let bytes = subject.view.files.read(passfile).ok()?;
    let entries: Vec<Entry> = bytes.split(|byte| *byte == b'\n').filter_map(entry).collect();
    // The name is looked for, where there is one, and not the address.
    let named = subject.options.filled(names::HOST).unwrap_or(hosts.all[0]);
    // The directory of sockets that libpq was built with is `localhost` to it; which one that is, files do not tell.
    let is_socket = named.starts_with(b"/");
    let host = if is_socket { b"localhost" } else { named };
    let is_named = |entry: &Entry| matches(&entry.host, host) || is_socket && entry.host == named;
    let is_for = |entry: &&Entry| is_named(entry) && matches(&entry.port, hosts.port) && matches(&entry.user, user);
    if hosts.all.len() > 1 || entries.iter().filter(is_for).any(|entry| matches(&entry.database, DATABASE)) {
        return None;
    }
    let wanted = format!(
        "{}:{}:{}:{}:{}",
        display(host).replace(':', "\\:"),
        display(hosts.port),
        display(DATABASE),
        display(user),
        super::words::MASK
    );
    let hint = match entries.iter().find(is_for) {
        Some(entry) => format!("its line for this user and host is for the database {}", display(&entry.database)),
        None => "none of its lines is for this host, port and user".to_string(),
    };
    let pair = &subject.conninfo.pairs[index];
    let spot = subject.spot("conninfo-passfile-entry", pair.value_span).word("path", display(name));
    Some(spot.word("hint", hint).word("suggestion", wanted).label("no line matches"))
}

/// `host:port:database:user:password`; a backslash takes the next byte as it is.
fn entry(line: &[u8]) -> Option<Entry> {
    if line.starts_with(b"#") {
        return None;
    }
    let mut fields: Vec<Vec<u8>> = vec![Vec::new()];
    let mut rest = line.iter();
    while let Some(byte) = rest.next() {
        let field = match byte {
            b':' if fields.len() == 4 => {
                let [host, port, database, user] = <[Vec<u8>; 4]>::try_from(fields).ok()?;
                return Some(Entry { host, port, database, user });
            }
            b':' => {
                fields.push(Vec::new());
                continue;
            }
            _ => fields.last_mut()?,
        };
        match byte {
            b'\\' => field.extend(rest.next()),
            byte => field.push(*byte),
        }
    }
    None
}

fn matches(field: &[u8], wanted: &[u8]) -> bool {
    field == b"*" || field == wanted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_a_passfile() {
        let read = entry(br"fe80\:\:1:5432:*:a\\b:p:w").unwrap();
        assert_eq!((read.host.as_slice(), read.user.as_slice()), (b"fe80::1".as_slice(), br"a\b".as_slice()));
        assert_eq!(entry(b"# a:b:c:d:e"), None);
        assert_eq!(entry(b"a:b:c:d"), None);
    }
}
