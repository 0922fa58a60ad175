//! SARIF 2.1.0 with all that code scanning wants of it.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Value, json};

use super::diagnostic::{Diagnostic, Problem, Related, ShownEdit, ShownFix};
use super::output::Found;
use crate::check::Described;

const SCHEMA: &str = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";
/// Code scanning takes descriptions of so many characters.
const LONGEST: usize = 1024;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Region {
    start_line: usize,
    start_column: usize,
    end_line: usize,
    end_column: usize,
}

/// The whole document.
pub fn document(found: &Found) -> Value {
    let used: BTreeMap<&str, usize> = {
        let ids = found.diagnostics.iter().map(|diagnostic| diagnostic.rule_id.as_str());
        let ids: std::collections::BTreeSet<&str> = ids.collect();
        ids.into_iter().zip(0..).collect()
    };
    let rules: Vec<Value> = used.keys().map(|id| rule(id, found.rules.get(*id))).collect();
    let results: Vec<Value> =
        found.diagnostics.iter().map(|diagnostic| result(diagnostic, used[diagnostic.rule_id.as_str()])).collect();
    let notifications: Vec<Value> = found.problems.iter().map(notification).collect();
    json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": env!("CARGO_PKG_NAME"),
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "version": env!("CARGO_PKG_VERSION"),
                "rules": rules,
            }},
            "columnKind": "unicodeCodePoints",
            "invocations": [{
                "executionSuccessful": found.problems.is_empty(),
                "toolExecutionNotifications": notifications,
            }],
            "results": results,
        }],
    })
}

fn rule(id: &str, described: Option<&Described>) -> Value {
    let title = described.map_or(id, |described| described.title.as_str());
    let prose = described.map_or("", |described| described.prose.as_str());
    let severity = described.map_or("warning", |described| described.severity.as_str());
    let first = prose.split("\n\n").next().filter(|first| !first.is_empty()).unwrap_or(title);
    let url = described.and_then(Described::url);
    let help = if prose.is_empty() { title } else { prose };
    let see = |link: &dyn Fn(&str) -> String| url.as_ref().map_or_else(String::new, |url| format!("\n\n{}", link(url)));
    let mut rule = json!({
        "id": id,
        "name": pascal(id),
        "shortDescription": {"text": cut(title)},
        "fullDescription": {"text": cut(first)},
        "help": {
            "text": format!("{help}{}", see(&|url| url.to_owned())),
            "markdown": format!("{help}{}", see(&|url| format!("[PostgreSQL's manual]({url})"))),
        },
        "defaultConfiguration": {"level": level(severity)},
        "properties": {
            "tags": ["postgresql", "configuration"],
            "precision": if severity == "error" { "very-high" } else { "high" },
            "problem.severity": if severity == "info" { "recommendation" } else { severity },
        },
    });
    if let Some(url) = url {
        rule["helpUri"] = url.into();
    }
    rule
}

fn result(diagnostic: &Diagnostic, rule_index: usize) -> Value {
    let message: Vec<String> = [diagnostic.sentence()].into_iter().chain(diagnostic.advice()).collect();
    let region = Region {
        start_line: diagnostic.line,
        start_column: diagnostic.column,
        end_line: diagnostic.end_line,
        end_column: diagnostic.end_column,
    };
    let mut fingerprints = json!({"pgconflint/v1": diagnostic.fingerprint});
    if let Some(hash) = &diagnostic.line_hash {
        fingerprints["primaryLocationLineHash"] = hash.as_str().into();
    }
    let mut result = json!({
        "ruleId": diagnostic.rule_id,
        "ruleIndex": rule_index,
        "level": level(diagnostic.level),
        "message": {"text": message.join("\n")},
        "locations": [{"physicalLocation": physical(&diagnostic.file, &region)}],
        "partialFingerprints": fingerprints,
    });
    if !diagnostic.related.is_empty() {
        result["relatedLocations"] = diagnostic.related.iter().enumerate().map(related).collect();
    }
    if let Some(fix) = diagnostic.fix.as_ref().filter(|fix| !fix.edits.is_empty()) {
        result["fixes"] = json!([shown_fix(fix)]);
    }
    result
}

fn related((index, related): (usize, &Related)) -> Value {
    let region = Region {
        start_line: related.line,
        start_column: related.column,
        end_line: related.end_line,
        end_column: related.end_column,
    };
    json!({
        "id": index + 1,
        "message": {"text": related.message},
        "physicalLocation": physical(&related.file, &region),
    })
}

fn shown_fix(fix: &ShownFix) -> Value {
    let mut files: BTreeMap<&str, Vec<Value>> = BTreeMap::new();
    for edit in &fix.edits {
        files.entry(&edit.file).or_default().push(replacement(edit));
    }
    let change = |(file, replacements)| json!({"artifactLocation": {"uri": uri(file)}, "replacements": replacements});
    json!({
        "description": {"text": format!("{} fix: {}", fix.safety, fix.title)},
        "artifactChanges": files.into_iter().map(change).collect::<Vec<_>>(),
    })
}

fn replacement(edit: &ShownEdit) -> Value {
    let region = Region {
        start_line: edit.line,
        start_column: edit.column,
        end_line: edit.end_line,
        end_column: edit.end_column,
    };
    // Readers take the text for granted, also where nothing is put in.
    json!({"deletedRegion": region, "insertedContent": {"text": edit.new_text}})
}

fn notification(problem: &Problem) -> Value {
    let mut notification = json!({"level": "error", "message": {"text": problem.message}});
    if let Some(file) = &problem.file {
        notification["locations"] = json!([{"physicalLocation": {"artifactLocation": {"uri": uri(file)}}}]);
    }
    notification
}

fn physical(file: &str, region: &Region) -> Value {
    json!({"artifactLocation": {"uri": uri(file)}, "region": region})
}

/// A path as a URI: relative to the working directory, or that of a file.
fn uri(path: &str) -> String {
    let mut uri = if path.starts_with('/') { "file://".to_owned() } else { String::new() };
    for byte in path.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'-' | b'.' | b'_' | b'~' => uri.push(char::from(byte)),
            byte => uri.push_str(&format!("%{byte:02X}")),
        }
    }
    uri
}

fn level(severity: &str) -> &str {
    if severity == "info" { "note" } else { severity }
}

/// `wal-level-minimal` as `WalLevelMinimal`, which is what names of rules look like there.
fn pascal(id: &str) -> String {
    let word = |word: &str| word.chars().take(1).flat_map(char::to_uppercase).chain(word.chars().skip(1)).collect();
    id.split('-').map(word).collect::<Vec<String>>().concat()
}

fn cut(text: &str) -> String {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match text.char_indices().nth(LONGEST - 1) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text,
    }
}
