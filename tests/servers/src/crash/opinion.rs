//! What pgconflint says that a server makes of a tree.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::OnceLock;

use anyhow::Result;
use pgconflint::catalog::Catalog;
use pgconflint::check::{self, Node, Rules};
use pgconflint::files::Disk;
use pgconflint::finding::Effect;
use pgconflint::model::recovery;
use pgconflint::model::recovery::signals::{self, Mode};
use pgconflint::model::settings::Settings;
use pgconflint::source::{Files, Sources};
use pgconflint::syntax::conf;
use pgconflint::version::{Major, PgVersion, Targets};

use super::Case;

/// What a server does.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Start {
    /// It does not start.
    Refuses,
    /// It starts.
    Starts {
        /// `primary`, `standby` or `archive recovery`.
        mode: &'static str,
        /// Everything that a file sets, and the value that counts.
        settings: BTreeMap<String, Vec<u8>>,
    },
}

impl Start {
    /// Whether it starts open for writes.
    pub fn is_primary(&self) -> bool {
        matches!(self, Start::Starts { mode: "primary", .. })
    }
}

/// What a server of a major does with a case as it lies there.
pub fn start(case: &Case, root: &Path, major: u16) -> Result<Start> {
    let version = PgVersion::newest(Major(major * 100));
    let node = Node {
        before: check::Before::default(),
        path: case.node(root),
        file: None,
        data_dir: None,
        data_is_here: false,
        targets: Targets::one(version)?,
        role: None,
        wal_segment_size: None,
    };
    let disk = Disk::default();
    static RULES: OnceLock<Rules> = OnceLock::new();
    let outcome = check::node(&disk, &node, RULES.get_or_init(Rules::built_in), &|_| true);
    if outcome.findings.iter().any(|finding| finding.effect == Some(Effect::Refuses)) {
        return Ok(Start::Refuses);
    }
    let mut sources = Sources::default();
    let tree = check::read(&disk, &mut sources, &check::subject(&node, &disk), version.major);
    let judged = Settings::judge(&tree, &sources, Catalog::shared(version));
    let mut settings = BTreeMap::new();
    for entry in tree.entries() {
        let name = String::from_utf8_lossy(sources.text(entry.name())).to_lowercase();
        if let Some(value) = judged.value(&name) {
            settings.insert(name, value.plain());
        }
    }
    let data = case.data(root);
    if version.major >= Major::V12 {
        let begin = signals::begin(&judged, signals::signals(&disk, &data), &|_| true);
        let mode = match begin.mode {
            _ if begin.refusal.is_some() => return Ok(Start::Refuses),
            Mode::Primary => "primary",
            Mode::Standby => "standby",
            Mode::Archive => "archive recovery",
        };
        return Ok(Start::Starts { mode, settings });
    }
    let path = data.join("recovery.conf");
    if disk.read(&path).is_err() {
        return Ok(Start::Starts { mode: "primary", settings });
    }
    let recovery = recovery::read(&disk, &mut sources, &path, version.major, &judged.zone);
    for line in &recovery.lines {
        let name = String::from_utf8_lossy(sources.text(line.entry.name())).into_owned();
        let value = conf::value(line.entry.setting.value, &sources.get(line.entry.file).bytes).into_owned();
        settings.insert(name, value);
    }
    let mode = if recovery.is_standby() { "standby" } else { "archive recovery" };
    Ok(Start::Starts { mode, settings })
}
