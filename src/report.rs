//! Findings as people, editors and other programs read them.

mod checkstyle;
mod concise;
pub mod diagnostic;
mod diff;
pub mod done;
pub mod forecast;
mod github;
mod gitlab;
pub mod json;
mod junit;
mod linehash;
mod markdown;
mod output;
mod place;
pub mod plan;
mod rdjson;
mod sarif;
mod secrets;
mod summary;
mod text;
mod window;
mod xml;

pub use diff::unified;
pub use output::{Format, Look, Output, Rendered};
pub use place::{Show, lexical, relative};
pub use secrets::mask_secrets;
pub use summary::{Summary, plural};

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::check::Described;
use crate::check::forecast::Forecast;
use crate::finding::Finding;
use crate::source::{FileId, Sources};
use crate::suppress::baseline::Tally;
use crate::version::Major;

/// What was found in one node.
#[derive(Debug, Default)]
pub struct Report {
    /// The files that were read.
    pub sources: Sources,
    /// Sorted by file, offset and rule.
    pub findings: Vec<Finding>,
    /// What could not be done.
    pub errors: Vec<Trouble>,
    /// The node that a file belongs to, where there is one.
    pub nodes: BTreeMap<FileId, String>,
    /// How many files were checked.
    pub files: usize,
    /// How many findings comments suppressed.
    pub suppressed: usize,
    /// The majors that were checked at once, ascending.
    pub checked: Vec<Major>,
    /// What comes of each node, where some follow others.
    pub forecasts: Vec<Forecast>,
    /// How many findings the baseline holds.
    pub baselined: usize,
    /// What was found before the baseline took its part, where there is one.
    pub tally: Tally,
    /// What the rules are of which something was found, by id.
    pub rules: BTreeMap<String, Described>,
}

impl Report {
    /// For which of several checked versions a finding holds, where that is not all of them: ` (from 13)`.
    pub fn versions(&self, finding: &Finding) -> String {
        let (Some(first), Some(last)) = (finding.pg.first(), finding.pg.last()) else { return String::new() };
        if self.checked.len() < 2 || finding.pg == self.checked {
            return String::new();
        }
        let between = self.checked.iter().filter(|major| (first..=last).contains(major));
        let is_range = between.eq(&finding.pg);
        match (self.checked.first() == Some(first), self.checked.last() == Some(last)) {
            _ if first == last => format!(" ({first} only)"),
            (true, _) if is_range => format!(" (up to {last})"),
            (_, true) if is_range => format!(" (from {first})"),
            _ if is_range => format!(" ({first} to {last})"),
            _ => format!(" ({})", finding.pg.iter().map(Major::to_string).collect::<Vec<_>>().join(", ")),
        }
    }

    /// Puts the findings into the order in which they are shown.
    pub fn sort(&mut self) {
        let sources = &self.sources;
        self.findings.sort_by(|one, other| {
            let key = |finding: &Finding| (finding.place.span, finding.place.file);
            let path = |finding: &Finding| sources.get(finding.place.file).path.as_path();
            path(one).cmp(path(other)).then_with(|| key(one).cmp(&key(other))).then_with(|| one.rule.cmp(&other.rule))
        });
    }
}

/// Why the tool could not do its job.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Trouble {
    /// The file, if it is about one.
    pub path: Option<PathBuf>,
    /// What went wrong.
    pub message: String,
}

#[cfg(test)]
#[allow(clippy::disallowed_methods)]
mod tests;
