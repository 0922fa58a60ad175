//! pg_hba.conf and pg_ident.conf: the rows and messages of a server against pgconflint's.

use std::net::ToSocketAddrs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use pgconflint::model::access::Message as Ours;
use pgconflint::model::hba::{self, Build, Surroundings};
use pgconflint::model::ident;
use pgconflint::source::Sources;
use pgconflint::version::Major;

use crate::agree::Disagreement;
use crate::files::{Bytes, FileSet};
use crate::hba::Rules;
use crate::opinion::{DATA, Lying, hide};
use crate::server::Server;
use crate::vectors::show;
use crate::view::Message;
use crate::wire::Cell;

/// pg_hba.conf
pub const HBA: &str = "pg_hba.conf";
/// pg_ident.conf
pub const IDENT: &str = "pg_ident.conf";

/// Which of the two files is asked about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// pg_hba.conf
    Hba,
    /// pg_ident.conf
    Ident,
}

impl Kind {
    /// The name of the file.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Hba => HBA,
            Kind::Ident => IDENT,
        }
    }
}

/// The build of the installed servers: 10 has more than the others.
pub fn build(major: u16) -> Build {
    if major == 10 { Build::PACKAGES } else { Build::with("ssl") }
}

/// Why a name does not resolve here, in the words of the C library.
pub fn resolve(name: &[u8]) -> Option<String> {
    let Ok(name) = std::str::from_utf8(name) else { return Some("Name or service not known".to_string()) };
    let error = (name, 0).to_socket_addrs().err()?.to_string();
    Some(error.rsplit(": ").next().unwrap_or_default().to_string())
}

/// Whether this machine has an interface of that name.
pub fn interface(name: &str) -> bool {
    !name.contains('/') && Path::new("/sys/class/net").join(name).exists()
}

/// Asks both sides about the files and says where they differ.
pub fn compare(server: &Server, kind: Kind, files: &FileSet) -> Result<Vec<Disagreement>> {
    let mut found = Vec::new();
    if files.files.values().flatten().any(|bytes| has_odd_pattern(bytes)) {
        return Ok(found);
    }
    let text = files.get(kind.name()).cloned().unwrap_or_default();
    let (ours, messages) = match kind {
        Kind::Hba => our_hba(server, files),
        Kind::Ident => our_ident(server.major, files),
    };
    let theirs = match kind {
        Kind::Hba => server.hba_rules(&text, files)?,
        Kind::Ident if server.major >= 15 => server.ident_mappings(&text, files)?,
        Kind::Ident => {
            let log = server.reload_log(files)?;
            note(&mut found, "reload", log, messages.iter().flat_map(logged).collect());
            return Ok(found);
        }
    };
    note(&mut found, "rows", rows(&theirs), ours);
    let said: Vec<String> = messages.iter().map(|message| text_of(&their_shape(message))).collect();
    note(&mut found, "messages", theirs.messages.iter().map(text_of).collect(), said);
    Ok(found)
}

/// Whether a word that may be a regular expression is not UTF-8: a view decodes it by the database's encoding, while a
/// start, which is what pgconflint speaks of, takes bytes.
fn has_odd_pattern(bytes: &[u8]) -> bool {
    let mut words = bytes.split(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | b',' | b'"'));
    words.any(|word| word.starts_with(b"/") && std::str::from_utf8(word).is_err())
}

fn note(found: &mut Vec<Disagreement>, what: &str, server: Vec<String>, ours: Vec<String>) {
    if server != ours {
        found.push(Disagreement { what: what.to_string(), server, ours });
    }
}

/// The smallest file that still gives some disagreement.
pub fn shrink(server: &Server, kind: Kind, files: &FileSet) -> FileSet {
    let mut small = files.clone();
    let still = |candidate: &FileSet| compare(server, kind, candidate).is_ok_and(|found| !found.is_empty());
    for name in files.files.keys() {
        let mut at = 0;
        loop {
            let text = small.get(name).cloned().unwrap_or_default();
            let lines: Vec<&[u8]> = text.split_inclusive(|byte| *byte == b'\n').collect();
            if at >= lines.len() {
                break;
            }
            let fewer: Bytes = lines
                .iter()
                .enumerate()
                .filter(|(index, _)| *index != at)
                .flat_map(|(_, line)| line.to_vec())
                .collect();
            let candidate = small.clone().with(name, fewer);
            if still(&candidate) { small = candidate } else { at += 1 }
        }
    }
    small
}

fn our_hba(server: &Server, files: &FileSet) -> (Vec<String>, Vec<Ours>) {
    let (number, major) = (server.major, Major(server.major * 100));
    let mut sources = Sources::default();
    let ssl = if server.has_ssl { b"on".to_vec() } else { b"off".to_vec() };
    let setting = |name: &str| if name == "ssl" { Some(ssl.clone()) } else { Some(Vec::new()) };
    let around =
        Surroundings { major, build: build(number), setting: &setting, resolve: &resolve, interface: &interface };
    let path = PathBuf::from(DATA).join(HBA);
    let read = hba::read(&Lying(files), &mut sources, &path, &around);
    let rows = read.lines.iter().map(|line| {
        let row = hba::row(line, major);
        let mut cells = vec![
            Some(row.line.to_string().into_bytes()),
            row.connection,
            row.databases.as_deref().map(array),
            row.users.as_deref().map(array),
            row.address,
            row.netmask,
            row.method,
            row.options.as_deref().map(array),
            row.error,
        ];
        if number >= 16 {
            cells.insert(0, Some(path_of(&sources, line.record.file)));
        }
        shown(cells)
    });
    let rows = rows.collect();
    let own = read.lines.iter().flat_map(|line| line.messages.clone());
    (rows, read.reading.iter().cloned().chain(own).collect())
}

fn our_ident(number: u16, files: &FileSet) -> (Vec<String>, Vec<Ours>) {
    let mut sources = Sources::default();
    let path = PathBuf::from(DATA).join(IDENT);
    let read = ident::read(&Lying(files), &mut sources, &path, Major(number * 100));
    let rows = read.lines.iter().map(|line| {
        let mapping = line.verdict.as_ref();
        let word = |of: &dyn Fn(&ident::Mapping) -> Bytes| mapping.ok().map(of);
        let mut cells = vec![
            Some(line.record.line.to_string().into_bytes()),
            word(&|mapping| mapping.map.text.clone()),
            word(&|mapping| mapping.system.text.clone()),
            word(&|mapping| mapping.user.text.clone()),
            mapping.err().map(|refusal| refusal.text.clone()),
        ];
        if number >= 16 {
            cells.insert(0, Some(path_of(&sources, line.record.file)));
        }
        shown(cells)
    });
    (rows.collect(), read.messages().cloned().collect())
}

fn path_of(sources: &Sources, file: pgconflint::source::FileId) -> Bytes {
    pgconflint::model::path::to_bytes(&sources.get(file).path)
}

fn rows(theirs: &Rules) -> Vec<String> {
    theirs.rows.iter().map(|row| shown(row.clone())).collect()
}

fn shown(cells: Vec<Cell>) -> String {
    let cell = |cell: Cell| cell.map_or("null".to_string(), |bytes| show(&hide(bytes)));
    cells.into_iter().map(cell).collect::<Vec<_>>().join(" | ")
}

/// A list as the server prints an array of text.
fn array(items: &[Bytes]) -> Bytes {
    let item = |item: &Bytes| {
        let plain = !item.is_empty()
            && !item.eq_ignore_ascii_case(b"null")
            && !item.iter().any(|byte| matches!(byte, b'{' | b'}' | b',' | b'"' | b'\\' | b' ' | b'\t'..=b'\r'));
        if plain {
            return item.clone();
        }
        let mut quoted = vec![b'"'];
        for byte in item {
            if matches!(byte, b'"' | b'\\') {
                quoted.push(b'\\');
            }
            quoted.push(*byte);
        }
        quoted.push(b'"');
        quoted
    };
    let items: Vec<Bytes> = items.iter().map(item).collect();
    [b"{".as_slice(), &items.join(&b','), b"}"].concat()
}

fn their_shape(message: &Ours) -> Message {
    Message {
        message: hide(message.text.clone()),
        detail: None,
        hint: message.hint.clone().map(String::into_bytes),
        context: message.context.clone().map(hide),
    }
}

fn text_of(message: &Message) -> String {
    let more = |bytes: &Option<Bytes>| bytes.as_ref().map(|bytes| show(bytes)).unwrap_or_default();
    format!("{} / {} / {}", show(&message.message), more(&message.hint), more(&message.context))
}

/// A message as lines of a log.
fn logged(message: &Ours) -> Vec<String> {
    let message = their_shape(message);
    let context = message.context.map(|context| format!("CONTEXT:  {}", show(&context)));
    [Some(format!("LOG:  {}", show(&message.message))), context].into_iter().flatten().collect()
}

impl Server {
    /// What the server's log says of pg_ident.conf when it reloads: for servers without a view of it.
    ///
    /// Its certificate is spoiled on purpose: the complaint about it comes last, and so tells when the rest is said.
    fn reload_log(&self, files: &FileSet) -> Result<Vec<String>> {
        const LAST: &str = "SSL configuration was not reloaded";
        const FIRST: &str = "received SIGHUP";
        let log = self.data().parent().unwrap_or(self.data()).join("log");
        let length = std::fs::metadata(&log)?.len();
        self.with_files(&files.clone().with(HBA, "local all all trust\n").with("server.crt", "spoiled"), || {
            self.query("select pg_reload_conf()").and_then(|_| {
                let before = Instant::now();
                loop {
                    let all = std::fs::read(&log)?;
                    let new = &all[usize::try_from(length)?..];
                    let text = show(&self.hide(new));
                    if text.contains(LAST) && text.ends_with('\n') {
                        let lines =
                            text.lines().map(|line| line.split_once("] ").map_or(line, |(_, line)| line).to_string());
                        let lines = lines.skip_while(|line| !line.contains(FIRST)).skip(1);
                        let about_ssl = |line: &String| line.contains("certificate") || line.contains(LAST);
                        let kept = lines
                            .take_while(|line| !about_ssl(line))
                            .filter(|line| !line.ends_with("was not reloaded"));
                        return Ok(kept.collect());
                    }
                    if before.elapsed() > Duration::from_secs(20) {
                        bail!("the server does not finish its reload: {text}");
                    }
                    std::thread::sleep(Duration::from_micros(300));
                }
            })
        })
    }
}
