//! What a rule is, in words.

use super::Rules;
use crate::rule::{Page, page};
use crate::suppress;

/// A rule in words.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Described {
    /// Its id.
    pub id: String,
    /// What it reports, with words in capitals for what a finding fills in.
    pub title: String,
    /// `error`, `warning` or `info`.
    pub severity: String,
    /// Why it matters and what to do, as Markdown.
    pub prose: String,
    /// Page and anchor of PostgreSQL's manual.
    pub docs: Option<String>,
}

impl Described {
    /// The page of the manual for the present version.
    pub fn url(&self) -> Option<String> {
        self.docs.as_ref().map(|docs| format!("https://www.postgresql.org/docs/current/{docs}"))
    }
}

impl Rules {
    /// The rule of that id.
    pub fn described(&self, id: &str) -> Option<Described> {
        let own = suppress::RULES.iter().find(|rule| rule.id == id).map(of_comments);
        own.or_else(|| self.pages().find(|page| page.id == id).map(of_page))
    }

    /// Whether it takes a primary and its standby to find what a rule is about.
    pub fn is_about_pairs(&self, id: &str) -> bool {
        let page = self.pages().find(|page| page.id == id);
        page.is_some_and(|page| page.examples().iter().any(|example| example.main == page::PAIR))
    }

    /// Every rule, by id.
    pub fn all_described(&self) -> Vec<Described> {
        let own = suppress::RULES.iter().map(of_comments);
        let mut all: Vec<Described> = own.chain(self.pages().map(of_page)).collect();
        all.sort_by(|one, other| one.id.cmp(&other.id));
        all
    }

    /// The pages about versions that do not know a name, by id.
    pub fn gone_of(&self, name: &str) -> Vec<&Page> {
        self.sorted(|page| matches!(&page.test, page::Test::Gone(gone) if gone.eq_ignore_ascii_case(name)))
    }

    /// The pages that speak of a parameter, by id.
    pub fn about(&self, name: &str) -> Vec<&Page> {
        let word = format!("`{}`", name.to_lowercase());
        self.sorted(|page| page.prose().contains(&word) || page.title.contains(&word))
    }

    fn sorted(&self, is_wanted: impl Fn(&Page) -> bool) -> Vec<&Page> {
        let mut pages: Vec<&Page> = self.pages().filter(|page| is_wanted(page)).collect();
        pages.sort_by(|one, other| one.id.cmp(&other.id));
        pages
    }
}

fn of_page(page: &Page) -> Described {
    Described {
        id: page.id.to_string(),
        title: page.headline(),
        severity: page.severity.to_string(),
        prose: page::unfilled(&page.prose()),
        docs: page.docs.as_ref().map(ToString::to_string),
    }
}

fn of_comments(rule: &suppress::Rule) -> Described {
    Described {
        id: rule.id.to_owned(),
        title: rule.title.to_owned(),
        severity: "warning".to_owned(),
        prose: rule.prose.to_owned(),
        docs: None,
    }
}
