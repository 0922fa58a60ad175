//! Nodes with the configuration of 10 or 11, migrated in place and started on later servers, and those of later ones on 10
//! and 11: what comes of each, against what came of it where it comes from.
//!
//! ```text
//! cases ─filled→ a node of M ─apply→ a node of N ─play→ Seen, phase by phase ─record→ outcomes.tsv
//!   workload   rows, an archive of three timelines and two backups, the same for every major
//! ```

pub mod apply;
pub mod cases;
mod play;
pub mod record;
mod watch;
pub mod workload;

pub use cases::Case;
pub use play::play;

/// What a server is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum State {
    /// Not there.
    #[default]
    Down,
    /// Open for writes.
    Primary,
    /// In recovery, and open for queries.
    Standby,
    /// As a standby, at a target.
    Paused,
    /// There, but open for nobody.
    Mute,
}

impl State {
    /// Its word in the record.
    pub fn word(self) -> &'static str {
        match self {
            State::Down => "down",
            State::Primary => "primary",
            State::Standby => "standby",
            State::Paused => "paused",
            State::Mute => "mute",
        }
    }
}

/// What was seen of a server in a phase of a play.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// `start`, `promote`, `resume`, `again`; or `refused`, where the migration was.
    pub phase: String,
    /// What it was.
    pub state: State,
    /// Whether it took a row.
    pub writes: Option<bool>,
    /// The rows that it had before.
    pub rows: Option<String>,
    /// Of an open server, its timeline and those that it comes from.
    pub timeline: Option<String>,
    /// Of a standby beside a primary, what that one says of it.
    pub link: String,
    /// What commands have noted.
    pub notes: String,
    /// Of one that is not there, why; each major has its own words.
    pub says: String,
}
