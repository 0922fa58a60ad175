//! What texts of a recovery say at a glance: placeholders, shared directories, commands, moments.

use crate::check::traps;
use crate::source::Span;

/// Directories in which everybody may make a file.
const SHARED: [&[u8]; 3] = [b"/tmp/", b"/var/tmp/", b"/dev/shm/"];

/// Words that stand for a moment of the day on which they are read.
const WORDS_OF_TODAY: [&[u8]; 4] = [b"now", b"today", b"tomorrow", b"yesterday"];

/// Whether the file lies where everybody may make one.
pub fn is_in_shared_directory(path: &[u8]) -> bool {
    SHARED.iter().any(|directory| path.starts_with(directory) || path == &directory[..directory.len() - 1])
}

/// Which of `%f` and `%p` a command that fetches WAL lacks; one that plainly fetches nothing lacks none.
pub fn lacking(command: &[u8]) -> Option<&'static str> {
    let first = command.split(|byte| byte.is_ascii_whitespace()).find(|word| !word.is_empty())?;
    if [b"false".as_slice(), b"true", b"exit", b":"].contains(&base_name(first)) {
        return None;
    }
    let has = |letter: u8| {
        let mut rest = command;
        while let Some(at) = memchr::memchr(b'%', rest) {
            if rest.get(at + 1) == Some(&letter) {
                return true;
            }
            rest = rest.get(at + 2..).unwrap_or_default();
        }
        false
    };
    match (has(b'f'), has(b'p')) {
        (true, true) => None,
        (false, true) => Some("%f"),
        (true, false) => Some("%p"),
        (false, false) => Some("%f nor %p"),
    }
}

fn base_name(path: &[u8]) -> &[u8] {
    path.rsplit(|byte| *byte == b'/').next().unwrap_or(path)
}

/// Whether a timestamp holds a word like `now`, which means 2000-01-01 while a server starts.
pub fn names_today(text: &[u8]) -> bool {
    let lower = text.to_ascii_lowercase();
    lower.split(|byte| !byte.is_ascii_alphabetic()).any(|word| WORDS_OF_TODAY.contains(&word))
}

/// Whether a timestamp says no time zone: a date and a time of day in digits, and nothing behind.
pub fn has_no_zone(text: &[u8]) -> bool {
    let plain = |byte: &u8| byte.is_ascii_digit() || matches!(byte, b' ' | b'-' | b':' | b'.' | b'/' | b'T' | b't');
    let Some(colon) = memchr::memchr(b':', text) else { return false };
    text.iter().all(plain) && !text[colon..].contains(&b'-')
}

/// The first piece of a value, quotes included, that nobody has filled in; the names of hosts and the like
/// may stand in brackets, which mean something else in a command.
pub fn placeholder(text: &[u8], is_command: bool) -> Option<Span> {
    traps::placeholder(text, is_command).or_else(|| if is_command { None } else { bracketed(text) })
}

/// Whether a piece of a connection string stands where a password does: it is never shown.
pub fn is_secret(text: &[u8], piece: Span) -> bool {
    let before = text[..piece.start].trim_ascii_end();
    let before = before.strip_suffix(b"'").or_else(|| before.strip_suffix(b"\\")).unwrap_or(before).trim_ascii_end();
    let before = before.strip_suffix(b"'").or_else(|| before.strip_suffix(b"\\")).unwrap_or(before).trim_ascii_end();
    let name = before.strip_suffix(b"=").map(<[u8]>::trim_ascii_end);
    let is_password = name.is_some_and(|name| name.to_ascii_lowercase().ends_with(b"password"));
    // In a URI the password stands before the `@`.
    is_password || before.ends_with(b":") || text[piece.end..].contains(&b'@')
}

/// `[primary_host]` or `<primary host>`, where a word begins.
fn bracketed(text: &[u8]) -> Option<Span> {
    (0..text.len()).find_map(|start| {
        let close = match text[start] {
            b'[' => b']',
            b'<' => b'>',
            _ => return None,
        };
        let begins = start == 0 || matches!(text[start - 1], b'=' | b'\'' | b'"' | b'/' | b'@' | b':' | b' ');
        let near = &text[start + 1..text.len().min(start + 60)];
        let length = memchr::memchr(close, near).filter(|_| begins)?;
        let name = &near[..length];
        let is_word = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b' ' | b'.');
        // An address of IPv6 has colons.
        let is_name = name.first().is_some_and(u8::is_ascii_alphabetic) && name.iter().all(is_word);
        is_name.then(|| Span::new(start, start + length + 2))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_stand_in_brackets() {
        let found = |text: &str| placeholder(text.as_bytes(), false).map(|span| span.of(text.as_bytes()).to_vec());
        assert_eq!(found("'host=[primary_host] port=5432'"), Some(b"[primary_host]".to_vec()));
        assert_eq!(found("'host=<ip of the master>'"), Some(b"<ip of the master>".to_vec()));
        assert_eq!(found("'postgresql://u@[::1]:5432/'"), None);
        assert_eq!(found("'host=db1'"), None);
        for text in ["'password=[secret] host=a'", "'password=''<secret>'' host=a'", "'postgresql://u:{{ secret }}@a/'"]
        {
            let span = placeholder(text.as_bytes(), false).expect("found");
            assert!(is_secret(text.as_bytes(), span), "{text}");
        }
        assert_eq!(placeholder(b"'[ -f /a/%f ] && cp /a/%f %p'", true), None);
    }

    #[test]
    fn commands_name_what_they_fetch() {
        assert_eq!(lacking(b"cp /archive/%f %p"), None);
        assert_eq!(lacking(b"cp /archive/latest %p"), Some("%f"));
        assert_eq!(lacking(b"cp /archive/%%f \"%p\""), Some("%f"));
        assert_eq!(lacking(b"/usr/local/bin/restore"), Some("%f nor %p"));
        assert_eq!(lacking(b"/bin/false"), None);
        assert_eq!(lacking(b""), None);
    }

    #[test]
    fn zones_are_seen() {
        assert!(has_no_zone(b"2024-05-01 12:00:00"));
        for text in ["2024-05-01 12:00:00+02", "2024-05-01 12:00 UTC", "2024-05-01T12:00:00Z", "2024-05-01 12:00-05"] {
            assert!(!has_no_zone(text.as_bytes()), "{text}");
        }
    }
}
