//! Over the line between 11 and 12: recovery.conf becomes settings and a signal file.

use std::path::Path;
use std::sync::Arc;

use super::super::back;
use super::super::recovery::{self, Moved, later_names};
use super::super::{Action, Allow, Change, Step, Told, template};
use super::{Planner, below, settings_after};
use crate::catalog::Catalog;
use crate::catalog::recovery::Purpose;
use crate::model::auto_conf::AutoConf;
use crate::model::recovery::signals;
use crate::model::recovery::{Recovery, unreadable};
use crate::model::settings::{self, Settings};
use crate::names;
use crate::source::{FileKind, Sources, display};
use crate::syntax::conf;
use crate::version::{Major, PgVersion};

impl Planner<'_> {
    /// What recovery.conf says, said anew; the file itself is put aside.
    pub(super) fn recovery(&mut self) {
        let Some(recovery) = self.reading.recovery.take() else { return };
        if recovery.path != self.data.join(names::RECOVERY_CONF) {
            if self.has_data() {
                self.after.files.remove(&recovery.path);
                let text = "not in the data directory: no server reads it, so it stays as it is";
                self.plan.notes.push(Told::of(&recovery.path, text));
                return;
            }
            let text = format!(
                "the data directory is not there: --data-dir says where it lies; or else its files are made beside {}",
                names::RECOVERY_CONF
            );
            self.block(Some(Allow::MissingDataDirectory), Told::of(&self.data, text));
            self.data = recovery.path.parent().unwrap_or(Path::new("")).to_path_buf();
            self.signals = signals::signals(self.files, &self.data);
            self.node.data_dir = Some(self.data.clone());
        }
        let mut sources = Sources::default();
        let after = settings_after(&self.after, &self.node, self.request.to, &mut sources);
        let moved = recovery::moved(self.request, &self.reading, &recovery, &self.sources, &after);
        if unreadable(&recovery).is_some() {
            // What it makes the node is not known.
            self.plan.blocks.extend(moved.blocks);
            return;
        }
        self.conflicts(&moved, &after, &sources);
        self.leftovers(&moved, &after, &sources);
        self.move_settings(&moved);
        self.signal(moved.is_standby);
        self.tell_later(&moved);
        self.put_aside(&recovery);
        let Moved { settings, dropped, blocks, notes, .. } = moved;
        let data = self.data.clone();
        let rows = settings.into_iter().map(|(_, _, row)| row).chain(dropped).map(|row| below(row, &data));
        let mut rows: Vec<Change> = rows.collect();
        rows.sort_by_key(|row| row.from.as_ref().map_or(usize::MAX, |from| from.line));
        self.plan.changes.extend(rows);
        self.plan.blocks.extend(blocks);
        self.plan.notes.extend(notes);
    }

    /// What other files say of the same settings. Two targets refuse every start.
    fn conflicts(&mut self, moved: &Moved, after: &Settings, sources: &Sources) {
        let targets: Vec<&str> = later_names(Purpose::Target).collect();
        let new_target = moved.settings.iter().map(|(name, ..)| *name).find(|name| targets.contains(name));
        let mut names: Vec<&str> = moved.settings.iter().map(|(name, ..)| *name).collect();
        if new_target.is_some() {
            names.extend(targets.iter().filter(|target| !moved.settings.iter().any(|(name, ..)| name == *target)));
        }
        for name in names {
            let Some((_, judged)) = after.catalog.find(name.as_bytes()).and_then(|id| after.winner(id)) else {
                continue;
            };
            let value = after.value(name).map(|value| value.plain()).unwrap_or_default();
            let wanted = moved.settings.iter().find(|(known, ..)| *known == name).map(|(_, value, _)| value);
            let (path, line) = (&sources.get(judged.entry.file).path, judged.entry.line as usize);
            match wanted {
                Some(wanted) if *wanted == value => {}
                Some(wanted) => {
                    let (value, wanted) = (display(&value), display(wanted));
                    let text = format!("sets `{name}` to `{value}`, and recovery.conf to `{wanted}`");
                    self.block(Some(Allow::Conflict), Told::at(path, line, text));
                }
                // An empty one behind another is refused as well.
                None => {
                    let target = new_target.unwrap_or_default();
                    let text = format!(
                        "sets the target `{name}`, and recovery.conf `{target}`: no server from 12 on starts with both; \
                         take away the one that is not meant"
                    );
                    self.block(None, Told::at(path, line, text));
                }
            }
        }
    }

    /// What other files set, and recovery.conf does not: nothing has heeded it so far, and the new server does. A target
    /// with an action, a command or a file that promotes may open a second primary.
    fn leftovers(&mut self, moved: &Moved, after: &Settings, sources: &Sources) {
        let is_moved = |name: &str| moved.settings.iter().any(|(known, ..)| *known == name);
        let targets: Vec<&str> = later_names(Purpose::Target).collect();
        let has_target = targets.iter().any(|target| is_moved(target));
        for (name, judged) in back::set(after) {
            // The others are conflicts.
            if is_moved(name) || has_target && targets.contains(&name) {
                continue;
            }
            let usual = after.catalog.find(name.as_bytes()).map(|id| after.catalog.get(id));
            let usual = usual.and_then(|parameter| settings::default(parameter, after.catalog.version.major));
            let value = after.value(name);
            if value.is_some() && value == usual {
                continue;
            }
            let source = sources.get(judged.entry.file);
            let text = format!(
                "sets `{name}` to `{}`, which no server up to 11 heeds there, and recovery.conf says nothing of it: in {} it \
                 comes alive; take it away, or say it in recovery.conf",
                display(&conf::value(judged.entry.setting.value, &source.bytes)),
                self.request.to
            );
            self.block(Some(Allow::Leftover), Told::at(&source.path, judged.entry.line as usize, text));
        }
    }

    /// Writes the settings as ALTER SYSTEM does, one after the other.
    fn move_settings(&mut self, moved: &Moved) {
        let path = self.data.join(names::AUTO_CONF);
        if moved.settings.is_empty() {
            return;
        }
        let catalog = Catalog::shared(PgVersion::newest(self.request.to));
        for (name, value, _) in &moved.settings {
            let file = AutoConf { files: &self.after, path: &path, catalog };
            // What will stand in place of a placeholder nobody knows.
            let written = if template::is_open(value) { file.put(name, value) } else { file.set(name, value) };
            match written {
                Ok(bytes) => self.after.set(path.clone(), bytes),
                Err(refusal) => {
                    let message = refusal.message.unwrap_or_default();
                    let reason = format!("{} would refuse it: {message}", self.request.to);
                    self.block(None, reason.into());
                }
            }
        }
    }

    /// What comes up only when the new server runs.
    fn tell_later(&mut self, moved: &Moved) {
        let targets: Vec<&str> = later_names(Purpose::Target).collect();
        let target = moved.settings.iter().map(|(name, ..)| *name).find(|name| targets.contains(name));
        if moved.is_standby {
            let text = "a standby is not upgraded by pg_upgrade: its data directory is made anew from the upgraded primary, \
                        and these files go there";
            self.plan.notes.push(Told::from(text.to_owned()));
        } else if let Some(target) = target {
            let text = format!(
                "recovery.conf went away when recovery ended; from 12 on `{target}` stays in {}, also in every copy of this \
                 node: ALTER SYSTEM RESET it then",
                names::AUTO_CONF
            );
            self.plan.notes.push(text.into());
        }
    }

    fn signal(&mut self, is_standby: bool) {
        let (wanted, other, other_is_there) = match is_standby {
            true => (names::STANDBY_SIGNAL, names::RECOVERY_SIGNAL, self.signals.recovery),
            false => (names::RECOVERY_SIGNAL, names::STANDBY_SIGNAL, self.signals.standby),
        };
        let path = self.data.join(wanted);
        let is_there = if is_standby { self.signals.standby } else { self.signals.recovery };
        if !is_there {
            self.after.set(path, Vec::new());
        }
        if other_is_there && !is_there {
            let path = self.data.join(other);
            let text = format!("it is there, and recovery.conf asks for {wanted}");
            self.block(Some(Allow::OtherSignal), Told::of(&path, text));
            self.rename(path, "it says something else than recovery.conf".to_owned());
        }
    }

    /// The last thing that is done: until then no server from 12 on starts.
    fn put_aside(&mut self, recovery: &Recovery) {
        let reason = format!("no server from {} on starts beside it", Major::V12);
        self.rename(recovery.path.clone(), reason);
        let read = recovery.tree.visits.iter().skip(1).filter_map(|visit| visit.file);
        for file in read {
            let source = self.sources.get(file);
            let is_new = !self.kept.iter().any(|step| step.path == source.path) && source.kind == FileKind::Recovery;
            if is_new && source.path != recovery.path {
                let why = "what it says is in postgresql.auto.conf now".to_owned();
                let old = Some(Arc::clone(&source.bytes));
                self.kept.push(Step { action: Action::Keep, path: source.path.clone(), why, old, new: None });
            }
        }
    }
}
