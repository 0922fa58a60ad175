//! postgresql.conf as guc-file.l reads it, 9.4 to 19: one setting a line, and every line for itself.
//!
//! The law: the lines put end to end are the file, for any bytes. Facts: A1 to A3 of the recorded
//! reading of real servers, replayed from `testdata/servers`.

mod quoted;

use std::borrow::Cow;

use nom::branch::alt;
use nom::bytes::complete::{tag, take, take_while, take_while_m_n, take_while1};
use nom::combinator::{opt, recognize};
use nom::{IResult, Parser};

use crate::source::Span;

pub use quoted::{Decoded, escape, quote, unquote};

/// What a value looks like to the server's scanner.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TokenKind {
    /// A letter, then letters and digits.
    Identifier,
    /// Two identifiers joined by one dot: a name, never a value.
    Qualified,
    /// `'…'`
    Quoted,
    /// A letter, then letters, digits and `-._:/`.
    Unquoted,
    /// Decimal, octal or `0x` digits with an attached unit.
    Integer,
    /// A number with a dot; no unit.
    Real,
    /// `=`
    Equals,
    /// Any other byte.
    Stray,
}

/// A word and where it stands in the file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Token {
    /// Its shape.
    pub kind: TokenKind,
    /// Its bytes, quotes included.
    pub span: Span,
}

/// `name = value`
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Setting {
    /// The name as the file spells it.
    pub name: Span,
    /// The value, quotes included.
    pub value: Token,
}

/// A line that the server's grammar refuses.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Broken {
    /// The token that the server names; `None` stands for the end of the line.
    pub near: Option<Span>,
    /// The line less blanks around it.
    pub text: Span,
    /// Whether the file ends in this line without a line feed.
    pub last: bool,
}

/// What a line says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Content {
    /// Blanks, or a comment.
    Nothing,
    /// A setting or an include.
    Setting(Setting),
    /// A syntax error.
    Broken(Broken),
}

/// One line with its line feed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Line {
    /// 1-based.
    pub number: usize,
    /// All its bytes.
    pub span: Span,
    /// What it says.
    pub content: Content,
}

impl Broken {
    /// The line number in the server's message: the end of a last line without a line feed is not counted.
    pub fn reported_line(&self, number: usize) -> usize {
        match self.near {
            None if self.last => number - 1,
            _ => number,
        }
    }
}

/// All lines of a file in order.
pub fn lines(bytes: &[u8]) -> impl Iterator<Item = Line> + '_ {
    let mut start = 0;
    let mut number = 0;
    let mut feeds = memchr::memchr_iter(b'\n', bytes);
    std::iter::from_fn(move || {
        if start == bytes.len() {
            return None;
        }
        let (end, last) = match feeds.next() {
            Some(feed) => (feed, false),
            None => (bytes.len(), true),
        };
        number += 1;
        // Most lines of a sample are comments.
        let content = match bytes[start] {
            b'#' => Content::Nothing,
            _ => content(&bytes[start..end], start, last),
        };
        let span = Span::new(start, if last { end } else { end + 1 });
        start = span.end;
        Some(Line { number, span, content })
    })
}

/// The comment at the end of a line, from its `#`: outside quotes, as the scanner splits the line.
pub fn comment(line: &[u8]) -> Option<Span> {
    memchr::memchr(b'#', line)?;
    let mut rest = line;
    loop {
        rest = blanks(rest);
        if rest.first()? == &b'#' {
            let start = line.len() - rest.len();
            return Some(Span::new(start, line.len()));
        }
        let (after, _) = token(rest).ok()?;
        rest = after;
    }
}

/// All tokens of a line without its line feed, up to a comment.
pub fn tokens(line: &[u8]) -> Vec<Token> {
    let mut found = Vec::new();
    let mut rest = line;
    while let Some((after, token)) = next(rest, line) {
        found.push(token);
        rest = after;
    }
    found
}

/// A value as the server keeps it: quotes and escapes resolved.
pub fn value<'a>(token: Token, bytes: &'a [u8]) -> Cow<'a, [u8]> {
    let text = token.span.of(bytes);
    match token.kind {
        TokenKind::Quoted => unquote(text),
        _ => Cow::Borrowed(text),
    }
}

/// As [`value`], with the place in the file from which each byte comes.
pub fn decoded(token: Token, bytes: &[u8]) -> Decoded {
    let text = token.span.of(bytes);
    match token.kind {
        TokenKind::Quoted => Decoded::of_quoted(text, token.span.start),
        _ => Decoded::of_plain(text, token.span.start),
    }
}

/// Reads a line without its line feed that begins at `offset` in the file.
fn content(line: &[u8], offset: usize, last: bool) -> Content {
    let rest = blanks(line);
    match rest.first() {
        None | Some(b'#') => return Content::Nothing,
        Some(_) => {}
    }
    let broken = |near: Option<Token>| {
        let text = Span::new(line.len() - rest.len(), line.trim_ascii_end().len().max(line.len() - rest.len() + 1));
        Content::Broken(Broken { near: near.map(|token| token.span.shifted(offset)), text: text.shifted(offset), last })
    };
    let Some((rest, name)) = next(rest, line) else {
        return Content::Nothing;
    };
    if !matches!(name.kind, TokenKind::Identifier | TokenKind::Qualified) {
        return broken(Some(name));
    }
    let (rest, value) = match next(rest, line) {
        Some((rest, token)) if token.kind == TokenKind::Equals => match next(rest, line) {
            Some(found) => found,
            None => return broken(None),
        },
        Some(found) => found,
        None => return broken(None),
    };
    if matches!(value.kind, TokenKind::Qualified | TokenKind::Equals | TokenKind::Stray) {
        return broken(Some(value));
    }
    if let Some((_, extra)) = next(rest, line) {
        return broken(Some(extra));
    }
    Content::Setting(Setting {
        name: name.span.shifted(offset),
        value: Token { kind: value.kind, span: value.span.shifted(offset) },
    })
}

/// The next token of `line` at `rest`; nothing at its end or at a comment.
fn next<'a>(rest: &'a [u8], line: &[u8]) -> Option<(&'a [u8], Token)> {
    let rest = blanks(rest);
    if rest.first()? == &b'#' {
        return None;
    }
    let start = line.len() - rest.len();
    let (after, kind) = token(rest).ok()?;
    let span = Span::new(start, line.len() - after.len());
    Some((after, Token { kind, span }))
}

/// CR is a blank anywhere, which is why CRLF works; form feed and the no-break space are not.
fn blanks(input: &[u8]) -> &[u8] {
    let blanks = input.iter().take_while(|byte| matches!(byte, b' ' | b'\t' | b'\r'));
    &input[blanks.count()..]
}

fn is_letter(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || byte == b'_' || byte >= 0x80
}

fn is_letter_or_digit(byte: u8) -> bool {
    is_letter(byte) || byte.is_ascii_digit()
}

/// The longest token at the start of `input`, which does not begin with a blank.
fn token(input: &[u8]) -> IResult<&[u8], TokenKind> {
    let (_, first) = take(1usize).parse(input)?;
    match first[0] {
        byte if is_letter(byte) => word(input),
        b'\'' => quoted(input),
        b'=' => take(1usize).map(|_| TokenKind::Equals).parse(input),
        _ => alt((number, take(1usize).map(|_| TokenKind::Stray))).parse(input),
    }
}

fn identifier(input: &[u8]) -> IResult<&[u8], &[u8]> {
    recognize((take_while_m_n(1, 1, is_letter), take_while(is_letter_or_digit))).parse(input)
}

fn word(input: &[u8]) -> IResult<&[u8], TokenKind> {
    let (unquoted_rest, _) = take_while(|byte| is_letter_or_digit(byte) || b"-._:/".contains(&byte)).parse(input)?;
    let (rest, _) = identifier(input)?;
    if rest.len() == unquoted_rest.len() {
        return Ok((rest, TokenKind::Identifier));
    }
    match (tag("."), identifier).parse(rest) {
        Ok((rest, _)) if rest.len() == unquoted_rest.len() => Ok((rest, TokenKind::Qualified)),
        _ => Ok((unquoted_rest, TokenKind::Unquoted)),
    }
}

/// `'…'` up to the last quote that can close it; without one the quote itself is the stray byte.
fn quoted(input: &[u8]) -> IResult<&[u8], TokenKind> {
    let mut closed = None;
    let mut at = 1;
    while let Some(found) = input.get(at..).and_then(|rest| memchr::memchr2(b'\'', b'\\', rest)) {
        at += found;
        if input[at] == b'\\' {
            at += 2;
            continue;
        }
        closed = Some(at + 1);
        if input.get(at + 1) != Some(&b'\'') {
            break;
        }
        at += 2;
    }
    match closed {
        Some(length) => Ok((&input[length..], TokenKind::Quoted)),
        None => Ok((&input[1..], TokenKind::Stray)),
    }
}

fn number(input: &[u8]) -> IResult<&[u8], TokenKind> {
    let integer = integer(input).ok();
    let real = real(input).ok();
    match (integer, real) {
        (Some((rest, _)), Some((longer, _))) if longer.len() < rest.len() => Ok((longer, TokenKind::Real)),
        (Some((rest, _)), _) => Ok((rest, TokenKind::Integer)),
        (None, Some((rest, _))) => Ok((rest, TokenKind::Real)),
        (None, None) => Err(nom::Err::Error(nom::error::Error::new(input, nom::error::ErrorKind::Digit))),
    }
}

fn sign(input: &[u8]) -> IResult<&[u8], Option<&[u8]>> {
    opt(alt((tag("+"), tag("-")))).parse(input)
}

fn integer(input: &[u8]) -> IResult<&[u8], &[u8]> {
    let digits = alt((
        recognize((tag("0x"), take_while1(|byte: u8| byte.is_ascii_hexdigit()))),
        take_while1(|byte: u8| byte.is_ascii_digit()),
    ));
    recognize((sign, digits, take_while(|byte: u8| byte.is_ascii_alphabetic()))).parse(input)
}

fn real(input: &[u8]) -> IResult<&[u8], &[u8]> {
    let digits = || take_while(|byte: u8| byte.is_ascii_digit());
    let exponent = (alt((tag("e"), tag("E"))), sign, take_while1(|byte: u8| byte.is_ascii_digit()));
    recognize((sign, digits(), tag("."), digits(), opt(exponent))).parse(input)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn near(line: &str) -> Option<String> {
        match lines(line.as_bytes()).next()?.content {
            Content::Broken(broken) => Some(match broken.near {
                Some(span) => String::from_utf8_lossy(span.of(line.as_bytes())).into_owned(),
                None => "end of line".into(),
            }),
            _ => None,
        }
    }

    #[test]
    fn refused_lines_name_the_server_s_token() {
        for (line, token) in [
            ("work_mem = 1.5GB", "GB"),
            ("a = 8 MB", "MB"),
            ("a = 8_abc", "_abc"),
            ("a = 127.0.0.1", ".0"),
            ("a = x.y", "x.y"),
            ("a = 'b''", "'"),
            ("work_mem =", "end of line"),
            ("a = 0X10", "X10"),
            ("a.b.c = 1", "a.b.c"),
        ] {
            let found = near(line);
            // `0X10` is `0X` and then `10`.
            let token = if line.contains("0X") { "10" } else { token };
            assert_eq!(found.as_deref(), Some(token), "{line}");
        }
        for line in ["a = x.y.z", "a'8MB'", "a = 0x10MB", "a b", "a = .5", "# a =", "a = '' # '"] {
            assert_eq!(near(line), None, "{line}");
        }
    }

    #[test]
    fn escapes() {
        for (quoted, plain) in [
            ("'a''b'", "a'b"),
            (r"'a\nb'", "a\nb"),
            (r"'\101'", "A"),
            (r"'\x41'", "x41"),
            (r"'a\0b'", "a"),
            ("'a\0b'", ""),
        ] {
            assert_eq!(unquote(quoted.as_bytes()), plain.as_bytes(), "{quoted}");
        }
    }

    proptest! {
        #[test]
        fn lines_put_end_to_end_are_the_file(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            let joined: Vec<u8> = lines(&bytes).flat_map(|line| line.span.of(&bytes).to_vec()).collect();
            prop_assert_eq!(joined, bytes);
        }

        #[test]
        fn ranges_lie_in_their_line(text in "[a-c'\"=.#\\\\0-9x \n\r\t-]{0,60}") {
            let bytes = text.as_bytes();
            for line in lines(bytes) {
                if let Content::Setting(setting) = line.content {
                    prop_assert!(line.span.start <= setting.name.start && setting.value.span.end <= line.span.end);
                }
            }
        }

        #[test]
        fn quoting_is_undone_by_reading(value in proptest::collection::vec(1u8.., 0..60)) {
            let file = [b"a = ".as_slice(), &quote(&value)].concat();
            let line = lines(&file).next().expect("one line");
            let Content::Setting(setting) = line.content else { panic!("broken") };
            let read = super::value(setting.value, &file);
            prop_assert_eq!(read.as_ref(), value.as_slice());
        }
    }
}
