//! Strings that libpq takes, and that lead to the wrong server, or there in clear text.

use core::net::IpAddr;

use super::{Subject, words};
use crate::catalog::conninfo::{self as table, Keyword, Kind};
use crate::check::spot::Spot;
use crate::finding::Severity;
use crate::model::conninfo::{Options, pieces};
use crate::names;
use crate::source::{Span, display};
use crate::value::Value;
use crate::version::Major;

/// The role that initdb makes unless it is told another name.
const SUPERUSER: &[u8] = b"postgres";

/// Spots for what is worth a second look.
pub fn check(subject: &Subject, spots: &mut Vec<Spot>) {
    let hosts = subject.hosts();
    spots.extend(nowhere(subject, &hosts));
    spots.extend(password(subject, &hosts));
    spots.extend(list_too_new(subject));
    if !subject.told.contains(&true) {
        spots.extend(plain_text(subject, &hosts));
        spots.extend(any_of_several(subject, &hosts));
        spots.extend(superuser(subject));
    }
}

/// How far away a host is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Reach {
    /// A socket or a loopback address.
    Here,
    /// A private address, or a name without a public domain.
    Private,
    /// Anything else.
    Public,
}

/// The hosts of a connection string, and the first port.
pub struct Hosts<'a> {
    /// The hosts as they are written, addresses if there are any.
    pub all: Vec<&'a [u8]>,
    /// The first port, or libpq's own.
    pub port: &'a [u8],
    keyword: &'static str,
    is_service: bool,
}

impl<'a> Hosts<'a> {
    /// Those of a connection string.
    pub fn of(options: &Options<'a>, major: Major) -> Hosts<'a> {
        let (keyword, value) = match (options.filled(names::HOSTADDR), options.filled(names::HOST)) {
            (Some(value), _) => (names::HOSTADDR, Some(value)),
            (None, value) => (names::HOST, value),
        };
        let pieces = |value: &'a [u8]| pieces(value, major).collect::<Vec<_>>();
        let ports = options.filled(names::PORT).map(pieces).unwrap_or_default();
        let port = ports.first().copied().filter(|port| !port.is_empty());
        let port = port.or(table::laws(Kind::Default, major).map(|row| row.values.as_bytes()).next());
        let is_service = table::laws(Kind::Service, major).any(|row| options.get(row.name).is_some());
        Hosts { all: value.map(pieces).unwrap_or_default(), port: port.unwrap_or_default(), keyword, is_service }
    }

    fn reach(&self) -> Reach {
        self.all.iter().map(|host| reach(host)).max().unwrap_or(Reach::Here)
    }

    fn span(&self, subject: &Subject) -> Span {
        subject.options.get(self.keyword).map_or(subject.all(), |(index, _)| subject.conninfo.pairs[index].value_span)
    }
}

fn reach(host: &[u8]) -> Reach {
    let Ok(text) = std::str::from_utf8(host) else { return Reach::Private };
    if text.is_empty() || text.starts_with(['/', '@']) || text == "localhost" || text.ends_with(".localhost") {
        return Reach::Here;
    }
    match text.parse::<IpAddr>() {
        Ok(address) if address.is_loopback() => Reach::Here,
        Ok(IpAddr::V4(address)) => {
            let [first, second, ..] = address.octets();
            let shared = first == 100 && (64..128).contains(&second);
            let is_private = address.is_private() || address.is_link_local() || address.is_documentation() || shared;
            if is_private { Reach::Private } else { Reach::Public }
        }
        Ok(IpAddr::V6(address)) => {
            let is_private = address.is_unique_local() || address.is_unicast_link_local();
            if is_private { Reach::Private } else { Reach::Public }
        }
        Err(_) => {
            const INSIDE: [&str; 10] = [
                ".local",
                ".internal",
                ".lan",
                ".localdomain",
                ".home",
                ".intranet",
                ".corp",
                ".test",
                ".example",
                ".svc",
            ];
            let inside = !text.contains('.') || INSIDE.iter().any(|end| text.ends_with(end)) || text.contains(".svc.");
            if inside { Reach::Private } else { Reach::Public }
        }
    }
}

/// No host at all, or this very server.
fn nowhere(subject: &Subject, hosts: &Hosts) -> Option<Spot> {
    if hosts.is_service || subject.told.contains(&true) && hosts.all.is_empty() {
        return None;
    }
    let own_port = match subject.view.settings.value(names::PORT) {
        Some(Value::Integer(port)) => port.to_string(),
        _ => return None,
    };
    let is_own = hosts.port == own_port.as_bytes();
    // Without a postgresql.conf its port is a guess.
    let is_known = subject.view.tree.missing.is_none();
    if hosts.all.is_empty() {
        let mut spot = subject.spot("conninfo-missing-host", subject.all()).label("no host in it");
        if !is_own || !is_known {
            // Another server of this machine may well be meant.
            spot.at_most = Some(Severity::Info);
        }
        return Some(spot);
    }
    let is_here = hosts.all.len() == 1 && is_this_machine(hosts.all[0]);
    (is_here && is_own).then(|| {
        let mut spot = subject
            .spot("conninfo-points-at-itself", hosts.span(subject))
            .word("value", display(hosts.all[0]))
            .word("token", own_port)
            .label("this machine");
        spot.at_most = (!is_known).then_some(Severity::Info);
        spot
    })
}

/// Whether a host is this machine, by its address; a directory of sockets may be that of another server.
fn is_this_machine(host: &[u8]) -> bool {
    reach(host) == Reach::Here && !host.starts_with(b"/") && !host.starts_with(b"@")
}

/// A password in the string.
pub fn password(subject: &Subject, hosts: &Hosts) -> Option<Spot> {
    let (index, value) = subject.options.get(names::PASSWORD)?;
    if value.is_empty() || subject.told[index] {
        return None;
    }
    let [user, host] = [subject.options.filled(names::USER), hosts.all.first().copied()]
        .map(|word| word.map_or("*".to_string(), |word| escaped(&display(word))));
    let line = format!("{host}:{}:replication:{user}:{}", display(hosts.port), words::MASK);
    let hint = match table::laws(Kind::Passfile, subject.major).next() {
        Some(row) => format!("a passfile of mode 0600, and `{}=` with its path in place of the password", row.name),
        // Only the usual file is read, and what PGPASSFILE names.
        None => "`.pgpass` in the home directory of the server's account, mode 0600, in place of it".to_string(),
    };
    let pair = &subject.conninfo.pairs[index];
    let spot = subject.spot("conninfo-password", pair.span()).word("suggestion", line);
    Some(spot.word("hint", hint).label("a password"))
}

/// Several hosts for a libpq that takes them for one.
fn list_too_new(subject: &Subject) -> Option<Spot> {
    if subject.major >= Major::V10 {
        return None;
    }
    let lists = [names::HOSTADDR, names::HOST].into_iter().filter_map(|name| subject.options.get(name));
    let is_list = |value: &[u8]| !value.starts_with(b"/") && memchr::memchr(b',', value).is_some();
    let (index, value) = lists.into_iter().find(|(index, value)| is_list(value) && !subject.told[*index])?;
    let spot = subject.spot("conninfo-host-list-too-new", subject.conninfo.pairs[index].value_span);
    Some(spot.word("value", display(value)).word("since", Major::V10.to_string()).label("one host, to this libpq"))
}

/// A field of a passfile: colons and backslashes need a backslash.
fn escaped(field: &str) -> String {
    field.replace('\\', "\\\\").replace(':', "\\:")
}

/// TLS that is not insisted on.
fn plain_text(subject: &Subject, hosts: &Hosts) -> Option<Spot> {
    let laws = || table::laws(Kind::Encrypts, subject.major);
    let insists = |law: &Keyword| {
        let value = subject.options.get(law.name).map(|(_, value)| value);
        value.is_some_and(|value| law.words(subject.major).any(|word| word.as_bytes() == value))
    };
    if hosts.reach() == Reach::Here || hosts.is_service || laws().any(insists) {
        return None;
    }
    let law = laws().next()?;
    let (span, what) = match subject.options.get(law.name) {
        Some((index, value)) => {
            (subject.conninfo.pairs[index].span(), format!("With `{}={}`", law.name, display(value)))
        }
        None => (hosts.span(subject), format!("Without `{}`", law.name)),
    };
    let mut spot = subject.spot("conninfo-weak-tls", span).word("hint", what).label("may go in clear text");
    if hosts.reach() < Reach::Public {
        spot.at_most = Some(Severity::Info);
    }
    Some(spot)
}

/// Several hosts, and any of them will do.
fn any_of_several(subject: &Subject, hosts: &Hosts) -> Option<Spot> {
    let law = table::laws(Kind::Chooses, subject.major).next()?;
    let mut different = hosts.all.clone();
    different.sort_unstable();
    different.dedup();
    let is_any = subject.options.get(law.name).is_none_or(|(_, value)| value == law.low.as_bytes());
    if different.len() < 2 || !is_any {
        return None;
    }
    let best = law.words(subject.major).last()?;
    let spot = subject.spot("conninfo-any-host", hosts.span(subject)).label("the first that answers is taken");
    Some(spot.word("value", different.len().to_string()).word("suggestion", format!("{}={best}", law.name)))
}

/// A superuser where a role for replication would do.
fn superuser(subject: &Subject) -> Option<Spot> {
    let (index, user) = subject.options.get(names::USER)?;
    (user == SUPERUSER).then(|| {
        let span = subject.conninfo.pairs[index].span();
        subject.spot("conninfo-superuser", span).word("value", display(user)).label("a superuser")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_near_or_far() {
        for (host, wanted) in [
            ("/tmp", Reach::Here),
            ("127.0.0.2", Reach::Here),
            ("::1", Reach::Here),
            ("localhost", Reach::Here),
            ("10.1.2.3", Reach::Private),
            ("172.31.0.1", Reach::Private),
            ("100.64.0.1", Reach::Private),
            ("fd00::1", Reach::Private),
            ("db1", Reach::Private),
            ("pg.db.svc.cluster.local", Reach::Private),
            ("185.252.146.89", Reach::Public),
            ("2001:4860::1", Reach::Public),
            ("db1.mycompany.com", Reach::Public),
        ] {
            assert_eq!(reach(host.as_bytes()), wanted, "{host}");
        }
    }
}
