//! Whole starts of real servers, recorded: who does not start has an error, who starts has none.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use pgconflint::catalog::Catalog;
use pgconflint::check::{self, Rules, Subject};
use pgconflint::finding::Severity;
use pgconflint::model::settings::Settings;
use pgconflint::model::{transcript, tree};
use pgconflint::source::{FileKind, Files, ReadError, Sources};
use pgconflint::version::Major;
use serde_json::Value;

use crate::vectors::{Memory, ROOT, bytes, files, load, majors, readable, recorded};

/// Why files alone do not tell what a start does: the reason, the rule that warns of it where one does, the vectors.
/// Each must be a real exception for at least one of its versions, and no error is told of any.
const EXCEPTIONS: &[(&str, Option<&str>, &[&str])] = &[
    (
        "OpenSSL: what the library of a build knows of ciphers and curves",
        None,
        &[
            "c-ssl-ciphers@10",
            "c-ssl-ciphers@19",
            "c-ssl-ciphers@9.4",
            "c-ssl-curve@10",
            "c-ssl-curve@18",
            "c-ssl-curve@19",
            "c-ssl-curve@9.4",
            "c-ssl-groups",
            "c-ssl-groups@19",
            "c-ssl-tls13",
            "c-ssl-tls13@19",
        ],
    ),
    (
        "a directory that is not on this machine may be on that of the server",
        Some("directory-missing"),
        &["c-datadir-missing", "c-logdir-bad", "c-sockdir-missing", "x-sockdir-list"],
    ),
    ("the system: nobody makes files in /proc", None, &["c-logfile-bad"]),
    ("the installation: which libraries lie in it", None, &["c-preload-missing"]),
    (
        "the machine: its memory and its huge pages",
        None,
        &[
            "c-hugepages-on@10",
            "c-hugepages-on@17",
            "c-hugepages-on@19",
            "c-hugepages-on@9.4",
            "c-hugepagesize-bad",
            "c-hugepagesize-bad@19",
            "c-max-locks-big@10",
            "c-max-locks-big@17",
            "c-max-locks-big@19",
            "c-max-locks-big@9.4",
            "c-sharedbuf-big@10",
            "c-sharedbuf-big@17",
            "c-sharedbuf-big@19",
            "c-sharedbuf-big@9.4",
            "x-huge-on@19",
            "x-huge-on@9.4",
        ],
    ),
    ("the network and the accounts: names of hosts and groups", None, &["c-listen-badhost", "c-sockgroup"]),
];

/// The files of a recording, as they lay in a data directory.
struct Recorded {
    files: Memory,
    key_mode: u32,
}

impl Files for Recorded {
    fn read(&self, path: &Path) -> Result<Arc<[u8]>, ReadError> {
        // Beside it there is what every machine has.
        if path == Path::new("/tmp") { Err(ReadError::IsDirectory) } else { self.files.read(path) }
    }

    fn list(&self, directory: &Path) -> Result<Vec<(Vec<u8>, bool)>, ReadError> {
        self.files.list(directory)
    }

    fn mode(&self, path: &Path) -> Option<u32> {
        path.ends_with("server.key").then_some(self.key_mode)
    }
}

impl Recorded {
    /// A recording names what it changed in a fresh data directory.
    fn of(vector: &Value, major: Major) -> Recorded {
        let mut memory = files(vector);
        if vector["files"].get("postgresql.conf").is_some_and(Value::is_null) {
            memory.0.remove(b"postgresql.conf".as_slice());
        }
        let hba = match vector.get("hba") {
            Some(hba) => hba.as_str().map(bytes),
            None => Some(b"local all all trust\n".to_vec()),
        };
        let fresh = [
            ("PG_VERSION", Some(format!("{major}\n").into_bytes())),
            ("global/pg_control", Some(Vec::new())),
            ("pg_hba.conf", hba),
        ];
        for (name, content) in fresh {
            if vector["files"].get(name).is_none() {
                memory.0.extend(content.map(|content| (name.as_bytes().to_vec(), content)));
            }
        }
        for (name, begin) in [("server.crt", "CERTIFICATE"), ("server.key", "PRIVATE KEY")] {
            // The recording tells only that there was a pair.
            let pair = memory.0.get_mut(name.as_bytes()).filter(|bytes| bytes.starts_with(b"(a self-signed pair)"));
            if let Some(bytes) = pair {
                *bytes = format!("-----BEGIN {begin}-----\n").into_bytes();
            }
        }
        // It was started with `-c listen_addresses=` where its files say nothing of that.
        let auto = b"postgresql.auto.conf".to_vec();
        let says = memory.0.values().any(|bytes| memchr::memmem::find(bytes, b"listen_addresses").is_some());
        if !says && memory.0.get(&auto).is_some_and(Vec::is_empty) {
            memory.0.insert(auto, b"listen_addresses = ''\n".to_vec());
        }
        // What the modes of files were is in the names of recordings only.
        let is_open = vector["id"].as_str().is_some_and(|id| id.starts_with("c-ssl-perm"));
        Recorded { files: memory, key_mode: if is_open { 0o644 } else { 0o600 } }
    }
}

/// What differs between a verdict and a start.
struct Difference {
    text: String,
    /// Whether an error was told of a server that starts.
    is_false_error: bool,
    /// The rules that only warned.
    warned: Vec<String>,
}

/// What differs between our verdict and a recorded start.
fn difference(vector: &Value, major: Major, rules: &Rules) -> Option<Difference> {
    let recorded_files = Recorded::of(vector, major);
    let expect = readable(&vector["expect"]["start"]);
    let main = PathBuf::from(ROOT).join("postgresql.conf");
    let mut sources = Sources::default();
    let wal_segment_size = Some(if vector["settings"]["wal_segment_size"] == "16MB" { 16 << 20 } else { 1 << 20 });
    let subject = Subject { main: main.clone(), with_auto: true, wal_segment_size, ..Subject::default() };
    let catalog = Catalog::shared(recorded(major));
    let findings = check::conf(&recorded_files, &mut sources, &subject, rules, &[catalog]);
    // A standby that cannot stream has started.
    let refuses = |rule: &str| rules.pages().any(|page| page.id == rule && page.server == "refuses");
    let errors: BTreeSet<&str> = findings
        .iter()
        .filter(|finding| finding.severity == Severity::Error && refuses(&finding.rule))
        // A server starts without the maps that it cannot read.
        .filter(|finding| sources.get(finding.place.file).kind != FileKind::Ident)
        .map(|finding| finding.rule.as_ref())
        .collect();
    let warnings = findings.iter().filter(|finding| finding.severity == Severity::Warning);
    let warned: Vec<String> = warnings.map(|finding| finding.rule.to_string()).collect();
    let told = |what: &str, ours: String| {
        let (id, file, files) = (&vector["id"], &vector["file"], &vector["files"]);
        let text = format!("{id} {major} {what}: {file} {files} ours {ours}; server {expect}");
        Some(Difference { text, is_false_error: !errors.is_empty() && expect["ok"] == true, warned: warned.clone() })
    };
    if errors.is_empty() != (expect["ok"] == true) {
        return told("start", format!("{errors:?}"));
    }
    let mut sources = Sources::default();
    let tree = tree::read(&files(vector), &mut sources, &main, None, major);
    let settings = Settings::judge(&tree, &sources, catalog);
    let start = transcript::start(&tree, &settings, &sources);
    let log: Vec<&str> = expect["log"].as_array()?.iter().filter_map(Value::as_str).collect();
    let ended_by_reading = log.iter().any(|line| line.starts_with("FATAL:") && line.ends_with("contains errors"));
    if ended_by_reading && start.log != log {
        return told("log", format!("{:?}", start.log));
    }
    None
}

/// Every vector of a file: how many verdicts were asked for, and by vector what differs.
fn replay(file: &str) -> (usize, BTreeMap<String, Vec<Difference>>) {
    let rules = Rules::built_in();
    let (mut asked, mut wrong) = (0, BTreeMap::new());
    for vector in load(file).iter().filter(|vector| vector["kind"] == "start") {
        let majors = majors(vector);
        asked += majors.len();
        let differences: Vec<Difference> =
            majors.iter().filter_map(|major| difference(vector, *major, &rules)).collect();
        if !differences.is_empty() {
            wrong.insert(vector["id"].as_str().unwrap().to_string(), differences);
        }
    }
    (asked, wrong)
}

#[test]
fn verdicts_agree_with_whole_starts() {
    let (asked, mut wrong) = replay("conf.jsonl");
    let (asked_of_old, of_old) = replay("old-conf.jsonl");
    assert!(asked > 700 && asked_of_old > 600, "only {asked} and {asked_of_old} questions");
    for (id, differences) in of_old {
        wrong.entry(id).or_default().extend(differences);
    }
    let mut stale = Vec::new();
    for (reason, rule, ids) in EXCEPTIONS {
        for id in *ids {
            let Some(differences) = wrong.remove(*id) else {
                stale.push(*id);
                continue;
            };
            for difference in differences {
                assert!(!difference.is_false_error, "{reason}, but an error is told: {}", difference.text);
                let is_told = rule.is_none_or(|rule| difference.warned.iter().any(|warned| warned == rule));
                assert!(is_told, "{rule:?} does not warn: {}", difference.text);
            }
        }
    }
    let wrong: Vec<String> = wrong.into_values().flatten().map(|difference| difference.text).collect();
    assert!(wrong.is_empty(), "{} verdicts differ:\n{}", wrong.len(), wrong.join("\n"));
    assert!(stale.is_empty(), "these are no exceptions any more: {stale:?}");
}
