//! JSON, schema version 1: fields may be added, none is renamed or removed.
//!
//! The schema is generated from these structs and kept in `docs/schema/`; it is published as
//! `schema/diagnostics-v1.schema.json`.

use serde::Serialize;
use sha2::{Digest, Sha256};

use super::forecast::NodeForecast;
use super::place::{Positions, Show, is_unprintable};
use super::{Report, Summary, Trouble};
use crate::finding::{Edit, Finding, Fix};
use crate::source::Sources;

/// The whole document.
#[derive(Serialize, Debug)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Document<'a> {
    /// Always 1.
    pub schema_version: u32,
    /// Who wrote this.
    pub tool: Tool,
    /// Counts.
    pub summary: Counts,
    /// Sorted by file, offset and rule.
    pub diagnostics: &'a [Diagnostic],
    /// What comes of nodes that follow each other, and of those that they follow.
    #[serde(skip_serializing_if = "<[NodeForecast]>::is_empty")]
    #[cfg_attr(test, schemars(default))]
    pub nodes: &'a [NodeForecast],
    /// What could not be done.
    pub errors: &'a [Problem],
}

/// The program that wrote a document.
#[derive(Serialize, Debug)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Tool {
    /// Always `pgconflint`.
    pub name: &'static str,
    /// Its version.
    pub version: &'static str,
}

/// Counts over all files.
#[derive(Serialize, Debug)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Counts {
    /// Files that were checked.
    pub files: usize,
    /// Diagnostics of level error.
    pub error: usize,
    /// Diagnostics of level warning.
    pub warning: usize,
    /// Diagnostics of level info.
    pub info: usize,
    /// Diagnostics with a fix, safe or not.
    pub fixable: usize,
    /// Findings that comments suppressed.
    pub suppressed: usize,
    /// Findings that the baseline holds.
    pub baselined: usize,
}

/// One finding.
#[derive(Serialize, Clone, Debug)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Diagnostic {
    /// The rule.
    pub rule_id: String,
    /// `error`, `warning` or `info`.
    pub level: &'static str,
    /// The fault.
    pub message: String,
    /// What to do.
    pub help: Option<String>,
    /// What the server says.
    pub server: Option<String>,
    /// The page of PostgreSQL's manual.
    pub url: Option<String>,
    /// Relative to the working directory, with `/`.
    pub file: String,
    /// `conf`, `hba`, `ident` or `recovery`.
    pub file_kind: &'static str,
    /// The node that the file belongs to.
    pub node: Option<String>,
    /// The setting, or what else it is about.
    pub subject: Option<String>,
    /// 1-based.
    pub line: usize,
    /// 1-based, in code points; a byte that is not UTF-8 counts one.
    pub column: usize,
    /// 1-based.
    pub end_line: usize,
    /// 1-based, exclusive.
    pub end_column: usize,
    /// 1-based, in UTF-16 units.
    pub utf16_column: usize,
    /// 1-based, exclusive, in UTF-16 units.
    pub utf16_end_column: usize,
    /// 0-based, in bytes.
    pub byte_offset: usize,
    /// 0-based, exclusive, in bytes.
    pub end_byte_offset: usize,
    /// The majors for which it holds.
    pub pg: Vec<String>,
    /// The same for the same finding wherever its line moves.
    pub fingerprint: String,
    /// Further places.
    pub related: Vec<Related>,
    /// What mends it; null too if a text would be needed that JSON cannot hold, or that must not be shown.
    pub fix: Option<JsonFix>,
}

/// A further place of a finding.
#[derive(Serialize, Clone, Debug)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Related {
    /// As in the diagnostic.
    pub file: String,
    /// 1-based.
    pub line: usize,
    /// 1-based, in code points.
    pub column: usize,
    /// 1-based.
    pub end_line: usize,
    /// 1-based, exclusive.
    pub end_column: usize,
    /// What is there.
    pub message: String,
}

/// Edits that mend a fault together.
#[derive(Serialize, Clone, Debug)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct JsonFix {
    /// `safe` or `unsafe`.
    pub safety: &'static str,
    /// What it does.
    pub title: String,
    /// Disjoint.
    pub edits: Vec<JsonEdit>,
}

/// New text for a range of bytes.
#[derive(Serialize, Clone, Debug)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct JsonEdit {
    /// As in the diagnostic.
    pub file: String,
    /// 0-based, in bytes.
    pub byte_offset: usize,
    /// 0-based, exclusive, in bytes.
    pub end_byte_offset: usize,
    /// What stands there afterwards.
    pub new_text: String,
}

/// What could not be done.
#[derive(Serialize, Clone, Debug)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Problem {
    /// The file, if it is about one.
    pub file: Option<String>,
    /// What went wrong.
    pub message: String,
}

/// JSON in which nothing acts on a terminal: serde leaves DEL, C1 controls and what changes a text's direction as they are.
///
/// # Errors
/// None that these structs can cause.
pub fn to_text(value: &impl Serialize, pretty: bool) -> serde_json::Result<String> {
    let text = if pretty { serde_json::to_string_pretty(value)? } else { serde_json::to_string(value)? };
    if !text.chars().any(is_unprintable) {
        return Ok(text);
    }
    let mut escaped = String::with_capacity(text.len() + 64);
    for char in text.chars() {
        // Outside of strings there are none of these, so this is always within one.
        match is_unprintable(char) {
            true => escaped.push_str(&format!("\\u{:04x}", u32::from(char))),
            false => escaped.push(char),
        }
    }
    Ok(escaped)
}

/// The document of a run.
pub fn document<'a>(
    summary: &Summary,
    diagnostics: &'a [Diagnostic],
    nodes: &'a [NodeForecast],
    errors: &'a [Problem],
) -> Document<'a> {
    Document {
        schema_version: 1,
        tool: Tool { name: env!("CARGO_PKG_NAME"), version: env!("CARGO_PKG_VERSION") },
        summary: Counts {
            files: summary.files,
            error: summary.errors,
            warning: summary.warnings,
            info: summary.infos,
            fixable: summary.fixable,
            suppressed: summary.suppressed,
            baselined: summary.baselined,
        },
        diagnostics,
        nodes,
        errors,
    }
}

/// What could not be done, for JSON.
pub fn problem(trouble: &Trouble, show: &Show) -> Problem {
    Problem {
        file: trouble.path.as_deref().map(|path| show.path(path)),
        message: show.text(&trouble.message).into_owned(),
    }
}

/// The findings of a report, in its order.
pub fn diagnostics(report: &Report, show: &Show) -> Vec<Diagnostic> {
    let mut counts = std::collections::HashMap::new();
    let mut positions: Option<(_, Positions<'_>)> = None;
    let mut all = Vec::with_capacity(report.findings.len());
    for finding in &report.findings {
        let source = report.sources.get(finding.place.file);
        let (_, here) = match &mut positions {
            Some((file, here)) if *file == finding.place.file => (*file, here),
            other => {
                let (file, here) = other.insert((finding.place.file, Positions::new(source)));
                (*file, here)
            }
        };
        let file = show.path(&source.path);
        let mut sum = Sha256::new();
        for part in [file.as_str(), &finding.rule, finding.subject.as_deref().unwrap_or_default()] {
            sum.update(part.as_bytes());
            sum.update([0]);
        }
        let base: [u8; 32] = sum.clone().finalize().into();
        let occurrence: &mut u64 = counts.entry(base).or_default();
        sum.update(occurrence.to_le_bytes());
        *occurrence += 1;
        let sum: [u8; 32] = sum.finalize().into();
        let fingerprint = sum[..16].iter().fold("v1:".to_owned(), |text, byte| format!("{text}{byte:02x}"));
        all.push(diagnostic(finding, report, show, here, file, fingerprint));
    }
    all
}

fn diagnostic(
    finding: &Finding,
    report: &Report,
    show: &Show,
    positions: &mut Positions<'_>,
    file: String,
    fingerprint: String,
) -> Diagnostic {
    let span = finding.place.span;
    let (start, end) = (positions.at(span.start), positions.at(span.end));
    let text = |text: &String| show.text(text).into_owned();
    Diagnostic {
        rule_id: finding.rule.clone().into_owned(),
        level: finding.severity.word(),
        message: text(&finding.message),
        help: finding.help.as_ref().map(text),
        server: finding.server.as_ref().map(text),
        url: super::url(finding),
        file,
        file_kind: report.sources.get(finding.place.file).kind.word(),
        node: report.nodes.get(&finding.place.file).map(text),
        subject: finding.subject.as_ref().map(text),
        line: start.line,
        column: start.column,
        end_line: end.line,
        end_column: end.column,
        utf16_column: start.utf16_column,
        utf16_end_column: end.utf16_column,
        byte_offset: span.start,
        end_byte_offset: span.end,
        pg: finding.pg.iter().map(ToString::to_string).collect(),
        fingerprint,
        related: finding.related.iter().map(|label| related(label, &report.sources, show)).collect(),
        fix: finding.fix.as_ref().and_then(|fix| json_fix(fix, &report.sources, show)),
    }
}

fn related(label: &crate::finding::Label, sources: &Sources, show: &Show) -> Related {
    let source = sources.get(label.place.file);
    let (start, end) = (source.position(label.place.span.start), source.position(label.place.span.end));
    Related {
        file: show.path(&source.path),
        line: start.line,
        column: start.column,
        end_line: end.line,
        end_column: end.column,
        message: show.text(&label.message).into_owned(),
    }
}

/// None if an edit cannot be said whole: whoever applied the rest would do harm.
fn json_fix(fix: &Fix, sources: &Sources, show: &Show) -> Option<JsonFix> {
    let edits = fix.edits.iter().map(|edit| json_edit(edit, sources, show)).collect::<Option<_>>()?;
    Some(JsonFix { safety: fix.safety.word(), title: show.text(&fix.title).into_owned(), edits })
}

fn json_edit(edit: &Edit, sources: &Sources, show: &Show) -> Option<JsonEdit> {
    let place = edit.place;
    let secrets = if show.secrets { Vec::new() } else { super::secrets::secret_spans(&edit.text) };
    let exact = |start: usize, end: usize| {
        let leaks = secrets.iter().any(|secret| secret.start < end && start < secret.end);
        if leaks { None } else { std::str::from_utf8(&edit.text[start..end]).ok().map(str::to_owned) }
    };
    let (start, end, new_text) = match exact(0, edit.text.len()) {
        Some(text) => (place.span.start, place.span.end, text),
        // What stays as it is need not be said: often that is the password, or the comment in another encoding.
        None => {
            let (head, tail) = common(sources.text(place), &edit.text);
            let text = exact(head, edit.text.len() - tail)?;
            (place.span.start + head, place.span.end - tail, text)
        }
    };
    Some(JsonEdit {
        file: show.path(&sources.get(place.file).path),
        byte_offset: start,
        end_byte_offset: end,
        new_text,
    })
}

/// How many bytes two texts share at the start, and then at the end.
fn common(old: &[u8], new: &[u8]) -> (usize, usize) {
    let head = old.iter().zip(new).take_while(|(old, new)| old == new).count();
    let tail = old[head..].iter().rev().zip(new[head..].iter().rev()).take_while(|(old, new)| old == new).count();
    (head, tail)
}
