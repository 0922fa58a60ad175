//! The XML of checkstyle, which Jenkins and most editors read.

use std::io::{self, Write};

use super::diagnostic::Diagnostic;
use super::xml::escape;

/// The whole document.
///
/// # Errors
/// Those of `out`.
pub fn write(out: &mut dyn Write, diagnostics: &[Diagnostic]) -> io::Result<()> {
    writeln!(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<checkstyle version=\"4.3\">")?;
    for of_file in diagnostics.chunk_by(|one, other| one.file == other.file) {
        writeln!(out, "  <file name=\"{}\">", escape(&of_file[0].shown_file()))?;
        for diagnostic in of_file {
            let Diagnostic { line, column, level, rule_id, .. } = diagnostic;
            writeln!(
                out,
                "    <error line=\"{line}\" column=\"{column}\" severity=\"{level}\" message=\"{}\" source=\"pgconflint.{}\"/>",
                escape(&diagnostic.sentence_with_help()),
                escape(rule_id)
            )?;
        }
        writeln!(out, "  </file>")?;
    }
    writeln!(out, "</checkstyle>")
}
