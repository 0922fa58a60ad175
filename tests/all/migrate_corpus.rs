//! Migrations of files of others, from `PGCONFLINT_CORPUS`: laws over each of them, and a recovery of each on real
//! servers. Nothing of the corpus is in this repository: without the variable there is nothing to do.
//!
//! ```text
//! PGCONFLINT_CORPUS=… PGCONFLINT_REAL_SERVERS=1 cargo test --test all -- migrate_corpus --nocapture
//! ```
#![expect(clippy::print_stdout, reason = "the count is the result")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use pgconflint::catalog::Catalog;
use pgconflint::check::{self, Rules};
use pgconflint::files::Memory;
use pgconflint::finding::Severity;
use pgconflint::migrate::{Action, Plan, plan};
use pgconflint::model::settings::Settings;
use pgconflint::source::{Files as _, Sources};
use pgconflint::version::{Major, PgVersion};
use pgconflint_servers::{FileSet, install, whole_start};
use rayon::prelude::*;
use similar::{Algorithm, DiffTag, capture_diff_slices};

use crate::migrate::request;
use crate::proof;

const NODE: &str = "node";
const KINDS: [(&str, &str); 5] = [
    ("recovery_conf", "recovery.conf"),
    ("postgresql_conf", "postgresql.conf"),
    ("auto_conf", "postgresql.auto.conf"),
    ("pg_hba", "pg_hba.conf"),
    ("pg_ident", "pg_ident.conf"),
];

/// A file of somebody as the one file of a node that says something.
struct Case {
    path: String,
    name: &'static str,
    bytes: Vec<u8>,
    from: Major,
}

impl Case {
    fn files(&self) -> Memory {
        let files = Memory::default().with("node/postgresql.conf", b"").with("node/PG_VERSION", b"11\n");
        files.with(&format!("{NODE}/{}", self.name), &self.bytes)
    }

    fn plan(&self, to: Major, rules: &Rules) -> Plan {
        plan(&self.files(), &request(Path::new(NODE), self.from, to), rules)
    }
}

/// The files of the corpus, each content once.
fn corpus() -> Vec<Case> {
    let Some(top) = std::env::var_os("PGCONFLINT_CORPUS").map(PathBuf::from) else { return Vec::new() };
    let index = fs::read_to_string(top.join("INDEX.tsv")).unwrap();
    let (mut cases, mut seen) = (Vec::new(), BTreeSet::new());
    for line in index.lines().skip(1) {
        let row: Vec<&str> = line.split('\t').collect();
        let base = row[0].rsplit('+').next().unwrap_or_default();
        let known = KINDS.iter().find(|(kind, name)| row[1] == *kind || row[1] == "templates" && is_called(base, name));
        let Some((_, name)) = known else { continue };
        let bytes = fs::read(top.join(row[0])).unwrap();
        if seen.insert((name, bytes.clone())) {
            let guess = row.get(7).copied().unwrap_or_default();
            let from = version(guess).filter(|from| *from <= Major::V11 || *name != "recovery.conf");
            cases.push(Case { path: row[0].to_owned(), name, bytes, from: from.unwrap_or(Major::V11) });
        }
    }
    assert!(cases.len() > 300, "only {} files", cases.len());
    cases
}

fn is_called(base: &str, name: &str) -> bool {
    base.contains(name) || name == "recovery.conf" && base.contains("recovery.conf")
}

/// The oldest version of a guess such as `9.0-9.4` or `>=13`; none where it guesses several.
fn version(guess: &str) -> Option<Major> {
    let digits: String = guess.chars().skip_while(|char| !char.is_ascii_digit()).collect();
    let end = digits.find(|char: char| !char.is_ascii_digit() && char != '.').unwrap_or(digits.len());
    let major = digits[..end].parse::<PgVersion>().ok()?.major;
    (Major::V9_4..=Major::V18).contains(&major).then_some(major)
}

/// The node as it is after the plan.
fn after(plan: &Plan) -> Memory {
    plan.files.iter().fold(Memory::default(), |files, (path, bytes)| files.with(&path.to_string_lossy(), bytes))
}

/// What a node means to a server: the value of every parameter that is set, and its signal files.
fn effect(files: &Memory, major: Major) -> BTreeMap<String, Vec<u8>> {
    let subject = check::subject(&request(Path::new(NODE), major, major).node, files);
    let mut sources = Sources::default();
    let tree = check::read(files, &mut sources, &subject, major);
    let settings = Settings::judge(&tree, &sources, Catalog::shared(PgVersion::newest(major)));
    let set = settings.catalog.iter().filter(|(id, _)| settings.winner(*id).is_some());
    let mut effect: BTreeMap<String, Vec<u8>> = set
        .map(|(_, parameter)| {
            (parameter.name.to_owned(), settings.value(parameter.name).map(|value| value.plain()).unwrap_or_default())
        })
        .collect();
    for signal in ["standby.signal", "recovery.signal", "recovery.conf"] {
        if files.read(&Path::new(NODE).join(signal)).is_ok() {
            effect.insert(signal.to_owned(), Vec::new());
        }
    }
    effect
}

fn errors(files: &Memory, major: Major, rules: &Rules) -> BTreeSet<(String, Option<String>)> {
    let outcome = check::node(files, &request(Path::new(NODE), major, major).node, rules, &|_| true);
    let errors = outcome.findings.into_iter().filter(|finding| finding.severity == Severity::Error);
    errors.map(|finding| (finding.rule.to_string(), finding.subject)).collect()
}

/// Every line that is not as it was is one that a row of the plan names; postgresql.auto.conf is written anew.
fn untouched_lines_stay(case: &Case, plan: &Plan) {
    for step in &plan.steps {
        let (Some(old), Some(new)) = (&step.old, &step.new) else { continue };
        if step.path.ends_with("postgresql.auto.conf") {
            continue;
        }
        let rows = plan.changes.iter().filter_map(|row| row.from.as_ref()).filter(|from| from.path == step.path);
        let named: BTreeSet<usize> = rows.map(|from| from.line - 1).collect();
        let (old, new): (Vec<&[u8]>, Vec<&[u8]>) = (
            old.split_inclusive(|byte| *byte == b'\n').collect(),
            new.split_inclusive(|byte| *byte == b'\n').collect(),
        );
        for op in capture_diff_slices(Algorithm::Myers, &old, &new) {
            let (tag, lines, instead) = op.as_tag_tuple();
            if tag == DiffTag::Equal {
                continue;
            }
            assert!(instead.len() <= lines.len(), "{}: lines are added", case.path);
            if instead.len() == lines.len() {
                old[lines.clone()]
                    .iter()
                    .zip(&new[instead])
                    .for_each(|(old, new)| the_rest_of_a_line_stays(case, old, new));
            }
            for index in lines {
                assert!(named.contains(&index), "{} {}:{}", case.path, step.path.display(), index + 1);
            }
        }
    }
}

/// Of a line that is edited the blanks in front, the comment and the line feed stay.
fn the_rest_of_a_line_stays(case: &Case, old: &[u8], new: &[u8]) {
    let blanks = |line: &[u8]| line.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
    let end = |line: &[u8]| line.len() - line.trim_ascii_end().len();
    let feed = |line: &[u8]| line[line.len() - end(line)..].to_vec();
    let comment = old.iter().rposition(|byte| *byte == b'#').map(|at| old[at..].trim_ascii_end());
    let is_kept = |piece: &[u8]| memchr::memmem::find(new, piece).is_some();
    let shown = || (String::from_utf8_lossy(old).into_owned(), String::from_utf8_lossy(new).into_owned());
    assert!(old[..blanks(old)] == new[..blanks(new)] && feed(old) == feed(new), "{}: {:?}", case.path, shown());
    assert!(comment.is_none_or(is_kept), "{}: {:?}", case.path, shown());
}

#[test]
fn laws_hold_for_files_of_others() {
    let rules = Rules::built_in();
    let cases = corpus();
    let jobs: Vec<_> =
        cases.iter().flat_map(|case| [Major::V11, Major::V12, Major::V14, Major::V18].map(|to| (case, to))).collect();
    let judged: Vec<Result<(), String>> = jobs.par_iter().map(|(case, to)| laws_hold(case, *to, &rules)).collect();
    let mut refused = BTreeMap::<&String, usize>::new();
    judged
        .iter()
        .filter_map(|judged| judged.as_ref().err())
        .for_each(|reason| *refused.entry(reason).or_default() += 1);
    let written = judged.iter().filter(|judged| judged.is_ok()).count();
    println!("{} files, {} migrations, {written} of them possible; refused: {refused:#?}", cases.len(), jobs.len());
    let broken: Vec<_> = refused.keys().filter(|reason| reason.starts_with(BROKEN)).collect();
    assert!(broken.is_empty(), "{} are broken:\n{broken:#?}", broken.len());
}

/// How a law that does not hold is told from a plan that is refused.
const BROKEN: &str = "law: ";

/// Why there is no migration, or which law does not hold.
fn laws_hold(case: &Case, to: Major, rules: &Rules) -> Result<(), String> {
    let plan = case.plan(to, rules);
    if !plan.blocks.is_empty() {
        return Err(reason(&plan));
    }
    untouched_lines_stay(case, &plan);
    let (before, new) = (case.files(), after(&plan));
    // What an engine fills in is not the migration's.
    let is_template = case.path.starts_with("templates");
    let whole = |files: &Memory| all(files, &|bytes| if is_template { filled(bytes) } else { bytes.to_vec() });
    let known = errors(&whole(&before), case.from, rules);
    let is_known = |(_, subject): &(String, Option<String>)| known.iter().any(|(_, known)| known == subject);
    let unknown: Vec<_> = errors(&whole(&new), to, rules).into_iter().filter(|error| !is_known(error)).collect();
    if !unknown.is_empty() {
        return Err(format!("{BROKEN}{} {} to {to}: {unknown:?}", case.path, case.from));
    }
    let again = pgconflint::migrate::plan(&new, &request(Path::new(NODE), to, to), rules);
    if !again.is_empty() || again.next_start != plan.next_start {
        return Err(format!("{BROKEN}{} to {to}, again: {:?} {}", case.path, again.steps, again.next_start));
    }
    Ok(())
}

/// By way of another version a node becomes what it becomes at once.
#[test]
fn two_steps_are_one() {
    let rules = Rules::built_in();
    let ways: Vec<Option<String>> = corpus().par_iter().filter_map(|case| two_steps(case, &rules)).collect();
    println!("{} ways", ways.len());
    let differ: Vec<&String> = ways.iter().flatten().collect();
    assert!(differ.is_empty(), "{} of {} differ:\n{differ:#?}", differ.len(), ways.len());
}

/// Nothing where one of the ways is refused; else how they differ.
fn two_steps(case: &Case, rules: &Rules) -> Option<Option<String>> {
    let (between, to) = (Major::V12, Major::V16);
    if case.from >= between {
        return None;
    }
    let (first, whole) = (case.plan(between, rules), case.plan(to, rules));
    if !first.blocks.is_empty() || !whole.blocks.is_empty() {
        return None;
    }
    let then = plan(&after(&first), &request(Path::new(NODE), between, to), rules);
    assert!(then.blocks.is_empty(), "{}: {:?}", case.path, then.blocks);
    let (one, two) = (effect(&after(&whole), to), effect(&after(&then), to));
    Some((one != two).then(|| format!("{} {} by {between} to {to}:\n{one:?}\n{two:?}", case.path, case.from)))
}

/// The first reason, without names and numbers of this case, and without where else it is so.
fn reason(plan: &Plan) -> String {
    let text = plan.blocks[0].reason.text.split(" (so do").next().unwrap_or_default();
    let mut kept = String::new();
    for (index, piece) in text.split(['`', '"']).enumerate() {
        kept.push_str(if index % 2 == 0 { piece } else { "…" });
    }
    kept
}

/// What an engine makes of a template: a number for each placeholder, or a time where that is asked for.
fn filled(bytes: &[u8]) -> Vec<u8> {
    let mut text = String::from_utf8_lossy(bytes).into_owned();
    for (open, close) in [("{{", "}}"), ("<%=", "%>"), ("${", "}")] {
        while let Some(start) = text.find(open) {
            let Some(length) = text[start..].find(close) else { break };
            let piece = &text[start..start + length];
            let value = if piece.contains("date") { "2030-01-01 00:00:00+00" } else { "1" };
            text.replace_range(start..start + length + close.len(), value);
        }
    }
    text.into_bytes()
}

/// Files with other bytes in each.
fn all(files: &Memory, other: &dyn Fn(&[u8]) -> Vec<u8>) -> Memory {
    let read = files.files.iter().filter_map(|(path, bytes)| Some((path.to_string_lossy(), bytes.as_ref().ok()?)));
    read.fold(Memory::default(), |all, (path, bytes)| all.with(&path, &other(bytes)))
}

/// Every recovery.conf comes to something that a real server takes, or is refused with a reason.
#[test]
fn real_servers_take_recoveries_of_others() {
    let rules = Rules::built_in();
    let recoveries: Vec<Case> = corpus().into_iter().filter(|case| case.name == "recovery.conf").collect();
    if recoveries.is_empty() || !proof::wanted("recoveries of the corpus") {
        return;
    }
    for to in [Major::V12, Major::V18] {
        let major = install::majors().into_iter().find(|major| Major(major * 100) == to).unwrap();
        let (mut taken, mut refused, mut wrong) = (0, BTreeMap::<String, Vec<String>>::new(), Vec::new());
        let became: Vec<_> = recoveries.par_iter().map(|case| (case, became(case, to, major, &rules))).collect();
        for (case, became) in became {
            match became {
                Became::Taken => taken += 1,
                Became::Refused(plan) => {
                    let told = plan.blocks.iter().map(|block| format!("{}: {}", case.path, block.reason));
                    refused.entry(reason(&plan)).or_default().push(told.collect::<Vec<_>>().join("\n"));
                }
                Became::Wrong(log) => wrong.push(format!("{}: {log}", case.path)),
            }
        }
        println!("to {to}: {} recoveries, {taken} taken by the server", recoveries.len());
        for (reason, cases) in &refused {
            println!("{} refused: {reason}\n  {}", cases.len(), cases.join("\n").replace('\n', "\n  "));
        }
        assert!(wrong.is_empty(), "{} are wrong on {to}:\n{}", wrong.len(), wrong.join("\n"));
    }
}

/// What came of a recovery.
enum Became {
    Taken,
    Refused(Plan),
    Wrong(String),
}

fn became(case: &Case, to: Major, major: u16, rules: &Rules) -> Became {
    let plan = case.plan(to, rules);
    if !plan.blocks.is_empty() {
        return Became::Refused(plan);
    }
    let last = plan.steps.iter().rfind(|step| step.action != Action::Keep);
    assert!(last.is_some_and(|step| step.path.ends_with("recovery.conf")), "{}", case.path);
    let below = |path: &Path| path.strip_prefix(NODE).unwrap().to_string_lossy().into_owned();
    let files = plan.files.iter().filter(|(path, _)| !path.ends_with("PG_VERSION"));
    let files = files.fold(FileSet::default(), |set, (path, bytes)| set.with(&below(path), filled(bytes)));
    let log = whole_start(major, &files).unwrap().log;
    let log: Vec<String> = log.iter().map(|line| String::from_utf8_lossy(line).into_owned()).collect();
    let wanted = ["entering standby mode", "starting archive recovery", "starting point-in-time recovery"];
    let got_there = log.iter().any(|line| wanted.iter().any(|wanted| line.contains(wanted)));
    let is_right = plan.next_start.contains("standby") == log.iter().any(|line| line.contains(wanted[0]));
    // The command is read and run; that there is no such program here is not the plan's.
    let lacks_a_program = log.iter().any(|line| line.contains("from archive: command not found"));
    match got_there && is_right || lacks_a_program {
        true => Became::Taken,
        false => Became::Wrong(format!("{}\n    {}", plan.next_start, log.join("\n    "))),
    }
}
