//! What is wrong with the value of a refused line.

use super::{CURLY, Kind, Line, found};
use crate::catalog::{Catalog, Parameter};
use crate::source::Span;
use crate::syntax::conf::{self, Token, TokenKind};
use crate::version::Major;

/// What is wrong with the value, where there is a name to have one.
pub fn fault(line: &Line, catalog: &Catalog) -> Option<Kind> {
    if !matches!(line.tokens.first()?.kind, TokenKind::Identifier | TokenKind::Qualified) {
        return None;
    }
    let parameter = catalog.find(line.name().as_bytes()).map(|id| catalog.get(id));
    let Some(value) = line.value() else {
        return line.near.is_none().then(|| found("missing-value", "a value is missing here"));
    };
    let text = value.of(line.bytes);
    let first = line.tokens.iter().position(|token| token.span.start >= value.start)?;
    let tokens = &line.tokens[first..];
    quotes(line, value, text, tokens, parameter)
        .or_else(|| numbers(line, value, tokens, catalog.version.major))
        .or_else(|| words(line, value, tokens, parameter, catalog))
}

fn quotes(line: &Line, value: Span, text: &[u8], tokens: &[Token], parameter: Option<&Parameter>) -> Option<Kind> {
    let stray = |byte: &[u8]| line.near.is_some_and(|near| near.of(line.bytes) == byte);
    if let Some(curly) = CURLY.iter().find(|curly| text.starts_with(curly.as_bytes())) {
        let inner = &text[curly.len()..];
        let last = CURLY.iter().find(|curly| inner.ends_with(curly.as_bytes()));
        let inner = &inner[..inner.len() - last.map_or(0, |last| last.len())];
        let kind = found("curly-quotes", "typographic quotes").token(value);
        let within = straight(inner);
        let meant = if within.contains(&b'\'') { list(&straight(text), parameter) } else { Some(inner.to_vec()) };
        return Some(kind.edits(value, meant));
    }
    if text.starts_with(b"\"") {
        let inner = &text[1..];
        let plain = inner.strip_suffix(b"\"").filter(|inner| !inner.contains(&b'"')).map(<[u8]>::to_vec);
        let kind = found("double-quoted-value", "double quotes").token(value);
        return Some(kind.edits(value, plain.or_else(|| list(text, parameter))));
    }
    if stray(b"'") {
        let near = line.near.expect("stray looked at it");
        // A quote inside a word is no opening quote, but the value still lacks its own.
        return Some(found("unterminated-quote", "this quote is never closed").token(near));
    }
    match tokens {
        [only] if only.kind == TokenKind::Qualified => Some(
            found("dotted-value-needs-quotes", "read as a name with a dot").token(value).edit(value, conf::quote(text)),
        ),
        _ => None,
    }
}

fn numbers(line: &Line, value: Span, tokens: &[Token], major: Major) -> Option<Kind> {
    let [number, unit] = tokens else { return None };
    let word = unit.span.of(line.bytes);
    let letters = word.len() <= 3 && word.iter().all(u8::is_ascii_alphabetic);
    if unit.kind != TokenKind::Identifier || !letters {
        return None;
    }
    let attached = number.span.end == unit.span.start;
    match number.kind {
        TokenKind::Real if attached => {
            let kind = found("fraction-with-unit", "the number ends here").token(value);
            // Before 12 a fraction is refused in quotes too.
            Some(if major >= Major::V12 { kind.edit(value, conf::quote(value.of(line.bytes))) } else { kind })
        }
        TokenKind::Integer if !attached && is_unit(word) => {
            let blank = Span::new(number.span.end, unit.span.start);
            Some(found("blank-before-unit", "no blank may stand here").token(value).edit(blank, ""))
        }
        TokenKind::Real if is_unit(word) => {
            let kind = found("blank-before-unit", "no blank may stand here").token(value);
            Some(if major >= Major::V12 { kind.edit(value, conf::quote(value.of(line.bytes))) } else { kind })
        }
        _ => None,
    }
}

fn is_unit(word: &[u8]) -> bool {
    ["B", "kB", "MB", "GB", "TB", "us", "ms", "s", "min", "h", "d"]
        .iter()
        .any(|unit| unit.as_bytes().eq_ignore_ascii_case(word))
}

/// An unquoted value that is more than one word.
fn words(line: &Line, value: Span, tokens: &[Token], parameter: Option<&Parameter>, catalog: &Catalog) -> Option<Kind> {
    let near = line.near?;
    let first = tokens.first()?;
    if first.kind == TokenKind::Equals {
        return None;
    }
    let apart = near.start > value.start && line.bytes[near.start - 1].is_ascii_whitespace();
    let stopped = line.tokens.iter().find(|token| token.span == near)?;
    let is_word = !matches!(stopped.kind, TokenKind::Stray | TokenKind::Equals);
    let is_text = parameter.is_none_or(|parameter| parameter.kind == crate::catalog::Kind::String);
    if apart && is_word && (parameter.is_some_and(|_| !is_text) || looks_like_setting(line, stopped, catalog)) {
        return Some(found("two-values", "one value was read before this"));
    }
    let text = value.of(line.bytes);
    let pieces = list(text, parameter);
    if first.kind == TokenKind::Quoted && pieces.is_none() && !parameter.is_some_and(Parameter::is_list) {
        return Some(found("two-values", "one value was read before this"));
    }
    if is_text || parameter.is_none() {
        let has_quotes = tokens.iter().any(|token| token.kind == TokenKind::Quoted);
        // A command may have quotes of its own; in a list they are those of its items.
        let is_one = !has_quotes || first.kind != TokenKind::Quoted && !parameter.is_some_and(Parameter::is_list);
        let meant = if is_one { Some(text.to_vec()) } else { pieces };
        return Some(found("value-needs-quotes", "the value ends before this").edits(value, meant));
    }
    None
}

/// What was meant by a list whose items stand in quotes of their own: one value. Items that hold what would be read in
/// another way within one are nobody's guess.
fn list(text: &[u8], parameter: Option<&Parameter>) -> Option<Vec<u8>> {
    let has_commas = memchr::memchr(b',', text).is_some();
    if !has_commas || parameter.is_some_and(|parameter| !parameter.is_list()) {
        return None;
    }
    let items = text.split(|byte| *byte == b',').map(|item| {
        let item = item.trim_ascii();
        let inner = item.strip_prefix(b"'").and_then(|rest| rest.strip_suffix(b"'"));
        let bare = inner.unwrap_or(item);
        let is_plain = !bare.is_empty() && !bare.iter().any(|byte| matches!(byte, b'\'' | b'\\' | b' ' | b'\t'));
        is_plain.then_some(bare)
    });
    Some(items.collect::<Option<Vec<&[u8]>>>()?.join(b", ".as_slice()))
}

/// A text with straight quotes in place of curly ones.
fn straight(text: &[u8]) -> Vec<u8> {
    let mut straight = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(byte) = rest.first() {
        match CURLY.iter().find(|curly| rest.starts_with(curly.as_bytes())) {
            Some(curly) => {
                straight.push(b'\'');
                rest = &rest[curly.len()..];
            }
            None => {
                straight.push(*byte);
                rest = &rest[1..];
            }
        }
    }
    straight
}

/// Whether another `name =` begins at the token.
fn looks_like_setting(line: &Line, token: &Token, catalog: &Catalog) -> bool {
    let next = line.tokens.iter().find(|other| other.span.start >= token.span.end);
    catalog.find(token.span.of(line.bytes)).is_some() && next.is_some_and(|next| next.kind == TokenKind::Equals)
}
