//! `pgconflint migrate`

use std::fs;
use std::path::{Component, Path, PathBuf};

use super::project::Projects;
use super::{Exit, World, target, trouble, written};
use crate::cli;
use crate::files::{self, Cached, Disk, Node, Place};
use crate::migrate::{Plan, Request, plan};
use crate::names;
use crate::report::{Show, json, plan as shown};
use crate::source::{Files, ReadError};
use crate::version::{Major, PgVersion, Targets, from_pg_version_file};

/// Prints the plan of a migration, and writes the migrated node elsewhere where that is asked for.
pub fn migrate(options: &cli::Migrate, show_secrets: bool, world: &mut World<'_>) -> Exit {
    let root = options.target.root.as_ref().map(|root| world.directory.join(root));
    let show = Show { directory: world.directory.clone(), root: root.clone(), secrets: show_secrets };
    let disk = Disk { root };
    let files = Cached::new(&disk);
    let plan = match planned(options, &files, &show) {
        Ok(plan) => plan,
        Err(errors) => {
            errors.iter().for_each(|error| trouble(world.err, None, error));
            return Exit::Trouble;
        }
    };
    let text = match options.json {
        true => json::to_text(&shown::document(&plan, &show), true).map(|text| text + "\n"),
        false => Ok(shown::text(&plan, &show.path(&options.directory), &show)),
    };
    let done = text.map_err(Into::into).and_then(|text| world.out.write_all(text.as_bytes()));
    if let Some(out) = &options.out
        && let Err(error) = write_out(&plan, options, out, &files)
    {
        trouble(world.err, None, &error);
        return Exit::Trouble;
    }
    let exit = if plan.is_empty() && plan.blocks.is_empty() { Exit::Clean } else { Exit::Findings };
    written(done, exit, world.err)
}

/// Reads the node and plans.
fn planned(options: &cli::Migrate, files: &dyn Files, show: &Show) -> Result<Plan, Vec<String>> {
    let asked = &options.target;
    let mut projects = Projects::new(&show.directory, asked.config.as_deref(), asked.isolated)?;
    let project = projects.of(&options.directory)?;
    if let Err(error) = files.list(&options.directory) {
        return Err(vec![format!("{}: {error}", show.path(&options.directory))]);
    }
    let main = options.directory.join(names::POSTGRESQL_CONF);
    let there = |name: &str| !matches!(files.read(&options.directory.join(name)), Err(ReadError::Missing));
    if !there(names::POSTGRESQL_CONF) && !there(names::RECOVERY_CONF) {
        let message = format!("{}: neither it nor recovery.conf is there: no node", show.path(&main));
        return Err(vec![message]);
    }
    let from = options.from.or_else(|| came_from(options, files));
    // Older ones are read as 9.4 reads them.
    let pg = from
        .map(|from| Targets::one(PgVersion::newest(from.max(Major::V9_4))).map_err(|error| vec![error.to_string()]));
    let asked = cli::Target { pg: pg.transpose()?, ..asked.clone() };
    let found = Node { path: options.directory.clone(), place: Place::Directory };
    let mut node = target::resolve(files, &found, &asked, &project.config, show).map_err(|trouble| {
        let path = trouble.path.map_or_else(String::new, |path| format!("{}: ", show.path(&path)));
        vec![format!("{path}{}", trouble.message)]
    })?;
    node.wal_segment_size = options.wal_segment_size;
    let from = match (from, node.targets.versions()) {
        (Some(from), _) => from,
        (None, [one]) => one.major,
        _ => {
            let message = "which version the node comes from is not known: say --from 11, for example".to_owned();
            return Err(vec![message]);
        }
    };
    if from > options.to {
        return Err(vec![format!("the node is of {from}: going back to {} is not possible yet", options.to)]);
    }
    let request = Request {
        node,
        from,
        to: options.to,
        allowed: options.allowed.clone(),
        preserve_timeline: options.preserve_timeline,
    };
    Ok(plan(files, &request, &project.rules))
}

/// What PG_VERSION says, also of versions that nothing is checked against.
fn came_from(options: &cli::Migrate, files: &dyn Files) -> Option<Major> {
    let directories = [Some(&options.directory), options.target.data_dir.as_ref()];
    let read = |directory: &PathBuf| files.read(&directory.join(names::PG_VERSION)).ok();
    let bytes = directories.into_iter().flatten().find_map(read)?;
    from_pg_version_file(&bytes).ok()
}

/// Writes every file of the migrated node below a new directory: what lies in the node by its path there, all else by
/// its whole path.
fn write_out(plan: &Plan, options: &cli::Migrate, out: &Path, files: &dyn Files) -> Result<(), String> {
    if !plan.blocks.is_empty() {
        return Err("nothing is written: see what is in the way".to_owned());
    }
    let in_words = |path: &Path, error: &std::io::Error| format!("{}: {}", path.display(), files::words(error));
    match fs::read_dir(out) {
        Ok(mut entries) => {
            if entries.next().is_some() {
                return Err(format!("{}: it is not empty", out.display()));
            }
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => return Err(in_words(out, &error)),
    }
    for (path, bytes) in &plan.files {
        let below = path.strip_prefix(&options.directory).unwrap_or(path);
        let names = below.components().filter(|part| matches!(part, Component::Normal(_)));
        let path_out = out.join(names.collect::<PathBuf>());
        let parent = path_out.parent().unwrap_or(out);
        fs::create_dir_all(parent).map_err(|error| in_words(parent, &error))?;
        let mode = files.mode(path).unwrap_or(0o600);
        files::create(&path_out, bytes, mode).map_err(|error| in_words(&path_out, &error))?;
    }
    Ok(())
}
