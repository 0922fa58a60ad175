//! `pgconflint hba`

use std::io::{BufWriter, Write};

use serde::Serialize;

use super::project::Projects;
use super::{Exit, World, target, trouble, written};
use crate::catalog::Catalog;
use crate::catalog::access::Transport;
use crate::check;
use crate::cli;
use crate::files::{Cached, Disk, Node, Place};
use crate::model::hba::matching::{Connection, Own, Side, Wanted, misses, usual};
use crate::model::hba::{Entry, Hba, row};
use crate::model::settings::Settings;
use crate::report::{Show, json};
use crate::source::{FileKind, Files, Sources, display};
use crate::version::Major;

/// The document of `--format json`, schema version 1.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Document<'a> {
    schema_version: u32,
    pg: &'a str,
    #[serde(flatten)]
    answer: &'a Answer,
}

/// What decides, and how.
#[derive(Clone, PartialEq, Eq, Serialize)]
struct Answer {
    #[serde(rename = "match")]
    found: Option<Match>,
    verdict: &'static str,
    because: String,
    /// Lines before it that might decide instead, depending on what is not in files.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    depends: Vec<String>,
    /// Lines that nearly fit, other versions, a file that is refused.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    notes: Vec<String>,
}

#[derive(Clone, PartialEq, Eq, Serialize)]
struct Match {
    file: String,
    line: usize,
    #[serde(rename = "type")]
    connection: String,
    method: String,
    options: Vec<String>,
    /// The line itself.
    #[serde(skip)]
    text: String,
}

/// So many lines that nearly fit are told.
const NEAR: usize = 3;

/// Says which line of pg_hba.conf decides over a connection.
pub fn hba(options: &cli::Hba, show_secrets: bool, world: &mut World<'_>) -> Exit {
    let root = options.target.root.as_ref().map(|root| world.directory.join(root));
    let show = Show { directory: world.directory.clone(), root: root.clone(), secrets: show_secrets, top: None };
    match answer(options, &Disk::below(root), &show) {
        Ok((pg, answer)) => {
            let mut out = BufWriter::new(&mut *world.out);
            let done = if options.json {
                let document = Document { schema_version: 1, pg: &pg, answer: &answer };
                json::to_text(&document, true).map_err(Into::into).and_then(|text| writeln!(out, "{text}"))
            } else {
                write_text(&mut out, &pg, &answer)
            };
            let done = done.and_then(|()| out.flush());
            drop(out.into_parts());
            let exit = if answer.verdict == "allow" { Exit::Clean } else { Exit::Findings };
            written(done, exit, world.err)
        }
        Err(errors) => {
            errors.iter().for_each(|error| trouble(world.err, None, error));
            Exit::Trouble
        }
    }
}

fn write_text(out: &mut dyn Write, pg: &str, answer: &Answer) -> std::io::Result<()> {
    if let Some(found) = &answer.found {
        writeln!(out, "{}:{}: {}", found.file, found.line, found.text)?;
    }
    writeln!(out, "{} on PostgreSQL {pg}: {}", answer.verdict, answer.because)?;
    answer.depends.iter().chain(&answer.notes).try_for_each(|note| writeln!(out, "  {note}"))
}

fn answer(options: &cli::Hba, disk: &Disk, show: &Show) -> Result<(String, Answer), Vec<String>> {
    let asked = &options.target;
    let mut projects = Projects::new(&show.directory, asked.config.as_deref(), asked.isolated)?;
    let project = projects.of(&options.path)?;
    let files = Cached::new(disk);
    let is_directory = files.list(&options.path).is_ok();
    if let Err(error) = files.read(&options.path)
        && !is_directory
    {
        return Err(vec![format!("{}: {error}", show.path(&options.path))]);
    }
    let place = if is_directory { Place::Directory } else { Place::File(FileKind::Hba) };
    let found = Node { path: options.path.clone(), place };
    let node = target::resolve(&files, &found, asked, &project.config, show).map_err(|trouble| {
        let path = trouble.path.map_or_else(String::new, |path| format!("{}: ", show.path(&path)));
        vec![format!("{path}{}", trouble.message)]
    })?;
    let subject = check::subject(&node, &files);
    let mut answers: Vec<(Major, Answer)> = Vec::new();
    for version in node.targets.versions() {
        let catalog = Catalog::shared(*version);
        let mut sources = Sources::default();
        let tree = check::read(&files, &mut sources, &subject, version.major);
        let settings = Settings::judge(&tree, &sources, catalog);
        let access = check::access::read(&files, &mut sources, &subject, &tree, &settings);
        let Some(hba) = access.hba else {
            return Err(vec![format!("{}: there is no pg_hba.conf", show.path(&options.path))]);
        };
        if let Some(error) = &hba.error {
            return Err(vec![format!("pg_hba.conf: {error}")]);
        }
        answers.push((version.major, decide(options, &hba, &sources, version.major, show)));
    }
    let (newest, mut answer) = answers.pop().ok_or_else(|| vec!["no version is asked for".to_owned()])?;
    let others = answers.iter().rev().filter(|(_, other)| {
        (other.verdict, other.found.as_ref().map(|found| found.line))
            != (answer.verdict, answer.found.as_ref().map(|found| found.line))
    });
    let others: Vec<String> = others
        .map(|(major, other)| {
            let line = other.found.as_ref().map_or(String::new(), |found| format!(" by line {}", found.line));
            format!("on {major}: {}{line}", other.verdict)
        })
        .collect();
    answer.notes.extend(others);
    Ok((newest.to_string(), answer))
}

fn decide(options: &cli::Hba, hba: &Hba, sources: &Sources, major: Major, show: &Show) -> Answer {
    let transport = match options.address {
        None => Transport::Local,
        Some(_) if options.ssl => Transport::Ssl,
        Some(_) if options.gss => Transport::Gss,
        Some(_) => Transport::Plain,
    };
    let database = options.database.as_bytes().to_vec();
    let wanted = match options.database.as_str() {
        _ if options.logical => Wanted::Logical(database),
        "replication" => Wanted::Replication,
        _ => Wanted::Database(database),
    };
    let own: Box<dyn Fn(Own) -> Option<bool>> = match options.address {
        Some(address) => Box::new(usual(address)),
        None => Box::new(|_| None),
    };
    let connection = Connection {
        transport,
        address: options.address,
        user: options.user.as_bytes(),
        wanted,
        // Every role is a member of itself; more is not in files.
        member: &|user, role| (user == role).then_some(true),
        named: &|_| None,
        own: &own,
    };
    let decision = hba.decide(&connection, major);
    let line = |index: usize| &hba.lines[index];
    let name = |index: usize| {
        let record = &line(index).record;
        format!("{}:{}", show.path(&sources.get(record.file).path), record.line)
    };
    let text = |index: usize| show.text(&display(sources.text(line(index).record.place()))).into_owned();
    let depends: Vec<String> = decision
        .perhaps
        .iter()
        .take(NEAR)
        .map(|(index, unknown)| {
            format!("{} decides instead, depending on {}: {}", name(*index), unknown.words(), text(*index))
        })
        .collect();
    let mut notes = Vec::new();
    let refused = hba.lines.iter().position(|line| line.verdict.is_err());
    if let Some((index, Err(refusal))) = refused.map(|index| (index, &line(index).verdict)) {
        let what = show.text(&display(&refusal.text)).into_owned();
        notes.push(format!("but the server refuses the file, at {}: {what}", name(index)));
    }
    let (kind, said) = server_says(options, &connection, major);
    let Some(index) = decision.line else {
        notes.extend(
            near(hba, &connection, major).map(|(index, why)| format!("{} {why}: {}", name(index), text(index))),
        );
        let because = if hba.lines.is_empty() { "there is no line at all" } else { "no line fits" };
        let kind = if kind.is_empty() { String::new() } else { format!("{kind}connection from ") };
        let because = format!("{because}: no pg_hba.conf entry for {kind}{said}");
        return Answer { found: None, verdict: "no-entry", because, depends, notes };
    };
    let shown = row(line(index), major);
    let bytes = |bytes: Option<Vec<u8>>| show.text(&display(&bytes.unwrap_or_default())).into_owned();
    let found = Match {
        file: show.path(&sources.get(line(index).record.file).path),
        line: line(index).record.line,
        connection: bytes(shown.connection),
        method: bytes(shown.method),
        options: shown.options.unwrap_or_default().into_iter().map(|option| bytes(Some(option))).collect(),
        text: text(index),
    };
    let entry = line(index).verdict.as_ref();
    let is_reject = entry.is_ok_and(|entry| entry.method.is_reject());
    let verdict = if is_reject { "reject" } else { "allow" };
    let because = match entry {
        Ok(_) if is_reject => format!("the first line that fits: pg_hba.conf rejects {}connection for {said}", kind),
        Ok(entry) => format!("the first line that fits; the client is asked for {}", entry.method.asks),
        Err(_) => String::new(),
    };
    Answer { found: Some(found), verdict, because, depends, notes }
}

/// The connection in the words of the server's log: its kind, and what is said of it.
fn server_says(options: &cli::Hba, connection: &Connection, major: Major) -> (&'static str, String) {
    let host = options.address.map_or("[local]".to_owned(), |address| address.to_string());
    let encryption = connection.transport.said(major);
    let user = &options.user;
    // Up to 13 the message calls logical replication the same, though from 10 on it is matched by database.
    let is_replication = match connection.wanted {
        Wanted::Replication => true,
        Wanted::Logical(_) => major < Major::V14,
        Wanted::Database(_) => false,
    };
    if is_replication {
        ("replication ", format!("host \"{host}\", user \"{user}\", {encryption}"))
    } else {
        ("", format!("host \"{host}\", user \"{user}\", database \"{}\", {encryption}", options.database))
    }
}

/// Lines that fit but for one thing, and that thing.
fn near<'a>(hba: &'a Hba, connection: &'a Connection, major: Major) -> impl Iterator<Item = (usize, &'static str)> {
    let why = move |entry: &Entry| match misses(entry, connection, major).as_slice() {
        [Side::Transport] => Some("fits but for the encryption"),
        [Side::Address] => Some("fits but for the address"),
        [Side::Database]
            if connection.wanted == Wanted::Replication && entry.databases.iter().any(|word| word.is("all")) =>
        {
            Some("fits but for the database: `all` does not include replication")
        }
        [Side::Database] => Some("fits but for the database"),
        [Side::User] => Some("fits but for the user"),
        _ => None,
    };
    let lines: Vec<(usize, &'static str)> =
        hba.entries().filter_map(|(index, entry)| Some((index, why(entry)?))).take(NEAR).collect();
    lines.into_iter()
}
