//! Settings that are free text but for their length, their bytes, or their shape.

use super::list::{self, IDENTIFIER_BYTES};
use super::{Context, refused};
use crate::table::rows;
use crate::value::refusal::{Read, Refusal};
use crate::version::Major;

const ENCODINGS: &str = include_str!("../../../rules/catalog/encodings.tsv");

/// What a server keeps of a name: its first 63 bytes.
pub fn shorten(text: &[u8]) -> &[u8] {
    &text[..text.len().min(IDENTIFIER_BYTES)]
}

/// A name shown in process titles: bytes that are not printable ASCII are replaced.
pub fn read_title(context: &Context, text: &[u8]) -> Read {
    let mut value = Vec::with_capacity(text.len());
    for byte in shorten(text) {
        match byte {
            b' '..=b'~' => value.push(*byte),
            _ if context.major < Major::V16 => value.push(b'?'),
            _ => value.extend_from_slice(format!("\\x{byte:02x}").as_bytes()),
        }
    }
    Ok(value)
}

/// A name that must not be empty.
pub fn read_name(context: &Context, text: &[u8]) -> Read {
    match (text.is_empty(), context.major < Major::V17) {
        (false, _) => Ok(shorten(text).to_vec()),
        (true, true) => Err(refused(format!("{} cannot be empty.", context.name))),
        (true, false) => Err(refused(format!("\"{}\" cannot be empty.", context.name))),
    }
}

/// One of the exact `words`.
pub fn read_word(words: &str, detail: Option<&str>, text: &[u8]) -> Read {
    match words.split('|').any(|word| word.as_bytes() == text) {
        true => Ok(text.to_vec()),
        false => Err(Refusal { detail: detail.map(str::to_owned), ..Refusal::default() }),
    }
}

/// A list of functions, of which only the bytes are checked.
pub fn read_functions(context: &Context, text: &[u8]) -> Read {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b',' | b' ' | b'\n' | b'\t');
    match (text.iter().all(plain), context.major) {
        (true, _) => Ok(text.to_vec()),
        (false, major) if major < Major::V17 => Err(refused("invalid character".to_owned())),
        (false, major) if major < Major::V18 => Err(refused("Invalid character".to_owned())),
        (false, _) => Err(refused("Invalid character.".to_owned())),
    }
}

/// A replication slot, or none.
pub fn read_slot(text: &[u8]) -> Read {
    match text.is_empty() {
        true => Ok(Vec::new()),
        false => list::refuse_slot_name(text).map_or_else(|| Ok(text.to_vec()), Err),
    }
}

/// A list of replication slots.
pub fn read_slots(major: Major, text: &[u8]) -> Read {
    let Some(slots) = list::identifiers(major, text) else {
        return Err(list::invalid_list());
    };
    match slots.iter().find_map(|slot| list::refuse_slot_name(slot)) {
        Some(refusal) => Err(refusal),
        None => Ok(text.to_vec()),
    }
}

/// A character encoding, shown by its proper name.
pub fn read_encoding(context: &Context, text: &[u8]) -> Read {
    let text = shorten(text);
    let clean: Vec<u8> = text.iter().filter(|byte| byte.is_ascii_alphanumeric()).map(u8::to_ascii_lowercase).collect();
    let shown = rows(ENCODINGS).find_map(|line| {
        let mut columns = line.split('\t');
        let named = columns.next()?.as_bytes() == clean;
        let applies = super::applies(columns.next(), columns.next(), context.major);
        columns.next().filter(|_| named && applies)
    });
    match shown {
        // The old name of UTF8 is kept for old clients.
        Some(_) if text == b"UNICODE" => Ok(text.to_vec()),
        Some(shown) => Ok(shown.as_bytes().to_vec()),
        None => Err(refuse_shortened(context, text)),
    }
}

/// The longest name of a locale.
const LOCALE_BYTES: usize = 255;

/// A locale of the operating system. Certain are only `C` and `POSIX`, and that an empty value,
/// which stands for the environment of the server, is refused where `empty` says so; every other
/// name is refused with `depends`, because another machine may have it. `C.UTF-8` counts as known:
/// every machine that a server was recorded on has it.
pub fn read_locale(context: &Context, empty: bool, text: &[u8]) -> Read {
    match text {
        b"C" | b"POSIX" => Ok(text.to_vec()),
        [b'C', rest @ ..] if is_utf8(rest, context.major) => Ok(text.to_vec()),
        b"" if empty => Ok(Vec::new()),
        b"" => Err(Refusal::default()),
        _ => {
            Err(Refusal { depends: Some("which locales exist depends on the operating system"), ..Refusal::default() })
        }
    }
}

/// Whether the C library of GNU takes what follows the language `C` (`_TERRITORY`, `.CODESET`, `@MODIFIER`) for UTF-8:
/// it goes without a territory and a modifier that it does not have, and passes over what no name of a code set has in
/// it. Servers from 16 on want ASCII.
fn is_utf8(rest: &[u8], major: Major) -> bool {
    let named = rest.split(|byte| *byte == b'@').next().unwrap_or_default();
    let Some(dot) = memchr::memchr(b'.', named).filter(|dot| *dot == 0 || named[0] == b'_') else { return false };
    let kept = named[dot + 1..].iter().filter(|byte| byte.is_ascii_alphanumeric() || b"_-.,:".contains(byte));
    let kept: Vec<u8> = kept.map(u8::to_ascii_uppercase).collect();
    let is_name = rest.len() < LOCALE_BYTES && !rest.contains(&b'/') && (rest.is_ascii() || major < Major::V16);
    is_name && matches!(kept.as_slice(), b"UTF-8" | b"UTF8")
}

/// A WAL position, or none.
pub fn read_position(text: &[u8]) -> Read {
    let hex = |part: &[u8]| (1..=8).contains(&part.len()) && part.iter().all(u8::is_ascii_hexdigit);
    let valid = memchr::memchr(b'/', text).is_some_and(|slash| hex(&text[..slash]) && hex(&text[slash + 1..]));
    match valid || text.is_empty() {
        true => Ok(text.to_vec()),
        false => Err(Refusal::default()),
    }
}

/// The name of a restore point.
pub fn read_restore_point(context: &Context, text: &[u8]) -> Read {
    match (text.len() <= IDENTIFIER_BYTES, context.major < Major::V17) {
        (true, _) => Ok(text.to_vec()),
        (false, true) => Err(refused(format!("{} is too long (maximum 63 characters).", context.name))),
        (false, false) => Err(refused(format!("\"{}\" is too long (maximum 63 characters).", context.name))),
    }
}

/// A transaction number. Up to 18 a server only refuses what 64 bits cannot hold.
pub fn read_transaction(context: &Context, text: &[u8]) -> Read {
    let (number, whole) = super::c::unsigned(text);
    let strict = context.major >= Major::V19;
    match number {
        _ if text.is_empty() => Ok(Vec::new()),
        None if !strict => Err(Refusal::default()),
        Some(_) if !strict => Ok(text.to_vec()),
        Some(number) if whole && !text.contains(&b'-') => match number as u32 {
            0..=2 => Err(refused(format!("\"{}\" without epoch must be greater than or equal to 3.", context.name))),
            _ => Ok(text.to_vec()),
        },
        _ => Err(refused(format!("\"{}\" is not a valid number.", context.name))),
    }
}

/// A timeline: `latest`, `current`, or a number, which servers before 19 hardly check.
pub fn read_timeline(context: &Context, text: &[u8]) -> Read {
    if matches!(text, b"latest" | b"current") {
        return Ok(text.to_vec());
    }
    let (number, whole) = super::c::unsigned(text);
    match number {
        Some(1..=0xffff_ffff) if whole => Ok(text.to_vec()),
        Some(_) if context.major < Major::V19 => Ok(text.to_vec()),
        Some(_) if whole => Err(refused(format!("\"{}\" must be between 1 and 4294967295.", context.name))),
        _ if context.major < Major::V17 => Err(refused(format!("{} is not a valid number.", context.name))),
        _ => Err(refused(format!("\"{}\" is not a valid number.", context.name))),
    }
}

/// A path, shown without needless parts. Servers before 15 only tidy its end.
pub fn read_path(context: &Context, text: &[u8]) -> Read {
    match context.major < Major::V15 {
        true => Ok(tidy_end(text)),
        false => Ok(tidy(text)),
    }
}

/// A refusal whose message shows the value as the server shortened it.
fn refuse_shortened(context: &Context, text: &[u8]) -> Refusal {
    let message = (text.len() == IDENTIFIER_BYTES)
        .then(|| format!("invalid value for parameter \"{}\": \"{}\"", context.name, String::from_utf8_lossy(text)));
    Refusal { message, ..Refusal::default() }
}

fn tidy(path: &[u8]) -> Vec<u8> {
    let absolute = path.first() == Some(&b'/');
    let mut parts: Vec<&[u8]> = Vec::new();
    for part in path.split(|byte| *byte == b'/') {
        match part {
            b"" | b"." => {}
            b".." => match parts.last() {
                Some(last) if *last != b".." => {
                    parts.pop();
                }
                None if absolute => {}
                _ => parts.push(part),
            },
            _ => parts.push(part),
        }
    }
    let joined = parts.join(&b'/');
    match (absolute, joined.is_empty()) {
        (true, _) => [b"/", joined.as_slice()].concat(),
        (false, true) if path.is_empty() => joined,
        (false, true) => b".".to_vec(),
        (false, false) => joined,
    }
}

fn tidy_end(path: &[u8]) -> Vec<u8> {
    let mut path = path.to_vec();
    path.dedup_by(|next, byte| *next == b'/' && *byte == b'/');
    if path.len() > 1 && path.last() == Some(&b'/') {
        path.pop();
    }
    let mut strips = 0;
    loop {
        if path.ends_with(b"/.") {
            drop_last(&mut path);
        } else if path == b"." {
            if strips > 0 {
                path.clear();
            }
            break;
        } else if path.ends_with(b"/..") || path == b".." {
            drop_last(&mut path);
            strips += 1;
        } else if strips > 0 && !path.is_empty() {
            drop_last(&mut path);
            strips -= 1;
            if path.is_empty() {
                path.push(b'.');
            }
        } else {
            break;
        }
    }
    if strips > 0 {
        path.extend_from_slice(vec![&b".."[..]; strips].join(&b'/').as_slice());
    }
    path
}

/// Takes the last part away; `/` stays.
fn drop_last(path: &mut Vec<u8>) {
    let end = memchr::memrchr(b'/', path).unwrap_or(0);
    let root = path.first() == Some(&b'/');
    path.truncate(if root { end.max(1) } else { end });
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As 10 to 18 on a machine with the C library of GNU.
    #[test]
    fn utf8_has_many_spellings() {
        let is_known = |major, name: &[u8]| read_locale(&Context::new(major, ""), true, name).is_ok();
        for name in ["C.UTF-8", "C.utf8", "C.UTF-8!", "C.u!t!f!8", "C.UTF-8@", "C.utf8@x.y", "C_US.UTF8", "C_.UTF 8"] {
            assert!(is_known(Major::V18, name.as_bytes()), "{name}");
        }
        for name in
            ["c.UTF-8", "C.Utf_8", "C.-UTF8", "C.UTF8.", "C.UTF-8/", "C@UTF-8", "C!.utf8", "C_US@.utf8", "C..utf8"]
        {
            assert!(!is_known(Major::V18, name.as_bytes()), "{name}");
        }
        let no_break = b"C.UTF-8\xc2\xa0";
        assert!(is_known(Major::V15, no_break) && !is_known(Major::V16, no_break));
        let long = |length: usize| format!("C.utf8@{}", "x".repeat(length - 7)).into_bytes();
        assert!(is_known(Major::V14, &long(255)) && !is_known(Major::V14, &long(256)));
    }

    #[test]
    fn tidies_paths_as_each_major_does() {
        let path = |major, text: &str| {
            let value = read_path(&Context::new(major, ""), text.as_bytes()).unwrap();
            String::from_utf8(value).unwrap()
        };
        for (text, old, new) in [
            ("", "", ""),
            ("a//b/../c/./", "a/b/../c", "a/c"),
            ("a/../..", "..", ".."),
            ("/..", "/", "/"),
            ("./../a", "./../a", "../a"),
            ("../../x/..", "../..", "../.."),
            ("./", ".", "."),
        ] {
            assert_eq!(path(Major::V14, text), old, "{text}");
            assert_eq!(path(Major::V15, text), new, "{text}");
        }
    }

    #[test]
    fn shows_encodings_by_their_names() {
        let shown = |text: &[u8]| read_encoding(&Context::new(Major::V18, ""), text);
        assert_eq!(shown(b"iso-8859-1"), Ok(b"LATIN1".to_vec()));
        assert!(shown(b"xx").is_err());
    }
}
