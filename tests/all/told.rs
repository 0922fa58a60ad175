//! Of every recorded pg_hba.conf and pg_ident.conf: each line that the server refuses is told once, and what it takes
//! is no error.

use std::path::PathBuf;

use pgconflint::catalog::Catalog;
use pgconflint::check::{Rules, Subject, conf};
use pgconflint::finding::{Finding, Severity};
use pgconflint::model::hba::{self, Build, Surroundings};
use pgconflint::model::ident;
use pgconflint::model::settings::Settings;
use pgconflint::model::tree;
use pgconflint::source::{FileKind, Sources};
use pgconflint::version::{Major, PgVersion};
use serde_json::Value;

use crate::access::{files, majors};
use crate::vectors::{Memory, load};

/// What is found in a vector's file, read for itself.
fn findings(files: &Memory, kind: FileKind, name: &str, major: Major, rules: &Rules) -> (Sources, Vec<Finding>) {
    let path = |name: &str| PathBuf::from("$PGDATA").join(name);
    let lone = Some((kind, path(name)));
    let subject = Subject { main: path("postgresql.conf"), with_auto: true, lone, ..Subject::default() };
    let mut sources = Sources::default();
    let catalog = Catalog::shared(PgVersion::newest(major));
    let found = conf(files, &mut sources, &subject, rules, &[catalog]);
    let found = found.into_iter().filter(|finding| sources.get(finding.place.file).kind == kind).collect();
    (sources, found)
}

/// How many lines findings of refusals speak of.
fn refusals(found: &[Finding], rules: &Rules) -> usize {
    let is_refusal = |finding: &&Finding| {
        rules.pages().any(|page| page.id == finding.rule && page.server == "refuses") && finding.server.is_some()
    };
    // The halves of a line that is broken are told as one.
    let lines =
        |finding: &Finding| if finding.rule == "hba-continuation-before-14" { 1 + finding.related.len() } else { 1 };
    found.iter().filter(is_refusal).map(lines).sum()
}

/// How many lines a server refuses, one for a file that it refuses as a whole; and whether it takes the file.
fn refused(files: &Memory, kind: FileKind, name: &str, major: Major) -> (usize, bool) {
    let path = PathBuf::from("$PGDATA").join(name);
    let mut sources = Sources::default();
    let tree = tree::read(files, &mut sources, &path.with_file_name("postgresql.conf"), None, major);
    let settings = Settings::judge(&tree, &sources, Catalog::shared(PgVersion::newest(major)));
    let setting = |name: &str| settings.value(name).map(|value| value.plain());
    if kind == FileKind::Ident {
        let ident = ident::read(files, &mut sources, &path, major);
        let lines = ident.lines.iter().filter(|line| line.verdict.is_err()).count();
        return (lines + usize::from(ident.ending.is_some()), ident.is_accepted());
    }
    let around =
        Surroundings { major, build: Build::PACKAGES, setting: &setting, resolve: &|_| None, interface: &|_| true };
    let hba = hba::read(files, &mut sources, &path, &around);
    let lines = hba.lines.iter().filter(|line| line.verdict.is_err()).count();
    (lines + usize::from(hba.ending.is_some()), hba.is_accepted())
}

fn told(file: &str, kind: FileKind, name: &str) {
    let rules = Rules::built_in();
    let (mut asked, mut wrong) = (0, Vec::new());
    let is_read = |vector: &&Value| vector["kind"] == "rules" || vector["kind"] == "read";
    for vector in load(file).iter().filter(is_read) {
        for major in majors(vector) {
            asked += 1;
            let files = files(vector, name);
            let (_, found) = findings(&files, kind, name, major, &rules);
            let (lines, is_accepted) = refused(&files, kind, name, major);
            let said = refusals(&found, &rules);
            // An empty pg_hba.conf has no line to refuse, and is told too.
            let is_error = found.iter().any(|finding| finding.severity == Severity::Error);
            let by_build = found.iter().any(|finding| finding.rule == "hba-method-not-built");
            if said != lines || is_error == is_accepted && !by_build {
                let rules: Vec<&str> = found.iter().map(|finding| finding.rule.as_ref()).collect();
                wrong.push(format!(
                    "{} {major}: {lines} lines are refused, {said} are told; accepted: {is_accepted}; {rules:?}",
                    vector["id"]
                ));
            }
        }
    }
    assert!(asked > 400, "only {asked} files");
    assert!(wrong.is_empty(), "{} of {asked}:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn refused_lines_of_pg_hba_are_told_once() {
    told("hba.jsonl", FileKind::Hba, "pg_hba.conf");
    told("old-hba.jsonl", FileKind::Hba, "pg_hba.conf");
}

#[test]
fn refused_lines_of_pg_ident_are_told_once() {
    told("ident.jsonl", FileKind::Ident, "pg_ident.conf");
}

fn memory(all: &[(&str, &str)]) -> Memory {
    Memory(all.iter().map(|(name, text)| (name.as_bytes().to_vec(), text.as_bytes().to_vec())).collect())
}

/// `LINE severity rule` of a pg_hba.conf for 16, with how many more places each finding names.
fn shown(all: &[(&str, &str)]) -> Vec<String> {
    let rules = Rules::built_in();
    let (sources, found) = findings(&memory(all), FileKind::Hba, "pg_hba.conf", Major::V16, &rules);
    let line = |finding: &Finding| sources.get(finding.place.file).line(finding.place.span.start);
    let told = |finding: &Finding| {
        format!("{} {} {} {}", line(finding), finding.severity.word(), finding.rule, finding.related.len())
    };
    found.iter().map(told).collect()
}

#[test]
fn one_fault_on_many_lines_is_one_finding() {
    let lines: String =
        (0..500).map(|number| format!("host db{number} app 10.0.{}.0/24 trust\n", number % 250)).collect();
    assert_eq!(shown(&[("pg_hba.conf", &format!("local all all peer\n{lines}"))]), ["2 warning hba-trust-network 12"]);
}

#[test]
fn replication_is_missed_louder_where_standbys_are_meant() {
    let hba = ("pg_hba.conf", "local all all peer\nhost all all 10.0.0.0/24 scram-sha-256\n");
    assert_eq!(shown(&[hba]), ["2 info hba-all-without-replication 0"]);
    assert_eq!(shown(&[hba, ("postgresql.conf", "max_wal_senders = 0\n")]), ["2 info hba-all-without-replication 0"]);
    let sender = ("postgresql.conf", "max_wal_senders = 5\n");
    assert_eq!(shown(&[hba, sender]), ["2 warning hba-all-without-replication 0"]);
}

#[test]
fn settings_that_nobody_showed_are_not_the_defaults() {
    let hba = ("pg_hba.conf", "local all all peer\nhostssl replication app 10.0.0.0/24 scram-sha-256\n");
    assert_eq!(shown(&[hba]), [""; 0]);
    assert_eq!(shown(&[hba, ("postgresql.conf", "")]), ["2 warning hba-hostssl-without-ssl 0"]);
    // Nor for a version after the first one.
    let path = |name: &str| PathBuf::from("$PGDATA").join(name);
    let lone = Some((FileKind::Hba, path("pg_hba.conf")));
    let subject = Subject { main: path("postgresql.conf"), with_auto: true, lone, ..Subject::default() };
    let catalogs = [Major::V11, Major::V12, Major::V16].map(|major| Catalog::shared(PgVersion::newest(major)));
    let found = conf(&memory(&[hba]), &mut Sources::default(), &subject, &Rules::built_in(), &catalogs);
    assert!(found.is_empty(), "{found:?}");
}

#[test]
fn no_secret_of_a_line_is_shown() {
    let node = tempfile::tempdir().unwrap();
    let secret = "Xq7swordfish";
    let lines = [
        format!("host all all 10.0.0.0/24 ldap ldapserver=a ldapbasedn=b ldapbindpasswd={secret}"),
        format!("host all all 10.0.1.0/24 ldap ldapserver=a ldapbasedn=b ldapbindpasswd=two {secret}"),
        format!("host all all 10.0.2.0/24 ldap \"ldapbindpasswd=two {secret}\" nosuch=1"),
        format!("host all all 10.0.3.0/24 radius radiusservers=127.0.0.1 radiussecrets=\"a,{secret}\""),
        format!("host all all 10.0.4.0/24 md5 ldapbindpasswd={secret}"),
        format!("host all all 10.0.5.0/24 LDAP ldapbindpasswd=\"{secret}\""),
    ];
    std::fs::write(node.path().join("pg_hba.conf"), lines.join("\n") + "\n").unwrap();
    for format in ["text", "json", "concise", "json-lines"] {
        for pg in ["10", "16", "9.4..19"] {
            let mut command = std::process::Command::new(insta_cmd::get_cargo_bin("pgconflint"));
            let output = command.args(["check", "--pg", pg, "--format", format]).arg(node.path()).output().unwrap();
            let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
            assert!(text.contains("hba-"), "{format} {pg}: {text}");
            assert!(!text.contains(secret), "{format} {pg}: {text}");
        }
    }
}
