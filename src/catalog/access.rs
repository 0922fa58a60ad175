//! What each major knows of pg_hba.conf: connection types, methods, options, key words.

mod row;

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use row::{Row, rows};

use super::within;
use crate::version::Major;

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
        for row in rows().filter(|row| within(major, row.since(), row.until())) {
            match row.kind() {
                "type" => access.types.push(row.connection_type()),
                "method" => access.methods.push(row.method()),
                "option" => access.options.extend(row.option()),
                "value" => {
                    access.values.insert((row.methods(), row.name()), row.value());
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
    let rows: Vec<Row> = rows().filter(|row| row.kind() == kind && row.name().as_bytes() == name).collect();
    let since = rows.iter().filter_map(|row| Major::from_table(row.since())).min()?;
    let is_open = rows.iter().any(|row| row.until().is_empty());
    let until = rows.iter().filter_map(|row| Major::from_table(row.until())).max();
    Some((since, until.filter(|_| !is_open)))
}

/// All names of a kind, of any major.
pub fn names(kind: &str) -> impl Iterator<Item = &'static str> {
    rows().filter(move |row| row.kind() == kind).map(|row| row.name())
}

/// The key words of a column: `db`, `user` or `address`.
pub fn key_words(column: &str) -> impl Iterator<Item = &'static str> {
    rows().filter(move |row| row.kind() == "word" && row.place() == column).map(|row| row.name())
}

/// The key word that people mean by a word of a column.
pub fn meant(column: &str, word: &[u8]) -> Option<&'static str> {
    let mut of_column = rows().filter(|row| row.kind() == "meant" && row.place() == column);
    of_column.find(|row| row.name().as_bytes().eq_ignore_ascii_case(word)).map(|row| row.value())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_option_has_a_reading() {
        let options = rows().filter(|row| row.kind() == "option");
        assert!(options.clone().count() > 30);
        for row in options {
            assert!(row.option().is_some(), "{}", row.name());
        }
    }
}
