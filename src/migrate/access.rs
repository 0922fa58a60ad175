//! pg_hba.conf and pg_ident.conf: words that the new server takes and reads in another way, which no rule can tell.

use std::collections::BTreeMap;

use super::parameters::Mended;
use super::{After, Change, Goes, Request, Stands, Told};
use crate::check::Reading;
use crate::edit;
use crate::finding::{Edit, Finding};
use crate::model::access::{Record, Word};
use crate::names;
use crate::source::{FileId, FileKind, Sources, Span};
use crate::value::Value;
use crate::version::Major;

/// The rule about an option that nothing heeds before 12.
const UNHEEDED: &str = "hba-clientcert-off";

/// Keeps what records mean, and says where that cannot be done.
pub fn keep(after: &mut After, request: &Request, reading: &Reading, sources: &Sources) -> Mended {
    let mut mended = Mended::default();
    if crosses(request, Major::V16) {
        names_stay_names(after, reading, sources, &mut mended);
    }
    if crosses(request, Major::V10) && reading.settings.value(names::WAL_LEVEL) == Some(Value::Word("logical")) {
        let mut records = reading.access.hba.iter().flat_map(|hba| &hba.lines).map(|line| &line.record);
        let is_for_standbys = |record: &&Record| column(record, 1).any(|word| word.is(names::REPLICATION));
        if let Some(record) = records.find(is_for_standbys) {
            let text = format!(
                "up to 9.6 `{}` also stands for clients of logical replication; from 10 on a line for their database lets \
                 them in",
                names::REPLICATION
            );
            mended.notes.push(Told::at(&sources.get(record.file).path, record.line, text));
        }
    }
    mended
}

/// Options that nothing heeds so far, and the new server does.
pub fn unheeded(request: &Request, sources: &Sources, before: &[Finding]) -> Vec<Told> {
    // `no-verify` asks for nothing later either.
    let is_asked = |finding: &&Finding| finding.rule == UNHEEDED && finding.message.contains("=verify-");
    let is_told = |finding: &&Finding| is_asked(finding) && crosses(request, Major::V12);
    let told = before.iter().filter(is_told).map(|finding| {
        let source = sources.get(finding.place.file);
        let text = "up to 11 this asks for no certificate; from 12 on a client without one is turned away";
        Told::at(&source.path, source.line(finding.place.span.start), text)
    });
    told.collect()
}

fn crosses(request: &Request, major: Major) -> bool {
    request.from < major && major <= request.to
}

/// From 16 on a name that begins with `/` is a regular expression: one that takes just that name stands in its place.
fn names_stay_names(after: &mut After, reading: &Reading, sources: &Sources, mended: &mut Mended) {
    let hba = reading.access.hba.iter().flat_map(|hba| &hba.lines);
    let hba =
        hba.flat_map(|line| column(&line.record, 1).chain(column(&line.record, 2)).map(|word| (&line.record, word)));
    let ident = reading.access.ident.iter().flat_map(|ident| &ident.lines);
    let ident = ident.flat_map(|line| column(&line.record, 2).map(|word| (&line.record, word)));
    let mut edits: BTreeMap<FileId, Vec<Edit>> = BTreeMap::new();
    for (record, word) in hba.chain(ident) {
        let Some((text, why)) = literal(word, sources.get(record.file).kind) else { continue };
        let source = sources.get(word.place.file);
        let line = source.line(word.place.span.start);
        let start = source.line_starts()[line - 1];
        let span = Span::new(word.place.span.start - start, word.place.span.end - start);
        let old = source.line_bytes(line);
        let new = [&old[..span.start], &text, &old[span.end..]].concat();
        let setting = format!("{} record", sources.get(record.file).kind.word());
        let to = Goes { path: source.path.clone(), setting: setting.clone(), value: new };
        let from = Stands { path: source.path.clone(), line, value: old.to_vec() };
        mended.changes.push(Change { setting, from: Some(from), to: Some(to), why: why.to_owned() });
        let edit = Edit { place: word.place, text };
        let edits = edits.entry(word.place.file).or_default();
        // A file that several records name is read for each of them.
        if !edits.contains(&edit) {
            edits.push(edit);
        }
    }
    for (file, mut edits) in edits {
        edits.sort();
        let source = sources.get(file);
        after.set(source.path.clone(), edit::apply(&source.bytes, &edits));
    }
}

/// A word of a record that stands for more than a name from 16 on, as one that stands for just that; and why.
fn literal(word: &Word, kind: FileKind) -> Option<(Vec<u8>, &'static str)> {
    let is_special = || word.is(names::ALL) || !word.quoted && word.text.first() == Some(&b'+');
    match word.text.first() {
        Some(b'/') => Some((exactly(&word.text), EXPRESSION)),
        // In pg_hba.conf they always were.
        _ if kind == FileKind::Ident && is_special() => Some((in_quotes(&word.text), SPECIAL)),
        _ => None,
    }
}

const EXPRESSION: &str =
    "from 16 on a name that begins with `/` is a regular expression: one that takes just this name";
const SPECIAL: &str = "from 16 on `all` and `+role` without quotes stand for every user and for the members of a role: in \
                       quotes it is the name that it was";

/// A name, as one word of the file.
fn in_quotes(name: &[u8]) -> Vec<u8> {
    [b"\"", name, b"\""].concat()
}

/// The expression for a name, as one word of the file.
fn exactly(name: &[u8]) -> Vec<u8> {
    let escaped = name.iter().flat_map(|byte| match byte {
        byte if byte.is_ascii_alphanumeric() || !byte.is_ascii() || matches!(byte, b'_' | b'/' | b'-') => vec![*byte],
        // Of two quotes within quotes the word holds one.
        b'"' => b"\"\"".to_vec(),
        byte => vec![b'\\', *byte],
    });
    [b"\"/^".to_vec(), escaped.collect(), b"$\"".to_vec()].concat()
}

fn column(record: &Record, index: usize) -> impl Iterator<Item = &Word> {
    record.fields.get(index).into_iter().flatten()
}
