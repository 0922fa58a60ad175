//! The directories of a server's Unix sockets.

use std::path::Path;

use super::{elsewhere, lacking, needs};
use crate::check::replication::at_trait;
use crate::check::spot::{Spot, View};
use crate::model::pair::door;
use crate::model::path;
use crate::names;
use crate::source::display;
use crate::value::Value;
use crate::version::Major;

/// The longest path of a Unix socket on Linux.
const SOCKET: usize = 107;

/// The trait of the setting that names them.
const LIST: &str = "directory-list";

/// The directories of the sockets, where a line names them.
fn directories(view: &View) -> Vec<Vec<u8>> {
    if !view.settings.is_set(names::UNIX_SOCKET_DIRECTORIES) {
        return Vec::new();
    }
    let value = view.settings.value(names::UNIX_SOCKET_DIRECTORIES).map(|value| value.plain()).unwrap_or_default();
    door::directories(view.settings.catalog.version.major, &value).unwrap_or_default()
}

/// What is known whatever the disk holds.
pub fn check(view: &View) -> impl Iterator<Item = Spot> {
    let directories = directories(view);
    [too_long(view, &directories), abstract_before_14(view, &directories)].into_iter().flatten()
}

/// Sockets whose names the system does not take. A server starts as long as one of them can be made.
fn too_long(view: &View, directories: &[Vec<u8>]) -> Option<Spot> {
    let Some(Value::Integer(port)) = view.settings.value(names::PORT) else { return None };
    let name = format!("/.s.PGSQL.{port}");
    let is_long = |directory: &&Vec<u8>| directory.len() + name.len() > SOCKET;
    let long: Vec<&Vec<u8>> = directories.iter().filter(is_long).collect();
    let path = format!("{}{name}", display(long.first()?));
    let mut spot = at_trait(view, "socket-path-too-long", LIST)?
        .word("path", path.clone())
        .word("has", path.len().to_string())
        .label(format!("{} bytes with the name of the socket", path.len()))
        .server(format!("Unix-domain socket path \"{path}\" is too long (maximum {SOCKET} bytes)"));
    if long.len() < directories.len() {
        elsewhere(&mut spot);
    }
    Some(spot)
}

/// Up to 13 a name with `@` is a directory like any other, below that of the data.
fn abstract_before_14(view: &View, directories: &[Vec<u8>]) -> Option<Spot> {
    if view.settings.catalog.version.major >= Major::V14 {
        return None;
    }
    let name = directories.iter().find(|directory| is_abstract(directory))?;
    lacking(view, &view.tree.data_directory.join(path::from_bytes(name)))?;
    let spot = at_trait(view, "abstract-socket-before-14", LIST)?.word("path", display(name));
    let says = format!("could not create lock file \"{}/.s.PGSQL.", display(name));
    Some(spot.label("a directory below that of the data").server(says))
}

fn is_abstract(directory: &[u8]) -> bool {
    directory.starts_with(b"@")
}

/// A directory of sockets that is not there; one is enough for a server to refuse.
pub fn directory(view: &View, data: &Path) -> Option<Spot> {
    let directories = directories(view).into_iter().filter(|directory| !is_abstract(directory));
    let mut lacking = directories.filter_map(|directory| {
        let path = path::from_bytes(&directory);
        Some((lacking(view, &data.join(&path))?, path))
    });
    let (why, path) = lacking.next()?;
    let says = format!("could not create lock file \"{}/.s.PGSQL.", display(&path::to_bytes(&path)));
    Some(needs(view, LIST, &path, &why)?.server(says))
}
