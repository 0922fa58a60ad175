//! What a condition is, and how it is written. build.rs reads those of the pages that come with the program.

use std::borrow::Cow;

use nom::branch::alt;
use nom::bytes::complete::{tag, take_till, take_while, take_while1};
use nom::character::complete::{char, satisfy};
use nom::combinator::{map, not, opt, peek, recognize};
use nom::multi::{many0, separated_list1};
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

fn owned(text: &str) -> Cow<'static, str> {
    Cow::Owned(text.to_owned())
}

fn spaced<'a, O>(
    parser: impl Parser<&'a str, Output = O, Error = nom::error::Error<&'a str>>,
) -> impl Parser<&'a str, Output = O, Error = nom::error::Error<&'a str>> {
    preceded(take_while(char::is_whitespace), parser)
}

/// A word of the language: not the beginning of a longer name.
fn keyword<'a>(word: &'static str) -> impl Parser<&'a str, Output = &'a str, Error = nom::error::Error<&'a str>> {
    spaced(terminated(tag(word), peek(not(satisfy(is_word)))))
}

fn is_word(char: char) -> bool {
    char.is_ascii_alphanumeric() || char == '_'
}

fn any(input: &str) -> IResult<&str, Condition> {
    map(separated_list1(keyword("or"), all), |several| one_or(several, |several| Condition::Any(several.into())))
        .parse(input)
}

fn all(input: &str) -> IResult<&str, Condition> {
    map(separated_list1(keyword("and"), negation), |several| one_or(several, |several| Condition::All(several.into())))
        .parse(input)
}

fn one_or(mut several: Vec<Condition>, join: fn(Vec<Condition>) -> Condition) -> Condition {
    match several.len() {
        1 => several.remove(0),
        _ => join(several),
    }
}

fn negation(input: &str) -> IResult<&str, Condition> {
    let (rest, negated) = opt(keyword("not")).parse(input)?;
    let (rest, condition) =
        alt((is_set, comparison, delimited(spaced(char('(')), any, spaced(char(')'))), flag)).parse(rest)?;
    Ok((rest, if negated.is_some() { Condition::Neither(vec![condition].into()) } else { condition }))
}

fn is_set(input: &str) -> IResult<&str, Condition> {
    let name = delimited(spaced(char('(')), spaced(name), spaced(char(')')));
    map(preceded(spaced(tag("set")), name), |name| Condition::IsSet(owned(name))).parse(input)
}

fn flag(input: &str) -> IResult<&str, Condition> {
    map(spaced(name), |name| Condition::On(owned(name))).parse(input)
}

fn comparison(input: &str) -> IResult<&str, Condition> {
    let (rest, left) = sum(input)?;
    if let Ok((rest, _)) = keyword("in").parse(rest) {
        let several = separated_list1(spaced(char(',')), sum);
        let (rest, several) = delimited(spaced(char('(')), several, spaced(char(')'))).parse(rest)?;
        return Ok((rest, Condition::In(left, several.into())));
    }
    let operator = alt((
        map(tag("<="), |_| Comparison::LessOrEqual),
        map(tag(">="), |_| Comparison::GreaterOrEqual),
        map(tag("<>"), |_| Comparison::Different),
        map(tag("="), |_| Comparison::Equal),
        map(tag("<"), |_| Comparison::Less),
        map(tag(">"), |_| Comparison::Greater),
    ));
    let (rest, comparison) = spaced(operator).parse(rest)?;
    let (rest, right) = sum(rest)?;
    Ok((rest, Condition::Compare(left, comparison, right)))
}

fn sum(input: &str) -> IResult<&str, Operand> {
    let sign = spaced(alt((map(char('+'), |_| false), map(char('-'), |_| true))));
    let (rest, (first, more)) = pair(product, many0(pair(sign, product))).parse(input)?;
    if more.is_empty() {
        return Ok((rest, first));
    }
    Ok((rest, Operand::Sum(std::iter::once((false, first)).chain(more).collect())))
}

fn product(input: &str) -> IResult<&str, Operand> {
    let (rest, (first, more)) = pair(operand, many0(preceded(spaced(char('*')), operand))).parse(input)?;
    if more.is_empty() {
        return Ok((rest, first));
    }
    Ok((rest, Operand::Product(std::iter::once(first).chain(more).collect())))
}

fn operand(input: &str) -> IResult<&str, Operand> {
    let quoted = delimited(char('\''), take_till(|char| char == '\''), char('\''));
    let number = recognize((
        opt(char('-')),
        take_while1(|char: char| char.is_ascii_digit()),
        take_while(|char: char| char.is_ascii_alphanumeric() || char == '.'),
    ));
    spaced(alt((
        map(quoted, |text: &str| Operand::Literal(owned(text))),
        map(number, |text: &str| Operand::Literal(owned(text))),
        map(name, |name: &str| Operand::Word(owned(name))),
    )))
    .parse(input)
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
