//! `pgconflint rules`

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::project::{Project, Projects};
use super::{Exit, World, trouble, written};
use crate::check::{Rules, examples};
use crate::cli::RulesTask;
use crate::files;
use crate::rule::Page;
use crate::version::Targets;

/// A page to begin with, which passes its tests as it is.
const TEMPLATE: &str = include_str!("../../rules/TEMPLATE.md");

/// Lists every rule, runs the examples of all pages, or writes a new page.
pub fn rules(task: &RulesTask, config: Option<&Path>, world: &mut World<'_>) -> Exit {
    // The configuration may name pages that are still to be written.
    if let RulesTask::New { name } = task {
        return new(name, &Rules::built_in(), world);
    }
    let project = match project(config, world) {
        Ok(project) => project,
        Err(exit) => return exit,
    };
    match task {
        RulesTask::Test => test(&project.rules, world),
        RulesTask::List | RulesTask::New { .. } => list(&project.rules, world),
    }
}

fn list(rules: &Rules, world: &mut World<'_>) -> Exit {
    let all = rules.all_described();
    let width = all.iter().map(|rule| rule.id.len()).max().unwrap_or_default();
    let mut text = String::new();
    for rule in all {
        let _ = writeln!(text, "{:<width$}  {:<7}  {}", rule.id, rule.severity, rule.title);
    }
    written(world.out.write_all(text.as_bytes()), Exit::Clean, world.err)
}

fn test(rules: &Rules, world: &mut World<'_>) -> Exit {
    let mut text = String::new();
    let (mut pages, mut failed) = (0, 0);
    for page in sorted(rules) {
        pages += 1;
        let failures = examples::run(page, rules, &Targets::all());
        failed += usize::from(!failures.is_empty());
        for failure in failures {
            let _ = writeln!(text, "{}.md:{}: {}", failure.page, failure.line, failure.what);
        }
    }
    let _ = writeln!(text, "{pages} pages, {failed} failed");
    let exit = if failed == 0 { Exit::Clean } else { Exit::Findings };
    written(world.out.write_all(text.as_bytes()), exit, world.err)
}

/// Writes the page of a new rule; nothing that is there is replaced.
fn new(name: &Path, rules: &Rules, world: &mut World<'_>) -> Exit {
    let id = name.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
    let id = id.strip_suffix(".md").unwrap_or(&id).to_owned();
    let is_kebab = |id: &str| {
        let parts = || id.split('-');
        let is_word =
            |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
        parts().all(is_word) && id.starts_with(|first: char| first.is_ascii_lowercase())
    };
    let refused = if !is_kebab(&id) {
        Some(format!("`{id}` is no name for a rule: small letters and hyphens, such as huge-work-memory"))
    } else if rules.ids().contains(&id.as_str()) {
        Some(format!("there is a rule `{id}` already"))
    } else {
        None
    };
    if let Some(refused) = refused {
        trouble(world.err, None, &refused);
        return Exit::Trouble;
    }
    let path: PathBuf = name.with_file_name(format!("{id}.md"));
    let whole = world.directory.join(&path);
    let made = whole.parent().map_or(Ok(()), std::fs::create_dir_all);
    if let Err(error) = made.and_then(|()| files::create(&whole, TEMPLATE.as_bytes(), 0o644)) {
        trouble(world.err, path.to_str(), &files::words(&error).to_string());
        return Exit::Trouble;
    }
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    let glob = directory.unwrap_or(Path::new(".")).join("*.md");
    let said = format!(
        "{} is written. Say `rules = [\"{}\"]` in pgconflint.toml, fill the page in, and run `pgconflint rules test`.\n",
        path.display(),
        glob.display()
    );
    written(world.out.write_all(said.as_bytes()), Exit::Clean, world.err)
}

/// The project of the working directory, or of a configuration file.
pub fn project(config: Option<&Path>, world: &mut World<'_>) -> Result<Arc<Project>, Exit> {
    let found = Projects::new(&world.directory, config, false).and_then(|mut projects| projects.of(Path::new("")));
    found.map_err(|errors| {
        errors.iter().for_each(|error| trouble(world.err, None, error));
        Exit::Trouble
    })
}

/// All pages, by id.
pub fn sorted(rules: &Rules) -> Vec<&Page> {
    let mut pages: Vec<&Page> = rules.pages().collect();
    pages.sort_by(|one, other| one.id.cmp(&other.id));
    pages
}
