//! `migrate` and what only the disk tells: whom files belong to, other names of a file, other places, other nodes, a
//! server that starts meanwhile, a disk that is full.

use std::cell::Cell;
use std::fs;
use std::io::{self, Read};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use pgconflint::check::Rules;
use pgconflint::cli::{Act, Migrate, Options, Task};
use pgconflint::files::{Call, Changes, Memory};
use pgconflint::migrate::plan;
use pgconflint::run::{Exit, World};
use pgconflint::source::{Files, ReadError};
use pgconflint::version::Major;
use pgconflint_servers::crash::snapshot::Snapshot;
use tempfile::TempDir;

use crate::in_place::{WRITE, asked, hooked, node, refused, run};
use crate::migrate::request;

/// A tree of two standbys of 11 that share a file.
fn tree(shared: &str) -> TempDir {
    let top = tempfile::tempdir().unwrap();
    for name in ["tree/a", "tree/b"] {
        let db = top.path().join(name);
        fs::create_dir_all(&db).unwrap();
        fs::write(db.join("PG_VERSION"), "11\n").unwrap();
        fs::write(db.join("postgresql.conf"), "include '../shared.conf'\nstats_temp_directory = 'x'\n").unwrap();
        fs::write(db.join("recovery.conf"), "standby_mode = on\nprimary_conninfo = 'host=p'\n").unwrap();
    }
    fs::write(top.path().join("tree/shared.conf"), shared).unwrap();
    top
}

#[test]
fn a_file_that_only_root_can_read_is_not_obeyed() {
    let top = node();
    let path = |name: &str| top.path().join(name);
    fs::write(path("db/own.conf"), "restore_command = 'false'\n").unwrap();
    fs::set_permissions(path("db/own.conf"), fs::Permissions::from_mode(0o600)).unwrap();
    fs::write(path("db/postgresql.conf"), "include_if_exists = 'own.conf'\n").unwrap();
    for entry in fs::read_dir(path("db")).unwrap() {
        // Only root may give files away.
        if chown(entry.unwrap().path(), Some(4321), Some(4321)).is_err() {
            return;
        }
    }
    chown(path("db/conf.d/a.conf"), Some(4321), Some(4321)).unwrap();
    chown(path("db"), Some(4321), Some(4321)).unwrap();
    let (_, said) = run(&top, &["db", "--to", "16"]);
    assert!(said.contains("own.conf:1: sets `restore_command`") && !said.contains("Permission denied"), "{said}");
    chown(path("db/own.conf"), Some(0), Some(0)).unwrap();
    let (_, said) = run(&top, &["db", "--to", "16"]);
    assert!(said.contains("own.conf: Permission denied") && !said.contains("sets `restore_command`"), "{said}");
    refused(&top, &WRITE, "--allow-unreadable");
    // What it is told stands in a plan too, and is what is found again.
    assert_eq!(run(&top, &["db", "--to", "16", "--allow-unreadable", "--plan-out", "plan"]).0, 1);
    let (code, said) = run(&top, &["--apply", "plan"]);
    assert_eq!(code, 0, "{said}");
    assert_eq!(fs::metadata(path("db/standby.signal")).unwrap().uid(), 4321);
}

#[test]
fn no_file_but_a_plan_makes_way_for_a_plan() {
    let top = node();
    for (name, text) in [("notes", "mine"), ("empty", ""), ("db/standby.signal.bak", "{}")] {
        fs::write(top.path().join(name), text).unwrap();
        refused(&top, &["db", "--to", "16", "--plan-out", name], "it is there and is no plan");
    }
    for _ in 0..2 {
        assert_eq!(run(&top, &["db", "--to", "16", "--plan-out", "plan"]).0, 1);
    }
}

/// Answers, and starts a server before.
struct Late(PathBuf);

impl Read for Late {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        fs::write(&self.0, format!("{}\n", std::process::id()))?;
        buffer[..2].copy_from_slice(b"y\n");
        Ok(2)
    }
}

#[test]
fn a_server_that_starts_while_somebody_is_asked_is_in_the_way() {
    for is_json in [false, true] {
        let top = node();
        let mut stdin = Late(top.path().join("db/postmaster.pid"));
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let mut world = World {
            directory: top.path().to_owned(),
            stdin: &mut stdin,
            out: &mut out,
            err: &mut err,
            color: false,
            links: false,
            width: 100,
            interactive: true,
            changes: Changes { before: &|_, _| Ok(()) },
            checkouts: pgconflint::run::Checkouts::default(),
        };
        let migrate = asked(top.path().join("db"), None, Major::V16, Vec::new());
        let migrate = Migrate { act: Act::Write(false), json: is_json, ..migrate };
        let options = Options { task: Task::Migrate(Box::new(migrate)), color: None, show_secrets: false };
        let exit = pgconflint::run::run(options, &mut world);
        let err = String::from_utf8(err).unwrap();
        assert!(exit == Exit::Trouble && err.contains("--allow-running"), "{err}");
        assert!(!top.path().join("db/standby.signal").exists());
        // Who is asked has seen the plan, also where JSON is what is printed.
        let seen = if is_json { err } else { String::from_utf8(out).unwrap() };
        assert!(seen.contains("Files, in this order:"), "{seen}");
    }
}

#[test]
fn a_file_with_two_names_is_written_once() {
    let top = node();
    let path = |name: &str| top.path().join(name);
    symlink("conf.d/a.conf", path("db/link.conf")).unwrap();
    fs::hard_link(path("db/conf.d/a.conf"), path("db/hard.conf")).unwrap();
    let conf = "include 'link.conf'\ninclude_dir = 'conf.d'\ninclude 'hard.conf'\n";
    fs::write(path("db/postgresql.conf"), conf).unwrap();
    let before = Snapshot::of(top.path()).unwrap();
    let (code, said) = run(&top, &WRITE);
    assert!(code == 0 && said.contains("it is the same file as"), "{said}");
    for name in ["db/conf.d/a.conf", "db/link.conf", "db/hard.conf"] {
        assert_eq!(fs::read_to_string(path(name)).unwrap(), "wal_keep_size = 256MB # a while\n", "{name}");
    }
    assert!(fs::symlink_metadata(path("db/link.conf")).unwrap().is_symlink());
    assert_eq!(run(&top, &["db", "--rollback"]).0, 0);
    assert_eq!(before.difference(&Snapshot::of(top.path()).unwrap()), "");
}

#[test]
fn what_is_written_elsewhere_is_whole_or_not_there() {
    let top = node();
    let path = |name: &str| top.path().join(name);
    fs::create_dir(path("shared")).unwrap();
    fs::write(path("shared/x.conf"), "wal_keep_segments = 2\n").unwrap();
    fs::write(path("db/postgresql.conf"), "include '../shared/x.conf'\n").unwrap();
    fs::write(path("db/postmaster.pid"), format!("{}\n", std::process::id())).unwrap();
    for inside in ["db", "db/new", "db/conf.d/new"] {
        refused(&top, &["db", "--to", "16", "--out", inside], "it lies in the data directory");
    }
    let before = Snapshot::of(&path("db")).unwrap();
    let (code, said) = run(&top, &["db", "--to", "16", "--out", "new/db"]);
    assert!(code == 1 && said.contains("is to be put in its place before the server starts"), "{said}");
    assert_eq!(before.difference(&Snapshot::of(&path("db")).unwrap()), "");
    let below = path("new/db").join(path("shared/x.conf").strip_prefix("/").unwrap());
    assert_eq!(fs::read_to_string(below).unwrap(), "wal_keep_size = 32MB\n");
    assert!(path("new/db/standby.signal").exists() && !path("new/db/recovery.conf").exists());
    // A run that fails anywhere leaves nothing.
    let options = || Migrate { act: Act::Out("other".into()), ..asked(path("db"), None, Major::V16, Vec::new()) };
    let count = Cell::new(0);
    let mut fails_at = 0;
    loop {
        count.set(0);
        let before = |_: Call, _: &Path| {
            count.set(count.get() + 1);
            if count.get() == fails_at { Err(io::ErrorKind::StorageFull.into()) } else { Ok(()) }
        };
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let options = Migrate { act: Act::Out(path("other")), ..options() };
        let mut world = World {
            directory: top.path().to_owned(),
            stdin: &mut io::empty(),
            out: &mut out,
            err: &mut err,
            color: false,
            links: false,
            width: 100,
            interactive: false,
            changes: Changes { before: &before },
            checkouts: pgconflint::run::Checkouts::default(),
        };
        let options = Options { task: Task::Migrate(Box::new(options)), color: None, show_secrets: false };
        let exit = pgconflint::run::run(options, &mut world);
        if fails_at == 0 {
            fs::remove_dir_all(path("other")).unwrap();
        } else if exit == Exit::Trouble {
            // The last call makes sure of what is there.
            assert!(!path("other").exists() || path("other/standby.signal").exists());
            let _ = fs::remove_dir_all(path("other"));
            let left = fs::read_dir(top.path())
                .unwrap()
                .filter(|entry| entry.as_ref().unwrap().file_name().to_string_lossy().starts_with(".pgconflint-"));
            assert_eq!(left.count(), 0, "call {fails_at}");
        } else {
            break;
        }
        fails_at += 1;
    }
    assert!(fails_at > 10, "{fails_at}");
}

#[test]
fn a_full_disk_is_undone_on() {
    // Only so many files fit, and what is removed makes room.
    for room in 0..40 {
        let top = node();
        let before = Snapshot::of(top.path()).unwrap();
        let used = Cell::new(0);
        let full = |call: Call, _: &Path| {
            match call {
                Call::MakeFile if used.get() >= room => return Err(io::ErrorKind::StorageFull.into()),
                Call::MakeFile => used.set(used.get() + 1),
                Call::Remove => used.set(used.get() - 1),
                _ => {}
            }
            Ok(())
        };
        let (exit, said) = hooked(&top, &full, None);
        if exit == Exit::Clean {
            assert!(room > 8, "{room}");
            return;
        }
        assert!(said.contains("nothing is changed") || said.contains("as it was before"), "{room}: {said}");
        assert_eq!(before.difference(&Snapshot::of(top.path()).unwrap()), "", "{room}: {said}");
    }
    panic!("it never fits");
}

#[test]
fn a_tree_has_one_plan() {
    let top = tree("port = 5433\n");
    let path = |name: &str| top.path().join(name);
    let before = Snapshot::of(top.path()).unwrap();
    let (code, said) = run(&top, &["tree", "--to", "16", "--plan-out", "plan"]);
    assert!(code == 1 && said.contains("tree/a: from 11 to 16") && said.contains("tree/b: from 11 to 16"), "{said}");
    let apply = || run(&top, &["--apply", "plan"]);
    // What has changed in one of them stops them all.
    fs::write(path("tree/b/pg_hba.conf"), "").unwrap();
    let (code, said) = apply();
    assert!(code == 2 && said.contains("pg_hba.conf has appeared"), "{said}");
    fs::remove_file(path("tree/b/pg_hba.conf")).unwrap();
    assert!(!path("tree/a/standby.signal").exists());
    let (code, said) = apply();
    assert_eq!(code, 0, "{said}");
    assert!(path("tree/a/standby.signal").exists() && path("tree/b/standby.signal").exists());
    assert_eq!(run(&top, &["tree", "--rollback"]).0, 0);
    fs::remove_file(path("plan")).unwrap();
    assert_eq!(before.difference(&Snapshot::of(top.path()).unwrap()), "");
    let (_, said) = run(&top, &["tree", "--to", "16"]);
    assert!(!said.contains("read it"), "{said}");
}

#[test]
fn a_file_that_nodes_share_goes_with_both_of_them() {
    let top = tree("wal_keep_segments = 4\n");
    let shared = || fs::read_to_string(top.path().join("tree/shared.conf")).unwrap();
    let (_, said) = run(&top, &["tree", "--to", "16"]);
    assert!(said.contains("tree/shared.conf changes, and tree/a and tree/b read it"), "{said}");
    let (_, said) = run(&top, &["tree", "--to", "16", "--format", "json"]);
    let said: serde_json::Value = serde_json::from_str(&said).unwrap();
    assert!(said["notes"][0].as_str().unwrap().contains("shared.conf") && said["nodes"].as_array().unwrap().len() == 2);
    refused(&top, &["tree", "--to", "16", "--plan-out", "plan"], "makes that of the next void");
    assert_eq!(run(&top, &["tree", "--to", "16", "--write", "--yes"]).0, 0);
    assert_eq!(shared(), "wal_keep_size = 64MB\n");
    assert_eq!(run(&top, &["tree", "--rollback"]).0, 0);
    assert_eq!(shared(), "wal_keep_segments = 4\n");
}

#[test]
fn without_the_data_directory_nothing_is_said_of_the_next_start() {
    let top = tempfile::tempdir().unwrap();
    fs::create_dir(top.path().join("etc")).unwrap();
    fs::write(top.path().join("etc/postgresql.conf"), "data_directory = '/nowhere/data'\n").unwrap();
    let (_, said) = run(&top, &["etc", "--from", "11", "--to", "16"]);
    assert!(said.contains("whether 16 starts as a primary or as a standby is not known"), "{said}");
}

#[test]
fn a_relative_data_directory_is_one_directory() {
    let top = node();
    let path = |name: &str| top.path().join(name);
    fs::create_dir(path("etc")).unwrap();
    fs::rename(path("db/postgresql.conf"), path("etc/postgresql.conf")).unwrap();
    fs::rename(path("db/conf.d"), path("etc/conf.d")).unwrap();
    let conf = fs::read_to_string(path("etc/postgresql.conf")).unwrap();
    fs::write(path("etc/postgresql.conf"), conf + "data_directory = '../db'\n").unwrap();
    let before = Snapshot::of(top.path()).unwrap();
    let (code, said) = run(&top, &["etc", "--from", "11", "--to", "16", "--write", "--yes"]);
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("`data_directory` is relative") && !said.contains("In the way"), "{said}");
    assert!(path("db/standby.signal").exists() && !path("db/recovery.conf").exists());
    assert_eq!(run(&top, &["etc", "--rollback"]).0, 0);
    assert_eq!(before.difference(&Snapshot::of(top.path()).unwrap()), "");
}

/// A node whose data directory is closed to whoever asks.
struct Closed(Memory);

impl Files for Closed {
    fn read(&self, path: &Path) -> Result<Arc<[u8]>, ReadError> {
        if path.starts_with("data") { Err(ReadError::Denied) } else { self.0.read(path) }
    }

    fn list(&self, directory: &Path) -> Result<Vec<(Vec<u8>, bool)>, ReadError> {
        if directory.starts_with("data") { Err(ReadError::Denied) } else { self.0.list(directory) }
    }

    fn mode(&self, path: &Path) -> Option<u32> {
        self.0.mode(path)
    }
}

#[test]
fn what_cannot_be_looked_into_is_not_taken_for_a_signal() {
    let files = Closed(Memory::default().with("etc/postgresql.conf", b"data_directory = '../data'\n"));
    let mut request = request(Path::new("etc"), Major::V11, Major::V16);
    request.node.data_dir = Some("data".into());
    let plan = plan(&files, &request, &Rules::built_in());
    assert!(!plan.blocks.is_empty() && plan.steps.is_empty(), "{:?}", plan.steps);
    assert!(plan.next_start.contains("is not known"), "{}", plan.next_start);
    let notes: Vec<String> = plan.notes.iter().map(ToString::to_string).collect();
    assert!(!notes.iter().any(|note| note.contains("signal")), "{notes:?}");
}

/// A server looks whether it is there, and does not read it.
#[test]
fn a_signal_file_of_another_owner_counts() {
    let top = node();
    let path = |name: &str| top.path().join(name);
    fs::remove_file(path("db/recovery.conf")).unwrap();
    fs::write(path("db/PG_VERSION"), "12\n").unwrap();
    fs::write(path("db/postgresql.conf"), "").unwrap();
    for name in ["db", "db/postgresql.conf", "db/postgresql.auto.conf"] {
        // Only root may give files away.
        if chown(path(name), Some(4321), Some(4321)).is_err() {
            return;
        }
    }
    fs::write(path("db/standby.signal"), "").unwrap();
    fs::set_permissions(path("db/standby.signal"), fs::Permissions::from_mode(0o600)).unwrap();
    let (_, said) = run(&top, &["db", "--to", "16"]);
    assert!(said.contains("16 starts as a hot standby"), "{said}");
}
