//! One output of a run: what each report comes to, and all of it written in a format.

use std::collections::BTreeMap;
use std::io::{self, Write};

use super::diagnostic::{self, Diagnostic, Problem};
use super::forecast::{self, NodeForecast};
use super::{Report, Show, Summary};
use super::{checkstyle, concise, github, gitlab, json, junit, linehash, markdown, rdjson, sarif, text};
use crate::check::Described;
use crate::finding::Finding;

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
    /// What code scanning reads.
    Sarif,
    /// Commands that GitHub makes annotations of.
    Github,
    /// What GitLab reads as code quality.
    Gitlab,
    /// What reviewdog reads.
    Rdjson,
    /// Tests, of which each finding is one that failed.
    Junit,
    /// The XML of checkstyle.
    Checkstyle,
    /// A table.
    Markdown,
}

/// How text for people looks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Look {
    /// Whether it has colours.
    pub color: bool,
    /// Whether the terminal knows links.
    pub links: bool,
    /// Columns.
    pub width: usize,
}

/// All that was found, as it is shown.
#[derive(Debug, Default)]
pub struct Found {
    /// Sorted by file, offset and rule.
    pub diagnostics: Vec<Diagnostic>,
    /// What could not be done.
    pub problems: Vec<Problem>,
    /// What comes of nodes that follow each other.
    pub nodes: Vec<NodeForecast>,
    /// What the rules are of which something was found.
    pub rules: BTreeMap<String, Described>,
}

/// One output: takes the reports of a run in any order, and writes them in theirs.
pub struct Output {
    format: Format,
    show: Show,
    look: Look,
    painter: Option<text::Painter>,
    /// Text that is ready, with what it is sorted by.
    texts: Vec<(Key, String)>,
    found: Found,
    statistics: Option<BTreeMap<String, (usize, usize)>>,
}

/// File, offset, rule.
type Key = (String, usize, String);

/// What one report comes to in one output.
#[derive(Debug, Default)]
pub struct Rendered {
    texts: Vec<(Key, String)>,
    found: Found,
    counts: Vec<(String, bool)>,
}

impl Output {
    /// An output in a format; `statistics` counts by rule where people read.
    pub fn new(format: Format, show: Show, look: Look, statistics: bool) -> Output {
        let painter = (format == Format::Text && !statistics).then(|| text::Painter::new(look));
        let counted = statistics && matches!(format, Format::Text | Format::Concise);
        let statistics = counted.then(BTreeMap::new);
        Output { format, show, look, painter, texts: Vec::new(), found: Found::default(), statistics }
    }

    /// Renders a report, which may then be dropped. Reports may be rendered at the same time.
    pub fn render(&self, report: &Report) -> Rendered {
        let mut rendered = Rendered::default();
        rendered.found.nodes = forecast::of(report, &self.show);
        if self.statistics.is_some() {
            let count = |finding: &Finding| (finding.rule.clone().into_owned(), finding.fix.is_some());
            rendered.counts = report.findings.iter().map(count).collect();
            return rendered;
        }
        if report.findings.is_empty() && report.errors.is_empty() {
            return rendered;
        }
        if let Some(painter) = &self.painter {
            let drawn = |finding: &Finding| {
                let path = self.show.path(&report.sources.get(finding.place.file).path);
                let key = (path, finding.place.span.start, finding.rule.clone().into_owned());
                (key, painter.draw(finding, report, &self.show))
            };
            rendered.texts = report.findings.iter().map(drawn).collect();
            return rendered;
        }
        rendered.found.diagnostics = diagnostic::diagnostics(report, &self.show);
        rendered.found.problems =
            report.errors.iter().map(|trouble| diagnostic::problem(trouble, &self.show)).collect();
        if self.format == Format::Sarif {
            linehash::fill(&mut rendered.found.diagnostics, report);
            rendered.found.rules.clone_from(&report.rules);
        }
        rendered
    }

    /// Takes what was rendered.
    pub fn take(&mut self, rendered: Rendered) {
        self.texts.extend(rendered.texts);
        self.found.diagnostics.extend(rendered.found.diagnostics);
        self.found.problems.extend(rendered.found.problems);
        self.found.nodes.extend(rendered.found.nodes);
        self.found.rules.extend(rendered.found.rules);
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
        self.texts.sort_by(|(one, _), (other, _)| one.cmp(other));
        self.found.diagnostics.sort_by(|one, other| {
            let key = |diagnostic: &Diagnostic| diagnostic.end_byte_offset;
            (&one.file, one.byte_offset, &one.rule_id, key(one)).cmp(&(
                &other.file,
                other.byte_offset,
                &other.rule_id,
                key(other),
            ))
        });
        if let Some(statistics) = &self.statistics {
            write_statistics(out, statistics)?;
        }
        let found = &self.found;
        match self.format {
            Format::Text => self.write_text(out, summary),
            Format::Concise => concise::write(out, &found.diagnostics),
            Format::Json => {
                let document = json::document(summary, &found.diagnostics, &found.nodes, &found.problems);
                writeln!(out, "{}", json::to_text(&document, true)?)
            }
            Format::JsonLines => {
                let mut lines = found.diagnostics.iter();
                lines.try_for_each(|diagnostic| writeln!(out, "{}", json::to_text(diagnostic, false)?))
            }
            Format::Sarif => writeln!(out, "{}", json::to_text(&sarif::document(found), true)?),
            Format::Github => github::write(out, found),
            Format::Gitlab => writeln!(out, "{}", json::to_text(&gitlab::document(&found.diagnostics), true)?),
            Format::Rdjson => writeln!(out, "{}", json::to_text(&rdjson::document(&found.diagnostics), true)?),
            Format::Junit => junit::write(out, found, summary),
            Format::Checkstyle => checkstyle::write(out, &found.diagnostics),
            Format::Markdown => markdown::write(out, found, summary),
        }
    }

    fn write_text(&self, out: &mut dyn Write, summary: &Summary) -> io::Result<()> {
        for (_, text) in &self.texts {
            out.write_all(text.as_bytes())?;
        }
        for forecast in self.found.nodes.iter().filter(|forecast| forecast::is_worth_a_line(forecast)) {
            writeln!(out, "{}", forecast.sentence)?;
        }
        for assumed in forecast::assumed(&self.found.nodes) {
            writeln!(out, "  taken for granted: {assumed}")?;
        }
        // Where nothing could be looked at, trouble has been told already.
        if summary.files == 0 && summary.troubles > 0 {
            return Ok(());
        }
        let bold = if self.look.color { anstyle::Style::new().bold() } else { anstyle::Style::new() };
        writeln!(out, "{bold}{}{bold:#}", summary.words())
    }
}

fn write_statistics(out: &mut dyn Write, statistics: &BTreeMap<String, (usize, usize)>) -> io::Result<()> {
    let mut rows: Vec<_> = statistics.iter().collect();
    rows.sort_by_key(|(rule, (count, _))| (std::cmp::Reverse(*count), rule.as_str()));
    for (rule, (count, fixes)) in rows {
        let fixes = if *fixes > 0 { format!("  ({fixes} fixable)") } else { String::new() };
        writeln!(out, "{count:>6}  {rule}{fixes}")?;
    }
    Ok(())
}
