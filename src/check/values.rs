//! Values: what the server refuses, and what it takes for something else.

mod lists;
mod names;
mod numbers;
mod refused;
mod retired;

use crate::catalog::tables;
use crate::catalog::{self, BuildNote, Kind, Parameter};
use crate::check::fix;
use crate::check::spot::{Spot, View};
use crate::finding::Severity;
use crate::model::settings::{Judged, Verdict};
use crate::model::transcript;
use crate::value::grammar;
use crate::value::{self, Context, Grammar, Refusal, Value, number};
use crate::version::Major;

/// Spots for values of lines that count.
pub fn check(view: &View, spots: &mut Vec<Spot>) {
    for (index, judged) in view.lines() {
        let Some(id) = judged.parameter else { continue };
        match &judged.verdict {
            Verdict::Refused(_) | Verdict::Set(_) => {}
            _ => continue,
        }
        // Lines that another one follows are for the checks on doubles.
        if view.settings.winner(id).is_some_and(|(winner, _)| winner != index) {
            continue;
        }
        let parameter = view.settings.catalog.get(id);
        match &judged.verdict {
            Verdict::Refused(_) if parameter.is_internal() => {}
            Verdict::Refused(refusal) => spots.extend(refused::spot(view, index, parameter, refusal)),
            Verdict::Set(value) => spots.extend(taken(view, index, judged, parameter, value)),
            _ => {}
        }
    }
    spots.extend(second_target(view));
}

/// Reads a text as the target version would, were it the value of the parameter.
pub fn read(view: &View, parameter: &Parameter, text: &[u8]) -> Result<Value, Refusal> {
    read_with(view, parameter, view.settings.catalog.version.major, text)
}

/// The same for the parameter of another major.
fn read_with(view: &View, parameter: &Parameter, major: Major, text: &[u8]) -> Result<Value, Refusal> {
    let earlier = |name: &str| match view.settings.value(name) {
        Some(Value::Integer(value)) => value,
        Some(Value::Bool(value)) => i64::from(value),
        _ => 0,
    };
    let context = Context { earlier: &earlier, ..Context::new(major, parameter.name) };
    crate::catalog::read(parameter, &context, text)
}

/// What there is to say of a value that the server takes.
fn taken(view: &View, index: usize, judged: &Judged, parameter: &Parameter, value: &Value) -> Option<Spot> {
    let text = view.value_bytes(judged);
    // What the platform decides is the same for all builds on it.
    let is_optional = |note: &BuildNote| note.needs.starts_with("built with");
    if build_note(parameter, &text, view.settings.catalog.version.major).is_some_and(|note| is_optional(&note)) {
        return Some(view.about("value-needs-build", index, judged.entry.value()));
    }
    match parameter.kind {
        Kind::Enum => deprecated(view, index, judged, parameter, &text),
        Kind::String => lists::spot(view, index, parameter, &text)
            .or_else(|| refused_later(view, index, parameter, &text))
            .or_else(|| adjusted(view, index, judged, parameter, value, &text)),
        Kind::Bool | Kind::Integer => adjusted(view, index, judged, parameter, value, &text),
        Kind::Real => None,
    }
}

/// What the table of builds says of the value.
fn build_note(parameter: &Parameter, text: &[u8], major: Major) -> Option<BuildNote> {
    // For nearly all there is none, and to look is dear.
    parameter.trait_of("depends-on-build")?;
    let mut notes = catalog::build_notes(parameter.name, major);
    notes.find(|note| note.what == "value" && note.value.as_bytes().eq_ignore_ascii_case(text))
}

/// A word for which SHOW prints another one.
fn deprecated(view: &View, index: usize, judged: &Judged, parameter: &Parameter, text: &[u8]) -> Option<Spot> {
    let word = parameter.words().find(|word| word.word.as_bytes().eq_ignore_ascii_case(text))?;
    let is_switch = |shown: &str| matches!(shown, "on" | "off");
    // `debug` and `debug2` are one word in two spellings, and neither is going away.
    let is_variant = word.shown.starts_with(word.word) || word.word.starts_with(word.shown);
    let means_off = value::boolean(text).is_some() && is_switch(word.shown);
    if is_variant || means_off {
        return None;
    }
    let edit = fix::new_value(view, &judged.entry, word.shown.as_bytes());
    let mut spot = view.about("deprecated-value", index, judged.entry.value()).word("suggestion", word.shown);
    spot.edits.push(edit);
    Some(spot.label(format!("means {}", word.shown)))
}

/// A value that the server silently makes to fit.
fn adjusted(
    view: &View,
    index: usize,
    judged: &Judged,
    parameter: &Parameter,
    value: &Value,
    text: &[u8],
) -> Option<Spot> {
    let major = view.settings.catalog.version.major;
    let differs = match (&parameter.grammar.as_ref()?, value) {
        (Grammar::AtLeast(..), Value::Integer(used)) => number::integer(text, parameter.unit, major).ok()? != *used,
        (Grammar::Ignored(..), Value::Bool(used)) => value::boolean(text)? != *used,
        (Grammar::Ignored(..) | Grammar::Title | Grammar::Name(_), Value::Text(used)) => used.as_slice() != text,
        _ => false,
    };
    if !differs {
        return None;
    }
    let shown = crate::source::display(&value.shown(parameter, major));
    // A byte that is no text is shown as the server spells it out.
    let spelled = if shown == crate::source::display(text) { " spelled out, with backslashes" } else { "" };
    let spot = view.about("value-adjusted", index, judged.entry.value());
    Some(spot.word("suggestion", format!("`{shown}`{spelled}")).label(format!("becomes {shown}{spelled}")))
}

/// A list that passes when the file is read, and is refused once the libraries are loaded.
fn refused_later(view: &View, index: usize, parameter: &Parameter, text: &[u8]) -> Option<Spot> {
    let refusal = grammar::later(
        parameter.grammar.as_ref()?,
        &Context::new(view.settings.catalog.version.major, parameter.name),
        text,
    )?;
    let judged = &view.settings.judged[index];
    let says = transcript::refusal(view.settings, judged, &refusal, view.sources).text;
    let mut spot =
        view.about("refused-value", index, judged.entry.value()).word("reason", refused::reason(&refusal)).server(says);
    if libraries_named(view) {
        // One of them may bring the name.
        spot.at_most = Some(Severity::Warning);
    }
    Some(spot)
}

/// Whether a line has the server load libraries at its start.
fn libraries_named(view: &View) -> bool {
    view.lines().any(|(index, judged)| {
        let Some(id) = judged.parameter else { return false };
        let wins = || view.settings.winner(id).is_some_and(|(winner, _)| winner == index);
        let loads = || view.settings.catalog.get(id).trait_of("libraries") == Some("start");
        wins() && loads() && !view.value_bytes(judged).is_empty()
    })
}

/// The second recovery target, where there is one.
fn second_target(view: &View) -> Option<Spot> {
    let second = view.settings.second_target?;
    let is_target = |judged: &Judged| {
        judged.parameter.is_some_and(|id| crate::catalog::is_recovery_target(view.settings.catalog.get(id)))
    };
    let sets = |judged: &Judged| matches!(&judged.verdict, Verdict::Set(value) if value.plain() != b"");
    let judged = &view.settings.judged[second];
    let before = view.settings.judged[..second].iter().rev();
    let other =
        before.filter(|other| is_target(other) && other.parameter != judged.parameter).find(|other| sets(other))?;
    let says = transcript::second_target(view.tree, view.settings, second).text;
    let spot = view
        .about("several-recovery-targets", second, judged.entry.place())
        .word("other", view.spelled(other))
        .related(other.entry.place(), "the first target")
        .label("a second target")
        .server(says);
    Some(spot)
}

/// What stands for a value in a list of words: `a, b or c`.
fn listed(words: &[&str], last: &str) -> String {
    match words {
        [] => String::new(),
        [only] => (*only).to_string(),
        [first @ .., end] => format!("{} {last} {end}", first.join(", ")),
    }
}

/// Whether a locale of that name can be taken to exist: a language and a country, as systems name them.
fn is_usual_locale(text: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(text) else { return false };
    let name = text.split(['.', '@']).next().unwrap_or_default();
    match name.split_once('_') {
        Some((language, country)) => {
            country.len() == 2 && country.bytes().all(|byte| byte.is_ascii_uppercase()) && tables::is_language(language)
        }
        None => false,
    }
}
