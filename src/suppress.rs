//! What comments in the linted files say to pgconflint: `ignore[rule] reason`, `ignore-file[rule]`, `pg=14 role=standby`.

mod apply;
mod comment;

pub use apply::{Outcome, apply};
pub use comment::{Directive, Ignore, Word, comments, read, target};

use crate::version::{Role, Targets};

/// The rule that reports a suppression that suppresses nothing.
pub const UNUSED: &str = "unused-suppression";
/// The rule that reports a suppression of a rule that does not exist, and a comment that is not understood.
pub const UNKNOWN: &str = "unknown-suppression";

/// What a file's own comment says that it is checked against.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Target {
    /// `pg=14`
    pub pg: Option<Targets>,
    /// `role=standby`
    pub role: Option<Role>,
}
