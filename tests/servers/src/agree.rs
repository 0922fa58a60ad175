//! pgconflint against the servers: one file set, one major, every answer.

use std::collections::BTreeSet;

use anyhow::Result;

use crate::files::{Bytes, FileSet};
use crate::opinion::Opinion;
use crate::server::Server;
use crate::shown::Shown;
use crate::start::start_check;
use crate::vectors::show;
use crate::view::{Message, View};

/// An answer that differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Disagreement {
    /// `rows`, `messages`, `start` or the value of a parameter.
    pub what: String,
    /// What the server says.
    pub server: Vec<String>,
    /// What pgconflint says.
    pub ours: Vec<String>,
}

/// How much to ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// The view alone, and a start where the view has no answer: 1 ms.
    View,
    /// And the reading of a start, word for word: 15 ms.
    Start,
    /// And the value of everything that the files set: as many starts.
    Values,
}

/// Asks both sides and says where they differ.
pub fn compare(
    server: &Server,
    shown: &Shown,
    opinion: &dyn Opinion,
    files: &FileSet,
    depth: Depth,
) -> Result<Vec<Disagreement>> {
    let mut found = Vec::new();
    let theirs = server.file_settings(files)?;
    let view_answers = !only_a_session_knows(&theirs);
    if view_answers {
        let ours = opinion.view(server.major, files);
        note(&mut found, "rows", rows(&theirs), rows(&ours));
        note(
            &mut found,
            "messages",
            theirs.messages.iter().map(text).collect(),
            ours.messages.iter().map(text).collect(),
        );
    }
    if view_answers && depth == Depth::View {
        return Ok(found);
    }
    let (ours, values) = opinion.start(server.major, files);
    let asked = values.first().map_or("work_mem", |(name, _)| name.as_str());
    let theirs = start_check(server.major, files, asked)?;
    let log = |ok: bool, log: &[Bytes]| {
        let ok = if ok { "starts" } else { "refuses" }.to_string();
        std::iter::once(ok).chain(log.iter().map(|line| lossy(line))).collect::<Vec<_>>()
    };
    // A relative data directory is resolved against the directory that the server was started in.
    let unseen =
        |line: &Bytes| !(lossy(line).contains("skipping missing") && lossy(line).contains("postgresql.auto.conf"));
    let log =
        |ok: bool, lines: &[Bytes]| log(ok, &lines.iter().filter(|line| unseen(line)).cloned().collect::<Vec<_>>());
    // Its own prefix and its own level of noise spoil a log.
    let set = |name: &str| values.iter().any(|(other, _)| other == name);
    if ["log_line_prefix", "log_min_messages", "log_error_verbosity", "log_destination"].into_iter().any(set) {
        note(&mut found, "start", log(theirs.ok, &[]), log(ours.ok, &[]));
    } else {
        note(&mut found, "start", log(theirs.ok, &theirs.log), log(ours.ok, &ours.log));
    }
    if depth == Depth::Values && theirs.ok && ours.ok {
        for (name, ours) in &values {
            compare_value(server, shown, files, name, ours, &mut found)?;
        }
    } else if let Some(((name, ours), theirs)) = values.first().zip(theirs.value).filter(|_| ours.ok) {
        note_value(&mut found, name, &theirs, ours);
    }
    Ok(found)
}

/// The smallest files that still give some disagreement: lines are dropped as
/// long as one remains, then files.
pub fn shrink(server: &Server, shown: &Shown, opinion: &dyn Opinion, files: &FileSet, depth: Depth) -> Result<FileSet> {
    let mut small = files.clone();
    let mut left = 400;
    let mut still = |candidate: &FileSet| {
        left -= 1;
        left > 0 && compare(server, shown, opinion, candidate, depth).is_ok_and(|found| !found.is_empty())
    };
    let names: Vec<String> = small.files.keys().cloned().collect();
    for name in &names {
        let mut without = small.clone();
        without.files.remove(name);
        if name != "postgresql.conf" && still(&without) {
            small = without;
        }
    }
    for name in small.files.keys().cloned().collect::<Vec<_>>() {
        let mut size =
            small.get(&name).map_or(0, |bytes| bytes.split_inclusive(|byte| *byte == b'\n').count()).div_ceil(2);
        while size > 0 {
            let lines: Vec<Bytes> = small
                .get(&name)
                .into_iter()
                .flat_map(|bytes| bytes.split_inclusive(|byte| *byte == b'\n'))
                .map(<[u8]>::to_vec)
                .collect();
            let mut kept = lines.clone();
            let mut at = 0;
            while at < kept.len() {
                let mut fewer = kept.clone();
                fewer.drain(at..(at + size).min(kept.len()));
                if still(&small.clone().with(&name, fewer.concat())) {
                    kept = fewer;
                } else {
                    at += size;
                }
            }
            small = small.with(&name, kept.concat());
            size /= 2;
        }
    }
    Ok(small)
}

/// Whether a view has words that only a session with a database has, or that
/// a running server has put right before: then a start must answer.
fn only_a_session_knows(view: &View) -> bool {
    const WORDS: [&str; 6] = [
        "text search configuration",
        "Conversion between",
        "conversion between",
        "does not exist",
        "must be called before any query",
        "will be truncated to",
    ];
    // What these are on a running server is not what the files say.
    const NAMES: [&[u8]; 5] = [
        b"wal_buffers",
        b"recovery_target_time",
        b"client_encoding",
        b"default_text_search_config",
        b"transaction_read_only",
    ];
    // One excludes the others only where it counts already, and nothing counts in a view.
    const EXCLUDE: [&[u8]; 3] = [b"log_parser_stats", b"log_planner_stats", b"log_executor_stats"];
    let has = |name: &[u8]| view.rows.iter().any(|row| row.name.as_ref().is_some_and(|n| n.eq_ignore_ascii_case(name)));
    view.failed.is_some()
        || has(b"log_statement_stats") && EXCLUDE.into_iter().any(has)
        || view.messages.iter().any(|message| {
            let said = text(message);
            WORDS.iter().any(|word| said.contains(word))
        })
        || view
            .rows
            .iter()
            .filter_map(|row| row.name.as_ref())
            .any(|name| NAMES.iter().any(|other| name.eq_ignore_ascii_case(other)))
}

fn compare_value(
    server: &Server,
    shown: &Shown,
    files: &FileSet,
    name: &str,
    ours: &[u8],
    found: &mut Vec<Disagreement>,
) -> Result<()> {
    // Many files give a parameter the same value: ask about the value alone,
    // and about the file only where that differs.
    let setting = opinion_free_setting(server, files, name)?;
    if let Some(setting) = setting
        && shown.value(server.major, name, &setting)?.is_some_and(|theirs| same_value(name, &theirs, ours))
    {
        return Ok(());
    }
    if let Some(theirs) = start_check(server.major, files, name)?.value {
        note_value(found, name, &theirs, ours);
    }
    Ok(())
}

/// The last value that the files give a parameter, by the server's own view.
fn opinion_free_setting(server: &Server, files: &FileSet, name: &str) -> Result<Option<Bytes>> {
    let view = server.file_settings(files)?;
    let mut rows = view
        .rows
        .into_iter()
        .filter(|row| row.name.as_ref().is_some_and(|other| other.eq_ignore_ascii_case(name.as_bytes())));
    Ok(rows.next_back().and_then(|row| row.setting))
}

fn note_value(found: &mut Vec<Disagreement>, name: &str, theirs: &[u8], ours: &[u8]) {
    if !same_value(name, theirs, ours) {
        note(found, &format!("value of {name}"), vec![show(theirs)], vec![show(ours)]);
    }
}

fn same_value(name: &str, theirs: &[u8], ours: &[u8]) -> bool {
    // A relative path is shown as the process that asked sees it.
    let path = matches!(name, "hba_file" | "ident_file" | "data_directory" | "config_file");
    show(theirs) == show(ours) || path && (theirs.starts_with(b"$CWD") || theirs.starts_with(b"$PGDATA"))
}

fn note(found: &mut Vec<Disagreement>, what: &str, server: Vec<String>, ours: Vec<String>) {
    if server != ours {
        found.push(Disagreement { what: what.to_string(), server, ours });
    }
}

/// Whether the row is a custom name that comes again: a session that has met the name before knows it
/// as a placeholder and masks the earlier line, a new one does not.
fn is_masked_placeholder(view: &View, index: usize) -> bool {
    let Some(name) = view.rows[index].name.as_ref().filter(|name| name.contains(&b'.')) else { return false };
    view.rows[index + 1..].iter().any(|row| row.name.as_ref() == Some(name))
}

fn rows(view: &View) -> Vec<String> {
    let word = |bytes: &Option<Bytes>| bytes.as_ref().map_or("null".to_string(), |bytes| format!("'{}'", show(bytes)));
    let rows = view.rows.iter().enumerate().map(|(index, row)| {
        let line = row.line.map_or("null".to_string(), |line| line.to_string());
        let applied = match row.applied {
            _ if is_masked_placeholder(view, index) => "placeholder",
            true => "applied",
            false => "not applied",
        };
        let error = row.error.as_ref().map_or(String::new(), |error| format!(": {}", lossy(error)));
        format!("{}:{line}: {} = {} {applied}{error}", word(&row.file), word(&row.name), word(&row.setting))
    });
    rows.collect()
}

fn text(message: &Message) -> String {
    let mut text = lossy(&message.message);
    for (word, more) in [("DETAIL", &message.detail), ("HINT", &message.hint)] {
        if let Some(more) = more {
            text.push_str(&format!(" {word}: {}", lossy(more)));
        }
    }
    text
}

/// A message for people: one sign for what is not UTF-8.
fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The lines on which two answers differ, `-` the server's, `+` ours.
pub fn difference(disagreement: &Disagreement) -> Vec<String> {
    let server: BTreeSet<&String> = disagreement.server.iter().collect();
    let ours: BTreeSet<&String> = disagreement.ours.iter().collect();
    let gone = disagreement.server.iter().filter(|line| !ours.contains(line)).map(|line| format!("- {line}"));
    let new = disagreement.ours.iter().filter(|line| !server.contains(line)).map(|line| format!("+ {line}"));
    let lines: Vec<String> = gone.chain(new).collect();
    if lines.is_empty() { vec!["the same lines in another order or number".to_string()] } else { lines }
}
