//! The replication slot that a standby asks for, and the WAL senders that are there for standbys.

use super::{End, Found, Pair};
use crate::catalog::recovery::{Purpose, named};
use crate::check::slots::{self, Slot};
use crate::check::spot::Spot;
use crate::names;
use crate::source::{Place, display};
use crate::value::Value;
use crate::version::Major;

/// Spots for slots that are not there or taken, and for too few WAL senders.
pub(super) fn check(pair: &Pair, found: &mut Found) {
    if let Some((slot, place, line)) = pair.standby.slot() {
        slot_of(pair, &slot, place, line, found);
    }
    senders(pair, found);
    if pair.place == 0 {
        found.of_upstream.extend(waited_for(pair));
    }
    found.of_standby.extend(logical(pair));
}

/// A slot that logical decoding waits for, and that none of those who follow uses.
fn waited_for(pair: &Pair) -> Option<Spot> {
    let there = pair.upstream.slots();
    let is_there = |name: &String| there.as_ref().is_none_or(|slots| slots.iter().any(|slot| slot.name == *name));
    let used: Vec<String> = pair.followers.iter().filter_map(|end| Some(display(&end.slot()?.0))).collect();
    let waited = slots::waited_for(&pair.upstream.view);
    let idle = waited.into_iter().find(|name| is_there(name) && !used.contains(name))?;
    let spot = slots::at_waited_for(&pair.upstream.view, "synchronized-slot-unused")?;
    let spot = spot.word("upstream", pair.upstream.member.name.clone()).word("token", idle.clone());
    Some(spot.label(format!("nobody here uses `{idle}`")))
}

/// Logical slots of a standby, whose primary writes too little for them.
fn logical(pair: &Pair) -> Option<Spot> {
    let level = pair.head.word(names::WAL_LEVEL);
    if pair.major < Major::V16 || level == "logical" || pair.head.lacks_settings() {
        return None;
    }
    let slots = pair.standby.slots()?;
    let slot = slots.iter().find(|slot| slot.logical == Some(true))?;
    let mut spot = Spot::new("logical-slot-needs-primary", pair.standby.top()?)
        .word("name", pair.standby.member.name.clone())
        .word("upstream", pair.head.member.name.clone())
        .word("token", slot.name.clone())
        .word("has", level.clone())
        .word("pg", pair.standby.view.version_word());
    if let Some(place) = pair.head.place_of(names::WAL_LEVEL) {
        spot = spot.related(place, format!("{level} on {}", pair.head.member.name));
    }
    Some(spot.label(format!("the logical slot `{}` is here", slot.name)))
}

fn slot_of(pair: &Pair, slot: &[u8], place: Place, line: Option<usize>, found: &mut Found) {
    let upstream = &pair.upstream.member.name;
    let shown = display(slot);
    let spot = |rule: &'static str| {
        let mut spot = match line {
            Some(line) => pair.standby.view.about(rule, line, place),
            None => Spot::new(rule, place).subject(named(Purpose::Slot)).word("pg", pair.standby.view.version_word()),
        };
        spot.words.retain(|(word, _)| !matches!(*word, "name" | "value"));
        let spot = spot.word("name", pair.standby.member.name.clone()).word("upstream", upstream.clone());
        spot.word("token", shown.clone())
    };
    let missing = format!("replication slot \"{shown}\" does not exist");
    let setting = names::MAX_REPLICATION_SLOTS;
    if pair.upstream.view.settings.value(setting) == Some(Value::Integer(0)) {
        let mut spot = spot("standby-slot-impossible").server(missing).label("no slot can be there");
        if let Some(place) = pair.upstream.place_of(setting) {
            spot = spot.related(place, format!("none on {upstream}"));
        }
        found.of_standby.push(spot);
        return;
    }
    match pair.upstream.slots() {
        Some(slots) if !slots.iter().any(|known| known.name == shown) => {
            let has: Vec<String> = slots.iter().map(|slot| format!("`{}`", slot.name)).collect();
            let has = if has.is_empty() { "no slot at all".to_owned() } else { has.join(", ") };
            found.of_standby.push(spot("standby-slot-missing").word("has", has).server(missing).label("not there"));
            return;
        }
        Some(_) => {}
        None => found.provided.push(format!("{upstream} has the slot `{shown}`")),
    }
    let others = pair.followers.iter().enumerate().filter(|(index, _)| *index != pair.place);
    let sharing: Vec<(usize, &End)> =
        others.filter(|(_, end)| end.slot().is_some_and(|(other, ..)| other == slot)).collect();
    let Some((first, other)) = sharing.first() else { return };
    found.provided.push(format!("{} leaves the slot `{shown}` to it", other.member.name));
    if *first < pair.place {
        let mut spot = spot("slot-shared-by-standbys").word("other", other.member.name.clone()).label("the same slot");
        spot = spot.server(format!("replication slot \"{shown}\" is active for PID"));
        if let Some((_, place, _)) = other.slot() {
            spot = spot.related(place, format!("{} has it too", other.member.name));
        }
        // Whoever comes first has it.
        spot.is_unsure = true;
        found.of_standby.push(spot);
    }
}

fn senders(pair: &Pair, found: &mut Found) {
    let setting = names::MAX_WAL_SENDERS;
    if pair.upstream.lacks_settings() {
        return;
    }
    let Some(Value::Integer(senders)) = pair.upstream.view.settings.value(setting) else { return };
    let wanted = pair.followers.len();
    if usize::try_from(senders).unwrap_or(0) >= wanted {
        return;
    }
    let upstream = &pair.upstream.member.name;
    let Some(place) = pair.upstream.place_of(setting) else { return };
    let quoted = if pair.major >= Major::V17 { format!("\"{setting}\"") } else { setting.to_owned() };
    let says = format!("number of requested standby connections exceeds {quoted} (currently {senders})");
    let spot = Spot::new("too-few-wal-senders-for-standbys", place)
        .subject(setting)
        .word("has", senders.to_string())
        .word("wanted", wanted.to_string())
        .word("upstream", upstream.clone())
        .word("pg", pair.upstream.view.version_word())
        .server(says);
    if senders == 0 {
        found.of_upstream.push(spot);
        return;
    }
    found.provided.push(format!("{upstream} has a WAL sender left for it, of {senders} for {wanted} standbys"));
    if pair.place == 0 {
        found.of_upstream.push(Spot { is_unsure: true, ..spot });
    }
}

impl End<'_> {
    /// The slot that it asks for.
    fn slot(&self) -> Option<(Vec<u8>, Place, Option<usize>)> {
        self.says(Purpose::Slot).filter(|(slot, ..)| !slot.is_empty())
    }

    /// The slots of its data directory, where that is at hand.
    pub(super) fn slots(&self) -> Option<Vec<Slot>> {
        self.view.data_directory().and_then(|_| slots::on_disk(&self.view))
    }
}
