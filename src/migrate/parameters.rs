//! Parameters and records across majors: what the rule pages mend, where each of them stands.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use super::values::{self, Becomes};
use super::{After, Change, Goes, Request, Stands, Told, conninfo, leave};
use crate::catalog::recovery::{Purpose, named};
use crate::catalog::{self, Catalog};
use crate::check::{self, Node, Rules};
use crate::edit;
use crate::finding::{Edit, Finding, Severity};
use crate::model::auto_conf::AutoConf;
use crate::model::control;
use crate::names;
use crate::rule::page::Verb;
use crate::source::{FileId, FileKind, Files, Place, Sources, Span, display};
use crate::syntax::conf::{self, Content};
use crate::value::number;
use crate::version::{Major, PgVersion, Targets};

/// Fixes make way for others; more rounds than these mean that two rules undo each other.
const MOST_ROUNDS: usize = 20;

/// Rules about words that still do, and are spelled anew all the same.
const SPELLED_ANEW: [&str; 1] = ["deprecated-value"];

/// A finding whatever its line: the rule, the file, and what it is about.
pub type Finds = (String, PathBuf, Option<String>);

/// What a version finds.
pub type Known = BTreeSet<Finds>;

/// What was mended.
#[derive(Debug, Default)]
pub struct Mended {
    /// A row for each place.
    pub changes: Vec<Change>,
    /// What the owner must know.
    pub notes: Vec<Told>,
}

/// What is found in a node by the rules of one version.
pub fn found(files: &dyn Files, node: &Node, major: Major, rules: &Rules) -> (Sources, Vec<Finding>) {
    let mut node = node.clone();
    // Older ones are read as 9.4 reads them.
    let version = PgVersion::newest(major.max(Major::V9_4));
    node.targets = Targets::one(version).expect("9.4 is the oldest that is checked against");
    let outcome = check::node(files, &node, rules, &|_| true);
    (outcome.sources, outcome.findings)
}

/// What a version finds, to be compared with what another one does.
pub fn known(sources: &Sources, findings: &[Finding]) -> Known {
    findings.iter().map(|finding| key(sources, finding)).collect()
}

/// A finding as [`Known`] holds it.
pub fn key(sources: &Sources, finding: &Finding) -> Finds {
    (finding.rule.to_string(), sources.get(finding.place.file).path.clone(), finding.subject.clone())
}

/// Whether a version before 9.4 did not find it, though it is read as 9.4: what went with 9.3 and 9.4.
pub fn is_new_since((rule, _, subject): &Finds, from: Major) -> bool {
    let is_known = |name: &str| catalog::history(name).is_some_and(|(_, last)| (from..Major::V9_4).contains(&last));
    // No catalogue reaches back behind 9.2; what a page knows to be gone was there.
    let is_older = |name: &str| from < Major::V9_2 && rule.ends_with(GONE_PAGES) && catalog::history(name).is_none();
    let is_new = |name: &str| is_known(name) || is_older(name);
    from < Major::V9_4 && (GONE_RECORDS.contains(&rule.as_str()) || subject.as_deref().is_some_and(is_new))
}

/// How pages about names that are gone are called.
const GONE_PAGES: &str = "-gone";

/// The rules about words of pg_hba.conf that a version does not take; one that went with 9.4 no later one has known.
const GONE_RECORDS: [&str; 2] = ["hba-word-gone", "hba-unknown-method"];

/// Mends in `after` all that the new version refuses and the old one did not.
pub fn mend(after: &mut After, request: &Request, rules: &Rules, before: &Known) -> Mended {
    let Request { node, from, to, .. } = request;
    let mut mended = Mended::default();
    let mut assumed = false;
    // With their units, values can be converted by the fixes.
    values(after, request, &mut mended);
    for _ in 0..MOST_ROUNDS {
        let (sources, findings) = found(after, node, *to, rules);
        let wanted = findings.iter().filter(|finding| is_wanted(&sources, finding, before, *to));
        let wanted: Vec<&Finding> = wanted.collect();
        let round = edit::round(wanted.iter().filter_map(|finding| finding.fix.as_ref()));
        if round.edits.is_empty() {
            break;
        }
        let segment = segment(after, node);
        for index in &round.taken {
            let finding = wanted[*index];
            let change = change(&sources, finding, *to);
            if let Some(convert) = conversion(rules, finding, *to).filter(|convert| convert.contains("segments")) {
                assumed |= segment.is_none();
                mended.notes.extend(rounded(convert, &change, segment.unwrap_or(control::USUAL_SEGMENT)));
            }
            mended.changes.push(change);
        }
        write(after, &sources, round.edits);
    }
    if to < from {
        mended.changes.extend(leave::take_out(after, node, *from, &leave::unknown_to(*to, *from)));
    }
    as_alter_system(after, node, *to);
    if assumed {
        let text = "the size of a WAL segment is not known here and taken to be 16MB: --data-dir names the data \
                    directory, whose pg_control knows it, and --wal-segment-size says it";
        mended.notes.push(text.to_owned().into());
    }
    mended
}

/// Values that mean something else to the new server, or nothing, which no rule can tell, as it starts with them:
/// commands with a `%` that stands for nothing, and connection strings.
fn values(after: &mut After, request: &Request, mended: &mut Mended) {
    let subject = check::subject(&request.node, after);
    let mut sources = Sources::default();
    let tree = check::read(after, &mut sources, &subject, request.to);
    let mut edits: BTreeMap<FileId, Vec<Edit>> = BTreeMap::new();
    let mut seen = BTreeSet::new();
    for entry in tree.entries() {
        let source = sources.get(entry.file);
        let old = conf::value(entry.setting.value, &source.bytes);
        let name = display(sources.text(entry.name()));
        let Some((new, why)) = value(&name, &old, request, mended).filter(|_| seen.insert(entry.place())) else {
            continue;
        };
        let path = source.path.clone();
        let from = Stands { path: path.clone(), line: entry.line as usize, value: old.into_owned() };
        let goes = Goes { path, setting: name.clone(), value: new.clone() };
        mended.changes.push(Change { setting: name, from: Some(from), to: Some(goes), why });
        edits.entry(entry.file).or_default().push(Edit { place: entry.value(), text: conf::quote(&new) });
    }
    for edits in edits.values_mut() {
        edits.sort();
    }
    write(after, &sources, edits);
}

/// The value of a setting as the new server needs it, and why; nothing where it stays.
fn value(name: &str, old: &[u8], request: &Request, mended: &mut Mended) -> Option<(Vec<u8>, String)> {
    let of_recovery = |purpose| (named(purpose), values::letters(purpose).unwrap_or_default());
    let letters: [(&str, &[u8]); 5] = [
        (names::ARCHIVE_COMMAND, b"fp"),
        (names::SSL_PASSPHRASE_COMMAND, b"p"),
        of_recovery(Purpose::Restore),
        of_recovery(Purpose::Cleanup),
        of_recovery(Purpose::End),
    ];
    if name.eq_ignore_ascii_case(named(Purpose::Conninfo)) && request.from >= Major::V12 {
        let adjusted = conninfo::adjust(old, request.from, request.to);
        mended.notes.extend(adjusted.notes.into_iter().map(Told::from));
        return (!adjusted.why.is_empty()).then(|| (adjusted.value, adjusted.why.join("; ")));
    }
    let Some((_, letters)) = letters.iter().find(|(known, _)| name.eq_ignore_ascii_case(known)) else {
        return values::in_other_units(name, old, request.from, request.to);
    };
    match values::command(old, letters, request.to) {
        Becomes::Written(written, Some(why), _) => Some((written, why)),
        _ => None,
    }
}

/// What was changed in postgresql.auto.conf is written as ALTER SYSTEM writes it.
fn as_alter_system(after: &mut After, node: &Node, to: Major) {
    let subject = check::subject(node, after);
    let tree = check::read(after, &mut Sources::default(), &subject, to);
    let path = tree.data_directory.join(names::AUTO_CONF);
    if !after.files.contains_key(&path) {
        return;
    }
    let catalog = Catalog::shared(PgVersion::newest(to));
    if let Ok(bytes) = (AutoConf { files: after, path: &path, catalog }).rewritten() {
        after.set(path, bytes);
    }
}

fn write(after: &mut After, sources: &Sources, edits: BTreeMap<FileId, Vec<Edit>>) {
    for (file, edits) in edits {
        let source = sources.get(file);
        after.set(source.path.clone(), edit::apply(&source.bytes, &edits));
    }
}

fn is_wanted(sources: &Sources, finding: &Finding, before: &Known, to: Major) -> bool {
    let is_new = finding.severity == Severity::Error && !before.contains(&key(sources, finding));
    // From 12 on recovery.conf is no file to mend.
    let is_ours = |place: Place| to < Major::V12 || sources.get(place.file).kind != FileKind::Recovery;
    finding.fix.as_ref().is_some_and(|fix| fix.edits.iter().all(|edit| is_ours(edit.place)))
        && (is_new || SPELLED_ANEW.contains(&&*finding.rule))
}

/// How the page of a finding converts the value.
fn conversion<'a>(rules: &'a Rules, finding: &Finding, to: Major) -> Option<&'a str> {
    let page = rules.speaking(&finding.rule, PgVersion::newest(to), check::Standing::default())?;
    match &page.fix.as_ref()?.verb {
        Verb::Rename(_, Some(convert)) => Some(convert),
        _ => None,
    }
}

/// Bytes of a WAL segment, where they are known.
fn segment(files: &dyn Files, node: &Node) -> Option<u64> {
    let subject = check::subject(node, files);
    let mut sources = Sources::default();
    let tree = check::read(files, &mut sources, &subject, Major::NEWEST);
    match crate::model::control::of_directory(files, &tree.data_directory) {
        Some(Ok(control)) => Some(u64::from(control.wal_segment_size)),
        _ => node.wal_segment_size,
    }
}

/// What is said where a size is no whole number of segments.
fn rounded(convert: &str, change: &Change, segment: u64) -> Option<Told> {
    let from = change.from.as_ref()?;
    let megabytes = i64::try_from(segment >> 20).ok()?;
    let unit = match convert {
        "size-to-segments" => megabytes,
        "size-to-checkpoint-segments" => 3 * megabytes,
        _ => return None,
    };
    let size = number::integer(&from.value, Some(number::Unit::Mb), Major::NEWEST).ok()?;
    (size % unit != 0).then(|| {
        let times = if unit == megabytes { "" } else { "three " };
        let text = format!("{size}MB is no whole number of {times}WAL segments of {megabytes}MB: rounded up");
        Told::at(&from.path, from.line, text)
    })
}

/// The row of a fix: its line before and after.
fn change(sources: &Sources, finding: &Finding, to: Major) -> Change {
    let source = sources.get(finding.place.file);
    let line = source.line(finding.place.span.start);
    let start = source.line_starts()[line - 1];
    let old = source.line_bytes(line);
    let span = Span::new(start, start + old.len());
    let edits = finding.fix.as_ref().map(|fix| fix.edits.as_slice()).unwrap_or_default();
    let inside = |edit: &&Edit| {
        let edited = edit.place.span;
        edit.place.file == finding.place.file && edited.start >= span.start && edited.end <= span.end
    };
    let moved = edits.iter().filter(inside).map(|edit| Edit {
        place: Place {
            file: edit.place.file,
            span: Span::new(edit.place.span.start - start, edit.place.span.end - start),
        },
        text: edit.text.clone(),
    });
    let new = edit::apply(old, &moved.collect::<Vec<_>>());
    let path = source.path.clone();
    let why = format!("{to}: {}", finding.message);
    let is_setting = matches!(source.kind, FileKind::Conf | FileKind::Recovery);
    let (Some((name, value)), true) = (setting(old), is_setting) else {
        let name = finding.subject.clone().unwrap_or_else(|| format!("{} record", source.kind.word()));
        let to = Goes { path: path.clone(), setting: name.clone(), value: new };
        return Change { setting: name, from: Some(Stands { path, line, value: old.to_vec() }), to: Some(to), why };
    };
    let to = setting(&new).map(|(setting, value)| Goes { path: path.clone(), setting, value });
    Change { setting: name, from: Some(Stands { path, line, value }), to, why }
}

/// Name and value of a line.
fn setting(line: &[u8]) -> Option<(String, Vec<u8>)> {
    let line: &[u8] = line;
    match conf::lines(line).next()?.content {
        Content::Setting(setting) => {
            Some((display(setting.name.of(line)), conf::value(setting.value, line).into_owned()))
        }
        _ => None,
    }
}
