//! JUnit: a suite for each file, in which a finding is a test that failed. What is only worth knowing fails nothing.

use std::io::{self, Write};

use super::diagnostic::{Diagnostic, Problem};
use super::output::Found;
use super::xml::escape;

/// The whole document. A clean run is one test that passes, as readers refuse a report without any.
///
/// # Errors
/// Those of `out`.
pub fn write(out: &mut dyn Write, found: &Found) -> io::Result<()> {
    let Found { diagnostics, problems, .. } = found;
    let failures = failures(diagnostics);
    let tests = (diagnostics.len() + problems.len()).max(1);
    writeln!(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>")?;
    let counts = format!("failures=\"{failures}\" errors=\"{}\"", problems.len());
    writeln!(out, "<testsuites name=\"pgconflint\" tests=\"{tests}\" {counts}>")?;
    for of_file in diagnostics.chunk_by(|one, other| one.file == other.file) {
        let name = escape(&of_file[0].shown_file());
        let failures = self::failures(of_file);
        writeln!(
            out,
            "  <testsuite name=\"{name}\" tests=\"{}\" failures=\"{failures}\" errors=\"0\">",
            of_file.len()
        )?;
        of_file.iter().try_for_each(|diagnostic| case(out, diagnostic))?;
        writeln!(out, "  </testsuite>")?;
    }
    if !problems.is_empty() {
        let count = problems.len();
        writeln!(out, "  <testsuite name=\"pgconflint\" tests=\"{count}\" failures=\"0\" errors=\"{count}\">")?;
        problems.iter().try_for_each(|problem| error(out, problem))?;
        writeln!(out, "  </testsuite>")?;
    }
    if diagnostics.is_empty() && problems.is_empty() {
        writeln!(out, "  <testsuite name=\"pgconflint\" tests=\"1\" failures=\"0\" errors=\"0\">")?;
        writeln!(out, "    <testcase name=\"nothing found\" classname=\"pgconflint\"/>\n  </testsuite>")?;
    }
    writeln!(out, "</testsuites>")
}

fn failures(diagnostics: &[Diagnostic]) -> usize {
    diagnostics.iter().filter(|diagnostic| diagnostic.level != "info").count()
}

fn case(out: &mut dyn Write, diagnostic: &Diagnostic) -> io::Result<()> {
    let Diagnostic { line, column, level, rule_id, .. } = diagnostic;
    let file = escape(&diagnostic.shown_file());
    let rule = escape(rule_id);
    let message = escape(&diagnostic.sentence());
    writeln!(
        out,
        "    <testcase name=\"{rule}:{line}:{column}\" classname=\"{file}\" file=\"{file}\" line=\"{line}\">"
    )?;
    let place = format!("{}:{line}:{column}", diagnostic.shown_file());
    let text: Vec<String> = [place, diagnostic.sentence()].into_iter().chain(diagnostic.advice()).collect();
    let text = escape(&text.join("\n"));
    match *level {
        "info" => writeln!(out, "      <system-out>{text}</system-out>")?,
        level => writeln!(out, "      <failure type=\"{level}\" message=\"{message}\">{text}</failure>")?,
    }
    writeln!(out, "    </testcase>")
}

fn error(out: &mut dyn Write, problem: &Problem) -> io::Result<()> {
    let name = escape(problem.file.as_deref().unwrap_or("pgconflint"));
    let message = escape(&problem.message);
    writeln!(out, "    <testcase name=\"{name}\" classname=\"pgconflint\">")?;
    writeln!(out, "      <error type=\"error\" message=\"{message}\"/>\n    </testcase>")
}
