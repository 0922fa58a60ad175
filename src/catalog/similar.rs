//! The names that a mistyped one may stand for, those of every major.
//!
//! A file may hold hundreds of unknown names, each asked about for every version: names that cannot be close enough are
//! left out by their letters alone, and answers are kept.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use super::{Catalog, every_name};
use crate::nearest;

/// Answers that are kept. A language server that runs for weeks meets many a half-typed name.
const KEPT: usize = 4096;

/// How often a word has each letter; digits and what is neither are counted together.
type Letters = [u8; 29];

struct Known {
    name: &'static str,
    length: usize,
    letters: Letters,
}

/// Names that are close enough, with how many letters are wrong, the closest first.
type Close = Arc<[(usize, &'static str)]>;

/// The name that a mistyped one most likely stands for, and whether the version knows it: where two are as close, one
/// that it knows.
pub fn similar(name: &str, catalog: &Catalog) -> Option<(&'static str, bool)> {
    let close = close(name);
    let (least, _) = close.first()?;
    let closest = close.iter().take_while(|(distance, _)| distance == least).map(|(_, known)| *known);
    let is_known = |name: &&str| catalog.find(name.as_bytes()).is_some();
    match closest.clone().find(is_known) {
        Some(known) => Some((known, true)),
        None => closest.into_iter().next().map(|other| (other, false)),
    }
}

fn close(name: &str) -> Close {
    static ANSWERS: Mutex<Option<HashMap<String, Close>>> = Mutex::new(None);
    let mut answers = ANSWERS.lock().unwrap_or_else(PoisonError::into_inner);
    let answers = answers.get_or_insert_default();
    if let Some(known) = answers.get(name) {
        return known.clone();
    }
    let found: Close = search(name).into();
    if answers.len() >= KEPT {
        answers.clear();
    }
    answers.insert(name.to_owned(), found.clone());
    found
}

fn search(name: &str) -> Vec<(usize, &'static str)> {
    let word = name.to_lowercase();
    let length = word.chars().count();
    let (most, letters) = (nearest::most(length), letters(&word));
    let mut found: Vec<(usize, &'static str)> = known()
        .iter()
        .filter(|known| known.length.abs_diff(length) <= most && apart(&known.letters, &letters) <= most)
        .map(|known| (nearest::distance(&word, known.name), known.name))
        .filter(|(distance, _)| *distance <= most)
        .collect();
    found.sort_unstable();
    found
}

fn known() -> &'static [Known] {
    static KNOWN: OnceLock<Vec<Known>> = OnceLock::new();
    KNOWN.get_or_init(|| {
        let known =
            |name: &'static str| Known { name, length: name.chars().count(), letters: letters(&name.to_lowercase()) };
        every_name().map(known).collect()
    })
}

fn letters(word: &str) -> Letters {
    let mut letters = Letters::default();
    for byte in word.bytes() {
        let index = match byte {
            b'a'..=b'z' => usize::from(byte - b'a'),
            b'_' => 26,
            b'0'..=b'9' => 27,
            // One for each character of several bytes.
            _ if byte & 0xc0 == 0x80 => continue,
            _ => 28,
        };
        letters[index] = letters[index].saturating_add(1);
    }
    letters
}

/// How many letters at least are wrong: each mistake takes away one and adds one.
fn apart(a: &Letters, b: &Letters) -> usize {
    let more = |a: &Letters, b: &Letters| a.iter().zip(b).map(|(a, b)| usize::from(a.saturating_sub(*b))).sum();
    usize::max(more(a, b), more(b, a))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::version::{Major, PgVersion};

    #[test]
    fn what_is_left_out_is_never_close_enough() {
        let catalog = Catalog::shared(PgVersion::newest(Major::V16));
        let words =
            ["wal_levl", "maxconnections", "max_wal_sender", "prot", "DATESTYLE_", "sharde_buffers", "äöü", "x"];
        for word in words.into_iter().chain(["work_mem_", "autovacum", "log_min_duration", "a_name_of_my_own"]) {
            let slow = nearest::nearest(word, every_name());
            assert_eq!(similar(word, catalog).map(|(name, _)| name), slow, "{word}");
        }
        assert_eq!(similar("checkpoint_segment", catalog), Some(("checkpoint_segments", false)));
        assert_eq!(similar("checkpoint_timeot", catalog), Some(("checkpoint_timeout", true)));
    }
}
