//! What each major knows of pg_hba.conf: connection types, methods, options, key words.

use std::collections::HashMap;
use std::sync::{Mutex, OnceLock, PoisonError};

use super::within;
use crate::version::Major;

static TABLE: &str = include_str!("../../rules/catalog/hba.tsv");

/// The kinds of connection that a line can be for.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Transport {
    /// A Unix socket.
    Local,
    /// TCP without encryption.
    Plain,
    /// TCP with TLS.
    Ssl,
    /// TCP with GSSAPI encryption.
    Gss,
}

impl Transport {
    /// All of them.
    pub const ALL: [Transport; 4] = [Transport::Local, Transport::Plain, Transport::Ssl, Transport::Gss];

    /// What messages of that major call it.
    pub fn said(self, major: Major) -> &'static str {
        match self {
            Transport::Gss => "GSS encryption",
            Transport::Ssl if major >= Major::V14 => "SSL encryption",
            _ if major >= Major::V14 => "no encryption",
            Transport::Ssl => "SSL on",
            _ => "SSL off",
        }
    }
}

/// A connection type: the first word of a line.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Type {
    /// `hostssl`
    pub name: &'static str,
    /// The connections it is for.
    pub transports: Vec<Transport>,
    /// What the server has to be built with for it to match anything.
    pub build: &'static str,
    /// The setting that has to be on for it to match anything.
    pub setting: Option<&'static str>,
}

impl Type {
    /// Whether it is for Unix sockets and has no address.
    pub fn is_local(&self) -> bool {
        self.transports == [Transport::Local]
    }
}

/// Where a method works.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Where {
    /// On every line.
    Anywhere,
    /// Only on lines of that type.
    Only(&'static str),
    /// On all but lines of that type.
    Not(&'static str),
}

/// What a client sends to prove who it is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Proof {
    /// Nothing at all.
    Nothing,
    /// What the client's own machine says of it.
    Claim,
    /// A password that whoever listens can read.
    Clear,
    /// An MD5 hash.
    Md5,
    /// What cannot be used again by those who listen.
    Other,
}

/// What a client must have for a method to let it in.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Needs {
    /// Nothing.
    Nothing,
    /// A password.
    Password,
    /// A certificate of its own.
    Certificate,
    /// The right account of an operating system.
    Account,
    /// A ticket or login of another service.
    Ticket,
}

/// An authentication method.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Method {
    /// `scram-sha-256`
    pub name: &'static str,
    /// The name in messages.
    pub said: &'static str,
    /// What the server has to be built with.
    pub build: &'static str,
    /// Where it works.
    pub place: Where,
    /// The setting it depends on; with `!` it must not be on.
    pub setting: Option<&'static str>,
    /// The method that it is on a Unix socket.
    pub on_local: Option<&'static str>,
    /// What a client is asked for, in words.
    pub asks: &'static str,
    /// What it sends.
    pub proof: Proof,
    /// Greater is stronger; nothing where methods cannot be compared.
    pub strength: Option<u8>,
    /// What it must have.
    pub needs: Needs,
}

impl Method {
    /// Whether it lets nobody in.
    pub fn is_reject(&self) -> bool {
        self.name == "reject"
    }
}

/// How the value of an option is read.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Reading {
    /// Anything.
    Text,
    /// `1` is on, everything else is off.
    Flag,
    /// Whether a client certificate is asked for.
    ClientCert,
    /// What of a client certificate is compared.
    ClientName,
    /// An LDAP URL.
    LdapUrl,
    /// `ldap` or `ldaps`; another one is only complained of.
    LdapScheme,
    /// A positive number.
    LdapPort,
    /// RADIUS servers.
    Servers,
    /// Their ports.
    Ports,
    /// Their secrets.
    Secrets,
    /// Their identifiers.
    Identifiers,
    /// The name of an OAuth validator.
    Validator,
}

/// An option behind a method.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OptionWord {
    /// `map`
    pub name: &'static str,
    /// The methods that take it; empty for all.
    pub methods: Vec<&'static str>,
    /// How messages list those methods, or the line type that it is for.
    pub said: &'static str,
    /// A setting that it depends on.
    pub setting: Option<&'static str>,
    /// How its value is read.
    pub reading: Reading,
    /// Whether its value must not be seen.
    pub is_secret: bool,
}

/// What one major knows.
#[derive(Debug)]
pub struct Access {
    /// Connection types.
    pub types: Vec<Type>,
    /// Methods.
    pub methods: Vec<Method>,
    /// Options.
    pub options: Vec<OptionWord>,
    values: HashMap<(&'static str, &'static str), &'static str>,
}

impl Access {
    /// The tables of a major, made once for the whole run.
    pub fn shared(major: Major) -> &'static Access {
        static SHARED: Mutex<Vec<(Major, &'static Access)>> = Mutex::new(Vec::new());
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, known)) = shared.iter().find(|(known, _)| *known == major) {
            return known;
        }
        // A run has few majors, and keeps them to its end.
        let access: &'static Access = Box::leak(Box::new(Access::of(major)));
        shared.push((major, access));
        access
    }

    fn of(major: Major) -> Access {
        let mut access = Access { types: Vec::new(), methods: Vec::new(), options: Vec::new(), values: HashMap::new() };
        for row in rows().iter().filter(|row| within(major, row.since, row.until)) {
            match row.kind {
                "type" => access.types.push(row.connection_type()),
                "method" => access.methods.push(row.method()),
                "option" => access.options.extend(row.option()),
                "value" => {
                    access.values.insert((row.methods, row.name), row.value);
                }
                _ => {}
            }
        }
        access
    }

    /// The connection type of that name.
    pub fn connection_type(&self, name: &[u8]) -> Option<&Type> {
        self.types.iter().find(|known| known.name.as_bytes() == name)
    }

    /// The method of that name.
    pub fn method(&self, name: &[u8]) -> Option<&Method> {
        self.methods.iter().find(|known| known.name.as_bytes() == name)
    }

    /// The option of that name.
    pub fn option(&self, name: &[u8]) -> Option<&OptionWord> {
        self.options.iter().find(|known| known.name.as_bytes() == name)
    }

    /// The words that an option takes, sorted, where it takes only words.
    pub fn values(&self, option: &str) -> Vec<&'static str> {
        let of_option = self.values.keys().filter(|(of, _)| *of == option);
        let mut words: Vec<&'static str> = of_option.map(|(_, word)| *word).collect();
        words.sort_unstable();
        words
    }

    /// What a word means as the value of an option.
    pub fn meaning(&self, option: &'static str, word: &[u8]) -> Option<&'static str> {
        let word = std::str::from_utf8(word).ok()?;
        self.values.iter().find(|((of, name), _)| *of == option && *name == word).map(|(_, meaning)| *meaning)
    }
}

/// First and last major that knows a type, method or option; `None` for the last stands for all later ones.
pub fn history(kind: &str, name: &[u8]) -> Option<(Major, Option<Major>)> {
    let rows: Vec<&Row> = rows().iter().filter(|row| row.kind == kind && row.name.as_bytes() == name).collect();
    let since = rows.iter().filter_map(|row| Major::from_table(row.since)).min()?;
    let is_open = rows.iter().any(|row| row.until.is_empty());
    let until = rows.iter().filter_map(|row| Major::from_table(row.until)).max();
    Some((since, until.filter(|_| !is_open)))
}

/// All names of a kind, of any major.
pub fn names(kind: &str) -> impl Iterator<Item = &'static str> {
    rows().iter().filter(move |row| row.kind == kind).map(|row| row.name)
}

/// The key words of a column: `db`, `user` or `address`.
pub fn key_words(column: &str) -> impl Iterator<Item = &'static str> {
    rows().iter().filter(move |row| row.kind == "word" && row.place == column).map(|row| row.name)
}

/// The key word that people mean by a word of a column.
pub fn meant(column: &str, word: &[u8]) -> Option<&'static str> {
    let of_column = rows().iter().filter(|row| row.kind == "meant" && row.place == column);
    of_column.into_iter().find(|row| row.name.as_bytes().eq_ignore_ascii_case(word)).map(|row| row.value)
}

struct Row {
    kind: &'static str,
    name: &'static str,
    since: &'static str,
    until: &'static str,
    build: &'static str,
    place: &'static str,
    methods: &'static str,
    setting: &'static str,
    said: &'static str,
    value: &'static str,
    asks: &'static str,
    sends: &'static str,
    strength: &'static str,
    needs: &'static str,
}

fn rows() -> &'static [Row] {
    static ROWS: OnceLock<Vec<Row>> = OnceLock::new();
    ROWS.get_or_init(|| {
        let mut rows = Vec::with_capacity(128);
        rows.extend(crate::table::rows(TABLE).map(Row::of));
        rows
    })
}

impl Row {
    fn of(line: &'static str) -> Row {
        let mut fields = crate::table::fields(line);
        let mut next = || fields.next().unwrap_or_default();
        // In the order of the columns.
        Row {
            kind: next(),
            name: next(),
            since: next(),
            until: next(),
            build: next(),
            place: next(),
            methods: next(),
            setting: next(),
            said: next(),
            value: next(),
            asks: next(),
            sends: next(),
            strength: next(),
            needs: next(),
        }
    }
}

impl Row {
    fn setting(&self) -> Option<&'static str> {
        Some(self.setting).filter(|setting| !setting.is_empty())
    }

    fn connection_type(&self) -> Type {
        let transport = |word: &str| match word {
            "local" => Transport::Local,
            "plain" => Transport::Plain,
            "tls" => Transport::Ssl,
            _ => Transport::Gss,
        };
        let transports = self.place.split(',').map(transport).collect();
        Type { name: self.name, transports, build: self.build, setting: self.setting() }
    }

    fn method(&self) -> Method {
        let place = match self.place.split_once(' ') {
            Some(("only", word)) => Where::Only(word),
            Some((_, word)) => Where::Not(word),
            None => Where::Anywhere,
        };
        let said = if self.said.is_empty() { self.name } else { self.said };
        let on_local = Some(self.value).filter(|value| !value.is_empty());
        let proof = match self.sends {
            "nothing" => Proof::Nothing,
            "claim" => Proof::Claim,
            "clear" => Proof::Clear,
            "md5" => Proof::Md5,
            _ => Proof::Other,
        };
        let needs = match self.needs {
            "password" => Needs::Password,
            "certificate" => Needs::Certificate,
            "account" => Needs::Account,
            "ticket" | "token" => Needs::Ticket,
            _ => Needs::Nothing,
        };
        Method {
            name: self.name,
            said,
            build: self.build,
            place,
            setting: self.setting(),
            on_local,
            asks: self.asks,
            proof,
            strength: self.strength.parse().ok(),
            needs,
        }
    }

    fn option(&self) -> Option<OptionWord> {
        let reading = match self.value {
            "text" => Reading::Text,
            "flag" => Reading::Flag,
            "clientcert" => Reading::ClientCert,
            "clientname" => Reading::ClientName,
            "ldapurl" => Reading::LdapUrl,
            "ldapscheme" => Reading::LdapScheme,
            "ldapport" => Reading::LdapPort,
            "servers" => Reading::Servers,
            "ports" => Reading::Ports,
            "secrets" => Reading::Secrets,
            "identifiers" => Reading::Identifiers,
            "validator" => Reading::Validator,
            _ => return None,
        };
        let methods = self.methods.split(',').filter(|method| !method.is_empty()).collect();
        let is_secret = self.sends == "secret";
        Some(OptionWord { name: self.name, methods, said: self.said, setting: self.setting(), reading, is_secret })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_option_has_a_reading() {
        let options = rows().iter().filter(|row| row.kind == "option");
        assert!(options.clone().count() > 30);
        for row in options {
            assert!(row.option().is_some(), "{}", row.name);
        }
    }
}
