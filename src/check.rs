//! Running rules: the pages' conditions and the native checks, for every target version.

pub mod examples;
pub mod fix;
pub mod spot;

mod includes;
mod names;
mod overrides;
mod syntax;
mod traps;
mod values;

use std::borrow::Cow;
use std::collections::HashMap;
use std::path::PathBuf;
use std::str::FromStr;

use crate::catalog::Catalog;
use crate::finding::{Finding, Severity};
use crate::model::settings::Settings;
use crate::model::tree::{self, Tree};
use crate::rule::expr::{self, Condition};
use crate::rule::page::{Page, Test};
use crate::source::{FileId, Files, Sources};
use crate::version::{Major, PgVersion, Requirement, Role, Targets};

use spot::{Spot, View};

/// Rules made ready to run: requirements and conditions read, pages found by id and by vanished name.
#[derive(Debug)]
pub struct Rules {
    rules: Vec<Rule>,
    by_id: HashMap<String, usize>,
    gone: HashMap<String, Vec<usize>>,
}

#[derive(Debug)]
struct Rule {
    page: Cow<'static, Page>,
    requirement: Option<Requirement>,
    condition: Option<Condition>,
}

impl Rules {
    /// Makes pages ready: the built-in ones first, then a team's own.
    ///
    /// # Errors
    /// The page and what is wrong with it.
    pub fn new(pages: impl IntoIterator<Item = Cow<'static, Page>>) -> Result<Rules, String> {
        let mut rules = Rules {
            rules: Vec::new(),
            by_id: HashMap::new(),
            gone: HashMap::new(),
        };
        for page in pages {
            let fault = |what: String| format!("{}: {what}", page.id);
            let requirement = match page.pg.as_ref() {
                "" => None,
                text => Some(Requirement::from_str(text).map_err(|error| fault(error.to_string()))?),
            };
            let condition = match &page.test {
                Test::When(text) => Some(expr::parse(text).map_err(fault)?),
                _ => None,
            };
            let index = rules.rules.len();
            if let Test::Gone(name) = &page.test {
                rules.gone.entry(name.to_ascii_lowercase()).or_default().push(index);
            }
            rules.by_id.insert(page.id.to_string(), index);
            rules.rules.push(Rule { page, requirement, condition });
        }
        Ok(rules)
    }

    /// The pages that come with the program.
    pub fn built_in() -> Rules {
        let pages = crate::rule::PAGES.iter().map(Cow::Borrowed);
        Rules::new(pages).expect("a test reads every page")
    }

    /// All pages.
    pub fn pages(&self) -> impl Iterator<Item = &Page> {
        self.rules.iter().map(|rule| rule.page.as_ref())
    }

    /// The page of that id, where it speaks of that version and role.
    pub fn speaking(&self, id: &str, version: PgVersion, role: Option<Role>) -> Option<&Page> {
        let rule = &self.rules[*self.by_id.get(id)?];
        rule.speaks(version, role).then_some(rule.page.as_ref())
    }

    /// The page about a name that the version does not know.
    pub fn gone(&self, name: &str, version: PgVersion) -> Option<&Page> {
        let indexes = self.gone.get(&name.to_ascii_lowercase())?;
        let rules = indexes.iter().map(|index| &self.rules[*index]);
        rules.filter(|rule| rule.speaks(version, None)).map(|rule| rule.page.as_ref()).next()
    }

    fn conditions(&self, version: PgVersion, role: Option<Role>) -> impl Iterator<Item = (&Page, &Condition)> {
        let speaking = self.rules.iter().filter(move |rule| rule.condition.is_some() && rule.speaks(version, role));
        speaking.filter_map(|rule| Some((rule.page.as_ref(), rule.condition.as_ref()?)))
    }
}

impl Rule {
    fn speaks(&self, version: PgVersion, role: Option<Role>) -> bool {
        let in_role = match self.page.role.as_ref() {
            "any" => true,
            wanted => role.is_some_and(|role| role.word() == wanted),
        };
        in_role && self.requirement.as_ref().is_none_or(|requirement| requirement.holds_for(version))
    }
}

/// What is checked together: a node's postgresql.conf with all that belongs to it, or a lone file.
#[derive(Clone, Debug)]
pub struct Subject {
    /// The file to begin with.
    pub main: PathBuf,
    /// The data directory, where it is given.
    pub data_directory: Option<PathBuf>,
    /// Whether postgresql.auto.conf is read after the main file.
    pub with_auto: bool,
    /// What the node is to others.
    pub role: Option<Role>,
}

/// Catalogues of the target versions, oldest first.
pub fn catalogs(targets: &Targets) -> Vec<Catalog> {
    targets.versions().iter().map(|version| Catalog::of(*version)).collect()
}

/// Reads a subject's files for a version.
pub fn read(files: &dyn Files, sources: &mut Sources, subject: &Subject, major: Major) -> Tree {
    if subject.with_auto {
        tree::read(files, sources, &subject.main, subject.data_directory.as_deref(), major)
    } else {
        tree::read_alone(files, sources, &subject.main, major)
    }
}

/// Checks a subject against every target and puts together what holds for several.
pub fn conf(files: &dyn Files, sources: &mut Sources, subject: &Subject, rules: &Rules, catalogs: &[Catalog]) -> Vec<Finding> {
    let mut merged: Vec<Finding> = Vec::new();
    let mut places: HashMap<(String, FileId, usize), usize> = HashMap::new();
    let mut read_for: Option<(Major, Tree)> = None;
    for catalog in catalogs {
        let major = catalog.version.major;
        // How files are read changed with 9.5 and 15 only.
        let reading = match major {
            major if major < Major::V9_5 => Major::V9_4,
            major if major < Major::V15 => Major::V14,
            _ => Major::V15,
        };
        let tree = match read_for.take() {
            Some((of, tree)) if of == reading => tree,
            _ => read(files, sources, subject, reading),
        };
        let settings = Settings::judge(&tree, sources, catalog);
        let view = View { files, sources, tree: &tree, settings: &settings, rules };
        for finding in findings(&view, subject.role) {
            let key = (finding.rule.to_string(), finding.place.file, finding.place.span.start);
            match places.get(&key) {
                Some(index) => merged[*index].pg.push(major),
                None => {
                    places.insert(key, merged.len());
                    merged.push(finding);
                }
            }
        }
        read_for = Some((reading, tree));
    }
    for finding in &mut merged {
        if finding.pg.len() < catalogs.len() {
            finding.severity = finding.severity.min(Severity::Warning);
            finding.message = format!("{} ({})", finding.message, said_range(&finding.pg, catalogs));
        }
    }
    merged.sort_by(|a, b| (a.place, &a.rule).cmp(&(b.place, &b.rule)));
    merged
}

/// The findings for one version, in no order.
pub fn findings(view: &View, role: Option<Role>) -> Vec<Finding> {
    let version = view.settings.catalog.version;
    let mut spots: Vec<Spot> = Vec::new();
    syntax::check(view, &mut spots);
    includes::check(view, &mut spots);
    names::check(view, &mut spots);
    values::check(view, &mut spots);
    overrides::check(view, &mut spots);
    traps::check(view, &mut spots);
    syntax::blanks(view, &mut spots);
    let mut found = Vec::with_capacity(spots.len());
    for spot in spots {
        if let Some(page) = view.rules.speaking(spot.rule.as_ref(), version, role) {
            found.push(spot::finding(view, page, spot));
        }
    }
    for (page, condition) in view.rules.conditions(version, role) {
        if condition.holds(view.settings) {
            found.push(spot::finding(view, page, spot::of_condition(view, page, condition)));
        }
    }
    found
}

/// `from 13`, `up to 12`, `13 to 15`, `only 17`.
fn said_range(pg: &[Major], catalogs: &[Catalog]) -> String {
    let (first, last) = (pg[0], pg[pg.len() - 1]);
    let begins = catalogs.first().is_some_and(|catalog| catalog.version.major == first);
    let ends = catalogs.last().is_some_and(|catalog| catalog.version.major == last);
    match (begins, ends) {
        _ if first == last => format!("only {first}"),
        (true, false) => format!("up to {last}"),
        (false, true) => format!("from {first}"),
        _ => format!("{first} to {last}"),
    }
}

