//! `global/pg_control` as it is read here, and what its server says of itself. `PGCONFLINT_RECORD=1`, with real
//! servers, keeps the first 512 bytes and the answers in testdata/servers/control.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use pgconflint::check::{self, Before, Node, Rules};
use pgconflint::files::Memory;
use pgconflint::model::control::{self, Control, Fault, State};
use pgconflint::version::{Major, PgVersion, Role, Targets};
use pgconflint_servers::server::start_each;
use pgconflint_servers::{Server, install, template};

use crate::proof;

/// Bytes that are kept of a file: the fields and their checksum lie within one sector of a disk.
const KEPT: usize = 512;

/// What is asked, and what answers: the name in the file's answers and the query.
const QUESTIONS: [(&str, &str); 16] = [
    ("control_version", "select pg_control_version from pg_control_system()"),
    ("catalog_version", "select catalog_version_no from pg_control_system()"),
    ("system_identifier", "select system_identifier from pg_control_system()"),
    ("timeline", "select timeline_id from pg_control_checkpoint()"),
    ("block_size", "select database_block_size from pg_control_init()"),
    ("wal_segment_size", "select bytes_per_wal_segment from pg_control_init()"),
    ("data_checksums", "select data_page_checksum_version from pg_control_init()"),
    ("wal_level", "show wal_level"),
    ("max_connections", "show max_connections"),
    ("max_worker_processes", "show max_worker_processes"),
    ("max_wal_senders", "show max_wal_senders"),
    ("max_prepared_transactions", "show max_prepared_transactions"),
    ("max_locks_per_transaction", "show max_locks_per_transaction"),
    ("wal_log_hints", "show wal_log_hints"),
    ("track_commit_timestamp", "show track_commit_timestamp"),
    ("major", "select current_setting('server_version_num')::int / 10000"),
];

fn kept() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/servers/control")
}

/// What was read, by the same names.
fn read(control: &Control) -> BTreeMap<&'static str, String> {
    let word = |flag: bool| if flag { "on" } else { "off" }.to_string();
    let mut read = BTreeMap::from([
        ("control_version", control.control_version.to_string()),
        ("catalog_version", control.catalog_version.to_string()),
        ("system_identifier", control.system_identifier.to_string()),
        ("timeline", control.timeline.to_string()),
        ("block_size", control.block_size.to_string()),
        ("wal_segment_size", control.wal_segment_size.to_string()),
        ("data_checksums", control.data_checksums.to_string()),
        ("wal_level", control.wal_level_word().to_string()),
        ("max_connections", control.max_connections.to_string()),
        ("max_worker_processes", control.max_worker_processes.to_string()),
        ("max_prepared_transactions", control.max_prepared_transactions.to_string()),
        ("max_locks_per_transaction", control.max_locks_per_transaction.to_string()),
        ("wal_log_hints", word(control.wal_log_hints)),
    ]);
    read.extend(control.max_wal_senders.map(|senders| ("max_wal_senders", senders.to_string())));
    read.extend(control.track_commit_timestamp.map(|track| ("track_commit_timestamp", word(track))));
    read.extend(control.major.map(|major| ("major", major.to_string())));
    read
}

/// What differs between the bytes and the answers; of what a version does not keep nothing is compared.
fn differences(bytes: &[u8], answers: &BTreeMap<String, String>) -> Vec<String> {
    let control = match control::read(bytes) {
        Ok(control) => control,
        Err(fault) => return vec![fault.to_string()],
    };
    let read = read(&control);
    let missing = QUESTIONS.iter().filter(|(name, _)| {
        let since_12 = *name == "max_wal_senders";
        !(read.contains_key(name) || since_12 && control.control_version < 1201)
    });
    let mut wrong: Vec<String> = missing.map(|(name, _)| format!("{name} is missing")).collect();
    for (name, value) in &read {
        let answer = answers.get(*name).map_or("", String::as_str);
        if answer != value {
            wrong.push(format!("{name}: {value} in the file, {answer} by the server"));
        }
    }
    wrong
}

/// Values that no version has by default.
fn start(major: u16) -> Server {
    let numbers = [
        ("max_connections", 40 + major),
        ("max_worker_processes", 11 + major),
        ("max_wal_senders", 3 + major),
        ("max_prepared_transactions", 5 + major),
        ("max_locks_per_transaction", 70 + major),
    ];
    let mut settings: Vec<String> = numbers.iter().map(|(name, value)| format!("{name}={value}")).collect();
    settings.push(format!("wal_level={}", if major.is_multiple_of(2) { "logical" } else { "replica" }));
    settings.extend(["wal_log_hints=on", "track_commit_timestamp=on"].map(str::to_string));
    Server::start_set(major, &settings).unwrap()
}

fn ask(server: &Server) -> BTreeMap<String, String> {
    let answer = |query: &str| {
        let answer = server.query(query).unwrap();
        assert!(answer.error.is_none(), "{query}: {:?}", answer.error);
        String::from_utf8(answer.rows[0][0].clone().unwrap()).unwrap()
    };
    QUESTIONS.iter().map(|(name, query)| ((*name).to_string(), answer(query))).collect()
}

#[test]
fn a_running_server_says_the_same() {
    if !proof::wanted("pg_control of running servers") {
        return;
    }
    let majors: Vec<u16> = install::majors().into_iter().collect();
    let mut table = format!("major\t{}\n", QUESTIONS.map(|(name, _)| name).join("\t"));
    for server in start_each(&majors, &|major| Ok(start(major))).unwrap() {
        let (major, answers) = (server.major, ask(&server));
        let bytes = fs::read(server.data().join("global/pg_control")).unwrap();
        assert_eq!(differences(&bytes, &answers), Vec::<String>::new(), "{major}");
        assert_eq!(control::read(&bytes).unwrap().state, State::InProduction);
        let stopped = fs::read(template::template(major, template::SEGMENT).unwrap().join("global/pg_control"));
        assert_eq!(control::read(&stopped.unwrap()).unwrap().state, State::ShutDown);
        if std::env::var_os("PGCONFLINT_RECORD").is_some() {
            fs::create_dir_all(kept()).unwrap();
            let lines = bytes[..KEPT].chunks(32).map(|line| {
                line.iter().fold(String::new(), |mut hex, byte| {
                    let _ = write!(hex, "{byte:02x}");
                    hex
                }) + "\n"
            });
            fs::write(kept().join(format!("{major}.hex")), lines.collect::<String>()).unwrap();
            let values: Vec<&str> = QUESTIONS.iter().map(|(name, _)| answers[*name].as_str()).collect();
            let _ = writeln!(table, "{major}\t{}", values.join("\t"));
        }
    }
    if std::env::var_os("PGCONFLINT_RECORD").is_some() {
        fs::write(kept().join("answers.tsv"), table).unwrap();
    }
}

/// The recordings: each major's bytes and answers.
fn recorded() -> Vec<(u16, Vec<u8>, BTreeMap<String, String>)> {
    let table = fs::read_to_string(kept().join("answers.tsv")).unwrap();
    let mut lines = table.lines();
    let names: Vec<&str> = lines.next().unwrap().split('\t').collect();
    let recorded = lines.map(|line| {
        let answers: BTreeMap<String, String> =
            names.iter().map(|name| (*name).to_string()).zip(line.split('\t').map(str::to_string)).skip(1).collect();
        let major = line.split('\t').next().unwrap().parse().unwrap();
        let hex = fs::read_to_string(kept().join(format!("{major}.hex"))).unwrap().replace('\n', "");
        let byte = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
        (major, (0..hex.len()).step_by(2).map(byte).collect(), answers)
    });
    recorded.collect()
}

#[test]
fn recorded_files_say_what_their_servers_said() {
    let recorded = recorded();
    assert_eq!(recorded.len(), 9);
    for (major, bytes, answers) in recorded {
        assert_eq!(differences(&bytes, &answers), Vec::<String>::new(), "{major}");
        assert_eq!(control::read(&bytes).unwrap().major, Some(Major(major * 100)));
    }
}

#[test]
fn every_broken_file_is_told() {
    for (major, bytes, _) in recorded() {
        let broken = |at: usize| {
            let mut bytes = bytes.clone();
            bytes[at] ^= 1;
            control::read(&bytes)
        };
        assert_eq!(broken(0), Err(Fault::WrongChecksum), "{major}");
        assert_eq!(broken(150), Err(Fault::WrongChecksum), "{major}");
        assert!(matches!(broken(8), Err(Fault::UnknownVersion(_))), "{major}");
        for length in [0, 8, 15, 16, 100, 200] {
            assert_eq!(control::read(&bytes[..length]), Err(Fault::TooShort(length)), "{major}");
        }
        let mut swapped = bytes.clone();
        swapped[8..12].reverse();
        assert_eq!(control::read(&swapped), Err(Fault::OtherByteOrder), "{major}");
        // Nothing in front of the checksum goes unnoticed.
        let length = (16..KEPT).filter(|at| broken(*at).is_err()).count();
        assert!((200..320).contains(&length), "{major}: {length}");
    }
}

/// What is found in a node of that major with these settings, with a recorded pg_control or without one.
fn found(text: &str, major: u16, has_control: bool, wal_segment_size: Option<u64>) -> Vec<String> {
    let mut files = Memory::default().with("db/postgresql.conf", text.as_bytes());
    if has_control {
        let recorded = recorded().into_iter().find(|(of, ..)| *of == major).unwrap();
        files = files.with("db/global/pg_control", &recorded.1);
    }
    let targets = Targets::one(PgVersion::newest(Major(major * 100))).unwrap();
    let role = Some(Role::Primary);
    let node = Node {
        path: "db".into(),
        file: None,
        data_dir: None,
        data_is_here: false,
        targets,
        role,
        wal_segment_size,
        before: Before::default(),
    };
    let outcome = check::node(&files, &node, &Rules::built_in(), &|_| true);
    outcome.findings.iter().map(|finding| format!("{}: {}", finding.rule, finding.message)).collect()
}

#[test]
fn a_segment_is_as_large_as_the_data_directory_says() {
    let sizes = |text: &str, has_control, given| {
        let found = found(text, 16, has_control, given).into_iter();
        found.filter(|message| message.starts_with("wal-size-below-two-segments")).collect::<Vec<_>>().join("\n")
    };
    assert_eq!(sizes("min_wal_size = 2MB\n", true, Some(64 << 20)), "");
    let told = sizes("min_wal_size = 2MB\n", false, None);
    assert!(told.ends_with("must each hold two WAL segments of 16MB (assumed)"), "{told}");
    let told = sizes("min_wal_size = 100MB\n", false, Some(64 << 20));
    assert!(told.ends_with("must each hold two WAL segments of 64MB"), "{told}");
    assert_eq!(sizes("min_wal_size = 100MB\n", false, None), "");
}

#[test]
fn checksums_are_those_of_the_data_directory() {
    let tells = |major, has_control| {
        found("listen_addresses = '*'\n", major, has_control, None).iter().any(|told| told.starts_with("rewind-"))
    };
    // initdb of 18 turned them on, that of 17 did not.
    assert_eq!([tells(17, true), tells(17, false), tells(18, true), tells(18, false)], [true, true, false, false]);
}
