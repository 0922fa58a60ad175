//! Whether the way that a standby takes ends at its upstream.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::{Caller, Found, Pair, admission};
use crate::check::spot::Spot;
use crate::finding::Severity;
use crate::model::conninfo::Options;
use crate::model::pair::Answer;
use crate::model::pair::dial::{Dial, Target, Way};
use crate::model::pair::door::Door;
use crate::model::pair::gate::From;
use crate::names;
use crate::source::{Place, Span, display};

/// Where a way ends.
enum End {
    /// At the node that is to be followed; from there the client is seen to come from one of these.
    There(Vec<From>),
    /// At the standby itself.
    Itself,
    /// Nobody listens on that port.
    Port,
    /// The upstream does not listen there.
    Deaf,
    /// Files do not tell; what has to be so.
    Depends(Vec<From>, String),
}

/// Spots for a way that ends elsewhere, and for whoever is not let in at its end.
pub(super) fn check(pair: &Pair, caller: &Caller, options: &Options, dial: &Dial, found: &mut Found) {
    if let Some(major) = caller.needs_libpq {
        found.provided.push(format!("its libpq is that of PostgreSQL {major} or later"));
    }
    if caller.is_refused {
        // The connection string's own pages say so.
        return;
    }
    super::settings::check(pair, caller, options, found);
    let upstream = &pair.upstream.member.name;
    if pair.upstream.lacks_settings() {
        found.provided.push(format!("{upstream} listens where it knocks, and lets it in"));
        return;
    }
    let Some(door) = Door::of(pair.upstream.view.settings) else { return };
    if dial.targets.is_empty() {
        found.provided.push(format!("the service that it names leads to {upstream}"));
    }
    // libpq tries one host after another, until one lets it in; the first failure is the one to tell.
    let mut first: Option<Found> = None;
    for target in &dial.targets {
        let mut told = Found::default();
        let end = end(pair, &door, target);
        let lets_in = match &end {
            End::There(from) => admission::check(pair, caller, dial, &door, from, &mut told),
            End::Depends(from, condition) => {
                told.provided.push(condition.clone());
                admission::check(pair, caller, dial, &door, from, &mut told)
            }
            End::Port if !target.way.is_here() => {
                // Somebody may have put a proxy there, or a container's port may be another one outside.
                let spot = spot(pair, caller, options, &door, target, &end);
                told.of_standby.push(Spot { at_most: Some(Severity::Warning), ..spot });
                told.provided.push(format!("port {} of {} leads to {upstream}", target.port, shown(target)));
                admission::check(pair, caller, dial, &door, &[From::Anywhere], &mut told)
            }
            End::Itself | End::Port | End::Deaf => {
                told.of_standby.push(spot(pair, caller, options, &door, target, &end));
                // It is let in by itself, as a rule.
                if matches!(end, End::Itself) {
                    first = first.or(Some(told));
                    break;
                }
                false
            }
        };
        if lets_in {
            first = Some(told);
            break;
        }
        first = first.or(Some(told));
    }
    if let Some(told) = first {
        found.of_upstream.extend(told.of_upstream);
        found.of_standby.extend(told.of_standby);
        found.provided.extend(told.provided);
    }
}

fn end(pair: &Pair, door: &Door, target: &Target) -> End {
    if target.way.is_here() { from_here(pair, door, target) } else { from_afar(pair, door, target) }
}

/// A way that does not leave the standby's machine.
fn from_here(pair: &Pair, door: &Door, target: &Target) -> End {
    let own = Door::of(pair.standby.view.settings).filter(|_| !pair.standby.lacks_settings());
    let takes = |door: &Door| match door.port == target.port {
        true => door.takes_from_here(&target.way),
        false => Answer::No,
    };
    let (there, itself) = (takes(door), own.as_ref().map_or(Answer::No, takes));
    match (there, itself) {
        // On one machine they would be in each other's way: it is the standby's own that is there.
        (_, Answer::Yes) => End::Itself,
        (Answer::Yes, _) => End::There(seen_from(door, &target.way)),
        (Answer::Depends, _) => {
            let host = shown(target);
            End::Depends(seen_from(door, &target.way), format!("{} listens at {host}", pair.upstream.member.name))
        }
        (Answer::No, Answer::Depends) => End::Itself,
        (Answer::No, Answer::No) if door.port != target.port => End::Port,
        (Answer::No, Answer::No) => End::Deaf,
    }
}

/// From where the upstream sees a client of its own machine come.
fn seen_from(door: &Door, way: &Way) -> Vec<From> {
    let loopback = [IpAddr::V6(Ipv6Addr::LOCALHOST), IpAddr::V4(Ipv4Addr::LOCALHOST)];
    match way {
        Way::Socket(_) => vec![From::Socket],
        Way::Address(IpAddr::V6(_)) => vec![From::Address(loopback[0])],
        // Whatever address of the machine it goes to, it comes from the first one.
        Way::Address(IpAddr::V4(_)) => vec![From::Address(loopback[1])],
        Way::Localhost | Way::Name => {
            let open = loopback.into_iter().filter(|address| door.listens_on(*address) != Answer::No);
            open.map(From::Address).collect()
        }
    }
}

fn from_afar(pair: &Pair, door: &Door, target: &Target) -> End {
    let addresses = &pair.standby.member.addresses;
    if let Way::Address(address) = &target.way
        && addresses.contains(address)
        && Door::of(pair.standby.view.settings).is_some_and(|own| own.port == target.port)
        && !pair.upstream.member.addresses.contains(address)
    {
        return End::Itself;
    }
    if door.port != target.port {
        return End::Port;
    }
    let is_v6 = match &target.way {
        Way::Address(address) => Some(address.is_ipv6()),
        _ => None,
    };
    let fits = |address: &&IpAddr| is_v6.is_none_or(|is_v6| address.is_ipv6() == is_v6);
    let mut from: Vec<From> = addresses.iter().filter(fits).copied().map(From::Address).collect();
    if from.is_empty() {
        from.push(From::Anywhere);
    }
    let upstream = &pair.upstream.member.name;
    let known = &pair.upstream.member.addresses;
    match (door.takes_from_afar(&target.way), &target.way) {
        (Answer::No, Way::Name) => {
            End::Depends(from, format!("{} is an address at which {upstream} listens", shown(target)))
        }
        (Answer::No, _) => End::Deaf,
        (Answer::Depends, _) => {
            End::Depends(from, format!("{} is an address at which {upstream} listens", shown(target)))
        }
        (Answer::Yes, Way::Address(address)) if !known.is_empty() && !known.contains(address) => {
            End::Depends(from, format!("{address} leads to {upstream}"))
        }
        (Answer::Yes, _) => End::There(from),
    }
}

fn shown(target: &Target) -> String {
    if target.written.is_empty() { "the socket that libpq was built with".to_owned() } else { display(&target.written) }
}

fn spot(pair: &Pair, caller: &Caller, options: &Options, door: &Door, target: &Target, end: &End) -> Spot {
    let upstream = &pair.upstream.member.name;
    let host = [names::HOSTADDR, names::HOST].into_iter().find_map(|name| options.get(name));
    let at = |pair: Option<(usize, &[u8])>| pair.map(|(index, _)| caller.string.pairs[index].value_span);
    let (rule, span) = match end {
        End::Itself => ("standby-follows-itself", at(host)),
        End::Port => ("upstream-has-other-port", at(options.get(names::PORT)).or(at(host))),
        _ => ("upstream-listens-elsewhere", at(host)),
    };
    let span = span.unwrap_or(Span::new(0, caller.text.value.bytes.len()));
    let mut spot = caller.spot(pair, rule, span).word("name", pair.standby.member.name.clone());
    spot = spot.word("upstream", upstream.clone()).word("value", shown(target));
    spot = spot.word("token", target.port.to_string()).word("other", door.port.to_string());
    let is_socket = matches!(target.way, Way::Socket(_));
    let addresses = match pair.upstream.view.settings.value(names::LISTEN_ADDRESSES) {
        _ if is_socket => "no socket there".to_owned(),
        Some(value) if !value.plain().is_empty() => format!("`{}`", display(&value.plain())),
        _ => "no address at all".to_owned(),
    };
    spot = spot.word("has", addresses);
    let says = match end {
        End::Itself => None,
        _ if is_socket => Some("No such file or directory"),
        _ => Some("Connection refused"),
    };
    if let Some(says) = says {
        spot = spot.server(says);
    }
    let (related, label) = match end {
        End::Port => (names::PORT, format!("{upstream} has port {}", door.port)),
        End::Itself => (names::PORT, String::new()),
        _ => (names::LISTEN_ADDRESSES, format!("{upstream} listens here")),
    };
    if !label.is_empty()
        && let Some(place) = pair.upstream.place_of(related)
    {
        spot = spot.related(place, label);
    }
    if matches!(end, End::Itself) {
        spot = spot.label("this standby");
    }
    spot
}

impl Caller {
    /// A spot at a range of the connection string.
    pub(super) fn spot(&self, pair: &Pair, rule: &'static str, span: Span) -> Spot {
        let end = if span.start == span.end { span.end + 1 } else { span.end };
        let place = Place { file: self.text.place.file, span: self.text.value.raw(Span::new(span.start, end)) };
        let view = &pair.standby.view;
        let mut spot = match self.text.line {
            Some(line) => view.about(rule, line, place),
            None => Spot::new(rule, place)
                .word("name", self.text.name.clone())
                .word("pg", view.version_word())
                .subject(self.text.name.to_ascii_lowercase()),
        };
        // The whole value may hold a password, and the name is that of the node.
        spot.words.retain(|(word, _)| !matches!(*word, "value" | "name"));
        spot.word("setting", self.text.name.clone())
    }
}
