//! The few lines of a file around some places, as miette may draw them.

use miette::{LabeledSpan, MietteError, MietteSpanContents, SourceCode, SourceSpan, SpanContents};

use super::place::{Show, is_unprintable};
use super::secrets::secret_spans;
use crate::source::{Source, Span};

/// Lines shown before and after each place.
pub const CONTEXT: usize = 1;
/// A longer line is shown only around the place.
const LONG: usize = 400;
/// Bytes shown on each side of a place in a long line.
const AROUND: usize = 60;
/// A place is shown up to so many lines.
const MOST_LINES: usize = 8;

/// A copy of some lines in which every byte has its place, and nothing acts on a terminal or is a secret.
pub struct Window<'a> {
    source: &'a Source,
    name: String,
    /// Sorted, disjoint.
    pieces: Vec<Piece>,
}

struct Piece {
    /// Where it begins in the file; a line's start, unless it was cut out of a long line.
    start: usize,
    text: String,
    cut: bool,
}

impl Piece {
    fn end(&self) -> usize {
        self.start + self.text.len()
    }
}

impl<'a> Window<'a> {
    /// The lines around `spans`, which [`drawn`] has made drawable.
    pub fn new(source: &'a Source, spans: &[Span], show: &Show) -> Window<'a> {
        let mut wanted: Vec<(Span, bool)> = spans.iter().map(|span| around(source, *span)).collect();
        wanted.sort_unstable();
        let mut merged: Vec<(Span, bool)> = Vec::new();
        for (span, cut) in wanted {
            match merged.last_mut() {
                // Touching pieces too: miette draws neighbours as one and then asks for both at once.
                Some((last, last_cut)) if span.start <= last.end && *last_cut == cut => {
                    last.end = last.end.max(span.end)
                }
                _ => merged.push((span, cut)),
            }
        }
        let pieces = merged.into_iter().map(|(span, cut)| piece(source, span, cut, show)).collect();
        Window { source, name: show.text(&show.path(&source.path)).into_owned(), pieces }
    }
}

/// A label for miette.
pub fn label(span: Span, text: String, primary: bool) -> LabeledSpan {
    let text = Some(text).filter(|text| !text.is_empty());
    let span: SourceSpan = (span.start, span.end - span.start).into();
    if primary { LabeledSpan::new_primary_with_span(text, span) } else { LabeledSpan::new_with_span(text, span) }
}

/// The range that is drawn for a place: an empty one is a character wide, a very long one is cut.
pub fn drawn(source: &Source, span: Span) -> Span {
    let bytes = &*source.bytes;
    let start = not_after(bytes, span.start.min(bytes.len()));
    let (starts, first) = (source.line_starts(), source.line(start) - 1);
    let end_of = |line: usize| starts.get(line + 1).map_or(bytes.len(), |next| *next - 1);
    let mut end = span.end.min(end_of(first + MOST_LINES - 1)).max(start);
    if has_long_line(source, Span::new(start, end)) {
        end = end.min(end_of(first)).min(start + AROUND).max(start);
    }
    let end = not_before(bytes, end);
    if end > start {
        return Span::new(start, end);
    }
    let width =
        bytes[start..].utf8_chunks().next().map_or(1, |chunk| chunk.valid().chars().next().map_or(1, char::len_utf8));
    Span::new(start, start + width)
}

/// What is shown around a drawn place, and whether it is cut out of a long line.
fn around(source: &Source, span: Span) -> (Span, bool) {
    let (starts, size) = (source.line_starts(), source.bytes.len());
    let (first, last) = (source.line(span.start) - 1, source.line(span.end.max(span.start + 1) - 1) - 1);
    let end_of = |line: usize| starts.get(line + 1).copied().unwrap_or(size);
    let from = starts[first.saturating_sub(CONTEXT)];
    let to = end_of((last + CONTEXT).min(starts.len() - 1));
    let long = has_long_line(source, span);
    if !long {
        return (Span::new(from, to), false);
    }
    let line_end = end_of(first).max(span.start);
    let from = not_after(&source.bytes, span.start.saturating_sub(AROUND).max(starts[first]));
    let to = not_before(&source.bytes, (span.end + AROUND).min(line_end).max(span.start));
    (Span::new(from.min(span.start), to), true)
}

/// Whether a line that would be shown for a place is too long to be shown whole.
fn has_long_line(source: &Source, span: Span) -> bool {
    let starts = source.line_starts();
    let first = (source.line(span.start) - 1).saturating_sub(CONTEXT);
    let last = (source.line(span.end.max(span.start + 1) - 1) - 1 + CONTEXT).min(starts.len() - 1);
    (first..=last).any(|line| starts.get(line + 1).copied().unwrap_or(source.bytes.len()) - starts[line] > LONG)
}

/// The character of UTF-8 in the middle of which an offset lies, if it does.
fn character(bytes: &[u8], offset: usize) -> Option<Span> {
    let is_inside = |byte: &u8| (0x80..0xc0).contains(byte);
    bytes.get(offset).filter(|byte| is_inside(byte))?;
    let back = bytes[..offset].iter().rev().take(3).position(|byte| !is_inside(byte))? + 1;
    let start = offset - back;
    let first = bytes[start..bytes.len().min(start + 4)].utf8_chunks().next()?.valid().chars().next()?;
    (first.len_utf8() > back).then(|| Span::new(start, start + first.len_utf8()))
}

/// The offset, or the start of the character that it cuts.
fn not_after(bytes: &[u8], offset: usize) -> usize {
    character(bytes, offset).map_or(offset, |character| character.start)
}

/// The offset, or the end of the character that it cuts.
fn not_before(bytes: &[u8], offset: usize) -> usize {
    character(bytes, offset).map_or(offset, |character| character.end)
}

fn piece(source: &Source, span: Span, cut: bool, show: &Show) -> Piece {
    let mut bytes = span.of(&source.bytes).to_vec();
    if !show.secrets {
        hide_secrets(source, span, &mut bytes);
    }
    let mut text = display_copy(&bytes);
    // A place at the end of the file needs a character to be drawn under.
    if span.end == source.bytes.len() || cut {
        text.push(' ');
    }
    Piece { start: span.start, text, cut }
}

/// Puts asterisks over the secrets in the bytes of a range.
pub fn hide_secrets(source: &Source, span: Span, bytes: &mut [u8]) {
    let starts = source.line_starts();
    let first = source.line(span.start) - 1;
    for line in (first..starts.len()).take_while(|line| starts[*line] < span.end) {
        let start = starts[line];
        for secret in secret_spans(source.line_bytes(line + 1)) {
            let secret = secret.shifted(start);
            let (from, to) = (secret.start.max(span.start), secret.end.min(span.end));
            if from < to {
                bytes[from - span.start..to - span.start].fill(b'*');
            }
        }
    }
}

/// As many bytes: each that is not printable UTF-8 is a question mark, the carriage return of a line's end a blank.
pub fn display_copy(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        let mut chars = chunk.valid().chars().peekable();
        while let Some(char) = chars.next() {
            match char {
                '\r' if chars.peek() == Some(&'\n') => text.push(' '),
                '\t' => text.push(char),
                char if is_unprintable(char) => text.extend(std::iter::repeat_n('?', char.len_utf8())),
                char => text.push(char),
            }
        }
        text.extend(std::iter::repeat_n('?', chunk.invalid().len()));
    }
    text
}

impl SourceCode for Window<'_> {
    fn read_span<'s>(
        &'s self,
        span: &SourceSpan,
        before: usize,
        after: usize,
    ) -> Result<Box<dyn SpanContents<'s> + 's>, MietteError> {
        let (start, end) = (span.offset(), span.offset() + span.len());
        let holds = |piece: &&Piece| piece.start <= start && end <= piece.end();
        let piece = self.pieces.iter().find(holds).ok_or(MietteError::OutOfBounds)?;
        let lines_of = |text: &str| text.bytes().filter(|byte| *byte == b'\n').count();
        let inside = Span::new(start - piece.start, end - piece.start);
        // miette asks without context for the place of the heading alone, and with it for what it draws.
        let shown = match (before + after, piece.cut) {
            (0, _) => inside,
            (_, true) => Span::new(0, piece.text.len()),
            (_, false) => with_lines(&piece.text, inside, before, after),
        };
        let position = self.source.position(piece.start + shown.start);
        let text = &piece.text[shown.start..shown.end];
        Ok(Box::new(MietteSpanContents::new_named(
            self.name.clone(),
            text.as_bytes(),
            (piece.start + shown.start, text.len()).into(),
            position.line - 1,
            position.column - 1,
            lines_of(text.strip_suffix('\n').unwrap_or(text)) + 1,
        )))
    }
}

/// The range widened to whole lines, and so many more.
fn with_lines(text: &str, span: Span, before: usize, after: usize) -> Span {
    let bytes = text.as_bytes();
    let mut start = memchr::memrchr(b'\n', &bytes[..span.start]).map_or(0, |newline| newline + 1);
    for _ in 0..before {
        start = start
            .checked_sub(1)
            .map_or(0, |end| memchr::memrchr(b'\n', &bytes[..end]).map_or(0, |newline| newline + 1));
    }
    let next = |from: usize| memchr::memchr(b'\n', &bytes[from..]).map_or(bytes.len(), |length| from + length + 1);
    let mut end = next(span.end.max(span.start + 1) - 1);
    for _ in 0..after {
        end = next(end);
    }
    Span::new(start, end)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_display_copy_has_every_byte_in_place(bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
            let copy = display_copy(&bytes);
            prop_assert_eq!(copy.len(), bytes.len());
            prop_assert!(copy.chars().all(|char| char == '\t' || !is_unprintable(char)));
        }
    }
}
