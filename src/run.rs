//! One function for each subcommand: the whole story of a run.

// This is the outer ring: here the disk is.
#![allow(clippy::disallowed_methods)]

mod base;
pub(crate) mod baseline;
mod check;
mod exclude;
pub(crate) mod explain;
pub(crate) mod fix;
pub(crate) mod group;
mod hba;
mod migrate;
pub(crate) mod nodes;
mod pending;
pub(crate) mod project;
pub(crate) mod rules;
mod settings;
mod target;
mod tree;

use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use clap::CommandFactory;

use crate::cli::{Cli, Options, Task};
use crate::files::Changes;
use crate::report::{Show, lexical};
use crate::server;

/// Everything that a run has from outside, so that tests can be the outside.
pub struct World<'a> {
    /// The working directory.
    pub directory: PathBuf,
    /// Standard input.
    pub stdin: &'a mut (dyn Read + Send),
    /// Findings and answers.
    pub out: &'a mut (dyn Write + Send),
    /// Trouble.
    pub err: &'a mut dyn Write,
    /// Whether `out` shows colours, if nobody asked for or against them.
    pub color: bool,
    /// Whether the terminal that `out` leads to knows links.
    pub links: bool,
    /// Columns of the terminal.
    pub width: usize,
    /// Whether somebody is there who can be asked.
    pub interactive: bool,
    /// What a migration changes on the disk goes through here.
    pub changes: Changes<'a>,
    /// The tops of the checkouts of CI systems.
    pub checkouts: Checkouts,
}

/// Where CI systems have checked the repository out: they read paths in their own formats from there.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Checkouts {
    /// `GITHUB_WORKSPACE`
    pub github: Option<PathBuf>,
    /// `CI_PROJECT_DIR`
    pub gitlab: Option<PathBuf>,
}

/// How a run ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Exit {
    /// Nothing to report.
    Clean,
    /// Findings, or something to change.
    Findings,
    /// The job could not be done.
    Trouble,
}

impl Exit {
    /// The process's exit code.
    pub fn code(self) -> u8 {
        match self {
            Exit::Clean => 0,
            Exit::Findings => 1,
            Exit::Trouble => 2,
        }
    }
}

/// Does what was asked for.
pub fn run(options: Options, world: &mut World<'_>) -> Exit {
    let Options { task, color, show_secrets } = options;
    world.color = color.unwrap_or(world.color);
    match task {
        Task::Check(options) => check::check(&options, show_secrets, world),
        Task::Baseline { check, path, prune } => {
            baseline::baseline(&check, path.as_deref(), prune, show_secrets, world)
        }
        Task::Migrate(options) => tree::migrate(&options, show_secrets, world),
        Task::Settings(options) => settings::settings(&options, show_secrets, world),
        Task::Hba(options) => hba::hba(&options, show_secrets, world),
        Task::Explain { name, pg, config } => explain::explain(&name, pg.as_ref(), config.as_deref(), world),
        Task::Rules { task, config } => rules::rules(&task, config.as_deref(), world),
        Task::Server(options) => server::stdio(&options, show_secrets, world),
        Task::Completions(shell) => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "pgconflint", &mut script);
            written(world.out.write_all(&script), Exit::Clean, world.err)
        }
        Task::Man(None) => {
            let mut page = Vec::new();
            let done = clap_mangen::Man::new(Cli::command()).render(&mut page);
            written(done.and_then(|()| world.out.write_all(&page)), Exit::Clean, world.err)
        }
        Task::Man(Some(directory)) => {
            let into = world.directory.join(&directory);
            match std::fs::create_dir_all(&into).and_then(|()| clap_mangen::generate_to(Cli::command(), &into)) {
                Ok(()) => Exit::Clean,
                Err(error) => {
                    trouble(world.err, directory.to_str(), &crate::files::words(&error).to_string());
                    Exit::Trouble
                }
            }
        }
    }
}

/// Says on standard error why the job could not be done.
fn trouble(err: &mut dyn Write, path: Option<&str>, message: &str) {
    let show = Show::default();
    let path = path.map_or_else(String::new, |path| format!("{}: ", show.line(path)));
    // Nobody is left to tell if this fails.
    let _ = writeln!(err, "pgconflint: error: {path}{}", show.text(message));
}

/// The exit after writing; a reader that has gone, as in `| head`, has what it wanted.
fn written(done: io::Result<()>, exit: Exit, err: &mut dyn Write) -> Exit {
    match done {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            trouble(err, None, &format!("standard output: {}", crate::files::words(&error)));
            Exit::Trouble
        }
        _ => exit,
    }
}

/// The directory in which a node lies.
pub(crate) fn directory_of(path: &Path, is_file: bool) -> PathBuf {
    if !is_file {
        return path.to_owned();
    }
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => PathBuf::from("."),
    }
}
