//! Findings for people: drawn by miette, with the fix as a small diff.

use std::fmt::{self, Display};

use miette::{Diagnostic, GraphicalReportHandler, GraphicalTheme, LabeledSpan, Severity as Level, SourceCode};

use super::place::Show;
use super::window::{self, Window};
use super::{Look, Report, diagnostic, diff};
use crate::finding::{Finding, Severity};
use crate::source::{FileId, Place, Sources, Span};

/// Draws findings.
pub struct Painter {
    handler: GraphicalReportHandler,
    color: bool,
}

impl Painter {
    /// Draws in that look.
    pub fn new(look: Look) -> Painter {
        let Look { color, links, width } = look;
        let theme = if color { GraphicalTheme::unicode() } else { GraphicalTheme::unicode_nocolor() };
        let handler = GraphicalReportHandler::new_themed(theme)
            .with_width(width)
            .with_links(links)
            .with_urls(links)
            .with_context_lines(window::CONTEXT)
            .with_show_related_as_nested(true)
            .without_cause_chain();
        Painter { handler, color }
    }

    /// One finding, with an empty line after it.
    pub fn draw(&self, finding: &Finding, report: &Report, show: &Show) -> String {
        let mut text = String::new();
        // Writing to a String cannot fail, and every label lies in its window.
        let _ = self.handler.render_report(&mut text, &Shown::new(finding, report, show));
        if let Some(fix) = &finding.fix {
            diff::draw(&mut text, fix, finding.place.file, &report.sources, show, self.color);
        }
        text.push('\n');
        text
    }
}

/// What miette draws: a finding, or the places of a finding in another file.
struct Shown<'a> {
    head: String,
    code: Option<String>,
    level: Level,
    help: Option<String>,
    url: Option<String>,
    labels: Vec<LabeledSpan>,
    window: Window<'a>,
    elsewhere: Vec<Shown<'a>>,
}

impl<'a> Shown<'a> {
    fn new(finding: &Finding, report: &'a Report, show: &Show) -> Shown<'a> {
        let sources = &report.sources;
        let main = finding.place.file;
        let mut places: Vec<(Place, &str)> = vec![(finding.place, &finding.label)];
        places.extend(finding.related.iter().map(|label| (label.place, label.message.as_str())));
        let in_file = |file: FileId| places.iter().filter(move |(place, _)| place.file == file);
        let mut others: Vec<FileId> = places.iter().map(|(place, _)| place.file).filter(|file| *file != main).collect();
        let mut seen = Vec::new();
        others.retain(|file| {
            !seen.contains(file) && {
                seen.push(*file);
                true
            }
        });
        let elsewhere = others.into_iter().map(|file| {
            let (labels, window) = labels(in_file(file), file, sources, show);
            let head = "and there:".to_owned();
            Shown {
                head,
                code: None,
                level: Level::Advice,
                help: None,
                url: None,
                labels,
                window,
                elsewhere: Vec::new(),
            }
        });
        let elsewhere = elsewhere.collect();
        let (labels, window) = labels(in_file(main), main, sources, show);
        Shown {
            head: format!("{}{}", show.text(&finding.message), report.versions(finding)),
            code: Some(format!("{}[{}]", finding.severity.word(), finding.rule)),
            level: match finding.severity {
                Severity::Error => Level::Error,
                Severity::Warning => Level::Warning,
                Severity::Info => Level::Advice,
            },
            help: help(finding, show),
            url: diagnostic::url(finding),
            labels,
            window,
            elsewhere,
        }
    }
}

/// What to do, what the server's log says, and for which versions it holds.
fn help(finding: &Finding, show: &Show) -> Option<String> {
    let help = finding.help.as_ref().map(|help| show.text(help).into_owned());
    let server = finding.server.as_ref().map(|server| format!("the server says: {}", show.text(server)));
    let lines: Vec<String> = help.into_iter().chain(server).collect();
    (!lines.is_empty()).then(|| lines.join("\n"))
}

fn labels<'a, 'p>(
    places: impl Iterator<Item = &'p (Place, &'p str)>,
    file: FileId,
    sources: &'a Sources,
    show: &Show,
) -> (Vec<LabeledSpan>, Window<'a>) {
    let source = sources.get(file);
    let places: Vec<(Span, &str)> = places.map(|(place, text)| (window::drawn(source, place.span), *text)).collect();
    let spans: Vec<Span> = places.iter().map(|(span, _)| *span).collect();
    let label = |(index, (span, text)): (usize, &(Span, &str))| window::label(*span, show.line(text), index == 0);
    (places.iter().enumerate().map(label).collect(), Window::new(source, &spans, show))
}

impl Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.head)
    }
}

impl fmt::Debug for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Display::fmt(self, f)
    }
}

impl std::error::Error for Shown<'_> {}

impl Diagnostic for Shown<'_> {
    fn code<'a>(&'a self) -> Option<Box<dyn Display + 'a>> {
        self.code.as_ref().map(|code| Box::new(code) as Box<dyn Display>)
    }

    fn severity(&self) -> Option<Level> {
        Some(self.level)
    }

    fn help<'a>(&'a self) -> Option<Box<dyn Display + 'a>> {
        self.help.as_ref().map(|help| Box::new(help) as Box<dyn Display>)
    }

    fn url<'a>(&'a self) -> Option<Box<dyn Display + 'a>> {
        self.url.as_ref().map(|url| Box::new(url) as Box<dyn Display>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        Some(&self.window)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        Some(Box::new(self.labels.iter().cloned()))
    }

    fn related<'a>(&'a self) -> Option<Box<dyn Iterator<Item = &'a dyn Diagnostic> + 'a>> {
        if self.elsewhere.is_empty() {
            return None;
        }
        Some(Box::new(self.elsewhere.iter().map(|shown| shown as &dyn Diagnostic)))
    }
}
