//! What a template or a reader of a guide should have filled in.

use crate::check::traps;
use crate::source::Span;

/// The piece of a word that stands for something else: `{{ ip }}`, `<ip>`, `[standby_ip]`, `HOST_IP/32`, `10.X.X.X`.
///
/// `is_address` is for what can only be the address of a client: there a name in capitals is no name.
pub fn find(text: &[u8], is_address: bool) -> Option<Span> {
    let whole = Span::new(0, text.len());
    traps::placeholder(text, false).or_else(|| {
        let host = text.split(|byte| *byte == b'/').next().unwrap_or_default();
        let is_residue =
            in_brackets(text) || in_brackets(host) || is_address && (is_constant(host) || is_pattern(host));
        is_residue.then_some(whole)
    })
}

/// The same in a whole line, where a placeholder may be several words.
pub fn in_line(text: &[u8]) -> Option<Span> {
    traps::placeholder(text, false)
}

/// `[standby_ip]`, `<ip>`; an address of IPv6 in brackets is none.
fn in_brackets(text: &[u8]) -> bool {
    let inner = match text {
        [b'[', inner @ .., b']'] | [b'<', inner @ .., b'>'] => inner,
        _ => return false,
    };
    let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b' ' | b'\'');
    inner.first().is_some_and(u8::is_ascii_alphabetic) && inner.iter().all(is_name)
}

/// `HOST_MASTER_IP`, `YOUR_IP`: capitals and an underscore, which no name in DNS has.
fn is_constant(text: &[u8]) -> bool {
    let is_part = |byte: &u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || *byte == b'_';
    text.iter().all(is_part) && text.contains(&b'_') && text.iter().any(u8::is_ascii_uppercase)
}

/// `10.X.X.X`, `x.x.x.x`, `AAA.BBB.CCC.DDD`: four parts, some of them one letter over and over.
fn is_pattern(text: &[u8]) -> bool {
    let parts: Vec<&[u8]> = text.split(|byte| *byte == b'.').collect();
    let is_letter = |part: &[u8]| {
        part.first().is_some_and(u8::is_ascii_alphabetic) && part.iter().all(|byte| *byte == part[0]) && part.len() < 4
    };
    let is_number = |part: &[u8]| !part.is_empty() && part.iter().all(u8::is_ascii_digit);
    parts.len() == 4
        && parts.iter().all(|part| is_letter(part) || is_number(part))
        && parts.iter().any(|part| is_letter(part))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_for_something_else() {
        for text in [
            "[standby_ip]",
            "<ip>",
            "<replica_ip>/32",
            "HOST_MASTER_IP/32",
            "10.X.X.X/32",
            "x.x.x.x",
            "WWW.XXX.YYY.ZZZ/27",
            "{{ ip }}/32",
            "${IP}",
            "[slave.ip]/32",
        ] {
            assert!(find(text.as_bytes(), true).is_some(), "{text}");
        }
        for text in [
            "[::1]/128",
            "db1.example.com",
            "10.0.0.1/32",
            "a.b.c.d.example",
            "localhost",
            "ALL",
            "DB1",
            "my_db",
            ".example.com",
            "<>",
            "[]",
            "a.example.co.uk",
        ] {
            assert!(find(text.as_bytes(), true).is_none(), "{text}");
        }
        assert!(find(b"APP_USER", false).is_none());
        assert!(find(b"<app_user>", false).is_some());
    }
}
