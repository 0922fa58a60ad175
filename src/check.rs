//! Running rules: the pages' conditions and the native checks, for every target version.

pub mod access;
pub mod defaults;
pub mod examples;
pub mod fix;
pub mod forecast;
pub mod group;
pub mod revision;
pub mod spot;

mod archive;
mod conninfo;
mod described;
mod directory;
mod disk;
mod hosts;
mod includes;
mod names;
mod overrides;
mod pair;
mod recovery;
mod replication;
mod rules;
mod secrets;
mod slots;
mod synchronous;
mod syntax;
mod traps;
mod values;

use std::collections::HashMap;

use crate::catalog::Catalog;
use crate::finding::{Finding, Held, Severity};
use crate::model::control;
use crate::model::recovery::Recovery;
use crate::model::settings::{Initdb, Settings};
use crate::model::tree::{self, Tree};
use crate::rule::expr::Scope;
use crate::source::{FileId, FileKind, Files, Sources};
use crate::syntax::conf::Content;
use crate::version::{Major, Role};

use spot::{Spot, View};

pub use described::Described;
pub use group::{Before, Member, Node, Outcome, Subject, group, node, subject};
pub use rules::{Rules, Standing};

/// The value of a setting in one file, the last one if there are several, includes not followed.
pub fn setting(bytes: &[u8], name: &str) -> Option<Vec<u8>> {
    let settings = crate::syntax::conf::lines(bytes).filter_map(|line| match line.content {
        Content::Setting(setting) => Some(setting),
        _ => None,
    });
    let last = settings.filter(|setting| setting.name.of(bytes).eq_ignore_ascii_case(name.as_bytes())).last()?;
    Some(crate::syntax::conf::value(last.value, bytes).into_owned())
}

/// Reads a subject's files for a version.
pub fn read(files: &dyn Files, sources: &mut Sources, subject: &Subject, major: Major) -> Tree {
    if subject.with_auto {
        tree::read(files, sources, &subject.main, subject.data_directory.as_deref(), major)
    } else {
        tree::read_alone(files, sources, &subject.main, FileKind::Conf, major)
    }
}

/// Checks a subject against every target and puts together what holds for several.
pub fn conf(
    files: &dyn Files,
    sources: &mut Sources,
    subject: &Subject,
    rules: &Rules,
    catalogs: &[&Catalog],
) -> Vec<Finding> {
    let mut merged = Merged::default();
    let mut read_for: Option<(Major, Tree)> = None;
    for catalog in catalogs {
        // How files are read changed with 9.5 and 15 only.
        let reading = match catalog.version.major {
            major if major < Major::V9_5 => Major::V9_4,
            major if major < Major::V15 => Major::V14,
            _ => Major::V15,
        };
        let tree = match read_for.take() {
            Some((of, tree)) if of == reading => tree,
            _ => read(files, sources, subject, reading),
        };
        let known = Reading::of(files, sources, subject, tree, catalog);
        merged.add(findings(&known.view(files, sources, rules, catalogs.len() > 1), subject.role));
        read_for = Some((reading, known.tree));
    }
    merged.into_findings(sources, catalogs)
}

/// What a server of one version makes of the files of a subject.
#[derive(Debug)]
pub struct Reading<'a> {
    /// What was read, in order.
    pub tree: Tree,
    /// What comes of it.
    pub settings: Settings<'a>,
    /// recovery.conf, up to 11 and where there is one.
    pub recovery: Option<Recovery>,
    /// pg_hba.conf and pg_ident.conf, where they were read.
    pub access: access::Access,
    /// The other revision, where there is one to compare with.
    pub base: Option<Box<revision::Base<'a>>>,
    /// The major that the node runs now, where that is said.
    pub from: Option<Major>,
    /// Whether the data directory is at hand.
    pub data_is_here: bool,
}

impl<'a> Reading<'a> {
    /// Reads what goes with a tree that was read before.
    pub fn of(
        files: &dyn Files,
        sources: &mut Sources,
        subject: &Subject,
        mut tree: Tree,
        catalog: &'a Catalog,
    ) -> Reading<'a> {
        let mut settings = Settings::judge(&tree, sources, catalog);
        let control = subject.with_auto.then(|| control::of_directory(files, &tree.data_directory)).flatten();
        settings.initdb = Initdb::of(control.and_then(Result::ok).as_ref(), subject.wal_segment_size);
        let recovery = recovery::read(files, sources, subject, &mut tree, &settings);
        let access = access::read(files, sources, subject, &tree, &settings);
        let base = subject.base.as_ref().map(|base| Box::new(revision::Base::of(files, base, catalog)));
        let data = &tree.data_directory;
        let data_is_here = files.read(&data.join(crate::names::PG_VERSION)).is_ok()
            || subject.data_is_here && files.list(data).is_ok();
        Reading { tree, settings, recovery, access, base, from: subject.from, data_is_here }
    }

    /// All that a check may look at; `several` where the same is asked of several versions.
    pub fn view(&'a self, files: &'a dyn Files, sources: &'a Sources, rules: &'a Rules, several: bool) -> View<'a> {
        let Reading { tree, settings, recovery, access, base, from, data_is_here } = self;
        let (recovery, base, data_is_here) = (recovery.as_ref(), base.as_deref(), *data_is_here);
        View { files, sources, tree, settings, recovery, rules, several, access, base, from: *from, data_is_here }
    }
}

/// Findings of several versions, those of the same rule and place put together.
#[derive(Default)]
struct Merged {
    findings: Vec<Finding>,
    places: HashMap<(String, FileId, usize, String), usize>,
}

/// Rules that say another thing of every version, and several of the same place.
const BY_MESSAGE: [&str; 2] = ["change-needs-restart", "default-changed-across-upgrade"];

impl Merged {
    /// Adds what was found for one more version.
    fn add(&mut self, found: Vec<Finding>) {
        for finding in found {
            let said = if BY_MESSAGE.contains(&&*finding.rule) { finding.message.clone() } else { String::new() };
            let key = (finding.rule.to_string(), finding.place.file, finding.place.span.start, said);
            match self.places.get(&key) {
                Some(index) => {
                    let held = &mut self.findings[*index];
                    held.pg.extend(finding.pg);
                    // What only some versions refuse is an error for none.
                    if finding.severity < held.severity {
                        (held.severity, held.effect) = (finding.severity, finding.effect);
                    }
                }
                None => {
                    self.places.insert(key, self.findings.len());
                    self.findings.push(finding);
                }
            }
        }
    }

    /// In order, each with the versions that it holds for.
    fn into_findings(mut self, sources: &Sources, catalogs: &[&Catalog]) -> Vec<Finding> {
        for finding in &mut self.findings {
            if finding.pg.len() < recovery::readers(finding, sources, catalogs) {
                finding.severity = finding.severity.min(Severity::Warning);
                if let Some(fix) = &mut finding.fix {
                    fix.held = Some(Held::SomeVersions);
                }
            }
            let said = said_range(&finding.pg);
            finding.message = finding.message.replace(PG, &said);
            if let Some(help) = &mut finding.help {
                *help = help.replace(PG, &said);
            }
        }
        self.findings.sort_by(|a, b| (a.place, &a.rule).cmp(&(b.place, &b.rule)));
        self.findings
    }
}

/// The findings for one version, in no order.
pub fn findings(view: &View, role: Option<Role>) -> Vec<Finding> {
    let version = view.settings.catalog.version;
    let standing = Standing { role, feeds: replication::feeds(view, role) };
    let mut spots: Vec<Spot> = Vec::new();
    access::check(view, role, &mut spots);
    syntax::check(view, &mut spots);
    includes::check(view, &mut spots);
    names::check(view, &mut spots);
    values::check(view, &mut spots);
    overrides::check(view, &mut spots);
    traps::check(view, &mut spots);
    recovery::check(view, &mut spots);
    conninfo::check(view, role, &mut spots);
    secrets::check(view, &mut spots);
    archive::check(view, &mut spots);
    replication::check(view, role, &mut spots);
    synchronous::check(view, &mut spots);
    slots::check(view, &mut spots);
    directory::check(view, &mut spots);
    disk::check(view, &mut spots);
    hosts::check(view, &mut spots);
    revision::check(view, &mut spots);
    defaults::check(view, &mut spots);
    syntax::blanks(view, &mut spots);
    let mut found = Vec::with_capacity(spots.len());
    for spot in spots {
        if let Some(page) = view.rules.speaking(spot.rule.as_ref(), version, standing) {
            found.push(spot::finding(view, page, spot));
        }
    }
    for (page, condition) in view.rules.conditions(version, standing) {
        // What nobody has shown has no defaults: beside a lone pg_hba.conf there may be any settings.
        let is_shown = || view.top().is_some() || condition.names().iter().any(|name| view.settings.is_set(name));
        if condition.holds(&Scope::of(view.settings)) && is_shown() {
            found.push(spot::finding(view, page, spot::of_condition(view, page, condition)));
        }
    }
    found
}

/// How the names of rules end that are about what only later versions know.
const TOO_NEW: [&str; 6] = [
    "-too-new",
    "hba-include-before-16",
    "hba-continuation-before-14",
    "hba-regex-before-16",
    "hba-clientcert-off",
    "ident-keyword-before-16",
];

/// Stands for the versions of a finding until it is known for which ones it holds.
pub const PG: &str = "{pg}";

/// `16`, or `9.4 to 12`.
fn said_range(pg: &[Major]) -> String {
    match (pg[0], pg[pg.len() - 1]) {
        (first, last) if first == last => first.to_string(),
        (first, last) => format!("{first} to {last}"),
    }
}
