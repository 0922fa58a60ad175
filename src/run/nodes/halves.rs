//! Data directories that belong to a configuration elsewhere: the two halves are one node.

// This is the outer ring: here the disk is.
#![allow(clippy::disallowed_methods)]

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::files::{Disk, Node, Place};
use crate::names;
use crate::run::target;

/// The nodes without the directories that hold only the data of another one.
pub fn without_halves(nodes: Vec<Node>, disk: &Disk) -> Vec<Node> {
    // One that cannot be read is there all the same, and is told of.
    let main = |node: &Node| disk.resolve(&node.path.join(names::POSTGRESQL_CONF)).ok();
    let has_main = |node: &Node| main(node).is_some_and(|path| path.is_file());
    let is_half = |node: &Node| node.place == Place::Directory && !has_main(node);
    // Most trees have none, and then nothing is read.
    if nodes.len() < 2 || !nodes.iter().any(is_half) {
        return nodes;
    }
    let directories = nodes.iter().filter(|node| node.place == Place::Directory);
    let named = directories.filter_map(|node| target::data_directory(disk, &node.path));
    let named: HashSet<PathBuf> = named.map(|path| real(disk, &path)).collect();
    nodes.into_iter().filter(|node| !(is_half(node) && named.contains(&real(disk, &node.path)))).collect()
}

/// The directory itself, whatever links lead to it.
fn real(disk: &Disk, path: &Path) -> PathBuf {
    let path = disk.resolve(path).unwrap_or_else(|_| path.to_owned());
    fs::canonicalize(&path).unwrap_or(path)
}
