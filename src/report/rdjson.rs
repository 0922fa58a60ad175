//! reviewdog's diagnostic format, in which columns count bytes.

use serde::Serialize;

use super::diagnostic::{Diagnostic, Related};

/// The whole document.
#[derive(Serialize)]
pub struct Document<'a> {
    source: Source,
    diagnostics: Vec<Finding<'a>>,
}

#[derive(Serialize)]
struct Source {
    name: &'static str,
}

#[derive(Serialize)]
struct Finding<'a> {
    message: String,
    location: Location<'a>,
    severity: String,
    code: Code<'a>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    suggestions: Vec<Suggestion<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    related_locations: Vec<Elsewhere<'a>>,
}

#[derive(Serialize)]
struct Location<'a> {
    path: &'a str,
    range: Range,
}

#[derive(Serialize)]
struct Range {
    start: Position,
    end: Position,
}

#[derive(Serialize)]
struct Position {
    line: usize,
    column: usize,
}

#[derive(Serialize)]
struct Code<'a> {
    value: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<&'a str>,
}

#[derive(Serialize)]
struct Suggestion<'a> {
    range: Range,
    text: &'a str,
}

#[derive(Serialize)]
struct Elsewhere<'a> {
    message: &'a str,
    location: Location<'a>,
}

/// All findings.
pub fn document(diagnostics: &[Diagnostic]) -> Document<'_> {
    Document { source: Source { name: env!("CARGO_PKG_NAME") }, diagnostics: diagnostics.iter().map(finding).collect() }
}

fn finding(diagnostic: &Diagnostic) -> Finding<'_> {
    let message: Vec<String> = [diagnostic.sentence()].into_iter().chain(diagnostic.advice()).collect();
    let start = (diagnostic.line, diagnostic.byte_column);
    Finding {
        message: message.join("\n"),
        location: Location {
            path: &diagnostic.file,
            range: range(start, (diagnostic.end_line, diagnostic.byte_end_column)),
        },
        severity: diagnostic.level.to_uppercase(),
        code: Code { value: &diagnostic.rule_id, url: diagnostic.url.as_deref() },
        suggestions: suggestion(diagnostic).into_iter().collect(),
        related_locations: diagnostic.related.iter().map(elsewhere).collect(),
    }
}

/// Each suggestion is taken or left by itself, so a fix of several edits is none.
fn suggestion(diagnostic: &Diagnostic) -> Option<Suggestion<'_>> {
    let [edit] = diagnostic.fix.as_ref()?.edits.as_slice() else { return None };
    let range = range((edit.line, edit.byte_column), (edit.end_line, edit.byte_end_column));
    (edit.file == diagnostic.file).then_some(Suggestion { range, text: &edit.new_text })
}

fn elsewhere(related: &Related) -> Elsewhere<'_> {
    let range = range((related.line, related.byte_column), (related.end_line, related.byte_end_column));
    Elsewhere { message: &related.message, location: Location { path: &related.file, range } }
}

fn range(start: (usize, usize), end: (usize, usize)) -> Range {
    let position = |(line, column)| Position { line, column };
    Range { start: position(start), end: position(end) }
}
