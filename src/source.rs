//! The bytes of a file, and places in it. Line and column are computed only for output.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

/// Names a file among the [`Sources`] of one run.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct FileId(pub u32);

/// A range of bytes in a file, end exclusive.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Span {
    /// First byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
}

impl Span {
    /// The range from `start` up to `end`.
    pub fn new(start: usize, end: usize) -> Span {
        Span { start, end }
    }

    /// The same range seen from a file in which this text begins at `offset`.
    pub fn shifted(self, offset: usize) -> Span {
        Span::new(self.start + offset, self.end + offset)
    }

    /// The bytes it names.
    pub fn of(self, bytes: &[u8]) -> &[u8] {
        &bytes[self.start..self.end]
    }

    /// Whether the two ranges share a byte, or touch where one is empty.
    pub fn overlaps(self, other: Span) -> bool {
        self.start < other.end && other.start < self.end || self.start == other.start
    }
}

/// A range of bytes in one of the run's files.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Place {
    /// The file.
    pub file: FileId,
    /// The bytes.
    pub span: Span,
}

/// What a file is to the server.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum FileKind {
    /// postgresql.conf, postgresql.auto.conf and what they include.
    Conf,
    /// pg_hba.conf
    Hba,
    /// pg_ident.conf
    Ident,
    /// pg_hosts.conf, from 19 on.
    Hosts,
    /// recovery.conf, up to 11.
    Recovery,
}

impl FileKind {
    /// The word for it in `--kind` and in JSON.
    pub fn word(self) -> &'static str {
        match self {
            FileKind::Conf => "conf",
            FileKind::Hba => "hba",
            FileKind::Ident => "ident",
            FileKind::Hosts => "hosts",
            FileKind::Recovery => "recovery",
        }
    }
}

/// A file's bytes, as they were read.
#[derive(Debug)]
pub struct Source {
    /// Where it was found, as messages show it.
    pub path: PathBuf,
    /// What it is to the server.
    pub kind: FileKind,
    /// Its bytes. They need not be UTF-8.
    pub bytes: Arc<[u8]>,
    line_starts: OnceLock<Vec<usize>>,
}

/// A place as people and editors name it: 1-based line, 1-based column.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Position {
    /// 1-based line.
    pub line: usize,
    /// 1-based column in code points; a byte that is not UTF-8 counts one.
    pub column: usize,
    /// 1-based column in UTF-16 units; a byte that is not UTF-8 counts one.
    pub utf16_column: usize,
    /// 1-based column in bytes.
    pub byte_column: usize,
}

impl Source {
    /// A file that was found at `path`.
    pub fn new(path: PathBuf, kind: FileKind, bytes: Arc<[u8]>) -> Source {
        Source { path, kind, bytes, line_starts: OnceLock::new() }
    }

    /// Offsets at which lines begin: the first is 0.
    pub fn line_starts(&self) -> &[usize] {
        self.line_starts.get_or_init(|| {
            std::iter::once(0).chain(memchr::memchr_iter(b'\n', &self.bytes).map(|newline| newline + 1)).collect()
        })
    }

    /// The 1-based line that holds the byte at `offset`.
    pub fn line(&self, offset: usize) -> usize {
        self.line_starts().partition_point(|start| *start <= offset)
    }

    /// The bytes of a 1-based line, without its line feed.
    pub fn line_bytes(&self, line: usize) -> &[u8] {
        let starts = self.line_starts();
        let start = starts[line - 1];
        let end = starts.get(line).map_or(self.bytes.len(), |next| next - 1);
        &self.bytes[start..end]
    }

    /// Line and column of the byte at `offset`.
    pub fn position(&self, offset: usize) -> Position {
        let offset = offset.min(self.bytes.len());
        let line = self.line(offset);
        let before = &self.bytes[self.line_starts()[line - 1]..offset];
        let (column, utf16_column) = columns(before);
        Position { line, column: column + 1, utf16_column: utf16_column + 1, byte_column: before.len() + 1 }
    }
}

/// How many code points and UTF-16 units the bytes are; a byte that is not UTF-8 counts one.
fn columns(bytes: &[u8]) -> (usize, usize) {
    bytes.utf8_chunks().fold((0, 0), |(points, units), chunk| {
        let odd = chunk.invalid().len();
        (points + chunk.valid().chars().count() + odd, units + chunk.valid().encode_utf16().count() + odd)
    })
}

/// Bytes as messages show them: what is not printable UTF-8 is shown as an escape.
pub fn display(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        for char in chunk.valid().chars() {
            match char {
                '\t' | '\n' | '\r' => text.extend(char.escape_default()),
                '\u{feff}' => text.push_str("\\u{feff}"),
                char if char.is_control() => text.extend(char.escape_default()),
                char => text.push(char),
            }
        }
        for byte in chunk.invalid() {
            text.push_str(&format!("\\x{byte:02x}"));
        }
    }
    text
}

/// All files of one run.
#[derive(Debug, Default)]
pub struct Sources {
    files: Vec<Source>,
}

impl Sources {
    /// Keeps a file and names it.
    pub fn add(&mut self, source: Source) -> FileId {
        let file = FileId(u32::try_from(self.files.len()).expect("fewer than 4 billion files"));
        self.files.push(source);
        file
    }

    /// The file of that name.
    pub fn get(&self, file: FileId) -> &Source {
        &self.files[file.0 as usize]
    }

    /// The bytes at a place.
    pub fn text(&self, place: Place) -> &[u8] {
        place.span.of(&self.get(place.file).bytes)
    }

    /// The name of the file found at `path`.
    pub fn find(&self, path: &Path) -> Option<FileId> {
        let index = self.files.iter().position(|source| source.path == path)?;
        Some(FileId(u32::try_from(index).expect("as in add")))
    }

    /// All files with their names, in the order in which they were read.
    pub fn iter(&self) -> impl Iterator<Item = (FileId, &Source)> {
        (0..).map(FileId).zip(&self.files)
    }
}

/// Why a file could not be read, as the operating system says it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ReadError {
    /// No such file or directory
    Missing,
    /// Permission denied
    Denied,
    /// It is a directory.
    IsDirectory,
    /// A directory was wanted.
    NotDirectory,
    /// Too many levels of symbolic links
    Loop,
    /// Anything else, in the system's words.
    Other(String),
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ReadError::Missing => "No such file or directory",
            ReadError::Denied => "Permission denied",
            ReadError::IsDirectory => "Is a directory",
            ReadError::NotDirectory => "Not a directory",
            ReadError::Loop => "Too many levels of symbolic links",
            ReadError::Other(words) => words,
        })
    }
}

impl std::error::Error for ReadError {}

/// How files reach the core: from the disk, from an editor's buffers, or from memory.
pub trait Files {
    /// The bytes of a file.
    ///
    /// # Errors
    /// As the operating system reports them.
    fn read(&self, path: &Path) -> Result<Arc<[u8]>, ReadError>;

    /// Names in a directory, in any order, without `.` and `..`, each with whether it is a directory.
    ///
    /// # Errors
    /// As the operating system reports them.
    fn list(&self, directory: &Path) -> Result<Vec<(Vec<u8>, bool)>, ReadError>;

    /// The permission bits of a file or a directory, links followed; `None` where they are not known.
    fn mode(&self, _path: &Path) -> Option<u32> {
        None
    }

    /// The number of the account that owns a file or a directory, links followed; `None` where it is not known.
    fn owner(&self, _path: &Path) -> Option<u32> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_count_code_points_and_odd_bytes() {
        let source = Source::new("x".into(), FileKind::Conf, Arc::from(&b"a\n\xc3\xa9\xff\xf0\x9f\x90\x98z"[..]));
        let position = source.position(source.bytes.len() - 1);
        assert_eq!((position.line, position.column, position.utf16_column, position.byte_column), (2, 4, 5, 8));
    }
}
