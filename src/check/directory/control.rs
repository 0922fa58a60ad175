//! What the data say that a recovery, or any start, holds against the settings.

use std::path::Path;

use crate::catalog::{Parameter, ParameterId};
use crate::check::replication::at_parameter;
use crate::check::spot::{Spot, View};
use crate::finding::Severity;
use crate::model::control::{self, Control};
use crate::model::recovery::signals::{self, Mode};
use crate::names;
use crate::value::Value;
use crate::version::Major;

/// Spots for a data directory; `recovers` where the node begins as a standby or with an archive.
pub fn check(view: &View, data: &Path, recovers: bool, spots: &mut Vec<Spot>) {
    spots.extend(prepared(view, data));
    let control = control::of_directory(view.files, data).and_then(Result::ok);
    let major = view.settings.catalog.version.major;
    let Some(control) = control.filter(|control| recovers && control.major == Some(major)) else { return };
    let answers = view.settings.value(names::HOT_STANDBY) == Some(Value::Bool(true));
    spots.extend(minimal(view, &control, answers));
    if answers {
        spots.extend(lower(view, &control));
    }
}

/// What the node begins as, for a sentence.
fn what(view: &View) -> &'static str {
    let is_standby = match view.recovery {
        Some(recovery) => recovery.is_standby(),
        None => signals::signals(view.files, &view.tree.data_directory).mode() == Mode::Standby,
    };
    if is_standby { "standby" } else { "recovery" }
}

/// Settings that are lower than what the WAL was made with: a recovery compares five, and tells the first.
fn lower(view: &View, control: &Control) -> Vec<Spot> {
    let (settings, major) = (view.settings, view.settings.catalog.version.major);
    let mut compared: Vec<(ParameterId, &Parameter)> = settings.catalog.with_trait(AT_LEAST).collect();
    compared.sort_by_key(|(_, parameter)| parameter.trait_of(AT_LEAST));
    let mut found: Vec<Spot> = Vec::new();
    for (id, parameter) in compared {
        let name = parameter.name;
        let (Some(wanted), Some(Value::Integer(has))) = (control.made_with(name), settings.value(name)) else {
            continue;
        };
        if has >= i64::from(wanted) {
            continue;
        }
        let Some(mut spot) = at_parameter(view, "setting-below-primary", id) else { continue };
        if found.is_empty() {
            spot = spot.server(too_low(major, name, has, i64::from(wanted)));
        }
        let spot = spot.word("wanted", wanted.to_string()).word("what", what(view));
        found.push(spot.label(format!("{wanted} where the WAL was made")));
    }
    found
}

/// The trait of such settings; its argument is their place in the order in which a server compares them.
const AT_LEAST: &str = "standby-at-least";

/// What a standby says of a setting that is lower than its primary's.
pub(in crate::check) fn too_low(major: Major, name: &str, has: i64, wanted: i64) -> String {
    match major < Major::V14 {
        true => format!(
            "hot standby is not possible because {name} = {has} is a lower setting than on the master server (its value was {wanted})"
        ),
        false => format!("{name} = {has} is a lower setting than on the primary server, where its value was {wanted}."),
    }
}

/// WAL that does not hold what a recovery needs.
fn minimal(view: &View, control: &Control, answers: bool) -> Option<Spot> {
    if control.wal_level_word() != "minimal" {
        return None;
    }
    let name = names::WAL_LEVEL;
    let goes_on = !answers && view.settings.catalog.version.major < Major::V14;
    let says = match view.settings.catalog.version.major {
        _ if goes_on => format!("WAL was generated with {name}=minimal, data may be missing"),
        major if major < Major::V14 => format!("hot standby is not possible because {name} was not set to"),
        major if major < Major::V17 => format!("WAL was generated with {name}=minimal, cannot continue recovering"),
        _ => format!("WAL was generated with \"{name}=minimal\", cannot continue recovering"),
    };
    let mut spot = Spot::new("wal-made-at-minimal", view.top()?).word("what", what(view)).subject(name);
    if goes_on {
        spot.at_most = Some(Severity::Warning);
    }
    Some(spot.label("the data beside it were last run so").server(says))
}

/// More prepared transactions than there is room for: every start takes them up.
fn prepared(view: &View, data: &Path) -> Option<Spot> {
    let id = view.settings.catalog.find(names::MAX_PREPARED_TRANSACTIONS.as_bytes())?;
    let Some(Value::Integer(most)) = view.settings.value(names::MAX_PREPARED_TRANSACTIONS) else { return None };
    let digits = if view.settings.catalog.version.major < Major::V17 { 8 } else { 16 };
    let is_state =
        |name: &[u8]| name.len() == digits && name.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'A'..=b'F'));
    let files = view.files.list(&data.join(names::PG_TWOPHASE)).unwrap_or_default();
    let count = files.iter().filter(|(name, is_directory)| !is_directory && is_state(name)).count();
    if i64::try_from(count).is_ok_and(|count| count <= most) {
        return None;
    }
    let spot = at_parameter(view, "prepared-transactions-exceed-setting", id)?.word("missing", count.to_string());
    let says = "maximum number of prepared transactions reached";
    Some(spot.label(format!("{count} in {}", names::PG_TWOPHASE)).server(says))
}
