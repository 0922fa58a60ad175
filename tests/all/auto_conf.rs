//! ALTER SYSTEM as recorded from real servers, and as they do it now.

use std::collections::BTreeMap;
use std::path::Path;

use pgconflint::catalog::Catalog;
use pgconflint::files::Memory;
use pgconflint::model::auto_conf::{AutoConf, HEADER};
use pgconflint::value::Refusal;
use pgconflint::version::{Major, PgVersion};

use crate::proof;
use crate::vectors::{ROOT, bytes, load, majors, recorded};

/// What the recording's include line leads to.
const INCLUDED: &[u8] = b"enable_hashjoin = off\n";

/// A statement of the vectors.
#[derive(Debug)]
enum Statement {
    Set(String, String),
    Reset(String),
    ResetAll,
}

/// As SQL reads it: names folded, lists put together.
fn parse(sql: &str) -> Statement {
    let rest = sql.strip_prefix("alter system ").unwrap();
    if rest == "reset all" {
        return Statement::ResetAll;
    }
    if let Some(rest) = rest.strip_prefix("reset ") {
        return Statement::Reset(name(rest).0);
    }
    let (name, rest) = name(rest.strip_prefix("set ").unwrap());
    let rest = rest.trim_start();
    let mut rest = rest.strip_prefix('=').or_else(|| rest.strip_prefix("to ")).unwrap().trim_start();
    if rest == "default" {
        return Statement::Reset(name);
    }
    let mut values = Vec::new();
    loop {
        let (value, after) = value(rest);
        values.push(if is_list_of_names(&name) { quoted(&value) } else { value });
        match after.trim_start().strip_prefix(',') {
            Some(after) => rest = after.trim_start(),
            None => return Statement::Set(name, values.join(", ")),
        }
    }
}

/// Parameters whose items SQL quotes as identifiers (GUC_LIST_QUOTE).
fn is_list_of_names(name: &str) -> bool {
    name == "search_path" || name == "temp_tablespaces" || name.ends_with("_preload_libraries")
}

fn quoted(item: &str) -> String {
    let plain = item.starts_with(|char: char| char.is_ascii_lowercase() || char == '_')
        && item.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
    if plain { item.to_string() } else { format!("\"{}\"", item.replace('"', "\"\"")) }
}

fn name(text: &str) -> (String, &str) {
    let (mut name, mut rest) = (String::new(), text);
    loop {
        if let Some(after) = rest.strip_prefix('"') {
            let (inside, after) = after.split_once('"').unwrap();
            name.push_str(inside);
            rest = after;
        } else {
            let end = rest.find(|char: char| !char.is_alphanumeric() && char != '_').unwrap_or(rest.len());
            name.push_str(&rest[..end].to_lowercase());
            rest = &rest[end..];
        }
        match rest.strip_prefix('.') {
            Some(after) => {
                name.push('.');
                rest = after;
            }
            None => return (name, rest),
        }
    }
}

fn value(text: &str) -> (String, &str) {
    let escapes = text.starts_with(['E', 'e']) && text[1..].starts_with('\'');
    let Some(inside) = text[usize::from(escapes)..].strip_prefix('\'') else {
        if text.starts_with('"') {
            return name(text);
        }
        let end = text.find([',', ' ']).unwrap_or(text.len());
        return (text[..end].to_lowercase(), &text[end..]);
    };
    let mut value = String::new();
    let mut chars = inside.char_indices().peekable();
    while let Some((at, char)) = chars.next() {
        match char {
            '\'' if chars.peek().is_some_and(|(_, next)| *next == '\'') => {
                chars.next();
                value.push('\'');
            }
            '\'' => return (value, &inside[at + 1..]),
            '\\' if escapes => match chars.next().unwrap().1 {
                'n' => value.push('\n'),
                'u' => {
                    let code: String = chars.by_ref().take(4).map(|(_, digit)| digit).collect();
                    value.push(char::from_u32(u32::from_str_radix(&code, 16).unwrap()).unwrap());
                }
                other => value.push(other),
            },
            other => value.push(other),
        }
    }
    panic!("no end: {text}")
}

fn run(statement: &Statement, before: &[u8], major: Major) -> Result<Vec<u8>, Refusal> {
    let path = format!("{ROOT}/postgresql.auto.conf");
    let files = Memory::default().with(&path, before).with(&format!("{ROOT}/inc.conf"), INCLUDED);
    let auto = AutoConf { files: &files, path: Path::new(&path), catalog: &Catalog::of(recorded(major)) };
    match statement {
        Statement::Set(name, value) => auto.set(name, value.as_bytes()),
        Statement::Reset(name) => auto.reset(name),
        Statement::ResetAll => Ok(AutoConf::reset_all()),
    }
}

/// The refusal as the recording writes it.
fn told(refusal: &Refusal) -> String {
    let mut text = refusal.message.clone().unwrap();
    for (mark, more) in [("D", &refusal.detail), ("H", &refusal.hint)] {
        if let Some(more) = more {
            text.push_str(&format!(" |{mark} {more}"));
        }
    }
    text
}

fn replay(file: &str, least: usize) {
    let mut current: BTreeMap<Major, Vec<u8>> = BTreeMap::new();
    let (mut asked, mut wrong) = (0, Vec::new());
    for vector in load(file).iter().filter(|vector| vector["kind"] == "alter_system") {
        for major in majors(vector) {
            let state = current.entry(major).or_insert_with(|| HEADER.as_bytes().to_vec());
            if let Some(before) = vector["file_before"].as_str() {
                *state = bytes(before);
            }
            let Some(sql) = vector["sql"].as_str() else { continue };
            asked += 1;
            let outcome = run(&parse(sql), state, major);
            let error = outcome.as_ref().err().map(told);
            if let Ok(after) = outcome {
                *state = after;
            }
            let wanted = (vector["expect"]["error"].as_str(), vector["expect"]["auto_conf"].as_str().map(bytes));
            if (error.as_deref(), Some(&*state)) != (wanted.0, wanted.1.as_ref()) {
                wrong.push(format!(
                    "{} {major} {sql}\n   ours   {error:?} {:?}\n   server {:?} {}",
                    vector["id"],
                    String::from_utf8_lossy(state),
                    wanted.0,
                    vector["expect"]["auto_conf"]
                ));
            }
        }
    }
    assert!(asked >= least, "only {asked} questions in {file}");
    assert!(wrong.is_empty(), "{} of {asked} answers differ:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn alter_system_agrees_with_10_to_18() {
    replay("conf.jsonl", 400);
}

#[test]
fn alter_system_agrees_with_9_4_to_9_6_and_19() {
    replay("old-conf.jsonl", 170);
}

#[test]
fn a_missing_file_is_made() {
    let files = Memory::default();
    let catalog = Catalog::of(PgVersion::newest(Major::V16));
    let auto = AutoConf { files: &files, path: Path::new("postgresql.auto.conf"), catalog: &catalog };
    assert_eq!(auto.set("work_mem", b"1MB").unwrap(), format!("{HEADER}work_mem = '1MB'\n").into_bytes());
}

/// Every parameter of every major: may ALTER SYSTEM change it?
#[test]
fn servers_refuse_the_same_names() {
    if !proof::wanted("ALTER SYSTEM of every parameter") {
        return;
    }
    let majors = pgconflint_servers::install::majors();
    let mut wrong = Vec::new();
    for server in pgconflint_servers::start_all(&majors).unwrap() {
        let major = Major(server.major * 100);
        let catalog = Catalog::of(recorded(major));
        for (_, parameter) in catalog.iter() {
            let answer = server.query(&format!("alter system reset \"{}\"", parameter.name)).unwrap();
            let theirs = answer.error.map(|error| String::from_utf8_lossy(&error.message).into_owned());
            let ours = run(&Statement::Reset(parameter.name.to_string()), b"", major).err().map(|error| told(&error));
            if ours != theirs {
                wrong.push(format!("{} {major}: ours {ours:?}, server {theirs:?}", parameter.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
}
