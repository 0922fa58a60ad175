//! Comma-separated lists as the server splits them, and the settings that are lists of words.

use super::{Context, refused, refused_with};
use crate::value::refusal::{Read, Refusal};
use crate::version::Major;

/// The longest identifier a server keeps, in bytes.
pub const IDENTIFIER_BYTES: usize = 63;

#[derive(Clone, Copy)]
enum Spelling {
    Folded,
    Kept,
    /// Up to the comma, and kept.
    Whole,
}

/// Splits at commas as servers split lists of identifiers: blanks around items are dropped, `"…"`
/// quotes, an item without quotes is folded to lower case; 63 bytes are kept. `None`: the list syntax is invalid.
pub fn identifiers(major: Major, text: &[u8]) -> Option<Vec<Vec<u8>>> {
    split(major, text, Spelling::Folded)
}

/// The same with the case of unquoted items kept and nothing shortened.
pub fn items(major: Major, text: &[u8]) -> Option<Vec<Vec<u8>>> {
    split(major, text, Spelling::Kept)
}

/// Splits a list of directories: an item without quotes goes on to the next comma, blanks inside it included. `None`:
/// the list syntax is invalid.
pub fn directories(major: Major, text: &[u8]) -> Option<Vec<Vec<u8>>> {
    split(major, text, Spelling::Whole)
}

/// A plain list of identifiers: only its syntax is checked.
pub fn read_identifiers(major: Major, text: &[u8]) -> Read {
    match identifiers(major, text) {
        Some(_) => Ok(text.to_vec()),
        None => Err(invalid_list()),
    }
}

/// A list of key words. `words` are those of this major, one with `?` at its end is known only to
/// some builds.
pub fn read_keywords(major: Major, words: &str, text: &[u8]) -> Read {
    let Some(list) = identifiers(major, text) else {
        return Err(invalid_list());
    };
    match list.iter().find_map(|item| unknown_word(words, item)) {
        Some(refusal) => Err(refusal),
        None => Ok(text.to_vec()),
    }
}

/// Why `text`, accepted when the file is read, is refused later in the same start: a name that is
/// neither built in nor brought by a loaded library.
pub fn refuse_later(major: Major, words: &str, text: &[u8]) -> Option<Refusal> {
    let list = identifiers(major, text)?;
    let mut refusal = list.iter().find_map(|item| unknown_word(words, item))?;
    refusal.depends = Some("a library loaded at server start may add names");
    Some(refusal)
}

/// A list of options whose refusals name the parameter; the case of an unknown one is kept.
pub fn read_options(context: &Context, words: &str, text: &[u8]) -> Read {
    let Some(list) = items(context.major, text) else {
        return Err(invalid_option_list(context));
    };
    match list.iter().find(|item| !among(words, item)) {
        Some(item) => Err(invalid_option(context, item)),
        None => Ok(text.to_vec()),
    }
}

/// A list of options, or one of the words that a Boolean once took. `argument` is
/// `options | words`.
pub fn read_options_or_switch(context: &Context, argument: &str, text: &[u8]) -> Read {
    let (options, switches) = argument.split_once('|').unwrap_or((argument, ""));
    let Some(list) = identifiers(context.major, text) else {
        return Err(invalid_option_list(context));
    };
    match list.first() {
        Some(first) if among(switches, first) && list.len() > 1 => Err(refused(format!(
            "Cannot specify {} option \"{}\" in a list with other options.",
            context.name,
            String::from_utf8_lossy(first)
        ))),
        Some(first) if among(switches, first) => Ok(text.to_vec()),
        _ => match list.iter().find(|item| !among(options, item)) {
            Some(item) => Err(invalid_option(context, item)),
            None => Ok(text.to_vec()),
        },
    }
}

/// A list of levels, one bare, the others for a process type: `warning, checkpointer:debug1`.
/// `argument` is `levels | process types`. Shown with the bare level first, the rest sorted.
pub fn read_levels(major: Major, argument: &str, text: &[u8]) -> Read {
    let (levels, processes) = argument.split_once('|').unwrap_or((argument, ""));
    let Some(list) = items(major, text) else {
        return Err(invalid_list());
    };
    let mut bare: Option<&Vec<u8>> = None;
    let mut seen: Vec<Vec<u8>> = Vec::new();
    let mut rest: Vec<&Vec<u8>> = Vec::new();
    for item in &list {
        match memchr::memchr(b':', item) {
            None if !among(levels, item) => {
                return Err(refused(format!("Unrecognized log level: \"{}\".", shown(item))));
            }
            None if bare.is_some() => {
                return Err(refused("Redundant specification of default log level.".to_owned()));
            }
            None => bare = Some(item),
            Some(colon) => {
                let (process, level) = (&item[..colon], &item[colon + 1..]);
                check_level(levels, processes, process, level, &seen)?;
                seen.push(process.to_ascii_lowercase());
                rest.push(item);
            }
        }
    }
    let Some(bare) = bare else {
        return Err(refused("Default log level was not defined.".to_owned()));
    };
    rest.sort();
    let mut value = bare.clone();
    for item in rest {
        value.extend_from_slice(b", ");
        value.extend_from_slice(item);
    }
    Ok(value)
}

/// Whether `item` is one of the blank-separated `words`, whatever its case.
pub fn among(words: &str, item: &[u8]) -> bool {
    words.split_ascii_whitespace().any(|word| word.as_bytes().eq_ignore_ascii_case(item))
}

/// A list that cannot be split.
pub fn invalid_list() -> Refusal {
    refused("List syntax is invalid.".to_owned())
}

fn check_level(levels: &str, processes: &str, process: &[u8], level: &[u8], seen: &[Vec<u8>]) -> Result<(), Refusal> {
    // The server looks at the level before the process type.
    if !among(levels, level) {
        return Err(refused(format!(
            "Unrecognized log level for process type \"{}\": \"{}\".",
            shown(process),
            shown(level)
        )));
    }
    if !among(processes, process) {
        return Err(refused(format!("Unrecognized process type \"{}\".", shown(process))));
    }
    if seen.contains(&process.to_ascii_lowercase()) {
        return Err(refused(format!("Redundant log level specification for process type \"{}\".", shown(process))));
    }
    Ok(())
}

fn unknown_word(words: &str, item: &[u8]) -> Option<Refusal> {
    let known = words.split_ascii_whitespace().find(|word| {
        let word = word.strip_suffix('?').unwrap_or(word);
        word.as_bytes().eq_ignore_ascii_case(item)
    });
    let depends = match known {
        Some(word) if word.ends_with('?') => Some("only builds for some platforms know this word"),
        Some(_) => return None,
        None => None,
    };
    let detail = format!("Unrecognized key word: \"{}\".", shown(item));
    Some(Refusal { depends, ..refused(detail) })
}

fn invalid_option_list(context: &Context) -> Refusal {
    match context.major {
        major if major < Major::V17 => refused(format!("invalid list syntax in parameter \"{}\"", context.name)),
        major if major < Major::V18 => refused(format!("Invalid list syntax in parameter \"{}\"", context.name)),
        _ => refused(format!("Invalid list syntax in parameter \"{}\".", context.name)),
    }
}

fn invalid_option(context: &Context, item: &[u8]) -> Refusal {
    match context.major {
        major if major < Major::V17 => refused(format!("invalid option \"{}\"", shown(item))),
        major if major < Major::V18 => refused(format!("Invalid option \"{}\"", shown(item))),
        _ => refused(format!("Invalid option \"{}\".", shown(item))),
    }
}

/// A replication slot name: why a server refuses it, or nothing.
pub fn refuse_slot_name(name: &[u8]) -> Option<Refusal> {
    let spelled = shown(name);
    if name.is_empty() {
        return Some(refused(format!("replication slot name \"{spelled}\" is too short")));
    }
    if name.len() > IDENTIFIER_BYTES {
        return Some(refused(format!("replication slot name \"{spelled}\" is too long")));
    }
    let plain = |byte: &u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_');
    (!name.iter().all(plain)).then(|| {
        refused_with(
            format!("replication slot name \"{spelled}\" contains invalid character"),
            "Replication slot names may only contain lower case letters, numbers, \
             and the underscore character.",
        )
    })
}

fn shown(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn split(major: Major, text: &[u8], spelling: Spelling) -> Option<Vec<Vec<u8>>> {
    let mut list = Vec::new();
    let mut rest = skip_blanks(major, text);
    if rest.is_empty() {
        return Some(list);
    }
    loop {
        let (item, after) = match rest.first() {
            Some(b'"') => quoted(rest)?,
            _ => unquoted(major, rest, spelling)?,
        };
        list.push(match spelling {
            Spelling::Folded => super::text::shorten(&item).to_vec(),
            Spelling::Kept | Spelling::Whole => item,
        });
        rest = skip_blanks(major, after);
        match rest.first() {
            None => return Some(list),
            Some(b',') => rest = skip_blanks(major, &rest[1..]),
            Some(_) => return None,
        }
    }
}

fn quoted(text: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let mut item = Vec::new();
    let mut rest = &text[1..];
    loop {
        let end = memchr::memchr(b'"', rest)?;
        item.extend_from_slice(&rest[..end]);
        rest = &rest[end + 1..];
        if rest.first() != Some(&b'"') {
            return Some((item, rest));
        }
        item.push(b'"');
        rest = &rest[1..];
    }
}

fn unquoted(major: Major, text: &[u8], spelling: Spelling) -> Option<(Vec<u8>, &[u8])> {
    let is_whole = matches!(spelling, Spelling::Whole);
    let ends = |byte: &u8| *byte == b',' || !is_whole && is_blank(major, *byte);
    let end = text.iter().position(ends).unwrap_or(text.len());
    let (item, rest) = text.split_at(end);
    let length = item.iter().rposition(|byte| !is_blank(major, *byte)).map_or(0, |last| last + 1);
    let item = &item[..length];
    match spelling {
        _ if item.is_empty() => None,
        Spelling::Folded => Some((item.to_ascii_lowercase(), rest)),
        Spelling::Kept | Spelling::Whole => Some((item.to_vec(), rest)),
    }
}

fn skip_blanks(major: Major, text: &[u8]) -> &[u8] {
    let end = text.iter().position(|byte| !is_blank(major, *byte));
    &text[end.unwrap_or(text.len())..]
}

fn is_blank(major: Major, byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | 0x0c) || (byte == 0x0b && major >= Major::V17)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directories_hold_blanks_and_part_at_commas() {
        let split = |major, text: &str| directories(major, text.as_bytes()).map(|items| items.join(&b'|'));
        for (text, items) in [
            (" /a b , \"/c,\"\"d\" ", Some("/a b|/c,\"d")),
            ("\"\"", Some("")),
            ("", Some("")),
            ("/a,", None),
            (",/a", None),
            ("\"/a\" b", None),
        ] {
            assert_eq!(split(Major::V16, text), items.map(|items| items.as_bytes().to_vec()), "{text}");
        }
        // From 17 on a vertical tab is a blank.
        assert_eq!(split(Major::V16, "/a\x0b").as_deref(), Some(&b"/a\x0b"[..]));
        assert_eq!(split(Major::V17, "/a\x0b,\x0b/b").as_deref(), Some(&b"/a|/b"[..]));
    }
}
