//! The connection string of a standby, for the libpq of another major.

use crate::catalog::recovery::{Purpose, named};
use crate::model::conninfo::{Options, Reason, refusals};
use crate::names;
use crate::source::{Span, display};
use crate::syntax::conninfo::{Conninfo, Form, parse};
use crate::version::Major;

/// What a standby called itself up to 11, if nothing else was said.
const USUAL_NAME: &str = "walreceiver";

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

/// Takes out what the new libpq no longer knows, and keeps the name that the primary sees.
///
/// `cluster_name` is that of the standby: from 12 on it would be its name, where it has one.
pub fn adjust(text: &[u8], from: Major, to: Major, cluster_name: &[u8]) -> Adjusted {
    let mut adjusted = Adjusted { value: text.to_vec(), why: Vec::new(), notes: Vec::new() };
    let known: Vec<Vec<u8>> = refusals(&parse(text, from), from).into_iter().map(|refusal| refusal.message).collect();
    let mut at = 0;
    loop {
        let conninfo = parse(&adjusted.value, to);
        let all = refusals(&conninfo, to);
        let Some(refusal) = all.get(at) else { break };
        let gone = matches!(refusal.reason, Reason::KeywordGone(_)).then_some(refusal.pair).flatten();
        match gone {
            Some(pair) if conninfo.fault.is_none() => {
                let keyword = display(&conninfo.pairs[pair].keyword);
                adjusted.why.push(format!("without `{keyword}`, which libpq of {to} refuses and no server heeded"));
                let span = around(&adjusted.value, &conninfo, pair);
                adjusted.value.drain(span.start..span.end);
            }
            _ => {
                if !known.contains(&refusal.message) {
                    let message = display(&refusal.message);
                    let name = named(Purpose::Conninfo);
                    adjusted.notes.push(format!("libpq of {to} refuses the string in {name}: {message}"));
                }
                at += 1;
            }
        }
    }
    let conninfo = parse(&adjusted.value, to);
    let is_named = Options { conninfo: &conninfo }.filled(names::APPLICATION_NAME).is_some();
    if !is_named && !cluster_name.is_empty() && conninfo.fault.is_none() {
        append(&mut adjusted.value, &conninfo, &format!("{}={USUAL_NAME}", names::APPLICATION_NAME));
        adjusted.why.push(format!(
            "with the name that the primary has seen so far: from 12 on it would be `{}`, and `{}` of the primary may \
             wait for the old one",
            display(cluster_name),
            names::SYNCHRONOUS_STANDBY_NAMES
        ));
    }
    adjusted
}

fn append(value: &mut Vec<u8>, conninfo: &Conninfo, pair: &str) {
    let between = match conninfo.form {
        Form::Pairs if value.trim_ascii().is_empty() => "",
        Form::Pairs => " ",
        Form::Uri if !value.contains(&b'?') => "?",
        Form::Uri if value.ends_with(b"?") || value.ends_with(b"&") => "",
        Form::Uri => "&",
    };
    value.extend(between.as_bytes());
    value.extend(pair.as_bytes());
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
        let adjusted = adjust(text.as_bytes(), Major::V11, Major::V16, cluster_name.as_bytes());
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
}
