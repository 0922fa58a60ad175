//! pg_hba.conf beside the other files of its node.

use std::collections::{BTreeMap, BTreeSet};

use super::{Rules, is_replication, said, together};
use crate::check::spot::{Spot, View};
use crate::model::hba::top;
use crate::model::ident::Ident;
use crate::names;
use crate::nearest::nearest;
use crate::source::{FileId, Place, display};

/// Spots for what only several files show, and for what a whole file lacks.
pub fn check(rules: &Rules, spots: &mut Vec<Spot>) {
    if let Some(main) = rules.hba.main {
        spots.extend(elsewhere(rules.view, "hba-file-elsewhere", names::HBA_FILE, main));
        no_local(rules, main, spots);
    }
    if let Some(ident) = &rules.view.access.ident {
        maps(rules, ident, spots);
    }
}

/// A spot where the setting says that another file is read.
pub(super) fn elsewhere(view: &View, rule: &'static str, setting: &str, main: FileId) -> Option<Spot> {
    let (_, judged) = view.settings.catalog.find(setting.as_bytes()).and_then(|id| view.settings.winner(id))?;
    let wanted = said(view.tree, view.settings, setting)?;
    let path = &view.sources.get(main).path;
    let is_there = view.files.read(&wanted).is_ok();
    // A file of that name may stand for the one that is not on this machine.
    let is_other = wanted != *path && (is_there || wanted.file_name() != path.file_name());
    is_other.then(|| {
        Spot::new(rule, top(main))
            .word("pg", view.version_word())
            .word("setting", setting)
            .word("path", wanted.display().to_string())
            .label("not read")
            .related(judged.entry.place(), "the file that is read")
    })
}

fn no_local(rules: &Rules, main: FileId, spots: &mut Vec<Spot>) {
    let lets_in = |entry: &crate::model::hba::Entry| {
        entry.connection.is_local() && !entry.method.is_reject() && !entry.databases.iter().all(is_replication)
    };
    let is_whole = rules.hba.lines.iter().all(|line| line.verdict.is_ok()) && !rules.hba.lines.is_empty();
    if is_whole && !rules.entries().any(|(_, entry)| lets_in(entry)) {
        spots.push(rules.spot("hba-no-local-line", top(main)).label("no line for the socket"));
    }
}

/// Maps that lines name and pg_ident.conf does not have.
fn maps(rules: &Rules, ident: &Ident, spots: &mut Vec<Spot>) {
    // Whether there is one at all is not known then.
    if ident.main.is_none() {
        return;
    }
    let names: BTreeSet<&[u8]> = ident
        .lines
        .iter()
        // A file that is refused has no maps; that is told there, once.
        .filter_map(|line| line.record.fields.first().and_then(|field| field.first()))
        .map(|word| word.text.as_slice())
        .collect();
    let mut missing: BTreeMap<Vec<u8>, Vec<(Place, String)>> = BTreeMap::new();
    for (_, entry) in rules.entries() {
        let map = entry.options.iter().rev().find(|option| option.name == names::MAP);
        if let Some(map) = map.filter(|map| !map.value.is_empty() && !names.contains(map.value.as_slice())) {
            missing.entry(map.value.clone()).or_default().push((map.place, "no such map".to_string()));
        }
    }
    for (name, places) in missing {
        let known: Vec<String> = names.iter().map(|name| String::from_utf8_lossy(name).into_owned()).collect();
        let meant = nearest(&String::from_utf8_lossy(&name), known.iter().map(String::as_str));
        let Some(spot) = together(rules, "hba-unknown-map", &places) else { continue };
        let spot = spot.word("name", display(&name)).word("suggestion", meant.unwrap_or_default());
        spots.push(spot);
    }
}
