//! Files as initdb, Debian and Docker leave them: nothing is wrong with them. And a file where much is.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use pgconflint::catalog::{Catalog, Kind};
use pgconflint::check::{self, Before, Node, Rules, Subject, examples};
use pgconflint::files::{Disk, Memory};
use pgconflint::finding::{Finding, Severity};
use pgconflint::model::settings::{Settings, Verdict};
use pgconflint::model::tree;
use pgconflint::rule::PAGES;
use pgconflint::rule::page::Shows;
use pgconflint::source::Sources;
use pgconflint::version::{Major, PgVersion, Targets};
use pgconflint_servers::{FileSet, install, template};

use crate::proof;

fn nodes() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/node")
}

/// A node of testdata on a disk, with the empty directories that git does not keep.
fn laid_out(name: &str) -> tempfile::TempDir {
    let node = tempfile::tempdir().unwrap();
    for entry in fs::read_dir(nodes().join(name)).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), node.path().join(entry.file_name())).unwrap();
    }
    fs::create_dir(node.path().join("conf.d")).unwrap();
    node
}

fn checked(path: &Path, targets: Targets) -> check::Outcome {
    let node = Node {
        path: path.to_path_buf(),
        file: None,
        data_dir: None,
        data_is_here: false,
        targets,
        role: None,
        wal_segment_size: None,
        before: Before::default(),
    };
    let outcome = check::node(&Disk::default(), &node, &Rules::built_in(), &|_| true);
    assert!(outcome.errors.is_empty(), "{:?}", outcome.errors);
    outcome
}

fn told(what: &str, finding: &Finding, sources: &Sources) -> String {
    let source = sources.get(finding.place.file);
    let line = source.line(finding.place.span.start);
    format!("{what}: {} {}:{line} {}", finding.severity.word(), finding.rule, finding.message)
}

/// What is loud about a node; against all majors only what holds.
fn noise(what: &str, path: &Path, major: Major) -> Vec<String> {
    let mut noise = Vec::new();
    let own = checked(path, Targets::one(PgVersion::newest(major)).unwrap());
    let loud = |finding: &&Finding| finding.severity >= Severity::Warning;
    noise.extend(own.findings.iter().filter(loud).map(|finding| told(what, finding, &own.sources)));
    let all = checked(path, Targets::all());
    for finding in all.findings.iter().filter(loud) {
        for against in &finding.pg {
            if *against == major || !is_refused(path, finding, *against) {
                noise.push(told(&format!("{what}, against {against}"), finding, &all.sources));
            }
        }
    }
    noise
}

/// Whether a server of that major refuses the line of the finding.
fn is_refused(path: &Path, finding: &Finding, major: Major) -> bool {
    let mut sources = Sources::default();
    let tree = tree::read(&Disk::default(), &mut sources, &path.join("postgresql.conf"), None, major);
    let catalog = Catalog::shared(PgVersion::newest(major));
    let settings = Settings::judge(&tree, &sources, catalog);
    settings.judged.iter().any(|judged| {
        judged.entry.place().span.overlaps(finding.place.span)
            && matches!(judged.verdict, Verdict::Unknown | Verdict::Refused(_))
    })
}

#[test]
fn stock_files_are_quiet() {
    let mut loud = Vec::new();
    let mut names: Vec<String> =
        fs::read_dir(nodes()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    let stock = names.iter().filter_map(|name| {
        let (kind, major) = name.rsplit_once('-')?;
        ["pristine", "debian", "docker"].contains(&kind).then_some((name, Major::from_table(major)?))
    });
    let mut count = 0;
    for (name, major) in stock {
        count += 1;
        loud.extend(noise(name, laid_out(name).path(), major));
    }
    assert!(count >= 27, "only {count} nodes");
    assert!(loud.is_empty(), "{} are loud:\n{}", loud.len(), loud.join("\n"));
}

/// initdb itself, on this machine; `PGCONFLINT_RECORD=1` keeps what it writes.
#[test]
fn what_initdb_writes_is_quiet() {
    if !proof::wanted("what initdb writes") {
        return;
    }
    let mut loud = Vec::new();
    for major in install::majors() {
        let files: FileSet = template::pristine(major).unwrap();
        let node = tempfile::tempdir().unwrap();
        files.write(node.path()).unwrap();
        if std::env::var_os("PGCONFLINT_RECORD").is_some() {
            let kept = nodes().join(format!("pristine-{major}"));
            fs::create_dir_all(&kept).unwrap();
            files.write(&kept).unwrap();
        }
        loud.extend(noise(&format!("initdb {major}"), node.path(), Major(major * 100)));
    }
    assert!(loud.is_empty(), "{} are loud:\n{}", loud.len(), loud.join("\n"));
}

/// What is found in a postgresql.conf of 16, by line: rule, message, label.
fn mistakes(text: &str) -> BTreeMap<usize, Vec<(String, String, String)>> {
    let files = Memory::default().with("postgresql.conf", text.as_bytes());
    let subject = Subject { main: PathBuf::from("postgresql.conf"), with_auto: true, role: None, ..Subject::default() };
    let mut sources = Sources::default();
    let catalog = Catalog::shared(PgVersion::newest(Major::V16));
    let findings = check::conf(&files, &mut sources, &subject, &Rules::built_in(), &[catalog]);
    let mut by_line: BTreeMap<usize, Vec<_>> = BTreeMap::new();
    for finding in findings.iter().filter(|finding| finding.severity >= Severity::Warning) {
        let line = sources.get(finding.place.file).line(finding.place.span.start);
        by_line.entry(line).or_default().push((
            finding.rule.to_string(),
            finding.message.clone(),
            finding.label.clone(),
        ));
    }
    by_line
}

/// One-line mistakes: those of the pages, then one for each parameter.
fn candidates() -> Vec<String> {
    let targets = Targets::one(PgVersion::newest(Major::V16)).unwrap();
    let mut lines = Vec::new();
    for page in PAGES {
        for example in page.examples().iter().filter(|example| example.shows == Shows::Fires) {
            let (Some(file), true) = (&example.file, example.beside.is_empty()) else { continue };
            let speaks = !examples::versions(page, example, &targets).unwrap().is_empty();
            let Ok(text) = std::str::from_utf8(file) else { continue };
            if speaks && text.lines().count() == 1 && !text.contains('\r') && !text.starts_with('\u{feff}') {
                lines.push(text.trim_end().to_string());
            }
        }
    }
    for (index, (_, parameter)) in Catalog::shared(PgVersion::newest(Major::V16)).iter().enumerate() {
        let name = parameter.name;
        lines.push(match (parameter.kind, index % 5) {
            _ if parameter.is_internal() => format!("{name} = 1"),
            (_, 0) => format!("{name} == 1"),
            (_, 1) => format!("{name}_of_old = 1"),
            (Kind::Bool, _) => format!("{name} = maybe"),
            (Kind::Enum, _) => format!("{name} = bogus_{index}"),
            (Kind::Integer, 2) => format!("{name} = 99999999999"),
            (Kind::Integer | Kind::Real, 3) => format!("{name} = 5parsecs"),
            (Kind::Integer | Kind::Real, _) => format!("{name} = many"),
            (Kind::String, _) => format!("{name} = 'never ended"),
        });
    }
    lines
}

#[test]
fn two_hundred_mistakes_are_all_told() {
    let mut names = BTreeSet::new();
    let mut chosen: Vec<(String, String)> = Vec::new();
    for line in candidates() {
        let name: String =
            line.trim_start().chars().take_while(|char| char.is_alphanumeric() || "_.".contains(*char)).collect();
        if !names.insert(name.to_ascii_lowercase()) {
            continue;
        }
        let alone = mistakes(&format!("{line}\n"));
        if let Some([(rule, ..)]) = alone.get(&1).filter(|_| alone.len() == 1).map(Vec::as_slice) {
            // Of these one finding names all lines of a file.
            let told_once = matches!(rule.as_str(), "hba-line-in-conf" | "merge-conflict");
            if !(told_once && chosen.iter().any(|(_, known)| known == rule)) {
                chosen.push((line, rule.clone()));
            }
        }
    }
    chosen.truncate(200);
    assert_eq!(chosen.len(), 200);
    let rules: BTreeSet<&str> = chosen.iter().map(|(_, rule)| rule.as_str()).collect();
    assert!(rules.len() >= 25, "only {rules:?}");
    let text = |from: usize| -> String {
        let lines = chosen.iter().skip(from).map(|(line, _)| format!("{line}\n"));
        "# fixed\n".repeat(from) + &lines.collect::<String>()
    };
    let all = mistakes(&text(0));
    let silent: Vec<_> = chosen
        .iter()
        .enumerate()
        .filter(|(index, (_, rule))| {
            let found = all.get(&(index + 1)).map_or(&[][..], Vec::as_slice);
            found.len() != 1 || found[0].0 != *rule
        })
        .map(|(index, (line, rule))| format!("{line}: {rule} alone, {:?} among others", all.get(&(index + 1))))
        .collect();
    assert!(silent.is_empty(), "{} mistakes are told otherwise:\n{}", silent.len(), silent.join("\n"));
    assert_eq!(all.len(), 200);
    let mut rest = all;
    rest.remove(&1);
    assert_eq!(mistakes(&text(1)), rest, "fixing the first changes more than itself");
}
