//! A table in Markdown, for the summary of a CI run. Nothing that a file says can be markup.

use std::io::{self, Write};

use super::diagnostic::Diagnostic;
use super::output::Found;
use super::{Summary, forecast};

/// A summary may not be larger than a megabyte.
const MOST_ROWS: usize = 500;

/// A heading with the counts, the forecasts of nodes that follow each other, and the findings.
///
/// # Errors
/// Those of `out`.
pub fn write(out: &mut dyn Write, found: &Found, summary: &Summary) -> io::Result<()> {
    writeln!(out, "## pgconflint: {}", escape(&summary.words()))?;
    let forecasts: Vec<_> = found.nodes.iter().filter(|forecast| forecast::is_worth_a_line(forecast)).collect();
    if !forecasts.is_empty() {
        writeln!(out)?;
    }
    for forecast in forecasts {
        writeln!(out, "- {}", escape(&forecast.sentence))?;
    }
    for assumed in forecast::assumed(&found.nodes) {
        writeln!(out, "- taken for granted: {}", escape(assumed))?;
    }
    if let Some(failure) = summary.failure() {
        writeln!(out, "\n{}", escape(&failure))?;
    }
    if !found.problems.is_empty() {
        writeln!(out, "\nWhat could not be done:\n")?;
    }
    for problem in &found.problems {
        let file = problem.file.as_ref().map_or_else(String::new, |file| format!("{file}: "));
        writeln!(out, "- {}", escape(&format!("{file}{}", problem.message)))?;
    }
    if found.diagnostics.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n| | Place | Finding | Rule |\n|---|---|---|---|")?;
    for diagnostic in found.diagnostics.iter().take(MOST_ROWS) {
        row(out, diagnostic)?;
    }
    match found.diagnostics.len().saturating_sub(MOST_ROWS) {
        0 => Ok(()),
        more => writeln!(out, "\nand {more} more"),
    }
}

fn row(out: &mut dyn Write, diagnostic: &Diagnostic) -> io::Result<()> {
    let Diagnostic { line, column, level, .. } = diagnostic;
    let place = escape(&format!("{}:{line}:{column}", diagnostic.shown_file()));
    let message = escape(&diagnostic.sentence());
    let advice: String = diagnostic.advice().iter().map(|advice| format!("<br>{}", escape(advice))).collect();
    let rule = match &diagnostic.url {
        // An address of the manual, which the file has no part in.
        Some(url) => format!("[{}]({url})", escape(&diagnostic.rule_id)),
        None => escape(&diagnostic.rule_id),
    };
    writeln!(out, "| {level} | {place} | {message}{advice} | {rule} |")
}

/// Text that stays text: pairs of backticks become code, all else that could be markup is a number.
fn escape(text: &str) -> String {
    let pieces: Vec<&str> = text.split('`').collect();
    let mut escaped = String::with_capacity(text.len() + 16);
    for (index, piece) in pieces.iter().enumerate() {
        let is_last = index + 1 == pieces.len();
        match (index % 2 == 1, is_last) {
            (true, false) => escaped.push_str(&format!("<code>{}</code>", plain(piece))),
            (true, true) => escaped.push_str(&format!("&#96;{}", plain(piece))),
            (false, _) => escaped.push_str(&plain(piece)),
        }
    }
    escaped
}

fn plain(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len() + 8);
    for char in text.chars() {
        match char {
            '\n' | '\r' => escaped.push(' '),
            // What makes tables, HTML, emphasis, links, mentions, formulas and little pictures.
            '|' | '<' | '>' | '&' | '*' | '_' | '[' | ']' | '\\' | '~' | '#' | '@' | '$' | ':' | '!' | '"' => {
                escaped.push_str(&format!("&#{};", u32::from(char)));
            }
            char => escaped.push(char),
        }
    }
    escaped
}
