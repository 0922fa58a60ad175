//! `path:line:col: severity: message [rule]`, the shape that editors parse since GCC.

use std::io::{self, Write};

use super::diagnostic::Diagnostic;

/// One line for each finding.
///
/// # Errors
/// Those of `out`.
pub fn write(out: &mut dyn Write, diagnostics: &[Diagnostic]) -> io::Result<()> {
    for diagnostic in diagnostics {
        let Diagnostic { line, column, level, rule_id, .. } = diagnostic;
        writeln!(out, "{}:{line}:{column}: {level}: {} [{rule_id}]", diagnostic.shown_file(), diagnostic.sentence())?;
    }
    Ok(())
}
