//! What a condition is, and how it is written. build.rs reads those of the pages that come with the program.

use std::borrow::Cow;

use nom::branch::alt;
use nom::bytes::complete::{tag, take_till, take_while, take_while1};
use nom::character::complete::{char, satisfy};
use nom::combinator::{map, not, opt, peek, recognize};
use nom::multi::separated_list1;
use nom::sequence::{delimited, pair, preceded, terminated};
use nom::{IResult, Parser};

/// A condition.
#[derive(Clone, PartialEq, Debug)]
pub enum Condition {
    /// All hold.
    All(Cow<'static, [Condition]>),
    /// One holds.
    Any(Cow<'static, [Condition]>),
    /// None holds: what is behind a `not`.
    Neither(Cow<'static, [Condition]>),
    /// Two operands compare so.
    Compare(Operand, Comparison, Operand),
    /// An operand is one of several.
    In(Operand, Cow<'static, [Operand]>),
    /// A file sets the parameter.
    IsSet(Cow<'static, str>),
    /// A Boolean parameter is on.
    On(Cow<'static, str>),
}

/// How two operands compare.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Comparison {
    /// `=`
    Equal,
    /// `<>`
    Different,
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
}

/// What is compared.
#[derive(Clone, PartialEq, Debug)]
pub enum Operand {
    /// A parameter's effective value where the version knows the name, else the word itself.
    Word(Cow<'static, str>),
    /// A number with or without unit, or quoted text.
    Literal(Cow<'static, str>),
    /// A sum of terms, those with `true` taken off.
    Sum(Cow<'static, [(bool, Operand)]>),
    /// A product.
    Product(Cow<'static, [Operand]>),
}

/// Reads an expression.
///
/// # Errors
/// Where it cannot be read on.
pub fn parse(text: &str) -> Result<Condition, String> {
    match any(text) {
        Ok((rest, condition)) if rest.trim().is_empty() => Ok(condition),
        Ok((rest, _)) => Err(format!("cannot read `{}`", rest.trim())),
        Err(_) => Err(format!("cannot read `{text}`")),
    }
}

fn spaced<'a, O>(
    parser: impl Parser<&'a str, Output = O, Error = nom::error::Error<&'a str>>,
) -> impl Parser<&'a str, Output = O, Error = nom::error::Error<&'a str>> {
    preceded(take_while(char::is_whitespace), parser)
}

fn owned(text: &str) -> Cow<'static, str> {
    Cow::Owned(text.to_owned())
}

/// A word of the language: not the beginning of a longer name.
fn keyword<'a>(word: &'static str) -> impl Parser<&'a str, Output = &'a str, Error = nom::error::Error<&'a str>> {
    spaced(terminated(tag(word), peek(not(satisfy(is_word)))))
}

fn is_word(char: char) -> bool {
    char.is_ascii_alphanumeric() || char == '_'
}

fn any(input: &str) -> IResult<&str, Condition> {
    joined(input, all, |rest| keyword("or").parse(rest), |several| Condition::Any(several.into()))
}

fn all(input: &str) -> IResult<&str, Condition> {
    joined(input, negation, |rest| keyword("and").parse(rest), |several| Condition::All(several.into()))
}

/// One part, or several with words between them.
fn joined<'a, T>(
    input: &'a str,
    part: fn(&'a str) -> IResult<&'a str, T>,
    between: impl Fn(&'a str) -> IResult<&'a str, &'a str>,
    join: fn(Vec<T>) -> T,
) -> IResult<&'a str, T> {
    let (mut rest, first) = part(input)?;
    let mut more = Vec::new();
    while let Ok((next, part)) = between(rest).and_then(|(next, _)| part(next)) {
        more.push(part);
        rest = next;
    }
    if more.is_empty() {
        return Ok((rest, first));
    }
    more.insert(0, first);
    Ok((rest, join(more)))
}

fn negation(input: &str) -> IResult<&str, Condition> {
    let (rest, negated) = opt(keyword("not")).parse(input)?;
    let (rest, condition) =
        alt((is_set, comparison, delimited(spaced(char('(')), any, spaced(char(')'))))).parse(rest)?;
    Ok((rest, if negated.is_some() { Condition::Neither(vec![condition].into()) } else { condition }))
}

fn is_set(input: &str) -> IResult<&str, Condition> {
    let name = delimited(spaced(char('(')), spaced(name), spaced(char(')')));
    map(preceded(spaced(tag("set")), name), |name| Condition::IsSet(owned(name))).parse(input)
}

/// A comparison, or a name alone: a Boolean.
fn comparison(input: &str) -> IResult<&str, Condition> {
    let (rest, left) = sum(input)?;
    match (right(rest), left) {
        (Ok((rest, Right::In(several))), left) => Ok((rest, Condition::In(left, several.into()))),
        (Ok((rest, Right::Of(comparison, right))), left) => Ok((rest, Condition::Compare(left, comparison, right))),
        (Err(_), Operand::Word(name)) => Ok((rest, Condition::On(name))),
        (Err(error), _) => Err(error),
    }
}

/// What an operand is compared with.
enum Right {
    Of(Comparison, Operand),
    In(Vec<Operand>),
}

fn right(input: &str) -> IResult<&str, Right> {
    if let Ok((rest, _)) = keyword("in").parse(input) {
        let several = separated_list1(spaced(char(',')), sum);
        return map(delimited(spaced(char('(')), several, spaced(char(')'))), Right::In).parse(rest);
    }
    let operator = alt((
        map(tag("<="), |_| Comparison::LessOrEqual),
        map(tag(">="), |_| Comparison::GreaterOrEqual),
        map(tag("<>"), |_| Comparison::Different),
        map(tag("="), |_| Comparison::Equal),
        map(tag("<"), |_| Comparison::Less),
        map(tag(">"), |_| Comparison::Greater),
    ));
    map((spaced(operator), sum), |(comparison, right)| Right::Of(comparison, right)).parse(input)
}

fn sum(input: &str) -> IResult<&str, Operand> {
    let (mut rest, first) = product(input)?;
    let mut terms = Vec::new();
    let sign = |rest| spaced(alt((map(char('+'), |_| false), map(char('-'), |_| true)))).parse(rest);
    while let Ok((next, term)) = sign(rest).and_then(|(next, minus)| map(product, |term| (minus, term)).parse(next)) {
        terms.push(term);
        rest = next;
    }
    if terms.is_empty() {
        return Ok((rest, first));
    }
    terms.insert(0, (false, first));
    Ok((rest, Operand::Sum(terms.into())))
}

fn product(input: &str) -> IResult<&str, Operand> {
    joined(input, operand, |rest| spaced(tag("*")).parse(rest), |several| Operand::Product(several.into()))
}

fn operand(input: &str) -> IResult<&str, Operand> {
    let input = input.trim_start();
    let literal = |text: &str| Operand::Literal(owned(text));
    match input.as_bytes().first() {
        Some(b'\'') => map(delimited(char('\''), take_till(|char| char == '\''), char('\'')), literal).parse(input),
        Some(b'-' | b'0'..=b'9') => {
            let digits = take_while1(|char: char| char.is_ascii_digit());
            let rest = take_while(|char: char| char.is_ascii_alphanumeric() || char == '.');
            map(recognize((opt(char('-')), digits, rest)), literal).parse(input)
        }
        _ => map(name, |name| Operand::Word(owned(name))).parse(input),
    }
}

/// A parameter or a bare word such as `scram-sha-256`.
fn name(input: &str) -> IResult<&str, &str> {
    let mut word = recognize(pair(
        satisfy(|char| char.is_ascii_alphabetic() || char == '_'),
        take_while(|char: char| is_word(char) || char == '-' || char == '.'),
    ));
    let (rest, word) = word.parse(input)?;
    if matches!(word, "and" | "or" | "not" | "in") {
        return Err(nom::Err::Error(nom::error::Error::new(input, nom::error::ErrorKind::Tag)));
    }
    Ok((rest, word))
}
