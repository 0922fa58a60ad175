//! The command line: clap's types, turned into one plain [`Options`].

mod args;

pub use args::Cli;

use std::path::PathBuf;

use crate::finding::Severity;
use crate::migrate::Allow;
use crate::report::Format;
use crate::source::FileKind;
use crate::version::{Major, Role, Targets};

/// What was asked for.
#[derive(Debug)]
pub struct Options {
    /// What to do.
    pub task: Task,
    /// Whether colours are wanted; None leaves it to the terminal.
    pub color: Option<bool>,
    /// Whether passwords are shown.
    pub show_secrets: bool,
}

/// What to do.
#[derive(Debug)]
pub enum Task {
    /// `check`
    Check(Box<Check>),
    /// `baseline`
    Baseline {
        /// What is checked, and how.
        check: Box<Check>,
        /// The baseline, where one is named.
        path: Option<PathBuf>,
        /// Whether only what is stale is taken out.
        prune: bool,
    },
    /// `migrate`
    Migrate(Box<Migrate>),
    /// `settings`
    Settings(Settings),
    /// `hba`
    Hba(Hba),
    /// `explain`
    Explain {
        /// A rule, a parameter, or a message; `-` for standard input.
        name: String,
        /// The versions of interest.
        pg: Option<Targets>,
        /// Where rule pages of one's own are named.
        config: Option<PathBuf>,
    },
    /// `rules`
    Rules {
        /// What about them.
        task: RulesTask,
        /// Where rule pages of one's own are named.
        config: Option<PathBuf>,
    },
    /// `server`: how files are checked
    Server(Box<Check>),
    /// `completions`
    Completions(clap_complete::Shell),
    /// `man`, printed or written into a directory.
    Man(Option<PathBuf>),
}

/// What `rules` does.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum RulesTask {
    /// `list`
    List,
    /// `test`
    Test,
    /// `new`
    New {
        /// The page's path, or the rule's name.
        name: PathBuf,
    },
}

/// How a node is read, in every command.
#[derive(Clone, Debug, Default)]
pub struct Target {
    /// `--pg`
    pub pg: Option<Targets>,
    /// `--role`, if it names one.
    pub role: Option<Role>,
    /// `--data-dir`
    pub data_dir: Option<PathBuf>,
    /// `--root`
    pub root: Option<PathBuf>,
    /// `--config`
    pub config: Option<PathBuf>,
    /// `--isolated`
    pub isolated: bool,
}

/// Options of `check`.
#[derive(Debug)]
pub struct Check {
    /// `--wal-segment-size`, in bytes.
    pub wal_segment_size: Option<u64>,
    /// `-` stands for standard input.
    pub paths: Vec<PathBuf>,
    /// How nodes are read.
    pub target: Target,
    /// `--primary` and `--standby`
    pub pair: Option<Pair>,
    /// `--base`
    pub base: Option<PathBuf>,
    /// `--from`
    pub from: Option<Major>,
    /// `--kind`
    pub kind: Option<FileKind>,
    /// `--stdin-filename`
    pub stdin_filename: Option<PathBuf>,
    /// `--allow-empty`
    pub allow_empty: bool,
    /// `--force-exclude`
    pub force_exclude: bool,
    /// Formats and the files they go to; None is standard output. Never empty.
    pub reports: Vec<(Format, Option<PathBuf>)>,
    /// `--statistics`
    pub statistics: bool,
    /// Which fixes are made.
    pub fixes: Fixes,
    /// `--select`
    pub select: Vec<String>,
    /// `--ignore`
    pub ignore: Vec<String>,
    /// `--min-severity`
    pub min_severity: Severity,
    /// `--no-ignores`
    pub no_ignores: bool,
    /// `--baseline`
    pub baseline: Option<PathBuf>,
    /// `--fail-on-stale-baseline`
    pub fail_on_stale: bool,
    /// `--fail-on`
    pub fail_on: Severity,
    /// `--exit-zero`
    pub exit_zero: bool,
}

/// A primary and its standbys.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Pair {
    /// `--primary`
    pub primary: PathBuf,
    /// `--standby`; at least one.
    pub standbys: Vec<PathBuf>,
    /// `--standby-address`: one for each standby, the last one for all that are left.
    pub addresses: Vec<std::net::IpAddr>,
}

impl Default for Check {
    /// Everything is told, and nothing is changed.
    fn default() -> Check {
        Check {
            base: None,
            from: None,
            baseline: None,
            fail_on_stale: false,
            wal_segment_size: None,
            paths: Vec::new(),
            target: Target::default(),
            pair: None,
            kind: None,
            stdin_filename: None,
            allow_empty: false,
            force_exclude: false,
            reports: vec![(Format::Text, None)],
            statistics: false,
            fixes: Fixes { write: false, diff: false, with_unsafe: false },
            select: Vec::new(),
            ignore: Vec::new(),
            min_severity: Severity::Info,
            no_ignores: false,
            fail_on: Severity::Warning,
            exit_zero: false,
        }
    }
}

/// Which fixes are made.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Fixes {
    /// `--fix`
    pub write: bool,
    /// `--diff`
    pub diff: bool,
    /// `--unsafe-fixes`
    pub with_unsafe: bool,
}

/// Options of `migrate`.
#[derive(Clone, Debug)]
pub struct Migrate {
    /// The node.
    pub directory: PathBuf,
    /// `--to`; only a way back needs none.
    pub to: Option<Major>,
    /// `--from`
    pub from: Option<Major>,
    /// `--preserve-timeline`
    pub preserve_timeline: bool,
    /// `--keep-defaults`
    pub keep_defaults: bool,
    /// `--wal-segment-size`, in bytes.
    pub wal_segment_size: Option<u64>,
    /// `--allow-…`
    pub allowed: Vec<Allow>,
    /// What is done with the plan.
    pub act: Act,
    /// How the node is read.
    pub target: Target,
    /// `--format json`
    pub json: bool,
}

/// What is done with a plan.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Act {
    /// It is shown.
    Show,
    /// `--out`
    Out(PathBuf),
    /// `--plan-out`
    PlanOut(PathBuf),
    /// `--write`, and whether `--yes` answers the question.
    Write(bool),
    /// `--apply`
    Apply(PathBuf),
    /// `--rollback`: it is no plan that is needed.
    RollBack,
}

/// Options of `settings`.
#[derive(Debug)]
pub struct Settings {
    /// The node.
    pub directory: PathBuf,
    /// Only these; all if empty.
    pub names: Vec<String>,
    /// How the node is read.
    pub target: Target,
    /// `--format json`
    pub json: bool,
}

/// Options of `hba`.
#[derive(Debug)]
pub struct Hba {
    /// The node, or a pg_hba.conf.
    pub path: PathBuf,
    /// `--user`
    pub user: String,
    /// `--database`; `replication` stands for physical replication.
    pub database: String,
    /// `--logical`
    pub logical: bool,
    /// `--address`; None for `--local`.
    pub address: Option<std::net::IpAddr>,
    /// `--ssl`
    pub ssl: bool,
    /// `--gss`
    pub gss: bool,
    /// How the node is read.
    pub target: Target,
    /// `--format json`
    pub json: bool,
}
