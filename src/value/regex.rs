//! Regular expressions as pg_hba.conf and pg_ident.conf use them: what servers call advanced ones, in the locale C.
//!
//! A pattern and a text are bytes. When a server starts and reads these files it has no encoding yet, and when it
//! tries them on a name it is in no database yet: `.` is one byte, and letters beyond ASCII have no case. All of this
//! was compared with servers 10, 13, 14 and 18; `testdata/servers/regex.tsv` has some hundred of their answers.

mod builder;
mod escape;
mod language;
mod lexer;
mod matcher;
mod parser;
mod program;
mod set;
#[cfg(test)]
mod tests;
mod token;
mod traits;

use std::ops::Range;

use crate::version::Major;
use matcher::Matcher;
use program::Program;

/// What the groups of a match hold, the whole match first. A group that took no part holds nothing.
pub type Groups = Vec<Option<Range<usize>>>;

/// A regular expression that the server takes.
#[derive(Clone, Debug)]
pub struct Regex {
    groups: usize,
    ignore_case: bool,
    /// Nothing where it would be too large to try.
    program: Option<Program>,
}

impl Regex {
    /// Reads a pattern, without the slash, as 14 and later do; so do all that have them in pg_hba.conf.
    ///
    /// # Errors
    /// What the server says of it after `invalid regular expression "…": `. Whether one is too complex is an estimate:
    /// it goes by repetitions, where a server counts memory.
    pub fn new(pattern: &[u8]) -> Result<Regex, &'static str> {
        Regex::of(pattern, Major::NEWEST)
    }

    /// Reads a pattern as that major does. Up to 13 there is no `[:word:]`, `[\W]` is refused, `[\w-z]` begins a range
    /// with `_`, and `\\W` stops at a line feed where `(?n)` asks for that.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn of(pattern: &[u8], major: Major) -> Result<Regex, &'static str> {
        let parsed = parser::parse(pattern, major)?;
        let program = builder::build(&parsed);
        Ok(Regex { groups: parsed.groups.len(), ignore_case: parsed.flags.ignore_case, program })
    }

    /// How many capturing groups it has.
    pub fn groups(&self) -> usize {
        self.groups
    }

    /// Whether it fits somewhere in a text. Nothing where that would take too long to find out.
    pub fn is_match(&self, text: &[u8]) -> Option<bool> {
        let program = self.program.as_ref()?;
        if program.refers() {
            return self.captures(text).map(|groups| groups.is_some());
        }
        Matcher::new(program, text, self.groups, self.ignore_case).and_then(|mut matcher| matcher.is_match()).ok()
    }

    /// The match that the server finds, and what its groups hold; `Some(None)` where there is none. Nothing where that
    /// would take too long to find out.
    pub fn captures(&self, text: &[u8]) -> Option<Option<Groups>> {
        let program = self.program.as_ref()?;
        Matcher::new(program, text, self.groups, self.ignore_case).and_then(Matcher::captures).ok()
    }

    /// Whether it fits every name, as an empty one and `^.*$` do. False also where that is not cheap to say.
    ///
    /// A name has a byte at least, so `.` fits every name too.
    pub fn matches_everything(&self) -> bool {
        self.program.as_ref().is_some_and(language::is_everything)
    }

    /// All texts that it fits, in byte order, where these are at most 64: `^app$`, `^(a|b)$`, `^db[12]$`. Nothing also
    /// where that is not cheap to say.
    pub fn literals(&self) -> Option<Vec<Vec<u8>>> {
        self.program.as_ref().and_then(language::texts)
    }
}
