//! The baseline: findings that were there before, by file, rule and subject. Lines may move.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

/// What a finding is known by.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Key {
    /// Relative to the directory of the baseline, with `/`.
    pub file: String,
    /// The rule.
    pub rule: String,
    /// The setting, or what else it is about; never a secret.
    pub subject: String,
}

/// Findings that are not reported.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Baseline {
    entries: BTreeMap<Key, Entry>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
struct Entry {
    count: usize,
    reason: Option<String>,
}

/// What a run has found, whether it is in the baseline or not.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Tally {
    /// How often each was found.
    pub found: BTreeMap<Key, usize>,
    /// What would have been found if it were there.
    pub judged: BTreeSet<Key>,
}

/// An entry that holds more than is found.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Stale {
    /// Which one.
    pub key: Key,
    /// What the baseline says.
    pub count: usize,
    /// What is there.
    pub found: usize,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Document {
    schema_version: u32,
    findings: Vec<Line>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    file: String,
    rule: String,
    subject: String,
    count: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

/// Reads a baseline.
///
/// # Errors
/// Why it is none, with line and column.
pub fn parse(bytes: &[u8]) -> Result<Baseline, String> {
    let document: Document = serde_json::from_slice(bytes).map_err(|error| format!("no baseline: {error}"))?;
    if document.schema_version != 1 {
        return Err(format!("its schemaVersion is {}, and 1 is what is known here", document.schema_version));
    }
    let mut baseline = Baseline::default();
    for Line { file, rule, subject, count, reason } in document.findings {
        baseline.entries.insert(Key { file, rule, subject }, Entry { count, reason });
    }
    Ok(baseline)
}

impl Baseline {
    /// All that was found; reasons are those of the baseline before.
    pub fn of(tally: &Tally, before: &Baseline) -> Baseline {
        let reason = |key: &Key| before.entries.get(key).and_then(|entry| entry.reason.clone());
        let entry = |(key, count): (&Key, &usize)| (key.clone(), Entry { count: *count, reason: reason(key) });
        Baseline { entries: tally.found.iter().map(entry).collect() }
    }

    /// The file, sorted, so that it merges well.
    pub fn to_text(&self) -> String {
        let line = |(key, entry): (&Key, &Entry)| Line {
            file: key.file.clone(),
            rule: key.rule.clone(),
            subject: key.subject.clone(),
            count: entry.count,
            reason: entry.reason.clone(),
        };
        let document = Document { schema_version: 1, findings: self.entries.iter().map(line).collect() };
        serde_json::to_string_pretty(&document).expect("strings and numbers") + "\n"
    }

    /// How many findings it holds.
    pub fn count(&self) -> usize {
        self.entries.values().map(|entry| entry.count).sum()
    }

    /// Whether all of so many findings were there before. Which of too many is new nobody can tell, so all are.
    pub fn holds(&self, key: &Key, found: usize) -> bool {
        self.entries.get(key).is_some_and(|entry| found <= entry.count)
    }

    /// The entries, each with its count.
    pub fn keys(&self) -> impl Iterator<Item = &Key> {
        self.entries.keys()
    }

    /// What is no longer there: of what was looked for, and of files that are gone.
    pub fn stale(&self, tally: &Tally, is_gone: &dyn Fn(&str) -> bool) -> Vec<Stale> {
        let mut stale = Vec::new();
        for (key, entry) in &self.entries {
            let found = tally.found.get(key).copied().unwrap_or_default();
            let is_sure = tally.judged.contains(key) || is_gone(&key.file);
            if is_sure && found < entry.count {
                stale.push(Stale { key: key.clone(), count: entry.count, found });
            }
        }
        stale
    }

    /// The baseline without what is stale.
    pub fn without(&self, stale: &[Stale]) -> Baseline {
        let mut left = self.clone();
        for stale in stale {
            match (stale.found, left.entries.get_mut(&stale.key)) {
                (0, _) => drop(left.entries.remove(&stale.key)),
                (found, Some(entry)) => entry.count = found,
                (_, None) => {}
            }
        }
        left
    }
}

impl Tally {
    /// Takes over what another part of the run has found. A file that two nodes share is counted once.
    pub fn merge(&mut self, other: Tally) {
        self.judged.extend(other.judged);
        for (key, count) in other.found {
            let known = self.found.entry(key).or_default();
            *known = count.max(*known);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(subject: &str) -> Key {
        Key { file: "db/postgresql.conf".into(), rule: "r".into(), subject: subject.into() }
    }

    fn tally(found: &[(&str, usize)], judged: &[&str]) -> Tally {
        Tally {
            found: found.iter().map(|(subject, count)| (key(subject), *count)).collect(),
            judged: judged.iter().map(|subject| key(subject)).collect(),
        }
    }

    #[test]
    fn it_is_read_as_it_was_written_and_keeps_reasons() {
        let before = r#"{"schemaVersion": 1, "findings": [
            {"file": "db/postgresql.conf", "rule": "r", "subject": "port", "count": 7, "reason": "since 2019"}]}"#;
        let before = parse(before.as_bytes()).expect("it is one");
        let now = Baseline::of(&tally(&[("port", 1), ("ssl", 2)], &[]), &before);
        assert_eq!(parse(now.to_text().as_bytes()), Ok(now.clone()));
        assert!(now.to_text().contains("since 2019"));
        assert_eq!(now.count(), 3);
        assert!(now.holds(&key("ssl"), 2) && !now.holds(&key("ssl"), 3) && !now.holds(&key("tls"), 1));
    }

    #[test]
    fn stale_is_what_was_looked_for_and_is_not_there() {
        let baseline = Baseline::of(&tally(&[("a", 2), ("b", 1), ("c", 1)], &[]), &Baseline::default());
        let now = tally(&[("a", 1)], &["a", "b"]);
        let stale = baseline.stale(&now, &|_| false);
        assert_eq!(stale.iter().map(|stale| stale.key.subject.as_str()).collect::<Vec<_>>(), ["a", "b"]);
        let left = baseline.without(&stale);
        assert_eq!(left, Baseline::of(&tally(&[("a", 1), ("c", 1)], &[]), &Baseline::default()));
        assert_eq!(left.stale(&now, &|_| false), []);
        assert_eq!(left.stale(&now, &|_| true).len(), 1, "the file of c is gone");
    }

    #[test]
    fn what_is_no_baseline_says_why() {
        let why = |text: &str| parse(text.as_bytes()).expect_err(text);
        assert!(why("{").contains("line 1 column 1"), "{}", why("{"));
        assert!(why(r#"{"schemaVersion": 2, "findings": []}"#).contains("schemaVersion is 2"));
        assert!(why(r#"{"schemaVersion": 1, "findings": [], "x": 1}"#).contains("unknown field `x`"));
    }
}
