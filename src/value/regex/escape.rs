//! What follows a backslash.

use super::lexer::Lexer;
use super::set;
use super::token::{Constraint, ESCAPE, Problem, Token};

/// The largest character that an escape may name.
const LAST_CHARACTER: u32 = 0x7fff_fffe;

impl Lexer<'_> {
    /// What follows a backslash, of which there is at least one byte.
    pub fn escape(&mut self) -> Result<Token, Problem> {
        let byte = self.take().ok_or(ESCAPE)?;
        let plain = |character: u8| Ok(Token::Plain(character.into()));
        let shorthand = |name: &[u8]| {
            let set = set::class(name).unwrap_or_default();
            Ok(Token::Shorthand(set, byte.is_ascii_uppercase()))
        };
        match byte {
            b'a' => plain(0x07),
            b'b' => plain(0x08),
            b'B' => plain(b'\\'),
            b'c' => Ok(Token::Plain(u32::from(self.take().ok_or(ESCAPE)?) & 0o37)),
            b'e' => plain(0x1b),
            b'f' => plain(0x0c),
            b'n' => plain(b'\n'),
            b'r' => plain(b'\r'),
            b't' => plain(b'\t'),
            b'v' => plain(0x0b),
            b'd' | b'D' => shorthand(b"digit"),
            b's' | b'S' => shorthand(b"space"),
            b'w' | b'W' => shorthand(b"word"),
            b'A' => Ok(Token::Constraint(Constraint::TextBegin)),
            b'Z' => Ok(Token::Constraint(Constraint::TextEnd)),
            b'm' => Ok(Token::Constraint(Constraint::WordBegin)),
            b'M' => Ok(Token::Constraint(Constraint::WordEnd)),
            b'y' => Ok(Token::Constraint(Constraint::WordBoundary)),
            b'Y' => Ok(Token::Constraint(Constraint::NoBoundary)),
            b'u' => self.character(4, 4),
            b'U' => self.character(8, 8),
            b'x' => self.character(1, 255),
            b'1'..=b'9' => {
                let second = self.at;
                self.at -= 1;
                let number = self.digits(10, 1, 255)?;
                let known = usize::try_from(number).is_ok_and(|number| number > 0 && number <= self.groups);
                // One digit is always a reference, more of them only where there are so many groups.
                if self.at == second || known && i32::try_from(number).is_ok() {
                    return Ok(Token::Back(number as usize));
                }
                self.at = second - 1;
                self.octal()
            }
            b'0' => {
                self.at -= 1;
                self.octal()
            }
            _ if byte.is_ascii_alphanumeric() => Err(ESCAPE),
            _ => plain(byte),
        }
    }

    fn octal(&mut self) -> Result<Token, Problem> {
        let mut character = self.digits(8, 1, 3)?;
        if character > 0xff {
            self.at -= 1;
            character >>= 3;
        }
        Ok(Token::Plain(character))
    }

    fn character(&mut self, least: usize, most: usize) -> Result<Token, Problem> {
        let character = self.digits(16, least, most)?;
        if character > LAST_CHARACTER { Err(ESCAPE) } else { Ok(Token::Plain(character)) }
    }

    /// A number of that many digits. It wraps at 32 bits, as the server's does.
    fn digits(&mut self, base: u32, least: usize, most: usize) -> Result<u32, Problem> {
        let mut number: u32 = 0;
        let mut count = 0;
        while count < most
            && let Some(digit) = self.bytes.get(self.at).and_then(|byte| char::from(*byte).to_digit(base))
        {
            number = number.wrapping_mul(base).wrapping_add(digit);
            self.at += 1;
            count += 1;
        }
        if count < least { Err(ESCAPE) } else { Ok(number) }
    }
}
