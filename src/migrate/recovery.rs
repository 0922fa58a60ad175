//! recovery.conf as settings and a signal file.

use std::path::PathBuf;

use super::values::{self, Becomes};
use super::{Allow, Block, Change, Goes, Request, Stands, Told, conninfo, template};
use crate::catalog::recovery::{Kind, Name, Purpose, named, names as known_names};
use crate::check::Reading;
use crate::model::recovery::{Line, Meaning, Recovery, Verdict, refused, unreadable, unrecognized, without_restore};
use crate::model::settings::Settings;
use crate::model::transcript;
use crate::model::tree::FaultKind;
use crate::names;
use crate::source::{ReadError, Sources, display};
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
    pub notes: Vec<Told>,
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
        moved.blocks.push(Block { reason: message.text.into(), allow: None });
        return moved;
    }
    scene.refusals(&mut moved);
    if !recovery.is_standby() && !recovery.says(Purpose::Restore) {
        let reason = format!("the old server does not start with it: {}", without_restore().text);
        moved.blocks.push(Block { reason: reason.into(), allow: None });
    }
    for (index, line) in recovery.lines.iter().enumerate() {
        let (Some(meaning), Some(name)) = (scene.meaning(line), line.name) else { continue };
        let is_later = |other: &Line| {
            scene.meaning(other).is_some() && other.name.is_some_and(|other| other.purpose == name.purpose)
        };
        if !recovery.lines[index + 1..].iter().any(is_later) {
            scene.line(line, &meaning, &mut moved);
        } else {
            let is_target = name.purpose == Purpose::Target;
            let what = if is_target { "target" } else { "line" };
            if is_target {
                moved.notes.push(scene.outdone(line));
            }
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
    /// A target that another one wins over: it is not written, not even as a comment, which ALTER SYSTEM would not keep.
    fn outdone(&self, line: &Line) -> Told {
        let path = &self.sources.get(line.entry.file).path;
        let text = format!(
            "the target `{} = '{}'` is not written: up to 11 the last one counts, from 12 on no server starts with two; the \
             line stays in the file that is put aside",
            display(self.sources.text(line.entry.name())),
            display(&self.value(line))
        );
        Told::at(path, line.entry.line as usize, text)
    }

    /// What a line means to the old server; one that nobody has filled in yet means its text.
    fn meaning(&self, line: &Line) -> Option<Meaning> {
        match &line.verdict {
            Verdict::Read(meaning) => Some(meaning.clone()),
            Verdict::Refused(_) => Some(self.value(line)).filter(|text| template::is_open(text)).map(Meaning::Text),
            Verdict::Unknown => None,
        }
    }

    /// What the old server refuses of it, each line by itself.
    fn refusals(&self, moved: &mut Moved) {
        // What may have made it a standby is not left out: it would become a server that opens for writes.
        let (mode, is_standby) = (named(Purpose::Mode), moved.is_standby);
        let allowed = |text: &[u8]| {
            let says_mode = memchr::memmem::find(&text.to_ascii_lowercase(), mode.as_bytes()).is_some();
            (is_standby || !says_mode).then_some(Allow::RefusedLines)
        };
        for fault in self.recovery.tree.faults() {
            if let Some(reason) = unread(&fault.kind) {
                let place = fault.place.map(|place| &self.sources.get(place.file).path);
                let told = |path: &PathBuf| Told::at(path, fault.line as usize, reason.clone());
                moved.blocks.push(Block { reason: place.map_or(reason.clone().into(), told), allow: None });
            }
            if unread(&fault.kind).is_some() || !fault.is_error() {
                continue;
            }
            let text = transcript::fault_text(&self.recovery.tree, fault, self.sources);
            let source = fault.place.map(|place| self.sources.get(place.file));
            let line = source.zip(fault.place).map(|(source, place)| source.line_bytes(source.line(place.span.start)));
            let reason = format!("the old server refuses it: {text}").into();
            moved.blocks.push(Block { reason, allow: allowed(line.unwrap_or_default()) });
        }
        for line in &self.recovery.lines {
            let message = match &line.verdict {
                Verdict::Read(_) => continue,
                Verdict::Refused(_) if self.meaning(line).is_some() => continue,
                Verdict::Refused(refusal) => refused(refusal),
                Verdict::Unknown => unrecognized(self.sources.text(line.entry.name())),
            };
            let path = &self.sources.get(line.entry.file).path;
            let text = format!("the old server refuses it: {}", message.text);
            let reason = Told::at(path, line.entry.line as usize, text);
            moved.blocks.push(Block { reason, allow: allowed(self.sources.text(line.entry.name())) });
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
        let later = later_name(name);
        if name.purpose == Purpose::Mode && matches!(meaning, Meaning::Text(_)) {
            let reason = format!("whether it is a standby is not filled in yet: `{}`", display(&self.value(line)));
            let path = &self.sources.get(line.entry.file).path;
            let reason = Told::at(path, line.entry.line as usize, reason);
            moved.blocks.push(Block { reason, allow: None });
            return;
        }
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
            moved.notes.extend(without_trigger(name.name, &self.value(line), to).map(Told::from));
            return;
        }
        let text = self.value(line);
        let becomes = match template::is_open(&text) {
            true => self.open(name, &text, moved),
            false => values::of(name, meaning, &text, self.settings, self.after.catalog),
        };
        match becomes {
            Becomes::Dropped(why) => moved.dropped.push(self.row(line, None, why)),
            Becomes::Impossible(reason) => moved.blocks.push(Block { reason: reason.into(), allow: None }),
            Becomes::Written(value, why, note) => {
                let usual = match name.purpose {
                    _ if later != name.name => format!("`{}` is its name from 12 on", later),
                    _ => "an ordinary setting from 12 on".to_owned(),
                };
                let mut reasons: Vec<String> = why.into_iter().collect();
                let mut value = value;
                if name.purpose == Purpose::Conninfo {
                    let adjusted = self.conninfo(&value);
                    reasons.extend(adjusted.why);
                    moved.notes.extend(adjusted.notes.into_iter().map(Told::from));
                    value = adjusted.value;
                }
                moved.notes.extend(note.map(Told::from));
                let why = std::iter::once(usual).chain(reasons).collect::<Vec<_>>().join("; ");
                if value.contains(&b'\n') {
                    let reason = format!("`{}` holds a line feed, which ALTER SYSTEM does not write", name.name);
                    moved.blocks.push(Block { reason: reason.into(), allow: None });
                }
                let row = self.row(line, Some(self.goes(later, &value)), why);
                moved.settings.push((later, value, row));
            }
        }
    }

    /// The connection string for the new libpq, under the name that the primary has seen so far.
    fn conninfo(&self, value: &[u8]) -> conninfo::Adjusted {
        let mut adjusted = conninfo::adjust(value, self.recovery.major, self.request.to);
        let cluster_name = self.after.value(names::CLUSTER_NAME).map(|name| name.plain()).unwrap_or_default();
        if !cluster_name.is_empty() {
            let why = format!(
                "with the name that the primary has seen so far: from 12 on it would be `{}`, and `{}` of the primary may \
                 wait for the old one",
                display(&cluster_name),
                names::SYNCHRONOUS_STANDBY_NAMES
            );
            conninfo::pin(&mut adjusted, self.request.to, conninfo::USUAL_NAME.as_bytes(), why);
        }
        adjusted
    }

    /// A value with a placeholder stays as it is: what will stand there nobody knows.
    fn open(&self, name: &Name, text: &[u8], moved: &mut Moved) -> Becomes {
        if let Some(letters) = values::letters(name.purpose) {
            return values::command(text, letters, self.request.to);
        }
        if name.kind != Kind::Text {
            let to = self.request.to;
            moved.notes.push(
                format!("`{}` is filled in later, with something that {to} takes: it is not looked at here", name.name)
                    .into(),
            );
        }
        Becomes::Written(text.to_vec(), None, None)
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
        let note = format!(
            "`{name}` is not set: up to 11 the standby stayed on the timeline of its backup, from 12 on it follows the \
             newest one, as a standby is nearly always meant to (--preserve-timeline writes `current`)"
        );
        moved.notes.push(note.into());
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
        moved.notes.push(never_reached(name).into());
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

/// What is said of a target across 13.
pub fn never_reached(name: &str) -> String {
    format!(
        "`{name}`: a server whose target is never reached ends with an error from 13 on; up to 12 it opened for writes at \
         the end of the WAL"
    )
}

/// What is said of a file that promotes, where the new server knows none.
pub fn without_trigger(name: &str, file: &[u8], to: Major) -> Option<String> {
    (!file.is_empty()).then(|| {
        format!(
            "`{name}`: scripts that make the file `{}` to promote the standby do nothing in {to}; let them call pg_ctl \
             promote or pg_promote()",
            display(file)
        )
    })
}

/// What is not there, or may hold anything: even what makes it a standby. Nothing allows that.
fn unread(kind: &FaultKind) -> Option<String> {
    let (path, error) = match kind {
        FaultKind::CannotOpen(path, error) | FaultKind::CannotOpenDirectory(path, error) => (path, error),
        // Whoever runs this may see less than the server does.
        FaultKind::Skipped(path, error) if !matches!(error, ReadError::Missing | ReadError::NotDirectory) => {
            (path, error)
        }
        FaultKind::TooDeep(name) => {
            return Some(format!("it includes `{}`, too deep to be read, so what it says is not known", display(name)));
        }
        _ => return None,
    };
    Some(format!("it includes `{}`, which cannot be read, so what it says is not known: {error}", path.display()))
}

/// The names, from 12 on, of what recovery.conf sets for these purposes.
pub fn later_names(purpose: Purpose) -> impl Iterator<Item = &'static str> {
    known_names().iter().filter(move |name| name.purpose == purpose).map(later_name)
}

/// The name of a setting from 12 on.
pub fn later_name(name: &Name) -> &'static str {
    if name.later.is_empty() { name.name } else { name.later }
}
