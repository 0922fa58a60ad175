//! recovery.conf as settings and a signal file.

use super::values::{self, Becomes};
use super::{Allow, Block, Change, Goes, Request, Stands, conninfo};
use crate::catalog::recovery::{Purpose, named, names as known_names};
use crate::check::Reading;
use crate::model::path;
use crate::model::recovery::{Line, Meaning, Recovery, Verdict, refused, unreadable, unrecognized, without_restore};
use crate::model::settings::Settings;
use crate::model::transcript;
use crate::names;
use crate::source::{Sources, display};
use crate::syntax::conf;
use crate::value::Value;
use crate::version::Major;

/// What recovery.conf comes to.
#[derive(Debug, Default)]
pub struct Moved {
    /// Settings for postgresql.auto.conf, in the order of writing: name, value, the row of the table.
    pub settings: Vec<(&'static str, Vec<u8>, Change)>,
    /// Rows of what is not written.
    pub dropped: Vec<Change>,
    /// What is in the way.
    pub blocks: Vec<Block>,
    /// What the owner must know.
    pub notes: Vec<String>,
    /// Whether the server is a standby.
    pub is_standby: bool,
}

/// What is looked at.
struct Scene<'a> {
    request: &'a Request,
    recovery: &'a Recovery,
    settings: &'a Settings<'a>,
    sources: &'a Sources,
    /// The settings of the new server, without those of recovery.conf.
    after: &'a Settings<'a>,
}

/// What recovery.conf comes to for a server with the settings `after`.
pub fn moved(request: &Request, reading: &Reading, recovery: &Recovery, sources: &Sources, after: &Settings) -> Moved {
    let scene = Scene { request, recovery, settings: &reading.settings, sources, after };
    let mut moved = Moved { is_standby: recovery.is_standby(), ..Moved::default() };
    if let Some(message) = unreadable(recovery) {
        moved.blocks.push(Block { reason: message.text, allow: None });
        return moved;
    }
    scene.refusals(&mut moved);
    if !recovery.is_standby() && !recovery.says(Purpose::Restore) {
        let reason = format!("the old server does not start with it: {}", without_restore().text);
        moved.blocks.push(Block { reason, allow: None });
    }
    for (index, line) in recovery.lines.iter().enumerate() {
        let (Verdict::Read(meaning), Some(name)) = (&line.verdict, line.name) else { continue };
        let last = recovery.line(name.purpose).is_some_and(|(last, ..)| last == index);
        if last {
            scene.line(line, meaning, &mut moved);
        } else {
            let what = if name.purpose == Purpose::Target { "target" } else { "line" };
            let why = format!("a later {what} wins");
            moved.dropped.push(scene.row(line, None, why));
        }
    }
    scene.timeline(&mut moved);
    scene.action(&mut moved);
    scene.restore(&mut moved);
    scene.unreached(&mut moved);
    scene.against_the_old_one(&mut moved);
    moved
}

impl Scene<'_> {
    /// What the old server refuses of it, each line by itself.
    fn refusals(&self, moved: &mut Moved) {
        let allow = Some(Allow::RefusedLines);
        for fault in self.recovery.tree.faults().filter(|fault| fault.is_error()) {
            let text = transcript::fault_text(&self.recovery.tree, fault, self.sources);
            moved.blocks.push(Block { reason: format!("the old server refuses it: {text}"), allow });
        }
        for line in &self.recovery.lines {
            let message = match &line.verdict {
                Verdict::Read(_) => continue,
                Verdict::Refused(refusal) => refused(refusal),
                Verdict::Unknown => unrecognized(self.sources.text(line.entry.name())),
            };
            let place = &self.recovery.tree.visits[line.entry.visit as usize].path;
            let place = format!("{}:{}", display(&path::to_bytes(place)), line.entry.line);
            let reason = format!("{place}: the old server refuses it: {}", message.text);
            moved.blocks.push(Block { reason, allow });
            moved.dropped.push(self.row(line, None, "the old server refuses it".to_owned()));
        }
    }

    fn value(&self, line: &Line) -> Vec<u8> {
        conf::value(line.entry.setting.value, &self.sources.get(line.entry.file).bytes).into_owned()
    }

    fn row(&self, line: &Line, to: Option<Goes>, why: String) -> Change {
        let from = Stands {
            path: self.sources.get(line.entry.file).path.clone(),
            line: line.entry.line as usize,
            value: self.value(line),
        };
        Change { setting: display(self.sources.text(line.entry.name())), from: Some(from), to, why }
    }

    fn goes(&self, name: &str, value: &[u8]) -> Goes {
        Goes { path: names::AUTO_CONF.into(), setting: name.to_owned(), value: value.to_vec() }
    }

    /// The line that counts for its purpose.
    fn line(&self, line: &Line, meaning: &Meaning, moved: &mut Moved) {
        let Some(name) = line.name else { return };
        let to = self.request.to;
        let later = if name.later.is_empty() { name.name } else { name.later };
        if name.purpose == Purpose::Mode {
            let (file, what) = match moved.is_standby {
                true => (names::STANDBY_SIGNAL, "an empty file says so from 12 on"),
                false => (names::RECOVERY_SIGNAL, "an empty file says so from 12 on: no standby, but a recovery"),
            };
            let to = Goes { path: file.into(), setting: String::new(), value: Vec::new() };
            moved.dropped.push(self.row(line, Some(to), what.to_owned()));
            return;
        }
        if self.after.catalog.find(later.as_bytes()).is_none() {
            let why = format!("gone in {}: end a standby with pg_ctl promote or pg_promote()", Major::V16);
            moved.dropped.push(self.row(line, None, why));
            let file = display(&self.value(line));
            moved.notes.push(format!(
                "`{}`: scripts that make the file `{file}` to promote the standby do nothing in {to}; let them call \
                 pg_ctl promote or pg_promote()",
                name.name
            ));
            return;
        }
        let text = self.value(line);
        match values::of(name, meaning, &text, &self.settings.zone, self.after.catalog) {
            Becomes::Dropped(why) => moved.dropped.push(self.row(line, None, why)),
            Becomes::Impossible(reason) => moved.blocks.push(Block { reason, allow: None }),
            Becomes::Written(value, why, note) => {
                let usual = match name.purpose {
                    _ if later != name.name => format!("`{}` is its name from 12 on", later),
                    _ => "an ordinary setting from 12 on".to_owned(),
                };
                let mut reasons: Vec<String> = why.into_iter().collect();
                let mut value = value;
                if name.purpose == Purpose::Conninfo {
                    let cluster_name =
                        self.after.value(names::CLUSTER_NAME).map(|name| name.plain()).unwrap_or_default();
                    let adjusted = conninfo::adjust(&value, self.recovery.major, to, &cluster_name);
                    reasons.extend(adjusted.why);
                    moved.notes.extend(adjusted.notes);
                    value = adjusted.value;
                }
                moved.notes.extend(note);
                let why = std::iter::once(usual).chain(reasons).collect::<Vec<_>>().join("; ");
                if value.contains(&b'\n') {
                    let reason = format!("`{}` holds a line feed, which ALTER SYSTEM does not write", name.name);
                    moved.blocks.push(Block { reason, allow: None });
                }
                let row = self.row(line, Some(self.goes(later, &value)), why);
                moved.settings.push((later, value, row));
            }
        }
    }

    fn added(&self, purpose: Purpose, value: &str, why: &str, moved: &mut Moved) {
        let name = named(purpose);
        let to = Some(self.goes(name, value.as_bytes()));
        let row = Change { setting: name.to_owned(), from: None, to, why: why.to_owned() };
        moved.settings.push((name, value.into(), row));
    }

    /// Without a line it was the timeline of the backup up to 11, and is the newest one from 12 on.
    fn timeline(&self, moved: &mut Moved) {
        if self.recovery.says(Purpose::Timeline) {
            return;
        }
        let name = named(Purpose::Timeline);
        if !moved.is_standby || self.request.preserve_timeline {
            let why = "not set: up to 11 the timeline of the backup, from 12 on the newest one";
            return self.added(Purpose::Timeline, "current", why, moved);
        }
        moved.notes.push(format!(
            "`{name}` is not set: up to 11 the standby stayed on the timeline of its backup, from 12 on it follows the \
             newest one, as a standby is nearly always meant to (--preserve-timeline writes `current`)"
        ));
    }

    /// What happens at the target, where a default of the old server decided it.
    fn action(&self, moved: &mut Moved) {
        let Some((_, line, _)) = self.recovery.line(Purpose::Target) else { return };
        if !moved.settings.iter().any(|(name, ..)| line.name.is_some_and(|known| known.name == *name)) {
            return;
        }
        let from = self.request.from;
        let is_hot = |settings: &Settings| settings.value(names::HOT_STANDBY) == Some(Value::Bool(true));
        let said = self.recovery.line(Purpose::Pause).or(self.recovery.line(Purpose::Action));
        let paused = match said {
            None => true,
            Some((_, _, Meaning::Bool(is_on, _))) => *is_on,
            Some((_, _, Meaning::Text(word))) => word == b"pause",
            Some(_) => false,
        };
        // From 9.5 to 11 a server that cannot pause shuts down where it was told to pause in so many words; from 12 on
        // also where nothing is said.
        let shuts_down = from >= Major::V9_5 && said.is_some();
        if is_hot(self.settings) || !paused || shuts_down && !is_hot(self.after) {
            return;
        }
        let name = named(Purpose::Action);
        let hot = names::HOT_STANDBY;
        let (word, why) = match shuts_down {
            true => ("shutdown", format!("with `{hot}` off the old server shut down instead of pausing")),
            false => ("promote", format!("with `{hot}` off the old server did not pause, it went on")),
        };
        let row = moved.settings.extract_if(.., |(known, ..)| *known == name);
        moved.dropped.extend(row.map(|(.., row)| Change { to: None, why: why.clone(), ..row }));
        self.added(Purpose::Action, word, &why, moved);
    }

    /// An archive recovery from 12 on wants a command, even one that finds nothing.
    fn restore(&self, moved: &mut Moved) {
        let name = named(Purpose::Restore);
        let is_written = moved.settings.iter().any(|(known, ..)| *known == name);
        if moved.is_standby || is_written || !self.recovery.says(Purpose::Restore) {
            return;
        }
        let why =
            "empty up to 11: nothing was fetched; from 12 on a recovery wants a command, and this one finds nothing";
        self.added(Purpose::Restore, "false", why, moved);
    }

    /// Up to 12 a recovery opened for writes that ran out of WAL before its target.
    fn unreached(&self, moved: &mut Moved) {
        let target = later_names(Purpose::Target).find(|target| moved.settings.iter().any(|(name, ..)| name == target));
        let Some(name) = target.filter(|_| self.request.to >= Major::V13) else { return };
        moved.notes.push(format!(
            "`{name}`: a server whose target is never reached ends with an error from 13 on; up to 12 it opened for \
             writes at the end of the WAL"
        ));
    }

    /// An old server reads no signal file: what stops it on a migrated standby is a name that it does not know.
    fn against_the_old_one(&self, moved: &mut Moved) {
        if moved.is_standby && moved.settings.is_empty() {
            let why =
                "what it is anyway from 12 on; written so that no server up to 11 starts on this, open for writes";
            self.added(Purpose::Timeline, "latest", why, moved);
        }
    }
}

/// The names, from 12 on, of what recovery.conf sets for these purposes.
pub fn later_names(purpose: Purpose) -> impl Iterator<Item = &'static str> {
    let names = known_names().iter().filter(move |name| name.purpose == purpose);
    names.map(|name| if name.later.is_empty() { name.name } else { name.later })
}
