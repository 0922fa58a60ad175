//! Defaults that are others in the new version, and matter: told, and on demand written down as they were.

use super::parameters::Mended;
use super::{After, Change, Goes, Request, Told};
use crate::catalog::{self, Catalog};
use crate::check::{self, defaults};
use crate::model::settings::Settings;
use crate::source::{Files, Sources};
use crate::value::Context;
use crate::version::{Major, PgVersion};

/// A default that no file stands against.
struct Changed {
    name: &'static str,
    /// As a file would say them.
    old: String,
    new: String,
}

/// Says which defaults change, or writes the old ones at the end of postgresql.conf.
pub fn tell(after: &mut After, request: &Request) -> Mended {
    let mut mended = Mended::default();
    let subject = check::subject(&request.node, after);
    let mut sources = Sources::default();
    let tree = check::read(after, &mut sources, &subject, request.to);
    let settings = Settings::judge(&tree, &sources, Catalog::shared(PgVersion::newest(request.to)));
    let changed = changed(&settings, request.from);
    let main = tree.visits.first().and_then(|visit| visit.file).map(|file| sources.get(file));
    let (Some(main), false) = (main, changed.is_empty()) else { return mended };
    let Request { from, to, .. } = request;
    if !request.keep_defaults {
        let list: Vec<String> =
            changed.iter().map(|Changed { name, old, new }| format!("`{name}` ({old} -> {new})")).collect();
        let text = format!(
            "not set, and by default something else in {to} than in {from}: {} (--keep-defaults writes the old values)",
            list.join(", ")
        );
        mended.notes.push(text.into());
        return mended;
    }
    let mut bytes = after.read(&main.path).map(|bytes| bytes.to_vec()).unwrap_or_default();
    if !bytes.is_empty() && !bytes.ends_with(b"\n") {
        bytes.push(b'\n');
    }
    bytes.extend(format!("\n# defaults of {from}\n").into_bytes());
    for Changed { name, old, new } in changed {
        let line = format!("{name} = {old}\n");
        let value = check::setting(line.as_bytes(), name).unwrap_or_default();
        bytes.extend(line.into_bytes());
        let to = Goes { path: main.path.clone(), setting: name.to_owned(), value };
        let why = format!("not set: the default of {from}, where that of {} is {new}", request.to);
        mended.changes.push(Change { setting: name.to_owned(), from: None, to: Some(to), why });
    }
    after.set(main.path.clone(), bytes);
    let text = "the settings at its end are the defaults of the old version: whoever wrote none may want the new ones";
    mended.notes.push(Told::of(&main.path, text));
    mended
}

/// The defaults that matter, from the older version to the later one, whichever is left.
fn changed(settings: &Settings, from: Major) -> Vec<Changed> {
    let (from, catalog) = (from.max(Major::V9_4), settings.catalog);
    let to = catalog.version.major;
    let (older, later) = (from.min(to), Catalog::shared(PgVersion::newest(from.max(to))));
    let mut changed: Vec<Changed> = defaults::between(older, later)
        .into_iter()
        .map(|default| match from < to {
            true => Changed { name: default.name, old: default.was, new: default.is },
            false => Changed { name: default.name, old: default.is, new: default.was },
        })
        .collect();
    // What the new server does not take cannot be kept.
    changed.retain(|Changed { name, old, .. }| {
        let line = format!("{name} = {old}\n");
        let read = catalog.find(name.as_bytes()).zip(check::setting(line.as_bytes(), name));
        let context = Context::new(to, name);
        !settings.is_set(name)
            && read.is_some_and(|(id, value)| catalog::read(catalog.get(id), &context, &value).is_ok())
    });
    changed
}
