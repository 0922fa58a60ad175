//! Data directories with the roles that scenarios speak of.

use std::fs;
use std::path::PathBuf;
use std::process::Stdio;

use anyhow::{Context, Result, ensure};

use crate::{install, template, user};

/// The cluster of primaries and of their copies.
pub const FIRST: &str = "first";
/// Another cluster, with another system identifier.
pub const SECOND: &str = "second";

/// The roles, a table to write to, and nothing that makes a copy large.
const SQL: &str = "set password_encryption = 'scram-sha-256';
create role probe superuser login;
create role repl login replication password 'secret';
create role app login;
create table mark (at timestamptz default now());
update pg_database set datistemplate = false;
drop database template0;
drop database template1;
checkpoint;
";

/// A stopped data directory of that name, made when it is first asked for. Nobody changes it.
pub fn of(major: u16, name: &str) -> Result<PathBuf> {
    let locked = install::entry(major)?;
    let made = template::template(major, template::SEGMENT)?;
    let directory = made.with_file_name(format!("pair-{}-{}-{name}", locked.major, locked.version));
    if directory.exists() {
        return Ok(directory);
    }
    let _lock = install::exclusive(&directory.with_extension("lock"))?;
    if directory.exists() {
        return Ok(directory);
    }
    let fresh = directory.with_extension("part");
    if fresh.exists() {
        fs::remove_dir_all(&fresh)?;
    }
    if name == FIRST {
        template::copy(major, template::SEGMENT, &fresh)?;
    } else {
        let mut initdb = user::command(install::home(major)?.join("bin/initdb"));
        initdb.args(["--encoding=UTF8", "--no-locale", "--auth=trust", "--no-sync", "--username=postgres"]);
        if major >= 11 {
            initdb.arg(format!("--wal-segsize={}", template::SEGMENT));
        }
        let output = initdb.arg("-D").arg(&fresh).output().context("running initdb")?;
        ensure!(output.status.success(), "initdb of {major}: {}", String::from_utf8_lossy(&output.stderr));
        fs::write(fresh.join("postgresql.conf"), "")?;
    }
    // One session without any socket.
    let mut single = user::command(install::home(major)?.join("bin/postgres"));
    single.args(["--single", "-j", "-c", "fsync=off", "-D"]).arg(&fresh).arg("postgres");
    let mut child = single.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn()?;
    let sql = SQL.replace(";\n", ";\n\n");
    std::io::Write::write_all(&mut child.stdin.take().expect("it is piped"), sql.as_bytes())?;
    let output = child.wait_with_output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success() && !said.contains("ERROR"), "single user mode of {major}: {said}");
    fs::rename(&fresh, &directory)?;
    Ok(directory)
}
