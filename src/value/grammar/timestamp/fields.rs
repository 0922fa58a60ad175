//! Cuts a timestamp into fields of known shape.

use super::words;
use crate::version::Major;

/// What a field looks like, before anything is known of its meaning.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Shape {
    /// Digits, perhaps with a fraction.
    Number,
    /// Parts joined by `-`, `/` or `.`, or the name of a time zone.
    Date,
    /// Digits and colons.
    Time,
    /// A sign and digits.
    Zone,
    /// Letters.
    Word,
    /// A sign and letters.
    SignedWord,
}

/// A field in lower case.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Field {
    /// What it looks like.
    pub shape: Shape,
    /// Its bytes.
    pub text: Vec<u8>,
}

/// The most fields that the server has room for.
const MOST_FIELDS: usize = 25;
/// The most bytes, ends of fields included, that the server has room for.
const MOST_BYTES: usize = 128 + MOST_FIELDS;

/// The fields of a timestamp; `None` where a byte fits nowhere, or where there are too many.
pub fn split(major: Major, text: &[u8]) -> Option<Vec<Field>> {
    let mut fields: Vec<Field> = Vec::new();
    let mut used = 0;
    let mut rest = text;
    while let Some(&byte) = rest.first() {
        if is_blank(byte) {
            rest = &rest[1..];
            continue;
        }
        if fields.len() >= MOST_FIELDS {
            return None;
        }
        let (shape, length) = match byte {
            b'0'..=b'9' => from_digit(rest),
            b'.' => (Shape::Number, 1 + run(&rest[1..], |byte| byte.is_ascii_digit())),
            _ if byte.is_ascii_alphabetic() => from_letter(major, rest),
            b'+' | b'-' => {
                let blanks = run(&rest[1..], is_blank);
                let after = &rest[1 + blanks..];
                let (shape, length) = from_sign(after)?;
                let mut text = vec![byte];
                text.extend(after[..length].to_ascii_lowercase());
                used = room(used, &text)?;
                fields.push(Field { shape, text });
                rest = &after[length..];
                continue;
            }
            _ if byte.is_ascii_punctuation() => {
                rest = &rest[1..];
                continue;
            }
            _ => return None,
        };
        let text = rest[..length].to_ascii_lowercase();
        used = room(used, &text)?;
        fields.push(Field { shape, text });
        rest = &rest[length..];
    }
    Some(fields)
}

/// As C's `isspace`.
pub fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | 0x09..=0x0d)
}

fn room(used: usize, text: &[u8]) -> Option<usize> {
    // Each byte but the last of all needs one more behind it.
    (used + text.len() < MOST_BYTES).then_some(used + text.len() + 1)
}

fn from_digit(text: &[u8]) -> (Shape, usize) {
    let digits = run(text, |byte| byte.is_ascii_digit());
    let rest = &text[digits..];
    match rest.first() {
        Some(b':') => {
            let more = run(rest, |byte| byte.is_ascii_digit() || matches!(byte, b':' | b'.'));
            (Shape::Time, digits + more)
        }
        Some(&mark @ (b'-' | b'/' | b'.')) => {
            let (shape, more) = after_mark(&rest[1..], mark);
            (shape, digits + 1 + more)
        }
        _ => (Shape::Number, digits),
    }
}

fn after_mark(text: &[u8], mark: u8) -> (Shape, usize) {
    let digits = run(text, |byte| byte.is_ascii_digit());
    if digits == 0 {
        return (Shape::Date, run(text, |byte| byte.is_ascii_alphanumeric() || byte == mark));
    }
    if text.get(digits) == Some(&mark) {
        let more = run(&text[digits..], |byte| byte.is_ascii_digit() || byte == mark);
        return (Shape::Date, digits + more);
    }
    let shape = if mark == b'.' { Shape::Number } else { Shape::Date };
    (shape, digits)
}

fn from_letter(major: Major, text: &[u8]) -> (Shape, usize) {
    let letters = run(text, |byte| byte.is_ascii_alphabetic());
    let joined = match text.get(letters) {
        Some(b'-' | b'/' | b'.') => true,
        Some(byte) if *byte == b'+' || byte.is_ascii_digit() => {
            !words::known_to_splitter(major, &text[..letters].to_ascii_lowercase())
        }
        _ => false,
    };
    if !joined {
        return (Shape::Word, letters);
    }
    let more = run(&text[letters..], |byte| {
        byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'/' | b'_' | b'.' | b':')
    });
    (Shape::Date, letters + more)
}

fn from_sign(text: &[u8]) -> Option<(Shape, usize)> {
    match text.first() {
        Some(byte) if byte.is_ascii_digit() => {
            let inside = |byte: u8| byte.is_ascii_digit() || matches!(byte, b':' | b'.' | b'-');
            Some((Shape::Zone, run(text, inside)))
        }
        Some(byte) if byte.is_ascii_alphabetic() => {
            Some((Shape::SignedWord, run(text, |byte| byte.is_ascii_alphabetic())))
        }
        _ => None,
    }
}

fn run(text: &[u8], inside: impl Fn(u8) -> bool) -> usize {
    text.iter().position(|byte| !inside(*byte)).unwrap_or(text.len())
}
