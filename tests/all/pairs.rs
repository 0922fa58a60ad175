//! Primaries and their standbys: what is foretold of each scenario and of each example of a page, against what real
//! servers of 10 to 18 did (testdata/pair/outcomes.tsv).
#![expect(clippy::print_stdout, reason = "the count is the result")]

use std::collections::BTreeMap;

use pgconflint::check::examples::{foretold, pair};
use pgconflint::check::{Outcome, Rules};
use pgconflint::finding::Severity;
use pgconflint::model::pair::Answer;
use pgconflint::rule::PAGES;
use pgconflint::rule::page;
use pgconflint::version::{Major, PgVersion};
use pgconflint_servers::pair::record::{self, Case};

/// What was foretold, by node and column.
fn foretell(case: &Case, major: u16, rules: &Rules) -> Outcome {
    let version = PgVersion::newest(Major(major * 100));
    let ports = pair::Ports::offline(&case.beside);
    let setup = pair::expand(&case.beside, version.major, &ports).unwrap();
    foretold::check(&setup, &ports, rules, version).unwrap()
}

const COLUMNS: [&str; 5] = ["starts", "standby", "streams", "readable", "commits"];

#[derive(Default)]
struct Count {
    cases: usize,
    answers: usize,
    depends: BTreeMap<String, usize>,
    wrong: Vec<String>,
}

/// Scenarios that fail for a reason that is in no file: forecasts take it for granted that the role of a standby is
/// there and may replicate, and say so.
const NOT_IN_FILES: [&str; 2] = ["role-unknown", "role-without-replication"];

/// Compares one scenario of one major, row by row; whether everything in it works.
fn compare(case: &Case, major: u16, rows: &[String], outcome: &Outcome, count: &mut Count) -> bool {
    let mut works = true;
    for row in rows {
        let columns: Vec<&str> = row.split('\t').collect();
        let says = columns[6];
        let Some(forecast) = outcome.forecasts.iter().find(|forecast| forecast.name == columns[0]) else {
            count.wrong.push(format!("{} on {major}: nothing is foretold of {}", case.name, columns[0]));
            continue;
        };
        let ours =
            [Some(forecast.starts), forecast.standby, forecast.streams, Some(forecast.readable), forecast.commits];
        for ((column, seen), ours) in COLUMNS.into_iter().zip(&columns[1..6]).zip(ours) {
            works &= *seen != "no";
            let (true, Some(ours)) = (*seen != "-", ours) else { continue };
            count.answers += 1;
            if ours == Answer::Depends {
                *count.depends.entry(format!("{} {}", case.name, columns[0])).or_default() += 1;
            } else if ours.word() != *seen {
                let rules: Vec<&str> = outcome.findings.iter().map(|finding| finding.rule.as_ref()).collect();
                count.wrong.push(format!(
                    "{} on {major}: {}: {column}: {seen}, foretold {}; {says}; found {rules:?}; {:?}",
                    case.name,
                    columns[0],
                    ours.word(),
                    forecast.provided
                ));
            }
        }
    }
    works
}

#[test]
fn forecasts_agree_with_recorded_servers() {
    let rules = Rules::built_in();
    let recorded = record::read().unwrap();
    let mut count = Count::default();
    let mut alarms = Vec::new();
    for case in record::cases().unwrap() {
        for major in &case.majors {
            let Some(rows) = recorded.get(&(case.name.clone(), *major)) else {
                count.wrong.push(format!("{} on {major} was not recorded", case.name));
                continue;
            };
            count.cases += 1;
            let outcome = foretell(&case, *major, &rules);
            if compare(&case, *major, rows, &outcome, &mut count) {
                let errors = outcome.findings.iter().filter(|finding| finding.severity == Severity::Error);
                alarms
                    .extend(errors.map(|error| format!("{} on {major}: {}: {}", case.name, error.rule, error.message)));
            }
        }
    }
    let depends: usize = count.depends.values().sum();
    for (what, times) in &count.depends {
        println!("depends: {what}, {times} answers");
    }
    println!("{} plays, {} answers, {depends} of them depend", count.cases, count.answers);
    let is_known = |line: &String| NOT_IN_FILES.iter().any(|name| line.starts_with(&format!("{name} on ")));
    for name in NOT_IN_FILES {
        assert!(count.wrong.iter().any(|line| line.starts_with(name)), "{name} is no exception any more");
    }
    count.wrong.retain(|line| !is_known(line));
    let wrong: Vec<String> = alarms.into_iter().chain(count.wrong).collect();
    assert!(wrong.is_empty(), "{} false alarms and wrong answers:\n{}", wrong.len(), wrong.join("\n"));
}

/// What the rows of a play show of a page's word for servers.
fn shows(server: &str, rows: &[String]) -> bool {
    let column = |index: usize| rows.iter().map(move |row| row.split('\t').nth(index).unwrap_or_default());
    let (starts, standby, streams, commits) = (column(1), column(2), column(3), column(5));
    let no = |mut values: Box<dyn Iterator<Item = &str> + '_>| values.any(|value| value == "no");
    let (starts, standby, streams, commits) =
        (no(Box::new(starts)), no(Box::new(standby)), no(Box::new(streams)), no(Box::new(commits)));
    match server {
        "refuses" => starts,
        "no-stream" => !starts && streams,
        "not-a-standby" => !starts && standby,
        "commits-hang" => !starts && commits,
        _ => !starts && !standby && !streams && !commits,
    }
}

/// Every example of every page about pairs, on every major that it claims.
#[test]
fn pages_say_what_recorded_servers_did() {
    let rules = Rules::built_in();
    let recorded = record::read().unwrap();
    let cases = record::cases().unwrap();
    let mut wrong = Vec::new();
    let (mut pages, mut proven) = (0, 0);
    for page in PAGES.iter().filter(|page| page.examples().into_iter().any(|example| example.main == page::PAIR)) {
        pages += 1;
        for case in cases.iter().filter(|case| case.name.split('/').next() == Some(&*page.id)) {
            let fires = case.name.contains("/fires-");
            for major in &case.majors {
                let Some(rows) = recorded.get(&(case.name.clone(), *major)) else {
                    wrong.push(format!("{} on {major} was not recorded", case.name));
                    continue;
                };
                let expected = if fires { page.server.as_ref() } else { "starts" };
                if !shows(expected, rows) {
                    wrong.push(format!("{} on {major} is not `{expected}`: {rows:?}", case.name));
                    continue;
                }
                proven += 1;
                let outcome = foretell(case, *major, &rules);
                let quoted = outcome.findings.iter().find(|finding| finding.rule == page.id);
                let words = quoted.and_then(|finding| finding.server.clone());
                let is_heard = |words: &String| rows.iter().any(|row| row.contains(words.as_str()));
                if let Some(words) = words.filter(|words| fires && !is_heard(words)) {
                    wrong.push(format!("{} on {major}: nobody says `{words}`: {rows:?}", case.name));
                }
            }
        }
    }
    println!("{pages} pages, {proven} examples x majors proven by the record");
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
}
