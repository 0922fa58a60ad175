//! Numbers that mean something else: in which unit they count, and in which base.

use crate::catalog::{Parameter, tables};
use crate::check::fix;
use crate::check::spot::{Spot, View};
use crate::source::display;
use crate::value::grammar;
use crate::value::{Value, number};

/// A number that is hardly what was meant.
pub fn spot(view: &View, index: usize, parameter: &Parameter, value: &Value) -> Option<Spot> {
    let text = view.value_bytes(&view.settings.judged[index]);
    let text = text.trim_ascii();
    match value {
        Value::Integer(_) if grammar::is_octal(parameter.grammar.as_ref()) => mode(view, index, text),
        Value::Integer(value) => {
            leading_zero(view, index, parameter, *value, text).or_else(|| bare(view, index, parameter, text))
        }
        Value::Real(_) => bare(view, index, parameter, text),
        _ => None,
    }
}

fn bare(view: &View, index: usize, parameter: &Parameter, text: &[u8]) -> Option<Spot> {
    if parameter.unit.is_none() || text.is_empty() || !text.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let (number, true, []) = number::strtol(text)? else { return None };
    let row = tables::bare_number(parameter.name, number, view.settings.catalog.version.major)?;
    let place = view.settings.judged[index].entry.value();
    let suggestion =
        row.suggestion.replace("{value}", &number.to_string()).replace("{value*16}", &(number * 16).to_string());
    let spot = view.about("bare-number-unit", index, place);
    Some(spot.word("unit", row.base).word("suggestion", suggestion).label(format!("{number} {}", row.base)))
}

fn leading_zero(view: &View, index: usize, parameter: &Parameter, value: i64, text: &[u8]) -> Option<Spot> {
    let digits = text.strip_prefix(b"-").or_else(|| text.strip_prefix(b"+")).unwrap_or(text);
    let count = digits.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let is_octal = digits.starts_with(b"0") && !matches!(digits.get(count), Some(b'.' | b'e' | b'E' | b'x' | b'X'));
    // `007` is 7 either way.
    let as_decimal = std::str::from_utf8(&digits[..count]).ok()?.parse::<i64>().ok()?;
    let as_octal = i64::from_str_radix(std::str::from_utf8(&digits[..count]).ok()?, 8).ok()?;
    if !is_octal || as_decimal == as_octal {
        return None;
    }
    let major = view.settings.catalog.version.major;
    let shown = display(&Value::Integer(value).shown(parameter, major));
    let place = view.settings.judged[index].entry.value();
    Some(
        view.about("leading-zero", index, place)
            .word("reason", shown.clone())
            .label(format!("the server reads {shown}")),
    )
}

/// A file mode written in decimal digits, where these look like octal ones.
fn mode(view: &View, index: usize, text: &[u8]) -> Option<Spot> {
    let looks_octal = text.len() == 3 && text[0] != b'0' && text.iter().all(|byte| (b'0'..=b'7').contains(byte));
    let number: u32 = std::str::from_utf8(text).ok()?.parse().ok()?;
    if !looks_octal || is_usual_mode(number) {
        return None;
    }
    let entry = &view.settings.judged[index].entry;
    let becomes = format!("{number:04o}");
    let mut spot = view.about("octal-mode-without-zero", index, entry.value()).word("reason", becomes.clone());
    spot.edits.push(fix::new_value(view, entry, &[b"0", text].concat()));
    Some(spot.label(format!("mode {becomes}")))
}

/// A mode that somebody would want: the owner may do most, others least. 511 is 0777, as tools print it.
fn is_usual_mode(mode: u32) -> bool {
    let (owner, group, other) = (mode >> 6 & 7, mode >> 3 & 7, mode & 7);
    let is_usual = |who: u32| matches!(who, 0 | 4..=7);
    owner >= 6 && owner >= group && group >= other && is_usual(group) && is_usual(other)
}
