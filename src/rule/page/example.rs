//! The examples of a page: files, and what there is to say about each.

use super::{Beside, Example, PAIR, Shows};

/// Reads the lines of an example of that kind, which the words of its fence tell more about.
///
/// # Errors
/// A word, a mode or a range that means nothing, with the line.
pub fn example<'a>(
    kind: &str,
    shows: Shows,
    words: impl Iterator<Item = &'a str>,
    lines: &[&str],
    line: usize,
) -> Result<Example, String> {
    let (mut majors, mut escaped, mut from) = (String::new(), false, String::new());
    for word in words {
        match word {
            "escaped" => escaped = true,
            _ if word.starts_with("from=") => from = word["from=".len()..].to_string(),
            range if is_range(range) => majors = range.to_string(),
            other => return Err(format!("{line}: `{other}` says nothing about an example")),
        }
    }
    let mut files: Vec<(&str, Vec<u8>)> = vec![("", Vec::new())];
    for line in lines {
        match line.strip_prefix("--- ") {
            Some(name) => files.push((name.trim(), Vec::new())),
            None => {
                let (_, bytes) = files.last_mut().expect("one from the start");
                if escaped {
                    unescape(line, bytes)
                } else {
                    bytes.extend(line.as_bytes())
                }
                bytes.push(b'\n');
            }
        }
    }
    let (_, file) = files.remove(0);
    let begins_with_a_name = lines.first().is_none_or(|line| line.starts_with("--- "));
    let is_pair = kind == PAIR;
    if is_pair && !begins_with_a_name {
        return Err(format!("{line}: an example of a pair begins with the name of a file"));
    }
    let beside: Result<Vec<Beside>, String> =
        files.into_iter().map(|(title, bytes)| beside(title, bytes, is_pair, line)).collect();
    Ok(Example {
        shows,
        majors,
        main: match kind {
            "recovery" => "recovery.conf",
            "hba" => "pg_hba.conf",
            "ident" => "pg_ident.conf",
            PAIR => PAIR,
            _ => "postgresql.conf",
        },
        file: (lines.is_empty() || !begins_with_a_name).then_some(file),
        beside: beside?,
        from,
        line,
    })
}

/// A file whose name is followed by what else there is to say about it.
fn beside(title: &str, mut bytes: Vec<u8>, is_pair: bool, line: usize) -> Result<Beside, String> {
    let mut words = title.split(' ');
    let mut name = words.next().unwrap_or_default().to_string();
    let (mut mode, mut majors) = (None, String::new());
    for word in words {
        if let Some(kind) = word.strip_prefix("slot=") {
            bytes = slot(&name, kind).map_err(|what| format!("{line}: {what}"))?;
            name.push_str("/state");
            continue;
        }
        match word.strip_prefix("mode=") {
            _ if word == "unreadable" => mode = Some(0),
            Some(digits) => {
                let bits = u32::from_str_radix(digits, 8);
                mode = Some(bits.map_err(|_| format!("{line}: `{word}` is no mode such as `mode=0640`"))?);
            }
            None if is_pair && is_range(word) => majors = word.to_string(),
            // Names may have blanks.
            None => name = format!("{name} {word}"),
        }
    }
    Ok(Beside { name, bytes, mode, majors })
}

/// Whether a word is a range of majors: `12..18`, `..11`, `12..`.
fn is_range(word: &str) -> bool {
    word.starts_with(|char: char| char.is_ascii_digit())
        || word.strip_prefix("..").is_some_and(|rest| rest.starts_with(|char: char| char.is_ascii_digit()))
}

/// What the linter reads of the file of a slot; a test has a real server make the rest.
fn slot(name: &str, kind: &str) -> Result<Vec<u8>, String> {
    let name = name.rsplit('/').next().unwrap_or(name);
    match kind {
        "physical" => Ok(slot_state(name, None)),
        "logical" => Ok(slot_state(name, Some(5))),
        _ => Err(format!("`slot={kind}` is neither physical nor logical")),
    }
}

/// The beginning of the file of a slot: of a logical one with the number of its database.
pub fn slot_state(name: &str, database: Option<u32>) -> Vec<u8> {
    let mut state = 0x0105_1CA1_u32.to_le_bytes().to_vec();
    state.resize(16, 0);
    state.extend(name.bytes());
    state.resize(80, 0);
    state.extend(database.unwrap_or(0).to_le_bytes());
    state
}

/// Resolves `\r`, `\t`, `\\` and `\xHH`.
fn unescape(line: &str, bytes: &mut Vec<u8>) {
    let mut rest = line.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let hex =
            |digits: &[u8]| std::str::from_utf8(digits).ok().and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match (first, after) {
            (b'\\', [b'r', after @ ..]) => {
                bytes.push(b'\r');
                rest = after;
            }
            (b'\\', [b't', after @ ..]) => {
                bytes.push(b'\t');
                rest = after;
            }
            (b'\\', [b'x', high, low, after @ ..]) => {
                bytes.extend(hex(&[*high, *low]));
                rest = after;
            }
            (b'\\', [b'\\', after @ ..]) => {
                bytes.push(b'\\');
                rest = after;
            }
            (byte, after) => {
                bytes.push(*byte);
                rest = after;
            }
        }
    }
}
