//! Which line decides over a connection: the first whose type, address, database and user fit.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::address::Address;
use super::{Entry, Hba};
use crate::catalog::access::Transport;
use crate::model::access::{Member, Word};
use crate::value::regex::Regex;
use crate::version::Major;

/// What a client asks for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Wanted {
    /// A database.
    Database(Vec<u8>),
    /// Physical replication: a standby, or a base backup.
    Replication,
    /// Replication with a database: logical decoding. Up to 9.6 it is treated as physical replication.
    Logical(Vec<u8>),
}

/// A client at the door.
pub struct Connection<'a> {
    /// How it comes.
    pub transport: Transport,
    /// From where, unless it comes through a Unix socket.
    pub address: Option<IpAddr>,
    /// As whom.
    pub user: &'a [u8],
    /// What for.
    pub wanted: Wanted,
    /// Who is in which role.
    pub member: &'a Member<'a>,
    /// Whether the client has a name of that pattern; `None` where that is not known.
    pub named: &'a dyn Fn(&[u8]) -> Option<bool>,
    /// Whether the client's address is one of the server's machine, or of a network that it is in.
    pub own: &'a dyn Fn(Own) -> Option<bool>,
}

/// What `samehost` and `samenet` ask.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Own {
    /// Whether it is an address of the machine itself.
    Host,
    /// Whether it is in a network of the machine.
    Net,
}

/// What loopback addresses are to every machine; nothing is known of others.
pub fn usual(client: IpAddr) -> impl Fn(Own) -> Option<bool> {
    let is_own = client == IpAddr::V4(Ipv4Addr::LOCALHOST) || client == IpAddr::V6(Ipv6Addr::LOCALHOST);
    // The loopback interface has a network of its own.
    move |own| client.is_loopback().then_some(own == Own::Net || is_own)
}

/// Why it cannot be said from files whether a line fits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Unknown {
    /// Who is a member of a role.
    Membership,
    /// What name the client's address has.
    Name,
    /// The networks of the server's machine.
    Interfaces,
    /// A regular expression that is not tried.
    Regex,
}

impl Unknown {
    /// What has to be known, in words.
    pub fn words(self) -> &'static str {
        match self {
            Unknown::Membership => "who is a member of the role",
            Unknown::Name => "the client's name in DNS",
            Unknown::Interfaces => "the addresses of the server's machine",
            Unknown::Regex => "whether the regular expression fits",
        }
    }
}

/// What is known of a line and a connection.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fit {
    /// It fits.
    Yes,
    /// It does not.
    No,
    /// Files do not say.
    Depends(Unknown),
}

impl Fit {
    fn of(answer: Option<bool>, unknown: Unknown) -> Fit {
        match answer {
            Some(true) => Fit::Yes,
            Some(false) => Fit::No,
            None => Fit::Depends(unknown),
        }
    }

    fn or(self, other: impl FnOnce() -> Fit) -> Fit {
        match self {
            Fit::Yes => Fit::Yes,
            Fit::No => other(),
            Fit::Depends(unknown) => match other() {
                Fit::Yes => Fit::Yes,
                _ => Fit::Depends(unknown),
            },
        }
    }

    fn and(self, other: impl FnOnce() -> Fit) -> Fit {
        match self {
            Fit::No => Fit::No,
            Fit::Yes => other(),
            Fit::Depends(unknown) => match other() {
                Fit::No => Fit::No,
                _ => Fit::Depends(unknown),
            },
        }
    }
}

/// What decides over a connection.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Decision {
    /// The line, unless none fits.
    pub line: Option<usize>,
    /// Lines before it that fit if something is as files do not say.
    pub perhaps: Vec<(usize, Unknown)>,
}

impl Hba {
    /// The line that decides over a connection.
    pub fn decide(&self, connection: &Connection, major: Major) -> Decision {
        let mut perhaps = Vec::new();
        for (index, entry) in self.entries() {
            match fits(entry, connection, major) {
                Fit::Yes => return Decision { line: Some(index), perhaps },
                Fit::No => {}
                Fit::Depends(unknown) => perhaps.push((index, unknown)),
            }
        }
        Decision { line: None, perhaps }
    }
}

/// What a line asks of a connection.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Side {
    /// How it comes: type of socket and encryption.
    Transport,
    /// Where it comes from.
    Address,
    /// The database or replication.
    Database,
    /// The user.
    User,
}

/// What does not fit, of all that a line asks.
pub fn misses(entry: &Entry, connection: &Connection, major: Major) -> Vec<Side> {
    let mut sides = Vec::new();
    let transports = &entry.connection.transports;
    let is_local = entry.connection.is_local();
    if is_local != (connection.transport == Transport::Local) {
        // Nothing else is comparable.
        return vec![Side::Transport, Side::Address];
    }
    if !transports.contains(&connection.transport) {
        sides.push(Side::Transport);
    }
    if for_address(entry, connection) == Fit::No {
        sides.push(Side::Address);
    }
    if entry.databases.iter().all(|word| for_database(word, connection, major) == Fit::No) {
        sides.push(Side::Database);
    }
    if entry.users.iter().all(|word| for_user(word, connection, major) == Fit::No) {
        sides.push(Side::User);
    }
    sides
}

fn for_address(entry: &Entry, connection: &Connection) -> Fit {
    match (&entry.address, connection.address) {
        (None, _) => Fit::Yes,
        (Some(address), Some(client)) => from(address, client, connection),
        (Some(_), None) => Fit::No,
    }
}

/// Whether a line fits a connection.
pub fn fits(entry: &Entry, connection: &Connection, major: Major) -> Fit {
    if !entry.connection.transports.contains(&connection.transport) {
        return Fit::No;
    }
    let address = for_address(entry, connection);
    let database =
        || entry.databases.iter().fold(Fit::No, |fit, word| fit.or(|| for_database(word, connection, major)));
    let user = || entry.users.iter().fold(Fit::No, |fit, word| fit.or(|| for_user(word, connection, major)));
    address.and(|| database().and(user))
}

fn from(address: &Address, client: IpAddr, connection: &Connection) -> Fit {
    match address {
        Address::All => Fit::Yes,
        Address::Network(network) => {
            if network.holds(client) {
                Fit::Yes
            } else {
                Fit::No
            }
        }
        Address::Name(name) => Fit::of((connection.named)(name), Unknown::Name),
        Address::SameHost => Fit::of((connection.own)(Own::Host), Unknown::Interfaces),
        Address::SameNet => Fit::of((connection.own)(Own::Net), Unknown::Interfaces),
    }
}

fn for_database(word: &Word, connection: &Connection, major: Major) -> Fit {
    let yes = |yes: bool| if yes { Fit::Yes } else { Fit::No };
    let name = match &connection.wanted {
        Wanted::Database(name) => name,
        Wanted::Logical(name) if major >= Major::V10 => name,
        Wanted::Replication | Wanted::Logical(_) => return yes(word.is("replication")),
    };
    match () {
        () if word.is("all") => Fit::Yes,
        () if word.is("sameuser") => yes(name == connection.user),
        () if word.is("samerole") || word.is("samegroup") => {
            Fit::of((connection.member)(connection.user, name), Unknown::Membership)
        }
        () if word.is("replication") => Fit::No,
        () => named(word, name, major),
    }
}

fn for_user(word: &Word, connection: &Connection, major: Major) -> Fit {
    match word.group() {
        _ if word.is("all") => Fit::Yes,
        Some(role) => Fit::of((connection.member)(connection.user, role), Unknown::Membership),
        None => named(word, connection.user, major),
    }
}

fn named(word: &Word, name: &[u8], major: Major) -> Fit {
    match word.text.strip_prefix(b"/").filter(|_| major >= Major::V16) {
        None => {
            if word.text == name {
                Fit::Yes
            } else {
                Fit::No
            }
        }
        Some(pattern) => Fit::of(Regex::new(pattern).ok().and_then(|regex| regex.is_match(name)), Unknown::Regex),
    }
}

/// Whether a client's name is one of a pattern: the same without regard to case, or with a dot in front its end.
pub fn is_named(pattern: &[u8], name: &[u8]) -> bool {
    if pattern.starts_with(b".") {
        name.len() >= pattern.len() && name[name.len() - pattern.len()..].eq_ignore_ascii_case(pattern)
    } else {
        name.eq_ignore_ascii_case(pattern)
    }
}
