//! Values for a parameter: right ones, nearly right ones, and wrong ones.

use fastrand::Rng;

use crate::files::Bytes;
use crate::mutate::Known;
use crate::record::Row;

/// A value for the parameter of a row, unquoted.
pub fn value(known: &Known, rng: &mut Rng, row: &Row) -> Bytes {
    match (row[1].as_str(), rng.u8(..10)) {
        (_, 0) => pick(rng, ODD).to_vec(),
        (_, 1) => row[7].clone().into_bytes(),
        ("bool", _) => {
            let word = pick(rng, BOOLS);
            cased(rng, word)
        }
        ("enum", 2) => rng.choice(&known.words).map_or(Bytes::new(), |word| word.clone().into_bytes()),
        ("enum", 3) => pick(rng, BOOLS).to_vec(),
        ("enum", _) => {
            let values = row[5].split('|').chain(row[6].split('|').filter(|value| !value.is_empty()));
            let values: Vec<&str> = values.map(|value| value.split('=').next().unwrap_or_default()).collect();
            let value = rng.choice(values).unwrap_or_default().as_bytes().to_vec();
            cased(rng, &value)
        }
        ("integer" | "real", _) => number(rng, row),
        _ => text(rng, &row[0]),
    }
}

/// A value as a file has it: in quotes, or not where it may go without, and
/// now and then where it may not.
pub fn quoted(rng: &mut Rng, value: &[u8]) -> Bytes {
    let plain = value.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.'))
        && !value.is_empty();
    if rng.u8(..20) == 0 || plain && rng.bool() {
        return value.to_vec();
    }
    let mut quoted = vec![b'\''];
    for byte in value {
        match (byte, rng.u8(..40)) {
            (b'\'', 0..20) => quoted.extend(b"\\'"),
            (b'\'', _) => quoted.extend(b"''"),
            (b'\\', _) => quoted.extend(b"\\\\"),
            (b'\n', _) => quoted.extend(b"\\n"),
            (_, 0) => quoted.extend(format!("\\{byte:o}").bytes()),
            (_, 1) => quoted.extend([b'\\', *byte]),
            _ => quoted.push(*byte),
        }
    }
    quoted.push(b'\'');
    quoted
}

fn number(rng: &mut Rng, row: &Row) -> Bytes {
    let bound = |cell: &str| cell.parse::<f64>().unwrap_or_default();
    let (least, most) = (bound(&row[3]), bound(&row[4]));
    let default = bound(&row[7]);
    let mut digits = match rng.u8(..16) {
        0 => format!("{least}"),
        1 => format!("{most}"),
        2 => format!("{}", least - 1.0),
        3 => format!("{}", most + 1.0),
        4 => format!("{default}"),
        5 => format!("{}", rng.i64(-2..=70)),
        6 => format!("{}", rng.u64(..5_000_000_000)),
        7 => format!("0x{:x}", rng.u32(..2000)),
        8 => format!("0{:o}", rng.u32(..2000)),
        9 => format!("{}.{}", rng.u32(..3000), rng.u32(..1000)),
        10 => format!("{}e{}", rng.u32(..20), rng.i8(-4..=12)),
        11 => format!("{}.5", rng.u32(..200)),
        12 => pick_str(rng, NUMBERS).to_string(),
        13 => format!("+{}", rng.u32(..2000)),
        _ => format!("{}", rng.u32(..100_000)),
    };
    if rng.u8(..6) == 0 {
        digits.push(' ');
    }
    let units: &[&str] = match row[2].as_str() {
        "" => UNITS,
        "ms" | "s" | "min" => &["", "", "us", "ms", "s", "min", "h", "d"],
        _ => &["", "", "B", "kB", "MB", "GB", "TB"],
    };
    let unit = if rng.u8(..10) == 0 {
        pick_str(rng, UNITS)
    } else if row[2].is_empty() && rng.u8(..4) > 0 {
        ""
    } else {
        pick_str(rng, units)
    };
    digits.push_str(unit);
    if rng.u8(..20) == 0 {
        digits.insert(0, ' ');
    }
    digits.into_bytes()
}

fn text(rng: &mut Rng, name: &str) -> Bytes {
    let name = name.to_ascii_lowercase();
    let of = |line: &'static str| {
        let (names, values) = line.split_once('\t').expect("values.tsv has two columns");
        (names.split(',').any(|other| other == name || other == "*")).then_some(values)
    };
    let values = TEXTS.lines().find_map(of).expect("the last line of values.tsv is for every name");
    let value = rng.choice(values.split('|').collect::<Vec<_>>()).unwrap_or_default();
    value.replace("<TAB>", "\t").replace("<LF>", "\n").into_bytes()
}

fn cased(rng: &mut Rng, value: &[u8]) -> Bytes {
    match rng.u8(..8) {
        0 => value.to_ascii_uppercase(),
        1 => value
            .iter()
            .enumerate()
            .map(|(index, byte)| if index == 0 { byte.to_ascii_uppercase() } else { *byte })
            .collect(),
        2 => [b" ".as_slice(), value].concat(),
        _ => value.to_vec(),
    }
}

fn pick<'a>(rng: &mut Rng, values: &[&'a [u8]]) -> &'a [u8] {
    values[rng.usize(..values.len())]
}

fn pick_str<'a>(rng: &mut Rng, values: &[&'a str]) -> &'a str {
    values[rng.usize(..values.len())]
}

const BOOLS: &[&[u8]] = &[
    b"on", b"off", b"true", b"false", b"yes", b"no", b"1", b"0", b"t", b"f", b"y", b"n", b"tr", b"fals", b"ye", b"o",
    b"of", b"ON", b"2", b"", b"onn", b"enabled", b" on", b"on ",
];

const ODD: &[&[u8]] = &[
    b"",
    b" ",
    b"'",
    b"\\",
    b"\xff",
    b"caf\xe9",
    b"\xe2\x80\x98x\xe2\x80\x99",
    b"default",
    b"null",
    b"none",
    b"-1",
    b"0",
    b"x y",
    b"1,2",
    b"$1",
    b"%",
    b"a=b",
    b"\"q\"",
    b"1MB 2",
    b"\x01",
    b"1\n2",
    b"99999999999999999999",
];

const NUMBERS: &[&str] = &[
    "-1",
    "0",
    "1",
    "2147483647",
    "2147483648",
    "-2147483648",
    "-2147483649",
    "9223372036854775807",
    "9223372036854775808",
    "1e400",
    "1e-400",
    "inf",
    "nan",
    "-inf",
    "Infinity",
    "0x1p8",
    ".5",
    "5.",
    ".",
    "-0",
    "-0.4",
    "0.4",
    "0.5",
    "1.5",
    "2.5",
    "1_000",
    "1,000",
    "08",
    "0o17",
    "0b1",
    "0x",
    "1e",
    "1e+",
    "--1",
    "1 000",
    "070.5",
    "1.1",
    "0.0001",
    "1.01",
    "64.5",
    "0X1F",
    "0777",
];

const UNITS: &[&str] = &[
    "", "", "B", "kB", "KB", "K", "mb", "MB", "GB", "TB", "PB", "us", "ms", "s", "sec", "min", "m", "h", "d", "day",
    "%", "8kB", " MB", "MB ", "Ms",
];

/// Values of strings that have a grammar of their own: the names of the
/// parameters, `*` for all others, and the values with `|` between.
const TEXTS: &str = include_str!("values.tsv");
