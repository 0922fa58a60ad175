//! The interval in `INTERVAL '-08:00'`, which a session's time zone may be.

use super::super::c;
use super::super::refused;
use super::iso;
use crate::value::refusal::Refusal;
use crate::version::Major;

/// Seconds of the interval behind the word INTERVAL.
pub fn read(major: Major, text: &[u8]) -> Result<i64, Refusal> {
    let start = text.iter().position(|byte| !byte.is_ascii_whitespace() && *byte != 0x0b);
    let quoted = start.and_then(|start| text[start..].strip_prefix(b"'"));
    let Some(quoted) = quoted else {
        return Err(Refusal::default());
    };
    match memchr::memchr(b'\'', quoted) {
        Some(end) if end + 1 == quoted.len() => total(major, &quoted[..end]),
        _ => Err(Refusal::default()),
    }
}

/// Months, days and microseconds, as servers keep intervals.
#[derive(Default)]
pub(super) struct Interval {
    pub months: f64,
    pub days: f64,
    pub seconds: f64,
}

impl Interval {
    /// Days, of which a fraction counts as seconds.
    pub fn add_days(&mut self, days: f64) {
        self.days += days.trunc();
        self.seconds += days.fract() * 86_400.0;
    }
}

fn total(major: Major, text: &[u8]) -> Result<i64, Refusal> {
    let interval = std::str::from_utf8(text)
        .ok()
        .and_then(|text| parse(major, text).or_else(|| iso::parse(text)))
        .ok_or_else(|| Refusal {
            message: Some(format!("invalid input syntax for type interval: \"{}\"", String::from_utf8_lossy(text))),
            ends: true,
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

/// A piece of an interval.
#[derive(Clone, Copy)]
enum Field<'a> {
    Clock(&'a str),
    Number(f64),
    Word(&'a str),
}

/// Signed clock times, numbers and their units, read from the end as servers do: a unit is that of the number before
/// it, and a number at the end counts seconds.
fn parse(major: Major, text: &str) -> Option<Interval> {
    let text = text.to_ascii_lowercase();
    let fields = split(&text)?;
    let mut interval = Interval::default();
    let mut unit = None;
    // Up to 16 a unit without a number says nothing, and no more is said of it.
    let is_strict = major >= Major::V17;
    let (mut seen, mut is_before, mut waits) = (0, false, false);
    for (index, field) in fields.iter().enumerate().rev() {
        match *field {
            Field::Word(_) if waits && is_strict => return None,
            Field::Word("ago") if is_strict && index + 1 < fields.len() => return None,
            Field::Word("ago") => (is_before, unit) = (true, Some("ago")),
            Field::Word(word) => {
                add(&mut Interval::default(), 0.0, word)?;
                (unit, waits) = (Some(word), true);
            }
            Field::Clock(clock_text) => {
                interval.seconds += clock(clock_text)?;
                seen = once(seen, &["s", "m", "h"])?;
                (unit, waits) = (Some("d"), false);
            }
            Field::Number(number) => {
                let of = unit.unwrap_or("s");
                add(&mut interval, number, of)?;
                seen = once(seen, &[of])?;
                // What comes before hours are days.
                let is_hour = bit(of) == bit("h");
                (unit, waits) = (if is_hour { Some("d") } else { unit }, false);
            }
        }
    }
    if is_before {
        interval.months = -interval.months;
        interval.days = -interval.days;
        interval.seconds = -interval.seconds;
    }
    (seen != 0 && !(waits && is_strict)).then_some(interval)
}

/// Marks units as given; none may be given twice.
fn once(seen: u32, units: &[&str]) -> Option<u32> {
    units.iter().try_fold(seen, |seen, unit| (seen & bit(unit) == 0).then_some(seen | bit(unit)))
}

/// One bit for all spellings of a unit.
fn bit(unit: &str) -> u32 {
    match unit {
        "m" | "min" | "mins" | "minute" | "minutes" => 1,
        "h" | "hr" | "hrs" | "hour" | "hours" => 2,
        "d" | "day" | "days" | "w" | "week" | "weeks" => 4,
        "mon" | "mons" | "month" | "months" => 8,
        "y" | "yr" | "yrs" | "year" | "years" => 16,
        _ if unit.starts_with("mi") || unit.starts_with("ms") => 32,
        _ if unit.starts_with('u') => 64,
        _ => 128,
    }
}

/// The pieces of a text: blanks, and signs that belong to no number, only separate them.
fn split(text: &str) -> Option<Vec<Field<'_>>> {
    let mut fields = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let number = |char: char| char.is_ascii_digit() || matches!(char, '.' | ':');
        let unsigned = rest.strip_prefix(['+', '-']).map_or(rest, str::trim_start);
        let length = unsigned.find(|char| !number(char)).unwrap_or(unsigned.len());
        if length > 0 {
            let (digits, after) = unsigned.split_at(length);
            let sign = if first == '-' { -1.0 } else { 1.0 };
            fields.push(match digits.contains(':') {
                // The sign is read with the clock time.
                true if rest.len() - unsigned.len() < 2 => Field::Clock(&rest[..rest.len() - after.len()]),
                true => return None,
                false => Field::Number(sign * c::number(digits)?),
            });
            rest = after.trim_start();
        } else if first.is_ascii_alphabetic() {
            let letters = rest.find(|char: char| !char.is_ascii_alphabetic()).unwrap_or(rest.len());
            fields.push(Field::Word(&rest[..letters]));
            rest = rest[letters..].trim_start();
        } else if first.is_ascii_punctuation() && !matches!(first, '+' | '-') {
            rest = rest[1..].trim_start();
        } else {
            return None;
        }
    }
    Some(fields)
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
        "s" | "sec" | "secs" | "second" | "seconds" => interval.seconds += value,
        "m" | "min" | "mins" | "minute" | "minutes" => interval.seconds += value * 60.0,
        "h" | "hr" | "hrs" | "hour" | "hours" => interval.seconds += value * 3600.0,
        "ms" | "msec" | "msecs" | "millisecond" | "milliseconds" => {
            interval.seconds += value / 1e3;
        }
        "us" | "usec" | "usecs" | "microsecond" | "microseconds" => {
            interval.seconds += value / 1e6;
        }
        "d" | "day" | "days" => interval.add_days(value),
        "w" | "week" | "weeks" => interval.add_days(value * 7.0),
        "mon" | "mons" | "month" | "months" => interval.months += value,
        "y" | "yr" | "yrs" | "year" | "years" => interval.months += value * 12.0,
        _ => return None,
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What servers of 10 to 16, and of 17 and 18, said: seconds, or nothing.
    #[test]
    fn reads_what_servers_read() {
        for (text, up_to_16, from_17) in [
            ("hour 1", Some(1), None),
            ("1 hour min", Some(3600), None),
            ("hour", None, None),
            ("1 hour 2", Some(3602), Some(3602)),
            ("min 3 hour", Some(10_800), None),
            ("ago 1 hour", Some(-3600), None),
            ("1 hour ago 2", Some(-3602), None),
            ("00:30 hour", Some(1800), Some(1800)),
            ("hour 00:30", Some(1800), None),
            ("5 hour hour", Some(18_000), None),
            ("1 2", None, None),
            ("hour 1 min", Some(60), None),
            ("1 ago hour", None, None),
            ("1 hour ago", Some(-3600), Some(-3600)),
            ("hour 1 ago", None, None),
            ("1.5 hour 3 min", Some(5580), Some(5580)),
            ("hour min 1", Some(1), None),
            ("1 x hour", None, None),
            ("x 1 hour", None, None),
            ("+ 1 hour", Some(3600), Some(3600)),
            ("@ 1 hour", Some(3600), Some(3600)),
            ("1 hour 1 hour", None, None),
            ("1 hours 2 mins", Some(3720), Some(3720)),
            ("-08:00", Some(-28_800), Some(-28_800)),
            ("PT1H", Some(3600), Some(3600)),
        ] {
            let read = |major| total(major, text.as_bytes()).ok();
            assert_eq!((read(Major::V10), read(Major::V16)), (up_to_16, up_to_16), "{text}");
            assert_eq!((read(Major::V17), read(Major::V18)), (from_17, from_17), "{text}");
        }
    }
}
