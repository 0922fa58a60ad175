//! Taking suppressed findings out, and reporting the suppressions that are good for nothing.

use std::borrow::Cow;
use std::collections::HashMap;

use super::{Directive, Ignore, UNKNOWN, UNUSED, Word, read};
use crate::finding::{Edit, Finding, Fix, Safety, Severity};
use crate::nearest::nearest;
use crate::source::{FileId, Place, Source, Sources, Span};
use crate::version::Major;

/// What remains of the findings.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Those that no comment suppresses, and those about the comments themselves; in no order.
    pub findings: Vec<Finding>,
    /// How many were suppressed.
    pub suppressed: usize,
}

/// Takes out the findings that comments in their files suppress.
///
/// `known` are the ids of all rules. Only a suppression of a rule that `ran` can be unused. `pg` are the majors that
/// were checked: findings about comments hold for all of them.
pub fn apply(
    sources: &Sources,
    findings: Vec<Finding>,
    known: &[&str],
    ran: &dyn Fn(&str) -> bool,
    pg: &[Major],
) -> Outcome {
    let mut files: HashMap<FileId, Comments> = HashMap::new();
    for (file, source) in sources.iter() {
        let directives = read(source);
        if !directives.is_empty() {
            files.insert(file, Comments::new(directives));
        }
    }
    if files.is_empty() {
        return Outcome { findings, suppressed: 0 };
    }
    let before = findings.len();
    let mut kept: Vec<Finding> = findings
        .into_iter()
        .filter(|finding| {
            let comments = files.get_mut(&finding.place.file);
            !comments.is_some_and(|comments| comments.suppress(finding, sources.get(finding.place.file)))
        })
        .collect();
    let suppressed = before - kept.len();
    for (file, comments) in &files {
        let about = About { file: *file, source: sources.get(*file), pg };
        for (index, directive) in comments.directives.iter().enumerate() {
            match &directive.says {
                Err(why) => kept.push(about.not_understood(directive, why)),
                Ok(Word::Ignore(ignore)) => {
                    kept.extend(about.unknown(directive, ignore, known));
                    let unused = |name: usize, rule: &str| {
                        // Comments cannot suppress what is said about comments.
                        let may_hold = ran(rule) || [UNUSED, UNKNOWN].contains(&rule);
                        known.contains(&rule) && may_hold && !comments.used.contains_key(&(index, name))
                    };
                    kept.extend(about.unused(directive, ignore, &unused));
                }
                Ok(Word::Target(_)) => {}
            }
        }
    }
    Outcome { findings: kept, suppressed }
}

/// The comments of one file, by the rule and line that each suppresses.
struct Comments {
    directives: Vec<Directive>,
    by_line: HashMap<usize, Vec<usize>>,
    for_file: Vec<usize>,
    /// Directive and index of the name in it.
    used: HashMap<(usize, usize), ()>,
}

impl Comments {
    fn new(directives: Vec<Directive>) -> Comments {
        let mut by_line: HashMap<usize, Vec<usize>> = HashMap::new();
        let mut for_file = Vec::new();
        for (index, directive) in directives.iter().enumerate() {
            match &directive.says {
                Ok(Word::Ignore(ignore)) if ignore.file => for_file.push(index),
                Ok(Word::Ignore(ignore)) => {
                    for line in ignore.lines.clone() {
                        by_line.entry(line).or_default().push(index);
                    }
                }
                _ => {}
            }
        }
        Comments { directives, by_line, for_file, used: HashMap::new() }
    }

    /// Whether a comment suppresses the finding; all that do are then in use.
    fn suppress(&mut self, finding: &Finding, source: &Source) -> bool {
        // An empty range at the start stands for the whole file, which no line's comment speaks for.
        let whole = finding.place.span == Span::new(0, 0);
        let line = source.line(finding.place.span.start) - 1;
        let here = self.by_line.get(&line).filter(|_| !whole).into_iter().flatten();
        let mut suppressed = false;
        for index in here.chain(&self.for_file) {
            let Ok(Word::Ignore(ignore)) = &self.directives[*index].says else {
                continue;
            };
            for (name, (rule, _)) in ignore.rules.iter().enumerate() {
                if *rule == *finding.rule {
                    self.used.insert((*index, name), ());
                    suppressed = true;
                }
            }
        }
        suppressed
    }
}

/// Makes findings about the comments of one file.
struct About<'a> {
    file: FileId,
    source: &'a Source,
    pg: &'a [Major],
}

impl About<'_> {
    fn not_understood(&self, directive: &Directive, why: &str) -> Finding {
        let message = "a comment for pgconflint is not understood, so it does nothing".to_owned();
        self.finding(UNKNOWN, directive.span, message, why.to_owned(), None)
    }

    fn unknown(&self, directive: &Directive, ignore: &Ignore, known: &[&str]) -> Option<Finding> {
        let is_bad = |rule: &str| !known.contains(&rule);
        let (place, names) = self.bad(ignore, &|_, rule| is_bad(rule))?;
        let guess = ignore.rules.iter().filter(|(rule, _)| is_bad(rule));
        let guess = guess.filter_map(|(rule, _)| nearest(rule, known.iter().copied())).next();
        let message = match names.as_slice() {
            [name] => format!("there is no rule {name}, so this suppresses nothing"),
            _ => format!("there are no rules {}, so this suppresses nothing", names.join(", ")),
        };
        let label = guess.map_or("not a rule".to_owned(), |guess| format!("did you mean `{guess}`?"));
        let fix = self.without(directive, ignore, &|_, rule| is_bad(rule));
        Some(self.finding(UNKNOWN, place, message, label, Some(fix)))
    }

    fn unused(&self, directive: &Directive, ignore: &Ignore, is_bad: IsBad<'_>) -> Option<Finding> {
        let (place, names) = self.bad(ignore, is_bad)?;
        let scope = if ignore.file { "in this file" } else { "here" };
        let message =
            format!("{} {} no longer reported {scope}", names.join(", "), if names.len() == 1 { "is" } else { "are" });
        let fix = self.without(directive, ignore, is_bad);
        Some(self.finding(UNUSED, place, message, "suppresses nothing".to_owned(), Some(fix)))
    }

    /// The place of the first bad name, and all of them.
    fn bad(&self, ignore: &Ignore, is_bad: IsBad<'_>) -> Option<(Span, Vec<String>)> {
        let bad: Vec<_> = ignore.rules.iter().enumerate().filter(|(name, (rule, _))| is_bad(*name, rule)).collect();
        let (_, (_, place)) = bad.first()?;
        Some((*place, bad.iter().map(|(_, (rule, _))| format!("`{rule}`")).collect()))
    }

    /// The fix that leaves only the good names, or nothing of the comment if there is none.
    fn without(&self, directive: &Directive, ignore: &Ignore, is_bad: IsBad<'_>) -> Fix {
        let good: Vec<&str> = ignore
            .rules
            .iter()
            .enumerate()
            .filter(|(name, (rule, _))| !is_bad(*name, rule))
            .map(|(_, (rule, _))| rule.as_str())
            .collect();
        let (span, text) = match (good.is_empty(), ignore.rules.as_slice()) {
            (false, [(_, first), .., (_, last)]) => (Span::new(first.start, last.end), good.join(", ")),
            _ => (self.whole(directive), String::new()),
        };
        let edit = Edit { place: Place { file: self.file, span }, text: text.into_bytes() };
        Fix { safety: Safety::Safe, title: "remove the suppression".to_owned(), edits: vec![edit], held: None }
    }

    /// All that goes with a comment: its line if it is alone, else the blanks before it.
    fn whole(&self, directive: &Directive) -> Span {
        let bytes = &*self.source.bytes;
        let span = directive.span;
        let blank = |byte: &&u8| matches!(byte, b' ' | b'\t');
        let start = span.start - bytes[..span.start].iter().rev().take_while(blank).count();
        if !directive.alone {
            return Span::new(start, span.end);
        }
        let ending = bytes[span.end..].iter().position(|byte| *byte == b'\n').map_or(0, |length| length + 1);
        Span::new(start, span.end + ending)
    }

    fn finding(&self, rule: &'static str, span: Span, message: String, label: String, fix: Option<Fix>) -> Finding {
        Finding {
            rule: Cow::Borrowed(rule),
            severity: Severity::Warning,
            message,
            server: None,
            help: None,
            docs: None,
            place: Place { file: self.file, span },
            label,
            related: Vec::new(),
            subject: None,
            pg: self.pg.to_vec(),
            fix,
            effect: None,
        }
    }
}

type IsBad<'a> = &'a dyn Fn(usize, &str) -> bool;

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::edit;
    use crate::source::FileKind;

    const KNOWN: [&str; 3] = ["rule-a", "rule-b", "rule-c"];

    /// Findings of the rules at the given texts, what is kept of them, and the file once all fixes are applied.
    fn check(text: &str, faults: &[(&'static str, &str)]) -> (Vec<String>, usize, String) {
        let mut sources = Sources::default();
        let file = sources.add(Source::new("x".into(), FileKind::Conf, Arc::from(text.as_bytes())));
        let about = About { file, source: sources.get(file), pg: &[Major::V16] };
        let findings = faults
            .iter()
            .map(|(rule, at)| {
                let start = text.find(at).expect("the fault is in the text");
                about.finding(rule, Span::new(start, start + at.len()), String::new(), String::new(), None)
            })
            .collect();
        let ran = |rule: &str| rule != "rule-c";
        let outcome = apply(&sources, findings, &KNOWN, &ran, &[Major::V16]);
        let fixes: Vec<Fix> = outcome.findings.iter().filter_map(|finding| finding.fix.clone()).collect();
        let edits = edit::round(&fixes).edits.remove(&file).unwrap_or_default();
        let fixed = String::from_utf8(edit::apply(text.as_bytes(), &edits)).expect("it was UTF-8");
        let kept = outcome.findings.iter().map(|finding| format!("{}: {}", finding.rule, finding.message)).collect();
        (kept, outcome.suppressed, fixed)
    }

    #[test]
    fn a_suppressed_finding_is_gone_and_its_comment_stays() {
        let text = "port = 1 # pgconflint: ignore[rule-a] known\nport = 2\n";
        assert_eq!(check(text, &[("rule-a", "port = 1")]), (vec![], 1, text.to_owned()));
    }

    #[test]
    fn a_comment_speaks_only_for_its_rule_and_its_line() {
        let text = "port = 1 # pgconflint: ignore[rule-a]\nport = 2\n";
        let (kept, suppressed, _) = check(text, &[("rule-b", "port = 1"), ("rule-a", "port = 2")]);
        assert_eq!(kept, ["rule-b: ", "rule-a: ", "unused-suppression: `rule-a` is no longer reported here"]);
        assert_eq!(suppressed, 0);
    }

    #[test]
    fn useless_comments_are_removed_and_their_good_names_kept() {
        let text = "# pgconflint: ignore-file[rule-a] old\nport = 1   # pgconflint: ignore[rule-b, rule-a]\n  # pgconflint: ignore[rul-b]\r\nport = 2 # pgconflint: ignore[rule-c] did not run\n";
        let (kept, suppressed, fixed) = check(text, &[("rule-b", "port = 1")]);
        assert_eq!(suppressed, 1);
        assert_eq!(
            kept,
            [
                "unused-suppression: `rule-a` is no longer reported in this file",
                "unused-suppression: `rule-a` is no longer reported here",
                "unknown-suppression: there is no rule `rul-b`, so this suppresses nothing",
            ]
        );
        assert_eq!(
            fixed,
            "port = 1   # pgconflint: ignore[rule-b]\nport = 2 # pgconflint: ignore[rule-c] did not run\n"
        );
    }

    #[test]
    fn a_finding_about_the_whole_file_needs_ignore_file() {
        let (kept, _, _) = check("port = 1 # pgconflint: ignore[rule-a]\n", &[("rule-a", "")]);
        assert_eq!(kept.len(), 2);
        let (kept, suppressed, _) = check("# pgconflint: ignore-file[rule-a]\n", &[("rule-a", "")]);
        assert_eq!((kept.len(), suppressed), (0, 1));
    }
}
