//! A migration in place: begun, gone on with, undone. What is to be done stands in a manifest in the data directory.
//!
//! ```text
//! begin: copies, manifest.written, then manifest.json | each file made ready beside its place | one rename after the other | "written"
//! ```

use std::collections::BTreeMap;
use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};

use super::operations::{Draft, accessed, changed};
use crate::files::{self, Access, Changes};
use crate::migrate::manifest::{Manifest, Operation, State, Status, Way};

/// What the directories that keep a migration are called, a number behind it.
const PREFIX: &str = "pgconflint-migration-";
/// What is in them beside copies.
const MANIFEST: &str = "manifest.json";
/// What it will be once all is done.
const WRITTEN: &str = "manifest.written";

/// A migration whose manifest is there.
#[derive(Clone, Debug)]
pub struct Migration {
    /// The directory that keeps it.
    pub directory: PathBuf,
    number: u32,
    /// What it does.
    pub manifest: Manifest,
}

/// What is kept of migrations in a data directory.
#[derive(Debug, Default)]
pub struct Kept {
    /// The last one.
    pub newest: Option<Migration>,
    /// What is left of runs that ended before they had changed anything, or after everything was undone.
    pub rubble: Vec<PathBuf>,
    next: u32,
}

impl Kept {
    /// The last one, if it is neither done nor undone.
    pub fn unfinished(&self) -> Option<&Migration> {
        self.newest.as_ref().filter(|newest| newest.manifest.status != Status::Written)
    }

    /// The name of the directory of the next one.
    pub fn next(&self) -> String {
        format!("{PREFIX}{}", self.next)
    }
}

/// Why an operation was not done.
enum Failure {
    /// The file is not what it was: somebody else has changed it.
    Changed(String),
    /// It could not be done.
    Failed(String),
}

/// Keeps every other migration out until it is dropped; the system takes it back from a process that ends.
///
/// # Errors
/// Another one is at work.
pub fn lock(home: &Path) -> Result<File, String> {
    let in_words = |error: &std::io::Error| format!("{}: {}", home.display(), files::words(error));
    let directory = File::open(home).map_err(|error| in_words(&error))?;
    match directory.try_lock() {
        Ok(()) => Ok(directory),
        Err(TryLockError::WouldBlock) => {
            Err(format!("{}: another migration is at work here: wait until it has ended", home.display()))
        }
        Err(TryLockError::Error(error)) => {
            Err(format!("{}: no other migration can be kept out: {}", home.display(), files::words(&error)))
        }
    }
}

/// Looks for what is kept.
///
/// # Errors
/// The directory or a manifest cannot be read.
pub fn kept(home: &Path) -> Result<Kept, String> {
    let mut kept = Kept { next: 1, ..Kept::default() };
    let in_words = |path: &Path, error: &dyn ToString| format!("{}: {}", path.display(), error.to_string());
    let entries = match fs::read_dir(home) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(kept),
        Err(error) => return Err(in_words(home, &files::words(&error))),
    };
    for entry in entries {
        let entry = entry.map_err(|error| in_words(home, &files::words(&error)))?;
        let name = entry.file_name();
        let number = name.to_str().and_then(|name| name.strip_prefix(PREFIX)?.parse::<u32>().ok());
        let Some(number) = number else { continue };
        kept.next = kept.next.max(number.saturating_add(1));
        let directory = entry.path();
        let path = directory.join(MANIFEST);
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                kept.rubble.push(directory);
                continue;
            }
            Err(error) => return Err(in_words(&path, &files::words(&error))),
        };
        let manifest: Manifest = serde_json::from_slice(&bytes).map_err(|error| in_words(&path, &error))?;
        if manifest.schema_version != 1 {
            return Err(in_words(&path, &"a later pgconflint made it, and only that one can read it"));
        }
        // A copy of a data directory must not lead to the files of its original.
        if manifest.home != home {
            continue;
        }
        if kept.newest.as_ref().is_none_or(|newest| newest.number < number) {
            kept.newest = Some(Migration { directory, number, manifest });
        }
    }
    Ok(kept)
}

/// Clears away what is left of runs that have changed nothing.
///
/// # Errors
/// Something cannot be removed, or is not what such a run leaves.
pub fn clear(directory: &Path, changes: Changes<'_>) -> Result<(), String> {
    let in_words = |error: &std::io::Error| format!("{}: {}", directory.display(), files::words(error));
    let mut paths = Vec::new();
    for entry in fs::read_dir(directory).map_err(|error| in_words(&error))? {
        paths.push(entry.map_err(|error| in_words(&error))?.path());
    }
    if let Some(other) = paths.iter().find(|path| !is_kept(path)) {
        return Err(format!("{}: no migration has put it there: move it elsewhere", other.display()));
    }
    // Without its manifest it is rubble whatever comes.
    paths.sort_by_key(|path| (!path.ends_with(MANIFEST), path.clone()));
    for path in paths {
        changes.remove(&path)?;
    }
    changes.remove_directory(directory)
}

/// Whether a file is a manifest or a copy.
fn is_kept(path: &Path) -> bool {
    let name = path.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
    name.starts_with("manifest.") || name.len() == 64 && name.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Does all the operations of a draft, or none.
///
/// # Errors
/// Why, and how it is left.
pub fn write(
    home: &Path,
    kept: &Kept,
    draft: &Draft,
    manifest: Manifest,
    changes: Changes<'_>,
) -> Result<Migration, String> {
    for rubble in &kept.rubble {
        clear(rubble, changes)?;
    }
    let mut migration = Migration { directory: home.join(kept.next()), number: kept.next, manifest };
    if let Err(error) = migration.begin(home, draft, changes) {
        return Err(match clear(&migration.directory, changes) {
            Err(second) if migration.directory.is_dir() => {
                format!("{error}; nothing is changed, but what is left cannot be cleared away: {second}")
            }
            _ => format!("{error}; nothing is changed"),
        });
    }
    let left: Vec<usize> = (0..migration.manifest.operations.len()).collect();
    let Err((index, failure)) = migration.go(&left, Way::Forward, changes) else { return Ok(migration) };
    let (error, begun) = match failure {
        Failure::Changed(error) => (error, &left[..index]),
        Failure::Failed(error) => (error, &left[..left.len().min(index + 1)]),
    };
    match migration.undo(begun, changes) {
        Ok(()) => Err(format!("{error}; everything is as it was before")),
        Err(second) => Err(format!("{error}; and it could not be undone: {second}. {}", migration.told())),
    }
}

impl Migration {
    /// Copies of all that is to be written, before and after; then the manifest, which makes it a migration.
    fn begin(&mut self, home: &Path, draft: &Draft, changes: Changes<'_>) -> Result<(), String> {
        let owner = self.owner(home)?;
        changes.make_directory(&self.directory, owner)?;
        for (sum, bytes) in &draft.copies {
            changes.make_file(&self.directory.join(sum), bytes, owner)?;
        }
        // On a full disk it still can take the name of the other.
        self.write_manifest(Status::Written, WRITTEN, changes)?;
        self.save(Status::Writing, changes)
    }

    /// Of what lies beside the manifest: it may hold passwords.
    fn owner(&self, of: &Path) -> Result<Access, String> {
        let access = files::access(of).map_err(|error| format!("{}: {}", of.display(), files::words(&error)))?;
        Ok(Access { mode: 0o600, ..access })
    }

    fn save(&mut self, status: Status, changes: Changes<'_>) -> Result<(), String> {
        const NEW: &str = "manifest.new";
        self.write_manifest(status, NEW, changes)?;
        changes.rename(&self.directory.join(NEW), &self.directory.join(MANIFEST))
    }

    fn write_manifest(&mut self, status: Status, name: &str, changes: Changes<'_>) -> Result<(), String> {
        self.manifest.status = status;
        let path = self.directory.join(name);
        let text = serde_json::to_string_pretty(&self.manifest)
            .map_err(|error| format!("{}: a path in it is not UTF-8: {error}", path.display()))?;
        if path.exists() {
            changes.remove(&path)?;
        }
        changes.make_file(&path, (text + "\n").as_bytes(), self.owner(&self.directory)?)
    }

    /// All is done: the manifest that says so takes the place of the other.
    fn close(&mut self, changes: Changes<'_>) -> Result<(), String> {
        let written = self.directory.join(WRITTEN);
        if !written.exists() {
            return self.save(Status::Written, changes);
        }
        self.manifest.status = Status::Written;
        changes.rename(&written, &self.directory.join(MANIFEST))
    }

    /// How far it has come, and what can be done.
    pub fn told(&self) -> String {
        let Manifest { from, to, operations, status, .. } = &self.manifest;
        let what = match status {
            Status::Undoing => "was being undone and is not finished",
            _ => "was begun and is not finished",
        };
        let (count, how) = (operations.len(), "--write goes on with it, --rollback undoes it");
        match self.left(Way::Forward) {
            Ok(left) => format!(
                "{}: the migration from {from} to {to} {what}: {} of {count} changes are there; {how}",
                self.directory.display(),
                count - left.len()
            ),
            Err(error) => {
                format!("{}: the migration from {from} to {to} {what}, and {error}", self.directory.display())
            }
        }
    }

    /// The operations that are left on a way.
    ///
    /// # Errors
    /// The files that somebody else has changed.
    pub fn left(&self, way: Way) -> Result<Vec<usize>, String> {
        let mut now = BTreeMap::new();
        for path in self.manifest.paths() {
            let state = files::state(path).map_err(|error| format!("{}: {error}", path.display()))?;
            now.extend(state.map(|state| (path.to_owned(), state.sha256)));
        }
        let changed = match self.manifest.left(way, &now) {
            Err(changed) => changed,
            Ok(left) if self.manifest.status != Status::Written || way == Way::Forward => return Ok(left),
            // Once everything is written, what is not as it was written is somebody else's.
            Ok(left) => {
                let all = 0..self.manifest.operations.len();
                let others: Vec<PathBuf> = all
                    .filter(|index| !left.contains(index))
                    .map(|index| self.manifest.operations[index].path.clone())
                    .collect();
                if others.is_empty() {
                    return Ok(left);
                }
                others
            }
        };
        let changed: Vec<String> = changed.iter().map(|path| self.described(path, &now)).collect();
        Err(changed.join("; "))
    }

    /// A file that somebody else has changed, and where its old contents are.
    fn described(&self, path: &Path, now: &BTreeMap<PathBuf, String>) -> String {
        let what = if now.contains_key(path) { "has been changed" } else { "has vanished" };
        let operation = self.manifest.operations.iter().find(|operation| operation.path == path);
        let copy = match operation.and_then(|operation| Some((operation.before.as_ref()?, &operation.to))) {
            Some((_, Some(to))) => format!(" (it went to {})", to.display()),
            Some((before, None)) => {
                format!(" (what it held before is in {})", self.directory.join(&before.sha256).display())
            }
            None => String::new(),
        };
        format!("{} {what} since{copy}", path.display())
    }

    /// Goes on with what is left, and says so in the manifest.
    ///
    /// # Errors
    /// Why not; what was done stays.
    pub fn finish(&mut self, changes: Changes<'_>) -> Result<(), String> {
        let left = self.left(Way::Forward)?;
        self.clear_temporary(changes)?;
        self.go(&left, Way::Forward, changes).map_err(|(_, failure)| failure.into())
    }

    /// Undoes all that is done; nothing is left of it then.
    ///
    /// # Errors
    /// Why not; what was undone stays so.
    pub fn roll_back(&mut self, changes: Changes<'_>) -> Result<(), String> {
        let left = self.left(Way::Back)?;
        self.clear_temporary(changes)?;
        if !left.is_empty() {
            self.save(Status::Undoing, changes)?;
        }
        self.go(&left, Way::Back, changes).map_err(|(_, failure)| String::from(failure))?;
        clear(&self.directory, changes)
    }

    /// Undoes the operations that a run has just done; the last of them may not be done.
    fn undo(&mut self, begun: &[usize], changes: Changes<'_>) -> Result<(), String> {
        let is_done = |index: usize| {
            let operation = &self.manifest.operations[index];
            let path = operation.to.as_ref().unwrap_or(&operation.path);
            let after = if operation.to.is_some() { &operation.before } else { &operation.after };
            files::state(path).is_ok_and(|state| same(state.as_ref(), after.as_ref()))
        };
        let last = begun.last().copied();
        let done: Vec<usize> =
            begun.iter().copied().filter(|index| Some(*index) != last || is_done(*index)).rev().collect();
        // On a full disk this makes room for what comes.
        self.clear_temporary(changes)?;
        if !done.is_empty() {
            self.save(Status::Undoing, changes)?;
        }
        self.go(&done, Way::Back, changes).map_err(|(_, failure)| String::from(failure))?;
        clear(&self.directory, changes)
    }

    /// Takes operations, and says so in the manifest where that is the end of it.
    fn go(&mut self, left: &[usize], way: Way, changes: Changes<'_>) -> Result<(), (usize, Failure)> {
        for index in left {
            self.make_ready(*index, way, changes).map_err(|error| (0, Failure::Failed(error)))?;
        }
        for (at, index) in left.iter().enumerate() {
            self.take(*index, way, changes).map_err(|failure| (at, failure))?;
        }
        match way {
            Way::Forward => self.close(changes).map_err(|error| (left.len(), Failure::Failed(error))),
            Way::Back => Ok(()),
        }
    }

    /// Writes what a file is to hold beside it, so that nothing is left but to rename it.
    fn make_ready(&self, index: usize, way: Way, changes: Changes<'_>) -> Result<(), String> {
        let operation = &self.manifest.operations[index];
        let (None, Some(target)) = (&operation.to, ends(operation, way).1) else { return Ok(()) };
        let copy = self.directory.join(&target.sha256);
        let bytes = fs::read(&copy).map_err(|error| format!("{}: {}", copy.display(), files::words(&error)))?;
        if files::sha256(&bytes) != target.sha256 {
            return Err(format!("{}: it does not hold what its name says", copy.display()));
        }
        changes.make_file(&self.temporary(index), &bytes, accessed(target))
    }

    /// One rename, if the file still is what it was.
    fn take(&self, index: usize, way: Way, changes: Changes<'_>) -> Result<(), Failure> {
        let operation = &self.manifest.operations[index];
        let (origin, target) = ends(operation, way);
        let (from, to) = match (&operation.to, way) {
            (Some(to), Way::Forward) => (&operation.path, to),
            (Some(to), Way::Back) => (to, &operation.path),
            (None, _) => (&operation.path, &operation.path),
        };
        let is = |path: &Path, wanted: Option<&State>| match files::state(path) {
            Ok(state) if same(state.as_ref(), wanted) => Ok(()),
            Ok(_) => Err(Failure::Changed(changed(path))),
            Err(error) => Err(Failure::Changed(format!("{}: {error}", path.display()))),
        };
        if operation.to.is_some() {
            is(from, operation.before.as_ref())?;
            is(to, None)?;
            return changes.rename(from, to).map_err(Failure::Failed);
        }
        is(from, origin)?;
        match target {
            Some(_) => changes.rename(&self.temporary(index), to),
            None => changes.remove(to),
        }
        .map_err(Failure::Failed)
    }

    /// Beside the file, under a name that no server reads.
    fn temporary(&self, index: usize) -> PathBuf {
        self.manifest.operations[index].path.with_file_name(format!(".pgconflint-{}-{index}", self.number))
    }

    /// Removes what a run has made ready that ended before it could be used.
    fn clear_temporary(&self, changes: Changes<'_>) -> Result<(), String> {
        let paths = (0..self.manifest.operations.len()).map(|index| self.temporary(index));
        paths.filter(|path| path.exists()).try_for_each(|path| changes.remove(&path))
    }
}

impl From<Failure> for String {
    fn from(failure: Failure) -> String {
        match failure {
            Failure::Changed(error) | Failure::Failed(error) => error,
        }
    }
}

/// What an operation on a file finds and what it leaves.
fn ends(operation: &Operation, way: Way) -> (Option<&State>, Option<&State>) {
    let (before, after) = (operation.before.as_ref(), operation.after.as_ref());
    match way {
        Way::Forward => (before, after),
        Way::Back => (after, before),
    }
}

fn same(one: Option<&State>, other: Option<&State>) -> bool {
    one.map(|state| &state.sha256) == other.map(|state| &state.sha256)
}
