//! The directory of a scenario and the servers that run in it. None outlives the scene, however that ends.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use pgconflint::check::examples::pair::{Ports, Setup};
use pgconflint::model::control::with_segments;
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use super::template;
use crate::wire::Session;
use crate::{install, slots, user, vectors};

/// Ends the servers that it was told of when the process that tells it ends, and deletes their directory.
const GUARD: &str = r#"
trap '' INT TERM HUP
directory=$1 running=
while read -r what pid; do
    case $what in
    started) running="$running $pid" ;;
    stopped) rest=; for one in $running; do [ "$one" = "$pid" ] || rest="$rest $one"; done; running=$rest ;;
    esac
done
for pid in $running; do kill -QUIT "$pid" 2>/dev/null; done
tries=0
for pid in $running; do
    while kill -0 "$pid" 2>/dev/null && [ $tries -lt 50 ]; do sleep 0.1; tries=$((tries + 1)); done
done
rm -rf "$directory"
"#;

/// What a data directory is a copy of.
pub enum Source {
    /// A template of a major.
    Template(u16, &'static str),
    /// A stopped data directory, or a backup.
    Directory(PathBuf),
    /// Another node, which is stopped.
    Node(String),
}

/// A node's directory and, while it runs, its process.
pub struct Place {
    /// Its data directory.
    pub data: PathBuf,
    /// Its log.
    pub log: PathBuf,
    /// Its port.
    pub port: u16,
    /// The major that runs it.
    pub major: u16,
    /// Its files, for what they mention.
    text: Vec<u8>,
    child: Option<Child>,
}

/// A scenario's directory and its nodes.
pub struct Scene {
    /// Where everything is.
    pub ports: Ports,
    /// The nodes, the primary first.
    pub nodes: BTreeMap<String, Place>,
    guard: Child,
    _root: TempDir,
}

impl Scene {
    /// An empty scene for nodes of those names.
    pub fn new(names: &[String]) -> Result<Scene> {
        let root = scratch()?;
        let free = free_ports(names.len() + 1)?;
        let ports = Ports {
            root: root.path().to_string_lossy().into_owned(),
            nodes: names.iter().cloned().zip(free.iter().copied()).collect(),
            free: free[names.len()],
        };
        for directory in ["sockets", "home"] {
            let path = root.path().join(directory);
            fs::create_dir(&path)?;
            user::give(&path)?;
        }
        let mut guard = user::command("/bin/sh");
        guard.args(["-c", GUARD, "sh"]).arg(root.path()).stdin(Stdio::piped());
        Ok(Scene { ports, nodes: BTreeMap::new(), guard: guard.spawn()?, _root: root })
    }

    /// Makes a node's data directory: a copy, with the node's own files in it.
    pub fn furnish(&mut self, setup: &Setup, name: &str, source: &Source) -> Result<()> {
        let root = PathBuf::from(&self.ports.root);
        let data = root.join(name);
        let (from, is_template) = match source {
            Source::Template(major, which) => (template::of(*major, which)?, true),
            Source::Directory(path) => (path.clone(), true),
            Source::Node(node) => (root.join(node), false),
        };
        let mut cp = user::command("cp");
        let output = cp.args(["--archive", "--reflink=auto"]).arg(&from).arg(&data).output().context("running cp")?;
        ensure!(output.status.success(), "cp: {}", String::from_utf8_lossy(&output.stderr));
        if !is_template {
            strip(&data, setup)?;
        }
        let node = setup.nodes.iter().find(|node| node.name == name).context("a node of the setup")?;
        if node.was_promoted {
            promote(&data, node.major.0 / 100)?;
        }
        if let Some(size) = node.wal_segment_size {
            let control = data.join("global/pg_control");
            fs::write(&control, with_segments(fs::read(&control)?, size)?)?;
        }
        for slot in &node.logical_slots {
            let state = slots::state(node.major.0 / 100, slot, true)?;
            write(&data.join("pg_replslot").join(slot).join("state"), &state, None)?;
        }
        let mut text = Vec::new();
        for (path, (bytes, mode)) in &setup.files {
            let Ok(inside) = path.strip_prefix(name) else { continue };
            // The data directory has its own version; slots are made by asking for them.
            if inside.starts_with("PG_VERSION") || inside.starts_with("pg_replslot") {
                continue;
            }
            text.extend(bytes);
            text.push(b'\n');
            write(&root.join(path), bytes, *mode)?;
        }
        let place = Place {
            data,
            log: root.join(format!("{name}.log")),
            port: self.ports.nodes[name],
            major: node.major.0 / 100,
            text,
            child: None,
        };
        self.nodes.insert(name.to_string(), place);
        Ok(())
    }

    /// Whether what a node writes on its settings differs from what a fresh data directory has.
    pub fn leaves_traces(&self, name: &str) -> bool {
        let place = &self.nodes[name];
        ["wal_level", "max_", "wal_log_hints", "track_commit_timestamp"].iter().any(|name| place.mentions(name))
    }

    /// Starts a node on its files.
    pub fn start(&mut self, name: &str) -> Result<()> {
        self.spawn(name, &[])
    }

    /// As [`start`](Self::start), with slots possible if there are to be some.
    pub fn start_to_prepare(&mut self, name: &str, has_slots: bool) -> Result<()> {
        let slots = ["max_replication_slots=10", "wal_level=replica"];
        self.spawn(name, if has_slots { &slots } else { &[] })
    }

    fn spawn(&mut self, name: &str, settings: &[&str]) -> Result<()> {
        let home = Path::new(&self.ports.root).join("home");
        let place = self.nodes.get_mut(name).context("a node")?;
        let mut postgres = user::command(install::home(place.major)?.join("bin/postgres"));
        postgres.current_dir(&place.data).env("HOME", home).arg("-D").arg(&place.data);
        place.settle(&mut postgres);
        for setting in settings {
            postgres.args(["-c", setting]);
        }
        let log = fs::File::create(&place.log)?;
        let child = postgres.stdout(Stdio::null()).stderr(log).spawn().context("starting postgres")?;
        let guard = self.guard.stdin.as_mut().context("the guard listens")?;
        writeln!(guard, "started {}", child.id())?;
        place.child = Some(child);
        Ok(())
    }

    /// Stops a node as `pg_ctl stop` does; its log goes on with the next start.
    pub fn stop(&mut self, name: &str) -> Result<()> {
        self.end(name, Signal::INT)
    }

    fn end(&mut self, name: &str, signal: Signal) -> Result<()> {
        let place = self.nodes.get_mut(name).context("a node")?;
        let Some(mut child) = place.child.take() else { return Ok(()) };
        if child.try_wait()?.is_none()
            && let Some(pid) = i32::try_from(child.id()).ok().and_then(Pid::from_raw)
        {
            kill_process(pid, signal)?;
        }
        let before = Instant::now();
        while child.try_wait()?.is_none() {
            if before.elapsed() > Duration::from_secs(20) {
                child.kill()?;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        let guard = self.guard.stdin.as_mut().context("the guard listens")?;
        writeln!(guard, "stopped {}", child.id())?;
        Ok(())
    }

    /// Whether a node's process is there.
    pub fn is_up(&mut self, name: &str) -> Result<bool> {
        let Some(child) = self.nodes.get_mut(name).and_then(|place| place.child.as_mut()) else { return Ok(false) };
        Ok(child.try_wait()?.is_none())
    }

    /// A session of the test's own.
    pub fn session(&self, name: &str) -> Result<Session> {
        let socket = format!("{}/.s.PGSQL.{}", self.ports.sockets(), self.nodes[name].port);
        let session = Session::open(Path::new(&socket), "probe")?;
        Ok(session)
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        let names: Vec<String> = self.nodes.keys().rev().cloned().collect();
        for name in names {
            // The guard does what fails here.
            let _ = self.end(&name, Signal::QUIT);
        }
        drop(self.guard.stdin.take());
        let _ = self.guard.wait();
    }
}

impl Place {
    /// Whether a file of the node has that word.
    pub fn mentions(&self, word: &str) -> bool {
        self.text.windows(word.len()).any(|window| window.eq_ignore_ascii_case(word.as_bytes()))
    }

    /// The process of the node, while it runs.
    pub fn pid(&self) -> Option<u32> {
        self.child.as_ref().map(Child::id)
    }

    /// Its log so far.
    pub fn log(&self) -> String {
        String::from_utf8_lossy(&fs::read(&self.log).unwrap_or_default()).into_owned()
    }

    /// What makes a test quick and its log plain, where the files do not say otherwise.
    fn settle(&self, postgres: &mut Command) {
        postgres.args(["-c", "fsync=off", "-c", "log_line_prefix="]);
        for (name, value) in
            [("wal_retrieve_retry_interval", "200ms"), ("autovacuum", "off"), ("shared_buffers", "16MB")]
        {
            if !self.mentions(name) {
                postgres.arg("-c").arg(format!("{name}={value}"));
            }
        }
    }
}

/// A directory in memory if there is room, which takes a third of the time, else in the usual place.
pub fn scratch() -> Result<TempDir> {
    const MEMORY: &str = "/dev/shm";
    const ROOM: u64 = 1 << 30;
    let has_room = rustix::fs::statvfs(MEMORY).is_ok_and(|there| there.f_bavail * there.f_frsize > ROOM);
    let made = tempfile::Builder::new().prefix("pgc").rand_bytes(8).tempdir_in(MEMORY);
    let Some(directory) = made.ok().filter(|_| has_room) else { return crate::template::scratch() };
    fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o755))?;
    user::give(directory.path())?;
    Ok(directory)
}

/// Ports of this process's own, on which nobody listens now.
fn free_ports(count: usize) -> Result<Vec<u16>> {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let first = u16::try_from(std::process::id() % 100)? * 100;
    let mut ports = Vec::new();
    for _ in 0..2000 {
        let port = 10_000 + (first + NEXT.fetch_add(1, Ordering::Relaxed)) % 10_000;
        if std::net::TcpListener::bind(("127.0.0.1", port)).is_ok() {
            ports.push(port);
        }
        if ports.len() == count {
            return Ok(ports);
        }
    }
    bail!("no port is free")
}

/// Opens a copy for writes and stops it: it is on a timeline of its own then.
fn promote(data: &Path, major: u16) -> Result<()> {
    const SETTINGS: &[u8] = b"restore_command = 'false'\nrecovery_target_action = promote\n";
    let (signal, text, settings): (_, &[u8], &[u8]) = match major {
        ..12 => ("recovery.conf", SETTINGS, b""),
        _ => ("recovery.signal", b"", SETTINGS),
    };
    write(&data.join(signal), text, None)?;
    write(&data.join("postgresql.conf"), settings, None)?;
    let log = data.join("promoted.log");
    let options = format!("-c listen_addresses= -c fsync=off -c unix_socket_directories={}", data.display());
    for action in ["start", "stop"] {
        let mut ctl = user::command(install::home(major)?.join("bin/pg_ctl"));
        ctl.args([action, "-w", "-t", "20", "-s", "-o", &options]).arg("-D").arg(data).arg("-l").arg(&log);
        let output = ctl.output()?;
        ensure!(output.status.success(), "pg_ctl {action}: {}", String::from_utf8_lossy(&output.stderr));
        // A server that still recovers is up for pg_ctl.
        let before = Instant::now();
        while !fs::read_to_string(&log)?.contains("ready to accept connections\n") {
            ensure!(before.elapsed() < Duration::from_secs(20), "{}: it was not promoted", data.display());
            std::thread::sleep(Duration::from_millis(20));
        }
    }
    ensure!(data.join("pg_wal/00000002.history").exists(), "{}: it is not on timeline 2", data.display());
    fs::remove_file(log)?;
    Ok(())
}

/// Takes from a copy what is the copied node's own.
fn strip(data: &Path, setup: &Setup) -> Result<()> {
    for entry in fs::read_dir(data.join("pg_replslot"))? {
        fs::remove_dir_all(entry?.path())?;
    }
    let mut own: Vec<PathBuf> = ["postmaster.pid", "postmaster.opts"].map(PathBuf::from).to_vec();
    own.extend(setup.files.keys().filter_map(|path| Some(path.strip_prefix("primary").ok()?.to_path_buf())));
    for path in own.iter().filter(|path| !path.starts_with("PG_VERSION") && !path.starts_with("pg_replslot")) {
        let path = data.join(path);
        if path.is_file() {
            fs::remove_file(path)?;
        }
    }
    Ok(())
}

fn write(path: &Path, bytes: &[u8], mode: Option<u32>) -> Result<()> {
    static PAIR: OnceLock<(Vec<u8>, Vec<u8>)> = OnceLock::new();
    if PAIR.get().is_none() {
        // Another thread may have been as early; its certificate then is that of all.
        let _ = PAIR.set(vectors::pair()?);
    }
    let (certificate, key) = PAIR.get().context("it was just set")?;
    let bytes = match path.file_name().and_then(|name| name.to_str()) {
        Some("server.crt") if bytes.is_empty() => certificate,
        Some("server.key") if bytes.is_empty() => key,
        _ => bytes,
    };
    let mut missing: Vec<&Path> = path.ancestors().skip(1).take_while(|parent| !parent.exists()).collect();
    while let Some(parent) = missing.pop() {
        fs::create_dir(parent)?;
        user::give(parent)?;
    }
    fs::write(path, bytes).with_context(|| format!("writing {}", path.display()))?;
    user::give(path)?;
    let mode = mode.unwrap_or(0o600);
    fs::set_permissions(path, fs::Permissions::from_mode(mode))?;
    Ok(())
}
