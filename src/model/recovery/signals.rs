//! From 12 on: the signal files beside ordinary settings, and how a server begins with them (facts F2).

use std::path::Path;

use super::history_file;
use super::log::{self, lines, plain};
use super::values::{position, shown_stamp, unexpected_placeholder};
use crate::catalog::is_recovery_target;
use crate::catalog::recovery::{Purpose, named};
use crate::model::settings::{Settings, Verdict};
use crate::model::transcript::Message;
use crate::names;
use crate::source::{Files, ReadError};
use crate::value::grammar::{timestamp, unsigned};
use crate::value::{Context, Grammar, Value};
use crate::version::Major;

/// The files of a data directory that say what a server is to do. What they hold does not matter.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Signals {
    /// standby.signal
    pub standby: bool,
    /// recovery.signal
    pub recovery: bool,
    /// recovery.conf, beside which no server from 12 on starts.
    pub recovery_conf: bool,
}

/// How a server begins.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mode {
    /// Open for writes.
    Primary,
    /// Following, until it is promoted.
    Standby,
    /// Replaying an archive to its end or to a target, and open then.
    Archive,
}

/// How a server with these settings and files begins.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Begin {
    /// What it sets out to be.
    pub mode: Mode,
    /// Its lines so far.
    pub log: Vec<String>,
    /// Why it does not get there.
    pub refusal: Option<Message>,
    /// Where it would stop, as it logs that, where it has a target and no standby mode.
    pub target: Option<String>,
}

/// Looks for the signal files in a data directory.
pub fn signals(files: &dyn Files, data: &Path) -> Signals {
    let is_listed = |name: &str| {
        let here = if data.as_os_str().is_empty() { Path::new(".") } else { data };
        files.list(here).is_ok_and(|names| names.iter().any(|(listed, _)| listed == name.as_bytes()))
    };
    let is_there = |name: &str| match files.read(&data.join(name)) {
        Err(ReadError::Missing | ReadError::NotDirectory) => false,
        // Whoever owns it, a server sees it; but nobody sees into a directory that is closed.
        Err(ReadError::Denied) => is_listed(name),
        _ => true,
    };
    Signals {
        standby: is_there(names::STANDBY_SIGNAL),
        recovery: is_there(names::RECOVERY_SIGNAL),
        recovery_conf: is_there(names::RECOVERY_CONF),
    }
}

impl Signals {
    /// What they ask for; the standby's goes before.
    pub fn mode(&self) -> Mode {
        match (self.standby, self.recovery) {
            (true, _) => Mode::Standby,
            (false, true) => Mode::Archive,
            (false, false) => Mode::Primary,
        }
    }
}

/// How the server begins once it has read its settings. `has_history` as for [`log::start`].
pub fn begin(settings: &Settings, signals: Signals, has_history: &dyn Fn(&str) -> bool) -> Begin {
    let mut begin = Begin { mode: signals.mode(), log: Vec::new(), refusal: None, target: None };
    let refusal = match begin.mode {
        _ if signals.recovery_conf => Some(recovery_conf()),
        Mode::Primary => None,
        Mode::Standby => {
            begin.log.extend(without_source(settings).iter().flat_map(|warning| lines("WARNING", warning)));
            None
        }
        Mode::Archive => without_restore(settings),
    };
    let later = || match begin.mode {
        Mode::Primary => None,
        _ => unreadable_restore(settings).or_else(|| missing_timeline(settings, has_history)),
    };
    begin.refusal = refusal.or_else(later);
    match &begin.refusal {
        Some(message) => begin.log.extend(lines("FATAL", message)),
        None if begin.mode == Mode::Archive => {
            begin.target = target(settings);
            begin
                .log
                .extend(begin.target.iter().map(|target| format!("LOG:  starting point-in-time recovery to {target}")));
        }
        None => {}
    }
    begin
}

/// What comes of an archive recovery whose archive holds nothing: whether the server opens, and what it says.
/// Up to 12 a target that was not reached is no fault.
pub fn end_of_empty_archive(begin: &Begin, major: Major) -> (bool, Option<Message>) {
    match begin.target.is_some() && major >= Major::V13 {
        true => (false, Some(plain("recovery ended before configured recovery target was reached".to_string()))),
        false => (true, None),
    }
}

/// The message for recovery.conf in the data directory.
pub fn recovery_conf() -> Message {
    plain(format!("using recovery command file \"{}\" is not supported", names::RECOVERY_CONF))
}

/// The message for an archive recovery that nothing feeds.
pub fn without_restore(settings: &Settings) -> Option<Message> {
    let restore = spelled(settings, Purpose::Restore);
    let text = format!("must specify {restore} when standby mode is not enabled");
    is_empty(settings, Purpose::Restore).then(|| plain(text))
}

/// The warning for a standby that nothing feeds.
pub fn without_source(settings: &Settings) -> Option<Message> {
    let (conninfo, restore) = (spelled(settings, Purpose::Conninfo), spelled(settings, Purpose::Restore));
    let empty = is_empty(settings, Purpose::Conninfo) && is_empty(settings, Purpose::Restore);
    empty.then(|| Message {
        hint: Some(log::poll_hint("pg_wal")),
        ..plain(format!("specified neither {conninfo} nor {restore}"))
    })
}

/// The message for a command with a `%` that nothing stands for: from 16 on.
pub fn unreadable_restore(settings: &Settings) -> Option<Message> {
    if settings.catalog.version.major < Major::V16 {
        return None;
    }
    let command = text(settings, Purpose::Restore)?;
    let detail = unexpected_placeholder(&command, b"frp")?;
    let name = named(Purpose::Restore);
    let text = format!("invalid value for parameter \"{name}\": \"{}\"", String::from_utf8_lossy(&command));
    Some(Message { detail: Some(detail), ..plain(text) })
}

/// The message for a timeline that nobody knows.
pub fn missing_timeline(settings: &Settings, has_history: &dyn Fn(&str) -> bool) -> Option<Message> {
    let timeline = timeline(settings)?;
    history_file(timeline).is_some_and(|file| !has_history(&file)).then(|| log::missing_timeline(timeline))
}

/// The timeline by number, where one is set: what is no number is 0.
pub fn timeline(settings: &Settings) -> Option<u32> {
    let text = text(settings, Purpose::Timeline)?;
    if matches!(text.as_slice(), b"latest" | b"current") {
        return None;
    }
    unsigned(&text).0.map(|number| number as u32)
}

/// Where recovery is to stop, as the server logs it; a moment in a zone whose rules are needed stays as it
/// is written.
pub fn target(settings: &Settings) -> Option<String> {
    let judged = settings.judged.iter().enumerate().rev().find(|(index, judged)| {
        let is_target = |id| {
            is_recovery_target(settings.catalog.get(id))
                && settings.winner(id).is_some_and(|(winner, _)| winner == *index)
        };
        matches!(&judged.verdict, Verdict::Set(value) if !value.plain().is_empty())
            && judged.parameter.is_some_and(is_target)
    });
    let (_, judged) = judged?;
    let parameter = settings.catalog.get(judged.parameter?);
    let Verdict::Set(value) = &judged.verdict else { return None };
    let plain = value.plain();
    let written = String::from_utf8_lossy(&plain).into_owned();
    let major = settings.catalog.version.major;
    Some(match parameter.grammar {
        Some(Grammar::Transaction) => format!("XID {}", unsigned(&plain).0.unwrap_or(0) as u32),
        Some(Grammar::RestorePoint) => format!("\"{written}\""),
        Some(Grammar::Position) => {
            let position = position(&plain).unwrap_or(0);
            let (high, low) = (position >> 32, position & 0xffff_ffff);
            match major < Major::V19 {
                true => format!("WAL location (LSN) \"{high:X}/{low:X}\""),
                false => format!("WAL location (LSN) \"{high:X}/{low:08X}\""),
            }
        }
        Some(Grammar::Timestamp) => {
            let zone = &settings.zone;
            let usual = if zone.abbreviations.is_empty() { b"Default".as_slice() } else { &zone.abbreviations };
            let context = Context {
                abbreviations: usual,
                date_style: &zone.date_style,
                time_zone: &zone.time_zone,
                ..Context::new(major, parameter.name)
            };
            timestamp::read(&context, &plain).ok().and_then(shown_stamp).unwrap_or(written)
        }
        _ => "earliest consistent point".to_string(),
    })
}

/// From 17 on names stand in quotes.
fn spelled(settings: &Settings, purpose: Purpose) -> String {
    match settings.catalog.version.major < Major::V17 {
        true => named(purpose).to_string(),
        false => format!("\"{}\"", named(purpose)),
    }
}

fn text(settings: &Settings, purpose: Purpose) -> Option<Vec<u8>> {
    settings.value(named(purpose)).map(|value: Value| value.plain())
}

fn is_empty(settings: &Settings, purpose: Purpose) -> bool {
    text(settings, purpose).is_none_or(|text| text.is_empty())
}
