//! `global/pg_control` of a data directory, read without a server: 9.4 to 18.
//!
//! The file is the server's own structure, in the byte order and with the alignment of a 64-bit machine. Its length
//! depends on the version and ends with a checksum over all that stands before it.

mod layout;

use std::path::Path;

pub use layout::{Made, made, with_segments};

use crate::names;
use crate::source::Files;
use crate::version::Major;

/// Bytes of a WAL segment, where nothing says otherwise.
pub const USUAL_SEGMENT: u64 = 16 << 20;

/// Bytes of a page, and of a page of WAL.
pub const BLOCK: u64 = 8192;

/// What a data directory says of itself.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Control {
    /// The version of the file's own layout, 1300 for 13 to 16.
    pub control_version: u32,
    /// The version of the system catalogues; it tells majors of one layout apart.
    pub catalog_version: u32,
    /// The release it belongs to, where it belongs to one.
    pub major: Option<Major>,
    /// Given by initdb; a standby has that of its primary.
    pub system_identifier: u64,
    /// What the server was doing when it last wrote the file.
    pub state: State,
    /// The timeline of the last checkpoint.
    pub timeline: u32,
    /// `wal_level` as the server counts it, see [`Control::wal_level_word`].
    pub wal_level: u32,
    /// The five settings that a standby must match, as the server last ran with them or, on a standby, as its
    /// primary did.
    pub max_connections: u32,
    /// See [`Control::max_connections`].
    pub max_worker_processes: u32,
    /// See [`Control::max_connections`]. From 12 on.
    pub max_wal_senders: Option<u32>,
    /// See [`Control::max_connections`].
    pub max_prepared_transactions: u32,
    /// See [`Control::max_connections`].
    pub max_locks_per_transaction: u32,
    /// Whether changes of hint bits are logged.
    pub wal_log_hints: bool,
    /// Whether times of commits are kept. From 9.5 on.
    pub track_commit_timestamp: Option<bool>,
    /// Bytes of a data page.
    pub block_size: u32,
    /// Bytes of a WAL segment.
    pub wal_segment_size: u32,
    /// 0 where data pages have no checksums.
    pub data_checksums: u32,
}

/// What a server was doing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum State {
    /// Starting up for the first time.
    StartingUp,
    /// Shut down.
    ShutDown,
    /// Shut down as a standby.
    ShutDownInRecovery,
    /// On its way down.
    ShuttingDown,
    /// Recovering from a crash.
    InCrashRecovery,
    /// A standby, or recovering from an archive.
    InArchiveRecovery,
    /// Open for writes, or crashed while it was.
    InProduction,
}

/// Why the bytes say nothing.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Fault {
    /// Fewer bytes than the layout has.
    #[error("it is too short: {0} bytes")]
    TooShort(usize),
    /// The checksum is not that of the bytes.
    #[error("its checksum is wrong")]
    WrongChecksum,
    /// A layout that is not known.
    #[error("its layout has version {0}, which is not known")]
    UnknownVersion(u32),
    /// Written on a machine that orders bytes the other way.
    #[error("it was written on a machine with another byte order")]
    OtherByteOrder,
    /// The checksum is right, and a field cannot be what it says.
    #[error("its fields make no sense")]
    Nonsense,
}

impl Control {
    /// The word for [`Control::wal_level`].
    pub fn wal_level_word(&self) -> &'static str {
        // 960 is 9.6: what was archive and hot_standby became replica.
        let words: &[&str] = match self.control_version {
            ..960 => &["minimal", "archive", names::HOT_STANDBY, "logical"],
            _ => &["minimal", "replica", "logical"],
        };
        words.get(self.wal_level as usize).copied().unwrap_or("unknown")
    }

    /// What the WAL was made with, for a setting that a standby must have as high; nothing for any other.
    pub fn made_with(&self, name: &str) -> Option<u32> {
        match name {
            names::MAX_CONNECTIONS => Some(self.max_connections),
            names::MAX_WORKER_PROCESSES => Some(self.max_worker_processes),
            names::MAX_WAL_SENDERS => self.max_wal_senders,
            names::MAX_PREPARED_TRANSACTIONS => Some(self.max_prepared_transactions),
            names::MAX_LOCKS_PER_TRANSACTION => Some(self.max_locks_per_transaction),
            _ => None,
        }
    }

    /// Whether data pages have checksums.
    pub fn has_checksums(&self) -> bool {
        self.data_checksums != 0
    }
}

impl State {
    /// As `pg_controldata` says it.
    pub fn words(self) -> &'static str {
        match self {
            State::StartingUp => "starting up",
            State::ShutDown => "shut down",
            State::ShutDownInRecovery => "shut down in recovery",
            State::ShuttingDown => "shutting down",
            State::InCrashRecovery => "in crash recovery",
            State::InArchiveRecovery => "in archive recovery",
            State::InProduction => "in production",
        }
    }

    fn of(number: u32) -> Option<State> {
        const ALL: [State; 7] = [
            State::StartingUp,
            State::ShutDown,
            State::ShutDownInRecovery,
            State::ShuttingDown,
            State::InCrashRecovery,
            State::InArchiveRecovery,
            State::InProduction,
        ];
        ALL.get(number as usize).copied()
    }
}

/// Reads the bytes of `global/pg_control`; only the first 512 matter.
///
/// # Errors
/// See [`Fault`].
pub fn read(bytes: &[u8]) -> Result<Control, Fault> {
    let control = layout::read(bytes)?;
    // A check on the layout itself: no server runs with such numbers.
    let is_size = |size: u32, least: u32| size.is_power_of_two() && size >= least;
    let makes_sense = is_size(control.block_size, 1024) && is_size(control.wal_segment_size, 1 << 20);
    if makes_sense { Ok(control) } else { Err(Fault::Nonsense) }
}

/// Reads it from a data directory; `None` where there is none.
pub fn of_directory(files: &dyn Files, data: &Path) -> Option<Result<Control, Fault>> {
    match files.read(&data.join(names::PG_CONTROL)) {
        Ok(bytes) => Some(read(&bytes)),
        Err(_) => None,
    }
}
