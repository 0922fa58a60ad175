//! The day on which both change places: whether the old primary could follow the new one.

use std::net::IpAddr;

use super::{Found, Pair};
use crate::check::spot::Spot;
use crate::model::conninfo::Options;
use crate::model::pair::Answer;
use crate::model::pair::dial::Dial;
use crate::model::pair::door::Door;
use crate::model::pair::gate::{self, Client, From, Opening};
use crate::names;
use crate::source::{FileKind, Place};
use crate::value::Value;

/// A spot where the standby lacks what its upstream has, and would need in its place.
pub(super) fn check(pair: &Pair, found: &mut Found) {
    let (Some(old), Some(new)) = (Door::of(pair.upstream.view.settings), Door::of(pair.standby.view.settings)) else {
        return;
    };
    let mut lacks: Vec<(String, Option<Place>)> = Vec::new();
    let number = |pair: &super::End, name: &str| match pair.view.settings.value(name) {
        Some(Value::Integer(number)) => number,
        _ => -1,
    };
    let setting = names::MAX_WAL_SENDERS;
    if number(&pair.upstream, setting) > 0 && number(&pair.standby, setting) == 0 {
        lacks.push((format!("`{setting}` is 0"), pair.standby.place_of(setting)));
    }
    let setting = names::MAX_REPLICATION_SLOTS;
    if number(&pair.upstream, setting) > 0 && number(&pair.standby, setting) == 0 {
        lacks.push((format!("`{setting}` is 0"), pair.standby.place_of(setting)));
    }
    let setting = names::WAL_LEVEL;
    let is_minimal = |end: &super::End| end.word(setting) == "minimal";
    if !is_minimal(&pair.upstream) && is_minimal(&pair.standby) {
        lacks.push((format!("`{setting}` is minimal"), pair.standby.place_of(setting)));
    }
    if old.is_open_to_others() && !new.is_open_to_others() {
        let setting = names::LISTEN_ADDRESSES;
        lacks.push(("it listens for nobody else".to_owned(), pair.standby.place_of(setting)));
    }
    if old.has_tls && !new.has_tls {
        lacks.push(("it speaks no TLS".to_owned(), pair.standby.place_of(names::SSL)));
    }
    lacks.extend(admission(pair, &new));
    if lacks.is_empty() || pair.standby.lacks_settings() || pair.upstream.lacks_settings() {
        return;
    }
    let Some(place) = lacks.iter().find_map(|(_, place)| *place).or_else(|| pair.standby.top()) else { return };
    let words: Vec<&str> = lacks.iter().map(|(what, _)| what.as_str()).collect();
    let mut spot = Spot::new("failover-is-one-way", place)
        .word("name", pair.standby.member.name.clone())
        .word("upstream", pair.upstream.member.name.clone())
        .word("what", words.join(", "))
        .word("pg", pair.standby.view.version_word())
        .label(lacks[0].0.clone());
    for (what, other) in lacks.iter().skip(1) {
        if let Some(other) = other {
            spot = spot.related(*other, what.clone());
        }
    }
    found.of_standby.push(spot);
}

/// What the standby's pg_hba.conf would do to its primary, if that came as the standby comes now.
fn admission(pair: &Pair, new: &Door) -> Option<(String, Option<Place>)> {
    let (old_hba, hba) = (pair.upstream.view.access.hba.as_ref()?, pair.standby.view.access.hba.as_ref()?);
    if !old_hba.is_accepted() || !hba.is_accepted() || pair.standby.shares(&pair.upstream, FileKind::Hba) {
        return None;
    }
    let caller = pair.standby.caller().filter(|caller| !caller.is_refused)?;
    let dial = Dial::of(&Options { conninfo: &caller.string }, pair.major);
    let user = dial.user.as_deref()?;
    let here = dial.targets.first()?.way.is_here();
    let from = |addresses: &[IpAddr]| match addresses.first() {
        Some(address) => From::Address(*address),
        None if here => From::Address(IpAddr::from([127, 0, 0, 1])),
        None => From::Anywhere,
    };
    let yes = Answer::Yes;
    let client =
        |from| Client { from, user: Some(user), dial: &dial, shares_tls: true, password: yes, certificate: yes };
    let come = gate::open(old_hba, pair.major, true, &client(from(&pair.standby.member.addresses)));
    if !matches!(come, Opening::In(_) | Opening::Depends(..)) {
        return None;
    }
    let back = gate::open(hba, pair.major, new.has_tls, &client(from(&pair.upstream.member.addresses)));
    let what = match back {
        Opening::Nobody(_) => "no line of its pg_hba.conf lets it in",
        Opening::Rejected(..) => "its pg_hba.conf rejects it",
        _ => return None,
    };
    let file = hba.main?;
    Some((what.to_owned(), Some(Place { file, span: crate::source::Span::new(0, 0) })))
}

impl super::End<'_> {
    /// Whether both read one and the same file of a kind.
    fn shares(&self, other: &super::End, kind: FileKind) -> bool {
        let file = |end: &super::End| match kind {
            FileKind::Hba => end.view.access.hba.as_ref().and_then(|hba| hba.main),
            _ => None,
        };
        file(self).is_some() && file(self) == file(other)
    }
}
