//! The interval in `INTERVAL '-08:00'`, which a session's time zone may be.

use super::super::c;
use super::super::refused;
use crate::value::refusal::Refusal;

/// Seconds of the interval behind the word INTERVAL.
pub fn read(text: &[u8]) -> Result<i64, Refusal> {
    let start = text.iter().position(|byte| !byte.is_ascii_whitespace() && *byte != 0x0b);
    let quoted = start.and_then(|start| text[start..].strip_prefix(b"'"));
    let Some(quoted) = quoted else {
        return Err(Refusal::default());
    };
    match memchr::memchr(b'\'', quoted) {
        Some(end) if end + 1 == quoted.len() => total(&quoted[..end]),
        _ => Err(Refusal::default()),
    }
}

/// Months, days and microseconds, as servers keep intervals.
#[derive(Default)]
struct Interval {
    months: f64,
    days: f64,
    seconds: f64,
}

fn total(text: &[u8]) -> Result<i64, Refusal> {
    let interval = std::str::from_utf8(text).ok().and_then(parse).ok_or_else(|| Refusal {
        message: Some(format!("invalid input syntax for type interval: \"{}\"", String::from_utf8_lossy(text))),
        ..Refusal::default()
    })?;
    if interval.months != 0.0 {
        return Err(refused("Cannot specify months in time zone interval.".to_owned()));
    }
    if interval.days != 0.0 {
        return Err(refused("Cannot specify days in time zone interval.".to_owned()));
    }
    Ok(interval.seconds as i64)
}

/// Signed clock times, and numbers with units; a number alone is seconds.
fn parse(text: &str) -> Option<Interval> {
    let text = text.to_ascii_lowercase();
    let mut interval = Interval::default();
    let mut rest = text.trim();
    let mut empty = true;
    while !rest.is_empty() {
        if let Some(after) = word(&mut rest, "ago") {
            let negated = !empty && after.is_empty();
            interval.months = -interval.months;
            interval.days = -interval.days;
            interval.seconds = -interval.seconds;
            return negated.then_some(interval);
        }
        let number = |c: char| c.is_ascii_digit() || matches!(c, '.' | ':' | '+' | '-');
        let length = rest.find(|c| !number(c)).unwrap_or(rest.len());
        let (value, after) = rest.split_at(length);
        let after = after.trim_start();
        if value.contains(':') {
            interval.seconds += clock(value)?;
            rest = after;
        } else {
            let value = c::number(value)?;
            let letters = after.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(after.len());
            let (unit, after) = after.split_at(letters);
            add(&mut interval, value, unit)?;
            rest = after.trim_start();
        }
        empty = false;
    }
    (!empty).then_some(interval)
}

fn word<'a>(rest: &mut &'a str, word: &str) -> Option<&'a str> {
    rest.strip_prefix(word).map(str::trim_start)
}

fn clock(text: &str) -> Option<f64> {
    let (sign, text) = match text.strip_prefix('-') {
        Some(text) => (-1.0, text),
        None => (1.0, text.strip_prefix('+').unwrap_or(text)),
    };
    let mut parts = text.split(':');
    let hours: u32 = parts.next()?.parse().ok()?;
    let minutes: u32 = parts.next()?.parse().ok()?;
    let seconds: f64 = parts.next().map_or(Some(0.0), |part| part.parse().ok())?;
    let valid = minutes < 60 && (0.0..=60.0).contains(&seconds) && parts.next().is_none();
    valid.then(|| sign * (f64::from(hours) * 3600.0 + f64::from(minutes) * 60.0 + seconds))
}

fn add(interval: &mut Interval, value: f64, unit: &str) -> Option<()> {
    match unit {
        "" | "s" | "sec" | "secs" | "second" | "seconds" => interval.seconds += value,
        "m" | "min" | "mins" | "minute" | "minutes" => interval.seconds += value * 60.0,
        "h" | "hr" | "hrs" | "hour" | "hours" => interval.seconds += value * 3600.0,
        "ms" | "msec" | "msecs" | "millisecond" | "milliseconds" => {
            interval.seconds += value / 1e3;
        }
        "us" | "usec" | "usecs" | "microsecond" | "microseconds" => {
            interval.seconds += value / 1e6;
        }
        "d" | "day" | "days" => {
            interval.days += value.trunc();
            interval.seconds += value.fract() * 86_400.0;
        }
        "w" | "week" | "weeks" => {
            interval.days += (value * 7.0).trunc();
            interval.seconds += (value * 7.0).fract() * 86_400.0;
        }
        "mon" | "mons" | "month" | "months" => interval.months += value,
        "y" | "yr" | "yrs" | "year" | "years" => interval.months += value * 12.0,
        _ => return None,
    }
    Some(())
}
