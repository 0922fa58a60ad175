//! Numbers as C's library reads them.

/// C's strtoul with base 0: the number (`None`: beyond 64 bits), and whether it fills the text.
/// No digits are 0.
pub fn unsigned(text: &[u8]) -> (Option<u64>, bool) {
    let blanks = text.iter().position(|byte| !matches!(byte, b' ' | 0x09..=0x0d));
    let rest = &text[blanks.unwrap_or(text.len())..];
    let (negative, digits) = match rest.first() {
        Some(b'-') => (true, &rest[1..]),
        Some(b'+') => (false, &rest[1..]),
        _ => (false, rest),
    };
    let hex = digits.len() > 2 && digits[0] == b'0' && digits[1] | 0x20 == b'x';
    let (base, digits) = match digits.first() {
        _ if hex && digits[2].is_ascii_hexdigit() => (16, &digits[2..]),
        Some(b'0') => (8, digits),
        _ => (10, digits),
    };
    let digit = |byte: &u8| char::from(*byte).to_digit(base);
    let end = digits.iter().position(|byte| digit(byte).is_none()).unwrap_or(digits.len());
    if end == 0 {
        return (Some(0), text.is_empty());
    }
    let number = digits[..end]
        .iter()
        .filter_map(digit)
        .try_fold(0_u64, |number, digit| number.checked_mul(u64::from(base))?.checked_add(u64::from(digit)));
    let number = number.map(|number| if negative { number.wrapping_neg() } else { number });
    (number, end == digits.len())
}

/// C's strtod, where it reads the whole text.
pub fn number(text: &str) -> Option<f64> {
    let (sign, rest) = match text.strip_prefix('-') {
        Some(rest) => (-1.0, rest),
        None => (1.0, text.strip_prefix('+').unwrap_or(text)),
    };
    let lower = rest.to_ascii_lowercase();
    if let Some(hex) = lower.strip_prefix("0x") {
        return hexadecimal(hex).map(|number| sign * number);
    }
    match lower.as_str() {
        "inf" | "infinity" => Some(sign * f64::INFINITY),
        "nan" => Some(f64::NAN),
        _ if lower.starts_with(|c: char| c.is_ascii_digit() || c == '.') => {
            lower.parse().ok().map(|number: f64| sign * number)
        }
        _ => None,
    }
}

fn hexadecimal(text: &str) -> Option<f64> {
    let (mantissa, exponent) = text.split_once('p').unwrap_or((text, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let mut number = 0.0;
    for digit in whole.chars().chain(fraction.chars()) {
        number = number * 16.0 + f64::from(digit.to_digit(16)?);
    }
    let exponent: i32 = exponent.parse().ok()?;
    Some(number * 2_f64.powi(exponent - 4 * fraction.len() as i32))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_as_c_does() {
        assert_eq!(unsigned(b" 0x1f"), (Some(31), true));
        assert_eq!(unsigned(b"010"), (Some(8), true));
        assert_eq!(unsigned(b"-1"), (Some(u64::MAX), true));
        assert_eq!(unsigned(b"12a"), (Some(12), false));
        assert_eq!(unsigned(b"18446744073709551616"), (None, true));
        assert_eq!(unsigned(b"0x"), (Some(0), false));
        assert_eq!(number("0x1p4"), Some(16.0));
        assert_eq!(number("5.5"), Some(5.5));
        assert_eq!(number("5x"), None);
    }
}
