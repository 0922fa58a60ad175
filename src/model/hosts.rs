//! pg_hosts.conf as a server of 19 takes it: which certificate a client gets that asks for a host by name (SNI).
//!
//! `HOSTNAMES CERTIFICATE KEY [CA [PASSPHRASE-COMMAND [RELOAD]]]`; read only where TLS and names of hosts are on.

use std::collections::HashSet;
use std::path::Path;

use crate::model::access::{self, Record, Word};
use crate::source::{FileKind, Files, Place, ReadError, Sources};
use crate::value;
use crate::version::Major;

/// The host that stands for all others.
const DEFAULT: &[u8] = b"*";
/// What stands for clients that ask for no host.
const NO_SNI: &[u8] = b"/no_sni/";
/// What the fields behind the names of hosts are called.
const FIELDS: [&str; 4] = ["SSL certificate", "SSL key", "SSL CA", "SSL passphrase command"];

/// What is wrong with a line.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Fault {
    /// It cannot be split, or a file that it names cannot be read.
    Line(access::LineFault),
    /// Fewer than three fields.
    Missing,
    /// More than six.
    Extra,
    /// A list where one word is due; what that is.
    Several(&'static str),
    /// The last field is no Boolean.
    NoBoolean,
    /// `*` or `/no_sni/` in a list with others.
    Mixed,
    /// A host that an earlier line has already.
    Again,
}

/// Why a server refuses to start.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Refusal {
    /// What is wrong.
    pub fault: Fault,
    /// Where.
    pub place: Place,
    /// What the server says, where that is known.
    pub text: Option<Vec<u8>>,
}

/// A line that is no comment.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Line {
    /// Its words.
    pub record: Record,
    /// Why the server refuses to start.
    pub refusal: Option<Refusal>,
}

impl Line {
    /// The files that a server opens for the line: what each is, and its name.
    pub fn files(&self) -> impl Iterator<Item = (&'static str, &Word)> {
        let words = self.record.fields.iter().skip(1).filter_map(|field| field.first());
        ["certificate", "key", "ca"].into_iter().zip(words).filter(|(_, word)| !word.text.is_empty())
    }
}

/// A whole file.
#[derive(Clone, Debug, Default)]
pub struct Hosts {
    /// The lines in order.
    pub lines: Vec<Line>,
    /// Why it could not be read.
    pub error: Option<ReadError>,
}

/// Reads a file.
pub fn read(files: &dyn Files, sources: &mut Sources, path: &Path, major: Major) -> Hosts {
    let read = access::read(files, sources, path, FileKind::Hosts, major);
    let mut lines: Vec<Line> = read.records.into_iter().map(judge).collect();
    // Names are compared when all lines could be read.
    if lines.iter().all(|line| line.refusal.is_none()) {
        compare(&mut lines);
    }
    Hosts { lines, error: read.error }
}

fn judge(record: Record) -> Line {
    let refusal = match record.fault.clone() {
        Some((fault, text)) => {
            let place = record.at.unwrap_or_else(|| record.place());
            Some(Refusal { fault: Fault::Line(fault), place, text: Some(text) })
        }
        None => refused(&record).map(|(fault, place, text)| Refusal { fault, place, text: Some(text.into_bytes()) }),
    };
    Line { record, refusal }
}

/// The first thing that is wrong with the fields of a line, from left to right.
fn refused(record: &Record) -> Option<(Fault, Place, String)> {
    let fields = &record.fields;
    let hosts = fields.first()?;
    let is_alone = |word: &&Word| word.text == DEFAULT || word.text == NO_SNI;
    if let Some(word) = hosts.iter().find(is_alone).filter(|_| hosts.len() > 1) {
        let text = "default and non-SNI entries cannot be mixed with other entries".to_string();
        return Some((Fault::Mixed, word.place, text));
    }
    for (field, what) in fields[1..].iter().zip(FIELDS) {
        if let Some(second) = field.get(1) {
            return Some((Fault::Several(what), second.place, format!("multiple values specified for {what}")));
        }
    }
    if fields.len() < 3 {
        return Some((Fault::Missing, record.place(), "missing entry at end of line".to_string()));
    }
    if let Some(word) =
        fields.get(5).and_then(|field| field.first()).filter(|word| value::boolean(&word.text).is_none())
    {
        let text = "incorrect syntax for boolean value SSL_passphrase_cmd_reload".to_string();
        return Some((Fault::NoBoolean, word.place, text));
    }
    let extra = fields.get(6).and_then(|field| field.first())?;
    Some((Fault::Extra, extra.place, "extra fields at end of line".to_string()))
}

/// Refuses hosts that come twice, without regard to case.
fn compare(lines: &mut [Line]) {
    let mut known: HashSet<Vec<u8>> = HashSet::new();
    for line in lines {
        let again = line.record.fields[0].iter().find(|host| !known.insert(host.text.to_ascii_lowercase()));
        line.refusal = again.map(|host| {
            let text = match host.text.as_slice() {
                DEFAULT => Some(b"multiple default hosts specified".to_vec()),
                NO_SNI => None,
                name => Some([b"multiple entries for host \"", name, b"\" specified"].concat()),
            };
            Refusal { fault: Fault::Again, place: host.place, text }
        });
    }
}
