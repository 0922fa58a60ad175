//! One idle server of a major, and the session that asks it.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use tempfile::TempDir;

use crate::files::FileSet;
use crate::install;
use crate::template;
use crate::user;
use crate::vectors;
use crate::wire::{Answer, Session};

/// A port that no file of a question names. Nothing listens on it: it is
/// only a part of the socket's name.
const PORT: u16 = 64999;

/// Runs a program until its standard input closes, which it does when the
/// process that started it ends, however it ends. Then stops it and deletes
/// its directory.
const GUARD: &str = r#"
directory=$1; shift
"$@" </dev/null >"$directory/log" 2>&1 &
program=$!
cat >/dev/null
kill -QUIT $program 2>/dev/null
wait $program 2>/dev/null
rm -rf "$directory"
"#;

/// A server that runs on its defaults until it is dropped.
///
/// What a test must know: `listen_addresses` is empty, and neither `port` nor
/// `unix_socket_directories` has its default, so the view of a file that
/// gives these says that a restart is needed.
#[derive(Debug)]
pub struct Server {
    /// The major version.
    pub major: u16,
    /// Whether it runs with `ssl = on`.
    pub has_ssl: bool,
    /// Its port: also a part of its socket's name.
    pub port: u16,
    data: PathBuf,
    session: Mutex<Session>,
    guard: Child,
    pub(crate) written: Mutex<Vec<PathBuf>>,
    _directory: TempDir,
}

impl Server {
    /// Starts a server of an installed major on a fresh data directory.
    pub fn start(major: u16) -> Result<Server> {
        Server::start_as(major, false, PORT, &[], None)
    }

    /// The same with files in its data directory from the start.
    pub fn start_on(major: u16, files: &FileSet) -> Result<Server> {
        Server::start_as(major, false, PORT, &[], Some(files))
    }

    /// The same with settings on its command line, each `NAME=VALUE`.
    pub fn start_set(major: u16, settings: &[String]) -> Result<Server> {
        Server::start_as(major, false, PORT, settings, None)
    }

    /// The same with a certificate of its own and `ssl = on`.
    pub fn start_with_ssl(major: u16) -> Result<Server> {
        Server::start_as(major, true, PORT, &[], None)
    }

    /// One that listens on loopback, with `ssl = on`, and asks for an MD5 password where a line says md5.
    pub fn start_listening(major: u16) -> Result<Server> {
        // Whoever takes the port in between makes the start fail, loudly.
        let port = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        Server::start_as(major, true, port, &[], None)
    }

    fn start_as(major: u16, has_ssl: bool, port: u16, settings: &[String], files: Option<&FileSet>) -> Result<Server> {
        let directory = template::scratch()?;
        let data = directory.path().join("data");
        template::copy(major, template::SEGMENT, &data)?;
        files.map(|files| files.write(&data)).transpose()?;
        let mut postgres = user::command("/bin/sh");
        postgres.args(["-c", GUARD, "sh"]).arg(directory.path());
        arguments(&mut postgres, major, &data, directory.path(), port)?;
        settings.iter().for_each(|setting| _ = postgres.args(["-c", setting]));
        if port != PORT {
            postgres.args(["-c", "listen_addresses=127.0.0.1,::1", "-c", "password_encryption=md5"]);
        }
        if has_ssl {
            let (certificate, key) = vectors::pair()?;
            let files = FileSet::default().with("server.crt", certificate).with("server.key", key);
            files.mode("server.key", 0o600).write(&data)?;
            user::give(&data.join("server.key"))?;
            postgres.args(["-c", "ssl=on"]);
        }
        let mut guard = postgres.stdin(Stdio::piped()).spawn()?;
        match open(directory.path(), port) {
            Ok(session) => Ok(Server {
                major,
                has_ssl,
                port,
                data,
                session: Mutex::new(session),
                guard,
                written: Mutex::default(),
                _directory: directory,
            }),
            Err(error) => {
                drop(guard.stdin.take());
                let _ = guard.wait();
                Err(error.context(format!("starting PostgreSQL {major}")))
            }
        }
    }

    /// The data directory of this server.
    pub fn data(&self) -> &Path {
        &self.data
    }

    /// Runs a query string in the server's one session. That it fails is part
    /// of the answer.
    pub fn query(&self, sql: &str) -> Result<Answer> {
        self.query_bytes(sql.as_bytes())
    }

    /// As [`query`](Self::query), for a query that need not be UTF-8.
    pub fn query_bytes(&self, sql: &[u8]) -> Result<Answer> {
        let mut session = self.session.lock().expect("nobody panics while asking a server");
        let answer = session.query_bytes(sql);
        if answer.is_err() {
            // What it says late would be taken for the answer to the next question.
            *session = open(self._directory.path(), self.port)?;
        }
        answer
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.guard.stdin.take());
        let _ = self.guard.wait();
    }
}

/// Starts servers of several majors, a few at a time.
pub fn start_all(majors: &[u16]) -> Result<Vec<Server>> {
    start_each(majors, &Server::start)
}

/// The same, each started in the way that is given.
pub fn start_each(majors: &[u16], start: &(dyn Fn(u16) -> Result<Server> + Sync)) -> Result<Vec<Server>> {
    std::thread::scope(|scope| {
        let starting: Vec<_> = majors.iter().map(|major| scope.spawn(|| start(*major))).collect();
        starting.into_iter().map(|server| server.join().expect("starting a server does not panic")).collect()
    })
}

fn arguments(postgres: &mut Command, major: u16, data: &Path, socket: &Path, port: u16) -> Result<()> {
    postgres.arg(install::home(major)?.join("bin/postgres")).arg("-D").arg(data);
    postgres.args(["-c", "listen_addresses=", "-c", "fsync=off", "-c", "autovacuum=off"]);
    postgres.arg("-c").arg(format!("port={port}"));
    postgres.arg("-c").arg(format!("unix_socket_directories={}", socket.display()));
    Ok(())
}

fn open(directory: &Path, port: u16) -> Result<Session> {
    let socket = directory.join(format!(".s.PGSQL.{port}"));
    let before = Instant::now();
    loop {
        let error = match Session::open(&socket, "postgres") {
            Ok(mut session) => {
                // The same query then yields the server's own messages.
                session.query("set client_min_messages = debug3; set statement_timeout = 0")?;
                return Ok(session);
            }
            Err(error) => error,
        };
        let log = std::fs::read(directory.join("log")).unwrap_or_default();
        let log = String::from_utf8_lossy(&log);
        if before.elapsed() > Duration::from_secs(30)
            || log.contains("FATAL:  could not")
            || log.contains("error while loading")
        {
            bail!("{error:#}; its log: {log}");
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}
