//! JUnit: a suite for each file, in which a finding is a test that failed. What does not make the exit code 1 passes.

use std::io::{self, Write};

use super::Summary;
use super::diagnostic::{Diagnostic, Problem};
use super::output::Found;
use super::xml::escape;

/// The whole document: red where the exit code is, so that `--fail-on` decides which findings fail. A clean run is one
/// test that passes, as readers refuse a report without any.
///
/// # Errors
/// Those of `out`.
pub fn write(out: &mut dyn Write, found: &Found, summary: &Summary) -> io::Result<()> {
    let Found { diagnostics, problems, .. } = found;
    let fails = |diagnostic: &Diagnostic| summary.fails_on.is_some_and(|least| diagnostic.is_at_least(least));
    let failures = |diagnostics: &[Diagnostic]| diagnostics.iter().filter(|diagnostic| fails(diagnostic)).count();
    let other = summary.failure();
    let tests = (diagnostics.len() + problems.len() + usize::from(other.is_some())).max(1);
    let failed = failures(diagnostics) + usize::from(other.is_some());
    writeln!(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>")?;
    let counts = format!("failures=\"{failed}\" errors=\"{}\"", problems.len());
    writeln!(out, "<testsuites name=\"pgconflint\" tests=\"{tests}\" {counts}>")?;
    for of_file in diagnostics.chunk_by(|one, other| one.file == other.file) {
        let name = escape(&of_file[0].shown_file());
        suite(out, &name, of_file.len(), failures(of_file), 0)?;
        of_file.iter().try_for_each(|diagnostic| case(out, diagnostic, fails(diagnostic)))?;
        writeln!(out, "  </testsuite>")?;
    }
    if !problems.is_empty() {
        suite(out, "pgconflint", problems.len(), 0, problems.len())?;
        problems.iter().try_for_each(|problem| error(out, problem))?;
        writeln!(out, "  </testsuite>")?;
    }
    if let Some(failure) = &other {
        let message = escape(failure);
        suite(out, "baseline", 1, 1, 0)?;
        writeln!(out, "    <testcase name=\"stale entries\" classname=\"pgconflint\">")?;
        writeln!(out, "      <failure type=\"error\" message=\"{message}\"/>\n    </testcase>\n  </testsuite>")?;
    }
    if diagnostics.is_empty() && problems.is_empty() && other.is_none() {
        suite(out, "pgconflint", 1, 0, 0)?;
        writeln!(out, "    <testcase name=\"nothing found\" classname=\"pgconflint\"/>\n  </testsuite>")?;
    }
    writeln!(out, "</testsuites>")
}

fn suite(out: &mut dyn Write, name: &str, tests: usize, failures: usize, errors: usize) -> io::Result<()> {
    writeln!(out, "  <testsuite name=\"{name}\" tests=\"{tests}\" failures=\"{failures}\" errors=\"{errors}\">")
}

fn case(out: &mut dyn Write, diagnostic: &Diagnostic, fails: bool) -> io::Result<()> {
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
    match fails {
        true => writeln!(out, "      <failure type=\"{level}\" message=\"{message}\">{text}</failure>")?,
        false => writeln!(out, "      <system-out>{level}: {text}</system-out>")?,
    }
    writeln!(out, "    </testcase>")
}

fn error(out: &mut dyn Write, problem: &Problem) -> io::Result<()> {
    let name = escape(problem.file.as_deref().unwrap_or("pgconflint"));
    let message = escape(&problem.message);
    writeln!(out, "    <testcase name=\"{name}\" classname=\"pgconflint\">")?;
    writeln!(out, "      <error type=\"error\" message=\"{message}\"/>\n    </testcase>")
}
