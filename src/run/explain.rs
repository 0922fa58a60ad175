//! `pgconflint explain`

mod message;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;

use super::rules::{project, sorted};
use super::{Exit, World, trouble, written};
use crate::catalog::{self, Catalog, Period, history, periods, recovery};
use crate::check::defaults::written as written_default;
use crate::check::{Described, Rules};
use crate::files;
use crate::nearest::did_you_mean;
use crate::rule::Page;
use crate::rule::page::unfilled;
use crate::version::{PgVersion, Targets};

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
    let found = of_name(name, rules)
        .or_else(|| of_parameter(name, targets, rules))
        .or_else(|| of_recovery(name, rules))
        .or_else(|| of_message(name, rules));
    let Some(text) = found else {
        let hint = did_you_mean(name, known(rules));
        let first = name.lines().next().unwrap_or_default();
        trouble(world.err, None, &format!("no rule, parameter or message is known as `{first}`{hint}"));
        return Exit::Trouble;
    };
    written(world.out.write_all(text.as_bytes()), Exit::Clean, world.err)
}

/// All that has an answer: rules, and names of every version.
fn known(rules: &Rules) -> impl Iterator<Item = &str> {
    let catalogs = catalog::majors().map(|major| Catalog::shared(PgVersion::newest(major)));
    let parameters: BTreeSet<&str> = catalogs.flat_map(Catalog::names).collect();
    rules.ids().into_iter().chain(parameters).chain(recovery::names().iter().map(|name| name.name))
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
        let _ = writeln!(text, "{:<32} {}", page.id, page.headline());
    }
    Some(text)
}

/// A rule's page in words.
pub fn of_rule(page: &Page) -> String {
    let mut text = format!("# {}\n\n{}: {}", page.headline(), page.severity, page.id);
    if !page.pg.is_empty() {
        let _ = write!(text, ", PostgreSQL {}", page.pg);
    }
    if page.role != "any" {
        let _ = write!(text, ", on a {}", page.role);
    }
    let _ = write!(text, "\n\n{}\n", unfilled(&page.prose()));
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
    let mut text = format!("# {}\n\nKnown from PostgreSQL {first} to {last}.\n", name.to_lowercase());
    if let Some(known) = recovery::names().iter().find(|known| known.name.eq_ignore_ascii_case(name)) {
        text.push_str(&in_recovery(known));
    }
    text.push('\n');
    for Period { first, last, parameter } in periods(name, targets.versions()) {
        let versions = if first == last { first.to_string() } else { format!("{first} to {last}") };
        let default = written_default(parameter, last.major);
        let _ = writeln!(
            text,
            "{versions}: {}, default {default}, context {}\n    {}",
            parameter.takes(),
            parameter.context,
            parameter.short
        );
    }
    for page in rules.gone_of(name) {
        let _ = write!(text, "\nPostgreSQL {}: {} (`pgconflint explain {}`)\n", page.pg, page.headline(), page.id);
    }
    text.push_str(&about(name, rules));
    Some(text)
}

/// What recovery.conf takes up to 11.
fn of_recovery(name: &str, rules: &Rules) -> Option<String> {
    let known = recovery::names().iter().find(|known| known.name == name)?;
    let mut text = format!("# {name}\n\n{}", in_recovery(known));
    if !known.later.is_empty() {
        let _ = write!(text, "\nIts later name is `{}`.\n", known.later);
    }
    text.push_str(&about(name, rules));
    Some(text)
}

fn in_recovery(known: &recovery::Name) -> String {
    let (since, until) = known.majors;
    format!("In recovery.conf from PostgreSQL {since} to {until}: {}.\n", known.kind.takes())
}

fn about(name: &str, rules: &Rules) -> String {
    let about: Vec<&str> = rules.about(name).into_iter().map(|page| page.id.as_ref()).collect();
    if about.is_empty() { String::new() } else { format!("\nRules about it: {}\n", about.join(", ")) }
}
