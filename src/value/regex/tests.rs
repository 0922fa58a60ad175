//! What servers said, and what no pattern may do to this program.

use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::Regex;
use crate::version::Major;

/// Asked of servers 10 to 18, in a database without an encoding: a byte is written `%5C` where it is not plain.
const ANSWERS: &str = include_str!("../../../testdata/servers/regex.tsv");

fn bytes(field: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = field.as_bytes();
    while let [first, after @ ..] = rest {
        match (first, after) {
            (b'%', [_, _, after @ ..]) => {
                let digits = std::str::from_utf8(&rest[1..3]).unwrap();
                bytes.push(u8::from_str_radix(digits, 16).unwrap());
                rest = after;
            }
            _ => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    bytes
}

fn written(bytes: &[u8]) -> String {
    let plain = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'%' | b',' | b'~');
    bytes.iter().map(|byte| if plain(*byte) { char::from(*byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

/// `no`, or the groups, or the whole match where there are none; `~` for a group without a part in it.
fn answer(pattern: &[u8], text: &[u8], major: Major) -> String {
    let regex = match Regex::of(pattern, major) {
        Ok(regex) => regex,
        Err(problem) => return problem.to_owned(),
    };
    let found = regex.captures(text).expect("decided");
    assert_eq!(regex.is_match(text), Some(found.is_some()), "{}", pattern.escape_ascii());
    let Some(groups) = found else { return "no".to_owned() };
    assert_eq!(groups.len(), regex.groups() + 1);
    let shown = if regex.groups() == 0 { &groups[..] } else { &groups[1..] };
    let shown = shown.iter().map(|group| group.clone().map_or("~".to_owned(), |range| written(&text[range])));
    format!("={}", shown.collect::<Vec<_>>().join(","))
}

#[test]
fn servers_say_the_same() {
    let mut rows = 0;
    for line in ANSWERS.lines().filter(|line| !line.starts_with('#')) {
        let [majors, pattern, text, expected] = line.split('\t').collect::<Vec<_>>()[..] else {
            panic!("four fields: {line}");
        };
        let (first, last) = majors.split_once("..").expect("a range");
        for major in first.parse::<u16>().unwrap()..=last.parse().unwrap() {
            let own = answer(&bytes(pattern), &bytes(text), Major(major * 100));
            assert_eq!(own, expected, "PostgreSQL {major}: {pattern} on {text:?}");
        }
        rows += 1;
    }
    assert!(rows >= 400, "{rows} answers");
}

fn everything(pattern: &str) -> bool {
    Regex::new(pattern.as_bytes()).expect("a pattern").matches_everything()
}

#[test]
fn what_fits_everything_is_seen() {
    for pattern in
        ["", ".*", "^", "$", "^.*$", ".", "^.+$", "()", "a*", "x|", "(?i)a?", r"\A", "a|[^a]", r"^(a|[^a])+$"]
    {
        assert!(everything(pattern), "{pattern}");
    }
    for pattern in ["a", "^$", "^.$", "^..+$", "[a-z]", r"\w", r"\y", "^a*$", "(?n)^.+$", r"(.)\1", "(?=a)"] {
        assert!(!everything(pattern), "{pattern}");
    }
}

fn texts(pattern: &str) -> Option<Vec<String>> {
    let texts = Regex::new(pattern.as_bytes()).expect("a pattern").literals()?;
    Some(texts.iter().map(|text| text.escape_ascii().to_string()).collect())
}

#[test]
fn few_texts_are_listed() {
    let few = |pattern: &str, expected: &[&str]| {
        assert_eq!(
            texts(pattern).as_deref(),
            Some(&expected.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>()[..]),
            "{pattern}"
        );
    };
    few("^app$", &["app"]);
    few("^(a|b)$", &["a", "b"]);
    few("^db[12]$", &["db1", "db2"]);
    few("^a$|^b$", &["a", "b"]);
    few(r"\Aa{1,3}\Z", &["a", "aa", "aaa"]);
    few("(?i)^ab$", &["AB", "Ab", "aB", "ab"]);
    few("***:^x?$", &["", "x"]);
    few("a^b", &[]);
    few("^a.{0}$", &["a"]);
    for pattern in ["app", "^app", "app$", "^a|b$", "^a*$", "^.$", "^[a-z][a-z]$", r"^(a)\1$", "(?n)^a$", ""] {
        assert_eq!(texts(pattern), None, "{pattern}");
    }
}

#[test]
fn large_patterns_end_soon() {
    let deep = |open: &str, close: &str, count: usize| [open.repeat(count), "a".into(), close.repeat(count)].concat();
    let patterns = [
        deep("(", ")", 50_000),
        deep("(?:", ")", 50_000),
        deep("(?=", ")", 20_000),
        deep("(", ")+", 60),
        deep("(", ")*", 60),
        deep("(?:", "){2}", 40),
        deep("(?:", "|b)*", 150),
        "(a)".repeat(3000),
        (1..2000).map(|group| format!(r"(\{group})")).fold("(a)".to_owned(), |all, next| all + &next),
        (1..100).map(|group| format!(r"(\{group}\{group})")).fold("(a)".to_owned(), |all, next| all + &next),
        "(".repeat(100_000),
        "[".repeat(100_000),
        "(?#".repeat(30_000),
        "(?#)".repeat(30_000),
        "a|".repeat(20_000),
        "((a{0,255}){0,255}){0,255}".to_owned(),
        "(a*)*(a*)*(a*)*(a*)*b".to_owned(),
        r"^(a*)*(a*)*\1\2\1\2b".to_owned(),
        "(?:(?=(?<=(a|aa)*)(?!a{200}b))a)*c".to_owned(),
        "^(([a-c]{1,20}){1,20}){1,3}$".to_owned(),
    ];
    let text = b"a".repeat(63);
    for pattern in patterns {
        let before = Instant::now();
        if let Ok(regex) = Regex::new(pattern.as_bytes()) {
            let _ = (regex.captures(&text), regex.is_match(&text), regex.matches_everything(), regex.literals());
        }
        let shown = &pattern[..pattern.len().min(40)];
        assert!(before.elapsed() < Duration::from_secs(10), "{shown} took {:?}", before.elapsed());
    }
}

#[test]
fn more_repetitions_than_a_server_takes_are_too_complex() {
    let problem = |pattern: &str| Regex::new(pattern.as_bytes()).err();
    assert_eq!(problem("(?:a{255}){255}"), Some("regular expression is too complex"));
    assert_eq!(problem("((a{255}){255}){255}("), Some("regular expression is too complex"));
    assert_eq!(problem("(?:a{255}){160}"), None);
}

const WORDS: &[&str] = &[
    "(", ")", "[", "]", "{", "}", "*", "+", "?", "\\", "^", "$", "|", ".", "a", "b", "1", ",", "(?:", "(?=", "(?<!",
    "[[:", ":]]", "{1,2}", "{0,}", "\\1", "\\x", "\\y", "(?i)", "***", "-",
];

fn piece() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        4 => proptest::sample::select(WORDS).prop_map(|word| word.as_bytes().to_vec()),
        1 => any::<u8>().prop_map(|byte| vec![byte]),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn any_bytes_are_read_and_tried(
        pattern in proptest::collection::vec(piece(), 0..40),
        text in proptest::collection::vec(any::<u8>(), 0..60),
        major in proptest::sample::select(&[Major::V9_4, Major::V13, Major::V18][..]),
    ) {
        let mut pattern = pattern.concat();
        pattern.truncate(60);
        let before = Instant::now();
        if let Ok(regex) = Regex::of(&pattern, major) {
            let found = regex.captures(&text);
            if let (Some(groups), Some(is_match)) = (&found, regex.is_match(&text)) {
                prop_assert_eq!(groups.is_some(), is_match);
            }
            for range in found.flatten().iter().flatten().flatten() {
                prop_assert!(range.start <= range.end && range.end <= text.len());
            }
            if regex.matches_everything() && !text.is_empty() && !text.contains(&0) {
                prop_assert_eq!(regex.is_match(&text), Some(true));
            }
            if let Some(texts) = regex.literals() {
                for text in &texts {
                    prop_assert_eq!(regex.is_match(text), Some(true));
                }
                prop_assert!(text.contains(&0) || texts.contains(&text) == (regex.is_match(&text) == Some(true)));
            }
        }
        prop_assert!(before.elapsed() < Duration::from_secs(5));
    }
}
