//! Recoveries of real servers, recorded: recovery.conf up to 11, signal files from 12 on.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use pgconflint::catalog::Catalog;
use pgconflint::check::{self, Before, Node, Rules};
use pgconflint::files;
use pgconflint::model::recovery::signals::{self, Mode, Signals};
use pgconflint::model::recovery::{self, End};
use pgconflint::model::settings::Settings;
use pgconflint::model::{transcript, tree};
use pgconflint::source::{FileKind, Files, Sources};
use pgconflint::version::{Major, Targets};
use serde_json::{Value, json};

use crate::vectors::{self, ROOT, base64, bytes, load, majors, readable, recorded};

/// Vectors that do not hold all that the server saw, and why. Each must be a real exception.
const EXCEPTIONS: &[(&str, &[&str])] = &[("the mode of the file, which is not recorded", &["r-perm"])];

/// Whether a line of a log depends on files alone: not on what a command does, nor on who answers a connection.
fn is_of_files(line: &str) -> bool {
    const LEVELS: [&str; 7] = ["LOG", "WARNING", "FATAL", "DETAIL", "HINT", "ERROR", "CONTEXT"];
    // What has no level was written by a command.
    let Some((level, message)) = line.split_once(":  ") else { return false };
    LEVELS.contains(&level)
        && !ends_by_command(line)
        && !message.contains("child process exited")
        && !message.contains("could not connect to the primary server")
        && !message.starts_with("invalid connection string syntax")
}

/// Whether the line says that a command put an end to the server.
fn ends_by_command(line: &str) -> bool {
    line.starts_with("FATAL:  could not restore file") && line.contains("from archive")
}

fn expected_log(expect: &Value) -> Vec<&str> {
    expect["log"].as_array().unwrap().iter().filter_map(Value::as_str).filter(|line| is_of_files(line)).collect()
}

/// Answers as (what, ours, the server's).
type Answers = Vec<(&'static str, Value, Value)>;

fn of_recovery_conf(vector: &Value, major: Major) -> Answers {
    let expect = readable(&vector["expect"]);
    let mut memory = vectors::files(vector);
    let main = match vector["file_b64"].as_str() {
        Some(encoded) => base64(encoded),
        None => bytes(vector["file"].as_str().unwrap()),
    };
    let settings = vector["settings"].as_str().unwrap_or_default().to_string();
    let conf = vector["postgresql.conf"].as_str().unwrap_or_default();
    memory.0.insert(b"postgresql.conf".to_vec(), bytes(&(settings + conf)));
    memory.0.insert(b"recovery.conf".to_vec(), main);
    let catalog = Catalog::shared(recorded(major));
    let mut sources = Sources::default();
    let tree = tree::read(&memory, &mut sources, &PathBuf::from(ROOT).join("postgresql.conf"), None, major);
    let settings = Settings::judge(&tree, &sources, catalog);
    let path = PathBuf::from(ROOT).join("recovery.conf");
    let recovery = recovery::read(&memory, &mut sources, &path, major, &settings.zone);
    let start = recovery::start(&recovery, &sources, &|file| memory.read(&history(file)).is_ok());

    let mut answers: Answers = Vec::new();
    if let Some(theirs) = expect["parsed"].as_object() {
        let ours: BTreeMap<&str, Option<String>> = start.read.iter().cloned().collect();
        answers.push((
            "names",
            json!(ours.keys().collect::<Vec<_>>()),
            json!(theirs.keys().collect::<std::collections::BTreeSet<_>>()),
        ));
        for (name, ours) in &ours {
            // The recording holds the first line of a value.
            if let Some(ours) = ours.as_ref().and_then(|ours| ours.lines().next()) {
                answers.push(("value", json!(ours), expect["parsed"][name].clone()));
            }
        }
    }
    answers.push(("log", json!(start.log), json!(expected_log(&expect))));
    if !expect["log"].as_array().unwrap().iter().filter_map(Value::as_str).any(ends_by_command) {
        let after = match start.end {
            End::Refuses => Value::Null,
            End::Waits => json!({"recovery.conf": true, "recovery.done": false}),
            End::Opens => json!({"recovery.conf": false, "recovery.done": true}),
        };
        answers.push(("ok", json!(start.ok), expect["ok"].clone()));
        answers.push(("after", after, expect["after"].clone()));
    }
    answers
}

fn history(file: &str) -> PathBuf {
    Path::new(ROOT).join("pg_wal").join(file)
}

fn of_signals(vector: &Value, major: Major) -> Answers {
    let expect = readable(&vector["expect"]);
    let memory = vectors::files(vector);
    let catalog = Catalog::shared(recorded(major));
    let mut sources = Sources::default();
    let tree = tree::read(&memory, &mut sources, &PathBuf::from(ROOT).join("postgresql.conf"), None, major);
    let settings = Settings::judge(&tree, &sources, catalog);
    let reading = transcript::start(&tree, &settings, &sources);
    let signals = signals::signals(&memory, Path::new(ROOT));
    let (mut ok, mut log, mut mode, mut left) = (reading.ok, reading.log, Mode::Primary, signals);
    let mut promoted = false;
    if ok {
        let begin = signals::begin(&settings, signals, &|file| memory.read(&history(file)).is_ok());
        log.extend(begin.log.iter().cloned());
        ok = begin.refusal.is_none();
        if ok {
            mode = begin.mode;
        }
        if ok && mode == Mode::Archive {
            let (opens, message) = signals::end_of_empty_archive(&begin, major);
            log.extend(message.map(|message| format!("FATAL:  {}", message.text)));
            (ok, promoted) = (opens, opens);
            left = if opens { Signals { recovery: false, ..signals } } else { signals };
        }
    }
    let mut answers: Answers = vec![("log", json!(log), json!(expected_log(&expect)))];
    if !expect["log"].as_array().unwrap().iter().filter_map(Value::as_str).any(ends_by_command) {
        let mode = match mode {
            Mode::Primary => "none",
            Mode::Standby => "standby",
            Mode::Archive => "archive",
        };
        answers.push(("ok", json!(ok), expect["ok"].clone()));
        answers.push(("mode", json!(mode), expect["mode"].clone()));
        answers.push(("promoted", json!(promoted), expect["promoted"].clone()));
        let left = json!({"recovery.signal": left.recovery, "standby.signal": left.standby});
        answers.push(("left", left, expect["signals_left"].clone()));
    }
    answers
}

#[test]
fn recoveries_agree_with_recorded_ones() {
    let (mut asked, mut wrong) = (0, BTreeMap::<String, Vec<String>>::new());
    for vector in ["recovery.jsonl", "old-recovery.jsonl"].iter().flat_map(|file| load(file)) {
        for major in majors(&vector) {
            asked += 1;
            let answers = match vector["kind"].as_str().unwrap() {
                "recovery.conf" => of_recovery_conf(&vector, major),
                _ => of_signals(&vector, major),
            };
            let differs = answers.into_iter().filter(|(_, ours, theirs)| ours != theirs);
            for (what, ours, theirs) in differs {
                let text = format!(
                    "{} {major} {what}: {}\n   ours   {ours}\n   server {theirs}",
                    vector["id"], vector["file"]
                );
                wrong.entry(vector["id"].as_str().unwrap().to_string()).or_default().push(text);
            }
        }
    }
    assert!(asked > 1800, "only {asked} questions");
    let known = EXCEPTIONS.iter().flat_map(|(_, ids)| ids.iter().copied());
    let stale: Vec<&str> = known.filter(|id| wrong.remove(*id).is_none()).collect();
    let wrong: Vec<String> = wrong.into_values().flatten().collect();
    assert!(wrong.is_empty(), "{} of {asked} differ:\n{}", wrong.len(), wrong.join("\n"));
    assert!(stale.is_empty(), "these are no exceptions any more: {stale:?}");
}

/// `FILE:LINE severity rule, first..last version` of a node's findings.
fn found(files: &[(&str, &str)], path: &str, file: Option<FileKind>, targets: &str) -> Vec<String> {
    let files = files.iter().fold(files::Memory::default(), |all, (name, text)| all.with(name, text.as_bytes()));
    let targets = if targets.is_empty() { Targets::all() } else { targets.parse().unwrap() };
    let node = Node {
        path: PathBuf::from(path),
        file,
        data_dir: None,
        data_is_here: false,
        targets,
        role: None,
        wal_segment_size: None,
        before: Before::default(),
    };
    let outcome = check::node(&files, &node, &Rules::built_in(), &|_| true);
    assert!(outcome.errors.is_empty(), "{:?}", outcome.errors);
    let told = outcome.findings.iter().map(|finding| {
        let source = outcome.sources.get(finding.place.file);
        let (first, last) = (finding.pg[0], finding.pg[finding.pg.len() - 1]);
        let line = source.line(finding.place.span.start);
        format!("{}:{line} {} {}, {first}..{last}", source.path.display(), finding.severity.word(), finding.rule)
    });
    told.collect()
}

#[test]
fn a_lone_recovery_conf_is_for_the_versions_that_read_it() {
    let files = [
        ("db/recovery.conf", "include 'more.conf'\nSTANDBY_MODE = on\n"),
        ("db/more.conf", "nosuch = 1\n"),
        ("db/postgresql.conf", "nosuch = 1\n"),
    ];
    let lone = |targets| found(&files, "db/recovery.conf", Some(FileKind::Recovery), targets);
    assert_eq!(lone(""), ["db/recovery.conf:2 error unknown-recovery-parameter, 9.4..11"]);
    assert_eq!(lone("11"), ["db/recovery.conf:2 error unknown-recovery-parameter, 11..11"]);
    assert_eq!(lone("14"), ["db/recovery.conf:1 error recovery-conf-present, 14..14"]);
}

#[test]
fn a_node_has_the_recovery_conf_of_its_data_directory() {
    let files = [
        ("etc/postgresql.conf", "data_directory = '/data'\n"),
        ("etc/recovery.conf", "nosuch = 1\n"),
        ("/data/PG_VERSION", "11\n"),
        (
            "/data/recovery.conf",
            "standby_mode = on\nrestore_command = '/bin/false'\nrecovery_target_timeline = latest\n",
        ),
    ];
    assert_eq!(found(&files, "etc", None, "11"), Vec::<String>::new());
    let beside = found(&files[..3], "etc", None, "11");
    assert_eq!(
        beside,
        [
            "etc/recovery.conf:1 warning recovery-conf-misplaced, 11..11",
            "etc/recovery.conf:1 error unknown-recovery-parameter, 11..11"
        ]
    );
    let upgraded = found(&files, "etc", None, "12");
    assert_eq!(
        upgraded,
        [
            "etc/postgresql.conf:1 info data-directory-version, 12..12",
            "/data/recovery.conf:1 error recovery-conf-present, 12..12"
        ]
    );
}
