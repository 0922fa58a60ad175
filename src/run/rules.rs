//! `pgconflint rules` and `pgconflint explain`

use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;

use super::project::{Project, Projects};
use super::{Exit, World, trouble, written};
use crate::catalog::{Catalog, Period, history, periods};
use crate::check::{Rules, examples};
use crate::nearest::nearest;
use crate::rule::Page;
use crate::version::Targets;

/// Lists every rule, or runs the examples of all pages.
pub fn rules(test: bool, config: Option<&Path>, world: &mut World<'_>) -> Exit {
    let project = match project(config, world) {
        Ok(project) => project,
        Err(exit) => return exit,
    };
    let mut text = String::new();
    if !test {
        let width = project.rules.pages().map(|page| page.id.len()).max().unwrap_or_default();
        for page in sorted(&project.rules) {
            let _ = writeln!(text, "{:<width$}  {:<7}  {}", page.id, page.severity, page.title);
        }
        return written(world.out.write_all(text.as_bytes()), Exit::Clean, world.err);
    }
    let (mut pages, mut failed) = (0, 0);
    for page in sorted(&project.rules) {
        pages += 1;
        let failures = examples::run(page, &project.rules, &Targets::all());
        failed += usize::from(!failures.is_empty());
        for failure in failures {
            let _ = writeln!(text, "{}.md:{}: {}", failure.page, failure.line, failure.what);
        }
    }
    let _ = writeln!(text, "{pages} pages, {failed} failed");
    let exit = if failed == 0 { Exit::Clean } else { Exit::Findings };
    written(world.out.write_all(text.as_bytes()), exit, world.err)
}

/// Prints what a rule, a parameter or a message of the server means.
pub fn explain(name: &str, pg: Option<&Targets>, config: Option<&Path>, world: &mut World<'_>) -> Exit {
    let project = match project(config, world) {
        Ok(project) => project,
        Err(exit) => return exit,
    };
    let all = Targets::all();
    let targets = pg.unwrap_or(&all);
    let page = project.rules.pages().find(|page| page.id == name);
    let text = match page
        .map(of_rule)
        .or_else(|| of_parameter(name, targets, &project.rules))
        .or_else(|| of_message(name, &project.rules))
    {
        Some(text) => text,
        None => {
            let known = Catalog::shared(targets.newest());
            let mut names: Vec<&str> = project.rules.ids();
            known.names().for_each(|name| names.push(name));
            let hint = nearest(name, names).map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
            trouble(world.err, None, &format!("no rule, parameter or message is known as `{name}`{hint}"));
            return Exit::Trouble;
        }
    };
    written(world.out.write_all(text.as_bytes()), Exit::Clean, world.err)
}

fn project(config: Option<&Path>, world: &mut World<'_>) -> Result<Arc<Project>, Exit> {
    let found = Projects::new(&world.directory, config, false).and_then(|mut projects| projects.of(Path::new("")));
    found.map_err(|errors| {
        errors.iter().for_each(|error| trouble(world.err, None, error));
        Exit::Trouble
    })
}

fn sorted(rules: &Rules) -> Vec<&Page> {
    let mut pages: Vec<&Page> = rules.pages().collect();
    pages.sort_by(|one, other| one.id.cmp(&other.id));
    pages
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

/// The pages that know a message of the server by a piece of it.
fn of_message(message: &str, rules: &Rules) -> Option<String> {
    const SHORTEST: usize = 8;
    let message = message.to_lowercase();
    let says = |page: &&Page| {
        page.says
            .iter()
            .map(|said| said.text.to_lowercase())
            .any(|said| message.contains(&said) || message.len() >= SHORTEST && said.contains(&message))
    };
    let quotes = |page: &&Page| quoted_in(&page.prose).any(|quoted| is_heard(&quoted.to_lowercase(), &message));
    const FEW: usize = 3;
    let pages: Vec<&Page> = sorted(rules).into_iter().filter(|page| says(page) || quotes(page)).collect();
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

/// What a page quotes: between backticks, and on lines of their own that are set in.
fn quoted_in(prose: &str) -> impl Iterator<Item = &str> {
    let spans = prose.lines().flat_map(|line| line.split('`').skip(1).step_by(2));
    spans.chain(prose.lines().filter_map(|line| line.strip_prefix("    ")))
}

/// Whether a message is the one that a page quotes, but for its names and numbers; or a good piece of it.
fn is_heard(quoted: &str, message: &str) -> bool {
    const SHORTEST: usize = 16;
    if message.len() >= SHORTEST && quoted.contains(message) {
        return true;
    }
    are_in_order(&fixed(quoted), message, SHORTEST) || are_in_order(&fixed(message), quoted, SHORTEST)
}

/// Whether the pieces are in a text, one after the other, and together no fewer bytes than that.
fn are_in_order(pieces: &[String], text: &str, least: usize) -> bool {
    let mut rest = text;
    let in_order = pieces.iter().all(|piece| match rest.find(piece.as_str()) {
        Some(at) => {
            rest = &rest[at + piece.len()..];
            true
        }
        None => false,
    });
    in_order && pieces.iter().map(String::len).sum::<usize>() >= least
}

/// The pieces of a message that are the same every time: what does not stand for something else, as do an ellipsis, a
/// placeholder, what is in quotes, names and numbers.
fn fixed(quoted: &str) -> Vec<String> {
    let mut fixed: Vec<String> = vec![String::new()];
    let mut in_quotes = false;
    for word in quoted.split_inclusive(' ') {
        let starts = word.starts_with('"');
        let is_open = in_quotes || starts;
        in_quotes = is_open && !word.trim_end_matches([' ', ',', '.', ';', ':', ')']).ends_with('"');
        let varies = is_open || word.contains(['…', '{', '_']) || word.contains(|char: char| char.is_ascii_digit());
        match (varies, fixed.last_mut()) {
            (false, Some(last)) => last.push_str(word),
            _ => fixed.push(String::new()),
        }
    }
    let pieces = fixed.iter().map(|piece| piece.trim().to_owned());
    pieces.filter(|piece| piece.len() > 2).collect()
}

fn quoted(text: &str) -> String {
    if text.is_empty() { "''".to_owned() } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::is_heard;

    #[test]
    fn messages_are_known_whatever_their_names() {
        let quoted = "no pg_hba.conf entry for replication connection from host \"…\", user \"…\", no encryption";
        assert!(is_heard(
            quoted,
            "fatal:  no pg_hba.conf entry for replication connection from host \"10.0.0.2\", user \"repl\", no encryption"
        ));
        assert!(is_heard(quoted, "entry for replication connection"));
        assert!(!is_heard(quoted, "no pg_hba.conf entry for host \"10.0.0.2\", user \"repl\", database \"x\""));
        let quoted = "number of requested standby connections exceeds max_wal_senders (currently {has})";
        assert!(is_heard(quoted, "number of requested standby connections exceeds \"max_wal_senders\" (currently 0)"));
        assert!(is_heard(
            "could not start wal streaming: error:  replication slot \"{token}\" does not exist",
            "replication slot \"x\" does not exist"
        ));
        assert!(!is_heard("wal_level = replica", "wal_level = logical"));
    }
}
