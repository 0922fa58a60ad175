//! Files and directories that a server opens at its start, beside those of its configuration.
//!
//! Whether one is missing is known where the data lie, as `global/pg_control` shows: a repository seldom holds keys. A
//! path that does not begin at the data directory may lead elsewhere on the machine of the server.

mod addresses;
mod logs;
mod maps;
mod sockets;
pub(super) mod tls;

use std::path::{Path, PathBuf};

use super::recovery::node_top;
use super::replication::at_trait;
use super::spot::{Spot, View};
use crate::finding::Severity;
use crate::model::path;
use crate::model::settings::Judged;
use crate::names;
use crate::source::{ReadError, display};

/// Spots for what a server opens beside its configuration.
pub fn check(view: &View, spots: &mut Vec<Spot>) {
    spots.extend(tls::curve(view));
    spots.extend(addresses::check(view));
    spots.extend(sockets::check(view));
    if node_top(view).is_none() {
        return;
    }
    let data = view.tree.data_directory.as_path();
    if is_there(view, &data.join(names::PG_CONTROL)) {
        spots.extend(hba_file(view, data));
        spots.extend(maps::check(view, data));
        spots.extend(tls::check(view, data));
        spots.extend(sockets::directory(view, data));
        spots.extend(logs::check(view, data));
    } else {
        spots.extend(data_directory(view, data));
    }
}

fn is_there(view: &View, path: &Path) -> bool {
    !matches!(view.files.read(path), Err(ReadError::Missing | ReadError::NotDirectory))
}

/// What stands in the way of a directory that a server needs.
enum Lacking {
    /// It is not there.
    Missing,
    /// It, or what should be a directory above it, is a file.
    File,
}

/// Whether there is a directory; one that cannot be looked into is one.
fn lacking(view: &View, directory: &Path) -> Option<Lacking> {
    match view.files.read(directory) {
        Ok(_) | Err(ReadError::NotDirectory) => Some(Lacking::File),
        Err(ReadError::Missing) => Some(Lacking::Missing),
        Err(_) => None,
    }
}

/// A spot about a directory that a setting needs. What lies in the data directory is known to be missing.
fn needs(view: &View, parameter: &'static str, needed: &Path, lacking: &Lacking) -> Option<Spot> {
    match lacking {
        Lacking::Missing => {
            let mut spot = directory_missing(view, parameter, needed)?;
            if needed.is_relative() {
                spot.at_least = Some(Severity::Error);
            }
            Some(spot)
        }
        Lacking::File => {
            let path = display(&path::to_bytes(needed));
            let mut spot = at_trait(view, "directory-is-file", parameter)?.word("path", path).label("a file");
            if needed.is_absolute() {
                elsewhere(&mut spot);
            }
            Some(spot)
        }
    }
}

/// The line that says where a file for access lies.
fn said<'a>(view: &View<'a>, setting: &str) -> Option<(usize, &'a Judged)> {
    view.settings.winner(view.settings.catalog.find(setting.as_bytes())?)
}

/// Why a file that a line names cannot be read: it is not there, or it is a directory.
fn named(view: &View, value: &[u8], path: &Path) -> Option<ReadError> {
    match view.files.read(path) {
        // No name at all is the directory that the server is started in.
        _ if value.is_empty() => Some(ReadError::IsDirectory),
        Err(error @ (ReadError::IsDirectory | ReadError::Missing | ReadError::NotDirectory)) => Some(error),
        _ => None,
    }
}

/// Where a file lies that no line names, and where it would if the server were started on the other directory.
fn usual(view: &View, data: &Path, name: &str) -> Option<(PathBuf, PathBuf)> {
    let main = &view.tree.visits.first()?.path;
    let (in_data, beside) = (data.join(name), main.with_file_name(name));
    Some(if view.tree.names_data { (beside, in_data) } else { (in_data, beside) })
}

/// pg_hba.conf, where the setting says; else in the directory that the server is started on.
fn hba_file(view: &View, data: &Path) -> Option<Spot> {
    match said(view, names::HBA_FILE) {
        Some((index, judged)) => {
            hba_file_of(view, data, view.about("access-file-missing", index, judged.entry.value()))
        }
        // Where there is no postgresql.conf, nobody has seen what it says.
        None if view.tree.missing.is_some() => None,
        None => usual_hba_file(view, data),
    }
}

/// The file that a line names.
fn hba_file_of(view: &View, data: &Path, mut spot: Spot) -> Option<Spot> {
    let value = view.settings.value(names::HBA_FILE)?.plain();
    let shown = display(&value);
    let path = data.join(path::from_bytes(&value));
    if named(view, &value, &path)? == ReadError::IsDirectory {
        spot.rule = "access-file-is-directory".into();
        return Some(spot.label("no file").server("Is a directory"));
    }
    // A relative name is seen from the directory that the server is started in.
    let is_below = value.starts_with(b"/") && !data.as_os_str().is_empty() && path.starts_with(data);
    if !is_below {
        elsewhere(&mut spot);
    }
    Some(spot.word("path", shown).label("not there, and nobody is let in"))
}

/// The file that is looked for where no line names one.
fn usual_hba_file(view: &View, data: &Path) -> Option<Spot> {
    let (wanted, other) = usual(view, data, names::PG_HBA)?;
    if is_there(view, &wanted) {
        return None;
    }
    let shown = display(&path::to_bytes(&wanted));
    let mut spot = Spot::new("access-file-missing", view.top()?).word("path", shown).label("nobody is let in");
    if is_there(view, &other) {
        // It is found by a server that is started on the other directory, with `config_file` on its command line.
        elsewhere(&mut spot);
    }
    Some(spot)
}

/// A data directory that is none; or that is not there, while data lie beside the file that names it.
fn data_directory(view: &View, data: &Path) -> Option<Spot> {
    let said = view.settings.value(names::DATA_DIRECTORY).map(|value| value.plain()).unwrap_or_default();
    if said.is_empty() && view.settings.is_set(names::DATA_DIRECTORY) {
        let spot = at_trait(view, "data-directory-invalid", "data-directory")?.word("path", "an empty name");
        return Some(spot.label("the directory that the server is started in"));
    }
    // What is relative is seen from the directory that the server is started in, and nobody knows that one.
    if !view.tree.names_data || !said.starts_with(b"/") {
        return None;
    }
    if matches!(lacking(view, data), Some(Lacking::File)) {
        return needs(view, "data-directory", data, &Lacking::File);
    }
    let is_without = view.files.read(&data.join(names::PG_VERSION)) == Err(ReadError::Missing);
    if is_without && view.files.list(data).is_ok() {
        let shown = display(&path::to_bytes(data));
        let says = format!("\"{shown}\" is not a valid data directory");
        let spot = at_trait(view, "data-directory-invalid", "data-directory")?.word("path", shown);
        return Some(spot.label("no PG_VERSION in it").server(says));
    }
    let main = view.tree.visits.first()?.path.parent().map_or_else(PathBuf::new, Path::to_path_buf);
    if main == data || is_there(view, data) || !is_there(view, &main.join(names::PG_CONTROL)) {
        return None;
    }
    let says = format!("data directory \"{}\" does not exist", data.display());
    Some(directory_missing(view, "data-directory", data)?.server(says))
}

fn directory_missing(view: &View, parameter: &'static str, missing: &Path) -> Option<Spot> {
    let spot = at_trait(view, "directory-missing", parameter)?;
    Some(spot.word("path", display(&path::to_bytes(missing))).label("not on this machine"))
}

/// On the machine of the server it may be otherwise.
fn elsewhere(spot: &mut Spot) {
    spot.at_most = Some(Severity::Warning);
    spot.is_unsure = true;
}
