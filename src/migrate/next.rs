//! What a server does at its next start, in one sentence.

use std::path::Path;

use crate::catalog::recovery::{Purpose, named};
use crate::model::recovery::signals::{self, Mode};
use crate::model::settings::Settings;
use crate::names;
use crate::source::{Files, display};
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
            let is_hot = settings.value(names::HOT_STANDBY) == Some(Value::Bool(true));
            let kind = if is_hot { "a hot standby" } else { "a warm standby that answers no queries" };
            let source = match (text(Purpose::Conninfo), command) {
                (conninfo, command) if conninfo.is_empty() && command.is_empty() => {
                    "following nothing but what appears in pg_wal".to_owned()
                }
                (conninfo, command) if command.is_empty() => format!("following `{conninfo}`"),
                (conninfo, command) if conninfo.is_empty() => format!("fed by `{command}`"),
                (conninfo, command) => format!("fed by `{command}` and then following `{conninfo}`"),
            };
            format!("{major} starts as {kind}, {source}, until it is promoted")
        }
        Mode::Archive => {
            let action = text(Purpose::Action);
            let then = match (begin.target.or_else(|| signals::target(settings)), action.as_str()) {
                (None, _) => " to the end of the archive and opens for writes".to_owned(),
                (Some(target), "promote") => format!(" to {target} and opens for writes"),
                (Some(target), "shutdown") => format!(" to {target} and shuts down"),
                (Some(target), _) => format!(" to {target} and pauses there"),
            };
            format!("{major} recovers from the archive with `{command}`{then}")
        }
    }
}
