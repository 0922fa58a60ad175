//! What `pg_file_settings` says of files, with the messages of that reading.

use std::fs;

use anyhow::Result;

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
    /// Why the view gave no rows at all: a few values end the query itself.
    pub failed: Option<Message>,
}

impl Server {
    /// Puts files into the data directory, asks the running server what it
    /// would make of them, and removes them. It never reloads them.
    pub fn file_settings(&self, files: &FileSet) -> Result<View> {
        const SQL: &str = "select name, setting, applied, error, sourcefile, sourceline from pg_file_settings";
        let answer = self.with_files(files, || self.query(SQL))?;
        let rows = answer.rows.into_iter().map(|cells| self.row(cells)).collect();
        let failed = self.messages(answer.error.as_slice()).pop();
        Ok(View { rows, messages: self.messages(&answer.notices), failed })
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
        let of_files = |context: &&[u8]| !SQL_CONTEXT.iter().any(|start| context.starts_with(start.as_bytes()));
        let messages = notices.iter().filter(|notice| !noise(notice)).map(|notice| Message {
            message: self.hide(&notice.message),
            detail: notice.detail.as_deref().map(|bytes| self.hide(bytes)),
            hint: notice.hint.as_deref().map(|bytes| self.hide(bytes)),
            context: notice.context.as_deref().filter(of_files).map(|bytes| self.hide(bytes)),
        });
        messages.collect()
    }

    /// Writes `$PGDATA` for this server's data directory, and `$CWD` for the
    /// one above it.
    pub(crate) fn hide(&self, bytes: &[u8]) -> Bytes {
        let data = self.data().as_os_str().as_encoded_bytes();
        let above = data.strip_suffix(b"/data").unwrap_or(data);
        replace(&replace(bytes, data, b"$PGDATA"), above, b"$CWD")
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

/// Whether a message is the server talking about itself, as it does at
/// `debug3`: of its caches, its reads, the libraries that it loads.
fn noise(notice: &Notice) -> bool {
    let routine = notice.routine.as_str();
    notice.severity == "DEBUG" && (routine.starts_with("pgaio_") || NOISE.contains(&routine))
}

const NOISE: [&str; 5] =
    ["RehashCatCache", "RehashCatCacheLists", "ShowTransactionStateRec", "find_in_path", "find_in_dynamic_libpath"];

/// Contexts of the query rather than of the files.
const SQL_CONTEXT: [&str; 2] = ["SQL statement", "PL/pgSQL function"];
