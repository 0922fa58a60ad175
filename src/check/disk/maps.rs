//! pg_ident.conf where the data lie: a server starts without it, and then has no map.

use std::path::Path;

use super::{is_there, named, said, usual};
use crate::check::spot::{Spot, View};
use crate::finding::{Label, Severity};
use crate::model::path;
use crate::names;
use crate::source::{Place, ReadError, display};

/// A file that a line names; where none does, the usual one if pg_hba.conf counts on it.
pub fn check(view: &View, data: &Path) -> Option<Spot> {
    let users = users(view);
    let (mut spot, related) = match said(view, names::IDENT_FILE) {
        Some((index, judged)) => {
            let value = view.settings.value(names::IDENT_FILE)?.plain();
            let reason = match named(view, &value, &data.join(path::from_bytes(&value)))? {
                ReadError::IsDirectory => "is a directory",
                _ => "is not there",
            };
            let shown = if value.is_empty() { "an empty name".to_owned() } else { display(&value) };
            let spot = view.about("ident-file-missing", index, judged.entry.value()).label("not read");
            (spot.word("path", shown).word("reason", reason), users.as_slice())
        }
        // Where there is no postgresql.conf, nobody has seen what it says.
        None if view.tree.missing.is_some() => return None,
        None => {
            let ((place, _), others) = users.split_first()?;
            let (path, _) = usual(view, data, names::PG_IDENT).filter(|(path, _)| !is_there(view, path))?;
            let spot = Spot::new("ident-file-missing", *place).word("pg", view.version_word()).label(NO_MAP);
            let shown = display(&path::to_bytes(&path));
            (spot.word("path", shown).word("reason", "is not there"), others)
        }
    };
    match users.first() {
        Some((_, map)) => spot = spot.word("users", map),
        None => spot.at_most = Some(Severity::Info),
    }
    spot.related.extend(related.iter().map(|(place, _)| Label { place: *place, message: NO_MAP.to_owned() }));
    Some(spot)
}

const NO_MAP: &str = "no such map";

/// The lines of pg_hba.conf that go by a map, each with what it says.
fn users(view: &View) -> Vec<(Place, String)> {
    let entries = view.access.hba.iter().flat_map(|hba| hba.entries());
    let maps = entries.filter_map(|(_, entry)| {
        let map = entry.options.iter().rev().find(|option| option.name == names::MAP)?;
        (!map.value.is_empty()).then(|| (map.place, format!("map={}", display(&map.value))))
    });
    maps.collect()
}
