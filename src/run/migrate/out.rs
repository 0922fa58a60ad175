//! `migrate --out`: the migrated node in a new directory, all of it or nothing.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::{Component, Path, PathBuf};

use super::operations::new_access;
use crate::files::{self, Access, Changes, Disk};
use crate::migrate::{Action, Plan, Told};
use crate::source::{Files, ReadError};

/// Writes every file of the migrated node below a new directory: what lies in the node by its path there, all else by
/// its whole path. Nothing of it is there before everything is.
///
/// # Errors
/// Why not.
pub fn write(plan: &Plan, node: &Path, out: &Path, disk: &Disk, changes: Changes<'_>) -> Result<(), String> {
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
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => return Err(in_words(out, &error)),
    }
    let parent = out.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::create_dir_all(parent).map_err(|error| in_words(parent, &error))?;
    // Beside it, so that a rename makes it what it is to be.
    let new = tempfile::Builder::new().prefix(".pgconflint-").tempdir_in(parent);
    let new = new.map_err(|error| in_words(parent, &error))?;
    let own = files::access(new.path()).map_err(|error| in_words(new.path(), &error))?;
    let kept = |access: Access| match own.uid {
        0 => access,
        // Only root may give files away.
        _ => Access { mode: access.mode, ..own },
    };
    fill(plan, node, new.path(), disk, &kept, changes)?;
    changes.give_directory(new.path(), kept(owner(plan, disk, node)))?;
    changes.rename(new.path(), out)?;
    // It has another name now.
    let _ = new.keep();
    Ok(())
}

/// Makes the files below the new directory, each as `kept` makes of what it was.
fn fill(
    plan: &Plan,
    node: &Path,
    top: &Path,
    disk: &Disk,
    kept: &dyn Fn(Access) -> Access,
    changes: Changes<'_>,
) -> Result<(), String> {
    let new_file = kept(owner(plan, disk, node));
    for (path, bytes) in &plan.files {
        let path_out = top.join(below(path, node));
        let mut missing = Vec::new();
        let mut directory = path_out.parent().unwrap_or(top);
        while directory.starts_with(top) && !directory.is_dir() {
            missing.push(directory.to_owned());
            directory = directory.parent().unwrap_or(top);
        }
        for directory in missing.iter().rev() {
            changes.make_directory(directory, new_file)?;
        }
        let old = disk.resolve(path).ok().and_then(|path| files::access(&path).ok());
        changes.make_file(&path_out, bytes, old.map_or(new_file, kept))?;
    }
    File::open(top)
        .and_then(|top| top.sync_all())
        .map_err(|error| format!("{}: {}", top.display(), files::words(&error)))
}

/// Of what is new: as in the data directory, or in the node where that is not here.
fn owner(plan: &Plan, disk: &Disk, node: &Path) -> Access {
    let of = |path: &Path| new_access(&disk.resolve(path).ok()?).ok();
    let nobody = Access { mode: 0o600, uid: 0, gid: 0 };
    of(&plan.data).or_else(|| of(node)).or_else(|| new_access(Path::new(".")).ok()).unwrap_or(nobody)
}

/// The path of a file below the new directory.
fn below(path: &Path, node: &Path) -> PathBuf {
    let inside = inside(path, node).unwrap_or_else(|| simple(path));
    inside.components().filter(|part| matches!(part, Component::Normal(_))).collect()
}

/// The path of a file within the node; nothing where it lies elsewhere.
fn inside(path: &Path, node: &Path) -> Option<PathBuf> {
    simple(path).strip_prefix(simple(node)).ok().map(Path::to_owned)
}

/// A whole path without `.` and `..`.
fn simple(path: &Path) -> PathBuf {
    let whole = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let mut parts: Vec<OsString> = Vec::new();
    for part in whole.components() {
        match part {
            Component::ParentDir if parts.len() > 1 => drop(parts.pop()),
            Component::ParentDir | Component::CurDir => {}
            part => parts.push(part.as_os_str().to_owned()),
        }
    }
    parts.iter().collect()
}

/// Whether the new directory would lie within the data directory, where a server, and whoever copies it, takes all for
/// its own.
///
/// # Errors
/// It would.
pub fn outside(home: &Path, out: &Path, shown: &str) -> Result<(), String> {
    let out = simple(out);
    let there = out.ancestors().find_map(|above| fs::canonicalize(above).ok());
    match there.is_some_and(|there| there.starts_with(home)) {
        true => Err(format!("{shown}: it lies in the data directory, which is to stay as it is: name another place")),
        false => Ok(()),
    }
}

/// Files that change and lie elsewhere than the node: the settings of what is written lead to the old ones still.
pub fn elsewhere(plan: &Plan, node: &Path, files: &dyn Files) -> Vec<Told> {
    let changed = plan.steps.iter().filter(|step| matches!(step.action, Action::Edit | Action::Create));
    let is_there = |path: &Path| !matches!(files.read(path), Err(ReadError::Missing));
    let changed = changed.filter(|step| inside(&step.path, node).is_none() && is_there(&step.path));
    let told = changed.map(|step| {
        let text = format!(
            "it lies outside of the node, whose settings lead here: what becomes of it is written as {} below the new \
             directory, and is to be put in its place before the server starts",
            below(&step.path, node).display()
        );
        Told::of(&step.path, text)
    });
    told.collect()
}
