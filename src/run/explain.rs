//! `pgconflint explain`

mod message;

use std::fmt::Write as _;
use std::path::Path;

use super::rules::{project, sorted};
use super::{Exit, World, trouble, written};
use crate::catalog::{Catalog, Period, history, periods};
use crate::check::{Described, Rules};
use crate::files;
use crate::nearest::did_you_mean;
use crate::rule::{Page, page};
use crate::version::Targets;

/// Prints what a rule, a parameter or a message of the server means.
pub fn explain(name: &str, pg: Option<&Targets>, config: Option<&Path>, world: &mut World<'_>) -> Exit {
    let project = match project(config, world) {
        Ok(project) => project,
        Err(exit) => return exit,
    };
    let all = Targets::all();
    let targets = pg.unwrap_or(&all);
    let mut pasted = String::new();
    let name = match name {
        "-" => {
            if let Err(error) = world.stdin.read_to_string(&mut pasted) {
                trouble(world.err, None, &format!("standard input: {}", files::words(&error)));
                return Exit::Trouble;
            }
            pasted.trim_end()
        }
        name => name,
    };
    let rules = &project.rules;
    let found = of_name(name, rules).or_else(|| of_parameter(name, targets, rules)).or_else(|| of_message(name, rules));
    let Some(text) = found else {
        let known = Catalog::shared(targets.newest());
        let hint = did_you_mean(name, known.names().map(|name| -> &str { name }).chain(rules.ids()));
        let first = name.lines().next().unwrap_or_default();
        trouble(world.err, None, &format!("no rule, parameter or message is known as `{first}`{hint}"));
        return Exit::Trouble;
    };
    written(world.out.write_all(text.as_bytes()), Exit::Clean, world.err)
}

fn of_name(name: &str, rules: &Rules) -> Option<String> {
    let page = rules.pages().find(|page| page.id == name).map(of_rule);
    page.or_else(|| rules.described(name).map(|rule| of_comments(&rule)))
}

/// A rule about comments, which has no page.
fn of_comments(rule: &Described) -> String {
    format!("# {}\n\n{}: {}\n\n{}\n", rule.title, rule.severity, rule.id, rule.prose)
}

/// The pages that know a message of the server by a piece of it.
fn of_message(text: &str, rules: &Rules) -> Option<String> {
    const FEW: usize = 3;
    let pages = message::pages(text, rules);
    if pages.len() <= FEW {
        let pages: Vec<String> = pages.into_iter().map(of_rule).collect();
        return (!pages.is_empty()).then(|| pages.join("\n"));
    }
    // The message alone does not tell which it is: the rules that know it, to choose from.
    let mut text = format!("{} rules know this message; `explain RULE` tells more:\n\n", pages.len());
    for page in pages {
        let _ = writeln!(text, "{:<32} {}", page.id, page.title);
    }
    Some(text)
}

/// A rule's page in words.
pub fn of_rule(page: &Page) -> String {
    let mut text = format!("# {}\n\n{}: {}", page.title, page.severity, page.id);
    if !page.pg.is_empty() {
        let _ = write!(text, ", PostgreSQL {}", page.pg);
    }
    if page.role != "any" {
        let _ = write!(text, ", on a {}", page.role);
    }
    let _ = write!(text, "\n\n{}\n", page.prose.trim());
    for said in page.says.iter() {
        let _ = write!(text, "\nThe server says: {}\n", said.text);
    }
    if let Some(docs) = &page.docs {
        let _ = write!(text, "\nhttps://www.postgresql.org/docs/current/{docs}\n");
    }
    text
}

/// What each of the versions knows of a parameter; neighbours that know the same are put together.
fn of_parameter(name: &str, targets: &Targets, rules: &Rules) -> Option<String> {
    let (first, last) = history(name)?;
    let mut text = format!("# {}\n\nKnown from PostgreSQL {first} to {last}.\n\n", name.to_lowercase());
    for Period { first, last, parameter } in periods(name, targets.versions()) {
        let versions = if first == last { first.to_string() } else { format!("{first} to {last}") };
        let unit = parameter.unit.map_or_else(String::new, |unit| format!(" {}", unit.word()));
        let words: Vec<&str> = parameter.words().map(|word| word.word).collect();
        let words = if words.is_empty() { String::new() } else { format!(" ({})", words.join(", ")) };
        let _ = writeln!(
            text,
            "{versions}: {}{words}, default {}{unit}, context {}\n    {}",
            parameter.kind.word(),
            quoted(&parameter.default_text()),
            parameter.context,
            parameter.short
        );
    }
    let is_gone = |page: &&Page| matches!(&page.test, page::Test::Gone(gone) if gone.eq_ignore_ascii_case(name));
    for page in sorted(rules).into_iter().filter(is_gone) {
        let _ = write!(text, "\nPostgreSQL {}: {} (`pgconflint explain {}`)\n", page.pg, page.title, page.id);
    }
    let word = format!("`{}`", name.to_lowercase());
    let about: Vec<&str> = sorted(rules)
        .into_iter()
        .filter(|page| page.prose.contains(&word) || page.title.contains(&word))
        .map(|page| page.id.as_ref())
        .collect();
    if !about.is_empty() {
        let _ = write!(text, "\nRules about it: {}\n", about.join(", "));
    }
    Some(text)
}

fn quoted(text: &str) -> String {
    if text.is_empty() { "''".to_owned() } else { text.to_owned() }
}
