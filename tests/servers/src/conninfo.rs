//! Connection strings made up, and what pgconflint and each libpq make of them.

use std::collections::BTreeMap;

use anyhow::Result;
use fastrand::Rng;
use pgconflint::catalog::conninfo as table;
use pgconflint::model::conninfo::{self, Options, Reason};
use pgconflint::syntax::conninfo as syntax;
use pgconflint::version::Major;

use crate::files::Bytes;
use crate::libpq::{Libpq, Parsed};

/// A string, and whether libpq may be asked to connect with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Case {
    /// The string.
    pub text: Bytes,
    /// Whether all that it leads to is a directory without a socket, or a port of this machine where nobody listens.
    pub is_safe: bool,
}

/// The case of this seed and number, the same for every major.
pub fn case(seed: u64, number: u64) -> Case {
    let mut rng = Rng::with_seed(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ number.wrapping_mul(0xD1B5_4A32_D192_ED03));
    let rng = &mut rng;
    let mut text = match rng.u8(..10) {
        0..4 => pairs(rng),
        4..7 => connecting(rng),
        7..9 => uri(rng),
        _ => soup(rng),
    };
    if rng.u8(..4) == 0 {
        for _ in 0..=rng.usize(..3) {
            mutate(rng, &mut text);
        }
    }
    text.retain(|byte| *byte != 0);
    let is_safe = is_safe(&text);
    Case { text, is_safe }
}

/// How pgconflint differs from a libpq about a case.
pub fn compare(libpq: &Libpq, case: &Case) -> Result<Option<String>> {
    let major = Major(libpq.major * 100);
    let theirs = trimmed(libpq.parse(&case.text)?);
    let ours = parsed(&case.text, major);
    if ours != theirs {
        return Ok(Some(format!("libpq reads {}, pgconflint {}", shown(&theirs), shown(&ours))));
    }
    if !case.is_safe {
        return Ok(None);
    }
    let theirs = libpq.connect(&case.text)?;
    let conninfo = syntax::parse(&case.text, major);
    let ours = conninfo::refusals(&conninfo, major).into_iter().next().map(|refusal| refusal.message);
    let agrees = match &ours {
        Some(message) => theirs.windows(message.len()).any(|window| window == message),
        None => theirs.split(|byte| *byte == b'\n').all(is_about_the_network),
    };
    let said = |text: &[u8]| text.escape_ascii().to_string();
    Ok((!agrees).then(|| format!("libpq says {}, pgconflint {:?}", said(&theirs), ours.map(|ours| said(&ours)))))
}

/// What pgconflint makes of a string, in the shape of libpq's answer.
fn parsed(text: &[u8], major: Major) -> Parsed {
    let conninfo = syntax::parse(text, major);
    let is_early = |reason: &Reason| {
        use Reason::{KeywordGone, KeywordTooNew, Syntax, Unknown};
        matches!(reason, Syntax(_) | Unknown | KeywordTooNew(_) | KeywordGone(_))
    };
    let refusals = conninfo::refusals(&conninfo, major);
    if let Some(refusal) = refusals.into_iter().find(|refusal| is_early(&refusal.reason)) {
        return Err(refusal.message);
    }
    let options = Options { conninfo: &conninfo };
    let stored = conninfo.pairs.iter().map(|pair| options.stored(pair));
    let last: BTreeMap<Bytes, Bytes> = stored.map(|(keyword, value)| (keyword.to_vec(), value.to_vec())).collect();
    Ok(last.into_iter().collect())
}

fn trimmed(parsed: Parsed) -> Parsed {
    parsed.map_err(|message| message.strip_suffix(b"\n").unwrap_or(&message).to_vec())
}

fn shown(parsed: &Parsed) -> String {
    match parsed {
        Ok(pairs) => {
            let pairs = pairs.iter().map(|(key, value)| format!("{}={}", key.escape_ascii(), value.escape_ascii()));
            format!("[{}]", pairs.collect::<Vec<_>>().join(", "))
        }
        Err(message) => format!("({})", message.escape_ascii()),
    }
}

/// A line of a message that comes when all values were taken.
fn is_about_the_network(line: &[u8]) -> bool {
    let line = String::from_utf8_lossy(line);
    let failed = line.ends_with("No such file or directory") || line.ends_with("Connection refused");
    line.is_empty()
        || line.starts_with('\t')
        || failed && (line.starts_with("could not connect to server: ") || line.starts_with("connection to server "))
}

const NOWHERE: [&str; 2] = ["/nonexistent", "/nonexistent/2"];
const HERE: &str = "127.0.0.1";
/// Nobody listens there.
const PORT: &str = "1";

/// Whether a try to connect stays here, as pgconflint reads the string; and does not depend on files or the build.
fn is_safe(text: &[u8]) -> bool {
    [Major::V9_6, Major::V11, Major::V17, Major::V18].into_iter().all(|major| {
        let conninfo = syntax::parse(text, major);
        let options = Options { conninfo: &conninfo };
        let value = |name: &str| options.filled(name).map(|value| String::from_utf8_lossy(value).into_owned());
        let all = |list: &str, allowed: &dyn Fn(&str) -> bool| list.split(',').all(allowed);
        let is_here = match (value("host"), value("hostaddr")) {
            (Some(host), None) if all(&host, &|host| NOWHERE.contains(&host)) => true,
            (Some(host), None) if host == HERE => value("port").as_deref() == Some(PORT),
            // An address that is none is refused without a name service.
            (None, Some(address)) => {
                let is_name = address.bytes().any(|byte| byte.is_ascii_alphabetic()) && !address.contains([':', 'x']);
                (is_name || address == HERE) && value("port").as_deref() == Some(PORT)
            }
            _ => false,
        };
        let depends = ["service", "servicefile", "passfile", "scram_client_key", "scram_server_key", "client_encoding"];
        is_here
            && depends.iter().all(|name| options.get(name).is_none())
            && value("gssencmode").is_none_or(|value| value != "require")
    })
}

fn pairs(rng: &mut Rng) -> Bytes {
    let mut text = Bytes::new();
    for _ in 0..rng.usize(..6) {
        text.extend(pick(rng, BLANKS).as_bytes());
        text.extend(keyword(rng).as_bytes());
        text.extend(pick(rng, &["=", "=", "=", " = ", "= ", "\t=", "\n=\n", "", "=="]).as_bytes());
        let value = value(rng);
        text.extend(quoted(rng, &value));
        text.extend(pick(rng, &[" ", " ", " ", "\n", "  ", "\x0b", "", ",", ", ", ";"]).as_bytes());
    }
    text
}

/// Pairs that lead nowhere, with values for each keyword as people write them.
fn connecting(rng: &mut Rng) -> Bytes {
    let mut all: Vec<(String, Bytes)> = Vec::new();
    let hosts = match rng.u8(..6) {
        0 => vec![("host", NOWHERE.join(",")), ("port", pick(rng, &["1", "1,2", "1,2,3", "x,1", "1,0", ","]).into())],
        1 => vec![("hostaddr", pick(rng, &[HERE, "primary", "localhost"]).into()), ("port", PORT.into())],
        2 | 3 => vec![("host", HERE.into()), ("port", PORT.into())],
        _ => vec![("host", NOWHERE[0].into())],
    };
    all.extend(hosts.into_iter().map(|(name, value)| (name.to_string(), value.into_bytes())));
    for _ in 0..rng.usize(..5) {
        let row = &table::rows()[rng.usize(..table::rows().len())];
        let words: Vec<&str> = row.all_words().map(|(word, _)| word).collect();
        let value = match rng.u8(..4) {
            0 => value(rng),
            1 if words.len() > 1 => {
                let some = [pick(rng, &words), pick(rng, &words)];
                let separator = pick(rng, &[",", ",!", " "]);
                let before = pick(rng, &["", "!"]);
                format!("{before}{}", some.join(separator)).into_bytes()
            }
            _ if row.name == "port" => pick(rng, NUMBERS).as_bytes().to_vec(),
            _ if words.len() > 1 => pick(rng, &words).as_bytes().to_vec(),
            _ => pick(rng, NUMBERS).as_bytes().to_vec(),
        };
        let hosts = ["host", "hostaddr"].contains(&row.name);
        if !hosts {
            all.push((row.name.to_string(), value));
        }
    }
    rng.shuffle(&mut all);
    let mut text = Bytes::new();
    for (keyword, value) in all {
        text.extend(keyword.as_bytes());
        text.extend(b" = ");
        text.push(b'\'');
        for byte in value {
            if matches!(byte, b'\'' | b'\\') {
                text.push(b'\\');
            }
            text.push(byte);
        }
        text.extend(b"' ");
    }
    text
}

fn uri(rng: &mut Rng) -> Bytes {
    let mut text =
        pick(rng, &["postgresql://", "postgres://", "postgresql://", "postgresql:/", "POSTGRES://"]).to_string();
    if rng.bool() {
        text += pick(rng, &["u", "u:p", "u%40:p%3a", ":p", "u:", "", "a b", "u:p:q", "u:p/w"]);
        text += pick(rng, &["@", "@", "@@", ""]);
    }
    for _ in 0..rng.usize(..4) {
        text += pick(
            rng,
            &["h", "10.0.0.1", "[::1]", "%2Ftmp", "", "[", "[]", "[::1]x", "h ", " h", "a b", "%", "%4", "%00"],
        );
        text += pick(rng, &[":5432", ":", "", "", ":5 ", ":5:6"]);
        text += pick(rng, &[",", ",", "", " "]);
    }
    text += pick(rng, &["/db", "/", "", "/a/b", "/d b", "/db ", "/%64", "/d#x"]);
    if rng.bool() {
        text.push('?');
        for _ in 0..rng.usize(..4) {
            text += keyword(rng);
            text += pick(rng, &["=", "=", "=", "", "==", " = "]);
            text += pick(rng, &["require", "true", "a%20b", "a b", " a ", "%zz", "%00", "1", "", "é", "a=b"]);
            text += pick(rng, &["&", "&", "", "&&", ";"]);
        }
    }
    text.into_bytes()
}

/// Bytes that mean something, in any order.
fn soup(rng: &mut Rng) -> Bytes {
    const BYTES: &[u8] = b"host=port'\\ \t\n,:/?&%@[]#\"\x0b\x0c\r\x80\xa0\xc3\xa9\xff";
    let mut text = if rng.u8(..3) == 0 { b"postgres://".to_vec() } else { Bytes::new() };
    text.extend((0..rng.usize(..30)).map(|_| BYTES[rng.usize(..BYTES.len())]));
    text
}

fn mutate(rng: &mut Rng, text: &mut Bytes) {
    let at = rng.usize(..=text.len());
    match rng.u8(..4) {
        0 => text.insert(at, b" '\\=,%@/?&\xff\n"[rng.usize(..12)]),
        1 if at < text.len() => {
            text.remove(at);
        }
        2 if at < text.len() => text[at] = rng.u8(1..),
        _ => text.truncate(at),
    }
}

fn keyword(rng: &mut Rng) -> &'static str {
    match rng.u8(..8) {
        0 => pick(rng, &["ssl_mode", "HOST", "usr", "ssl", "", "pasword", "a b", "hôte", "requiressl", "%68ost"]),
        _ => table::rows()[rng.usize(..table::rows().len())].name,
    }
}

fn value(rng: &mut Rng) -> Bytes {
    pick(
        rng,
        &[
            "", "a", "10.0.0.1", "5432", "repl", "p w", "it's", "a\\b", "a=b", "x,y", "require", "required", "h1,h2",
            "primary", "é", "\t", "'", "\\", "a;b", "[x]", "\u{a0}",
        ],
    )
    .as_bytes()
    .to_vec()
}

/// A value in one of the quotings, not always the right one.
fn quoted(rng: &mut Rng, value: &[u8]) -> Bytes {
    let escaped = |bytes: &[u8]| -> Bytes {
        value.iter().flat_map(|byte| if bytes.contains(byte) { vec![b'\\', *byte] } else { vec![*byte] }).collect()
    };
    match rng.u8(..5) {
        0 => value.to_vec(),
        1 => escaped(b"\\ \t'"),
        2 => [b"'".as_slice(), value, b"'"].concat(),
        _ => [b"'".as_slice(), &escaped(b"'\\"), b"'"].concat(),
    }
}

fn pick<'a>(rng: &mut Rng, all: &[&'a str]) -> &'a str {
    all[rng.usize(..all.len())]
}

const BLANKS: &[&str] = &["", "", "", " ", "\n", "\t "];
const NUMBERS: &[&str] = &[
    "1",
    "0",
    "-1",
    "5432",
    " 5 ",
    "5x",
    "",
    "abc",
    "65535",
    "65536",
    "99999999999",
    "4294967297",
    "127",
    "128",
    "32767",
    "32768",
    "+7",
    "0x10",
    "1.5",
];
