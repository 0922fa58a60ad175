//! The nodes of a run: found, read and checked.

mod elsewhere;
mod halves;
mod missing;

use std::collections::{BTreeSet, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rayon::prelude::*;

use super::baseline::{Baselines, Kept};
use super::exclude::leaves_out;
use super::fix::{self, Change};
use super::group::{self, Job, Wanted};
use super::pending::Pending;
use super::project::{Project, Projects};
use super::{Exit, World, base, directory_of, target, trouble};
use crate::check::{self, Member};
use crate::cli::Check;
use crate::files::{self, Cached, Disk, Overlay, Place};
use crate::finding::Finding;
use crate::nearest::did_you_mean;
use crate::report::{Output, Rendered, Report, Show, Summary, Trouble};
use crate::source::Files;
use crate::suppress;
use crate::suppress::baseline::Tally;

/// Of what is left out no more is named.
const NAMED: usize = 5;

/// So few nodes are done before other threads have started.
const FEW: usize = 16;

/// What is the same for all nodes of a run.
pub(crate) struct Run<'a> {
    options: &'a Check,
    disk: &'a Disk,
    show: &'a Show,
    /// The name and bytes of standard input.
    pub stdin: Option<(PathBuf, Arc<[u8]>)>,
    jobs: Vec<Job>,
    /// What was found before.
    pub baselines: Baselines,
    /// What could not be done.
    pub errors: Vec<Trouble>,
}

/// What came of one job.
#[derive(Default)]
pub struct Examined {
    /// For each output.
    pub rendered: Vec<Rendered>,
    /// Counts.
    pub summary: Summary,
    /// What could not be done.
    pub errors: Vec<Trouble>,
    /// What its fixes change, in files and in standard input.
    pub changes: Vec<Change>,
    /// What was found, and for which baseline.
    pub tally: Option<(PathBuf, Tally)>,
}

impl<'a> Run<'a> {
    /// A run whose nodes others find.
    pub(crate) fn new(options: &'a Check, disk: &'a Disk, show: &'a Show, baselines: Baselines) -> Run<'a> {
        Run { options, disk, show, stdin: None, jobs: Vec::new(), baselines, errors: Vec::new() }
    }

    /// Finds the nodes and the configuration of each.
    ///
    /// # Errors
    /// Why there is nothing that could be checked.
    pub fn prepare(
        options: &'a Check,
        disk: &'a Disk,
        show: &'a Show,
        kept: Option<Kept>,
        world: &mut World<'_>,
    ) -> Result<Run<'a>, Vec<String>> {
        let on_stdout = options.reports.iter().filter(|(_, file)| file.is_none()).count();
        if on_stdout > 1 {
            return Err(vec![
                "only one report can go to standard output: say --report FORMAT=FILE for the others".to_owned(),
            ]);
        }
        let mut projects = Projects::new(&show.directory, options.target.config.as_deref(), options.target.isolated)?;
        let mut run = Run::new(options, disk, show, Baselines::asked(kept));
        if let Some(pair) = &options.pair {
            if options.target.role.is_some() {
                return Err(vec!["--role says what --primary and --standby say already".to_owned()]);
            }
            run.jobs.push(group::of_options(pair, disk, &mut projects, show)?);
            run.read_baselines()?;
            run.check_names()?;
            return Ok(run);
        }
        if options.base.is_some() && options.paths.len() > 1 {
            return Err(vec!["--base goes with one path: a node, a file, or a tree of nodes".to_owned()]);
        }
        let found = run.found(&mut projects, world)?;
        run.jobs = group::grouped(found, show);
        run.tell_missing_nodes(&mut projects)?;
        run.read_baselines()?;
        run.check_names()?;
        Ok(run)
    }

    /// The baselines that configurations name, unless an option names one for all.
    fn read_baselines(&mut self) -> Result<(), Vec<String>> {
        for job in &self.jobs {
            self.baselines.read(&job.project.config, self.show).map_err(|error| vec![error])?;
        }
        if self.options.fail_on_stale && self.baselines.iter().next().is_none() {
            let message =
                "--fail-on-stale-baseline wants a baseline: --baseline FILE, or `baseline` in pgconflint.toml";
            return Err(vec![message.to_owned()]);
        }
        Ok(())
    }

    /// What the paths lead to, each with its configuration, and without what that leaves out.
    fn found(
        &mut self,
        projects: &mut Projects,
        world: &mut World<'_>,
    ) -> Result<Vec<(files::Node, Arc<Project>)>, Vec<String>> {
        let Run { options, disk, show, .. } = *self;
        let mut nodes = Vec::new();
        let (stdin, paths): (Vec<_>, Vec<_>) = options.paths.iter().cloned().partition(|path| path == Path::new("-"));
        if !stdin.is_empty() {
            nodes.push(self.read_stdin(world)?);
        }
        let found = files::discover(disk, &paths, options.kind, true);
        self.tell_ignored(&found.ignored, world);
        nodes.extend(halves::without_halves(found.nodes, disk));
        let mut project_of = |path: &Path, is_file: bool| {
            let directory = directory_of(path, is_file);
            let project = projects.of(&disk.resolve(&directory).unwrap_or(directory))?;
            let is_left_out = leaves_out(&project.config, path, is_file, options, disk, show);
            Ok::<_, Vec<String>>(Some(project).filter(|_| !is_left_out))
        };
        let (mut kept, count) = (Vec::with_capacity(nodes.len()), nodes.len() + found.errors.len());
        for node in nodes {
            let project = project_of(&node.path, node.place != Place::Directory)?;
            kept.extend(project.map(|project| (node, project)));
        }
        for (path, message) in found.errors {
            if project_of(&path, true)?.is_some() {
                self.errors.push(Trouble { path: Some(path), message });
            }
        }
        let is_nothing = kept.is_empty() && self.errors.is_empty() && !options.allow_empty;
        if is_nothing && !(options.force_exclude && count > 0) {
            let paths: Vec<String> = paths.iter().map(|path| show.path(path)).collect();
            let why = match count {
                0 if !found.ignored.is_empty() => "git ignores what is there",
                0 => "no postgresql.conf, pg_hba.conf or PG_VERSION",
                _ => "pgconflint.toml excludes what is there",
            };
            return Err(vec![format!("nothing to check in {}: {why}", paths.join(", "))]);
        }
        Ok(kept)
    }

    /// Says what is not checked because git ignores it: it may be more than somebody thinks.
    fn tell_ignored(&self, ignored: &[PathBuf], world: &mut World<'_>) {
        if ignored.is_empty() {
            return;
        }
        let mut paths: Vec<String> = ignored.iter().take(NAMED).map(|path| self.show.path(path)).collect();
        if ignored.len() > NAMED {
            paths.push(format!("{} more", ignored.len() - NAMED));
        }
        let paths = self.show.line(&paths.join(", "));
        let note = "left out, as git ignores them (what is named is checked)";
        let _ = writeln!(world.err, "pgconflint: note: {note}: {paths}");
    }

    fn read_stdin(&mut self, world: &mut World<'_>) -> Result<files::Node, Vec<String>> {
        let name = self.options.stdin_filename.clone();
        let kind = self.options.kind.or_else(|| files::kind_of(name.as_deref()?));
        let Some(kind) = kind else {
            return Err(vec![
                "what standard input is must be said: --stdin-filename pg_hba.conf, or --kind hba".to_owned(),
            ]);
        };
        let mut bytes = Vec::new();
        world
            .stdin
            .read_to_end(&mut bytes)
            .map_err(|error| vec![format!("standard input: {}", files::words(&error))])?;
        let path = name.unwrap_or_else(|| PathBuf::from("-"));
        self.stdin = Some((path.clone(), Arc::from(bytes)));
        Ok(files::Node { path, place: Place::File(kind) })
    }

    /// Whether the rules named by options exist in each project.
    fn check_names(&self) -> Result<(), Vec<String>> {
        let mut seen = HashSet::new();
        let projects = self.jobs.iter().map(|job| &job.project).filter(|project| seen.insert(Arc::as_ptr(project)));
        for project in projects {
            let ids = project.rules.ids();
            let unknown =
                self.options.select.iter().chain(&self.options.ignore).filter(|name| !ids.contains(&name.as_str()));
            let errors: Vec<String> = unknown
                .map(|name| format!("there is no rule `{name}`{}", did_you_mean(name, ids.iter().copied())))
                .collect();
            if !errors.is_empty() {
                return Err(errors);
            }
        }
        Ok(())
    }

    /// All jobs as the files are, each by itself.
    pub fn examine_all(&self, outputs: &[Output]) -> Vec<Examined> {
        let one = |job: &Job| self.examine(job, outputs, self.disk, false);
        if self.jobs.len() < FEW {
            return self.jobs.iter().map(one).collect();
        }
        self.jobs.par_iter().map(one).collect()
    }

    /// All jobs, one after the other, with their fixes.
    pub fn mend_all(&self, outputs: &[Output], pending: &mut Pending<'_>) -> Vec<Examined> {
        let mut all = Vec::with_capacity(self.jobs.len());
        for job in &self.jobs {
            let mut examined = self.examine(job, outputs, pending, true);
            let is_stdin = |change: &Change| self.stdin.as_ref().is_some_and(|(name, _)| *name == change.path);
            let (stdin, files) = std::mem::take(&mut examined.changes).into_iter().partition(is_stdin);
            examined.changes = stdin;
            if let Err(trouble) = pending.add(files) {
                examined = self.examine(job, outputs, pending, false);
                examined.errors.push(trouble);
            }
            all.push(examined);
        }
        all
    }

    /// Everything about the nodes of a job, as they are or as their fixes make them; their files are dropped at the end.
    fn examine(&self, job: &Job, outputs: &[Output], under: &dyn Files, mends: bool) -> Examined {
        let stdin = self.stdin.iter().cloned().collect();
        let overlay = Overlay { files: stdin, under };
        let files: &dyn Files = if self.stdin.is_some() { &overlay } else { under };
        let files = Cached::new(files);
        let members = match self.members(&files, job) {
            Ok(members) => members,
            Err(error) => return Examined { errors: vec![error], ..Examined::default() },
        };
        let check = |files: &dyn Files| self.report(files, &members, &job.project);
        let (mut report, changes) = if mends {
            let mut mended = fix::mend(&files, self.options.fixes.with_unsafe, &check);
            let trouble = |message| Trouble { path: job.paths().next().cloned(), message };
            mended.report.errors.extend(mended.trouble.map(trouble));
            (mended.report, mended.changes)
        } else {
            (check(&files), Vec::new())
        };
        let mut summary = Summary::default();
        summary.add(&report);
        // Trouble is written once, at the end, for all nodes.
        let errors = std::mem::take(&mut report.errors);
        let rendered = outputs.iter().map(|output| output.render(&report)).collect();
        let kept = self.baselines.of(&job.project.config);
        let tally = kept.map(|kept| (kept.path.clone(), report.tally));
        Examined { rendered, summary, errors, changes, tally }
    }

    /// The nodes of a job with everything that is known of them.
    pub(crate) fn members(&self, files: &dyn Files, job: &Job) -> Result<Vec<Member>, Trouble> {
        job.wanted.iter().map(|one| self.member(files, one, job)).collect()
    }

    fn member(&self, files: &dyn Files, one: &Wanted, job: &Job) -> Result<Member, Trouble> {
        let mut node = target::resolve(files, &one.node, &self.options.target, &job.project.config, self.show)?;
        node.role = one.role.or(node.role);
        node.wal_segment_size = self.options.wal_segment_size;
        node.before.from = self.options.from;
        if let Some(from) = self.options.from.filter(|from| *from >= node.targets.newest().major) {
            let message = format!("--from {from} is not older than what is checked against: say --pg with a later one");
            return Err(Trouble { path: Some(node.path), message });
        }
        if let Some(base) = &self.options.base {
            let base = base::of(files, base, &node, self.options, &job.project.config, self.show)?;
            node.before.base = base.map(Box::new);
        }
        let directory = directory_of(&node.path, node.file.is_some());
        let known = target::known(&job.project.config, &directory, self.show).map(|known| known.name.clone());
        let name = one.name.clone().or(known).unwrap_or_else(|| self.show.path(&directory));
        Ok(Member { node, name, upstream: one.upstream, addresses: one.addresses.clone() })
    }

    /// One check of nodes: their findings after comments, configuration, baseline and options, in order.
    pub(crate) fn report(&self, files: &dyn Files, members: &[Member], project: &Project) -> Report {
        let mut outcome = check::group(files, members, &project.rules, &|rule| self.is_enabled(rule, project));
        let versions = members.iter().flat_map(|member| member.node.targets.versions());
        let checked: BTreeSet<_> = versions.map(|version| version.major).collect();
        let mut report = Report {
            errors: outcome
                .errors
                .drain(..)
                .map(|(path, error)| Trouble { path: Some(path), message: error.to_string() })
                .collect(),
            nodes: outcome.sources.iter().map(|(file, source)| (file, owner(members, &source.path))).collect(),
            files: outcome.files,
            checked: checked.into_iter().collect(),
            forecasts: outcome.forecasts,
            sources: outcome.sources,
            ..Report::default()
        };
        report.findings = self.kept_of(outcome.findings, &mut report, members, project);
        self.hold_foreign(&mut report, members);
        let found: BTreeSet<&str> = report.findings.iter().map(|finding| &*finding.rule).collect();
        let described = found.into_iter().filter_map(|rule| project.rules.described(rule));
        report.rules = described.map(|rule| (rule.id.clone(), rule)).collect();
        report.sort();
        report
    }

    /// Whether options and configuration want a rule.
    fn is_enabled(&self, rule: &str, project: &Project) -> bool {
        let options = self.options;
        let is = |names: &[String]| names.iter().any(|name| name == rule);
        let asked = is(&options.select);
        (options.select.is_empty() || asked) && !is(&options.ignore) && (asked || !is(&project.config.ignore))
    }

    /// What is left to be told. The report's counts say how much is not.
    fn kept_of(
        &self,
        findings: Vec<Finding>,
        report: &mut Report,
        members: &[Member],
        project: &Project,
    ) -> Vec<Finding> {
        let applies = |node: &check::Node, rule: &str| project.rules.applies(rule, &node.targets, node.role);
        let ran = |rule: &str| {
            let is_whole = members.len() > 1 || !project.rules.is_about_pairs(rule);
            self.is_enabled(rule, project) && is_whole && members.iter().any(|member| applies(&member.node, rule))
        };
        let ids = project.rules.ids();
        let mut left = findings;
        if !self.options.no_ignores {
            let kept = suppress::apply(&report.sources, left, &ids, &ran, &report.checked);
            (left, report.suppressed) = (kept.findings, kept.suppressed);
        }
        for finding in &mut left {
            finding.severity = project.config.severity.get(&*finding.rule).copied().unwrap_or(finding.severity);
        }
        left.retain(|finding| self.is_enabled(&finding.rule, project));
        if let Some(kept) = self.baselines.of(&project.config) {
            // Beside a lone file others are read for its sake, and only what is wrong with it is told.
            let is_checked = |path: &Path| {
                let mut nodes = members.iter().map(|member| &member.node);
                nodes.clone().all(|node| node.file.is_none()) || nodes.any(|node| node.path == path)
            };
            let judges = |path: &Path, rule: &str| {
                let is_of_comments = suppress::RULES.iter().any(|known| known.id == rule);
                is_checked(path) && (is_of_comments || ran(rule) || !ids.contains(&rule))
            };
            let before = left.len();
            (left, report.tally) = kept.sift(&report.sources, left, &judges);
            report.baselined = before - left.len();
        }
        left.retain(|finding| finding.severity >= self.options.min_severity);
        left
    }

    /// Says what could not be done.
    pub fn tell_errors(&self, world: &mut World<'_>) -> Exit {
        for error in &self.errors {
            let path = error.path.as_deref().map(|path| self.show.path(path));
            trouble(world.err, path.as_deref(), &self.show.text(&error.message));
        }
        if self.errors.is_empty() { Exit::Clean } else { Exit::Trouble }
    }

    /// A major among the targets that has not been released.
    pub fn preview(&self) -> Option<crate::version::Major> {
        let configured = self.jobs.iter().filter_map(|job| job.project.config.pg.as_ref());
        self.options.target.pg.iter().chain(configured).find_map(crate::version::Targets::preview)
    }
}

/// The name of the node to which a file belongs: the one in whose directory it lies, else the first.
fn owner(members: &[Member], path: &Path) -> String {
    let holds = |member: &&Member| {
        let own = directory_of(&member.node.path, member.node.file.is_some());
        path.starts_with(&own) || member.node.data_dir.as_ref().is_some_and(|data| path.starts_with(data))
    };
    let depth = |member: &&Member| member.node.path.components().count();
    members
        .iter()
        .filter(holds)
        .max_by_key(depth)
        .or(members.first())
        .map(|member| member.name.clone())
        .unwrap_or_default()
}
