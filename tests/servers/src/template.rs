//! Data directories: initdb once, then a copy for whoever asks.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use crate::files::FileSet;
use crate::install;
use crate::user;

/// The size of a WAL segment in MB that a data directory has unless asked
/// otherwise. Up to 10 it is fixed when the server is built.
pub const SEGMENT: u16 = 1;

/// A fresh, stopped data directory of a major, made by initdb when it is
/// first asked for: encoding UTF8, locale C, trust for everyone, an empty
/// postgresql.conf. Nobody changes it.
pub fn template(major: u16, segment: u16) -> Result<PathBuf> {
    let locked = install::entry(major)?;
    let uid = user::user().uid;
    let segment = if major < 11 { 16 } else { segment };
    let templates = install::cache()?.join(format!("templates-{uid}"));
    if !templates.exists() {
        // Another process may be as early as this one.
        let _ = fs::create_dir(&templates);
        user::give(&templates)?;
    }
    let template = templates.join(format!("{}-{}-{segment}MB", locked.major, locked.version));
    if template.exists() {
        return Ok(template);
    }
    let _lock = install::exclusive(&template.with_extension("lock"))?;
    if template.exists() {
        return Ok(template);
    }
    let fresh = template.with_extension("part");
    if fresh.exists() {
        fs::remove_dir_all(&fresh)?;
    }
    let mut initdb = user::command(install::home(major)?.join("bin/initdb"));
    initdb.args(["--encoding=UTF8", "--no-locale", "--auth=trust", "--no-sync", "--username=postgres"]);
    if major >= 11 {
        initdb.arg(format!("--wal-segsize={segment}"));
    }
    let output = initdb.arg("-D").arg(&fresh).output().context("running initdb")?;
    ensure!(output.status.success(), "initdb of {major}: {}", String::from_utf8_lossy(&output.stderr));
    fs::write(fresh.join("postgresql.conf"), "")?;
    fs::rename(&fresh, &template)?;
    Ok(template)
}

/// What initdb leaves in a data directory for people to read and to edit.
pub fn pristine(major: u16) -> Result<FileSet> {
    let scratch = scratch()?;
    let data = scratch.path().join("data");
    let mut initdb = user::command(install::home(major)?.join("bin/initdb"));
    initdb.args(["--encoding=UTF8", "--no-locale", "--auth=trust", "--no-sync", "--username=postgres", "-D"]);
    let output = initdb.arg(&data).output().context("running initdb")?;
    ensure!(output.status.success(), "initdb of {major}: {}", String::from_utf8_lossy(&output.stderr));
    let mut files = FileSet::default();
    for name in ["postgresql.conf", "postgresql.auto.conf", "pg_hba.conf", "pg_ident.conf", "PG_VERSION"] {
        files = files.with(name, fs::read(data.join(name))?);
    }
    Ok(files)
}

/// Copies a template to a path that does not exist yet.
pub fn copy(major: u16, segment: u16, to: &Path) -> Result<()> {
    let template = template(major, segment)?;
    let mut cp = user::command("cp");
    let output = cp.args(["--archive", "--reflink=auto"]).arg(&template).arg(to).output().context("running cp")?;
    ensure!(output.status.success(), "cp: {}", String::from_utf8_lossy(&output.stderr));
    Ok(())
}

/// As [`copy`], but the databases are links into the template. For a server
/// that is stopped before anything could change a database.
pub fn copy_for_a_start(major: u16, segment: u16, to: &Path) -> Result<()> {
    const COPY: &str = r#"
mkdir -m 700 "$2" "$2/base" && cd "$1"
find . -mindepth 1 -maxdepth 1 ! -name base -exec cp --archive --target-directory="$2" {} +
ln -s "$1"/base/* "$2/base/"
"#;
    let template = template(major, segment)?;
    let output = user::command("/bin/sh").args(["-ec", COPY, "sh"]).arg(&template).arg(to).output()?;
    ensure!(output.status.success(), "copying a template: {}", String::from_utf8_lossy(&output.stderr));
    Ok(())
}

/// A new directory with a short path that belongs to the user that servers
/// run under, in the system's temporary directory, where a socket's path
/// stays short enough.
pub fn scratch() -> Result<tempfile::TempDir> {
    let directory = tempfile::Builder::new().prefix("pgc").rand_bytes(8).tempdir()?;
    fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o755))?;
    user::give(directory.path())?;
    Ok(directory)
}
