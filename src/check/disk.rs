//! Files and directories that a server opens at its start, beside those of its configuration.
//!
//! Whether one is missing is known where the data lie, as `global/pg_control` shows: a repository seldom holds keys. A
//! path that does not begin at the data directory may lead elsewhere on the machine of the server.

use std::path::{Path, PathBuf};

use super::recovery::node_top;
use super::replication::{at_trait, with_trait};
use super::spot::{Spot, View};
use crate::finding::Severity;
use crate::model::hosts;
use crate::model::pair::door;
use crate::model::path;
use crate::names;
use crate::source::{Place, ReadError, display};
use crate::value::Value;

/// The longest path of a Unix socket on Linux.
const SOCKET: usize = 107;

/// Spots for what a server opens beside its configuration.
pub fn check(view: &View, spots: &mut Vec<Spot>) {
    spots.extend(curve(view));
    spots.extend(sockets_too_long(view));
    if node_top(view).is_none() {
        return;
    }
    let data = view.tree.data_directory.as_path();
    if is_there(view, &data.join(names::PG_CONTROL)) {
        spots.extend(hba_file(view, data));
        spots.extend(tls_files(view, data));
        spots.extend(socket_directory(view, data));
        spots.extend(log_directory(view));
    } else {
        spots.extend(data_directory(view, data));
    }
}

fn is_there(view: &View, path: &Path) -> bool {
    !matches!(view.files.read(path), Err(ReadError::Missing | ReadError::NotDirectory))
}

/// pg_hba.conf, where the setting says; else in the directory that the server is started on.
fn hba_file(view: &View, data: &Path) -> Option<Spot> {
    let setting = view.settings.catalog.find(names::HBA_FILE.as_bytes()).and_then(|id| view.settings.winner(id));
    match setting {
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
    let error = match view.files.read(&path) {
        // No name at all is the directory that the server is started in.
        _ if value.is_empty() => ReadError::IsDirectory,
        Err(error @ (ReadError::IsDirectory | ReadError::Missing | ReadError::NotDirectory)) => error,
        _ => return None,
    };
    if error == ReadError::IsDirectory {
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
    let main = &view.tree.visits.first()?.path;
    let (in_data, beside) = (data.join(names::PG_HBA), main.with_file_name(names::PG_HBA));
    let (wanted, other) = if view.tree.names_data { (beside, in_data) } else { (in_data, beside) };
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

fn has_tls(view: &View) -> bool {
    view.settings.value(names::SSL) == Some(Value::Bool(true))
}

/// Several curves before 18, which takes just one.
fn curve(view: &View) -> Option<Spot> {
    if !has_tls(view) {
        return None;
    }
    let name = with_trait(view, "tls-curve").map(|(_, curve)| curve.plain()).filter(|name| name.contains(&b':'))?;
    let says = format!("ECDH: unrecognized curve name: {}", display(&name));
    Some(at_trait(view, "curve-list-before-18", "tls-curve")?.label("more than one curve").server(says))
}

/// A file that TLS needs and that is not there.
struct Missing {
    word: &'static str,
    name: Vec<u8>,
    place: Option<Place>,
}

/// Files without which TLS does not begin: one spot for all that are missing.
fn tls_files(view: &View, data: &Path) -> Option<Spot> {
    if !has_tls(view) {
        return None;
    }
    let lines = hosts(view);
    let parameters = view.settings.catalog.with_trait("tls-file").filter_map(|(id, parameter)| {
        let word = parameter.trait_of("tls-file")?;
        let name = view.settings.value(parameter.name)?.plain();
        let place = view.settings.winner(id).map(|(_, judged)| judged.entry.value());
        (!name.is_empty() && (word.is_empty() || lines.is_empty())).then_some(Missing { word, name, place })
    });
    let by_host = lines.iter().flat_map(hosts::Line::files);
    let by_host = by_host.map(|(word, name)| Missing { word, name: name.text.clone(), place: Some(name.place) });
    let mut missing: Vec<Missing> =
        parameters.chain(by_host).filter(|file| !is_there(view, &data.join(path::from_bytes(&file.name)))).collect();
    // The server looks for the certificate first, then for its key.
    missing.sort_by_key(|file| (file.word != "certificate", file.word != "key"));
    let first = missing.first()?;
    let name = display(&first.name);
    let says = match first.word {
        "certificate" => format!("could not load server certificate file \"{name}\""),
        "key" => format!("could not access private key file \"{name}\""),
        _ => format!("\"{name}\": No such file or directory"),
    };
    let mut named: Vec<String> = missing.iter().map(|file| format!("`{}`", display(&file.name))).collect();
    named.dedup();
    let mut spot = at_trait(view, "ssl-file-missing", "tls")?
        .word("missing", named.join(" and "))
        .label("not without its files")
        .server(says);
    for place in missing.iter().filter_map(|file| file.place) {
        spot = spot.related(place, "is not there");
    }
    if missing.iter().all(|file| file.name.starts_with(b"/")) {
        elsewhere(&mut spot);
    }
    Some(spot)
}

/// The lines that give hosts certificates of their own, so that those of the settings are not asked for.
fn hosts<'a>(view: &View<'a>) -> &'a [hosts::Line] {
    view.access.hosts.as_ref().map_or(&[], |hosts| hosts.lines.as_slice())
}

/// The directories of the sockets, where a line names them.
fn socket_directories(view: &View) -> Vec<Vec<u8>> {
    if !view.settings.is_set(names::UNIX_SOCKET_DIRECTORIES) {
        return Vec::new();
    }
    let value = view.settings.value(names::UNIX_SOCKET_DIRECTORIES).map(|value| value.plain()).unwrap_or_default();
    door::directories(view.settings.catalog.version.major, &value).unwrap_or_default()
}

/// Sockets whose names the system does not take. A server starts as long as one of them can be made.
fn sockets_too_long(view: &View) -> Option<Spot> {
    let directories = socket_directories(view);
    let Some(Value::Integer(port)) = view.settings.value(names::PORT) else { return None };
    let name = format!("/.s.PGSQL.{port}");
    let is_long = |directory: &&Vec<u8>| directory.len() + name.len() > SOCKET;
    let long: Vec<&Vec<u8>> = directories.iter().filter(is_long).collect();
    let path = format!("{}{name}", display(long.first()?));
    let mut spot = at_trait(view, "socket-path-too-long", "directory-list")?
        .word("path", path.clone())
        .word("has", path.len().to_string())
        .label(format!("{} bytes with the name of the socket", path.len()))
        .server(format!("Unix-domain socket path \"{path}\" is too long (maximum {SOCKET} bytes)"));
    if long.len() < directories.len() {
        elsewhere(&mut spot);
    }
    Some(spot)
}

/// A directory of sockets that is not there; one is enough for a server to refuse.
fn socket_directory(view: &View, data: &Path) -> Option<Spot> {
    let mut directories = socket_directories(view).into_iter().filter(|directory| !directory.starts_with(b"@"));
    let missing = directories.find(|directory| !is_there(view, &data.join(path::from_bytes(directory))))?;
    let says = format!("could not create lock file \"{}/.s.PGSQL.", display(&missing));
    Some(directory_missing(view, "directory-list", &path::from_bytes(&missing))?.server(says))
}

/// The directory of logs is made at the start, but not those above it.
fn log_directory(view: &View) -> Option<Spot> {
    let (_, collects) = with_trait(view, "log-collector")?;
    let (_, directory) = with_trait(view, "log-directory")?;
    let directory = path::from_bytes(&directory.plain());
    let above = directory.parent().filter(|_| collects == Value::Bool(true) && directory.is_absolute())?;
    if is_there(view, above) {
        return None;
    }
    let says = format!("could not open log file \"{}/", directory.display());
    Some(directory_missing(view, "log-directory", above)?.server(says))
}

/// A data directory that is not there, while data lie beside the file that names it.
fn data_directory(view: &View, data: &Path) -> Option<Spot> {
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
