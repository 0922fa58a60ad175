//! Rules made ready to run: which pages speak of a version and a role, found by id and by vanished name.

mod own;

use std::collections::HashMap;
use std::ops::Deref;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::{Arc, OnceLock};

use crate::rule;
use crate::rule::expr::{self, Condition};
use crate::rule::page::{self, Page, Test};
use crate::suppress;
use crate::version::{PgVersion, Requirement, Role, Targets};

/// Rules made ready to run: what comes with the program, sorted by id, then pages of one's own.
#[derive(Debug, Default)]
pub struct Rules {
    rules: Vec<Rule>,
    gone: OnceLock<HashMap<String, Vec<usize>>>,
}

/// A page; its requirement is read when it is first asked, as most pages are not asked in a run.
#[derive(Debug)]
struct Rule {
    page: Held,
    requirement: OnceLock<Option<Box<Requirement>>>,
}

/// A page that comes with the program, or one of somebody's own, with its condition. There are hundreds: none is copied.
#[derive(Debug)]
enum Held {
    BuiltIn(&'static Page, &'static Option<Condition>),
    Own(Box<(Page, Option<Condition>)>),
}

impl Deref for Held {
    type Target = Page;

    fn deref(&self) -> &Page {
        match self {
            Held::BuiltIn(page, _) => page,
            Held::Own(own) => &own.0,
        }
    }
}

impl Rules {
    /// The built-in rules, and pages of one's own: each its path and text.
    ///
    /// # Errors
    /// What is wrong with a page, with its path and line.
    pub fn new(own: &[(PathBuf, Arc<[u8]>)]) -> Result<Rules, Vec<String>> {
        let mut rules = Rules::built_in();
        let mut errors = Vec::new();
        for (path, bytes) in own {
            let id = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
            let page = std::str::from_utf8(bytes)
                .map_err(|_| "1: not UTF-8".to_string())
                .and_then(|text| page::parse(&id, text));
            match page.and_then(Rule::own) {
                Ok(rule) if rules.index(&rule.page.id).is_some() => {
                    errors.push(format!("{}: there is a rule `{id}` already", path.display()));
                }
                Ok(rule) => match own::fault(&rule.page, rule.requirement(), rule.condition()) {
                    Some(fault) => errors.push(format!("{}:{fault}", path.display())),
                    None => rules.rules.push(rule),
                },
                Err(error) => errors.push(format!("{}:{error}", path.display())),
            }
        }
        if errors.is_empty() { Ok(rules) } else { Err(errors) }
    }

    /// The pages that come with the program.
    pub fn built_in() -> Rules {
        let pages = rule::PAGES.iter().zip(rule::CONDITIONS);
        let rules =
            pages.map(|(page, condition)| Rule { page: Held::BuiltIn(page, condition), requirement: OnceLock::new() });
        Rules { rules: rules.collect(), gone: OnceLock::new() }
    }

    /// Every id, those of the suppressions included.
    pub fn ids(&self) -> Vec<&str> {
        let own = self.rules.iter().map(|rule| rule.page.id.as_ref());
        [suppress::UNUSED, suppress::UNKNOWN].into_iter().chain(own).collect()
    }

    /// Whether a rule can fire at all for these versions and this role; if not, suppressing it is never useless.
    pub fn applies(&self, rule: &str, targets: &Targets, role: Option<Role>) -> bool {
        let standing = Standing { role, feeds: role != Some(Role::Standby) };
        targets.versions().iter().any(|version| self.speaking(rule, *version, standing).is_some())
    }

    /// All pages.
    pub fn pages(&self) -> impl Iterator<Item = &Page> {
        self.rules.iter().map(|rule| &*rule.page)
    }

    /// The page of that id, where it speaks of that version and role.
    pub fn speaking(&self, id: &str, version: PgVersion, standing: Standing) -> Option<&Page> {
        let rule = &self.rules[self.index(id)?];
        rule.speaks(version, standing).then_some(&*rule.page)
    }

    /// Whether a rule about a pair says what another one about one of its nodes says, with more knowledge.
    pub fn replaces(&self, rule: &str, other: &str) -> bool {
        let page = self.index(rule).map(|index| &self.rules[index].page);
        page.is_some_and(|page| page.instead_of.iter().any(|replaced| replaced == other))
    }

    /// The page about a name that the version does not know.
    pub fn gone(&self, name: &str, version: PgVersion) -> Option<&Page> {
        let gone = self.gone.get_or_init(|| {
            let mut gone: HashMap<String, Vec<usize>> = HashMap::new();
            for (index, rule) in self.rules.iter().enumerate() {
                if let Test::Gone(name) = &rule.page.test {
                    gone.entry(name.to_ascii_lowercase()).or_default().push(index);
                }
            }
            gone
        });
        let rules = gone.get(&name.to_ascii_lowercase())?.iter().map(|index| &self.rules[*index]);
        rules.filter(|rule| rule.speaks(version, Standing::default())).map(|rule| &*rule.page).next()
    }

    fn index(&self, id: &str) -> Option<usize> {
        let own = || self.rules[rule::PAGES.len()..].iter().position(|rule| rule.page.id == id);
        match rule::index(id) {
            Some(index) => Some(index),
            None => own().map(|index| rule::PAGES.len() + index),
        }
    }

    pub(super) fn conditions(
        &self,
        version: PgVersion,
        standing: Standing,
    ) -> impl Iterator<Item = (&Page, &Condition)> {
        self.all_conditions(version, standing).filter(|(_, condition)| !condition.is_about_pairs())
    }

    /// Those about a primary and its standby.
    pub(super) fn pair_conditions(&self, version: PgVersion) -> impl Iterator<Item = (&Page, &Condition)> {
        self.all_conditions(version, Standing::default()).filter(|(_, condition)| condition.is_about_pairs())
    }

    fn all_conditions(&self, version: PgVersion, standing: Standing) -> impl Iterator<Item = (&Page, &Condition)> {
        let asked = self.rules.iter().filter(|rule| matches!(rule.page.test, Test::When(_)));
        let speaking = asked.filter(move |rule| rule.speaks(version, standing));
        speaking.filter_map(|rule| Some((&*rule.page, rule.condition()?)))
    }
}

impl Rule {
    /// A page of somebody's own.
    ///
    /// # Errors
    /// What cannot be read of its requirement or its condition, with its line.
    fn own(page: Page) -> Result<Rule, String> {
        let at = |key: &str, what: String| format!("{}: {what}", own::line(&page.source, key));
        let requirement = read_requirement(&page).map_err(|what| at("pg", what))?;
        let condition = match &page.test {
            Test::When(text) => Some(expr::parse(text).map_err(|what| at("when", what))?),
            _ => None,
        };
        let requirement = OnceLock::from(requirement.map(Box::new));
        Ok(Rule { page: Held::Own(Box::new((page, condition))), requirement })
    }

    fn requirement(&self) -> Option<&Requirement> {
        let read = || read_requirement(&self.page).expect("a test reads those of the program's pages").map(Box::new);
        self.requirement.get_or_init(read).as_deref()
    }

    fn condition(&self) -> Option<&Condition> {
        match &self.page {
            Held::BuiltIn(_, condition) => condition.as_ref(),
            Held::Own(own) => own.1.as_ref(),
        }
    }

    fn speaks(&self, version: PgVersion, standing: Standing) -> bool {
        let Standing { role, feeds } = standing;
        let in_role = match self.page.role.as_ref() {
            "any" => true,
            "sender" => feeds,
            "member" => feeds || role == Some(Role::Standby),
            wanted => role.is_some_and(|role| role.word() == wanted),
        };
        in_role && self.requirement().is_none_or(|requirement| requirement.holds_for(version))
    }
}

fn read_requirement(page: &Page) -> Result<Option<Requirement>, String> {
    match page.pg.as_ref() {
        "" => Ok(None),
        text => Requirement::from_str(text).map(Some).map_err(|error| error.to_string()),
    }
}

/// What a node is to others.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Standing {
    /// None if it may be either.
    pub role: Option<Role>,
    /// Whether it is a primary, or its files show that it feeds standbys.
    pub feeds: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requirements_and_conditions_of_all_pages_are_read() {
        for (page, condition) in rule::PAGES.iter().zip(rule::CONDITIONS) {
            assert_eq!(read_requirement(page).err(), None, "{}", page.id);
            let Test::When(text) = &page.test else { continue };
            assert_eq!(expr::parse(text).as_ref().ok(), condition.as_ref(), "{}", page.id);
        }
    }
}
