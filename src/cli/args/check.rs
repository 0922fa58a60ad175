//! `check` and `baseline`.

use std::ffi::OsStr;
use std::path::PathBuf;

use clap::builder::{PossibleValue, TypedValueParser};
use clap::{Arg, Args, Command, Subcommand, ValueEnum};

use super::super::{Check, Fixes, Pair, Task};
use super::later::Later;
use super::{TargetArgs, migrate, segment};
use crate::finding::Severity;
use crate::report::Format;
use crate::source::FileKind;
use crate::version::Major;

#[derive(Args, Debug)]
#[command(group = clap::ArgGroup::new("mend").args(["fix", "diff"]).multiple(true))]
pub struct CheckArgs {
    /// Files, node directories or trees of them; `-` is standard input
    #[arg(value_name = "PATH", default_value = ".")]
    paths: Vec<PathBuf>,
    #[command(flatten)]
    target: TargetArgs,
    /// Whether the standbys will stream from this node
    #[arg(long, value_name = "DIR", requires = "standby", conflicts_with_all = ["paths", "data_dir", "kind"], help_heading = "Replication")]
    primary: Option<PathBuf>,
    /// A standby of the primary, repeatable
    // clap wants no --primary where a path rules it out, so the path has to rule these out as well.
    #[arg(long, value_name = "DIR", requires = "primary", conflicts_with = "paths", help_heading = "Replication")]
    standby: Vec<PathBuf>,
    /// The address from which the standby comes; for several, in the order of --standby
    #[arg(long, value_name = "IP", requires = "standby", conflicts_with = "paths", help_heading = "Replication")]
    standby_address: Vec<std::net::IpAddr>,
    /// Another revision of the same path, as it runs now: which of the changed settings need a restart
    #[arg(long, value_name = "PATH", conflicts_with = "primary", help_heading = "Changes")]
    base: Option<PathBuf>,
    /// The major version that runs now: which defaults are others in the version that is checked against
    #[arg(long, value_name = "VERSION", value_parser = migrate::source_major, conflicts_with = "primary", help_heading = "Changes")]
    from: Option<Major>,
    /// The size of a WAL segment, as initdb --wal-segsize had it; pg_control of a data directory knows better
    #[arg(long, value_name = "SIZE", value_parser = segment, help_heading = "Server")]
    wal_segment_size: Option<u64>,
    /// What files are whose names do not say it
    #[arg(long, help_heading = "Files")]
    kind: Option<Kind>,
    /// The name that standard input goes by: it decides the kind and the siblings
    #[arg(long, value_name = "FILE", help_heading = "Files")]
    stdin_filename: Option<PathBuf>,
    /// Finding nothing to check is no error
    #[arg(long, help_heading = "Files")]
    allow_empty: bool,
    /// Leave out what `exclude` in pgconflint.toml names, also where it is named here: for pre-commit
    #[arg(long, conflicts_with = "primary", help_heading = "Files")]
    force_exclude: bool,
    /// Write a report in this format, to standard output or into a file, repeatable
    #[arg(long, value_name = "FORMAT[=FILE]", value_parser = Reports, hide_possible_values = true, help_heading = "Output")]
    report: Vec<(Format, Option<PathBuf>)>,
    /// The format on standard output
    #[arg(long, value_name = "FORMAT", conflicts_with = "report", help_heading = "Output")]
    format: Option<FormatName>,
    /// Count findings by rule instead of showing them
    #[arg(long, help_heading = "Output")]
    statistics: bool,
    /// Apply safe fixes: every effective value stays what it is
    #[arg(long, help_heading = "Fixes")]
    fix: bool,
    /// Show what --fix would change, and change nothing
    #[arg(long, help_heading = "Fixes")]
    diff: bool,
    /// With --fix or --diff: unsafe fixes too, which change what the server does
    #[arg(long, requires = "mend", help_heading = "Fixes")]
    unsafe_fixes: bool,
    /// Only these rules
    #[arg(long, value_name = "RULE,…", value_delimiter = ',', help_heading = "Rules")]
    select: Vec<String>,
    /// Not these rules
    #[arg(long, value_name = "RULE,…", value_delimiter = ',', help_heading = "Rules")]
    ignore: Vec<String>,
    /// Show nothing below this severity
    #[arg(long, value_name = "SEVERITY", help_heading = "Rules")]
    min_severity: Option<Level>,
    /// Report what comments in the files suppress
    #[arg(long, help_heading = "Rules")]
    no_ignores: bool,
    /// Leave out what this file holds, which `pgconflint baseline write` has written; else the one that pgconflint.toml
    /// names
    #[arg(long, value_name = "FILE", help_heading = "Rules")]
    baseline: Option<PathBuf>,
    /// Findings from this severity on make the exit code 1
    #[arg(long, value_name = "SEVERITY", default_value = "warning", help_heading = "Exit code")]
    fail_on: Level,
    /// The baseline holds what is no longer found: exit code 1
    #[arg(long, help_heading = "Exit code")]
    fail_on_stale_baseline: bool,
    /// Findings do not change the exit code
    #[arg(long, help_heading = "Exit code")]
    exit_zero: bool,
}

#[derive(Args, Debug)]
pub struct BaselineArgs {
    #[command(subcommand)]
    what: BaselineCommand,
}

#[derive(Subcommand, Debug)]
enum BaselineCommand {
    /// Write all that is found into the file; reasons in it are kept
    Write(Later<BaselineOf>),
    /// Take out of the file what is no longer found
    Prune(Later<BaselineOf>),
}

#[derive(Args, Debug)]
struct BaselineOf {
    /// Files, node directories or trees of them, as for `check`
    #[arg(value_name = "PATH", default_value = ".")]
    paths: Vec<PathBuf>,
    /// The file; else the one that pgconflint.toml names, else pgconflint-baseline.json
    #[arg(long, value_name = "FILE", help_heading = "Files")]
    baseline: Option<PathBuf>,
    /// What files are whose names do not say it
    #[arg(long, help_heading = "Files")]
    kind: Option<Kind>,
    #[command(flatten)]
    target: TargetArgs,
    /// Only these rules
    #[arg(long, value_name = "RULE,…", value_delimiter = ',', help_heading = "Rules")]
    select: Vec<String>,
    /// Not these rules
    #[arg(long, value_name = "RULE,…", value_delimiter = ',', help_heading = "Rules")]
    ignore: Vec<String>,
}

#[derive(ValueEnum, Clone, Copy, Debug)]
enum Kind {
    /// postgresql.conf and what it includes
    Conf,
    /// pg_hba.conf
    Hba,
    /// pg_ident.conf
    Ident,
    /// recovery.conf
    Recovery,
}

#[derive(ValueEnum, Clone, Copy, Debug)]
enum Level {
    Error,
    Warning,
    Info,
}

#[derive(ValueEnum, Clone, Copy, Debug)]
enum FormatName {
    /// For people
    Text,
    /// path:line:col: severity: message [rule]
    Concise,
    /// One document
    Json,
    /// One diagnostic on each line
    JsonLines,
    /// SARIF 2.1.0, for code scanning
    Sarif,
    /// Workflow commands of GitHub, which become annotations
    Github,
    /// GitLab's code quality report
    Gitlab,
    /// reviewdog's format
    Rdjson,
    /// A test for each finding
    Junit,
    /// XML that Jenkins and editors read
    Checkstyle,
    /// A table, for the summary of a run
    Markdown,
}

impl From<CheckArgs> for Check {
    fn from(args: CheckArgs) -> Check {
        let on_stdout = args.format.map_or(Format::Text, Format::from);
        let reports = if args.report.is_empty() { vec![(on_stdout, None)] } else { args.report };
        Check {
            pair: args.primary.map(|primary| Pair { primary, standbys: args.standby, addresses: args.standby_address }),
            base: args.base,
            from: args.from,
            wal_segment_size: args.wal_segment_size,
            paths: args.paths,
            target: args.target.into(),
            kind: args.kind.map(FileKind::from),
            stdin_filename: args.stdin_filename,
            allow_empty: args.allow_empty,
            force_exclude: args.force_exclude,
            reports,
            statistics: args.statistics,
            fixes: Fixes { write: args.fix, diff: args.diff, with_unsafe: args.unsafe_fixes },
            select: args.select,
            ignore: args.ignore,
            min_severity: args.min_severity.map_or(Severity::Info, Severity::from),
            no_ignores: args.no_ignores,
            baseline: args.baseline,
            fail_on_stale: args.fail_on_stale_baseline,
            fail_on: args.fail_on.into(),
            exit_zero: args.exit_zero,
        }
    }
}

impl From<BaselineArgs> for Task {
    fn from(args: BaselineArgs) -> Task {
        let (of, prune) = match args.what {
            BaselineCommand::Write(Later(of)) => (*of, false),
            BaselineCommand::Prune(Later(of)) => (*of, true),
        };
        let check = Check {
            paths: of.paths,
            target: of.target.into(),
            kind: of.kind.map(FileKind::from),
            reports: Vec::new(),
            select: of.select,
            ignore: of.ignore,
            ..Check::default()
        };
        Task::Baseline { check: Box::new(check), path: of.baseline, prune }
    }
}

impl From<Kind> for FileKind {
    fn from(kind: Kind) -> FileKind {
        match kind {
            Kind::Conf => FileKind::Conf,
            Kind::Hba => FileKind::Hba,
            Kind::Ident => FileKind::Ident,
            Kind::Recovery => FileKind::Recovery,
        }
    }
}

impl From<Level> for Severity {
    fn from(level: Level) -> Severity {
        match level {
            Level::Error => Severity::Error,
            Level::Warning => Severity::Warning,
            Level::Info => Severity::Info,
        }
    }
}

impl From<FormatName> for Format {
    fn from(name: FormatName) -> Format {
        match name {
            FormatName::Text => Format::Text,
            FormatName::Concise => Format::Concise,
            FormatName::Json => Format::Json,
            FormatName::JsonLines => Format::JsonLines,
            FormatName::Sarif => Format::Sarif,
            FormatName::Github => Format::Github,
            FormatName::Gitlab => Format::Gitlab,
            FormatName::Rdjson => Format::Rdjson,
            FormatName::Junit => Format::Junit,
            FormatName::Checkstyle => Format::Checkstyle,
            FormatName::Markdown => Format::Markdown,
        }
    }
}

/// Reads `--report`, and tells completions the formats.
#[derive(Clone)]
struct Reports;

impl TypedValueParser for Reports {
    type Value = (Format, Option<PathBuf>);

    fn parse_ref(&self, command: &Command, arg: Option<&Arg>, value: &OsStr) -> Result<Self::Value, clap::Error> {
        report.parse_ref(command, arg, value)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        Some(Box::new(FormatName::value_variants().iter().filter_map(ValueEnum::to_possible_value)))
    }
}

/// `FORMAT` or `FORMAT=FILE`
fn report(text: &str) -> Result<(Format, Option<PathBuf>), String> {
    let (name, file) = text.split_once('=').map_or((text, None), |(name, file)| (name, Some(PathBuf::from(file))));
    if file.as_ref().is_some_and(|file| file.as_os_str().is_empty()) {
        return Err(format!("no file is named after `{name}=`"));
    }
    let known = || FormatName::value_variants().iter().filter_map(ValueEnum::to_possible_value);
    let format = FormatName::from_str(name, false).map_err(|_| {
        let names: Vec<String> = known().map(|value| value.get_name().to_owned()).collect();
        let hint = crate::nearest::did_you_mean(name, names.iter().map(String::as_str));
        format!("there is no format `{name}`{hint} [known: {}]", names.join(", "))
    })?;
    Ok((format.into(), file))
}
