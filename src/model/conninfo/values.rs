//! Values that libpq looks at when it connects, in its order.

use super::{Options, Reason, Refusal, pieces};
use crate::catalog::conninfo::{self as table, Keyword, Kind};
use crate::names;
use crate::nearest::nearest;
use crate::syntax::conninfo::is_space;
use crate::version::Major;

/// Adds what is wrong with values.
pub fn check(options: &Options, major: Major, found: &mut Vec<Refusal>) {
    let connection = Connection::of(options, major);
    connection.lengths(found);
    for row in table::rows().iter().filter(|row| row.is_known(major)) {
        let refusal = match (row.kind, options.get(row.name)) {
            (Kind::Range, _) => range(options, row, major),
            (Kind::Needs, Some((index, value))) => needs(options, row, index, value, major),
            (_, Some((index, value))) => connection.value(row, value).map(|wrong| Refusal {
                reason: Reason::Value,
                pair: Some(index),
                span: options.conninfo.pairs[index].value_span,
                message: wrong.message,
                meant: None,
                word: wrong.word,
                kind: Some(row.kind),
            }),
            _ => None,
        };
        let has_words = matches!(row.kind, Kind::Enum | Kind::Methods | Kind::TlsVersion | Kind::Protocol);
        found.extend(refusal.map(|refusal| if has_words { explained(row, major, refusal) } else { refusal }));
    }
}

/// A value, or a piece of it, that libpq refuses.
struct Wrong {
    message: Vec<u8>,
    word: Vec<u8>,
}

/// What the checks of values go by.
struct Connection<'a> {
    options: &'a Options<'a>,
    major: Major,
    is_tcp: bool,
    keeps_alive: bool,
}

impl<'a> Connection<'a> {
    fn of(options: &'a Options<'a>, major: Major) -> Connection<'a> {
        // A path, or from 14 on an abstract socket.
        let is_socket = |host: &[u8]| match host.first() {
            None | Some(b'/') => true,
            Some(b'@') => major >= Major::V14,
            Some(_) => false,
        };
        let is_tcp = match (options.filled(names::HOSTADDR), options.filled(names::HOST)) {
            (Some(_), _) => true,
            (None, Some(hosts)) => pieces(hosts, major).any(|host| !is_socket(host)),
            (None, None) => false,
        };
        let keeps_alive = options.get(names::KEEPALIVES).is_none_or(|(_, value)| integer(value, major) != Some(0));
        Connection { options, major, is_tcp, keeps_alive }
    }

    /// What is wrong with a value by itself.
    fn value(&self, row: &Keyword, value: &[u8]) -> Option<Wrong> {
        let major = self.major;
        let whole = |message: Vec<u8>| Some(Wrong { message, word: value.to_vec() });
        match row.kind {
            Kind::Enum | Kind::Protocol if !row.words(major).any(|word| word.as_bytes() == value) => {
                whole(invalid(row.name, value))
            }
            Kind::TlsVersion if !value.is_empty() && rank(row, value, major).is_none() => {
                // From 17 on the keyword stands in quotes.
                let name = if major >= Major::V17 { format!("\"{}\"", row.name) } else { row.name.to_string() };
                whole(invalid(&name, value))
            }
            Kind::Methods if !value.is_empty() => methods(row, value, major),
            Kind::Port => pieces(value, major).find_map(|piece| port(row, piece, major)),
            Kind::Address => pieces(value, major).find_map(|piece| address(piece, major)),
            Kind::Integer if self.is_tcp && (self.keeps_alive || row.name == names::KEEPALIVES) => {
                if is_integer(value, major) { None } else { whole(no_integer(row.name, value, major)) }
            }
            Kind::Socket if self.is_tcp && self.keeps_alive => {
                let message = match integer(value, major) {
                    Some(number) if number_of(row.low) <= number && number <= number_of(row.high) => return None,
                    Some(_) => format!("setsockopt({}) failed: Invalid argument", row.values).into_bytes(),
                    None => no_integer(row.name, value, major),
                };
                whole(message)
            }
            _ => None,
        }
    }

    /// `could not match …`: lists of different lengths.
    fn lengths(&self, found: &mut Vec<Refusal>) {
        let count = |value: &[u8]| pieces(value, self.major).count();
        let [host, address, port] =
            [names::HOST, names::HOSTADDR, names::PORT].map(|name| self.options.filled(name).map(count));
        let hosts = address.or(host).unwrap_or(1);
        let names_differ = host.zip(address).filter(|(host, address)| host != address).map(|(host, address)| {
            (names::HOSTADDR, format!("could not match {host} host names to {address} hostaddr values"))
        });
        let ports_differ = port
            .filter(|ports| *ports != 1 && *ports != hosts)
            .map(|ports| (names::PORT, format!("could not match {ports} port numbers to {hosts} hosts")));
        for (name, message) in names_differ.into_iter().chain(ports_differ) {
            let Some((index, value)) = self.options.get(name) else { continue };
            found.push(Refusal {
                reason: Reason::Lengths,
                pair: Some(index),
                span: self.options.conninfo.pairs[index].value_span,
                message: message.into_bytes(),
                meant: None,
                word: value.to_vec(),
                kind: None,
            });
        }
    }
}

fn invalid(name: &str, value: &[u8]) -> Vec<u8> {
    [b"invalid ", name.as_bytes(), b" value: \"", value, b"\""].concat()
}

/// Tells a word of a later libpq from one that none takes, and finds what was meant.
fn explained(row: &Keyword, major: Major, refusal: Refusal) -> Refusal {
    let value = refusal.word.strip_prefix(b"!").unwrap_or(&refusal.word);
    let later = row.all_words().find(|(word, _)| word.as_bytes() == value).and_then(|(_, since)| since);
    let taken = |word: &&str| row.words(major).any(|known| known == *word);
    let near = || nearest(std::str::from_utf8(value).ok()?, row.words(major));
    let meant = row.meant(value).filter(taken).or_else(near);
    match later.filter(|since| *since > major) {
        Some(since) => Refusal { reason: Reason::ValueTooNew(since), meant, ..refusal },
        None => Refusal { meant, ..refusal },
    }
}

/// The place of a version among those of a keyword; those of TLS in any case.
fn rank(row: &Keyword, value: &[u8], major: Major) -> Option<usize> {
    row.words(major).position(|word| word.as_bytes().eq_ignore_ascii_case(value))
}

/// The first piece of a list of methods that is refused.
fn methods(row: &Keyword, value: &[u8], major: Major) -> Option<Wrong> {
    let mut seen: Vec<&[u8]> = Vec::new();
    let negative = value.starts_with(b"!");
    for piece in pieces(value, major) {
        let quoted = |before: &str, after: &str| [before.as_bytes(), b"\"", piece, b"\"", after.as_bytes()].concat();
        let is_negated = piece.starts_with(b"!");
        let message = match (negative, is_negated) {
            (false, true) => quoted("negative require_auth method ", " cannot be mixed with non-negative methods"),
            (true, false) => quoted("require_auth method ", " cannot be mixed with negative methods"),
            _ => {
                let name = piece.strip_prefix(b"!").unwrap_or(piece);
                match row.words(major).any(|word| word.as_bytes() == name) {
                    false => invalid(row.name, name),
                    true if seen.contains(&piece) => quoted("require_auth method ", " is specified more than once"),
                    true => {
                        seen.push(piece);
                        continue;
                    }
                }
            }
        };
        return Some(Wrong { message, word: piece.to_vec() });
    }
    None
}

/// A value that wants a stronger one of another keyword.
fn needs(options: &Options, row: &Keyword, index: usize, value: &[u8], major: Major) -> Option<Refusal> {
    let (wanting, other, allowed) = law(row)?;
    if value != wanting.as_bytes() {
        return None;
    }
    let given = options.get(other);
    let actual = given.map_or(default(options, other, major)?.as_bytes(), |(_, actual)| actual);
    let actual = table::keyword(other.as_bytes())?.words(major).find(|word| word.as_bytes() == actual)?;
    let allowed: Vec<&'static str> = allowed.split('|').collect();
    if allowed.contains(&actual) {
        return None;
    }
    let (last, first) = allowed.split_last()?;
    let uses = match first {
        [] => format!("\"{last}\""),
        first => format!("\"{}\", or \"{last}\"", first.join("\", \"")),
    };
    let index = given.map_or(index, |(index, _)| index);
    Some(Refusal {
        reason: Reason::TooWeak,
        pair: Some(index),
        span: options.conninfo.pairs[index].value_span,
        message: format!("weak {other} \"{actual}\" may not be used with {}={wanting} (use {uses})", row.name)
            .into_bytes(),
        meant: allowed.first().copied(),
        word: actual.as_bytes().to_vec(),
        kind: None,
    })
}

/// The value that wants something, of which keyword, and what.
fn law(row: &Keyword) -> Option<(&'static str, &'static str, &'static str)> {
    let (wanting, rest) = row.values.split_once('>')?;
    let (other, allowed) = rest.split_once('=')?;
    Some((wanting, other, allowed))
}

/// What libpq goes by where a keyword is not given: the last law that is in force says it.
fn default(options: &Options, name: &str, major: Major) -> Option<&'static str> {
    let in_force = table::laws(Kind::Needs, major).filter(|row| {
        let wanting = law(row).filter(|(_, other, _)| *other == name).map(|(wanting, _, _)| wanting);
        wanting.is_some_and(|wanting| options.get(row.name).is_some_and(|(_, value)| value == wanting.as_bytes()))
    });
    in_force.last().map(|row| row.low)
}

/// Two bounds in the wrong order.
fn range(options: &Options, row: &Keyword, major: Major) -> Option<Refusal> {
    let words = table::keyword(row.name.as_bytes())?;
    let (least, most) = (options.get(row.name), options.get(row.values));
    let low = least.map_or(row.low.as_bytes(), |(_, value)| value);
    let (low, high) = (rank(words, low, major)?, rank(words, most?.1, major)?);
    let (index, value) = least.or(most)?;
    // The last word of the protocol is another name of the one before it.
    let newest = words.words(major).count().saturating_sub(2);
    let is_protocol = words.kind == Kind::Protocol;
    let (low, high) = if is_protocol { (low.min(newest), high.min(newest)) } else { (low, high) };
    if low <= high {
        return None;
    }
    let message = match is_protocol {
        true => format!("\"{}\" is greater than \"{}\"", row.name, row.values),
        false => "invalid SSL protocol version range".to_string(),
    };
    let span = options.conninfo.pairs[index].value_span;
    let (message, word) = (message.into_bytes(), value.to_vec());
    Some(Refusal { reason: Reason::Range, pair: Some(index), span, message, meant: None, word, kind: None })
}

fn port(row: &Keyword, piece: &[u8], major: Major) -> Option<Wrong> {
    let message = match integer(piece, major) {
        _ if piece.is_empty() => return None,
        Some(number) if number_of(row.low) <= number && number <= number_of(row.high) => return None,
        Some(_) => [b"invalid port number: \"", piece, b"\""].concat(),
        None => no_integer(row.name, piece, major),
    };
    Some(Wrong { message, word: piece.to_vec() })
}

fn address(piece: &[u8], major: Major) -> Option<Wrong> {
    if piece.is_empty() || is_numeric(piece) {
        return None;
    }
    let (before, after) = match major {
        major if major < Major::V10 => ("could not translate host name \"", "\" to address: "),
        _ => ("could not parse network address \"", "\": "),
    };
    let reason = b"Name or service not known";
    Some(Wrong { message: [before.as_bytes(), piece, after.as_bytes(), reason].concat(), word: piece.to_vec() })
}

/// Whether getaddrinfo needs no name service for it. In doubt it is.
fn is_numeric(address: &[u8]) -> bool {
    let Ok(address) = std::str::from_utf8(address) else { return false };
    // Short and hexadecimal forms, as inet_aton reads them.
    let part = |part: &str| match part.strip_prefix("0x").or(part.strip_prefix("0X")) {
        Some(digits) => u32::from_str_radix(digits, 16).is_ok(),
        None => part.parse::<u32>().is_ok(),
    };
    let parts = address.split('.');
    let scoped = address.split_once('%').is_some_and(|(address, _)| address.parse::<core::net::Ipv6Addr>().is_ok());
    scoped || address.parse::<core::net::IpAddr>().is_ok() || parts.clone().count() <= 4 && parts.clone().all(part)
}

fn no_integer(name: &str, value: &[u8], major: Major) -> Vec<u8> {
    match major {
        // Other numbers were read as far as there are digits.
        major if major < Major::V12 => format!("{name} parameter must be an integer").into_bytes(),
        _ => [b"invalid integer value \"", value, b"\" for connection option \"", name.as_bytes(), b"\""].concat(),
    }
}

/// A number as libpq reads it: up to 11 as far as there are digits, later to its end, blanks around it allowed.
fn integer(text: &[u8], major: Major) -> Option<i64> {
    let trimmed = trim_start(text);
    let (negative, digits) = match trimmed {
        [b'-', digits @ ..] => (true, digits),
        [b'+', digits @ ..] => (false, digits),
        digits => (false, digits),
    };
    let length = digits.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let size = digits[..length]
        .iter()
        .fold(0i64, |size, digit| size.saturating_mul(10).saturating_add(i64::from(digit - b'0')));
    let number = if negative { -size } else { size };
    if major < Major::V12 {
        // atoi cuts off what does not fit.
        return Some(i64::from(i32::from_le_bytes(number.to_le_bytes()[..4].try_into().ok()?)));
    }
    let rest = trim_start(&digits[length..]);
    (length > 0 && rest.is_empty() && i32::try_from(number).is_ok()).then_some(number)
}

/// Whether the whole text is a number: up to 11 with no blank behind it, or nothing at all.
fn is_integer(text: &[u8], major: Major) -> bool {
    match major {
        major if major < Major::V12 => {
            let digits = trim_start(text);
            let digits = digits.strip_prefix(b"-").or(digits.strip_prefix(b"+")).unwrap_or(digits);
            text.is_empty() || !digits.is_empty() && digits.iter().all(u8::is_ascii_digit)
        }
        major => integer(text, major).is_some(),
    }
}

fn trim_start(text: &[u8]) -> &[u8] {
    &text[text.iter().take_while(|byte| is_space(**byte)).count()..]
}

fn number_of(bound: &str) -> i64 {
    bound.parse().unwrap_or_default()
}
