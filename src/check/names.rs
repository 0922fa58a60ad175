//! Names that the target version does not know, or that do not belong where they stand.

use std::collections::HashSet;

use crate::catalog;
use crate::check::spot::{Spot, View};
use crate::model::settings::{Judged, Verdict};
use crate::names;
use crate::source::display;
use crate::version::PgVersion;

/// Looks at every name.
pub fn check(view: &View, spots: &mut Vec<Spot>) {
    // A file that is included twice has its faults once.
    let mut seen = HashSet::new();
    for (index, judged) in view.lines() {
        match &judged.verdict {
            Verdict::Unknown if seen.insert(judged.entry.name()) => spots.extend(unknown(view, index, judged)),
            Verdict::Refused(_) if is_internal(view, judged) => {
                spots
                    .push(view.about("read-only-parameter", index, judged.entry.name()).label("only shown, never set"));
            }
            Verdict::Settled(_) if index >= view.settings.auto_from => {
                spots.push(view.about("path-in-auto-conf", index, judged.entry.place()).label("not looked at"));
            }
            _ => {}
        }
        if is_passed_over(view, index, judged) {
            spots.push(view.about("data-directory-spelling", index, judged.entry.name()).label("in lower case only"));
        }
        if let Some(new) = view.settings.catalog.alias(view.sources.text(judged.entry.name())) {
            let spot = view.about("deprecated-name", index, judged.entry.name()).word("suggestion", new);
            spots.push(spot.label("an old name").edit(judged.entry.name(), new));
        }
    }
}

/// Where the data are is looked for byte by byte, before anything else is read.
fn is_passed_over(view: &View, index: usize, judged: &Judged) -> bool {
    let name = view.sources.text(judged.entry.name());
    index < view.settings.auto_from
        && name.eq_ignore_ascii_case(names::DATA_DIRECTORY.as_bytes())
        && name != names::DATA_DIRECTORY.as_bytes()
}

fn is_internal(view: &View, judged: &Judged) -> bool {
    judged.parameter.is_some_and(|id| view.settings.catalog.get(id).is_internal())
}

/// Why a name is unknown, the most telling reason first.
fn unknown(view: &View, index: usize, judged: &Judged) -> Option<Spot> {
    let version = view.settings.catalog.version;
    let raw = view.sources.text(judged.entry.name());
    // The mark at the start of the file is told as such.
    if raw.starts_with(b"\xef\xbb\xbf") && judged.entry.line == 1 {
        return None;
    }
    let name = display(raw);
    let lower = name.to_ascii_lowercase();
    let path = &view.tree.visits[judged.entry.visit as usize].path;
    let message = format!(
        "unrecognized configuration parameter \"{name}\" in file \"{}\" line {}",
        path.display(),
        judged.entry.line
    );
    let about = |rule: &str| {
        view.about(rule.to_string(), index, judged.entry.name()).subject(lower.clone()).server(message.clone())
    };
    if let Some(page) = view.rules.gone(&lower, version) {
        return Some(about(&page.id).label("this version does not know the name"));
    }
    if catalog::misplaced(&lower, version.major) {
        return Some(about("parameter-in-wrong-file").label("not in this file"));
    }
    if let Some(name) = catalog::beta_name(&lower) {
        let spot = about("beta-name").label("only betas knew it").word("suggestion", name.to_string());
        return Some(if name.is_empty() { spot } else { spot.edit(judged.entry.name(), name) });
    }
    if let Some(needs) = catalog::build_name(&lower, version.major) {
        return Some(about("build-only-parameter").label(format!("needs a build with {needs}")));
    }
    match catalog::history(&lower) {
        Some((first, last)) if last >= version.major => {
            let major = first.max(version.major.min(last));
            let minor = catalog::since_minor(major, &lower);
            let since = PgVersion { major, minor };
            Some(about("parameter-too-new").label("not yet known").word("since", since.to_string()))
        }
        _ => Some(mistyped(view, judged, about("unknown-parameter").label("no such parameter"), &lower)),
    }
}

fn mistyped(view: &View, judged: &Judged, spot: Spot, name: &str) -> Spot {
    let catalog = view.settings.catalog;
    match catalog::similar(name, catalog) {
        Some((known, true)) => spot.word("suggestion", known).edit(judged.entry.name(), known),
        // A mistyped name of another version: its page tells what became of it.
        Some((other, false)) => spot.word("suggestion", other),
        None => spot,
    }
}
