//! Numbers in timestamps: zone offsets, fractions, and dates split at their separators.

use super::Fault;
use crate::version::Major;

/// Seconds east of Greenwich: `+hh`, `+hhmm`, `+hh:mm[:ss]`.
pub fn offset(text: &[u8]) -> Result<i32, Fault> {
    let sign = match text.first() {
        Some(b'+') => 1,
        Some(b'-') => -1,
        _ => return Err(Fault::Syntax),
    };
    let number = |text| leading_number(text).ok_or(Fault::Displacement);
    let (mut hours, mut rest) = number(&text[1..])?;
    let (mut minutes, mut seconds) = (0, 0);
    if let Some(after) = rest.strip_prefix(b":") {
        (minutes, rest) = number(after)?;
        if let Some(after) = rest.strip_prefix(b":") {
            (seconds, rest) = number(after)?;
        }
    } else if rest.is_empty() && text.len() > 3 {
        (hours, minutes) = (hours / 100, hours % 100);
    }
    let in_range = (0..=15).contains(&hours) && (0..60).contains(&minutes) && (0..60).contains(&seconds);
    match (in_range, rest.is_empty()) {
        (false, _) => Err(Fault::Displacement),
        (true, false) => Err(Fault::Syntax),
        (true, true) => Ok(sign * ((hours * 60 + minutes) * 60 + seconds)),
    }
}

/// C's strtol on 32 bits: no digits are 0; `None` beyond 32 bits.
pub fn leading_number(text: &[u8]) -> Option<(i32, &[u8])> {
    let (negative, digits) = match text.first() {
        Some(b'-') => (true, &text[1..]),
        Some(b'+') => (false, &text[1..]),
        _ => (false, text),
    };
    let end = digits.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(digits.len());
    if end == 0 {
        return Some((0, text));
    }
    let digit = |number: i64, byte: &u8| (number * 10 + i64::from(byte - b'0')).min(1 << 40);
    let number = digits[..end].iter().fold(0, digit);
    let number = i32::try_from(if negative { -number } else { number }).ok()?;
    Some((number, &digits[end..]))
}

/// C's atoi, which wraps.
pub fn wrapping_number(text: &[u8]) -> i32 {
    let mut number: i64 = 0;
    for byte in text {
        let digit = i64::from(byte.wrapping_sub(b'0'));
        number = match number.checked_mul(10).and_then(|number| number.checked_add(digit)) {
            Some(number) => number,
            None => return -1,
        };
    }
    number as i32
}

/// `.5` in microseconds.
pub fn fraction(major: Major, text: &[u8]) -> Option<i64> {
    Some((decimal(major, text)? * 1_000_000.0).round_ties_even() as i64)
}

/// `.5` as a number; from 15 on a lone point is 0.
pub fn decimal(major: Major, text: &[u8]) -> Option<f64> {
    let digits = text.strip_prefix(b".")?;
    if digits.is_empty() {
        return (major >= Major::V15).then_some(0.0);
    }
    if !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(text).ok()?.parse().ok()
}

/// As `fraction`, but what follows the digits does not matter.
pub fn loose_fraction(text: &[u8]) -> Option<i64> {
    let end = text[1..].iter().position(|byte| !byte.is_ascii_digit());
    let text = &text[..end.map_or(text.len(), |end| end + 1)];
    match text.len() {
        1 => Some(0),
        _ => fraction(Major::V16, text),
    }
}

/// The letters and the numbers of a date; each other byte parts them.
pub fn pieces(text: &[u8]) -> Option<Vec<&[u8]>> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let start = rest.iter().position(u8::is_ascii_alphanumeric)?;
        rest = &rest[start..];
        let digits = rest[0].is_ascii_digit();
        let same = |byte: &u8| match digits {
            true => byte.is_ascii_digit(),
            false => byte.is_ascii_alphabetic(),
        };
        let end = rest.iter().position(|byte| !same(byte)).unwrap_or(rest.len());
        pieces.push(&rest[..end]);
        // The byte behind a piece is lost, whatever it is.
        rest = rest.get(end + 1..).unwrap_or_default();
    }
    Some(pieces)
}
