//! Quick fixes: what a finding's own fix does, all safe fixes of a file, and comments that silence a rule.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use gen_lsp_types::{
    CodeAction, CodeActionContext, CodeActionKind, DocumentChange, Edit, OptionalVersionedTextDocumentIdentifier,
    Range, TextDocumentEdit, TextDocumentIdentifier, TextEdit, WorkspaceEdit,
};

use super::documents::real;
use super::session::{Home, Session};
use crate::finding::{self, Finding, Fix, Safety};
use crate::run::fix::mend;
use crate::run::nodes::Run;
use crate::source::{FileId, Files, Place, Source, Span};
use crate::suppress::{self, Word};

/// The kind of the action that applies all safe fixes.
pub const FIX_ALL: &str = "source.fixAll.pgconflint";

/// Edits by file.
type Edits = BTreeMap<PathBuf, Vec<TextEdit>>;

impl Session<'_> {
    /// What can be done about the lines of a range.
    pub fn actions(&self, path: &Path, range: Range, context: &CodeActionContext) -> Vec<CodeAction> {
        let Some((_, home, file)) = self.open(path) else { return Vec::new() };
        let source = home.report.sources.get(file);
        let wants = |kind: &str| {
            let only = |only: &CodeActionKind| is_below(kind, &String::from(only.clone()));
            context.only.as_ref().is_none_or(|all| all.iter().any(only))
        };
        let lines = |span: Span| (source.line(span.start) - 1, source.line(span.end) - 1);
        let touched = |finding: &&Finding| {
            let (first, last) = lines(finding.place.span);
            first <= range.end.line as usize && range.start.line as usize <= last
        };
        let own = home.findings(path);
        let mut actions = Vec::new();
        if wants("quickfix") {
            let here: Vec<&Finding> = own.clone().filter(touched).collect();
            actions.extend(here.iter().filter_map(|finding| self.fix(finding, home)));
            actions.extend(here.iter().filter_map(|finding| self.silence(finding, home, source)));
        }
        let is_safe = |finding: &Finding| finding.fix.as_ref().is_some_and(|fix| fix.safety == Safety::Safe);
        if wants(FIX_ALL) && own.clone().any(is_safe) {
            actions.extend(self.fix_all(path, home));
        }
        actions
    }

    fn fix(&self, finding: &Finding, home: &Home) -> Option<CodeAction> {
        let fix = finding.fix.as_ref()?;
        let mut edits = Edits::new();
        for edit in &fix.edits {
            let source = home.report.sources.get(edit.place.file);
            let path = real(self.disk, &source.path);
            // Places in a file that is not UTF-8 are not the same to an editor, which reads it in its own way.
            if !self.documents.contains_key(&path) && std::str::from_utf8(&source.bytes).is_err() {
                return None;
            }
            edits.entry(path).or_default().push(self.text_edit(source, edit)?);
        }
        let is_safe = fix.safety == Safety::Safe;
        let title = self.show.line(&fix.title);
        Some(CodeAction {
            title: if is_safe { title } else { format!("{title} (unsafe)") },
            kind: Some(CodeActionKind::QuickFix),
            diagnostics: Some(vec![self.diagnostic(finding, home)]),
            is_preferred: is_safe.then_some(true),
            edit: Some(self.workspace_edit(edits)),
            ..CodeAction::default()
        })
    }

    /// A comment that silences the rule of a finding: on its line, or for the file where it is about the whole file.
    fn silence(&self, finding: &Finding, home: &Home, source: &Source) -> Option<CodeAction> {
        if finding.rule == suppress::UNUSED || finding.rule == suppress::UNKNOWN {
            return None;
        }
        let (title, edit) = silencing(finding, source);
        let path = real(self.disk, &source.path);
        let text_edit = self.text_edit(source, &edit)?;
        Some(CodeAction {
            title,
            kind: Some(CodeActionKind::QuickFix),
            diagnostics: Some(vec![self.diagnostic(finding, home)]),
            edit: Some(self.workspace_edit(Edits::from([(path, vec![text_edit])]))),
            ..CodeAction::default()
        })
    }

    /// All safe fixes that stay within a file, until none is left, as `--fix` makes them.
    fn fix_all(&self, path: &Path, home: &Home) -> Option<CodeAction> {
        let project = home.project.as_ref()?;
        let run = Run::new(self.options, self.disk, self.show, home.baselines.clone());
        let check = |files: &dyn Files| {
            let mut report = run.report(files, &home.members, project);
            let own = |place: &Place| real(self.disk, &report.sources.get(place.file).path) == path;
            let stays = |fix: &Fix| fix.edits.iter().all(|edit| own(&edit.place));
            let kept: Vec<bool> =
                report.findings.iter().map(|finding| finding.fix.as_ref().is_none_or(stays)).collect();
            for (finding, kept) in report.findings.iter_mut().zip(kept) {
                finding.fix = finding.fix.take().filter(|_| kept);
            }
            report
        };
        let mended = mend(&self.files(), false, &check);
        let change = mended.changes.into_iter().find(|change| real(self.disk, &change.path) == path)?;
        let kind = home.report.sources.get(home.file(path)?).kind;
        let source = Source::new(path.to_owned(), kind, Arc::clone(&change.old));
        let (old, new) = (std::str::from_utf8(&change.old).ok()?, std::str::from_utf8(&change.new).ok()?);
        let edit = |(span, text): (Span, &str)| TextEdit {
            range: self.encoding.range(&source, span),
            new_text: text.to_owned(),
        };
        let edits = hunks(old, new).into_iter().map(edit).collect();
        Some(CodeAction {
            title: "apply all safe fixes".to_owned(),
            kind: Some(CodeActionKind::from(FIX_ALL.to_owned())),
            edit: Some(self.workspace_edit(Edits::from([(path.to_owned(), edits)]))),
            ..CodeAction::default()
        })
    }

    /// Nothing if the new text is no text.
    fn text_edit(&self, source: &Source, edit: &finding::Edit) -> Option<TextEdit> {
        let new_text = String::from_utf8(edit.text.clone()).ok()?;
        Some(TextEdit { range: self.encoding.range(source, edit.place.span), new_text })
    }

    fn workspace_edit(&self, edits: Edits) -> WorkspaceEdit {
        let uri = |path: &Path| self.uri(path);
        if !self.versioned_edits {
            let changes: HashMap<_, _> = edits.into_iter().map(|(path, edits)| (uri(&path), edits)).collect();
            return WorkspaceEdit { changes: Some(changes), ..WorkspaceEdit::default() };
        }
        let change = |(path, edits): (PathBuf, Vec<TextEdit>)| {
            let version = self.documents.get(&path).map(|document| document.version);
            let text_document = OptionalVersionedTextDocumentIdentifier {
                version,
                text_document_identifier: TextDocumentIdentifier { uri: uri(&path) },
            };
            let edits = edits.into_iter().map(Edit::TextEdit).collect();
            DocumentChange::TextDocumentEdit(TextDocumentEdit { text_document, edits })
        };
        let changes = edits.into_iter().map(change).collect();
        WorkspaceEdit { document_changes: Some(changes), ..WorkspaceEdit::default() }
    }
}

/// Whether a kind is the one that is asked for, or below it; everything is below the empty one.
fn is_below(kind: &str, asked: &str) -> bool {
    asked.is_empty() || kind == asked || kind.strip_prefix(asked).is_some_and(|rest| rest.starts_with('.'))
}

/// The comment that silences the rule of a finding, and what to call it.
fn silencing(finding: &Finding, source: &Source) -> (String, finding::Edit) {
    let rule = &finding.rule;
    let file = finding.place.file;
    let insert = |at: usize, text: String| finding::Edit { place: place(file, at), text: text.into_bytes() };
    if finding.place.span == Span::new(0, 0) {
        let edit = insert(0, format!("# pgconflint: ignore-file[{rule}]\n"));
        return (format!("ignore {rule} in this file"), edit);
    }
    let title = format!("ignore {rule} here");
    let line = source.line(finding.place.span.start);
    let holds = |directive: &suppress::Directive| match &directive.says {
        Ok(Word::Ignore(ignore)) if !ignore.file && ignore.lines.contains(&(line - 1)) => {
            ignore.rules.last().map(|(_, span)| span.end)
        }
        _ => None,
    };
    if let Some(end) = suppress::read(source).iter().find_map(holds) {
        return (title, insert(end, format!(", {rule}")));
    }
    let start = source.line_starts()[line - 1];
    let bytes = source.line_bytes(line);
    let text = bytes.strip_suffix(b"\r").unwrap_or(bytes);
    let comment = format!("# pgconflint: ignore[{rule}]");
    let behind = insert(start + text.len(), format!("  {comment}"));
    if silences(source, &behind, line, rule) {
        return (title, behind);
    }
    // Where a comment stands already, or a quote is open, one of its own goes above.
    let end = &bytes[text.len()..];
    let indent: String =
        text.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).map(|byte| char::from(*byte)).collect();
    (title, insert(start, format!("{indent}{comment}{}\n", String::from_utf8_lossy(end))))
}

/// Whether the comment behind a line is read as one, and the line stays as it was.
fn silences(source: &Source, edit: &finding::Edit, line: usize, rule: &str) -> bool {
    if source.line_bytes(line).contains(&b'#') || source.line_bytes(line).trim_ascii_end().ends_with(b"\\") {
        return false;
    }
    let bytes = crate::edit::apply(&source.bytes, std::slice::from_ref(edit));
    let after = Source::new(source.path.clone(), source.kind, Arc::from(bytes));
    suppress::read(&after).iter().any(|directive| match &directive.says {
        Ok(Word::Ignore(ignore)) => {
            ignore.lines.contains(&(line - 1)) && ignore.rules.iter().any(|(known, _)| known == rule)
        }
        _ => false,
    })
}

fn place(file: FileId, at: usize) -> Place {
    Place { file, span: Span::new(at, at) }
}

/// What changes from one text to the other, line by line: ranges of the old one, and what stands there in the new one.
fn hunks<'a>(old: &str, new: &'a str) -> Vec<(Span, &'a str)> {
    let diff = similar::TextDiff::from_lines(old, new);
    let starts = |text: &str| -> Vec<usize> {
        let ends = memchr::memchr_iter(b'\n', text.as_bytes()).map(|end| end + 1);
        let mut starts: Vec<usize> = std::iter::once(0).chain(ends).collect();
        if starts.last() != Some(&text.len()) {
            starts.push(text.len());
        }
        starts
    };
    let (of_old, of_new) = (starts(old), starts(new));
    let changed = diff.ops().iter().filter(|op| op.tag() != similar::DiffTag::Equal);
    changed
        .map(|op| {
            let (old, range) = (op.old_range(), op.new_range());
            (Span::new(of_old[old.start], of_old[old.end]), &new[of_new[range.start]..of_new[range.end]])
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::{self, Rules};
    use crate::files::Memory;
    use crate::source::FileKind;
    use crate::version::Targets;

    #[test]
    fn kinds_are_below_each_other() {
        assert!(is_below(FIX_ALL, "source") && is_below(FIX_ALL, "source.fixAll") && is_below("quickfix", ""));
        assert!(!is_below(FIX_ALL, "quickfix") && !is_below("quickfix", "quick"));
    }

    #[test]
    fn hunks_put_into_the_old_text_are_the_new_one() {
        for (old, new) in [("a\nb\nc\n", "a\nB\nc\n"), ("a\nb", "b\nc"), ("", "x"), ("a\n", ""), ("a", "a\n")] {
            let mut text = old.as_bytes().to_vec();
            for (span, with) in hunks(old, new).into_iter().rev() {
                text.splice(span.start..span.end, with.bytes());
            }
            assert_eq!(String::from_utf8_lossy(&text), new);
        }
    }

    /// Every finding in these files is silenced by the comment that is offered for it, and no other is added.
    #[test]
    fn a_comment_silences_what_it_is_offered_for() {
        let cases: [(&str, FileKind, &str); 4] = [
            (
                "postgresql.conf",
                FileKind::Conf,
                "work_mem = 64mb\r\nwork_mem = 4MB # mine\r\nno_such = 1\r\n\tport = 'open\r\n",
            ),
            ("postgresql.conf", FileKind::Conf, "no_such = 1 # pgconflint: ignore[duplicate-setting]\nno_such = 2"),
            ("pg_hba.conf", FileKind::Hba, "host all \\\n all all trust\nhost all all 10.0.0.1/8 no-such \"#\n"),
            ("pg_ident.conf", FileKind::Ident, "a b\n"),
        ];
        let rules = Rules::built_in();
        let found = |name: &str, kind: FileKind, text: &[u8]| {
            let memory = Memory::default().with(name, text);
            let targets: Targets = "16".parse().expect("a version");
            let node = check::Node {
                before: check::Before::default(),
                path: name.into(),
                file: Some(kind),
                data_dir: None,
                data_is_here: false,
                targets,
                role: None,
                wal_segment_size: None,
            };
            let outcome = check::node(&memory, &node, &rules, &|_| true);
            let ids = rules.ids();
            let kept = suppress::apply(&outcome.sources, outcome.findings, &ids, &|_| true, &[]);
            let file = outcome.sources.find(Path::new(name)).expect("it was read");
            let own: Vec<Finding> = kept.findings.into_iter().filter(|finding| finding.place.file == file).collect();
            (own, Source::new(name.into(), kind, Arc::from(text)))
        };
        let mut silenced = 0;
        for (name, kind, text) in cases {
            let (before, source) = found(name, kind, text.as_bytes());
            for finding in before.iter().filter(|finding| finding.rule != suppress::UNUSED) {
                let (_, edit) = silencing(finding, &source);
                let bytes = crate::edit::apply(&source.bytes, &[edit]);
                let (after, _) = found(name, kind, &bytes);
                let shown = String::from_utf8_lossy(&bytes).into_owned();
                let same = after.iter().filter(|other| other.rule == finding.rule).count();
                let had = before.iter().filter(|other| other.rule == finding.rule).count();
                assert!(same < had, "{} is still found in\n{shown}", finding.rule);
                assert!(after.len() < before.len(), "more is found in\n{shown}");
                silenced += 1;
            }
        }
        assert!(silenced > 6, "{silenced}");
    }
}
