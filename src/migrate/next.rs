//! What a server does at its next start, in one sentence.

use std::path::Path;

use super::recovery::later_names;
use crate::catalog::recovery::{Purpose, named};
use crate::model::recovery::signals::{self, Mode};
use crate::model::recovery::{self, Meaning, Recovery};
use crate::model::settings::Settings;
use crate::names;
use crate::source::{Files, ReadError, Sources, display};
use crate::syntax::conf;
use crate::value::Value;
use crate::version::Major;

/// What a server sets out to be, whichever files say so.
struct Course {
    mode: Mode,
    refusal: Option<String>,
    conninfo: String,
    restore: String,
    /// Where it stops, and what it does there.
    target: Option<String>,
    action: Action,
    /// The file that promotes it, if it is there already.
    trigger: Option<String>,
}

/// What a server does at its target.
enum Action {
    Pause,
    Promote,
    Shutdown,
}

impl Action {
    fn words(&self) -> &'static str {
        match self {
            Action::Pause => "pauses",
            Action::Promote => "opens for writes",
            Action::Shutdown => "shuts down",
        }
    }
}

/// The sentence for a server with these settings and the files of a data directory.
pub fn sentence(files: &dyn Files, data: &Path, settings: &Settings) -> String {
    let major = settings.catalog.version.major;
    let course = if major < Major::V12 { by_conf(files, data, settings) } else { by_signals(files, data, settings) };
    let Course { mode, refusal, conninfo, restore, target, action, trigger } = course;
    if let Some(refusal) = refusal {
        return format!("{major} does not start: {refusal}");
    }
    match mode {
        Mode::Primary => format!("{major} starts as a primary, open for writes"),
        Mode::Standby => {
            let kind = if is_hot(settings) { "a hot standby" } else { "a warm standby that answers no queries" };
            let source = match (conninfo.is_empty(), restore.is_empty()) {
                (true, true) => format!("following nothing but what appears in {}", recovery::wal_directory(major)),
                (false, true) => format!("following `{conninfo}`"),
                (true, false) => format!("fed by `{restore}`"),
                (false, false) => format!("fed by `{restore}` and then following `{conninfo}`"),
            };
            let end = match (trigger, target) {
                (Some(path), _) => format!("and is promoted at once: `{path}` is there"),
                (None, None) => "until it is promoted".to_owned(),
                (None, Some(target)) => format!("up to {target}, where it {}", action.words()),
            };
            format!("{major} starts as {kind}, {source}, {end}")
        }
        Mode::Archive => {
            let then = match target {
                None => " to the end of the archive and opens for writes".to_owned(),
                Some(target) => format!(" to {target}, where it {}", action.words()),
            };
            format!("{major} recovers from the archive with `{restore}`{then}")
        }
    }
}

/// The sentence where the data directory is not at hand.
pub fn unknown(major: Major) -> String {
    format!(
        "whether {major} starts as a primary or as a standby is not known: the data directory, where a file says so, is \
         not here (--data-dir names it)"
    )
}

fn by_signals(files: &dyn Files, data: &Path, settings: &Settings) -> Course {
    let begin = signals::begin(settings, signals::signals(files, data), &|_| true);
    let text = |purpose| settings.value(named(purpose)).map(|value| display(&value.plain())).unwrap_or_default();
    Course {
        mode: begin.mode,
        refusal: begin.refusal.map(|refusal| refusal.text),
        conninfo: text(Purpose::Conninfo),
        restore: text(Purpose::Restore),
        target: begin.target.or_else(|| signals::target(settings)).or_else(|| unread(settings)),
        // One that answers no queries does not pause: nobody could end that.
        action: match text(Purpose::Action).as_str() {
            "promote" => Action::Promote,
            "shutdown" => Action::Shutdown,
            _ if is_hot(settings) => Action::Pause,
            _ => Action::Shutdown,
        },
        trigger: later_names(Purpose::Trigger)
            .find_map(|name| there(files, data, &display(&settings.value(name)?.plain()))),
    }
}

/// A trigger that is there. Without data this may be another machine than the node's, whose paths tell nothing.
fn there(files: &dyn Files, data: &Path, path: &str) -> Option<String> {
    files.read(&data.join(names::PG_CONTROL)).ok()?;
    // What may not be looked at, the server may not see either.
    let is_there = || match files.read(&data.join(path)) {
        Ok(_) | Err(ReadError::IsDirectory | ReadError::Other(_)) => true,
        Err(ReadError::Missing | ReadError::NotDirectory | ReadError::Denied | ReadError::Loop) => false,
    };
    (!path.is_empty() && is_there()).then(|| path.to_owned())
}

fn is_hot(settings: &Settings) -> bool {
    settings.value(names::HOT_STANDBY) == Some(Value::Bool(true))
}

/// A target that is set to something that cannot be read yet.
fn unread(settings: &Settings) -> Option<String> {
    let is_set = |name: &&str| settings.is_set(name) && settings.value(name).is_none();
    later_names(Purpose::Target).find(is_set).map(|name| format!("`{name}`"))
}

fn by_conf(files: &dyn Files, data: &Path, settings: &Settings) -> Course {
    let path = data.join(names::RECOVERY_CONF);
    let primary = Course {
        mode: Mode::Primary,
        refusal: None,
        conninfo: String::new(),
        restore: String::new(),
        target: None,
        action: Action::Promote,
        trigger: None,
    };
    if matches!(files.read(&path), Err(ReadError::Missing | ReadError::NotDirectory)) {
        return primary;
    }
    let mut sources = Sources::default();
    let recovery = recovery::read(files, &mut sources, &path, settings.catalog.version.major, &settings.zone);
    let text = |purpose| {
        recovery
            .line(purpose)
            .map(|(_, line, _)| display(&conf::value(line.entry.setting.value, &sources.get(line.entry.file).bytes)))
    };
    Course {
        mode: if recovery.is_standby() { Mode::Standby } else { Mode::Archive },
        refusal: recovery::start(&recovery, &sources, &|_| true).refusal.map(|refusal| refusal.text),
        conninfo: text(Purpose::Conninfo).unwrap_or_default(),
        restore: text(Purpose::Restore).unwrap_or_default(),
        target: recovery::target(&recovery, &sources),
        action: action(&recovery, settings),
        trigger: text(Purpose::Trigger).and_then(|path| there(files, data, &path)),
    }
}

/// Without hot standby there is nothing to pause in: up to 9.4 a server goes on, later it does so where nothing is said.
fn action(recovery: &Recovery, settings: &Settings) -> Action {
    let word = match recovery.line(Purpose::Action).or_else(|| recovery.line(Purpose::Pause)) {
        Some((_, _, Meaning::Text(word))) => Some(word.as_slice()),
        Some((_, _, Meaning::Bool(false, _))) => Some(b"promote".as_slice()),
        Some((_, _, Meaning::Bool(true, _))) => Some(b"pause".as_slice()),
        _ => None,
    };
    match word {
        Some(b"promote") => Action::Promote,
        Some(b"shutdown") => Action::Shutdown,
        _ if is_hot(settings) => Action::Pause,
        Some(_) if recovery.major >= Major::V9_5 => Action::Shutdown,
        _ => Action::Promote,
    }
}
