//! Values as the server reads them, with its own message and hint where it refuses one.

pub mod grammar;
pub mod number;
mod refusal;
pub mod regex;

pub use grammar::{Context, Grammar};
pub use number::Unit;
pub use refusal::{Read, Refusal};

/// A value that the server takes.
#[derive(Clone, PartialEq, Debug)]
pub enum Value {
    /// on or off
    Bool(bool),
    /// The word as SHOW prints it.
    Word(&'static str),
    /// A whole number in the parameter's unit.
    Integer(i64),
    /// A number in the parameter's unit.
    Real(f64),
    /// Text as SHOW prints it.
    Text(Vec<u8>),
}

impl Value {
    /// The value as `postgres -C` prints it: numbers in the parameter's own unit.
    pub fn plain(&self) -> Vec<u8> {
        match self {
            Value::Bool(true) => b"on".to_vec(),
            Value::Bool(false) => b"off".to_vec(),
            Value::Word(word) => word.as_bytes().to_vec(),
            Value::Integer(value) => value.to_string().into_bytes(),
            Value::Real(value) => number::general(*value).into_bytes(),
            Value::Text(text) => text.clone(),
        }
    }
}

/// A Boolean: on, off, 1, 0, and prefixes of true, false, yes, no, without regard to case.
pub fn boolean(text: &[u8]) -> Option<bool> {
    let begins = |word: &str| {
        !text.is_empty() && text.len() <= word.len() && word.as_bytes()[..text.len()].eq_ignore_ascii_case(text)
    };
    match text {
        b"1" => Some(true),
        b"0" => Some(false),
        // A lone `o` could be either.
        _ if begins("true") || begins("yes") || text.eq_ignore_ascii_case(b"on") => Some(true),
        _ if begins("false") || begins("no") || text.len() > 1 && begins("off") => Some(false),
        _ => None,
    }
}
