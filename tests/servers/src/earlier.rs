//! What a data directory has been through before a question: settings that it last ran with, transactions prepared.
//!
//! In the files of a question `global/pg_control` holds lines `name = value`, and each file of pg_twophase stands for a
//! prepared transaction: a server makes both, as it alone can.

use std::fs;
use std::path::Path;
use std::process::Stdio;

use anyhow::{Context, Result, ensure};
use rustix::process::Signal;

use crate::files::FileSet;
use crate::install;
use crate::start::{port, socket_in, stop_with, wait};
use crate::user;
use crate::wire::Session;

const CONTROL: &str = "global/pg_control";
const PREPARED: &str = "pg_twophase/";

/// Whether the data directory of a question has been through anything.
pub fn is_asked(files: &FileSet) -> bool {
    files.files.keys().any(|name| is_of_the_past(name))
}

fn is_of_the_past(name: &str) -> bool {
    name == CONTROL || name.starts_with(PREPARED)
}

/// The files that are to be written, once the data directory has been through what the others stand for.
pub fn live(major: u16, scratch: &Path, data: &Path, files: &FileSet) -> Result<FileSet> {
    let mut rest = files.clone();
    if !is_asked(files) {
        return Ok(rest);
    }
    rest.files.retain(|name, _| !is_of_the_past(name));
    let prepared = files.files.keys().filter(|name| name.starts_with(PREPARED)).count();
    let control = String::from_utf8_lossy(files.get(CONTROL).map_or(&[][..], Vec::as_slice)).into_owned();
    let mut postgres = user::command(install::home(major)?.join("bin/postgres"));
    postgres.current_dir(scratch).arg("-D").arg(data).env("PGPORT", port().to_string());
    let sockets = format!("unix_socket_directories={}", scratch.display());
    let prepares = format!("max_prepared_transactions={prepared}");
    let usual = ["fsync=off", "listen_addresses=", &sockets];
    let own = control.lines().map(|line| line.replace(' ', "")).filter(|line| !line.is_empty());
    let own: Vec<String> = own.chain((prepared > 0).then_some(prepares)).collect();
    for setting in usual.into_iter().chain(own.iter().map(String::as_str)) {
        postgres.args(["-c", setting]);
    }
    let log = fs::File::create(scratch.join("earlier"))?;
    let mut child = postgres.stdout(Stdio::null()).stderr(log).spawn().context("starting postgres")?;
    let ok = wait(&mut child, data)?;
    let said = || fs::read_to_string(scratch.join("earlier")).unwrap_or_default();
    ensure!(ok, "an earlier life of {major} that does not start: {}", said());
    if prepared > 0 {
        let mut session = Session::open(&socket_in(scratch)?, "postgres")?;
        for number in 0..prepared {
            let query = format!("begin; create table prepared_{number} (i int); prepare transaction '{number}'");
            let answer = session.query(&query)?;
            ensure!(answer.error.is_none(), "preparing on {major}: {:?}", answer.error);
        }
    }
    stop_with(&mut child, Signal::INT)?;
    Ok(rest)
}
