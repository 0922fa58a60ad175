//! Whether a node feeds standbys, and what it lacks for it.

use super::access;
use super::recovery::node_top;
use super::slots;
use super::spot::{Spot, View};
use crate::catalog::{Parameter, ParameterId};
use crate::model::conninfo::Options;
use crate::model::settings::Verdict;
use crate::names;
use crate::syntax::conninfo;
use crate::value::Value;
use crate::version::{Major, Role};

/// Whether it is a primary, or files show that standbys are fed: slots, settings of a sender, lines that let them in.
/// A standby may have all of these from the primary that it is a copy of, slots excepted.
pub fn feeds(view: &View, role: Option<Role>) -> bool {
    let has_slots = || slots::on_disk(view).is_some_and(|slots| !slots.is_empty());
    match role {
        Some(Role::Primary) => true,
        Some(Role::Standby) => has_slots(),
        None => {
            let is_set = |index: usize, verdict: &Verdict| match verdict {
                Verdict::Set(value) => {
                    let parameter = view.settings.judged[index].parameter.map(|id| view.settings.catalog.get(id));
                    parameter.is_some_and(|parameter| parameter.trait_of("of-sender").is_some())
                        && !matches!(value.plain().as_slice(), b"" | b"0")
                }
                _ => false,
            };
            let is_node = node_top(view).is_some();
            let says_so = || view.lines().any(|(index, judged)| is_set(index, &judged.verdict));
            is_node && (says_so() || access::lets_standbys_in(view.access) || has_slots())
        }
    }
}

/// The parameter with that trait, and its value as it is in force; not where its line is refused.
pub fn with_trait<'a>(view: &View<'a>, word: &'static str) -> Option<(&'a Parameter, Value)> {
    let (_, parameter) = view.settings.catalog.with_trait(word).next()?;
    Some((parameter, view.settings.value(parameter.name)?))
}

/// A spot at the line that sets the parameter with that trait, or at the top of the main file.
pub fn at_trait(view: &View, rule: &'static str, word: &'static str) -> Option<Spot> {
    let (id, _) = view.settings.catalog.with_trait(word).next()?;
    at_parameter(view, rule, id)
}

/// A spot at the line that sets a parameter; at the top where none does.
pub fn at_parameter(view: &View, rule: &'static str, id: ParameterId) -> Option<Spot> {
    let parameter = view.settings.catalog.get(id);
    let shown = view.settings.value(parameter.name)?.shown(parameter, view.settings.catalog.version.major);
    let shown = crate::source::display(&shown);
    let spot = match view.settings.winner(id) {
        Some((index, judged)) => view.about(rule, index, judged.entry.value()),
        None => Spot::new(rule, view.top()?)
            .word("name", parameter.name)
            .word("value", format!("{shown} (default)"))
            .word("pg", view.version_word())
            .subject(parameter.name),
    };
    Some(spot)
}

/// Spots for what keeps a node from feeding others, or from being fed.
pub fn check(view: &View, role: Option<Role>, spots: &mut Vec<Spot>) {
    if role == Some(Role::Primary) {
        spots.extend(retention(view));
    }
    if role == Some(Role::Standby) {
        spots.extend(slot_sync(view));
    }
}

/// Nothing keeps WAL for a standby that is away.
fn retention(view: &View) -> Option<Spot> {
    let (_, kept) = with_trait(view, "keeps-wal")?;
    let (_, archives) = with_trait(view, "archive-mode")?;
    let (_, most) = with_trait(view, "slots")?;
    // That it can feed nobody comes first.
    with_trait(view, "wal-level").filter(|(_, level)| level.plain() != b"minimal")?;
    let has_no_slot = match slots::on_disk(view) {
        Some(slots) => slots.is_empty(),
        // They may be there.
        None => most == Value::Integer(0),
    };
    let is_off = archives.plain() == b"off";
    if kept != Value::Integer(0) || !is_off || !has_no_slot {
        return None;
    }
    Some(at_trait(view, "no-wal-retention", "keeps-wal")?.label("nothing keeps WAL for a standby that is away"))
}

/// Logical slots are synchronized over a connection to a database.
fn slot_sync(view: &View) -> Option<Spot> {
    let (_, sync) = with_trait(view, "slot-sync")?;
    let major = view.settings.catalog.version.major;
    if sync != Value::Bool(true) || major < Major::V17 {
        return None;
    }
    let (parameter, value) = with_trait(view, "conninfo")?;
    let text = value.plain();
    let string = conninfo::parse(&text, major);
    let has_database = Options { conninfo: &string }.filled(names::DBNAME).is_some();
    let winner = view.settings.catalog.find(parameter.name.as_bytes()).and_then(|id| view.settings.winner(id));
    let (index, judged) = winner.filter(|_| !text.is_empty() && !has_database)?;
    Some(view.about("slot-sync-without-dbname", index, judged.entry.value()).label("names no database"))
}
