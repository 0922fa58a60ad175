//! Two revisions of a node: what is set to another value, and what a running server needs to take it.

use std::collections::BTreeMap;

use super::spot::{Spot, View};
use super::{Reading, Subject, read, recovery};
use crate::catalog::{Catalog, Kind, Parameter, ParameterId};
use crate::model::effective::worked_out;
use crate::model::recovery::Recovery;
use crate::model::recovery::signals::{self, Mode};
use crate::model::settings::{Settings, Verdict};
use crate::model::tree::{Entry, Tree};
use crate::names;
use crate::source::{Files, Place, Sources, display};
use crate::syntax::conf;
use crate::value::Value;
use crate::version::Major;

/// How many names a sentence has before it only counts.
const MOST: usize = 12;

/// The other revision, as a server of the same version reads it.
#[derive(Debug)]
pub struct Base<'a> {
    /// Its files: nothing is found in them.
    pub sources: Sources,
    /// What comes of them.
    pub reading: Reading<'a>,
}

impl<'a> Base<'a> {
    /// Reads the other revision.
    pub fn of(files: &dyn Files, subject: &Subject, catalog: &'a Catalog) -> Base<'a> {
        let mut sources = Sources::default();
        let tree = read(files, &mut sources, subject, catalog.version.major);
        let reading = Reading::of(files, &mut sources, subject, tree, catalog);
        Base { sources, reading }
    }
}

/// What a running server needs to take a new value.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Takes {
    /// A restart; a reload only logs that it cannot be changed.
    Restart,
    /// A reload.
    Reload,
    /// A reload, and then only new connections have it.
    Connections,
    /// What the extension says that it belongs to.
    Extension,
}

/// A setting that is another one than it was.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Change {
    /// Its name.
    pub name: String,
    /// What it needs.
    pub takes: Takes,
    /// Where it is set; nowhere if its line is gone.
    pub place: Option<Place>,
    /// What it was, where that tells no secret.
    pub was: Option<String>,
}

/// Every setting that changes, refused ones left out: these never come into force.
pub fn changes(view: &View, base: &Base) -> Vec<Change> {
    let parameters = view.settings.catalog.iter();
    let mut changes: Vec<Change> =
        parameters.filter_map(|(id, parameter)| changed(view.settings, base, id, parameter)).collect();
    let own = |settings: &Settings, sources: &Sources| {
        let custom = settings.judged.iter().filter(|judged| judged.verdict == Verdict::Custom);
        custom.map(|judged| written(&judged.entry, sources)).collect::<Written>()
    };
    let (was, is) = (own(&base.reading.settings, &base.sources), own(view.settings, view.sources));
    changes.extend(rewritten(&was, &is, Takes::Extension));
    let lines = |recovery: Option<&Recovery>, sources: &Sources| {
        let lines = recovery.map_or(&[][..], |recovery| &recovery.lines).iter();
        lines.map(|line| written(&line.entry, sources)).collect::<Written>()
    };
    // Up to 11 it is read at a start, and never again.
    let was = lines(base.reading.recovery.as_ref(), &base.sources);
    changes.extend(rewritten(&was, &lines(view.recovery, view.sources), Takes::Restart));
    changes
}

fn changed(settings: &Settings, base: &Base, id: ParameterId, parameter: &Parameter) -> Option<Change> {
    let line = settings.winner(id).map(|(_, judged)| judged);
    let is_gone = line.is_none() && base.reading.settings.winner(id).is_some();
    let takes = match parameter.context {
        _ if parameter.is_internal() => return None,
        "backend" | "superuser-backend" => Takes::Connections,
        _ if parameter.needs_restart() => Takes::Restart,
        _ => Takes::Reload,
    };
    let before = &base.reading.settings;
    let is = settings.value(parameter.name)?;
    // A new line may say what the server has worked out by itself.
    let is_new = line.is_some() && before.winner(id).is_none();
    let usual = is_new.then(|| before.value(parameter.name)).flatten();
    let made = usual.and_then(|usual| worked_out(before, parameter, &usual, true));
    let was = made.or_else(|| before.value(parameter.name))?;
    // A line that is gone is one that a reload cannot undo, even where it said the default.
    if was == is && !(is_gone && takes == Takes::Restart) {
        return None;
    }
    let shown = || display(&was.shown(parameter, settings.catalog.version.major));
    let tells = parameter.kind != Kind::String && !matches!(was, Value::Text(_));
    Some(Change {
        name: parameter.name.to_string(),
        takes,
        place: line.map(|judged| judged.entry.value()),
        was: tells.then(shown),
    })
}

/// Names as servers compare them, each with its value, its place, and itself as it is spelled.
type Written = BTreeMap<Vec<u8>, (Vec<u8>, Place, String)>;

fn written(entry: &Entry, sources: &Sources) -> (Vec<u8>, (Vec<u8>, Place, String)) {
    let name = sources.text(entry.name());
    let value = conf::value(entry.setting.value, &sources.get(entry.file).bytes).into_owned();
    (name.to_ascii_lowercase(), (value, entry.value(), display(name)))
}

/// What differs between two sets of lines of which nothing is known but their text.
fn rewritten(was: &Written, is: &Written, takes: Takes) -> Vec<Change> {
    let change = |name: &str, place: Option<Place>| Change { name: name.to_string(), takes, place, was: None };
    let set = is.iter().filter(|(name, (value, ..))| was.get(*name).is_none_or(|(before, ..)| before != value));
    let gone = was.iter().filter(|(name, _)| !is.contains_key(*name));
    set.map(|(_, (_, place, name))| change(name, Some(*place)))
        .chain(gone.map(|(_, (_, _, name))| change(name, None)))
        .collect()
}

/// What becomes of a standby, and one spot for all that changes.
pub fn check(view: &View, spots: &mut Vec<Spot>) {
    let (Some(base), Some(top)) = (view.base, view.top()) else { return };
    spots.extend(no_longer_a_standby(view, base));
    let mut changes = changes(view, base);
    if changes.is_empty() {
        return;
    }
    changes.sort_by_key(|change| (change.takes != Takes::Restart, change.place.is_none(), change.place));
    let count = |takes: Takes| changes.iter().filter(|change| change.takes == takes).count();
    let said = match (count(Takes::Restart), changes.len()) {
        (0, all) => format!("None of {} needs", plural(all)),
        (1, all) => format!("1 of {} needs", plural(all)),
        (some, all) => format!("{some} of {} need", plural(all)),
    };
    let restart = names(&changes, Takes::Restart);
    let restart = if restart.is_empty() { restart } else { format!(": {restart}") };
    let mut places = changes.iter().filter_map(|change| Some((change.place?, label(change))));
    let (place, first) = places.next().unwrap_or((top, "a line is gone".to_string()));
    let mut spot = Spot::new("change-needs-restart", place)
        .label(first)
        .word("changes", said)
        .word("names", restart)
        .word("reload", names(&changes, Takes::Reload))
        .word("connections", names(&changes, Takes::Connections))
        .word("extension", names(&changes, Takes::Extension))
        .word("pg", view.version_word());
    for (place, label) in places {
        spot = spot.related(place, label);
    }
    spots.push(spot);
}

/// A node that lost what made it a standby; one that does not start at all is told otherwise.
fn no_longer_a_standby(view: &View, base: &Base) -> Option<Spot> {
    let top = recovery::node_top(view)?;
    let major = view.settings.catalog.version.major;
    let mode = |tree: &Tree, recovery: Option<&Recovery>| match recovery {
        Some(recovery) if recovery.is_standby() => Some(Mode::Standby),
        _ if major < Major::V12 => Some(Mode::Primary),
        _ => {
            let signals = signals::signals(view.files, &tree.data_directory);
            Some(signals.mode()).filter(|_| !signals.recovery_conf)
        }
    };
    let was = mode(&base.reading.tree, base.reading.recovery.as_ref())?;
    let is = mode(view.tree, view.recovery)?;
    let path = if major < Major::V12 { names::RECOVERY_CONF } else { names::STANDBY_SIGNAL };
    let spot = Spot::new("no-longer-a-standby", top).word("path", path).label("the file beside it is gone");
    (was == Mode::Standby && is != Mode::Standby).then_some(spot)
}

/// The names of those that need the same, those that are gone said so.
fn names(changes: &[Change], takes: Takes) -> String {
    let named: Vec<String> = changes
        .iter()
        .filter(|change| change.takes == takes)
        .map(|change| match change.place {
            Some(_) => format!("`{}`", change.name),
            None => format!("`{}` (no longer set)", change.name),
        })
        .collect();
    match named.len().checked_sub(MOST) {
        Some(more @ 1..) => format!("{} and {more} more", named[..MOST].join(", ")),
        _ => named.join(", "),
    }
}

fn plural(changes: usize) -> String {
    format!("{changes} change{}", if changes == 1 { "" } else { "s" })
}

fn label(change: &Change) -> String {
    let was = change.was.as_ref().map_or_else(|| "changed".to_string(), |was| format!("was {was}"));
    match change.takes {
        Takes::Restart => format!("{was}: needs a restart"),
        Takes::Reload => format!("{was}: a reload is enough"),
        Takes::Connections => format!("{was}: for new connections"),
        Takes::Extension => format!("{was}: its extension knows"),
    }
}
