//! One line of pg_hba.conf: type, databases, users, address, method and options, in the server's order of judgement.

use super::address::{self, Address, Network};
use super::options::{self, OptionValue};
use super::refusal::{Fault, Part, Refusal};
use super::{Line, Surroundings};
use crate::catalog::access::{Access, Method, Type, Where};
use crate::model::access::{Message, Record, Word};
use crate::source::{Place, Span};
use crate::value::regex;
use crate::version::Major;

/// What the server asks of a client's certificate.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Certificate {
    /// Nothing.
    Off,
    /// Up to 11: that it has one that can be verified.
    On,
    /// That it can be verified.
    Ca,
    /// And that it names the user.
    Full,
}

/// A line that a server takes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Entry {
    /// `host`
    pub connection: &'static Type,
    /// Databases, in order.
    pub databases: Vec<Word>,
    /// Users, in order.
    pub users: Vec<Word>,
    /// Clients; nothing on lines for Unix sockets.
    pub address: Option<Address>,
    /// Where the address stands, the mask included.
    pub address_place: Option<Place>,
    /// The method that is used: `ident` on a Unix socket is `peer`.
    pub method: &'static Method,
    /// Where the method stands.
    pub method_place: Place,
    /// Options as they are written, in order.
    pub options: Vec<OptionValue>,
    /// What is asked of a certificate.
    pub certificate: Certificate,
    /// How deep LDAP is searched: 0 the entry itself, 1 those right below, 2 all below.
    pub ldap_scope: u8,
}

/// A line in the making.
pub(super) struct Judge<'a> {
    pub(super) around: &'a Surroundings<'a>,
    pub(super) known: &'static Access,
    pub(super) context: &'a [u8],
    pub(super) messages: Vec<Message>,
    pub(super) notice: Option<Message>,
}

pub(super) fn judge(record: Record, known: &'static Access, around: &Surroundings, context: &[u8]) -> Line {
    if let Some((fault, text)) = record.fault.clone() {
        let place = record.at.unwrap_or_else(|| record.place());
        let verdict = Err(Box::new(Refusal { fault: Fault::Line(fault), place, view: Some(text.clone()), text }));
        return Line { record, verdict, notice: None, messages: Vec::new() };
    }
    let mut judge = Judge { around, known, context, messages: Vec::new(), notice: None };
    let verdict = judge.entry(&record);
    Line { record, verdict, notice: judge.notice, messages: judge.messages }
}

/// The fields of a line, one after the other.
struct Fields<'a> {
    record: &'a Record,
    next: usize,
}

impl<'a> Fields<'a> {
    fn next(&mut self) -> Option<&'a [Word]> {
        let field = self.record.fields.get(self.next)?;
        self.next += 1;
        Some(field)
    }

    /// Behind the last word, where something is missing.
    fn end(&self) -> Place {
        let place = self.record.place();
        let start = place.span.end;
        Place { file: place.file, span: Span::new(start, start) }
    }
}

/// From the first word of a field to the last one of the same file.
fn place_of(words: &[Word]) -> Place {
    let first = words[0].place;
    let end = words.iter().map(|word| word.place).filter(|place| place.file == first.file);
    Place { file: first.file, span: Span::new(first.span.start, end.map(|place| place.span.end).max().unwrap_or(0)) }
}

impl Judge<'_> {
    fn entry(&mut self, record: &Record) -> Result<Entry, Box<Refusal>> {
        let mut fields = Fields { record, next: 0 };
        let connection = self.connection(&mut fields)?;
        let databases = self.names(&mut fields, Part::Database)?;
        let users = self.names(&mut fields, Part::User)?;
        let (address, address_place) = if connection.is_local() {
            (None, None)
        } else {
            let (address, place) = self.address(&mut fields)?;
            (Some(address), Some(place))
        };
        let (method, method_place) = self.method(&mut fields, connection)?;
        let mut options = options::Options::new(connection, method);
        while let Some(field) = fields.next() {
            for word in field {
                options.read(self, word)?;
            }
        }
        options.finish(self, method_place)?;
        Ok(Entry {
            connection,
            databases,
            users,
            address,
            address_place,
            method,
            method_place,
            certificate: options.certificate,
            ldap_scope: options.ldap_scope,
            options: options.all,
        })
    }

    /// Says why a line is refused.
    pub(super) fn refuse(&mut self, fault: Fault, place: Place, text: impl Into<Vec<u8>>) -> Box<Refusal> {
        self.refuse_with(fault, place, text, None)
    }

    pub(super) fn refuse_with(
        &mut self,
        fault: Fault,
        place: Place,
        text: impl Into<Vec<u8>>,
        hint: Option<String>,
    ) -> Box<Refusal> {
        let text = text.into();
        self.say(text.clone(), hint);
        Box::new(Refusal { fault, place, view: Some(text.clone()), text })
    }

    /// A refusal that the server gives without a context.
    pub(super) fn refuse_bare(&mut self, fault: Fault, place: Place, text: impl Into<Vec<u8>>) -> Box<Refusal> {
        let refusal = self.refuse(fault, place, text);
        if let Some(message) = self.messages.last_mut() {
            message.context = None;
        }
        refusal
    }

    pub(super) fn say(&mut self, text: Vec<u8>, hint: Option<String>) {
        self.messages.push(Message { text, hint, context: Some(self.context.to_vec()) });
    }

    fn one<'w>(&mut self, words: &'w [Word], part: Part) -> Result<&'w Word, Box<Refusal>> {
        let (what, hint) = match part {
            Part::Type => ("connection type", Some("Specify exactly one connection type per line.")),
            Part::Address => ("host address", Some("Specify one address range per line.")),
            Part::Mask => ("netmask", None),
            _ => ("authentication type", Some("Specify exactly one authentication type per line.")),
        };
        match words {
            [word] => Ok(word),
            words => {
                let text = format!("multiple values specified for {what}");
                Err(self.refuse_with(Fault::Several(part), place_of(words), text, hint.map(str::to_string)))
            }
        }
    }

    fn due<'w>(&mut self, fields: &mut Fields<'w>, part: Part) -> Result<&'w [Word], Box<Refusal>> {
        if let Some(words) = fields.next() {
            return Ok(words);
        }
        let (what, hint) = match part {
            Part::Type => ("connection type", None),
            Part::Database => ("database specification", None),
            Part::User => ("role specification", None),
            Part::Address => ("IP address specification", None),
            Part::Mask => (
                "netmask specification",
                Some("Specify an address range in CIDR notation, or provide a separate netmask."),
            ),
            Part::Method => ("authentication method", None),
        };
        let text = format!("end-of-line before {what}");
        Err(self.refuse_with(Fault::Missing(part), fields.end(), text, hint.map(str::to_string)))
    }

    fn connection(&mut self, fields: &mut Fields) -> Result<&'static Type, Box<Refusal>> {
        let words = self.due(fields, Part::Type)?;
        let word = self.one(words, Part::Type)?;
        let Some(known) = self.known.connection_type(&word.text) else {
            let text = [b"invalid connection type \"", word.text.as_slice(), b"\""].concat();
            return Err(self.refuse(Fault::UnknownType, word.place, text));
        };
        let major = self.around.major;
        if let Some(setting) = known.setting.filter(|setting| self.around.is(setting, false)) {
            let quote = if major >= Major::V17 { "\"" } else { "" };
            let hint = Some(format!("Set {quote}{setting} = on{quote} in postgresql.conf."));
            if major < Major::V10 {
                let text = format!("{} requires SSL to be turned on", known.name);
                return Err(self.refuse_with(Fault::Setting(setting), word.place, text, hint));
            }
            let text = format!("{} record cannot match because SSL is disabled", known.name);
            self.note(text, hint);
        } else if !self.around.build.has(known.build) {
            let text = format!("{} record cannot match because GSSAPI is not supported by this build", known.name);
            let hint = "Compile with --with-gssapi to use GSSAPI connections.".to_string();
            self.note(text, Some(hint).filter(|_| major < Major::V15));
        }
        Ok(known)
    }

    fn note(&mut self, text: String, hint: Option<String>) {
        self.say(text.into_bytes(), hint);
        self.notice = self.messages.last().cloned();
    }

    /// Says what does not refuse the line.
    pub(super) fn note_text(&mut self, text: Vec<u8>) {
        self.say(text, None);
    }

    fn names(&mut self, fields: &mut Fields, part: Part) -> Result<Vec<Word>, Box<Refusal>> {
        let words = self.due(fields, part)?;
        if self.around.major >= Major::V16 {
            for word in words {
                let Some(pattern) = word.text.strip_prefix(b"/") else { continue };
                if let Err(reason) = regex::Regex::new(pattern) {
                    let text = [b"invalid regular expression \"", pattern, b"\": ", reason.as_bytes()].concat();
                    return Err(self.refuse(Fault::Regex, word.place, text));
                }
            }
        }
        Ok(words.to_vec())
    }

    fn address(&mut self, fields: &mut Fields) -> Result<(Address, Place), Box<Refusal>> {
        let words = self.due(fields, Part::Address)?;
        let word = self.one(words, Part::Address)?;
        for (keyword, address) in
            [("all", Address::All), ("samehost", Address::SameHost), ("samenet", Address::SameNet)]
        {
            if word.is(keyword) {
                return Ok((address, word.place));
            }
        }
        let slash = memchr::memchr(b'/', &word.text);
        let (name, bits) = match slash {
            Some(slash) => (&word.text[..slash], Some(&word.text[slash + 1..])),
            None => (word.text.as_slice(), None),
        };
        let quoted = |what: &str| [what.as_bytes(), b" \"", &word.text, b"\""].concat();
        let Some(ip) = address::parse(name, self.around.interface) else {
            if bits.is_some() {
                let text = quoted("specifying both host name and CIDR mask is invalid:");
                return Err(self.refuse(Fault::NameWithMask, word.place, text));
            }
            return Ok((Address::Name(name.to_vec()), word.place));
        };
        if let Some(bits) = bits {
            return match address::length(bits).and_then(|length| Network::with_length(ip, length)) {
                Some(network) => Ok((Address::Network(network), word.place)),
                None => Err(self.refuse(Fault::MaskLength, word.place, quoted("invalid CIDR mask in address"))),
            };
        }
        let words = self.due(fields, Part::Mask)?;
        let mask_word = self.one(words, Part::Mask)?;
        let Some(mask) = address::parse(&mask_word.text, self.around.interface) else {
            let text = [b"invalid IP mask \"", mask_word.text.as_slice(), b"\": Name or service not known"].concat();
            return Err(self.refuse(Fault::NoMask, word.place, text));
        };
        let place = Place {
            file: word.place.file,
            span: Span::new(
                word.place.span.start,
                if mask_word.place.file == word.place.file { mask_word.place.span.end } else { word.place.span.end },
            ),
        };
        if mask.is_ipv4() != ip.is_ipv4() {
            return Err(self.refuse(Fault::MaskFamily, place, "IP address and mask do not match"));
        }
        Ok((Address::Network(Network { address: ip, mask }), place))
    }

    fn method(&mut self, fields: &mut Fields, connection: &Type) -> Result<(&'static Method, Place), Box<Refusal>> {
        let words = self.due(fields, Part::Method)?;
        let word = self.one(words, Part::Method)?;
        let shown = [b"invalid authentication method \"", word.text.as_slice(), b"\""].concat();
        let Some(method) = self.known.method(&word.text) else {
            return Err(self.refuse(Fault::UnknownMethod, word.place, shown));
        };
        if let Some(setting) = method.setting.and_then(|setting| setting.strip_prefix('!'))
            && self.around.is(setting, true)
        {
            let text = format!("{} authentication is not supported when \"{setting}\" is enabled", method.said);
            return Err(self.refuse(Fault::Setting(setting), word.place, text));
        }
        if !self.around.build.has(method.build) {
            let text = [shown.as_slice(), b": not supported by this build"].concat();
            return Err(self.refuse(Fault::NotBuilt(method.build), word.place, text));
        }
        let on_local = method.on_local.filter(|_| connection.is_local());
        let method = on_local.and_then(|other| self.known.method(other.as_bytes())).unwrap_or(method);
        let text = match method.place {
            Where::Only(place) if connection.name != place => {
                let place = if place == "local" { "local sockets".to_string() } else { format!("{place} connections") };
                format!("{} authentication is only supported on {place}", method.said)
            }
            Where::Not(place) if connection.name == place => {
                format!("{} authentication is not supported on {place} sockets", method.said)
            }
            _ => return Ok((method, word.place)),
        };
        Err(self.refuse(Fault::MethodNotHere(method.name), word.place, text))
    }
}
