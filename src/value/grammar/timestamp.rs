//! Timestamps with time zone as servers 12 to 19 read them before a recovery: which texts pass.

mod calendar;
mod decode;
mod fields;
mod numbers;
mod words;

use self::decode::Failure;
use super::{Context, refused};
use crate::value::refusal::{Read, Refusal};
use crate::version::Major;

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
    let Some(fields) = fields::split(context.major, text) else {
        return Err(Refusal::default());
    };
    match decode::decode(context, &fields) {
        Err(Failure::Unreadable) => Err(Refusal::default()),
        Err(Failure::UnknownZone(zone)) => Err(Refusal {
            message: Some(format!("time zone \"{}\" not recognized", String::from_utf8_lossy(&zone))),
            ..Refusal::default()
        }),
        Ok(moment) if !calendar::in_range(&moment) => {
            let text = String::from_utf8_lossy(text);
            Err(refused(match context.major {
                major if major < Major::V18 => format!("timestamp out of range: \"{text}\""),
                _ => format!("Timestamp out of range: \"{text}\"."),
            }))
        }
        Ok(_) => Ok(text.to_vec()),
    }
}

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
