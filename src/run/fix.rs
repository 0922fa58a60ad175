//! Applying fixes until nothing is left to apply.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use crate::edit;
use crate::files::Overlay;
use crate::finding::{Finding, Fix, Safety, Severity};
use crate::report::{Report, Show, unified};
use crate::source::Files;

/// Fixes make way for others; more rounds than these mean that two rules undo each other.
const MOST_ROUNDS: usize = 20;

/// So often it is tried again without those that undo each other.
const MOST_ATTEMPTS: usize = 8;

/// A node after its fixes.
pub struct Mended {
    /// What is still found.
    pub report: Report,
    /// The files that change.
    pub changes: Vec<Change>,
    /// What kept fixes from being applied, if something did.
    pub trouble: Option<String>,
}

/// A file that changes.
#[derive(Clone, Debug)]
pub struct Change {
    /// The file.
    pub path: PathBuf,
    /// Its bytes now.
    pub old: Arc<[u8]>,
    /// Its bytes after.
    pub new: Arc<[u8]>,
}

/// A rule, a file and what the rule is about there: what a fix is told from others by while lines move.
type Subject = (String, PathBuf, Option<String>);

/// Applies fixes in memory, round by round, checking again after each; `check` is one check of the node.
pub fn mend(files: &dyn Files, with_unsafe: bool, check: &dyn Fn(&dyn Files) -> Report) -> Mended {
    let mut left_out: BTreeSet<Subject> = BTreeSet::new();
    let undone = |why: &str| Mended { report: check(files), changes: Vec::new(), trouble: Some(why.to_owned()) };
    for _ in 0..MOST_ATTEMPTS {
        match attempt(files, with_unsafe, check, &left_out) {
            Ok(mut mended) => {
                let rules: BTreeSet<&str> = left_out.iter().map(|(rule, ..)| rule.as_str()).collect();
                if !rules.is_empty() {
                    let rules = rules.into_iter().collect::<Vec<_>>().join("`, `");
                    mended.trouble = Some(format!("fixes of `{rules}` undo each other and are left out"));
                }
                return mended;
            }
            Err(Failed::Restless(subjects)) => left_out.extend(subjects),
            Err(Failed::AddsError) => return undone("the fixes would add an error, so nothing was changed"),
        }
    }
    undone("the fixes of some rules undo each other, so nothing was changed")
}

/// Why fixes came to no end.
enum Failed {
    /// These are made again and again. Never empty, and none of them was left out.
    Restless(BTreeSet<Subject>),
    /// More errors than before.
    AddsError,
}

fn attempt(
    files: &dyn Files,
    with_unsafe: bool,
    check: &dyn Fn(&dyn Files) -> Report,
    left_out: &BTreeSet<Subject>,
) -> Result<Mended, Failed> {
    let mut report = check(files);
    let errors_before = errors(&report);
    let mut old: BTreeMap<PathBuf, Arc<[u8]>> = BTreeMap::new();
    let mut overlay = Overlay { files: BTreeMap::new(), under: files };
    let mut restless = BTreeSet::new();
    for number in 0..MOST_ROUNDS {
        let wanted: Vec<(&Finding, &Fix)> = wanted(&report, with_unsafe, left_out).collect();
        let round = edit::round(wanted.iter().map(|(_, fix)| *fix));
        if round.edits.is_empty() {
            let changes = old.into_iter().filter_map(|(path, old)| {
                let new = overlay.files.remove(&path)?;
                (new != old).then_some(Change { path, old, new })
            });
            return Ok(Mended { changes: changes.collect(), report, trouble: None });
        }
        // What is still made by then is made for ever, by one rule or by two in turn.
        if number >= MOST_ROUNDS / 2 {
            restless.extend(round.taken.iter().map(|index| subject(&report, wanted[*index].0)));
        }
        for (file, edits) in round.edits {
            let source = report.sources.get(file);
            old.entry(source.path.clone()).or_insert_with(|| Arc::clone(&source.bytes));
            overlay.files.insert(source.path.clone(), Arc::from(edit::apply(&source.bytes, &edits)));
        }
        report = check(&overlay);
        if errors(&report) > errors_before {
            return Err(Failed::AddsError);
        }
    }
    Err(Failed::Restless(restless))
}

fn subject(report: &Report, finding: &Finding) -> Subject {
    let path = report.sources.get(finding.place.file).path.clone();
    (finding.rule.to_string(), path, finding.subject.clone())
}

fn wanted<'a>(
    report: &'a Report,
    with_unsafe: bool,
    left_out: &BTreeSet<Subject>,
) -> impl Iterator<Item = (&'a Finding, &'a Fix)> {
    let fixes = report.findings.iter().filter_map(|finding| Some((finding, finding.fix.as_ref()?)));
    fixes.filter(move |(finding, fix)| {
        let is_asked = fix.held.is_none() && (with_unsafe || fix.safety == Safety::Safe);
        // One that changes nothing would be made for ever.
        let changes = fix.edits.iter().any(|edit| report.sources.text(edit.place) != edit.text);
        is_asked && changes && (left_out.is_empty() || !left_out.contains(&subject(report, finding)))
    })
}

fn errors(report: &Report) -> usize {
    report.findings.iter().filter(|finding| finding.severity == Severity::Error).count()
}

/// A change as `diff -u` shows it.
pub fn diff(change: &Change, show: &Show) -> String {
    unified(&change.path, &change.old, &change.new, show)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::files::Memory;
    use crate::finding::{Edit, Finding};
    use crate::source::{FileKind, Place, Source, Span};

    /// A check that finds each `bad` and makes it `good`, safely if `safe`; each `boom` is an error.
    fn check(files: &dyn Files, good: &str, safety: Safety) -> Report {
        let mut report = Report::default();
        let bytes = files.read(Path::new("x")).expect("it is there");
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let file = report.sources.add(Source::new("x".into(), FileKind::Conf, bytes));
        let at = |word: &'static str, severity, fixed: Option<&str>| {
            let found =
                text.match_indices(word).map(|(start, _)| Place { file, span: Span::new(start, start + word.len()) });
            let edits = |place| fixed.map(|fixed| vec![Edit { place, text: fixed.as_bytes().to_vec() }]);
            let fix = |place| edits(place).map(|edits| Fix { safety, title: String::new(), edits, held: None });
            let finding = |place| Finding {
                rule: word.into(),
                severity,
                message: String::new(),
                server: None,
                help: None,
                docs: None,
                place,
                label: String::new(),
                related: Vec::new(),
                subject: None,
                pg: Vec::new(),
                fix: fix(place),
                effect: None,
            };
            found.map(finding).collect::<Vec<_>>()
        };
        report.findings = at("bad", Severity::Warning, Some(good));
        report.findings.extend(at("boom", Severity::Error, None));
        report
    }

    fn mended(text: &str, good: &str, safety: Safety, with_unsafe: bool) -> (Option<String>, usize, bool) {
        let memory = Memory::default().with("x", text.as_bytes());
        let mended = mend(&memory, with_unsafe, &|files| check(files, good, safety));
        let new = mended.changes.first().map(|change| String::from_utf8_lossy(&change.new).into_owned());
        (new, mended.report.findings.len(), mended.trouble.is_some())
    }

    #[test]
    fn fixes_are_applied_until_quiet() {
        assert_eq!(mended("bad bad", "good", Safety::Safe, false), (Some("good good".to_owned()), 0, false));
        assert_eq!(mended("bad", "good", Safety::Unsafe, false), (None, 1, false));
        assert_eq!(mended("bad", "good", Safety::Unsafe, true), (Some("good".to_owned()), 0, false));
        assert_eq!(mended("good", "good", Safety::Safe, true), (None, 0, false));
    }

    #[test]
    fn a_fix_that_adds_an_error_or_never_ends_undoes_the_run() {
        assert_eq!(mended("bad", "boom", Safety::Safe, false), (None, 1, true));
        assert_eq!(mended("boom bad", "good", Safety::Safe, false), (Some("boom good".to_owned()), 1, false));
        assert_eq!(mended("bad", "bad.", Safety::Safe, false), (None, 1, true));
        assert_eq!(mended("bad", "bad", Safety::Safe, false), (None, 1, false));
    }

    #[test]
    fn fixes_that_undo_each_other_are_left_out_and_others_are_made() {
        // `odd` and `even` become each other.
        let check = |files: &dyn Files| {
            let mut report = check(files, "good", Safety::Safe);
            let bytes = files.read(Path::new("x")).expect("it is there");
            let (file, _) = report.sources.iter().next().expect("as above");
            for (old, new) in [("odd", "even"), ("even", "odd")] {
                for (start, _) in String::from_utf8_lossy(&bytes).match_indices(old) {
                    let place = Place { file, span: Span::new(start, start + old.len()) };
                    let edits = vec![Edit { place, text: new.as_bytes().to_vec() }];
                    let fix = Fix { safety: Safety::Safe, title: String::new(), edits, held: None };
                    let like = report.findings.first().expect("there is a `bad`").clone();
                    report.findings.push(Finding { rule: old.into(), place, fix: Some(fix), ..like });
                }
            }
            report
        };
        let memory = Memory::default().with("x", b"bad bad odd");
        let with_one_more = |files: &dyn Files| {
            // One `bad` stays, so that there is a finding to copy.
            let mut report = check(files);
            report.findings[0].fix = None;
            report
        };
        let mended = mend(&memory, false, &with_one_more);
        assert_eq!(mended.changes[0].new.as_ref(), b"bad good odd");
        assert_eq!(mended.trouble.as_deref(), Some("fixes of `even`, `odd` undo each other and are left out"));
    }

    #[test]
    fn a_fix_that_is_held_is_not_made() {
        let check = |files: &dyn Files| {
            let mut report = check(files, "good", Safety::Safe);
            report.findings.iter_mut().filter_map(|finding| finding.fix.as_mut()).for_each(|fix| {
                fix.held = Some(crate::finding::Held::SomeVersions);
            });
            report
        };
        let mended = mend(&Memory::default().with("x", b"bad"), true, &check);
        assert!(mended.changes.is_empty() && mended.trouble.is_none());
    }

    #[test]
    fn a_diff_hides_secrets() {
        let text = diff(
            &Change {
                path: "x".into(),
                old: Arc::from(&b"a\npassword=old\n"[..]),
                new: Arc::from(&b"a\npassword=new\nb\n"[..]),
            },
            &Show::default(),
        );
        assert_eq!(text, "--- a/x\n+++ b/x\n@@ -1,2 +1,3 @@\n a\n password=****\n+b\n");
    }
}
