//! Scenarios and what was seen of them: testdata/pair/scenarios, the pages in rules, testdata/pair/outcomes.tsv.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use pgconflint::check::examples::pair::{self, PRIMARY};
use pgconflint::check::examples::versions;
use pgconflint::rule::PAGES;
use pgconflint::rule::page::{self, Beside, Example, Shows};
use pgconflint::version::{Major, Targets};

use super::Outcome;

/// The columns of the record.
pub const HEADER: &str = "scenario\tmajor\tnode\tstarts\tstandby\tstreams\treadable\tcommits\tsays";

/// A scenario and the majors that play it.
#[derive(Clone, Debug)]
pub struct Case {
    /// Its heading, or `PAGE/fires-1` of an example of a page.
    pub name: String,
    /// Its majors.
    pub majors: Vec<u16>,
    /// Its files.
    pub beside: Vec<Beside>,
}

/// The rows of the record by scenario and major, each without these two.
pub type Rows = BTreeMap<(String, u16), Vec<String>>;

/// Every scenario, then every example `pair` of a page.
///
/// # Errors
/// That one cannot be read, or a name comes twice.
pub fn cases() -> Result<Vec<Case>> {
    let mut cases: Vec<Case> = Vec::new();
    let directory = testdata().join("scenarios");
    let mut paths: Vec<PathBuf> = fs::read_dir(&directory)?.map(|entry| Ok(entry?.path())).collect::<Result<_>>()?;
    paths.sort();
    for path in paths.iter().filter(|path| path.extension().is_some_and(|extension| extension == "md")) {
        let text = fs::read_to_string(path)?;
        let found = pair::scenarios(&text).map_err(|error| anyhow::anyhow!("{}:{error}", path.display()))?;
        for scenario in found {
            let majors = (10..=18).filter_map(|major| {
                let holds = pair::holds(&scenario.example.majors, Major(major * 100));
                holds.map(|holds| holds.then_some(major)).transpose()
            });
            let majors = majors.collect::<Result<_, _>>().map_err(anyhow::Error::msg)?;
            cases.push(Case { name: scenario.name, majors, beside: scenario.example.beside.to_vec() });
        }
    }
    for page in PAGES {
        let mut counts = BTreeMap::new();
        for example in page.examples().iter().filter(|example| example.main == page::PAIR) {
            let word = if example.shows == Shows::Fires { "fires" } else { "quiet" };
            let count: &mut usize = counts.entry(word).or_default();
            *count += 1;
            let name = format!("{}/{word}-{count}", page.id);
            cases.push(Case { name, majors: majors(page, example)?, beside: example.beside.clone() });
        }
    }
    for (index, case) in cases.iter().enumerate() {
        let is_new = cases[..index].iter().all(|before| before.name != case.name);
        ensure!(is_new, "there are two scenarios `{}`", case.name);
    }
    Ok(cases)
}

/// The majors that an example claims and that can be asked.
///
/// # Errors
/// A range that cannot be read.
pub fn majors(page: &page::Page, example: &Example) -> Result<Vec<u16>> {
    let targets: Targets = "10..18".parse()?;
    let all = versions(page, example, &targets).map_err(anyhow::Error::msg)?;
    Ok(all.iter().map(|version| version.major.0 / 100).filter(|major| (10..=18).contains(major)).collect())
}

/// The rows of an outcome.
pub fn rows(outcome: &Outcome) -> Vec<String> {
    let word = |value: Option<bool>| match value {
        Some(true) => "yes",
        Some(false) => "no",
        None => "-",
    };
    let row = |node: &super::Seen| {
        let says = if node.says.is_empty() { "-" } else { &node.says };
        format!(
            "{}\t{}\t{}\t{}\t{}\t{}\t{says}",
            node.name,
            word(Some(node.starts)),
            word(node.standby),
            word(node.streams),
            word(node.readable),
            word(node.commits)
        )
    };
    debug_assert!(outcome.nodes.first().is_some_and(|node| node.name == PRIMARY));
    outcome.nodes.iter().map(row).collect()
}

/// Reads the record; it is empty where there is none.
///
/// # Errors
/// A line that is no row.
pub fn read() -> Result<Rows> {
    read_file(&testdata().join("outcomes.tsv"))
}

/// Reads a record whose first columns are a name and a major; it is empty where there is none.
///
/// # Errors
/// A line that is no row.
pub fn read_file(path: &Path) -> Result<Rows> {
    let mut rows = Rows::new();
    let text = fs::read_to_string(path).unwrap_or_default();
    for line in text.lines().skip(1) {
        let mut columns = line.splitn(3, '\t');
        let (name, major) = (columns.next().unwrap_or_default(), columns.next().unwrap_or_default());
        let major = major.parse().with_context(|| format!("{}: {line}", path.display()))?;
        rows.entry((name.to_string(), major)).or_default().push(columns.next().unwrap_or_default().to_string());
    }
    Ok(rows)
}

/// Writes the record, in the order of scenarios' names and of majors.
///
/// # Errors
/// That it cannot be written.
pub fn write(rows: &Rows) -> Result<()> {
    write_file(&testdata().join("outcomes.tsv"), HEADER, rows)
}

/// As [`write`], into another file.
///
/// # Errors
/// That it cannot be written.
pub fn write_file(path: &Path, header: &str, rows: &Rows) -> Result<()> {
    let mut text = format!("{header}\n");
    for ((name, major), rows) in rows {
        for row in rows {
            text.push_str(&format!("{name}\t{major}\t{row}\n"));
        }
    }
    Ok(fs::write(path, text)?)
}

/// The directory of scenarios and their record.
pub fn testdata() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/pair")
}
