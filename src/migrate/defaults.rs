//! Defaults that are others in the new version: told, and on demand written down as they were.

use super::parameters::Mended;
use super::{After, Change, Goes, Request, Told};
use crate::catalog::{self, Catalog};
use crate::check;
use crate::model::settings::{self, Settings};
use crate::source::{Files, Sources, display};
use crate::syntax::conf;
use crate::value::Context;
use crate::version::{Major, PgVersion};

/// A default that no file stands against.
struct Changed {
    name: &'static str,
    /// As SHOW prints them.
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
        let line = [name.as_bytes(), b" = ", &conf::quote(old.as_bytes()), b"\n"].concat();
        bytes.extend(line);
        let to = Goes { path: main.path.clone(), setting: name.to_owned(), value: old.into_bytes() };
        let why = format!("not set: the default of {from}, where that of {} is `{new}`", request.to);
        mended.changes.push(Change { setting: name.to_owned(), from: None, to: Some(to), why });
    }
    after.set(main.path.clone(), bytes);
    let text = "the settings at its end are the defaults of the old version: whoever wrote none may want the new ones";
    mended.notes.push(Told::of(&main.path, text));
    mended
}

/// Lists differ in nothing but the blanks between their items.
fn without_blanks(value: &[u8]) -> Vec<u8> {
    value.iter().copied().filter(|byte| *byte != b' ').collect()
}

fn changed(settings: &Settings, from: Major) -> Vec<Changed> {
    let from = from.max(Major::V9_4);
    let (new, old) = (settings.catalog, Catalog::shared(PgVersion::newest(from)));
    let to = new.version.major;
    let mut changed = Vec::new();
    for (id, parameter) in new.iter() {
        let before = old.find(parameter.name.as_bytes()).map(|id| old.get(id)).filter(|before| before.settable);
        let (Some(before), true, None) = (before, parameter.settable, settings.winner(id)) else { continue };
        let value = |parameter, major| settings::default(parameter, major);
        let (Some(was), Some(is)) = (value(before, from), value(parameter, to)) else { continue };
        let (was, is) = (was.shown(before, from), is.shown(parameter, to));
        // The same under another name for it, as `off` and an empty list; or what the new server does not take.
        let context = Context::new(to, parameter.name);
        let kept = catalog::read(parameter, &context, &was).map(|value| value.shown(parameter, to));
        if kept.is_ok_and(|kept| without_blanks(&kept) != without_blanks(&is)) {
            changed.push(Changed { name: parameter.name, old: display(&was), new: display(&is) });
        }
    }
    changed
}
