//! What real servers said of pg_hba.conf and pg_ident.conf, recorded in `testdata/servers`.

use std::collections::BTreeMap;
use std::path::Path;

use pgconflint::catalog::Catalog;
use pgconflint::catalog::access::Transport;
use pgconflint::model::access::Message;
use pgconflint::model::hba::matching::{Connection, Wanted, is_named, usual};
use pgconflint::model::hba::{self, Build, Hba, Row, Surroundings};
use pgconflint::model::ident::{self, Fit, Ident};
use pgconflint::model::settings::Settings;
use pgconflint::model::tree;
use pgconflint::source::Sources;
use pgconflint::version::{Major, PgVersion};
use serde_json::Value;

use crate::vectors::{Memory, base64, bytes, load};

/// The majors of a vector.
pub fn majors(vector: &Value) -> Vec<Major> {
    let versions = vector["versions"].as_array().expect("a list");
    versions.iter().map(|version| Major::from_table(version.to_string().trim_matches('"')).expect("a major")).collect()
}

/// The files of a vector, its main one under that name.
pub fn files(vector: &Value, main: &str) -> Memory {
    let mut files = BTreeMap::new();
    if let Some(text) = vector["file"].as_str() {
        files.insert(main.as_bytes().to_vec(), bytes(text));
    }
    if let Some(text) = vector["file_b64"].as_str() {
        files.insert(main.as_bytes().to_vec(), base64(text));
    }
    for (name, contents) in vector["files"].as_object().into_iter().flatten() {
        files.insert(bytes(name), bytes(contents.as_str().expect("text")));
    }
    let ssl = if vector["ssl"] == true { "ssl = on\n" } else { "" };
    let conf = format!("{ssl}{}", vector["settings"].as_str().unwrap_or_default());
    files.insert(b"postgresql.conf".to_vec(), conf.into_bytes());
    Memory(files)
}

/// What the recorded servers were built with.
pub fn build(vector: &Value, major: Major) -> Build {
    let full = vector["build"].is_string() || major == Major::V10;
    if full { Build::PACKAGES } else { Build::with("ssl") }
}

/// The servers had no name service.
pub fn resolve(name: &[u8]) -> Option<String> {
    (name != b"localhost").then(|| "Name or service not known".to_string())
}

/// Reads the pg_hba.conf of a vector.
pub fn read(vector: &Value, major: Major) -> (Hba, Sources) {
    let files = files(vector, "pg_hba.conf");
    let mut sources = Sources::default();
    let tree = tree::read(&files, &mut sources, Path::new("$PGDATA/postgresql.conf"), None, major);
    let settings = Settings::judge(&tree, &sources, Catalog::shared(PgVersion::newest(major)));
    let setting = |name: &str| settings.value(name).map(|value| value.plain());
    let around = Surroundings {
        major,
        build: build(vector, major),
        setting: &setting,
        resolve: &resolve,
        interface: &|name| matches!(name, "lo" | "eth0"),
    };
    let hba = hba::read(&files, &mut sources, Path::new("$PGDATA/pg_hba.conf"), &around);
    (hba, sources)
}

/// Bytes that are not UTF-8 as the recorder wrote those of a view.
fn text(bytes: &[u8]) -> String {
    let odd = |bytes: &[u8]| bytes.iter().map(|byte| format!("\\x{byte:02x}")).collect::<String>();
    bytes.utf8_chunks().map(|chunk| chunk.valid().to_string() + &odd(chunk.invalid())).collect()
}

fn recorded(value: &Value) -> String {
    value.as_str().map_or(String::new(), |recorded| text(&bytes(recorded)))
}

fn message(message: &Message) -> String {
    let hint = message.hint.clone().unwrap_or_default();
    let context = message.context.as_ref().map(|context| text(context)).unwrap_or_default();
    format!("{} / {hint} / {context}", text(&message.text))
}

fn row(row: &Row, file: &str) -> String {
    let one = |bytes: &Option<Vec<u8>>| bytes.as_ref().map(|bytes| text(bytes)).unwrap_or_default();
    let list =
        |list: &Option<Vec<Vec<u8>>>| list.iter().flatten().map(|bytes| text(bytes)).collect::<Vec<_>>().join("|");
    format!(
        "{file}:{} {} {} {} {} {} {} [{}] {}",
        row.line,
        one(&row.connection),
        list(&row.databases),
        list(&row.users),
        one(&row.address),
        one(&row.netmask),
        one(&row.method),
        list(&row.options),
        one(&row.error),
    )
}

fn recorded_row(row: &Value) -> String {
    let one = |key: &str| recorded(&row[key]);
    let list = |key: &str| row[key].as_array().into_iter().flatten().map(recorded).collect::<Vec<_>>().join("|");
    let file = row["file"].as_str().map_or("pg_hba.conf".to_string(), |file| text(&bytes(file)));
    format!(
        "{file}:{} {} {} {} {} {} {} [{}] {}",
        row["line"],
        one("type"),
        list("database"),
        list("user_name"),
        one("address"),
        one("netmask"),
        one("auth_method"),
        list("options"),
        one("error"),
    )
}

/// The file of a line as the vectors write it.
fn file_name(sources: &Sources, line: &hba::Line) -> String {
    let path = sources.get(line.record.file).path.to_string_lossy().into_owned();
    path.strip_prefix("$PGDATA/").unwrap_or(&path).to_string()
}

/// What is different in a vector of the kind `rules`.
fn rules(vector: &Value, major: Major) -> Option<String> {
    let (hba, sources) = read(vector, major);
    let expect = &vector["expect"];
    if let Some(error) = expect["view_error"].as_str() {
        let said = hba.ending.map(|(_, message)| text(&message.text)).unwrap_or_default();
        let crashed = error == "(backend crashed)" && !said.is_empty();
        return (!crashed && said != error).then(|| format!("the view fails: `{error}`, we: `{said}`"));
    }
    let own = hba.lines.iter().flat_map(|line| &line.messages);
    if expect.get("rows").is_none() {
        return rules_by_reload(&hba, expect, major);
    }
    let theirs: Vec<String> = expect["rows"].as_array().expect("rows").iter().map(recorded_row).collect();
    let ours: Vec<String> =
        hba.lines.iter().map(|line| row(&hba::row(line, major), &file_name(&sources, line))).collect();
    if theirs != ours {
        return Some(format!("rows:\n  server {theirs:#?}\n  ours {ours:#?}"));
    }
    let theirs: Vec<String> = expect["messages"]
        .as_array()
        .expect("messages")
        .iter()
        .map(|message| {
            format!("{} / {} / {}", recorded(&message["m"]), recorded(&message["hint"]), recorded(&message["context"]))
        })
        .collect();
    let ours: Vec<String> = hba.reading.iter().chain(own).map(message).collect();
    (theirs != ours).then(|| format!("messages:\n  server {theirs:#?}\n  ours {ours:#?}"))
}

/// Servers without the view were sent a SIGHUP.
fn rules_by_reload(hba: &Hba, expect: &Value, major: Major) -> Option<String> {
    let accepted = match &expect["accepted"] {
        Value::Bool(accepted) => *accepted,
        _ => {
            return hba.ending.is_none().then(|| "the server stopped, we go on".to_string());
        }
    };
    let (log, starts) = hba.start(b"$PGDATA/pg_hba.conf", major);
    if accepted != starts {
        return Some(format!("accepted: {accepted}, we: {starts}"));
    }
    let theirs: Vec<String> = expect["reload_log"].as_array().expect("a log").iter().map(recorded).collect();
    let theirs: Vec<&String> = theirs.iter().filter(|line| !line.ends_with("not reloaded")).collect();
    let ours: Vec<String> = log.iter().map(|line| text(line)).filter(|line| !line.starts_with("FATAL")).collect();
    (theirs != ours.iter().collect::<Vec<_>>()).then(|| format!("log:\n  server {theirs:#?}\n  ours {ours:#?}"))
}

fn all(file: &str, kind: &str, compare: &dyn Fn(&Value, Major) -> Option<String>) -> usize {
    let mut failed = Vec::new();
    let mut asked = 0;
    for vector in load(file).iter().filter(|vector| vector["kind"] == kind) {
        for major in majors(vector) {
            asked += 1;
            if let Some(what) = compare(vector, major) {
                failed.push(format!("{}, PostgreSQL {major}: {what}", vector["id"]));
            }
        }
    }
    let shown = failed.iter().take(12).cloned().collect::<Vec<_>>().join("\n");
    assert!(failed.is_empty(), "{} of {asked} answers of {file} differ\n{shown}", failed.len());
    asked
}

#[test]
fn lines_of_pg_hba_conf_are_those_of_the_server() {
    assert!(all("hba.jsonl", "rules", &rules) > 5_000);
}

#[test]
fn lines_of_pg_hba_conf_are_those_of_old_servers_and_19() {
    assert!(all("old-hba.jsonl", "rules", &rules) > 3_000);
}

/// What is different in a vector of the kind `start`.
fn start(vector: &Value, major: Major) -> Option<String> {
    let expect = &vector["expect"]["start"];
    let theirs: Vec<String> = expect["log"].as_array().expect("a log").iter().map(recorded).collect();
    if theirs.iter().any(|line| line.contains("postgresql.conf\" contains errors")) {
        // The settings refuse the start before pg_hba.conf is read.
        return None;
    }
    let (hba, _) = read(vector, major);
    let (log, starts) = hba.start(b"$PGDATA/pg_hba.conf", major);
    if expect["ok"] != starts {
        return Some(format!("starts: {}, we: {starts}", expect["ok"]));
    }
    let mut ours: Vec<String> = log.iter().map(|line| text(line)).collect();
    // The recorder kept one of several equal lines.
    let mut seen = std::collections::BTreeSet::new();
    ours.retain(|line| line.starts_with('\t') || seen.insert(line.clone()));
    (theirs != ours).then(|| format!("log:\n  server {theirs:#?}\n  ours {ours:#?}"))
}

#[test]
fn a_start_with_pg_hba_conf_ends_as_the_server_s() {
    assert!(all("hba.jsonl", "start", &start) + all("old-hba.jsonl", "start", &start) > 200);
}

/// Who is in which role on the servers that were asked: u3 is in g1 through another role.
fn member(user: &[u8], role: &[u8]) -> Option<bool> {
    let exists = [&b"u1"[..], b"u2", b"u3", b"g1", b"su", b"postgres"].contains(&user);
    Some(exists && (user == role || role == b"g1" && matches!(user, b"u1" | b"u3")))
}

/// What is different in a vector of the kind `match`.
fn matching(vector: &Value, major: Major) -> Option<String> {
    let (hba, _) = read(vector, major);
    if !hba.is_accepted() {
        // The server that was asked went on with the rules it had before.
        return None;
    }
    for connect in vector["expect"]["connect"].as_array().expect("connections") {
        let text = |key: &str| bytes(connect[key].as_str().unwrap_or_default());
        let (user, database) = (text("user"), text("database"));
        let wanted = match connect["replication"].as_str() {
            Some("database") => Wanted::Logical(database),
            Some("on" | "true" | "1" | "yes") => Wanted::Replication,
            _ => Wanted::Database(database),
        };
        let (transport, address) = match connect["conn"].as_str() {
            Some("local") => (Transport::Local, None),
            // The client took TLS where it got it.
            _ if vector["ssl"] == true || vector["settings"].as_str().is_some_and(|text| text.contains("ssl")) => {
                (Transport::Ssl, Some("127.0.0.1".parse().expect("an address")))
            }
            _ => (Transport::Plain, Some("127.0.0.1".parse().expect("an address"))),
        };
        let connection = Connection {
            transport,
            address,
            user: &user,
            wanted,
            member: &member,
            named: &|name| Some(is_named(name, b"localhost")),
            own: &usual(std::net::Ipv4Addr::LOCALHOST.into()),
        };
        let decision = hba.decide(&connection, major);
        let ours = match decision.line.map(|line| hba.lines[line].verdict.as_ref().expect("it fits").method.name) {
            None => "nomatch",
            Some("reject") => "reject",
            Some(_) => "match",
        };
        let theirs = connect["result"].as_str().expect("a result");
        if theirs.split(':').next() != Some(ours) || !decision.perhaps.is_empty() {
            return Some(format!("{connect}: we say {ours}, {:?}", decision.perhaps));
        }
    }
    None
}

#[test]
fn the_line_that_decides_is_the_server_s() {
    assert!(all("hba.jsonl", "match", &matching) + all("old-hba.jsonl", "match", &matching) > 700);
}

fn read_ident(vector: &Value, major: Major) -> (Ident, Sources) {
    let mut sources = Sources::default();
    let files = files(vector, "pg_ident.conf");
    let ident = ident::read(&files, &mut sources, Path::new("$PGDATA/pg_ident.conf"), major);
    (ident, sources)
}

fn ident_log(ident: &Ident) -> Vec<String> {
    let of = |message: &Message| {
        let context = message.context.as_ref().map(|context| format!("CONTEXT:  {}", text(context)));
        [Some(format!("LOG:  {}", text(&message.text))), context]
    };
    ident.messages().flat_map(of).flatten().collect()
}

/// What is different in a vector of the kind `read` of pg_ident.conf.
fn ident_lines(vector: &Value, major: Major) -> Option<String> {
    let (ident, sources) = read_ident(vector, major);
    let expect = &vector["expect"];
    if let Some(rows) = expect["rows"].as_array() {
        let theirs: Vec<String> = rows
            .iter()
            .map(|row| {
                let one = |key: &str| recorded(&row[key]);
                let file = row["file"].as_str().unwrap_or("pg_ident.conf");
                format!(
                    "{file}:{} {} {} {} {}",
                    row["line"],
                    one("map_name"),
                    one("sys_name"),
                    one("pg_username"),
                    one("error")
                )
            })
            .collect();
        let ours: Vec<String> = ident
            .lines
            .iter()
            .map(|line| {
                let path = sources.get(line.record.file).path.to_string_lossy().into_owned();
                let file = path.strip_prefix("$PGDATA/").unwrap_or(&path);
                let (map, system, user, error) = match &line.verdict {
                    Ok(mapping) => {
                        (text(&mapping.map.text), text(&mapping.system.text), text(&mapping.user.text), String::new())
                    }
                    Err(refusal) => (String::new(), String::new(), String::new(), text(&refusal.text)),
                };
                format!("{file}:{} {map} {system} {user} {error}", line.record.line)
            })
            .collect();
        if theirs != ours {
            return Some(format!("rows:\n  server {theirs:#?}\n  ours {ours:#?}"));
        }
    }
    let theirs = expect["reload_log"].as_array()?;
    let theirs: Vec<String> = theirs.iter().map(recorded).filter(|line| !line.ends_with("reloaded")).collect();
    let refused =
        expect["reload_log"].as_array().into_iter().flatten().any(|line| recorded(line).ends_with("reloaded"));
    let ours = ident_log(&ident);
    if refused == ident.is_accepted() {
        return Some(format!("refused: {refused}, we: {}", !ident.is_accepted()));
    }
    (theirs != ours).then(|| format!("log:\n  server {theirs:#?}\n  ours {ours:#?}"))
}

#[test]
fn lines_of_pg_ident_conf_are_those_of_the_server() {
    assert!(all("ident.jsonl", "read", &ident_lines) + all("old-ident.jsonl", "read", &ident_lines) > 600);
}

/// What is different in a vector of the kind `match` of pg_ident.conf.
fn mapping(vector: &Value, major: Major) -> Option<String> {
    let (ident, _) = read_ident(vector, major);
    let expect = &vector["expect"];
    let system = bytes(vector["system_user"].as_str().expect("a name"));
    let hba = vector["hba"].as_str().expect("a line");
    let map = hba.split_whitespace().find_map(|word| word.strip_prefix("map="));
    for connect in expect["connect"].as_array().expect("connections") {
        let user = bytes(connect["user"].as_str().expect("a user"));
        let fits = match map {
            None => system == user,
            Some(map) => {
                let maps = ident.mappings().filter(|(_, mapping)| mapping.map.text == map.as_bytes());
                ident.is_accepted()
                    && maps.map(|(_, mapping)| mapping.fits(&system, &user, &member, major)).any(|fit| fit == Fit::Yes)
            }
        };
        // A user that does not exist gets as far as that.
        let theirs = connect["result"] != "denied";
        if theirs != fits {
            return Some(format!("{connect}: we say {fits}"));
        }
    }
    None
}

#[test]
fn maps_let_in_whom_the_server_lets_in() {
    assert!(all("ident.jsonl", "match", &mapping) + all("old-ident.jsonl", "match", &mapping) > 250);
}

#[test]
fn a_start_with_pg_ident_conf_goes_on() {
    let start = |vector: &Value, major: Major| {
        let (ident, _) = read_ident(vector, major);
        let expect = &vector["expect"]["start"];
        let theirs: Vec<String> = expect["log"].as_array().expect("a log").iter().map(recorded).collect();
        let ours = match &ident.ending {
            None => ident_log(&ident),
            Some((_, message)) => {
                let context = message.context.as_ref().map(|context| format!("CONTEXT:  {}", text(context)));
                [Some(format!("FATAL:  {}", text(&message.text))), context].into_iter().flatten().collect()
            }
        };
        (expect["ok"] != ident.ending.is_none() || theirs != ours).then(|| format!("{theirs:?}, we: {ours:?}"))
    };
    assert!(all("ident.jsonl", "start", &start) + all("old-ident.jsonl", "start", &start) > 10);
}
