//! Passwords and their like are never shown.

mod commands;

use std::borrow::Cow;

use crate::nearest;
use crate::source::Span;

/// Bytes around a word in which what belongs to it is looked for: a line may be of megabytes.
const NEAR: usize = 4096;

/// The text with `****` for each secret.
pub fn mask_secrets(text: &str) -> Cow<'_, str> {
    let spans = secret_spans(text.as_bytes());
    if spans.is_empty() {
        return Cow::Borrowed(text);
    }
    let mut masked = String::with_capacity(text.len());
    let mut done = 0;
    for span in spans {
        // A secret begins and ends beside ASCII, so these are character boundaries.
        masked.push_str(text.get(done..span.start).unwrap_or_default());
        masked.push_str("****");
        done = span.end;
    }
    masked.push_str(text.get(done..).unwrap_or_default());
    Cow::Owned(masked)
}

/// Where secrets stand in a text or a line of a file: sorted, disjoint, none empty.
///
/// Known are `password = x` and what else ends in a word for a secret, in any of the quotings of connection strings
/// inside configuration files, `user:password@` in a URI, `"password": "x"`, and what stands behind options of commands. In doubt more is taken for a secret, not less.
pub fn secret_spans(text: &[u8]) -> Vec<Span> {
    let mut spans: Vec<Span> = Vec::new();
    let mut at = 0;
    while at < text.len() {
        let found = match text[at] {
            b'=' => after_equals(text, at),
            b'\'' => after_blank(text, at),
            b':' if text[at..].starts_with(b"://") => in_uri(text, at + 3),
            b':' => commands::in_json(text, at),
            b'-' => commands::after_option(text, at),
            _ => None,
        };
        at = match found {
            Some(span) if span.start < span.end => {
                spans.push(span);
                span.end
            }
            _ => at + 1,
        };
    }
    spans
}

/// Whether what ends here is a name for a secret; with the place where that name begins.
fn secret_name(before: &[u8]) -> Option<usize> {
    const ENDINGS: [&[u8]; 10] = [
        b"password",
        b"passwd",
        b"pwd",
        b"passphrase",
        b"secret",
        b"secrets",
        b"secret_key",
        b"secret_access_key",
        b"scram_client_key",
        b"scram_server_key",
    ];
    let before = before.trim_ascii_end();
    let length = before.iter().rev().take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'_').count();
    let start = before.len() - length;
    let name = before[start..].to_ascii_lowercase();
    let is_secret = name == b"pass" || ENDINGS.iter().any(|ending| name.ends_with(ending)) || is_misspelt(&name);
    is_secret.then_some(start)
}

/// `pasword`, `ldapbindpaswd`: what stands behind it is a password all the same.
fn is_misspelt(name: &[u8]) -> bool {
    const MEANT: [&str; 7] =
        ["password", "passphrase", "sslpassword", "ldapbindpasswd", "radiussecrets", "radiussecret", "client_secret"];
    // Other options have names that are three letters away.
    const MOST: usize = 2;
    let Ok(name) = std::str::from_utf8(name) else { return false };
    // Who mistypes a word seldom mistypes both of its ends; to measure every name would be dear.
    let ends = |word: &str| (word.bytes().next(), word.bytes().next_back());
    let has_an_end = |meant: &str| ends(name).0 == ends(meant).0 || ends(name).1 == ends(meant).1;
    let is_near = |meant: &str| {
        meant.len().abs_diff(name.len()) <= MOST && has_an_end(meant) && nearest::distance(name, meant) <= MOST
    };
    name.len() >= 6 && MEANT.iter().any(|meant| is_near(meant))
}

fn after_equals(text: &[u8], equals: usize) -> Option<Span> {
    let name = secret_name(&text[..equals])?;
    let blanks = text[equals + 1..].iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
    let start = equals + 1 + blanks;
    let opened_by = name.checked_sub(1).map(|before| text[before]);
    let span = value(text, start, opened_by);
    // The name of a variable in capitals stands before a command.
    let is_pair = text[name].is_ascii_lowercase() && opened_by.is_some_and(|before| b" \t'".contains(&before));
    let is_bare = span.start == start && span.start < span.end;
    Some(if is_pair && is_bare { Span::new(start, second_half(text, name, start, span.end)) } else { span })
}

/// `name 'value'`, as configuration files may leave out the equals sign.
fn after_blank(text: &[u8], quote: usize) -> Option<Span> {
    let blank = quote.checked_sub(1).is_some_and(|before| matches!(text[before], b' ' | b'\t'));
    if !blank {
        return None;
    }
    secret_name(&text[..quote])?;
    Some(value(text, quote, None))
}

/// The value that begins at `start`; `opened_by` is the byte before its name.
fn value(text: &[u8], start: usize, opened_by: Option<u8>) -> Span {
    let rest = &text[start..];
    let quoted = |quote: &[u8]| {
        let inside = start + quote.len();
        let end = closing(&text[inside..], quote).map_or_else(|| line_end(text, inside), |length| inside + length);
        Span::new(inside, end)
    };
    match rest {
        // An empty value, and the string that holds it ends too.
        [b'\'', b'\''] | [b'\'', b'\'', b'\n' | b'\r', ..] => Span::new(start, start),
        [b'\\', b'\'', ..] => quoted(b"\\'"),
        [b'\'', b'\'', ..] => quoted(b"''"),
        [b'\'', ..] => quoted(b"'"),
        [b'"', ..] => quoted(b"\""),
        _ => bare(text, start, opened_by),
    }
}

/// Where the same quote stands again, not doubled and not escaped.
fn closing(text: &[u8], quote: &[u8]) -> Option<usize> {
    let mut at = 0;
    while at < text.len() && text[at] != b'\n' {
        let rest = &text[at..];
        let doubled = quote.len() == 1 && rest.starts_with(&[quote[0], quote[0]]);
        if rest.starts_with(quote) && !doubled {
            return Some(at);
        }
        at += match rest {
            // A backslash of the string inside takes the next byte of it along, which is written twice as well.
            [b'\\', b'\\', after @ ..] if quote.len() == 2 => match after {
                [b'\\', b'\\', ..] | [b'\'', b'\'', ..] => 4,
                _ => 3,
            },
            _ if doubled || rest[0] == b'\\' => 2,
            _ => 1,
        };
    }
    None
}

/// A value without quotes: up to a blank or the end of the string around it.
fn bare(text: &[u8], start: usize, opened_by: Option<u8>) -> Span {
    // Around a whole option of a record: a blank does not end the value.
    if opened_by == Some(b'"') {
        let length = closing(&text[start..], b"\"");
        return Span::new(start, length.map_or_else(|| line_end(text, start), |length| start + length));
    }
    let in_uri = matches!(opened_by, Some(b'?' | b'&'));
    let mut at = start;
    while at < text.len() {
        match text[at] {
            byte if byte.is_ascii_whitespace() => break,
            b'&' if in_uri => break,
            b'\'' if text.get(at + 1) == Some(&b'\'') => at += 1,
            b'\'' => break,
            // However many there are, what follows may be escaped.
            b'\\' => at += text[at..].iter().take_while(|byte| **byte == b'\\').count(),
            _ => {}
        }
        at += 1;
    }
    let mut end = at.min(text.len());
    // In a message the value, or the string that it is part of, stands between backticks: leave the closing one, and
    // what ends the sentence.
    if opened_by == Some(b'`') || is_inside(text, start, b'`') {
        let length = text[start..end].iter().rev().position(|byte| *byte == b'`');
        let ends = |length: &usize| text[end - length..end].iter().all(u8::is_ascii_punctuation);
        end = length.filter(ends).map_or(end, |length| end - length - 1);
    }
    Span::new(start, end)
}

/// A password with a blank in it that should have been in quotes: inside the quotes of a file, and behind an option
/// of pg_hba.conf, words without an equals sign behind it are the rest of it.
fn second_half(text: &[u8], name: usize, start: usize, end: usize) -> usize {
    let mut end = end;
    let is_option = [&b"ldap"[..], b"radius"].iter().any(|method| text[name..].starts_with(method));
    if !is_option && !is_inside(text, start, b'\'') {
        return end;
    }
    loop {
        let blanks = text[end..].iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
        let word = end + blanks;
        let ends = |byte: &u8| byte.is_ascii_whitespace() || matches!(byte, b'=' | b'\'' | b'`');
        let length = text[word..].iter().position(ends).unwrap_or(text.len() - word);
        let after = text[word + length..].trim_ascii_start();
        let is_comment = is_option && text.get(word) == Some(&b'#');
        if blanks == 0 || length == 0 || is_comment || after.starts_with(b"=") {
            return end;
        }
        end = word + length;
    }
}

/// `user:password@` after `://`: up to the last `@` before the path, as passwords may hold one.
fn in_uri(text: &[u8], start: usize) -> Option<Span> {
    let ends = |byte: &u8| byte.is_ascii_whitespace() || matches!(byte, b'\'' | b'"' | b'`');
    let closes = |byte: &u8| matches!(byte, b'\'' | b'\n');
    let until = |ends: &dyn Fn(&u8) -> bool| {
        let near = &text[start..text.len().min(start + NEAR)];
        &near[..near.iter().position(ends).unwrap_or(near.len())]
    };
    // Inside quotes a password may hold a blank, though it should not.
    user_and_password(until(&ends), start)
        .or_else(|| is_inside(text, start, b'\'').then(|| user_and_password(until(&closes), start)).flatten())
}

fn user_and_password(all: &[u8], start: usize) -> Option<Span> {
    let authority = &all[..all.iter().position(|byte| *byte == b'/').unwrap_or(all.len())];
    let at = match authority.iter().rposition(|byte| *byte == b'@') {
        Some(at) => at,
        // A password may hold a slash, though it should not.
        None => {
            let query = all.iter().position(|byte| matches!(byte, b'?' | b'#')).unwrap_or(all.len());
            all[..query].iter().rposition(|byte| *byte == b'@')?
        }
    };
    let colon = all[..at.min(authority.len())].iter().position(|byte| *byte == b':')?;
    Some(Span::new(start + colon + 1, start + at))
}

/// Whether an odd number of these quotes stands before it on its line.
fn is_inside(text: &[u8], start: usize, quote: u8) -> bool {
    let near = &text[start.saturating_sub(NEAR)..start];
    let line = near.iter().rposition(|byte| *byte == b'\n').map_or(0, |newline| newline + 1);
    near[line..].iter().filter(|byte| **byte == quote).count() % 2 == 1
}

fn line_end(text: &[u8], start: usize) -> usize {
    memchr::memchr(b'\n', &text[start..]).map_or(text.len(), |length| start + length)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn secrets_are_masked_in_every_quoting() {
        for (text, masked) in [
            ("host=x password=s3cret user=y", "host=x password=**** user=y"),
            ("primary_conninfo = 'host=x password=s3cret'", "primary_conninfo = 'host=x password=****'"),
            ("primary_conninfo = 'password=''s3 cret'' host=x'", "primary_conninfo = 'password=''****'' host=x'"),
            ("primary_conninfo = 'password=\\'s3 cret\\' host=x'", "primary_conninfo = 'password=\\'****\\' host=x'"),
            ("primary_conninfo = 'password=''it\\\\''s'' tty=x'", "primary_conninfo = 'password=''****'' tty=x'"),
            ("primary_conninfo = 'password=''a\\\\\\\\'' tty=x'", "primary_conninfo = 'password=''****'' tty=x'"),
            ("password='s3 \\' cret' host=x", "password='****' host=x"),
            ("password = s3cret sslpassword=a\\ b", "password = **** sslpassword=****"),
            ("PASSWORD=s3''cret' # x", "PASSWORD=****' # x"),
            ("'postgres://me:s3c@ret@db/x?sslpassword=u&a=b'", "'postgres://me:****@db/x?sslpassword=****&a=b'"),
            ("host a b ldap \"ldapbindpasswd=s3 cret\" x", "host a b ldap \"ldapbindpasswd=****\" x"),
            ("host a b ldap ldapbindpasswd=\"s3 cret\" x=y", "host a b ldap ldapbindpasswd=\"****\" x=y"),
            ("ldap ldapbindpasswd=my s3cret ldaptls=1 # x", "ldap ldapbindpasswd=**** ldaptls=1 # x"),
            ("radiussecrets=\"a,b\" radiusservers=c", "radiussecrets=\"****\" radiusservers=c"),
            ("oauth_client_secret=abc", "oauth_client_secret=****"),
            ("archive_command = 'PGPASSWORD=abc cp %p'", "archive_command = 'PGPASSWORD=**** cp %p'"),
            ("ext.password 'abc'", "ext.password '****'"),
            ("the value `password=abc`, and", "the value `password=****`, and"),
            ("following `host=x password=abc`, until", "following `host=x password=****`, until"),
            ("as `x` says `host=x password=a`b`.", "as `x` says `host=x password=****`."),
            ("`x` and host=x password=a`bc, until", "`x` and host=x password=**** until"),
            ("following `host=x password=a`bc", "following `host=x password=****"),
            ("primary_conninfo = 'password='", "primary_conninfo = 'password='"),
            ("password='never closed", "password='****"),
            ("primary_conninfo = 'password=two words host=x'", "primary_conninfo = 'password=**** host=x'"),
            ("primary_conninfo = 'host=x password=two words'", "primary_conninfo = 'host=x password=****'"),
            ("primary_conninfo = 'pasword=s3cret user=y'", "primary_conninfo = 'pasword=**** user=y'"),
            ("host all all all ldap ldapbindpaswd=s3cret", "host all all all ldap ldapbindpaswd=****"),
            ("host a a all radius radiusecrets=s3cret", "host a a all radius radiusecrets=****"),
            ("host a a all radius radiusservers=10.0.0.1", "host a a all radius radiusservers=10.0.0.1"),
            ("'postgres://me:s3/c:ret@db/x'", "'postgres://me:****@db/x'"),
        ] {
            assert_eq!(mask_secrets(text), masked);
        }
    }

    #[test]
    fn what_is_no_secret_is_left_alone() {
        for text in [
            "password_encryption = 'scram-sha-256'",
            "host all all 10.0.0.0/8 password",
            "passfile = '/home/x/.pgpass'",
            "postgres://me@db/x?a=b:c@d",
            "docs: https://www.postgresql.org/docs/16/",
            "primary_conninfo = 'host=x user=y'",
            "",
        ] {
            assert!(matches!(mask_secrets(text), Cow::Borrowed(_)), "{text}: {}", mask_secrets(text));
        }
    }

    proptest! {
        #[test]
        fn spans_are_sorted_and_disjoint(text in "(password|=| |'|\"|\\\\|x|:|/|@|&|\\?|é|`|\n){0,30}") {
            let spans = secret_spans(text.as_bytes());
            for span in &spans {
                prop_assert!(span.start < span.end && span.end <= text.len());
                prop_assert!(text.is_char_boundary(span.start) && text.is_char_boundary(span.end));
            }
            for pair in spans.windows(2) {
                prop_assert!(pair[0].end <= pair[1].start);
            }
        }

        /// However a password of letters and digits is written, no output holds it.
        #[test]
        fn no_password_survives(secret in "[a-zA-Z0-9]{4,12}Q7", shape in 0..7usize) {
            let text = match shape {
                0 => format!("primary_conninfo = 'host=h password={secret} user=u'"),
                1 => format!("primary_conninfo='user=u password=''{secret}'''"),
                2 => format!("primary_conninfo='user=u password = \\'x {secret}\\' host=h'"),
                3 => format!("primary_conninfo='postgresql://u:{secret}@h:5432/d'"),
                4 => format!("host all all all ldap ldapbindpasswd=\"a {secret}\""),
                5 => format!("host all all all radius \"radiussecrets=a b,{secret}\""),
                _ => format!("password='a''{secret}' host=h"),
            };
            prop_assert!(!mask_secrets(&text).contains(&secret), "{}", mask_secrets(&text));
        }
    }
}
