//! GitHub's workflow commands: each finding becomes an annotation.
//!
//! A line of the log that begins with `::` is a command, so what files and their names say is escaped, both as a
//! message and as a property; nothing that a configuration holds can begin a line.

use std::io::{self, Write};

use super::diagnostic::Diagnostic;
use super::output::Found;

/// GitHub shows so many annotations of a kind for each step.
const SHOWN: usize = 10;

/// The commands, errors first.
///
/// # Errors
/// Those of `out`.
pub fn write(out: &mut dyn Write, found: &Found) -> io::Result<()> {
    for problem in &found.problems {
        let file = problem.file.as_ref().map_or_else(String::new, |file| format!("{file}: "));
        writeln!(out, "::error title=pgconflint::{}", message(&format!("{file}{}", problem.message)))?;
    }
    for (level, command) in [("error", "error"), ("warning", "warning"), ("info", "notice")] {
        let all: Vec<&Diagnostic> = found.diagnostics.iter().filter(|diagnostic| diagnostic.level == level).collect();
        if all.len() > SHOWN {
            let more = all.len() - SHOWN;
            writeln!(out, "::notice title=pgconflint::{more} more findings of level {level} are in the log only")?;
        }
        for diagnostic in all {
            writeln!(out, "::{command} {}::{}", properties(diagnostic), message(&text(diagnostic)))?;
        }
    }
    Ok(())
}

fn properties(diagnostic: &Diagnostic) -> String {
    let Diagnostic { line, column, end_line, end_column, .. } = diagnostic;
    let file = property(&diagnostic.shown_file());
    // Columns of a range over several lines are refused.
    let columns = if line == end_line { format!(",col={column},endColumn={end_column}") } else { String::new() };
    format!("file={file},line={line},endLine={end_line}{columns},title={}", property(&diagnostic.rule_id))
}

/// The place once more, as the raw log hides the properties.
fn text(diagnostic: &Diagnostic) -> String {
    let Diagnostic { line, column, rule_id, .. } = diagnostic;
    let place = format!("{}:{line}:{column}", diagnostic.shown_file());
    let mut text = format!("{place}: {} [{rule_id}]", diagnostic.sentence());
    for advice in diagnostic.advice() {
        text.push('\n');
        text.push_str(&advice);
    }
    text
}

fn message(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    message(text).replace(':', "%3A").replace(',', "%2C")
}
