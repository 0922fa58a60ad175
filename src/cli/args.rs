//! clap's types: the command line's definition, help and errors.

mod check;
mod later;
mod migrate;
mod server;

use std::path::PathBuf;

use clap::builder::styling::{AnsiColor, Styles};
use clap::{Args, Parser, Subcommand, ValueEnum};

use check::{BaselineArgs, CheckArgs};
use later::Later;
use migrate::MigrateArgs;
use server::ServerArgs;

use super::{Hba, Options, RulesTask, Settings, Target, Task};
use crate::value::{Unit, number};
use crate::version::{Major, Role, Targets};

const STYLES: Styles = Styles::styled()
    .header(AnsiColor::Green.on_default().bold())
    .usage(AnsiColor::Green.on_default().bold())
    .literal(AnsiColor::Cyan.on_default().bold())
    .placeholder(AnsiColor::Cyan.on_default());

const AFTER: &str = "\
Exit codes: 0 nothing found, 1 findings at or above --fail-on, 2 the job could not be done.";

const AFTER_LONG: &str = "\
Exit codes: 0 nothing found, 1 findings at or above --fail-on, 2 the job could not be done.

Without a version, by --pg or by what lies beside the files, all supported ones are checked at once: a finding then \
says for which of them it holds. A file pgconflint.toml, here or above, says once what else would stand on every \
command line.

Examples:
  pgconflint check /etc/postgresql/14/main
  pgconflint check --primary db1 --standby db2
  pgconflint check --report sarif=pgconflint.sarif --report github
  pgconflint check --fix --diff
  pgconflint explain 'FATAL:  WAL archival cannot be enabled when wal_level is \"minimal\"'";

/// Says, from files alone, what a PostgreSQL server will do with its configuration.
#[derive(Parser, Debug)]
#[command(name = "pgconflint", version, styles = STYLES, after_help = AFTER, after_long_help = AFTER_LONG, max_term_width = 100, propagate_version = false)]
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
    Check(Later<CheckArgs>),
    /// What must change for another major version: recovery.conf, parameters, pg_hba.conf
    Migrate(Later<MigrateArgs>),
    /// The effective value of every setting, where it comes from, and what it overrides
    Settings(Later<SettingsArgs>),
    /// The line of pg_hba.conf that decides over a connection, and how
    Hba(Later<HbaArgs>),
    /// What a rule, a parameter, or a server message in quotes means
    Explain(Later<ExplainArgs>),
    /// Every rule, the test of their pages, and new pages of one's own
    Rules(RulesArgs),
    /// The language server, for editors: findings, fixes, help, completion
    Server(Later<ServerArgs>),
    /// Keep what is found today in a file, so that only what is new is reported
    Baseline(BaselineArgs),
    /// Print completions for a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Print the manual page, or write one for each command into a directory
    Man {
        /// Where the pages go
        #[arg(value_name = "DIR")]
        directory: Option<PathBuf>,
    },
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
    /// A rule, a parameter, or a message as the log has it; `-` reads it from standard input
    #[arg(value_name = "NAME", required = true, num_args = 1..)]
    words: Vec<String>,
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

#[derive(Subcommand, Debug, Clone)]
enum RulesCommand {
    /// Every rule with its severity and what it reports
    List,
    /// Run the examples of all rule pages
    Test,
    /// Write a page to begin with
    New {
        /// The rule's name, or the path of its page: policy/name-of-the-fault.md
        name: PathBuf,
    },
}

#[derive(ValueEnum, Clone, Copy, Debug)]
enum Color {
    Auto,
    Always,
    Never,
}

#[derive(ValueEnum, Clone, Copy, Debug)]
enum RoleName {
    /// By comment, configuration and signal files
    Auto,
    Primary,
    Standby,
}

#[derive(ValueEnum, Clone, Copy, Debug)]
enum PlainFormat {
    Text,
    Json,
}

impl From<Cli> for Options {
    fn from(cli: Cli) -> Options {
        let task = match cli.command {
            Command::Check(Later(args)) => Task::Check(Box::new((*args).into())),
            Command::Migrate(Later(args)) => Task::Migrate(Box::new((*args).into())),
            Command::Settings(Later(args)) => Task::Settings(Settings {
                directory: args.directory,
                names: args.names,
                target: args.target.into(),
                json: matches!(args.format, PlainFormat::Json),
            }),
            Command::Hba(Later(args)) => Task::Hba(Hba {
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
            Command::Explain(Later(args)) => {
                Task::Explain { name: args.words.join(" "), pg: args.pg, config: args.config }
            }
            Command::Rules(args) => {
                let task = match args.what {
                    Some(RulesCommand::Test) => RulesTask::Test,
                    Some(RulesCommand::New { name }) => RulesTask::New { name },
                    Some(RulesCommand::List) | None => RulesTask::List,
                };
                Task::Rules { task, config: args.config }
            }
            Command::Server(Later(args)) => Task::Server(Box::new((*args).into())),
            Command::Baseline(args) => args.into(),
            Command::Completions { shell } => Task::Completions(shell),
            Command::Man { directory } => Task::Man(directory),
        };
        let color = match cli.color {
            Color::Auto => None,
            Color::Always => Some(true),
            Color::Never => Some(false),
        };
        Options { task, color, show_secrets: cli.show_secrets }
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
