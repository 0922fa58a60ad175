//! Values of recovery.conf in the terms of a server from 12 on.

use super::template;
use crate::catalog::Catalog;
use crate::catalog::recovery::{Name, Purpose};
use crate::model::recovery::Meaning;
use crate::model::settings::{Settings, Zone};
use crate::names;
use crate::source::display;
use crate::value::grammar::timestamp::{self, Stamp};
use crate::value::{Context, Read};
use crate::version::{Major, PgVersion};

/// What becomes of a value.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Becomes {
    /// Written like this; with the reason where it is not as it was, and what the owner must know.
    Written(Vec<u8>, Option<String>, Option<String>),
    /// Not written, as it says nothing; the reason.
    Dropped(String),
    /// No way to write it; the reason.
    Impossible(String),
}

/// What a value becomes.
pub fn of(name: &Name, meaning: &Meaning, text: &[u8], settings: &Settings, catalog: &Catalog) -> Becomes {
    let major = catalog.version.major;
    let as_it_is = || Becomes::Written(text.to_vec(), None, None);
    let empty = || Becomes::Dropped("empty: says nothing".to_owned());
    match (name.purpose, meaning) {
        (Purpose::Target, Meaning::Text(_)) if text.is_empty() => {
            Becomes::Dropped("an empty name is no target from 12 on; up to 11 it was one that is never met".to_owned())
        }
        (Purpose::Target, Meaning::Transaction(number)) => transaction(*number, text),
        (Purpose::Target, Meaning::Moment(stamp)) => {
            moment(name, *stamp, text, &settings.zone, settings.is_set(names::TIMEZONE), catalog)
        }
        (Purpose::Timeline, Meaning::Timeline(None)) if text == b"latest" => as_it_is(),
        (Purpose::Timeline, Meaning::Timeline(None)) => {
            let why = format!("`{}` meant the newest timeline up to 11", display(text));
            Becomes::Written(b"latest".to_vec(), Some(why), None)
        }
        (Purpose::Timeline, Meaning::Timeline(Some(number))) => {
            let plain = number.to_string().into_bytes();
            let why = (plain != text).then(|| format!("`{}` was read as {number}", display(text)));
            Becomes::Written(plain, why, None)
        }
        (Purpose::Delay, Meaning::Delay(delay, _)) if *delay < 0 => {
            Becomes::Dropped(format!("`{}` is no delay, and refused from 12 on", display(text)))
        }
        (Purpose::Delay, Meaning::Delay(delay, _)) => match read(catalog, name.name, text) {
            Ok(_) => as_it_is(),
            Err(_) => {
                let why = format!("`{}` was read as {delay} ms", display(text));
                Becomes::Written(delay.to_string().into_bytes(), Some(why), None)
            }
        },
        (Purpose::Pause, Meaning::Bool(is_on, _)) => {
            let word = if *is_on { "pause" } else { "promote" };
            Becomes::Written(word.into(), Some("the name and the words of 9.5 and later".to_owned()), None)
        }
        (Purpose::Restore | Purpose::Cleanup | Purpose::End, _) if text.is_empty() => empty(),
        (Purpose::Restore | Purpose::Cleanup | Purpose::End, _) => {
            command(text, letters(name.purpose).unwrap_or_default(), major)
        }
        (Purpose::Conninfo | Purpose::Trigger, _) if text.is_empty() => empty(),
        _ => as_it_is(),
    }
}

fn transaction(number: u32, text: &[u8]) -> Becomes {
    if text.iter().all(u8::is_ascii_digit) && !text.is_empty() {
        return Becomes::Written(text.to_vec(), None, None);
    }
    let why = format!("`{}` was read as {number}", display(text));
    Becomes::Written(number.to_string().into_bytes(), Some(why), None)
}

/// A moment stays as it is written if any server reads it alike. Else it is written with its zone, where the files tell
/// that: as that of Greenwich, or, where that takes the rules of the zone, with the name of it.
fn moment(name: &Name, stamp: Stamp, text: &[u8], zone: &Zone, is_told: bool, catalog: &Catalog) -> Becomes {
    let major = catalog.version.major;
    let is_read = |text: &[u8]| read(catalog, name.name, text).is_ok();
    let usual = |time_zone: &'static [u8]| {
        let context = Context { time_zone, ..Context::new(major, name.name) };
        timestamp::read(&context, text)
    };
    let old = |time_zone: &[u8]| {
        let abbreviations = if zone.abbreviations.is_empty() { b"Default".as_slice() } else { &zone.abbreviations };
        let context =
            Context { time_zone, abbreviations, date_style: &zone.date_style, ..Context::new(major, name.name) };
        timestamp::read(&context, text)
    };
    let says_its_zone = old(b"GMT") == old(b"-7");
    let is_alike = usual(b"GMT") == old(b"GMT");
    let as_it_is = |note| Becomes::Written(text.to_vec(), None, note);
    let anew = |value: Vec<u8>| {
        let why = format!("the same moment as `{}`, with its zone said", display(text));
        Becomes::Written(value, Some(why), None)
    };
    if is_read(text) && is_alike && says_its_zone {
        return as_it_is(None);
    }
    let is_kept = is_read(text) && is_alike;
    if let (Stamp::At(Some(_)), Some(shown)) = (stamp, Meaning::Moment(stamp).logged(name))
        && (is_told || says_its_zone || !is_kept)
    {
        return anew(shown.trim_matches('\'').as_bytes().to_vec());
    }
    if let (Stamp::At(None), false, Ok(Stamp::At(Some(clock)))) = (stamp, says_its_zone, old(b"GMT")) {
        let clock = timestamp::shown(clock);
        let value = [clock.trim_end_matches("+00").as_bytes(), b" ", &zone.time_zone].concat();
        if is_region(&zone.time_zone) && is_read(&value) {
            return anew(value);
        }
    }
    if is_kept {
        let note = format!(
            "`{}` in {} is read with the time zone of the server's settings: the same moment only where that stays the same",
            display(text),
            name.name
        );
        return as_it_is(Some(note));
    }
    Becomes::Impossible(format!("`{}` is refused from 12 on: write a moment with its zone", display(text)))
}

/// Whether a time zone is called the same within a timestamp. `CET` is not: as a setting it has a summer, there it has
/// none; and a sign means west in some and east in others.
fn is_region(zone: &[u8]) -> bool {
    let is_plain = |byte: &u8| byte.is_ascii_alphabetic() || matches!(byte, b'/' | b'_' | b'-');
    zone.contains(&b'/') && zone.iter().all(is_plain)
}

/// What may stand behind a `%` in the commands of a recovery.
pub fn letters(purpose: Purpose) -> Option<&'static [u8]> {
    match purpose {
        Purpose::Restore => Some(b"frp"),
        Purpose::Cleanup | Purpose::End => Some(b"r"),
        _ => None,
    }
}

/// A command, each `%` that stands for nothing doubled from 16 on: up to 15 it was passed on, from 16 on it is refused.
pub fn command(text: &[u8], letters: &[u8], major: Major) -> Becomes {
    if major < Major::V16 {
        return Becomes::Written(text.to_vec(), None, None);
    }
    let mut written = Vec::with_capacity(text.len());
    let mut at = 0;
    while let Some(byte) = text.get(at) {
        written.push(*byte);
        at += 1;
        if *byte != b'%' {
            continue;
        }
        match text.get(at) {
            // What is filled in there begins with a letter only here.
            Some(next) if *next == b'%' || letters.contains(next) && !template::begins_open(&text[at..]) => {
                written.push(*next);
                at += 1;
            }
            _ => written.push(b'%'),
        }
    }
    let why = (written != text).then(|| "a `%` that stands for nothing is refused from 16 on: doubled".to_owned());
    Becomes::Written(written, why, None)
}

/// A bare number that counts something else in the new version, or, where that does not know it, in the newest one, with
/// the unit that it had.
pub fn in_other_units(name: &str, text: &[u8], from: Major, to: Major) -> Option<(Vec<u8>, String)> {
    let from = from.max(Major::V9_4);
    let parameter = |major| {
        let catalog = Catalog::shared(PgVersion::newest(major));
        catalog.find(name.as_bytes()).map(|id| catalog.get(id))
    };
    let (old, new) = (parameter(from)?, parameter(to).or_else(|| parameter(Major::NEWEST))?);
    let units = old.unit.zip(new.unit).filter(|(old, new)| old != new)?;
    if !text.trim_ascii().iter().all(u8::is_ascii_digit) {
        return None;
    }
    let value = crate::catalog::read(old, &Context::new(from, old.name), text).ok()?;
    let why = format!(
        "`{}` counts units of {} in {from} and of {} in {to}: written with its unit",
        display(text),
        units.0.word(),
        units.1.word()
    );
    Some((value.shown(old, from), why)).filter(|(shown, _)| shown != text)
}

fn read(catalog: &Catalog, name: &str, text: &[u8]) -> Read {
    let Some(id) = catalog.find(name.as_bytes()) else { return Err(crate::value::Refusal::default()) };
    let context = Context::new(catalog.version.major, name);
    crate::catalog::read(catalog.get(id), &context, text).map(|value| value.plain())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::recovery::names;
    use crate::model::tree::Tree;
    use crate::source::Sources;

    fn becomes(purpose: Purpose, text: &str, meaning: &Meaning) -> String {
        let name = names().iter().find(|name| name.purpose == purpose).expect("a name");
        let catalog = Catalog::shared(PgVersion::newest(Major::V16));
        let settings = Settings::judge(&Tree::default(), &Sources::default(), catalog);
        match of(name, meaning, text.as_bytes(), &settings, catalog) {
            Becomes::Written(value, why, _) => format!("{}{}", display(&value), if why.is_some() { " !" } else { "" }),
            Becomes::Dropped(_) => "-".to_owned(),
            Becomes::Impossible(_) => "impossible".to_owned(),
        }
    }

    #[test]
    fn commands_keep_their_meaning() {
        for (text, wanted) in [
            ("cp /a/%f %p", "cp /a/%f %p"),
            ("cp %f %p; date +%s", "cp %f %p; date +%%s !"),
            ("date +%%s %", "date +%%s %% !"),
            ("%", "%% !"),
        ] {
            assert_eq!(becomes(Purpose::Restore, text, &Meaning::Text(text.into())), wanted);
        }
        assert_eq!(becomes(Purpose::End, "rm %f %r", &Meaning::Text("rm %f %r".into())), "rm %%f %r !");
        assert_eq!(becomes(Purpose::End, "", &Meaning::Text(Vec::new())), "-");
    }

    #[test]
    fn words_and_numbers_say_what_they_said() {
        assert_eq!(becomes(Purpose::Timeline, "latest", &Meaning::Timeline(None)), "latest");
        assert_eq!(becomes(Purpose::Timeline, "current", &Meaning::Timeline(None)), "latest !");
        assert_eq!(becomes(Purpose::Timeline, "0x10", &Meaning::Timeline(Some(16))), "16 !");
        assert_eq!(becomes(Purpose::Delay, "-1", &Meaning::Delay(-1, b"-1".to_vec())), "-");
        assert_eq!(becomes(Purpose::Delay, "5min", &Meaning::Delay(300_000, b"5min".to_vec())), "5min");
        assert_eq!(becomes(Purpose::Pause, "true", &Meaning::Bool(true, b"true".to_vec())), "pause !");
        assert_eq!(becomes(Purpose::Pause, "off", &Meaning::Bool(false, b"off".to_vec())), "promote !");
    }
}
