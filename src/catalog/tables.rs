//! Small tables beside the catalogues: what the checks of values and traps look up by name.

use super::{rows_of, within};
use crate::table::{Table, table};
use crate::version::Major;

static BARE_NUMBERS: Table = table!("bare-numbers");
static RETIRED: Table = table!("retired-values");
static UNIT_WORDS: &str = include_str!("../../rules/catalog/unit-words.tsv");
static SWITCHES: &str = include_str!("../../rules/catalog/switches.tsv");
static HBA_MEANING: &str = include_str!("../../rules/catalog/hba-meaning.tsv");
static LANGUAGES: &str = include_str!("../../rules/catalog/languages.tsv");

/// A range of numbers without a unit that is easily misread.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BareNumber {
    /// What the server counts in.
    pub base: &'static str,
    /// What to write instead, with `{value}` for the number.
    pub suggestion: &'static str,
}

/// What there is to say of a bare number as a value of that parameter.
pub fn bare_number(name: &str, number: i64, major: Major) -> Option<BareNumber> {
    BARE_NUMBERS.of(name).find_map(|[_, since, until, low, high, base, _, suggestion]| {
        let inside = || Some(low.parse::<i64>().ok()? <= number && number <= high.parse::<i64>().ok()?);
        let speaks = within(major, since, until) && inside() == Some(true);
        speaks.then_some(BareNumber { base, suggestion })
    })
}

/// What to write in place of a value that the version does not take, and whether a fix may write it.
pub fn successor(name: &str, value: &[u8], major: Major) -> Option<(&'static str, bool)> {
    RETIRED.of(name).find_map(|[_, word, since, until, suggestion, fix, ..]| {
        let speaks = word.as_bytes().eq_ignore_ascii_case(value) && within(major, since, until);
        speaks.then_some((suggestion, fix == "yes"))
    })
}

/// The unit that was probably meant by a word.
pub fn meant_unit(word: &str, is_time: bool) -> Option<&'static str> {
    let measures = if is_time { "time" } else { "memory" };
    rows_of(UNIT_WORDS).find_map(|row| match row[..] {
        [known, of, unit, ..] if of == measures && known.eq_ignore_ascii_case(word) => Some(unit),
        _ => None,
    })
}

/// The parameter that a one-letter switch of postgres sets, and its value where the switch takes none.
pub fn switch(letter: &str) -> Option<(&'static str, Option<&'static str>)> {
    rows_of(SWITCHES).find_map(|row| match row[..] {
        [known, name, value, ..] if known == letter => Some((name, Some(value).filter(|value| !value.is_empty()))),
        _ => None,
    })
}

/// Whether it is the code of a language.
pub fn is_language(code: &str) -> bool {
    rows_of(LANGUAGES).any(|row| row[0] == code)
}

/// What a word of pg_hba.conf or pg_ident.conf means: of a `type`, `database`, `user`, `address`, `method` or
/// `option`; of a `column` what it is for.
pub fn hba_meaning(of: &str, name: &str) -> Option<&'static str> {
    rows_of(HBA_MEANING).find_map(|row| match row[..] {
        [kind, known, meaning, ..] if kind == of && known == name => Some(meaning),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::access;

    #[test]
    fn every_word_of_pg_hba_conf_has_a_meaning() {
        let words = |kind: &'static str| access::names(kind).map(move |name| (kind, name));
        let key_words = |column: &'static str, of: &'static str| access::key_words(column).map(move |name| (of, name));
        let all = words("type").chain(words("method")).chain(words("option"));
        let all = all.chain(key_words("db", "database")).chain(key_words("user", "user"));
        let all: Vec<_> = all.chain(key_words("address", "address")).collect();
        let missing: Vec<_> = all.iter().filter(|(of, name)| hba_meaning(of, name).is_none()).collect();
        assert!(all.len() > 60 && missing.is_empty(), "{missing:?}");
    }
}
