//! Findings as the protocol has them.

use std::path::Path;

use gen_lsp_types::{
    Code, CodeDescription, Diagnostic, DiagnosticRelatedInformation, DiagnosticSeverity, DiagnosticTag, Location,
    Message, PublishDiagnosticsParams, Range, Uri,
};

use super::session::{Home, Session};
use crate::finding::{Finding, Label, Severity};
use crate::report;
use crate::rule::page::Test;
use crate::source::FileId;

/// How the names of rules begin that are about what does nothing.
const WITHOUT_EFFECT: [&str; 6] =
    ["overridden-", "duplicate-", "masked-", "hba-duplicate-", "hba-unreachable-", "unused-suppression"];

impl Session<'_> {
    /// What the client has to be told now: of every open file whose findings are not those it knows.
    pub fn news(&mut self) -> Vec<PublishDiagnosticsParams> {
        let mut news = Vec::new();
        let gone: Vec<_> = self.told.keys().filter(|path| !self.documents.contains_key(*path)).cloned().collect();
        for path in gone {
            self.told.remove(&path);
            news.push(PublishDiagnosticsParams { uri: self.uri(&path), version: None, diagnostics: Vec::new() });
        }
        let paths: Vec<_> = self.documents.keys().cloned().collect();
        for path in paths {
            // Of a file that is nobody's and never was there is nothing to tell.
            if self.home(&path).is_none() && !self.told.contains_key(&path) {
                continue;
            }
            let diagnostics = self.diagnostics(&path);
            let document = &self.documents[&path];
            let now = (document.version, diagnostics);
            // A client moves what it shows while text is typed, so each version is told anew.
            if self.told.get(&path) != Some(&now) {
                let (uri, (version, diagnostics)) = (document.uri.clone(), now.clone());
                news.push(PublishDiagnosticsParams { uri, version: Some(version), diagnostics });
                self.told.insert(path, now);
            }
        }
        news
    }

    fn diagnostics(&self, path: &Path) -> Vec<Diagnostic> {
        let Some((_, home, _)) = self.open(path) else { return Vec::new() };
        let trouble = home.trouble.iter().map(|message| Diagnostic {
            severity: Some(DiagnosticSeverity::Error),
            source: Some("pgconflint".to_owned()),
            message: Message::String(format!("this cannot be checked: {}", self.show.text(message))),
            ..Diagnostic::default()
        });
        trouble.chain(home.findings(path).map(|finding| self.diagnostic(finding, home))).collect()
    }

    /// A finding with all that an editor can show of it.
    pub fn diagnostic(&self, finding: &Finding, home: &Home) -> Diagnostic {
        let mut message = format!("{}{}", finding.message, home.report.versions(finding));
        for (word, text) in [("help", &finding.help), ("the server says", &finding.server)] {
            if let Some(text) = text {
                message.push_str(&format!("\n{word}: {text}"));
            }
        }
        let related: Vec<_> = finding.related.iter().map(|label| self.related(label, home)).collect();
        let source = home.report.sources.get(finding.place.file);
        Diagnostic {
            range: self.encoding.range(source, finding.place.span),
            severity: Some(match finding.severity {
                Severity::Error => DiagnosticSeverity::Error,
                Severity::Warning => DiagnosticSeverity::Warning,
                Severity::Info => DiagnosticSeverity::Information,
            }),
            code: Some(Code::String(finding.rule.clone().into_owned())),
            code_description: report::diagnostic::url(finding).map(|href| CodeDescription { href: Uri(href) }),
            source: Some("pgconflint".to_owned()),
            message: Message::String(self.show.text(&message).into_owned()),
            tags: tag(finding, home).map(|tag| vec![tag]),
            related_information: Some(related).filter(|related| !related.is_empty()),
            data: None,
        }
    }

    fn related(&self, label: &Label, home: &Home) -> DiagnosticRelatedInformation {
        DiagnosticRelatedInformation {
            location: self.location(home, label.place.file, label.place.span),
            message: self.show.text(&label.message).into_owned(),
        }
    }

    fn location(&self, home: &Home, file: FileId, span: crate::source::Span) -> Location {
        let source = home.report.sources.get(file);
        let range: Range = self.encoding.range(source, span);
        Location { uri: self.uri(&source.path), range }
    }
}

fn tag(finding: &Finding, home: &Home) -> Option<DiagnosticTag> {
    if WITHOUT_EFFECT.iter().any(|start| finding.rule.starts_with(start)) {
        return Some(DiagnosticTag::Unnecessary);
    }
    let page = home.project.as_ref()?.rules.pages().find(|page| page.id == finding.rule)?;
    matches!(page.test, Test::Gone(_)).then_some(DiagnosticTag::Deprecated)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_about_what_does_nothing_exist() {
        let rules = crate::check::Rules::built_in();
        let ids = rules.ids();
        for start in WITHOUT_EFFECT {
            assert!(ids.iter().any(|id| id.starts_with(start)), "no rule begins with {start}");
        }
    }
}
