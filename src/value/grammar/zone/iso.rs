//! Intervals of ISO 8601, `PT1H30M` or `P0001-02-03T04:05:06`, which servers try where nothing else fits.

use super::interval::Interval;

/// What is left of the text behind a number.
type Rest<'a> = Option<(f64, &'a str)>;

/// An interval whose every letter is a capital.
pub fn parse(text: &str) -> Option<Interval> {
    let mut rest = text.strip_prefix('P').filter(|rest| !rest.is_empty())?;
    let mut interval = Interval::default();
    let (mut is_time, mut has_field) = (false, false);
    while !rest.is_empty() {
        if let Some(time) = rest.strip_prefix('T') {
            (is_time, has_field, rest) = (true, false, time);
            continue;
        }
        let begins = rest;
        let (number, behind) = self::number(rest)?;
        let unit = behind.chars().next();
        rest = &behind[unit.map_or(0, char::len_utf8)..];
        match (is_time, unit) {
            (false, Some('Y')) => interval.months += number * 12.0,
            (false, Some('M')) => interval.months += number,
            (false, Some('W')) => interval.add_days(number * 7.0),
            (false, Some('D')) => interval.add_days(number),
            (true, Some('H')) => interval.seconds += number * 3600.0,
            (true, Some('M')) => interval.seconds += number * 60.0,
            (true, Some('S')) => interval.seconds += number,
            // Numbers alone: `PYYYYMMDDTHHMMSS`, or with marks between them.
            _ if has_field => return None,
            (false, Some('T' | '-') | None) => {
                rest = dates(&mut interval, begins, number, behind)?;
                continue;
            }
            (true, Some(':') | None) => {
                times(&mut interval, begins, number, behind)?;
                return Some(interval);
            }
            _ => return None,
        }
        has_field = true;
    }
    Some(interval)
}

/// Years, months and days without letters; what is left begins with `T`.
fn dates<'a>(interval: &mut Interval, begins: &str, first: f64, behind: &'a str) -> Option<&'a str> {
    if width(begins) == 8 && !behind.starts_with('-') {
        interval.months += (first / 10_000.0).trunc() * 12.0 + (first / 100.0).trunc() % 100.0;
        interval.add_days(first.trunc() % 100.0);
        return Some(behind);
    }
    interval.months += first * 12.0;
    let Some((months, behind)) = further(behind, '-')? else { return Some(behind) };
    interval.months += months;
    let Some((days, behind)) = further(behind, '-')? else { return Some(behind) };
    interval.add_days(days);
    (behind.is_empty() || behind.starts_with('T')).then_some(behind)
}

/// Hours, minutes and seconds without letters, up to the end.
fn times(interval: &mut Interval, begins: &str, first: f64, behind: &str) -> Option<()> {
    if width(begins) == 6 && behind.is_empty() {
        let (hours, minutes) = ((first / 10_000.0).trunc(), (first / 100.0).trunc() % 100.0);
        interval.seconds += hours * 3600.0 + minutes * 60.0 + first % 100.0;
        return Some(());
    }
    interval.seconds += first * 3600.0;
    let Some((minutes, behind)) = further(behind, ':')? else { return Some(()) };
    interval.seconds += minutes * 60.0;
    let Some((seconds, behind)) = further(behind, ':')? else { return Some(()) };
    interval.seconds += seconds;
    behind.is_empty().then_some(())
}

/// The number behind a mark; nothing where the text, or its date, ends.
fn further(text: &str, mark: char) -> Option<Rest<'_>> {
    if text.is_empty() || mark == '-' && text.starts_with('T') {
        return Some(None);
    }
    number(text.strip_prefix(mark)?).map(Some)
}

/// A number and what follows.
fn number(text: &str) -> Rest<'_> {
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let length = unsigned.find(|char: char| !char.is_ascii_digit() && char != '.').unwrap_or(unsigned.len());
    let (digits, rest) = text.split_at(text.len() - unsigned.len() + length);
    digits.parse().ok().map(|number| (number, rest))
}

/// How many digits stand at the beginning, behind a sign.
fn width(text: &str) -> usize {
    text.strip_prefix('-').unwrap_or(text).bytes().take_while(u8::is_ascii_digit).count()
}
