//! What is found in an example of a primary and its standbys, and what is foretold of them.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::ExampleFiles;
use super::pair::{Node as Server, PRIMARY, Ports, Setup};
use crate::check::Rules;
use crate::check::group::{Before, Member, Node, Outcome, group};
use crate::model::control;
use crate::names;
use crate::rule::page;

use crate::source::{Files, ReadError};
use crate::version::{PgVersion, Role, Targets};

/// Checks an example: every standby follows the node at whose port it knocks.
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
                data_is_here: false,
                targets: Targets::one(version).map_err(|error| error.to_string())?,
                wal_segment_size: None,
                before: Before::default(),
                role: Some(if server.name == PRIMARY { Role::Primary } else { Role::Standby }),
            },
            name: server.name.clone(),
            upstream: upstream(setup, ports, server),
            addresses: Vec::new(),
        });
    }
    Ok(group(&files, &members, rules, &|_| true))
}

/// The node whose port it knocks at, where that is another standby; else the primary.
fn upstream(setup: &Setup, ports: &Ports, server: &Server) -> Option<usize> {
    if server.name == PRIMARY {
        return None;
    }
    let own = setup.files.iter().filter(|(path, _)| path.starts_with(&server.name));
    let text: Vec<u8> = own.flat_map(|(_, (bytes, _))| bytes.iter().copied()).collect();
    let text = String::from_utf8_lossy(&text).into_owned();
    let knocks_at = |name: &String| {
        let port = ports.nodes.get(name).copied().unwrap_or_default();
        [format!("port={port}"), format!(":{port}/")].iter().any(|word| text.contains(word.as_str()))
    };
    let is_followed = |node: &Server| node.name != server.name && node.name != PRIMARY && knocks_at(&node.name);
    let named = setup.nodes.iter().position(is_followed).filter(|_| !knocks_at(&PRIMARY.to_owned()));
    named.or_else(|| setup.nodes.iter().position(|node| node.name == PRIMARY))
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
        let usual = control::Made::default();
        let made = control::Made {
            system_identifier: if has_own { IDENTIFIER + index as u64 } else { IDENTIFIER },
            timeline: if node.was_promoted { 2 } else { 1 },
            wal_segment_size: node.wal_segment_size.unwrap_or(usual.wal_segment_size),
            ..usual
        };
        control::made(node.major, &made)
    }
}

/// The slot whose state a file holds; an example says only that it is there.
fn slot_of(path: &Path) -> Option<&str> {
    let directory = path.parent().filter(|_| path.file_name().is_some_and(|name| name == "state"))?;
    let is_slot = directory.parent()?.file_name()? == names::PG_REPLSLOT;
    directory.file_name()?.to_str().filter(|_| is_slot)
}

impl Files for SetupFiles<'_> {
    fn read(&self, path: &Path) -> Result<Arc<[u8]>, ReadError> {
        if let Some(control) = self.control(path) {
            return Ok(Arc::from(control));
        }
        let bytes = self.files.read(path)?;
        match slot_of(path).filter(|_| bytes.is_empty()) {
            Some(slot) => Ok(Arc::from(page::slot_state(slot, None))),
            None => Ok(bytes),
        }
    }

    fn list(&self, directory: &Path) -> Result<Vec<(Vec<u8>, bool)>, ReadError> {
        self.files.list(directory)
    }

    fn mode(&self, path: &Path) -> Option<u32> {
        self.files.mode(path)
    }
}
