//! What a server does at its next start, in one sentence.

use std::path::Path;

use super::recovery::later_names;
use crate::catalog::recovery::{Purpose, named};
use crate::model::recovery::signals::{self, Mode};
use crate::model::settings::Settings;
use crate::names;
use crate::source::{Files, ReadError, display};
use crate::value::Value;

/// The sentence for a server with these settings and the files of a data directory.
pub fn sentence(files: &dyn Files, data: &Path, settings: &Settings) -> String {
    let begin = signals::begin(settings, signals::signals(files, data), &|_| true);
    let major = settings.catalog.version.major;
    if let Some(refusal) = &begin.refusal {
        return format!("{major} does not start: {}", refusal.text);
    }
    let text = |purpose| settings.value(named(purpose)).map(|value| display(&value.plain())).unwrap_or_default();
    let command = text(Purpose::Restore);
    match begin.mode {
        Mode::Primary => format!("{major} starts as a primary, open for writes"),
        Mode::Standby => {
            let kind = if is_hot(settings) { "a hot standby" } else { "a warm standby that answers no queries" };
            let source = match (text(Purpose::Conninfo), command) {
                (conninfo, command) if conninfo.is_empty() && command.is_empty() => {
                    "following nothing but what appears in pg_wal".to_owned()
                }
                (conninfo, command) if command.is_empty() => format!("following `{conninfo}`"),
                (conninfo, command) if conninfo.is_empty() => format!("fed by `{command}`"),
                (conninfo, command) => format!("fed by `{command}` and then following `{conninfo}`"),
            };
            let end = match (trigger(files, data, settings), signals::target(settings)) {
                (Some(path), _) => format!("and is promoted at once: `{path}` is there"),
                (None, None) => "until it is promoted".to_owned(),
                (None, Some(target)) => format!("up to {target}, where it {}", at_target(settings)),
            };
            format!("{major} starts as {kind}, {source}, {end}")
        }
        Mode::Archive => {
            let then = match begin.target.or_else(|| signals::target(settings)) {
                None => " to the end of the archive and opens for writes".to_owned(),
                Some(target) => format!(" to {target}, where it {}", at_target(settings)),
            };
            format!("{major} recovers from the archive with `{command}`{then}")
        }
    }
}

/// The file that promotes a standby, if it is there already. Without data this may be another machine than the node's,
/// whose paths tell nothing.
fn trigger(files: &dyn Files, data: &Path, settings: &Settings) -> Option<String> {
    files.read(&data.join(names::PG_CONTROL)).ok()?;
    let name = later_names(Purpose::Trigger).next()?;
    let path = display(&settings.value(name)?.plain());
    let is_missing = || matches!(files.read(&data.join(&path)), Err(ReadError::Missing | ReadError::NotDirectory));
    (!path.is_empty() && !is_missing()).then_some(path)
}

fn is_hot(settings: &Settings) -> bool {
    settings.value(names::HOT_STANDBY) == Some(Value::Bool(true))
}

/// What a server does at its target. One that answers no queries does not pause: nobody could end that.
fn at_target(settings: &Settings) -> &'static str {
    match settings.value(named(Purpose::Action)).map(|value| value.plain()).as_deref() {
        Some(b"promote") => "opens for writes",
        Some(b"shutdown") => "shuts down",
        _ if is_hot(settings) => "pauses",
        _ => "shuts down",
    }
}
