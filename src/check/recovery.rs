//! What a server recovers with: recovery.conf up to 11, signal files and ordinary settings from 12 on.

mod lines;
mod meaning;
mod signals;
mod texts;

use std::path::PathBuf;

use crate::catalog::Catalog;
use crate::check::Subject;
use crate::check::spot::{Spot, View};
use crate::finding::Finding;
use crate::model::recovery::{self, Line, Recovery};
use crate::model::settings::Settings;
use crate::model::tree::Tree;
use crate::names;
use crate::source::{FileKind, Files, Place, ReadError, Source, Sources, display};
use crate::syntax::conf;
use crate::version::Major;

/// Spots for recovery.conf up to 11, and for signal files from 12 on.
pub fn check(view: &View, spots: &mut Vec<Spot>) {
    match view.recovery {
        Some(recovery) => {
            lines::check(view, recovery, spots);
            if recovery.unreadable().is_none() {
                meaning::check(view, recovery, spots);
            }
        }
        None if !is_read_by(view.settings.catalog.version.major) => signals::check(view, spots),
        None => signals::before_12(view, spots),
    }
}

/// Whether a server of that major reads recovery.conf at all.
pub fn is_read_by(major: Major) -> bool {
    major < Major::V12
}

/// The beginning of the main file of a node; a lone fragment has no data directory.
pub fn node_top(view: &View) -> Option<Place> {
    signals::main(view)
}

/// recovery.conf of the subject, where the target version reads one and it is there: the file that was
/// asked about, else that of the data directory, else the one beside postgresql.conf.
///
/// Versions that do not read it must still know of it.
pub fn read(
    files: &dyn Files,
    sources: &mut Sources,
    subject: &Subject,
    tree: &mut Tree,
    settings: &Settings,
) -> Option<Recovery> {
    let major = settings.catalog.version.major;
    if !is_read_by(major) {
        if let Some((FileKind::Recovery, path)) = &subject.lone
            && tree.recovery_conf.is_none()
            && let Ok(bytes) = files.read(path)
        {
            let known = sources.find(path);
            let source = || Source::new(path.clone(), FileKind::Recovery, bytes);
            tree.recovery_conf = Some(known.unwrap_or_else(|| sources.add(source())));
        }
        return None;
    }
    let path = path(files, subject, tree)?;
    Some(recovery::read(files, sources, &path, major, &settings.zone))
}

fn path(files: &dyn Files, subject: &Subject, tree: &Tree) -> Option<PathBuf> {
    match &subject.lone {
        Some((FileKind::Recovery, path)) => return Some(path.clone()),
        // Another lone file is not the one that recovers.
        Some(_) => return None,
        None => {}
    }
    // A lone fragment has no data directory.
    if !subject.with_auto {
        return None;
    }
    let beside = subject.main.with_file_name(names::RECOVERY_CONF);
    let candidates = [tree.data_directory.join(names::RECOVERY_CONF), beside];
    let is_there = |path: &PathBuf| !matches!(files.read(path), Err(ReadError::Missing | ReadError::NotDirectory));
    candidates.into_iter().find(is_there)
}

/// Of how many of the versions a finding is to hold to be as loud as its page: only some read recovery.conf.
pub fn readers(finding: &Finding, sources: &Sources, catalogs: &[&Catalog]) -> usize {
    let is_about_it = sources.get(finding.place.file).kind == FileKind::Recovery;
    let by_reader = finding.pg.last().is_some_and(|last| is_read_by(*last));
    if is_about_it && by_reader {
        return catalogs.iter().filter(|catalog| is_read_by(catalog.version.major)).count();
    }
    catalogs.len()
}

/// A spot about a line of recovery.conf: name, value and subject are filled in.
fn about(view: &View, rule: &'static str, line: &Line, place: Place) -> Spot {
    let name = display(view.sources.text(line.entry.name()));
    Spot::new(rule, place)
        .word("name", name.clone())
        .word("value", display(&value(view, line)))
        .word("line", line.entry.line.to_string())
        .word("pg", view.version_word())
        .subject(line.name.map_or(name, |known| known.name.to_string()))
}

/// The value as the server keeps it.
fn value(view: &View, line: &Line) -> Vec<u8> {
    conf::value(line.entry.setting.value, &view.sources.get(line.entry.file).bytes).into_owned()
}
