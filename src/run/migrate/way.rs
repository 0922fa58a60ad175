//! What only the disk tells of what is in the way: a server that runs, files that belong to somebody else, files that
//! cannot be read.

use std::path::{Path, PathBuf};

use super::operations::Disks;
use crate::files::{self, Postmaster, postmaster};
use crate::migrate::manifest::{Manifest, State};
use crate::migrate::{Action, Allow, Block, Plan, Told};
use crate::model::tree::{FaultKind, Tree};
use crate::names;
use crate::source::ReadError;

/// Adds to a plan what is in its way on this disk, unless it has been allowed; `unreadable` are files that could not be
/// read.
pub fn look(plan: &mut Plan, disks: Disks<'_>, unreadable: Vec<String>, allowed: &[Allow]) {
    let Ok(data) = disks.real(&plan.data, true) else { return };
    one_of_each(plan, disks);
    plan.blocks.retain(|block| block.allow != Some(Allow::Running));
    if plan.is_empty() {
        return;
    }
    let mut found: Vec<Block> = Vec::new();
    match postmaster(&data) {
        Postmaster::None => {}
        Postmaster::Gone(pid) => plan.notes.push(Told::of(
            &data.join(names::POSTMASTER_PID),
            format!("its server, process {pid}, is gone and did not end in good order"),
        )),
        Postmaster::InTheWay(reason) => found.push(Block { reason: reason.into(), allow: Some(Allow::Running) }),
    }
    found.extend(foreign(plan, disks, &data));
    found.extend(in_the_way(unreadable));
    found.retain(|block| block.allow.is_none_or(|allow| !allowed.contains(&allow)));
    plan.blocks.extend(found);
}

/// What is in the way of a node that is written elsewhere: the old one stays as it is, also below a server that runs.
pub fn aside(plan: &mut Plan, unreadable: Vec<String>, allowed: &[Allow]) {
    plan.blocks.retain(|block| block.allow != Some(Allow::Running));
    if !plan.is_empty() && !allowed.contains(&Allow::Unreadable) {
        plan.blocks.extend(in_the_way(unreadable));
    }
}

fn in_the_way(unreadable: Vec<String>) -> impl Iterator<Item = Block> {
    unreadable.into_iter().map(|reason| Block { reason: reason.into(), allow: Some(Allow::Unreadable) })
}

/// Whether a server is in the way of a change that needs no plan.
///
/// # Errors
/// It is, and is not allowed.
pub fn stopped(data: &Path, allowed: &[Allow]) -> Result<(), String> {
    match postmaster(data) {
        Postmaster::InTheWay(reason) if !allowed.contains(&Allow::Running) => {
            Err(format!("{reason} ({} allows it)", Allow::Running.option()))
        }
        _ => Ok(()),
    }
}

/// Whether a manifest changes only what the owner of the data directory could change: it is that owner's file, and root
/// may be the one who follows it.
///
/// # Errors
/// It does not, and that is not allowed.
pub fn of_the_owner(manifest: &Manifest, home: &Path, allowed: &[Allow]) -> Result<(), String> {
    if allowed.contains(&Allow::ForeignFile) {
        return Ok(());
    }
    let in_words = |path: &Path, error: &std::io::Error| format!("{}: {}", path.display(), files::words(error));
    let owner = files::access(home).map_err(|error| in_words(home, &error))?.uid;
    let is_foreign = |state: &State| state.uid != owner || state.mode & 0o7000 != 0;
    for operation in &manifest.operations {
        let path = &operation.path;
        let now = match files::access(path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => files::access(path.parent().unwrap_or(home)),
            other => other,
        };
        let uid = now.map_err(|error| in_words(path, &error))?.uid;
        if uid != owner || [&operation.before, &operation.after].into_iter().flatten().any(is_foreign) {
            return Err(format!(
                "{} belongs to somebody else than the data directory does ({} allows it)",
                path.display(),
                Allow::ForeignFile.option()
            ));
        }
    }
    Ok(())
}

/// A file that is read by two names is written once, by the first.
fn one_of_each(plan: &mut Plan, disks: Disks<'_>) {
    let mut seen: Vec<(PathBuf, usize)> = Vec::new();
    let (mut twice, mut told) = (Vec::new(), Vec::new());
    for (index, step) in plan.steps.iter().enumerate().filter(|(_, step)| step.action == Action::Edit) {
        let Ok(real) = disks.real(&step.path, true) else { continue };
        let Some((_, first)) = seen.iter().find(|(known, _)| *known == real) else {
            seen.push((real, index));
            continue;
        };
        let first = &plan.steps[*first];
        twice.push(index);
        told.push((first.new != step.new, step.path.clone(), first.path.clone()));
    }
    for (differs, path, first) in told {
        let text = format!("it is the same file as {}", first.display());
        match differs {
            false => plan.notes.push(Told::of(&path, text + ", and written once")),
            true => {
                let text = text + ", and would become something else by either name: read it by one";
                plan.blocks.push(Block { reason: Told::of(&path, text), allow: None });
            }
        }
    }
    let mut index = 0;
    plan.steps.retain(|_| {
        index += 1;
        !twice.contains(&(index - 1))
    });
}

/// Files to be changed that do not belong to the owner of the data directory.
fn foreign(plan: &Plan, disks: Disks<'_>, data: &Path) -> Vec<Block> {
    let Ok(owner) = files::access(data) else { return Vec::new() };
    let auto = plan.data.join(names::AUTO_CONF);
    let changed = plan.steps.iter().filter(|step| !matches!(step.action, Action::Keep | Action::Create));
    let mut paths: Vec<PathBuf> = changed.map(|step| step.path.clone()).filter(|path| *path != auto).collect();
    paths.push(auto);
    let mut blocks = Vec::new();
    for path in paths {
        let Some(access) = disks.real(&path, true).ok().and_then(|path| files::access(&path).ok()) else { continue };
        if access.uid == owner.uid {
            continue;
        }
        let (file, mode) = (path.display(), access.mode);
        let (own, theirs) = (access.uid, owner.uid);
        let is_denied = disks.disk.reader.as_ref().is_some_and(|reader| !reader.can_read(&path));
        let is_skipped = path.ends_with(names::AUTO_CONF) && (is_denied || mode & 0o044 == 0);
        let block = match is_skipped {
            true => Block {
                reason: format!(
                    "{file} belongs to user {own}, the data directory to user {theirs}: its server passes the file over \
                     in silence; chown it first"
                )
                .into(),
                allow: None,
            },
            false => Block {
                reason: format!("{file} belongs to user {own}, the data directory to user {theirs}").into(),
                allow: Some(Allow::ForeignFile),
            },
        };
        blocks.push(block);
    }
    blocks
}

/// Included files and directories that are there and cannot be read.
pub fn unreadable(tree: &Tree) -> Vec<String> {
    let reason = |kind: &FaultKind| match kind {
        FaultKind::CannotOpen(path, error)
        | FaultKind::CannotOpenDirectory(path, error)
        | FaultKind::Skipped(path, error)
            if matches!(error, ReadError::Denied | ReadError::Other(_)) =>
        {
            Some(format!("{}: {error}: what it sets is not known", path.display()))
        }
        _ => None,
    };
    tree.faults().filter_map(|fault| reason(&fault.kind)).collect()
}
