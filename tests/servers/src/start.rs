//! What a server that starts says of files: the phase that reads the
//! configuration, or the whole of it.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use rustix::process::{Pid, Signal, kill_process};

use crate::earlier;
use crate::files::{Bytes, FileSet, replace};
use crate::install;
use crate::template;
use crate::user;
use crate::wire::{Cell, Session};

/// What came of a start.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Whether the server came to the end of the phase asked about.
    pub ok: bool,
    /// The lines of its log, without prefixes, `$PGDATA` for the data
    /// directory and `$CWD` for the directory it was started in.
    pub log: Vec<Bytes>,
    /// The value asked for, as `postgres -C` prints it.
    pub value: Option<Bytes>,
}

/// Has a server read its configuration and print one parameter
/// (`postgres -C`), which takes about 10 ms.
pub fn start_check(major: u16, files: &FileSet, name: &str) -> Result<Outcome> {
    let scratch = template::scratch()?;
    let data = scratch.path().join("data");
    fs::create_dir(&data)?;
    for default in ["postgresql.conf", "postgresql.auto.conf"] {
        if !files.files.contains_key(default) {
            fs::write(data.join(default), "")?;
        }
    }
    files.write(&data)?;
    user::give(&data)?;
    let mut postgres = user::command(install::home(major)?.join("bin/postgres"));
    // What is relative begins where the server is started, which files do not tell: here it is the data directory.
    postgres.current_dir(&data).arg("-D").arg(&data).args(["-C", name]);
    if name != "log_line_prefix" {
        postgres.args(["-c", "log_line_prefix="]);
    }
    let output = postgres.output().context("running postgres -C")?;
    let ok = output.status.success();
    let value = ok.then(|| hide(output.stdout.strip_suffix(b"\n").unwrap_or(&output.stdout), scratch.path()));
    Ok(Outcome { ok, log: lines(&output.stderr, scratch.path()), value })
}

/// Starts a server on a throw-away copy of a fresh data directory with the
/// given files in it, sees how far it gets, and stops it.
pub fn whole_start(major: u16, files: &FileSet) -> Result<Outcome> {
    whole_start_on(major, template::SEGMENT, files)
}

/// As [`whole_start`], on WAL segments of so many MB.
pub fn whole_start_on(major: u16, segment: u16, files: &FileSet) -> Result<Outcome> {
    start_until(major, segment, files, false, &|_, _| true)
}

/// What the settings of a server are.
#[derive(Clone, Debug)]
pub struct Shown {
    /// As SHOW prints it.
    pub shown: String,
    /// As pg_settings has it.
    pub setting: String,
    /// Where it comes from.
    pub source: String,
}

/// Starts a server as [`whole_start_on`] does, and lets somebody look at its data directory beside all that it shows.
pub fn beside_settings(
    major: u16,
    segment: u16,
    files: &FileSet,
    look: &dyn Fn(&Path, &BTreeMap<String, Shown>),
) -> Result<bool> {
    let seen = RefCell::new(Ok(()));
    let ask = |scratch: &Path, _: &[u8]| {
        *seen.borrow_mut() = shown_at(scratch).map(|shown| look(&scratch.join("data"), &shown));
        true
    };
    let outcome = start_until(major, segment, files, false, &ask)?;
    seen.into_inner()?;
    Ok(outcome.ok)
}

fn shown_at(scratch: &Path) -> Result<BTreeMap<String, Shown>> {
    let query = "select name, current_setting(name), setting, source from pg_settings";
    // Files that speak of directories of sockets decide where it is.
    let lock = fs::read_to_string(scratch.join("data/postmaster.pid"))?;
    let [port, sockets] = [3, 4].map(|line| lock.lines().nth(line).unwrap_or_default().trim());
    let socket = Path::new(sockets).join(format!(".s.PGSQL.{port}"));
    let answer = Session::open(&socket, "postgres")?.query(query)?;
    ensure!(answer.error.is_none() && answer.rows.len() > 200, "pg_settings: {:?}", answer.error);
    let text = |cell: &Cell| String::from_utf8_lossy(cell.as_deref().unwrap_or_default()).into_owned();
    let row = |row: &Vec<Cell>| match row.as_slice() {
        [name, shown, setting, source] => {
            Some((text(name), Shown { shown: text(shown), setting: text(setting), source: text(source) }))
        }
        _ => None,
    };
    Ok(answer.rows.iter().filter_map(row).collect())
}

/// Starts a server as [`whole_start_on`] does, and asks it for all its settings; none if it does not come up.
pub fn started_settings(major: u16, segment: u16, files: &FileSet) -> Result<Option<BTreeMap<Bytes, Cell>>> {
    let settings = RefCell::new(None);
    let ask = |scratch: &Path, _: &[u8]| {
        settings.replace(Some(settings_at(scratch)));
        true
    };
    start_until(major, segment, files, false, &ask)?;
    settings.into_inner().transpose()
}

pub(crate) fn socket_in(directory: &Path) -> Result<PathBuf> {
    let names = fs::read_dir(directory)?.map(|entry| Ok(entry?.file_name())).collect::<Result<Vec<_>>>()?;
    let is_socket =
        |name: &&OsString| name.to_str().is_some_and(|name| name.starts_with(".s.PGSQL.") && !name.ends_with(".lock"));
    Ok(directory.join(names.iter().find(is_socket).context("no socket where one was to be")?))
}

fn settings_at(directory: &Path) -> Result<BTreeMap<Bytes, Cell>> {
    let answer = Session::open(&socket_in(directory)?, "postgres")?.query("select name, setting from pg_settings")?;
    ensure!(answer.error.is_none() && answer.rows.len() > 200, "pg_settings: {:?}", answer.error);
    let row = |mut row: Vec<Cell>| Some((row.first_mut()?.take()?, row.pop()?));
    Ok(answer.rows.into_iter().filter_map(row).collect())
}

/// Starts a standby as [`whole_start_on`] does, and waits until its log shows what came of its first try to
/// stream. From 12 on it gets a standby.signal unless the files bring a signal; up to 11 they bring recovery.conf.
pub fn standby_start(major: u16, segment: u16, files: &FileSet, is_told: &dyn Fn(&[u8]) -> bool) -> Result<Outcome> {
    let has_signal = files.files.keys().any(|name| name.ends_with(".signal"));
    let files = match major {
        12.. if !has_signal => files.clone().with("standby.signal", ""),
        _ => files.clone(),
    };
    start_until(major, segment, &files, true, &|_, log| is_told(log))
}

/// So long a server that is up may take to say what is waited for.
const PATIENCE: Duration = Duration::from_secs(6);

fn start_until(
    major: u16,
    segment: u16,
    files: &FileSet,
    may_connect: bool,
    is_told: &dyn Fn(&Path, &[u8]) -> bool,
) -> Result<Outcome> {
    let scratch = template::scratch()?;
    let data = scratch.path().join("data");
    match earlier::is_asked(files) {
        // What it goes through must not reach the template.
        true => template::copy(major, segment, &data)?,
        false => template::copy_for_a_start(major, segment, &data)?,
    }
    let files = &earlier::live(major, scratch.path(), &data, files)?;
    for path in files.write(&data)? {
        user::give(&path)?;
    }
    for key in files.files.keys().filter(|name| name.ends_with(".key") && !files.modes.contains_key(*name)) {
        fs::set_permissions(data.join(key), std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
    }
    let log = fs::File::create(scratch.path().join("log"))?;
    let mut postgres = user::command(install::home(major)?.join("bin/postgres"));
    postgres.current_dir(scratch.path()).arg("-D").arg(&data).args(["-c", "log_line_prefix="]);
    // What the files set is theirs.
    for (name, value) in [("fsync", "off"), ("listen_addresses", "")] {
        if !mentions(files, name.as_bytes()) {
            postgres.arg("-c").arg(format!("{name}={value}"));
        }
    }
    // The files decide where to listen if they say so; the environment loses to files.
    postgres.env("PGPORT", port().to_string());
    // Whatever host a standby is to follow: it finds nobody, and asks no further than this machine.
    if !may_connect {
        postgres.env("PGHOSTADDR", "127.0.0.1");
    }
    if !mentions(files, b"unix_socket_directories") {
        postgres.arg("-c").arg(format!("unix_socket_directories={}", scratch.path().display()));
    }
    let mut child = postgres.stdout(Stdio::null()).stderr(log).spawn().context("starting postgres")?;
    let ok = wait(&mut child, &data);
    let ready = Instant::now();
    while matches!(ok, Ok(true)) && ready.elapsed() < PATIENCE {
        if is_told(scratch.path(), &fs::read(scratch.path().join("log"))?) || child.try_wait()?.is_some() {
            break;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    // What it says of being stopped is not about its files.
    let log = fs::read(scratch.path().join("log"));
    stop(&mut child)?;
    let (ok, log) = (ok?, log?);
    Ok(Outcome { ok, log: lines(&log, scratch.path()), value: None })
}

/// Waits until the server is ready, as `pg_ctl` does: by the last line of
/// postmaster.pid. Then lets its other processes say what they have to say.
pub(crate) fn wait(child: &mut Child, data: &Path) -> Result<bool> {
    let before = Instant::now();
    while before.elapsed() < Duration::from_secs(30) {
        if child.try_wait()?.is_some() {
            return Ok(false);
        }
        let status = fs::read_to_string(data.join("postmaster.pid")).unwrap_or_default();
        let status = status.lines().nth(7).unwrap_or_default().trim();
        if status == "ready" || status == "standby" {
            let ready = Instant::now();
            while ready.elapsed() < Duration::from_millis(200) {
                if child.try_wait()?.is_some() {
                    return Ok(false);
                }
                std::thread::sleep(Duration::from_millis(10));
            }
            return Ok(true);
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    Ok(false)
}

pub(crate) fn stop(child: &mut Child) -> Result<()> {
    stop_with(child, Signal::QUIT)
}

pub(crate) fn stop_with(child: &mut Child, signal: Signal) -> Result<()> {
    if child.try_wait()?.is_some() {
        return Ok(());
    }
    if let Some(pid) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) {
        kill_process(pid, signal)?;
    }
    let before = Instant::now();
    while child.try_wait()?.is_none() {
        if before.elapsed() > Duration::from_secs(10) {
            child.kill()?;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    Ok(())
}

/// A port of its own for each start: some files have a server listen.
pub(crate) fn port() -> u32 {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    20_000 + (std::process::id() % 1000 * 101 + NEXT.fetch_add(1, Ordering::Relaxed)) % 12_000
}

fn mentions(files: &FileSet, name: &[u8]) -> bool {
    let mut contents = files.files.values().flatten();
    contents.any(|bytes| bytes.windows(name.len()).any(|window| window.eq_ignore_ascii_case(name)))
}

/// Splits a log into messages: a line that starts with a tab goes on with the
/// message before it.
pub(crate) fn lines(log: &[u8], scratch: &Path) -> Vec<Bytes> {
    let mut lines: Vec<Bytes> = Vec::new();
    for line in log.strip_suffix(b"\n").unwrap_or(log).split(|byte| *byte == b'\n') {
        match (line.strip_prefix(b"\t"), lines.last_mut()) {
            (Some(rest), Some(last)) => {
                last.push(b'\n');
                last.extend(hide(rest, scratch));
            }
            _ => lines.push(hide(line, scratch)),
        }
    }
    lines.retain(|line| !line.is_empty());
    lines
}

fn hide(bytes: &[u8], scratch: &Path) -> Bytes {
    let data = replace(bytes, scratch.join("data").as_os_str().as_encoded_bytes(), b"$PGDATA");
    replace(&data, scratch.as_os_str().as_encoded_bytes(), b"$CWD")
}
