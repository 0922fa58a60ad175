//! Findings as people, editors and other programs read them.

mod diff;
pub mod done;
pub mod forecast;
pub mod json;
mod place;
pub mod plan;
mod secrets;
mod text;
mod window;

pub use diff::unified;
pub use place::Show;
pub use secrets::mask_secrets;

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::PathBuf;

use crate::check::forecast::Forecast;
use crate::finding::{Finding, Severity};
use crate::source::{FileId, Sources};
use crate::version::Major;

/// What was found in one node.
#[derive(Debug, Default)]
pub struct Report {
    /// The files that were read.
    pub sources: Sources,
    /// Sorted by file, offset and rule.
    pub findings: Vec<Finding>,
    /// What could not be done.
    pub errors: Vec<Trouble>,
    /// The node that a file belongs to, where there is one.
    pub nodes: BTreeMap<FileId, String>,
    /// How many files were checked.
    pub files: usize,
    /// How many findings comments suppressed.
    pub suppressed: usize,
    /// The majors that were checked at once, ascending.
    pub checked: Vec<Major>,
    /// What comes of each node, where some follow others.
    pub forecasts: Vec<Forecast>,
}

impl Report {
    /// For which of several checked versions a finding holds, where that is not all of them: ` (from 13)`.
    pub fn versions(&self, finding: &Finding) -> String {
        let (Some(first), Some(last)) = (finding.pg.first(), finding.pg.last()) else { return String::new() };
        if self.checked.len() < 2 || finding.pg == self.checked {
            return String::new();
        }
        let between = self.checked.iter().filter(|major| (first..=last).contains(major));
        let is_range = between.eq(&finding.pg);
        match (self.checked.first() == Some(first), self.checked.last() == Some(last)) {
            _ if first == last => format!(" ({first} only)"),
            (true, _) if is_range => format!(" (up to {last})"),
            (_, true) if is_range => format!(" (from {first})"),
            _ if is_range => format!(" ({first} to {last})"),
            _ => format!(" ({})", finding.pg.iter().map(Major::to_string).collect::<Vec<_>>().join(", ")),
        }
    }

    /// Puts the findings into the order in which they are shown.
    pub fn sort(&mut self) {
        let sources = &self.sources;
        self.findings.sort_by(|one, other| {
            let key = |finding: &Finding| (finding.place.span, finding.place.file);
            let path = |finding: &Finding| sources.get(finding.place.file).path.as_path();
            path(one).cmp(path(other)).then_with(|| key(one).cmp(&key(other))).then_with(|| one.rule.cmp(&other.rule))
        });
    }
}

/// Why the tool could not do its job.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Trouble {
    /// The file, if it is about one.
    pub path: Option<PathBuf>,
    /// What went wrong.
    pub message: String,
}

/// Counts over all reports of a run.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Summary {
    /// Files that were checked.
    pub files: usize,
    /// Findings of severity error.
    pub errors: usize,
    /// Findings of severity warning.
    pub warnings: usize,
    /// Findings of severity info.
    pub infos: usize,
    /// Findings with a fix.
    pub fixable: usize,
    /// Findings with a safe fix.
    pub safely_fixable: usize,
    /// Findings that comments suppressed.
    pub suppressed: usize,
    /// Findings that the baseline holds.
    pub baselined: usize,
    /// What kept the job from being done.
    pub troubles: usize,
}

impl Summary {
    /// Adds the counts of another.
    pub fn merge(&mut self, other: &Summary) {
        self.files += other.files;
        self.errors += other.errors;
        self.warnings += other.warnings;
        self.infos += other.infos;
        self.fixable += other.fixable;
        self.safely_fixable += other.safely_fixable;
        self.suppressed += other.suppressed;
        self.baselined += other.baselined;
        self.troubles += other.troubles;
    }

    /// Counts one more report.
    pub fn add(&mut self, report: &Report) {
        self.files += report.files;
        self.suppressed += report.suppressed;
        for finding in &report.findings {
            match finding.severity {
                Severity::Error => self.errors += 1,
                Severity::Warning => self.warnings += 1,
                Severity::Info => self.infos += 1,
            }
            let fix = finding.fix.as_ref();
            self.fixable += usize::from(fix.is_some());
            self.safely_fixable += usize::from(fix.is_some_and(|fix| fix.safety == crate::finding::Safety::Safe));
        }
    }

    /// How many findings are at least so severe.
    pub fn at_least(&self, severity: Severity) -> usize {
        match severity {
            Severity::Error => self.errors,
            Severity::Warning => self.errors + self.warnings,
            Severity::Info => self.errors + self.warnings + self.infos,
        }
    }

    /// `3 errors, 1 warning in 2 files (1 fixable with --fix, 2 suppressed)`
    pub fn words(&self) -> String {
        let count = |count: usize, noun: &str| (count > 0).then(|| plural(count, noun));
        let found = [count(self.errors, "error"), count(self.warnings, "warning"), count(self.infos, "note")];
        let found: Vec<String> = found.into_iter().flatten().collect();
        let found = if found.is_empty() { "nothing found".to_owned() } else { found.join(", ") };
        let held_back = self.fixable - self.safely_fixable;
        let notes = [
            (self.safely_fixable, "fixable with --fix"),
            (held_back, "with --unsafe-fixes"),
            (self.suppressed, "suppressed"),
            (self.baselined, "in the baseline"),
        ];
        let notes: Vec<String> =
            notes.into_iter().filter(|(count, _)| *count > 0).map(|(count, word)| format!("{count} {word}")).collect();
        let notes = if notes.is_empty() { String::new() } else { format!(" ({})", notes.join(", ")) };
        format!("{found} in {}{notes}", plural(self.files, "file"))
    }
}

fn plural(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

/// The shapes of output.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Format {
    /// For people.
    Text,
    /// `path:line:col: severity: message [rule]`
    Concise,
    /// One document.
    Json,
    /// One diagnostic on each line.
    JsonLines,
}

/// One output: takes the reports of a run in any order, and writes them in theirs.
pub struct Output {
    format: Format,
    show: Show,
    painter: Option<text::Painter>,
    color: bool,
    /// Text that is ready, with what it is sorted by.
    lines: Vec<(Key, String)>,
    diagnostics: Vec<json::Diagnostic>,
    problems: Vec<json::Problem>,
    forecasts: Vec<forecast::NodeForecast>,
    statistics: Option<BTreeMap<String, (usize, usize)>>,
}

/// File, offset, rule.
type Key = (String, usize, String);

/// What one report comes to in one output.
#[derive(Debug, Default)]
pub struct Rendered {
    lines: Vec<(Key, String)>,
    diagnostics: Vec<json::Diagnostic>,
    problems: Vec<json::Problem>,
    forecasts: Vec<forecast::NodeForecast>,
    counts: Vec<(String, bool)>,
}

impl Output {
    /// An output in a format; `statistics` counts by rule where people read.
    pub fn new(format: Format, show: Show, color: bool, width: usize, statistics: bool) -> Output {
        let painter = (format == Format::Text && !statistics).then(|| text::Painter::new(color, width));
        let counted = statistics && matches!(format, Format::Text | Format::Concise);
        Output {
            format,
            show,
            painter,
            color,
            lines: Vec::new(),
            diagnostics: Vec::new(),
            problems: Vec::new(),
            forecasts: Vec::new(),
            statistics: counted.then(BTreeMap::new),
        }
    }

    /// Renders a report, which may then be dropped. Reports may be rendered at the same time.
    pub fn render(&self, report: &Report) -> Rendered {
        let mut rendered = Rendered { forecasts: forecast::of(report, &self.show), ..Rendered::default() };
        if self.statistics.is_some() {
            let count = |finding: &Finding| (finding.rule.clone().into_owned(), finding.fix.is_some());
            rendered.counts = report.findings.iter().map(count).collect();
            return rendered;
        }
        if report.findings.is_empty() && report.errors.is_empty() {
            return rendered;
        }
        match self.format {
            Format::Json | Format::JsonLines => {
                rendered.diagnostics = json::diagnostics(report, &self.show);
                rendered.problems = report.errors.iter().map(|error| json::problem(error, &self.show)).collect();
            }
            Format::Concise => rendered.lines = concise(report, &self.show),
            Format::Text => {
                let keyed = |finding: &Finding| {
                    let text = self.painter.as_ref().map(|painter| painter.draw(finding, report, &self.show));
                    (key(finding, report, &self.show), text.unwrap_or_default())
                };
                rendered.lines = report.findings.iter().map(keyed).collect();
            }
        }
        rendered
    }

    /// Takes what was rendered.
    pub fn take(&mut self, rendered: Rendered) {
        self.lines.extend(rendered.lines);
        self.diagnostics.extend(rendered.diagnostics);
        self.problems.extend(rendered.problems);
        self.forecasts.extend(rendered.forecasts);
        if let Some(statistics) = &mut self.statistics {
            for (rule, fixable) in rendered.counts {
                let (count, fixes) = statistics.entry(rule).or_default();
                *count += 1;
                *fixes += usize::from(fixable);
            }
        }
    }

    /// Writes everything.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn write(mut self, out: &mut dyn Write, summary: &Summary) -> io::Result<()> {
        self.lines.sort_by(|(one, _), (other, _)| one.cmp(other));
        self.diagnostics.sort_by(|one, other| {
            let key = |diagnostic: &json::Diagnostic| (diagnostic.byte_offset, diagnostic.end_byte_offset);
            (&one.file, key(one), &one.rule_id).cmp(&(&other.file, key(other), &other.rule_id))
        });
        for (_, line) in &self.lines {
            out.write_all(line.as_bytes())?;
        }
        if let Some(statistics) = &self.statistics {
            let mut rows: Vec<_> = statistics.iter().collect();
            rows.sort_by_key(|(rule, (count, _))| (std::cmp::Reverse(*count), rule.as_str()));
            for (rule, (count, fixes)) in rows {
                let fixes = if *fixes > 0 { format!("  ({fixes} fixable)") } else { String::new() };
                writeln!(out, "{count:>6}  {rule}{fixes}")?;
            }
        }
        match self.format {
            Format::Text => {
                for forecast in self.forecasts.iter().filter(|forecast| forecast::is_worth_a_line(forecast)) {
                    writeln!(out, "{}", forecast.sentence)?;
                }
                for assumed in forecast::assumed(&self.forecasts) {
                    writeln!(out, "  taken for granted: {assumed}")?;
                }
                // Where nothing could be looked at, trouble has been told already.
                if summary.files == 0 && summary.troubles > 0 {
                    return Ok(());
                }
                let bold = if self.color { anstyle::Style::new().bold() } else { anstyle::Style::new() };
                writeln!(out, "{bold}{}{bold:#}", summary.words())
            }
            Format::Concise => Ok(()),
            Format::Json => {
                let document = json::document(summary, &self.diagnostics, &self.forecasts, &self.problems);
                writeln!(out, "{}", json::to_text(&document, true)?)
            }
            Format::JsonLines => {
                let mut lines = self.diagnostics.iter();
                lines.try_for_each(|diagnostic| writeln!(out, "{}", json::to_text(diagnostic, false)?))
            }
        }
    }
}

fn key(finding: &Finding, report: &Report, show: &Show) -> Key {
    let path = show.path(&report.sources.get(finding.place.file).path);
    (path, finding.place.span.start, finding.rule.clone().into_owned())
}

/// The shape that editors parse since GCC.
fn concise(report: &Report, show: &Show) -> Vec<(Key, String)> {
    let diagnostics = json::diagnostics(report, show);
    let line = |(diagnostic, finding): (json::Diagnostic, &Finding)| {
        let json::Diagnostic { file, line, column, level, rule_id, .. } = &diagnostic;
        let message = diagnostic.message.replace('\n', " ");
        let versions = report.versions(finding);
        let text = format!("{}:{line}:{column}: {level}: {message}{versions} [{rule_id}]\n", show.line(file));
        ((diagnostic.file, diagnostic.byte_offset, diagnostic.rule_id), text)
    };
    diagnostics.into_iter().zip(&report.findings).map(line).collect()
}

/// The page of PostgreSQL's manual for the newest version for which a finding holds.
pub(crate) fn url(finding: &Finding) -> Option<String> {
    let docs = finding.docs.as_ref()?;
    let version = finding.pg.last().filter(|major| !major.is_preview());
    let version = version.map_or_else(|| "devel".to_owned(), ToString::to_string);
    Some(format!("https://www.postgresql.org/docs/{version}/{docs}"))
}

#[cfg(test)]
#[allow(clippy::disallowed_methods)]
mod tests;
