//! What a server recovers with: recovery.conf up to 11, signal files from 12 on.
//!
//! recovery.conf has the lexer of postgresql.conf and a judgement of its own: names in just one case, every
//! line judged in order, the first error the last word (facts F1 and I4 of the recorded reading of real servers).

mod log;
pub mod signals;
mod values;

use std::path::{Path, PathBuf};

use crate::catalog::recovery::{self, Name, Purpose};
use crate::model::settings::Zone;
use crate::model::tree::{self, Entry, FaultKind, Item, Tree};
use crate::names;
use crate::source::{FileId, FileKind, Files, Place, ReadError, Sources};
use crate::syntax::conf;
use crate::value::{Context, Refusal};
use crate::version::Major;

pub use log::{
    End, Start, missing_timeline, refused, start, target, unreadable, unrecognized, without_restore, without_source,
};
pub use values::{Meaning, unexpected_placeholder};

/// What becomes of a line.
#[derive(Clone, PartialEq, Debug)]
pub enum Verdict {
    /// The major has no such name.
    Unknown,
    /// Read.
    Read(Meaning),
    /// Refused.
    Refused(Refusal),
}

/// A line of recovery.conf or of what it includes.
#[derive(Clone, PartialEq, Debug)]
pub struct Line {
    /// Where it stands.
    pub entry: Entry,
    /// Its name, where the major takes it.
    pub name: Option<&'static Name>,
    /// What becomes of it.
    pub verdict: Verdict,
}

/// recovery.conf as a server up to 11 reads it.
#[derive(Debug)]
pub struct Recovery {
    /// The major that reads it.
    pub major: Major,
    /// Where it was found.
    pub path: PathBuf,
    /// What was read, files named as seen from the data directory.
    pub tree: Tree,
    /// Every setting in the order of reading; each is judged, though the server stops at the first refusal.
    pub lines: Vec<Line>,
}

/// The connection string of a standby.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Conninfo {
    /// Where its value stands, quotes included.
    pub place: Place,
    /// The value as the server keeps it.
    pub value: Vec<u8>,
}

/// Reads recovery.conf at `path` as a server of that major does, where dates are read by `zone`.
pub fn read(files: &dyn Files, sources: &mut Sources, path: &Path, major: Major, zone: &Zone) -> Recovery {
    let mut tree = tree::read_alone(files, sources, path, FileKind::Recovery, major);
    rename(&mut tree, path);
    // Unlike postgresql.conf itself it is read when the usual abbreviations are there.
    let usual = if zone.abbreviations.is_empty() { b"Default".as_slice() } else { &zone.abbreviations };
    let judge = |entry: &Entry| {
        let bytes = &sources.get(entry.file).bytes;
        let Some(name) = recovery::find(entry.setting.name.of(bytes), major) else {
            return Line { entry: *entry, name: None, verdict: Verdict::Unknown };
        };
        let context = Context {
            abbreviations: usual,
            date_style: &zone.date_style,
            time_zone: &zone.time_zone,
            ..Context::new(major, name.name)
        };
        let verdict = match values::read(name, &context, &conf::value(entry.setting.value, bytes)) {
            Ok(meaning) => Verdict::Read(meaning),
            Err(refusal) => Verdict::Refused(refusal),
        };
        Line { entry: *entry, name: Some(name), verdict }
    };
    let lines = tree.entries().map(judge).collect();
    Recovery { major, path: path.to_path_buf(), tree, lines }
}

/// The server is in its data directory when it reads recovery.conf, and names files as seen from there.
fn rename(tree: &mut Tree, main: &Path) {
    let directory = main.parent().unwrap_or(Path::new(""));
    let rename = |path: &mut PathBuf| {
        if path == main {
            *path = PathBuf::from(names::RECOVERY_CONF);
        } else if let Ok(below) = path.strip_prefix(directory) {
            *path = below.to_path_buf();
        }
    };
    tree.visits.iter_mut().for_each(|visit| rename(&mut visit.path));
    for item in &mut tree.items {
        let Item::Fault(fault) = item else { continue };
        match &mut fault.kind {
            FaultKind::CannotOpen(path, _)
            | FaultKind::NotAFile(path)
            | FaultKind::CannotOpenDirectory(path, _)
            | FaultKind::Skipped(path, _)
            | FaultKind::Recursion(path)
            | FaultKind::Endless(path) => rename(path),
            _ => {}
        }
    }
}

impl Recovery {
    /// The file itself; an empty one in its place where it could not be read.
    pub fn file(&self) -> Option<FileId> {
        let missing = self.tree.missing.as_ref().map(|(file, _)| *file);
        self.tree.visits.first().and_then(|visit| visit.file).or(missing)
    }

    /// Why the file could not be read.
    pub fn unreadable(&self) -> Option<&ReadError> {
        self.tree.missing.as_ref().map(|(_, error)| error)
    }

    /// The line that counts for a purpose: the last one that is read, whichever of several names it has.
    pub fn line(&self, purpose: Purpose) -> Option<(usize, &Line, &Meaning)> {
        let mut lines = self.lines.iter().enumerate().rev();
        lines.find_map(|(index, line)| match (&line.verdict, line.name) {
            (Verdict::Read(meaning), Some(name)) if name.purpose == purpose => Some((index, line, meaning)),
            _ => None,
        })
    }

    /// Whether a server with this file is a standby.
    pub fn is_standby(&self) -> bool {
        matches!(self.line(Purpose::Mode), Some((_, _, Meaning::Bool(true, _))))
    }

    /// Whether the setting for a purpose has a line, an empty one included.
    pub fn says(&self, purpose: Purpose) -> bool {
        self.line(purpose).is_some()
    }

    /// How the standby reaches its primary.
    pub fn conninfo(&self, sources: &Sources) -> Option<Conninfo> {
        let (_, line, _) = self.line(Purpose::Conninfo)?;
        let value = conf::value(line.entry.setting.value, &sources.get(line.entry.file).bytes).into_owned();
        Some(Conninfo { place: line.entry.value(), value })
    }

    /// The timeline that is followed; `None`: the newest. Without a line it is that of the backup, which
    /// only the data directory knows.
    pub fn timeline(&self) -> Option<Option<u32>> {
        match self.line(Purpose::Timeline)? {
            (_, _, Meaning::Timeline(timeline)) => Some(*timeline),
            _ => None,
        }
    }
}

/// The file of `pg_wal` or of the archive without which a server refuses to follow a timeline. Timeline 1
/// has none.
pub fn history_file(timeline: u32) -> Option<String> {
    (timeline != 1).then(|| format!("{timeline:08X}.history"))
}

/// The directory of WAL in the data directory.
pub fn wal_directory(major: Major) -> &'static str {
    if major < Major::V10 { "pg_xlog" } else { "pg_wal" }
}
