//! The fragments of guides in `testdata/guides`: what each major makes of them, by us and by real servers.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use pgconflint::catalog::Catalog;
use pgconflint::check::{Rules, Standing, Subject, conf};
use pgconflint::model::hba::{self, Build, Surroundings};
use pgconflint::model::recovery::{self, signals};
use pgconflint::model::settings::Settings;
use pgconflint::model::{transcript, tree};
use pgconflint::source::Sources;
use pgconflint::version::{Major, PgVersion, Role, Targets};
use pgconflint_servers::{FileSet, Outcome, install, start_check, whole_start};
use serde::Deserialize;

use crate::vectors::Memory;

/// `expected.toml`
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    role: Option<String>,
    verdict: Vec<Verdict>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Verdict {
    pg: String,
    server: Server,
    /// `LINE RULE`
    findings: Vec<String>,
    /// What the server logs, its last word excepted.
    #[serde(default)]
    says: Vec<String>,
}

#[derive(Deserialize, PartialEq, Eq, Clone, Copy, Debug)]
#[serde(rename_all = "lowercase")]
enum Server {
    Starts,
    Refuses,
}

struct Fragment {
    name: String,
    /// postgresql.conf, recovery.conf or pg_hba.conf
    file: &'static str,
    bytes: Vec<u8>,
    expected: Expected,
}

fn fragments() -> Vec<Fragment> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/guides");
    let entries = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    let mut directories: Vec<PathBuf> = entries.filter(|path| path.is_dir()).collect();
    directories.sort();
    let fragment = |path: PathBuf| {
        let text = fs::read_to_string(path.join("expected.toml")).unwrap();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let expected = toml::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
        let file = ["postgresql.conf", "recovery.conf", "pg_hba.conf"]
            .into_iter()
            .find(|file| path.join(file).is_file())
            .unwrap();
        Fragment { bytes: fs::read(path.join(file)).unwrap(), file, name, expected }
    };
    let fragments: Vec<Fragment> = directories.into_iter().map(fragment).collect();
    assert!(fragments.len() > 9, "only {} fragments", fragments.len());
    fragments
}

impl Fragment {
    /// Every verdict with each version that it is for.
    fn verdicts(&self) -> impl Iterator<Item = (&Verdict, PgVersion)> {
        let versions = |verdict: &Verdict| verdict.pg.parse::<Targets>().unwrap().versions().to_vec();
        self.expected.verdict.iter().flat_map(move |one| versions(one).into_iter().map(move |version| (one, version)))
    }

    fn files(&self) -> Memory {
        let mut files = BTreeMap::from(
            ["postgresql.conf", "postgresql.auto.conf"].map(|name| (name.as_bytes().to_vec(), Vec::new())),
        );
        files.insert(self.file.as_bytes().to_vec(), self.bytes.clone());
        Memory(files)
    }

    fn main() -> PathBuf {
        PathBuf::from("$PGDATA/postgresql.conf")
    }

    fn findings(&self, rules: &Rules, version: PgVersion) -> Vec<String> {
        let role = self.expected.role.as_deref().map(|word| Role::from_word(word).unwrap());
        let subject = Subject { main: Fragment::main(), with_auto: true, role, ..Subject::default() };
        let mut sources = Sources::default();
        let findings = conf(&self.files(), &mut sources, &subject, rules, &[Catalog::shared(version)]);
        let mut found: Vec<(usize, String)> = findings
            .iter()
            .map(|finding| {
                let line = sources.get(finding.place.file).line(finding.place.span.start);
                (line, finding.rule.to_string())
            })
            .collect();
        found.sort();
        found.into_iter().map(|(line, rule)| format!("{line} {rule}")).collect()
    }

    /// Whether the server starts as far as the reading of files goes, and what it logs.
    fn start(&self, version: PgVersion) -> (bool, Vec<String>) {
        let mut sources = Sources::default();
        let tree = tree::read(&self.files(), &mut sources, &Fragment::main(), None, version.major);
        let settings = Settings::judge(&tree, &sources, Catalog::shared(version));
        let start = transcript::start(&tree, &settings, &sources);
        let path = Fragment::main().with_file_name(self.file);
        if start.ok && self.file == "pg_hba.conf" {
            let setting = |name: &str| settings.value(name).map(|value| value.plain());
            let around = Surroundings {
                major: version.major,
                build: Build::PACKAGES,
                setting: &setting,
                resolve: &|_| None,
                interface: &|_| true,
            };
            let hba = hba::read(&self.files(), &mut sources, &path, &around);
            let (log, ok) = hba.start(b"$PGDATA/pg_hba.conf", version.major);
            return (ok, said(log.iter().map(|line| String::from_utf8_lossy(line).into_owned()).collect()));
        }
        if !start.ok || self.file != "recovery.conf" {
            return (start.ok, said(start.log));
        }
        if version.major < Major::V12 {
            let recovery = recovery::read(&self.files(), &mut sources, &path, version.major, &settings.zone);
            let start = recovery::start(&recovery, &sources, &|_| false);
            return (start.ok, said(start.log));
        }
        let signals = signals::signals(&self.files(), Path::new("$PGDATA"));
        let begin = signals::begin(&settings, signals, &|_| false);
        (begin.refusal.is_none(), said(begin.log))
    }
}

/// A log's messages without their level and hints, and without the last word that the file has errors.
fn said(log: Vec<String>) -> Vec<String> {
    let message = |line: String| {
        let (level, text) = line.split_once(":  ")?;
        let last = text.contains("configuration file") && text.contains("contains errors");
        (!matches!(level, "HINT" | "DETAIL") && !last).then(|| text.to_owned())
    };
    log.into_iter().filter_map(message).collect()
}

#[test]
fn verdicts_cover_every_major_once() {
    let all: Vec<PgVersion> = "9.4..19".parse::<Targets>().unwrap().versions().to_vec();
    for fragment in fragments() {
        let covered: Vec<PgVersion> = fragment.verdicts().map(|(_, version)| version).collect();
        assert_eq!(covered, all, "{}", fragment.name);
        for verdict in &fragment.expected.verdict {
            assert_eq!(verdict.server == Server::Refuses, !verdict.says.is_empty(), "{}", fragment.name);
        }
    }
}

#[test]
fn fragments_get_their_verdict() {
    let rules = Rules::built_in();
    let mut wrong = Vec::new();
    for fragment in fragments() {
        for (verdict, version) in fragment.verdicts() {
            let found = fragment.findings(&rules, version);
            if found != verdict.findings {
                wrong.push(format!("{} {version}: found {found:?}, not {:?}", fragment.name, verdict.findings));
            }
            let (ok, log) = fragment.start(version);
            if (ok, &log) != (verdict.server == Server::Starts, &verdict.says) {
                wrong.push(format!("{} {version}: {ok} {log:#?}, not {:#?}", fragment.name, verdict.says));
            }
            // Such an error is a promise that the server does not start, and the other way round.
            let errors = found.iter().any(|finding| {
                let rule = finding.split_once(' ').unwrap().1;
                rules.pages().any(|page| page.id == rule && page.server == "refuses")
            });
            if errors == (verdict.server == Server::Starts) {
                wrong.push(format!("{} {version}: the server {:?}, but {found:?}", fragment.name, verdict.server));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Only where `PGCONFLINT_REAL_SERVERS` is set, as tests/run does.
#[test]
fn real_servers_agree_on_guides() {
    if std::env::var_os("PGCONFLINT_REAL_SERVERS").is_none() {
        return;
    }
    install::install(&|_| ()).unwrap();
    let majors: BTreeSet<u16> = install::majors().into_iter().collect();
    let rules = Rules::built_in();
    let (mut asked, mut wrong) = (0, Vec::new());
    for fragment in fragments() {
        for (verdict, version) in fragment.verdicts() {
            let major = version.major.0 / 100;
            if !version.major.0.is_multiple_of(100) || !majors.contains(&major) {
                continue;
            }
            asked += 1;
            let files = FileSet::default().with(fragment.file, fragment.bytes.clone());
            let starts = verdict.server == Server::Starts;
            let Outcome { ok: whole, log: mut of_start, .. } = whole_start(major, &files).unwrap();
            let mut read = start_check(major, &files, "port").unwrap();
            if fragment.file == "recovery.conf" {
                // It is read later than the settings are, and a standby that waits is one that started.
                of_start.retain(|line| !starts && line.starts_with(b"FATAL"));
                (read.ok, read.log) = (whole, of_start);
            }
            let log: Vec<String> = read.log.iter().map(|line| String::from_utf8_lossy(line).into_owned()).collect();
            let quoted = verdict.findings.iter().filter_map(|finding| {
                let page = rules.speaking(finding.split_once(' ').unwrap().1, version, Standing::default())?;
                let said = page.says.iter().find(|said| {
                    said.pg.is_empty()
                        || said.pg.parse::<pgconflint::version::Requirement>().unwrap().holds_for(version)
                });
                said.map(|said| said.text.to_string())
            });
            let unsaid: Vec<String> = quoted.filter(|text| !log.iter().any(|line| line.contains(text))).collect();
            let messages = said(log.clone());
            if (whole, read.ok, &messages) != (starts, starts, &verdict.says) || !unsaid.is_empty() {
                wrong.push(format!("{} {major}: {whole} {} {log:#?}; never says {unsaid:?}", fragment.name, read.ok));
            }
        }
    }
    assert!(asked >= fragments().len() * majors.len(), "only {asked} questions");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
