//! The passfile, where it is in reach: whether any of its lines is for this connection.

use std::path::Path;

use super::Subject;
use super::advice::Hosts;
use crate::catalog::conninfo as table;
use crate::check::spot::{Spot, View};
use crate::model::conninfo::Options;
use crate::model::pair::Answer;
use crate::model::path;
use crate::names;
use crate::source::display;
use crate::version::Major;

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

/// Whether libpq finds a password for a connection string in the passfile that it names. Where it names none, the
/// server's environment and the home directory of its account decide.
pub fn has_password(view: &View, options: &Options, major: Major) -> Answer {
    let name = table::laws(table::Kind::Passfile, major).next().and_then(|row| options.filled(row.name));
    let Some(name) = name else { return Answer::Depends };
    let passfile = view.tree.data_directory.join(path::from_bytes(name));
    if view.files.mode(&passfile).is_some_and(|mode| mode & OTHERS != 0) {
        return Answer::No;
    }
    let (Ok(bytes), Some(user)) = (view.files.read(&passfile), options.filled(names::USER)) else {
        return Answer::Depends;
    };
    match Wanted::of(options, &Hosts::of(options, major), user) {
        Some(wanted) if wanted.is_among(&bytes) => Answer::Yes,
        Some(wanted) if !wanted.is_socket => Answer::No,
        _ => Answer::Depends,
    }
}

/// What a line of a passfile must be for.
struct Wanted<'a> {
    /// `localhost` where the way is a socket in the directory that libpq was built with.
    host: &'a [u8],
    named: &'a [u8],
    port: &'a [u8],
    user: &'a [u8],
    is_socket: bool,
}

impl<'a> Wanted<'a> {
    /// That of a connection string with one host.
    fn of(options: &Options<'a>, hosts: &Hosts<'a>, user: &'a [u8]) -> Option<Wanted<'a>> {
        let [only] = hosts.all[..] else { return None };
        // The name is looked for, where there is one, and not the address.
        let named = options.filled(names::HOST).unwrap_or(only);
        // The directory of sockets that libpq was built with is `localhost` to it; which one that is, files do not tell.
        let is_socket = named.starts_with(b"/");
        let host = if is_socket { b"localhost" } else { named };
        Some(Wanted { host, named, port: hosts.port, user, is_socket })
    }

    /// Whether a line is for it, but for the database.
    fn fits(&self, entry: &Entry) -> bool {
        let is_named = matches(&entry.host, self.host) || self.is_socket && entry.host == self.named;
        is_named && matches(&entry.port, self.port) && matches(&entry.user, self.user)
    }

    fn is_among(&self, passfile: &[u8]) -> bool {
        entries(passfile).any(|entry| self.fits(&entry) && matches(&entry.database, DATABASE))
    }
}

fn entries(passfile: &[u8]) -> impl Iterator<Item = Entry> {
    passfile.split(|byte| *byte == b'\n').filter_map(entry)
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
    let wanted = Wanted::of(&subject.options, &subject.hosts(), user)?;
    let bytes = subject.view.files.read(passfile).ok()?;
    if wanted.is_among(&bytes) {
        return None;
    }
    let suggestion = format!(
        "{}:{}:{}:{}:{}",
        display(wanted.host).replace(':', "\\:"),
        display(wanted.port),
        display(DATABASE),
        display(user),
        super::words::MASK
    );
    let hint = match entries(&bytes).find(|entry| wanted.fits(entry)) {
        Some(entry) => format!("its line for this user and host is for the database {}", display(&entry.database)),
        None => "none of its lines is for this host, port and user".to_string(),
    };
    let pair = &subject.conninfo.pairs[index];
    let spot = subject.spot("conninfo-passfile-entry", pair.value_span).word("path", display(name));
    Some(spot.word("hint", hint).word("suggestion", suggestion).label("no line matches"))
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
