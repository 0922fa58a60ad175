//! Values that another version takes.

use super::{listed, read, read_with};
use crate::catalog::{self, Catalog, Kind, Parameter, tables};
use crate::check::fix;
use crate::check::spot::{Spot, View};
use crate::value::{Grammar, Value};
use crate::version::{Major, PgVersion};

/// A refused value that another version takes, where that explains the refusal.
pub fn spot(view: &View, index: usize, parameter: &Parameter, text: &[u8]) -> Option<Spot> {
    if !may_have_changed(parameter) {
        return None;
    }
    let major = view.settings.catalog.version.major;
    let others: Vec<(Major, Option<Value>)> = catalog::majors()
        .filter(|other| *other != major && *other >= Major::V9_4)
        // That an older version was less strict explains nothing.
        .filter(|other| *other > major || is_choice(parameter))
        .filter_map(|other| Some((other, taken(view, parameter, other, text)?)))
        .collect();
    let majors: Vec<Major> = others.iter().map(|(major, _)| *major).collect();
    majors.first()?;
    let entry = &view.settings.judged[index].entry;
    let spot = view
        .about("retired-value", index, entry.value())
        .word("reason", said(&majors, major))
        .label("a value of another version");
    // What it meant in the last version that took it.
    let before = others.iter().rev().find(|(other, _)| *other < major);
    let meant = before.and_then(|(_, value)| value.as_ref()).map(Value::plain);
    let meant = meant.filter(|meant| meant.as_slice() != text && read(view, parameter, meant).is_ok());
    let (suggestion, may_fix) = match (tables::successor(parameter.name, text, major), meant) {
        (Some((successor, fix)), _) => (successor.as_bytes().to_vec(), fix),
        (None, Some(meant)) => (meant, true),
        (None, None) => (Vec::new(), true),
    };
    let mut spot = spot.word("suggestion", crate::source::display(&suggestion));
    spot.edits = match (may_fix, suggestion.is_empty()) {
        (false, _) => Vec::new(),
        (true, true) => fix::comment_out(view.sources, entry, "not a value in this version"),
        (true, false) => vec![fix::new_value(view, entry, &suggestion)],
    };
    Some(spot)
}

/// Numbers whose range moved are explained by the range, and a locale by the machine.
fn may_have_changed(parameter: &Parameter) -> bool {
    match parameter.kind {
        Kind::Integer | Kind::Real => parameter.range.0 >= parameter.range.1,
        _ => !matches!(parameter.grammar, Some(Grammar::Never)),
    }
}

/// Whether a value is one of a list, or several.
fn is_choice(parameter: &Parameter) -> bool {
    let of_words = |grammar: &Grammar| {
        matches!(
            grammar,
            Grammar::Keywords(_)
                | Grammar::KeywordsLater(_)
                | Grammar::Options(_)
                | Grammar::OptionsOrSwitch(_)
                | Grammar::Levels(_)
                | Grammar::Words(..)
                | Grammar::Named(_)
        )
    };
    parameter.kind != Kind::String || parameter.grammar.as_ref().is_some_and(of_words)
}

/// What the value means to another major; outer `None`: it does not take it.
fn taken(view: &View, parameter: &Parameter, other: Major, text: &[u8]) -> Option<Option<Value>> {
    let catalog = Catalog::shared(PgVersion::newest(other));
    let of_other = catalog.get(catalog.find(parameter.name.as_bytes())?);
    if !of_other.settable || of_other.is_internal() {
        return None;
    }
    if super::build_note(of_other, text, other).is_some() {
        return Some(None);
    }
    read_with(view, of_other, other, text).ok().map(Some)
}

/// `10 to 13 take it`, `PostgreSQL 15 and later take it`.
fn said(majors: &[Major], target: Major) -> String {
    let newer: Vec<Major> = majors.iter().copied().filter(|major| *major > target).collect();
    let older: Vec<Major> = majors.iter().copied().filter(|major| *major < target).collect();
    let mut parts = Vec::new();
    if let (Some(first), Some(last)) = (older.first(), older.last()) {
        let oldest = catalog::majors().find(|major| *major >= Major::V9_4);
        parts.push(match () {
            () if first == last => format!("only {first} takes it"),
            () if Some(*first) == oldest => format!("versions up to {last} take it"),
            () => format!("versions {first} to {last} take it"),
        });
    }
    if let Some(first) = newer.first() {
        parts.push(format!("versions from {first} on take it"));
    }
    let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
    listed(&parts, "and")
}
