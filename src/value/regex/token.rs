//! The tokens of a regular expression, and the server's words for what is wrong with one.

use super::set::ByteSet;

/// The server's text for what is wrong.
pub type Problem = &'static str;

pub const PARENTHESES: Problem = "parentheses () not balanced";
pub const BRACKETS: Problem = "brackets [] not balanced";
pub const BRACES: Problem = "braces {} not balanced";
pub const COUNT: Problem = "invalid repetition count(s)";
pub const RANGE: Problem = "invalid character range";
pub const OPERAND: Problem = "quantifier operand invalid";
pub const ESCAPE: Problem = r"invalid escape \ sequence";
pub const CLASS: Problem = "invalid character class";
pub const COLLATING: Problem = "invalid collating element";
pub const BACK_REFERENCE: Problem = "invalid backreference number";
pub const OPTION: Problem = "invalid embedded option";
pub const COMPLEX: Problem = "regular expression is too complex";
pub const VERSION: Problem = "invalid regexp (reg version 0.8)";

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Quantifier {
    Star,
    Plus,
    Question,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Constraint {
    TextBegin,
    TextEnd,
    LineBegin,
    LineEnd,
    WordBegin,
    WordEnd,
    WordBoundary,
    NoBoundary,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Token {
    /// Before the first one.
    Start,
    End,
    Plain(u32),
    Bar,
    Quantifier(Quantifier, bool),
    OpenBound,
    Digit(u32),
    Comma,
    /// Whether the bound is greedy.
    CloseBound(bool),
    /// Whether it captures.
    Open(bool),
    Close,
    LookAround {
        behind: bool,
        negative: bool,
    },
    /// Whether the bytes in the brackets are meant, rather than all others.
    OpenBracket(bool),
    CloseBracket,
    Range,
    OpenCollating,
    OpenEquivalence,
    OpenClass,
    /// `.]`, `=]` or `:]`
    CloseName,
    /// `\d` and the like, and whether it is the large letter.
    Shorthand(ByteSet, bool),
    Dot,
    Constraint(Constraint),
    Back(usize),
}
