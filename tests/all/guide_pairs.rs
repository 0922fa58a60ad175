//! The primaries and standbys of guides in `testdata/pair/guides`: what is found, and what is foretold, for each major.
//! `PGCONFLINT_BLESS=1` writes the verdicts anew.

use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use pgconflint::check::{Before, Member, Node, Outcome, Rules, group};
use pgconflint::files::Disk;
use pgconflint::model::pair::Answer;
use pgconflint::report::forecast::sentence;
use pgconflint::version::{Major, PgVersion, Role, Targets};
use serde::Deserialize;

/// `expected.toml`
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    /// From where the standby comes.
    address: std::net::IpAddr,
    #[serde(default)]
    verdict: Vec<Verdict>,
}

#[derive(Deserialize, Default, PartialEq, Eq, Clone, Debug)]
#[serde(deny_unknown_fields)]
struct Verdict {
    #[serde(default)]
    pg: String,
    primary_starts: String,
    commits: String,
    standby_starts: String,
    is_standby: String,
    streams: String,
    /// `FILE:LINE RULE`
    findings: Vec<String>,
    sentences: Vec<String>,
}

fn pairs() -> Vec<PathBuf> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/pair/guides");
    let entries = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    let mut directories: Vec<PathBuf> = entries.filter(|path| path.is_dir()).collect();
    directories.sort();
    directories
}

/// A copy as its servers' account would have it, with the directory that git does not keep.
fn lay_out(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    fs::set_permissions(to, fs::Permissions::from_mode(0o700)).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            lay_out(&path, &target);
            continue;
        }
        fs::copy(&path, &target).unwrap();
        fs::set_permissions(&target, fs::Permissions::from_mode(0o600)).unwrap();
        if path.ends_with("PG_VERSION") {
            fs::create_dir_all(to.join("pg_replslot")).unwrap();
        }
    }
}

fn check(directory: &Path, expected: &Expected, major: Major, rules: &Rules) -> Outcome {
    let member = |name: &str, role: Role| Member {
        node: Node {
            path: directory.join(name),
            file: None,
            data_dir: None,
            data_is_here: false,
            targets: Targets::one(PgVersion::newest(major)).unwrap(),
            role: Some(role),
            wal_segment_size: None,
            before: Before::default(),
        },
        name: name.to_owned(),
        upstream: (role == Role::Standby).then_some(0),
        addresses: if role == Role::Standby { vec![expected.address] } else { Vec::new() },
    };
    let members = [member("primary", Role::Primary), member("standby", Role::Standby)];
    group(&Disk::default(), &members, rules, &|_| true)
}

fn verdict(directory: &Path, outcome: &Outcome) -> Verdict {
    let finding = |finding: &pgconflint::finding::Finding| {
        let source = outcome.sources.get(finding.place.file);
        let path = source.path.strip_prefix(directory).unwrap().display().to_string();
        (path, source.line(finding.place.span.start), finding.rule.to_string())
    };
    let mut findings: Vec<(String, usize, String)> = outcome.findings.iter().map(finding).collect();
    findings.sort();
    let [primary, standby] = &*outcome.forecasts else { panic!("two nodes, {:?}", outcome.forecasts) };
    let word = |answer: Option<Answer>| answer.map_or("", Answer::word).to_owned();
    Verdict {
        pg: String::new(),
        primary_starts: word(Some(primary.starts)),
        commits: word(primary.commits),
        standby_starts: word(Some(standby.starts)),
        is_standby: word(standby.standby),
        streams: word(standby.streams),
        findings: findings.into_iter().map(|(path, line, rule)| format!("{path}:{line} {rule}")).collect(),
        sentences: vec![sentence(primary), sentence(standby)],
    }
}

/// The verdicts of consecutive majors, those that are equal together.
fn written(verdicts: &[(Major, Verdict)]) -> String {
    let quoted = |text: &String| if text.contains('\'') { format!("{text:?}") } else { format!("'{text}'") };
    let mut text = String::new();
    for same in verdicts.chunk_by(|one, other| one.1 == other.1) {
        let [(first, verdict), ..] = same else { continue };
        let last = same[same.len() - 1].0;
        let pg = if *first == last { first.to_string() } else { format!("{first}..{last}") };
        let _ = writeln!(text, "\n[[verdict]]\npg = \"{pg}\"");
        let answers = [
            ("primary_starts", &verdict.primary_starts),
            ("commits", &verdict.commits),
            ("standby_starts", &verdict.standby_starts),
            ("is_standby", &verdict.is_standby),
            ("streams", &verdict.streams),
        ];
        for (key, answer) in answers {
            let _ = writeln!(text, "{key} = \"{answer}\"");
        }
        for (key, list) in [("findings", &verdict.findings), ("sentences", &verdict.sentences)] {
            let lines: Vec<String> = list.iter().map(|line| format!("  {},\n", quoted(line))).collect();
            let _ = writeln!(text, "{key} = [\n{}]", lines.concat());
        }
    }
    text
}

#[test]
fn pairs_of_guides_get_their_verdict() {
    let rules = Rules::built_in();
    let mut wrong = Vec::new();
    let pairs = pairs();
    assert!(pairs.len() > 15, "only {} pairs", pairs.len());
    for pair in pairs {
        let name = pair.file_name().unwrap().to_string_lossy().into_owned();
        let file = pair.join("expected.toml");
        let text = fs::read_to_string(&file).unwrap();
        let expected: Expected = toml::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
        let laid_out = tempfile::tempdir().unwrap();
        let directory = laid_out.path();
        for node in ["primary", "standby"] {
            lay_out(&pair.join(node), &directory.join(node));
        }
        let versions = "9.4..19".parse::<Targets>().unwrap();
        let judge = |version: &PgVersion| {
            // Whatever the guide was written for: initdb of this major makes the data directory.
            for node in ["primary", "standby"] {
                fs::write(directory.join(node).join("PG_VERSION"), format!("{}\n", version.major)).unwrap();
            }
            (version.major, verdict(directory, &check(directory, &expected, version.major, &rules)))
        };
        let found: Vec<(Major, Verdict)> = versions.versions().iter().map(judge).collect();
        if std::env::var_os("PGCONFLINT_BLESS").is_some() {
            let head = text.split("\n[[verdict]]").next().unwrap().trim_end();
            fs::write(&file, format!("{head}\n{}", written(&found))).unwrap();
            continue;
        }
        let covers = |verdict: &Verdict, major: Major| {
            verdict.pg.parse::<Targets>().unwrap().versions().iter().any(|version| version.major == major)
        };
        for (major, found) in found {
            let mut told = expected.verdict.iter().filter(|verdict| covers(verdict, major)).cloned();
            let one = told.next().map(|told| Verdict { pg: String::new(), ..told });
            assert!(told.next().is_none(), "{name}: two verdicts for {major}");
            if one.as_ref() != Some(&found) {
                wrong.push(format!("{name} {major}: found {found:#?}, not {one:#?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
