//! Whole starts of real servers, recorded: who does not start has an error, who starts has none.

use std::collections::BTreeSet;
use std::path::PathBuf;

use pgconflint::catalog::Catalog;
use pgconflint::check::{self, Rules, Subject};
use pgconflint::finding::Severity;
use pgconflint::model::settings::Settings;
use pgconflint::model::{transcript, tree};
use pgconflint::source::Sources;
use pgconflint::version::Major;
use serde_json::Value;

use crate::vectors::{ROOT, files, load, majors, readable, recorded};

/// Why files alone, or the readers that are there so far, do not tell what a start does; then the vectors.
/// Each must be a real exception for at least one of its versions.
const EXCEPTIONS: &[(&str, &[&str])] = &[];

/// What differs between our verdict and a recorded start.
fn difference(vector: &Value, major: Major, rules: &Rules) -> Option<String> {
    let mut memory = files(vector);
    if vector["files"].get("postgresql.conf").is_some_and(Value::is_null) {
        memory.0.remove(b"postgresql.conf".as_slice());
    }
    let expect = readable(&vector["expect"]["start"]);
    let main = PathBuf::from(ROOT).join("postgresql.conf");
    let mut sources = Sources::default();
    let subject = Subject { main: main.clone(), data_directory: None, with_auto: true, role: None };
    let catalog = Catalog::shared(recorded(major));
    let findings = check::conf(&memory, &mut sources, &subject, rules, &[catalog]);
    let errors: BTreeSet<&str> = findings
        .iter()
        .filter(|finding| finding.severity == Severity::Error)
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

fn replay(file: &str, least: usize) -> BTreeSet<String> {
    let rules = Rules::built_in();
    let known: BTreeSet<&str> = EXCEPTIONS.iter().flat_map(|(_, ids)| ids.iter().copied()).collect();
    let (mut asked, mut wrong, mut used) = (0, Vec::new(), BTreeSet::new());
    for vector in load(file).iter().filter(|vector| vector["kind"] == "start") {
        let id = vector["id"].as_str().unwrap();
        for major in majors(vector) {
            asked += 1;
            let Some(difference) = difference(vector, major, &rules) else { continue };
            if known.contains(id) {
                used.insert(id.to_string());
            } else {
                wrong.push(difference);
            }
        }
    }
    assert!(asked >= least, "only {asked} questions in {file}");
    std::fs::write(std::env::temp_dir().join(format!("{file}.starts")), wrong.join("\n")).unwrap();
    let first: Vec<_> = wrong.iter().take(30).cloned().collect();
    assert!(wrong.is_empty(), "{} of {asked} verdicts differ; the first:\n{}", wrong.len(), first.join("\n"));
    used
}

#[test]
fn verdicts_agree_with_whole_starts() {
    let mut used = replay("conf.jsonl", 700);
    used.extend(replay("old-conf.jsonl", 600));
    let stale: Vec<&str> =
        EXCEPTIONS.iter().flat_map(|(_, ids)| ids.iter().copied()).filter(|id| !used.contains(*id)).collect();
    assert!(stale.is_empty(), "these are no exceptions any more: {stale:?}");
}
