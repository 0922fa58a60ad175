//! The baseline of a run, and `pgconflint baseline`.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use super::nodes::Run;
use super::project::Projects;
use super::{Exit, World, directory_of, lexical, trouble, written};
use crate::cli::Check;
use crate::config::Config;
use crate::files::{self, Disk};
use crate::finding::Finding;
use crate::report::{Show, diagnostic, plural, relative};
use crate::source::{Files, Sources};
use crate::suppress::baseline::{self, Baseline, Key, Stale, Tally};

/// The file, where nobody names another.
const NAME: &str = "pgconflint-baseline.json";

/// So many stale entries are named.
const NAMED: usize = 10;

/// A baseline and where its paths begin.
#[derive(Clone, Debug)]
pub struct Kept {
    /// What it says.
    pub baseline: Baseline,
    /// The file.
    pub path: PathBuf,
    directory: PathBuf,
    show: Show,
}

/// What was found, by the path of the baseline that may hold it.
pub type Tallies = BTreeMap<PathBuf, Tally>;

/// The baselines of a run: the one that was asked for, or those that configurations name.
#[derive(Clone, Debug, Default)]
pub struct Baselines {
    asked: Option<Kept>,
    configured: BTreeMap<PathBuf, Kept>,
}

impl Baselines {
    /// The one that was asked for goes before all others.
    pub fn asked(asked: Option<Kept>) -> Baselines {
        Baselines { asked, configured: BTreeMap::new() }
    }

    /// Reads the one that a configuration names, if it counts and is not known yet.
    ///
    /// # Errors
    /// Why it cannot be read.
    pub fn read(&mut self, config: &Config, show: &Show) -> Result<(), String> {
        let wanted =
            config.baseline.as_ref().filter(|path| self.asked.is_none() && !self.configured.contains_key(*path));
        let Some(path) = wanted else { return Ok(()) };
        let fault = |error| {
            format!("{error} (`baseline` in {}; `pgconflint baseline write` makes it)", show.path(&config.path))
        };
        self.configured.insert(path.clone(), Kept::read(path, show).map_err(fault)?);
        Ok(())
    }

    /// The one that holds for what a configuration holds for.
    pub fn of(&self, config: &Config) -> Option<&Kept> {
        self.asked.as_ref().or_else(|| self.configured.get(config.baseline.as_ref()?))
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Kept> {
        self.asked.iter().chain(self.configured.values())
    }

    /// Says which entries are stale, and whether any is.
    pub fn tell(&self, tallies: &Tallies, err: &mut dyn Write) -> usize {
        let mut count = 0;
        for kept in self.iter() {
            let stale =
                tallies.get(&kept.path).map_or_else(|| kept.stale(&Tally::default()), |tally| kept.stale(tally));
            kept.tell(&stale, err);
            count += stale.len();
        }
        count
    }
}

impl Kept {
    /// An empty one, for what is to be counted.
    pub fn empty(path: &Path, show: &Show) -> Kept {
        let directory = lexical(&show.directory.join(path.parent().unwrap_or(Path::new(""))));
        Kept { baseline: Baseline::default(), path: path.to_owned(), directory, show: show.clone() }
    }

    /// The one at `path`.
    ///
    /// # Errors
    /// Why it cannot be read.
    pub fn read(path: &Path, show: &Show) -> Result<Kept, String> {
        let fault = |what: String| format!("{}: {what}", show.path(path));
        let bytes = Disk::default().read(&show.directory.join(path)).map_err(|error| fault(error.to_string()))?;
        let baseline = baseline::parse(&bytes).map_err(fault)?;
        Ok(Kept { baseline, ..Kept::empty(path, show) })
    }

    /// Takes out what was there before, and counts all. `judges` says of a rule in a file whether it was looked for.
    pub fn sift(
        &self,
        sources: &Sources,
        findings: Vec<Finding>,
        judges: &dyn Fn(&Path, &str) -> bool,
    ) -> (Vec<Finding>, Tally) {
        let names: HashMap<_, _> = sources.iter().map(|(file, source)| (file, self.name(&source.path))).collect();
        let mut tally = Tally::default();
        let key = |finding: &Finding| Key {
            file: names[&finding.place.file].clone(),
            rule: finding.rule.clone().into_owned(),
            subject: diagnostic::subject(finding, sources.get(finding.place.file)),
        };
        let keys: Vec<Key> = findings.iter().map(key).collect();
        for key in &keys {
            *tally.found.entry(key.clone()).or_default() += 1;
        }
        let kept = findings.into_iter().zip(&keys);
        let kept = kept.filter(|(_, key)| !self.baseline.holds(key, tally.found[key])).map(|(finding, _)| finding);
        let kept = kept.collect();
        let by_name: BTreeMap<&str, &Path> =
            sources.iter().map(|(file, source)| (names[&file].as_str(), source.path.as_path())).collect();
        let is_judged = |key: &&Key| by_name.get(key.file.as_str()).is_some_and(|path| judges(path, &key.rule));
        tally.judged = self.baseline.keys().filter(is_judged).cloned().collect();
        (kept, tally)
    }

    /// The entries that hold more than the run has found.
    pub fn stale(&self, tally: &Tally) -> Vec<Stale> {
        let is_gone = |file: &str| fs::symlink_metadata(self.directory.join(file)).is_err();
        self.baseline.stale(tally, &is_gone)
    }

    /// Says which entries are stale.
    pub fn tell(&self, stale: &[Stale], err: &mut dyn Write) {
        if stale.is_empty() {
            return;
        }
        let _ = writeln!(
            err,
            "pgconflint: note: {}: of the findings in the baseline some are gone; `pgconflint baseline prune` drops them:",
            self.show.line(&self.show.path(&self.path))
        );
        for Stale { key, count, found } in stale.iter().take(NAMED) {
            let what = self.show.line(&format!("{}: {} ({})", key.file, key.rule, key.subject));
            let _ = writeln!(err, "  {what}: {count} in the baseline, {found} found");
        }
        if stale.len() > NAMED {
            let _ = writeln!(err, "  and {} more", stale.len() - NAMED);
        }
    }

    /// Writes another baseline in place of this one.
    fn write(&self, baseline: &Baseline) -> std::io::Result<()> {
        let path = self.show.directory.join(&self.path);
        let text = baseline.to_text();
        if path.exists() {
            files::replace(&path, text.as_bytes())
        } else {
            files::create(&path, text.as_bytes(), 0o644)
        }
    }

    /// A file relative to the directory of the baseline, so that it holds wherever the run begins.
    fn name(&self, path: &Path) -> String {
        let shown = lexical(&self.show.directory.join(self.show.path(path)));
        Show::default().path(&relative(&shown, &self.directory))
    }
}

/// The baseline that the configuration names for the first path.
fn configured(options: &Check, show: &Show) -> Result<Option<PathBuf>, Vec<String>> {
    let target = &options.target;
    let mut projects = Projects::new(&show.directory, target.config.as_deref(), target.isolated)?;
    let first = options.paths.first().map_or(Path::new("."), PathBuf::as_path);
    let directory = directory_of(first, !show.directory.join(first).is_dir());
    Ok(projects.of(&directory)?.config.baseline.clone())
}

/// `baseline write`, or `baseline prune`.
pub fn baseline(options: &Check, path: Option<&Path>, prune: bool, show_secrets: bool, world: &mut World<'_>) -> Exit {
    let root = options.target.root.as_ref().map(|root| world.directory.join(root));
    let show = Show { directory: world.directory.clone(), root: root.clone(), secrets: show_secrets, top: None };
    let path = match path.map_or_else(|| configured(options, &show), |path| Ok(Some(path.to_owned()))) {
        Ok(path) => path.unwrap_or_else(|| PathBuf::from(NAME)),
        Err(errors) => {
            errors.iter().for_each(|error| trouble(world.err, None, error));
            return Exit::Trouble;
        }
    };
    let path = path.as_path();
    let exists = world.directory.join(path).exists();
    let before = if prune || exists { Kept::read(path, &show) } else { Ok(Kept::empty(path, &show)) };
    let before = match before {
        Ok(before) => before,
        Err(error) => {
            trouble(world.err, None, &error);
            return Exit::Trouble;
        }
    };
    let disk = Disk::below(root);
    let mut run = match Run::prepare(options, &disk, &show, Some(before.clone()), world) {
        Ok(run) => run,
        Err(errors) => {
            errors.iter().for_each(|error| trouble(world.err, None, error));
            return Exit::Trouble;
        }
    };
    let mut tally = Tally::default();
    for examined in run.examine_all(&[]) {
        run.errors.extend(examined.errors);
        if let Some((_, found)) = examined.tally {
            tally.merge(found);
        }
    }
    // Half a run must not become the whole truth.
    if !run.errors.is_empty() {
        return run.tell_errors(world);
    }
    let after =
        if prune { before.baseline.without(&before.stale(&tally)) } else { Baseline::of(&tally, &before.baseline) };
    if let Err(error) = before.write(&after) {
        trouble(world.err, Some(&show.path(path)), &files::words(&error).to_string());
        return Exit::Trouble;
    }
    let shown = show.line(&show.path(path));
    let said = match (prune, before.baseline.count() - after.count().min(before.baseline.count())) {
        (true, gone) => format!("{shown}: {} dropped, {} left\n", plural(gone, "finding"), after.count()),
        (false, _) => format!("{shown}: {}\n", plural(after.count(), "finding")),
    };
    written(world.out.write_all(said.as_bytes()), Exit::Clean, world.err)
}
