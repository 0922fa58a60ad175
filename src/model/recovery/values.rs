//! Values of recovery.conf: what they mean, and the message of whoever refuses them.

use crate::catalog::recovery::{Kind, Name};
use crate::value::grammar::timestamp::{self, Outside, Stamp};
use crate::value::grammar::{read_position, refuse_slot_name, unsigned};
use crate::value::{Context, Refusal, Unit, boolean, number};
use crate::version::Major;

/// What a value means to the server.
#[derive(Clone, PartialEq, Debug)]
pub enum Meaning {
    /// The text itself.
    Text(Vec<u8>),
    /// on or off, and how it is written.
    Bool(bool, Vec<u8>),
    /// The newest timeline, or this one.
    Timeline(Option<u32>),
    /// This transaction.
    Transaction(u32),
    /// This moment.
    Moment(Stamp),
    /// This position in the WAL.
    Position(u64),
    /// So many milliseconds, and how they are written; a negative number is no delay.
    Delay(i64, Vec<u8>),
}

/// Longest name of a restore point, in bytes.
const MOST_NAME_BYTES: usize = 63;

/// Reads a value.
///
/// # Errors
/// The server's message and hint; the message is always given.
pub fn read(name: &Name, context: &Context, text: &[u8]) -> Result<Meaning, Refusal> {
    let said = || String::from_utf8_lossy(text);
    match name.kind {
        Kind::Text => Ok(Meaning::Text(text.to_vec())),
        Kind::Bool => match boolean(text) {
            Some(value) => Ok(Meaning::Bool(value, text.to_vec())),
            None => Err(says(format!("parameter \"{}\" requires a Boolean value", name.name))),
        },
        Kind::Words(words, hint) => {
            if words.split('|').any(|word| word.as_bytes() == text) {
                return Ok(Meaning::Text(text.to_vec()));
            }
            let message = match context.major < Major::V9_5 {
                true => format!("invalid value for recovery parameter \"{}\"", name.name),
                false => format!("invalid value for recovery parameter \"{}\": \"{}\"", name.name, said()),
            };
            Err(Refusal { hint: Some(hint.to_string()), ..says(message) })
        }
        Kind::Timeline if text == b"latest" => Ok(Meaning::Timeline(None)),
        Kind::Timeline => whole(name, text).map(|number| Meaning::Timeline(Some(number).filter(|number| *number > 0))),
        Kind::Transaction => whole(name, text).map(Meaning::Transaction),
        Kind::Timestamp => {
            // 11 was the first to see that these say nothing: its clock stands at 2000-01-01 while it starts.
            const NAMED: [&[u8]; 7] =
                [b"epoch", b"infinity", b"-infinity", b"now", b"today", b"tomorrow", b"yesterday"];
            if context.major >= Major::V11 && NAMED.contains(&text) {
                return Err(says(format!("{} is not a valid timestamp: \"{}\"", name.name, said())));
            }
            timestamp::read_plainly(context, text).map(Meaning::Moment)
        }
        Kind::Position => position(text)
            .map(Meaning::Position)
            .ok_or_else(|| says(format!("invalid input syntax for type pg_lsn: \"{}\"", said()))),
        Kind::RestorePoint if text.len() > MOST_NAME_BYTES => {
            Err(says(format!("{} is too long (maximum {MOST_NAME_BYTES} characters)", name.name)))
        }
        Kind::RestorePoint => Ok(Meaning::Text(text.to_vec())),
        Kind::Slot => match refuse_slot_name(text) {
            Some(refusal) => Err(Refusal { message: refusal.detail, detail: None, ..refusal }),
            None => Ok(Meaning::Text(text.to_vec())),
        },
        Kind::Delay => match number::integer(text, Some(Unit::Ms), context.major) {
            Ok(delay) => Ok(Meaning::Delay(delay, text.to_vec())),
            Err(refusal) => Err(Refusal {
                hint: refusal.hint,
                ..says(format!("parameter \"{}\" requires a temporal value", name.name))
            }),
        },
    }
}

impl Meaning {
    /// As the server logs it at debug level, in quotes where it does so; none where that takes the rules of
    /// a time zone.
    pub fn logged(&self, name: &Name) -> Option<String> {
        let quoted = |text: &[u8]| format!("'{}'", String::from_utf8_lossy(text));
        Some(match self {
            Meaning::Text(text) | Meaning::Delay(_, text) => quoted(text),
            Meaning::Bool(_, text) if name.purpose == crate::catalog::recovery::Purpose::Inclusive => {
                String::from_utf8_lossy(text).into_owned()
            }
            Meaning::Bool(_, text) => quoted(text),
            Meaning::Timeline(None) => "latest".to_string(),
            Meaning::Timeline(Some(number)) | Meaning::Transaction(number) => number.to_string(),
            Meaning::Moment(stamp) => format!("'{}'", shown_stamp(*stamp)?),
            Meaning::Position(position) => format!("'{}'", shown_position(*position)),
        })
    }
}

/// A moment as the server logs it, at Greenwich.
pub fn shown_stamp(stamp: Stamp) -> Option<String> {
    Some(match stamp {
        Stamp::At(microseconds) => timestamp::shown(microseconds?),
        Stamp::Outside(Outside::Epoch) => timestamp::shown(timestamp::EPOCH),
        Stamp::Outside(Outside::Latest) => "infinity".to_string(),
        Stamp::Outside(Outside::Earliest) => "-infinity".to_string(),
        Stamp::Outside(Outside::Gone) => return None,
    })
}

fn shown_position(position: u64) -> String {
    format!("{:X}/{:X}", position >> 32, position & 0xffff_ffff)
}

/// A WAL position; the empty text is none.
pub fn position(text: &[u8]) -> Option<u64> {
    read_position(text).ok()?;
    let (high, low) = std::str::from_utf8(text).ok()?.split_once('/')?;
    Some(u64::from_str_radix(high, 16).ok()? << 32 | u64::from_str_radix(low, 16).ok()?)
}

/// The low 32 bits of what C's strtoul reads: 0 where that is no number at all.
fn whole(name: &Name, text: &[u8]) -> Result<u32, Refusal> {
    match unsigned(text).0 {
        Some(number) => Ok(number as u32),
        None => Err(says(format!("{} is not a valid number: \"{}\"", name.name, String::from_utf8_lossy(text)))),
    }
}

fn says(message: String) -> Refusal {
    Refusal { message: Some(message), ..Refusal::default() }
}

/// What servers from 16 on say of a `%` in a command behind which none of these letters stands: the DETAIL.
pub fn unexpected_placeholder(command: &[u8], letters: &[u8]) -> Option<String> {
    let mut rest = command;
    while let Some(at) = memchr::memchr(b'%', rest) {
        match rest.get(at + 1) {
            None => return Some("String ends unexpectedly after escape character \"%\".".to_string()),
            Some(b'%') => {}
            Some(letter) if letters.contains(letter) => {}
            Some(letter) => {
                let letter = String::from_utf8_lossy(std::slice::from_ref(letter)).into_owned();
                return Some(format!("String contains unexpected placeholder \"%{letter}\"."));
            }
        }
        rest = &rest[at + 2..];
    }
    None
}
