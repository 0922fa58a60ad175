//! Which page explains a refused value: the most telling one speaks, and only that.

use super::{build_note, is_usual_locale, listed, names, numbers, retired};
use crate::catalog::{Kind, Parameter};
use crate::check::fix;
use crate::check::spot::{Spot, View};
use crate::check::traps;
use crate::nearest;
use crate::source::{Place, display};
use crate::value::{self, Grammar, Refusal};

/// What there is to say of a value that the server refuses; nothing where another machine will take it.
pub fn spot(view: &View, index: usize, parameter: &Parameter, refusal: &Refusal) -> Option<Spot> {
    let judged = &view.settings.judged[index];
    let text = view.value_bytes(judged);
    let about = |rule: &'static str| view.about(rule, index, judged.entry.value());
    if let Some(spot) = residue(view, index) {
        return Some(spot);
    }
    if let Some(hint) = machine(parameter, refusal, &text) {
        let is_usual = match parameter.grammar {
            Some(Grammar::Locale(_)) => is_usual_locale(&text),
            // Debian has written it since 9.4, and its servers read the zones of the system.
            Some(Grammar::Zone | Grammar::SessionZone) => text.as_ref() == b"localtime",
            _ => false,
        };
        return (!is_usual).then(|| about("value-needs-machine").word("hint", hint));
    }
    let of_build =
        refusal.depends.is_some() || build_note(parameter, &text, view.settings.catalog.version.major).is_some();
    if of_build {
        return Some(about("value-needs-build"));
    }
    if let Some(spot) = retired::spot(view, index, parameter, &text) {
        return Some(spot);
    }
    let spot = match parameter.kind {
        Kind::Bool if value::boolean(&text).is_none() => about("not-a-boolean").label("neither on nor off"),
        Kind::Enum => match unknown_word(view, index, parameter, &text) {
            Some(spot) => spot,
            None => about("refused-value").word("reason", reason(refusal)),
        },
        Kind::Integer | Kind::Real => match numbers::spot(view, index, parameter, refusal, &text) {
            Some(spot) => spot,
            None => about("refused-value").word("reason", reason(refusal)),
        },
        _ => match names::spot(view, index, parameter, refusal, &text) {
            Some(spot) => spot,
            None => about("refused-value").word("reason", reason(refusal)),
        },
    };
    Some(spot)
}

/// What a template should have filled in.
fn residue(view: &View, index: usize) -> Option<Spot> {
    let entry = &view.settings.judged[index].entry;
    let span = traps::placeholder(view.sources.text(entry.value()), false)?.shifted(entry.setting.value.span.start);
    let place = Place { file: entry.file, span };
    let token = display(view.sources.text(place));
    Some(view.about("template-residue-refused", index, place).word("token", token).label("never filled in"))
}

/// The server's DETAIL as the second half of a sentence.
pub fn reason(refusal: &Refusal) -> String {
    // The usual message says no more than that the value is refused.
    let message = refusal.message.as_ref().filter(|message| !message.starts_with("invalid value"));
    match refusal.detail.as_ref().or(refusal.hint.as_ref()).or(message) {
        Some(said) => said.trim_end_matches('.').to_string(),
        None => "it is not written as the server reads it".to_string(),
    }
}

/// Where a value depends on the machine: what to ask there.
fn machine(parameter: &Parameter, refusal: &Refusal, text: &[u8]) -> Option<&'static str> {
    let depends = refusal.depends.is_some();
    match parameter.grammar.as_ref()? {
        Grammar::Locale(_) if depends => Some("`locale -a` lists the locales"),
        Grammar::Zone | Grammar::SessionZone if depends || looks_like_zone(text) => {
            Some("`SELECT name FROM pg_timezone_names` lists the zones")
        }
        Grammar::Abbreviations if depends => Some("`ls $(pg_config --sharedir)/timezonesets` lists the sets"),
        Grammar::StackDepth(_) if depends => Some("`ulimit -s` says the limit"),
        _ => None,
    }
}

/// `Area/City`: a name that other zone data may have.
fn looks_like_zone(text: &[u8]) -> bool {
    let parts = text.split(|byte| *byte == b'/');
    let is_part = |part: &[u8]| {
        part.first().is_some_and(u8::is_ascii_uppercase)
            && part.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'+'))
    };
    text.contains(&b'/') && parts.into_iter().all(is_part)
}

/// A word that the enum does not have.
fn unknown_word(view: &View, index: usize, parameter: &Parameter, text: &[u8]) -> Option<Spot> {
    if parameter.words().any(|word| word.word.as_bytes().eq_ignore_ascii_case(text)) {
        return None;
    }
    let judged = &view.settings.judged[index];
    let words: Vec<&str> =
        parameter.words().filter(|word| word.listed && !word.word.is_empty()).map(|word| word.word).collect();
    let mut spot = view
        .about("unknown-enum-value", index, judged.entry.value())
        .word("allowed", listed(&words, "or"))
        .label("no value of this setting");
    if let Some(nearest) = nearest::nearest(&display(text), words.iter().copied()) {
        spot.edits.push(fix::new_value(view, &judged.entry, nearest.as_bytes()));
    }
    Some(spot)
}
