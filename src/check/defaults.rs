//! Defaults that an upgrade changes, of settings that no file sets.

use super::spot::{Spot, View};
use crate::catalog::{self, Catalog, Parameter, defaults};
use crate::model::settings::{self, Settings};
use crate::source::display;
use crate::value::Value;
use crate::version::{Major, PgVersion};

/// A default that matters between two majors.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NewDefault {
    /// The parameter.
    pub name: &'static str,
    /// The major from which on it is another one.
    pub since: Major,
    /// What it was, as a file would say it.
    pub was: String,
    /// What it is.
    pub is: String,
    /// What comes of it.
    pub why: &'static str,
}

/// The new defaults that matter on the way from a major to that of the settings, where no line sets them.
pub fn changed(settings: &Settings, from: Major) -> Vec<NewDefault> {
    let mut changed = between(from, settings.catalog);
    changed.retain(|default| !settings.is_set(default.name));
    changed
}

/// A spot for each of them.
pub fn check(view: &View, spots: &mut Vec<Spot>) {
    let (Some(from), Some(top)) = (view.from, view.top()) else { return };
    spots.extend(changed(view.settings, from).into_iter().map(|default| {
        Spot::new("default-changed-across-upgrade", top)
            .label("not set here")
            .word("name", default.name)
            .word("since", default.since.to_string())
            .word("was", default.was)
            .word("value", default.is)
            .word("why", default.why)
            .word("pg", view.version_word())
            .subject(default.name)
    }));
}

/// The defaults of `to` that are others than in the major `from`, and that matter.
pub fn between(from: Major, to: &Catalog) -> Vec<NewDefault> {
    let mut found: Vec<NewDefault> = Vec::new();
    for row in defaults::rows()
        .filter(|row| row.class == defaults::MATTERS && from < row.since && row.since <= to.version.major)
    {
        // What a parameter was before the first change that matters, in words that the later version still takes.
        let before =
            catalog::majors().take_while(|major| *major < row.since).last().map_or(from, |major| major.max(from));
        let old = Catalog::shared(PgVersion::newest(before));
        let both = (old.find(row.name.as_bytes()), to.find(row.name.as_bytes()));
        let ((Some(was), Some(is)), None) = (both, found.iter().find(|known| known.name == row.name)) else { continue };
        let (was, is) = (written(old.get(was), before), written(to.get(is), to.version.major));
        if was != is {
            found.push(NewDefault { name: row.name, since: row.since, was, is, why: row.why });
        }
    }
    found
}

/// A default as a file would say it.
pub fn written(parameter: &Parameter, major: Major) -> String {
    let value = settings::default(parameter, major);
    let shown = |value: &Value| display(&value.shown(parameter, major));
    match &value {
        Some(value @ Value::Text(_)) => format!("'{}'", shown(value).replace('\'', "''")),
        Some(value) => shown(value),
        None => String::new(),
    }
}
