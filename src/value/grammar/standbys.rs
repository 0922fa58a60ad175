//! The names of synchronous standbys: their scanner and their grammar.

use super::refused;
use crate::value::refusal::{Read, Refusal};

/// How much of the grammar a major knows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Syntax {
    /// 9.6: a list, or `N (list)`.
    Count,
    /// 10 and later: also `FIRST N (list)` and `ANY N (list)`.
    Method,
}

/// The standbys that commits wait for.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Standbys {
    /// Whether any of them will do, and not the first that are listed.
    pub any: bool,
    /// How many have to confirm.
    pub count: usize,
    /// Their names, as they are compared: without regard to case. `*` is everybody.
    pub names: Vec<Vec<u8>>,
}

/// Reads the names; an empty text is no standby.
pub fn read(syntax: Syntax, text: &[u8]) -> Read {
    if text.is_empty() {
        return Ok(Vec::new());
    }
    parsed(syntax, text).map(|_| text.to_vec())
}

/// Who is waited for; nobody where the text is empty or refused.
pub fn standbys(syntax: Syntax, text: &[u8]) -> Standbys {
    if text.is_empty() { Standbys::default() } else { parsed(syntax, text).unwrap_or_default() }
}

fn parsed(syntax: Syntax, text: &[u8]) -> Result<Standbys, Refusal> {
    let mut parser = Parser { syntax, rest: text, token: Token::End, shown: b"", word: Vec::new(), names: Vec::new() };
    parser.advance()?;
    let any = parser.token == Token::Method && parser.shown.eq_ignore_ascii_case(b"any");
    match parser.config()? {
        Some(count) if count <= 0 => Err(Refusal {
            message: Some(format!("number of synchronous standbys ({count}) must be greater than zero")),
            ..Refusal::default()
        }),
        count => Ok(Standbys { any, count: count.unwrap_or(1) as usize, names: parser.names }),
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Token {
    Name,
    /// A number, as C's atoi has it.
    Number(i32),
    Method,
    Open,
    Close,
    Comma,
    Junk,
    End,
}

struct Parser<'a> {
    syntax: Syntax,
    rest: &'a [u8],
    token: Token,
    /// What the server calls the token when it does not fit.
    shown: &'a [u8],
    /// The name that the token is.
    word: Vec<u8>,
    /// The names so far.
    names: Vec<Vec<u8>>,
}

impl<'a> Parser<'a> {
    /// The number of standbys to wait for, where one is given.
    fn config(&mut self) -> Result<Option<i32>, Refusal> {
        let method = self.token == Token::Method;
        if method {
            self.advance()?;
        }
        let first = self.word.clone();
        let Token::Number(count) = self.token else {
            return match method {
                true => Err(self.unexpected()),
                false => self.list(Token::End).map(|()| None),
            };
        };
        self.advance()?;
        if self.token == Token::Open {
            self.advance()?;
            self.list(Token::Close)?;
            self.advance()?;
            return match self.token {
                Token::End => Ok(Some(count)),
                _ => Err(self.unexpected()),
            };
        }
        match (method, self.token) {
            (true, _) => Err(self.unexpected()),
            (false, Token::Comma) => {
                self.names.push(first);
                self.advance()?;
                self.list(Token::End).map(|()| None)
            }
            (false, Token::End) => {
                self.names.push(first);
                Ok(None)
            }
            (false, _) => Err(self.unexpected()),
        }
    }

    fn list(&mut self, end: Token) -> Result<(), Refusal> {
        loop {
            if !matches!(self.token, Token::Name | Token::Number(_)) {
                return Err(self.unexpected());
            }
            self.names.push(std::mem::take(&mut self.word));
            self.advance()?;
            match self.token {
                token if token == end => return Ok(()),
                Token::Comma => self.advance()?,
                _ => return Err(self.unexpected()),
            }
        }
    }

    fn unexpected(&self) -> Refusal {
        refused(match self.token {
            Token::End => "syntax error at end of input".to_owned(),
            _ => {
                format!("syntax error at or near \"{}\"", String::from_utf8_lossy(self.shown))
            }
        })
    }

    fn advance(&mut self) -> Result<(), Refusal> {
        let blank = |byte: &u8| !matches!(byte, b' ' | 0x09..=0x0d);
        let start = self.rest.iter().position(blank).unwrap_or(self.rest.len());
        let text = &self.rest[start..];
        let Some(&first) = text.first() else {
            (self.token, self.rest, self.shown) = (Token::End, text, text);
            return Ok(());
        };
        let (token, length) = match first {
            b'"' => return self.quoted(text),
            b'0'..=b'9' => {
                let digits = |byte: &u8| !byte.is_ascii_digit();
                let length = text.iter().position(digits).unwrap_or(text.len());
                (Token::Number(wrapping_number(&text[..length])), length)
            }
            b'*' => (Token::Name, 1),
            b',' => (Token::Comma, 1),
            b'(' => (Token::Open, 1),
            b')' => (Token::Close, 1),
            _ if starts_name(first) => {
                let inside = |byte: &u8| !(starts_name(*byte) || byte.is_ascii_digit() || *byte == b'$');
                let length = text.iter().position(inside).unwrap_or(text.len());
                (self.name(&text[..length]), length)
            }
            _ => (Token::Junk, 1),
        };
        (self.shown, self.rest) = text.split_at(length);
        self.word = self.shown.to_vec();
        self.token = token;
        Ok(())
    }

    fn name(&self, text: &[u8]) -> Token {
        let method = text.eq_ignore_ascii_case(b"any") || text.eq_ignore_ascii_case(b"first");
        match self.syntax {
            Syntax::Method if method => Token::Method,
            _ => Token::Name,
        }
    }

    fn quoted(&mut self, text: &'a [u8]) -> Result<(), Refusal> {
        let mut at = 1;
        loop {
            match memchr::memchr(b'"', &text[at..]) {
                None => {
                    return Err(refused("unterminated quoted identifier at end of input".to_owned()));
                }
                Some(end) if text.get(at + end + 1) == Some(&b'"') => at += end + 2,
                Some(end) => {
                    // The scanner's last match is the closing quote.
                    (self.shown, self.rest) = text[at + end..].split_at(1);
                    self.word = undoubled(&text[1..at + end]);
                    self.token = Token::Name;
                    return Ok(());
                }
            }
        }
    }
}

/// The text with each two quotes made one.
fn undoubled(text: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(text.len());
    let mut rest = text.iter();
    while let Some(byte) = rest.next() {
        plain.push(*byte);
        if *byte == b'"' {
            rest.next();
        }
    }
    plain
}

fn starts_name(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || byte == b'_' || byte >= 0x80
}

/// C's atoi on a machine of 64 bits: beyond 64 bits it is the lowest 32 of the greatest number.
fn wrapping_number(digits: &[u8]) -> i32 {
    let mut number: i64 = 0;
    for byte in digits {
        let digit = i64::from(byte - b'0');
        match number.checked_mul(10).and_then(|number| number.checked_add(digit)) {
            Some(next) => number = next,
            None => return -1,
        }
    }
    number as i32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn detail(syntax: Syntax, text: &str) -> Option<String> {
        read(syntax, text.as_bytes()).err().map(|refusal| refusal.detail.or(refusal.message).unwrap_or_default())
    }

    #[test]
    fn says_what_the_server_says() {
        let check = |text, expected: Option<&str>| {
            assert_eq!(detail(Syntax::Method, text).as_deref(), expected, "{text}");
        };
        check("ANY 2 (a, \"b c\", *)", None);
        check("1,2", None);
        check("s-1", Some("syntax error at or near \"-\""));
        check("a \"b\"", Some("syntax error at or near \"\"\""));
        check("first", Some("syntax error at end of input"));
        check("0 (a)", Some("number of synchronous standbys (0) must be greater than zero"));
        assert_eq!(detail(Syntax::Count, "first"), None);
    }

    #[test]
    fn names_are_those_that_are_compared() {
        let names = |text: &str| -> (bool, usize, Vec<String>) {
            let Standbys { any, count, names } = standbys(Syntax::Method, text.as_bytes());
            (any, count, names.into_iter().map(|name| String::from_utf8(name).unwrap()).collect())
        };
        let owned = |names: &[&str]| names.iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(names("ANY 2 (a, \"b \"\"c\", *)"), (true, 2, owned(&["a", "b \"c", "*"])));
        assert_eq!(names("1,2"), (false, 1, owned(&["1", "2"])));
        assert_eq!(names("3 (s1)"), (false, 3, owned(&["s1"])));
        assert_eq!(names("s1"), (false, 1, owned(&["s1"])));
        assert_eq!(names(""), (false, 0, Vec::new()));
    }
}
