//! Lines that the server's grammar refuses: which everyday mistake it is.

mod line;

use std::collections::HashMap;

use crate::check::spot::{Spot, View};
use crate::finding::{Edit, Label};
use crate::model::transcript;
use crate::model::tree::{Fault, FaultKind};
use crate::source::{FileId, Place, Source, Span, display};
use crate::syntax::conf::{self, Broken};

use line::{Kind, Line};

/// Finds the fault of every refused line, and bytes that spoil a file as a whole.
pub fn check(view: &View, spots: &mut Vec<Spot>) {
    let mut spoilt: HashMap<FileId, bool> = HashMap::new();
    let mut together: HashMap<(FileId, &'static str), usize> = HashMap::new();
    for visit in &view.tree.visits {
        let Some(file) = visit.file else { continue };
        spoilt.entry(file).or_insert_with(|| whole_file(view.sources.get(file), file, spots));
    }
    let mut seen = HashMap::new();
    for fault in view.tree.faults() {
        let (FaultKind::Syntax(broken), Some(place)) = (&fault.kind, fault.place) else { continue };
        // A file that is included twice has its faults once.
        let first = *seen.entry((place.file, place.span.start)).or_insert(fault.visit);
        if spoilt.get(&place.file) == Some(&true) || first != fault.visit {
            continue;
        }
        let spot = refused(view, fault, *broken, place);
        let grouped = matches!(spot.rule.as_ref(), "merge-conflict" | "hba-line-in-conf");
        let key = (place.file, if spot.rule == "merge-conflict" { "merge-conflict" } else { "hba-line-in-conf" });
        match together.get(&key).filter(|_| grouped) {
            Some(index) => spots[*index].related.push(Label { place: spot.place, message: "and here".to_string() }),
            None => {
                if grouped {
                    together.insert(key, spots.len());
                }
                spots.push(spot);
            }
        }
    }
}

/// Looks at what no single line shows; whether the lines are not worth a look any more.
pub(super) fn whole_file(source: &Source, file: FileId, spots: &mut Vec<Spot>) -> bool {
    let bytes = &source.bytes;
    let place = |start, end| Place { file, span: Span::new(start, end) };
    let head = &bytes[..bytes.len().min(8192)];
    // A comment may hold any byte, so a stray NUL or two is none of our business.
    let zeros = memchr::memchr_iter(0, head).count();
    if head.starts_with(b"\xff\xfe") || head.starts_with(b"\xfe\xff") || zeros * 8 > head.len() || looks_packed(head) {
        spots.push(Spot::new("not-text", place(0, bytes.len().min(2))).label("these bytes are no text"));
        return true;
    }
    if bytes.starts_with(b"\xef\xbb\xbf") {
        let spot = Spot::new("byte-order-mark", place(0, 3)).label("three bytes that are not seen in an editor");
        spots.push(spot.edit(place(0, 3), ""));
    }
    let lone = lone_returns(bytes);
    if lone.is_empty() {
        return false;
    }
    returns(source, file, &lone, spots)
}

fn looks_packed(head: &[u8]) -> bool {
    [b"\x1f\x8b".as_slice(), b"PK\x03\x04", b"\x28\xb5\x2f\xfd", b"\x7fELF", b"BZh"]
        .iter()
        .any(|magic| head.starts_with(magic))
}

/// Carriage returns that are followed by something other than a line feed.
fn lone_returns(bytes: &[u8]) -> Vec<usize> {
    let lone = |at: &usize| bytes.get(at + 1).is_some_and(|next| *next != b'\n' && *next != b'\r');
    memchr::memchr_iter(b'\r', bytes).filter(lone).take(100_000).collect()
}

/// Old Mac line ends: settings joined by them, or hidden behind a comment.
fn returns(source: &Source, file: FileId, lone: &[usize], spots: &mut Vec<Spot>) -> bool {
    let bytes = &source.bytes;
    let (mut joined, mut hidden): (Vec<usize>, Vec<usize>) = (Vec::new(), Vec::new());
    for at in lone {
        let line = source.line(*at);
        let text = source.line_bytes(line);
        let within = at - source.line_starts()[line - 1];
        let after = text[within + 1..].split(|byte| *byte == b'\r').next().unwrap_or_default();
        let is_setting = matches!(conf::lines(after).next().map(|line| line.content), Some(conf::Content::Setting(_)));
        let in_comment = conf::comment(text).is_some_and(|comment| comment.start < within);
        if in_comment && is_setting && after.contains(&b'=') {
            hidden.push(*at);
        } else if !in_comment && !after.trim_ascii().is_empty() && is_broken(text) {
            joined.push(*at);
        }
    }
    for (rule, returns) in [("carriage-return-only", &joined), ("carriage-return-hides-settings", &hidden)] {
        let Some(first) = returns.first() else { continue };
        let place = |at: usize| Place { file, span: Span::new(at, at + 1) };
        let mut spot = Spot::new(rule, place(*first)).label("a carriage return without a line feed");
        spot.edits = returns.iter().map(|at| Edit { place: place(*at), text: b"\n".to_vec() }).collect();
        if bytes.ends_with(b"\r") {
            spot = spot.edit(place(bytes.len() - 1), "\n");
        }
        spots.push(spot);
    }
    // The joined lines are explained; the rest of the file is looked at as ever.
    !joined.is_empty() && joined.len() * 2 > source.line_starts().len()
}

fn is_broken(line: &[u8]) -> bool {
    matches!(conf::lines(line).next().map(|line| line.content), Some(conf::Content::Broken(_)))
}

/// The spot for a refused line.
pub(super) fn refused(view: &View, fault: &Fault, broken: Broken, place: Place) -> Spot {
    let source = view.sources.get(place.file);
    let number = source.line(broken.text.start);
    let start = source.line_starts()[number - 1];
    let line = Line::new(source.line_bytes(number), start, number, broken);
    let kind = line::kind(&line, view.settings.catalog);
    let at = |span: Span| Place { file: place.file, span: span.shifted(start) };
    let token = kind.token.map_or_else(
        || broken.near.map_or("end of line".to_string(), |near| display(near.of(&source.bytes))),
        |token| display(token.of(line.bytes)),
    );
    let text = broken.text;
    let pointed = match (broken.near, kind.token) {
        (_, Some(token)) => at(token),
        (Some(near), None) => Place { file: place.file, span: near },
        (None, None) => Place { file: place.file, span: text },
    };
    let mut spot = Spot::new(kind.rule, pointed)
        .label(kind.label)
        .word("name", line.name())
        .word("value", line.value_text())
        .word("token", token)
        .word("pg", view.version_word())
        .server(transcript::fault_text(view.tree, fault, view.sources));
    if let Some(suggestion) = &kind.suggestion {
        spot = spot.word("suggestion", suggestion.clone());
    }
    if let Some(id) = view.settings.catalog.find(line.name().as_bytes()) {
        spot = spot.subject(view.settings.catalog.get(id).name);
    }
    for (span, text) in kind.edits {
        spot = spot.edit(at(span), text);
    }
    spot
}

/// A no-break space looks like a blank and is a letter: where it stands in a refused line it is the cause.
pub fn blanks(view: &View, spots: &mut Vec<Spot>) {
    const SPACE: &[u8] = b"\xc2\xa0";
    let mut lines: HashMap<(FileId, usize), Option<Spot>> = HashMap::new();
    let finder = memchr::memmem::Finder::new(SPACE);
    let holders: Vec<FileId> =
        view.sources.iter().filter(|(_, source)| finder.find(&source.bytes).is_some()).map(|(file, _)| file).collect();
    if holders.is_empty() {
        return;
    }
    spots.retain(|spot| {
        let refuses = view.rules.pages().any(|page| page.id == spot.rule && page.server == "refuses");
        if !refuses || !holders.contains(&spot.place.file) {
            return true;
        }
        let source = view.sources.get(spot.place.file);
        let number = source.line(spot.place.span.start);
        let cause = lines.entry((spot.place.file, number)).or_insert_with(|| space(source, spot, number));
        cause.is_none()
    });
    spots.extend(lines.into_values().flatten());
}

/// The no-break spaces of a line, those in quotes and comments left out.
fn space(source: &Source, spot: &Spot, number: usize) -> Option<Spot> {
    let start = source.line_starts()[number - 1];
    let line = source.line_bytes(number);
    let within = conf::tokens(line).into_iter().filter(|token| token.kind != conf::TokenKind::Quoted);
    let found: Vec<Span> = within
        .flat_map(|token| {
            let found: Vec<usize> = memchr::memmem::find_iter(token.span.of(line), b"\xc2\xa0").collect();
            found.into_iter().map(move |at| Span::new(token.span.start + at, token.span.start + at + 2))
        })
        .collect();
    let place = |span: Span| Place { file: spot.place.file, span: span.shifted(start) };
    let mut cause = Spot::new("no-break-space", place(*found.first()?)).label("U+00A0, a letter to the server");
    cause.server = spot.server.clone();
    cause.subject = spot.subject.clone();
    cause.edits = found.into_iter().map(|span| Edit { place: place(span), text: b" ".to_vec() }).collect();
    Some(cause)
}

/// What a line is called and how it is mended: used by [`line::kind`].
pub(super) fn found(rule: &'static str, label: &str) -> Kind {
    Kind { rule, label: label.to_string(), token: None, suggestion: None, edits: Vec::new() }
}
