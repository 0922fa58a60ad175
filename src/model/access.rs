//! pg_hba.conf and pg_ident.conf with all that they pull in: `@file` everywhere, `include` lines from 16 on.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use crate::model::path;
use crate::names;
use crate::source::{FileId, FileKind, Files, Place, ReadError, Source, Sources, Span};
use crate::syntax::hba::{self, Dialect};
use crate::version::Major;

/// Files below the main one that a server of 16 and later reads: a chain of eleven is refused.
const MAX_DEPTH: usize = 10;

/// Readings after which a tangle of files is given up.
const MAX_VISITS: usize = 20_000;

/// Whether a user is a member of a role, directly or not; `None` where that is not known.
pub type Member<'a> = dyn Fn(&[u8], &[u8]) -> Option<bool> + 'a;

/// A token and where it came from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Word {
    /// Without quotes.
    pub text: Vec<u8>,
    /// Whether keywords have lost their meaning.
    pub quoted: bool,
    /// Where it stands, quotes included; in the file that `@` named, if it came from there.
    pub place: Place,
}

impl Word {
    /// Whether it is that keyword.
    pub fn is(&self, keyword: &str) -> bool {
        !self.quoted && self.text == keyword.as_bytes()
    }

    /// The role whose members are meant by `+role`.
    pub fn group(&self) -> Option<&[u8]> {
        self.text.strip_prefix(b"+").filter(|_| !self.quoted)
    }
}

/// What a server says of a fault.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Message {
    /// The message itself.
    pub text: Vec<u8>,
    /// What follows `HINT:`.
    pub hint: Option<String>,
    /// What follows `CONTEXT:`; several lines from 16 on.
    pub context: Option<Vec<u8>>,
}

/// What is wrong with a line before its fields are looked at.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum LineFault {
    /// More bytes than a line may have.
    LineTooLong,
    /// A token with more bytes than it may have.
    TokenTooLong,
    /// A file that the line names cannot be opened.
    CannotOpen(PathBuf, ReadError),
    /// A directory that the line names cannot be opened.
    CannotOpenDirectory(PathBuf, ReadError),
    /// A chain of files that is too long.
    TooDeep(PathBuf),
}

/// A line of fields as the server goes on with it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Record {
    /// The file it stands in.
    pub file: FileId,
    /// The line as the server counts.
    pub line: usize,
    /// All its bytes, line feed included.
    pub span: Span,
    /// Its fields; each holds at least one word.
    pub fields: Vec<Vec<Word>>,
    /// Why it is refused without being looked at, and the error as views show it.
    pub fault: Option<(LineFault, Vec<u8>)>,
    /// Where the file is named that is at fault, in this line.
    pub at: Option<Place>,
}

impl Record {
    /// From the first word to the last, of those that stand in the line itself.
    pub fn place(&self) -> Place {
        let own = || self.fields.iter().flatten().map(|word| word.place).filter(|place| place.file == self.file);
        let start = own().map(|place| place.span.start).min();
        let end = own().map(|place| place.span.end).max();
        let span = match (start, end) {
            (Some(start), Some(end)) => Span::new(start, end),
            _ => self.at.filter(|at| at.file == self.file).map_or(self.span, |at| at.span),
        };
        Place { file: self.file, span }
    }
}

/// What ends a server that reads the file, even one that runs.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Ending {
    /// Up to 9.6: a line that is too long.
    LineTooLong(Place),
    /// Up to 15: files that name each other with `@` without end.
    Endless(Place, PathBuf),
}

/// An `include` line, or a word with `@`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Pulled {
    /// The word that names the file.
    pub place: Place,
    /// Where it leads.
    pub path: PathBuf,
    /// What came of it.
    pub error: Option<ReadError>,
    /// Whether a missing file is fine.
    pub may_miss: bool,
}

/// All records of a file, those of included files in their places.
#[derive(Clone, Debug, Default)]
pub struct Records {
    /// In the order in which the server reads them.
    pub records: Vec<Record>,
    /// What it says while it reads them.
    pub messages: Vec<Message>,
    /// The file itself, unless it could not be read.
    pub main: Option<FileId>,
    /// Why it could not be read.
    pub error: Option<ReadError>,
    /// What ends the server, where something does.
    pub ending: Option<(Ending, Message)>,
    /// Further files.
    pub pulled: Vec<Pulled>,
}

/// Reads a file as a server of that major does.
pub fn read(files: &dyn Files, sources: &mut Sources, path: &Path, kind: FileKind, major: Major) -> Records {
    let mut reader = Reader {
        files,
        sources,
        kind,
        major,
        dialect: Dialect::of(major),
        known: HashMap::new(),
        callers: Vec::new(),
        visits: 0,
        out: Records::default(),
    };
    match reader.source(path) {
        Ok(file) => {
            reader.out.main = Some(file);
            let mut records = Vec::new();
            let _ = reader.file(path, file, &mut records);
            reader.out.records = records;
        }
        Err(error) => reader.out.error = Some(error),
    }
    reader.out
}

/// Nothing more is read: the server has ended.
struct Ended;

/// A file that is being read, and the line at which it is.
struct Caller {
    path: PathBuf,
    line: usize,
}

struct Reader<'a> {
    files: &'a dyn Files,
    sources: &'a mut Sources,
    kind: FileKind,
    major: Major,
    dialect: Dialect,
    known: HashMap<PathBuf, FileId>,
    callers: Vec<Caller>,
    visits: usize,
    out: Records,
}

type Error = (LineFault, Vec<u8>);

impl Reader<'_> {
    fn source(&mut self, path: &Path) -> Result<FileId, ReadError> {
        if let Some(file) = self.known.get(path) {
            return Ok(*file);
        }
        let file = match self.sources.find(path) {
            Some(file) => file,
            None => {
                let bytes = self.files.read(path)?;
                self.sources.add(Source::new(path.to_path_buf(), self.kind, bytes))
            }
        };
        self.known.insert(path.to_path_buf(), file);
        Ok(file)
    }

    /// The context of a message: from 16 on the line and all that led there.
    fn context(&self) -> Option<Vec<u8>> {
        (self.major >= Major::V16).then(|| {
            let lines = self.callers.iter().rev().map(|caller| context(caller.line, &caller.path));
            lines.collect::<Vec<_>>().join(&b'\n')
        })
    }

    fn say(&mut self, text: Vec<u8>) {
        let context = self.context();
        self.out.messages.push(Message { text, hint: None, context });
    }

    fn file(&mut self, path: &Path, file: FileId, records: &mut Vec<Record>) -> Result<(), Ended> {
        self.visits += 1;
        let bytes = self.sources.get(file).bytes.clone();
        self.callers.push(Caller { path: path.to_path_buf(), line: 1 });
        let dialect = self.dialect;
        for line in hba::lines(&bytes, &dialect) {
            if let Some(caller) = self.callers.last_mut() {
                caller.line = line.number;
            }
            self.line(path, file, line, records)?;
        }
        self.callers.pop();
        Ok(())
    }

    fn line(&mut self, path: &Path, file: FileId, line: hba::Line, records: &mut Vec<Record>) -> Result<(), Ended> {
        let mut record = Record { file, line: line.number, span: line.span, fields: Vec::new(), fault: None, at: None };
        if matches!(line.fault, Some(hba::Fault::LineTooLong)) {
            let message = Message {
                text: b"authentication file line too long".to_vec(),
                hint: None,
                context: Some(context(line.number, path)),
            };
            if self.major < Major::V10 {
                let place = Place { file, span: line.span };
                self.out.ending = Some((Ending::LineTooLong(place), message));
                return Err(Ended);
            }
            record.fault = Some((LineFault::LineTooLong, message.text.clone()));
            self.out.messages.push(message);
            records.push(record);
            return Ok(());
        }
        // There may be a hundred thousand lines, and all are kept: no room for more words than there are.
        record.fields.reserve_exact(line.fields.len());
        for field in line.fields {
            let mut words = Vec::with_capacity(field.tokens.len());
            for token in field.tokens {
                let place = Place { file, span: token.span };
                let names_file = !token.quoted && token.text.len() > 1 && token.text[0] == b'@';
                if names_file {
                    if let Err(error) = self.pull(path, &token.text[1..], place, &mut words)? {
                        record.at = Some(place);
                        // Up to 9.6 it is only said.
                        if self.major >= Major::V10 {
                            record.fault = Some(error);
                            break;
                        }
                    }
                } else {
                    words.push(Word { text: token.text.into_owned(), quoted: token.quoted, place });
                }
            }
            if !words.is_empty() {
                record.fields.push(words);
            }
            if record.fault.is_some() {
                break;
            }
        }
        if record.fault.is_none()
            && let Some(hba::Fault::TokenTooLong(beginning)) = line.fault
        {
            let short = b"authentication file token too long";
            self.say([short, &b", skipping: \""[..], &beginning, b"\""].concat());
            if line.refused {
                record.fault = Some((LineFault::TokenTooLong, short.to_vec()));
            }
        }
        if self.major >= Major::V16 && record.fault.is_none() && self.include(path, &mut record, records)? {
            return Ok(());
        }
        if !record.fields.is_empty() || record.fault.is_some() {
            records.push(record);
        }
        Ok(())
    }

    /// The words of a file that `@` names.
    fn pull(
        &mut self,
        caller: &Path,
        name: &[u8],
        place: Place,
        words: &mut Vec<Word>,
    ) -> Result<Result<(), Error>, Ended> {
        let path = path::resolve(name, caller, self.major);
        let mut inner = Vec::new();
        if let Err((fault, text)) = self.open(&path, place, Some(name), false, &mut inner)? {
            return Ok(Err((fault, text)));
        }
        for record in inner {
            if let Some(error) = record.fault {
                return Ok(Err(error));
            }
            words.extend(record.fields.into_iter().flatten());
        }
        Ok(Ok(()))
    }

    /// Reads a further file.
    fn open(
        &mut self,
        path: &Path,
        place: Place,
        pulled_as: Option<&[u8]>,
        may_miss: bool,
        records: &mut Vec<Record>,
    ) -> Result<Result<(), Error>, Ended> {
        let shown = path::to_bytes(path);
        let deep = self.major >= Major::V16 && self.callers.len() > MAX_DEPTH;
        if deep || self.visits >= MAX_VISITS {
            let text = [b"could not open file \"", shown.as_slice(), b"\": maximum nesting depth exceeded"].concat();
            self.say(text.clone());
            return Ok(Err((LineFault::TooDeep(path.to_path_buf()), text)));
        }
        if self.major < Major::V16 && self.callers.iter().any(|caller| caller.path == path) {
            let text = [b"exceeded maxAllocatedDescs ($N) while trying to open file \"", shown.as_slice(), b"\""];
            let message = Message { text: text.concat(), hint: None, context: None };
            self.out.ending = Some((Ending::Endless(place, path.to_path_buf()), message));
            return Err(Ended);
        }
        let result = self.source(path);
        let error = result.as_ref().err().cloned();
        self.out.pulled.push(Pulled { place, path: path.to_path_buf(), error, may_miss });
        match result {
            Ok(file) => self.file(path, file, records).map(Ok),
            Err(ReadError::IsDirectory) => {
                // It opens well enough.
                let text = [b"could not read file \"", shown.as_slice(), b"\": Is a directory"].concat();
                self.callers.push(Caller { path: path.to_path_buf(), line: 1 });
                if self.major >= Major::V10 {
                    self.say(text.clone());
                }
                self.callers.pop();
                // From 14 on reading just ends there.
                let fault = LineFault::CannotOpen(path.to_path_buf(), ReadError::IsDirectory);
                Ok(if (Major::V10..Major::V14).contains(&self.major) { Err((fault, text)) } else { Ok(()) })
            }
            Err(error) => {
                let reason = error.to_string();
                let text = match pulled_as {
                    Some(name) if self.major < Major::V16 => [
                        b"could not open secondary authentication file \"@",
                        name,
                        b"\" as \"",
                        &shown,
                        b"\": ",
                        reason.as_bytes(),
                    ]
                    .concat(),
                    _ => [b"could not open file \"", shown.as_slice(), b"\": ", reason.as_bytes()].concat(),
                };
                self.say(text.clone());
                if may_miss && error == ReadError::Missing {
                    self.say([b"skipping missing authentication file \"", shown.as_slice(), b"\""].concat());
                    return Ok(Ok(()));
                }
                Ok(Err((LineFault::CannotOpen(path.to_path_buf(), error), text)))
            }
        }
    }

    /// Follows an include line; whether it was one and nothing is left of it.
    fn include(&mut self, caller: &Path, record: &mut Record, records: &mut Vec<Record>) -> Result<bool, Ended> {
        let [keyword, name] = record.fields.as_slice() else { return Ok(false) };
        let (keyword, name) = (keyword[0].text.as_slice(), name[0].clone());
        let is = |word: &str| keyword == word.as_bytes();
        let result = if is(names::INCLUDE) || is(names::INCLUDE_IF_EXISTS) {
            let path = path::resolve(&name.text, caller, self.major);
            self.open(&path, name.place, None, is(names::INCLUDE_IF_EXISTS), records)?
        } else if is(names::INCLUDE_DIR) {
            self.include_directory(caller, &name, records)?
        } else {
            return Ok(false);
        };
        match result {
            Ok(()) => Ok(true),
            Err(error) => {
                record.at = Some(name.place);
                record.fault = Some(error);
                Ok(false)
            }
        }
    }

    fn include_directory(
        &mut self,
        caller: &Path,
        name: &Word,
        records: &mut Vec<Record>,
    ) -> Result<Result<(), Error>, Ended> {
        let blank = name.text.iter().all(|byte| matches!(byte, b' ' | b'\t' | b'\r' | b'\n'));
        if blank {
            let text = [b"empty configuration directory name: \"", name.text.as_slice(), b"\""].concat();
            self.say(text.clone());
            let fault = LineFault::CannotOpenDirectory(PathBuf::new(), ReadError::Missing);
            return Ok(Err((fault, b"empty configuration directory name".to_vec())));
        }
        let directory = path::resolve(&name.text, caller, self.major);
        let shown = path::to_bytes(&directory);
        let mut found = match self.files.list(&directory) {
            Ok(found) => found,
            Err(error) => {
                let reason = error.to_string();
                self.say(
                    [b"could not open configuration directory \"", shown.as_slice(), b"\": ", reason.as_bytes()]
                        .concat(),
                );
                let text = [b"could not open directory \"", shown.as_slice(), b"\""].concat();
                return Ok(Err((LineFault::CannotOpenDirectory(directory, error), text)));
            }
        };
        found.sort();
        let is_taken = |name: &[u8]| name.len() >= 6 && !name.starts_with(b".") && name.ends_with(b".conf");
        let mut errors: Vec<Error> = Vec::new();
        for (file, is_directory) in found {
            if is_directory || !is_taken(&file) {
                continue;
            }
            let path = path::join(&directory, &file, self.major);
            if let Err(error) = self.open(&path, name.place, None, false, records)? {
                errors.push(error);
            }
        }
        let text = errors.iter().map(|(_, text)| text.as_slice()).collect::<Vec<_>>().join(&b'\n');
        Ok(match errors.into_iter().next() {
            Some((fault, _)) => Err((fault, text)),
            None => Ok(()),
        })
    }
}

/// How a server names a line.
pub fn context(line: usize, path: &Path) -> Vec<u8> {
    let path = path::to_bytes(path);
    [format!("line {line} of configuration file \"").as_bytes(), &path, b"\""].concat()
}
