//! The plan: what is in the way, what changes, and in which order it is written.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::parameters::{self, found, key, known};
use super::recovery::{self, Moved, later_names};
use super::{Action, After, Allow, Block, Change, Plan, Request, Step, next};
use crate::catalog::Catalog;
use crate::catalog::recovery::Purpose;
use crate::check::{self, Node, Reading, Rules};
use crate::finding::Severity;
use crate::model::auto_conf::AutoConf;
use crate::model::recovery::Recovery;
use crate::model::recovery::signals::{self, Signals};
use crate::model::settings::Settings;
use crate::names;
use crate::source::{FileKind, Files, ReadError, Sources, display};
use crate::version::{Major, PgVersion};

/// Plans a migration; whatever is wrong with the files is in the plan.
pub fn plan(files: &dyn Files, request: &Request, rules: &Rules) -> Plan {
    let mut planner = Planner::new(files, request, rules);
    planner.preconditions();
    planner.parameters();
    planner.recovery();
    planner.errors();
    planner.finish()
}

struct Planner<'a> {
    files: &'a dyn Files,
    request: &'a Request,
    /// That of the request, once its data directory is known.
    node: Node,
    rules: &'a Rules,
    /// The old server's reading.
    sources: Sources,
    reading: Reading<'a>,
    data: PathBuf,
    signals: Signals,
    after: After<'a>,
    before: parameters::Known,
    plan: Plan,
    /// What becomes of recovery.conf and of a signal file that is in the way.
    renames: Vec<Step>,
    kept: Vec<Step>,
}

impl<'a> Planner<'a> {
    fn new(files: &'a dyn Files, request: &'a Request, rules: &'a Rules) -> Planner<'a> {
        let mut sources = Sources::default();
        let catalog = Catalog::shared(PgVersion::newest(request.from.max(Major::V9_4)));
        let subject = check::subject(&request.node, files);
        let tree = check::read(files, &mut sources, &subject, catalog.version.major);
        let data = tree.data_directory.clone();
        let reading = Reading::of(files, &mut sources, &subject, tree, catalog);
        let signals = signals::signals(files, &data);
        let (own, findings) = found(files, &request.node, request.from, rules);
        let before = known(&own, &findings);
        let plan = Plan {
            from: request.from,
            to: request.to,
            blocks: Vec::new(),
            changes: Vec::new(),
            steps: Vec::new(),
            notes: Vec::new(),
            next_start: String::new(),
            files: Vec::new(),
            data: PathBuf::new(),
        };
        let after = After::new(files);
        let (renames, kept) = (Vec::new(), Vec::new());
        let node = request.node.clone();
        Planner { files, request, node, rules, sources, reading, data, signals, after, before, plan, renames, kept }
    }

    fn block(&mut self, allow: Option<Allow>, reason: String) {
        self.plan.blocks.push(Block { reason, allow });
    }

    /// What is in the way of any change.
    fn preconditions(&mut self) {
        let there = |name: &str| self.files.read(&self.data.join(name)).is_ok();
        let (is_running, has_done) = (there(names::POSTMASTER_PID), there(RECOVERY_DONE));
        if is_running {
            let reason = format!(
                "{} is there: the server runs, or did not end in good order",
                self.data.join(names::POSTMASTER_PID).display()
            );
            self.block(Some(Allow::Running), reason);
        }
        let main = self.request.node.path.join(names::POSTGRESQL_CONF);
        let mut paths = vec![main];
        paths.extend([names::PG_HBA, names::PG_IDENT].map(|name| self.request.node.path.join(name)));
        paths.push(self.data.join(names::AUTO_CONF));
        for path in paths {
            if let Err(error) = self.files.read(&path)
                && !matches!(error, ReadError::Missing | ReadError::NotDirectory)
            {
                self.block(None, format!("{}: {error}", path.display()));
            }
        }
        if self.request.from < Major::V12 && self.signals.standby && self.signals.recovery {
            let reason = format!(
                "both {} and {} are there: take away the one that is not meant",
                names::STANDBY_SIGNAL,
                names::RECOVERY_SIGNAL
            );
            self.block(None, reason);
        }
        if has_done {
            self.plan.notes.push(format!(
                "{}: from 12 on every start deletes it; move it elsewhere if it is still wanted",
                self.data.join(RECOVERY_DONE).display()
            ));
        }
        if self.request.from >= Major::V12 && self.signals.recovery_conf {
            let reason = format!(
                "{} is there, and {} does not read it: --from says which version it was written for",
                self.data.join(names::RECOVERY_CONF).display(),
                self.request.from
            );
            self.block(None, reason);
        }
    }

    /// Everything but recovery.conf, where each of them stands.
    fn parameters(&mut self) {
        if let Some(recovery) = &self.reading.recovery {
            self.after.hide(recovery.path.clone());
        }
        self.after.hide(self.data.join(names::RECOVERY_CONF));
        let mut mended =
            parameters::mend(&mut self.after, &self.request.node, self.request.to, self.rules, &self.before);
        self.plan.changes.append(&mut mended.changes);
        self.plan.notes.append(&mut mended.notes);
    }

    fn recovery(&mut self) {
        let Some(recovery) = self.reading.recovery.take() else { return };
        if self.request.from >= Major::V12 {
            return;
        }
        if recovery.path != self.data.join(names::RECOVERY_CONF) {
            let is_there = self.files.list(&self.data).is_ok();
            if is_there {
                self.after.files.remove(&recovery.path);
                self.plan.notes.push(format!(
                    "{} is not in the data directory: no server reads it, so it stays as it is",
                    recovery.path.display()
                ));
                return;
            }
            let reason = format!(
                "the data directory {} is not there: --data-dir says where it lies; or else its files are made beside {}",
                self.data.display(),
                recovery.path.display()
            );
            self.block(Some(Allow::MissingDataDirectory), reason);
            self.data = recovery.path.parent().unwrap_or(Path::new("")).to_path_buf();
            self.signals = signals::signals(self.files, &self.data);
            self.node.data_dir = Some(self.data.clone());
        }
        let mut sources = Sources::default();
        let after = settings_after(&self.after, &self.node, self.request.to, &mut sources);
        let moved = recovery::moved(self.request, &self.reading, &recovery, &self.sources, &after);
        self.conflicts(&moved, &after, &sources);
        self.move_settings(&moved);
        self.signal(moved.is_standby);
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
            let place = format!("{}:{}", sources.get(judged.entry.file).path.display(), judged.entry.line);
            match wanted {
                Some(wanted) if *wanted == value => {}
                Some(wanted) => {
                    let (value, wanted) = (display(&value), display(wanted));
                    let reason = format!("{place} sets `{name}` to `{value}`, and recovery.conf to `{wanted}`");
                    self.block(Some(Allow::Conflict), reason);
                }
                // An empty one behind another is refused as well.
                None => {
                    let target = new_target.unwrap_or_default();
                    let reason = format!(
                        "{place} sets the target `{name}`, and recovery.conf `{target}`: no server from 12 on starts with \
                         both; take away the one that is not meant"
                    );
                    self.block(None, reason);
                }
            }
        }
    }

    /// Writes the settings as ALTER SYSTEM does, one after the other.
    fn move_settings(&mut self, moved: &Moved) {
        let path = self.data.join(names::AUTO_CONF);
        if moved.settings.is_empty() {
            return;
        }
        let catalog = Catalog::shared(PgVersion::newest(self.request.to));
        self.warn_of_comments(&path);
        for (name, value, _) in &moved.settings {
            let written = AutoConf { files: &self.after, path: &path, catalog }.set(name, value);
            match written {
                Ok(bytes) => self.after.set(path.clone(), bytes),
                Err(refusal) => {
                    let message = refusal.message.unwrap_or_default();
                    let reason = format!("{} would refuse it: {message}", self.request.to);
                    self.block(None, reason);
                }
            }
        }
    }

    /// ALTER SYSTEM keeps neither comments nor includes.
    fn warn_of_comments(&mut self, path: &Path) {
        let Ok(bytes) = self.after.read(path) else { return };
        let header = crate::model::auto_conf::HEADER;
        let rest = bytes.strip_prefix(header.as_bytes()).unwrap_or(&bytes);
        let has_comment = rest.split(|byte| *byte == b'\n').any(|line| line.trim_ascii_start().starts_with(b"#"));
        if has_comment {
            self.plan.notes.push(format!("{}: comments in it go, as with any ALTER SYSTEM", path.display()));
        }
        let included = |name: &str| {
            let value = check::setting(&bytes, name)?;
            Some(format!("`{name} {}`", display(&value)))
        };
        for include in [names::INCLUDE, names::INCLUDE_IF_EXISTS, names::INCLUDE_DIR].into_iter().filter_map(included) {
            self.plan.notes.push(format!(
                "{}: {include} goes and its settings take its place, as with any ALTER SYSTEM",
                path.display()
            ));
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
            let reason = format!("{} is there, and recovery.conf asks for {wanted}", path.display());
            self.block(Some(Allow::OtherSignal), reason);
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

    fn rename(&mut self, path: PathBuf, why: String) {
        let old = self.files.read(&path).ok();
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let free = |path: &PathBuf| matches!(self.files.read(path), Err(ReadError::Missing));
        let names = std::iter::once(format!("{name}.before-{}", self.request.to))
            .chain((2..).map(|number| format!("{name}.before-{}.{number}", self.request.to)));
        let mut paths = names.map(|name| path.with_file_name(name));
        let Some(to) = paths.by_ref().take(1000).find(free) else { return };
        self.after.hide(path.clone());
        self.renames.push(Step { action: Action::Rename(to), path, why, old, new: None });
    }

    /// What the new server refuses and the old one did not.
    fn errors(&mut self) {
        let (sources, findings) = found(&self.after, &self.node, self.request.to, self.rules);
        let differs = |(path, new): (&PathBuf, &Option<Arc<[u8]>>)| self.files.read(path).ok() != *new;
        let is_same = !self.after.files.iter().any(differs);
        for finding in &findings {
            // What stood in recovery.conf has another place now.
            let (rule, _, subject) = key(&sources, finding);
            if self.before.iter().any(|(known, _, about)| (known, about) == (&rule, &subject)) {
                continue;
            }
            let source = sources.get(finding.place.file);
            let text = parameters::told(source, finding);
            match finding.severity {
                // Nothing is to be done: nothing can be in the way.
                Severity::Error if is_same => self.plan.notes.push(format!("new in {}: {text}", self.request.to)),
                Severity::Error => self.block(Some(Allow::Errors), format!("new in {}: {text}", self.request.to)),
                Severity::Warning => self.plan.notes.push(text),
                Severity::Info => {}
            }
        }
    }

    fn finish(mut self) -> Plan {
        let mut sources = Sources::default();
        let settings = settings_after(&self.after, &self.node, self.request.to, &mut sources);
        self.plan.next_start = next::sentence(&self.after, &self.data, &settings);
        let (whole, _) = found(&self.after, &self.node, self.request.to, self.rules);
        self.plan.files = self.whole(&whole);
        let mut steps = Vec::new();
        for (path, new) in std::mem::take(&mut self.after.files) {
            let Some(new) = new else { continue };
            let old = self.files.read(&path).ok();
            if old.as_ref() == Some(&new) {
                continue;
            }
            let is_signal = [names::STANDBY_SIGNAL, names::RECOVERY_SIGNAL].iter().any(|name| path.ends_with(name));
            let is_auto = path == self.data.join(names::AUTO_CONF);
            let why = match () {
                () if is_signal => "says what the server is to do".to_owned(),
                () if is_auto => "written as ALTER SYSTEM does".to_owned(),
                () => format!("what {} does not take", self.request.to),
            };
            let action = if old.is_some() { Action::Edit } else { Action::Create };
            steps.push((!is_signal, Step { action, path, why, old, new: Some(new) }));
        }
        // Signal files first: a former standby must never start as a primary.
        steps.sort_by_key(|(is_later, _)| *is_later);
        self.plan.steps = steps.into_iter().map(|(_, step)| step).chain(self.renames).chain(self.kept).collect();
        self.plan.blocks.retain(|block| block.allow.is_none_or(|allow| !self.request.allowed.contains(&allow)));
        self.plan.notes.dedup();
        self.plan.data = self.data;
        self.plan
    }

    /// Every file of the node as it will be.
    fn whole(&self, read: &Sources) -> Vec<(PathBuf, Arc<[u8]>)> {
        let of_node = |path: &Path| matches!(path.file_name(), Some(name) if name != names::PG_VERSION);
        let paths = read.iter().map(|(_, source)| source.path.clone()).filter(|path| of_node(path));
        let signals = [names::STANDBY_SIGNAL, names::RECOVERY_SIGNAL].map(|name| self.data.join(name));
        let paths: BTreeSet<PathBuf> = paths.chain(signals).collect();
        // What stands for a missing file is not among them.
        paths.into_iter().filter_map(|path| self.after.read(&path).ok().map(|bytes| (path, bytes))).collect()
    }
}

/// Up to 11 a server leaves it when its recovery ends.
const RECOVERY_DONE: &str = "recovery.done";

/// What the new server reads.
fn settings_after(files: &dyn Files, node: &Node, to: Major, sources: &mut Sources) -> Settings<'static> {
    let catalog = Catalog::shared(PgVersion::newest(to));
    let subject = check::subject(node, files);
    let tree = check::read(files, sources, &subject, to);
    Settings::judge(&tree, sources, catalog)
}

/// The row with its destination in the data directory.
fn below(mut row: Change, data: &Path) -> Change {
    if let Some(to) = &mut row.to {
        to.path = data.join(&to.path);
    }
    row
}
