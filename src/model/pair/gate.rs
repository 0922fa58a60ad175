//! Who opens: the lines of pg_hba.conf that may decide over a walreceiver, and what comes of each.

use std::net::IpAddr;

use super::Answer;
use super::dial::Tls;
use crate::catalog::access::{Needs, Transport};
use crate::model::hba::address::Address;
use crate::model::hba::matching::{Connection, Side, Wanted, misses, usual};
use crate::model::hba::{Certificate, Entry, Hba};
use crate::version::Major;

/// From where a client is seen to come.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum From {
    /// Through a Unix socket.
    Socket,
    /// From this address.
    Address(IpAddr),
    /// Over TCP, from an address that nobody said.
    Anywhere,
}

/// A client at the gate.
#[derive(Clone, Copy, Debug)]
pub struct Client<'a> {
    /// From where.
    pub from: From,
    /// As whom; nothing for the name of the server's account, which no file says.
    pub user: Option<&'a [u8]>,
    /// What it wants of encryption.
    pub tls: Tls,
    /// Whether it has a password.
    pub password: Answer,
    /// Whether it has a certificate of its own.
    pub certificate: Answer,
}

/// What comes of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Opening {
    /// It is let in, by this line.
    In(usize),
    /// It wants TLS, and the server has none.
    NoTls,
    /// No line is for it.
    Nobody(Transport),
    /// This line turns it away.
    Rejected(usize, Transport),
    /// This line asks for a password, and it has none.
    NoPassword(usize),
    /// This line asks for a certificate, and it has none.
    NoCertificate(usize),
    /// Files do not tell; one of these lines decides, or none if that is said.
    Depends(Vec<usize>, Doubt),
}

/// What files do not tell.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Doubt {
    /// The client's address.
    Address,
    /// The name of the account that the server runs under.
    User,
    /// Membership, DNS, interfaces, expressions.
    Line,
    /// Whether it has a password.
    Password,
    /// Whether it has a certificate that is trusted.
    Certificate,
    /// The account of an operating system.
    Account,
    /// A ticket of another service.
    Ticket,
}

/// One way through the gate.
enum Step {
    In(usize),
    /// The next attempt may fare better.
    Out(Opening),
    /// The last word.
    End(Opening),
}

/// What comes of a client at the gate of a server of that major; `has_tls` says whether the server speaks TLS.
pub fn open(hba: &Hba, major: Major, has_tls: bool, client: &Client) -> Opening {
    let mut first = None;
    for transport in attempts(client, has_tls) {
        match step(hba, major, transport, client) {
            Step::In(line) => return Opening::In(line),
            Step::End(opening) => return opening,
            Step::Out(opening) => first = first.or(Some(opening)),
        }
    }
    first.unwrap_or(Opening::NoTls)
}

/// The encryptions that libpq tries, one after another.
fn attempts(client: &Client, has_tls: bool) -> Vec<Transport> {
    if client.from == From::Socket {
        // No TLS there, whatever is asked for.
        return vec![Transport::Local];
    }
    match (client.tls, has_tls) {
        (Tls::Never, _) | (Tls::Allow | Tls::Prefer, false) => vec![Transport::Plain],
        (Tls::Allow, true) => vec![Transport::Plain, Transport::Ssl],
        (Tls::Prefer, true) => vec![Transport::Ssl, Transport::Plain],
        (Tls::Require | Tls::Verify, true) => vec![Transport::Ssl],
        (Tls::Require | Tls::Verify, false) => Vec::new(),
    }
}

fn step(hba: &Hba, major: Major, transport: Transport, client: &Client) -> Step {
    let possible = possible(hba, major, transport, client);
    let fate = |line: &usize| hba.lines[*line].verdict.as_ref().ok().map(|entry| fate(*line, entry, transport, client));
    let mut fates: Vec<Step> = possible.lines.iter().filter_map(fate).collect();
    if possible.or_nobody {
        fates.push(Step::Out(Opening::Nobody(transport)));
    }
    let is_in = |step: &Step| matches!(step, Step::In(_));
    let is_out = |step: &Step| matches!(step, Step::Out(_));
    if fates.len() > 1 && !fates.iter().all(is_in) && !fates.iter().all(is_out) {
        let doubt = possible.doubt.unwrap_or(Doubt::Line);
        return Step::End(Opening::Depends(possible.lines, doubt));
    }
    fates.into_iter().next().unwrap_or(Step::Out(Opening::Nobody(transport)))
}

/// What a line does to a client that it is for.
fn fate(line: usize, entry: &Entry, transport: Transport, client: &Client) -> Step {
    let method = entry.method;
    if method.is_reject() {
        return Step::Out(Opening::Rejected(line, transport));
    }
    let depends = |doubt| Step::End(Opening::Depends(vec![line], doubt));
    let wants_certificate = method.needs == Needs::Certificate || entry.certificate != Certificate::Off;
    if wants_certificate {
        match client.certificate {
            Answer::No => return Step::End(Opening::NoCertificate(line)),
            // Whether it is trusted is not in files that are read here.
            _ => return depends(Doubt::Certificate),
        }
    }
    match (method.needs, client.password) {
        (Needs::Nothing, _) | (Needs::Password, Answer::Yes) => Step::In(line),
        (Needs::Password, Answer::No) => Step::End(Opening::NoPassword(line)),
        (Needs::Password, Answer::Depends) => depends(Doubt::Password),
        (Needs::Account, _) => depends(Doubt::Account),
        (Needs::Certificate | Needs::Ticket, _) => depends(Doubt::Ticket),
    }
}

/// The lines that may decide.
struct Possible {
    lines: Vec<usize>,
    /// Whether it may be that none is for the client.
    or_nobody: bool,
    doubt: Option<Doubt>,
}

/// The role that most servers run under, and so the user where none is named.
const ACCOUNT: &[u8] = b"postgres";

fn possible(hba: &Hba, major: Major, transport: Transport, client: &Client) -> Possible {
    let address = match client.from {
        From::Address(address) => Some(address),
        From::Anywhere => Some(IpAddr::from([0, 0, 0, 0])),
        From::Socket => None,
    };
    let own = address.map(usual);
    let connection = Connection {
        transport,
        address,
        user: client.user.unwrap_or(ACCOUNT),
        wanted: Wanted::Replication,
        // Every role is a member of itself; more is not in files.
        member: &|user, role| (user == role).then_some(true),
        named: &|name| address.filter(|address| address.is_loopback()).and_then(|_| loopback_name(name)),
        own: &|own_of| own.as_ref().and_then(|own| own(own_of)),
    };
    let mut possible = if client.from == From::Anywhere {
        but_for_address(hba, &connection, major)
    } else {
        let decision = hba.decide(&connection, major);
        let doubt = (!decision.perhaps.is_empty()).then_some(Doubt::Line);
        let perhaps = decision.perhaps.into_iter().map(|(line, _)| line);
        Possible { lines: perhaps.chain(decision.line).collect(), or_nobody: decision.line.is_none(), doubt }
    };
    if client.user.is_none() {
        let names_users = |line: &usize| match &hba.lines[*line].verdict {
            Ok(entry) => !entry.users.iter().any(|word| word.is("all")),
            Err(_) => false,
        };
        if possible.lines.iter().any(names_users) {
            possible.or_nobody = true;
            possible.doubt = Some(Doubt::User);
        }
    }
    possible
}

/// `localhost` is what every machine calls itself.
fn loopback_name(name: &[u8]) -> Option<bool> {
    name.eq_ignore_ascii_case(b"localhost").then_some(true)
}

/// The lines that fit a client whose address nobody said, up to the first that is for every address.
fn but_for_address(hba: &Hba, connection: &Connection, major: Major) -> Possible {
    let mut lines = Vec::new();
    for (index, entry) in hba.entries() {
        let missed = misses(entry, connection, major);
        if missed.iter().any(|side| *side != Side::Address) || entry.connection.is_local() {
            continue;
        }
        // Who names an address of this machine alone means no other one.
        let is_elsewhere = match &entry.address {
            Some(Address::Network(network)) => network.is_loopback(),
            Some(Address::Name(name)) => name.eq_ignore_ascii_case(b"localhost"),
            Some(Address::SameHost) => true,
            _ => false,
        };
        if is_elsewhere {
            continue;
        }
        lines.push(index);
        let is_for_all = match &entry.address {
            Some(Address::All) => true,
            Some(Address::Network(network)) => network.length() == Some(0),
            _ => false,
        };
        if is_for_all && is_certain(entry) {
            return Possible { lines, or_nobody: false, doubt: Some(Doubt::Address) };
        }
    }
    Possible { lines, or_nobody: true, doubt: Some(Doubt::Address) }
}

/// Whether a line's users are known by the file alone.
fn is_certain(entry: &Entry) -> bool {
    entry.users.iter().any(|word| word.is("all") || word.group().is_none() && !word.text.starts_with(b"/"))
}
