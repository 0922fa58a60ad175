//! Options behind the method of a line, and what methods need of them.

use super::address;
use super::entry::{Certificate, Judge};
use super::ldap::LdapUrl;
use super::refusal::{Fault, Refusal};
use crate::catalog::access::{Method, OptionWord, Reading, Type};
use crate::model::access::Word;
use crate::source::Place;
use crate::value::grammar::list;
use crate::version::Major;

/// `name=value`
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OptionValue {
    /// The name.
    pub name: &'static str,
    /// All behind the first `=`.
    pub value: Vec<u8>,
    /// The whole word.
    pub place: Place,
}

/// The options of a line as they are read.
pub(super) struct Options<'a> {
    connection: &'a Type,
    method: &'a Method,
    pub(super) all: Vec<OptionValue>,
    pub(super) certificate: Certificate,
    pub(super) ldap_scope: u8,
}

type Verdict = Result<(), Box<Refusal>>;

/// What a server of 19 takes as the name of a validator's own setting.
const VALIDATOR_OPTION: &[u8] = b"validator.";

impl<'a> Options<'a> {
    pub(super) fn new(connection: &'a Type, method: &'a Method) -> Options<'a> {
        Options { connection, method, all: Vec::new(), certificate: Certificate::Off, ldap_scope: 2 }
    }

    /// The last value of an option of that reading.
    fn last(&self, judge: &Judge, reading: Reading) -> Option<&OptionValue> {
        let is_it = |option: &&OptionValue| {
            judge.known.option(option.name.as_bytes()).is_some_and(|known| known.reading == reading)
        };
        self.all.iter().rev().find(is_it)
    }

    fn value(&self, name: &str) -> Option<&[u8]> {
        self.all.iter().rev().find(|option| option.name == name).map(|option| option.value.as_slice())
    }

    /// Whether there is one, even if it is empty.
    fn has(&self, name: &str) -> bool {
        self.value(name).is_some()
    }

    pub(super) fn read(&mut self, judge: &mut Judge, word: &Word) -> Verdict {
        let Some(equals) = memchr::memchr(b'=', &word.text) else {
            let text = [b"authentication option not in name=value format: ", word.text.as_slice()].concat();
            return Err(judge.refuse(Fault::OptionForm, word.place, text));
        };
        let (name, value) = (&word.text[..equals], &word.text[equals + 1..]);
        if judge.around.major >= Major::V19
            && let Some(rest) = name.strip_prefix(VALIDATOR_OPTION)
        {
            return self.validator_option(judge, word, name, rest);
        }
        let Some(known) = judge.known.option(name) else {
            let text = [b"unrecognized authentication option name: \"", name, b"\""].concat();
            return Err(judge.refuse(Fault::UnknownOption, word.place, text));
        };
        self.belongs(judge, word, known)?;
        self.check(judge, word, known, value)?;
        self.all.push(OptionValue { name: known.name, value: value.to_vec(), place: word.place });
        if known.reading == Reading::LdapUrl {
            self.ldap_url(judge, word, value)?;
        }
        Ok(())
    }

    fn validator_option(&mut self, judge: &mut Judge, word: &Word, name: &[u8], rest: &[u8]) -> Verdict {
        // The method that depends on the setting that names validators.
        if self.method.setting.is_none_or(|setting| setting.starts_with('!')) {
            let text =
                [b"authentication option \"", name, b"\" is only valid for authentication methods oauth"].concat();
            return Err(judge.refuse(Fault::OptionOfOther("oauth"), word.place, text));
        }
        let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
        if rest.is_empty() || !rest.iter().all(is_name) {
            let text = [b"invalid OAuth validator option name: \"", name, b"\""].concat();
            return Err(hidden(judge.refuse(Fault::UnknownOption, word.place, text)));
        }
        Ok(())
    }

    fn belongs(&self, judge: &mut Judge, word: &Word, known: &OptionWord) -> Verdict {
        let name = known.name;
        if matches!(known.reading, Reading::ClientCert | Reading::ClientName) && self.connection.name != known.said {
            let text = format!("{name} can only be configured for \"{}\" rows", known.said);
            return Err(judge.refuse(Fault::OptionNotHere(name), word.place, text));
        }
        if !known.methods.is_empty() && !known.methods.contains(&self.method.name) {
            let text =
                format!("authentication option \"{name}\" is only valid for authentication methods {}", known.said);
            return Err(judge.refuse(Fault::OptionOfOther(name), word.place, text));
        }
        Ok(())
    }

    fn check(&mut self, judge: &mut Judge, word: &Word, known: &OptionWord, value: &[u8]) -> Verdict {
        let name = known.name;
        let invalid = |what: &str| [what.as_bytes(), b": \"", value, b"\""].concat();
        let fault = Fault::OptionValue(name);
        match known.reading {
            Reading::ClientCert => self.client_cert(judge, word, known, value),
            Reading::ClientName if judge.known.meaning(name, value).is_none() => {
                Err(hidden(judge.refuse(fault, word.place, invalid("invalid value for clientname"))))
            }
            Reading::LdapPort if leading_number(value) == 0 => {
                Err(judge.refuse(fault, word.place, invalid("invalid LDAP port number")))
            }
            Reading::LdapScheme if value != b"ldap" && value != b"ldaps" => {
                judge.note_text(invalid("invalid ldapscheme value"));
                Ok(())
            }
            Reading::Servers if judge.around.major < Major::V10 => self.resolves(judge, word, name, value),
            Reading::Ports if judge.around.major < Major::V10 => {
                if leading_number(value) == 0 {
                    return Err(judge.refuse(fault, word.place, invalid("invalid RADIUS port number")));
                }
                Ok(())
            }
            Reading::Servers | Reading::Ports | Reading::Secrets | Reading::Identifiers => {
                self.radius_list(judge, word, known, value)
            }
            _ => Ok(()),
        }
    }

    fn radius_list(&mut self, judge: &mut Judge, word: &Word, known: &OptionWord, value: &[u8]) -> Verdict {
        let what = known.name.trim_start_matches("radius");
        let what = if known.reading == Reading::Identifiers { what } else { what.trim_end_matches('s') };
        let fault = Fault::OptionValue(known.name);
        let Some(items) = list::items(judge.around.major, value) else {
            let text = [format!("could not parse RADIUS {what} list \"").as_bytes(), value, b"\""].concat();
            return Err(hidden(judge.refuse(fault, word.place, text)));
        };
        for item in items {
            match known.reading {
                Reading::Servers => self.resolves(judge, word, known.name, &item)?,
                Reading::Ports if leading_number(&item) == 0 => {
                    // The whole list is named.
                    let text = [b"invalid RADIUS port number: \"", value, b"\""].concat();
                    return Err(hidden(judge.refuse(fault, word.place, text)));
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn resolves(&self, judge: &mut Judge, word: &Word, name: &'static str, host: &[u8]) -> Verdict {
        if address::parse(host, judge.around.interface).is_some() {
            return Ok(());
        }
        match (judge.around.resolve)(host) {
            None => Ok(()),
            Some(reason) => {
                let text = [b"could not translate RADIUS server name \"", host, b"\" to address: ", reason.as_bytes()]
                    .concat();
                let refusal = judge.refuse(Fault::Unresolved(name), word.place, text);
                Err(if judge.around.major < Major::V10 { refusal } else { hidden(refusal) })
            }
        }
    }

    fn client_cert(&mut self, judge: &mut Judge, word: &Word, known: &OptionWord, value: &[u8]) -> Verdict {
        let major = judge.around.major;
        let fault = Fault::OptionValue(known.name);
        let is_cert = self.method.place == crate::catalog::access::Where::Only(known.said);
        match judge.known.meaning(known.name, value) {
            Some("on") => {
                if let Some(setting) = known.setting.filter(|_| major < Major::V10)
                    && (judge.around.setting)(setting).is_some_and(|value| value.is_empty())
                {
                    let text = "client certificates can only be checked if a root certificate store is available";
                    let hint = format!("Make sure the configuration parameter \"{setting}\" is set.");
                    return Err(judge.refuse_with(Fault::Setting(setting), word.place, text, Some(hint)));
                }
                self.certificate = Certificate::On;
            }
            Some("full") => self.certificate = Certificate::Full,
            Some("ca") => {
                if is_cert && major >= Major::V14 {
                    let text = |only: &str| {
                        format!("{} {only} \"verify-full\" when using \"cert\" authentication", known.name)
                    };
                    let mut refusal = judge.refuse(fault, word.place, text("only accepts"));
                    refusal.view = Some(text("can only be set to").into_bytes());
                    return Err(refusal);
                }
                self.certificate = Certificate::Ca;
            }
            Some(_) if is_cert => {
                let can_not = if major < Major::V13 { "can not" } else { "cannot" };
                let text =
                    format!("{} {can_not} be set to \"no-verify\" when using \"cert\" authentication", known.name);
                return Err(judge.refuse(fault, word.place, text));
            }
            None if major >= Major::V12 => {
                let text = [b"invalid value for clientcert: \"", value, b"\""].concat();
                return Err(hidden(judge.refuse(fault, word.place, text)));
            }
            None if is_cert => {
                let text = format!("{} can not be set to 0 when using \"cert\" authentication", known.name);
                return Err(judge.refuse(fault, word.place, text));
            }
            Some(_) | None => self.certificate = Certificate::Off,
        }
        Ok(())
    }

    /// What an LDAP URL stands for is kept as if it were written as options of their own.
    fn ldap_url(&mut self, judge: &mut Judge, word: &Word, value: &[u8]) -> Verdict {
        let major = judge.around.major;
        let fault = Fault::OptionValue("ldapurl");
        let url = match LdapUrl::parse(value) {
            Ok(url) => url,
            Err(reason) => {
                let text = [b"could not parse LDAP URL \"", value, b"\": ", reason.as_bytes()].concat();
                return Err(judge.refuse_bare(fault, word.place, text));
            }
        };
        if major < Major::V11 && url.scheme != b"ldap" {
            let text = [b"unsupported LDAP URL scheme: ", url.scheme].concat();
            return Err(judge.refuse_bare(fault, word.place, text));
        }
        if major < Major::V11 && url.filter.is_some() {
            return Err(judge.refuse_bare(fault, word.place, "filters not supported in LDAP URLs"));
        }
        self.ldap_scope = url.scope;
        let parts = [
            ("ldapscheme", Some(url.scheme)),
            ("ldapserver", url.host),
            ("ldapport", url.port),
            ("ldapbasedn", url.base),
            ("ldapsearchattribute", url.attribute),
            ("ldapsearchfilter", url.filter),
        ];
        for (name, value) in parts {
            let known = judge.known.option(name.as_bytes());
            if let (Some(known), Some(value)) = (known, value) {
                self.all.push(OptionValue { name: known.name, value: value.to_vec(), place: word.place });
            }
        }
        Ok(())
    }

    pub(super) fn finish(&mut self, judge: &mut Judge, place: Place) -> Verdict {
        match self.method.name {
            "ldap" => self.finish_ldap(judge, place)?,
            "radius" => self.finish_radius(judge, place)?,
            "oauth" => self.finish_oauth(judge, place)?,
            _ => {}
        }
        if matches!(self.method.place, crate::catalog::access::Where::Only(place) if place != "local") {
            let old = judge.around.major < Major::V12;
            self.certificate = if old { Certificate::On } else { Certificate::Full };
        }
        Ok(())
    }

    fn needs(&self, judge: &mut Judge, place: Place, name: &'static str) -> Verdict {
        if self.has(name) {
            return Ok(());
        }
        let text = format!("authentication method \"{}\" requires argument \"{name}\" to be set", self.method.name);
        Err(judge.refuse(Fault::OptionMissing(name), place, text))
    }

    fn finish_ldap(&mut self, judge: &mut Judge, place: Place) -> Verdict {
        let major = judge.around.major;
        if major < Major::V11 {
            self.needs(judge, place, "ldapserver")?;
        }
        let direct = self.has("ldapprefix") || self.has("ldapsuffix");
        let search = ["ldapbasedn", "ldapbinddn", "ldapbindpasswd", "ldapsearchattribute", "ldapsearchfilter"];
        if direct && search.iter().any(|name| self.has(name)) {
            let filter = if major < Major::V11 { "" } else { "ldapsearchfilter, " };
            let text = format!(
                "cannot use ldapbasedn, ldapbinddn, ldapbindpasswd, ldapsearchattribute, {filter}or ldapurl together with ldapprefix"
            );
            return Err(judge.refuse(Fault::OptionConflict("ldapprefix"), place, text));
        }
        if !direct && !self.has("ldapbasedn") {
            let text = "authentication method \"ldap\" requires argument \"ldapbasedn\", \"ldapprefix\", or \"ldapsuffix\" to be set";
            return Err(judge.refuse(Fault::OptionMissing("ldapbasedn"), place, text));
        }
        if self.has("ldapsearchattribute") && self.has("ldapsearchfilter") {
            let text = "cannot use ldapsearchattribute together with ldapsearchfilter";
            return Err(judge.refuse(Fault::OptionConflict("ldapsearchfilter"), place, text));
        }
        Ok(())
    }

    /// How many items the last list of that reading has; an empty one counts as none.
    fn count(&self, judge: &Judge, reading: Reading) -> usize {
        let list = self.last(judge, reading).and_then(|option| list::items(judge.around.major, &option.value));
        list.map_or(0, |list| list.len())
    }

    fn finish_radius(&mut self, judge: &mut Judge, place: Place) -> Verdict {
        if judge.around.major < Major::V10 {
            self.needs(judge, place, "radiusserver")?;
            return self.needs(judge, place, "radiussecret");
        }
        let servers = self.count(judge, Reading::Servers);
        let secrets = self.count(judge, Reading::Secrets);
        for (name, count) in [("radiusservers", servers), ("radiussecrets", secrets)] {
            if count == 0 {
                let text = format!("authentication method \"radius\" requires argument \"{name}\" to be set");
                return Err(judge.refuse(Fault::OptionMissing(name), place, text));
            }
        }
        let ports = self.count(judge, Reading::Ports);
        let identifiers = self.count(judge, Reading::Identifiers);
        let counts = [
            ("radiussecrets", "secrets", secrets),
            ("radiusports", "ports", ports),
            ("radiusidentifiers", "identifiers", identifiers),
        ];
        for (name, what, count) in counts {
            if count > 1 && count != servers {
                let text = format!(
                    "the number of RADIUS {what} ({count}) must be 1 or the same as the number of RADIUS servers ({servers})"
                );
                let refusal = judge.refuse(Fault::OptionConflict(name), place, text);
                return Err(if judge.around.major < Major::V14 { hidden(refusal) } else { refusal });
            }
        }
        Ok(())
    }

    fn finish_oauth(&mut self, judge: &mut Judge, place: Place) -> Verdict {
        self.needs(judge, place, "scope")?;
        self.needs(judge, place, "issuer")?;
        let major = judge.around.major;
        let setting = self.method.setting.unwrap_or_default();
        let Some(value) = (judge.around.setting)(setting) else { return Ok(()) };
        let allowed = list::items(major, &value).unwrap_or_default();
        let old = major < Major::V19;
        if allowed.is_empty() {
            let text = if old {
                format!("{setting} must be set for authentication method {}", self.method.name)
            } else {
                format!("parameter \"{setting}\" must be set for authentication method \"{}\"", self.method.name)
            };
            return Err(judge.refuse(Fault::Setting(setting), place, text));
        }
        match self.last(judge, Reading::Validator) {
            Some(chosen) if !allowed.contains(&chosen.value) => {
                let quote = if old { "" } else { "\"" };
                let text = [
                    b"validator \"",
                    chosen.value.as_slice(),
                    format!("\" is not permitted by {quote}{setting}{quote}").as_bytes(),
                ]
                .concat();
                return Err(judge.refuse(Fault::OptionValue("validator"), chosen.place, text));
            }
            Some(_) => {}
            None if allowed.len() == 1 => {
                let known = judge.known.options.iter().find(|known| known.reading == Reading::Validator);
                if let (Some(known), Some(value)) = (known, allowed.into_iter().next()) {
                    self.all.push(OptionValue { name: known.name, value, place });
                }
            }
            None => {
                let (word, quote) = if old { ("argument", "") } else { ("option", "\"") };
                let text = format!(
                    "authentication method \"{}\" requires {word} \"validator\" to be set when {quote}{setting}{quote} contains multiple options",
                    self.method.name
                );
                return Err(judge.refuse(Fault::OptionMissing("validator"), place, text));
            }
        }
        if self.has("map") && self.value("delegate_ident_mapping") == Some(b"1") {
            let text = "map cannot be used in combination with delegate_ident_mapping";
            return Err(judge.refuse(Fault::OptionConflict("map"), place, text));
        }
        Ok(())
    }
}

/// The same refusal where the server's view shows no error.
fn hidden(mut refusal: Box<Refusal>) -> Box<Refusal> {
    refusal.view = None;
    refusal
}

/// The number that a text begins with, as atoi reads it.
pub(super) fn leading_number(text: &[u8]) -> i64 {
    let start = text.iter().take_while(|byte| matches!(byte, b' ' | b'\t'..=b'\r')).count();
    let (is_negative, digits) = match text[start..].split_first() {
        Some((b'-', rest)) => (true, rest),
        Some((b'+', rest)) => (false, rest),
        _ => (false, &text[start..]),
    };
    let digits = digits.iter().take_while(|byte| byte.is_ascii_digit()).take(12);
    let value = digits.fold(0_i64, |value, digit| value * 10 + i64::from(digit - b'0'));
    if is_negative { -value } else { value }
}
