//! Settings with a grammar of their own, which servers check when they read the file. Which
//! parameter has which grammar is data: `rules/catalog/grammar.tsv`.

mod c;
mod datestyle;
pub mod list;
pub mod standbys;
mod text;
pub mod timestamp;
mod zone;

pub use self::c::unsigned;
pub use self::list::{identifiers, refuse_slot_name};
use self::standbys::Syntax;
pub use self::text::read_position;
use super::refusal::{Read, Refusal};
use crate::version::Major;

/// What a server checks of a value beyond its type and range, or changes in it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Grammar {
    /// A list of identifiers.
    Identifiers,
    /// A list of these words.
    Keywords(&'static str),
    /// A list of these words, of which only the syntax is checked when the file is read.
    KeywordsLater(&'static str),
    /// A list of these options.
    Options(&'static str),
    /// A list of options, or one word of a Boolean: `options | words`.
    OptionsOrSwitch(&'static str),
    /// Log levels for process types: `levels | process types`.
    Levels(&'static str),
    /// A date style; how refusals write the name.
    DateStyle(&'static str),
    /// A time zone of a session.
    SessionZone,
    /// A time zone by name or rules.
    Zone,
    /// A set of time zone abbreviations.
    Abbreviations,
    /// Synchronous standbys.
    Standbys(Syntax),
    /// One of these words, and the DETAIL of a refusal.
    Words(&'static str, Option<&'static str>),
    /// One of these names; names are cut to 63 bytes.
    Named(&'static str),
    /// A name, but none that a file may set.
    Never,
    /// A replication slot, or none.
    Slot,
    /// A list of replication slots.
    Slots,
    /// A WAL position, or none.
    Position,
    /// The name of a restore point.
    RestorePoint,
    /// A transaction number.
    Transaction,
    /// A timeline.
    Timeline,
    /// A timestamp.
    Timestamp,
    /// A character encoding.
    Encoding,
    /// A locale; whether it may be empty.
    Locale(bool),
    /// A name in printable ASCII.
    Title,
    /// A name that is cut to 63 bytes; whether it may be empty.
    Name(bool),
    /// A list of functions.
    Functions,
    /// A path.
    Path,
    /// An integer that `SHOW` prints in octal.
    Octal,
    /// Read, checked against these words if there are any, and of no effect: always shown so.
    Ignored(&'static str, &'static str),
    /// An integer: raised to this, but for the exception.
    AtLeast(i64, Option<i64>),
    /// An integer: a multiple of this.
    Multiple(i64),
    /// An integer: 0, or in this range of kilobytes.
    ZeroOr(i64, i64),
    /// An integer: at most this, on the machine of the recording.
    StackDepth(i64),
    /// An integer other than 0.
    NotZero,
    /// A Boolean that may only have this value, and the message of a refusal; whether the build
    /// decides.
    Only(bool, &'static str, bool),
    /// An integer that adds up to at most this with a constant and other parameters.
    Sum(i64, i64, &'static str),
    /// A Boolean that may not be on together with one of these, and the DETAIL of a refusal.
    Excludes(&'static str, &'static str),
}

/// What a value is judged in.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    /// The major version of the server.
    pub major: Major,
    /// The parameter's canonical name.
    pub name: &'a str,
    /// The name as messages write it.
    pub spelled: &'a str,
    /// The set of time zone abbreviations that an earlier line of the file has named; empty: none,
    /// and abbreviations are unknown so far.
    pub abbreviations: &'a [u8],
    /// The date style in force, as shown: the default or what an earlier line has set.
    pub date_style: &'a [u8],
    /// The session's time zone in force, as written: GMT or what an earlier line has set.
    pub time_zone: &'a [u8],
    /// The value in force of another parameter, Booleans as 0 and 1: its default or what an
    /// earlier line has set.
    pub earlier: &'a dyn Fn(&str) -> i64,
}

impl<'a> Context<'a> {
    /// A context in which nothing else has been set.
    pub fn new(major: Major, name: &'a str) -> Context<'a> {
        Context {
            major,
            name,
            spelled: name,
            abbreviations: b"",
            date_style: b"ISO, MDY",
            time_zone: b"GMT",
            earlier: &|_| 0,
        }
    }
}

impl Grammar {
    /// The grammar that the table calls by a word; `None`: there is none of that name, or the
    /// argument does not fit it.
    pub fn from_word(word: &str, argument: &'static str) -> Option<Grammar> {
        let pair = || argument.split_once(';').unwrap_or((argument, ""));
        Some(match word {
            "identifiers" => Grammar::Identifiers,
            "keywords" => Grammar::Keywords(argument),
            "keywords-later" => Grammar::KeywordsLater(argument),
            "options" => Grammar::Options(argument),
            "options-or-switch" => Grammar::OptionsOrSwitch(argument),
            "levels" => Grammar::Levels(argument),
            "datestyle" => Grammar::DateStyle(argument),
            "session-zone" => Grammar::SessionZone,
            "zone" => Grammar::Zone,
            "abbreviations" => Grammar::Abbreviations,
            "standbys" if argument == "count" => Grammar::Standbys(Syntax::Count),
            "standbys" => Grammar::Standbys(Syntax::Method),
            "words" => {
                let (words, detail) = pair();
                Grammar::Words(words, Some(detail).filter(|detail| !detail.is_empty()))
            }
            "named" => Grammar::Named(argument),
            "never" => Grammar::Never,
            "slot" => Grammar::Slot,
            "slots" => Grammar::Slots,
            "position" => Grammar::Position,
            "restore-point" => Grammar::RestorePoint,
            "transaction" => Grammar::Transaction,
            "timeline" => Grammar::Timeline,
            "timestamp" => Grammar::Timestamp,
            "encoding" => Grammar::Encoding,
            "locale" => Grammar::Locale(argument == "empty"),
            "title" => Grammar::Title,
            "name" => Grammar::Name(argument == "empty"),
            "functions" => Grammar::Functions,
            "path" => Grammar::Path,
            "octal" => Grammar::Octal,
            "ignored" => {
                let (shown, words) = pair();
                Grammar::Ignored(shown, words)
            }
            "at-least" => {
                let (least, but) = pair();
                Grammar::AtLeast(least.parse().ok()?, but.parse().ok())
            }
            "multiple" => Grammar::Multiple(argument.parse().ok()?),
            "zero-or" => {
                let (least, most) = pair();
                Grammar::ZeroOr(least.parse().ok()?, most.parse().ok()?)
            }
            "stack-depth" => Grammar::StackDepth(argument.parse().ok()?),
            "not-zero" => Grammar::NotZero,
            "only-on" => Grammar::Only(true, argument, false),
            "only-off" => Grammar::Only(false, argument, false),
            "only-off-in-this-build" => Grammar::Only(false, argument, true),
            "sum" => {
                let (numbers, names) = pair();
                let (most, constant) = numbers.split_once(' ')?;
                Grammar::Sum(most.parse().ok()?, constant.parse().ok()?, names)
            }
            "excludes" => {
                let (names, detail) = pair();
                Grammar::Excludes(names, detail)
            }
            _ => return None,
        })
    }
}

/// Reads a text: the value as it is shown, or why the server refuses it. The grammars of numbers
/// and Booleans pass every text, see [`adjust`].
///
/// # Errors
/// The refusal's message is always given: whatever checks a value by its grammar names the parameter
/// by its canonical name, not as the file spells it.
pub fn read(grammar: &Grammar, context: &Context, text: &[u8]) -> Read {
    check(grammar, context, text).map_err(|refusal| Refusal {
        message: refusal.message.or_else(|| {
            let text = String::from_utf8_lossy(if is_name(grammar) { text::shorten(text) } else { text });
            Some(format!("invalid value for parameter \"{}\": \"{text}\"", context.name))
        }),
        ..refusal
    })
}

fn check(grammar: &Grammar, context: &Context, text: &[u8]) -> Read {
    match *grammar {
        Grammar::Identifiers => list::read_identifiers(context.major, text),
        Grammar::Keywords(words) => list::read_keywords(context.major, words, text),
        Grammar::KeywordsLater(_) => list::read_identifiers(context.major, text),
        Grammar::Options(words) => list::read_options(context, words, text),
        Grammar::OptionsOrSwitch(words) => list::read_options_or_switch(context, words, text),
        Grammar::Levels(words) => list::read_levels(context.major, words, text),
        Grammar::DateStyle(spelling) => datestyle::read(context, spelling, text),
        Grammar::SessionZone => zone::read_session(context, text),
        Grammar::Zone => zone::read(context, text),
        Grammar::Abbreviations => zone::read_abbreviations(text),
        Grammar::Standbys(syntax) => standbys::read(syntax, text),
        Grammar::Words(words, detail) => text::read_word(words, detail, text),
        Grammar::Named(words) => text::read_word(words, None, text::shorten(text)),
        Grammar::Never => Err(Refusal::default()),
        Grammar::Slot => text::read_slot(text),
        Grammar::Slots => text::read_slots(context.major, text),
        Grammar::Position => text::read_position(text),
        Grammar::RestorePoint => text::read_restore_point(context, text),
        Grammar::Transaction => text::read_transaction(context, text),
        Grammar::Timeline => text::read_timeline(context, text),
        Grammar::Timestamp => timestamp::read_target(context, text),
        Grammar::Encoding => text::read_encoding(context, text),
        Grammar::Locale(empty) => text::read_locale(context, empty, text),
        Grammar::Title => text::read_title(context, text),
        Grammar::Name(true) => Ok(text::shorten(text).to_vec()),
        Grammar::Name(false) => text::read_name(context, text),
        Grammar::Functions => text::read_functions(context, text),
        Grammar::Path => text::read_path(context, text),
        Grammar::Ignored(shown, words) => {
            if !words.is_empty() {
                text::read_word(words, None, text)?;
            }
            Ok(shown.as_bytes().to_vec())
        }
        Grammar::Octal
        | Grammar::AtLeast(..)
        | Grammar::Multiple(_)
        | Grammar::ZeroOr(..)
        | Grammar::StackDepth(_)
        | Grammar::NotZero
        | Grammar::Only(..)
        | Grammar::Sum(..)
        | Grammar::Excludes(..) => Ok(text.to_vec()),
    }
}

/// Checks or changes an integer in the parameter's unit, or a Boolean as 0 or 1, that is of the
/// right type and in range.
pub fn adjust(grammar: &Grammar, context: &Context, value: i64) -> Result<i64, Refusal> {
    let detail = |detail: String| Refusal { message: invalid(context, value), ..refused(detail) };
    // From 18 on details are sentences.
    let stop = if context.major < Major::V18 { "" } else { "." };
    match *grammar {
        Grammar::AtLeast(least, but) if Some(value) != but => Ok(value.max(least)),
        Grammar::Multiple(number) if value % number != 0 => {
            Err(detail(format!("\"{}\" must be a multiple of {number}{stop}", context.name)))
        }
        Grammar::ZeroOr(least, most) if value != 0 && !(least..=most).contains(&value) => {
            Err(detail(format!("\"{}\" must be 0 or between {least} kB and {most} kB{stop}", context.name)))
        }
        Grammar::StackDepth(most) if value > most => Err(Refusal {
            hint: Some("Increase the platform's stack depth limit via \"ulimit -s\" or local equivalent.".to_owned()),
            depends: Some("the limit is the stack size of the server's process less 512 kB"),
            ..detail(format!("\"{}\" must not exceed {most}kB.", context.name))
        }),
        Grammar::NotZero if value == 0 => Err(detail("Only -1 or values bigger than 0 are valid.".to_owned())),
        Grammar::Only(only, message, build) if (value != 0) != only => Err(Refusal {
            message: Some(message.to_owned()),
            depends: build.then_some("another build of the server may have it"),
            ..Refusal::default()
        }),
        Grammar::Sum(most, constant, names) => {
            let others: i64 = names.split_ascii_whitespace().map(|name| (context.earlier)(name)).sum();
            match value + constant + others > most {
                true => Err(Refusal { message: invalid(context, value), ..Refusal::default() }),
                false => Ok(value),
            }
        }
        Grammar::Excludes(names, text)
            if value != 0 && names.split_ascii_whitespace().any(|name| (context.earlier)(name) != 0) =>
        {
            Err(detail(text.to_owned()))
        }
        Grammar::Ignored(shown, _) => Ok(i64::from(shown == "on")),
        _ => Ok(value),
    }
}

/// Why a value that passes when the file is read is refused later in the same start.
pub fn later(grammar: &Grammar, context: &Context, text: &[u8]) -> Option<Refusal> {
    match *grammar {
        Grammar::KeywordsLater(words) => list::refuse_later(context.major, words, text),
        _ => None,
    }
}

/// Whether a server cuts the text to the length of a name before anything else.
fn is_name(grammar: &Grammar) -> bool {
    matches!(grammar, Grammar::Named(_) | Grammar::Never | Grammar::Encoding | Grammar::Title | Grammar::Name(_))
}

/// Whether `SHOW` prints the parameter's integers in octal.
pub fn is_octal(grammar: Option<&Grammar>) -> bool {
    grammar == Some(&Grammar::Octal)
}

/// Text as `SHOW` prints it.
pub fn shown(grammar: Option<&Grammar>, major: Major, text: &[u8]) -> Vec<u8> {
    match grammar {
        Some(Grammar::SessionZone) => zone::shown_session(major, text),
        Some(Grammar::Zone) => zone::shown(major, text),
        _ => text.to_vec(),
    }
}

/// Whether a major lies between two cells of a table; an empty cell bounds nothing.
fn applies(since: Option<&str>, until: Option<&str>, major: Major) -> bool {
    let bound = |cell: Option<&str>| {
        let cell = cell.filter(|cell| !cell.is_empty())?;
        let (number, part) = cell.split_once('.').unwrap_or((cell, "0"));
        Some(Major(number.parse::<u16>().ok()? * 100 + part.parse::<u16>().ok()?))
    };
    bound(since).is_none_or(|since| since <= major) && bound(until).is_none_or(|until| major <= until)
}

/// A refusal with this DETAIL.
fn refused(detail: String) -> Refusal {
    Refusal { detail: Some(detail), ..Refusal::default() }
}

/// A refusal with this DETAIL and this HINT.
fn refused_with(detail: String, hint: &str) -> Refusal {
    Refusal { hint: Some(hint.to_owned()), ..refused(detail) }
}

fn invalid(context: &Context, value: i64) -> Option<String> {
    Some(format!("invalid value for parameter \"{}\": {value}", context.name))
}

#[cfg(test)]
mod tests;
