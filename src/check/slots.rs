//! Replication slots, which a server keeps as directories below its data directory, against the settings.

use std::path::Path;
use std::sync::Arc;

use super::replication::{at_parameter, at_trait, with_trait};
use super::spot::{Spot, View};
use crate::model::path;
use crate::model::recovery::signals::{self, Mode};
use crate::names;
use crate::source::{ReadError, display};
use crate::value::Value;
use crate::version::Major;

/// A slot on disk.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Slot {
    /// Its name is that of its directory.
    pub name: String,
    /// Whether it is for logical decoding; not known where its file is not readable.
    pub logical: Option<bool>,
}

/// What the file of a slot begins with.
const MAGIC: [u8; 4] = 0x0105_1CA1_u32.to_le_bytes();

/// Where the file has the number of the database that a logical slot belongs to: behind the head and the name.
const DATABASE: std::ops::Range<usize> = 80..84;

/// The slots of the node, by name; `None` where no data directory is at hand.
pub fn on_disk(view: &View) -> Option<Vec<Slot>> {
    let directory = view.tree.data_directory.join(names::PG_REPLSLOT);
    let mut listed = view.files.list(&directory).ok()?;
    listed.sort();
    let slot = |name: &[u8]| {
        let state = state(view, path::from_bytes(name)).ok();
        Slot { name: display(name), logical: state.and_then(|state| is_logical(&state)) }
    };
    // A slot in the making ends so; the server clears it away.
    let slots = listed.iter().filter(|(name, is_directory)| *is_directory && !name.ends_with(b".tmp"));
    Some(slots.map(|(name, _)| slot(name)).collect())
}

/// The file of a slot.
fn state(view: &View, slot: impl AsRef<Path>) -> Result<Arc<[u8]>, ReadError> {
    view.files.read(&view.tree.data_directory.join(names::PG_REPLSLOT).join(slot).join("state"))
}

/// Whether the file of a slot says that it is logical; nothing where it is no such file.
pub fn is_logical(state: &[u8]) -> Option<bool> {
    let database = state.get(DATABASE).filter(|_| state.starts_with(&MAGIC));
    database.map(|database| database != [0; 4])
}

/// Spots for slots that a start does not accept, and for what they do to the disk.
pub fn check(view: &View, spots: &mut Vec<Spot>) {
    let slots = on_disk(view);
    spots.extend(missing(view, slots.as_deref()));
    let Some(slots) = slots.filter(|slots| !slots.is_empty()) else { return };
    spots.extend(without_state(view, &slots));
    spots.extend(unreadable_state(view, &slots));
    spots.extend(too_many(view, &slots));
    spots.extend(wal_level(view, &slots));
    spots.extend(on_standby(view, &slots));
    spots.extend(unbounded(view, &slots));
}

fn listed(slots: &[Slot]) -> String {
    const MOST: usize = 3;
    let mut names: Vec<String> = slots.iter().take(MOST).map(|slot| format!("`{}`", slot.name)).collect();
    if slots.len() > MOST {
        names.push(format!("{} more", slots.len() - MOST));
    }
    names.join(", ")
}

/// A directory of a slot without the file that makes it one.
fn without_state(view: &View, slots: &[Slot]) -> Option<Spot> {
    let slot = slots.iter().find(|slot| state(view, &slot.name) == Err(ReadError::Missing))?;
    let spot = Spot::new("slot-without-state", view.top()?).word("other", slot.name.clone());
    let says = format!("could not open file \"{}/{}/state\"", names::PG_REPLSLOT, slot.name);
    Some(spot.label(format!("pg_replslot/{} beside it", slot.name)).server(says))
}

/// The file of a slot that a start reads and cannot use: it ends too early, or another one stands in its place.
fn unreadable_state(view: &View, slots: &[Slot]) -> Option<Spot> {
    slots.iter().find_map(|slot| {
        let state = state(view, &slot.name).ok()?;
        let fault = fault(&state)?;
        let spot = |rule: &'static str| Some(Spot::new(rule, view.top()?).word("other", slot.name.clone()));
        let shown = format!("{}/{}/state", names::PG_REPLSLOT, slot.name);
        let spot = match fault {
            StateFault::TooShort { has, wanted } => {
                let colon = if view.settings.catalog.version.major < Major::V12 { "," } else { ":" };
                let spot = spot("slot-state-too-short")?.word("has", state.len().to_string());
                spot.server(format!("could not read file \"{shown}\"{colon} read {has} of {wanted}"))
            }
            StateFault::Foreign(magic) => {
                let wanted = u32::from_le_bytes(MAGIC);
                let says =
                    format!("replication slot file \"{shown}\" has wrong magic number: {magic} instead of {wanted}");
                spot("slot-state-foreign")?.server(says)
            }
        };
        Some(spot.label(format!("{shown} beside it")))
    })
}

/// Why a start ends at the file of a slot.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum StateFault {
    /// Of so many bytes that are due at a time no more are there.
    TooShort { has: usize, wanted: usize },
    /// It begins with another number.
    Foreign(u32),
}

/// The head of the file: what it is, a checksum, a version, and how many bytes follow.
const HEAD: usize = 16;

/// What a server of any major does not take. Versions, sums and what follows differ from major to major.
fn fault(state: &[u8]) -> Option<StateFault> {
    let number = |at: usize| state.get(at..)?.first_chunk().map(|bytes| u32::from_le_bytes(*bytes));
    let (Some(magic), Some(length)) = (number(0), number(HEAD - 4)) else {
        return Some(StateFault::TooShort { has: state.len(), wanted: HEAD });
    };
    if magic != u32::from_le_bytes(MAGIC) {
        return Some(StateFault::Foreign(magic));
    }
    let (has, wanted) = (state.len() - HEAD, usize::try_from(length).ok()?);
    (has < wanted).then_some(StateFault::TooShort { has, wanted })
}

fn too_many(view: &View, slots: &[Slot]) -> Option<Spot> {
    let (_, most) = with_trait(view, "slots")?;
    let Value::Integer(most) = most else { return None };
    if usize::try_from(most).is_ok_and(|most| slots.len() <= most) {
        return None;
    }
    let spot = at_trait(view, "slots-exceed-setting", "slots")?;
    let spot = spot.word("missing", slots.len().to_string()).word("has", listed(slots));
    Some(spot.label(format!("{} slots on disk", slots.len())))
}

/// The first slot for which the WAL does not have enough in it.
fn wal_level(view: &View, slots: &[Slot]) -> Option<Spot> {
    let (parameter, level) = with_trait(view, "wal-level")?;
    let level = display(&level.plain());
    let logical = slots.iter().find(|slot| slot.logical == Some(true)).filter(|_| level != "logical");
    let physical = slots.iter().find(|slot| slot.logical == Some(false)).filter(|_| level == "minimal");
    // From 19 on logical decoding is turned on where it is needed.
    let is_19 = view.settings.catalog.version.major >= Major::V19 && level != "minimal";
    let slot = logical.filter(|_| !is_19).or(physical)?;
    let kind = if slot.logical == Some(true) { "logical" } else { "physical" };
    let spot = at_trait(view, "slot-needs-wal-level", "wal-level")?;
    let spot = spot.word("other", slot.name.clone()).word("kind", kind);
    let wanted = if kind == "logical" { "logical" } else { "replica" };
    let major = view.settings.catalog.version.major;
    let wanted = if major < Major::V9_6 && kind == "physical" { "archive" } else { wanted };
    let quote = if major < Major::V17 { "" } else { "\"" };
    let comparison = format!("{quote}{}{quote} < {wanted}", parameter.name);
    let says = format!("{kind} replication slot \"{}\" exists, but {comparison}", slot.name);
    Some(spot.word("suggestion", wanted).label(format!("too little for the slot `{}`", slot.name)).server(says))
}

/// From 16 on a standby may have logical slots, and must then answer queries.
fn on_standby(view: &View, slots: &[Slot]) -> Option<Spot> {
    let major = view.settings.catalog.version.major;
    let is_off = view.settings.value(names::HOT_STANDBY) == Some(Value::Bool(false));
    let mode = signals::signals(view.files, &view.tree.data_directory).mode();
    let slot = slots.iter().find(|slot| slot.logical == Some(true))?;
    if major < Major::V16 || !is_off || mode != Mode::Standby {
        return None;
    }
    let id = view.settings.catalog.find(names::HOT_STANDBY.as_bytes())?;
    let spot = at_parameter(view, "logical-slot-without-hot-standby", id)?.word("other", slot.name.clone());
    let says = format!("logical replication slot \"{}\" exists on the standby, but", slot.name);
    Some(spot.label(format!("off, and there is the slot `{}`", slot.name)).server(says))
}

/// Slots keep WAL as long as their standby is away.
fn unbounded(view: &View, slots: &[Slot]) -> Option<Spot> {
    let spot = match with_trait(view, "slot-cap") {
        Some((_, Value::Integer(-1))) => at_trait(view, "slot-retention-unbounded", "slot-cap")?,
        Some(_) => return None,
        None if view.settings.catalog.version.major < Major::V13 => {
            Spot::new("slot-retention-unbounded-before-13", view.top()?).word("pg", view.version_word())
        }
        None => return None,
    };
    Some(spot.word("has", listed(slots)).label(format!("{} slots on disk, and no limit", slots.len())))
}

/// Slots that logical decoding waits for, and that are not there.
fn missing(view: &View, slots: Option<&[Slot]>) -> Option<Spot> {
    let slots = slots?;
    let missing = waited_for(view).into_iter().find(|name| !slots.iter().any(|slot| slot.name == *name))?;
    let spot = at_waited_for(view, "synchronized-slot-missing")?;
    Some(spot.word("other", missing.clone()).label(format!("there is no slot `{missing}`")))
}

/// The slots that logical decoding waits for.
pub fn waited_for(view: &View) -> Vec<String> {
    let text = with_trait(view, WAITED_FOR).map(|(_, value)| display(&value.plain())).unwrap_or_default();
    let names = text.split(',').map(|name| name.trim().trim_matches('"')).filter(|name| !name.is_empty());
    names.map(str::to_owned).collect()
}

/// A spot at the line that names them.
pub fn at_waited_for(view: &View, rule: &'static str) -> Option<Spot> {
    at_trait(view, rule, WAITED_FOR)
}

/// The trait of the setting that names them, in `rules/catalog/traits.tsv`.
const WAITED_FOR: &str = "slots-waited-for";

#[cfg(test)]
mod tests {
    use super::*;

    /// Cut off anywhere it is too short; with more behind it a server takes it.
    #[test]
    fn the_file_of_a_slot_is_whole_or_none() {
        let mut whole = MAGIC.to_vec();
        whole.extend([7, 7, 7, 7, 5, 0, 0, 0, 184, 0, 0, 0]);
        whole.resize(HEAD + 184, 1);
        for length in 0..whole.len() {
            let (has, wanted) = if length < HEAD { (length, HEAD) } else { (length - HEAD, 184) };
            assert_eq!(fault(&whole[..length]), Some(StateFault::TooShort { has, wanted }));
        }
        assert_eq!(fault(&whole), None);
        assert_eq!(fault(&[whole.as_slice(), b"more"].concat()), None);
        assert_eq!(fault(&[0; 200]), Some(StateFault::Foreign(0)));
    }
}
