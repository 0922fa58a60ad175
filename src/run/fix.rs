//! Applying fixes until nothing is left to apply.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use crate::edit;
use crate::files::Overlay;
use crate::finding::{Fix, Safety, Severity};
use crate::report::{Report, Show, unified};
use crate::source::Files;

/// Fixes make way for others; more rounds than these mean that two rules undo each other.
const MOST_ROUNDS: usize = 20;

/// A node after its fixes.
pub struct Mended {
    /// What is still found.
    pub report: Report,
    /// The files that change.
    pub changes: Vec<Change>,
    /// Why the fixes were given up, if they were.
    pub given_up: Option<String>,
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

/// Applies fixes in memory, round by round, checking again after each; `check` is one check of the node.
pub fn mend(files: &dyn Files, with_unsafe: bool, check: &dyn Fn(&dyn Files) -> Report) -> Mended {
    let first = check(files);
    let errors_before = errors(&first);
    let mut old: BTreeMap<PathBuf, Arc<[u8]>> = BTreeMap::new();
    let mut overlay = Overlay { files: BTreeMap::new(), under: files };
    let mut report = first;
    for _ in 0..MOST_ROUNDS {
        let edits = edit::round(wanted(&report, with_unsafe)).edits;
        if edits.is_empty() {
            let changes = old.into_iter().filter_map(|(path, old)| {
                let new = overlay.files.remove(&path)?;
                (new != old).then_some(Change { path, old, new })
            });
            return Mended { changes: changes.collect(), report, given_up: None };
        }
        for (file, edits) in edits {
            let source = report.sources.get(file);
            old.entry(source.path.clone()).or_insert_with(|| Arc::clone(&source.bytes));
            overlay.files.insert(source.path.clone(), Arc::from(edit::apply(&source.bytes, &edits)));
        }
        report = check(&overlay);
        if errors(&report) > errors_before {
            return given_up(check(files), "the fixes would add an error, so nothing was changed");
        }
    }
    given_up(check(files), "the fixes of some rules undo each other, so nothing was changed")
}

fn given_up(report: Report, why: &str) -> Mended {
    Mended { report, changes: Vec::new(), given_up: Some(why.to_owned()) }
}

fn wanted(report: &Report, with_unsafe: bool) -> impl Iterator<Item = &Fix> {
    let fixes = report.findings.iter().filter_map(|finding| finding.fix.as_ref());
    // One that changes nothing would be made for ever.
    let changes = |fix: &&Fix| fix.edits.iter().any(|edit| report.sources.text(edit.place) != edit.text);
    fixes.filter(move |fix| with_unsafe || fix.safety == Safety::Safe).filter(changes)
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
            let fix = |place| edits(place).map(|edits| Fix { safety, title: String::new(), edits });
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
        (new, mended.report.findings.len(), mended.given_up.is_some())
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
