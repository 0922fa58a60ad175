//! From one major version to another: what has to change in the files of a node, in which order, and what the
//! server does then. Nothing is written here.
//!
//! Up to 11 the settings of a standby or a recovery stand in recovery.conf; from 12 on they are ordinary settings,
//! written to postgresql.auto.conf as ALTER SYSTEM does, and a signal file says what the server is to do.

pub mod manifest;

mod access;
mod after;
mod back;
mod conninfo;
mod defaults;
mod leave;
mod next;
mod parameters;
mod plan;
mod recovery;
mod template;
mod told;
mod values;

use std::path::PathBuf;
use std::sync::Arc;

use crate::check::Node;
use crate::version::Major;

pub use after::After;
pub use plan::plan;
pub use template::{lone, with_suffix};
pub use told::Told;

/// What is to be migrated.
#[derive(Clone, Debug)]
pub struct Request {
    /// The node; its targets are the version that it comes from.
    pub node: Node,
    /// The version that it comes from; what is older than 9.4 is read as 9.4 reads it.
    pub from: Major,
    /// The version that it goes to.
    pub to: Major,
    /// What may be so although it is in the way.
    pub allowed: Vec<Allow>,
    /// Whether a standby stays on its timeline instead of following the newest one.
    pub preserve_timeline: bool,
    /// Whether defaults that are others in the new version are written down as they were.
    pub keep_defaults: bool,
}

/// Something in the way that can be allowed, each by a word of its own.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Allow {
    /// There is a postmaster.pid.
    Running,
    /// Lines of recovery.conf that the old server refuses are left out.
    RefusedLines,
    /// A signal file that says something else is put aside.
    OtherSignal,
    /// Another file sets, to another value, what recovery.conf sets.
    Conflict,
    /// The new server will refuse something that the old one did not.
    Errors,
    /// The data directory is not there.
    MissingDataDirectory,
    /// A file belongs to somebody else than the data directory does.
    ForeignFile,
    /// An included file cannot be read.
    Unreadable,
    /// A setting of a recovery in another file than recovery.conf, which no server has heeded so far, comes alive.
    Leftover,
}

impl Allow {
    /// All of them.
    pub const ALL: [Allow; 9] = [
        Allow::Running,
        Allow::RefusedLines,
        Allow::OtherSignal,
        Allow::Conflict,
        Allow::Errors,
        Allow::MissingDataDirectory,
        Allow::ForeignFile,
        Allow::Unreadable,
        Allow::Leftover,
    ];

    /// The option that allows it.
    pub fn option(self) -> &'static str {
        match self {
            Allow::Running => "--allow-running",
            Allow::RefusedLines => "--allow-refused-lines",
            Allow::OtherSignal => "--allow-other-signal",
            Allow::Conflict => "--allow-conflict",
            Allow::Errors => "--allow-errors",
            Allow::MissingDataDirectory => "--allow-missing-data-directory",
            Allow::ForeignFile => "--allow-foreign-file",
            Allow::Unreadable => "--allow-unreadable",
            Allow::Leftover => "--allow-leftover",
        }
    }
}

/// Why nothing may be written.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Block {
    /// The reason, in the user's words.
    pub reason: Told,
    /// What allows it; nothing does where there is no sane way on.
    pub allow: Option<Allow>,
}

/// Where a setting stands.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Stands {
    /// The file.
    pub path: PathBuf,
    /// 1-based line.
    pub line: usize,
    /// Its value, as the server reads it; of pg_hba.conf the whole line.
    pub value: Vec<u8>,
}

/// Where a setting goes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Goes {
    /// The file.
    pub path: PathBuf,
    /// Its name there.
    pub setting: String,
    /// Its value there; of a file that exists or does not, nothing.
    pub value: Vec<u8>,
}

/// A setting that changes its place, name or value.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Change {
    /// Its name so far.
    pub setting: String,
    /// Where it stood; nothing if it was not set.
    pub from: Option<Stands>,
    /// Where it goes; nothing if it goes nowhere.
    pub to: Option<Goes>,
    /// Why.
    pub why: String,
}

/// What happens to a file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Action {
    /// It gets other bytes.
    Edit,
    /// It is made.
    Create,
    /// It gets another name, beside it.
    Rename(PathBuf),
    /// It stays as it is, though it is no longer read.
    Keep,
}

/// A file and what happens to it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Step {
    /// What happens.
    pub action: Action,
    /// The file.
    pub path: PathBuf,
    /// Why.
    pub why: String,
    /// Its bytes so far; nothing if it is made.
    pub old: Option<Arc<[u8]>>,
    /// Its bytes then; nothing if it gets another name or stays.
    pub new: Option<Arc<[u8]>>,
}

/// What is to be done, in this order.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The version that the node comes from.
    pub from: Major,
    /// The version that it goes to.
    pub to: Major,
    /// What is in the way and has not been allowed.
    pub blocks: Vec<Block>,
    /// Every setting that changes.
    pub changes: Vec<Change>,
    /// Every file that something happens to, in the order of writing.
    pub steps: Vec<Step>,
    /// What the owner must know.
    pub notes: Vec<Told>,
    /// What the server does at its next start.
    pub next_start: String,
    /// Every file of the node as it will be, those that do not change among them, by path.
    pub files: Vec<(PathBuf, Arc<[u8]>)>,
    /// The data directory.
    pub data: PathBuf,
}

impl Plan {
    /// Whether there is something to do.
    pub fn is_empty(&self) -> bool {
        self.steps.iter().all(|step| step.action == Action::Keep)
    }
}
