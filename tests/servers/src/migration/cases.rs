//! Cases: testdata/migration/*.md, each a `pair` block whose node other than the primary is written for 10 or 11 and goes
//! to 12 to 18, or is written for 12 or later and goes back to 10 and 11. A file `play` says how it is played, a line each:
//!
//! ```text
//! from = 9.4                 the version that the files are written for; 11 unless said otherwise; 12 or later: it goes back
//! backup = 2                 which backup is restored, where there is no primary; 1 unless said otherwise
//! promote = trigger          how a standby is promoted: pg_ctl, unless said otherwise; trigger, function
//! touch                      the trigger file is there beforehand
//! options = --allow-errors   of `pgconflint migrate`
//! differs 13.. = a note      servers of those majors do something else; the words with which the plan says so
//! ```

use std::fs;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use pgconflint::check::examples::pair::{PRIMARY, holds, names, scenarios};
use pgconflint::rule::page::Beside;
use pgconflint::version::Major;

use super::workload::Workload;
use crate::files::replace;

/// How a standby is promoted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Promote {
    /// `pg_ctl promote`
    PgCtl,
    /// The trigger file, which servers have up to 15; `pg_ctl promote` from then on.
    Trigger,
    /// `pg_promote()`, which servers have from 12 on.
    Function,
}

/// Servers of these majors do something else than the one that the files are of.
#[derive(Clone, Debug)]
pub struct Differs {
    range: String,
    /// The words with which the plan says so.
    pub words: String,
}

/// A node and how it is played.
#[derive(Clone, Debug)]
pub struct Case {
    /// Its heading.
    pub name: String,
    /// The name of its node, the one that is not the primary.
    pub node: String,
    /// The version that its files are written for.
    pub from: Major,
    /// The backup that is restored.
    pub backup: u16,
    /// How it is promoted.
    pub promote: Promote,
    /// Whether the trigger file is there beforehand.
    pub has_trigger: bool,
    /// Options of `pgconflint migrate`.
    pub options: Vec<String>,
    differs: Vec<Differs>,
    files: Vec<Beside>,
}

impl Case {
    /// Whether a primary runs beside it.
    pub fn has_primary(&self) -> bool {
        self.mentions("{primary.port}")
    }

    /// Whether a file of its has that text.
    pub fn mentions(&self, text: &str) -> bool {
        self.files.iter().any(|file| file.bytes.windows(text.len()).any(|window| window == text.as_bytes()))
    }

    /// What a major does differently.
    pub fn differs(&self, major: u16) -> Option<&Differs> {
        self.differs.iter().find(|differs| holds(&differs.range, Major(major * 100)) == Ok(true))
    }

    /// Whether it goes back from 12 or later.
    pub fn is_back(&self) -> bool {
        self.from >= Major::V12
    }

    /// The majors that it is migrated to.
    pub fn targets(&self) -> RangeInclusive<u16> {
        if self.is_back() { 10..=11 } else { 12..=18 }
    }

    /// Whether a play on a major begins with a migration.
    pub fn is_migrated(&self, major: u16) -> bool {
        self.targets().contains(&major)
    }

    /// The majors that run the files as they stand; what comes of them on the last of these is what has to come of them
    /// elsewhere.
    pub fn own(&self) -> RangeInclusive<u16> {
        let from = self.from.0 / 100;
        if self.is_back() { from..=from } else { 10..=11 }
    }

    /// The version that the files are of when they are for servers of a major: 10 and 11 have their own.
    pub fn written_for(&self, major: u16) -> Major {
        if self.is_migrated(major) { self.from } else { Major(major * 100) }
    }

    /// The files of a play, with what is known of a workload in the place of `{xid.3}`, `{archive}` and so on.
    pub fn filled(&self, major: u16, root: &Path, workload: &Workload) -> Vec<Beside> {
        let holds = |file: &&Beside| holds(&file.majors, Major(major * 100)) == Ok(true);
        let words = workload.words(root);
        let fill = |bytes: &[u8]| {
            let start = bytes.to_vec();
            words.iter().fold(start, |bytes, (word, value)| replace(&bytes, word.as_bytes(), value.as_bytes()))
        };
        let files = self.files.iter().filter(holds);
        files.map(|file| Beside { bytes: fill(&file.bytes), majors: String::new(), ..file.clone() }).collect()
    }
}

/// Every case, by file and in its order.
///
/// # Errors
/// That one cannot be read, or a name comes twice.
pub fn cases() -> Result<Vec<Case>> {
    let mut cases: Vec<Case> = Vec::new();
    let mut paths: Vec<PathBuf> = fs::read_dir(testdata())?.map(|entry| Ok(entry?.path())).collect::<Result<_>>()?;
    paths.sort();
    for path in paths.iter().filter(|path| path.extension().is_some_and(|extension| extension == "md")) {
        let found =
            scenarios(&fs::read_to_string(path)?).map_err(|error| anyhow::anyhow!("{}:{error}", path.display()))?;
        for scenario in found {
            let is_new = cases.iter().all(|case| case.name != scenario.name);
            ensure!(is_new, "there are two cases `{}`", scenario.name);
            let case = case(&scenario.name, scenario.example.beside.to_vec());
            cases.push(case.with_context(|| format!("{}: {}", path.display(), scenario.name))?);
        }
    }
    Ok(cases)
}

/// The directory of cases and their record.
pub fn testdata() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/migration")
}

fn case(name: &str, mut files: Vec<Beside>) -> Result<Case> {
    let play: Vec<Beside> = files.extract_if(.., |file| file.name == "play").collect();
    let nodes: Vec<String> = names(&files).into_iter().filter(|name| name != PRIMARY).collect();
    let [node] = nodes.as_slice() else { bail!("it has a node beside the primary, not {nodes:?}") };
    let mut case = Case {
        name: name.to_string(),
        node: node.clone(),
        from: Major::V11,
        backup: 1,
        promote: Promote::PgCtl,
        has_trigger: false,
        options: Vec::new(),
        differs: Vec::new(),
        files,
    };
    for line in play.iter().flat_map(|file| file.bytes.split(|byte| *byte == b'\n')).filter(|line| !line.is_empty()) {
        let line = std::str::from_utf8(line)?;
        let (key, value) = line.split_once(" = ").unwrap_or((line, ""));
        match (key.split(' ').collect::<Vec<_>>().as_slice(), value) {
            (["from"], _) => case.from = Major::from_table(value).context("a major")?,
            (["backup"], _) => case.backup = value.parse()?,
            (["promote"], "pg_ctl") => case.promote = Promote::PgCtl,
            (["promote"], "trigger") => case.promote = Promote::Trigger,
            (["promote"], "function") => case.promote = Promote::Function,
            (["touch"], "") => case.has_trigger = true,
            (["options"], _) => case.options = value.split(' ').map(str::to_string).collect(),
            (["differs", range], _) => {
                holds(range, Major::V12).map_err(anyhow::Error::msg)?;
                case.differs.push(Differs { range: (*range).to_string(), words: value.to_string() });
            }
            _ => bail!("`{line}` says nothing about a play"),
        }
    }
    Ok(case)
}
