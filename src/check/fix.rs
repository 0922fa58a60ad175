//! The fix verbs of rule pages.

use crate::check::spot::{Spot, View};
use crate::finding::{Edit, Fix, Safety};
use crate::model::tree::Entry;
use crate::rule::page::Verb;
use crate::source::{Place, Sources, Span};
use crate::syntax::conf::{self, TokenKind};
use crate::value::number;

/// What mends a spot, where the verb can be applied to it.
pub fn of(view: &View, verb: &Verb, safe: bool, spot: &Spot) -> Option<Fix> {
    let entry = spot.line.map(|line| view.settings.judged[line].entry);
    let (title, edits) = match verb {
        Verb::Native if spot.edits.is_empty() => return None,
        Verb::Native => (native_title(spot), spot.edits.clone()),
        Verb::Rename(name, convert) => rename(view, &entry?, name, convert.as_deref())?,
        Verb::CommentOut(reason) => {
            ("put the line behind a `#`".to_string(), comment_out(view.sources, &entry?, reason))
        }
        Verb::Value(value) => (format!("write `{value}`"), vec![new_value(view, &entry?, value.as_bytes())]),
        Verb::Set(set) => set_edits(view, set)?,
        Verb::Remove => ("remove the line".to_string(), vec![remove(view, &entry?)]),
    };
    let mut edits = edits;
    edits.sort();
    Some(Fix { safety: if safe { Safety::Safe } else { Safety::Unsafe }, title, edits, held: None })
}

fn native_title(spot: &Spot) -> String {
    match spot.edits.as_slice() {
        [edit] if edit.text == b" " => "write a blank".to_string(),
        [edit] if !edit.text.is_empty() && edit.text.len() < 60 => {
            format!("write `{}`", crate::source::display(edit.text.trim_ascii()))
        }
        [edit] if edit.text.is_empty() => "remove it".to_string(),
        _ => "rewrite the line".to_string(),
    }
}

/// The whole line of an entry, its line feed left out.
pub fn whole_line(sources: &Sources, entry: &Entry) -> Span {
    let source = sources.get(entry.file);
    let start = source.line_starts()[entry.line as usize - 1];
    Span::new(start, start + source.line_bytes(entry.line as usize).len())
}

/// Edits that turn the line into a comment with a reason at its end.
pub fn comment_out(sources: &Sources, entry: &Entry, reason: &str) -> Vec<Edit> {
    let line = whole_line(sources, entry);
    let bytes = line.of(&sources.get(entry.file).bytes);
    let end = line.start + bytes.trim_ascii_end().len();
    let at = |offset: usize| Place { file: entry.file, span: Span::new(offset, offset) };
    vec![
        Edit { place: at(entry.setting.name.start), text: b"# ".to_vec() },
        Edit { place: at(end), text: format!("  # {reason}").into_bytes() },
    ]
}

/// Takes the line out, its line feed included.
pub fn remove(view: &View, entry: &Entry) -> Edit {
    let line = whole_line(view.sources, entry);
    let length = view.sources.get(entry.file).bytes.len();
    Edit {
        place: Place { file: entry.file, span: Span::new(line.start, (line.end + 1).min(length)) },
        text: Vec::new(),
    }
}

/// Another value, in quotes where the old one had them or where it needs them.
pub fn new_value(view: &View, entry: &Entry, value: &[u8]) -> Edit {
    let quoted = entry.setting.value.kind == TokenKind::Quoted || needs_quotes(value);
    let _ = view;
    Edit { place: entry.value(), text: if quoted { conf::quote(value) } else { value.to_vec() } }
}

/// Whether the server reads the bytes as one unquoted value.
pub fn needs_quotes(value: &[u8]) -> bool {
    let line = [b"a = ".as_slice(), value].concat();
    match conf::lines(&line).next().map(|line| line.content) {
        Some(conf::Content::Setting(setting)) => setting.value.span != Span::new(4, line.len()),
        _ => true,
    }
}

fn rename(view: &View, entry: &Entry, name: &str, convert: Option<&str>) -> Option<(String, Vec<Edit>)> {
    let mut edits = vec![Edit { place: entry.name(), text: name.as_bytes().to_vec() }];
    let Some(convert) = convert else {
        return Some((format!("rename it to `{name}`"), edits));
    };
    let bytes = &view.sources.get(entry.file).bytes;
    let value = conf::value(entry.setting.value, bytes);
    let segment = view.settings.initdb.wal_segment_size.and_then(|size| i64::try_from(size >> 20).ok());
    let converted = converted(convert, &value, segment.unwrap_or(SEGMENT_MB))?;
    let title = format!("write `{name} = {converted}`");
    edits.push(new_value(view, entry, converted.as_bytes()));
    Some((title, edits))
}

/// Megabytes in a WAL segment, where nothing says otherwise.
const SEGMENT_MB: i64 = 16;

/// A value in the terms of the parameter that took over, with WAL segments of so many megabytes.
fn converted(convert: &str, value: &[u8], segment: i64) -> Option<String> {
    let text = std::str::from_utf8(value).ok()?.trim();
    let megabytes = |count: i64| match count {
        0 => "0".to_string(),
        count => format!("{count}MB"),
    };
    match convert {
        "segments-to-size" => {
            let (segments, true, []) = number::strtol(text.as_bytes())? else { return None };
            Some(megabytes(segments * segment))
        }
        // About what the old server kept between checkpoints.
        "checkpoint-segments-to-size" => {
            let (segments, true, []) = number::strtol(text.as_bytes())? else { return None };
            Some(megabytes(segments * 3 * segment))
        }
        "size-to-segments" | "size-to-checkpoint-segments" => {
            let size = number::integer(text.as_bytes(), Some(number::Unit::Mb), crate::version::Major::V18).ok()?;
            let unit = if convert == "size-to-segments" { segment } else { 3 * segment };
            Some((size.max(0) as u64).div_ceil(unit as u64).to_string())
        }
        _ => None,
    }
}

fn set_edits(view: &View, set: &str) -> Option<(String, Vec<Edit>)> {
    let (name, value) = set.split_once('=')?;
    let (name, value) = (name.trim(), value.trim());
    let winner = view.settings.catalog.find(name.as_bytes()).and_then(|id| view.settings.winner(id));
    let edit = match winner {
        Some((_, judged)) => new_value(view, &judged.entry, value.as_bytes()),
        None => {
            let file = view.tree.visits.first()?.file?;
            let bytes = &view.sources.get(file).bytes;
            let newline = if bytes.is_empty() || bytes.ends_with(b"\n") { "" } else { "\n" };
            let end = Span::new(bytes.len(), bytes.len());
            Edit { place: Place { file, span: end }, text: format!("{newline}{name} = {value}\n").into_bytes() }
        }
    };
    Some((format!("write `{name} = {value}`"), vec![edit]))
}
