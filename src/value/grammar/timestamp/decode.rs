//! Gives each field of a timestamp its meaning.

mod plain;

use super::calendar::{self, Moment};
use super::fields::{Field, Shape};
use super::numbers::{decimal, fraction, leading_number, loose_fraction, offset, pieces, wrapping_number};
use super::words::{self, Label, Outside, Word};
use super::{DateOrder, Fault};
use crate::value::grammar::Context;
use crate::value::grammar::datestyle;
use crate::value::grammar::zone::{self, Abbreviation};
use crate::version::Major;

/// Which parts of a moment are known, as bits.
type Parts = u32;
const MONTH: Parts = 1 << 1;
const YEAR: Parts = 1 << 2;
const DAY: Parts = 1 << 3;
const ZONE: Parts = 1 << 5;
const SUMMER_ZONE: Parts = 1 << 6;
const NAMED_ABBREVIATION: Parts = 1 << 7;
const HALF: Parts = 1 << 9;
const HOUR: Parts = 1 << 10;
const MINUTE: Parts = 1 << 11;
const SECOND: Parts = 1 << 12;
const SECONDS: Parts = SECOND | 1 << 13 | 1 << 14;
const DAY_OF_YEAR: Parts = 1 << 15;
const WEEKDAY: Parts = 1 << 16;
const ERA: Parts = 1 << 18;
const SUMMER: Parts = 1 << 28;
const OUTSIDE: Parts = 1;
const DATE: Parts = YEAR | MONTH | DAY;
const TIME: Parts = HOUR | MINUTE | SECONDS;

/// What fields name.
pub enum Named {
    /// A moment, and whether its zone is one that is known here: no more than a name of it may be.
    Moment(Moment, bool),
    /// A moment with a name.
    Outside(Outside),
}

/// The moment that the fields name.
pub fn decode(context: &Context, fields: &[Field]) -> Result<Named, Fault> {
    let mut state = State::new(context);
    let moment = state.take(context, fields);
    moment.ok_or(state.fault)
}

struct State {
    major: Major,
    order: DateOrder,
    moment: Moment,
    day_of_year: i32,
    known: Parts,
    label: Option<Label>,
    outside: Option<Outside>,
    text_month: bool,
    short_year: bool,
    julian: bool,
    before: bool,
    half: Option<bool>,
    named_zone: bool,
    /// Whether the session's time zone, which holds where none is named, is Greenwich's.
    at_greenwich: bool,
    /// What is wrong, should the moment be none.
    fault: Fault,
}

impl State {
    fn new(context: &Context) -> State {
        State {
            major: context.major,
            order: datestyle::order(context.date_style),
            moment: Moment::default(),
            day_of_year: 0,
            known: 0,
            label: None,
            outside: None,
            text_month: false,
            short_year: false,
            julian: false,
            before: false,
            half: None,
            named_zone: false,
            at_greenwich: is_greenwich(context.time_zone),
            fault: Fault::Syntax,
        }
    }

    /// The message is about this; there is no moment.
    fn fails<T>(&mut self, fault: Fault) -> Option<T> {
        self.fault = fault;
        None
    }

    /// Whether the number is in range; the message says so where it is not.
    fn in_range(&mut self, holds: bool) -> Option<()> {
        if holds { Some(()) } else { self.fails(Fault::Field) }
    }

    fn leading<'b>(&mut self, text: &'b [u8]) -> Option<(i32, &'b [u8])> {
        leading_number(text).or_else(|| self.fails(Fault::Field))
    }

    fn offset(&mut self, text: &[u8]) -> Option<i32> {
        match offset(text) {
            Ok(east) => Some(east),
            Err(fault) => self.fails(fault),
        }
    }

    fn take(&mut self, context: &Context, fields: &[Field]) -> Option<Named> {
        for (at, field) in fields.iter().enumerate() {
            let parts = match field.shape {
                Shape::Date => self.date_field(&field.text)?,
                Shape::Time => {
                    self.end_label()?;
                    self.time_field(&field.text)?
                }
                Shape::Zone => {
                    self.moment.east = self.offset(&field.text)?;
                    ZONE
                }
                Shape::Number if self.label.is_some() => self.labelled(&field.text)?,
                Shape::Number => self.number_field(&field.text)?,
                Shape::Word | Shape::SignedWord => match self.word(context, &field.text, fields.get(at + 1))? {
                    Some(parts) => parts,
                    None => continue,
                },
            };
            if parts & self.known != 0 {
                return None;
            }
            self.known |= parts;
        }
        self.finish()
    }

    /// Only a `t` may stand before a time.
    fn end_label(&mut self) -> Option<()> {
        match self.label.take() {
            None | Some(Label::Time) => Some(()),
            Some(_) => None,
        }
    }

    fn date_field(&mut self, text: &[u8]) -> Option<Parts> {
        if self.label == Some(Label::Julian) {
            let (number, rest) = self.leading(text)?;
            self.set_julian(number)?;
            self.moment.east = self.offset(rest)?;
            self.label = None;
            return Some(DATE | TIME | ZONE);
        }
        if self.label.is_none() && self.known & (MONTH | DAY) != MONTH | DAY {
            return self.date(text);
        }
        if self.label.is_none() && !text[0].is_ascii_digit() {
            let Some(east) = zone::offset(self.major, text) else {
                // From 16 on an unknown zone is an invalid value like any other.
                let fault = if self.major < Major::V16 { Fault::Zone(text.to_vec()) } else { Fault::Syntax };
                return self.fails(fault);
            };
            self.named_zone = !is_greenwich(text);
            self.moment.east = east;
            return Some(ZONE);
        }
        self.end_label()?;
        if self.known & TIME == TIME {
            return None;
        }
        let mark = memchr::memchr(b'-', text)?;
        self.moment.east = self.offset(&text[mark..])?;
        Some(self.run_together(&text[..mark], self.known)? | ZONE)
    }

    /// A date whose parts are joined by marks.
    fn date(&mut self, text: &[u8]) -> Option<Parts> {
        let pieces = pieces(text)?;
        let mut parts = 0;
        let mut known = self.known;
        let mut text_month = false;
        for piece in pieces.iter().filter(|piece| piece[0].is_ascii_alphabetic()) {
            match words::find(self.major, piece)? {
                Word::Month(month) if known & MONTH == 0 => self.moment.month = month,
                _ => return None,
            }
            text_month = true;
            known |= MONTH;
            parts |= MONTH;
        }
        for piece in pieces.iter().filter(|piece| !piece[0].is_ascii_alphabetic()) {
            let part = self.number(piece, text_month, known)?;
            if part & known != 0 {
                return None;
            }
            known |= part;
            parts |= part;
        }
        (known & !(DAY_OF_YEAR | ZONE) == DATE).then_some(parts)
    }

    fn time_field(&mut self, text: &[u8]) -> Option<Parts> {
        let (hour, rest) = self.leading(text)?;
        let (minute, rest) = self.leading(rest.strip_prefix(b":")?)?;
        let major = self.major;
        let seconds = match rest.first() {
            Some(b':') => Some(self.leading(&rest[1..])?),
            _ => None,
        };
        let moment = &mut self.moment;
        (moment.hour, moment.minute, moment.second) = (hour, minute, 0);
        moment.fraction = 0;
        match rest.first() {
            None => {}
            Some(b'.') => {
                moment.fraction = fraction(major, rest)?;
                (moment.hour, moment.minute, moment.second) = (0, hour, minute);
            }
            Some(_) => {
                let (second, rest) = seconds?;
                moment.second = second;
                if !rest.is_empty() {
                    moment.fraction = fraction(major, rest)?;
                }
            }
        }
        let in_range = moment.hour >= 0 && moment.minute <= 59 && moment.second <= 60 && moment.fraction <= 1_000_000;
        let seconds = (i64::from(moment.hour) * 60 + i64::from(moment.minute)) * 60;
        let total = (seconds + i64::from(moment.second)) * 1_000_000 + moment.fraction;
        self.in_range(in_range && total <= 86_400_000_000)?;
        Some(TIME)
    }

    /// A number behind a label.
    fn labelled(&mut self, text: &[u8]) -> Option<Parts> {
        let (number, rest) = self.leading(text)?;
        let decimal = rest.first() == Some(&b'.');
        if !rest.is_empty() && !decimal {
            return None;
        }
        let moment = &mut self.moment;
        let whole = |field: &mut i32, part: Parts| {
            *field = number;
            (!decimal).then_some(part)
        };
        let parts = match self.label.take()? {
            Label::Year => whole(&mut moment.year, YEAR)?,
            Label::Month if self.known & MONTH != 0 && self.known & HOUR != 0 => whole(&mut moment.minute, MINUTE)?,
            Label::Month => whole(&mut moment.month, MONTH)?,
            Label::Day => whole(&mut moment.day, DAY)?,
            Label::Hour => whole(&mut moment.hour, HOUR)?,
            Label::Minute => whole(&mut moment.minute, MINUTE)?,
            Label::Second if decimal => {
                moment.second = number;
                moment.fraction = fraction(self.major, rest)?;
                SECONDS
            }
            Label::Second => whole(&mut moment.second, SECOND)?,
            Label::Julian => {
                self.set_julian(number)?;
                match decimal {
                    true => DATE | self.part_of_day(rest)?,
                    false => DATE,
                }
            }
            Label::Time => {
                let parts = self.run_together(text, self.known | DATE)?;
                (parts == TIME).then_some(TIME)?
            }
            Label::Useless => return None,
        };
        self.outside = None;
        Some(parts)
    }

    fn set_julian(&mut self, number: i32) -> Option<()> {
        self.in_range(number >= 0)?;
        let moment = &mut self.moment;
        (moment.year, moment.month, moment.day) = calendar::date(i64::from(number));
        self.julian = true;
        Some(())
    }

    fn part_of_day(&mut self, text: &[u8]) -> Option<Parts> {
        // The server truncates the product, in doubles.
        let microseconds = (decimal(self.major, text)? * 86_400_000_000.0) as i64;
        let (seconds, fraction) = (microseconds / 1_000_000, microseconds % 1_000_000);
        let moment = &mut self.moment;
        moment.hour = (seconds / 3600) as i32;
        moment.minute = (seconds / 60 % 60) as i32;
        moment.second = (seconds % 60) as i32;
        moment.fraction = fraction;
        Some(TIME)
    }

    /// `Some(None)`: the word says nothing.
    fn word(&mut self, context: &Context, text: &[u8], next: Option<&Field>) -> Option<Option<Parts>> {
        if let Some(abbreviation) = zone::abbreviation(context, text) {
            return Some(Some(self.abbreviation(abbreviation)));
        }
        let strict = self.major >= Major::V16;
        let parts = match words::find(self.major, text) {
            None => {
                self.moment.east = zone::offset(self.major, text)?;
                self.named_zone = !is_greenwich(text);
                ZONE
            }
            Some(Word::Filler) => return Some(None),
            // The server goes no further than this one.
            Some(Word::Outside(Outside::Gone)) if text == b"current" => return self.fails(Fault::Gone(text.to_vec())),
            Some(Word::Outside(outside)) => {
                self.outside = Some(outside);
                if strict { DATE | TIME | ZONE } else { OUTSIDE }
            }
            Some(Word::Now) => {
                self.outside = None;
                self.set_2000(0);
                (self.moment.hour, self.moment.minute, self.moment.second) = (0, 0, 0);
                DATE | TIME | ZONE
            }
            Some(Word::Day(after)) => {
                self.outside = None;
                self.set_2000(after);
                DATE
            }
            Some(Word::Midnight) => {
                self.outside = None;
                (self.moment.hour, self.moment.minute, self.moment.second) = (0, 0, 0);
                TIME | ZONE
            }
            Some(Word::Month(month)) => {
                let number = self.known & MONTH != 0 && !self.text_month;
                let taken = number && self.known & DAY == 0 && (1..=31).contains(&self.moment.month);
                if taken {
                    self.moment.day = self.moment.month;
                }
                self.text_month = true;
                self.moment.month = month;
                if taken { DAY } else { MONTH }
            }
            Some(Word::Summer) => SUMMER | SUMMER_ZONE,
            Some(Word::Half(half)) => {
                self.half = Some(half);
                HALF
            }
            Some(Word::Before(before)) => {
                self.before = before;
                ERA
            }
            Some(Word::Weekday) => WEEKDAY,
            Some(Word::Label(label)) => {
                if strict && self.label.is_some() {
                    return None;
                }
                self.label = Some(label);
                0
            }
            Some(Word::Time) => {
                let shapes = [Shape::Number, Shape::Time, Shape::Date];
                let followed = next.is_some_and(|field| shapes.contains(&field.shape));
                if self.known & DATE != DATE || !followed || (strict && self.label.is_some()) {
                    return None;
                }
                self.label = Some(Label::Time);
                0
            }
        };
        Some(Some(parts))
    }

    fn abbreviation(&mut self, abbreviation: Abbreviation) -> Parts {
        match abbreviation {
            Abbreviation::Standard(east) => {
                self.moment.east = east;
                ZONE
            }
            Abbreviation::Summer(east) => {
                self.moment.east = east;
                ZONE | SUMMER_ZONE
            }
            Abbreviation::Varying => {
                self.named_zone = true;
                ZONE | NAMED_ABBREVIATION
            }
        }
    }

    /// The server's clock stands at 2000-01-01 while it reads its file.
    fn set_2000(&mut self, after: i64) {
        let day = calendar::julian(2000, 1, 1) + after;
        (self.moment.year, self.moment.month, self.moment.day) = calendar::date(day);
    }

    fn finish(&mut self) -> Option<Named> {
        let strict = self.major >= Major::V16;
        if strict && (self.label.is_some() || self.outside.is_some()) {
            return None;
        }
        self.validate_date()?;
        let hour = self.moment.hour;
        self.in_range(self.half.is_none() || hour <= 12)?;
        match self.half {
            Some(false) if hour == 12 => self.moment.hour = 0,
            Some(true) if hour != 12 => self.moment.hour += 12,
            _ => {}
        }
        if let Some(outside) = self.outside {
            return Some(Named::Outside(outside));
        }
        let complete = self.known & DATE == DATE;
        let summer_alone = self.known & SUMMER != 0 && (self.named_zone || self.known & ZONE == 0);
        let zoned = if self.known & ZONE != 0 { !self.named_zone } else { self.at_greenwich };
        (complete && !summer_alone).then_some(Named::Moment(self.moment, zoned))
    }

    fn validate_date(&mut self) -> Option<()> {
        let known = self.known;
        let mut moment = self.moment;
        if known & YEAR != 0 && !self.julian {
            self.in_range(if self.before || !self.short_year { moment.year > 0 } else { moment.year >= 0 })?;
            match (self.before, self.short_year) {
                (true, _) => moment.year = -(moment.year - 1),
                (false, true) if moment.year < 70 => moment.year += 2000,
                (false, true) if moment.year < 100 => moment.year += 1900,
                _ => {}
            }
        }
        if known & DAY_OF_YEAR != 0 {
            let first = calendar::julian(moment.year, 1, 1);
            (moment.year, moment.month, moment.day) = calendar::date(first + i64::from(self.day_of_year) - 1);
        }
        self.moment = moment;
        let month = known & MONTH == 0 || (1..=12).contains(&moment.month);
        let day = known & DAY == 0 || (1..=31).contains(&moment.day);
        if !(month && day) {
            return self.fails(Fault::MonthOrDay);
        }
        let days = calendar::days_in_month(moment.year, moment.month);
        self.in_range(known & DATE != DATE || moment.day <= days)
    }
}

fn is_greenwich(zone: &[u8]) -> bool {
    [b"GMT".as_slice(), b"UTC", b"Etc/UTC", b"Etc/GMT", b"Z"].iter().any(|known| known.eq_ignore_ascii_case(zone))
}
