//! postgresql.conf with all that it includes, then postgresql.auto.conf: every line in the order of reading.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use crate::model::path;
use crate::names;
use crate::source::{FileId, FileKind, Files, Place, ReadError, Source, Sources, Span};
use crate::syntax::conf::{self, Content, Setting};
use crate::version::Major;

/// Files below the main one that a server reads: a chain of eleven is refused.
const MAX_DEPTH: u16 = 10;

/// Readings after which a tangle of includes is given up; a server would go on for ever.
const MAX_VISITS: usize = 20_000;

/// A setting as it stands in a file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Entry {
    /// The file.
    pub file: FileId,
    /// Which reading of the file this was.
    pub visit: u32,
    /// 1-based.
    pub line: u32,
    /// Name and value.
    pub setting: Setting,
}

impl Entry {
    /// Where the name stands.
    pub fn name(&self) -> Place {
        Place { file: self.file, span: self.setting.name }
    }

    /// Where the value stands, quotes included.
    pub fn value(&self) -> Place {
        Place { file: self.file, span: self.setting.value.span }
    }

    /// From the name to the end of the value.
    pub fn place(&self) -> Place {
        Place { file: self.file, span: Span::new(self.setting.name.start, self.setting.value.span.end) }
    }
}

/// What a server says while it reads files.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum FaultKind {
    /// A syntax error near a token, or near the end of the line.
    Syntax(conf::Broken),
    /// An included file that cannot be opened: the path and the reason.
    CannotOpen(PathBuf, ReadError),
    /// A directory where a file is wanted.
    NotAFile(PathBuf),
    /// An included directory that cannot be opened.
    CannotOpenDirectory(PathBuf, ReadError),
    /// `include_if_exists` or postgresql.auto.conf: no error.
    Skipped(PathBuf, ReadError),
    /// No file name between the quotes.
    EmptyFileName(Vec<u8>),
    /// No directory name between the quotes.
    EmptyDirectoryName(Vec<u8>),
    /// A file that includes itself.
    Recursion(PathBuf),
    /// More than ten files below the main one. The name is as it is written.
    TooDeep(Vec<u8>),
    /// 9.4 opens the same directory over and over until it runs out of handles.
    Endless(PathBuf),
}

/// A fault and where it stands: the broken line, or the include that led there.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Fault {
    /// Where. Nothing for the main file and postgresql.auto.conf themselves.
    pub place: Option<Place>,
    /// The line in the server's message and view.
    pub line: u32,
    /// In which reading it was met.
    pub visit: u32,
    /// How many readings had begun by then.
    pub visits: u32,
    /// What is wrong.
    pub kind: FaultKind,
}

impl Fault {
    /// Whether it refuses the start.
    pub fn is_error(&self) -> bool {
        !matches!(self.kind, FaultKind::Skipped(..))
    }
}

/// One step of reading.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Item {
    /// A setting.
    Entry(Entry),
    /// Something the server complains of.
    Fault(Box<Fault>),
}

/// One reading of one file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Visit {
    /// The path as the server names it.
    pub path: PathBuf,
    /// The file, unless it could not be read.
    pub file: Option<FileId>,
    /// The reading from which it was included.
    pub parent: Option<u32>,
    /// The include line, in the parent's file.
    pub included_at: Option<Place>,
    /// 0 for the main file and postgresql.auto.conf.
    pub depth: u16,
}

/// All that was read, in order.
#[derive(Debug, Default)]
pub struct Tree {
    /// Settings and faults.
    pub items: Vec<Item>,
    /// Index of the first item of postgresql.auto.conf.
    pub auto_from: usize,
    /// Readings; 0 is the main file.
    pub visits: Vec<Visit>,
    /// The reading of postgresql.auto.conf.
    pub auto_visit: Option<u32>,
    /// The directory in which postgresql.auto.conf was looked for.
    pub data_directory: PathBuf,
    /// Whether postgresql.conf itself says where the data are: a server is then started on the directory of the
    /// configuration, and looks there for what no setting names.
    pub names_data: bool,
    /// Where the main file could not be read: an empty file in its place, and the reason.
    pub missing: Option<(FileId, ReadError)>,
    /// recovery.conf of the data directory, where there is one.
    pub recovery_conf: Option<FileId>,
    /// Directories that `include_dir` lines name: the line, the directory, names taken, names passed over.
    pub directories: Vec<IncludedDirectory>,
}

/// What an `include_dir` line found.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct IncludedDirectory {
    /// The line.
    pub place: Place,
    /// The directory.
    pub path: PathBuf,
    /// Names of the files that are read, in that order.
    pub taken: Vec<Vec<u8>>,
    /// Names of files that the server passes over in silence.
    pub passed_over: Vec<Vec<u8>>,
}

impl Tree {
    /// All settings in order.
    pub fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.items.iter().filter_map(|item| match item {
            Item::Entry(entry) => Some(entry),
            Item::Fault(_) => None,
        })
    }

    /// All faults in order.
    pub fn faults(&self) -> impl Iterator<Item = &Fault> {
        self.items.iter().filter_map(|item| match item {
            Item::Fault(fault) => Some(&**fault),
            Item::Entry(_) => None,
        })
    }
}

/// Reads `main` and what it includes, then postgresql.auto.conf of the data directory.
///
/// The data directory is what the files say, else `data_directory`, else where `main` lies.
pub fn read(
    files: &dyn Files,
    sources: &mut Sources,
    main: &Path,
    data_directory: Option<&Path>,
    major: Major,
) -> Tree {
    let mut reader = Reader::new(files, sources, FileKind::Conf, major);
    if let Err(error) = reader.file(main.to_path_buf(), None, None, 0) {
        reader.misses(main, error);
    }
    let said = said_directory(&reader.tree, reader.sources);
    reader.tree.names_data = said.is_some();
    let beside = main.parent().unwrap_or(Path::new(""));
    let data_directory = match (data_directory, said) {
        (Some(given), _) => given.to_path_buf(),
        (None, Some(said)) => path::resolve(&said, main, major),
        (None, None) => beside.to_path_buf(),
    };
    reader.tree.auto_from = reader.tree.items.len();
    let auto = data_directory.join(names::AUTO_CONF);
    reader.tree.data_directory = data_directory;
    let visit = reader.next_visit();
    match reader.file(auto.clone(), None, None, 0) {
        Ok(()) => reader.tree.auto_visit = Some(visit),
        Err(error) => reader.fault(None, 0, visit.saturating_sub(1), FaultKind::Skipped(auto, error)),
    }
    let recovery = reader.tree.data_directory.join(names::RECOVERY_CONF);
    let bytes = match files.read(&recovery) {
        Ok(bytes) => Some(bytes),
        // Even a directory of that name counts.
        Err(ReadError::IsDirectory) => Some(Vec::new().into()),
        Err(_) => None,
    };
    reader.tree.recovery_conf = bytes.map(|bytes| {
        let known = reader.sources.find(&recovery);
        known.unwrap_or_else(|| reader.sources.add(Source::new(recovery, FileKind::Recovery, bytes)))
    });
    reader.tree
}

/// Reads a lone file as if it were postgresql.auto.conf or a fragment: itself and what it includes.
pub fn read_alone(files: &dyn Files, sources: &mut Sources, file: &Path, kind: FileKind, major: Major) -> Tree {
    let mut reader = Reader::new(files, sources, kind, major);
    if let Err(error) = reader.file(file.to_path_buf(), None, None, 0) {
        reader.misses(file, error);
    }
    reader.tree.auto_from = reader.tree.items.len();
    reader.tree
}

/// The last `data_directory` of postgresql.conf, in just that spelling: the server's first pass compares bytes.
fn said_directory(tree: &Tree, sources: &Sources) -> Option<Vec<u8>> {
    let said = tree.entries().filter(|entry| sources.text(entry.name()) == names::DATA_DIRECTORY.as_bytes()).last()?;
    let bytes = &sources.get(said.file).bytes;
    let value = conf::value(said.setting.value, bytes).into_owned();
    (!value.is_empty()).then_some(value)
}

struct Reader<'a> {
    files: &'a dyn Files,
    sources: &'a mut Sources,
    /// What its files are to the server.
    kind: FileKind,
    major: Major,
    known: HashMap<PathBuf, FileId>,
    tree: Tree,
}

enum Included {
    File { strict: bool },
    Directory,
}

impl<'a> Reader<'a> {
    fn new(files: &'a dyn Files, sources: &'a mut Sources, kind: FileKind, major: Major) -> Reader<'a> {
        Reader { files, sources, kind, major, known: HashMap::new(), tree: Tree::default() }
    }

    fn next_visit(&self) -> u32 {
        u32::try_from(self.tree.visits.len()).expect("bounded by MAX_VISITS")
    }

    fn misses(&mut self, main: &Path, error: ReadError) {
        let empty = Source::new(main.to_path_buf(), self.kind, Vec::new().into());
        let file = self.sources.find(main).unwrap_or_else(|| self.sources.add(empty));
        self.tree.missing = Some((file, error));
    }

    fn fault(&mut self, place: Option<Place>, line: u32, visit: u32, kind: FaultKind) {
        let fault = Fault { place, line, visit, visits: self.next_visit(), kind };
        self.tree.items.push(Item::Fault(Box::new(fault)));
    }

    fn source(&mut self, path: &Path) -> Result<FileId, ReadError> {
        if let Some(file) = self.known.get(path) {
            return Ok(*file);
        }
        if let Some(file) = self.sources.find(path) {
            // An empty one may stand for a file that is not there.
            if self.sources.get(file).bytes.is_empty() {
                self.files.read(path)?;
            }
            self.known.insert(path.to_path_buf(), file);
            return Ok(file);
        }
        let bytes = self.files.read(path)?;
        let file = self.sources.add(Source::new(path.to_path_buf(), self.kind, bytes));
        self.known.insert(path.to_path_buf(), file);
        Ok(file)
    }

    fn file(&mut self, path: PathBuf, parent: Option<u32>, at: Option<Place>, depth: u16) -> Result<(), ReadError> {
        let file = self.source(&path)?;
        let visit = self.next_visit();
        self.tree.visits.push(Visit { path, file: Some(file), parent, included_at: at, depth });
        let bytes = self.sources.get(file).bytes.clone();
        for line in conf::lines(&bytes) {
            let number = u32::try_from(line.number).unwrap_or(u32::MAX);
            match line.content {
                Content::Nothing => {}
                Content::Broken(broken) => {
                    let place = Place { file, span: broken.near.unwrap_or(broken.text) };
                    let reported = u32::try_from(broken.reported_line(line.number)).unwrap_or(u32::MAX);
                    self.fault(Some(place), reported, visit, FaultKind::Syntax(broken));
                }
                Content::Setting(setting) => {
                    let entry = Entry { file, visit, line: number, setting };
                    match included(setting.name.of(&bytes)) {
                        None => self.tree.items.push(Item::Entry(entry)),
                        Some(included) => {
                            let location = conf::value(setting.value, &bytes).into_owned();
                            self.include(&entry, &location, &included, depth);
                        }
                    }
                }
            }
        }
        Ok(())
    }

    fn include(&mut self, entry: &Entry, location: &[u8], included: &Included, depth: u16) {
        let at = Some(entry.place());
        let (line, visit) = (entry.line, entry.visit);
        if self.tree.visits.len() >= MAX_VISITS {
            return self.fault(at, line, visit, FaultKind::TooDeep(location.to_vec()));
        }
        let blank = location.iter().all(|byte| matches!(byte, b' ' | b'\t' | b'\r' | b'\n'));
        if blank && self.major >= Major::V9_5 {
            let kind = match included {
                Included::File { .. } => FaultKind::EmptyFileName(location.to_vec()),
                Included::Directory => FaultKind::EmptyDirectoryName(location.to_vec()),
            };
            return self.fault(at, line, visit, kind);
        }
        let calling = self.tree.visits[visit as usize].path.clone();
        if location.is_empty()
            && self.kind == FileKind::Recovery
            && calling.parent() == self.tree.visits[0].path.parent()
        {
            // Seen from the data directory that is no path at all.
            let missing = ReadError::Missing;
            let path = calling.parent().unwrap_or(Path::new("")).to_path_buf();
            let kind = match included {
                Included::File { strict: true } => FaultKind::CannotOpen(path, missing),
                Included::File { strict: false } => FaultKind::Skipped(path, missing),
                Included::Directory => FaultKind::CannotOpenDirectory(path, missing),
            };
            return self.fault(at, line, visit, kind);
        }
        match included {
            Included::File { strict } => {
                // 9.4 joins an empty name and then reads the directory.
                let path = match location {
                    b"" => calling.parent().unwrap_or(Path::new("")).to_path_buf(),
                    location => path::resolve(location, &calling, self.major),
                };
                self.include_file(entry, location, path, &calling, *strict, depth + 1);
            }
            Included::Directory => self.include_directory(entry, location, &calling, depth + 1),
        }
    }

    fn include_file(
        &mut self,
        entry: &Entry,
        location: &[u8],
        path: PathBuf,
        calling: &Path,
        strict: bool,
        depth: u16,
    ) {
        let at = Some(entry.place());
        let (line, visit) = (entry.line, entry.visit);
        if depth > MAX_DEPTH {
            return self.fault(at, line, visit, FaultKind::TooDeep(location.to_vec()));
        }
        if path == calling && self.major >= Major::V9_5 {
            return self.fault(at, line, visit, FaultKind::Recursion(path));
        }
        match self.file(path.clone(), Some(visit), at, depth) {
            Ok(()) => {}
            Err(ReadError::IsDirectory) => self.fault(at, line, visit, FaultKind::NotAFile(path)),
            Err(error) if strict => self.fault(at, line, visit, FaultKind::CannotOpen(path, error)),
            Err(error) => self.fault(at, line, visit, FaultKind::Skipped(path, error)),
        }
    }

    fn include_directory(&mut self, entry: &Entry, location: &[u8], calling: &Path, depth: u16) {
        let at = entry.place();
        let (line, visit) = (entry.line, entry.visit);
        let directory = match location {
            b"" => calling.parent().unwrap_or(Path::new("")).to_path_buf(),
            location => path::resolve(location, calling, self.major),
        };
        let mut names = match self.files.list(&directory) {
            Ok(names) => names,
            Err(error) => return self.fault(Some(at), line, visit, FaultKind::CannotOpenDirectory(directory, error)),
        };
        names.sort();
        let is_taken = |name: &[u8]| name.len() >= 6 && !name.starts_with(b".") && name.ends_with(b".conf");
        let (taken, passed_over): (Vec<_>, Vec<_>) = names
            .into_iter()
            .filter_map(|(name, is_directory)| (!is_directory).then_some(name))
            .partition(|name| is_taken(name));
        self.tree.directories.push(IncludedDirectory {
            place: at,
            path: directory.clone(),
            taken: taken.clone(),
            passed_over,
        });
        for name in taken {
            let path = path::join(&directory, &name, self.major);
            // Here 9.4 knows no limit: it keeps each directory open on the way down.
            if self.major < Major::V9_5 && self.goes_round(&path, visit) {
                let first =
                    path::join(&directory, &self.tree.directories.last().expect("pushed above").taken[0], self.major);
                return self.fault(Some(at), line, visit, FaultKind::Endless(first));
            }
            self.include_file(entry, &path::to_bytes(&path), path, calling, true, depth);
        }
    }

    /// Whether the file is already being read further up.
    fn goes_round(&self, path: &Path, visit: u32) -> bool {
        let up = |visit: &u32| self.tree.visits[*visit as usize].parent;
        std::iter::successors(Some(visit), up).any(|visit| self.tree.visits[visit as usize].path == path)
    }
}

fn included(name: &[u8]) -> Option<Included> {
    // Most names are no includes, and this runs for every line.
    if name.len() < names::INCLUDE.len() || !name[..1].eq_ignore_ascii_case(b"i") {
        return None;
    }
    if name.eq_ignore_ascii_case(names::INCLUDE.as_bytes()) {
        Some(Included::File { strict: true })
    } else if name.eq_ignore_ascii_case(names::INCLUDE_IF_EXISTS.as_bytes()) {
        Some(Included::File { strict: false })
    } else if name.eq_ignore_ascii_case(names::INCLUDE_DIR.as_bytes()) {
        Some(Included::Directory)
    } else {
        None
    }
}
