//! PLACEHOLDER of the core: reads the files of a node and finds nothing. What it offers is what `run` relies on.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::finding::Finding;
use crate::source::{FileId, FileKind, Files, ReadError, Source, Sources};
use crate::suppress;
use crate::version::{Role, Targets};

/// All rules that may run: those that are built in, and pages of one's own.
#[derive(Debug, Default)]
pub struct Rules {
    own: Vec<String>,
}

impl Rules {
    /// The rules with pages of one's own: each its path and text.
    ///
    /// # Errors
    /// What is wrong with a page, with its path and line.
    pub fn new(own: &[(PathBuf, Arc<[u8]>)]) -> Result<Rules, Vec<String>> {
        let id = |path: &Path| path.file_stem().map(|stem| stem.to_string_lossy().into_owned());
        Ok(Rules { own: own.iter().filter_map(|(path, _)| id(path)).collect() })
    }

    /// Every id.
    pub fn ids(&self) -> Vec<&str> {
        let own = self.own.iter().map(String::as_str);
        [suppress::UNUSED, suppress::UNKNOWN].into_iter().chain(own).collect()
    }

    /// Whether a rule can fire at all for these versions and this role; if not, suppressing it is never useless.
    pub fn applies(&self, _rule: &str, _targets: &Targets, _role: Option<Role>) -> bool {
        true
    }
}

/// What is to be checked.
#[derive(Clone, Debug)]
pub struct Node {
    /// A directory, or the one file that `file` is the kind of.
    pub path: PathBuf,
    /// Set for a lone file.
    pub file: Option<FileKind>,
    /// Where the data lies, if it is known to lie elsewhere.
    pub data_dir: Option<PathBuf>,
    /// The versions to check against.
    pub targets: Targets,
    /// None if it may be either.
    pub role: Option<Role>,
}

/// What was found.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Every file that was read.
    pub sources: Sources,
    /// In any order; comments in the files are not yet heeded.
    pub findings: Vec<Finding>,
    /// How many files were checked, not only read.
    pub files: usize,
    /// Files that are there and cannot be read.
    pub errors: Vec<(PathBuf, ReadError)>,
}

/// Checks a node with the rules that are `enabled`.
pub fn node(files: &dyn Files, node: &Node, _rules: &Rules, _enabled: &dyn Fn(&str) -> bool) -> Outcome {
    let mut outcome = Outcome::default();
    for (path, kind) in members(node) {
        match files.read(&path) {
            Ok(bytes) => {
                let _: FileId = outcome.sources.add(Source::new(path, kind, bytes));
                outcome.files += 1;
            }
            Err(ReadError::Missing) if node.file.is_none() => {}
            Err(error) => outcome.errors.push((path, error)),
        }
    }
    outcome
}

/// The value of a setting in one file, the last one if there are several, includes not followed.
pub fn setting(bytes: &[u8], name: &str) -> Option<Vec<u8>> {
    let mut value = None;
    for line in bytes.split(|byte| *byte == b'\n') {
        let line = line.trim_ascii();
        let length = line.iter().take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'_').count();
        if line[..length].eq_ignore_ascii_case(name.as_bytes()) {
            let rest = line[length..].trim_ascii_start();
            let rest = rest.strip_prefix(b"=").unwrap_or(rest).trim_ascii_start();
            let end = if rest.first() == Some(&b'\'') { b'\'' } else { b' ' };
            let rest = rest.strip_prefix(b"'").unwrap_or(rest);
            let length = rest.iter().position(|byte| *byte == end || *byte == b'#').unwrap_or(rest.len());
            value = Some(rest[..length].to_vec());
        }
    }
    value
}

fn members(node: &Node) -> Vec<(PathBuf, FileKind)> {
    if let Some(kind) = node.file {
        return vec![(node.path.clone(), kind)];
    }
    let member = |(name, kind): (&str, FileKind)| (node.path.join(name), kind);
    [
        ("postgresql.conf", FileKind::Conf),
        ("postgresql.auto.conf", FileKind::Conf),
        ("pg_hba.conf", FileKind::Hba),
        ("pg_ident.conf", FileKind::Ident),
        ("recovery.conf", FileKind::Recovery),
    ]
    .map(member)
    .to_vec()
}
