//! Paths, positions and texts as they are shown.

use std::borrow::Cow;
use std::path::{Component, Path, PathBuf};

use super::secrets::mask_secrets;
use crate::source::{Position, Source};

/// How things are shown, whatever the format.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Show {
    /// Paths below it are shown relative to it.
    pub directory: PathBuf,
    /// Where absolute paths were looked up instead (`--root`).
    pub root: Option<PathBuf>,
    /// Whether passwords are shown: for the owner's eyes.
    pub secrets: bool,
    /// The directory above from which a reader of this format counts paths, where that is not `directory`.
    pub top: Option<PathBuf>,
}

impl Show {
    /// A path: relative to the working directory if it lies below, with `/`.
    pub fn path(&self, path: &Path) -> String {
        let below_root = match &self.root {
            Some(root) if path.is_absolute() && !path.starts_with(root) => {
                let inside: PathBuf = path.components().filter(|part| matches!(part, Component::Normal(_))).collect();
                Some(root.join(inside))
            }
            _ => None,
        };
        let path = below_root.as_deref().unwrap_or(path);
        let from_top = self.top.as_ref().and_then(|top| {
            let whole = lexical(&self.directory.join(path));
            whole.strip_prefix(top).map(Path::to_owned).ok()
        });
        let path = path.strip_prefix(&self.directory).unwrap_or(path);
        let path = from_top.as_deref().unwrap_or(path);
        // Going through the components drops `./` and doubled separators.
        let path: PathBuf = path.components().filter(|part| *part != Component::CurDir).collect();
        if path.as_os_str().is_empty() {
            return ".".to_owned();
        }
        let text = path.to_string_lossy();
        if std::path::MAIN_SEPARATOR == '/' { text.into_owned() } else { text.replace(std::path::MAIN_SEPARATOR, "/") }
    }

    /// A text that may hold what the user wrote: secrets masked, control characters shown as escapes.
    pub fn text<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let text = self.masked(text);
        if text.chars().any(is_unprintable) { Cow::Owned(escape(&text)) } else { text }
    }

    /// A text for programs: only secrets are masked.
    pub fn masked<'a>(&self, text: &'a str) -> Cow<'a, str> {
        if self.secrets { Cow::Borrowed(text) } else { mask_secrets(text) }
    }

    /// As [`Show::text`], on one line.
    pub fn line(&self, text: &str) -> String {
        self.text(text).replace('\n', " ")
    }
}

/// The path without `.` and `..`, as it is written: what links lead to is not asked.
pub fn lexical(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => drop(plain.pop()),
            other => plain.push(other),
        }
    }
    plain
}

/// The way from a directory to a path, upwards too, both without `.` and `..`; the path itself where they have no
/// directory in common.
pub fn relative(path: &Path, from: &Path) -> PathBuf {
    let common = path.components().zip(from.components()).take_while(|(one, other)| one == other).count();
    if !path.components().take(common).any(|part| matches!(part, Component::Normal(_))) {
        return path.to_owned();
    }
    let up = from.components().skip(common).map(|_| Component::ParentDir);
    up.chain(path.components().skip(common)).collect()
}

/// Whether a character would act on a terminal or hide what a text says, instead of being seen. A line feed may stay.
pub fn is_unprintable(char: char) -> bool {
    let hides =
        matches!(char, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}');
    char.is_control() && char != '\n' || hides
}

/// What would act on a terminal is shown as an escape.
pub fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len() + 8);
    for char in text.chars() {
        match char {
            char if is_unprintable(char) => escaped.extend(char.escape_default()),
            char => escaped.push(char),
        }
    }
    escaped
}

/// Positions in one file after another; nearly free when the offsets ascend, however long the lines are.
pub struct Positions<'a> {
    source: &'a Source,
    known: (usize, Position),
}

impl<'a> Positions<'a> {
    /// Positions in a file.
    pub fn new(source: &'a Source) -> Positions<'a> {
        Positions { source, known: (0, Position { line: 1, column: 1, utf16_column: 1, byte_column: 1 }) }
    }

    /// The position of the byte at `offset`.
    pub fn at(&mut self, offset: usize) -> Position {
        let offset = offset.min(self.source.bytes.len());
        let (known, position) = self.known;
        let line = self.source.line(offset);
        let position = if line == position.line && offset >= known {
            let (points, units) = width(&self.source.bytes[known..offset]);
            Position {
                line,
                column: position.column + points,
                utf16_column: position.utf16_column + units,
                byte_column: position.byte_column + (offset - known),
            }
        } else {
            self.source.position(offset)
        };
        self.known = (offset, position);
        position
    }
}

/// Code points and UTF-16 units; a byte that is not UTF-8 counts one.
pub fn width(bytes: &[u8]) -> (usize, usize) {
    if bytes.is_ascii() {
        return (bytes.len(), bytes.len());
    }
    bytes.utf8_chunks().fold((0, 0), |(points, units), chunk| {
        let odd = chunk.invalid().len();
        let utf16: usize = chunk.valid().chars().map(char::len_utf16).sum();
        (points + chunk.valid().chars().count() + odd, units + utf16 + odd)
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::source::FileKind;

    #[test]
    fn paths_are_relative_to_the_working_directory_and_show_the_root() {
        let show = Show { directory: "/work".into(), root: Some("/work/image".into()), secrets: false, top: None };
        let path = |path: &str| show.path(Path::new(path));
        assert_eq!(path("/work/image/b.conf"), "image/b.conf");
        assert_eq!(path("/work/a/b.conf"), "image/work/a/b.conf");
        assert_eq!(path("./a//./b.conf"), "a/b.conf");
        assert_eq!(path("../b.conf"), "../b.conf");
        assert_eq!(path("/etc/b.conf"), "image/etc/b.conf");
        assert_eq!(path("/work"), "image/work");
        assert_eq!(path("."), ".");
    }

    #[test]
    fn paths_may_count_from_the_top_of_a_checkout() {
        let show = Show { directory: "/repo/deploy".into(), top: Some("/repo".into()), ..Show::default() };
        let path = |path: &str| show.path(Path::new(path));
        assert_eq!(path("db/postgresql.conf"), "deploy/db/postgresql.conf");
        assert_eq!(path("../x/pg_hba.conf"), "x/pg_hba.conf");
        assert_eq!(path("/repo/deploy/a.conf"), "deploy/a.conf");
        assert_eq!(path("/etc/a.conf"), "/etc/a.conf");
    }

    #[test]
    fn texts_cannot_act_on_a_terminal() {
        let show = Show::default();
        assert_eq!(show.text("a\u{1b}[31mb\u{202e}\u{85}é\tx"), "a\\u{1b}[31mb\\u{202e}\\u{85}é\\tx");
        assert_eq!(show.text("password=x"), "password=****");
        assert_eq!(Show { secrets: true, ..show }.text("password=x"), "password=x");
    }

    #[test]
    fn positions_are_the_same_in_any_order() {
        let source = Source::new("x".into(), FileKind::Conf, Arc::from("aé\u{1f418}b\nc\u{e9}d".as_bytes()));
        let mut positions = Positions::new(&source);
        for offset in [0, 1, 3, 7, 8, 9, 12, 3, 99, 0] {
            assert_eq!(positions.at(offset), source.position(offset));
        }
    }
}
