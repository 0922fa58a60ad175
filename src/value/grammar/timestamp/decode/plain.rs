//! Plain numbers in a timestamp: which part of it each of them is.

use super::*;

impl State {
    pub(super) fn number_field(&mut self, text: &[u8]) -> Option<Parts> {
        match memchr::memchr(b'.', text) {
            Some(_) if self.known & DATE == 0 => self.date(text),
            Some(point) if point > 2 => self.run_together(text, self.known),
            _ if text.len() >= 6 && (self.known & DATE == 0 || self.known & TIME == 0) => {
                self.run_together(text, self.known)
            }
            _ => self.number(text, self.text_month, self.known),
        }
    }

    /// A plain number as the part of a date that is still missing.
    pub(super) fn number(&mut self, text: &[u8], text_month: bool, known: Parts) -> Option<Parts> {
        let (number, rest) = self.leading(text)?;
        if rest.len() == text.len() {
            return None;
        }
        if rest.first() == Some(&b'.') {
            if text.len() - rest.len() > 2 {
                return self.run_together(text, known | DATE);
            }
            self.moment.fraction = fraction(self.major, rest)?;
        } else if !rest.is_empty() {
            return None;
        }
        let length = text.len();
        if length == 3 && known & DATE == YEAR && (1..=366).contains(&number) {
            self.day_of_year = number;
            return Some(DAY_OF_YEAR | MONTH | DAY);
        }
        let long = length >= 3 || self.order == DateOrder::Ymd;
        let part = match known & DATE {
            0 if long => YEAR,
            0 if self.order == DateOrder::Dmy => DAY,
            0 => MONTH,
            YEAR => MONTH,
            MONTH if text_month && long => YEAR,
            MONTH => DAY,
            parts if parts == YEAR | MONTH => {
                if text_month && length >= 3 && self.short_year {
                    // The first number was the day after all.
                    self.moment.day = self.moment.year;
                    self.moment.year = number;
                    self.short_year = false;
                    return Some(DAY);
                }
                DAY
            }
            DAY => MONTH,
            parts if parts == MONTH | DAY => YEAR,
            DATE => return self.run_together(text, known),
            _ => return None,
        };
        match part {
            YEAR => self.moment.year = number,
            MONTH => self.moment.month = number,
            _ => self.moment.day = number,
        }
        if part == YEAR {
            self.short_year = length <= 2;
        }
        Some(part)
    }

    /// Digits run together: a date (YYMMDD or longer) or a time (HHMM, HHMMSS).
    pub(super) fn run_together(&mut self, text: &[u8], known: Parts) -> Option<Parts> {
        let mut digits = text;
        let moment = &mut self.moment;
        if let Some(point) = memchr::memchr(b'.', text) {
            moment.fraction = loose_fraction(&text[point..])?;
            digits = &text[..point];
        } else if known & DATE != DATE && text.len() >= 6 {
            let (year, rest) = digits.split_at(digits.len() - 4);
            moment.year = wrapping_number(year);
            moment.month = wrapping_number(&rest[..2]);
            moment.day = wrapping_number(&rest[2..]);
            if year.len() == 2 {
                self.short_year = true;
            }
            return Some(DATE);
        }
        if known & TIME == TIME || !matches!(digits.len(), 4 | 6) {
            return None;
        }
        moment.hour = wrapping_number(&digits[..2]);
        moment.minute = wrapping_number(&digits[2..4]);
        moment.second = wrapping_number(&digits[4..]);
        Some(TIME)
    }
}
