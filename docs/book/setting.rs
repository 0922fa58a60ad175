//! One page for each setting: what each major knows of it, and where it came from and went.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;

use pgconflint::catalog::{self, Catalog, Parameter, Period, defaults, history, periods, recovery, since_minor};
use pgconflint::check::{Rules, defaults::written};
use pgconflint::rule::Page;
use pgconflint::version::{Major, PgVersion};

use super::words::{Known, cell, code, plain, range};

/// From a page to the top of the book.
const UP: &str = "../";

/// The pages of all settings, by their path.
pub fn pages(rules: &Rules, known: &Known) -> BTreeMap<PathBuf, String> {
    let page = |name: &String| (PathBuf::from(format!("settings/{name}.md")), page(name, rules, known));
    known.settings().map(page).collect()
}

/// All settings by category, for the page that leads to them; it lies in `docs`.
pub fn table(known: &Known) -> String {
    let mut text = String::new();
    for (category, names) in known.categories() {
        let _ =
            write!(text, "## {category}\n\n| setting | PostgreSQL | takes | default |\n| --- | --- | --- | --- |\n");
        for name in names {
            let all = all(name);
            let last = all.last().map(|Period { last, parameter, .. }| {
                format!("{} | {}", cell(&takes(parameter)), cell(&default(parameter, last.major)))
            });
            let last = last.unwrap_or_else(|| " | ".to_owned());
            let _ = writeln!(text, "| [`{name}`](../settings/{name}.md) | {} | {last} |", lives(name));
        }
        text.push('\n');
    }
    text
}

fn all(name: &str) -> Vec<Period> {
    let versions: Vec<PgVersion> = catalog::majors().map(PgVersion::newest).collect();
    periods(name, &versions)
}

/// From when to when a setting is there.
fn lives(name: &str) -> String {
    let in_recovery = recovery::names().iter().find(|known| known.name == name).map(|known| known.majors);
    match (history(name), in_recovery) {
        (Some((first, last)), None) => since(first, last),
        (Some((first, last)), Some((since_then, until))) => {
            format!("{}; {} in recovery.conf", since(first, last), range(since_then, until))
        }
        (None, Some((first, last))) => format!("{} in recovery.conf", range(first, last)),
        (None, None) => String::new(),
    }
}

/// `13 to 18`; `from 13` where it is still there, `up to 12` where it is older than all that is recorded.
fn since(first: Major, last: Major) -> String {
    let is_old = catalog::majors().next().is_some_and(|oldest| first <= oldest);
    match (is_old, last >= Major::NEWEST) {
        (true, true) => "all".to_owned(),
        (true, false) => format!("up to {last}"),
        (false, true) => format!("from {first}"),
        (false, false) => range(first, last),
    }
}

fn page(name: &str, rules: &Rules, known: &Known) -> String {
    let all = all(name);
    let mut text = format!("# {name}\n");
    if let Some(newest) = all.last() {
        let parameter = newest.parameter;
        let _ =
            write!(text, "{}\n\nIn PostgreSQL: {}. {}.\n", sentence(parameter.short), lives(name), counts(parameter));
        text.push_str(&renames(name));
        text.push_str(&table_of(&all));
        text.push_str(&words(parameter));
        text.push_str(&changes(name, &all));
    }
    text.push_str(&in_recovery(name, known));
    text.push_str(&gone(name, rules, known));
    text.push_str(&about(name, rules, known));
    let manual = match history(name) {
        Some((_, last)) if last < Major::NEWEST => format!("{last}/runtime-config.html"),
        Some(_) => "current/runtime-config.html".to_owned(),
        None => "11/recovery-config.html".to_owned(),
    };
    let _ = write!(
        text,
        "\n## Elsewhere\n\n- `pgconflint explain {name}` prints what is known of it.\n\
         - [PostgreSQL's manual](https://www.postgresql.org/docs/{manual})\n"
    );
    text
}

fn sentence(text: &str) -> String {
    plain(&format!("{}.", text.trim_end_matches('.')))
}

fn counts(parameter: &Parameter) -> String {
    let counts = parameter.counts();
    let (first, rest) = counts.split_at(1);
    format!("Context `{}`: {}{rest}", parameter.context, first.to_lowercase())
}

/// Old names that still do.
fn renames(name: &str) -> String {
    let newest = Catalog::shared(PgVersion::newest(Major::NEWEST));
    let old = newest.names().filter(|old| newest.alias(old.as_bytes()) == Some(name));
    let old: Vec<String> = old.map(code).collect();
    if old.is_empty() { String::new() } else { format!("\nOld names that still do: {}.\n", old.join(", ")) }
}

fn table_of(all: &[Period]) -> String {
    let mut text = "\n| PostgreSQL | takes | default | context |\n| --- | --- | --- | --- |\n".to_owned();
    // Neighbours may differ only in what is not shown here, such as their description.
    let mut rows: Vec<(PgVersion, PgVersion, String)> = Vec::new();
    for Period { first, last, parameter } in all {
        let (takes, default) = (cell(&takes(parameter)), cell(&default(parameter, last.major)));
        let said = format!("{takes} | {default} | {}", parameter.context);
        match rows.last_mut().filter(|row| row.2 == said) {
            Some(row) => row.1 = *last,
            None => rows.push((*first, *last, said)),
        }
    }
    for (first, last, said) in rows {
        let _ = writeln!(text, "| {} | {said} |", range(first, last));
    }
    if all.iter().any(|period| period.parameter.unit.is_some()) {
        text.push_str("\nA number without a unit counts the one that is named here.\n");
    }
    text
}

/// What a parameter takes, with the words of an enum as code.
fn takes(parameter: &Parameter) -> String {
    let listed: Vec<String> = parameter.words().filter(|word| word.listed).map(|word| code(word.word)).collect();
    if listed.is_empty() { parameter.takes() } else { format!("enum: {}", listed.join(", ")) }
}

fn default(parameter: &Parameter, major: Major) -> String {
    match written(parameter, major) {
        text if text.is_empty() => "none".to_owned(),
        text => code(&text),
    }
}

/// Words that are taken, and not listed.
fn words(parameter: &Parameter) -> String {
    let hidden: Vec<String> = parameter
        .words()
        .filter(|word| !word.listed && !word.word.is_empty())
        .map(|word| {
            if word.word == word.shown { code(word.word) } else { format!("`{}` (means `{}`)", word.word, word.shown) }
        })
        .collect();
    if hidden.is_empty() {
        String::new()
    } else {
        format!("\nTaken as well, though no hint lists it: {}.\n", hidden.join(", "))
    }
}

/// What changed from one major to the next.
fn changes(name: &str, all: &[Period]) -> String {
    let mut lines: Vec<String> = Vec::new();
    for major in catalog::majors() {
        if let Some(minor) = since_minor(major, name) {
            lines.push(format!("- {major}: there from {major}.{minor} on."));
        }
    }
    for pair in all.windows(2) {
        let (old, new) = (&pair[0], &pair[1]);
        let (was, is) = (old.parameter, new.parameter);
        let major = new.first.major;
        let mut what: Vec<String> = Vec::new();
        let (was_takes, is_takes) = (takes(was), takes(is));
        if was_takes != is_takes {
            what.push(format!("takes {is_takes}, before {was_takes}"));
        }
        let (was_default, is_default) = (default(was, old.last.major), default(is, new.first.major));
        if was_default != is_default {
            what.push(format!("default {is_default}, before {was_default}"));
        }
        if was.context != is.context {
            what.push(format!("context {}, before {}", is.context, was.context));
        }
        let why = defaults::rows().find(|row| row.name == name && row.since == major && !row.why.is_empty());
        let why = why.map_or_else(String::new, |row| format!(" {}.", plain(row.why)));
        if !what.is_empty() {
            lines.push(format!("- {major}: {}.{why}", what.join("; ")));
        }
    }
    if lines.is_empty() { String::new() } else { format!("\n## Changes\n\n{}\n", lines.join("\n")) }
}

fn in_recovery(name: &str, known: &Known) -> String {
    let Some(found) = recovery::names().iter().find(|known| known.name == name) else { return String::new() };
    let (first, last) = found.majors;
    let mut text = format!("\n## In recovery.conf\n\nFrom {first} to {last}: {}.", plain(&found.kind.takes()));
    if !found.later.is_empty() {
        let later = format!(" Its later name is `{}`.", found.later);
        text.push_str(&known.linked(&later, name, UP));
    }
    text.push_str(" [Migrating from 11](../docs/from-11.md) says what becomes of it.\n");
    text
}

fn gone(name: &str, rules: &Rules, known: &Known) -> String {
    listed("Where it is not known", rules.gone_of(name), known)
}

fn about(name: &str, rules: &Rules, known: &Known) -> String {
    listed("Rules that speak of it", rules.about(name), known)
}

fn listed(title: &str, pages: Vec<&Page>, known: &Known) -> String {
    if pages.is_empty() {
        return String::new();
    }
    let mut text = format!("\n## {title}\n\n");
    for page in pages {
        let versions = if page.pg.is_empty() { String::new() } else { format!(", `{}`", page.pg) };
        let _ =
            writeln!(text, "- {} ({}{versions}): {}", known.rule(&page.id, UP), page.severity, plain(&page.headline()));
    }
    text
}
