//! What a standby's own recovery settings make of it: a target at which it promotes itself or stops, a timeline that
//! it must know, a command that must be there.

use std::path::Path;

use super::{End, Facts, Found, Pair};
use crate::catalog::is_recovery_target;
use crate::catalog::recovery::{self, Purpose, named};
use crate::check::spot::Spot;
use crate::model::pair::Answer;
use crate::model::path;
use crate::model::recovery::{Meaning, history_file, signals};
use crate::names;
use crate::source::{Place, display};

/// A target of recovery.
pub(super) struct Target {
    /// As it is written, name and value.
    said: String,
    place: Place,
    /// Whether it is reached as soon as the server is consistent; else it depends on what is replayed.
    pub(super) is_at_once: bool,
}

/// What happens at a target.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Action {
    /// Replay stands still, while WAL still comes.
    Pause,
    /// The standby becomes a primary.
    Promote,
    /// The server stops.
    Shutdown,
}

/// Spots for a standby that ends by itself, and what has to be so for it to live.
pub(super) fn check(pair: &Pair, facts: &mut Facts, found: &mut Found) {
    if pair.standby.mode() == Answer::No {
        return;
    }
    trigger(pair, found);
    timeline(pair, facts, found);
    command(pair, facts, found);
    let Some(target) = pair.standby.target() else { return };
    let action = pair.standby.action();
    let (rule, does, ends) = match action {
        // Whoever waits until it has replayed a commit may wait for ever.
        Action::Pause if !target.is_at_once => {
            facts.replays = Answer::Depends;
            return;
        }
        Action::Pause => return,
        Action::Promote => ("standby-promotes-itself", "promotes itself", &mut facts.stays),
        Action::Shutdown => ("standby-stops-at-target", "shuts down", &mut facts.starts),
    };
    if target.is_at_once {
        facts.ends = Some((action, format!("it {does} at {}", target.said)));
        let spot = Spot::new(rule, target.place)
            .word("name", pair.standby.member.name.clone())
            .word("value", target.said)
            .word("pg", pair.standby.view.version_word())
            .label("reached as soon as it is consistent");
        // It comes to it once there is something to replay.
        found.of_standby.push(Spot { is_unsure: true, ..spot });
    } else {
        *ends = Answer::Depends;
        found.provided.push(format!("its replay never comes to {}", target.said));
    }
}

/// A file that promotes the standby, and is there already.
fn trigger(pair: &Pair, found: &mut Found) {
    let Some((path, place)) = pair.standby.trigger() else { return };
    let data = &pair.standby.view.tree.data_directory;
    let full = data.join(path::from_bytes(&path));
    // A file of that name in its data directory the server takes away when it starts.
    let is_taken_away = full.file_name().is_some_and(|name| name == names::PROMOTE)
        && pair.standby.view.files.read(&data.join(names::PROMOTE)).is_ok();
    let is_there = !path.is_empty() && pair.standby.view.files.read(&full).is_ok();
    if is_there && !is_taken_away {
        let spot = Spot::new("trigger-file-is-there", place)
            .word("name", pair.standby.member.name.clone())
            .word("path", display(&path))
            .word("pg", pair.standby.view.version_word());
        found.of_standby.push(spot.label("is there"));
    }
}

/// A timeline other than the first has a history, which has to be found.
fn timeline(pair: &Pair, facts: &mut Facts, found: &mut Found) {
    let timeline = match pair.standby.view.recovery {
        Some(recovery) => recovery.timeline().flatten(),
        None => signals::timeline(pair.standby.view.settings),
    };
    if let Some(history) = timeline.filter(|timeline| *timeline > 1).and_then(history_file) {
        facts.starts = Answer::Depends;
        found.provided.push(format!("{history} is in its pg_wal or in its archive"));
    }
}

/// A command that is not there ends the server.
fn command(pair: &Pair, facts: &mut Facts, found: &mut Found) {
    let Some((command, ..)) = pair.standby.says(Purpose::Restore) else { return };
    let text = display(&command);
    let Some(program) = text.split_whitespace().next() else { return };
    let base = Path::new(program).file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let is_everywhere = EVERYWHERE.contains(&base.as_str()) && (!program.contains('/') || program.contains("/bin/"));
    if !is_everywhere {
        facts.starts = Answer::Depends;
        found.provided.push(format!("`{program}` is there to be run"));
    }
}

/// What every Unix has.
const EVERYWHERE: [&str; 14] =
    ["cp", "test", "[", "cat", "gunzip", "gzip", "zcat", "true", "false", "sh", "bash", "exit", ":", "if"];

impl End<'_> {
    /// The file whose appearance promotes it, and where it is named.
    fn trigger(&self) -> Option<(Vec<u8>, Place)> {
        if self.view.recovery.is_some() {
            return self.says(Purpose::Trigger).map(|(path, place, _)| (path, place));
        }
        let settings = self.view.settings;
        let later = recovery::names().iter().find(|name| name.purpose == Purpose::Trigger)?.later;
        let (_, judged) = settings.winner(settings.catalog.find(later.as_bytes())?)?;
        Some((settings.value(later)?.plain(), judged.entry.value()))
    }

    /// The target that recovery stops at; of several the last.
    pub(super) fn target(&self) -> Option<Target> {
        if let Some(recovery) = self.view.recovery {
            let (_, line, _) = recovery.line(Purpose::Target)?;
            let bytes = &self.view.sources.get(line.entry.file).bytes;
            let value = crate::syntax::conf::value(line.entry.setting.value, bytes);
            let name = line.name?.name;
            return Some(target(name, &value, line.entry.value())).filter(|_| !value.is_empty());
        }
        let settings = self.view.settings;
        let winners = settings.catalog.iter().filter(|(_, parameter)| is_recovery_target(parameter));
        winners
            .filter_map(|(id, parameter)| Some((parameter.name, settings.winner(id)?.1)))
            .filter_map(|(name, judged)| Some((name, settings.value(name)?.plain(), judged.entry.value())))
            .find(|(_, value, _)| !value.is_empty())
            .map(|(name, value, place)| target(name, &value, place))
    }

    /// What it does there. To pause is to stop for a server that answers nobody.
    pub(super) fn action(&self) -> Action {
        let word = match self.view.recovery {
            Some(recovery) => match recovery.line(Purpose::Action) {
                Some((_, _, Meaning::Text(word))) => display(word),
                _ => String::new(),
            },
            None => self.word(named(Purpose::Action)),
        };
        match word.as_str() {
            "promote" => Action::Promote,
            "shutdown" => Action::Shutdown,
            _ if self.answers_queries() == Answer::No => Action::Shutdown,
            _ => Action::Pause,
        }
    }
}

fn target(name: &str, value: &[u8], place: Place) -> Target {
    let said = format!("`{name} = {}`", display(value));
    // Its only value is the earliest consistent point.
    Target { said, place, is_at_once: name == named(Purpose::Target) }
}
