//! Did you mean: the known word that a mistyped one is closest to.

/// The candidate that `word` most likely meant, if one is close enough.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = word.to_lowercase();
    let length = word.chars().count();
    let most = most(length);
    candidates
        .into_iter()
        // As many letters at least are wrong as one word is longer.
        .filter(|candidate| candidate.chars().count().abs_diff(length) <= most)
        .map(|candidate| (distance(&word, candidate), candidate))
        .filter(|(distance, _)| *distance <= most)
        .min_by_key(|(distance, candidate)| (*distance, *candidate))
        .map(|(_, candidate)| candidate)
}

/// How many of so many letters may be wrong: a third; more, and the guess is noise.
pub fn most(length: usize) -> usize {
    (length / 3).max(1)
}

/// How many letters of a word in lower case are wrong.
pub fn distance(word: &str, candidate: &str) -> usize {
    strsim::damerau_levenshtein(word, &candidate.to_lowercase())
}

/// `; did you mean NAME?`, or nothing.
pub fn did_you_mean<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> String {
    nearest(word, candidates).map_or_else(String::new, |candidate| format!("; did you mean `{candidate}`?"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn close_words_are_found_and_far_ones_are_not() {
        let known = ["wal-level-minimal", "hot-standby-off", "ssl"];
        assert_eq!(nearest("wal-levle-minimal", known), Some("wal-level-minimal"));
        assert_eq!(nearest("SSL", known), Some("ssl"));
        assert_eq!(nearest("archive-mode", known), None);
        assert_eq!(did_you_mean("sl", known), "; did you mean `ssl`?");
    }
}
