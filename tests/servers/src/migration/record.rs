//! What was seen of cases: testdata/migration/outcomes.tsv, of every major, and what that has to be.

use std::path::PathBuf;

use anyhow::Result;

use super::cases::testdata;
use super::{Case, Seen};
use crate::pair::record::{Rows, read_file, write_file};

/// The columns of the record.
const HEADER: &str = "case\tmajor\tphase\tstate\twrites\trows\ttimeline\tlink\tnotes\tsays";

/// The rows of a play, without case and major.
pub fn rows(seen: &[Seen]) -> Vec<String> {
    let or_none = |text: &str| if text.is_empty() { "-".to_string() } else { text.to_string() };
    let row = |seen: &Seen| {
        let writes = match seen.writes {
            Some(true) => "yes",
            Some(false) => "no",
            None => "-",
        };
        let columns = [
            seen.phase.clone(),
            seen.state.word().to_string(),
            writes.to_string(),
            or_none(seen.rows.as_deref().unwrap_or_default()),
            or_none(seen.timeline.as_deref().unwrap_or_default()),
            or_none(&seen.link),
            or_none(&seen.notes),
            or_none(&seen.says),
        ];
        columns.join("\t")
    };
    seen.iter().map(row).collect()
}

/// Rows without the words of a server, which differ from major to major.
pub fn without_words(rows: &[String]) -> Vec<&str> {
    rows.iter().map(|row| row.rsplit_once('\t').map_or(row.as_str(), |(row, _)| row)).collect()
}

/// What a play of a major has to come to: what came of it where the files are from, or, where the case says that servers
/// differ, what came of it when it was recorded.
pub fn expected<'a>(recorded: &'a Rows, case: &Case, major: u16) -> &'a [String] {
    let is_own = !case.is_migrated(major) || case.differs(major).is_some();
    let of = if is_own { major } else { *case.own().end() };
    recorded.get(&(case.name.clone(), of)).map(Vec::as_slice).unwrap_or_default()
}

/// Reads the record; it is empty where there is none.
///
/// # Errors
/// A line that is no row.
pub fn read() -> Result<Rows> {
    read_file(&path())
}

/// Writes the record.
///
/// # Errors
/// That it cannot be written.
pub fn write(rows: &Rows) -> Result<()> {
    write_file(&path(), HEADER, rows)
}

fn path() -> PathBuf {
    testdata().join("outcomes.tsv")
}
