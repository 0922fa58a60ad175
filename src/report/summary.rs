//! Counts over a run.

use super::Report;
use crate::finding::{Safety, Severity};

/// Counts over all reports of a run.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Summary {
    /// Files that were checked.
    pub files: usize,
    /// Findings of severity error.
    pub errors: usize,
    /// Findings of severity warning.
    pub warnings: usize,
    /// Findings of severity info.
    pub infos: usize,
    /// Findings with a fix that `--fix` or `--unsafe-fixes` applies.
    pub fixable: usize,
    /// Findings with a safe fix.
    pub safely_fixable: usize,
    /// Findings that comments suppressed.
    pub suppressed: usize,
    /// Findings that the baseline holds.
    pub baselined: usize,
    /// What kept the job from being done.
    pub troubles: usize,
    /// Entries of baselines for which less was found than they hold.
    pub stale: usize,
    /// Whether one of these makes the exit code 1.
    pub fails_on_stale: bool,
    /// From which severity on findings make the exit code 1; None: they do not.
    pub fails_on: Option<Severity>,
}

impl Summary {
    /// Adds the counts of another.
    pub fn merge(&mut self, other: &Summary) {
        self.files += other.files;
        self.errors += other.errors;
        self.warnings += other.warnings;
        self.infos += other.infos;
        self.fixable += other.fixable;
        self.safely_fixable += other.safely_fixable;
        self.suppressed += other.suppressed;
        self.baselined += other.baselined;
        self.troubles += other.troubles;
        self.stale += other.stale;
    }

    /// What makes the exit code 1 besides findings, in words.
    pub fn failure(&self) -> Option<String> {
        let what = || format!("{} of the baseline with less behind it", plural(self.stale, "entry"));
        (self.fails_on_stale && self.stale > 0).then(what)
    }

    /// Counts one more report.
    pub fn add(&mut self, report: &Report) {
        self.files += report.files;
        self.suppressed += report.suppressed;
        self.baselined += report.baselined;
        for finding in &report.findings {
            match finding.severity {
                Severity::Error => self.errors += 1,
                Severity::Warning => self.warnings += 1,
                Severity::Info => self.infos += 1,
            }
            let fix = finding.fix.as_ref().filter(|fix| fix.held.is_none());
            self.fixable += usize::from(fix.is_some());
            self.safely_fixable += usize::from(fix.is_some_and(|fix| fix.safety == Safety::Safe));
        }
    }

    /// How many findings are at least so severe.
    pub fn at_least(&self, severity: Severity) -> usize {
        match severity {
            Severity::Error => self.errors,
            Severity::Warning => self.errors + self.warnings,
            Severity::Info => self.errors + self.warnings + self.infos,
        }
    }

    /// `3 errors, 1 warning in 2 files (1 fixable with --fix, 2 suppressed)`
    pub fn words(&self) -> String {
        let count = |count: usize, noun: &str| (count > 0).then(|| plural(count, noun));
        let found = [count(self.errors, "error"), count(self.warnings, "warning"), count(self.infos, "note")];
        let found: Vec<String> = found.into_iter().flatten().collect();
        let found = if found.is_empty() { "nothing found".to_owned() } else { found.join(", ") };
        let held_back = self.fixable - self.safely_fixable;
        let notes = [
            (self.safely_fixable, "fixable with --fix"),
            (held_back, "with --unsafe-fixes"),
            (self.suppressed, "suppressed"),
            (self.baselined, "in the baseline"),
            (self.stale, "stale in the baseline"),
        ];
        let notes: Vec<String> =
            notes.into_iter().filter(|(count, _)| *count > 0).map(|(count, word)| format!("{count} {word}")).collect();
        let notes = if notes.is_empty() { String::new() } else { format!(" ({})", notes.join(", ")) };
        format!("{found} in {}{notes}", plural(self.files, "file"))
    }
}

/// `3 errors`
pub fn plural(count: usize, noun: &str) -> String {
    match noun.strip_suffix('y') {
        Some(stem) if count != 1 => format!("{count} {stem}ies"),
        _ => format!("{count} {noun}{}", if count == 1 { "" } else { "s" }),
    }
}
