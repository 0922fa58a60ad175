//! Whether the upstream's pg_hba.conf lets a standby in, and what it asks for.

use std::net::IpAddr;

use super::{Caller, Found, Pair};
use crate::catalog::access::Transport;
use crate::check::conninfo::has_password;
use crate::check::spot::Spot;
use crate::model::access::Word;
use crate::model::conninfo::Options;
use crate::model::hba::matching::{Connection, Side, Wanted, misses, usual};
use crate::model::hba::{Entry, Hba};
use crate::model::pair::Answer;
use crate::model::pair::dial::{Dial, Seeks, Tls};
use crate::model::pair::door::Door;
use crate::model::pair::gate::{self, Client, Doubt, From, Opening};
use crate::names;
use crate::nearest::nearest;
use crate::source::{Place, Span, display};
use crate::version::Major;

/// Spots for a standby that is not let in; it comes from one of the addresses. Whether it may be let in.
pub(super) fn check(pair: &Pair, caller: &Caller, dial: &Dial, door: &Door, from: &[From], found: &mut Found) -> bool {
    let upstream = &pair.upstream.member.name;
    let Some(hba) = &pair.upstream.view.access.hba else {
        found.provided.push(format!("the pg_hba.conf of {upstream} lets it in"));
        return true;
    };
    if !hba.is_accepted() {
        // The upstream does not start.
        return true;
    }
    let options = Options { conninfo: &caller.string };
    let password = match dial.has_password {
        true => Answer::Yes,
        false => has_password(&pair.standby.view, &options, pair.major),
    };
    let certificate = Answer::Depends;
    let shares_tls = dial.tls_versions.0 >= door.tls_versions.1 && door.tls_versions.0 >= dial.tls_versions.1;
    let client = |from: From| Client { from, user: dial.user.as_deref(), dial, shares_tls, password, certificate };
    let openings: Vec<Opening> =
        from.iter().map(|from| gate::open(hba, pair.major, door.has_tls, &client(*from))).collect();
    let Some(first) = openings.first() else { return true };
    let (opening, from) = match openings.iter().all(|opening| alike(opening, first)) {
        true => (first.clone(), from[0]),
        // libpq takes the address that the resolver gives first.
        false => (Opening::Depends(Vec::new(), Doubt::Address), from[0]),
    };
    let door_is = Way { pair, caller, dial, hba, from, upstream };
    if let Opening::In(_) | Opening::Depends(..) = opening {
        door_is.kind(found);
    }
    match &opening {
        Opening::In(_) if dial.tls == Tls::Verify && from != From::Socket => {
            found.provided.push(format!("the certificate of {upstream} is signed by whom it trusts"));
        }
        Opening::In(_) => {}
        Opening::Depends(lines, doubt) => found.provided.push(door_is.condition(lines, *doubt)),
        opening => {
            door_is.spot(opening, found);
            return false;
        }
    }
    true
}

/// Whether two openings come to the same.
fn alike(one: &Opening, other: &Opening) -> bool {
    std::mem::discriminant(one) == std::mem::discriminant(other)
}

/// The line that comes nearest to letting a standby in.
struct Near {
    place: Place,
    /// What it lacks.
    label: String,
    /// A user of it who is nearly the one that comes, and the number of the line.
    slip: Option<(String, usize)>,
}

/// A user of a line who is nearly the one that comes.
fn slip<'a>(entry: &'a Entry, user: &str) -> Option<&'a Word> {
    entry.users.iter().find(|word| nearest(&display(&word.text), [user]).is_some())
}

/// A standby before the gate of its upstream.
struct Way<'a> {
    pair: &'a Pair<'a>,
    caller: &'a Caller,
    dial: &'a Dial,
    hba: &'a Hba,
    from: From,
    upstream: &'a str,
}

impl Way<'_> {
    /// A spot for a server that is not of the kind that the standby looks for.
    fn kind(&self, found: &mut Found) {
        let is_primary = self.pair.upstream.member.upstream.is_none();
        let kind = match (self.dial.looks_for, is_primary) {
            (Seeks::Standby, true) => "a primary",
            (Seeks::Primary, false) => "a standby",
            _ => return,
        };
        let span = self.caller.span_of(names::TARGET_SESSION_ATTRS);
        let spot = self.caller.spot(self.pair, "upstream-is-of-other-kind", span).label("passes it over");
        let spot = spot.word("name", self.pair.standby.member.name.clone()).word("kind", kind);
        found.of_standby.push(spot.word("upstream", self.upstream.to_owned()));
    }

    /// What has to be so for it to be let in.
    fn condition(&self, lines: &[usize], doubt: Doubt) -> String {
        let line = lines.first().map(|line| self.line(*line));
        let line = line.unwrap_or_else(|| "pg_hba.conf".to_owned());
        match doubt {
            Doubt::Address if lines.is_empty() => {
                format!("its name leads to the address that the pg_hba.conf of {} lets in", self.upstream)
            }
            Doubt::Address => format!("it comes from an address that {line} is for{}", self.addresses(lines)),
            Doubt::User => format!("the account that it runs under is the user of {line}"),
            Doubt::Line => format!("{line} fits it, which files do not tell"),
            Doubt::Password => format!("it finds a password for `{}`, for which {line} asks", self.user()),
            Doubt::Certificate => format!("it has the certificate that {line} asks for"),
            Doubt::Account => format!("its account is the one that {line} wants"),
            Doubt::Ticket => format!("it has the ticket that {line} asks for"),
        }
    }

    /// The addresses of lines, as they are written.
    fn addresses(&self, lines: &[usize]) -> String {
        let entries = lines.iter().filter_map(|line| self.hba.lines[*line].verdict.as_ref().ok());
        let places = entries.filter(|entry| !entry.method.is_reject()).filter_map(|entry| entry.address_place);
        let texts: Vec<String> =
            places.take(2).map(|place| display(self.pair.upstream.view.sources.text(place))).collect();
        if texts.is_empty() { String::new() } else { format!(" ({})", texts.join(", ")) }
    }

    /// `line 3 of its pg_hba.conf`, as one says it of the upstream.
    fn line(&self, line: usize) -> String {
        let record = &self.hba.lines[line].record;
        format!("line {} of {}'s pg_hba.conf", record.line, self.upstream)
    }

    fn user(&self) -> String {
        self.dial.user.as_deref().map_or_else(|| "postgres".to_owned(), display)
    }

    /// Which host the log says, where it is known.
    fn host(&self) -> Option<String> {
        match self.from {
            From::Socket => Some("[local]".to_owned()),
            From::Address(address) => Some(address.to_string()),
            From::Anywhere => None,
        }
    }

    /// The end of the server's message: host, user, encryption.
    fn said(&self, transport: Transport) -> Option<String> {
        let encryption = transport.said(self.pair.major);
        Some(format!("host \"{}\", user \"{}\", {encryption}", self.host()?, self.user()))
    }

    fn spot(&self, opening: &Opening, found: &mut Found) {
        let (name, upstream) = (self.pair.standby.member.name.clone(), self.upstream.to_owned());
        let filled = |spot: Spot| {
            let host = self.host().map_or_else(
                || "whatever its address".to_owned(),
                |host| match self.from {
                    From::Socket => "through its Unix socket".to_owned(),
                    _ => format!("from {host}"),
                },
            );
            spot.word("name", name.clone())
                .word("upstream", upstream.clone())
                .word("user", self.user())
                .word("address", host)
                .word("pg", self.pair.standby.view.version_word())
        };
        let conninfo = self.caller.place_of(names::USER);
        match opening {
            Opening::NoTls => {
                let span = self.caller.span_of(names::SSLMODE);
                let mut spot = filled(self.caller.spot(self.pair, "standby-wants-tls", span));
                spot =
                    spot.server("server does not support SSL, but SSL was required").label("no connection without TLS");
                if let Some(place) = self.pair.upstream.place_of(names::SSL) {
                    spot = spot.related(place, format!("{upstream} speaks no TLS"));
                }
                found.of_standby.push(spot);
            }
            Opening::NoCommonTls => {
                let span = self.caller.span_of(names::SSL_MAX_PROTOCOL_VERSION);
                let mut spot = filled(self.caller.spot(self.pair, "tls-versions-do-not-meet", span));
                if let Some(place) = self.pair.upstream.place_of(names::SSL_MIN_PROTOCOL_VERSION) {
                    spot = spot.related(place, format!("what {upstream} wants"));
                }
                found.of_standby.push(spot.label("no version in common"));
            }
            Opening::OtherMethod(line) => {
                let record = &self.hba.lines[*line].record;
                let keyword = if self.dial.methods.is_some() { names::REQUIRE_AUTH } else { names::CHANNEL_BINDING };
                let span = self.caller.span_of(keyword);
                let spot = filled(self.caller.spot(self.pair, "standby-insists-on-other-method", span));
                let spot = spot.word("line", record.line.to_string()).word("keyword", keyword);
                found.of_standby.push(spot.label("not met").related(record.place(), "asks in another way"));
            }
            Opening::Nobody(transport) => {
                let near = self.near();
                let mut spot = filled(Spot::new("standby-not-admitted", near.place)).label(near.label);
                if let Some((token, line)) = near.slip {
                    spot = spot.word("token", token).word("line", line.to_string());
                }
                spot = spot
                    .word("suggestion", self.suggestion(*transport))
                    .related(conninfo, format!("{name} comes as this user"));
                if let Some(said) = self.said(*transport) {
                    spot = spot.server(format!("no pg_hba.conf entry for replication connection from {said}"));
                }
                found.of_upstream.push(spot);
            }
            Opening::Rejected(line, transport) => {
                let record = &self.hba.lines[*line].record;
                let mut spot = filled(Spot::new("standby-rejected", record.place())).label("rejects it");
                spot =
                    spot.word("line", record.line.to_string()).related(conninfo, format!("{name} comes as this user"));
                if let Some(said) = self.said(*transport) {
                    spot = spot.server(format!("pg_hba.conf rejects replication connection for {said}"));
                }
                found.of_upstream.push(spot);
            }
            Opening::NoPassword(line) | Opening::NoCertificate(line) => {
                let record = &self.hba.lines[*line].record;
                let span = self.caller.span_of(names::USER);
                let spot = filled(self.caller.spot(self.pair, "standby-without-password", span));
                let spot = spot.word("line", record.line.to_string()).server("fe_sendauth: no password supplied");
                found.of_standby.push(spot.label("no password").related(record.place(), "asks for a password"));
            }
            Opening::In(_) | Opening::Depends(..) => {}
        }
    }

    /// The line that comes nearest, and what it lacks; else the top of the file.
    fn near(&self) -> Near {
        let address = match self.from {
            From::Address(address) => Some(address),
            From::Socket => None,
            From::Anywhere => Some(IpAddr::from([0, 0, 0, 0])),
        };
        let own = address.map(usual);
        let user = self.user();
        let own = |asked| own.as_ref().and_then(|own| own(asked));
        let connection = |transport| Connection {
            transport,
            address,
            user: user.as_bytes(),
            wanted: Wanted::Replication,
            member: &|user, role| (user == role).then_some(true),
            named: &|_| None,
            own: &own,
        };
        let transports: &[Transport] = match address {
            None => &[Transport::Local],
            Some(_) => &[Transport::Plain, Transport::Ssl],
        };
        let why = |entry: &Entry, mut sides: Vec<Side>| {
            // An address that nobody knows may well be the one.
            sides.retain(|side| !matches!((self.from, side), (From::Anywhere, Side::Address)));
            match *sides {
                [Side::User] if slip(entry, &user).is_some() => Some((0, "all but the user")),
                [Side::Database] => Some((1, "all but the database: `all` does not include replication")),
                [Side::Address] => Some((2, "all but the address")),
                [Side::User] => Some((3, "all but the user")),
                [Side::Transport] => Some((4, "all but the encryption")),
                _ => None,
            }
        };
        let lacks = |entry: &Entry| {
            let sides = transports.iter().map(|transport| misses(entry, &connection(*transport), self.pair.major));
            sides.filter_map(|sides| why(entry, sides)).min()
        };
        let candidates = self.hba.entries().filter(|(_, entry)| !entry.method.is_reject());
        let ranked = candidates.filter_map(|(index, entry)| lacks(entry).map(|(rank, why)| (rank, index, why)));
        let Some((_, index, why)) = ranked.min() else {
            let file = self.hba.main.unwrap_or(self.caller.text.place.file);
            let place = Place { file, span: Span::new(0, 0) };
            return Near { place, label: "no line is for it".to_owned(), slip: None };
        };
        let line = &self.hba.lines[index];
        let word = line.verdict.as_ref().ok().and_then(|entry| slip(entry, &user));
        match word.filter(|_| why == "all but the user") {
            Some(word) => Near {
                place: word.place,
                label: format!("did you mean `{user}`?"),
                slip: Some((display(&word.text), line.record.line)),
            },
            None => Near { place: line.record.place(), label: format!("fits {why}"), slip: None },
        }
    }
    /// A line that lets it in.
    fn suggestion(&self, transport: Transport) -> String {
        // What passwords are kept as is not in the files; a file that asks for md5 knows why, and md5 takes both.
        let asks = |method: &str| self.hba.entries().any(|(_, entry)| entry.method.name == method);
        let is_old = self.pair.major < Major::V10 || asks("md5") && !asks("scram-sha-256");
        let method = if is_old { "md5" } else { "scram-sha-256" };
        let user = self.user();
        let (kind, address) = match (self.from, transport) {
            (From::Socket, _) => ("local", String::new()),
            (from, transport) => {
                let kind =
                    if transport == Transport::Ssl || self.dial.tls >= Tls::Require { "hostssl" } else { "host" };
                let address = match from {
                    From::Address(address @ IpAddr::V4(_)) => format!(" {address}/32"),
                    From::Address(address) => format!(" {address}/128"),
                    _ => " ADDRESS/32".to_owned(),
                };
                (kind, address)
            }
        };
        format!("{kind} {} {user}{address} {method}", names::REPLICATION)
    }
}

impl Caller {
    /// Where the value of a keyword stands in the string; the whole string where it is not in it.
    pub(super) fn span_of(&self, keyword: &str) -> Span {
        let options = Options { conninfo: &self.string };
        let pair = options.get(keyword).map(|(index, _)| self.string.pairs[index].value_span);
        pair.unwrap_or(Span::new(0, self.text.value.bytes.len()))
    }

    /// The same as a place in the file.
    fn place_of(&self, keyword: &str) -> Place {
        let span = self.span_of(keyword);
        let end = if span.start == span.end { span.end + 1 } else { span.end };
        Place { file: self.text.place.file, span: self.text.value.raw(Span::new(span.start, end)) }
    }
}
