//! From bytes to the tokens of a regular expression: what a byte means depends on where it stands, on the
//! options at the start, and on the token before it.

use crate::version::Major;

use super::token::{BRACES, BRACKETS, COUNT, Constraint, ESCAPE, OPERAND, OPTION, Problem, Quantifier, Token, VERSION};

#[derive(Clone, Copy, PartialEq, Eq)]
enum Context {
    Extended,
    Basic,
    Quoted,
    Bound,
    Bracket,
    /// Inside `[.`, `[=` or `[:`, which that byte closes.
    Name(u8),
}

/// What the options at the start of the expression ask for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Flags {
    /// Not the basic syntax of `(?b)`.
    pub extended: bool,
    /// Escapes, `(?:` and non-greedy quantifiers are known.
    pub advanced: bool,
    quoted: bool,
    pub ignore_case: bool,
    expanded: bool,
    /// A line feed ends the reach of `.` and `[^`.
    pub newline_stops: bool,
    /// `^` and `$` hold at each line.
    newline_anchors: bool,
}

pub struct Lexer<'a> {
    pub bytes: &'a [u8],
    pub at: usize,
    context: Context,
    pub major: Major,
    pub flags: Flags,
    /// The token that the parser looks at.
    pub token: Token,
    /// The token before it.
    last: Token,
    pending: Option<Token>,
    /// How many capturing groups were opened so far.
    pub groups: usize,
}

impl<'a> Lexer<'a> {
    /// Reads options and the first token.
    pub fn new(bytes: &'a [u8], major: Major) -> Result<Lexer<'a>, Problem> {
        let flags = Flags {
            extended: true,
            advanced: true,
            quoted: false,
            ignore_case: false,
            expanded: false,
            newline_stops: false,
            newline_anchors: false,
        };
        let mut lexer = Lexer {
            bytes,
            at: 0,
            context: Context::Extended,
            major,
            flags,
            token: Token::Start,
            last: Token::Start,
            pending: None,
            groups: 0,
        };
        if !lexer.director()? {
            lexer.options()?;
        }
        lexer.context = lexer.outside();
        lexer.advance()?;
        Ok(lexer)
    }

    /// `***=` and `***:`; true where the rest is a literal string.
    fn director(&mut self) -> Result<bool, Problem> {
        // Fewer than four bytes are an expression like any other: a quantifier without an operand.
        let [b'*', b'*', b'*', kind, ..] = self.bytes else { return Ok(false) };
        self.at = 4;
        match kind {
            b'?' => Err(VERSION),
            b':' => Ok(false),
            b'=' => {
                self.flags = Flags { extended: false, advanced: false, quoted: true, ..self.flags };
                Ok(true)
            }
            _ => Err(OPERAND),
        }
    }

    /// `(?i)` and the like.
    fn options(&mut self) -> Result<(), Problem> {
        let [b'(', b'?', letter, ..] = &self.bytes[self.at..] else { return Ok(()) };
        if !letter.is_ascii_alphabetic() {
            return Ok(());
        }
        self.at += 2;
        let flags = &mut self.flags;
        while let Some(letter) = self.bytes.get(self.at).filter(|byte| byte.is_ascii_alphabetic()) {
            match letter {
                b'b' => (flags.extended, flags.advanced, flags.quoted) = (false, false, false),
                b'c' => flags.ignore_case = false,
                b'e' => (flags.extended, flags.advanced, flags.quoted) = (true, false, false),
                b'i' => flags.ignore_case = true,
                b'm' | b'n' => (flags.newline_stops, flags.newline_anchors) = (true, true),
                b'p' => (flags.newline_stops, flags.newline_anchors) = (true, false),
                b'q' => (flags.extended, flags.advanced, flags.quoted) = (false, false, true),
                b's' => (flags.newline_stops, flags.newline_anchors) = (false, false),
                b't' => flags.expanded = false,
                b'w' => (flags.newline_stops, flags.newline_anchors) = (false, true),
                b'x' => flags.expanded = true,
                _ => return Err(OPTION),
            }
            self.at += 1;
        }
        if self.bytes.get(self.at) != Some(&b')') {
            return Err(OPTION);
        }
        self.at += 1;
        if flags.quoted {
            (flags.expanded, flags.newline_stops, flags.newline_anchors) = (false, false, false);
        }
        Ok(())
    }

    fn outside(&self) -> Context {
        match self.flags {
            Flags { quoted: true, .. } => Context::Quoted,
            Flags { extended: true, .. } => Context::Extended,
            _ => Context::Basic,
        }
    }

    /// Reads the next token.
    pub fn advance(&mut self) -> Result<(), Problem> {
        self.last = self.token;
        self.token = match self.pending.take() {
            Some(token) => token,
            None => self.lex()?,
        };
        Ok(())
    }

    fn lex(&mut self) -> Result<Token, Problem> {
        if self.flags.expanded && matches!(self.context, Context::Extended | Context::Basic | Context::Bound) {
            self.skip();
        }
        let Some(&byte) = self.bytes.get(self.at) else {
            return match self.context {
                Context::Extended | Context::Basic | Context::Quoted => Ok(Token::End),
                Context::Bound => Err(BRACES),
                Context::Bracket | Context::Name(_) => Err(BRACKETS),
            };
        };
        self.at += 1;
        match self.context {
            Context::Quoted => Ok(Token::Plain(byte.into())),
            Context::Extended => self.extended(byte),
            Context::Basic => self.basic(byte),
            Context::Bound => self.bound(byte),
            Context::Bracket => self.bracket(byte),
            Context::Name(end) if byte == end && self.bytes.get(self.at) == Some(&b']') => {
                self.at += 1;
                self.context = Context::Bracket;
                Ok(Token::CloseName)
            }
            Context::Name(_) => Ok(Token::Plain(byte.into())),
        }
    }

    /// Blanks and comments of the expanded syntax.
    fn skip(&mut self) {
        while let Some(&byte) = self.bytes.get(self.at) {
            match byte {
                b' ' | b'\t'..=b'\r' => self.at += 1,
                b'#' => self.at += self.bytes[self.at..].iter().take_while(|byte| **byte != b'\n').count(),
                _ => return,
            }
        }
    }

    fn eat(&mut self, text: &[u8]) -> bool {
        let found = self.bytes[self.at..].starts_with(text);
        self.at += if found { text.len() } else { 0 };
        found
    }

    pub fn take(&mut self) -> Option<u8> {
        let byte = self.bytes.get(self.at).copied();
        self.at += usize::from(byte.is_some());
        byte
    }

    fn extended(&mut self, byte: u8) -> Result<Token, Problem> {
        Ok(match byte {
            b'|' => Token::Bar,
            b'*' => self.quantifier(Quantifier::Star),
            b'+' => self.quantifier(Quantifier::Plus),
            b'?' => self.quantifier(Quantifier::Question),
            b'{' => {
                if self.flags.expanded {
                    self.skip();
                }
                if !self.bytes.get(self.at).is_some_and(u8::is_ascii_digit) {
                    return Ok(Token::Plain(byte.into()));
                }
                self.context = Context::Bound;
                Token::OpenBound
            }
            b'(' if self.flags.advanced && self.eat(b"?") => return self.special_group(),
            b'(' => Token::Open(true),
            b')' => Token::Close,
            b'[' => self.open_bracket(),
            b'.' => Token::Dot,
            b'^' => Token::Constraint(self.line_begin()),
            b'$' => Token::Constraint(self.line_end()),
            b'\\' if self.at == self.bytes.len() => return Err(ESCAPE),
            b'\\' if self.flags.advanced => return self.escape(),
            b'\\' => Token::Plain(self.take().unwrap_or_default().into()),
            _ => Token::Plain(byte.into()),
        })
    }

    fn quantifier(&mut self, quantifier: Quantifier) -> Token {
        let lazy = self.flags.advanced && self.eat(b"?");
        Token::Quantifier(quantifier, !lazy)
    }

    fn line_begin(&self) -> Constraint {
        if self.flags.newline_anchors { Constraint::LineBegin } else { Constraint::TextBegin }
    }

    fn line_end(&self) -> Constraint {
        if self.flags.newline_anchors { Constraint::LineEnd } else { Constraint::TextEnd }
    }

    /// What follows `(?`.
    fn special_group(&mut self) -> Result<Token, Problem> {
        match self.take() {
            Some(b':') => Ok(Token::Open(false)),
            Some(b'#') => {
                self.at += self.bytes[self.at..].iter().take_while(|byte| **byte != b')').count();
                self.take();
                // A comment is no token: what was before it is still the last one.
                self.lex_after_comment()
            }
            Some(b'=') => Ok(Token::LookAround { behind: false, negative: false }),
            Some(b'!') => Ok(Token::LookAround { behind: false, negative: true }),
            Some(b'<') if self.eat(b"=") => Ok(Token::LookAround { behind: true, negative: false }),
            Some(b'<') if self.eat(b"!") => Ok(Token::LookAround { behind: true, negative: true }),
            _ => Err(OPERAND),
        }
    }

    fn lex_after_comment(&mut self) -> Result<Token, Problem> {
        // Many comments in a row are skipped here, so that the stack stays small.
        loop {
            if self.flags.expanded {
                self.skip();
            }
            if !self.eat(b"(?#") {
                return self.lex();
            }
            self.at += self.bytes[self.at..].iter().take_while(|byte| **byte != b')').count();
            self.take();
        }
    }

    fn open_bracket(&mut self) -> Token {
        if self.eat(b"[:<:]]") {
            return Token::Constraint(Constraint::WordBegin);
        }
        if self.eat(b"[:>:]]") {
            return Token::Constraint(Constraint::WordEnd);
        }
        self.context = Context::Bracket;
        Token::OpenBracket(!self.eat(b"^"))
    }

    fn basic(&mut self, byte: u8) -> Result<Token, Problem> {
        let first = self.last == Token::Start || matches!(self.last, Token::Open(_));
        let after_begin = self.last == Token::Constraint(self.line_begin());
        Ok(match byte {
            b'*' if !first && !after_begin => Token::Quantifier(Quantifier::Star, true),
            b'[' => self.open_bracket(),
            b'.' => Token::Dot,
            b'^' if first => Token::Constraint(self.line_begin()),
            b'$' => {
                if self.flags.expanded {
                    self.skip();
                }
                let rest = &self.bytes[self.at..];
                if rest.is_empty() || rest.starts_with(br"\)") {
                    Token::Constraint(self.line_end())
                } else {
                    Token::Plain(byte.into())
                }
            }
            b'\\' => match self.take() {
                None => return Err(ESCAPE),
                Some(b'{') => {
                    self.context = Context::Bound;
                    Token::OpenBound
                }
                Some(b'(') => Token::Open(true),
                Some(b')') => Token::Close,
                Some(b'<') => Token::Constraint(Constraint::WordBegin),
                Some(b'>') => Token::Constraint(Constraint::WordEnd),
                Some(digit @ b'1'..=b'9') => Token::Back(usize::from(digit - b'0')),
                Some(other) => Token::Plain(other.into()),
            },
            _ => Token::Plain(byte.into()),
        })
    }

    fn bound(&mut self, byte: u8) -> Result<Token, Problem> {
        match byte {
            b'0'..=b'9' => Ok(Token::Digit(u32::from(byte - b'0'))),
            b',' => Ok(Token::Comma),
            b'}' if self.flags.extended => {
                self.context = Context::Extended;
                let lazy = self.flags.advanced && self.eat(b"?");
                Ok(Token::CloseBound(!lazy))
            }
            b'\\' if !self.flags.extended && self.eat(b"}") => {
                self.context = Context::Basic;
                Ok(Token::CloseBound(true))
            }
            _ => Err(COUNT),
        }
    }

    fn bracket(&mut self, byte: u8) -> Result<Token, Problem> {
        let first = matches!(self.last, Token::OpenBracket(_));
        match byte {
            b']' if !first => {
                self.context = self.outside();
                Ok(Token::CloseBracket)
            }
            b'\\' if self.flags.advanced => {
                if self.at == self.bytes.len() {
                    return Err(ESCAPE);
                }
                match self.escape()? {
                    Token::Plain(character) => Ok(Token::Plain(character)),
                    // Up to 13, \w in brackets is read as `[:alnum:]_`, and the large letters are not allowed.
                    Token::Shorthand(_, true) if self.major < Major::V14 => Err(ESCAPE),
                    Token::Shorthand(set, false) if self.major < Major::V14 && set.contains(b'_') => {
                        self.pending = Some(Token::Plain(b'_'.into()));
                        Ok(Token::Shorthand(set, false))
                    }
                    Token::Shorthand(set, complement) => Ok(Token::Shorthand(set, complement)),
                    _ => Err(ESCAPE),
                }
            }
            b'-' if !first && self.bytes.get(self.at) != Some(&b']') => Ok(Token::Range),
            b'[' => match self.take() {
                None => Err(BRACKETS),
                Some(end @ (b'.' | b'=' | b':')) => {
                    self.context = Context::Name(end);
                    Ok(match end {
                        b'.' => Token::OpenCollating,
                        b'=' => Token::OpenEquivalence,
                        _ => Token::OpenClass,
                    })
                }
                Some(_) => {
                    self.at -= 1;
                    Ok(Token::Plain(byte.into()))
                }
            },
            _ => Ok(Token::Plain(byte.into())),
        }
    }
}
