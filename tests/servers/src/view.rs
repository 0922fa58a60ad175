//! What `pg_file_settings` says of files, with the messages of that reading.

use std::fs;

use anyhow::{Result, bail};

use crate::files::{Bytes, FileSet, replace};
use crate::server::Server;
use crate::wire::{Cell, Notice};

/// A row of `pg_file_settings`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Row {
    /// The name as the file spells it; none for a line that is no setting.
    pub name: Option<Bytes>,
    /// The value as the file gives it, without quotes.
    pub setting: Option<Bytes>,
    /// Whether the server would take it, now.
    pub applied: bool,
    /// Why not, if a reason is given.
    pub error: Option<Bytes>,
    /// The file, `$PGDATA` for the data directory; none where no file has it.
    pub file: Option<Bytes>,
    /// The line in that file, from 1.
    pub line: Option<u32>,
}

/// What a server says of one fault.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Message {
    /// The message itself.
    pub message: Bytes,
    /// What follows `DETAIL:`.
    pub detail: Option<Bytes>,
    /// What follows `HINT:`.
    pub hint: Option<Bytes>,
    /// What follows `CONTEXT:`.
    pub context: Option<Bytes>,
}

/// One reading of the configuration files by a running server.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct View {
    /// The rows, in the order of reading.
    pub rows: Vec<Row>,
    /// The messages, in the order in which the server gave them.
    pub messages: Vec<Message>,
}

impl Server {
    /// Puts files into the data directory, asks the running server what it
    /// would make of them, and removes them. It never reloads them.
    pub fn file_settings(&self, files: &FileSet) -> Result<View> {
        const SQL: &str = "select name, setting, applied, error, sourcefile, sourceline from pg_file_settings";
        let answer = self.with_files(files, || self.query(SQL))?;
        if let Some(error) = answer.error {
            bail!("pg_file_settings: {}", String::from_utf8_lossy(&error.message));
        }
        let rows = answer.rows.into_iter().map(|cells| self.row(cells)).collect();
        Ok(View { rows, messages: self.messages(&answer.notices) })
    }

    /// Runs a question while files lie in the data directory.
    pub(crate) fn with_files<T>(&self, files: &FileSet, ask: impl FnOnce() -> Result<T>) -> Result<T> {
        let mut written = self.written.lock().expect("nobody panics while asking a server");
        for name in ["postgresql.conf", "postgresql.auto.conf"] {
            if !files.files.contains_key(name) {
                fs::write(self.data().join(name), "")?;
            }
        }
        written.extend(files.write(self.data())?);
        let answer = ask();
        while let Some(path) = written.pop() {
            if path.is_dir() { fs::remove_dir(path)? } else { fs::remove_file(path)? }
        }
        answer
    }

    /// The messages about files, of all that a query sends at `debug3`.
    pub(crate) fn messages(&self, notices: &[Notice]) -> Vec<Message> {
        let about_files = notices.iter().filter(|notice| notice.severity != "LOG" || notice.routine != "exec_simple_query");
        let about_files = about_files.filter(|notice| !NOISE.contains(&notice.routine.as_str()));
        about_files
            .map(|notice| Message {
                message: self.hide(&notice.message),
                detail: notice.detail.as_deref().map(|bytes| self.hide(bytes)),
                hint: notice.hint.as_deref().map(|bytes| self.hide(bytes)),
                context: notice.context.as_deref().filter(|bytes| !SQL_CONTEXT.iter().any(|start| bytes.starts_with(start.as_bytes()))).map(|bytes| self.hide(bytes)),
            })
            .collect()
    }

    /// Writes `$PGDATA` for this server's data directory.
    pub(crate) fn hide(&self, bytes: &[u8]) -> Bytes {
        replace(bytes, self.data().as_os_str().as_encoded_bytes(), b"$PGDATA")
    }

    fn row(&self, cells: Vec<Cell>) -> Row {
        let mut cells = cells.into_iter();
        let mut next = || cells.next().flatten();
        Row {
            name: next(),
            setting: next(),
            applied: next().is_some_and(|cell| cell == b"t"),
            error: next().map(|bytes| self.hide(&bytes)),
            file: next().map(|bytes| self.hide(&bytes)),
            line: next().and_then(|cell| String::from_utf8(cell).ok()?.parse().ok()),
        }
    }
}

/// Functions of the server that talk about themselves at `debug3`.
const NOISE: [&str; 6] = ["RehashCatCache", "RehashCatCacheLists", "ShowTransactionStateRec", "ProcessUtility", "InitCatCachePhase2", "InitCatCache"];

/// Contexts of the query rather than of the files.
const SQL_CONTEXT: [&str; 2] = ["SQL statement", "PL/pgSQL function"];
