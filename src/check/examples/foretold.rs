//! What is found in an example of a primary and its standbys, and what is foretold of them.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::ExampleFiles;
use super::pair::{Node as Server, PRIMARY, Ports, Setup};
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
pub fn check(setup: &Setup, ports: &Ports, rules: &Rules, version: PgVersion) -> Result<Outcome, String> {
    let files = SetupFiles { setup, files: ExampleFiles::of_pair(setup, ports) };
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
                wal_segment_size: None,
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

/// The files of an example, and what an initdb makes.
struct SetupFiles<'a> {
    setup: &'a Setup,
    files: ExampleFiles,
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
        match self.control(path) {
            Some(control) => Ok(Arc::from(control)),
            None => self.files.read(path),
        }
    }

    fn list(&self, directory: &Path) -> Result<Vec<(Vec<u8>, bool)>, ReadError> {
        self.files.list(directory)
    }

    fn mode(&self, path: &Path) -> Option<u32> {
        self.files.mode(path)
    }
}
