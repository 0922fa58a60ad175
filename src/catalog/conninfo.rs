//! The keywords of connection strings: which libpq knows them, and which values it takes.

use std::sync::OnceLock;

use super::{rows_of, within};
use crate::names;
use crate::version::Major;

static KEYWORDS: &str = include_str!("../../rules/catalog/conninfo.tsv");

/// What libpq makes of a value.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// Anything.
    Text,
    /// Anything; never to be shown.
    Secret,
    /// A file with passwords.
    Passfile,
    /// The name of a service, looked up at once.
    Service,
    /// Nothing: a walreceiver overrides or ignores it.
    Unused,
    /// Nothing, since a libpq.
    Idle,
    /// One of a list of words.
    Enum,
    /// A list of authentication methods.
    Methods,
    /// A version of TLS, in any case, or nothing.
    TlsVersion,
    /// A version of the protocol.
    Protocol,
    /// Ports, with commas between.
    Port,
    /// Numeric addresses, with commas between.
    Address,
    /// A whole number.
    Integer,
    /// A whole number that the kernel takes for a TCP socket.
    Socket,
    /// Stored under another keyword.
    Alias,
    /// As `Alias`, in the query of a URI alone.
    UriAlias,
    /// No keyword: what a value wants of another one.
    Needs,
    /// No keyword: two bounds.
    Range,
    /// No keyword: values that allow no clear text.
    Encrypts,
    /// No keyword: values that tell a primary from a standby.
    Chooses,
    /// No keyword: what libpq goes by.
    Default,
}

/// A row of the table.
#[derive(Clone, Debug)]
pub struct Keyword {
    /// As connection strings spell it.
    pub name: &'static str,
    since: &'static str,
    until: &'static str,
    /// What its values are.
    pub kind: Kind,
    /// The words it takes, or what the row wants.
    pub values: &'static str,
    /// The least number, or what holds where the other keyword is not given.
    pub low: &'static str,
    /// The greatest number.
    pub high: &'static str,
    meant: &'static str,
    also: &'static str,
}

impl Keyword {
    /// Whether the libpq of that major knows it.
    pub fn is_known(&self, major: Major) -> bool {
        within(major, self.since, self.until)
    }

    /// The first libpq that knows it; nothing where all do.
    pub fn since(&self) -> Option<Major> {
        Major::from_table(self.since)
    }

    /// The last libpq that knows it; nothing where the newest does.
    pub fn until(&self) -> Option<Major> {
        Major::from_table(self.until)
    }

    /// Whether it stands for a keyword, and not for a law between two.
    fn is_keyword(&self) -> bool {
        !matches!(self.kind, Kind::Needs | Kind::Range | Kind::Encrypts | Kind::Chooses | Kind::Default)
    }

    /// The words that the libpq of that major takes.
    pub fn words(&self, major: Major) -> impl Iterator<Item = &'static str> {
        self.all_words().filter(move |(_, since)| since.is_none_or(|since| major >= since)).map(|(word, _)| word)
    }

    /// Every word that some libpq takes, and since when where not all do.
    pub fn all_words(&self) -> impl Iterator<Item = (&'static str, Option<Major>)> {
        self.values.split('|').map(|word| match word.split_once(':') {
            Some((word, since)) => (word, Major::from_table(since)),
            None => (word, None),
        })
    }

    /// The word that people mean by another one.
    pub fn meant(&self, word: &[u8]) -> Option<&'static str> {
        self.meant.split('|').find_map(|pair| {
            let (known, meant) = pair.split_once('=')?;
            known.as_bytes().eq_ignore_ascii_case(word).then_some(meant)
        })
    }

    /// Where an alias stores that value: keyword and value.
    fn stored(&self, value: &[u8]) -> Option<(&'static str, &'static str)> {
        let rows = self.values.split('|').filter_map(|row| row.split_once('>'));
        let matches = |pattern: &str| match pattern.strip_suffix('*') {
            Some(start) => value.starts_with(start.as_bytes()),
            None => value == pattern.as_bytes(),
        };
        rows.filter(|(pattern, _)| matches(pattern)).find_map(|(_, target)| target.split_once('='))
    }
}

/// All rows, in the order in which libpq looks at values.
pub fn rows() -> &'static [Keyword] {
    static ROWS: OnceLock<Vec<Keyword>> = OnceLock::new();
    ROWS.get_or_init(|| {
        rows_of(KEYWORDS)
            .filter_map(|row| {
                let [name, since, until, kind, values, low, high, meant, also] = row[..] else { return None };
                Some(Keyword { name, since, until, kind: kind_of(kind), values, low, high, meant, also })
            })
            .collect()
    })
}

/// The row of a keyword, whichever libpq knows it. Capitals are other keywords.
pub fn keyword(name: &[u8]) -> Option<&'static Keyword> {
    rows().iter().find(|row| row.is_keyword() && row.name.as_bytes() == name)
}

/// The keywords that the libpq of that major knows.
pub fn known(major: Major) -> impl Iterator<Item = &'static str> {
    rows()
        .iter()
        .filter(move |row| row.is_keyword() && row.kind != Kind::UriAlias && row.is_known(major))
        .map(|row| row.name)
}

/// The keyword that people mean by a word of their own, in small letters.
pub fn meant_keyword(word: &str) -> Option<&'static str> {
    rows().iter().find(|row| row.also.split('|').any(|other| !other.is_empty() && other == word)).map(|row| row.name)
}

/// The laws of a kind, for the libpq of that major.
pub fn laws(kind: Kind, major: Major) -> impl Iterator<Item = &'static Keyword> {
    rows().iter().filter(move |row| row.kind == kind && row.is_known(major))
}

/// Since which libpq a keyword does nothing.
pub fn idle_since(row: &Keyword) -> Option<Major> {
    Major::from_table(row.low).filter(|_| row.kind == Kind::Idle)
}

/// Whether it is the keyword of a password or the like.
pub fn is_secret(name: &[u8]) -> bool {
    name == names::PASSWORD.as_bytes() || keyword(name).is_some_and(|row| row.kind == Kind::Secret)
}

/// Under which keyword libpq keeps a value, and which: aliases are resolved.
pub fn stored<'a>(in_uri_query: bool, name: &'a [u8], value: &'a [u8]) -> (&'a [u8], &'a [u8]) {
    let target = match keyword(name) {
        Some(row) if row.kind == Kind::Alias || row.kind == Kind::UriAlias && in_uri_query => row.stored(value),
        _ => None,
    };
    target.map_or((name, value), |(name, value)| (name.as_bytes(), value.as_bytes()))
}

fn kind_of(word: &str) -> Kind {
    match word {
        "secret" => Kind::Secret,
        "passfile" => Kind::Passfile,
        "idle" => Kind::Idle,
        "service" => Kind::Service,
        "unused" => Kind::Unused,
        "enum" => Kind::Enum,
        "methods" => Kind::Methods,
        "tls-version" => Kind::TlsVersion,
        "protocol" => Kind::Protocol,
        "ports" => Kind::Port,
        "addresses" => Kind::Address,
        "integer" => Kind::Integer,
        "socket" => Kind::Socket,
        "alias" => Kind::Alias,
        "uri-alias" => Kind::UriAlias,
        "needs" => Kind::Needs,
        "range" => Kind::Range,
        "encrypts" => Kind::Encrypts,
        "chooses" => Kind::Chooses,
        "default" => Kind::Default,
        _ => Kind::Text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_read_whole() {
        let lines = KEYWORDS.lines().filter(|line| !line.starts_with('#')).count() - 1;
        assert_eq!(rows().len(), lines);
        for row in rows() {
            for (_, meant) in row.meant.split('|').filter_map(|pair| pair.split_once('=')) {
                assert!(row.all_words().any(|(word, _)| word == meant), "{} is never {meant}", row.name);
            }
            if let (Some(since), Some(until)) = (row.since(), row.until()) {
                assert!(since <= until, "{}", row.name);
            }
        }
    }

    #[test]
    fn aliases_are_stored_elsewhere() {
        let stored = |in_query: bool, name: &'static str, value: &'static str| {
            let (name, value) = stored(in_query, name.as_bytes(), value.as_bytes());
            format!("{}={}", String::from_utf8_lossy(name), String::from_utf8_lossy(value))
        };
        assert_eq!(stored(false, "requiressl", "1x"), "sslmode=require");
        assert_eq!(stored(true, "requiressl", ""), "sslmode=prefer");
        assert_eq!(stored(true, "ssl", "true"), "sslmode=require");
        assert_eq!(stored(true, "ssl", "1"), "ssl=1");
        assert_eq!(stored(false, "ssl", "true"), "ssl=true");
    }
}
