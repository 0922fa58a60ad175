//! Findings as formats for programs show them: positions counted, secrets masked, nothing that acts on a terminal.
//!
//! JSON prints these structs as they are; its schema is generated from them.

use serde::Serialize;
use sha2::{Digest, Sha256};

use super::place::{Positions, Show, escape};
use super::secrets::{mask_secrets, secret_spans};
use super::window::hide_secrets;
use super::{Report, Trouble};
use crate::finding::{Edit, Finding, Fix, Severity};
use crate::source::{Source, Sources, display};

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
    pub fix: Option<ShownFix>,
    /// For which of several versions it holds, as a message says it: ` (from 13)`.
    #[serde(skip)]
    pub versions: String,
    /// 1-based, in bytes.
    #[serde(skip)]
    pub byte_column: usize,
    /// 1-based, exclusive, in bytes.
    #[serde(skip)]
    pub byte_end_column: usize,
    /// What code scanning knows the line by, where it is asked for.
    #[serde(skip)]
    pub line_hash: Option<String>,
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
    /// 1-based, in bytes.
    #[serde(skip)]
    pub byte_column: usize,
    /// 1-based, exclusive, in bytes.
    #[serde(skip)]
    pub byte_end_column: usize,
}

/// Edits that mend a fault together.
#[derive(Serialize, Clone, Debug)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ShownFix {
    /// `safe` or `unsafe`.
    pub safety: &'static str,
    /// What it does.
    pub title: String,
    /// Disjoint.
    pub edits: Vec<ShownEdit>,
}

/// New text for a range of bytes.
#[derive(Serialize, Clone, Debug)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct ShownEdit {
    /// As in the diagnostic.
    pub file: String,
    /// 0-based, in bytes.
    pub byte_offset: usize,
    /// 0-based, exclusive, in bytes.
    pub end_byte_offset: usize,
    /// 1-based.
    pub line: usize,
    /// 1-based, in code points.
    pub column: usize,
    /// 1-based.
    pub end_line: usize,
    /// 1-based, exclusive.
    pub end_column: usize,
    /// What stands there afterwards.
    pub new_text: String,
    /// 1-based, in bytes.
    #[serde(skip)]
    pub byte_column: usize,
    /// 1-based, exclusive, in bytes.
    #[serde(skip)]
    pub byte_end_column: usize,
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

/// What could not be done, as it is shown.
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
        for part in [file.as_str(), &finding.rule, &subject(finding, source)] {
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

/// What a finding is about, whatever line it is on: its setting, else what is written there, blanks put together.
///
/// It goes into fingerprints and baselines, so secrets are masked always: a hash of one can be guessed.
pub fn subject(finding: &Finding, source: &Source) -> String {
    const LONGEST: usize = 4096;
    if let Some(subject) = &finding.subject {
        return mask_secrets(&display(subject.as_bytes())).into_owned();
    }
    let span = finding.place.span;
    let lines = source.line(span.start)..=source.line(span.end);
    // To find the secrets in them whole lines are read: for each finding, so not when they are very long.
    if span.end - span.start > LONGEST || lines.clone().any(|line| source.line_bytes(line).len() > LONGEST) {
        return String::new();
    }
    let mut text = span.of(&source.bytes).to_vec();
    hide_secrets(source, span, &mut text);
    let words: Vec<&[u8]> = text.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty()).collect();
    display(&words.join(&b' '))
}

impl Diagnostic {
    /// Whether it is at least so severe.
    pub fn is_at_least(&self, severity: Severity) -> bool {
        Severity::from_word(self.level).is_some_and(|level| level >= severity)
    }

    /// The file on one line, for eyes.
    pub fn shown_file(&self) -> String {
        escape(&self.file).replace('\n', " ")
    }

    /// The message on one line, with the versions that it holds for.
    pub fn sentence(&self) -> String {
        format!("{}{}", self.message.replace('\n', " "), self.versions)
    }

    /// The message and what to do on one line, for readers that put line feeds together as HTML does.
    pub fn sentence_with_help(&self) -> String {
        let help = self.help.as_ref().map(|help| format!("; help: {}", help.replace('\n', " ")));
        format!("{}{}", self.sentence(), help.unwrap_or_default())
    }

    /// What to do and what the server says, each on a line.
    pub fn advice(&self) -> Vec<String> {
        let server = self.server.as_ref().map(|server| format!("The server says: {server}"));
        self.help.iter().cloned().chain(server).map(|text| text.replace('\n', " ")).collect()
    }
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
        url: url(finding),
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
        fix: finding.fix.as_ref().and_then(|fix| shown_fix(fix, &report.sources, show)),
        versions: report.versions(finding),
        byte_column: start.byte_column,
        byte_end_column: end.byte_column,
        line_hash: None,
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
        byte_column: start.byte_column,
        byte_end_column: end.byte_column,
    }
}

/// The page of PostgreSQL's manual for the newest version for which a finding holds.
pub fn url(finding: &Finding) -> Option<String> {
    let docs = finding.docs.as_ref()?;
    let version = finding.pg.last().filter(|major| !major.is_preview());
    let version = version.map_or_else(|| "devel".to_owned(), ToString::to_string);
    Some(format!("https://www.postgresql.org/docs/{version}/{docs}"))
}

/// None if an edit cannot be said whole: whoever applied the rest would do harm.
fn shown_fix(fix: &Fix, sources: &Sources, show: &Show) -> Option<ShownFix> {
    let edits = fix.edits.iter().map(|edit| shown_edit(edit, sources, show)).collect::<Option<_>>()?;
    Some(ShownFix { safety: fix.safety.word(), title: show.text(&fix.title).into_owned(), edits })
}

fn shown_edit(edit: &Edit, sources: &Sources, show: &Show) -> Option<ShownEdit> {
    let place = edit.place;
    let secrets = if show.secrets { Vec::new() } else { secret_spans(&edit.text) };
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
    let source = sources.get(place.file);
    let (from, to) = (source.position(start), source.position(end));
    Some(ShownEdit {
        file: show.path(&source.path),
        byte_offset: start,
        end_byte_offset: end,
        line: from.line,
        column: from.column,
        end_line: to.line,
        end_column: to.column,
        new_text,
        byte_column: from.byte_column,
        byte_end_column: to.byte_column,
    })
}

/// How many bytes two texts share at the start, and then at the end.
fn common(old: &[u8], new: &[u8]) -> (usize, usize) {
    let head = old.iter().zip(new).take_while(|(old, new)| old == new).count();
    let tail = old[head..].iter().rev().zip(new[head..].iter().rev()).take_while(|(old, new)| old == new).count();
    (head, tail)
}
