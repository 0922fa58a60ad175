//! pg_ident.conf as a server of one major takes it: which system user may be which database user.

use std::path::Path;

use crate::model::access::{self, Ending, Member, Message, Pulled, Record, Word};
use crate::source::{FileId, FileKind, Files, Place, ReadError, Sources};
use crate::value::regex::Regex;
use crate::version::Major;

/// What is wrong with a line.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Fault {
    /// It cannot be split, or a file that it names cannot be read.
    Line(access::LineFault),
    /// Fewer than three fields.
    Missing,
    /// A list where one word is due.
    Several,
    /// A regular expression that is none.
    Regex,
}

/// Why a line, and with it the whole file, is refused.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Refusal {
    /// What is wrong.
    pub fault: Fault,
    /// Where.
    pub place: Place,
    /// What the server's view shows as the error.
    pub text: Vec<u8>,
}

/// A line that a server takes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Mapping {
    /// The map's name.
    pub map: Word,
    /// The name at the operating system, or with a slash in front a regular expression for it.
    pub system: Word,
    /// The database user; from 16 on also `all`, `+role` or a regular expression.
    pub user: Word,
}

/// A line that is no comment.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Line {
    /// Its words.
    pub record: Record,
    /// What it means, or why the file is refused for it.
    pub verdict: Result<Mapping, Refusal>,
    /// What the server says of it.
    pub message: Option<Message>,
}

/// A whole file.
#[derive(Clone, Debug, Default)]
pub struct Ident {
    /// The lines in order.
    pub lines: Vec<Line>,
    /// What is said while files are read.
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

impl Ident {
    /// Whether a server uses it: one bad line, and there are no maps at all.
    pub fn is_accepted(&self) -> bool {
        self.error.is_none() && self.ending.is_none() && self.lines.iter().all(|line| line.verdict.is_ok())
    }

    /// All lines that a server takes, one by one.
    pub fn mappings(&self) -> impl Iterator<Item = (usize, &Mapping)> {
        self.lines.iter().enumerate().filter_map(|(index, line)| Some((index, line.verdict.as_ref().ok()?)))
    }

    /// What is said of the file when it is read.
    pub fn messages(&self) -> impl Iterator<Item = &Message> {
        self.reading.iter().chain(self.lines.iter().filter_map(|line| line.message.as_ref()))
    }
}

/// Reads a file.
pub fn read(files: &dyn Files, sources: &mut Sources, path: &Path, major: Major) -> Ident {
    let read = access::read(files, sources, path, FileKind::Ident, major);
    let mut ident = Ident {
        lines: Vec::new(),
        reading: read.messages,
        main: read.main,
        error: read.error,
        ending: read.ending,
        pulled: read.pulled,
    };
    if ident.ending.is_none() {
        let lines = read.records.into_iter().map(|record| {
            let path = sources.get(record.file).path.clone();
            judge(record, &path, major)
        });
        ident.lines = lines.collect();
    }
    ident
}

fn judge(record: Record, path: &Path, major: Major) -> Line {
    if let Some((fault, text)) = record.fault.clone() {
        let place = record.at.unwrap_or_else(|| record.place());
        return Line { verdict: Err(Refusal { fault: Fault::Line(fault), place, text }), record, message: None };
    }
    let mut words: Vec<Word> = Vec::new();
    let mut refused = None;
    for index in 0..3 {
        match record.fields.get(index).map(Vec::as_slice) {
            Some([word]) => words.push(word.clone()),
            Some(several) => {
                let place = several[0].place;
                refused = Some((Fault::Several, place, b"multiple values in ident field".to_vec()));
            }
            None => {
                refused = Some((Fault::Missing, record.place(), b"missing entry at end of line".to_vec()));
            }
        }
        if refused.is_some() {
            break;
        }
    }
    let with_regex = if major >= Major::V16 { 1..3 } else { 1..2 };
    if refused.is_none() {
        refused = with_regex.filter_map(|index| words.get(index)).find_map(|word| {
            let pattern = word.text.strip_prefix(b"/")?;
            let reason = Regex::of(pattern, major).err()?;
            let text = [b"invalid regular expression \"", pattern, b"\": ", reason.as_bytes()].concat();
            Some((Fault::Regex, word.place, text))
        });
    }
    if let Some((fault, place, text)) = refused {
        let message = said(&fault, &text, record.line, path, major);
        return Line { record, verdict: Err(Refusal { fault, place, text }), message: Some(message) };
    }
    let mut words = words.into_iter();
    let mut next = || words.next();
    let mapping = match (next(), next(), next()) {
        (Some(map), Some(system), Some(user)) => Mapping { map, system, user },
        _ => unreachable!("three words were pushed, or the line was refused"),
    };
    Line { record, verdict: Ok(mapping), message: None }
}

/// A refusal as the log has it.
fn said(fault: &Fault, text: &[u8], line: usize, path: &Path, major: Major) -> Message {
    let context = Some(access::context(line, path));
    let (text, context) = match fault {
        _ if major >= Major::V16 => (text.to_vec(), context),
        Fault::Missing => {
            let path = crate::model::path::to_bytes(path);
            let text =
                [b"missing entry in file \"", path.as_slice(), format!("\" at end of line {line}").as_bytes()].concat();
            (text, None)
        }
        Fault::Regex => (text.to_vec(), None),
        _ => (text.to_vec(), context),
    };
    Message { text, hint: None, context }
}

/// What a mapping line says of a user.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fit {
    /// It lets the system user be the database user.
    Yes,
    /// It does not.
    No,
    /// It depends on what files do not say, such as membership.
    Depends,
}

impl Mapping {
    /// Whether it lets `system` be `user`, where `member` says whether a user is a member of a role.
    pub fn fits(&self, system: &[u8], user: &[u8], member: &Member, major: Major) -> Fit {
        let answer = |yes: Option<bool>| match yes {
            Some(true) => Fit::Yes,
            Some(false) => Fit::No,
            None => Fit::Depends,
        };
        let Some(pattern) = self.system.text.strip_prefix(b"/") else {
            return if self.system.text == system { answer(self.is_user(user, member, major)) } else { Fit::No };
        };
        let Ok(regex) = Regex::of(pattern, major) else { return Fit::No };
        let groups = match regex.captures(system) {
            None => return Fit::Depends,
            Some(None) => return Fit::No,
            Some(Some(groups)) => groups,
        };
        let is_literal = major < Major::V16 || !self.user.text.starts_with(b"/");
        let Some(at) = memchr::memmem::find(&self.user.text, b"\\1").filter(|_| is_literal) else {
            return answer(self.is_user(user, member, major));
        };
        // Without such a group the line cannot fit.
        let Some(Some(range)) = groups.get(1) else { return Fit::No };
        let group = &system[range.clone()];
        let mut expanded = self.user.text[..at].to_vec();
        let mut rest = &self.user.text[at..];
        while let Some(behind) = rest.strip_prefix(b"\\1") {
            expanded.extend(group);
            let next = memchr::memmem::find(behind, b"\\1").filter(|_| major >= Major::V19).unwrap_or(behind.len());
            expanded.extend(&behind[..next]);
            rest = &behind[next..];
        }
        if expanded == user { Fit::Yes } else { Fit::No }
    }

    fn is_user(&self, user: &[u8], member: &Member, major: Major) -> Option<bool> {
        if major >= Major::V16 {
            if self.user.is("all") {
                return Some(true);
            }
            if let Some(role) = self.user.group() {
                return member(user, role);
            }
            if let Some(pattern) = self.user.text.strip_prefix(b"/") {
                return Regex::new(pattern).ok()?.is_match(user);
            }
        }
        Some(self.user.text == user)
    }
}
