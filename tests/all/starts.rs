//! Whole starts of real servers, recorded: who does not start has an error, who starts has none.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use pgconflint::catalog::Catalog;
use pgconflint::check::{self, Rules, Subject};
use pgconflint::finding::Severity;
use pgconflint::model::settings::Settings;
use pgconflint::model::{transcript, tree};
use pgconflint::source::{FileKind, Sources};
use pgconflint::version::Major;
use serde_json::Value;

use crate::vectors::{ROOT, files, load, majors, readable, recorded};

/// Why files alone, or the readers that are there so far, do not tell what a start does; then the vectors.
/// Each must be a real exception for at least one of its versions.
const EXCEPTIONS: &[(&str, &[&str])] = &[
    (
        "OpenSSL: what it knows of ciphers and curves",
        &[
            "c-ssl-ciphers@10",
            "c-ssl-ciphers@19",
            "c-ssl-ciphers@9.4",
            "c-ssl-curve2@10",
            "c-ssl-curve2@9.4",
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
        "pg_hba.conf: has no reader yet",
        &[
            "c-hba-bad@10",
            "c-hba-bad@16",
            "c-hba-bad@19",
            "c-hba-bad@9.4",
            "c-hba-comments@10",
            "c-hba-comments@16",
            "c-hba-comments@19",
            "c-hba-comments@9.4",
            "c-hba-empty@10",
            "c-hba-empty@16",
            "c-hba-empty@19",
            "c-hba-empty@9.4",
            "c-hba-missing@10",
            "c-hba-missing@16",
            "c-hba-missing@19",
            "c-hba-missing@9.4",
            "c-oauth-nolib",
            "c-oauth-nolib@19",
            "c-oauth-nolib@9.4",
        ],
    ),
    (
        "pg_hosts.conf of 19: has no reader yet",
        &[
            "x-hosts-cmd-bool-bad@19",
            "x-hosts-dup-case@19",
            "x-hosts-dup-default@19",
            "x-hosts-dup@19",
            "x-hosts-extra@19",
            "x-hosts-include@19",
            "x-hosts-list-default@19",
            "x-hosts-multi-cert@19",
            "x-hosts-one@19",
            "x-hosts-two@19",
            "x-hosts2-ca-list",
            "x-hosts2-cmd-list",
            "x-hosts2-key-list",
        ],
    ),
    ("the disk: directories of sockets", &["c-sockdir-long", "c-sockdir-missing", "x-sockdir-list"]),
    (
        "the disk: files of ssl",
        &[
            "c-ssl-ca-missing",
            "c-ssl-ca-missing@19",
            "c-ssl-ca-missing@9.4",
            "c-ssl-crl-missing",
            "c-ssl-crl-missing@19",
            "c-ssl-crl-missing@9.4",
            "c-ssl-dh-missing",
            "c-ssl-dh-missing@19",
            "c-ssl-nocert",
            "c-ssl-nocert@19",
            "c-ssl-nocert@9.4",
            "c-ssl-perm",
            "c-ssl-perm@9.4",
            "c-ssl-perm@9.6",
            "x-hosts-badcert@19",
            "x-hosts-ca@19",
            "x-hosts2-absent-badcert",
            "x-hosts2-empty-badcert",
        ],
    ),
    ("the disk: libraries of extensions", &["c-preload-missing"]),
    ("the disk: the data directory", &["c-datadir-missing"]),
    ("the disk: the directory of logs", &["c-logdir-bad", "c-logfile-bad"]),
    (
        "the machine: its memory",
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
    ("the machine: names of hosts and groups", &["c-listen-badhost", "c-sockgroup"]),
    ("the recording: its server ran with `-c listen_addresses=`", &["c-sockdir-none2"]),
];

/// What differs between our verdict and a recorded start.
fn difference(vector: &Value, major: Major, rules: &Rules) -> Option<String> {
    let mut memory = files(vector);
    if vector["files"].get("postgresql.conf").is_some_and(Value::is_null) {
        memory.0.remove(b"postgresql.conf".as_slice());
    }
    // A recording names what it changed in a fresh data directory.
    for (name, text) in [("PG_VERSION", format!("{major}\n")), ("pg_hba.conf", "local all all trust\n".to_string())] {
        if vector["files"].get(name).is_none() {
            memory.0.insert(name.into(), text.into_bytes());
        }
    }
    let expect = readable(&vector["expect"]["start"]);
    let main = PathBuf::from(ROOT).join("postgresql.conf");
    let mut sources = Sources::default();
    let wal_segment_size = Some(if vector["settings"]["wal_segment_size"] == "16MB" { 16 << 20 } else { 1 << 20 });
    let subject = Subject { main: main.clone(), with_auto: true, wal_segment_size, ..Subject::default() };
    let catalog = Catalog::shared(recorded(major));
    let findings = check::conf(&memory, &mut sources, &subject, rules, &[catalog]);
    // A standby that cannot stream has started.
    let refuses = |rule: &str| rules.pages().any(|page| page.id == rule && page.server == "refuses");
    let errors: BTreeSet<&str> = findings
        .iter()
        .filter(|finding| finding.severity == Severity::Error && refuses(&finding.rule))
        // A server starts without the maps that it cannot read.
        .filter(|finding| sources.get(finding.place.file).kind != FileKind::Ident)
        .map(|finding| finding.rule.as_ref())
        .collect();
    let told = |what: &str, ours: String| {
        Some(format!(
            "{} {major} {what}: {} {} ours {ours}; server {expect}",
            vector["id"], vector["file"], vector["files"]
        ))
    };
    if errors.is_empty() != (expect["ok"] == true) {
        return told("start", format!("{errors:?}"));
    }
    let mut sources = Sources::default();
    let tree = tree::read(&memory, &mut sources, &main, None, major);
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
fn replay(file: &str) -> (usize, BTreeMap<String, Vec<String>>) {
    let rules = Rules::built_in();
    let (mut asked, mut wrong) = (0, BTreeMap::new());
    for vector in load(file).iter().filter(|vector| vector["kind"] == "start") {
        let majors = majors(vector);
        asked += majors.len();
        let differences: Vec<String> = majors.iter().filter_map(|major| difference(vector, *major, &rules)).collect();
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
    let known = EXCEPTIONS.iter().flat_map(|(_, ids)| ids.iter().copied());
    let stale: Vec<&str> = known.filter(|id| wrong.remove(*id).is_none()).collect();
    let wrong: Vec<String> = wrong.into_values().flatten().collect();
    assert!(wrong.is_empty(), "{} verdicts differ:\n{}", wrong.len(), wrong.join("\n"));
    assert!(stale.is_empty(), "these are no exceptions any more: {stale:?}");
}
