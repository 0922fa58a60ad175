//! What a migration in place does, one rename after the other, and how far it has come.
//!
//! Each operation takes one file from one known state to the next. What is to be done still, or to be undone, is read
//! off the files themselves: a crash leaves every file in one of its states, and a file in none of them was changed by
//! somebody else.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// What no server knows: with it in postgresql.auto.conf none starts, and none heeds a reload.
pub const BAR: &str = "pgconflint_migration_is_not_finished";

/// A migration in place, as its manifest keeps it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Manifest {
    /// 1
    pub schema_version: u32,
    /// The version of the program that made it.
    pub tool: String,
    /// The major that the node comes from.
    pub from: String,
    /// The major that it goes to.
    pub to: String,
    /// The directory in which it is kept. A copy of that directory has nothing to do with it.
    pub home: PathBuf,
    /// What is being done, or has been.
    pub status: Status,
    /// In this order; undone in the other.
    pub operations: Vec<Operation>,
    /// Every file that the plan was made of.
    pub inputs: Vec<Input>,
}

/// What is being done, or has been.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// The operations are being done.
    Writing,
    /// All of them are done.
    Written,
    /// They are being undone.
    Undoing,
}

/// One change of one file, done by one rename.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Operation {
    /// The file itself, links resolved.
    pub path: PathBuf,
    /// Its other name, if all that it gets is another name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<PathBuf>,
    /// What it was; nothing if it was not there.
    pub before: Option<State>,
    /// What it is then; nothing if it is not there then.
    pub after: Option<State>,
}

/// A file at a time. A copy of what it holds lies beside the manifest, under the name of its sum.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct State {
    /// Of its bytes.
    pub sha256: String,
    /// Permission bits.
    #[serde(with = "octal")]
    pub mode: u32,
    /// Its owner.
    pub uid: u32,
    /// Its group.
    pub gid: u32,
}

/// What reading a path came to when the plan was made.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Input {
    /// As the plan names it.
    pub path: PathBuf,
    /// What was there.
    #[serde(flatten)]
    pub found: Found,
}

/// What was there.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "found", rename_all = "kebab-case")]
pub enum Found {
    /// A file.
    File(State),
    /// A directory, and its files that `include_dir` reads.
    Directory {
        /// Their names, sorted.
        names: Vec<String>,
    },
    /// Nothing.
    Nothing,
    /// Something that cannot be read.
    Unreadable {
        /// The reason.
        why: String,
    },
}

/// Which way the operations are taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Way {
    /// Done.
    Forward,
    /// Undone.
    Back,
}

impl Manifest {
    /// Every path that the operations touch.
    pub fn paths(&self) -> impl Iterator<Item = &Path> {
        self.operations
            .iter()
            .flat_map(|operation| std::iter::once(operation.path.as_path()).chain(operation.to.as_deref()))
    }

    /// The operations that are left on a way, in the order of that way; `now` has the sum of each path that is there.
    ///
    /// # Errors
    /// The files that are in none of their states: somebody else has changed them.
    pub fn left(&self, way: Way, now: &BTreeMap<PathBuf, String>) -> Result<Vec<usize>, Vec<PathBuf>> {
        let mut changed: Vec<PathBuf> = Vec::new();
        let mut is_done = Vec::with_capacity(self.operations.len());
        for (index, operation) in self.operations.iter().enumerate() {
            let done = match &operation.to {
                Some(to) => renamed(operation, to, now),
                None => self.position(operation, way, now).map(|position| position > self.rank(index)),
            };
            if done.is_none() && !changed.contains(&operation.path) {
                changed.push(operation.path.clone());
            }
            is_done.push(done.unwrap_or_default());
        }
        if !changed.is_empty() {
            return Err(changed);
        }
        let left = (0..self.operations.len()).filter(|index| is_done[*index] == (way == Way::Back));
        Ok(match way {
            Way::Forward => left.collect(),
            Way::Back => left.rev().collect(),
        })
    }

    /// How many operations on the same file are before this one.
    fn rank(&self, index: usize) -> usize {
        let path = &self.operations[index].path;
        self.operations[..index].iter().filter(|before| before.path == *path).count()
    }

    /// How many operations on a file are done. Where two of its states are the same it is the one from which more is
    /// left: doing twice what is done harms nothing.
    fn position(&self, operation: &Operation, way: Way, now: &BTreeMap<PathBuf, String>) -> Option<usize> {
        let of_file = || self.operations.iter().filter(|other| other.path == operation.path);
        let first = of_file().next().and_then(|first| first.before.as_ref());
        let mut states = std::iter::once(first).chain(of_file().map(|operation| operation.after.as_ref()));
        let current = now.get(&operation.path);
        let is_it = |state: Option<&State>| state.map(|state| &state.sha256) == current;
        match way {
            Way::Forward => states.position(is_it),
            Way::Back => states.enumerate().filter(|(_, state)| is_it(*state)).map(|(index, _)| index).max(),
        }
    }
}

/// Whether a file has its other name; nothing where it has neither or both.
fn renamed(operation: &Operation, to: &Path, now: &BTreeMap<PathBuf, String>) -> Option<bool> {
    let sum = operation.before.as_ref().map(|state| &state.sha256);
    match (now.get(&operation.path), now.get(to)) {
        (there, None) if there == sum => Some(false),
        (None, there) if there == sum => Some(true),
        _ => None,
    }
}

/// The bytes of postgresql.auto.conf with a line that bars every start; `see` tells its reader where to look.
pub fn barred(bytes: &[u8], see: &str) -> Vec<u8> {
    let mut barred = bytes.to_vec();
    if !barred.is_empty() && !barred.ends_with(b"\n") {
        barred.push(b'\n');
    }
    barred.extend(format!("{BAR} = 'see {see}'\n").as_bytes());
    barred
}

/// Modes as people write them.
mod octal {
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serializer};

    pub fn serialize<S: Serializer>(mode: &u32, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&format!("{mode:04o}"))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
        let text = String::deserialize(deserializer)?;
        u32::from_str_radix(&text, 8).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(sum: &str) -> Option<State> {
        (sum != "-").then(|| State { sha256: sum.to_owned(), mode: 0o600, uid: 1, gid: 2 })
    }

    fn operation(path: &str, to: Option<&str>, before: &str, after: &str) -> Operation {
        Operation { path: path.into(), to: to.map(PathBuf::from), before: state(before), after: state(after) }
    }

    /// A signal file, postgresql.auto.conf barred and not, a file in between, and recovery.conf.
    fn manifest() -> Manifest {
        let operations = vec![
            operation("signal", None, "-", "empty"),
            operation("auto", None, "old", "barred"),
            operation("conf", None, "old", "new"),
            operation("auto", None, "barred", "new"),
            operation("recovery", Some("backup"), "old", "-"),
        ];
        let (from, to) = ("11".to_owned(), "16".to_owned());
        let (tool, home, inputs) = (String::new(), PathBuf::new(), Vec::new());
        Manifest { schema_version: 1, tool, from, to, home, status: Status::Writing, operations, inputs }
    }

    fn left(way: Way, now: &[(&str, &str)]) -> Result<Vec<usize>, Vec<String>> {
        let now = now.iter().map(|(path, sum)| (PathBuf::from(path), (*sum).to_owned())).collect();
        manifest().left(way, &now).map_err(|paths| paths.iter().map(|path| path.display().to_string()).collect())
    }

    #[test]
    fn files_tell_how_far_it_has_come() {
        let start = [("auto", "old"), ("conf", "old"), ("recovery", "old")];
        let middle = [("signal", "empty"), ("auto", "barred"), ("conf", "new"), ("recovery", "old")];
        let end = [("signal", "empty"), ("auto", "new"), ("conf", "new"), ("backup", "old")];
        assert_eq!(left(Way::Forward, &start), Ok(vec![0, 1, 2, 3, 4]));
        assert_eq!(left(Way::Back, &start), Ok(vec![]));
        assert_eq!(left(Way::Forward, &middle), Ok(vec![3, 4]));
        assert_eq!(left(Way::Back, &middle), Ok(vec![2, 1, 0]));
        assert_eq!(left(Way::Forward, &end), Ok(vec![]));
        assert_eq!(left(Way::Back, &end), Ok(vec![4, 3, 2, 1, 0]));
    }

    #[test]
    fn what_others_changed_is_named() {
        let named = |paths: &[&str]| Err(paths.iter().map(|path| (*path).to_owned()).collect());
        let two = [("signal", "empty"), ("auto", "other"), ("conf", "new"), ("recovery", "old"), ("backup", "old")];
        assert_eq!(left(Way::Back, &two), named(&["auto", "recovery"]));
        // A server that was promoted has taken its signal file away: that is how it was before, but conf is gone.
        assert_eq!(left(Way::Back, &[("auto", "new"), ("backup", "old")]), named(&["conf"]));
    }

    #[test]
    fn a_file_that_is_as_it_was_is_taken_the_long_way() {
        let mut same = manifest();
        same.operations[3].after = state("old");
        let now = [("auto", "old"), ("conf", "new"), ("backup", "old"), ("signal", "empty")];
        let now = now.iter().map(|(path, sum)| (PathBuf::from(path), (*sum).to_owned())).collect();
        assert_eq!(same.left(Way::Forward, &now), Ok(vec![1, 3]));
        assert_eq!(same.left(Way::Back, &now), Ok(vec![4, 3, 2, 1, 0]));
    }

    #[test]
    fn the_bar_is_a_line_of_its_own() {
        assert_eq!(barred(b"", "x"), format!("{BAR} = 'see x'\n").as_bytes());
        assert_eq!(barred(b"a = 1", "x"), format!("a = 1\n{BAR} = 'see x'\n").as_bytes());
        assert_eq!(barred(b"a = 1\n", "x"), format!("a = 1\n{BAR} = 'see x'\n").as_bytes());
    }

    #[test]
    fn a_manifest_is_read_as_it_is_written() {
        let mut manifest = manifest();
        let found = [
            Found::Nothing,
            Found::File(state("a").expect("a state")),
            Found::Directory { names: vec!["a.conf".to_owned()] },
            Found::Unreadable { why: "denied".to_owned() },
        ];
        manifest.inputs = found.into_iter().map(|found| Input { path: "x".into(), found }).collect();
        let text = serde_json::to_string_pretty(&manifest).expect("it can be written");
        assert!(text.contains("\"mode\": \"0600\""), "{text}");
        assert_eq!(serde_json::from_str::<Manifest>(&text).expect("it can be read"), manifest);
    }
}
