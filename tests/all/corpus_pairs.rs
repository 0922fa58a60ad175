//! Primaries and standbys of real projects: whatever they hold, each standby gets a verdict. Only where
//! `PGCONFLINT_CORPUS` names the corpus; nothing of it is part of this project.
#![expect(clippy::print_stdout, reason = "the sentences are to be read")]

use std::fs;
use std::path::Path;

use pgconflint::check::{Before, Member, Node, Rules, group};
use pgconflint::files::Disk;
use pgconflint::finding::Severity;
use pgconflint::report::forecast::sentence;
use pgconflint::version::{Role, Targets};

const NAMES: [(&str, &str); 5] = [
    ("auto_conf/", "postgresql.auto.conf"),
    ("pg_hba/", "pg_hba.conf"),
    ("pg_ident/", "pg_ident.conf"),
    ("postgresql_conf/", "postgresql.conf"),
    ("recovery_conf/", "recovery.conf"),
];

/// The name that a file of the corpus has on its node. Templates are sorted by nothing but their names.
fn proper(path: &str) -> Option<&'static str> {
    let by_kind = NAMES.iter().find(|(kind, _)| path.starts_with(kind));
    let by_name = || NAMES.iter().rev().find(|(_, name)| path.contains(name) && *name != "postgresql.conf");
    let plain = || NAMES.iter().find(|(_, name)| path.contains(name));
    by_kind.or_else(by_name).or_else(plain).map(|(_, name)| *name)
}

/// Of several files of one name the first is taken. There is no PG_VERSION: what is kept in a repository is no data
/// directory, and that it has no standby.signal means nothing.
fn lay_out(corpus: &Path, files: &str, node: &Path) {
    fs::create_dir_all(node).unwrap();
    for file in files.split(';').filter(|file| !file.is_empty()) {
        let Some(name) = proper(file) else { continue };
        let target = node.join(name);
        // Not every file of the list is there.
        if !target.exists() && corpus.join(file).exists() {
            fs::copy(corpus.join(file), target).unwrap();
        }
    }
}

/// What a guess comes to: `11`, `9.0-9.4`, `>=13`, `16?12-15`, `mixed:~12`, or nothing.
fn version(guess: &str) -> String {
    let guess = guess.trim_start_matches("mixed:").trim_start_matches(['~', '>', '=']);
    let guess = guess.split('?').next().unwrap_or_default();
    guess.rsplit('-').next().unwrap_or_default().to_owned()
}

#[test]
fn every_standby_of_the_corpus_gets_a_verdict() {
    let Some(corpus) = std::env::var_os("PGCONFLINT_CORPUS") else { return };
    let corpus = Path::new(&corpus);
    let rules = Rules::built_in();
    let list = fs::read_to_string(corpus.join("PAIRS.tsv")).unwrap();
    let kept = std::env::var_os("PGCONFLINT_CORPUS_KEEP");
    let mut count = 0;
    for line in list.lines().skip(1) {
        let [repository, primary, standby, guess, kind, ..] = *line.split('\t').collect::<Vec<_>>() else {
            panic!("{line}");
        };
        let version = version(guess);
        let temporary = tempfile::tempdir().unwrap();
        let directory = match &kept {
            Some(kept) => Path::new(kept).join(repository.replace('/', "+")),
            None => temporary.path().to_path_buf(),
        };
        lay_out(corpus, primary, &directory.join("primary"));
        lay_out(corpus, standby, &directory.join("standby"));
        if kind == "shared" {
            lay_out(corpus, primary, &directory.join("standby"));
        }
        let member = |name: &str, role: Role| Member {
            node: Node {
                path: directory.join(name),
                file: None,
                data_dir: None,
                data_is_here: false,
                targets: version.parse().unwrap_or_else(|_| Targets::all()),
                role: Some(role),
                wal_segment_size: None,
                before: Before::default(),
            },
            name: name.to_owned(),
            upstream: (role == Role::Standby).then_some(0),
            addresses: Vec::new(),
        };
        let members = [member("primary", Role::Primary), member("standby", Role::Standby)];
        let outcome = group(&Disk::default(), &members, &rules, &|_| true);
        let [primary, standby] = &*outcome.forecasts else { panic!("{repository}: {:?}", outcome.forecasts) };
        assert!(standby.streams.is_some(), "{repository}: no verdict");
        count += 1;
        let errors = outcome.findings.iter().filter(|finding| finding.severity == Severity::Error).count();
        println!("{repository} {guess}: {errors} errors; {}; {}", sentence(primary), sentence(standby));
    }
    println!("{count} pairs");
    assert_eq!(count, list.lines().count() - 1);
}
