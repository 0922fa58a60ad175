//! Back over the line between 12 and 11: settings and a signal file become recovery.conf.

use super::super::back::{self, Said};
use super::super::leave::{self, Reason};
use super::super::{Change, Request, Told};
use super::{Planner, below};
use crate::model::recovery;
use crate::model::recovery::signals::{Mode, Signals};
use crate::names;
use crate::source::{Files, Sources, display};
use crate::syntax::conf;
use crate::version::{Major, PgVersion, Targets};

/// What is asked of a node that has gone back already: it is one of the older version, whatever it is said to come from.
pub(super) fn there(request: &Request) -> Request {
    let mut there = request.clone();
    there.from = request.to;
    if let Ok(targets) = Targets::one(PgVersion::newest(request.to.max(Major::V9_4))) {
        there.node.targets = targets;
    }
    there
}

impl Planner<'_> {
    /// Whether a migration has brought it back: recovery.conf is there, and the signal file was put aside for it.
    pub(super) fn has_gone_back(&self) -> bool {
        let Signals { standby, recovery, recovery_conf } = self.signals;
        let aside = [names::STANDBY_SIGNAL, names::RECOVERY_SIGNAL];
        let mut aside = aside.iter().map(|name| self.data.join(format!("{name}.before-{}", self.request.to)));
        self.request.from >= Major::V12
            && self.request.to < Major::V12
            && recovery_conf
            && !(standby || recovery)
            && aside.any(|path| self.files.read(&path).is_ok())
    }

    /// recovery.conf is written, then the settings that it holds are taken out, and last the signal files go.
    ///
    /// From the first of these on no server from 12 on starts, and up to the last but one none up to 11, which know
    /// none of the settings; or, where there are none, it starts as recovery.conf says.
    pub(super) fn recovery_conf(&mut self) {
        let settings = &self.reading.settings;
        let set: Vec<&str> = back::set(settings).map(|(name, _)| name).collect();
        if !self.has_data() {
            if !set.is_empty() {
                let text = "the data directory is not there, and with it the files that say whether this is a standby: \
                            --data-dir says where it lies";
                self.block(None, Told::of(&self.data.clone(), text));
            }
            return;
        }
        let mode = self.signals.mode();
        if mode == Mode::Primary {
            let rows = self
                .take_out("it is neither a standby nor in recovery, and nothing heeds it", "of no use to a primary");
            self.plan.changes.extend(rows);
            return;
        }
        let Said { lines, rows, blocks, notes } = back::said(self.request, mode, settings, &self.sources);
        let text = lines.iter().map(|(name, value)| [name.as_bytes(), b" = ", &conf::quote(value), b"\n"].concat());
        let path = self.data.join(names::RECOVERY_CONF);
        self.after.set(path, text.flatten().collect());
        self.plan.blocks.extend(blocks);
        self.plan.notes.extend(notes);
        let taken = self.take_out("another line counts", "in recovery.conf");
        let is_said = |row: &Change| {
            let place = |row: &Change| row.from.as_ref().map(|from| (from.path.clone(), from.line));
            rows.iter().any(|said| place(said) == place(row))
        };
        self.plan.changes.extend(taken.into_iter().filter(|row| !is_said(row)));
        let data = self.data.clone();
        self.plan.changes.extend(rows.into_iter().map(|row| below(row, &data)));
        self.starts();
        for (name, is_there) in
            [(names::RECOVERY_SIGNAL, self.signals.recovery), (names::STANDBY_SIGNAL, self.signals.standby)]
        {
            if is_there {
                self.rename(self.data.join(name), "no server up to 11 heeds it".to_owned());
            }
        }
    }

    /// Takes the settings of recovery.conf out of all other files.
    fn take_out(&mut self, why: &str, comment: &str) -> Vec<Change> {
        let names: Vec<&str> = back::set(&self.reading.settings).map(|(name, _)| name).collect();
        let reason = |name: &str| {
            let reason = || Reason { comment: comment.to_owned(), why: why.to_owned() };
            names.contains(&name).then(reason)
        };
        leave::take_out(&mut self.after, &self.request.node, self.request.from, &reason)
    }

    /// What the older server refuses of its recovery.conf has no other way to be said.
    fn starts(&mut self) {
        let (mut sources, path) = (Sources::default(), self.data.join(names::RECOVERY_CONF));
        let zone = &self.reading.settings.zone;
        let recovery = recovery::read(&self.after, &mut sources, &path, self.request.to, zone);
        let start = recovery::start(&recovery, &sources, &|_| true);
        if let Some(message) = start.refusal {
            let to = self.request.to;
            let hint = message.hint.map(|hint| format!(" ({})", display(hint.as_bytes()))).unwrap_or_default();
            let text = format!("{to} would refuse it: {}{hint}", message.text);
            if !self.after.read(&path).is_ok_and(|bytes| super::super::template::is_open(&bytes)) {
                self.block(None, Told::of(&path, text));
            }
        }
    }
}
