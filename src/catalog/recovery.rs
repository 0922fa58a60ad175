//! What recovery.conf takes, up to 11: its names, how each value is read, and what it is for.

use std::sync::OnceLock;

use super::within;
use crate::table::{Grid, grid};
use crate::version::Major;

static TABLE: Grid<8> = grid!("recovery");

/// How a server reads a value.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// Any text.
    Text,
    /// As every Boolean.
    Bool,
    /// One of these words, in just this case, with `|` between; the HINT of a refusal.
    Words(&'static str, &'static str),
    /// `latest`, else a number as C's strtoul reads it.
    Timeline,
    /// A number as C's strtoul reads it.
    Transaction,
    /// A timestamp with time zone.
    Timestamp,
    /// A WAL position.
    Position,
    /// A name of at most 63 bytes.
    RestorePoint,
    /// The name of a replication slot.
    Slot,
    /// Milliseconds, or with a unit.
    Delay,
}

impl Kind {
    /// What it takes, in words.
    pub fn takes(self) -> String {
        match self {
            Kind::Text => "string".to_owned(),
            Kind::Bool => "bool".to_owned(),
            Kind::Words(words, _) => format!("enum: {}", words.replace('|', ", ")),
            Kind::Timeline => "`latest`, or the number of a timeline".to_owned(),
            Kind::Transaction => "the number of a transaction".to_owned(),
            Kind::Timestamp => "a timestamp with time zone".to_owned(),
            Kind::Position => "a WAL position".to_owned(),
            Kind::RestorePoint => "the name of a restore point".to_owned(),
            Kind::Slot => "the name of a replication slot".to_owned(),
            Kind::Delay => "milliseconds, or a time with a unit".to_owned(),
        }
    }
}

/// What the machinery needs a name for.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Purpose {
    /// Whether the server is a standby.
    Mode,
    /// Fetches WAL from an archive.
    Restore,
    /// How to reach the primary.
    Conninfo,
    /// The slot on the primary.
    Slot,
    /// A file whose appearance ends the standby.
    Trigger,
    /// Where recovery stops.
    Target,
    /// Which timeline is followed.
    Timeline,
    /// What happens at the target.
    Action,
    /// The same as it was said up to 9.4.
    Pause,
    /// Whether the target itself is replayed.
    Inclusive,
    /// How long a standby waits before it replays.
    Delay,
    /// Tidies the archive.
    Cleanup,
    /// Runs when recovery ends.
    End,
}

/// A name.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Name {
    /// As it must be written: its case matters here.
    pub name: &'static str,
    /// First and last major that take it, as in a table; an empty one is open.
    pub majors: (&'static str, &'static str),
    /// How its value is read.
    pub kind: Kind,
    /// What it is for.
    pub purpose: Purpose,
    /// Its name in postgresql.conf from 12 on, where that is another one; empty else.
    pub later: &'static str,
}

impl Name {
    /// Whether a server of that major takes it in recovery.conf.
    pub fn is_known_to(&self, major: Major) -> bool {
        within(major, self.majors.0, self.majors.1)
    }
}

/// All names, whichever majors take them.
pub fn names() -> &'static [Name] {
    static NAMES: OnceLock<Vec<Name>> = OnceLock::new();
    NAMES.get_or_init(|| TABLE.rows().filter_map(|row| name(std::array::from_fn(|column| row.cell(column)))).collect())
}

/// The name of just that spelling, where the major takes it.
pub fn find(name: &[u8], major: Major) -> Option<&'static Name> {
    names().iter().find(|known| known.name.as_bytes() == name && known.is_known_to(major))
}

/// The name for a purpose that only one name has; of several the first.
pub fn named(purpose: Purpose) -> &'static str {
    names().iter().find(|known| known.purpose == purpose).map_or("", |known| known.name)
}

fn name([name, since, until, kind, argument, purpose, later]: [&'static str; 7]) -> Option<Name> {
    let kind = match kind {
        "text" => Kind::Text,
        "bool" => Kind::Bool,
        "words" => {
            let (words, hint) = argument.split_once(';')?;
            Kind::Words(words, hint)
        }
        "timeline" => Kind::Timeline,
        "transaction" => Kind::Transaction,
        "timestamp" => Kind::Timestamp,
        "position" => Kind::Position,
        "restore-point" => Kind::RestorePoint,
        "slot" => Kind::Slot,
        "delay" => Kind::Delay,
        _ => return None,
    };
    let purpose = match purpose {
        "mode" => Purpose::Mode,
        "restore" => Purpose::Restore,
        "conninfo" => Purpose::Conninfo,
        "slot" => Purpose::Slot,
        "trigger" => Purpose::Trigger,
        "target" => Purpose::Target,
        "timeline" => Purpose::Timeline,
        "action" => Purpose::Action,
        "pause" => Purpose::Pause,
        "inclusive" => Purpose::Inclusive,
        "delay" => Purpose::Delay,
        "cleanup" => Purpose::Cleanup,
        "end" => Purpose::End,
        _ => return None,
    };
    Some(Name { name, majors: (since, until), kind, purpose, later })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_read() {
        assert_eq!(names().len(), TABLE.rows().count());
        assert!(find(b"standby_mode", Major::V11).is_some());
        assert!(find(b"STANDBY_MODE", Major::V11).is_none());
        assert!(find(b"standby_mode", Major::V12).is_none());
        assert_eq!(named(Purpose::Restore), "restore_command");
    }
}
