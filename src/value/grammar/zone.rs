//! Time zones: the names in the data that servers bring, POSIX rules, hours, intervals.

mod interval;
mod iso;
mod posix;

use super::{Context, refused};
use crate::table::{Table, rows, table};
use crate::value::refusal::{Read, Refusal};
use crate::version::Major;

static ZONES: Table = table!("timezones");
static ABBREVIATIONS: &str = include_str!("../../../rules/catalog/abbreviations.tsv");

const OTHER_DATA: &str = "time zone data differs: this name is in other releases of it, or in the system's";

/// What an abbreviation of a time zone stands for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Abbreviation {
    /// Seconds east of Greenwich, standard time.
    Standard(i32),
    /// Seconds east of Greenwich, summer time.
    Summer(i32),
    /// What a zone says for the date.
    Varying,
}

/// A time zone for a session: a name, POSIX rules, hours, or `INTERVAL '…'`.
pub fn read_session(context: &Context, text: &[u8]) -> Read {
    let outside = || Err(refused("UTC timezone offset is out of range.".to_owned()));
    if text.len() >= 8 && text[..8].eq_ignore_ascii_case(b"interval") {
        return match interval::read(context.major, &text[8..])? {
            seconds if in_week(seconds as f64) => Ok(text.to_vec()),
            _ => outside(),
        };
    }
    match hours(text) {
        Some(hours) if in_week((hours * 3600.0).trunc()) => Ok(text.to_vec()),
        Some(_) => outside(),
        None => read(context, text),
    }
}

/// A time zone that only names or POSIX rules can say.
pub fn read(context: &Context, text: &[u8]) -> Read {
    match find(context.major, text) {
        Some(Zone::Data) => Ok(text.to_vec()),
        Some(Zone::Rules(rules)) if posix::whole_minutes_in_2000(&rules) => Ok(text.to_vec()),
        Some(Zone::Rules(_)) => Err(Refusal {
            message: Some(format!("time zone \"{}\" appears to use leap seconds", String::from_utf8_lossy(text))),
            detail: Some("PostgreSQL does not support leap seconds.".to_owned()),
            ..Refusal::default()
        }),
        None => Err(Refusal { depends: elsewhere(text).then_some(OTHER_DATA), ..Refusal::default() }),
    }
}

/// A session's time zone as a server shows it: hours and intervals are the rules that it makes of them.
pub fn shown_session(major: Major, text: &[u8]) -> Vec<u8> {
    let east = match text.get(..8).filter(|head| head.eq_ignore_ascii_case(b"interval")) {
        Some(_) => interval::read(major, &text[8..]).ok().map(|seconds| seconds as f64),
        None => hours(text).map(|hours| hours * 3600.0),
    };
    match east {
        Some(east) => fixed(east.trunc() as i64),
        None => shown(major, text),
    }
}

/// A time zone as a server shows it: names as they are spelled in the data, rules in upper case.
pub fn shown(major: Major, text: &[u8]) -> Vec<u8> {
    match find(major, text) {
        Some(Zone::Data) => {
            let own = ZONES.folded(text).next().map(|[name, ..]| name.as_bytes().to_vec());
            own.unwrap_or_else(|| text.to_ascii_uppercase())
        }
        Some(Zone::Rules(_)) => text.to_ascii_uppercase(),
        None => text.to_vec(),
    }
}

/// Seconds east of Greenwich as rules, whose signs count the other way.
fn fixed(east: i64) -> Vec<u8> {
    let (name, rule) = if east < 0 { ('-', '+') } else { ('+', '-') };
    let seconds = east.abs();
    let mut offset = format!("{:02}", seconds / 3600);
    if seconds % 3600 != 0 {
        offset.push_str(&format!(":{:02}", seconds / 60 % 60));
    }
    if seconds % 60 != 0 {
        offset.push_str(&format!(":{:02}", seconds % 60));
    }
    format!("<{name}{offset}>{rule}{offset}").into_bytes()
}

/// The name of a set of abbreviations: a file beside the data, one of the three that are shipped
/// or one that somebody has added.
pub fn read_abbreviations(text: &[u8]) -> Read {
    if matches!(text, b"Default" | b"Australia" | b"India") {
        return Ok(text.to_vec());
    }
    if text.is_empty() {
        return Err(Refusal {
            message: Some("could not read time zone file \"\": Is a directory".to_owned()),
            ..Refusal::default()
        });
    }
    let file = text.iter().all(u8::is_ascii_alphabetic);
    let depends = "a set of this name may have been added to the server's installation";
    Err(Refusal { depends: file.then_some(depends), ..Refusal::default() })
}

/// The zone that a name or POSIX rules make, as seconds east of Greenwich: those of the rules'
/// standard time, and 0 for a name, because only moments at the very ends of time need more.
pub fn offset(major: Major, name: &[u8]) -> Option<i32> {
    match find(major, name)? {
        Zone::Data => Some(0),
        Zone::Rules(rules) => Some(-rules.west),
    }
}

/// What a lower-case abbreviation stands for while the file is read: servers from 18 on ask the
/// session's time zone first; all ask the set of abbreviations, if an earlier line has named one.
pub fn abbreviation(context: &Context, word: &[u8]) -> Option<Abbreviation> {
    if context.major >= Major::V18 {
        let own = abbreviation_of_zone(context, word);
        if own.is_some() {
            return own;
        }
    }
    if context.abbreviations.is_empty() {
        return None;
    }
    let mut found = None;
    for line in rows(ABBREVIATIONS) {
        let mut columns = line.split('\t');
        let (set, name) = (columns.next()?, columns.next()?);
        if name.as_bytes() != word || !applies(&mut columns, context.major) {
            continue;
        }
        let named = set.as_bytes() == context.abbreviations;
        if named || (set == "Default" && found.is_none()) {
            found = columns.next().and_then(parse_abbreviation);
        }
    }
    found
}

enum Zone {
    Data,
    Rules(posix::Rules),
}

fn find(major: Major, name: &[u8]) -> Option<Zone> {
    if name.len() > 255 {
        return None;
    }
    let file = name.strip_prefix(b":").unwrap_or(name);
    let gmt = name.eq_ignore_ascii_case(b"GMT");
    if gmt || data(major, file).is_some() {
        return Some(Zone::Data);
    }
    if name.first() == Some(&b':') {
        return None;
    }
    posix::parse(&name.to_ascii_uppercase()).map(Zone::Rules)
}

/// The abbreviations of a zone in the data of a major.
fn data(major: Major, name: &[u8]) -> Option<&'static str> {
    let [_, since, until, abbreviations, ..] = ZONES.folded(name).next()?;
    super::applies(Some(since), Some(until), major).then_some(abbreviations)
}

/// Whether another release or another build may know the name.
fn elsewhere(name: &[u8]) -> bool {
    let plain = [&b"posix/"[..], b"right/"].into_iter().find_map(|prefix| {
        let (head, rest) = name.split_at_checked(prefix.len())?;
        head.eq_ignore_ascii_case(prefix).then_some(rest)
    });
    let known = |name: &[u8]| ZONES.folded(name).next().is_some();
    known(plain.unwrap_or(name)) || name.eq_ignore_ascii_case(b"localtime")
}

fn abbreviation_of_zone(context: &Context, word: &[u8]) -> Option<Abbreviation> {
    let zone = context.time_zone;
    let Some(known) = data(context.major, zone) else {
        let rules = posix::parse(&zone.to_ascii_uppercase())?;
        return posix::abbreviation(&rules, &word.to_ascii_uppercase());
    };
    known.split(' ').find_map(|entry| {
        let (head, offset) = entry.as_bytes().split_at_checked(word.len())?;
        let same = head.eq_ignore_ascii_case(word) && !offset.first().is_some_and(u8::is_ascii_alphabetic);
        same.then(|| std::str::from_utf8(offset).ok().and_then(parse_abbreviation))?
    })
}

fn parse_abbreviation(offset: &str) -> Option<Abbreviation> {
    match offset.strip_prefix('+') {
        Some(summer) => summer.parse().ok().map(Abbreviation::Summer),
        None if offset == "~" => Some(Abbreviation::Varying),
        None => offset.parse().ok().map(Abbreviation::Standard),
    }
}

fn applies<'a>(columns: &mut impl Iterator<Item = &'a str>, major: Major) -> bool {
    super::applies(columns.next(), columns.next(), major)
}

/// As `hours`, a C number that fills the whole text.
fn hours(text: &[u8]) -> Option<f64> {
    let text = std::str::from_utf8(text).ok()?;
    let text = text.trim_start_matches([' ', '\t', '\n', '\r', '\x0b', '\x0c']);
    super::c::number(text)
}

fn in_week(seconds: f64) -> bool {
    // The zone that the server makes up takes 167:59:59 at most; no number at all wraps beyond.
    seconds.abs() < 168.0 * 3600.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(major: Major, text: &str) -> Option<Refusal> {
        read_session(&Context::new(major, ""), text.as_bytes()).err()
    }

    #[test]
    fn knows_names_rules_and_hours() {
        for text in ["UTC", "europe/paris", "<+03>-3", "5.5", "-12", "ABC5DEF", "INTERVAL '-8:00'"] {
            assert_eq!(refusal(Major::V18, text), None, "{text}");
        }
        assert!(refusal(Major::V18, "posixrules").unwrap().depends.is_some());
        assert_eq!(refusal(Major::V12, "posixrules"), None);
        assert!(refusal(Major::V18, "Foo/Bar").unwrap().depends.is_none());
        assert!(refusal(Major::V18, "168").unwrap().detail.is_some());
    }

    #[test]
    fn shows_what_servers_show() {
        let shown = |text: &str| String::from_utf8(super::shown_session(Major::V16, text.as_bytes())).unwrap();
        assert_eq!(shown("5"), "<+05>-05");
        assert_eq!(shown("-3.5"), "<-03:30>+03:30");
        assert_eq!(shown("INTERVAL '-08:00'"), "<-08>+08");
        assert_eq!([shown("europe/berlin"), shown("utc"), shown("gmt")], ["Europe/Berlin", "UTC", "GMT"]);
        assert_eq!(super::shown(Major::V16, b"5"), b"5");
    }

    #[test]
    fn looks_in_the_zone_from_18_on() {
        let mut context = Context::new(Major::V18, "");
        context.time_zone = b"America/New_York";
        assert_eq!(abbreviation(&context, b"edt"), Some(Abbreviation::Summer(-14_400)));
        assert_eq!(abbreviation(&context, b"pdt"), None);
        context.abbreviations = b"Default";
        assert_eq!(abbreviation(&context, b"pdt"), Some(Abbreviation::Summer(-25_200)));
    }
}
