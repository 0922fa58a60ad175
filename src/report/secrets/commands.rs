//! Secrets in commands: options that are followed by one, and JSON.

use super::{NEAR, secret_name, value};
use crate::source::Span;

/// The secret behind the option that begins here: `--password x`, `sshpass -p x`, `curl -u user:x`.
pub fn after_option(text: &[u8], dash: usize) -> Option<Span> {
    let is_word = |before: u8| before.is_ascii_whitespace() || matches!(before, b'\'' | b'"');
    if !dash.checked_sub(1).is_none_or(|before| is_word(text[before])) {
        return None;
    }
    let near = &text[dash.saturating_sub(NEAR)..dash];
    let line = near.rsplit(|byte| *byte == b'\n').next().unwrap_or_default();
    let is_of = |command: &[u8]| memchr::memmem::find(line, command).is_some();
    let behind = |options: &[&[u8]], is_apart: bool| {
        let rest = &text[dash..];
        let option = options.iter().find(|option| rest.starts_with(option))?;
        let blanks = rest[option.len()..].iter().take_while(|byte| matches!(byte, b' ' | b'\t' | b'=')).count();
        let start = dash + option.len() + blanks;
        (start < text.len() && (blanks > 0 || !is_apart)).then(|| value(text, start, None))
    };
    if let Some(span) = behind(&[b"--password", b"--passphrase"], true) {
        return Some(span);
    }
    if line.trim_ascii_end().ends_with(b"sshpass") {
        return behind(&[b"-p"], false);
    }
    if !is_of(b"curl") {
        return None;
    }
    let span = behind(&[b"--user", b"--proxy-user"], true).or_else(|| behind(&[b"-u", b"-U"], false))?;
    let colon = memchr::memchr(b':', &text[span.start..span.end])?;
    Some(Span::new(span.start + colon + 1, span.end))
}

/// The secret behind the colon of a pair of JSON: `"password": "x"`.
pub fn in_json(text: &[u8], colon: usize) -> Option<Span> {
    let before = text[colon.saturating_sub(NEAR)..colon].trim_ascii_end().strip_suffix(b"\"")?;
    let (quote, before): (&[u8], &[u8]) = match before.strip_suffix(b"\\") {
        Some(before) => (b"\\\"", before),
        None => (b"\"", before),
    };
    secret_name(before)?;
    let blanks = text[colon + 1..].iter().take_while(|byte| byte.is_ascii_whitespace()).count();
    let start = colon + 1 + blanks;
    if !text[start..].starts_with(quote) {
        return None;
    }
    if quote.len() == 1 {
        return Some(value(text, start, None));
    }
    let inside = start + quote.len();
    let end = memchr::memmem::find(&text[inside..], quote).map_or(text.len(), |length| inside + length);
    Some(Span::new(inside, end))
}

#[cfg(test)]
mod tests {
    use super::super::mask_secrets;

    #[test]
    fn secrets_of_commands_are_masked_and_nothing_else_is() {
        for (text, masked) in [
            (
                "restore_command = 'curl -s -u me:x1 https://h/%f -o %p'",
                "restore_command = 'curl -s -u me:**** https://h/%f -o %p'",
            ),
            ("c = 'curl --user ''me:x 1'' h'", "c = 'curl --user ''me:****'' h'"),
            ("c = 'curl -u me h:5432'", "c = 'curl -u me h:5432'"),
            ("c = 'rsync -u h:/a %p'", "c = 'rsync -u h:/a %p'"),
            ("c = 'sshpass -p x1 scp h:%f %p'", "c = 'sshpass -p **** scp h:%f %p'"),
            ("c = 'sshpass -px1 scp -p h:%f %p'", "c = 'sshpass -p**** scp -p h:%f %p'"),
            ("c = 'gpg --passphrase x1 -d %f'", "c = 'gpg --passphrase **** -d %f'"),
            ("c = 'PGPASSWORD=x1 psql'", "c = 'PGPASSWORD=**** psql'"),
            (
                "c = 'put {\"password\": \"x1\", \"user\": \"me\"}'",
                "c = 'put {\"password\": \"****\", \"user\": \"me\"}'",
            ),
            ("c = \"{\\\"secret\\\":\\\"x1\\\"}\"", "c = \"{\\\"secret\\\":\\\"****\\\"}\""),
        ] {
            assert_eq!(mask_secrets(text), masked);
        }
    }
}
