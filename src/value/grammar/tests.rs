//! What real servers said of a file: we must agree.

// The recorded answers lie on the disk.
#![allow(clippy::disallowed_methods)]

use super::*;
use std::collections::BTreeMap;

static TABLE: &str = include_str!("../../../rules/catalog/grammar.tsv");

fn grammar_of(name: &str, major: Major) -> Option<(&'static str, Grammar)> {
    crate::table::rows(TABLE).find_map(|line| {
        let row: Vec<&'static str> = line.split('\t').collect();
        let [parameter, since, until, word, argument] = row[..] else {
            panic!("{line}");
        };
        let grammar = Grammar::from_word(word, argument).unwrap_or_else(|| panic!("{line}"));
        let named = parameter.eq_ignore_ascii_case(name);
        (named && applies(Some(since), Some(until), major)).then_some((parameter, grammar))
    })
}

/// The one setting of a file: its name and its value.
fn setting(file: &str) -> Option<(&str, Vec<u8>)> {
    let line = file.trim_end_matches('\n');
    let end = line.find(|c: char| !(c.is_alphanumeric() || c == '_'))?;
    let (name, rest) = line.split_at(end);
    let rest = rest.trim_start();
    let rest = rest.strip_prefix('=').unwrap_or(rest).trim();
    if rest.contains(['\n', '\\', '#']) {
        return None;
    }
    let value = match rest.strip_prefix('\'') {
        Some(quoted) => quoted.strip_suffix('\'')?.replace("''", "'"),
        None if rest.contains(|c: char| !(c.is_alphanumeric() || "._/:-".contains(c))) => {
            return None;
        }
        None => rest.to_owned(),
    };
    Some((name, value.into_bytes()))
}

struct Answer {
    major: Major,
    ok: bool,
    log: Vec<String>,
    shown: Option<String>,
}

fn answers(vector: &serde_json::Value) -> Vec<Answer> {
    let start = &vector["expect"]["start"];
    let log: Vec<String> =
        start["log"].as_array().into_iter().flatten().filter_map(|line| line.as_str().map(str::to_owned)).collect();
    let shown = start["value"].as_object().and_then(|value| value.values().next());
    let shown = shown.and_then(|value| value.as_str()).map(str::to_owned);
    let version = |version: &serde_json::Value| match version {
        serde_json::Value::String(text) => Major(text.replace('.', "0").parse().unwrap()),
        number => Major(number.as_u64().unwrap() as u16 * 100),
    };
    let versions = vector["versions"].as_array().unwrap().iter().map(version);
    versions
        .map(|major| Answer { major, ok: start["ok"].as_bool().unwrap(), log: log.clone(), shown: shown.clone() })
        .collect()
}

/// The lines that a refusal makes a starting server log.
fn logged(refusal: &Refusal) -> Vec<String> {
    let mut lines: Vec<String> = refusal.message.iter().map(|message| format!("LOG:  {message}")).collect();
    lines.extend(refusal.detail.iter().map(|detail| format!("DETAIL:  {detail}")));
    lines.extend(refusal.hint.iter().map(|hint| format!("HINT:  {hint}")));
    lines
}

fn judge(grammar: &Grammar, context: &Context, text: &[u8]) -> Option<Read> {
    let plain = std::str::from_utf8(text).ok();
    let shown = |value: i64| value.to_string().into_bytes();
    Some(match grammar {
        Grammar::Only(..) | Grammar::Excludes(..) => {
            let on = matches!(plain?, "on" | "t" | "true" | "yes" | "1");
            let off = matches!(plain?, "off" | "f" | "false" | "no" | "0");
            if !on && !off {
                return None;
            }
            let word = |value: i64| if value == 0 { b"off".to_vec() } else { b"on".to_vec() };
            adjust(grammar, context, i64::from(on)).map(word)
        }
        // Octal digits and the words of an enum are read before the grammar is asked.
        Grammar::Octal | Grammar::Ignored(_, "") if !matches!(plain?, "on" | "off") => return None,
        Grammar::Ignored(_, "") if context.name.ends_with("isolation") => return None,
        Grammar::Octal
        | Grammar::AtLeast(..)
        | Grammar::Multiple(_)
        | Grammar::ZeroOr(..)
        | Grammar::StackDepth(_)
        | Grammar::NotZero
        | Grammar::Sum(..) => {
            let value: i64 = plain?.parse().ok()?;
            adjust(grammar, context, value).map(shown)
        }
        _ => read(grammar, context, text),
    })
}

#[test]
fn a_refused_name_is_told_as_far_as_it_is_kept() {
    let long = "é".repeat(40);
    for grammar in [Grammar::Named("none"), Grammar::Never, Grammar::Encoding] {
        let refusal = read(&grammar, &Context::new(Major::V18, "role"), long.as_bytes()).unwrap_err();
        let kept = format!("{}\u{fffd}", "é".repeat(31));
        assert_eq!(refusal.message, Some(format!("invalid value for parameter \"role\": \"{kept}\"")));
    }
}

#[test]
fn agrees_with_recorded_servers() {
    let mut disagreements = Vec::new();
    let mut checked: BTreeMap<String, usize> = BTreeMap::new();
    for file in ["conf.jsonl", "old-conf.jsonl"] {
        let path = format!("{}/testdata/servers/{file}", env!("CARGO_MANIFEST_DIR"));
        for line in std::fs::read_to_string(path).unwrap().lines() {
            // A lone surrogate stands for bytes that are not UTF-8; such files are tried elsewhere.
            let Ok(vector) = serde_json::from_str::<serde_json::Value>(line) else {
                continue;
            };
            let alone = vector["kind"] == "read" && vector.get("files").is_none();
            let Some((spelled, text)) = vector["file"].as_str().filter(|_| alone).and_then(setting) else {
                continue;
            };
            for answer in answers(&vector) {
                let Some((name, grammar)) = grammar_of(spelled, answer.major) else {
                    continue;
                };
                if answer.log.iter().any(|line| {
                    line.contains("unrecognized configuration")
                        || line.contains("syntax error in file")
                        || line.contains("outside the valid range")
                        || line.contains("cannot be changed")
                }) {
                    continue;
                }
                let mut context = Context::new(answer.major, name);
                context.spelled = if answer.major < Major::V18 { spelled } else { name };
                let defaults = |name: &str| match name {
                    "max_connections" => 100,
                    "max_worker_processes" => 8,
                    "max_wal_senders" => 10,
                    "autovacuum_max_workers" => 3,
                    _ => 0,
                };
                context.earlier = &defaults;
                let Some(read) = judge(&grammar, &context, &text) else {
                    continue;
                };
                *checked.entry(name.to_owned()).or_default() += 1;
                if let Some(why) = disagreement(&read, &answer) {
                    disagreements.push(format!("{} {}: {why}", answer.major, vector["file"]));
                }
            }
        }
    }
    let total: usize = checked.values().sum();
    assert!(disagreements.is_empty(), "{} of {total}:\n{}", disagreements.len(), disagreements.join("\n"));
    assert!(total > 3000, "{total} {checked:?}");
}

fn disagreement(read: &Read, answer: &Answer) -> Option<String> {
    match read {
        Ok(value) if answer.ok => {
            let value = String::from_utf8_lossy(value);
            // The recording drops blanks at the end.
            let same = answer.shown.as_ref().is_none_or(|shown| shown.trim_end() == value.trim_end());
            (!same).then(|| format!("shows {value:?}, server {:?}", answer.shown))
        }
        Err(refusal) if !answer.ok => {
            let logged = logged(refusal);
            let missing = logged.iter().find(|line| {
                let same = |log: &&String| {
                    log == line
                        // 12 gives the reason of a bad slot name in a warning of its own.
                        || log.replace("WARNING:  ", "DETAIL:  ") == **line
                        || log.replace("FATAL:  ", "LOG:  ") == **line
                };
                !answer.log.iter().any(|log| same(&log))
            });
            let reason = answer.log.iter().any(|line| line.starts_with("DETAIL") || line.starts_with("HINT"));
            let silent = refusal.detail.is_none() && refusal.hint.is_none() && reason;
            match missing {
                Some(line) => Some(format!("logs {line:?}, server {:?}", answer.log)),
                None if silent => Some(format!("server says more: {:?}", answer.log)),
                None => None,
            }
        }
        Ok(_) => Some(format!("accepts, server {:?}", answer.log)),
        Err(refusal) => Some(format!("refuses {refusal:?}, server accepts")),
    }
}
