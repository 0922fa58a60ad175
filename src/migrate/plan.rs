//! The plan: what is in the way, what changes, and in which order it is written.

mod back;
mod forward;
mod signal_files;

use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use super::parameters::{self, Mended, found, key, known};
use super::template::{self, Masked};
use super::{Action, After, Allow, Block, Change, Plan, Request, Step, Told, access, defaults, next};
use crate::catalog::Catalog;
use crate::check::{self, Node, Reading, Rules};
use crate::finding::{Effect, Finding, Severity};
use crate::model::recovery::signals::{self, Signals};
use crate::model::settings::Settings;
use crate::names;
use crate::source::{FileKind, Files, ReadError, Sources, display};
use crate::version::{Major, PgVersion};

/// Plans a migration; whatever is wrong with the files is in the plan.
pub fn plan(files: &dyn Files, request: &Request, rules: &Rules) -> Plan {
    let masked = Masked::new(files);
    let request = &settled(&masked, request);
    let back = back::there(request);
    let mut planner = Planner::new(&masked, request, rules);
    if planner.has_gone_back() {
        planner = Planner::new(&masked, &back, rules);
    }
    let request = planner.request;
    planner.preconditions();
    let is_with_conf = |major: Major| major < Major::V12;
    match (is_with_conf(request.from), is_with_conf(request.to)) {
        (true, false) => {
            planner.hide_recovery();
            planner.parameters();
            planner.recovery();
        }
        (false, true) => {
            planner.recovery_conf();
            planner.parameters();
        }
        _ => planner.parameters(),
    }
    planner.heeded();
    planner.errors();
    let mut plan = planner.finish();
    let faults: Vec<Block> = masked.faults().into_iter().map(|reason| Block { reason, allow: None }).collect();
    if !faults.is_empty() {
        // Whatever else is in the way may come of what was left out.
        plan.blocks = faults;
        plan.next_start = format!("what {} does is not known before the template is filled in", plan.to);
    }
    masked.reveal(plan)
}

/// The request with the data directory as the old server spells it: `etc/../data` is `data` from 15 on, and a plan has one
/// name for each file.
fn settled(files: &dyn Files, request: &Request) -> Request {
    let subject = check::subject(&request.node, files);
    let data = check::read(files, &mut Sources::default(), &subject, request.from.max(Major::V9_4)).data_directory;
    let mut request = request.clone();
    if data.components().any(|part| part == Component::ParentDir) {
        request.node.data_dir = Some(data);
    }
    request
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
    /// What the old server is told, in these files.
    own: (Sources, Vec<Finding>),
    plan: Plan,
    /// What becomes of recovery.conf and of a signal file that is in the way.
    renames: Vec<Step>,
    kept: Vec<Step>,
    /// Why the new server would not start, if a rule knows of something.
    refused: Option<String>,
}

impl<'a> Planner<'a> {
    fn new(files: &'a dyn Files, request: &'a Request, rules: &'a Rules) -> Planner<'a> {
        let mut sources = Sources::default();
        let catalog = Catalog::shared(PgVersion::newest(request.from.max(Major::V9_4)));
        let subject = check::subject(&request.node, files);
        let tree = check::read(files, &mut sources, &subject, catalog.version.major);
        let data = tree.data_directory.clone();
        let reading = Reading::of(files, &mut sources, &subject, tree, catalog);
        let signals = if is_at_hand(files, &data) { signals::signals(files, &data) } else { Signals::default() };
        let (own, findings) = found(files, &request.node, request.from, rules);
        let mut before = known(&own, &findings);
        before.retain(|finds| !parameters::is_new_since(finds, request.from));
        let own = (own, findings);
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
        Planner {
            files,
            request,
            node,
            rules,
            sources,
            reading,
            data,
            signals,
            after,
            before,
            own,
            plan,
            renames,
            kept,
            refused: None,
        }
    }

    /// Whether the data directory is there.
    fn has_data(&self) -> bool {
        is_at_hand(self.files, &self.data)
    }

    /// Whether the main file is at hand, without which little is known.
    fn has_main(&self) -> bool {
        !matches!(self.files.read(&self.request.node.path.join(names::POSTGRESQL_CONF)), Err(ReadError::Missing))
    }

    fn block(&mut self, allow: Option<Allow>, reason: Told) {
        self.plan.blocks.push(Block { reason, allow });
    }

    /// What is in the way of any change.
    fn preconditions(&mut self) {
        let there = |name: &str| self.files.read(&self.data.join(name)).is_ok();
        let (is_running, has_done) = (there(names::POSTMASTER_PID), there(RECOVERY_DONE));
        if is_running {
            let path = self.data.join(names::POSTMASTER_PID);
            self.block(
                Some(Allow::Running),
                Told::of(&path, "it is there: the server runs, or did not end in good order"),
            );
        }
        let main = self.request.node.path.join(names::POSTGRESQL_CONF);
        if !self.has_main() {
            let text = "it is not here, so what it sets is not looked at: where it lies elsewhere name that directory, and \
                        say --data-dir for this one";
            self.plan.notes.push(Told::of(&main, text));
        }
        let said = self.reading.settings.value(names::DATA_DIRECTORY).map(|said| said.plain()).unwrap_or_default();
        if !said.is_empty() && !said.starts_with(b"/") {
            let text = format!(
                "`{}` is relative: a server takes it from where it is started, and here it is taken from the directory of \
                 this file",
                names::DATA_DIRECTORY
            );
            self.plan.notes.push(Told::of(&main, text));
        }
        let mut paths = vec![main];
        paths.extend([names::PG_HBA, names::PG_IDENT].map(|name| self.request.node.path.join(name)));
        paths.push(self.data.join(names::AUTO_CONF));
        for path in paths {
            if let Err(error) = self.files.read(&path)
                && !matches!(error, ReadError::Missing | ReadError::NotDirectory)
            {
                self.block(None, Told::of(&path, error.to_string()));
            }
        }
        if self.request.from < Major::V12 && self.signals.standby && self.signals.recovery {
            let reason = format!(
                "both {} and {} are there: take away the one that is not meant",
                names::STANDBY_SIGNAL,
                names::RECOVERY_SIGNAL
            );
            self.block(None, reason.into());
        }
        if has_done && self.request.to >= Major::V12 {
            let text = "from 12 on every start deletes it; move it elsewhere if it is still wanted";
            self.plan.notes.push(Told::of(&self.data.join(RECOVERY_DONE), text));
        }
        if self.request.from >= Major::V12 && self.signals.recovery_conf {
            let text = format!(
                "it is there, and {} does not read it: --from says which version it was written for",
                self.request.from
            );
            self.block(None, Told::of(&self.data.join(names::RECOVERY_CONF), text));
        }
    }

    /// The old server's recovery.conf is no matter of the new one's.
    fn hide_recovery(&mut self) {
        if let Some(recovery) = &self.reading.recovery {
            self.after.hide(recovery.path.clone());
        }
        self.after.hide(self.data.join(names::RECOVERY_CONF));
    }

    /// Parameters and records, where each of them stands.
    fn parameters(&mut self) {
        let mut kept = access::keep(&mut self.after, self.request, &self.reading, &self.sources);
        kept.notes.extend(access::unheeded(self.request, &self.own.0, &self.own.1));
        let mended = parameters::mend(&mut self.after, self.request, self.rules, &self.before);
        let defaults = if self.has_main() { defaults::tell(&mut self.after, self.request) } else { Mended::default() };
        for Mended { changes, notes } in [kept, mended, defaults] {
            self.plan.changes.extend(changes);
            self.plan.notes.extend(notes);
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
        // A node that has been migrated before is the new version's already, whatever it is said to come from.
        let has_signal = self.signals.standby || self.signals.recovery;
        let is_there = self.request.from == self.request.to
            || self.request.from < Major::V12 && self.request.to >= Major::V12 && has_signal;
        let is_same = is_there && !self.after.files.iter().any(differs);
        let (is_back, has_main) = (self.request.to < self.request.from, self.has_main());
        for finding in &findings {
            let source = sources.get(finding.place.file);
            let line = source.line_bytes(source.line(finding.place.span.start));
            // What a placeholder will be is not known, and so not what is wrong with it; a name is.
            let is_of_name = finding.effect == Some(Effect::Refuses) && !template::is_open(sources.text(finding.place));
            if template::is_open(line) && !is_of_name {
                continue;
            }
            let told = |text: String| Told::at(&source.path, source.line(finding.place.span.start), text);
            let is_refused = has_main && finding.severity == Severity::Error && finding.effect == Some(Effect::Refuses);
            if is_refused && self.refused.is_none() {
                self.refused = Some(finding.message.clone());
            }
            if self.was_found(&key(&sources, finding)) {
                if is_refused {
                    let text = format!("{} does not start with it either: {}", self.request.from, finding.message);
                    self.plan.notes.push(told(text));
                }
                continue;
            }
            let new = || told(format!("new in {}: {}", self.request.to, finding.message));
            match finding.severity {
                // Nothing is to be done: nothing can be in the way.
                Severity::Error if is_same => self.plan.notes.push(new()),
                // An older server may let in whom a newer one turns away, and says nothing.
                Severity::Warning if is_back && sources.get(finding.place.file).kind == FileKind::Hba => {
                    self.block(Some(Allow::Errors), new());
                }
                Severity::Error => self.block(Some(Allow::Errors), new()),
                Severity::Warning => self.plan.notes.push(told(finding.message.clone())),
                Severity::Info => {}
            }
        }
    }

    /// Whether the old server was told the same, of the same file and name or of those that the setting has come from.
    fn was_found(&self, (rule, path, subject): &parameters::Finds) -> bool {
        self.before.iter().any(|(known, file, about)| {
            let has_moved = |row: &Change| {
                let (Some(from), Some(to)) = (&row.from, &row.to) else { return false };
                let is_about = |about: &Option<String>, name: &str| about.as_deref().is_none_or(|about| about == name);
                from.path == *file
                    && to.path == *path
                    && is_about(about, &row.setting)
                    && is_about(subject, &to.setting)
            };
            let is_same = file == path && about == subject;
            known == rule
                && (is_same || about.is_some() == subject.is_some() && self.plan.changes.iter().any(has_moved))
        })
    }

    /// ALTER SYSTEM keeps neither comments nor includes.
    fn warn_of_comments(&mut self, path: &Path) {
        let Ok(bytes) = self.files.read(path) else { return };
        let header = crate::model::auto_conf::HEADER;
        let rest = bytes.strip_prefix(header.as_bytes()).unwrap_or(&bytes);
        let has_comment = rest.split(|byte| *byte == b'\n').any(|line| line.trim_ascii_start().starts_with(b"#"));
        if has_comment {
            self.plan.notes.push(Told::of(path, "comments in it go, as with any ALTER SYSTEM"));
        }
        let included = |name: &str| {
            let value = check::setting(&bytes, name)?;
            Some(format!("`{name} {}`", display(&value)))
        };
        for include in [names::INCLUDE, names::INCLUDE_IF_EXISTS, names::INCLUDE_DIR].into_iter().filter_map(included) {
            let text = format!("{include} goes and its settings take its place, as with any ALTER SYSTEM");
            self.plan.notes.push(Told::of(path, text));
        }
    }

    fn finish(mut self) -> Plan {
        let mut sources = Sources::default();
        let settings = settings_after(&self.after, &self.node, self.request.to, &mut sources);
        self.plan.next_start = match &self.refused {
            Some(message) => format!("{} does not start: {message}", self.request.to),
            None if !self.has_data() => next::unknown(self.request.to),
            None => next::sentence(&self.after, &self.data, &settings),
        };
        let (whole, _) = found(&self.after, &self.node, self.request.to, self.rules);
        self.plan.files = self.whole(&whole);
        let mut steps = Vec::new();
        for (path, new) in std::mem::take(&mut self.after.files) {
            let Some(new) = new else { continue };
            let old = self.files.read(&path).ok();
            if old.as_ref() == Some(&new) {
                continue;
            }
            let firsts = [names::STANDBY_SIGNAL, names::RECOVERY_SIGNAL, names::RECOVERY_CONF];
            let is_signal = old.is_none() && firsts.iter().any(|name| path == self.data.join(name));
            let is_auto = path == self.data.join(names::AUTO_CONF);
            if is_auto {
                self.warn_of_comments(&path);
            }
            let why = match () {
                () if is_signal => "says what the server is to do".to_owned(),
                () if is_auto => "written as ALTER SYSTEM does".to_owned(),
                () => format!("what {} does not take", self.request.to),
            };
            let action = if old.is_some() { Action::Edit } else { Action::Create };
            steps.push((!is_signal, Step { action, path, why, old, new: Some(new) }));
        }
        // What makes a server a standby comes first, and what made it one goes last: it never starts as a primary.
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
        let signals = signals.into_iter().filter(|_| self.request.to >= Major::V12);
        let paths: BTreeSet<PathBuf> = paths.chain(signals).collect();
        // What stands for a missing file is not among them.
        paths.into_iter().filter_map(|path| self.after.read(&path).ok().map(|bytes| (path, bytes))).collect()
    }
}

/// Up to 11 a server leaves it when its recovery ends.
const RECOVERY_DONE: &str = "recovery.done";

/// Whether a directory can be looked into; as seen from within it has no name.
fn is_at_hand(files: &dyn Files, data: &Path) -> bool {
    let here = data.as_os_str().is_empty();
    let is_listed = files.list(if here { Path::new(".") } else { data }).is_ok();
    is_listed && !matches!(files.read(&data.join(names::PG_VERSION)), Err(ReadError::Denied))
}

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
