//! Timestamps with time zone as servers read them before a recovery: which texts pass, and what they say.

mod calendar;
mod decode;
mod fields;
mod numbers;
mod words;

pub use self::calendar::shown;
pub use self::words::Outside;

use self::decode::Named;
use super::{Context, refused};
use crate::value::refusal::{Read, Refusal};
use crate::version::Major;

/// 1970-01-01 00:00:00+00 in microseconds since 2000.
pub const EPOCH: i64 = -946_684_800_000_000;

/// What a text says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stamp {
    /// Microseconds since 2000-01-01 00:00:00+00; none where that takes the rules of a time zone.
    At(Option<i64>),
    /// A moment with a name.
    Outside(Outside),
}

/// Why a text is no timestamp.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Fault {
    /// It cannot be read.
    Syntax,
    /// A number in it is out of range.
    Field,
    /// The number of a month or of a day is, perhaps because of the order that DateStyle says.
    MonthOrDay,
    /// The distance from Greenwich is.
    Displacement,
    /// There is no such time zone.
    Zone(Vec<u8>),
    /// A word that said something long ago.
    Gone(Vec<u8>),
    /// The moment is beyond what a timestamp can hold.
    Range,
}

/// What a text says.
///
/// # Errors
/// Why it is no timestamp.
pub fn read(context: &Context, text: &[u8]) -> Result<Stamp, Fault> {
    let fields = fields::split(context.major, text).ok_or(Fault::Syntax)?;
    match decode::decode(context, &fields)? {
        Named::Outside(Outside::Gone) => Err(Fault::Gone(text.to_vec())),
        Named::Outside(outside) => Ok(Stamp::Outside(outside)),
        Named::Moment(moment, zoned) => {
            let instant = calendar::microseconds(&moment).ok_or(Fault::Range)?;
            Ok(Stamp::At(zoned.then_some(instant)))
        }
    }
}

/// How a date of three numbers is read, as `DateStyle` says.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum DateOrder {
    /// 12/31/2020
    #[default]
    Mdy,
    /// 31/12/2020
    Dmy,
    /// 2020/12/31
    Ymd,
}

/// The target time of a recovery: empty, or a timestamp. The words that mean a moment of today are
/// refused only when they stand alone, in lower case; others pass and mean 2000-01-01.
pub fn read_target(context: &Context, text: &[u8]) -> Read {
    const ALONE: [&[u8]; 4] = [b"now", b"today", b"tomorrow", b"yesterday"];
    if text.is_empty() {
        return Ok(Vec::new());
    }
    if ALONE.contains(&text) {
        return Err(Refusal::default());
    }
    match read(context, text) {
        Ok(Stamp::At(_)) => Ok(text.to_vec()),
        Err(Fault::Zone(zone)) => Err(Refusal {
            message: Some(format!("time zone \"{}\" not recognized", String::from_utf8_lossy(&zone))),
            ..Refusal::default()
        }),
        Err(Fault::Range) => {
            let text = String::from_utf8_lossy(text);
            Err(refused(match context.major {
                major if major < Major::V18 => format!("timestamp out of range: \"{text}\""),
                _ => format!("Timestamp out of range: \"{text}\"."),
            }))
        }
        Ok(Stamp::Outside(_)) | Err(_) => Err(Refusal::default()),
    }
}

/// As servers up to 11 read it in recovery.conf: empty texts and words of today are no exception.
///
/// # Errors
/// The whole message of the server.
pub fn read_plainly(context: &Context, text: &[u8]) -> Result<Stamp, Refusal> {
    let text_said = String::from_utf8_lossy(text);
    read(context, text).map_err(|fault| {
        let message = match &fault {
            Fault::Syntax => format!("invalid input syntax for type timestamp with time zone: \"{text_said}\""),
            Fault::Field | Fault::MonthOrDay => format!("date/time field value out of range: \"{text_said}\""),
            Fault::Displacement => format!("time zone displacement out of range: \"{text_said}\""),
            Fault::Zone(zone) => format!("time zone \"{}\" not recognized", String::from_utf8_lossy(zone)),
            Fault::Gone(word) => {
                format!("date/time value \"{}\" is no longer supported", String::from_utf8_lossy(word))
            }
            Fault::Range => format!("timestamp out of range: \"{text_said}\""),
        };
        let hint = (fault == Fault::MonthOrDay).then(|| ORDER_HINT.to_string());
        Refusal { message: Some(message), hint, ..Refusal::default() }
    })
}

const ORDER_HINT: &str = "Perhaps you need a different \"datestyle\" setting.";

#[cfg(test)]
mod tests {
    use super::*;

    fn accepts(major: Major, text: &str) -> bool {
        read_target(&Context::new(major, ""), text.as_bytes()).is_ok()
    }

    #[test]
    fn reads_what_servers_read() {
        for text in [
            "2020-01-01 10:00:00.5+02:30",
            "Jan 8, 1999",
            "20200101T040506",
            "J2451187",
            "2020.001 10:00",
            "1 January 2020 10:00 pm UTC",
            "4713-01-01 BC",
        ] {
            assert!(accepts(Major::V12, text), "{text}");
            assert!(accepts(Major::V18, text), "{text}");
        }
        for text in ["2020-13-01", "25:00", "2020-01-01 10:00 PST", "epoch", "2020-02-30"] {
            assert!(!accepts(Major::V12, text), "{text}");
            assert!(!accepts(Major::V18, text), "{text}");
        }
        assert!(accepts(Major::V15, "y2020m01d02"));
        assert!(!accepts(Major::V16, "y2020m01d02"));
    }
}
