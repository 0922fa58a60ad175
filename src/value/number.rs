//! Integers, reals and their units, as `parse_int` and `parse_real` of each major read them (facts B3, B4).

use super::refusal::Refusal;
use crate::version::Major;

/// What a number counts: the unit that pg_settings shows for the parameter.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Unit {
    /// Bytes.
    B,
    /// Kilobytes.
    Kb,
    /// Megabytes.
    Mb,
    /// Blocks of 8 kB.
    Block,
    /// WAL segments of 16 MB (9.5 and 9.6).
    Segment,
    /// Milliseconds.
    Ms,
    /// Seconds.
    S,
    /// Minutes.
    Min,
}

impl Unit {
    /// The unit of that name in pg_settings.
    pub fn from_word(word: &str) -> Option<Unit> {
        Some(match word {
            "B" => Unit::B,
            "kB" => Unit::Kb,
            "MB" => Unit::Mb,
            "8kB" => Unit::Block,
            "16MB" => Unit::Segment,
            "ms" => Unit::Ms,
            "s" => Unit::S,
            "min" => Unit::Min,
            _ => return None,
        })
    }

    /// Its name in pg_settings.
    pub fn word(self) -> &'static str {
        match self {
            Unit::B => "B",
            Unit::Kb => "kB",
            Unit::Mb => "MB",
            Unit::Block => "8kB",
            Unit::Segment => "16MB",
            Unit::Ms => "ms",
            Unit::S => "s",
            Unit::Min => "min",
        }
    }

    /// Whether it measures time rather than memory.
    pub fn is_time(self) -> bool {
        matches!(self, Unit::Ms | Unit::S | Unit::Min)
    }

    /// How many bytes, or microseconds, one of it is.
    pub fn size(self) -> i64 {
        match self {
            Unit::B => 1,
            Unit::Kb => 1 << 10,
            Unit::Mb => 1 << 20,
            Unit::Block => 8 << 10,
            Unit::Segment => 16 << 20,
            Unit::Ms => 1000,
            Unit::S => 1_000_000,
            Unit::Min => 60_000_000,
        }
    }
}

/// Units that may be written, largest first, with their size in bytes.
const MEMORY: [(&str, i64); 5] = [("TB", 1 << 40), ("GB", 1 << 30), ("MB", 1 << 20), ("kB", 1 << 10), ("B", 1)];

/// Units that may be written, largest first, with their size in microseconds.
const TIME: [(&str, i64); 6] =
    [("d", 86_400_000_000), ("h", 3_600_000_000), ("min", 60_000_000), ("s", 1_000_000), ("ms", 1000), ("us", 1)];

/// The units that a server of that major reads for a parameter counted in `base`, largest first.
fn written(base: Unit, major: Major) -> Vec<(&'static str, i64)> {
    let known = |word: &str| match word {
        "B" => major >= Major::V11,
        "us" => major >= Major::V12,
        _ => true,
    };
    let table: &[(&'static str, i64)] = if base.is_time() { &TIME } else { &MEMORY };
    table.iter().copied().filter(|(word, _)| known(word)).collect()
}

/// Words for the units that may be written, for did-you-mean.
pub fn unit_words(base: Unit, major: Major) -> Vec<&'static str> {
    written(base, major).into_iter().map(|(word, _)| word).collect()
}

fn unit_hint(base: Unit, major: Major) -> String {
    match (base.is_time(), major) {
        (true, major) if major < Major::V12 => r#"Valid units for this parameter are "ms", "s", "min", "h", and "d"."#,
        (true, _) => r#"Valid units for this parameter are "us", "ms", "s", "min", "h", and "d"."#,
        (false, major) if major < Major::V11 => r#"Valid units for this parameter are "kB", "MB", "GB", and "TB"."#,
        (false, _) => r#"Valid units for this parameter are "B", "kB", "MB", "GB", and "TB"."#,
    }
    .to_string()
}

fn refused(hint: Option<String>) -> Refusal {
    Refusal { hint, ..Refusal::default() }
}

fn exceeds() -> Refusal {
    refused(Some("Value exceeds integer range.".to_string()))
}

fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c)
}

fn skip_spaces(text: &[u8]) -> &[u8] {
    let spaces = text.iter().take_while(|byte| is_space(**byte)).count();
    &text[spaces..]
}

/// What C's strtol with base 0 makes of the start of `text`: the number, whether it fits 64 bits, the rest.
///
/// Nothing where no digit is found.
pub fn strtol(text: &[u8]) -> Option<(i64, bool, &[u8])> {
    let (negative, rest) = sign(skip_spaces(text));
    let (base, digits) = match rest {
        [b'0', b'x' | b'X', digit, ..] if digit.is_ascii_hexdigit() => (16, &rest[2..]),
        [b'0', ..] => (8, rest),
        _ => (10, rest),
    };
    let count = digits.iter().take_while(|byte| char::from(**byte).is_digit(base)).count();
    if count == 0 {
        return None;
    }
    let mut magnitude: i128 = 0;
    for digit in &digits[..count] {
        let digit = char::from(*digit).to_digit(base).expect("counted above");
        magnitude = (magnitude * i128::from(base) + i128::from(digit)).min(i128::from(u64::MAX));
    }
    let value = if negative { -magnitude } else { magnitude };
    let fits = i64::try_from(value);
    let clamped = if negative { i64::MIN } else { i64::MAX };
    Some((fits.unwrap_or(clamped), fits.is_ok(), &digits[count..]))
}

fn sign(text: &[u8]) -> (bool, &[u8]) {
    match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, text),
    }
}

/// What C's strtod makes of the start of `text`: the number, whether it is in range, the rest.
pub fn strtod(text: &[u8]) -> Option<(f64, bool, &[u8])> {
    let (negative, rest) = sign(skip_spaces(text));
    let signed = |value: f64| if negative { -value } else { value };
    for (word, value) in [(b"infinity".as_slice(), f64::INFINITY), (b"inf", f64::INFINITY), (b"nan", f64::NAN)] {
        if rest.len() >= word.len() && rest[..word.len()].eq_ignore_ascii_case(word) {
            return Some((signed(value), true, &rest[word.len()..]));
        }
    }
    if let [b'0', b'x' | b'X', digits @ ..] = rest
        && let Some((value, in_range, after)) = hexadecimal(digits)
    {
        return Some((signed(value), in_range, after));
    }
    let length = decimal_length(rest)?;
    let number = std::str::from_utf8(&rest[..length]).expect("ASCII digits only");
    let value: f64 = number.parse().ok()?;
    let zero = number.bytes().take_while(|byte| !matches!(byte, b'e' | b'E')).all(|byte| matches!(byte, b'0' | b'.'));
    let in_range = value.is_finite() && (zero || value.is_normal());
    Some((signed(value), in_range, &rest[length..]))
}

/// The length of `digits[.digits][e[sign]digits]`.
fn decimal_length(text: &[u8]) -> Option<usize> {
    let digits = |from: usize| text[from..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    let whole = digits(0);
    let mut length = whole;
    let mut fraction = 0;
    if text.get(length) == Some(&b'.') {
        fraction = digits(length + 1);
        if whole + fraction > 0 {
            length += 1 + fraction;
        }
    }
    if whole + fraction == 0 {
        return None;
    }
    if matches!(text.get(length), Some(b'e' | b'E')) {
        let signed = usize::from(matches!(text.get(length + 1), Some(b'+' | b'-')));
        if length + 1 + signed <= text.len() {
            let exponent = digits(length + 1 + signed);
            if exponent > 0 {
                length += 1 + signed + exponent;
            }
        }
    }
    Some(length)
}

/// What follows `0x` in a C99 hexadecimal float.
fn hexadecimal(text: &[u8]) -> Option<(f64, bool, &[u8])> {
    let mut value = 0f64;
    let mut exponent = 0i32;
    let mut digits = 0;
    let mut at = 0;
    let mut dot = false;
    while let Some(&byte) = text.get(at) {
        if byte == b'.' && !dot {
            dot = true;
        } else if let Some(digit) = char::from(byte).to_digit(16) {
            value = value * 16.0 + f64::from(digit);
            digits += 1;
            exponent -= if dot { 4 } else { 0 };
        } else {
            break;
        }
        at += 1;
    }
    if digits == 0 {
        return None;
    }
    if matches!(text.get(at), Some(b'p' | b'P')) {
        let (negative, after) = sign(&text[at + 1..]);
        let count = after.iter().take_while(|byte| byte.is_ascii_digit()).count();
        if count > 0 {
            let power = std::str::from_utf8(&after[..count]).expect("digits").parse().unwrap_or(i32::MAX / 2);
            exponent = exponent.saturating_add(if negative { -power } else { power });
            at = text.len() - after.len() + count;
        }
    }
    let value = if value == 0.0 { 0.0 } else { value * 2f64.powi(exponent) };
    Some((value, value.is_finite() && (value == 0.0 || value.is_normal()), &text[at..]))
}

/// A unit and blanks after it; `None` where more than that follows.
///
/// The server copies at most three bytes of the unit, so a longer word never ends there.
fn unit_word(text: &[u8]) -> Option<&[u8]> {
    let length = text.iter().take(3).take_while(|byte| !is_space(**byte)).count();
    skip_spaces(&text[length..]).is_empty().then_some(&text[..length])
}

/// Reads an integer for a parameter counted in `base`, in base units.
///
/// # Errors
/// As the server refuses it, hint included.
pub fn integer(text: &[u8], base: Option<Unit>, major: Major) -> Result<i64, Refusal> {
    let text = text.split(|byte| *byte == 0).next().expect("split yields one");
    if major < Major::V12 { old_integer(text, base, major) } else { new_integer(text, base, major) }
}

fn old_integer(text: &[u8], base: Option<Unit>, major: Major) -> Result<i64, Refusal> {
    let (value, fits, rest) = strtol(text).ok_or_else(|| refused(None))?;
    if !fits || i32::try_from(value).is_err() {
        return Err(exceeds());
    }
    let rest = skip_spaces(rest);
    if rest.is_empty() {
        return Ok(value);
    }
    let base = base.ok_or_else(|| refused(None))?;
    let size = unit_word(rest)
        .and_then(|word| written(base, major).into_iter().find(|(known, _)| known.as_bytes() == word))
        .map(|(_, size)| size)
        .ok_or_else(|| refused(Some(unit_hint(base, major))))?;
    // A bigger base unit cuts the remainder off.
    let value = if size >= base.size() { value * (size / base.size()) } else { value / (base.size() / size) };
    i32::try_from(value).map(i64::from).map_err(|_| exceeds())
}

fn new_integer(text: &[u8], base: Option<Unit>, major: Major) -> Result<i64, Refusal> {
    let (value, rest) = match strtol(text) {
        Some((value, true, rest)) if !matches!(rest.first(), Some(b'.' | b'e' | b'E')) => (value as f64, rest),
        // strtol stops where it began, and the server looks there: `.5` is a number, ` .5` is not.
        None if text.first() != Some(&b'.') => return Err(refused(None)),
        _ => match strtod(text) {
            Some((value, true, rest)) if !value.is_nan() => (value, rest),
            _ => return Err(refused(None)),
        },
    };
    let value = with_unit(value, rest, base, major)?.round_ties_even();
    if value > f64::from(i32::MAX) || value < f64::from(i32::MIN) {
        return Err(exceeds());
    }
    Ok(value as i64)
}

fn with_unit(value: f64, rest: &[u8], base: Option<Unit>, major: Major) -> Result<f64, Refusal> {
    let rest = skip_spaces(rest);
    if rest.is_empty() {
        return Ok(value);
    }
    let base = base.ok_or_else(|| refused(None))?;
    let table = written(base, major);
    let found = unit_word(rest).and_then(|word| table.iter().position(|(known, _)| known.as_bytes() == word));
    let found = found.ok_or_else(|| refused(Some(unit_hint(base, major))))?;
    let factor = |size: i64| size as f64 / base.size() as f64;
    let value = value * factor(table[found].1);
    // `1.1GB` is rounded to whole megabytes first.
    Ok(match table.get(found + 1) {
        Some((_, smaller)) => (value / factor(*smaller)).round_ties_even() * factor(*smaller),
        None => value,
    })
}

/// Reads a real for a parameter counted in `base`.
///
/// # Errors
/// As the server refuses it, hint included; the caller words the message.
pub fn real(text: &[u8], base: Option<Unit>, major: Major) -> Result<f64, Refusal> {
    let text = text.split(|byte| *byte == 0).next().expect("split yields one");
    match strtod(text) {
        Some((value, true, rest)) if !value.is_nan() => {
            if major < Major::V12 && !skip_spaces(rest).is_empty() {
                return Err(refused(None));
            }
            with_unit(value, rest, base, major)
        }
        _ => Err(refused(None)),
    }
}

/// An integer as SHOW prints it: in the largest unit that divides it.
pub fn show_integer(value: i64, base: Option<Unit>, major: Major) -> String {
    let Some(base) = base.filter(|_| value > 0) else {
        return value.to_string();
    };
    let table = written(base, major);
    let exact = |size: i64| match (size / base.size(), size % base.size()) {
        (factor, 0) if factor > 0 => value % factor == 0,
        _ => true,
    };
    match table.iter().find(|(_, size)| exact(*size)) {
        Some((word, size)) if *size >= base.size() => format!("{}{word}", value / (size / base.size())),
        Some((word, size)) => format!("{}{word}", value * (base.size() / size)),
        None => value.to_string(),
    }
}

/// A real as SHOW prints it.
pub fn show_real(value: f64, base: Option<Unit>, major: Major) -> String {
    let Some(base) = base.filter(|_| value > 0.0) else {
        return general(value);
    };
    let mut shown = general(value);
    for (word, size) in written(base, major) {
        let scaled = value / (size as f64 / base.size() as f64);
        shown = format!("{}{word}", general(scaled));
        if scaled > 0.0 && ((scaled.round_ties_even() / scaled) - 1.0).abs() <= 1e-8 {
            break;
        }
    }
    shown
}

/// C's `%g`.
pub fn general(value: f64) -> String {
    if value.is_infinite() {
        return if value > 0.0 { "inf" } else { "-inf" }.to_string();
    }
    if value == 0.0 {
        return if value.is_sign_negative() { "-0" } else { "0" }.to_string();
    }
    let scientific = format!("{value:.5e}");
    let (mantissa, exponent) = scientific.split_once('e').expect("format writes an exponent");
    let exponent: i32 = exponent.parse().expect("format writes a number");
    let trim = |digits: &str| {
        if digits.contains('.') {
            digits.trim_end_matches('0').trim_end_matches('.').to_string()
        } else {
            digits.to_string()
        }
    };
    if !(-4..6).contains(&exponent) {
        let sign = if exponent < 0 { '-' } else { '+' };
        return format!("{}e{sign}{:02}", trim(mantissa), exponent.abs());
    }
    let decimals = usize::try_from(5 - exponent).unwrap_or(0);
    trim(&format!("{value:.decimals$}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_by_major() {
        let kb = Some(Unit::Kb);
        assert_eq!(integer(b"1.1GB", kb, Major::V12), Ok(1126 * 1024));
        assert_eq!(integer(b"64.5kB", kb, Major::V12), Ok(64));
        assert!(integer(b"1.5GB", kb, Major::V11).is_err());
        assert_eq!(integer(b"010MB", kb, Major::V11), Ok(8192));
        assert_eq!(integer(b"070.5", kb, Major::V12), Ok(70));
        assert_eq!(integer(b"101kB", Some(Unit::Block), Major::V10), Ok(12));
        assert_eq!(integer(b"33MB", Some(Unit::Segment), Major::V9_5), Ok(2));
        assert_eq!(integer(b"5TB", kb, Major::V16), Err(exceeds()));
    }

    #[test]
    fn shown_as_the_server_shows() {
        assert_eq!(show_integer(4096, Some(Unit::Kb), Major::V16), "4MB");
        assert_eq!(show_integer(16384, Some(Unit::Block), Major::V16), "128MB");
        assert_eq!(show_integer(12, Some(Unit::Block), Major::V10), "96kB");
        assert_eq!(show_real(0.5, Some(Unit::Ms), Major::V16), "500us");
        assert_eq!(general(1e10), "1e+10");
        assert_eq!(general(0.0001), "0.0001");
    }
}
