//! What was found, and what would mend it: plain data.

use std::borrow::Cow;

use crate::source::Place;
use crate::version::Major;

/// How much a finding matters.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Severity {
    /// Worth knowing.
    Info,
    /// It works, and will hurt.
    Warning,
    /// The server refuses to start, refuses the line, or replication does not come up.
    Error,
}

impl Severity {
    /// The severity of that word.
    pub fn from_word(word: &str) -> Option<Severity> {
        [Severity::Info, Severity::Warning, Severity::Error].into_iter().find(|severity| severity.word() == word)
    }

    /// The word for it in options and output.
    pub fn word(self) -> &'static str {
        match self {
            Severity::Info => "info",
            Severity::Warning => "warning",
            Severity::Error => "error",
        }
    }
}

/// A second place that belongs to a finding.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Label {
    /// Where.
    pub place: Place,
    /// What is there.
    pub message: String,
}

/// What a fault keeps servers from, as real servers have shown.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Effect {
    /// The server does not start.
    Refuses,
    /// It starts as a standby, and nothing comes from its primary.
    NoStream,
    /// It starts open for writes, or makes itself a primary.
    NotAStandby,
    /// Commits on the primary wait for ever.
    CommitsHang,
}

/// Whether a fix may be applied unasked.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Safety {
    /// Every effective value stays what it was, or a refused file becomes what was plainly meant; no comment is lost.
    Safe,
    /// The owner has to look at it.
    Unsafe,
}

impl Safety {
    /// The word for it in rule pages and output.
    pub fn word(self) -> &'static str {
        match self {
            Safety::Safe => "safe",
            Safety::Unsafe => "unsafe",
        }
    }
}

/// New bytes for a range of a file.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Edit {
    /// What is replaced; an empty range inserts.
    pub place: Place,
    /// What stands there afterwards.
    pub text: Vec<u8>,
}

/// Why a fix is shown and not applied where all are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Held {
    /// It is right for some of the versions that were asked for, and wrong for others.
    SomeVersions,
    /// It changes a file that lies outside of what is checked.
    Elsewhere,
}

/// Edits that mend a fault together.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Fix {
    /// Whether it may be applied unasked.
    pub safety: Safety,
    /// What it does, in a few words.
    pub title: String,
    /// Sorted by place, disjoint.
    pub edits: Vec<Edit>,
    /// Why it is not applied with the others, if so.
    pub held: Option<Held>,
}

/// One fault in the user's files.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Finding {
    /// The rule's id: the name of its page.
    pub rule: Cow<'static, str>,
    /// How much it matters.
    pub severity: Severity,
    /// The fault, in the user's words.
    pub message: String,
    /// What the server says or does, where it says something: the words to search for in a log.
    pub server: Option<String>,
    /// What to do.
    pub help: Option<String>,
    /// The page of PostgreSQL's manual, relative to its `docs/VERSION/`.
    pub docs: Option<Cow<'static, str>>,
    /// Where. An empty range at the start of a file stands for the file as a whole.
    pub place: Place,
    /// What the place is, said beside it.
    pub label: String,
    /// Further places.
    pub related: Vec<Label>,
    /// The setting, or what else the finding is about.
    pub subject: Option<String>,
    /// The majors for which it holds, ascending.
    pub pg: Vec<Major>,
    /// What mends it.
    pub fix: Option<Fix>,
    /// What it keeps servers from, where it is an error.
    pub effect: Option<Effect>,
}
