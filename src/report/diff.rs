//! A fix as a small diff, and the change of a file as `diff -u` shows it.

use std::fmt::Write;
use std::ops::Range;
use std::path::Path;

use anstyle::{AnsiColor, Style};
use similar::{ChangeTag, TextDiff};

use super::mask_secrets;
use super::place::Show;
use super::window::display_copy;
use crate::edit;
use crate::finding::{Edit, Fix, Held};
use crate::source::{FileId, Place, Source, Sources, Span, display};

/// More changed lines than these are only counted.
const MOST_LINES: usize = 12;

/// Appends the title of a fix and the lines that it changes.
pub fn draw(out: &mut String, fix: &Fix, main: FileId, sources: &Sources, show: &Show, color: bool) {
    let paint = |style: Style| if color { style } else { Style::new() };
    let head = paint(AnsiColor::Cyan.on_default());
    let held = match fix.held {
        None => "",
        Some(Held::SomeVersions) => ", for some of these versions (--pg says which)",
        Some(Held::Elsewhere) => ", in a file outside of what is checked",
    };
    let _ = writeln!(out, "  {head}{} fix{held}:{head:#} {}", fix.safety.word(), show.line(&fix.title));
    let mut left = MOST_LINES;
    let mut hidden = 0;
    for (file, lines, edits) in groups(&fix.edits, sources) {
        let source = sources.get(file);
        if file != main {
            let _ = writeln!(out, "    {}", show.text(&show.path(&source.path)));
        }
        let (old, new) = before_and_after(source, &lines, edits);
        let shown = |bytes: &[u8]| {
            bytes.split_inclusive(|byte| *byte == b'\n').map(|line| shown_line(line, show)).collect::<String>()
        };
        let (old, new) = (shown(&old), shown(&new));
        let diff = TextDiff::from_lines(&old, &new);
        for change in diff.iter_all_changes() {
            let (sign, index, style) = match change.tag() {
                ChangeTag::Equal => continue,
                ChangeTag::Delete => ('-', change.old_index(), AnsiColor::Red.on_default()),
                ChangeTag::Insert => ('+', change.new_index(), AnsiColor::Green.on_default()),
            };
            if left == 0 {
                hidden += 1;
                continue;
            }
            left -= 1;
            let style = paint(style);
            let number = lines.start + 1 + index.unwrap_or_default();
            let _ = writeln!(out, "{number:>5} {style}{sign} {}{style:#}", change.value().trim_end_matches('\n'));
        }
    }
    if hidden > 0 {
        let _ = writeln!(out, "      … and {hidden} more lines");
    }
}

/// The change of a file as `diff -u` shows it, for eyes: secrets are masked, and what is not printable is escaped.
pub fn unified(path: &Path, old: &[u8], new: &[u8], show: &Show) -> String {
    let path = show.path(path);
    let lines = |bytes: &[u8]| {
        let line = |line: &[u8]| {
            let end = if line.ends_with(b"\n") { "\n" } else { "" };
            let text = display(line.strip_suffix(b"\n").unwrap_or(line));
            let text = if show.secrets { text } else { mask_secrets(&text).into_owned() };
            text.replace("\\t", "\t") + end
        };
        bytes.split_inclusive(|byte| *byte == b'\n').map(line).collect::<String>()
    };
    let (old, new) = (lines(old), lines(new));
    TextDiff::from_lines(&old, &new).unified_diff().header(&format!("a/{path}"), &format!("b/{path}")).to_string()
}

/// The edits by file and by the 0-based lines that they touch, neighbours together.
fn groups<'a>(edits: &'a [Edit], sources: &Sources) -> Vec<(FileId, Range<usize>, &'a [Edit])> {
    let mut groups: Vec<(FileId, Range<usize>, Range<usize>)> = Vec::new();
    for (index, edit) in edits.iter().enumerate() {
        let source = sources.get(edit.place.file);
        let span = edit.place.span;
        let lines = source.line(span.start) - 1..source.line(span.end);
        match groups.last_mut() {
            Some((file, known, members)) if *file == edit.place.file && lines.start <= known.end => {
                known.end = known.end.max(lines.end);
                members.end = index + 1;
            }
            _ => groups.push((edit.place.file, lines, index..index + 1)),
        }
    }
    groups.into_iter().map(|(file, lines, members)| (file, lines, &edits[members])).collect()
}

fn before_and_after(source: &Source, lines: &Range<usize>, edits: &[Edit]) -> (Vec<u8>, Vec<u8>) {
    let starts = source.line_starts();
    let start = starts[lines.start];
    let end = starts.get(lines.end).copied().unwrap_or(source.bytes.len());
    let old = &source.bytes[start..end];
    let moved: Vec<Edit> = edits
        .iter()
        .map(|edit| {
            let span = Span::new(edit.place.span.start - start, edit.place.span.end - start);
            Edit { place: Place { file: edit.place.file, span }, text: edit.text.clone() }
        })
        .collect();
    (old.to_vec(), edit::apply(old, &moved))
}

/// A line with its line feed, as it may be shown.
fn shown_line(line: &[u8], show: &Show) -> String {
    const WIDEST: usize = 200;
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let copy = display_copy(line);
    let mut text = if show.secrets { copy } else { super::mask_secrets(&copy).into_owned() };
    if let Some((at, _)) = text.char_indices().nth(WIDEST) {
        text.truncate(at);
        text.push('…');
    }
    text.push('\n');
    text
}
