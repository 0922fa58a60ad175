//! A client that speaks just enough of the protocol: one session over a Unix
//! socket, simple queries, and every byte as the server sent it.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;

use anyhow::{Context, Result, bail};
use bytes::BytesMut;
use fallible_iterator::FallibleIterator;
use postgres_protocol::message::backend::{DataRowBody, ErrorFields, Message};
use postgres_protocol::message::frontend;

/// A cell of a row: bytes, or null.
pub type Cell = Option<Vec<u8>>;

/// What the server says beside rows, an error included.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Notice {
    /// `ERROR`, `NOTICE`, `DEBUG`, …
    pub severity: String,
    /// The five letters of its SQLSTATE.
    pub code: String,
    /// The message itself.
    pub message: Vec<u8>,
    /// What follows `DETAIL:`.
    pub detail: Cell,
    /// What follows `HINT:`.
    pub hint: Cell,
    /// What follows `CONTEXT:`.
    pub context: Cell,
    /// The server's function that said it.
    pub routine: String,
}

/// All that came back for one query string.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// The rows of all its statements, one after another.
    pub rows: Vec<Vec<Cell>>,
    /// Notices, in the order in which they came.
    pub notices: Vec<Notice>,
    /// The error that ended it.
    pub error: Option<Notice>,
}

/// An open session.
#[derive(Debug)]
pub struct Session {
    stream: UnixStream,
    buffer: BytesMut,
}

impl Session {
    /// Opens a session as `user` in the database `postgres`. Nothing is
    /// converted: the client's encoding is `SQL_ASCII`.
    pub fn open(socket: &Path, user: &str) -> Result<Session> {
        let stream = UnixStream::connect(socket).with_context(|| format!("connecting to {}", socket.display()))?;
        stream.set_read_timeout(Some(std::time::Duration::from_secs(60)))?;
        let mut session = Session { stream, buffer: BytesMut::with_capacity(1 << 16) };
        let parameters = [("user", user), ("database", "postgres"), ("client_encoding", "SQL_ASCII")];
        let mut message = BytesMut::new();
        frontend::startup_message(parameters, &mut message)?;
        session.stream.write_all(&message)?;
        let answer = session.answer()?;
        match answer.error {
            Some(error) => bail!("no session: {}", String::from_utf8_lossy(&error.message)),
            None => Ok(session),
        }
    }

    /// How long an answer may take; after that a query fails, and the session is of no use.
    pub fn set_patience(&mut self, patience: std::time::Duration) -> Result<()> {
        Ok(self.stream.set_read_timeout(Some(patience))?)
    }

    /// Sends one query string and reads all that comes back.
    pub fn query(&mut self, sql: &str) -> Result<Answer> {
        self.query_bytes(sql.as_bytes())
    }

    /// As [`query`](Self::query), for a query that need not be UTF-8.
    pub fn query_bytes(&mut self, sql: &[u8]) -> Result<Answer> {
        let mut message = Vec::with_capacity(sql.len() + 6);
        message.push(b'Q');
        message.extend(u32::try_from(sql.len() + 5).context("a query of 4 GB")?.to_be_bytes());
        message.extend(sql);
        message.push(0);
        self.stream.write_all(&message)?;
        self.answer()
    }

    fn answer(&mut self) -> Result<Answer> {
        let mut answer = Answer::default();
        loop {
            match self.message()? {
                Message::DataRow(row) => answer.rows.push(cells(&row)?),
                Message::NoticeResponse(body) => answer.notices.push(notice(body.fields())?),
                Message::ErrorResponse(body) => {
                    let error = notice(body.fields())?;
                    let fatal = error.severity == "FATAL";
                    answer.error = Some(error);
                    if fatal {
                        return Ok(answer);
                    }
                }
                Message::ReadyForQuery(_) => return Ok(answer),
                _ => {}
            }
        }
    }

    fn message(&mut self) -> Result<Message> {
        loop {
            if let Some(message) = Message::parse(&mut self.buffer)? {
                return Ok(message);
            }
            let mut chunk = [0; 1 << 14];
            let read = self.stream.read(&mut chunk).context("reading what the server says")?;
            if read == 0 {
                bail!("the server closed the session");
            }
            self.buffer.extend_from_slice(&chunk[..read]);
        }
    }
}

fn cells(row: &DataRowBody) -> Result<Vec<Cell>> {
    let buffer = row.buffer();
    Ok(row.ranges().map(|range| Ok(range.map(|range| buffer[range].to_vec()))).collect()?)
}

fn notice(mut fields: ErrorFields<'_>) -> Result<Notice> {
    let mut notice = Notice::default();
    while let Some(field) = fields.next()? {
        let bytes = field.value_bytes();
        let text = || String::from_utf8_lossy(bytes).into_owned();
        match field.type_() {
            b'V' => notice.severity = text(),
            b'C' => notice.code = text(),
            b'M' => notice.message = bytes.to_vec(),
            b'D' => notice.detail = Some(bytes.to_vec()),
            b'H' => notice.hint = Some(bytes.to_vec()),
            b'W' => notice.context = Some(bytes.to_vec()),
            b'R' => notice.routine = text(),
            _ => {}
        }
    }
    Ok(notice)
}
