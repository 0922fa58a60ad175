//! What several pages say in the same words, and the links between rules and settings.

use std::collections::{BTreeMap, BTreeSet};

use pgconflint::catalog::{self, Catalog, recovery};
use pgconflint::check::Rules;
use pgconflint::version::{Major, PgVersion};

/// The names that have a page.
pub struct Known {
    /// Every rule, with the directory of its page.
    kinds: BTreeMap<String, String>,
    /// Every setting as its newest version spells it, with its category.
    settings: BTreeMap<String, String>,
}

/// The category of what only recovery.conf ever took.
const RECOVERY: &str = "recovery.conf";

impl Known {
    /// All rules and settings; `kind` says where the page of a rule is.
    pub fn of<'a>(rules: &Rules, kind: impl Fn(&str) -> &'a str) -> Known {
        let kinds =
            rules.all_described().into_iter().map(|rule| (rule.id.clone(), kind(&rule.id).to_owned())).collect();
        let mut settings: BTreeMap<String, String> = BTreeMap::new();
        let mut spelled: BTreeSet<String> = BTreeSet::new();
        let majors: Vec<Major> = catalog::majors().collect();
        for major in majors.into_iter().rev() {
            for (_, parameter) in Catalog::shared(PgVersion::newest(major)).iter() {
                if spelled.insert(parameter.name.to_lowercase()) {
                    let category = parameter.category.split(" / ").next().unwrap_or_default();
                    settings.insert(parameter.name.to_owned(), category.to_owned());
                }
            }
        }
        for name in recovery::names().iter().filter(|name| !spelled.contains(name.name)) {
            settings.insert(name.name.to_owned(), RECOVERY.to_owned());
        }
        Known { kinds, settings }
    }

    /// The directory of a rule's page.
    pub fn kind(&self, id: &str) -> &str {
        self.kinds.get(id).map_or("", String::as_str)
    }

    /// Every setting.
    pub fn settings(&self) -> impl Iterator<Item = &String> {
        self.settings.keys()
    }

    /// The settings of each category.
    pub fn categories(&self) -> BTreeMap<&str, Vec<&str>> {
        let mut categories: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for (name, category) in &self.settings {
            categories.entry(category).or_default().push(name);
        }
        categories
    }

    /// A link to a rule; `up` leads from the page to the top of the book.
    pub fn rule(&self, id: &str, up: &str) -> String {
        format!("[`{id}`]({up}rules/{}/{id}.md)", self.kind(id))
    }

    /// A text with names of rules and settings between backticks made links, but for the page's own. Code stays code.
    pub fn linked(&self, text: &str, own: &str, up: &str) -> String {
        let mut out = String::with_capacity(text.len());
        let mut in_code = false;
        for line in text.split_inclusive('\n') {
            let is_fence = line.trim_start().starts_with("```");
            in_code ^= is_fence;
            if in_code || is_fence || line.starts_with("    ") || line.contains("](") {
                out.push_str(line);
                continue;
            }
            for (index, piece) in line.split('`').enumerate() {
                let is_span = index % 2 == 1;
                match is_span.then(|| self.target(piece)).flatten().filter(|_| piece != own) {
                    Some(target) => {
                        out.push_str(&format!("[`{piece}`]({up}{target})"));
                    }
                    None if is_span => out.push_str(&format!("`{piece}`")),
                    None => out.push_str(piece),
                }
            }
        }
        out
    }

    fn target(&self, name: &str) -> Option<String> {
        let setting = self.settings.contains_key(name).then(|| format!("settings/{name}.md"));
        setting.or_else(|| self.kinds.get(name).map(|kind| format!("rules/{kind}/{name}.md")))
    }
}

/// A text for one cell of a table.
pub fn cell(text: &str) -> String {
    plain(text).replace('|', "\\|").replace('\n', " ")
}

/// A text outside of code, in which nothing is taken for HTML.
pub fn plain(text: &str) -> String {
    let pieces = text.split('`').enumerate();
    let pieces =
        pieces.map(|(index, piece)| if index % 2 == 0 { piece.replace('<', "&lt;") } else { piece.to_owned() });
    pieces.collect::<Vec<_>>().join("`")
}

/// A text between backticks.
pub fn code(text: &str) -> String {
    if text.contains('`') { format!("`` {text} ``") } else { format!("`{text}`") }
}

/// `9.4 to 12`, or `13`.
pub fn range(first: impl ToString, last: impl ToString) -> String {
    let (first, last) = (first.to_string(), last.to_string());
    if first == last { first } else { format!("{first} to {last}") }
}
