//! Every node of a tree: what each of them comes to, and then, if nothing is in the way of any, one after the other.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::cli::{self, Act};
use crate::migrate::manifest::Found;
use crate::report::{Show, json};
use crate::run::migrate::plan_file::{self, PlanFile};
use crate::run::migrate::{self, InTree, Outline};
use crate::run::{Exit, World, trouble, written};

/// A node, and the plan that was made of it if there is one.
pub struct Member {
    /// Its directory.
    pub path: PathBuf,
    /// Its part of a file of plans.
    pub plan: Option<PlanFile>,
}

/// What a look at all of them, or a turn of each, came to.
struct Passed {
    exit: Exit,
    shown: Vec<u8>,
    documents: Vec<serde_json::Value>,
}

/// Does with all of them what was asked for; in JSON one document.
pub fn several(options: &cli::Migrate, mut nodes: Vec<Member>, show_secrets: bool, world: &mut World<'_>) -> Exit {
    let outlines = RefCell::new(Vec::new());
    if options.act == Act::RollBack {
        // What was done last goes first: nodes may share a file.
        nodes.reverse();
        return turns(options, &nodes, show_secrets, world);
    }
    let looked = look(options, &nodes, &outlines, show_secrets, world);
    let outlines = outlines.into_inner();
    let shared = shared(&outlines, world);
    let blocked: Vec<String> =
        outlines.iter().filter(|outline| outline.is_blocked).map(|outline| named(&outline.file, world)).collect();
    let is_only_shown = options.act == Act::Show;
    let stops = match &options.act {
        Act::Show => None,
        _ if !blocked.is_empty() => {
            Some(format!("nothing is written, in any node: see what is in the way of {}", blocked.join(", ")))
        }
        _ if looked.exit == Exit::Trouble => Some("nothing is written, in any node".to_owned()),
        Act::PlanOut(_) if !shared.is_empty() => Some(format!(
            "no plan is written, as what one node does makes that of the next void: --write takes one after the other: {}",
            shared.join("; ")
        )),
        _ => None,
    };
    if stops.is_none() && !is_only_shown && !matches!(options.act, Act::PlanOut(_)) {
        return turns(options, &nodes, show_secrets, world);
    }
    let exit = print(options, looked, &shared, world);
    if let Some(stops) = stops {
        trouble(world.err, None, &stops);
        return Exit::Trouble;
    }
    if let Act::PlanOut(file) = &options.act {
        let tree = plan_file::of_tree(outlines.into_iter().map(|outline| outline.file).collect());
        if let Err(error) = plan_file::write(&tree, file) {
            trouble(world.err, None, &error);
            return Exit::Trouble;
        }
    }
    exit
}

/// What each node comes to; nothing is written.
fn look(
    options: &cli::Migrate,
    nodes: &[Member],
    outlines: &RefCell<Vec<Outline>>,
    show_secrets: bool,
    world: &mut World<'_>,
) -> Passed {
    let mut passed = Passed { exit: Exit::Clean, shown: Vec::new(), documents: Vec::new() };
    for node in nodes {
        let mut shown = Vec::new();
        let tree = InTree { outlines: Some(outlines), plan: node.plan.as_ref() };
        let exit = one(options, node, tree, Some(&mut shown), show_secrets, world);
        passed.exit = if exit.code() > passed.exit.code() { exit } else { passed.exit };
        passed.documents.extend(serde_json::from_slice::<serde_json::Value>(&shown).ok());
        if !passed.shown.is_empty() {
            passed.shown.push(b'\n');
        }
        passed.shown.extend(shown);
    }
    passed
}

fn print(options: &cli::Migrate, passed: Passed, shared: &[String], world: &mut World<'_>) -> Exit {
    if options.json {
        return document(passed.documents, shared, passed.exit, world);
    }
    let mut shown = passed.shown;
    shared.iter().for_each(|sentence| shown.extend(format!("\n{sentence}\n").as_bytes()));
    written(world.out.write_all(&shown), passed.exit, world.err)
}

fn document(nodes: Vec<serde_json::Value>, notes: &[String], exit: Exit, world: &mut World<'_>) -> Exit {
    let mut document = serde_json::json!({ "schemaVersion": 1, "nodes": nodes });
    if !notes.is_empty() {
        document["notes"] = serde_json::json!(notes);
    }
    let text = json::to_text(&document, true).map(|text| text + "\n");
    let done = text.map_err(Into::into).and_then(|text| world.out.write_all(text.as_bytes()));
    written(done, exit, world.err)
}

/// One node after the other, up to the first that cannot be migrated.
fn turns(options: &cli::Migrate, nodes: &[Member], show_secrets: bool, world: &mut World<'_>) -> Exit {
    let (mut worst, mut documents) = (Exit::Clean, Vec::new());
    for (index, node) in nodes.iter().enumerate() {
        if index > 0 && !options.json {
            let _ = world.out.write_all(b"\n");
        }
        let mut shown = Vec::new();
        let tree = InTree { outlines: None, plan: node.plan.as_ref() };
        // Who is asked has to see what about.
        let exit = one(options, node, tree, options.json.then_some(&mut shown), show_secrets, world);
        documents.extend(serde_json::from_slice::<serde_json::Value>(&shown).ok());
        worst = if exit.code() > worst.code() { exit } else { worst };
        if exit == Exit::Trouble && options.act != Act::RollBack {
            break;
        }
    }
    if options.json { document(documents, &[], worst, world) } else { worst }
}

/// One node; what is said of it goes into `shown`, or straight out.
fn one(
    options: &cli::Migrate,
    node: &Member,
    tree: InTree<'_>,
    shown: Option<&mut Vec<u8>>,
    show_secrets: bool,
    world: &mut World<'_>,
) -> Exit {
    let below = node.path.strip_prefix(&options.directory).unwrap_or(&node.path).to_owned();
    let act = match &options.act {
        Act::Out(out) => Act::Out(out.join(&below)),
        act => act.clone(),
    };
    // A plan knows its node.
    let directory = if node.plan.is_some() { PathBuf::new() } else { node.path.clone() };
    let one = cli::Migrate { directory, act, ..options.clone() };
    let World { directory, stdin, out, err, color, links, width, interactive, changes, checkouts } = world;
    let mut inner = World {
        directory: directory.clone(),
        stdin: &mut **stdin,
        out: match shown {
            Some(shown) => shown,
            None => &mut **out,
        },
        err: &mut **err,
        color: *color,
        links: *links,
        width: *width,
        interactive: *interactive,
        changes: *changes,
        checkouts: checkouts.clone(),
    };
    migrate::migrate(&one, tree, show_secrets, &mut inner)
}

/// Files that change with one node and that another one reads, a sentence for each.
fn shared(outlines: &[Outline], world: &World<'_>) -> Vec<String> {
    let real = |path: &Path| fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let mut readers: BTreeMap<PathBuf, Vec<&PlanFile>> = BTreeMap::new();
    for Outline { file, .. } in outlines {
        let read = file.inputs.iter().filter(|input| matches!(input.found, Found::File(_)));
        for path in read.map(|input| real(&input.path)) {
            let readers = readers.entry(path).or_default();
            if !readers.contains(&file) {
                readers.push(file);
            }
        }
    }
    let mut changed: Vec<PathBuf> = outlines.iter().flat_map(|outline| outline.file.changed()).map(real).collect();
    changed.sort();
    changed.dedup();
    let told = changed.iter().filter_map(|path| {
        let readers = readers.get(path).filter(|readers| readers.len() > 1)?;
        let names: Vec<String> = readers.iter().map(|file| named(file, world)).collect();
        let path = show(world).path(path);
        Some(format!("{path} changes, and {} read it: they go together, and are undone together", names.join(" and ")))
    });
    told.collect()
}

fn named(file: &PlanFile, world: &World<'_>) -> String {
    show(world).path(file.directory())
}

fn show(world: &World<'_>) -> Show {
    Show { directory: world.directory.clone(), ..Show::default() }
}
