//! The connection string of a standby, for the libpq of another major.

use super::template;
use crate::catalog::conninfo::{self as table, Kind};
use crate::catalog::recovery::{Purpose, named};
use crate::model::conninfo::{Options, Reason, refusals};
use crate::names;
use crate::source::{Span, display};
use crate::syntax::conninfo::{Conninfo, Form, parse};
use crate::version::Major;

/// What a standby called itself up to 11, if nothing else was said.
pub const USUAL_NAME: &str = "walreceiver";

/// A connection string as it is to be written.
#[derive(Debug, PartialEq, Eq)]
pub struct Adjusted {
    /// The string.
    pub value: Vec<u8>,
    /// What was changed.
    pub why: Vec<String>,
    /// What the new libpq refuses, and is left as it is.
    pub notes: Vec<String>,
}

/// Takes out what the other libpq does not know, where nothing is lost with it.
pub fn adjust(text: &[u8], from: Major, to: Major) -> Adjusted {
    let mut adjusted = Adjusted { value: text.to_vec(), why: Vec::new(), notes: Vec::new() };
    let known: Vec<Vec<u8>> = refusals(&parse(text, from), from).into_iter().map(|refusal| refusal.message).collect();
    let mut at = 0;
    loop {
        let conninfo = parse(&adjusted.value, to);
        let all = refusals(&conninfo, to);
        let Some(refusal) = all.get(at) else { break };
        let lost = refusal.pair.filter(|_| conninfo.fault.is_none()).and_then(|pair| {
            let why = says_nothing(&conninfo, pair, refusal.reason, from, to)?;
            Some((pair, why))
        });
        match lost {
            Some((pair, why)) => {
                adjusted.why.push(why);
                let span = around(&adjusted.value, &conninfo, pair);
                adjusted.value.drain(span.start..span.end);
            }
            None => {
                // What a placeholder will be nobody can refuse.
                if !known.contains(&refusal.message) && !template::is_open(&refusal.message) {
                    let message = display(&refusal.message);
                    let name = named(Purpose::Conninfo);
                    adjusted.notes.push(format!(
                        "libpq of {to} refuses the string in {name}, and the standby does not connect: {message}"
                    ));
                }
                at += 1;
            }
        }
    }
    adjusted
}

/// Why a pair that the other libpq does not know may go.
fn says_nothing(conninfo: &Conninfo, pair: usize, reason: Reason, from: Major, to: Major) -> Option<String> {
    let (keyword, value) = Options { conninfo }.stored(&conninfo.pairs[pair]);
    let shown = display(keyword);
    match reason {
        Reason::KeywordGone(_) => Some(format!("without `{shown}`, which libpq of {to} refuses and no server heeded")),
        Reason::KeywordTooNew(_) => {
            let default = table::laws(Kind::Default, from).find(|row| row.name.as_bytes() == keyword)?;
            let is_default = default.values.split('|').any(|default| default.as_bytes() == value);
            is_default.then(|| {
                let value = display(value);
                format!("without `{shown}={value}`, which libpq of {to} does not know and that of {from} does unasked")
            })
        }
        _ => None,
    }
}

/// Gives the standby the name by which its primary knows it, where it would be another one in the other version.
pub fn pin(adjusted: &mut Adjusted, to: Major, name: &[u8], why: String) {
    let conninfo = parse(&adjusted.value, to);
    let options = Options { conninfo: &conninfo };
    if conninfo.fault.is_some() || options.filled(names::APPLICATION_NAME).is_some() {
        return;
    }
    if let Some(service) = options.filled(names::SERVICE) {
        let (name, service) = (display(name), display(service));
        adjusted.notes.push(format!(
            "{}: the service `{service}` may say an `{application}`, so none is written here; where it does not, it needs \
             `{application}={name}` {why}",
            named(Purpose::Conninfo),
            application = names::APPLICATION_NAME
        ));
        return;
    }
    let pair = [names::APPLICATION_NAME.as_bytes(), b"=", &spelled(name, conninfo.form)].concat();
    append(&mut adjusted.value, &conninfo, &pair);
    adjusted.why.push(why);
}

/// A value as the string has to spell it.
fn spelled(value: &[u8], form: Form) -> Vec<u8> {
    let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
    if value.iter().all(is_plain) {
        return value.to_vec();
    }
    match form {
        Form::Uri => value
            .iter()
            .flat_map(|byte| match is_plain(byte) {
                true => vec![*byte],
                false => format!("%{byte:02X}").into_bytes(),
            })
            .collect(),
        Form::Pairs => {
            let escaped = value.iter().flat_map(|byte| match byte {
                b'\'' | b'\\' => vec![b'\\', *byte],
                byte => vec![*byte],
            });
            [b"'".to_vec(), escaped.collect(), b"'".to_vec()].concat()
        }
    }
}

fn append(value: &mut Vec<u8>, conninfo: &Conninfo, pair: &[u8]) {
    let between = match conninfo.form {
        Form::Pairs if value.trim_ascii().is_empty() => "",
        Form::Pairs => " ",
        Form::Uri if !value.contains(&b'?') => "?",
        Form::Uri if value.ends_with(b"?") || value.ends_with(b"&") => "",
        Form::Uri => "&",
    };
    value.extend(between.as_bytes());
    value.extend(pair);
}

/// A pair with what parts it from its neighbours.
fn around(text: &[u8], conninfo: &Conninfo, pair: usize) -> Span {
    let span = conninfo.pairs[pair].span();
    let (before, behind) = (&text[..span.start], &text[span.end..]);
    match conninfo.form {
        Form::Uri if behind.first() == Some(&b'&') => Span::new(span.start, span.end + 1),
        Form::Uri => Span::new(before.len() - usize::from(before.ends_with(b"&") || before.ends_with(b"?")), span.end),
        Form::Pairs => {
            let blanks = |bytes: &[u8]| bytes.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
            let right = blanks(behind);
            let left = before.iter().rev().take_while(|byte| byte.is_ascii_whitespace()).count();
            let is_last = span.end + right == text.len();
            Span::new(span.start - if is_last { left } else { 0 }, span.end + right)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn adjusted(text: &str, cluster_name: &str) -> (String, usize, usize) {
        let mut adjusted = adjust(text.as_bytes(), Major::V11, Major::V16);
        if !cluster_name.is_empty() {
            pin(&mut adjusted, Major::V16, USUAL_NAME.as_bytes(), String::new());
        }
        (String::from_utf8(adjusted.value).expect("UTF-8"), adjusted.why.len(), adjusted.notes.len())
    }

    #[test]
    fn what_is_gone_goes_and_the_name_stays() {
        for (text, cluster_name, wanted, why, notes) in [
            ("host=a port=1", "", "host=a port=1", 0, 0),
            ("host=a port=1", "11/main", "host=a port=1 application_name=walreceiver", 1, 0),
            ("host=a application_name=b", "11/main", "host=a application_name=b", 0, 0),
            ("host=a authtype=x port=1", "", "host=a port=1", 1, 0),
            ("host=a tty=x", "", "host=a", 1, 0),
            ("tty=x authtype=y", "", "", 2, 0),
            ("postgresql://a/?tty=x&user=u", "", "postgresql://a/?user=u", 1, 0),
            ("postgresql://a/?user=u&tty=x", "", "postgresql://a/?user=u", 1, 0),
            ("postgresql://a/?tty=x", "c", "postgresql://a/?application_name=walreceiver", 2, 0),
            ("postgresql://a", "c", "postgresql://a?application_name=walreceiver", 1, 0),
            // What the old one refused too is left to the rules.
            ("host=a bogus=1", "", "host=a bogus=1", 0, 0),
        ] {
            assert_eq!(adjusted(text, cluster_name), (wanted.to_owned(), why, notes), "{text}");
        }
    }

    #[test]
    fn what_an_older_libpq_does_not_know_goes_where_it_says_nothing() {
        for (text, name, wanted, why, notes) in [
            ("host=a channel_binding=prefer sslsni=1 gssencmode=prefer user=b", "", "host=a user=b", 3, 0),
            ("host=a channel_binding=require", "", "host=a channel_binding=require", 0, 1),
            ("host=a", "16/main", "host=a application_name='16/main'", 1, 0),
            ("host=a", "it's", "host=a application_name='it\\'s'", 1, 0),
            ("postgresql://a/?sslsni=1", "16/main", "postgresql://a/?application_name=16%2Fmain", 2, 0),
            ("host=a application_name=b", "16/main", "host=a application_name=b", 0, 0),
        ] {
            let mut adjusted = adjust(text.as_bytes(), Major::V16, Major::V11);
            if !name.is_empty() {
                pin(&mut adjusted, Major::V11, name.as_bytes(), String::new());
            }
            let value = String::from_utf8(adjusted.value).expect("UTF-8");
            assert_eq!((value.as_str(), adjusted.why.len(), adjusted.notes.len()), (wanted, why, notes), "{text}");
        }
    }
}
