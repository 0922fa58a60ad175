//! `migrate` in place: written, undone, gone on with, refused.

use std::cell::RefCell;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use insta_cmd::get_cargo_bin;
use pgconflint::cli::{Act, Migrate, Options, Target, Task};
use pgconflint::files::{Call, Changes};
use pgconflint::migrate::Allow;
use pgconflint::run::{Exit, World};
use pgconflint::version::Major;
use pgconflint_servers::crash::snapshot::Snapshot;
use tempfile::TempDir;

const CONF: &str = "include_dir = 'conf.d'\nwal_keep_segments = 8\nunix_socket_directories = '/tmp'\n";

/// A standby of 11 with parameters that 16 does not know, in two files.
pub fn node() -> TempDir {
    let top = tempfile::tempdir().unwrap();
    let db = top.path().join("db");
    fs::create_dir_all(db.join("conf.d")).unwrap();
    for (name, text, mode) in [
        ("PG_VERSION", "11\n", 0o600),
        ("postgresql.conf", CONF, 0o644),
        ("conf.d/a.conf", "wal_keep_segments = 16 # a while\n", 0o640),
        ("postgresql.auto.conf", "work_mem = '5MB'\n", 0o600),
        ("recovery.conf", "standby_mode = on\nprimary_conninfo = 'host=p password=s3cret'\n", 0o600),
    ] {
        fs::write(db.join(name), text).unwrap();
        fs::set_permissions(db.join(name), fs::Permissions::from_mode(mode)).unwrap();
    }
    fs::set_permissions(&db, fs::Permissions::from_mode(0o700)).unwrap();
    top
}

pub fn run(top: &TempDir, arguments: &[&str]) -> (i32, String) {
    let mut command = Command::new(get_cargo_bin("pgconflint"));
    let output = command.current_dir(top.path()).arg("migrate").args(arguments).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let said = text(&output.stdout) + &text(&output.stderr);
    assert!(!said.contains("s3cret"), "{said}");
    (output.status.code().unwrap(), said)
}

pub const WRITE: [&str; 5] = ["db", "--to", "16", "--write", "--yes"];

/// Every migration that was refused leaves everything as it was.
pub fn refused(top: &TempDir, arguments: &[&str], word: &str) {
    let before = Snapshot::of(top.path()).unwrap();
    let (code, said) = run(top, arguments);
    assert_eq!(code, 2, "{said}");
    assert!(said.contains(word), "{arguments:?}: `{word}` is not in {said}");
    assert_eq!(before.difference(&Snapshot::of(top.path()).unwrap()), "", "{said}");
}

fn change_times(directory: &Path) -> Vec<(PathBuf, i64, i64)> {
    let entries = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    let times = entries.map(|path| {
        let metadata = fs::metadata(&path).unwrap();
        (path, metadata.ctime(), metadata.ctime_nsec())
    });
    let mut times: Vec<_> = times.collect();
    times.sort();
    times
}

#[test]
fn it_is_written_once_and_undone() {
    let top = node();
    let db = top.path().join("db");
    let before = Snapshot::of(top.path()).unwrap();
    let (code, said) = run(&top, &WRITE);
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("rename db/recovery.conf to db/recovery.conf.before-16"), "{said}");
    let read = |name: &str| fs::read_to_string(db.join(name)).unwrap();
    assert_eq!(read("conf.d/a.conf"), "wal_keep_size = 256MB # a while\n");
    assert!(read("postgresql.auto.conf").ends_with("primary_conninfo = 'host=p password=s3cret'\n"));
    assert!(!db.join("recovery.conf").exists() && read("standby.signal").is_empty());
    let mode = |name: &str| fs::metadata(db.join(name)).unwrap().mode() & 0o7777;
    let kept =
        ["conf.d/a.conf", "postgresql.conf", "postgresql.auto.conf", "standby.signal", "recovery.conf.before-16"];
    assert_eq!(kept.map(mode), [0o640, 0o644, 0o600, 0o600, 0o600]);
    for entry in fs::read_dir(db.join("pgconflint-migration-1")).unwrap() {
        assert_eq!(entry.unwrap().metadata().unwrap().mode() & 0o7777, 0o600);
    }
    let times = change_times(&db);
    let (code, said) = run(&top, &WRITE);
    assert_eq!((code, said.contains("Nothing to do.")), (0, true), "{said}");
    assert_eq!(change_times(&db), times, "a second run touches nothing");
    let (code, said) = run(&top, &["db", "--rollback", "--format", "json"]);
    assert_eq!(code, 0, "{said}");
    let said: serde_json::Value = serde_json::from_str(&said).unwrap();
    assert_eq!(said["done"]["what"], "rolled-back");
    assert_eq!(said["done"]["files"][0]["to"], "db/recovery.conf");
    assert_eq!(before.difference(&Snapshot::of(top.path()).unwrap()), "");
    refused(&top, &["db", "--rollback"], "no way back");
    let (code, said) = run(&top, &["db", "--to", "16", "--write", "--yes", "--format", "json"]);
    let said: serde_json::Value = serde_json::from_str(&said).unwrap();
    assert_eq!((code, &said["done"]["what"]), (0, &"written".into()));
    assert_eq!(said["done"]["keptIn"], "db/pgconflint-migration-1");
}

#[test]
fn a_node_goes_by_many_names() {
    for (inside, name) in [("db", "."), ("db", "./"), ("db", "../db"), ("db/conf.d", ".."), ("", "db/"), ("", "./db/.")]
    {
        let top = node();
        let before = Snapshot::of(top.path()).unwrap();
        let run = |arguments: &[&str]| {
            let mut command = Command::new(get_cargo_bin("pgconflint"));
            let command = command.current_dir(top.path().join(inside)).arg("migrate").arg(name).args(arguments);
            let output = command.output().unwrap();
            (output.status.code(), String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned())
        };
        let plan = top.path().join("plan");
        let plan = plan.to_str().unwrap();
        for act in [&["--to", "16", "--write", "--yes"][..], &["--apply", plan, "--yes"]] {
            if act[0] == "--apply" {
                let (code, said) = run(&["--to", "16", "--plan-out", plan]);
                assert_eq!(code, Some(1), "{name} in {inside}: {said}");
            }
            let (code, said) = run(act);
            assert_eq!(code, Some(0), "{name} in {inside}: {act:?}: {said}");
            assert!(top.path().join("db/standby.signal").exists() && !top.path().join("db/recovery.conf").exists());
            let (code, said) = run(&["--to", "16"]);
            assert_eq!(code, Some(0), "{name} in {inside}: {said}");
            let (code, said) = run(&["--rollback"]);
            assert_eq!(code, Some(0), "{name} in {inside}: {said}");
            let _ = fs::remove_file(plan);
            assert_eq!(before.difference(&Snapshot::of(top.path()).unwrap()), "", "{name} in {inside}");
        }
    }
}

#[test]
fn nothing_is_written_unless_somebody_said_so() {
    let top = node();
    refused(&top, &["db", "--to", "16", "--write"], "--yes");
    refused(&top, &["db", "--to", "16", "--apply", "plan"], "cannot be used with");
    refused(&top, &["db", "--write", "--yes"], "--to");
    fs::write(top.path().join("db/postmaster.pid"), format!("{}\n", std::process::id())).unwrap();
    refused(&top, &WRITE, "--allow-running");
    fs::write(top.path().join("db/postmaster.pid"), "99999999\n/db\n1\n5432\n\n").unwrap();
    refused(&top, &WRITE, "--allow-running");
    let (code, said) = run(&top, &["db", "--to", "16", "--write", "--yes", "--allow-running"]);
    assert_eq!(code, 0, "{said}");
    refused(&top, &["db", "--rollback"], "--allow-running");
    assert_eq!(run(&top, &["db", "--rollback", "--allow-running"]).0, 0);
}

#[test]
fn what_was_changed_since_is_never_undone() {
    let top = node();
    assert_eq!(run(&top, &WRITE).0, 0);
    let written = Snapshot::of(top.path()).unwrap();
    let conf = top.path().join("db/postgresql.conf");
    fs::write(&conf, "work_mem = 6MB\n").unwrap();
    refused(&top, &["db", "--rollback"], "db/postgresql.conf has been changed since");
    // A standby that is promoted loses its signal file.
    written.restore(top.path()).unwrap();
    fs::remove_file(top.path().join("db/standby.signal")).unwrap();
    refused(&top, &["db", "--rollback"], "db/standby.signal has vanished since");
    written.restore(top.path()).unwrap();
    fs::write(top.path().join("db/recovery.conf"), "").unwrap();
    refused(&top, &["db", "--rollback"], "db/recovery.conf");
    // A copy of the data directory has nothing to do with its original.
    written.restore(top.path()).unwrap();
    let copied = Command::new("cp").arg("-a").args(["db", "copy"]).current_dir(top.path()).status().unwrap();
    assert!(copied.success());
    refused(&top, &["copy", "--rollback"], "no way back");
}

#[test]
fn a_plan_in_a_file_is_bound_to_what_was_read() {
    let top = node();
    let path = |name: &str| top.path().join(name);
    let (code, said) = run(&top, &["db", "--to", "16", "--plan-out", "plan.json"]);
    assert_eq!(code, 1, "{said}");
    let plan = fs::read_to_string(path("plan.json")).unwrap();
    assert!(!plan.contains("s3cret") && plan.contains("standby.signal"), "{plan}");
    let before = Snapshot::of(top.path()).unwrap();
    let stale = |change: &dyn Fn(), word: &str| {
        change();
        refused(&top, &["--apply", "plan.json"], word);
        before.restore(top.path()).unwrap();
    };
    stale(&|| fs::write(path("db/conf.d/a.conf"), "").unwrap(), "db/conf.d/a.conf has been changed");
    stale(&|| fs::write(path("db/conf.d/b.conf"), "").unwrap(), "db/conf.d/b.conf has appeared");
    stale(&|| fs::remove_file(path("db/conf.d/a.conf")).unwrap(), "db/conf.d/a.conf has vanished");
    stale(&|| fs::write(path("db/pg_hba.conf"), "").unwrap(), "db/pg_hba.conf has appeared");
    let open = || fs::set_permissions(path("db/recovery.conf"), fs::Permissions::from_mode(0o644)).unwrap();
    stale(&open, "db/recovery.conf has another mode or owner");
    let pid = || fs::write(path("db/postmaster.pid"), format!("{}\n", std::process::id())).unwrap();
    stale(&pid, "--allow-running");
    let other = plan.replace("\"to\": \"16\"", "\"to\": \"18\"");
    stale(&|| fs::write(path("plan.json"), &other).unwrap(), "another plan");
    let other = plan.replace("\"keepDefaults\": false", "\"keepDefaults\": true");
    stale(&|| fs::write(path("plan.json"), &other).unwrap(), "another plan");
    stale(&|| fs::write(path("plan.json"), "{}").unwrap(), "it is no plan");
    refused(&top, &["elsewhere", "--apply", "plan.json"], "it is the plan of");
    let lock = File::open(path("db")).unwrap();
    lock.try_lock().unwrap();
    refused(&top, &["--apply", "plan.json"], "another migration is at work");
    drop(lock);
    let (code, said) = run(&top, &["--apply", "plan.json"]);
    assert_eq!(code, 0, "{said}");
    assert!(path("db/standby.signal").exists());
    assert_eq!(run(&top, &["db", "--rollback"]).0, 0);
    assert_eq!(before.difference(&Snapshot::of(top.path()).unwrap()), "");
    assert_eq!(run(&top, &["db", "--to", "16", "--keep-defaults", "--plan-out", "plan.json"]).0, 1);
    assert_eq!(run(&top, &["--apply", "plan.json"]).0, 0);
    let conf = fs::read_to_string(path("db/postgresql.conf")).unwrap();
    assert!(conf.contains("\n# defaults of 11\n") && conf.contains("\njit = off\n"), "{conf}");
}

#[test]
fn two_at_once_are_one_too_many() {
    let top = node();
    let lock = File::open(top.path().join("db")).unwrap();
    lock.try_lock().unwrap();
    refused(&top, &WRITE, "another migration is at work");
    lock.unlock().unwrap();
    assert_eq!(run(&top, &WRITE).0, 0);
    lock.try_lock().unwrap();
    refused(&top, &["db", "--rollback"], "another migration is at work");
}

/// Of many that begin at the same time one writes; the others are turned away, or find it done.
#[test]
fn of_many_at_once_one_writes() {
    let top = node();
    let before = Snapshot::of(top.path()).unwrap();
    let start = || {
        let mut command = Command::new(get_cargo_bin("pgconflint"));
        command.current_dir(top.path()).arg("migrate").args(WRITE).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().unwrap()
    };
    let runs: Vec<_> = (0..4).map(|_| start()).collect();
    let mut written = 0;
    for run in runs {
        let output = run.wait_with_output().unwrap();
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8(said).unwrap();
        let has_written = said.contains("\nWritten:");
        written += usize::from(has_written);
        let wanted = if has_written || said.contains("Nothing to do.") { 0 } else { 2 };
        assert_eq!(output.status.code(), Some(wanted), "{said}");
    }
    assert_eq!(written, 1);
    assert_eq!(run(&top, &["db", "--rollback"]).0, 0);
    assert_eq!(before.difference(&Snapshot::of(top.path()).unwrap()), "");
}

/// What is in the way of one node of a tree is in the way of all of them.
#[test]
fn a_tree_is_migrated_as_a_whole() {
    let top = node();
    let path = |name: &str| top.path().join(name);
    fs::create_dir(path("tree")).unwrap();
    fs::rename(path("db"), path("tree/a")).unwrap();
    for name in ["tree/b", "tree/c"] {
        fs::create_dir(path(name)).unwrap();
        fs::write(path(name).join("PG_VERSION"), "11\n").unwrap();
        fs::write(path(name).join("postgresql.conf"), "wal_keep_segments = 3\n").unwrap();
    }
    fs::write(path("tree/c/postmaster.pid"), format!("{}\n", std::process::id())).unwrap();
    let before = Snapshot::of(top.path()).unwrap();
    let write = ["tree", "--to", "16", "--write", "--yes"];
    refused(&top, &write, "nothing is written, in any node: see what is in the way of tree/c");
    refused(&top, &["tree", "--to", "16", "--plan-out", "plan"], "in the way of tree/c");
    refused(&top, &["tree", "--to", "16", "--data-dir", "x"], "--data-dir is for one node");
    let (code, said) = run(&top, &[&write[..], &["--allow-running"]].concat());
    assert_eq!((code, said.matches("\nWritten:").count()), (0, 3), "{said}");
    assert!(path("tree/a/standby.signal").exists() && !path("tree/c/standby.signal").exists());
    let (code, said) = run(&top, &[&write[..], &["--allow-running"]].concat());
    assert_eq!((code, said.matches("Nothing to do.").count(), said.matches("\nWritten:").count()), (0, 3, 0), "{said}");
    let (code, said) = run(&top, &["tree", "--rollback", "--allow-running"]);
    assert_eq!(code, 0, "{said}");
    assert_eq!(before.difference(&Snapshot::of(top.path()).unwrap()), "");
}

/// An image: all paths are below its root, and are told as they are there.
#[test]
fn an_image_is_migrated_below_its_root() {
    let top = node();
    let path = |name: &str| top.path().join(name);
    for directory in ["image/etc/pg", "image/var/lib"] {
        fs::create_dir_all(path(directory)).unwrap();
    }
    fs::rename(path("db"), path("image/var/lib/db")).unwrap();
    fs::rename(path("image/var/lib/db/conf.d"), path("image/etc/pg/conf.d")).unwrap();
    fs::remove_file(path("image/var/lib/db/postgresql.conf")).unwrap();
    let conf = "data_directory = '/var/lib/db'\ninclude_dir = '/etc/pg/conf.d'\nwal_keep_segments = 8\n";
    fs::write(path("image/etc/pg/postgresql.conf"), conf).unwrap();
    fs::write(path("image/var/lib/db/recovery.done"), "").unwrap();
    let before = Snapshot::of(top.path()).unwrap();
    let write = ["/etc/pg", "--root", "image", "--to", "16", "--write", "--yes"];
    let (code, said) = run(&top, &write);
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("- image/var/lib/db/recovery.done: from 12 on every start deletes it"), "{said}");
    assert!(path("image/var/lib/db/standby.signal").exists() && !path("image/var/lib/db/recovery.conf").exists());
    assert_eq!(fs::read_to_string(path("image/etc/pg/conf.d/a.conf")).unwrap(), "wal_keep_size = 256MB # a while\n");
    let way_back = ["/etc/pg", "--root", "image", "--rollback"];
    assert!(said.contains(&format!("pgconflint migrate {}\n", way_back.join(" "))), "{said}");
    let (code, said) = run(&top, &way_back);
    assert_eq!(code, 0, "{said}");
    assert_eq!(before.difference(&Snapshot::of(top.path()).unwrap()), "");
    assert_eq!(run(&top, &[&write[..5], &["--plan-out", "plan"]].concat()).0, 1);
    assert_eq!(run(&top, &["--apply", "plan"]).0, 0);
    assert!(path("image/var/lib/db/standby.signal").exists());
}

/// Runs in this process, and has something happen before a system call.
pub fn hooked(top: &TempDir, before: &dyn Fn(Call, &Path) -> io::Result<()>, answer: Option<&str>) -> (Exit, String) {
    // The node is named as seen from there.
    hooked_with(asked(top.path().join("db"), None, Major::V16, Vec::new()), top, before, answer)
}

/// A migration in place.
pub fn asked(directory: PathBuf, from: Option<Major>, to: Major, allowed: Vec<Allow>) -> Migrate {
    Migrate {
        directory,
        to: Some(to),
        from,
        preserve_timeline: false,
        keep_defaults: false,
        wal_segment_size: None,
        allowed,
        act: Act::Write(true),
        target: Target { isolated: true, ..Target::default() },
        json: false,
    }
}

pub fn hooked_with(
    options: Migrate,
    top: &TempDir,
    before: &dyn Fn(Call, &Path) -> io::Result<()>,
    answer: Option<&str>,
) -> (Exit, String) {
    let options = Migrate { act: Act::Write(answer.is_none()), ..options };
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let mut world = World {
        directory: top.path().to_owned(),
        stdin: &mut answer.unwrap_or_default().as_bytes(),
        out: &mut out,
        err: &mut err,
        color: false,
        links: false,
        width: 100,
        interactive: answer.is_some(),
        changes: Changes { before },
        checkouts: pgconflint::run::Checkouts::default(),
    };
    let options = Options { task: Task::Migrate(Box::new(options)), color: None, show_secrets: false };
    let exit = pgconflint::run::run(options, &mut world);
    (exit, String::from_utf8(out).unwrap() + &String::from_utf8(err).unwrap())
}

#[test]
fn an_edit_at_the_last_moment_is_not_written_over() {
    let top = node();
    let conf = top.path().join("db/postgresql.conf");
    let mut before = Snapshot::of(top.path()).unwrap();
    // Once the bar is raised somebody saves a file that is about to be replaced.
    let edit = |call: Call, path: &Path| {
        if call == Call::Rename && path.ends_with("conf.d/a.conf") {
            fs::write(&conf, "work_mem = 6MB # newer\n")?;
        }
        Ok(())
    };
    let (exit, said) = hooked(&top, &edit, None);
    assert_eq!(exit, Exit::Trouble);
    assert!(said.contains("postgresql.conf has been changed since it was read"), "{said}");
    assert!(said.contains("everything is as it was before"), "{said}");
    let after = Snapshot::of(top.path()).unwrap();
    fs::write(&conf, CONF).unwrap();
    assert_eq!(before.difference(&Snapshot::of(top.path()).unwrap()), "");
    assert!(after.difference(&before).starts_with("db/postgresql.conf"), "{}", after.difference(&before));
    before = Snapshot::of(top.path()).unwrap();
    // So it is with a new file beside one that is included, before anything is changed.
    let added = RefCell::new(false);
    let late = |_: Call, _: &Path| {
        *added.borrow_mut() = true;
        Ok(())
    };
    fs::write(top.path().join("db/conf.d/a.conf"), "wal_keep_segments = 16 # a while\n").unwrap();
    assert_eq!(hooked(&top, &late, Some("n\n")).0, Exit::Findings);
    assert!(!*added.borrow());
    assert_eq!(before.difference(&Snapshot::of(top.path()).unwrap()), "");
    assert_eq!(hooked(&top, &late, Some("Yes\n")).0, Exit::Clean);
}

#[test]
fn owners_links_and_the_rules_of_the_data_directory_stay() {
    let top = node();
    let db = top.path().join("db");
    fs::rename(db.join("postgresql.conf"), top.path().join("real.conf")).unwrap();
    symlink("../real.conf", db.join("postgresql.conf")).unwrap();
    fs::remove_file(db.join("postgresql.auto.conf")).unwrap();
    fs::set_permissions(&db, fs::Permissions::from_mode(0o750)).unwrap();
    // Only root may give files away.
    let is_root = chown(&db, Some(4321), Some(4322)).is_ok();
    if is_root {
        refused(&top, &WRITE, "--allow-foreign-file");
        for path in ["db/conf.d/a.conf", "db/recovery.conf", "real.conf"] {
            chown(top.path().join(path), Some(4321), Some(4322)).unwrap();
        }
    }
    let before = Snapshot::of(top.path()).unwrap();
    let (code, said) = run(&top, &WRITE);
    assert_eq!(code, 0, "{said}");
    let owner = |name: &str| {
        let metadata = fs::metadata(top.path().join(name)).unwrap();
        (metadata.uid(), metadata.gid())
    };
    let mode = |name: &str| fs::metadata(top.path().join(name)).unwrap().mode() & 0o7777;
    assert!(fs::symlink_metadata(db.join("postgresql.conf")).unwrap().is_symlink());
    assert!(fs::read_to_string(top.path().join("real.conf")).unwrap().contains("wal_keep_size"));
    assert_eq!((mode("db/standby.signal"), mode("db/postgresql.auto.conf")), (0o640, 0o640));
    if is_root {
        for name in ["db/standby.signal", "db/postgresql.auto.conf", "real.conf", "db/pgconflint-migration-1"] {
            assert_eq!(owner(name), (4321, 4322), "{name}");
        }
    }
    assert_eq!(run(&top, &["db", "--rollback"]).0, 0);
    assert_eq!(before.difference(&Snapshot::of(top.path()).unwrap()), "");
    if is_root {
        fs::write(db.join("postgresql.auto.conf"), "").unwrap();
        fs::set_permissions(db.join("postgresql.auto.conf"), fs::Permissions::from_mode(0o600)).unwrap();
        refused(&top, &WRITE, "chown it first");
    }
}

#[test]
fn a_run_that_was_ended_is_told_and_gone_on_with() {
    let top = node();
    let before = Snapshot::of(top.path()).unwrap();
    // Ended once the bar is raised, as a process that is gone leaves it: nothing is undone.
    let ended = |call: Call, path: &Path| match call {
        Call::Rename if path.ends_with("conf.d/a.conf") => std::panic::resume_unwind(Box::new("ended")),
        _ => Ok(()),
    };
    let end = || {
        let run = std::panic::AssertUnwindSafe(|| hooked(&top, &ended, None));
        std::panic::catch_unwind(run).expect_err("it was ended");
    };
    end();
    refused(&top, &["db", "--to", "16"], "--write goes on with it, --rollback undoes it");
    refused(&top, &["db", "--to", "17", "--write", "--yes"], "from 11 to 16 was begun and is not finished");
    refused(&top, &["db", "--to", "16", "--write"], "--yes");
    fs::write(top.path().join("db/pg_hba.conf"), "").unwrap();
    refused(&top, &WRITE, "db/pg_hba.conf has appeared");
    fs::remove_file(top.path().join("db/pg_hba.conf")).unwrap();
    let (code, said) = run(&top, &WRITE);
    assert_eq!((code, said.contains("Written:")), (0, true), "{said}");
    assert_eq!(run(&top, &["db", "--rollback"]).0, 0);
    assert_eq!(before.difference(&Snapshot::of(top.path()).unwrap()), "");
    end();
    assert_eq!(run(&top, &["db", "--rollback"]).0, 0);
    assert_eq!(before.difference(&Snapshot::of(top.path()).unwrap()), "");
    // Ended before the manifest was there: nothing has begun.
    fs::create_dir(top.path().join("db/pgconflint-migration-1")).unwrap();
    let (code, said) = run(&top, &["db", "--to", "16"]);
    assert_eq!((code, said.contains("ended before it had changed anything")), (1, true), "{said}");
    let (code, said) = run(&top, &["db", "--rollback"]);
    assert_eq!((code, said.contains("cleared away")), (0, true), "{said}");
    assert_eq!(before.difference(&Snapshot::of(top.path()).unwrap()), "");
    // What nobody of us has put there is nobody's to remove.
    fs::create_dir(top.path().join("db/pgconflint-migration-1")).unwrap();
    fs::write(top.path().join("db/pgconflint-migration-1/mine"), "").unwrap();
    refused(&top, &["db", "--rollback"], "move it elsewhere");
}

/// The other half of the node lies elsewhere: nothing is guessed of it.
#[test]
fn a_data_directory_alone_is_told_so() {
    let top = node();
    fs::remove_file(top.path().join("db/postgresql.conf")).unwrap();
    let (code, said) = run(&top, &["db", "--to", "16"]);
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("db/postgresql.conf: it is not here"), "{said}");
    assert!(said.contains("Next start: 16 starts as a hot standby") && !said.contains("--keep-defaults"), "{said}");
}
