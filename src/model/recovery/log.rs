//! What a server up to 11 says while it reads recovery.conf, and what comes of it.

use super::values::shown_stamp;
use super::{Meaning, Recovery, Verdict, history_file, wal_directory};
use crate::catalog::recovery::{Kind, Purpose, named};
use crate::model::transcript::{self, Message};
use crate::source::{ReadError, Sources};
use crate::syntax::conf;
use crate::value::Refusal;

/// The reading of recovery.conf at a start.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Start {
    /// Whether the server got through.
    pub ok: bool,
    /// Its lines: `LOG:  …`, `WARNING:  …`, `HINT:  …`, `FATAL:  …`.
    pub log: Vec<String>,
    /// What it read before it stopped, in order: name, and value as it logs it at debug level; none where
    /// the rules of a time zone are needed for that.
    pub read: Vec<(&'static str, Option<String>)>,
    /// Where it stopped.
    pub refusal: Option<Message>,
    /// What it does then.
    pub end: End,
}

/// What a server does once it has read recovery.conf.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum End {
    /// It does not start.
    #[default]
    Refuses,
    /// It waits for more, as a standby.
    Waits,
    /// It recovers what there is, and opens for writes.
    Opens,
}

/// What the server says on reading the file. `has_history` tells whether a file of the history of timelines
/// is in reach, in `pg_wal` or the archive; of an archive files alone know nothing.
pub fn start(recovery: &Recovery, sources: &Sources, has_history: &dyn Fn(&str) -> bool) -> Start {
    let mut start = Start::default();
    if let Some(message) = unreadable(recovery) {
        start.refuse(message);
        return start;
    }
    for fault in recovery.tree.faults() {
        let message = plain(transcript::fault_text(&recovery.tree, fault, sources));
        if fault.is_error() {
            start.refuse(message);
            return start;
        }
        start.says("LOG", &message);
    }
    for line in &recovery.lines {
        match (&line.verdict, line.name) {
            (Verdict::Read(meaning), Some(name)) => start.read.push((name.name, meaning.logged(name))),
            (Verdict::Refused(refusal), _) => {
                start.refuse(refused(refusal));
                return start;
            }
            _ => {
                start.refuse(unrecognized(sources.text(line.entry.name())));
                return start;
            }
        }
    }
    if recovery.is_standby() {
        if !recovery.says(Purpose::Conninfo) && !recovery.says(Purpose::Restore) {
            start.says("WARNING", &without_source(recovery));
        }
    } else if !recovery.says(Purpose::Restore) {
        start.refuse(without_restore());
        return start;
    }
    if let Some(Some(timeline)) = recovery.timeline()
        && history_file(timeline).is_some_and(|file| !has_history(&file))
    {
        start.refuse(missing_timeline(timeline));
        return start;
    }
    start.ok = true;
    if !recovery.is_standby()
        && let Some(target) = target(recovery, sources)
    {
        start.log.push(format!("LOG:  starting point-in-time recovery to {target}"));
    }
    start.end = if recovery.is_standby() { End::Waits } else { End::Opens };
    start
}

/// Where recovery stops, as the server logs it; a moment that takes the rules of a time zone stays as it is
/// written.
pub fn target(recovery: &Recovery, sources: &Sources) -> Option<String> {
    let (_, line, meaning) = recovery.line(Purpose::Target)?;
    let written = || {
        let value = conf::value(line.entry.setting.value, &sources.get(line.entry.file).bytes);
        String::from_utf8_lossy(&value).into_owned()
    };
    Some(match (meaning, line.name?.kind) {
        (Meaning::Transaction(number), _) => format!("XID {number}"),
        (Meaning::Moment(stamp), _) => shown_stamp(*stamp).unwrap_or_else(written),
        (Meaning::Position(position), _) => {
            format!("WAL location (LSN) \"{:X}/{:X}\"", position >> 32, position & 0xffff_ffff)
        }
        (_, Kind::RestorePoint) => format!("\"{}\"", written()),
        _ => "earliest consistent point".to_string(),
    })
}

/// The message for a file that cannot be read.
pub fn unreadable(recovery: &Recovery) -> Option<Message> {
    recovery.unreadable().map(|error| match error {
        // It can be opened, and then not read.
        ReadError::IsDirectory => plain("input in flex scanner failed at file \"recovery.conf\" line 1".to_string()),
        error => plain(format!("could not open recovery command file \"recovery.conf\": {error}")),
    })
}

/// The message for a name that the server does not know.
pub fn unrecognized(name: &[u8]) -> Message {
    plain(format!("unrecognized recovery parameter \"{}\"", String::from_utf8_lossy(name)))
}

/// The message for a value.
pub fn refused(refusal: &Refusal) -> Message {
    Message {
        text: refusal.message.clone().unwrap_or_default(),
        detail: refusal.detail.clone(),
        hint: refusal.hint.clone(),
        place: None,
    }
}

/// The message for a recovery that nothing feeds.
pub fn without_restore() -> Message {
    plain(format!(
        "recovery command file \"recovery.conf\" must specify {} when standby mode is not enabled",
        named(Purpose::Restore)
    ))
}

/// The warning for a standby that nothing feeds.
pub fn without_source(recovery: &Recovery) -> Message {
    let (conninfo, restore) = (named(Purpose::Conninfo), named(Purpose::Restore));
    let text = format!("recovery command file \"recovery.conf\" specified neither {conninfo} nor {restore}");
    Message { hint: Some(poll_hint(wal_directory(recovery.major))), ..plain(text) }
}

/// What a standby does that nothing feeds.
pub fn poll_hint(directory: &str) -> String {
    format!("The database server will regularly poll the {directory} subdirectory to check for files placed there.")
}

/// The message for a timeline that nobody knows.
pub fn missing_timeline(timeline: u32) -> Message {
    plain(format!("recovery target timeline {timeline} does not exist"))
}

pub(super) fn plain(text: String) -> Message {
    Message { text, detail: None, hint: None, place: None }
}

/// The lines of a log for a message.
pub(super) fn lines(level: &str, message: &Message) -> Vec<String> {
    let mut lines = vec![format!("{level}:  {}", message.text)];
    lines.extend(message.detail.iter().map(|detail| format!("DETAIL:  {detail}")));
    lines.extend(message.hint.iter().map(|hint| format!("HINT:  {hint}")));
    lines
}

impl Start {
    fn says(&mut self, level: &str, message: &Message) {
        self.log.extend(lines(level, message));
    }

    fn refuse(&mut self, message: Message) {
        self.says("FATAL", &message);
        self.refusal = Some(message);
    }
}
