//! What is found in an example of a primary and its standbys, and what is foretold of them.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::pair::{Node as Server, PRIMARY, Setup};
use crate::check::Rules;
use crate::check::group::{Member, Node, Outcome, group};
use crate::model::control;
use crate::names;

use crate::source::{Files, ReadError};
use crate::version::{PgVersion, Role, Targets};

/// Names the node that a standby follows, where that is not the primary.
const UPSTREAM: &str = "upstream";

/// Checks an example: every standby follows the primary, unless its file `upstream` names another node.
///
/// # Errors
/// A version that is not checked against.
pub fn check(setup: &Setup, root: &str, rules: &Rules, version: PgVersion) -> Result<Outcome, String> {
    let files = SetupFiles { setup, root };
    let mut members = Vec::with_capacity(setup.nodes.len());
    for server in &setup.nodes {
        // A node of another major is one of the newest minor that is known.
        let version = if server.major == version.major { version } else { PgVersion::newest(server.major) };
        members.push(Member {
            node: Node {
                path: PathBuf::from(&server.name),
                file: None,
                data_dir: None,
                targets: Targets::one(version).map_err(|error| error.to_string())?,
                role: Some(if server.name == PRIMARY { Role::Primary } else { Role::Standby }),
            },
            name: server.name.clone(),
            upstream: upstream(setup, server),
            addresses: Vec::new(),
        });
    }
    Ok(group(&files, &members, rules, &|_| true))
}

fn upstream(setup: &Setup, server: &Server) -> Option<usize> {
    let index = |name: &str| setup.nodes.iter().position(|node| node.name == name);
    if server.name == PRIMARY {
        return None;
    }
    let said = setup.files.get(&PathBuf::from(format!("{}/{UPSTREAM}", server.name)));
    let said = said.and_then(|(text, _)| index(String::from_utf8_lossy(text).trim()));
    said.or_else(|| index(PRIMARY))
}

/// The files of an example, by relative paths and by those below its root.
struct SetupFiles<'a> {
    setup: &'a Setup,
    root: &'a str,
}

impl SetupFiles<'_> {
    fn relative<'p>(&self, path: &'p Path) -> &'p Path {
        path.strip_prefix(self.root).unwrap_or(path)
    }
}

/// The identifier of the primary and of its copies; that of others is another one.
const IDENTIFIER: u64 = 7_000_000_000_000_000_000;

impl SetupFiles<'_> {
    /// What an initdb leaves in the data directory of a node.
    fn control(&self, path: &Path) -> Option<Vec<u8>> {
        let (index, node) = self.setup.nodes.iter().enumerate().find(|(_, node)| path.starts_with(&node.name))?;
        if node.has_no_data || path.strip_prefix(&node.name) != Ok(Path::new(names::PG_CONTROL)) {
            return None;
        }
        let has_own = node.has_own_initdb || self.setup.nodes.first().is_some_and(|first| first.major != node.major);
        control::blank(node.major, if has_own { IDENTIFIER + index as u64 } else { IDENTIFIER })
    }
}

impl Files for SetupFiles<'_> {
    fn read(&self, path: &Path) -> Result<Arc<[u8]>, ReadError> {
        let path = self.relative(path);
        if let Some(control) = self.control(path) {
            return Ok(Arc::from(control));
        }
        match self.setup.files.get(path) {
            Some((_, Some(0))) => Err(ReadError::Denied),
            Some((bytes, _)) => Ok(Arc::from(bytes.as_slice())),
            None if self.list(path).is_ok() => Err(ReadError::IsDirectory),
            None => Err(ReadError::Missing),
        }
    }

    fn list(&self, directory: &Path) -> Result<Vec<(Vec<u8>, bool)>, ReadError> {
        let directory = self.relative(directory);
        if self.setup.files.contains_key(directory) {
            return Err(ReadError::NotDirectory);
        }
        let first = |path: &PathBuf, is_directory: bool| {
            let rest = path.strip_prefix(directory).ok()?;
            let name = rest.components().next()?.as_os_str().as_encoded_bytes().to_vec();
            Some((name, is_directory || rest.components().count() > 1))
        };
        let mut entries: Vec<(Vec<u8>, bool)> = self.setup.files.keys().filter_map(|path| first(path, false)).collect();
        entries.extend(self.setup.empty.iter().filter_map(|path| first(path, true)));
        entries.sort();
        entries.dedup();
        let is_there = !entries.is_empty() || self.setup.empty.contains(directory);
        if is_there { Ok(entries) } else { Err(ReadError::Missing) }
    }

    fn mode(&self, path: &Path) -> Option<u32> {
        self.setup.files.get(self.relative(path)).and_then(|(_, mode)| *mode)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::names;

    #[test]
    fn directories_list_what_is_in_them() {
        let mut setup = Setup { files: Default::default(), empty: Default::default(), nodes: Vec::new() };
        setup.files.insert(PathBuf::from("a/b/c"), (b"x".to_vec(), None));
        setup.empty.insert(PathBuf::from("a").join(names::PG_REPLSLOT));
        let files = SetupFiles { setup: &setup, root: "/pair" };
        let slots = names::PG_REPLSLOT.as_bytes().to_vec();
        assert_eq!(files.list(Path::new("/pair/a")), Ok(vec![(b"b".to_vec(), true), (slots, true)]));
        assert_eq!(files.list(&Path::new("a").join(names::PG_REPLSLOT)), Ok(Vec::new()));
        assert_eq!(files.read(Path::new("a/b/c")).as_deref(), Ok(&b"x"[..]));
        assert_eq!(files.list(Path::new("a/x")), Err(ReadError::Missing));
    }
}
