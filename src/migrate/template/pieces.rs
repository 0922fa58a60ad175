//! What a template engine acts upon in a line: Jinja, ERB and EPP, shells, and words that sed looks for.

use crate::source::Span;

/// A piece of a line.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Piece {
    /// Where.
    pub span: Span,
    /// What comes of it.
    pub sort: Sort,
}

/// What comes of a piece.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Sort {
    /// Text.
    Value,
    /// A comment, or nothing.
    Comment,
    /// It says which lines there are.
    Logic,
}

/// Whether there may be such a piece in a file.
pub fn may_have(bytes: &[u8]) -> bool {
    [b"{{".as_slice(), b"{%", b"{#", b"<%", b"$", b"@"].iter().any(|open| memchr::memmem::find(bytes, open).is_some())
}

/// Every piece of a line, in order.
pub fn find(line: &[u8]) -> Vec<Piece> {
    let (mut found, mut at) = (Vec::new(), 0);
    while at < line.len() {
        match begins(&line[at..], line[..at].last().copied()) {
            Some((length, sort)) => {
                found.push(Piece { span: Span::new(at, at + length), sort });
                at += length;
            }
            None => at += 1,
        }
    }
    found
}

/// The length and the sort of a piece at the start of a text.
fn begins(text: &[u8], before: Option<u8>) -> Option<(usize, Sort)> {
    let whole = |open: &[u8], close: &[u8]| between(text, open, close);
    match text {
        [b'{', b'{', ..] => {
            let length = whole(b"{{", b"}}")?;
            let is_comment = memchr::memmem::find(&text[..length], b"| comment").is_some();
            Some((length, if is_comment { Sort::Comment } else { Sort::Value }))
        }
        [b'{', b'#', ..] => Some((whole(b"{#", b"#}")?, Sort::Comment)),
        [b'{', b'%', b'-' | b'+' | b' ' | b'a'..=b'z', ..] => Some((whole(b"{%", b"%}")?, Sort::Logic)),
        [b'<', b'%', b'#', ..] => Some((whole(b"<%#", b"%>")?, Sort::Comment)),
        [b'<', b'%', b'=', ..] => Some((whole(b"<%=", b"%>")?, Sort::Value)),
        [b'<', b'%', b'-' | b' ', ..] => match whole(b"<%", b"%>") {
            Some(length) => Some((length, Sort::Logic)),
            // It ends in another line.
            None if before.is_none() => Some((text.trim_ascii_end().len(), Sort::Logic)),
            None => None,
        },
        [b'$', b'{', ..] => {
            whole(b"${", b"}").filter(|length| is_word(&text[2..length - 1])).map(|length| (length, Sort::Value))
        }
        [b'$', first, ..] if before.is_none_or(|byte| matches!(byte, b'\'' | b'=' | b' ' | b'\t')) => {
            let length = text[1..].iter().take_while(|byte| is_word_byte(byte)).count();
            let ends = text.get(1 + length).is_none_or(|byte| matches!(byte, b'\'' | b' ' | b'\t' | b'\r' | b'\n'));
            (ends && (first.is_ascii_alphabetic() || *first == b'_')).then_some((1 + length, Sort::Value))
        }
        [b'@', b'@', ..] => {
            whole(b"@@", b"@@").filter(|length| is_word(&text[2..length - 2])).map(|length| (length, Sort::Value))
        }
        [b'@', ..] => {
            let length = whole(b"@", b"@").filter(|length| is_constant(&text[1..length - 1]))?;
            Some((length, Sort::Value))
        }
        _ => None,
    }
}

/// The length up to and with `close`, where something stands between, on the same line.
fn between(text: &[u8], open: &[u8], close: &[u8]) -> Option<usize> {
    let inner = memchr::memmem::find(&text[open.len()..], close)?;
    (inner > 0).then_some(open.len() + inner + close.len())
}

fn is_word_byte(byte: &u8) -> bool {
    byte.is_ascii_alphanumeric() || *byte == b'_'
}

fn is_word(text: &[u8]) -> bool {
    !text.is_empty() && text.iter().all(is_word_byte)
}

/// `PORT`, as sed and autoconf look for it; in small letters it may be anything.
fn is_constant(text: &[u8]) -> bool {
    is_word(text) && text.iter().any(u8::is_ascii_uppercase) && !text.iter().any(u8::is_ascii_lowercase)
}
