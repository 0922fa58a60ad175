//! Primaries and their standbys: what is foretold of each scenario and of each example of a page, against what real
//! servers of 10 to 18 did (testdata/pair/outcomes.tsv).
#![expect(clippy::print_stdout, reason = "the count is the result")]

use std::collections::BTreeMap;

use pgconflint::check::examples::{foretold, pair};
use pgconflint::check::{Outcome, Rules};
use pgconflint::finding::Severity;
use pgconflint::model::pair::Answer;
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
    println!("{} plays, {} answers, {depends} of them depend", count.cases, count.answers);
    assert!(alarms.is_empty(), "{} false alarms:\n{}", alarms.len(), alarms.join("\n"));
    assert!(count.wrong.is_empty(), "{} wrong:\n{}", count.wrong.len(), count.wrong.join("\n"));
}
