//! clap's types: the command line's definition, help and errors.

mod migrate;
mod server;

use std::path::PathBuf;

use clap::builder::styling::{AnsiColor, Styles};
use clap::{Args, Parser, Subcommand, ValueEnum};

use migrate::MigrateArgs;
use server::ServerArgs;

use super::{Check, Fixes, Hba, Options, Pair, Settings, Target, Task};
use crate::finding::Severity;
use crate::report::Format;
use crate::source::FileKind;
use crate::value::{Unit, number};
use crate::version::{Major, Role, Targets};

const STYLES: Styles = Styles::styled()
    .header(AnsiColor::Green.on_default().bold())
    .usage(AnsiColor::Green.on_default().bold())
    .literal(AnsiColor::Cyan.on_default().bold())
    .placeholder(AnsiColor::Cyan.on_default());

const AFTER: &str = "\
Exit codes: 0 nothing found, 1 findings at or above --fail-on, 2 the job could not be done.";

/// Says, from files alone, what a PostgreSQL server will do with its configuration.
#[derive(Parser, Debug)]
#[command(name = "pgconflint", version, styles = STYLES, after_help = AFTER, max_term_width = 100, propagate_version = false)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
    /// When to use colours; NO_COLOR and CLICOLOR_FORCE are heeded
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto", help_heading = "Output")]
    color: Color,
    /// Show passwords instead of ****
    #[arg(long, global = true, help_heading = "Output")]
    show_secrets: bool,
}

#[derive(Subcommand, Debug)]
enum Command {
    /// Check files, node directories, or a tree of them
    Check(Box<CheckArgs>),
    /// What must change for another major version: recovery.conf, parameters, pg_hba.conf
    Migrate(Box<MigrateArgs>),
    /// The effective value of every setting, where it comes from, and what it overrides
    Settings(SettingsArgs),
    /// The line of pg_hba.conf that decides over a connection, and how
    Hba(HbaArgs),
    /// What a rule, a parameter, or a server message in quotes means
    Explain(ExplainArgs),
    /// Every rule, and the test of their pages
    Rules(RulesArgs),
    /// The language server, for editors: findings, fixes, help, completion
    Server(ServerArgs),
    /// Print completions for a shell
    #[command(hide = true)]
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Print the manual page
    #[command(hide = true)]
    Man,
}

#[derive(Args, Debug)]
struct CheckArgs {
    /// Files, node directories or trees of them; `-` is standard input
    #[arg(value_name = "PATH", default_value = ".")]
    paths: Vec<PathBuf>,
    #[command(flatten)]
    target: TargetArgs,
    /// Whether the standbys will stream from this node
    #[arg(long, value_name = "DIR", requires = "standby", conflicts_with_all = ["paths", "data_dir", "kind"], help_heading = "Replication")]
    primary: Option<PathBuf>,
    /// A standby of the primary, repeatable
    #[arg(long, value_name = "DIR", requires = "primary", help_heading = "Replication")]
    standby: Vec<PathBuf>,
    /// The address from which the standby comes; for several, in the order of --standby
    #[arg(long, value_name = "IP", requires = "standby", help_heading = "Replication")]
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
    /// Write a report in this format, repeatable
    #[arg(long, value_name = "FORMAT[=FILE]", value_parser = report, help_heading = "Output")]
    report: Vec<(Format, Option<PathBuf>)>,
    /// The format on standard output
    #[arg(long, value_name = "FORMAT", conflicts_with = "report", help_heading = "Output")]
    format: Option<FormatName>,
    /// Count findings by rule instead of showing them
    #[arg(long, help_heading = "Output")]
    statistics: bool,
    /// Apply safe fixes
    #[arg(long, help_heading = "Fixes")]
    fix: bool,
    /// Apply unsafe fixes too
    #[arg(long, help_heading = "Fixes")]
    unsafe_fixes: bool,
    /// Show what --fix would change, and change nothing
    #[arg(long, help_heading = "Fixes")]
    diff: bool,
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
    /// Findings from this severity on make the exit code 1
    #[arg(long, value_name = "SEVERITY", default_value = "warning", help_heading = "Exit code")]
    fail_on: Level,
    /// Findings do not change the exit code
    #[arg(long, help_heading = "Exit code")]
    exit_zero: bool,
}

#[derive(Args, Debug)]
struct TargetArgs {
    /// The versions to check against: 16, 14.2, 9.6 or 11..16; else they are found out, or all
    #[arg(long, value_name = "VERSION", value_parser = targets, help_heading = "Server")]
    pg: Option<Targets>,
    /// What the server is to others
    #[arg(long, default_value = "auto", help_heading = "Server")]
    role: RoleName,
    /// The data directory, if the configuration lies elsewhere
    #[arg(long, value_name = "DIR", help_heading = "Files")]
    data_dir: Option<PathBuf>,
    /// Look absolute paths up below this directory: an image, or a repository
    #[arg(long, value_name = "DIR", help_heading = "Files")]
    root: Option<PathBuf>,
    /// Use this configuration file
    #[arg(long, value_name = "FILE", help_heading = "Configuration")]
    config: Option<PathBuf>,
    /// Use no configuration file
    #[arg(long, conflicts_with = "config", help_heading = "Configuration")]
    isolated: bool,
}

#[derive(Args, Debug)]
struct SettingsArgs {
    /// The node
    #[arg(value_name = "DIR")]
    directory: PathBuf,
    /// Only these settings
    names: Vec<String>,
    #[command(flatten)]
    target: TargetArgs,
    /// The shape of the output
    #[arg(long, default_value = "text", help_heading = "Output")]
    format: PlainFormat,
}

#[derive(Args, Debug)]
struct HbaArgs {
    /// The node, or a pg_hba.conf
    #[arg(value_name = "DIR")]
    path: PathBuf,
    /// Who connects
    #[arg(long, value_name = "NAME")]
    user: String,
    /// To which database; `replication` is what a standby and a base backup ask for
    #[arg(long, value_name = "NAME")]
    database: String,
    /// A replication connection to that database: logical decoding
    #[arg(long)]
    logical: bool,
    /// From this IP address
    #[arg(long, value_name = "IP", required_unless_present = "local", conflicts_with = "local")]
    address: Option<std::net::IpAddr>,
    /// Through the Unix socket
    #[arg(long)]
    local: bool,
    /// Encrypted by TLS
    #[arg(long, requires = "address", conflicts_with = "gss")]
    ssl: bool,
    /// Encrypted by GSSAPI
    #[arg(long, requires = "address")]
    gss: bool,
    #[command(flatten)]
    target: TargetArgs,
    /// The shape of the output
    #[arg(long, default_value = "text", help_heading = "Output")]
    format: PlainFormat,
}

#[derive(Args, Debug)]
struct ExplainArgs {
    /// A rule, a parameter, or a message
    name: String,
    /// The versions of interest
    #[arg(long, value_name = "VERSION", value_parser = targets)]
    pg: Option<Targets>,
    /// Rule pages of one's own are found through this configuration file
    #[arg(long, value_name = "FILE", help_heading = "Configuration")]
    config: Option<PathBuf>,
}

#[derive(Args, Debug)]
struct RulesArgs {
    #[command(subcommand)]
    what: Option<RulesCommand>,
    /// Rule pages of one's own are found through this configuration file
    #[arg(long, global = true, value_name = "FILE", help_heading = "Configuration")]
    config: Option<PathBuf>,
}

#[derive(Subcommand, Debug, Clone, Copy)]
enum RulesCommand {
    /// Every rule with its severity and what it reports
    List,
    /// Run the examples of all rule pages
    Test,
}

#[derive(ValueEnum, Clone, Copy, Debug)]
enum Color {
    Auto,
    Always,
    Never,
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
enum RoleName {
    /// By comment, configuration and signal files
    Auto,
    Primary,
    Standby,
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
}

#[derive(ValueEnum, Clone, Copy, Debug)]
enum PlainFormat {
    Text,
    Json,
}

impl From<Cli> for Options {
    fn from(cli: Cli) -> Options {
        let task = match cli.command {
            Command::Check(args) => Task::Check(Box::new((*args).into())),
            Command::Migrate(args) => Task::Migrate(Box::new((*args).into())),
            Command::Settings(args) => Task::Settings(Settings {
                directory: args.directory,
                names: args.names,
                target: args.target.into(),
                json: matches!(args.format, PlainFormat::Json),
            }),
            Command::Hba(args) => Task::Hba(Hba {
                path: args.path,
                user: args.user,
                database: args.database,
                logical: args.logical,
                address: args.address,
                ssl: args.ssl,
                gss: args.gss,
                target: args.target.into(),
                json: matches!(args.format, PlainFormat::Json),
            }),
            Command::Explain(args) => Task::Explain { name: args.name, pg: args.pg, config: args.config },
            Command::Rules(args) => {
                Task::Rules { test: matches!(args.what, Some(RulesCommand::Test)), config: args.config }
            }
            Command::Server(args) => Task::Server(Box::new(args.into())),
            Command::Completions { shell } => Task::Completions(shell),
            Command::Man => Task::Man,
        };
        let color = match cli.color {
            Color::Auto => None,
            Color::Always => Some(true),
            Color::Never => Some(false),
        };
        Options { task, color, show_secrets: cli.show_secrets }
    }
}

impl From<CheckArgs> for Check {
    fn from(args: CheckArgs) -> Check {
        let on_stdout = args.format.map_or(Format::Text, Format::from);
        let reports = if args.report.is_empty() { vec![(on_stdout, None)] } else { args.report };
        Check {
            pair: args.primary.map(|primary| Pair { primary, standbys: args.standby, addresses: args.standby_address }),
            wal_segment_size: args.wal_segment_size,
            paths: args.paths,
            base: args.base,
            from: args.from,
            target: args.target.into(),
            kind: args.kind.map(FileKind::from),
            stdin_filename: args.stdin_filename,
            allow_empty: args.allow_empty,
            reports,
            statistics: args.statistics,
            fixes: Fixes { write: args.fix, diff: args.diff, with_unsafe: args.unsafe_fixes },
            select: args.select,
            ignore: args.ignore,
            min_severity: args.min_severity.map_or(Severity::Info, Severity::from),
            no_ignores: args.no_ignores,
            fail_on: args.fail_on.into(),
            exit_zero: args.exit_zero,
        }
    }
}

impl From<TargetArgs> for Target {
    fn from(args: TargetArgs) -> Target {
        let role = match args.role {
            RoleName::Auto => None,
            RoleName::Primary => Some(Role::Primary),
            RoleName::Standby => Some(Role::Standby),
        };
        let TargetArgs { pg, data_dir, root, config, isolated, .. } = args;
        Target { pg, role, data_dir, root, config, isolated }
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
        }
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

/// A size that a WAL segment may have, in bytes; a number without a unit counts megabytes, as with initdb.
fn segment(text: &str) -> Result<u64, String> {
    let size = number::integer(text.as_bytes(), Some(Unit::Mb), Major::NEWEST).ok();
    let size = size.and_then(|size| u64::try_from(size).ok()).filter(|size| (1..=1024).contains(size));
    let fitting = size.filter(|size| size.is_power_of_two()).map(|size| size << 20);
    fitting.ok_or_else(|| "a WAL segment has 1MB, 2MB, 4MB and so on up to 1GB".to_owned())
}

fn targets(text: &str) -> Result<Targets, String> {
    text.parse().map_err(|error| format!("{error}"))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_definition_is_sound() {
        Cli::command().debug_assert();
    }
}
