//! `keyword = value` pairs.

use nom::bytes::complete::take_till;
use nom::{IResult, Parser};

use super::{Conninfo, Fault, FaultKind, Form, Pair, is_space, quoting};
use crate::source::Span;

/// All pairs, up to what cannot be read.
pub fn parse(text: &[u8]) -> Conninfo {
    let mut pairs = Vec::new();
    let mut rest = text;
    let fault = loop {
        match pair(text, rest) {
            Ok(Some((after, pair))) => {
                pairs.push(pair);
                rest = after;
            }
            Ok(None) => break None,
            Err(fault) => break Some(*fault),
        }
    };
    Conninfo { form: Form::Pairs, pairs, fault }
}

/// The pair that begins at `rest`, and what follows it; nothing at the end.
fn pair<'a>(text: &[u8], rest: &'a [u8]) -> Result<Option<(&'a [u8], Pair)>, Box<Fault>> {
    let at = |rest: &[u8]| text.len() - rest.len();
    let rest = blanks(rest);
    if rest.is_empty() {
        return Ok(None);
    }
    let (after, keyword) = until(rest, |byte| byte == b'=' || is_space(byte));
    let keyword_span = Span::new(at(rest), at(after));
    let Some(value) = blanks(after).strip_prefix(b"=") else {
        let message = quoting("missing \"=\" after ", keyword, " in connection info string");
        return Err(Box::new(Fault { kind: FaultKind::MissingEquals, span: keyword_span, message }));
    };
    let value = blanks(value);
    let start = at(value);
    let (after, decoded) = match value.strip_prefix(b"'") {
        None => unquoted(value),
        Some(inner) => quoted(inner).ok_or_else(|| {
            let message = b"unterminated quoted string in connection info string".to_vec();
            Box::new(Fault { kind: FaultKind::Unterminated, span: Span::new(start, text.len()), message })
        })?,
    };
    let value_span = Span::new(start, at(after));
    let pair = Pair { keyword: keyword.to_vec(), keyword_span: Some(keyword_span), value: decoded, value_span };
    Ok(Some((after, pair)))
}

/// Up to a blank; a backslash takes the next byte as it is, the last one of the string stands for nothing.
fn unquoted(text: &[u8]) -> (&[u8], Vec<u8>) {
    let mut value = Vec::new();
    let mut rest = text;
    loop {
        let (after, plain) = until(rest, |byte| byte == b'\\' || is_space(byte));
        value.extend_from_slice(plain);
        rest = match after {
            [b'\\', escaped, after @ ..] => {
                value.push(*escaped);
                after
            }
            [b'\\'] => &[],
            after => return (after, value),
        };
    }
}

/// Up to the closing quote; nothing where there is none.
fn quoted(inner: &[u8]) -> Option<(&[u8], Vec<u8>)> {
    let mut value = Vec::new();
    let mut rest = inner;
    loop {
        let (after, plain) = until(rest, |byte| matches!(byte, b'\\' | b'\''));
        value.extend_from_slice(plain);
        rest = match after {
            [b'\\', escaped, after @ ..] => {
                value.push(*escaped);
                after
            }
            [b'\'', after @ ..] => return Some((after, value)),
            _ => return None,
        };
    }
}

fn blanks(text: &[u8]) -> &[u8] {
    until(text, |byte| !is_space(byte)).0
}

/// What follows the first byte of that sort, itself included, and what stands before it.
fn until(text: &[u8], stops: impl Fn(u8) -> bool) -> (&[u8], &[u8]) {
    let found: IResult<&[u8], &[u8]> = take_till(stops).parse(text);
    found.unwrap_or((text, &[]))
}
