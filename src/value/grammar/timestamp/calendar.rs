//! Days since the beginning, and the range of timestamps.

/// A date and a time in a zone. Year 0 is 1 BC.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Moment {
    pub year: i32,
    pub month: i32,
    pub day: i32,
    pub hour: i32,
    pub minute: i32,
    pub second: i32,
    /// Microseconds.
    pub fraction: i64,
    /// Seconds east of Greenwich.
    pub east: i32,
}

const DAY_2000: i64 = 2_451_545;
const FIRST: i128 = -211_813_488_000_000_000;
const END: i128 = 9_223_371_331_200_000_000;
const MICROSECONDS: i128 = 1_000_000;

/// Microseconds since 2000-01-01 00:00:00+00; `None` where a timestamp cannot hold the moment.
pub fn microseconds(moment: &Moment) -> Option<i64> {
    let Moment { year, month, .. } = *moment;
    let valid =
        (year > -4713 || (year == -4713 && month >= 11)) && (year < 5_874_898 || (year == 5_874_898 && month < 6));
    if !valid {
        return None;
    }
    let days = i128::from(julian(year, month, moment.day) - DAY_2000);
    let seconds = i128::from((i64::from(moment.hour) * 60 + i64::from(moment.minute)) * 60 + i64::from(moment.second));
    let local = (days * 86_400 + seconds) * MICROSECONDS + i128::from(moment.fraction);
    // The server computes the local time in 64 bits before it applies the zone.
    i64::try_from(local).ok()?;
    let instant = local - i128::from(moment.east) * MICROSECONDS;
    i64::try_from(instant).ok().filter(|_| (FIRST..END).contains(&instant))
}

/// `2030-01-01 00:00:00+00`, as the server logs so many microseconds since 2000 at Greenwich.
pub fn shown(microseconds: i64) -> String {
    const DAY: i64 = 86_400_000_000;
    let (days, rest) = (microseconds.div_euclid(DAY), microseconds.rem_euclid(DAY));
    let (year, month, day) = date(days + DAY_2000);
    let (seconds, fraction) = (rest / 1_000_000, rest % 1_000_000);
    let (number, era) = if year > 0 { (year, "") } else { (1 - year, " BC") };
    let mut text =
        format!("{number:04}-{month:02}-{day:02} {:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
    if fraction > 0 {
        text.push_str(format!(".{fraction:06}").trim_end_matches('0'));
    }
    format!("{text}+00{era}")
}

/// The Julian day number of a date.
pub fn julian(year: i32, month: i32, day: i32) -> i64 {
    let (year, month) = match month > 2 {
        true => (i64::from(year) + 4800, i64::from(month) + 1),
        false => (i64::from(year) + 4799, i64::from(month) + 13),
    };
    let century = year / 100;
    year * 365 - 32_167 + year / 4 - century + century / 4 + 7834 * month / 256 + i64::from(day)
}

/// Year, month and day of a Julian day number.
pub fn date(julian: i64) -> (i32, i32, i32) {
    // The server counts in 32 bits without sign; so do we.
    let mut rest = (julian as u32).wrapping_add(32_044);
    let mut quad = rest / 146_097;
    let extra = (rest - quad * 146_097).wrapping_mul(4).wrapping_add(3);
    rest = rest.wrapping_add(60 + quad * 3 + extra / 146_097);
    quad = rest / 1461;
    rest -= quad * 1461;
    let mut year = rest * 4 / 1461;
    rest = match year {
        0 => (rest + 306) % 366,
        _ => (rest + 305) % 365,
    } + 123;
    year += quad * 4;
    quad = rest * 2141 / 65_536;
    let day = rest - 7834 * quad / 256;
    (year as i32 - 4800, ((quad + 10) % 12 + 1) as i32, day as i32)
}

/// How many days the month has; 0 for a number that is no month.
pub fn days_in_month(year: i32, month: i32) -> i32 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => 0,
    }
}
