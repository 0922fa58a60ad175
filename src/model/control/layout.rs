//! Where each field stands, by the version of the layout.

use super::{Control, Fault, State};
use crate::names;
use crate::version::Major;

/// Releases by layout and system catalogues. 9.4 and 9.5 share a number, and differ.
const RELEASES: [(u32, u32, Major); 12] = [
    (942, 201_409_291, Major::V9_4),
    (942, 201_510_051, Major::V9_5),
    (960, 201_608_131, Major::V9_6),
    (1002, 201_707_211, Major::V10),
    (1100, 201_809_051, Major::V11),
    (1201, 201_909_212, Major::V12),
    (1300, 202_007_201, Major::V13),
    (1300, 202_107_181, Major::V14),
    (1300, 202_209_061, Major::V15),
    (1300, 202_307_071, Major::V16),
    (1700, 202_406_281, Major::V17),
    (1800, 202_506_291, Major::V18),
];

/// What the layout holds for a test of floating-point numbers.
const FLOAT: f64 = 1_234_567.0;

/// Reads the fields, which a checksum covers.
pub fn read(bytes: &[u8]) -> Result<Control, Fault> {
    let Parsed { control, state, float, places, checksum } = parse(bytes)?;
    if places.checksum(bytes, &control) != checksum {
        return Err(Fault::WrongChecksum);
    }
    let state = State::of(state).filter(|_| float == FLOAT).ok_or(Fault::Nonsense)?;
    Ok(Control { state, ..control })
}

/// What a file says that no server has written.
#[derive(Clone, Copy, Debug)]
pub struct Made {
    /// See [`Control::system_identifier`].
    pub system_identifier: u64,
    /// See [`Control::timeline`].
    pub timeline: u32,
    /// See [`Control::wal_level`].
    pub wal_level: u32,
    /// See [`Control::max_connections`].
    pub max_connections: u32,
    /// See [`Control::max_connections`].
    pub max_worker_processes: u32,
    /// See [`Control::max_connections`].
    pub max_wal_senders: u32,
    /// See [`Control::max_connections`].
    pub max_prepared_transactions: u32,
    /// See [`Control::max_connections`].
    pub max_locks_per_transaction: u32,
    /// See [`Control::wal_segment_size`].
    pub wal_segment_size: u32,
}

impl Default for Made {
    fn default() -> Made {
        Made {
            system_identifier: 1,
            timeline: 1,
            // Enough for standbys.
            wal_level: 1,
            max_connections: 0,
            max_worker_processes: 0,
            max_wal_senders: 0,
            max_prepared_transactions: 0,
            max_locks_per_transaction: 0,
            wal_segment_size: 16 << 20,
        }
    }
}

impl Made {
    /// The same of a server that ran with these settings, each a name and a value.
    pub fn with(mut self, settings: &[(&str, &str)]) -> Made {
        for (name, value) in settings {
            let number = value.trim().parse().unwrap_or(0);
            match *name {
                names::WAL_LEVEL => self.wal_level = u32::from(value.trim() != "minimal"),
                names::MAX_CONNECTIONS => self.max_connections = number,
                names::MAX_WORKER_PROCESSES => self.max_worker_processes = number,
                names::MAX_WAL_SENDERS => self.max_wal_senders = number,
                names::MAX_PREPARED_TRANSACTIONS => self.max_prepared_transactions = number,
                names::MAX_LOCKS_PER_TRANSACTION => self.max_locks_per_transaction = number,
                _ => {}
            }
        }
        self
    }
}

/// A file of a server that was shut down, as that major lays it out; all other fields are 0 that may be.
pub fn made(major: Major, made: &Made) -> Option<Vec<u8>> {
    let (version, catalog, _) = RELEASES.iter().find(|(.., release)| *release == major)?;
    let mut bytes = vec![0; 512];
    bytes[..8].copy_from_slice(&made.system_identifier.to_le_bytes());
    bytes[8..12].copy_from_slice(&version.to_le_bytes());
    bytes[12..16].copy_from_slice(&catalog.to_le_bytes());
    let Parsed { control, places, .. } = parse(&bytes).ok()?;
    let mut put = |at: usize, field: &[u8]| bytes[at..at + field.len()].copy_from_slice(field);
    put(16, &1u32.to_le_bytes());
    put(places.timeline, &made.timeline.to_le_bytes());
    put(places.float, &FLOAT.to_le_bytes());
    put(places.block_size, &8192u32.to_le_bytes());
    put(places.segment_size, &made.wal_segment_size.to_le_bytes());
    put(places.wal_level, &made.wal_level.to_le_bytes());
    let senders = control.max_wal_senders.map(|_| made.max_wal_senders);
    let compared = [Some(made.max_connections), Some(made.max_worker_processes), senders];
    let others = [Some(made.max_prepared_transactions), Some(made.max_locks_per_transaction)];
    for (index, number) in compared.into_iter().chain(others).flatten().enumerate() {
        put(places.max_connections + index * 4, &number.to_le_bytes());
    }
    let checksum = places.checksum(&bytes, &control);
    bytes[places.covered..places.covered + 4].copy_from_slice(&checksum.to_le_bytes());
    Some(bytes)
}

/// The same file with WAL segments of another size, in bytes, as `pg_resetwal` writes it.
///
/// # Errors
/// That it cannot be read.
pub fn with_segments(mut bytes: Vec<u8>, size: u32) -> Result<Vec<u8>, Fault> {
    let Parsed { control, places, .. } = parse(&bytes)?;
    bytes[places.segment_size..places.segment_size + 4].copy_from_slice(&size.to_le_bytes());
    let checksum = places.checksum(&bytes, &control);
    bytes[places.covered..places.covered + 4].copy_from_slice(&checksum.to_le_bytes());
    Ok(bytes)
}

/// What the fields hold, before anything of it is believed.
struct Parsed {
    /// Its state is not yet that of the file.
    control: Control,
    state: u32,
    float: f64,
    places: Places,
    checksum: u32,
}

/// Where some of the fields stand.
struct Places {
    timeline: usize,
    wal_level: usize,
    /// The first of those that a standby compares; the others follow.
    max_connections: usize,
    float: usize,
    block_size: usize,
    segment_size: usize,
    /// The end of what the checksum is over, and its own place.
    covered: usize,
}

impl Places {
    fn checksum(&self, bytes: &[u8], control: &Control) -> u32 {
        let is_before_9_5 = control.control_version == 942 && control.track_commit_timestamp.is_none();
        let sum = if is_before_9_5 { legacy_checksum } else { crc32c };
        sum(&bytes[..self.covered])
    }
}

/// Reads the fields in their order; the checksum comes last.
fn parse(bytes: &[u8]) -> Result<Parsed, Fault> {
    let mut fields = Fields { bytes, at: 0, short: false };
    let system_identifier = fields.long();
    let (version, catalog_version) = (fields.int(), fields.int());
    if fields.short {
        return Err(Fault::TooShort(bytes.len()));
    }
    let layouts = || RELEASES.iter().map(|(layout, ..)| *layout);
    if !layouts().any(|layout| layout == version) {
        let is_swapped = layouts().any(|layout| layout == version.swap_bytes());
        return Err(if is_swapped { Fault::OtherByteOrder } else { Fault::UnknownVersion(version) });
    }
    let release = RELEASES.iter().find(|(layout, catalog, _)| (*layout, *catalog) == (version, catalog_version));
    // What was added with 9.5 without a new number.
    let has_commit_times = version > 942 || catalog_version >= 201_501_011;
    let state = fields.int();
    fields.skip_long(2);
    if version < 1100 {
        // The checkpoint before the last one.
        fields.skip_long(1);
    }
    let timeline_at = (fields.at.next_multiple_of(8) + 8).next_multiple_of(4);
    let timeline = checkpoint(&mut fields, version, has_commit_times);
    // Where unlogged tables and recovery stand.
    fields.skip_long(2);
    fields.skip(1);
    fields.skip_long(2);
    fields.flag();
    let wal_level_at = fields.at.next_multiple_of(4);
    let wal_level = fields.int();
    let wal_log_hints = fields.flag();
    let max_connections_at = fields.at.next_multiple_of(4);
    let max_connections = fields.int();
    let max_worker_processes = fields.int();
    let max_wal_senders = (version >= 1201).then(|| fields.int());
    let max_prepared_transactions = fields.int();
    let max_locks_per_transaction = fields.int();
    let track_commit_timestamp = has_commit_times.then(|| fields.flag());
    // The alignment of tuples.
    fields.skip(1);
    let float_at = fields.at.next_multiple_of(8);
    let float = f64::from_bits(fields.long());
    let block_size_at = fields.at;
    let block_size = fields.int();
    fields.skip(2);
    let segment_size_at = fields.at;
    let wal_segment_size = fields.int();
    fields.skip(4);
    // How values are passed: by value or by reference; up to 9.6 whether times are integers.
    let flags = match version {
        ..1002 => 3,
        1002..1300 => 2,
        _ => 1,
    };
    (0..flags).for_each(|_| _ = fields.flag());
    let data_checksums = fields.int();
    if version >= 1800 {
        // Whether `char` has a sign.
        fields.flag();
    }
    if version >= 1002 {
        // A secret for refusals of passwords.
        fields.at += 32;
    }
    let covered = fields.at.next_multiple_of(4);
    let checksum = fields.int();
    if fields.short {
        return Err(Fault::TooShort(bytes.len()));
    }
    let places = Places {
        timeline: timeline_at,
        wal_level: wal_level_at,
        max_connections: max_connections_at,
        float: float_at,
        block_size: block_size_at,
        segment_size: segment_size_at,
        covered,
    };
    let control = Control {
        control_version: version,
        catalog_version,
        major: release.map(|(_, _, major)| *major),
        system_identifier,
        state: State::StartingUp,
        timeline,
        wal_level,
        max_connections,
        max_worker_processes,
        max_wal_senders,
        max_prepared_transactions,
        max_locks_per_transaction,
        wal_log_hints,
        track_commit_timestamp,
        block_size,
        wal_segment_size,
        data_checksums,
    };
    Ok(Parsed { control, state, float, places, checksum })
}

/// The copy of the last checkpoint; its timeline.
fn checkpoint(fields: &mut Fields, version: u32, has_commit_times: bool) -> u32 {
    fields.skip_long(1);
    let timeline = fields.int();
    // The timeline before, and whether whole pages are written.
    fields.skip(1);
    fields.flag();
    if version >= 1700 {
        // `wal_level` at the checkpoint.
        fields.skip(1);
    }
    // The next transaction: in two halves up to 11, then as one number.
    if version < 1201 {
        fields.skip(2)
    } else {
        fields.skip_long(1)
    }
    // The next object and row lock, the oldest ones and their databases.
    fields.skip(7);
    fields.skip_long(1);
    fields.skip(if has_commit_times { 3 } else { 1 });
    timeline
}

/// Fields one behind the other, each at a multiple of its size, as a C compiler lays them out.
struct Fields<'a> {
    bytes: &'a [u8],
    at: usize,
    /// Whether a field lay beyond the end.
    short: bool,
}

impl Fields<'_> {
    fn take<const SIZE: usize>(&mut self) -> [u8; SIZE] {
        let start = self.at.next_multiple_of(SIZE);
        self.at = start + SIZE;
        let field = self.bytes.get(start..self.at).and_then(|field| field.try_into().ok());
        self.short |= field.is_none();
        field.unwrap_or([0; SIZE])
    }

    fn flag(&mut self) -> bool {
        self.take::<1>() != [0]
    }

    fn int(&mut self) -> u32 {
        u32::from_le_bytes(self.take())
    }

    fn long(&mut self) -> u64 {
        u64::from_le_bytes(self.take())
    }

    fn skip(&mut self, count: usize) {
        (0..count).for_each(|_| _ = self.int());
    }

    fn skip_long(&mut self, count: usize) {
        (0..count).for_each(|_| _ = self.long());
    }
}

/// CRC-32C, from 9.5 on.
fn crc32c(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |sum: u32, byte| table_entry((sum ^ u32::from(*byte)) & 0xff, 0x82f6_3b78) ^ (sum >> 8))
}

/// What 9.4 computes: the table of the usual CRC-32, gone through from the other end.
fn legacy_checksum(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |sum: u32, byte| table_entry((sum >> 24) ^ u32::from(*byte), 0xedb8_8320) ^ (sum << 8))
}

fn table_entry(index: u32, polynomial: u32) -> u32 {
    (0..8).fold(index, |sum, _| (sum >> 1) ^ if sum & 1 == 1 { polynomial } else { 0 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_made_file_is_read() {
        for (_, _, major) in RELEASES {
            let said = Made { system_identifier: 7, timeline: 3, ..Made::default() };
            let said = said.with(&[(names::WAL_LEVEL, "minimal"), (names::MAX_LOCKS_PER_TRANSACTION, "65")]);
            let file = with_segments(made(major, &said).unwrap(), 1 << 20).unwrap();
            let control = crate::model::control::read(&file).unwrap();
            assert_eq!((control.major, control.system_identifier, control.block_size), (Some(major), 7, 8192));
            assert_eq!((control.timeline, control.wal_segment_size), (3, 1 << 20));
            assert_eq!((control.wal_level_word(), control.max_locks_per_transaction), ("minimal", 65));
        }
    }

    #[test]
    fn checksums_are_those_of_the_books() {
        assert_eq!(crc32c(b"123456789"), 0xe306_9283);
        assert_eq!(table_entry(1, 0xedb8_8320), 0x7707_3096);
    }
}
