//! Migrations: `testdata/migrate/NAME-to-N/{before,after}` with what is told of them (`PGCONFLINT_BLESS=1` writes both
//! anew), laws over every recovery.conf that a real server of 10 or 11 has read, and real servers from 12 on.
#![expect(clippy::print_stdout, reason = "the count is the result")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use pgconflint::catalog::Catalog;
use pgconflint::catalog::recovery::named;
use pgconflint::check::{self, Before, Node, Rules};
use pgconflint::files::{Disk, Memory as Files};
use pgconflint::finding::Severity;
use pgconflint::migrate::{Action, Plan, Request, plan};
use pgconflint::model::settings::Settings;
use pgconflint::report::{Show, plan as shown};
use pgconflint::source::{Files as _, Sources};
use pgconflint::version::{Major, PgVersion, Targets, from_pg_version_file};
use pgconflint_servers::{FileSet, Server, install, start_check, whole_start};

use crate::migrations::is_every_one_wanted;
use crate::proof;
use crate::vectors::{self, Memory, ROOT, base64, bytes, load, majors};

const TARGETS: [Major; 7] = [Major::V12, Major::V13, Major::V14, Major::V15, Major::V16, Major::V17, Major::V18];

pub fn request(path: &Path, from: Major, to: Major) -> Request {
    let targets = Targets::one(PgVersion::newest(from)).unwrap();
    let node = Node {
        path: path.into(),
        file: None,
        data_dir: None,
        data_is_here: false,
        targets,
        role: None,
        wal_segment_size: None,
        before: Before::default(),
    };
    Request { node, from, to, allowed: Vec::new(), preserve_timeline: false, keep_defaults: false }
}

/// Every file below a directory by its path there.
fn tree(directory: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut todo = vec![directory.to_owned()];
    while let Some(next) = todo.pop() {
        for entry in fs::read_dir(&next).into_iter().flatten() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => todo.push(path),
                false => drop(found.insert(path.strip_prefix(directory).unwrap().into(), fs::read(&path).unwrap())),
            }
        }
    }
    found
}

fn written(plan: &Plan, top: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let below = |path: &Path| path.strip_prefix(top).unwrap_or(path).to_owned();
    plan.files.iter().map(|(path, bytes)| (below(path), bytes.to_vec())).collect()
}

#[test]
fn cases_become_what_they_should() {
    // Tests run there: what is told must not hold the place of this copy.
    let top = Path::new("testdata/migrate");
    let bless = std::env::var_os("PGCONFLINT_BLESS").is_some();
    let mut names: Vec<PathBuf> = fs::read_dir(top).unwrap().map(|entry| entry.unwrap().path()).collect();
    names.sort();
    assert!(names.len() >= 6, "{names:?}");
    let rules = Rules::built_in();
    for case in names {
        let name = case.file_name().unwrap().to_string_lossy().into_owned();
        let to = Major::from_table(name.rsplit_once("-to-").unwrap().1).unwrap();
        let before = case.join("before");
        let from = from_pg_version_file(&fs::read(before.join("PG_VERSION")).unwrap()).unwrap();
        let plan = plan(&Disk::default(), &request(&before, from, to), &rules);
        let told = shown::text(&plan, &name, &Show { directory: before.clone(), ..Show::default() });
        let after = written(&plan, &before);
        if bless {
            let _ = fs::remove_dir_all(case.join("after"));
            for (path, bytes) in &after {
                let path = case.join("after").join(path);
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(path, bytes).unwrap();
            }
            fs::write(case.join("told.txt"), &told).unwrap();
        }
        assert_eq!(fs::read_to_string(case.join("told.txt")).unwrap_or_default(), told, "{name}");
        assert_eq!(tree(&case.join("after")), after, "{name}");
        assert!(!told.contains("s3cret"), "{name} shows a password");
        is_quiet_afterwards(&plan, &before, &rules, &name);
    }
}

/// Migrating twice is migrating once, and nothing new is refused.
fn is_quiet_afterwards(plan: &Plan, top: &Path, rules: &Rules, name: &str) {
    if !plan.blocks.is_empty() {
        return;
    }
    let mut files = Files::default();
    for (path, bytes) in &plan.files {
        files = files.with(&path.to_string_lossy(), bytes);
    }
    let again = pgconflint::migrate::plan(&files, &request(top, plan.from.max(Major::V9_4), plan.to), rules);
    assert!(again.is_empty() && again.blocks.is_empty(), "{name}: {:?} {:?}", again.steps, again.blocks);
    // On a node that says its new version there is nothing to do either.
    let later = pgconflint::migrate::plan(&files, &request(top, plan.to, plan.to), rules);
    assert!(later.is_empty() && later.blocks.is_empty(), "{name}: {:?} {:?}", later.steps, later.blocks);
    assert_eq!(later.next_start, plan.next_start, "{name}");
}

/// A recovery.conf that real servers have read, with the files beside it, and whether they got through.
struct Recorded {
    id: String,
    files: Memory,
    from: Major,
    ok: bool,
}

fn recorded() -> Vec<Recorded> {
    let mut found = Vec::new();
    for file in ["recovery.jsonl", "old-recovery.jsonl"] {
        for vector in load(file).iter().filter(|vector| vector["kind"] == "recovery.conf") {
            let mut files = vectors::files(vector);
            let main = match vector["file_b64"].as_str() {
                Some(encoded) => base64(encoded),
                None => bytes(vector["file"].as_str().unwrap()),
            };
            let settings = vector["settings"].as_str().unwrap_or_default().to_string();
            let conf = vector["postgresql.conf"].as_str().unwrap_or_default();
            files.0.insert(b"postgresql.conf".to_vec(), bytes(&(settings + conf)));
            files.0.insert(b"recovery.conf".to_vec(), main);
            let from = *majors(vector).iter().max().unwrap();
            if from >= Major::V12 {
                continue;
            }
            let id = vector["id"].as_str().unwrap().to_string();
            found.push(Recorded { id, files, from, ok: vector["expect"]["ok"] == true });
        }
    }
    assert!(found.len() > 200, "only {} are recorded", found.len());
    found
}

#[test]
fn every_recovery_that_was_recorded_is_migrated_or_refused_with_a_reason() {
    let rules = Rules::built_in();
    let (mut migrated, mut reasons) = (0, BTreeMap::<String, usize>::new());
    let mut wrong = Vec::new();
    for (index, one) in recorded().into_iter().enumerate() {
        // One major each, in turn: a plan takes a moment.
        let is_wanted = |place: usize| is_every_one_wanted() || place == index % 3;
        let majors = [Major::V12, Major::V15, Major::V18].into_iter().enumerate();
        for (_, to) in majors.filter(|(place, _)| is_wanted(*place)) {
            let plan = plan(&one.files, &request(Path::new(ROOT), one.from, to), &rules);
            if !plan.blocks.is_empty() {
                for block in &plan.blocks {
                    let reason: String = block.reason.to_string().chars().take(60).collect();
                    *reasons.entry(reason).or_default() += 1;
                }
                // What the old server started with is refused for a good reason only.
                let is_said =
                    plan.blocks.iter().all(|block| EXCUSED.iter().any(|word| block.reason.to_string().contains(word)));
                if one.ok && !is_said {
                    wrong.push(format!("{} to {to}: {:?}", one.id, plan.blocks));
                }
                continue;
            }
            migrated += 1;
            let renamed = plan.steps.last_key_renamed();
            if renamed.as_deref() != Some("recovery.conf") {
                wrong.push(format!("{} to {to}: recovery.conf is not the last to go: {:?}", one.id, plan.steps));
            }
            if plan.next_start.contains("does not start") || plan.next_start.contains("as a primary") {
                wrong.push(format!("{} to {to}: {}", one.id, plan.next_start));
            }
            is_quiet_afterwards(&plan, Path::new(ROOT), &rules, &format!("{} to {to}", one.id));
        }
    }
    println!("{migrated} migrated; refused: {reasons:#?}");
    assert!(wrong.is_empty(), "{} are wrong:\n{}", wrong.len(), wrong.join("\n"));
    assert!(migrated > 50, "only {migrated}");
}

/// Reasons to refuse what an old server started with.
const EXCUSED: [&str; 5] = [
    "is refused from 12 on",
    "holds a line feed",
    "the old server refuses it",
    "would refuse it",
    "both standby.signal and recovery.signal",
];

trait LastKept {
    fn last_key_renamed(&self) -> Option<String>;
}

impl LastKept for Vec<pgconflint::migrate::Step> {
    /// The file that the last of the steps that do something renames.
    fn last_key_renamed(&self) -> Option<String> {
        let last = self.iter().rfind(|step| step.action != Action::Keep)?;
        let name = last.path.file_name()?.to_string_lossy().into_owned();
        matches!(last.action, Action::Rename(_)).then_some(name)
    }
}

/// Nodes of the distributions and of the guides: what is left as it was, and no new error.
#[test]
fn every_node_goes_to_every_version_without_a_new_error() {
    let rules = Rules::built_in();
    let mut count = 0;
    for top in ["testdata/node", "testdata/guides"] {
        for entry in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(top)).unwrap() {
            let path = entry.unwrap().path();
            let Ok(version) = fs::read(path.join("PG_VERSION")) else { continue };
            let from = from_pg_version_file(&version).unwrap();
            for to in TARGETS.into_iter().filter(|to| *to >= from) {
                let plan = plan(&Disk::default(), &request(&path, from, to), &rules);
                assert!(plan.blocks.is_empty(), "{} to {to}: {:?}", path.display(), plan.blocks);
                let touched: BTreeSet<&Path> = plan.steps.iter().map(|step| step.path.as_path()).collect();
                for (file, bytes) in &plan.files {
                    let old = fs::read(file).unwrap_or_default();
                    if !touched.contains(file.as_path()) {
                        assert_eq!(old, bytes.to_vec(), "{}", file.display());
                    }
                    // A line that no row names stays.
                    let rows =
                        plan.changes.iter().filter(|row| row.from.as_ref().is_some_and(|from| from.path == *file));
                    let changed: BTreeSet<usize> = rows.filter_map(|row| Some(row.from.as_ref()?.line)).collect();
                    let lines =
                        |bytes: &[u8]| bytes.split(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect::<Vec<_>>();
                    let (old, new) = (lines(&old), lines(bytes));
                    for (index, (old, new)) in old.iter().zip(&new).enumerate() {
                        assert!(old == new || changed.contains(&(index + 1)), "{}:{}", file.display(), index + 1);
                    }
                }
                count += 1;
            }
        }
    }
    println!("{count} migrations");
    assert!(count > 60, "only {count}");
}

/// The settings that a plan writes, as the model reads them: name and value as `postgres -C` prints it.
fn intended(plan: &Plan) -> Vec<(String, Vec<u8>)> {
    let mut files = Files::default();
    for (path, bytes) in &plan.files {
        files = files.with(&path.to_string_lossy(), bytes);
    }
    let mut sources = Sources::default();
    let request = request(Path::new(ROOT), plan.from.max(Major::V9_4), plan.to);
    let subject = check::subject(&request.node, &files);
    let tree = check::read(&files, &mut sources, &subject, plan.to);
    let settings = Settings::judge(&tree, &sources, Catalog::shared(PgVersion::newest(plan.to)));
    let names: BTreeSet<&str> =
        plan.changes.iter().filter_map(|row| row.to.as_ref()).map(|to| to.setting.as_str()).collect();
    let names = names.into_iter().filter(|name| !name.is_empty());
    names.map(|name| (name.to_owned(), settings.value(name).unwrap().plain())).collect()
}

/// The files of a plan for a data directory. What no server can tell apart from ours is left out.
fn file_set(plan: &Plan) -> FileSet {
    let mut files = FileSet::default();
    for (path, bytes) in written(plan, Path::new(ROOT)) {
        let name = path.to_string_lossy();
        if !name.starts_with("pg_") {
            files = files.with(&name, bytes);
        }
    }
    files
}

/// Every recorded recovery.conf that an old server starts with is started with by the new one, as a standby or a
/// recovery, with the settings that were meant.
#[test]
fn real_servers_start_what_was_migrated() {
    if !proof::wanted("migrated recoveries") {
        return;
    }
    let rules = Rules::built_in();
    let (mut starts, mut settings, mut wrong) = (0, 0, Vec::new());
    let mut seen = BTreeSet::new();
    // A third of them in the time of tests/run.
    let step = if std::env::var("PGCONFLINT_PROVE").is_ok_and(|which| which == "all") { 1 } else { 3 };
    for one in recorded().into_iter().filter(|one| one.ok).step_by(step) {
        for to in [Major::V12, Major::V18] {
            let plan = plan(&one.files, &request(Path::new(ROOT), one.from, to), &rules);
            let files = file_set(&plan);
            if !plan.blocks.is_empty() || !seen.insert((to, files.clone())) {
                continue;
            }
            let major = to.0 / 100;
            for (name, value) in intended(&plan) {
                settings += 1;
                let told = start_check(major, &files, &name).unwrap();
                if told.value.as_deref() != Some(value.as_slice()) {
                    let (ours, theirs) = (String::from_utf8_lossy(&value).into_owned(), told);
                    wrong.push(format!("{} on {to}: {name}: ours {ours:?}, server {theirs:?}", one.id));
                }
            }
            starts += 1;
            let outcome = whole_start(major, &files).unwrap();
            let log: Vec<String> = outcome.log.iter().map(|line| String::from_utf8_lossy(line).into_owned()).collect();
            let wanted = match plan.next_start.contains("standby") {
                true => ["entering standby mode", "entering standby mode"],
                false => ["starting archive recovery", "starting point-in-time recovery"],
            };
            let is_in = |line: &String| wanted.iter().any(|wanted| line.contains(wanted));
            // Which timelines there are no file of ours tells.
            let excused = |line: &String| line.contains("recovery target timeline");
            if !log.iter().any(|line| is_in(line) || excused(line)) {
                wrong.push(format!("{} on {to}: {}\n    {}", one.id, plan.next_start, log.join("\n    ")));
            }
        }
    }
    println!("{starts} starts, {settings} settings");
    assert!(wrong.is_empty(), "{} of {starts} starts are wrong:\n{}", wrong.len(), wrong.join("\n"));
    assert!(starts > 50, "only {starts}");
}

/// postgresql.auto.conf after us is what ALTER SYSTEM of that server leaves after the same settings.
#[test]
fn real_servers_write_the_same_auto_conf() {
    if !proof::wanted("postgresql.auto.conf of migrated recoveries") {
        return;
    }
    let rules = Rules::built_in();
    let all = recorded();
    let (mut count, mut wrong) = (0, Vec::new());
    for major in install::majors().into_iter().filter(|major| *major >= 12) {
        let server = Server::start(major).unwrap();
        let path = server.data().join("postgresql.auto.conf");
        let mut seen = BTreeSet::new();
        for one in all.iter().filter(|one| one.ok) {
            let plan = plan(&one.files, &request(Path::new(ROOT), one.from, Major(major * 100)), &rules);
            let ours = written(&plan, Path::new(ROOT)).remove(Path::new("postgresql.auto.conf"));
            let before = one.files.read(&Path::new(ROOT).join("postgresql.auto.conf"));
            // A server begins with a file that sets nothing.
            let sets = before.is_ok_and(|before| before.contains(&b'='));
            let Some(ours) = ours.filter(|ours| plan.blocks.is_empty() && !sets && seen.insert(ours.clone())) else {
                continue;
            };
            // Without a setting the file stays as it was.
            if !ours.contains(&b'=') {
                continue;
            }
            server.query("alter system reset all").unwrap();
            let rows = plan.changes.iter().filter_map(|row| row.to.as_ref());
            // In the order in which they stand in the file.
            let mut rows: Vec<_> = rows.filter(|to| to.path.ends_with("postgresql.auto.conf")).collect();
            let at = |name: &str| String::from_utf8_lossy(&ours).find(&format!("\n{name} = "));
            rows.sort_by_key(|to| at(&to.setting));
            for to in rows {
                let value: Vec<u8> =
                    to.value.iter().flat_map(|byte| vec![*byte; 1 + usize::from(*byte == b'\'')]).collect();
                let sql = [format!("alter system set {} to '", to.setting).as_bytes(), &value, b"'"].concat();
                let answer = server.query_bytes(&sql).unwrap();
                if let Some(error) = answer.error {
                    wrong.push(format!("{} {major}: {}", one.id, String::from_utf8_lossy(&error.message)));
                }
            }
            count += 1;
            let theirs = fs::read(&path).unwrap();
            if theirs != ours {
                let show = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
                wrong.push(format!("{} {major}:\nours\n{}server\n{}", one.id, show(&ours), show(&theirs)));
            }
            // What a later ALTER SYSTEM makes of our file: all of it, and the new line.
            fs::write(&path, &ours).unwrap();
            server.query("alter system set work_mem to '5MB'").unwrap();
            if fs::read(&path).unwrap() != [ours.as_slice(), b"work_mem = '5MB'\n"].concat() {
                wrong.push(format!("{} {major}: a later ALTER SYSTEM changes more", one.id));
            }
        }
    }
    println!("{count} files");
    assert!(wrong.is_empty(), "{} of {count} differ:\n{}", wrong.len(), wrong.join("\n"));
    assert!(count > 200, "only {count}");
}

/// A standby is never migrated into anything that starts open for writes.
#[test]
fn a_former_standby_is_a_standby_at_every_version() {
    let rules = Rules::built_in();
    let mode = named(pgconflint::catalog::recovery::Purpose::Mode);
    for to in TARGETS {
        let conf = format!("{mode} = on\nrestore_command = 'false'\n");
        let files = Files::default().with("db/recovery.conf", conf.as_bytes()).with("db/postgresql.conf", b"");
        let plan = plan(&files, &request(Path::new("db"), Major::V11, to), &rules);
        let first = &plan.steps[0];
        assert!(first.path.ends_with("standby.signal") && first.action == Action::Create, "{first:?}");
        assert!(plan.next_start.contains("hot standby"), "{}", plan.next_start);
        let outcome = check::node(&files, &request(Path::new("db"), Major::V11, to).node, &rules, &|_| true);
        assert!(outcome.findings.iter().all(|finding| finding.severity < Severity::Error));
    }
}
