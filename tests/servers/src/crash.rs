//! `migrate` ended or failed at each system call by which it changes something, and what servers make of what is left.
//!
//! ```text
//! case ─lay out→ tree ─pgconflint, fault k→ what is left ┬─ old and new server: as before, as after, or no start
//!                                                         ├─ --rollback: every byte, mode and owner as before
//!                                                         └─ --write once more: as after
//! ```

pub mod cases;
pub mod opinion;
pub mod real;
pub mod snapshot;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use anyhow::{Context, Result, bail, ensure};

use crate::pair::scene::scratch;
pub use cases::{Case, cases};
use opinion::Start;
use snapshot::Snapshot;

/// What happens at a system call.
pub const FAULTS: [&str; 4] = ["kill", "ENOSPC", "EIO", "EACCES"];

/// A program under test and where it works.
#[derive(Debug)]
pub struct Bench {
    /// The binary of pgconflint, with debug assertions.
    pub program: PathBuf,
    /// The directory of the case.
    pub root: PathBuf,
}

/// What was counted.
#[derive(Clone, Copy, Default, Debug, PartialEq, Eq)]
pub struct Count {
    /// Runs that were ended at a system call.
    pub kills: usize,
    /// Runs in which one system call or all from one on failed.
    pub failures: usize,
    /// Different states that were left.
    pub states: usize,
    /// Runs in all.
    pub runs: usize,
}

/// What a case came to.
#[derive(Debug, Default)]
pub struct Outcome {
    /// How much was tried.
    pub count: Count,
    /// What is wrong.
    pub wrong: Vec<String>,
    /// Different trees that a server may meet, without what no server reads.
    pub met: BTreeSet<Snapshot>,
    /// The tree before and after.
    pub ends: [Snapshot; 2],
}

/// Ends and fails the migration of a case, its rollback and its resumption, every `step`th time from the `first` on.
///
/// # Errors
/// That something could not be tried at all.
pub fn play(program: &Path, case: &Case, first: usize, step: usize) -> Result<Outcome> {
    let directory = scratch()?;
    let bench = Bench { program: program.to_path_buf(), root: directory.path().join("tree") };
    case.lay_out(&bench.root)?;
    let before = Snapshot::of(&bench.root)?;
    let mut play = Play { bench, case, outcome: Outcome::default(), starts: BTreeMap::new(), seen: BTreeSet::new() };
    let output = play.write("")?;
    ensure!(output.status.success(), "{}: it is not migrated: {}", case.name, text(&output));
    let after = Snapshot::of(&play.bench.root)?;
    play.outcome.ends = [before.clone(), after.clone()];
    for major in [case.from, case.to] {
        let both = [&before, &after].map(|tree| {
            tree.restore(&play.bench.root)?;
            opinion::start(case, &play.bench.root, major)
        });
        let [one, other] = both;
        play.starts.insert(major, [one?, other?]);
    }
    play.ends()?;
    // From the beginning, back from the end, back and on from about the middle.
    let middle = play.faults(&before, Way::On, first, step)?;
    play.faults(&after, Way::Back, first, step)?;
    if let Some(middle) = middle {
        play.faults(&middle, Way::Back, first, step)?;
        play.faults(&middle, Way::On, first, step)?;
    }
    Ok(play.outcome)
}

/// What is run.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    On,
    Back,
}

struct Play<'a> {
    bench: Bench,
    case: &'a Case,
    outcome: Outcome,
    /// What servers do before and after.
    starts: BTreeMap<u16, [Start; 2]>,
    seen: BTreeSet<Snapshot>,
}

impl Play<'_> {
    fn run(&mut self, arguments: &[String], fault: &str) -> Result<Output> {
        self.outcome.count.runs += 1;
        let mut command = Command::new(&self.bench.program);
        command.arg("migrate").arg(self.case.node(&self.bench.root)).args(arguments).arg("--isolated");
        if !fault.is_empty() {
            command.env("PGCONFLINT_FAULT", fault);
        }
        command.current_dir("/").output().context("running pgconflint")
    }

    fn write(&mut self, fault: &str) -> Result<Output> {
        let mut arguments = vec!["--write".to_string(), "--yes".to_string()];
        arguments.extend([format!("--to={}", self.case.to), format!("--from={}", self.case.from)]);
        arguments.extend(self.case.allows.iter().map(|allow| (*allow).to_string()));
        self.run(&arguments, fault)
    }

    fn roll_back(&mut self, fault: &str) -> Result<Output> {
        self.run(&["--rollback".to_string()], fault)
    }

    /// What the two ends themselves must be.
    fn ends(&mut self) -> Result<()> {
        let [before, after] = self.outcome.ends.clone();
        let starts = &self.starts;
        let (old, new) = (&starts[&self.case.from], &starts[&self.case.to]);
        ensure!(old[0] != Start::Refuses && new[1] != Start::Refuses, "{}: {starts:?}", self.case.name);
        if self.case.is_standby {
            let all = [&old[0], &old[1], &new[0], &new[1]];
            ensure!(all.iter().all(|start| !start.is_primary()), "{}: {starts:?}", self.case.name);
        }
        let output = self.write("")?;
        after.restore(&self.bench.root)?;
        ensure!(output.status.success(), "{}: {}", self.case.name, text(&output));
        let output = self.roll_back("")?;
        self.expect("rolled back", &output, &before)?;
        after.restore(&self.bench.root)
    }

    /// Runs from a state with each fault at each system call; a state from about the middle of the runs that were
    /// ended.
    fn faults(&mut self, from: &Snapshot, way: Way, first: usize, step: usize) -> Result<Option<Snapshot>> {
        let mut left = Vec::new();
        for fault in FAULTS {
            let suffixes: &[&str] = if fault == "kill" { &[""] } else { &["", "+"] };
            for suffix in suffixes {
                for at in (first..).step_by(step) {
                    let wanted = format!("{at}{suffix} {fault}");
                    from.restore(&self.bench.root)?;
                    let output = match way {
                        Way::On => self.write(&wanted)?,
                        Way::Back => self.roll_back(&wanted)?,
                    };
                    if output.status.success() {
                        break;
                    }
                    let what = format!(
                        "{}, {} with {wanted}",
                        self.case.name,
                        if way == Way::On { "written" } else { "rolled back" }
                    );
                    let state = Snapshot::of(&self.bench.root)?;
                    let is_kill = fault == "kill";
                    ensure!(output.status.code() == if is_kill { None } else { Some(2) }, "{what}: {}", text(&output));
                    match is_kill {
                        true => self.outcome.count.kills += 1,
                        false => self.outcome.count.failures += 1,
                    }
                    let is_undone = way == Way::On && *from == self.outcome.ends[0] && !is_kill && suffix.is_empty();
                    if is_undone && state != self.outcome.ends[0] {
                        let difference = state.difference(&self.outcome.ends[0]);
                        self.outcome.wrong.push(format!("{what}: it is not undone: {difference}: {}", text(&output)));
                    }
                    if is_kill {
                        left.push(state.clone());
                    }
                    self.judge(&what, &state)?;
                }
            }
        }
        Ok((!left.is_empty()).then(|| left.swap_remove(left.len() * 2 / 3)))
    }

    /// What servers do with a state, what a rollback makes of it, and what writing once more does.
    fn judge(&mut self, what: &str, state: &Snapshot) -> Result<()> {
        if !self.seen.insert(state.clone()) {
            return Ok(());
        }
        self.outcome.count.states += 1;
        for (major, [before, after]) in &self.starts {
            let start = opinion::start(self.case, &self.bench.root, *major)?;
            if start != Start::Refuses && start != *before && start != *after {
                self.outcome.wrong.push(format!("{what}: {major} starts otherwise: {start:?}"));
            }
        }
        self.outcome.met.insert(state.as_servers_see_it());
        let [before, after] = self.outcome.ends.clone();
        let output = self.roll_back("")?;
        let is_untouched = *state == before && text(&output).contains("nothing is kept");
        if !is_untouched {
            self.expect(&format!("{what}, then rolled back"), &output, &before)?;
        }
        state.restore(&self.bench.root)?;
        let output = self.write("")?;
        self.expect(&format!("{what}, then written"), &output, &after)
    }

    fn expect(&mut self, what: &str, output: &Output, wanted: &Snapshot) -> Result<()> {
        let found = Snapshot::of(&self.bench.root)?;
        if !output.status.success() {
            self.outcome.wrong.push(format!("{what}: {}", text(output)));
        } else if found.without_manifests() != wanted.without_manifests() {
            let difference = found.without_manifests().difference(&wanted.without_manifests());
            self.outcome.wrong.push(format!("{what}: {difference}"));
        }
        Ok(())
    }
}

fn text(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    format!("{} {}{}", output.status, text(&output.stdout), text(&output.stderr))
}

/// The program that cargo has built beside this one.
///
/// # Errors
/// There is none.
pub fn built() -> Result<PathBuf> {
    let own = std::env::current_exe()?;
    let directory = own.parent().context("it lies in a directory")?;
    for directory in [directory, directory.parent().unwrap_or(directory)] {
        let program = directory.join("pgconflint");
        if program.is_file() {
            return Ok(program);
        }
    }
    bail!("{}: there is no pgconflint; cargo build makes it", directory.display())
}
