//! `pgconflint migrate`

mod in_place;
mod operations;
pub mod out;
pub mod plan_file;
mod progress;
mod way;

use std::cell::RefCell;
use std::path::PathBuf;
use std::sync::Arc;

use super::project::{Project, Projects};
use super::{Exit, World, target, trouble, written};
use crate::check;
use crate::cli::{self, Act};
use crate::files::{Cached, Disk, Node, Place, Reader};
use crate::migrate::manifest::Input;
use crate::migrate::{Plan, Request, Told, plan};
use crate::names;
use crate::report::{Show, done::Done, json, plan as shown};
use crate::source::{Files, ReadError};
use crate::version::{Major, PgVersion, Targets, from_pg_version_file};

use operations::Disks;
use plan_file::PlanFile;

/// What a node of a tree comes to, before anything is written in any of them.
#[derive(Debug)]
pub struct Outline {
    /// Whether something is in the way.
    pub is_blocked: bool,
    /// The plan, as a file would hold it.
    pub file: PlanFile,
}

/// How a node is migrated that is one of a tree.
#[derive(Clone, Copy, Debug, Default)]
pub struct InTree<'a> {
    /// Where the plan goes, if nothing is to be done yet but show it.
    pub outlines: Option<&'a RefCell<Vec<Outline>>>,
    /// The plan that was made of it.
    pub plan: Option<&'a PlanFile>,
}

/// Prints the plan of a migration and does with it what was asked for.
pub fn migrate(options: &cli::Migrate, tree: InTree<'_>, show_secrets: bool, world: &mut World<'_>) -> Exit {
    match asked(options, tree, show_secrets, world) {
        Ok(exit) => exit,
        Err(errors) => {
            errors.iter().for_each(|error| trouble(world.err, None, error));
            Exit::Trouble
        }
    }
}

/// What is known before there is a plan.
struct Job<'a> {
    options: &'a cli::Migrate,
    show: &'a Show,
    disks: Disks<'a>,
    files: &'a Cached<'a>,
    project: Arc<Project>,
    /// What a plan must be, if it is that of a file.
    plan_file: Option<&'a PlanFile>,
    /// Where the plan goes instead of being carried out.
    outlines: Option<&'a RefCell<Vec<Outline>>>,
}

fn asked(
    given: &cli::Migrate,
    tree: InTree<'_>,
    show_secrets: bool,
    world: &mut World<'_>,
) -> Result<Exit, Vec<String>> {
    let directory = world.directory.clone();
    let plan_file = match (&given.act, tree.plan) {
        (Act::Apply(path), Some(plan)) => Some((path, plan.clone())),
        (Act::Apply(path), None) => {
            let bytes = Disk::default().read(path).map_err(|error| vec![format!("{}: {error}", path.display())])?;
            Some((path, plan_file::read(path, &bytes).map_err(|error| vec![error])?))
        }
        _ => None,
    };
    let options = match &plan_file {
        Some((path, file)) => &file.options(path, given, &directory).map_err(|error| vec![error])?,
        None => given,
    };
    let root = options.target.root.as_ref().map(|root| directory.join(root));
    let show = Show { directory: directory.clone(), root: root.clone(), secrets: show_secrets, top: None };
    let mut projects = Projects::new(&directory, options.target.config.as_deref(), options.target.isolated)?;
    let project = projects.of(&options.directory)?;
    let plan_file = plan_file.as_ref().map(|(_, file)| file);
    let disk = Disk::below(root);
    let disks = Disks { disk: &disk, directory: &directory };
    let project_too = Arc::clone(&project);
    let outlines = tree.outlines;
    let job = Job { options, show: &show, disks, files: &Cached::new(&disk), project, plan_file, outlines };
    if let Err(error) = job.files.list(&options.directory) {
        return Err(vec![format!("{}: {error}", show.path(&options.directory))]);
    }
    let home = in_place::home(&job)?;
    // What root can read its server may not.
    let disk = Disk { reader: Reader::of(&home, disk.root.as_deref()), ..disk.clone() };
    let disks = Disks { disk: &disk, directory: &directory };
    let job = Job { disks, files: &Cached::new(&disk), project: project_too, ..job };
    let place = in_place::Place { home, unreadable: in_place::unreadable(&job)? };
    // Who may not look there can still be shown a plan.
    let kept = progress::kept(&place.home).unwrap_or_default();
    match &options.act {
        Act::RollBack => return in_place::roll_back(&job, &place, world).map_err(|error| vec![error]),
        // It is gone on with when the turn comes.
        Act::Write(_) if outlines.is_some() && kept.unfinished().is_some() => return Ok(Exit::Findings),
        Act::Write(yes) if outlines.is_none() => {
            if let Some(exit) = in_place::go_on(&job, &place, *yes, world).map_err(|error| vec![error])? {
                return Ok(exit);
            }
        }
        Act::Write(_) | Act::Show | Act::Out(_) | Act::PlanOut(_) | Act::Apply(_) => {
            if let Some(unfinished) = kept.unfinished() {
                return Err(vec![unfinished.told()]);
            }
        }
    }
    let mut plan = job.planned()?;
    plan.notes.extend(kept.rubble.iter().map(|path| {
        Told::of(path, "left by a run that ended before it had changed anything; --write or --rollback clears it away")
    }));
    match &options.act {
        Act::Out(out) => {
            out::outside(&place.home, &directory.join(out), &show.path(out)).map_err(|error| vec![error])?;
            plan.notes.extend(out::elsewhere(&plan, &options.directory, job.files));
            way::aside(&mut plan, place.unreadable.clone(), &options.allowed);
        }
        _ => way::look(&mut plan, disks, place.unreadable.clone(), &options.allowed),
    }
    job.act(&plan, &place, world)
}

impl Job<'_> {
    /// Shows the plan and does with it what was asked for.
    fn act(&self, plan: &Plan, place: &in_place::Place, world: &mut World<'_>) -> Result<Exit, Vec<String>> {
        let node = self.show.path(&self.options.directory);
        // What was read is what the plan is made of, however long an answer takes.
        let inputs = in_place::inputs(self);
        let told = match self.options.json {
            // Who is asked sees what about; what is printed stays one document.
            true if self.is_asked(plan) && world.interactive => {
                world.err.write_all(shown::text(plan, &node, self.show).as_bytes())
            }
            true => Ok(()),
            false => world.out.write_all(shown::text(plan, &node, self.show).as_bytes()),
        };
        let outcome = match &self.options.act {
            _ if self.outlines.is_some() => self.outline(plan, inputs).map(|()| None),
            Act::Out(out) => {
                out::write(plan, &self.options.directory, out, self.disks.disk, world.changes).map(|()| None)
            }
            Act::PlanOut(file) => in_place::plan_out(self, plan, inputs, file).map(|()| None),
            Act::Write(_) | Act::Apply(_) => in_place::write(self, plan, place, inputs, world),
            Act::Show | Act::RollBack => Ok(None),
        };
        let done = outcome.as_ref().ok().and_then(Option::as_ref);
        let told = told.and_then(|()| match self.options.json {
            true => {
                let text = json::to_text(&shown::document(plan, done, self.show), true)?;
                world.out.write_all((text + "\n").as_bytes())
            }
            false => {
                let text =
                    done.map(|done| crate::report::done::text(done, &self.way_back(), self.show)).unwrap_or_default();
                world.out.write_all(text.as_bytes())
            }
        });
        let exit = exit(plan, &outcome);
        if let Err(error) = outcome {
            trouble(world.err, None, &error);
        }
        Ok(written(told, exit, world.err))
    }

    /// Whether somebody will be asked about the plan.
    fn is_asked(&self, plan: &Plan) -> bool {
        self.options.act == Act::Write(false) && self.outlines.is_none() && plan.blocks.is_empty() && !plan.is_empty()
    }

    /// Keeps the plan for the tree.
    fn outline(&self, plan: &Plan, inputs: Vec<Input>) -> Result<(), String> {
        let is_blocked = !plan.blocks.is_empty();
        if !is_blocked {
            in_place::bound(self, plan)?;
        }
        let file = plan_file::of(self.options, plan, inputs, self.disks.directory);
        if let Some(outlines) = self.outlines {
            outlines.borrow_mut().push(Outline { is_blocked, file });
        }
        Ok(())
    }

    /// The command that undoes what is written here.
    fn way_back(&self) -> String {
        let cli::Target { root, data_dir, .. } = &self.options.target;
        let directory = match root {
            // Below a root it is named as it is seen from there.
            Some(_) => self.options.directory.display().to_string(),
            None => self.show.path(&self.options.directory),
        };
        let mut command = format!("pgconflint migrate {}", word(&directory));
        for (option, path) in [("--root", root), ("--data-dir", data_dir)] {
            if let Some(path) = path {
                command.push_str(&format!(" {option} {}", word(&path.display().to_string())));
            }
        }
        command + " --rollback"
    }

    /// Reads the node and plans.
    fn planned(&self) -> Result<Plan, Vec<String>> {
        let Job { options, show, files, project, .. } = self;
        let Some(to) = options.to else {
            return Err(vec!["which version it goes to is not known: say --to".to_owned()]);
        };
        let main = options.directory.join(names::POSTGRESQL_CONF);
        let there = |name: &str| !matches!(files.read(&options.directory.join(name)), Err(ReadError::Missing));
        if !there(names::POSTGRESQL_CONF) && !there(names::RECOVERY_CONF) {
            let message = format!("{}: neither it nor recovery.conf is there: no node", show.path(&main));
            return Err(vec![message]);
        }
        let from = options.from.or_else(|| came_from(options, *files));
        // Older ones are read as 9.4 reads them.
        let pg = from.map(|from| {
            Targets::one(PgVersion::newest(from.max(Major::V9_4))).map_err(|error| vec![error.to_string()])
        });
        let mut node = self.node(pg.transpose()?)?;
        node.wal_segment_size = options.wal_segment_size;
        let from = match (from, node.targets.versions()) {
            (Some(from), _) => from,
            (None, [one]) => one.major,
            _ => {
                let node = show.path(&options.directory);
                let text = "which version the node comes from is not known: say --from 11, for example";
                return Err(vec![format!("{node}: {text}")]);
            }
        };
        let allowed = options.allowed.clone();
        let cli::Migrate { preserve_timeline, keep_defaults, .. } = **options;
        let request = Request { node, from, to, allowed, preserve_timeline, keep_defaults };
        Ok(plan(*files, &request, &project.rules))
    }

    /// The node, of these versions if they are known.
    fn node(&self, pg: Option<Targets>) -> Result<check::Node, Vec<String>> {
        let asked = cli::Target { pg, ..self.options.target.clone() };
        let found = Node { path: self.options.directory.clone(), place: Place::Directory };
        target::resolve(self.files, &found, &asked, &self.project.config, self.show).map_err(|trouble| {
            let path = trouble.path.map_or_else(String::new, |path| format!("{}: ", self.show.path(&path)));
            vec![format!("{path}{}", trouble.message)]
        })
    }
}

/// A word as a shell takes it.
fn word(text: &str) -> String {
    let is_plain = |char: char| char.is_alphanumeric() || "/._-+:@%=,".contains(char);
    match text.chars().all(is_plain) {
        true => text.to_owned(),
        false => format!("'{}'", text.replace('\'', "'\\''")),
    }
}

/// Nothing is left to do, something is, or it could not be done.
fn exit(plan: &Plan, outcome: &Result<Option<Done>, String>) -> Exit {
    match outcome {
        Err(_) => Exit::Trouble,
        Ok(Some(_)) => Exit::Clean,
        Ok(None) if plan.is_empty() && plan.blocks.is_empty() => Exit::Clean,
        Ok(None) => Exit::Findings,
    }
}

/// What PG_VERSION says, also of versions that nothing is checked against.
fn came_from(options: &cli::Migrate, files: &dyn Files) -> Option<Major> {
    let directories = [Some(&options.directory), options.target.data_dir.as_ref()];
    let read = |directory: &PathBuf| files.read(&directory.join(names::PG_VERSION)).ok();
    let bytes = directories.into_iter().flatten().find_map(read)?;
    from_pg_version_file(&bytes).ok()
}
