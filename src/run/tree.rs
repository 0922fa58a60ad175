//! `pgconflint migrate` for what a path leads to: one node, every node of a tree, or a file by itself.

mod several;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::migrate::{InTree, plan_file};
use super::project::Projects;
use super::{Exit, World, migrate, target, trouble, written};
use crate::check::setting;
use crate::cli::{self, Act};
use crate::files::{self, Disk, Node, Place};
use crate::migrate::{After, Plan, Request, lone, plan, with_suffix};
use crate::names;
use crate::report::{Show, json, plan as shown};
use crate::source::Files;
use crate::version::{Major, PgVersion, Targets};

use several::{Member, several};

/// Migrates what the path leads to.
pub fn migrate(options: &cli::Migrate, show_secrets: bool, world: &mut World<'_>) -> Exit {
    let root = options.target.root.as_ref().map(|root| world.directory.join(root));
    let disk = Disk::below(root);
    let real = disk.resolve(&options.directory).unwrap_or_else(|_| options.directory.clone());
    if fs::metadata(&real).is_ok_and(|metadata| metadata.is_file()) {
        if !matches!(options.act, Act::Show | Act::Out(_)) {
            let path = options.directory.display();
            trouble(world.err, None, &format!("{path}: a file by itself is shown, or written elsewhere with --out"));
            return Exit::Trouble;
        }
        return file(options, &disk, show_secrets, world);
    }
    if let Act::Apply(path) = &options.act
        && let Some(tree) = fs::read(path).ok().and_then(|bytes| plan_file::read_tree(&bytes))
    {
        let members = tree.nodes.into_iter().map(|plan| Member { path: plan.directory().to_owned(), plan: Some(plan) });
        return several(options, members.collect(), show_secrets, world);
    }
    let is_node = matches!(options.act, Act::Apply(_)) || is_node(&disk, &options.directory);
    let nodes = if is_node { Vec::new() } else { nodes(&disk, &options.directory) };
    // Without a node below it the path itself is what there is to complain of.
    if nodes.is_empty() {
        return migrate::migrate(options, InTree::default(), show_secrets, world);
    }
    if options.target.data_dir.is_some() {
        trouble(world.err, None, "--data-dir is for one node: name it");
        return Exit::Trouble;
    }
    let members = nodes.into_iter().map(|path| Member { path, plan: None }).collect();
    several(options, members, show_secrets, world)
}

fn is_node(files: &dyn Files, directory: &Path) -> bool {
    [names::POSTGRESQL_CONF, names::RECOVERY_CONF].iter().any(|name| files.read(&directory.join(name)).is_ok())
}

/// The nodes of a tree; the data directory of another one is no node by itself.
fn nodes(disk: &Disk, top: &Path) -> Vec<PathBuf> {
    let found = files::discover(disk, &[top.to_owned()], None, false).nodes;
    let nodes: Vec<PathBuf> = found.into_iter().map(|node| node.path).filter(|path| is_node(disk, path)).collect();
    let real = |path: &Path| disk.resolve(path).ok().and_then(|path| fs::canonicalize(path).ok());
    let data = |node: &PathBuf| {
        let bytes = disk.read(&node.join(names::POSTGRESQL_CONF)).ok()?;
        let path = PathBuf::from(String::from_utf8(setting(&bytes, names::DATA_DIRECTORY)?).ok()?);
        real(&path).filter(|path| real(node).as_ref() != Some(path))
    };
    let others: Vec<PathBuf> = nodes.iter().filter_map(data).collect();
    nodes.into_iter().filter(|node| real(node).is_none_or(|node| !others.contains(&node))).collect()
}

/// A file by itself, often a template: a node that has nothing else.
fn file(options: &cli::Migrate, disk: &Disk, show_secrets: bool, world: &mut World<'_>) -> Exit {
    let show = Show { directory: world.directory.clone(), root: disk.root.clone(), secrets: show_secrets, top: None };
    let plan = match lone_plan(options, disk, &show) {
        Ok(plan) => plan,
        Err(errors) => {
            errors.iter().for_each(|error| trouble(world.err, None, error));
            return Exit::Trouble;
        }
    };
    let text = match options.json {
        true => json::to_text(&shown::document(&plan, None, &show), true).map(|text| text + "\n"),
        false => Ok(shown::text(&plan, &show.path(&options.directory), &show)),
    };
    let done = text.map_err(Into::into).and_then(|text| world.out.write_all(text.as_bytes()));
    let exit = if plan.is_empty() && plan.blocks.is_empty() { Exit::Clean } else { Exit::Findings };
    let exit = written(done, exit, world.err);
    let Act::Out(out) = &options.act else { return exit };
    let node = options.directory.parent().unwrap_or(Path::new(""));
    match migrate::out::write(&plan, node, out, disk, world.changes) {
        Ok(()) => exit,
        Err(error) => {
            trouble(world.err, None, &error);
            Exit::Trouble
        }
    }
}

fn lone_plan(options: &cli::Migrate, disk: &Disk, show: &Show) -> Result<Plan, Vec<String>> {
    let path = &options.directory;
    let Some(to) = options.to else { return Err(vec!["which version it goes to is not known: say --to".to_owned()]) };
    let fault = |text: &str| vec![format!("{}: {text}", show.path(path))];
    let (main, suffix) = lone(path).ok_or_else(|| {
        fault(
            "its name does not say what it is: postgresql.conf, recovery.conf and the like, with or without an ending",
        )
    })?;
    let bytes = disk.read(path).map_err(|error| fault(&error.to_string()))?;
    let directory = main.parent().unwrap_or(Path::new("")).to_owned();
    let mut files = After::new(disk);
    let others = [
        names::RECOVERY_CONF,
        names::AUTO_CONF,
        names::PG_HBA,
        names::PG_IDENT,
        names::PG_VERSION,
        names::STANDBY_SIGNAL,
        names::RECOVERY_SIGNAL,
        names::POSTMASTER_PID,
        names::PG_CONTROL,
    ];
    others.iter().for_each(|name| files.hide(directory.join(name)));
    files.set(directory.join(names::POSTGRESQL_CONF), Vec::new());
    files.files.insert(main, Some(Arc::clone(&bytes)));
    let mut projects = Projects::new(&show.directory, options.target.config.as_deref(), options.target.isolated)?;
    let project = projects.of(&directory)?;
    let one = |from: Major| Targets::one(PgVersion::newest(from.max(Major::V9_4)));
    let pg = options.from.map(one).transpose().map_err(|error| vec![error.to_string()])?;
    let asked = cli::Target { pg, ..options.target.clone() };
    let found = Node { path: directory, place: Place::Directory };
    let mut node =
        target::resolve(&files, &found, &asked, &project.config, show).map_err(|trouble| fault(&trouble.message))?;
    node.wal_segment_size = options.wal_segment_size;
    let from = match (options.from, node.targets.versions()) {
        (Some(from), _) => from,
        (None, [one]) => one.major,
        _ => return Err(fault("which version it is for is not known: say --from 11, for example")),
    };
    let request = Request {
        node,
        from,
        to,
        allowed: options.allowed.clone(),
        preserve_timeline: options.preserve_timeline,
        keep_defaults: options.keep_defaults,
    };
    let mut plan = plan(&files, &request, &project.rules);
    // What stands in for the rest of the node is nothing to write.
    plan.files.retain(|(path, bytes)| !(path.ends_with(names::POSTGRESQL_CONF) && bytes.is_empty()));
    Ok(with_suffix(plan, &suffix))
}
