//! One end of a link: what its files say of it.

use super::{Caller, End};
use crate::catalog::recovery::{Purpose, named};
use crate::check::conninfo;
use crate::model::conninfo::{Reason, Refusal, refusals};
use crate::model::pair::Answer;
use crate::model::recovery::signals::{self, Mode};
use crate::model::recovery::{self as recoveries, Meaning};
use crate::names;
use crate::source::{FileId, Place, Span};
use crate::syntax::conninfo as syntax;
use crate::value::Value;
use crate::version::{Major, Role};

impl<'a> End<'a> {
    /// Whether the node begins as a standby.
    pub(super) fn mode(&self) -> Answer {
        let major = self.view.settings.catalog.version.major;
        if let Some(recovery) = self.view.recovery {
            return match recovery.is_standby() {
                true => Answer::Yes,
                // The server stops at the first fault of the file; what it would be is anybody's guess.
                false if recoveries::start(recovery, self.view.sources, &|_| true).end == recoveries::End::Refuses => {
                    Answer::Depends
                }
                false => Answer::No,
            };
        }
        let signals = signals::signals(self.view.files, &self.view.tree.data_directory);
        match major < Major::V12 {
            false if signals.mode() == Mode::Standby => Answer::Yes,
            false if signals.mode() == Mode::Archive => Answer::No,
            _ if self.view.data_directory().is_some() => Answer::No,
            _ => Answer::Depends,
        }
    }

    /// Whether it answers queries once it is a standby.
    pub(super) fn answers_queries(&self) -> Answer {
        if self.lacks_settings() {
            return Answer::Depends;
        }
        match self.view.settings.value(names::HOT_STANDBY) {
            Some(Value::Bool(on)) => Answer::from(on),
            _ => Answer::Depends,
        }
    }

    /// Whether its postgresql.conf is not at hand: then nobody knows its settings, and they are not the defaults.
    pub(super) fn lacks_settings(&self) -> bool {
        self.view.tree.missing.is_some()
    }

    /// The file of its data directory that is not at hand, and mostly holds the connection string.
    pub(super) fn unseen_file(&self) -> Option<&'static str> {
        let is_here =
            self.view.data_directory().is_some() || self.view.tree.auto_visit.is_some() || self.view.recovery.is_some();
        let is_old = self.view.settings.catalog.version.major < Major::V12;
        (!is_here).then_some(if is_old { names::RECOVERY_CONF } else { names::AUTO_CONF })
    }

    /// Its connection string, where it has one that is not empty.
    pub(super) fn caller(&self) -> Option<Caller> {
        let text = conninfo::texts(&self.view, Some(Role::Standby)).into_iter().next()?;
        if text.value.bytes.trim_ascii().is_empty() {
            return None;
        }
        let major = self.view.settings.catalog.version.major;
        let string = syntax::parse(&text.value.bytes, major);
        let newer = |refusal: &Refusal| match refusal.reason {
            Reason::KeywordTooNew(since) | Reason::ValueTooNew(since) => Some(since),
            _ => None,
        };
        let refusals = refusals(&string, major);
        let is_refused = refusals.iter().any(|refusal| newer(refusal).is_none());
        let needs_libpq = refusals.iter().filter_map(newer).max();
        Some(Caller { text, string, is_refused, needs_libpq })
    }

    /// The beginning of its main file, or of any other that it has.
    pub(super) fn top(&self) -> Option<Place> {
        let whole = |file: FileId| Place { file, span: Span::new(0, 0) };
        let of_access = [self.view.access.hba.as_ref().and_then(|hba| hba.main)];
        let of_recovery = self.view.recovery.and_then(|recovery| recovery.file());
        let others = of_access.into_iter().flatten().chain(of_recovery).map(whole);
        self.view.top().into_iter().chain(others).next()
    }

    /// What it has for a purpose, in recovery.conf or in its settings, and where.
    pub(super) fn says(&self, purpose: Purpose) -> Option<(Vec<u8>, Place, Option<usize>)> {
        if let Some(recovery) = self.view.recovery {
            let (_, line, meaning) = recovery.line(purpose)?;
            let text = match meaning {
                Meaning::Text(text) => text.clone(),
                _ => {
                    crate::syntax::conf::value(line.entry.setting.value, &self.view.sources.get(line.entry.file).bytes)
                        .into_owned()
                }
            };
            return Some((text, line.entry.value(), None));
        }
        let settings = self.view.settings;
        let (index, judged) = settings.winner(settings.catalog.find(named(purpose).as_bytes())?)?;
        let value = settings.value(named(purpose))?.plain();
        Some((value, judged.entry.value(), Some(index)))
    }

    /// The line that sets a parameter; else the top of the node's main file.
    pub(super) fn place_of(&self, name: &str) -> Option<Place> {
        let settings = self.view.settings;
        let winner = settings.catalog.find(name.as_bytes()).and_then(|id| settings.winner(id));
        winner.map(|(_, judged)| judged.entry.value()).or_else(|| self.top())
    }
}
