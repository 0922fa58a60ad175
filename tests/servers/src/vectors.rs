//! Recorded answers (`conf.jsonl`), asked again.

use anyhow::{Context, Result, bail};
use base64::Engine;
use serde_json::Value;

use crate::files::{Bytes, FileSet};
use crate::json;
use crate::server::Server;
use crate::start::{Outcome, start_check, whole_start_on};
use crate::template;
use crate::view::{Message, View};

/// One recorded question with its answers.
#[derive(Clone, Debug)]
pub struct Vector {
    /// Its name.
    pub id: String,
    /// `read`, `start`, `rules`, …
    pub kind: String,
    /// The majors that gave this answer.
    pub versions: Vec<u16>,
    /// The files asked about.
    pub files: FileSet,
    /// The whole line.
    pub json: Value,
}

/// Reads the lines of a file of vectors.
pub fn parse(text: &str) -> Result<Vec<Vector>> {
    let lines = text.lines().filter(|line| !line.trim().is_empty());
    lines.map(|line| vector(json::parse(line)?).with_context(|| line.to_string())).collect()
}

/// Asks a server again. The result is what differs, empty if nothing does.
pub fn replay(server: &Server, vector: &Vector) -> Result<Vec<String>> {
    match vector.kind.as_str() {
        "read" => replay_read(server, vector),
        "start" => replay_start(server.major, vector),
        other => bail!("no way to replay the kind {other}"),
    }
}

/// Whether a recorded text, where `$N`, `$TIME`, `$LSN` and `$PORT` stand for
/// what varies, is a given one.
pub fn matches(recorded: &str, given: &str) -> bool {
    let mut parts = vec![recorded.to_string()];
    for variable in ["$N", "$TIME", "$LSN", "$PORT"] {
        parts = parts.iter().flat_map(|part| part.split(variable)).map(str::to_string).collect();
    }
    let Some(mut rest) = given.strip_prefix(parts[0].as_str()) else {
        return false;
    };
    for part in &parts[1..] {
        match rest.find(part.as_str()) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.is_empty() || parts.len() > 1 && parts.last().is_some_and(String::is_empty)
}

fn vector(json: Value) -> Result<Vector> {
    let text = |key: &str| json[key].as_str().map(json::bytes);
    let mut files = FileSet::default();
    if let Some(encoded) = json["file_b64"].as_str() {
        files = files.with("postgresql.conf", base64::engine::general_purpose::STANDARD.decode(encoded)?);
    } else if let Some(bytes) = text("file") {
        files = files.with("postgresql.conf", bytes);
    }
    if let Some(bytes) = text("auto") {
        files = files.with("postgresql.auto.conf", bytes);
    }
    if let Some(bytes) = text("hba") {
        files = files.with("pg_hba.conf", bytes);
    }
    for (name, contents) in json["files"].as_object().into_iter().flatten() {
        files.files.insert(name.clone(), contents.as_str().map(json::bytes));
    }
    let versions = json["versions"].as_array().context("no versions")?;
    let versions = versions.iter().filter_map(|version| u16::try_from(version.as_u64()?).ok()).collect();
    let word = |key: &str| json[key].as_str().unwrap_or_default().to_string();
    Ok(Vector { id: word("id"), kind: word("kind"), versions, files, json })
}

fn replay_read(server: &Server, vector: &Vector) -> Result<Vec<String>> {
    let mut differences = Vec::new();
    let expect = &vector.json["expect"];
    if expect.get("view").is_some() {
        let view = server.file_settings(&vector.files)?;
        let expected =
            expect["view"].as_array().context("view is a list")?.iter().map(expected_row).collect::<Vec<_>>();
        let rows = rows(&view);
        if rows != expected {
            differences.push(format!("rows: recorded {expected:#?}, now {rows:#?}"));
        }
        let expected: Vec<Message> =
            expect["messages"].as_array().into_iter().flatten().map(expected_message).collect();
        if view.messages != expected {
            differences.push(format!("messages: recorded {:#?}, now {:#?}", texts(&expected), texts(&view.messages)));
        }
    }
    let start = &expect["start"];
    let values = start["value"].as_object();
    let name = values.and_then(|values| values.keys().next()).map_or("work_mem", String::as_str);
    let outcome = start_check(server.major, &vector.files, name)?;
    // A prefix of the log in the file spoiled what the recorder kept of it.
    differences.extend(compare_start(start, &outcome, name != "log_line_prefix"));
    if let Some(value) = values.and_then(|values| values.values().next()) {
        let recorded = value.as_str().map(json::bytes);
        // The recorder kept the last line of a value.
        let last = outcome.value.as_deref().and_then(|value| value.split(|byte| *byte == b'\n').next_back());
        if recorded.is_some() && last != recorded.as_deref() {
            differences.push(format!("value of {name}: recorded {value}, now {}", shown(outcome.value.as_deref())));
        }
    }
    Ok(differences)
}

fn replay_start(major: u16, vector: &Vector) -> Result<Vec<String>> {
    let mut files = vector.files.clone();
    if files.get("server.crt").is_some_and(|bytes| bytes.starts_with(b"(a self-signed pair)")) {
        let (certificate, key) = pair().context("making a self-signed pair")?;
        files = files.with("server.crt", certificate).with("server.key", key);
    }
    let segment = if vector.json["settings"]["wal_segment_size"] == "16MB" { 16 } else { template::SEGMENT };
    let outcome = whole_start_on(major, segment, &files)?;
    Ok(compare_start(&vector.json["expect"]["start"], &outcome, false))
}

/// A certificate and its key, made by openssl.
pub fn pair() -> Result<(Bytes, Bytes)> {
    let directory = tempfile::tempdir()?;
    let mut openssl = std::process::Command::new("openssl");
    openssl.args(["req", "-new", "-x509", "-nodes", "-days", "30", "-subj", "/CN=localhost"]);
    openssl.args(["-keyout", "server.key", "-out", "server.crt"]).current_dir(directory.path());
    let output = openssl.output().context("running openssl")?;
    anyhow::ensure!(output.status.success(), "openssl: {}", String::from_utf8_lossy(&output.stderr));
    Ok((std::fs::read(directory.path().join("server.crt"))?, std::fs::read(directory.path().join("server.key"))?))
}

/// Compares every line, or only those that end a server.
fn compare_start(recorded: &Value, outcome: &Outcome, every: bool) -> Vec<String> {
    let mut differences = Vec::new();
    if recorded["ok"].as_bool() != Some(outcome.ok) {
        differences.push(format!("ok: recorded {}, now {}; log {:#?}", recorded["ok"], outcome.ok, log(outcome)));
    }
    let wanted = |line: &&str| every || line.starts_with("FATAL:");
    let expected = recorded["log"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let expected: Vec<String> = expected.filter(wanted).map(|line| show(&json::bytes(line))).collect();
    let found = log(outcome);
    let found: Vec<&str> = found.iter().map(String::as_str).filter(wanted).collect();
    let same =
        expected.len() == found.len() && expected.iter().zip(&found).all(|(recorded, line)| matches(recorded, line));
    if !same {
        differences.push(format!("log: recorded {expected:#?}, now {found:#?}"));
    }
    differences
}

fn expected_row(row: &Value) -> [String; 6] {
    let text = |key: &str| shown(row[key].as_str().map(json::bytes).as_deref());
    let file = row["file"].as_str().map_or("postgresql.conf".to_string(), |file| show(&json::bytes(file)));
    [text("name"), text("setting"), row["applied"].to_string(), text("error"), file, row["line"].to_string()]
}

fn rows(view: &View) -> Vec<[String; 6]> {
    let rows = view.rows.iter().map(|row| {
        let file = shown(row.file.as_deref());
        let line = row.line.map_or("null".to_string(), |line| line.to_string());
        let file = file.strip_prefix("$PGDATA/").unwrap_or(&file).to_string();
        let text = |bytes: &Option<Bytes>| shown(bytes.as_deref());
        [text(&row.name), text(&row.setting), row.applied.to_string(), text(&row.error), file, line]
    });
    rows.collect()
}

fn expected_message(message: &Value) -> Message {
    let text = |key: &str| message[key].as_str().map(json::bytes);
    Message {
        message: text("m").unwrap_or_default(),
        detail: text("detail"),
        hint: text("hint"),
        context: text("context"),
    }
}

fn texts(messages: &[Message]) -> Vec<String> {
    let texts = messages.iter().map(|message| {
        let mut text = show(&message.message);
        for (word, more) in [("DETAIL", &message.detail), ("HINT", &message.hint), ("CONTEXT", &message.context)] {
            if let Some(more) = more {
                text.push_str(&format!(" {word}: {}", show(more)));
            }
        }
        text
    });
    texts.collect()
}

fn log(outcome: &Outcome) -> Vec<String> {
    outcome.log.iter().map(|line| show(line)).collect()
}

fn shown(bytes: Option<&[u8]>) -> String {
    bytes.map_or("null".to_string(), show)
}

/// Bytes for people: what is not UTF-8 as `\xnn`.
pub fn show(bytes: &[u8]) -> String {
    let mut out = String::new();
    for chunk in bytes.utf8_chunks() {
        out.push_str(chunk.valid());
        chunk.invalid().iter().for_each(|byte| out.push_str(&format!("\\x{byte:02x}")));
    }
    out
}
