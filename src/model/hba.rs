//! pg_hba.conf as a server of one major takes it: every line, what it is for, and why one is refused.

pub mod address;
pub mod cover;
mod entry;
mod ldap;
pub mod matching;
mod options;
mod ranges;
mod refusal;
mod shown;
mod taken;

pub use entry::{Certificate, Entry};
pub use options::OptionValue;
pub use refusal::{Fault, Part, Refusal};
pub use shown::{Row, row};

use std::path::Path;

use crate::catalog::access::Access;
use crate::model::access::{self, Ending, Message, Pulled, Record, Records};
use crate::source::{FileId, FileKind, Files, Place, ReadError, Sources};
use crate::version::Major;

/// What a server was built with, as far as pg_hba.conf has to know.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Build {
    /// The words of `rules/catalog/hba.tsv`, divided by blanks.
    words: &'static str,
}

impl Build {
    /// What the packages of Linux distributions are built with.
    pub const PACKAGES: Build = Build { words: "ssl gssapi ldap pam" };

    /// A build with these words.
    pub fn with(words: &'static str) -> Build {
        Build { words }
    }

    /// Whether it has what a word stands for; the empty word is nothing.
    pub fn has(self, word: &str) -> bool {
        word.is_empty() || self.words.split(' ').any(|known| known == word)
    }
}

/// What a server knows beside the file.
#[derive(Clone, Copy)]
pub struct Surroundings<'a> {
    /// Its major.
    pub major: Major,
    /// What it was built with.
    pub build: Build,
    /// Its settings: the effective value of a name; `None` where nothing is known, which stands in the way of nothing.
    pub setting: &'a dyn Fn(&str) -> Option<Vec<u8>>,
    /// Why a host name does not resolve, where that is known; files alone know nothing of it.
    pub resolve: &'a dyn Fn(&[u8]) -> Option<String>,
    /// Whether there is a network interface of that name; only the server's machine knows.
    pub interface: &'a dyn Fn(&str) -> bool,
}

impl Surroundings<'_> {
    /// Whether a boolean setting is known to be as `wanted`.
    pub fn is(&self, name: &str, wanted: bool) -> bool {
        let word: &[u8] = if wanted { b"on" } else { b"off" };
        (self.setting)(name).is_some_and(|value| value == word)
    }
}

/// A line that is no comment, as a server takes it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Line {
    /// Its words.
    pub record: Record,
    /// What it means, or why it is refused.
    pub verdict: Result<Entry, Box<Refusal>>,
    /// What the server says of a line that it takes all the same.
    pub notice: Option<Message>,
    /// What it says of the line: refusal or notices.
    pub messages: Vec<Message>,
}

/// A whole file.
#[derive(Clone, Debug, Default)]
pub struct Hba {
    /// The lines in the order in which they are tried.
    pub lines: Vec<Line>,
    /// What is said while files are read, before the lines are looked at.
    pub reading: Vec<Message>,
    /// The main file, unless it could not be read.
    pub main: Option<FileId>,
    /// Why it could not be read.
    pub error: Option<ReadError>,
    /// What ends the server, where something does.
    pub ending: Option<(Ending, Message)>,
    /// Files that were pulled in.
    pub pulled: Vec<Pulled>,
}

impl Hba {
    /// The lines that take part in matching.
    pub fn entries(&self) -> impl Iterator<Item = (usize, &Entry)> {
        self.lines.iter().enumerate().filter_map(|(index, line)| Some((index, line.verdict.as_ref().ok()?)))
    }

    /// Whether a server starts with it.
    pub fn is_accepted(&self) -> bool {
        self.error.is_none()
            && self.ending.is_none()
            && !self.lines.is_empty()
            && self.lines.iter().all(|line| line.verdict.is_ok())
    }

    /// What a server says when it starts with the file, `path` as it names it: lines of its log, and whether it starts.
    pub fn start(&self, path: &[u8], major: Major) -> (Vec<Vec<u8>>, bool) {
        let mut log = Vec::new();
        if let Some(error) = &self.error {
            let kind: &[u8] = if major >= Major::V16 { b"file" } else { b"configuration file" };
            let reason = error.to_string();
            log.push([b"LOG:  could not open ", kind, b" \"", path, b"\": ", reason.as_bytes()].concat());
        }
        let lines = self.lines.iter().flat_map(|line| &line.messages);
        for message in self.reading.iter().chain(lines) {
            push(&mut log, b"LOG:  ", message);
        }
        if let Some((_, message)) = &self.ending {
            push(&mut log, b"FATAL:  ", message);
            return (log, false);
        }
        if self.error.is_none() && self.lines.is_empty() {
            log.push([b"LOG:  configuration file \"", path, b"\" contains no entries"].concat());
        }
        if self.is_accepted() {
            return (log, true);
        }
        let name: &[u8] = if major >= Major::V16 { path } else { b"pg_hba.conf" };
        log.push([b"FATAL:  could not load ", name].concat());
        (log, false)
    }
}

fn push(log: &mut Vec<Vec<u8>>, severity: &[u8], message: &Message) {
    log.push([severity, &message.text].concat());
    log.extend(message.hint.iter().map(|hint| [b"HINT:  ", hint.as_bytes()].concat()));
    let context = message.context.iter().flat_map(|context| context.split(|byte| *byte == b'\n'));
    // Further lines of a message are indented.
    log.extend(context.enumerate().map(|(index, line)| {
        let start: &[u8] = if index == 0 { b"CONTEXT:  " } else { b"\t" };
        [start, line].concat()
    }));
}

/// Reads a file.
pub fn read(files: &dyn Files, sources: &mut Sources, path: &Path, around: &Surroundings) -> Hba {
    let read = access::read(files, sources, path, FileKind::Hba, around.major);
    judge(read, sources, around)
}

fn judge(read: Records, sources: &Sources, around: &Surroundings) -> Hba {
    let known = Access::shared(around.major);
    let lines = read.records.into_iter().map(|record| {
        let path = &sources.get(record.file).path;
        let context = access::context(record.line, path);
        entry::judge(record, known, around, &context)
    });
    let mut hba = Hba {
        lines: Vec::new(),
        reading: read.messages,
        main: read.main,
        error: read.error,
        pulled: read.pulled,
        ending: read.ending,
    };
    // A server that ends while it reads looks at no line.
    if hba.ending.is_none() {
        hba.lines = lines.collect();
    }
    hba
}

/// The place of a whole file.
pub fn top(file: FileId) -> Place {
    Place { file, span: crate::source::Span::default() }
}
