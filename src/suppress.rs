//! What comments in the linted files say to pgconflint: `ignore[rule] reason`, `ignore-file[rule]`, `pg=14 role=standby`.

mod apply;
pub mod baseline;
mod comment;

pub use apply::{Outcome, apply};
pub use comment::{Directive, Ignore, Word, comments, read, target};

use crate::version::{Role, Targets};

/// The rule that reports a suppression that suppresses nothing.
pub const UNUSED: &str = "unused-suppression";
/// The rule that reports a suppression of a rule that does not exist, and a comment that is not understood.
pub const UNKNOWN: &str = "unknown-suppression";

/// A rule about comments in words, as it has no page.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    /// Its id.
    pub id: &'static str,
    /// What it reports.
    pub title: &'static str,
    /// Why it matters and what to do.
    pub prose: &'static str,
}

/// The rules about comments.
pub const RULES: [Rule; 2] = [
    Rule {
        id: UNUSED,
        title: "a comment suppresses what is no longer reported",
        prose: "`# pgconflint: ignore[rule-a] reason` at the end of a line, or alone above it, keeps `rule-a` quiet \
                about that line; `ignore-file[rule-a]` about the whole file. What is no longer reported needs no \
                comment, and one that is left behind hides the fault when it comes back. `--fix` removes it.",
    },
    Rule {
        id: UNKNOWN,
        title: "a comment for pgconflint is not understood, or names a rule that does not exist",
        prose: "`pgconflint rules` lists the names of all rules. There is no comment that suppresses everything: \
                each names its rules in brackets. `--fix` removes names that do not exist.",
    },
];

/// What a file's own comment says that it is checked against.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Target {
    /// `pg=14`
    pub pg: Option<Targets>,
    /// `role=standby`
    pub role: Option<Role>,
}
