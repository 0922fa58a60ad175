//! Parameters and records across majors: what the rule pages mend, where each of them stands.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use super::values::{self, Becomes};
use super::{After, Change, Goes, Stands};
use crate::catalog::recovery::{Purpose, named};
use crate::check::{self, Node, Rules};
use crate::edit;
use crate::finding::{Edit, Finding, Severity};
use crate::names;
use crate::rule::page::Verb;
use crate::source::{FileId, FileKind, Files, Place, Source, Sources, Span, display};
use crate::syntax::conf::{self, Content};
use crate::version::{Major, PgVersion, Targets};

/// Fixes make way for others; more rounds than these mean that two rules undo each other.
const MOST_ROUNDS: usize = 20;

/// Rules about words that still do, and are spelled anew all the same.
const SPELLED_ANEW: [&str; 1] = ["deprecated-value"];

/// A finding whatever its line: the rule, the file, and what it is about.
pub type Known = BTreeSet<(String, PathBuf, Option<String>)>;

/// What was mended.
#[derive(Debug, Default)]
pub struct Mended {
    /// A row for each place.
    pub changes: Vec<Change>,
    /// What the owner must know.
    pub notes: Vec<String>,
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
pub fn key(sources: &Sources, finding: &Finding) -> (String, PathBuf, Option<String>) {
    (finding.rule.to_string(), sources.get(finding.place.file).path.clone(), finding.subject.clone())
}

/// Mends in `after` all that the new version refuses and the old one did not.
pub fn mend(after: &mut After, node: &Node, to: Major, rules: &Rules, before: &Known) -> Mended {
    let mut mended = Mended::default();
    let mut assumed = false;
    for _ in 0..MOST_ROUNDS {
        let (sources, findings) = found(after, node, to, rules);
        let wanted: Vec<&Finding> = findings.iter().filter(|finding| is_wanted(&sources, finding, before)).collect();
        let round = edit::round(wanted.iter().filter_map(|finding| finding.fix.as_ref()));
        if round.edits.is_empty() {
            break;
        }
        for index in &round.taken {
            let finding = wanted[*index];
            mended.changes.push(change(&sources, finding, to));
            assumed |= counts_segments(rules, finding, to) && segment_is_unknown(after, node);
        }
        write(after, &sources, round.edits);
    }
    commands(after, node, to, &mut mended);
    if assumed {
        mended.notes.push(
            "the size of a WAL segment is not known here and taken to be 16MB: --data-dir names the data directory, \
             whose pg_control knows it, and --wal-segment-size says it"
                .to_owned(),
        );
    }
    mended
}

/// Commands with a `%` that stands for nothing, which start to fail in 16: no rule can, as the server starts.
fn commands(after: &mut After, node: &Node, to: Major, mended: &mut Mended) {
    let subject = check::subject(node, after);
    let mut sources = Sources::default();
    let tree = check::read(after, &mut sources, &subject, to);
    let letters: [(&str, &[u8]); 4] = [
        (names::ARCHIVE_COMMAND, b"fp"),
        (named(Purpose::Restore), b"frp"),
        (named(Purpose::Cleanup), b"r"),
        (named(Purpose::End), b"r"),
    ];
    let mut edits: BTreeMap<FileId, Vec<Edit>> = BTreeMap::new();
    let mut seen = BTreeSet::new();
    for entry in tree.entries() {
        let name = sources.text(entry.name());
        let known = letters.iter().find(|(known, _)| name.eq_ignore_ascii_case(known.as_bytes()));
        let source = sources.get(entry.file);
        let value = conf::value(entry.setting.value, &source.bytes);
        let (Some((_, letters)), true) = (known, seen.insert(entry.place())) else { continue };
        let Becomes::Written(written, Some(why), _) = values::command(&value, letters, to) else { continue };
        let (setting, path) = (display(name), source.path.clone());
        let from = Stands { path: path.clone(), line: entry.line as usize, value: value.into_owned() };
        let goes = Goes { path, setting: setting.clone(), value: written.clone() };
        mended.changes.push(Change { setting, from: Some(from), to: Some(goes), why });
        edits.entry(entry.file).or_default().push(Edit { place: entry.value(), text: conf::quote(&written) });
    }
    for edits in edits.values_mut() {
        edits.sort();
    }
    write(after, &sources, edits);
}

fn write(after: &mut After, sources: &Sources, edits: BTreeMap<FileId, Vec<Edit>>) {
    for (file, edits) in edits {
        let source = sources.get(file);
        after.set(source.path.clone(), edit::apply(&source.bytes, &edits));
    }
}

fn is_wanted(sources: &Sources, finding: &Finding, before: &Known) -> bool {
    let is_new = finding.severity == Severity::Error && !before.contains(&key(sources, finding));
    let is_ours = |place: Place| sources.get(place.file).kind != FileKind::Recovery;
    finding.fix.as_ref().is_some_and(|fix| fix.edits.iter().all(|edit| is_ours(edit.place)))
        && (is_new || SPELLED_ANEW.contains(&&*finding.rule))
}

/// Whether the page's conversion counts WAL segments.
fn counts_segments(rules: &Rules, finding: &Finding, to: Major) -> bool {
    let page = rules.speaking(&finding.rule, PgVersion::newest(to), check::Standing::default());
    match page.and_then(|page| page.fix.as_ref()).map(|fix| &fix.verb) {
        Some(Verb::Rename(_, Some(convert))) => convert.contains("segments"),
        _ => false,
    }
}

fn segment_is_unknown(files: &dyn Files, node: &Node) -> bool {
    let subject = check::subject(node, files);
    let mut sources = Sources::default();
    let tree = check::read(files, &mut sources, &subject, Major::NEWEST);
    let control = crate::model::control::of_directory(files, &tree.data_directory);
    node.wal_segment_size.is_none() && !matches!(control, Some(Ok(_)))
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
    let (Some((name, value)), true) = (setting(old), source.kind == FileKind::Conf) else {
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

/// `path:line: message` of what is left, for a note or a reason.
pub fn told(source: &Source, finding: &Finding) -> String {
    format!("{}:{}: {}", source.path.display(), source.line(finding.place.span.start), finding.message)
}
