//! PostgreSQL's regular expressions. (Placeholder until the real one is merged.)

use std::ops::Range;

/// A regular expression.
#[derive(Clone, Debug)]
pub struct Regex;

impl Regex {
    /// Reads one.
    ///
    /// # Errors
    /// The server's words.
    pub fn new(_: &[u8]) -> Result<Regex, &'static str> {
        Ok(Regex)
    }

    /// Whether it fits.
    pub fn is_match(&self, _: &[u8]) -> Option<bool> {
        None
    }

    /// The whole and its groups.
    pub fn captures(&self, _: &[u8]) -> Option<Option<Vec<Option<Range<usize>>>>> {
        None
    }
}

impl Regex {
    /// Whether it fits every text.
    pub fn matches_everything(&self) -> bool {
        false
    }

    /// The few texts that it stands for.
    pub fn literals(&self) -> Option<Vec<Vec<u8>>> {
        None
    }
}
