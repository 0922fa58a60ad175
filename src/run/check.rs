//! `pgconflint check`

use std::collections::{BTreeSet, HashSet};
use std::fs;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rayon::prelude::*;

use super::group::{self, Job, Wanted};
use super::project::{Project, Projects};
use super::{Exit, World, base, directory_of, fix, target, trouble, written};
use crate::check::{self, Member};
use crate::cli::Check;
use crate::files::{self, Cached, Disk, Overlay, Place};
use crate::nearest::did_you_mean;
use crate::report::{Format, Output, Rendered, Report, Show, Summary, Trouble};
use crate::source::Files;
use crate::suppress;

/// So few nodes are done before other threads have started.
const FEW: usize = 16;

/// Checks what was asked for, writes the reports, and says how it ended.
pub fn check(options: &Check, show_secrets: bool, world: &mut World<'_>) -> Exit {
    let root = options.target.root.as_ref().map(|root| world.directory.join(root));
    let show = Show { directory: world.directory.clone(), root: root.clone(), secrets: show_secrets };
    let disk = Disk { root };
    let mut run = match Run::prepare(options, &disk, &show, world) {
        Ok(run) => run,
        Err(errors) => {
            errors.iter().for_each(|error| trouble(world.err, None, error));
            return Exit::Trouble;
        }
    };
    let mut outputs = outputs(options, &show, world);
    let mut summary = Summary::default();
    let examined = run.examine_all(&outputs);
    let mut changed = false;
    for one in examined {
        summary.merge(&one.summary);
        run.errors.extend(one.errors);
        changed |= !one.changes.is_empty();
        run.apply(&one.changes, world);
        for (output, rendered) in outputs.iter_mut().zip(one.rendered) {
            output.take(rendered);
        }
    }
    if let Some((_, bytes)) = run.stdin.as_ref().filter(|_| options.fixes.write && !options.fixes.diff && !changed) {
        let _ = world.out.write_all(bytes);
    }
    let mut problems = Report { errors: std::mem::take(&mut run.errors), ..Report::default() };
    problems.errors.sort_by(|one, other| (&one.path, &one.message).cmp(&(&other.path, &other.message)));
    summary.troubles = problems.errors.len();
    for error in &problems.errors {
        trouble(world.err, error.path.as_deref().map(|path| show.path(path)).as_deref(), &show.text(&error.message));
    }
    if let Some(major) = run.preview() {
        let _ = writeln!(world.err, "pgconflint: note: {major} is a preview: it has not been released and may change");
    }
    let exit = match () {
        () if !problems.errors.is_empty() => Exit::Trouble,
        () if options.exit_zero => Exit::Clean,
        () if summary.at_least(options.fail_on) > 0 || options.fixes.diff && changed => Exit::Findings,
        () => Exit::Clean,
    };
    for output in &mut outputs {
        let rendered = output.render(&problems);
        output.take(rendered);
    }
    // Where the fixed or changed text goes to standard output, findings stay out of it.
    let to_stdout = !(options.fixes.diff || options.fixes.write && run.stdin.is_some());
    write(outputs, &options.reports, &summary, to_stdout, exit, world)
}

fn outputs(options: &Check, show: &Show, world: &World<'_>) -> Vec<Output> {
    let output = |(format, file): &(Format, Option<PathBuf>)| {
        Output::new(*format, show.clone(), world.color && file.is_none(), world.width, options.statistics)
    };
    options.reports.iter().map(output).collect()
}

fn write(
    outputs: Vec<Output>,
    reports: &[(Format, Option<PathBuf>)],
    summary: &Summary,
    to_stdout: bool,
    exit: Exit,
    world: &mut World<'_>,
) -> Exit {
    let mut exit = exit;
    for (output, (_, file)) in outputs.into_iter().zip(reports) {
        match file {
            Some(path) => {
                let file = fs::File::create(world.directory.join(path)).map(BufWriter::new);
                let done = file.and_then(|mut file| {
                    output.write(&mut file, summary)?;
                    file.flush()
                });
                if let Err(error) = done {
                    trouble(world.err, path.to_str(), &files::words(&error).to_string());
                    exit = Exit::Trouble;
                }
            }
            None if to_stdout => {
                let mut out = BufWriter::new(&mut *world.out);
                let done = output.write(&mut out, summary).and_then(|()| out.flush());
                drop(out.into_parts());
                exit = written(done, exit, world.err);
            }
            None => {}
        }
    }
    exit
}

/// What is the same for all nodes of a run.
pub(crate) struct Run<'a> {
    options: &'a Check,
    disk: &'a Disk,
    show: &'a Show,
    /// The name and bytes of standard input.
    stdin: Option<(PathBuf, Arc<[u8]>)>,
    jobs: Vec<Job>,
    errors: Vec<Trouble>,
}

/// What came of one node.
struct Examined {
    rendered: Vec<Rendered>,
    summary: Summary,
    errors: Vec<Trouble>,
    changes: Vec<fix::Change>,
}

impl<'a> Run<'a> {
    /// A run whose nodes others find.
    pub(crate) fn new(options: &'a Check, disk: &'a Disk, show: &'a Show) -> Run<'a> {
        Run { options, disk, show, stdin: None, jobs: Vec::new(), errors: Vec::new() }
    }

    /// Finds the nodes and the configuration of each.
    fn prepare(
        options: &'a Check,
        disk: &'a Disk,
        show: &'a Show,
        world: &mut World<'_>,
    ) -> Result<Run<'a>, Vec<String>> {
        let on_stdout = options.reports.iter().filter(|(_, file)| file.is_none()).count();
        if on_stdout > 1 {
            return Err(vec![
                "only one report can go to standard output: say --report FORMAT=FILE for the others".to_owned(),
            ]);
        }
        let mut projects = Projects::new(&show.directory, options.target.config.as_deref(), options.target.isolated)?;
        let mut run = Run::new(options, disk, show);
        if let Some(pair) = &options.pair {
            if options.target.role.is_some() {
                return Err(vec!["--role says what --primary and --standby say already".to_owned()]);
            }
            run.jobs.push(group::of_options(pair, disk, &mut projects, show)?);
            run.check_names()?;
            return Ok(run);
        }
        if options.base.is_some() && options.paths.len() > 1 {
            return Err(vec!["--base goes with one path: a node, a file, or a tree of nodes".to_owned()]);
        }
        let mut nodes = Vec::new();
        let (stdin, paths): (Vec<_>, Vec<_>) = options.paths.iter().cloned().partition(|path| path == Path::new("-"));
        if !stdin.is_empty() {
            nodes.push(run.read_stdin(world)?);
        }
        let found = files::discover(disk, &paths, options.kind);
        nodes.extend(found.nodes);
        run.errors.extend(found.errors.into_iter().map(|(path, message)| Trouble { path: Some(path), message }));
        if nodes.is_empty() && run.errors.is_empty() && !options.allow_empty {
            let paths: Vec<String> = paths.iter().map(|path| show.path(path)).collect();
            let message =
                format!("nothing to check in {}: no postgresql.conf, pg_hba.conf or PG_VERSION", paths.join(", "));
            return Err(vec![message]);
        }
        let mut found = Vec::with_capacity(nodes.len());
        for node in nodes {
            let directory = directory_of(&node.path, node.place != Place::Directory);
            let directory = disk.resolve(&directory).unwrap_or(directory);
            found.push((node, projects.of(&directory)?));
        }
        run.jobs = group::grouped(found, show);
        run.check_names()?;
        Ok(run)
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

    fn examine_all(&self, outputs: &[Output]) -> Vec<Examined> {
        let one = |job: &Job| self.examine(job, outputs);
        // Two nodes may share a file: while fixing, each has to see what the one before made of it.
        if self.jobs.len() < FEW || self.options.fixes.write {
            return self.jobs.iter().map(one).collect();
        }
        self.jobs.par_iter().map(one).collect()
    }

    /// Everything about the nodes of a job; their files are dropped at the end.
    fn examine(&self, job: &Job, outputs: &[Output]) -> Examined {
        let stdin = self.stdin.iter().cloned().collect();
        let overlay = Overlay { files: stdin, under: self.disk };
        let files: &dyn Files = if self.stdin.is_some() { &overlay } else { self.disk };
        let files = Cached::new(files);
        let members = match self.members(&files, job) {
            Ok(members) => members,
            Err(error) => {
                return Examined {
                    rendered: Vec::new(),
                    summary: Summary::default(),
                    errors: vec![error],
                    changes: Vec::new(),
                };
            }
        };
        let check = |files: &dyn Files| self.report(files, &members, &job.project);
        let fixes = self.options.fixes;
        let (mut report, changes) = if fixes.write || fixes.diff {
            let mut mended = fix::mend(&files, fixes.with_unsafe, &check);
            let path = job.paths().next().cloned();
            let given_up = mended.given_up.map(|message| Trouble { path, message });
            mended.report.errors.extend(given_up);
            (mended.report, mended.changes)
        } else {
            (check(&files), Vec::new())
        };
        let mut summary = Summary::default();
        summary.add(&report);
        // Trouble is written once, at the end, for all nodes.
        let errors = std::mem::take(&mut report.errors);
        let rendered = outputs.iter().map(|output| output.render(&report)).collect();
        Examined { rendered, summary, errors, changes }
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

    /// One check of nodes: their findings after comments, configuration and options, in order.
    pub(crate) fn report(&self, files: &dyn Files, members: &[Member], project: &Project) -> Report {
        let options = self.options;
        let config = &project.config;
        let enabled = |rule: &str| {
            let is = |names: &[String]| names.iter().any(|name| name == rule);
            let asked = is(&options.select);
            (options.select.is_empty() || asked) && !is(&options.ignore) && (asked || !is(&config.ignore))
        };
        let mut outcome = check::group(files, members, &project.rules, &enabled);
        let versions = members.iter().flat_map(|member| member.node.targets.versions());
        let checked: BTreeSet<_> = versions.map(|version| version.major).collect();
        let checked: Vec<_> = checked.into_iter().collect();
        let mut suppressed = 0;
        if !options.no_ignores {
            let applies = |node: &check::Node, rule: &str| project.rules.applies(rule, &node.targets, node.role);
            let ran = |rule: &str| enabled(rule) && members.iter().any(|member| applies(&member.node, rule));
            let ids = project.rules.ids();
            let kept = suppress::apply(&outcome.sources, outcome.findings, &ids, &ran, &checked);
            (outcome.findings, suppressed) = (kept.findings, kept.suppressed);
        }
        for finding in &mut outcome.findings {
            finding.severity = config.severity.get(&*finding.rule).copied().unwrap_or(finding.severity);
        }
        outcome.findings.retain(|finding| enabled(&finding.rule) && finding.severity >= options.min_severity);
        let nodes = outcome.sources.iter().map(|(file, source)| (file, owner(members, &source.path))).collect();
        let errors =
            outcome.errors.into_iter().map(|(path, error)| Trouble { path: Some(path), message: error.to_string() });
        let mut report = Report {
            errors: errors.collect(),
            sources: outcome.sources,
            findings: outcome.findings,
            nodes,
            files: outcome.files,
            suppressed,
            checked,
            forecasts: outcome.forecasts,
        };
        report.sort();
        report
    }

    /// Writes the changes of a node, or shows them.
    fn apply(&mut self, changes: &[fix::Change], world: &mut World<'_>) {
        for change in changes {
            let path = &change.path;
            let is_stdin = self.stdin.as_ref().is_some_and(|(name, _)| name == path);
            let done = if self.options.fixes.diff {
                world.out.write_all(fix::diff(change, self.show).as_bytes())
            } else if is_stdin {
                world.out.write_all(&change.new)
            } else {
                let real = self.disk.resolve(path).unwrap_or_else(|_| path.clone());
                files::replace(&real, &change.new)
            };
            if let Err(error) = done
                && error.kind() != std::io::ErrorKind::BrokenPipe
            {
                self.errors.push(Trouble { path: Some(path.clone()), message: files::words(&error).to_string() });
            }
        }
    }

    /// A major among the targets that has not been released.
    fn preview(&self) -> Option<crate::version::Major> {
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
