//! From a plan to operations on the disk, in the order in which no server ever starts on half of them.
//!
//! ```text
//! signal files | postgresql.auto.conf barred | all other files | postgresql.auto.conf as planned | recovery.conf renamed
//! back to 11:    postgresql.auto.conf barred | recovery.conf, all other files | … as planned | signal files renamed
//! ```
//!
//! Up to the bar a server acts as before: the old one reads no signal file, the new one does not start beside
//! recovery.conf. Behind it none starts. Without the bar only recovery.conf is left, beside which the new one does not
//! start, and the old one refuses the names in postgresql.auto.conf. Back to 11 there is nothing before the bar, and
//! behind it recovery.conf is there, beside which no server from 12 on starts, and signal files, which 11 does not heed.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::files::{self, Access, Disk, sha256};
use crate::migrate::manifest::{Operation, State, barred};
use crate::migrate::{Action, Plan, Step};
use crate::names;
use crate::version::Major;

/// Operations, and what the files hold by the sum of it.
#[derive(Debug, Default)]
pub struct Draft {
    /// In the order in which they are done.
    pub operations: Vec<Operation>,
    /// By their sums.
    pub copies: BTreeMap<String, Arc<[u8]>>,
}

/// Where the files of a plan lie.
#[derive(Clone, Copy)]
pub struct Disks<'a> {
    /// The disk.
    pub disk: &'a Disk,
    /// The working directory.
    pub directory: &'a Path,
}

impl Disks<'_> {
    /// The file itself, every link on the way followed; the last one only if `follow` says so.
    pub fn real(&self, path: &Path, follow: bool) -> Result<PathBuf, String> {
        let path = self.directory.join(path);
        let in_words = |error: &dyn ToString| format!("{}: {}", path.display(), error.to_string());
        let is_link = fs::symlink_metadata(&path).is_ok_and(|entry| entry.is_symlink());
        if follow && (is_link || self.disk.root.is_some()) {
            let resolved = self.disk.resolve(&path).map_err(|error| in_words(&error))?;
            return if is_link && self.disk.root.is_none() {
                fs::canonicalize(&resolved).map_err(|error| in_words(&files::words(&error)))
            } else {
                Ok(resolved)
            };
        }
        let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
            return Err(in_words(&"it is no file"));
        };
        let parent = self.disk.resolve(parent).map_err(|error| in_words(&error))?;
        let parent = fs::canonicalize(parent).map_err(|error| in_words(&files::words(&error)))?;
        Ok(parent.join(name))
    }
}

/// The operations of a plan; `see` is where a reader of the bar is sent.
///
/// # Errors
/// A file that is not as the plan has read it, or cannot be looked at.
pub fn operations(plan: &Plan, disks: Disks<'_>, home: &Path, see: &str) -> Result<Draft, String> {
    let auto = disks.real(&plan.data.join(names::AUTO_CONF), true);
    let access = new_access(home)?;
    let (mut first, mut middle, mut last) = (Draft::default(), Draft::default(), Draft::default());
    let mut auto_step = None;
    let is_back = plan.to < Major::V12;
    for step in plan.steps.iter().filter(|step| step.action != Action::Keep) {
        let is_named = |name: &str| step.path.file_name().is_some_and(|file| file == name);
        let is_signal = is_named(names::STANDBY_SIGNAL) || is_named(names::RECOVERY_SIGNAL);
        let operation = operation(step, disks, access)?;
        let draft = match &step.action {
            Action::Rename(_) if is_named(names::RECOVERY_CONF) => &mut last,
            // Back to 11: what made it a standby goes once recovery.conf does.
            Action::Rename(_) if is_back && is_signal => &mut last,
            Action::Create if is_signal && !is_back => &mut first,
            _ if auto.as_ref() == Ok(&operation.path) => {
                auto_step = Some((operation, step));
                continue;
            }
            _ => &mut middle,
        };
        draft.add(operation, step.old.as_ref(), step.new.as_ref());
    }
    let count = first.operations.len() + middle.operations.len() + last.operations.len();
    let needs_bar = count > usize::from(auto_step.is_none());
    match (auto, auto_step) {
        (Ok(auto), auto_step) if needs_bar => bar(auto, auto_step, access, see, (&mut first, &mut middle))?,
        // No data directory: no server starts here.
        (_, Some((operation, step))) => middle.add(operation, step.old.as_ref(), step.new.as_ref()),
        (_, None) => {}
    }
    first.append(middle);
    first.append(last);
    Ok(first)
}

impl Draft {
    fn add(&mut self, operation: Operation, old: Option<&Arc<[u8]>>, new: Option<&Arc<[u8]>>) {
        // A file that gets another name is its own copy.
        if operation.to.is_none() {
            for (state, bytes) in [(&operation.before, old), (&operation.after, new)] {
                if let (Some(state), Some(bytes)) = (state, bytes) {
                    self.copies.insert(state.sha256.clone(), Arc::clone(bytes));
                }
            }
        }
        self.operations.push(operation);
    }

    fn append(&mut self, mut other: Draft) {
        self.operations.append(&mut other.operations);
        self.copies.append(&mut other.copies);
    }
}

fn operation(step: &Step, disks: Disks<'_>, access: Access) -> Result<Operation, String> {
    let is_rename = matches!(step.action, Action::Rename(_));
    let path = disks.real(&step.path, !is_rename)?;
    let before = files::state(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    if before.as_ref().map(|state| state.sha256.as_str()) != step.old.as_deref().map(sha256).as_deref() {
        return Err(changed(&path));
    }
    let to = match &step.action {
        Action::Rename(to) => Some(path.with_file_name(to.file_name().unwrap_or_default())),
        _ => None,
    };
    let after = step.new.as_deref().map(|new| {
        let Access { mode, uid, gid } = before.as_ref().map_or(access, accessed);
        State { sha256: sha256(new), mode, uid, gid }
    });
    Ok(Operation { path, to, before, after })
}

/// Raises the bar at the end of the first draft, and lowers it at the end of the second.
fn bar(
    path: PathBuf,
    step: Option<(Operation, &Step)>,
    access: Access,
    see: &str,
    (first, second): (&mut Draft, &mut Draft),
) -> Result<(), String> {
    let (before, old, after, new) = match step {
        Some((operation, step)) => (operation.before, step.old.clone(), operation.after, step.new.clone()),
        None => {
            let now = files::state(&path).map_err(|error| format!("{}: {error}", path.display()))?;
            let bytes = now.as_ref().map(|_| read(&path)).transpose()?;
            (now.clone(), bytes.clone(), now, bytes)
        }
    };
    let bytes: Arc<[u8]> = Arc::from(barred(old.as_deref().unwrap_or_default(), see));
    let Access { mode, uid, gid } = before.as_ref().map_or(access, accessed);
    let between = Some(State { sha256: sha256(&bytes), mode, uid, gid });
    let raise = Operation { path: path.clone(), to: None, before, after: between.clone() };
    let lower = Operation { path, to: None, before: between, after };
    first.add(raise, old.as_ref(), Some(&bytes));
    second.add(lower, Some(&bytes), new.as_ref());
    Ok(())
}

/// How a state may be used.
pub fn accessed(state: &State) -> Access {
    Access { mode: state.mode, uid: state.uid, gid: state.gid }
}

/// Of new files: the owner of the data directory, and its group too where that may read the directory.
pub fn new_access(data: &Path) -> Result<Access, String> {
    let directory = files::access(data).map_err(|error| format!("{}: {}", data.display(), files::words(&error)))?;
    let mode = if directory.mode & 0o050 == 0o050 { 0o640 } else { 0o600 };
    Ok(Access { mode, ..directory })
}

/// The words for a file that is not what it was.
pub fn changed(path: &Path) -> String {
    format!("{} has been changed since it was read: nothing is written over it", path.display())
}

fn read(path: &Path) -> Result<Arc<[u8]>, String> {
    fs::read(path).map(Arc::from).map_err(|error| format!("{}: {}", path.display(), files::words(&error)))
}
