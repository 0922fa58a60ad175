//! pg_hba.conf and pg_ident.conf as hba.c splits them, 9.4 to 19: lines of fields, fields of tokens.
//!
//! The law: the lines put end to end are the file, for any bytes. Facts: D1 of the recorded reading of
//! real servers, replayed from `testdata/servers`.

use std::borrow::Cow;

use nom::branch::alt;
use nom::bytes::complete::{tag, take_till1};
use nom::combinator::{opt, value};
use nom::{IResult, Parser};

use crate::source::Span;
use crate::version::Major;

/// What changed between majors in how a file is split.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Dialect {
    /// Whether a backslash at the end of a line joins the next one (14).
    continues: bool,
    /// Whether a carriage return within a line is a blank (up to 18).
    return_is_blank: bool,
    /// Bytes of the buffer for a line, where there is a limit (up to 10).
    line_buffer: Option<usize>,
    /// The most bytes of a token, where there is a limit (up to 15).
    longest_token: Option<usize>,
    /// Whether the rest of a line after a token that is too long counts as a fault (10) or is only dropped.
    long_token_is_fault: bool,
}

impl Dialect {
    /// The one that a major speaks.
    pub fn of(major: Major) -> Dialect {
        Dialect {
            continues: major >= Major::V14,
            return_is_blank: major < Major::V19,
            line_buffer: (major < Major::V11).then_some(8192),
            longest_token: match major {
                major if major < Major::V11 => Some(255),
                major if major < Major::V16 => Some(10239),
                _ => None,
            },
            long_token_is_fault: major >= Major::V10,
        }
    }

    fn is_blank(&self, byte: u8) -> bool {
        matches!(byte, b' ' | b'\t') || byte == b'\r' && self.return_is_blank
    }
}

/// A word between blanks and commas.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Token<'a> {
    /// Where it stands, quotes included.
    pub span: Span,
    /// What the server makes of it: without quotes.
    pub text: Cow<'a, [u8]>,
    /// Whether its first byte is a quote: then keywords lose their meaning.
    pub quoted: bool,
}

/// Tokens joined by commas.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Field<'a> {
    /// At least one.
    pub tokens: Vec<Token<'a>>,
}

impl Field<'_> {
    /// From the first token to the last.
    pub fn span(&self) -> Span {
        let last = self.tokens.last().map_or(0, |token| token.span.end);
        Span::new(self.tokens.first().map_or(0, |token| token.span.start), last)
    }
}

/// What the server says of a line before it looks at its meaning.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Fault {
    /// More bytes than the buffer takes: the rest is read as further lines.
    LineTooLong,
    /// A token that is too long; its beginning. From 10 on the line is refused for it, before the rest of it is dropped.
    TokenTooLong(Vec<u8>),
}

/// What the server takes for one line: several of the file where a backslash joins them.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Line<'a> {
    /// The line as the server counts: the first of those that are joined.
    pub number: usize,
    /// All its bytes, line feed included.
    pub span: Span,
    /// Its fields; none for blanks and comments.
    pub fields: Vec<Field<'a>>,
    /// What is wrong with it.
    pub fault: Option<Fault>,
    /// Whether the fault refuses the line.
    pub refused: bool,
    /// Where a comment stands, its `#` included.
    pub comment: Option<Span>,
}

/// The lines of a file.
pub fn lines<'a>(bytes: &'a [u8], dialect: &Dialect) -> Lines<'a> {
    Lines { bytes, dialect: *dialect, at: 0, number: 1 }
}

/// Iterator over the lines of a file.
#[derive(Clone, Debug)]
pub struct Lines<'a> {
    bytes: &'a [u8],
    dialect: Dialect,
    at: usize,
    number: usize,
}

/// A line's text and where its pieces stand in the file.
struct Text<'a> {
    bytes: Cow<'a, [u8]>,
    /// Offset in the text, offset in the file; ascending, the first is 0.
    pieces: Vec<(usize, usize)>,
}

impl Text<'_> {
    /// The place in the file of the byte at an offset of the text.
    fn place(&self, offset: usize) -> usize {
        let index = self.pieces.partition_point(|(start, _)| *start <= offset).saturating_sub(1);
        let (start, place) = self.pieces.get(index).copied().unwrap_or_default();
        place + offset - start
    }

    /// One past the place of the byte before an offset.
    fn end(&self, offset: usize) -> usize {
        offset.checked_sub(1).map_or_else(|| self.place(0), |last| self.place(last) + 1)
    }
}

impl<'a> Iterator for Lines<'a> {
    type Item = Line<'a>;

    fn next(&mut self) -> Option<Line<'a>> {
        let start = self.at;
        if start >= self.bytes.len() {
            return None;
        }
        let number = self.number;
        if let Some(buffer) = self.dialect.line_buffer
            && let Some(line) = self.too_long(buffer)
        {
            return Some(line);
        }
        let text = self.text();
        let span = Span::new(start, self.at);
        Some(split(text, &self.dialect, number, span))
    }
}

impl<'a> Lines<'a> {
    /// The next line feed and all before it, or what is left.
    fn chunk(&mut self) -> &'a [u8] {
        let rest = &self.bytes[self.at..];
        let end = memchr::memchr(b'\n', rest).map_or(rest.len(), |newline| newline + 1);
        self.at += end;
        &rest[..end]
    }

    /// A chunk that fills the buffer. A zero byte hides the length of what is behind it.
    fn too_long(&mut self, buffer: usize) -> Option<Line<'a>> {
        let rest = &self.bytes[self.at..];
        let most = &rest[..rest.len().min(buffer - 1)];
        let end = memchr::memchr(b'\n', most).map_or(most.len(), |newline| newline + 1);
        if end < buffer - 1 {
            return None;
        }
        let number = self.number;
        let span = Span::new(self.at, self.at + end);
        self.at += end;
        self.number += 1;
        let text = Text { bytes: Cow::Borrowed(content(&most[..end])), pieces: vec![(0, span.start)] };
        let is_counted = memchr::memchr(0, &most[..end]).is_none();
        let mut line = split(text, &self.dialect, number, span);
        if is_counted {
            // The line is refused unread from 10 on; before, it ends the server.
            line.fields.clear();
            line.comment = None;
            line.fault = Some(Fault::LineTooLong);
            line.refused = true;
        }
        Some(line)
    }

    fn text(&mut self) -> Text<'a> {
        let start = self.at;
        let chunk = self.chunk();
        self.number += 1;
        let kept = content(chunk);
        let is_cut = memchr::memchr(0, chunk).is_some();
        let joins = kept.last() == Some(&b'\\');
        if !self.dialect.continues || !is_cut && !joins {
            return Text { bytes: Cow::Borrowed(kept), pieces: vec![(0, start)] };
        }
        let mut text = kept.to_vec();
        let mut pieces = vec![(0, start)];
        let mut is_cut = is_cut;
        let mut joined_at = 0;
        loop {
            if !is_cut {
                let kept = without_line_end(&text).len();
                text.truncate(kept);
                if text.len() <= joined_at || text.last() != Some(&b'\\') {
                    break;
                }
                text.pop();
                joined_at = text.len();
            }
            if self.at >= self.bytes.len() {
                break;
            }
            if !is_cut {
                self.number += 1;
            }
            pieces.push((text.len(), self.at));
            let chunk = self.chunk();
            is_cut = memchr::memchr(0, chunk).is_some();
            text.extend(before_zero(chunk));
        }
        let kept = without_line_end(&text).len();
        text.truncate(kept);
        Text { bytes: Cow::Owned(text), pieces }
    }
}

fn before_zero(chunk: &[u8]) -> &[u8] {
    &chunk[..memchr::memchr(0, chunk).unwrap_or(chunk.len())]
}

fn without_line_end(mut text: &[u8]) -> &[u8] {
    while let Some((b'\n' | b'\r', rest)) = text.split_last() {
        text = rest;
    }
    text
}

/// A chunk as a C string without its line end.
fn content(chunk: &[u8]) -> &[u8] {
    without_line_end(before_zero(chunk))
}

fn split<'a>(text: Text<'a>, dialect: &Dialect, number: usize, span: Span) -> Line<'a> {
    let mut line = Line { number, span, fields: Vec::new(), fault: None, refused: false, comment: None };
    let mut at = 0;
    loop {
        let mut tokens = Vec::new();
        let mut comma = true;
        while std::mem::take(&mut comma) {
            // Before a token, commas are as good as blanks.
            at = skip(&text.bytes, at, |byte| dialect.is_blank(byte) || byte == b',');
            let Some(scanned) = scan(&text.bytes[at..], dialect) else { break };
            if let Some(beginning) = scanned.too_long {
                line.refused = dialect.long_token_is_fault;
                line.fault = Some(Fault::TokenTooLong(beginning.clone()));
                if !line.refused {
                    let span = Span::new(text.place(at), text.end(at + scanned.length));
                    tokens.push(Token { span, text: Cow::Owned(beginning), quoted: scanned.quoted });
                }
                at = text.bytes.len();
                break;
            }
            let end = at + scanned.length;
            let span = Span::new(text.place(at), text.end(end));
            let plain = match (&text.bytes, scanned.plain) {
                (Cow::Borrowed(bytes), None) => Cow::Borrowed(&bytes[at..end]),
                (Cow::Owned(bytes), None) => Cow::Owned(bytes[at..end].to_vec()),
                (_, Some(plain)) => Cow::Owned(plain),
            };
            tokens.push(Token { span, text: plain, quoted: scanned.quoted });
            at = end;
            if text.bytes.get(at) == Some(&b',') {
                comma = true;
                at += 1;
            }
        }
        if !tokens.is_empty() {
            line.fields.push(Field { tokens });
        }
        at = skip(&text.bytes, at, |byte| dialect.is_blank(byte));
        match text.bytes.get(at) {
            None => break,
            Some(b'#') => {
                line.comment = Some(Span::new(text.place(at), text.end(text.bytes.len())));
                break;
            }
            Some(_) => {}
        }
    }
    line
}

fn skip(bytes: &[u8], at: usize, is_skipped: impl Fn(u8) -> bool) -> usize {
    at + bytes[at..].iter().take_while(|byte| is_skipped(**byte)).count()
}

struct Scanned {
    length: usize,
    quoted: bool,
    /// The token without quotes, where it has some.
    plain: Option<Vec<u8>>,
    too_long: Option<Vec<u8>>,
}

/// The token that begins here, if one does.
fn scan(bytes: &[u8], dialect: &Dialect) -> Option<Scanned> {
    let mut plain = Vec::new();
    let mut has_quotes = false;
    let mut rest = bytes;
    while let Ok((after, piece)) = piece(rest, dialect) {
        let mut behind = 0;
        match piece {
            Piece::Bare(text) => plain.extend(text),
            Piece::Quoted(text, is_closed) => {
                plain.extend(text);
                has_quotes = true;
                // The byte that finds the buffer full may well be the closing quote.
                behind = usize::from(is_closed);
            }
        }
        rest = after;
        let full = dialect.longest_token.filter(|most| plain.len() + behind > *most);
        if let Some(most) = full {
            plain.truncate(most);
            let quoted = bytes.first() == Some(&b'"');
            return Some(Scanned { length: bytes.len(), quoted, plain: None, too_long: Some(plain) });
        }
    }
    let length = bytes.len() - rest.len();
    if length == 0 {
        return None;
    }
    let quoted = bytes.first() == Some(&b'"');
    Some(Scanned { length, quoted, plain: has_quotes.then_some(plain), too_long: None })
}

enum Piece<'a> {
    Bare(&'a [u8]),
    /// Its text, and whether a quote ends it.
    Quoted(Vec<u8>, bool),
}

fn piece<'a>(input: &'a [u8], dialect: &Dialect) -> IResult<&'a [u8], Piece<'a>> {
    let ends = |byte: u8| dialect.is_blank(byte) || matches!(byte, b',' | b'#' | b'"');
    let bare = take_till1(ends).map(Piece::Bare);
    let quoted = (tag(&b"\""[..]), inside, opt(tag(&b"\""[..])));
    alt((bare, quoted.map(|(_, text, end)| Piece::Quoted(text, end.is_some())))).parse(input)
}

/// What stands between quotes; two of them make one.
fn inside(input: &[u8]) -> IResult<&[u8], Vec<u8>> {
    fn piece(input: &[u8]) -> IResult<&[u8], &[u8]> {
        alt((take_till1(|byte| byte == b'"'), value(&b"\""[..], tag(&b"\"\""[..])))).parse(input)
    }
    let mut plain = Vec::new();
    let mut rest = input;
    while let Ok((after, text)) = piece(rest) {
        plain.extend(text);
        rest = after;
    }
    Ok((rest, plain))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn shown(text: &str, major: Major) -> Vec<String> {
        let word = |token: &Token| {
            let quote = if token.quoted { "!" } else { "" };
            format!("{quote}{}", String::from_utf8_lossy(&token.text))
        };
        let field = |field: &Field| field.tokens.iter().map(word).collect::<Vec<_>>().join(",");
        let line = |line: Line| {
            let fields: Vec<String> = line.fields.iter().map(field).collect();
            format!("{}:{}", line.number, fields.join("|"))
        };
        lines(text.as_bytes(), &Dialect::of(major)).map(line).collect()
    }

    #[test]
    fn quotes_commas_and_comments() {
        let one = |text: &str| shown(text, Major::V16).join(" ");
        assert_eq!(one("local a, b ,c\tx"), "1:local|a,b|c|x");
        assert_eq!(one("a\"ll\" \"all\" \"a\"\"b\" \"x y#z\" \"\" z#c"), "1:all|!all|!a\"b|!x y#z|!|z");
        assert_eq!(one(",,a,,b,# no\n\"open to the end"), "1:a,b 2:!open to the end");
        assert_eq!(one("\"\"\"\""), "1:!\"");
    }

    #[test]
    fn joined_lines_count_as_their_first() {
        assert_eq!(shown("a \\\nb c\\\r\nd\ne\\", Major::V14), ["1:a|b|cd", "4:e"]);
        assert_eq!(shown("a\\\nb", Major::V13), ["1:a\\", "2:b"]);
        assert_eq!(shown("\\\n\\\nx", Major::V14), ["1:x"]);
        // A zero byte hides the line feed from 14 on, and the lines count as one.
        assert_eq!(shown("a\0b\nc\nd", Major::V14), ["1:ac", "2:d"]);
        assert_eq!(shown("a\0b\nc\nd", Major::V13), ["1:a", "2:c", "3:d"]);
    }

    #[test]
    fn lengths_have_limits_before_16() {
        let long = "a".repeat(256);
        let line = |major| lines(long.as_bytes(), &Dialect::of(major)).next().expect("a line");
        assert_eq!(line(Major::V10).fault, Some(Fault::TokenTooLong(vec![b'a'; 255])));
        assert!(line(Major::V10).refused && !line(Major::V9_6).refused);
        assert_eq!(line(Major::V11).fault, None);
        let comment = format!("#{} b\n", "x".repeat(8190));
        let faults: Vec<_> = lines(comment.as_bytes(), &Dialect::of(Major::V10)).map(|line| line.fault).collect();
        assert_eq!(faults, [Some(Fault::LineTooLong), None]);
    }

    proptest! {
        #[test]
        fn lines_put_end_to_end_are_the_file(
            bytes in proptest::collection::vec(prop_oneof![Just(b'"'), Just(b'\\'), Just(b'\n'), Just(b'\r'), Just(0),
                Just(b','), Just(b' '), Just(b'#'), any::<u8>()], 0..80),
            major in proptest::sample::select(Major::CHECKED.to_vec()),
        ) {
            let mut at = 0;
            for line in lines(&bytes, &Dialect::of(major)) {
                prop_assert_eq!(line.span.start, at);
                prop_assert!(line.span.end > at);
                at = line.span.end;
                let mut last = line.span.start;
                for token in line.fields.iter().flat_map(|field| &field.tokens) {
                    prop_assert!(last <= token.span.start && token.span.start <= token.span.end);
                    prop_assert!(token.span.end <= line.span.end);
                    last = token.span.end;
                }
            }
            prop_assert_eq!(at, bytes.len());
        }
    }
}
