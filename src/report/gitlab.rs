//! GitLab's code quality report. Its fingerprints say which findings are new, so they stay when lines move.

use serde::Serialize;

use super::diagnostic::Diagnostic;

/// One finding.
#[derive(Serialize)]
pub struct Issue<'a> {
    description: String,
    check_name: &'a str,
    fingerprint: &'a str,
    severity: &'static str,
    location: Location<'a>,
}

#[derive(Serialize)]
struct Location<'a> {
    path: &'a str,
    positions: Positions,
}

#[derive(Serialize)]
struct Positions {
    begin: Position,
    end: Position,
}

#[derive(Serialize)]
struct Position {
    line: usize,
    column: usize,
}

/// All of them.
pub fn document<'a>(diagnostics: &'a [Diagnostic]) -> Vec<Issue<'a>> {
    let issue = |diagnostic: &'a Diagnostic| {
        let Diagnostic { rule_id, line, column, end_line, end_column, .. } = diagnostic;
        Issue {
            // The name of the check is not shown, so the description begins with it.
            description: format!("{rule_id}: {}", diagnostic.sentence_with_help()),
            check_name: rule_id,
            fingerprint: &diagnostic.fingerprint,
            severity: severity(diagnostic.level),
            location: Location {
                path: &diagnostic.file,
                positions: Positions {
                    begin: Position { line: *line, column: *column },
                    end: Position { line: *end_line, column: *end_column },
                },
            },
        }
    };
    diagnostics.iter().map(issue).collect()
}

fn severity(level: &str) -> &'static str {
    match level {
        "error" => "critical",
        "warning" => "major",
        _ => "info",
    }
}
