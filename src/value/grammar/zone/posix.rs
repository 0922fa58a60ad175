//! POSIX rules for a time zone, such as `EST5EDT,M3.2.0,M11.1.0`, as servers read them.

use super::Abbreviation;

/// A zone made of rules. Offsets are seconds west of Greenwich.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Rules {
    /// The abbreviation of standard time; may be empty.
    pub standard: Vec<u8>,
    /// Standard time.
    pub west: i32,
    /// Summer time, if there is one.
    pub summer: Option<Summer>,
}

/// The summer time of a zone.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Summer {
    /// Its abbreviation.
    pub name: Vec<u8>,
    /// Seconds west of Greenwich.
    pub west: i32,
    /// When it begins and ends; `None`: as in the United States.
    bounds: Option<(Bound, Bound)>,
}

/// Reads rules in upper case; `None`: these are none.
pub fn parse(text: &[u8]) -> Option<Rules> {
    let (standard, rest) = name(text)?;
    if rest.is_empty() {
        return None;
    }
    let (west, rest) = offset(rest)?;
    let mut rules = Rules { standard: standard.to_vec(), west, summer: None };
    if rest.is_empty() {
        return Some(rules);
    }
    let (name, mut rest) = name(rest)?;
    if name.is_empty() {
        return None;
    }
    let mut summer = Summer { name: name.to_vec(), west: west - 3600, bounds: None };
    if !matches!(rest.first(), None | Some(b',' | b';')) {
        (summer.west, rest) = offset(rest)?;
    }
    if !rest.is_empty() {
        let rules = rest.strip_prefix(b",").or_else(|| rest.strip_prefix(b";"))?;
        let (start, after) = bound(rules)?;
        let (end, after) = bound(after.strip_prefix(b",")?)?;
        if !after.is_empty() {
            return None;
        }
        summer.bounds = Some((start, end));
    }
    rules.summer = Some(summer);
    Some(rules)
}

/// Whether the zone is whole minutes from Greenwich at the start of 2000: servers take any other
/// for one with leap seconds.
pub fn whole_minutes_in_2000(rules: &Rules) -> bool {
    let west = match &rules.summer {
        Some(summer) if summer_in_2000(summer, rules.west) => summer.west,
        _ => rules.west,
    };
    west % 60 == 0
}

/// What an abbreviation in upper case means in this zone.
pub fn abbreviation(rules: &Rules, word: &[u8]) -> Option<Abbreviation> {
    let summer = rules.summer.as_ref().filter(|summer| summer.name == word);
    match (rules.standard == word, summer) {
        (true, None) => Some(Abbreviation::Standard(-rules.west)),
        (false, Some(summer)) => Some(Abbreviation::Summer(-summer.west)),
        (true, Some(_)) => Some(Abbreviation::Varying),
        (false, None) => None,
    }
}

fn summer_in_2000(summer: &Summer, west: i32) -> bool {
    let Some((start, end)) = &summer.bounds else {
        return false;
    };
    // Universal time from the start of 1970; the last change before 2000 decides.
    let (mut first, mut ever, mut last) = (0, false, None);
    for year in 1970..=2000 {
        let length = 365 * 86_400 + i64::from(is_leap(year)) * 86_400;
        let begins = start.seconds(year) + i64::from(west);
        let ends = end.seconds(year) + i64::from(summer.west);
        // Summer time that fills the year changes nothing in it.
        let changes = ends < begins || (begins < ends && ends - begins < length + i64::from(west - summer.west));
        ever |= changes;
        for (at, on) in [(first + begins, true), (first + ends, false)] {
            let before = at <= YEAR_2000 && last.is_none_or(|(latest, _)| at >= latest);
            if changes && before {
                last = Some((at, on));
            }
        }
        first += length;
    }
    last.map_or(!ever, |(_, on)| on)
}

const YEAR_2000: i64 = 946_684_800;

fn is_leap(year: i32) -> bool {
    year % 4 == 0
}

/// The day and the time of a change.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Bound {
    day: Day,
    time: i32,
}

#[derive(Clone, PartialEq, Eq, Debug)]
enum Day {
    /// From 1; 29 February is never counted.
    Counted(i32),
    /// From 0; 29 February is counted.
    OfYear(i32),
    /// Month, week, day of the week.
    OfMonth(i32, i32, i32),
}

impl Bound {
    fn seconds(&self, year: i32) -> i64 {
        let leap = is_leap(year);
        let day = match self.day {
            Day::Counted(day) => day - 1 + i32::from(leap && day >= 60),
            Day::OfYear(day) => day,
            Day::OfMonth(month, week, weekday) => {
                let lengths = [31, 28 + i32::from(leap), 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
                let month = month as usize - 1;
                let first: i32 = lengths[..month].iter().sum();
                // 1970 began on a Thursday.
                let begins = (4 + (year - 1970) * 365 + (year - 1969) / 4 + first) % 7;
                let mut day = (weekday - begins).rem_euclid(7) + (week - 1) * 7;
                while day >= lengths[month] {
                    day -= 7;
                }
                first + day
            }
        };
        i64::from(day) * 86_400 + i64::from(self.time)
    }
}

fn name(text: &[u8]) -> Option<(&[u8], &[u8])> {
    if let Some(quoted) = text.strip_prefix(b"<") {
        let end = memchr::memchr(b'>', quoted)?;
        return Some((&quoted[..end], &quoted[end + 1..]));
    }
    let ends = |byte: &u8| byte.is_ascii_digit() || matches!(byte, b',' | b'-' | b'+');
    Some(text.split_at(text.iter().position(ends).unwrap_or(text.len())))
}

fn offset(text: &[u8]) -> Option<(i32, &[u8])> {
    let (sign, text) = match text.first()? {
        b'-' => (-1, &text[1..]),
        b'+' => (1, &text[1..]),
        _ => (1, text),
    };
    let (hours, mut rest) = number(text, 0, 167)?;
    let mut seconds = hours * 3600;
    for (scale, most) in [(60, 59), (1, 60)] {
        let Some(after) = rest.strip_prefix(b":") else {
            break;
        };
        let (part, after) = number(after, 0, most)?;
        seconds += part * scale;
        rest = after;
    }
    Some((sign * seconds, rest))
}

fn bound(text: &[u8]) -> Option<(Bound, &[u8])> {
    let (day, rest) = match text.first()? {
        b'J' => {
            let (day, rest) = number(&text[1..], 1, 365)?;
            (Day::Counted(day), rest)
        }
        b'M' => {
            let (month, rest) = number(&text[1..], 1, 12)?;
            let (week, rest) = number(rest.strip_prefix(b".")?, 1, 5)?;
            let (weekday, rest) = number(rest.strip_prefix(b".")?, 0, 6)?;
            (Day::OfMonth(month, week, weekday), rest)
        }
        _ => {
            let (day, rest) = number(text, 0, 365)?;
            (Day::OfYear(day), rest)
        }
    };
    match rest.strip_prefix(b"/") {
        Some(time) => {
            let (time, rest) = offset(time)?;
            Some((Bound { day, time }, rest))
        }
        None => Some((Bound { day, time: 7200 }, rest)),
    }
}

fn number(text: &[u8], least: i32, most: i32) -> Option<(i32, &[u8])> {
    let end = text.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(text.len());
    let mut number = 0;
    for byte in &text[..end] {
        number = number * 10 + i32::from(byte - b'0');
        if number > most {
            return None;
        }
    }
    (end > 0 && number >= least).then_some((number, &text[end..]))
}
