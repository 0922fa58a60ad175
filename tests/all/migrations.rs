//! Nodes of 11 on servers of 12 to 18, and back: what is foretold of their next start against what real servers did
//! (testdata/migration/outcomes.tsv), which is what came of them where they come from, and some of them played anew.
#![expect(clippy::print_stdout, reason = "the count is the result")]

use std::path::{Path, PathBuf};

use pgconflint::check::examples::pair::{Ports, expand, names};
use pgconflint::check::{Before, Node, Rules};
use pgconflint::files::Memory;
use pgconflint::migrate::{Allow, Plan, Request, plan};
use pgconflint::model::control::{Made, made};
use pgconflint::names::{PG_CONTROL, PG_VERSION, RECOVERY_CONF, RECOVERY_SIGNAL, STANDBY_SIGNAL};
use pgconflint::version::{Major, PgVersion, Targets};
use pgconflint_servers::migration::workload::Workload;
use pgconflint_servers::migration::{Case, cases, play, record};
use pgconflint_servers::pair::at_once;

use crate::proof;

/// The majors that nodes are migrated to.
pub const TARGETS: std::ops::RangeInclusive<u16> = 12..=18;

/// The plan of a case without any server.
pub fn planned(case: &Case, major: u16, rules: &Rules) -> Plan {
    let beside = case.filled(major, Path::new("/pair"), &Workload::offline());
    let from = case.written_for(major);
    let setup = expand(&beside, from, &Ports::offline(&beside)).unwrap();
    let mut files = Memory::default();
    let own = setup.files.iter().filter(|(path, _)| path.starts_with(&case.node) && !path.ends_with(PG_VERSION));
    for (path, (bytes, _)) in own {
        files = files.with(&Path::new("/pair").join(path).to_string_lossy(), bytes);
    }
    if case.has_trigger {
        let control = made(from, &Made { max_connections: 100, ..Made::default() }).unwrap();
        files = files.with("/pair/trigger", b"").with(&format!("/pair/{}/{PG_CONTROL}", case.node), &control);
    }
    let asked = |option: &str| case.options.iter().any(|given| given == option);
    let allowed = Allow::ALL.into_iter().filter(|allow| asked(allow.option())).collect();
    let preserve_timeline = asked("--preserve-timeline");
    let request = request(Path::new("/pair").join(&case.node), from, major);
    plan(&files, &Request { allowed, preserve_timeline, ..request }, rules)
}

/// A plain migration of a node.
pub fn request(path: PathBuf, from: Major, major: u16) -> Request {
    let targets = Targets::one(PgVersion::newest(from)).unwrap();
    let node = Node {
        path,
        file: None,
        data_dir: None,
        data_is_here: false,
        targets,
        role: None,
        wal_segment_size: None,
        before: Before::default(),
    };
    Request { node, from, to: Major(major * 100), allowed: Vec::new(), preserve_timeline: false, keep_defaults: false }
}

/// Whether there is time for more than a sample.
pub fn is_every_one_wanted() -> bool {
    std::env::var("PGCONFLINT_PROVE").is_ok_and(|which| which == "all")
}

/// What a server is once it has settled, as the sentence has it.
fn foretold(plan: &Plan) -> Option<&'static str> {
    let says = |text: &str| plan.next_start.contains(text);
    [
        ("does not start", "down"),
        ("opens for writes", "primary"),
        ("is promoted at once", "primary"),
        ("shuts down", "down"),
        ("where it pauses", "paused"),
        ("as a primary", "primary"),
        ("as a hot standby", "standby"),
        ("as a warm standby", "mute"),
    ]
    .into_iter()
    .find_map(|(text, state)| says(text).then_some(state))
}

/// Cases whose start ends as it does for a reason that is in no file of the node: what the archive has, and the backup.
const NOT_IN_FILES: [&str; 6] = [
    "timeline-latest-of-another-branch",
    "timeline-before-the-backup",
    "timeline-not-there",
    "restore-nothing",
    "standby-of-nothing",
    "standby-with-target-not-reached",
];

#[test]
fn next_starts_are_what_recorded_servers_did() {
    let rules = Rules::built_in();
    let recorded = record::read().unwrap();
    let all = cases::cases().unwrap();
    let (mut count, mut wrong) = (0, Vec::new());
    for (index, case) in (0..).zip(&all) {
        // Two majors each, in turn, and all where they differ: a plan takes a moment.
        let is_wanted = |major: &u16| {
            let place = (major - case.targets().start() + index) % 7;
            let differs = case.targets().any(|major| case.differs(major).is_some());
            is_every_one_wanted() || place < 2 || differs || case.is_back()
        };
        for major in case.targets().filter(is_wanted) {
            let plan = planned(case, major, &rules);
            let rows = recorded.get(&(case.name.clone(), major)).map(Vec::as_slice).unwrap_or_default();
            let Some(first) = rows.first() else {
                wrong.push(format!("{} on {major} was not recorded", case.name));
                continue;
            };
            let state = first.split('\t').nth(1).unwrap_or_default();
            count += 1;
            let is_refused = !plan.blocks.is_empty();
            if is_refused != first.starts_with("refused") {
                wrong.push(format!("{} on {major}: {first}, in the way: {:?}", case.name, plan.blocks));
            }
            let notes = plan.notes.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
            let told = [notes, plan.next_start.clone()].join("\n");
            match case.differs(major) {
                Some(differs) if !told.contains(&differs.words) => {
                    wrong.push(format!("{} on {major}: `{}` is not said: {told}", case.name, differs.words));
                }
                Some(_) => {}
                None if is_refused || NOT_IN_FILES.contains(&case.name.as_str()) => {}
                None if foretold(&plan) != Some(state) => {
                    wrong.push(format!("{} on {major}: {state}, foretold: {}", case.name, plan.next_start));
                }
                None => {}
            }
        }
    }
    println!("{} cases, {count} plans", all.len());
    assert!(wrong.is_empty(), "{} are wrong:\n{}", wrong.len(), wrong.join("\n"));
    assert!(all.len() >= 60, "only {}", all.len());
}

/// What came of a case where it went is what came of it where it comes from, but for what it says itself.
#[test]
fn recorded_servers_did_the_same() {
    let recorded = record::read().unwrap();
    let mut wrong = Vec::new();
    for case in cases::cases().unwrap() {
        let of = |major| recorded.get(&(case.name.clone(), major)).map(Vec::as_slice).unwrap_or_default();
        let (from, own) = (*case.own().end(), of(*case.own().end()));
        for major in case.own().chain(case.targets()) {
            let rows = of(major);
            let is_same = record::without_words(rows) == record::without_words(own);
            if rows.is_empty() || is_same == case.differs(major).is_some() {
                let (name, rows, own) = (&case.name, rows.join("\n  "), own.join("\n  "));
                wrong.push(format!("{name} on {major}:\n  {rows}\non {from}:\n  {own}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{} are wrong:\n{}", wrong.len(), wrong.join("\n"));
}

/// Some cases, each on one major, migrated by the built program and started.
#[test]
fn real_servers_do_after_migration_what_they_did_before() {
    if !proof::wanted("migrated nodes") {
        return;
    }
    let recorded = record::read().unwrap();
    let every = if is_every_one_wanted() { 1 } else { 6 };
    let all = cases::cases().unwrap();
    let taken = all.iter().step_by(every).enumerate();
    let nth = |case: &Case, index| case.targets().cycle().nth(index).unwrap();
    let jobs: Vec<(&Case, u16)> = taken.map(|(index, case)| (case, nth(case, index))).collect();
    let program = Path::new(env!("CARGO_BIN_EXE_pgconflint"));
    let plays = at_once(&jobs, &|(case, major)| play(case, *major, program)).unwrap();
    let mut wrong = Vec::new();
    for ((case, major), seen) in jobs.iter().zip(&plays) {
        let (rows, expected) = (record::rows(seen), record::expected(&recorded, case, *major));
        if record::without_words(&rows) != record::without_words(expected) {
            let (name, rows, expected) = (&case.name, rows.join("\n  "), expected.join("\n  "));
            wrong.push(format!("{name} on {major}:\n  {rows}\nexpected:\n  {expected}"));
        }
    }
    println!("{} plays", jobs.len());
    assert!(wrong.is_empty(), "{} of {} differ:\n{}", wrong.len(), jobs.len(), wrong.join("\n"));
}

/// No case speaks to a primary that it does not have, and each has a recovery.conf, or goes back with a signal file.
#[test]
fn cases_are_whole() {
    for case in cases::cases().unwrap() {
        for major in case.own().chain(case.targets()) {
            let files = case.filled(major, Path::new("/pair"), &Workload::offline());
            let has = |name: &str| files.iter().any(|file| file.name == format!("{}/{name}", case.node));
            let is_told = if case.is_back() { has(STANDBY_SIGNAL) || has(RECOVERY_SIGNAL) } else { has(RECOVERY_CONF) };
            assert!(is_told && names(&files).len() == 2, "{} on {major}", case.name);
            let unknown = ["{xid", "{lsn", "{time", "{commit", "{archive", "{notes", "{trigger", "{tokyo"];
            let text = |word: &str| files.iter().any(|file| String::from_utf8_lossy(&file.bytes).contains(word));
            let left: Vec<_> = unknown.into_iter().filter(|word| text(word)).collect();
            assert!(left.is_empty(), "{} on {major}: {left:?}", case.name);
        }
    }
}
