//! Refused numbers: no number, no unit, too large, out of range.

use super::{listed, read};
use crate::catalog::tables;
use crate::catalog::{Kind, Parameter};
use crate::check::fix;
use crate::check::spot::{Spot, View};
use crate::source::display;
use crate::value::number::{self, Unit};
use crate::value::{Refusal, Value};
use crate::version::Major;

/// Which page explains a number that is refused; none where the parameter has a rule of its own.
pub fn spot(view: &View, index: usize, parameter: &Parameter, refusal: &Refusal, text: &[u8]) -> Option<Spot> {
    let major = view.settings.catalog.version.major;
    let place = view.settings.judged[index].entry.value();
    let about = |rule: &'static str| view.about(rule, index, place);
    if refusal.hint.as_deref() == Some("Value exceeds integer range.") {
        return Some(about("number-too-large").word("max", limit(parameter, parameter.range.1, major)));
    }
    match number_of(parameter, text, major) {
        Some(value) if value < parameter.range.0 || value > parameter.range.1 => {
            let unit = parameter.unit.map_or("as it is", Unit::word);
            let spot = about("out-of-range")
                .word("min", limit(parameter, parameter.range.0, major))
                .word("max", limit(parameter, parameter.range.1, major))
                .word("unit", unit);
            return Some(spot);
        }
        Some(_) => return None,
        None => {}
    }
    let written = match split(text) {
        Some(written) if written.unit.first().is_some_and(is_letter) => written,
        Some(written) if written.unit.is_empty() => {
            return Some(fraction(view, index, parameter, text).unwrap_or_else(|| about("not-a-number")));
        }
        _ => return Some(about("not-a-number")),
    };
    let unit = display(written.unit);
    let meant = parameter.unit.and_then(|base| meant(base, &unit, major));
    if let Some(meant) = meant
        && let Some(spot) = fraction(view, index, parameter, &[written.number, meant.as_bytes()].concat())
    {
        return Some(spot);
    }
    let Some(base) = parameter.unit else {
        return Some(about("unit-not-allowed").word("unit", unit));
    };
    if meant.is_none() && tables::meant_unit(&unit, !base.is_time()).is_some() {
        return Some(about("unit-not-allowed").word("unit", unit));
    }
    Some(unknown_unit(view, index, parameter, base, &written, meant))
}

/// A number and the unit behind it.
struct Written<'a> {
    number: &'a [u8],
    unit: &'a [u8],
}

fn split(text: &[u8]) -> Option<Written<'_>> {
    let (_, _, rest) = number::strtod(text)?;
    let digits = text.len() - rest.len();
    let blanks = rest.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
    Some(Written { number: &text[..digits + blanks], unit: rest[blanks..].trim_ascii_end() })
}

fn is_letter(byte: &u8) -> bool {
    byte.is_ascii_alphabetic() || !byte.is_ascii()
}

fn number_of(parameter: &Parameter, text: &[u8], major: Major) -> Option<f64> {
    match parameter.kind {
        Kind::Integer => number::integer(text, parameter.unit, major).ok().map(|value| value as f64),
        _ => number::real(text, parameter.unit, major).ok(),
    }
}

/// A bound of the range as SHOW would print it.
fn limit(parameter: &Parameter, bound: f64, major: Major) -> String {
    let value = match parameter.kind {
        Kind::Integer => Value::Integer(bound as i64),
        _ => Value::Real(bound),
    };
    display(&value.shown(parameter, major))
}

/// A fraction, where the version takes whole numbers only.
fn fraction(view: &View, index: usize, parameter: &Parameter, text: &[u8]) -> Option<Spot> {
    let major = view.settings.catalog.version.major;
    let is_fraction = text.iter().any(|byte| matches!(byte, b'.' | b'e' | b'E'));
    if major >= Major::V12 || parameter.kind != Kind::Integer || !is_fraction {
        return None;
    }
    let value = number::integer(text, parameter.unit, Major::V18).ok()?;
    let suggestion = number::show_integer(value, parameter.unit, major);
    let place = view.settings.judged[index].entry.value();
    Some(view.about("fraction-before-12", index, place).word("suggestion", suggestion))
}

/// The unit that a mistyped one stands for, among those that the version reads.
fn meant(base: Unit, unit: &str, major: Major) -> Option<&'static str> {
    let known = number::unit_words(base, major);
    let same = known.iter().find(|word| word.eq_ignore_ascii_case(unit)).copied();
    same.or_else(|| tables::meant_unit(unit, base.is_time()).filter(|unit| known.contains(unit)))
}

fn unknown_unit(
    view: &View,
    index: usize,
    parameter: &Parameter,
    base: Unit,
    written: &Written,
    meant: Option<&str>,
) -> Spot {
    let major = view.settings.catalog.version.major;
    let entry = &view.settings.judged[index].entry;
    let unit = display(written.unit);
    let mut units = number::unit_words(base, major);
    units.reverse();
    let mended = meant.map(|meant| [written.number, meant.as_bytes()].concat());
    let mended = mended.filter(|mended| read(view, parameter, mended).is_ok());
    let mut spot = view
        .about("unknown-unit", index, entry.value())
        .word("unit", unit.clone())
        .word("hint", format!("units are {}", listed(&units, "and")))
        .word("suggestion", mended.as_deref().map(display).unwrap_or_default());
    if let Some(mended) = mended
        && meant.is_some_and(|meant| meant.eq_ignore_ascii_case(&unit))
    {
        spot.edits.push(fix::new_value(view, entry, &mended));
    }
    spot
}
