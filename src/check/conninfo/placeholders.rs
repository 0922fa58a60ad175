//! What a guide or a template wanted to be filled in.

use super::Subject;
use crate::check::spot::Spot;
use crate::names;
use crate::source::{Span, display};
use crate::syntax::conninfo::Pair;

/// Words with which people begin the name of what is to be filled in.
const YOURS: [&str; 6] = ["your_", "your-", "my_primary_", "change_me", "changeme", "replace_me"];

/// A spot for the first value that nobody has filled in.
pub fn check(subject: &mut Subject, spots: &mut Vec<Spot>) {
    for index in 0..subject.conninfo.pairs.len() {
        let pair = &subject.conninfo.pairs[index];
        if subject.told[index] {
            continue;
        }
        let Some(span) = placeholder(subject, pair) else { continue };
        let bytes = &subject.text.value.bytes;
        let spot = subject
            .spot("conninfo-placeholder", span)
            .word("keyword", display(subject.options.stored(pair).0))
            .word("token", display(span.of(bytes)))
            .label("taken literally");
        spots.push(spot);
        // More of them are the same fault; beside one also a user or a password in capitals is to be filled in.
        for (other, pair) in subject.conninfo.pairs.iter().enumerate() {
            let is_shouted = std::str::from_utf8(&pair.value).is_ok_and(is_shouted);
            if is_shouted || placeholder(subject, pair).is_some() {
                subject.told[other] = true;
            }
        }
        return;
    }
}

fn placeholder(subject: &Subject, pair: &Pair) -> Option<Span> {
    let (keyword, value) = subject.options.stored(pair);
    let is_address = [names::HOST, names::HOSTADDR, names::PORT].iter().any(|name| name.as_bytes() == keyword);
    let looks = looks_unfilled(value, is_address) || names_itself(keyword, value);
    (looks && !value.is_empty()).then_some(pair.value_span)
}

/// `[primary_host]`, `<ip>`, `x.x.x.x`, `PRIMARY_HOST`, `your_password`.
fn looks_unfilled(value: &[u8], is_address: bool) -> bool {
    let Ok(text) = std::str::from_utf8(value) else { return false };
    let inside = |open: char, close: char| {
        let inner = text.strip_prefix(open).and_then(|rest| rest.strip_suffix(close)).unwrap_or_default();
        inner.starts_with(|char: char| char.is_ascii_alphabetic())
            && inner.chars().all(|char| char.is_ascii_alphanumeric() || "_-. ".contains(char))
    };
    let lower = text.to_ascii_lowercase();
    let yours = YOURS.iter().any(|word| lower.starts_with(word));
    if inside('<', '>') || inside('[', ']') || yours {
        return true;
    }
    // Elsewhere capitals may be a name, or somebody's password.
    is_address && (is_shouted(text) || is_lettered_address(&lower))
}

/// `PRIMARY_HOST`, `$PRIMARY_HOST`: capitals with an underscore, as variables are spelled.
fn is_shouted(text: &str) -> bool {
    let text = text.strip_prefix('$').unwrap_or(text);
    let all = text.chars().all(|char| char.is_ascii_uppercase() || char.is_ascii_digit() || char == '_');
    all && text.contains('_') && text.starts_with(|char: char| char.is_ascii_uppercase())
}

/// `x.x.x.x`, `LLL.MMM.NNN.OOO`, `192.168.1.x`.
fn is_lettered_address(lower: &str) -> bool {
    let parts: Vec<&str> = lower.split('.').collect();
    let same = |part: &str| {
        let mut letters = part.bytes();
        let first = letters.next().filter(u8::is_ascii_lowercase);
        first.is_some_and(|first| letters.all(|letter| letter == first))
    };
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    parts.len() == 4 && parts.iter().any(|part| same(part)) && parts.iter().all(|part| same(part) || digits(part))
}

/// `host=host_ip`, `host=primary_ip`: a host that is called an address.
fn names_itself(keyword: &[u8], value: &[u8]) -> bool {
    let is_host = [names::HOST, names::HOSTADDR].iter().any(|name| name.as_bytes() == keyword);
    let lower = value.to_ascii_lowercase();
    let about_address = [b"_ip".as_slice(), b"-ip", b"_ip_address", b"ip_address", b"_host_ip"];
    is_host && (about_address.iter().any(|end| lower.ends_with(end)) || lower == b"ip")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_to_be_filled_in_is_told_from_names() {
        for text in [
            "[primary_host]",
            "<ip>",
            "<primary host>",
            "x.x.x.x",
            "192.168.1.XXX",
            "LLL.MMM.NNN.OOO",
            "PG_HOST",
            "$PG_PORT",
            "your_host",
        ] {
            assert!(looks_unfilled(text.as_bytes(), true), "{text}");
        }
        for text in [
            "10.0.0.1",
            "a.b.c",
            "db1",
            "PRIMARY",
            "x.example.com",
            "fe80::1",
            "[::1]",
            "replica_1",
            "_",
            "",
            "ab.cd.ef.gh",
        ] {
            assert!(!looks_unfilled(text.as_bytes(), true), "{text}");
        }
        assert!(!looks_unfilled(b"S3CRET_X", false));
        assert!(looks_unfilled(b"your_password", false));
        assert!(names_itself(b"host", b"primary_ip"));
        assert!(!names_itself(b"user", b"primary_ip") && !names_itself(b"host", b"ship"));
    }
}
