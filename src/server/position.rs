//! Places as the protocol counts them: 0-based lines, and columns in the units that were agreed on.

use gen_lsp_types::{Position, PositionEncodingKind, Range};

use crate::source::{Source, Span};

/// The units of columns.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Encoding {
    /// Bytes.
    Utf8,
    /// What every client understands.
    #[default]
    Utf16,
    /// Code points.
    Utf32,
}

impl Encoding {
    /// The best of those that a client offers, in its own order; UTF-16 where it offers none.
    pub fn agreed<'a>(offered: impl IntoIterator<Item = &'a str>) -> Encoding {
        let known = |word: &str| match word {
            "utf-8" => Some(Encoding::Utf8),
            "utf-16" => Some(Encoding::Utf16),
            "utf-32" => Some(Encoding::Utf32),
            _ => None,
        };
        offered.into_iter().find_map(known).unwrap_or_default()
    }

    /// Its name in the protocol.
    pub fn kind(self) -> PositionEncodingKind {
        match self {
            Encoding::Utf8 => PositionEncodingKind::UTF8,
            Encoding::Utf16 => PositionEncodingKind::UTF16,
            Encoding::Utf32 => PositionEncodingKind::UTF32,
        }
    }

    /// The place of the byte at `offset`.
    pub fn position(self, source: &Source, offset: usize) -> Position {
        let offset = offset.min(source.bytes.len());
        let position = source.position(offset);
        let column = match self {
            Encoding::Utf8 => offset - source.line_starts()[position.line - 1],
            Encoding::Utf16 => position.utf16_column - 1,
            Encoding::Utf32 => position.column - 1,
        };
        Position { line: number(position.line - 1), character: number(column) }
    }

    /// The range of a span.
    pub fn range(self, source: &Source, span: Span) -> Range {
        Range { start: self.position(source, span.start), end: self.position(source, span.end) }
    }

    /// The byte at a place; the end of the line for a column behind it, the end of the file for a line behind it.
    pub fn offset(self, source: &Source, position: Position) -> usize {
        let line = position.line as usize;
        let Some(start) = source.line_starts().get(line) else { return source.bytes.len() };
        let bytes = source.line_bytes(line + 1);
        let bytes = bytes.strip_suffix(b"\r").unwrap_or(bytes);
        let mut left = position.character as usize;
        let mut at = 0;
        for chunk in bytes.utf8_chunks() {
            for char in chunk.valid().chars() {
                let width = match self {
                    Encoding::Utf8 => char.len_utf8(),
                    Encoding::Utf16 => char.len_utf16(),
                    Encoding::Utf32 => 1,
                };
                if left < width {
                    return start + at;
                }
                left -= width;
                at += char.len_utf8();
            }
            // A byte that is not UTF-8 counts one.
            let odd = chunk.invalid().len();
            if left < odd {
                return start + at + left;
            }
            left -= odd;
            at += odd;
        }
        start + at
    }
}

fn number(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::source::FileKind;

    #[test]
    fn places_come_back_in_every_encoding() {
        let valid = "a\t\u{4e2d}e\u{301}\u{1f418}z\r\n\u{e9}b".as_bytes();
        let bytes = [valid, b"\xffc\n"].concat();
        let source = Source::new("x".into(), FileKind::Conf, Arc::from(bytes.as_slice()));
        let all = [Encoding::Utf8, Encoding::Utf16, Encoding::Utf32];
        let z = bytes.iter().position(|byte| *byte == b'z').expect("it is there");
        assert_eq!(all.map(|encoding| encoding.position(&source, z).character), [12, 7, 6]);
        let c = bytes.iter().position(|byte| *byte == b'c').expect("it is there");
        assert_eq!(all.map(|encoding| encoding.position(&source, c).character), [4, 3, 3]);
        for encoding in all {
            for offset in [0, 1, 2, 5, 6, 8, z, z + 1, c - 1, c, bytes.len()] {
                assert_eq!(encoding.offset(&source, encoding.position(&source, offset)), offset, "{encoding:?}");
            }
            let at = |line, character| encoding.offset(&source, Position { line, character });
            assert_eq!((at(0, 99), at(9, 0)), (z + 1, bytes.len()));
        }
        // Between the halves of the elephant is before it.
        assert_eq!(Encoding::Utf16.offset(&source, Position { line: 0, character: 6 }), 8);
    }

    #[test]
    fn the_client_s_order_decides() {
        assert_eq!(Encoding::agreed(["utf-7", "utf-32", "utf-8"]), Encoding::Utf32);
        assert_eq!(Encoding::agreed([]), Encoding::Utf16);
    }
}
