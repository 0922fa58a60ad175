//! What libpq makes of a connection string: the options it keeps, and why it does not connect.
//!
//! Facts: PQconninfoParse and PQconnectStartParams of each major, asked by `tests/servers/agree conninfo`.

mod values;

use crate::catalog::conninfo::{self as table, Kind};
use crate::source::Span;
use crate::syntax::conninfo::{self as syntax, Conninfo, FaultKind, Form, Pair};
use crate::version::Major;

/// Why libpq does not connect.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Reason {
    /// The string cannot be split.
    Syntax(FaultKind),
    /// No libpq knows the keyword.
    Unknown,
    /// A later libpq knows the keyword.
    KeywordTooNew(Major),
    /// Up to that major libpq knew the keyword.
    KeywordGone(Major),
    /// A value that no libpq takes.
    Value,
    /// A value that a later libpq takes.
    ValueTooNew(Major),
    /// Another value than this one is needed by a further option.
    TooWeak,
    /// The least version is above the greatest.
    Range,
    /// Lists of hosts, addresses and ports that differ in length.
    Lengths,
}

/// Something that libpq refuses.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Refusal {
    /// Why.
    pub reason: Reason,
    /// The pair it is about, where it is about one.
    pub pair: Option<usize>,
    /// Where, in the connection string.
    pub span: Span,
    /// What libpq says, without a line feed at its end.
    pub message: Vec<u8>,
    /// The word that was plainly meant, where there is one.
    pub meant: Option<&'static str>,
    /// The piece of a list that is at fault, or the whole value.
    pub word: Vec<u8>,
    /// What the value should be, where it is about one value.
    pub kind: Option<Kind>,
}

/// The options of a connection string, as libpq keeps them.
#[derive(Clone, Debug)]
pub struct Options<'a> {
    /// The string's parts.
    pub conninfo: &'a Conninfo,
}

impl<'a> Options<'a> {
    /// The value of a keyword, and the pair it comes from.
    pub fn get(&self, name: &str) -> Option<(usize, &'a [u8])> {
        let all = self.conninfo.pairs.iter().enumerate().rev();
        all.map(|(index, pair)| (index, self.stored(pair)))
            .find(|(_, (known, _))| *known == name.as_bytes())
            .map(|(index, (_, value))| (index, value))
    }

    /// The value of a keyword, if it is not empty.
    pub fn filled(&self, name: &str) -> Option<&'a [u8]> {
        self.get(name).map(|(_, value)| value).filter(|value| !value.is_empty())
    }

    /// Keyword and value as libpq keeps them.
    pub fn stored(&self, pair: &'a Pair) -> (&'a [u8], &'a [u8]) {
        let in_query = self.conninfo.form == Form::Uri && pair.keyword_span.is_some();
        table::stored(in_query, &pair.keyword, &pair.value)
    }
}

/// Everything in a string that keeps the libpq of that major from connecting; the first one is what it says.
///
/// What only the network, a service file or the build can tell is not among it.
pub fn refusals(conninfo: &Conninfo, major: Major) -> Vec<Refusal> {
    let options = Options { conninfo };
    let mut found = Vec::new();
    for (index, pair) in conninfo.pairs.iter().enumerate() {
        let (name, _) = options.stored(pair);
        let row = table::keyword(name).filter(|row| row.kind != Kind::UriAlias);
        let reason = match row {
            Some(row) if row.is_known(major) => continue,
            Some(row) => match (row.since(), row.until()) {
                (Some(since), _) if since > major => Reason::KeywordTooNew(since),
                (_, Some(until)) => Reason::KeywordGone(until),
                _ => Reason::Unknown,
            },
            None => Reason::Unknown,
        };
        let before = match conninfo.form {
            Form::Pairs => "invalid connection option",
            Form::Uri => "invalid URI query parameter:",
        };
        found.push(Refusal {
            reason,
            pair: Some(index),
            span: pair.keyword_span.unwrap_or(pair.value_span),
            message: [before.as_bytes(), b" \"", &pair.keyword, b"\""].concat(),
            meant: None,
            word: pair.keyword.clone(),
            kind: None,
        });
    }
    match &conninfo.fault {
        Some(fault) => found.push(Refusal {
            reason: Reason::Syntax(fault.kind),
            pair: None,
            span: fault.span,
            message: fault.message.clone(),
            meant: None,
            word: Vec::new(),
            kind: None,
        }),
        None => values::check(&options, major, &mut found),
    }
    found
}

/// What a server of that major hands to libpq, where it differs from the text of the setting.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Handed {
    /// The text, read as a connection string.
    Connection,
    /// The text is the name of a database, which a walreceiver does not need: libpq has nothing to go by.
    Database,
    /// A URI, at the end of which [`APPENDED`] stands: part of its host, its database or its last value.
    Mixed,
}

/// What 9.4 writes behind the text of the setting before libpq reads both.
pub const APPENDED: &[u8] = b" dbname=replication replication=true fallback_application_name=walreceiver";

/// What becomes of a text as `primary_conninfo`.
pub fn handed(text: &[u8], major: Major) -> Handed {
    let is_uri = || syntax::parse(text, major).form == Form::Uri;
    match major {
        major if major < Major::V9_5 && is_uri() => Handed::Mixed,
        // From 16 on the server has libpq parse the text before it connects.
        major if (Major::V9_5..Major::V16).contains(&major) && !syntax::is_recognized(text) => Handed::Database,
        _ => Handed::Connection,
    }
}

impl Refusal {
    /// Whether it comes up only once there is a TCP socket: libpq then names the address first.
    pub fn is_about_socket(&self) -> bool {
        self.kind.is_some_and(|kind| matches!(kind, Kind::Integer | Kind::Socket))
    }
}

/// Pieces with commas between; before 10 there were no lists.
pub fn pieces(value: &[u8], major: Major) -> impl Iterator<Item = &[u8]> {
    value.split(move |byte| *byte == b',' && major >= Major::V10)
}
