//! The words of dates: months, days, eras, labels.

use crate::version::Major;

/// What a word says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Word {
    /// A whole moment that is named.
    Outside(Outside),
    /// The present moment, with its time.
    Now,
    /// The present day, and so many days after it.
    Day(i64),
    /// Midnight, universal time.
    Midnight,
    /// A month, from 1.
    Month(i32),
    /// A day of the week.
    Weekday,
    /// `am`: false, `pm`: true.
    Half(bool),
    /// `ad`: false, `bc`: true.
    Before(bool),
    /// Summer time, of the zone named elsewhere.
    Summer,
    /// Nothing.
    Filler,
    /// A label: what the next number means.
    Label(Label),
    /// `t` before a time.
    Time,
}

/// A moment with a name of its own.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Outside {
    /// 1970-01-01 00:00:00+00
    Epoch,
    /// After all others.
    Latest,
    /// Before all others.
    Earliest,
    /// A word of old that says no more than that.
    Gone,
}

/// What a label says of the number behind it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Label {
    Year,
    Month,
    Day,
    Hour,
    Minute,
    Second,
    Julian,
    /// The ISO time behind a `t`.
    Time,
    /// Known, but no number can follow.
    Useless,
}

const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];
const DAYS: [&str; 7] = ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"];

/// What a lower-case word says to this major; `None`: perhaps a time zone.
pub fn find(major: Major, word: &[u8]) -> Option<Word> {
    let word = std::str::from_utf8(word).ok()?;
    // 16 took the labels of y2001m02d04 away, but still knows their words.
    let label = |label| Word::Label(if major < Major::V16 { label } else { Label::Useless });
    Some(match word {
        "epoch" => Word::Outside(Outside::Epoch),
        "infinity" => Word::Outside(Outside::Latest),
        "-infinity" => Word::Outside(Outside::Earliest),
        "+infinity" if major >= Major::V16 => Word::Outside(Outside::Latest),
        "current" | "invalid" if major < Major::V12 => Word::Outside(Outside::Gone),
        "now" => Word::Now,
        "today" => Word::Day(0),
        "tomorrow" => Word::Day(1),
        "yesterday" => Word::Day(-1),
        "allballs" => Word::Midnight,
        "am" => Word::Half(false),
        "pm" => Word::Half(true),
        "ad" => Word::Before(false),
        "bc" => Word::Before(true),
        "dst" => Word::Summer,
        "at" | "on" => Word::Filler,
        "t" => Word::Time,
        "j" | "jd" | "julian" => Word::Label(Label::Julian),
        "dow" | "doy" | "isodow" | "isoyear" => Word::Label(Label::Useless),
        "y" => label(Label::Year),
        "m" => label(Label::Month),
        "d" => label(Label::Day),
        "h" => label(Label::Hour),
        "mm" => label(Label::Minute),
        "s" => label(Label::Second),
        "sept" => Word::Month(9),
        "tues" | "weds" | "thur" | "thurs" => Word::Weekday,
        _ => return month(word).map(Word::Month).or_else(|| weekday(word)),
    })
}

/// Whether a sign or a digit behind this word starts a new field.
pub fn known_to_splitter(major: Major, word: &[u8]) -> bool {
    find(major, word).is_some()
}

fn month(word: &str) -> Option<i32> {
    let number = (1..).zip(MONTHS).find(|(_, name)| word == *name || word == &name[..3]);
    number.map(|(number, _)| number)
}

fn weekday(word: &str) -> Option<Word> {
    DAYS.iter().any(|name| word == *name || word == &name[..3]).then_some(Word::Weekday)
}
