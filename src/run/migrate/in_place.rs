//! Writing in place: asked for, kept apart from other runs, bound to what was read, and undone.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

use super::operations::operations;
use super::progress::{self, Migration};
use super::{Job, plan_file, way};
use crate::check;
use crate::cli::Act;
use crate::files::{self, differences};
use crate::migrate::Plan;
use crate::migrate::manifest::{Input, Manifest, Status, Way};
use crate::model::tree::Tree;
use crate::report::{done, done::Done, json};
use crate::run::{Exit, World, written};
use crate::source::Sources;
use crate::version::{Major, PgVersion, Targets};

/// Where a migration in place is kept, and what of the node cannot be read.
pub struct Place {
    /// The data directory, or the node itself where that is not here.
    pub home: PathBuf,
    /// Files that are included and cannot be read.
    pub unreadable: Vec<String>,
}

/// The data directory, or the node itself where that is not here.
///
/// # Errors
/// Neither is a directory.
pub fn home(job: &Job<'_>) -> Result<PathBuf, Vec<String>> {
    let tree = tree(job)?;
    let real = |path: &Path| {
        let path = job.disks.disk.resolve(&job.disks.directory.join(path)).ok()?;
        std::fs::canonicalize(path).ok().filter(|path| path.is_dir())
    };
    let home = real(&tree.data_directory).or_else(|| real(&job.options.directory));
    home.ok_or_else(|| vec![format!("{}: it is no directory", job.show.path(&job.options.directory))])
}

/// Files that are included and cannot be read.
///
/// # Errors
/// The node cannot be looked at.
pub fn unreadable(job: &Job<'_>) -> Result<Vec<String>, Vec<String>> {
    Ok(way::unreadable(&tree(job)?))
}

/// The settings of the node as any version reads them: where the data directory is all of them see alike.
fn tree(job: &Job<'_>) -> Result<Tree, Vec<String>> {
    let newest = Targets::one(PgVersion::newest(Major::NEWEST)).map_err(|error| vec![error.to_string()])?;
    let node = job.node(Some(newest))?;
    let subject = check::subject(&node, job.files);
    Ok(check::read(job.files, &mut Sources::default(), &subject, Major::NEWEST))
}

/// Everything that was read of the node, by whole paths.
pub fn inputs(job: &Job<'_>) -> Vec<Input> {
    let mut inputs = job.files.inputs(job.disks.disk);
    for input in &mut inputs {
        input.path = job.disks.directory.join(&input.path);
    }
    inputs
}

/// The plan for a file; nothing is in it that must be kept secret.
pub fn plan_out(job: &Job<'_>, plan: &Plan, inputs: Vec<Input>, path: &Path) -> Result<(), String> {
    if !plan.blocks.is_empty() {
        return Err("no plan is written: see what is in the way".to_owned());
    }
    plan_file::write(&plan_file::of(job.options, plan, inputs, job.disks.directory), path)
}

/// Whether a plan is still that of its file, if it is of one.
///
/// # Errors
/// It is not.
pub fn bound(job: &Job<'_>, plan: &Plan) -> Result<(), String> {
    let Some(file) = job.plan_file else { return Ok(()) };
    let changes = differences(&file.inputs, job.disks.disk);
    if !changes.is_empty() {
        return Err(format!("nothing is written: since the plan was made, {}", changes.join("; ")));
    }
    let is_same =
        plan_file::sorted(plan_file::steps(plan, job.disks.directory)) == plan_file::sorted(file.steps.clone());
    if !is_same {
        return Err("nothing is written: another plan is made of these files today; make it anew".to_owned());
    }
    Ok(())
}

/// Does what the plan says; `inputs` are what it was made of.
///
/// # Errors
/// Why nothing is written.
pub fn write(
    job: &Job<'_>,
    plan: &Plan,
    place: &Place,
    inputs: Vec<Input>,
    world: &mut World<'_>,
) -> Result<Option<Done>, String> {
    if !plan.blocks.is_empty() {
        return Err("nothing is written: see what is in the way".to_owned());
    }
    bound(job, plan)?;
    if plan.is_empty() {
        return Ok(None);
    }
    // A plan in a file has been seen and answered.
    if job.options.act == Act::Write(false) && !ask("Write this?", world)? {
        return Ok(None);
    }
    let _lock = progress::lock(&place.home)?;
    // An answer takes its time, and a server starts in a moment.
    way::stopped(&place.home, &job.options.allowed).map_err(|error| format!("nothing is written: {error}"))?;
    let kept = progress::kept(&place.home)?;
    if let Some(unfinished) = kept.unfinished() {
        return Err(unfinished.told());
    }
    let changes = differences(&inputs, job.disks.disk);
    if !changes.is_empty() {
        return Err(format!("nothing is written: while the plan was made, {}", changes.join("; ")));
    }
    let draft = operations(plan, job.disks, &place.home, &kept.next())?;
    let manifest = Manifest {
        schema_version: 1,
        tool: env!("CARGO_PKG_VERSION").to_owned(),
        from: plan.from.to_string(),
        to: plan.to.to_string(),
        home: place.home.clone(),
        status: Status::Writing,
        operations: draft.operations.clone(),
        inputs,
    };
    let migration = progress::write(&place.home, &kept, &draft, manifest, world.changes)?;
    Ok(Some(done::of(&migration.manifest, Way::Forward, Some(migration.directory))))
}

/// Goes on with a migration that is not finished, if there is one.
///
/// # Errors
/// Why not.
pub fn go_on(job: &Job<'_>, place: &Place, yes: bool, world: &mut World<'_>) -> Result<Option<Exit>, String> {
    let Some(unfinished) = progress::kept(&place.home)?.unfinished().cloned() else { return Ok(None) };
    if job.options.to.is_some_and(|to| to.to_string() != unfinished.manifest.to) {
        return Err(unfinished.told());
    }
    way::stopped(&place.home, &job.options.allowed)?;
    if !job.options.json {
        // Whoever reads it is asked next.
        let _ = writeln!(world.out, "{}", job.show.text(&unfinished.told()));
    }
    if !yes && !ask("Go on?", world)? {
        return Ok(Some(Exit::Findings));
    }
    let _lock = progress::lock(&place.home)?;
    way::stopped(&place.home, &job.options.allowed)?;
    // Another run may have been faster.
    let Some(mut migration) = progress::kept(&place.home)?.unfinished().cloned() else { return Ok(None) };
    way::of_the_owner(&migration.manifest, &place.home, &job.options.allowed)?;
    let own: Vec<&Path> = migration.manifest.paths().collect();
    let mut others = migration.manifest.inputs.clone();
    others.retain(|input| !is_own(&input.path, &own, job));
    let mut changed = differences(&others, job.disks.disk);
    changed.retain(|sentence| !own.iter().any(|path| sentence.starts_with(&path.display().to_string())));
    if !changed.is_empty() {
        return Err(format!("it is not gone on: since it was begun, {}; --rollback undoes it", changed.join("; ")));
    }
    migration.finish(world.changes)?;
    let kept_in = Some(migration.directory.clone());
    Ok(Some(told(job, &done::of(&migration.manifest, Way::Forward, kept_in), &migration, world)))
}

/// Whether an input is a file that the migration changes.
fn is_own(path: &Path, own: &[&Path], job: &Job<'_>) -> bool {
    let is = |follow| job.disks.real(path, follow).is_ok_and(|path| own.contains(&path.as_path()));
    is(true) || is(false)
}

/// Undoes the last migration, finished or not.
///
/// # Errors
/// Why not.
pub fn roll_back(job: &Job<'_>, place: &Place, world: &mut World<'_>) -> Result<Exit, String> {
    let kept = progress::kept(&place.home)?;
    let nothing = || format!("{}: nothing is kept of a migration, so there is no way back", place.home.display());
    if kept.newest.is_none() && kept.rubble.is_empty() {
        return Err(nothing());
    }
    let _lock = progress::lock(&place.home)?;
    way::stopped(&place.home, &job.options.allowed)?;
    let kept = progress::kept(&place.home)?;
    for rubble in &kept.rubble {
        progress::clear(rubble, world.changes)?;
    }
    let Some(mut migration) = kept.newest else {
        if kept.rubble.is_empty() {
            return Err(nothing());
        }
        let none = Done { what: "rolled-back", files: Vec::new(), kept_in: None };
        let text = "A migration had been begun and had changed nothing; what it left is cleared away.\n";
        let text = if job.options.json { json_alone(&none, None, job)? } else { text.to_owned() };
        return Ok(written(world.out.write_all(text.as_bytes()), Exit::Clean, world.err));
    };
    if job.options.to.is_some_and(|to| to.to_string() != migration.manifest.to) {
        let Manifest { from, to, .. } = &migration.manifest;
        return Err(format!("the last migration is that from {from} to {to}: leave --to away to undo it"));
    }
    way::of_the_owner(&migration.manifest, &place.home, &job.options.allowed)?;
    migration.roll_back(world.changes).map_err(|error| format!("it is not undone: {error}"))?;
    let done = done::of(&migration.manifest, Way::Back, None);
    Ok(told(job, &done, &migration, world))
}

fn told(job: &Job<'_>, done: &Done, migration: &Migration, world: &mut World<'_>) -> Exit {
    let text = match job.options.json {
        true => json_alone(done, Some(&migration.manifest), job),
        false => Ok(done::text(done, &job.way_back(), job.show)),
    };
    let text = text.unwrap_or_else(|error| error + "\n");
    written(world.out.write_all(text.as_bytes()), Exit::Clean, world.err)
}

fn json_alone(done: &Done, manifest: Option<&Manifest>, job: &Job<'_>) -> Result<String, String> {
    let text = json::to_text(&done::alone(done, manifest, job.show), true);
    text.map(|text| text + "\n").map_err(|error| error.to_string())
}

/// Asks on the terminal.
///
/// # Errors
/// Nobody is there.
fn ask(question: &str, world: &mut World<'_>) -> Result<bool, String> {
    if !world.interactive {
        return Err("nothing is written: nobody is here to be asked, and --yes was not said".to_owned());
    }
    let asked = write!(world.err, "{question} [y/N] ").and_then(|()| world.err.flush());
    let mut answer = String::new();
    let heard = asked.and_then(|()| BufReader::new(&mut *world.stdin).read_line(&mut answer));
    heard.map_err(|error| format!("nothing is written: {}", files::words(&error)))?;
    Ok(matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes"))
}
