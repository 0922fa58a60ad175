//! Defaults that are others in a later major, and what comes of it where that matters.

use super::rows_of;
use crate::version::Major;

static NEW_DEFAULTS: &str = include_str!("../../rules/catalog/new-defaults.tsv");

/// The class of those that users notice.
pub const MATTERS: &str = "matters";

/// A default that is another one from a major on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Row {
    /// The parameter.
    pub name: &'static str,
    /// The first major that has it.
    pub since: Major,
    /// [`MATTERS`], or why it does not: `spelling`, `build`, `gentler`.
    pub class: &'static str,
    /// What comes of it, where it matters.
    pub why: &'static str,
}

/// All that is known of new defaults.
pub fn rows() -> impl Iterator<Item = Row> {
    rows_of(NEW_DEFAULTS).filter_map(|row| match row[..] {
        [name, since, class, why, ..] => Some(Row { name, since: Major::from_table(since)?, class, why }),
        _ => None,
    })
}
