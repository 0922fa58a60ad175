//! Signal files, and the settings beside them, where both versions read them alike or neither does: what is not mended
//! and has to be known.

use super::super::recovery::{later_names, never_reached, without_trigger};
use super::super::{Told, back};
use super::{Planner, settings_after};
use crate::catalog::Catalog;
use crate::catalog::recovery::Purpose;
use crate::model::recovery::signals::Mode;
use crate::model::settings;
use crate::names;
use crate::source::Sources;
use crate::syntax::conf;
use crate::version::{Major, PgVersion};

impl Planner<'_> {
    /// What signal files come to, and what a server that heeds them does at other ends than before.
    pub(super) fn heeded(&mut self) {
        let (from, to) = (self.request.from, self.request.to);
        let reads_them = |major: Major| major >= Major::V12;
        let there: Vec<&str> =
            [(names::STANDBY_SIGNAL, self.signals.standby), (names::RECOVERY_SIGNAL, self.signals.recovery)]
                .into_iter()
                .filter_map(|(name, is_there)| is_there.then_some(name))
                .collect();
        match (reads_them(from), reads_them(to)) {
            (false, false) => self.unheeded(&there),
            (false, true) if !self.signals.recovery_conf && self.has_data() && !self.has_come() => {
                self.newly_heeded(&there);
                self.set_aside(there.is_empty());
            }
            (true, true) => {
                if there.len() > 1 {
                    let text = format!(
                        "{} is there as well, and wins; a promotion takes only that away, and the next start recovers from \
                         the archive once more: take away the one that is not meant",
                        names::STANDBY_SIGNAL
                    );
                    self.plan.notes.push(Told::of(&self.data.join(names::RECOVERY_SIGNAL), text));
                }
                self.at_other_ends();
            }
            _ => {}
        }
    }

    fn unheeded(&mut self, there: &[&str]) {
        for name in there {
            let text = "no server up to 11 heeds it; from 12 on it says what a server is to do: take it away";
            self.plan.notes.push(Told::of(&self.data.join(name), text));
        }
    }

    fn newly_heeded(&mut self, there: &[&str]) {
        for name in there {
            let text = format!(
                "{} does not heed it and starts as a primary; {} does as it says: take it away if it is not meant",
                self.request.from, self.request.to
            );
            self.plan.notes.push(Told::of(&self.data.join(name), text));
        }
    }

    /// Settings of a recovery on a primary, or on what a signal file makes a standby.
    fn set_aside(&mut self, is_primary: bool) {
        let (from, to) = (self.request.from, self.request.to);
        let when = if is_primary { " once this is a standby or recovers" } else { "" };
        let mut notes = Vec::new();
        let (mut sources, catalog) = (Sources::default(), Catalog::shared(PgVersion::newest(to)));
        let settings = settings_after(&self.after, &self.node, to, &mut sources);
        for (name, judged) in back::set(&settings) {
            let parameter = catalog.find(name.as_bytes()).map(|id| catalog.get(id));
            if settings.value(name) == parameter.and_then(|parameter| settings::default(parameter, to)) {
                continue;
            }
            let text = format!(
                "no server up to 11 heeds `{name}` here, and {from} does not start with it; {to} heeds it{when}"
            );
            notes.push(Told::at(&sources.get(judged.entry.file).path, judged.entry.line as usize, text));
        }
        self.plan.notes.extend(notes);
    }

    /// Whether a migration has put recovery.conf aside here.
    fn has_come(&self) -> bool {
        let prefix = format!("{}.before-", names::RECOVERY_CONF);
        let names = self.files.list(&self.data).unwrap_or_default();
        names.iter().any(|(name, _)| name.starts_with(prefix.as_bytes()))
    }

    /// A target that is not reached, and a file that promotes no longer.
    fn at_other_ends(&mut self) {
        let (from, to) = (self.request.from, self.request.to);
        let is_primary = self.signals.mode() == Mode::Primary;
        let (mut notes, settings) = (Vec::new(), &self.reading.settings);
        let catalog = Catalog::shared(PgVersion::newest(to));
        let is_one_of = |name: &str, purpose| later_names(purpose).any(|known| known == name);
        for (name, judged) in back::set(settings) {
            let source = self.sources.get(judged.entry.file);
            let value = conf::value(judged.entry.setting.value, &source.bytes);
            let told = |text: String| Told::at(&source.path, judged.entry.line as usize, text);
            if is_one_of(name, Purpose::Target)
                && from < Major::V13
                && to >= Major::V13
                && !is_primary
                && !value.is_empty()
            {
                notes.push(told(never_reached(name)));
            }
            if is_one_of(name, Purpose::Trigger) && catalog.find(name.as_bytes()).is_none() {
                notes.extend(without_trigger(name, &value, to).map(told));
            }
        }
        self.plan.notes.extend(notes);
    }
}
