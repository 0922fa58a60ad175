//! What real servers said of files, recorded in `testdata/servers`: pgconflint says the same.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use pgconflint::catalog::{Catalog, Parameter};
use pgconflint::model::settings::Settings;
use pgconflint::model::transcript::{self, Message, Row};
use pgconflint::model::tree;
use pgconflint::source::{Files, ReadError, Sources};
use pgconflint::version::{Major, PgVersion};
use serde_json::Value;

/// Files below `$PGDATA`, in memory.
pub struct Memory(pub BTreeMap<Vec<u8>, Vec<u8>>);

pub const ROOT: &str = "$PGDATA";

impl Memory {
    fn relative(path: &Path) -> Vec<u8> {
        let text =
            path.to_str().map_or_else(|| pgconflint::model::path::to_bytes(path), |text| text.as_bytes().to_vec());
        let text = text.strip_prefix(ROOT.as_bytes()).unwrap_or(&text).to_vec();
        let mut parts: Vec<&[u8]> = Vec::new();
        for part in text.split(|byte| *byte == b'/') {
            match part {
                b"" | b"." => {}
                b".." => {
                    parts.pop();
                }
                part => parts.push(part),
            }
        }
        parts.join(&b'/')
    }

    fn is_directory(&self, path: &[u8]) -> bool {
        let below = [path, b"/"].concat();
        path.is_empty() || self.0.keys().any(|name| name.starts_with(&below))
    }
}

impl Files for Memory {
    fn read(&self, path: &Path) -> Result<Arc<[u8]>, ReadError> {
        let path = Memory::relative(path);
        if path.is_empty() || self.is_directory(&path) {
            return Err(ReadError::IsDirectory);
        }
        self.0.get(&path).map(|bytes| Arc::from(bytes.as_slice())).ok_or(ReadError::Missing)
    }

    fn list(&self, directory: &Path) -> Result<Vec<(Vec<u8>, bool)>, ReadError> {
        let directory = Memory::relative(directory);
        if self.0.contains_key(&directory) {
            return Err(ReadError::NotDirectory);
        }
        if !self.is_directory(&directory) {
            return Err(ReadError::Missing);
        }
        let prefix = if directory.is_empty() { Vec::new() } else { [directory.as_slice(), b"/"].concat() };
        let mut names: Vec<(Vec<u8>, bool)> = self
            .0
            .keys()
            .filter_map(|name| name.strip_prefix(prefix.as_slice()))
            .map(|rest| match rest.iter().position(|byte| *byte == b'/') {
                Some(slash) => (rest[..slash].to_vec(), true),
                None => (rest.to_vec(), false),
            })
            .collect();
        names.dedup();
        Ok(names)
    }
}

/// JSON with the lone surrogates that stand for odd bytes moved to private-use characters.
pub fn load(file: &str) -> Vec<Value> {
    let text =
        std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/servers").join(file)).unwrap();
    text.lines().map(|line| serde_json::from_str(&line.replace("\\udc", "\\uf7")).unwrap()).collect()
}

/// The bytes that a string of the vectors stands for.
pub fn bytes(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    for char in text.chars() {
        match u32::from(char) {
            code @ 0xf780..=0xf7ff => bytes.push(u8::try_from(code - 0xf700).unwrap()),
            _ => bytes.extend(char.to_string().as_bytes()),
        }
    }
    bytes
}

fn shown(text: &str) -> String {
    String::from_utf8_lossy(&bytes(text)).into_owned()
}

pub fn base64(text: &str) -> Vec<u8> {
    let digit = |byte: u8| match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'+' => 62,
        _ => 63,
    };
    let digits: Vec<u8> = text.bytes().filter(|byte| *byte != b'=').map(digit).collect();
    let mut bytes = Vec::new();
    for group in digits.chunks(4) {
        let word = group.iter().fold(0u32, |word, digit| word << 6 | u32::from(*digit)) << (6 * (4 - group.len()));
        bytes.extend(&word.to_be_bytes()[1..group.len()]);
    }
    bytes
}

pub fn files(vector: &Value) -> Memory {
    let mut files = BTreeMap::new();
    files.insert(b"postgresql.auto.conf".to_vec(), Vec::new());
    for (name, content) in vector["files"].as_object().into_iter().flatten() {
        match content.as_str() {
            Some(content) => files.insert(bytes(name), bytes(content)),
            None => files.remove(&bytes(name)),
        };
    }
    if let Some(auto) = vector["auto"].as_str() {
        files.insert(b"postgresql.auto.conf".to_vec(), bytes(auto));
    }
    let main = match (vector["file"].as_str(), vector["file_b64"].as_str()) {
        (Some(text), _) => bytes(text),
        (None, Some(encoded)) => base64(encoded),
        (None, None) => Vec::new(),
    };
    files.insert(b"postgresql.conf".to_vec(), main);
    Memory(files)
}

pub fn majors(vector: &Value) -> Vec<Major> {
    let name = |version: &Value| version.as_str().map_or_else(|| version.to_string(), str::to_string);
    vector["versions"].as_array().unwrap().iter().map(|version| Major::from_table(&name(version)).unwrap()).collect()
}

/// The minor of the recording.
pub fn recorded(major: Major) -> PgVersion {
    let minor = match major.0 {
        904 => 25,
        905 => 20,
        906 => 16,
        1000 => 23,
        1100 | 1200 => 22,
        1300 | 1400 => 23,
        1500 => 18,
        1600 => 14,
        1700 => 10,
        1800 => 4,
        _ => 0,
    };
    PgVersion { major, minor: Some(minor) }
}

fn message(message: &Message) -> Value {
    let mut json = serde_json::json!({ "m": message.text });
    if let Some(detail) = &message.detail {
        json["detail"] = detail.clone().into();
    }
    if let Some(hint) = &message.hint {
        json["hint"] = hint.clone().into();
    }
    json
}

/// The view escapes bytes that are not UTF-8.
fn escaped(bytes: &[u8]) -> String {
    let mut text = String::new();
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        text.extend(chunk.invalid().iter().map(|byte| format!("\\x{byte:02x}")));
    }
    text
}

/// What the recorded server ran with where that was not the default: its port and sockets, its own
/// files, and buffers that it sizes at its start.
fn running(parameter: &Parameter, major: Major) -> Option<pgconflint::value::Value> {
    use pgconflint::value::Value;
    match parameter.name {
        "port" => Some(Value::Integer(-1)),
        "listen_addresses" => Some(Value::Text(Vec::new())),
        "hosts_file" | "unix_socket_directories" | "hba_file" | "ident_file" => Some(Value::Text(b"?".to_vec())),
        "wal_buffers" if major >= Major::V15 => Some(Value::Integer(128)),
        "transaction_buffers" | "subtransaction_buffers" | "commit_timestamp_buffers" => Some(Value::Integer(-1)),
        _ => None,
    }
}

/// Whether the view had an answer that needs a database: `expect.start` is what files can show.
fn only_a_session_knows(vector: &Value, messages: &Value) -> bool {
    let said = messages.to_string();
    let id = vector["id"].as_str().unwrap();
    // A session has put -1 right already, and knows the abbreviations that a start does not know yet.
    if id.starts_with("b-wal_buffers--1") || id.starts_with("b-recovery_target_time-2020-01-01T00_00_00Z") {
        return true;
    }
    [
        "find_in_path",
        "default_text_search_config",
        "Conversion between",
        "does not exist",
        "must be called before any query",
        "will be truncated to",
    ]
    .iter()
    .any(|words| said.contains(words))
}

fn row(row: &Row) -> Value {
    let text = |bytes: &Option<Vec<u8>>| bytes.as_ref().map_or(Value::Null, |bytes| escaped(bytes).into());
    let mut json = serde_json::json!({
        "applied": row.applied,
        "error": row.error,
        "line": row.line,
        "name": text(&row.name),
        "setting": text(&row.setting),
    });
    let file = String::from_utf8_lossy(&row.file).into_owned();
    let file = file.strip_prefix("$PGDATA/").unwrap_or(&file).to_string();
    if file != "postgresql.conf" {
        json["file"] = file.into();
    }
    json
}

/// The same JSON with odd bytes as messages show them.
pub fn readable(value: &Value) -> Value {
    match value {
        Value::String(text) => shown(text).into(),
        Value::Array(items) => items.iter().map(readable).collect(),
        Value::Object(fields) => fields.iter().map(|(key, value)| (key.clone(), readable(value))).collect(),
        other => other.clone(),
    }
}

fn disagreements(vector: &Value, major: Major) -> Vec<String> {
    let expect = readable(&vector["expect"]);
    let mut sources = Sources::default();
    let main = PathBuf::from(ROOT).join("postgresql.conf");
    let tree = tree::read(&files(vector), &mut sources, &main, None, major);
    let catalog = Catalog::of(recorded(major));
    let settings = Settings::judge(&tree, &sources, &catalog);
    let mut wrong = Vec::new();
    let mut compare = |what: &str, ours: Value, theirs: &Value| {
        if ours != *theirs {
            wrong.push(format!(
                "{} {major} {what}:\n   file   {}\n   ours   {ours}\n   server {theirs}",
                vector["id"], vector["file"]
            ));
        }
    };
    let start = transcript::start(&tree, &settings, &sources);
    if let Some(theirs) = expect.get("start") {
        compare("start ok", start.ok.into(), &theirs["ok"]);
        // `postgres -C` printed a value of several lines; the recording took the first for a log line.
        let spilled =
            theirs["log"].as_array().is_some_and(|log| log.iter().any(|line| !line.as_str().unwrap().contains(":  ")));
        if spilled {
            return wrong;
        }
        compare("start log", start.log.clone().into(), &theirs["log"]);
        for (name, value) in theirs["value"].as_object().into_iter().flatten() {
            let ours = settings.value(name).map(|value| String::from_utf8_lossy(&value.plain()).into_owned());
            let derived = !settings.is_set(name) || value.as_str().is_some_and(|value| value.contains(ROOT));
            // Paths are shown as the process that asked sees them.
            let theirs = value.as_str().map_or("", |value| value.strip_prefix("$CWD").unwrap_or(value));
            let theirs = theirs
                .strip_prefix('/')
                .filter(|_| theirs.len() < value.as_str().map_or(0, str::len))
                .unwrap_or(theirs);
            if !derived {
                compare("value", ours.into(), &theirs.into());
            }
        }
    }
    if let Some(theirs) = expect.get("view").filter(|_| !only_a_session_knows(vector, &expect["messages"])) {
        // A running server knows its data directory, whatever the file says.
        let tree = tree::read(&files(vector), &mut sources, &main, Some(Path::new(ROOT)), major);
        let settings = Settings::judge(&tree, &sources, &catalog);
        let view = transcript::view(&tree, &settings, &sources, &|parameter| running(parameter, major));
        compare("view", view.rows.iter().map(row).collect(), theirs);
        compare("messages", view.messages.iter().map(message).collect(), &expect["messages"]);
    }
    wrong
}

fn replay(file: &str) {
    let vectors = load(file);
    let mut asked = 0;
    let mut wrong = Vec::new();
    for vector in vectors.iter().filter(|vector| vector["kind"] == "read") {
        for major in majors(vector) {
            asked += 1;
            wrong.extend(disagreements(vector, major));
        }
    }
    assert!(asked > 1000, "only {asked} questions in {file}");
    std::fs::write(std::env::temp_dir().join(format!("{file}.wrong")), wrong.join("\n")).unwrap();
    let first: Vec<_> = wrong.iter().take(20).cloned().collect();
    assert!(wrong.is_empty(), "{} of {asked} answers differ; the first:\n{}", wrong.len(), first.join("\n"));
}

#[test]
fn reading_agrees_with_10_to_18() {
    replay("conf.jsonl");
}

#[test]
fn reading_agrees_with_9_4_to_9_6_and_19() {
    replay("old-conf.jsonl");
}
