//! Connection strings as libpq splits them, 9.4 to 19: `keyword = value` pairs, or a URI.
//!
//! Reading never fails: what stands before a fault is kept. Which keywords there are is not known here.
//! Facts: each major's own PQconninfoParse, asked by `tests/servers/agree conninfo`.

mod pairs;
mod uri;

use crate::source::Span;
use crate::version::Major;

/// How a string is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Form {
    /// `host=a port=1`
    Pairs,
    /// `postgresql://a:1/`
    Uri,
}

/// A keyword with its value.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Pair {
    /// As libpq looks it up: percent signs resolved.
    pub keyword: Vec<u8>,
    /// Where it stands; nothing where its position in a URI says what it is.
    pub keyword_span: Option<Span>,
    /// As libpq keeps it: quotes, backslashes and percent signs resolved.
    pub value: Vec<u8>,
    /// Where it stands, quotes included. The hosts and ports of a URI stand between each other.
    pub value_span: Span,
}

impl Pair {
    /// Keyword and value, and all between them.
    pub fn span(&self) -> Span {
        Span::new(self.keyword_span.map_or(self.value_span.start, |keyword| keyword.start), self.value_span.end)
    }
}

/// What libpq stumbles over.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FaultKind {
    /// A word without `=`.
    MissingEquals,
    /// A `'` that is not closed.
    Unterminated,
    /// A `%` without two hexadecimal digits.
    PercentToken,
    /// `%00`
    PercentZero,
    /// Blanks within a part of a URI: from 18 on.
    Blanks,
    /// `[` without `]`, nothing between them, or something else behind them.
    Address,
    /// A second `=` in a parameter of a URI.
    ExtraEquals,
    /// A parameter of a URI without `=`.
    NoEquals,
}

/// Where libpq gives up.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Fault {
    /// What is wrong.
    pub kind: FaultKind,
    /// Where.
    pub span: Span,
    /// What libpq says, without a line feed at its end.
    pub message: Vec<u8>,
}

/// A connection string.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Conninfo {
    /// How it is written.
    pub form: Form,
    /// In the order in which libpq takes them; of several with the same keyword the last one counts.
    pub pairs: Vec<Pair>,
    /// What stands behind it has not been read.
    pub fault: Option<Fault>,
}

/// Splits a string as the libpq of that major does. A zero byte ends the string.
pub fn parse(text: &[u8], major: Major) -> Conninfo {
    let text = &text[..memchr::memchr(0, text).unwrap_or(text.len())];
    match uri::prefix(text) {
        Some(start) => uri::parse(text, start, major),
        None => pairs::parse(text),
    }
}

/// Whether a server takes it for a connection string, not for the name of a database.
pub fn is_recognized(text: &[u8]) -> bool {
    let text = &text[..memchr::memchr(0, text).unwrap_or(text.len())];
    uri::prefix(text).is_some() || memchr::memchr(b'=', text).is_some()
}

/// What C's isspace says in the locales of servers.
pub fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | 0x0b | 0x0c | b'\r')
}

fn quoting(before: &str, text: &[u8], after: &str) -> Vec<u8> {
    [before.as_bytes(), b"\"", text, b"\"", after.as_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn shown(text: &str, major: Major) -> String {
        let conninfo = parse(text.as_bytes(), major);
        let pairs = conninfo
            .pairs
            .iter()
            .map(|pair| format!("{}={}", String::from_utf8_lossy(&pair.keyword), String::from_utf8_lossy(&pair.value)));
        let fault = conninfo.fault.iter().map(|fault| format!("! {}", String::from_utf8_lossy(&fault.message)));
        pairs.chain(fault).collect::<Vec<_>>().join("; ")
    }

    #[test]
    fn pairs_and_uris() {
        for (text, wanted) in [
            ("host=a port = 1", "host=a; port=1"),
            ("host='a'port=5", "host=a; port=5"),
            (r"host='a\'b' user=c\ d\", "host=a'b; user=c d"),
            ("host= user=x", "host=user=x"),
            ("host='a", "! unterminated quoted string in connection info string"),
            ("host=a user x", "host=a; ! missing \"=\" after \"user\" in connection info string"),
            ("postgresql://", ""),
            ("postgres://u:p@h1:1,h2/d?a=b", "user=u; password=p; host=h1,h2; port=1,; dbname=d; a=b"),
            ("postgres://[::1]:5", "host=::1; port=5"),
            ("postgres://%2", "! invalid percent-encoded token: \"%2\""),
            ("Postgres://h", "! missing \"=\" after \"Postgres://h\" in connection info string"),
        ] {
            assert_eq!(shown(text, Major::V18), wanted, "{text}");
        }
    }

    #[test]
    fn majors_differ_in_lists_and_blanks() {
        let uri = "postgres://a:1,b/d e";
        assert_eq!(shown(uri, Major::V9_6), "host=a; port=1,b; dbname=d e");
        assert_eq!(shown(uri, Major::V17), "host=a,b; port=1,; dbname=d e");
        assert!(
            shown(uri, Major::V18)
                .ends_with("unexpected spaces found in \"d e\", use percent-encoded spaces (%20) instead")
        );
    }

    proptest! {
        #[test]
        fn ranges_lie_in_the_text_in_order(
            text in prop_oneof![
                "(host|=|'|\\\\| |a|,|port){0,20}",
                "postgres(ql)?://(a|:|@|/|\\?|&|=|%4|\\[|\\]|,| ){0,20}",
            ],
            new in any::<bool>(),
        ) {
            let conninfo = parse(text.as_bytes(), if new { Major::V18 } else { Major::V9_6 });
            for pair in &conninfo.pairs {
                let span = pair.span();
                prop_assert!(span.start <= span.end && span.end <= text.len());
                if let Some(keyword) = pair.keyword_span {
                    prop_assert!(keyword.end <= pair.value_span.start);
                }
            }
            if conninfo.form == Form::Pairs {
                for two in conninfo.pairs.windows(2) {
                    prop_assert!(two[0].span().end <= two[1].span().start);
                }
            }
            if let Some(fault) = &conninfo.fault {
                prop_assert!(fault.span.start <= fault.span.end && fault.span.end <= text.len());
            }
        }

        #[test]
        fn any_bytes_are_read(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
            let _ = parse(&bytes, Major::V18);
            let uri = [b"postgres://".as_slice(), &bytes].concat();
            let _ = parse(&uri, Major::V9_6);
        }

        /// What libpq's own quoting makes of a value is read back.
        #[test]
        fn a_quoted_value_is_itself(value in "[a-z '\\\\=,é]{0,20}") {
            let quoted = value.replace('\\', r"\\").replace('\'', r"\'");
            let text = format!("a = '{quoted}' b=c");
            let conninfo = parse(text.as_bytes(), Major::V18);
            prop_assert_eq!(&conninfo.pairs[0].value, value.as_bytes());
            prop_assert_eq!(conninfo.pairs.len(), 2);
        }
    }
}
