//! What a real server makes of a tree.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use rustix::process::{Pid, Signal, kill_process};

use super::snapshot::Snapshot;
use super::{Case, Outcome};
use crate::pair::scene::scratch;
use crate::pair::template;
use crate::wire::Session;
use crate::{install, user};

/// So long a server may take to come up or to give up.
const START: Duration = Duration::from_secs(20);

/// What a server did.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Start {
    /// It did not start; what it said last.
    Refuses(String),
    /// It answered queries.
    Starts {
        /// Whether it was in recovery, and stayed there.
        in_recovery: bool,
        /// What its files set, as it shows it.
        settings: BTreeMap<String, String>,
    },
}

/// Starts the old and the new server on every tree that one may meet; how many starts that took.
///
/// # Errors
/// One could not be started at all.
pub fn judge(case: &Case, outcome: &Outcome, wrong: &mut Vec<String>) -> Result<usize> {
    let mut count = 0;
    for major in [case.from, case.to] {
        let [before, after] = &outcome.ends;
        let ends = [start(case, before, major)?, start(case, after, major)?];
        count += 2;
        let is_wrong_end = |start: &Start| match start {
            Start::Starts { in_recovery, .. } => case.is_standby && !in_recovery,
            Start::Refuses(_) => false,
        };
        let own = if major == case.from { &ends[0] } else { &ends[1] };
        if ends.iter().any(is_wrong_end) || matches!(own, Start::Refuses(_)) {
            wrong.push(format!("{}: {major} before and after: {ends:?}", case.name));
        }
        for tree in &outcome.met {
            let found = start(case, tree, major)?;
            count += 1;
            let is_as_ever = matches!(found, Start::Refuses(_)) || ends.contains(&found);
            if !is_as_ever || is_wrong_end(&found) {
                wrong.push(format!("{}: {major} on what is left: {found:?}", case.name));
            }
        }
    }
    Ok(count)
}

/// Starts a server of a major on a cluster of its own with the files of a tree in it.
///
/// # Errors
/// It could not be started at all.
pub fn start(case: &Case, tree: &Snapshot, major: u16) -> Result<Start> {
    let scratch = scratch()?;
    let root = scratch.path().join("tree");
    // The tree was laid out elsewhere; a split layout names its place.
    tree.restore(&root)?;
    for entry in walkdir::WalkDir::new(&root).into_iter().flatten().filter(|entry| entry.file_type().is_file()) {
        rename_root(entry.path(), &root)?;
    }
    let data = case.data(&root);
    let mut cp = user::command("cp");
    let from = template::of(major, template::FIRST)?;
    let own = data.with_extension("own");
    fs::rename(&data, &own)?;
    let output = cp.arg("--archive").arg(&from).arg(&data).output()?;
    ensure!(output.status.success(), "cp: {}", String::from_utf8_lossy(&output.stderr));
    let output = user::command("cp").args(["--archive"]).arg(own.join(".")).arg(&data).output()?;
    ensure!(output.status.success(), "cp: {}", String::from_utf8_lossy(&output.stderr));
    let log = scratch.path().join("log");
    let port = crate::start::port();
    let mut postgres = user::command(install::home(major)?.join("bin/postgres"));
    postgres.current_dir(scratch.path()).arg("-D").arg(case.node(&root));
    for setting in ["log_line_prefix=", "fsync=off", "listen_addresses=", "shared_buffers=16MB"] {
        postgres.args(["-c", setting]);
    }
    postgres.arg("-c").arg(format!("port={port}"));
    postgres.arg("-c").arg(format!("unix_socket_directories={}", scratch.path().display()));
    let written = fs::File::create(&log)?;
    let mut child = postgres.stdout(Stdio::null()).stderr(written).spawn().context("starting postgres")?;
    let socket = scratch.path().join(format!(".s.PGSQL.{port}"));
    let asked = ask(&mut child, &socket);
    if child.try_wait()?.is_none()
        && let Some(pid) = i32::try_from(child.id()).ok().and_then(Pid::from_raw)
    {
        kill_process(pid, Signal::QUIT)?;
    }
    child.wait()?;
    match asked? {
        Some((in_recovery, settings)) => Ok(Start::Starts { in_recovery, settings }),
        None => {
            let log = String::from_utf8_lossy(&fs::read(&log)?).into_owned();
            ensure!(log.contains("FATAL") || log.contains("PANIC"), "{major} on {}: {log}", case.name);
            let last = log.lines().filter(|line| line.starts_with("FATAL") || line.starts_with("LOG:  unrecognized"));
            Ok(Start::Refuses(last.collect::<Vec<_>>().join(" | ").replace(&*root.to_string_lossy(), "$ROOT")))
        }
    }
}

type Answer = (bool, BTreeMap<String, String>);

/// Waits until the server answers, and asks it; nothing if it ends instead.
fn ask(child: &mut std::process::Child, socket: &Path) -> Result<Option<Answer>> {
    let before = Instant::now();
    let mut session = loop {
        if child.try_wait()?.is_some() {
            return Ok(None);
        }
        if let Ok(session) = Session::open(socket, "probe") {
            break session;
        }
        ensure!(before.elapsed() < START, "it neither starts nor ends");
        std::thread::sleep(Duration::from_millis(10));
    };
    // A recovery that is about to end has not ended yet.
    std::thread::sleep(Duration::from_millis(300));
    let text = |cell: &Option<Vec<u8>>| String::from_utf8_lossy(cell.as_deref().unwrap_or_default()).into_owned();
    let answer = session.query("select pg_is_in_recovery()")?;
    let in_recovery = answer.rows.first().is_some_and(|row| text(&row[0]) == "t");
    let answer = session.query("select name, setting from pg_settings where source = 'configuration file'")?;
    Ok(Some((in_recovery, answer.rows.iter().map(|row| (text(&row[0]), text(&row[1]))).collect())))
}

/// Puts the tree's own place into a file that names another one.
fn rename_root(path: &Path, root: &Path) -> Result<()> {
    let Ok(text) = String::from_utf8(fs::read(path)?) else { return Ok(()) };
    let Some(start) = text.find("data_directory = '") else { return Ok(()) };
    let named = text[start..].split('\'').nth(1).unwrap_or_default();
    let Some(old) = named.strip_suffix("/data") else { return Ok(()) };
    fs::write(path, text.replace(old, &root.to_string_lossy()))?;
    Ok(())
}
