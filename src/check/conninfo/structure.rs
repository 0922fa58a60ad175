//! Strings that libpq splits otherwise than they look.

use super::{Subject, words};
use crate::catalog::conninfo as table;
use crate::check::spot::Spot;
use crate::finding::Severity;
use crate::model::conninfo::{APPENDED, Handed, handed};
use crate::names;
use crate::source::{Span, display};
use crate::syntax::conninfo::{self as syntax, FaultKind, Form, Pair, is_space};
use crate::version::Major;

/// A text without any `=`: the name of a database up to 15, refused later.
pub fn without_equals(subject: &Subject) -> Spot {
    let bytes = &subject.text.value.bytes;
    let spot = subject.spot("conninfo-without-equals", subject.all()).label("no `=` anywhere");
    let host = display(bytes.trim_ascii());
    let is_host = !host.contains(char::is_whitespace) && host.len() < 100;
    let spot = match is_host {
        true => spot.word("suggestion", host),
        false => spot,
    };
    match handed(bytes, subject.major) {
        Handed::Database => {
            let hint = "takes it for the name of a database and looks for the primary on its own Unix socket";
            let spot = spot.word("hint", hint);
            // libpq changed its words, not what it does.
            match subject.major {
                major if major < Major::V14 => {
                    spot.server("could not connect to the primary server: could not connect to server")
                }
                _ => spot.server("could not connect to the primary server: connection to server on socket"),
            }
        }
        Handed::Connection | Handed::Mixed => {
            let spot = spot.word("hint", "refuses it");
            match subject.refusals.first() {
                Some(refusal) => spot.server(subject.logged(refusal)),
                None => spot,
            }
        }
    }
}

/// A URI, up to 9.4: what the server appends is meant for pairs.
pub fn uri_too_new(subject: &Subject) -> Spot {
    let spot =
        subject.spot("conninfo-uri-too-new", subject.all()).label("a URI").word("since", Major::V9_5.to_string());
    let both = [&subject.text.value.bytes, APPENDED].concat();
    match syntax::parse(&both, subject.major).fault {
        // Other faults may quote a password.
        Some(fault) if fault.kind == FaultKind::ExtraEquals => {
            spot.server(format!("could not connect to the primary server: {}", display(&fault.message)))
        }
        _ => spot,
    }
}

/// Pairs that run into each other.
pub fn check(subject: &mut Subject, spots: &mut Vec<Spot>) {
    match subject.conninfo.form {
        Form::Uri => spots.extend(slash_in_password(subject)),
        Form::Pairs => {
            for index in 0..subject.conninfo.pairs.len() {
                let pair = &subject.conninfo.pairs[index];
                let found = swallowed(subject, pair).or_else(|| separators(subject, index, pair));
                if let Some(spot) = found {
                    subject.told[index] = true;
                    spots.push(spot);
                }
            }
        }
    }
}

/// `password= host=a`: behind an equals sign libpq passes over blanks.
fn swallowed(subject: &Subject, pair: &Pair) -> Option<Spot> {
    let bytes = &subject.text.value.bytes;
    let keyword = pair.keyword_span?;
    let between = &bytes[keyword.end..pair.value_span.start];
    let equals = keyword.end + memchr::memchr(b'=', between)? + 1;
    let taken = swallowed_keyword(pair.value_span.of(bytes))?;
    if equals == pair.value_span.start || !is_known(keyword.of(bytes)) {
        return None;
    }
    let taken_span = Span::new(pair.value_span.start, pair.value_span.start + taken.len());
    let mut spot = subject
        .spot("conninfo-empty-value", taken_span)
        .word("keyword", display(&pair.keyword))
        .word("token", format!("{}=", display(taken)))
        .label(format!("part of the value of `{}`", display(&pair.keyword)));
    spot.edits.push(subject.edit(Span::new(equals, equals), b"''"));
    Some(spot)
}

/// The known keyword with which a value begins.
fn swallowed_keyword(value: &[u8]) -> Option<&[u8]> {
    let keyword = &value[..memchr::memchr(b'=', value)?];
    is_known(keyword).then_some(keyword)
}

fn is_known(keyword: &[u8]) -> bool {
    table::keyword(keyword).is_some()
}

/// `host=a,port=5432` or `host=a, port=5432`, also with semicolons.
fn separators(subject: &Subject, index: usize, pair: &Pair) -> Option<Spot> {
    let bytes = &subject.text.value.bytes;
    let raw = pair.value_span.of(bytes);
    if raw.starts_with(b"'") {
        return None;
    }
    let is_separator = |byte: &u8| matches!(byte, b',' | b';');
    let inside: Vec<usize> = (0..raw.len())
        .filter(|at| is_separator(&raw[*at]) && swallowed_keyword(word_at(&raw[at + 1..])).is_some())
        .collect();
    let is_last = index + 1 == subject.conninfo.pairs.len();
    let trailing = raw.last().is_some_and(is_separator) && !is_last;
    let first = inside.first().copied().or(trailing.then(|| raw.len() - 1))?;
    let at = |offset: usize| pair.value_span.start + offset;
    let mut spot = subject
        .spot("conninfo-separator", Span::new(at(first), at(first) + 1))
        .word("token", char::from(raw[first]).to_string())
        .word("keyword", display(&pair.keyword))
        .label(format!("part of the value of `{}`", display(&pair.keyword)));
    for offset in &inside {
        spot.edits.push(subject.edit(Span::new(at(*offset), at(*offset) + 1), b" "));
    }
    if trailing {
        spot.edits.push(subject.edit(Span::new(at(raw.len() - 1), at(raw.len())), b""));
    }
    match subject.refusals.iter().find(|refusal| refusal.pair == Some(index)) {
        Some(refusal) if !table::is_secret(&pair.keyword) => spot = spot.server(subject.logged(refusal)),
        // What comes of it, only the network tells.
        _ => spot.at_most = Some(Severity::Warning),
    }
    Some(spot)
}

/// The word at the start of a text.
fn word_at(text: &[u8]) -> &[u8] {
    let length = text.iter().take_while(|byte| !is_space(**byte) && !matches!(byte, b',' | b';')).count();
    &text[..length]
}

/// `postgresql://user:pass/word@host`: the slash ends what libpq searches for the user.
fn slash_in_password(subject: &mut Subject) -> Option<Spot> {
    let bytes = &subject.text.value.bytes;
    let start = memchr::memmem::find(bytes, b"://")? + 3;
    let end = memchr::memchr(b'?', bytes).unwrap_or(bytes.len());
    let authority = bytes.get(start..end)?;
    let slash = memchr::memchr(b'/', authority)?;
    let colon = memchr::memchr(b':', &authority[..slash])?;
    let at = memchr::memrchr(b'@', &authority[slash..])? + slash;
    // With an `@` before the slash there is a user, and this is the name of a database.
    if memchr::memchr(b'@', &authority[..slash]).is_some() {
        return None;
    }
    for pair in subject.conninfo.pairs.iter().enumerate().filter(|(_, pair)| pair.keyword_span.is_none()) {
        subject.told[pair.0] = true;
    }
    let span = Span::new(start + colon + 1, start + at);
    let refused = subject.refusals.iter().find(|refusal| {
        let of = refusal.pair.map(|pair| &subject.conninfo.pairs[pair]);
        of.is_some_and(|pair| pair.keyword_span.is_none() && pair.keyword == names::PORT.as_bytes())
    });
    let mut spot = subject.spot("conninfo-uri-password", span).label("the slash ends the host and its port");
    match refused {
        Some(refusal) => {
            let message = display(&refusal.message).replace(&display(&refusal.word), words::MASK);
            spot = spot.server(format!("could not connect to the primary server: {message}"));
        }
        None => spot.at_most = Some(Severity::Warning),
    }
    Some(spot)
}
