//! include, include_if_exists, include_dir: what they lead to.

use std::collections::HashMap;
use std::path::Path;

use crate::check::spot::{Spot, View};
use crate::model::path;
use crate::model::transcript;
use crate::model::tree::{Fault, FaultKind, IncludedDirectory};
use crate::names;
use crate::source::{Place, ReadError, Span, display};
use crate::syntax::conf::{self, Content};

/// Finds includes that fail or surprise.
pub fn check(view: &View, spots: &mut Vec<Spot>) {
    main_file(view, spots);
    if let Some(file) = view.tree.recovery_conf {
        let place = Place { file, span: Span::default() };
        spots.push(
            Spot::new("recovery-conf-present", place)
                .label("this file")
                .server("using recovery command file \"recovery.conf\" is not supported"),
        );
    }
    spots.extend(auto_conf(view));
    let mut seen = HashMap::new();
    for fault in view.tree.faults() {
        let Some(place) = fault.place else { continue };
        let first = *seen.entry((place.file, place.span.start)).or_insert(fault.visit);
        if first == fault.visit || matches!(fault.kind, FaultKind::TooDeep(_)) {
            spots.extend(spot(view, fault, place));
        }
    }
    deepest_once(spots);
    for directory in &view.tree.directories {
        passed_over(view, directory, spots);
        order(view, directory, spots);
    }
    in_auto_conf(view, spots);
}

/// A directory in place of the file that ALTER SYSTEM writes: it opens, and cannot be read.
fn auto_conf(view: &View) -> Option<Spot> {
    let is_directory = |kind: &FaultKind| match kind {
        FaultKind::Skipped(path, ReadError::IsDirectory) => *path == view.tree.data_directory.join(names::AUTO_CONF),
        _ => false,
    };
    let fault = view.tree.faults().find(|fault| fault.place.is_none() && is_directory(&fault.kind))?;
    let FaultKind::Skipped(path, _) = &fault.kind else { return None };
    let says = format!("input in flex scanner failed at file \"{}\" line 1", path.display());
    Some(Spot::new("auto-conf-is-directory", view.top()?).label("in the data directory").server(says))
}

/// A directory that holds a server's other files, but not the one that it begins with.
fn main_file(view: &View, spots: &mut Vec<Spot>) {
    let Some((file, ReadError::Missing)) = view.tree.missing else { return };
    let path = &view.sources.get(file).path;
    let beside = view.files.list(path.parent().unwrap_or(Path::new(""))).unwrap_or_default();
    let has = |name: &str| beside.iter().any(|(known, _)| known == name.as_bytes());
    // Debian keeps it in /etc: a data directory without it and without pg_hba.conf is nothing odd.
    if has(names::PG_VERSION) && has(names::PG_HBA) {
        let place = Place { file, span: Span::default() };
        let server =
            format!("could not access the server configuration file \"{}\": {}", path.display(), ReadError::Missing);
        spots.push(Spot::new("config-file-missing", place).label("should be here").server(server));
    }
}

fn spot(view: &View, fault: &Fault, place: Place) -> Option<Spot> {
    let (rule, resolved, error) = match &fault.kind {
        FaultKind::Syntax(_) => return None,
        FaultKind::CannotOpen(path, ReadError::Missing) => ("include-missing", Some(path), None),
        FaultKind::CannotOpen(path, error) => ("include-unreadable", Some(path), Some(error)),
        FaultKind::CannotOpenDirectory(path, ReadError::Missing | ReadError::NotDirectory) => {
            ("include-dir-missing", Some(path), None)
        }
        FaultKind::CannotOpenDirectory(path, error) => ("include-unreadable", Some(path), Some(error)),
        FaultKind::Skipped(path, _) => ("include-if-exists-missing", Some(path), None),
        FaultKind::NotAFile(path) => ("include-not-a-file", Some(path), None),
        FaultKind::EmptyFileName(_) | FaultKind::EmptyDirectoryName(_) => ("include-empty-name", None, None),
        FaultKind::Recursion(path) => ("include-recursion", Some(path), None),
        FaultKind::Endless(path) => ("include-recursion", Some(path), None),
        FaultKind::TooDeep(_) => ("include-too-deep", None, None),
    };
    let written = written(view, place);
    let mut spot = Spot::new(rule, place)
        .word("path", written)
        .word("resolved", resolved.map(|path| path.display().to_string()).unwrap_or_default())
        .word("error", error.map(ToString::to_string).unwrap_or_default())
        .word("pg", view.version_word());
    if fault.is_error() {
        spot = spot.server(transcript::fault_text(view.tree, fault, view.sources));
    }
    Some(match resolved {
        Some(path) => spot.label(format!("leads to {}", path.display())),
        None => spot.label("names nothing to read"),
    })
}

/// The argument of an include line as it is written.
fn written(view: &View, place: Place) -> String {
    let text = view.sources.text(place);
    match conf::lines(text).next().map(|line| line.content) {
        Some(Content::Setting(setting)) => display(&conf::value(setting.value, text)),
        _ => display(text),
    }
}

/// A loop of includes fails at its eleventh turn, and perhaps in many branches: one finding tells it.
fn deepest_once(spots: &mut Vec<Spot>) {
    let mut first = true;
    spots.retain(|spot| spot.rule != "include-too-deep" || std::mem::take(&mut first));
}

/// Files that were plainly meant to be read, but have the wrong name.
fn passed_over(view: &View, directory: &IncludedDirectory, spots: &mut Vec<Spot>) {
    for name in &directory.passed_over {
        let lower = name.to_ascii_lowercase();
        let copy = [
            b".bak".as_slice(),
            b"~",
            b".orig",
            b".dpkg-dist",
            b".dpkg-old",
            b".rpmsave",
            b".rpmnew",
            b".swp",
            b".disabled",
        ];
        if copy.iter().any(|end| lower.ends_with(end)) || !(has(&lower, b".conf") || has(&lower, b".cnf")) {
            continue;
        }
        let file = path::join(&directory.path, name, view.settings.catalog.version.major);
        let Ok(bytes) = view.files.read(&file) else { continue };
        let sets = conf::lines(&bytes).any(|line| matches!(line.content, Content::Setting(_)));
        if sets {
            let path = format!("{}/{}", written(view, directory.place), display(name));
            spots.push(
                Spot::new("include-dir-skips-file", directory.place)
                    .word("path", path)
                    .label("takes only names that end in `.conf`"),
            );
        }
    }
}

fn has(name: &[u8], end: &[u8]) -> bool {
    name.ends_with(end)
}

/// `9-x.conf` is read after `10-a.conf`, which matters where both set the same.
fn order(view: &View, directory: &IncludedDirectory, spots: &mut Vec<Spot>) {
    let numbered: Vec<(&Vec<u8>, u64)> =
        directory.taken.iter().filter_map(|name| Some((name, number(name)?))).collect();
    let Some(pair) = numbered.windows(2).find(|pair| pair[0].1 > pair[1].1) else { return };
    let (other, late) = (pair[0].0, pair[1].0);
    let sets = |name: &[u8]| {
        let file = path::join(&directory.path, name, view.settings.catalog.version.major);
        let lines = view.lines().filter(move |(_, judged)| view.tree.visits[judged.entry.visit as usize].path == file);
        lines.filter_map(|(_, judged)| judged.parameter).collect::<Vec<_>>()
    };
    let (earlier, later) = (sets(other), sets(late));
    if later.iter().any(|id| earlier.contains(id)) {
        let spot =
            Spot::new("include-dir-order", directory.place).word("path", display(late)).word("other", display(other));
        spots.push(spot.label("reads them in this order"));
    }
}

fn number(name: &[u8]) -> Option<u64> {
    let digits = name.iter().take_while(|byte| byte.is_ascii_digit()).count();
    std::str::from_utf8(&name[..digits]).ok()?.parse().ok()
}

/// ALTER SYSTEM writes postgresql.auto.conf anew: includes and comments do not survive it.
fn in_auto_conf(view: &View, spots: &mut Vec<Spot>) {
    let Some(file) = view.tree.auto_visit.and_then(|visit| view.tree.visits[visit as usize].file) else { return };
    let bytes = &view.sources.get(file).bytes;
    let mut commented = false;
    for line in conf::lines(bytes) {
        let place = Place { file, span: line.span };
        match line.content {
            Content::Setting(setting) if is_include(setting.name.of(bytes)) => {
                let span = Span::new(setting.name.start, setting.value.span.end);
                let spot = Spot::new("include-in-auto-conf", Place { file, span });
                spots.push(
                    spot.word("path", display(&conf::value(setting.value, bytes)))
                        .label("the next ALTER SYSTEM replaces this line"),
                );
            }
            _ => {
                let text = line.span.of(bytes);
                let Some(comment) = conf::comment(text.trim_ascii_end()) else { continue };
                let own = line.number <= 2 && (text.starts_with(b"# Do not edit") || text.starts_with(b"# It will be"));
                if !own
                    && !commented
                    && !text.trim_ascii_start().starts_with(b"# Do not edit")
                    && !text.trim_ascii_start().starts_with(b"# It will be")
                {
                    commented = true;
                    let span = comment.shifted(place.span.start);
                    spots.push(
                        Spot::new("comment-in-auto-conf", Place { file, span }).label("the next ALTER SYSTEM drops it"),
                    );
                }
            }
        }
    }
}

fn is_include(name: &[u8]) -> bool {
    [names::INCLUDE, names::INCLUDE_IF_EXISTS, names::INCLUDE_DIR]
        .iter()
        .any(|include| name.eq_ignore_ascii_case(include.as_bytes()))
}
