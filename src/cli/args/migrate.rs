//! clap's types for `migrate`.

use std::path::{Component, Path, PathBuf};

use clap::Args;

use super::{PlainFormat, segment};
use crate::cli::{Act, Migrate, Target};
use crate::migrate::Allow;
use crate::names;
use crate::version::{Major, PgVersion};

/// What a plan in a file has settled.
const SAID_BY_A_PLAN: [&str; 7] =
    ["to", "from", "preserve_timeline", "keep_defaults", names::WAL_SEGMENT_SIZE, "data_dir", "root"];

#[derive(Args, Debug)]
pub struct MigrateArgs {
    /// The node, a tree of nodes, or a file by itself: also a template such as recovery.conf.j2
    #[arg(value_name = "DIR", required_unless_present = "apply")]
    directory: Option<PathBuf>,
    /// The major version that it goes to: 9.4 to 18, also an older one
    #[arg(long, value_name = "VERSION", value_parser = target_major, required_unless_present_any = ["apply", "rollback"])]
    to: Option<Major>,
    /// The major version that it comes from, where PG_VERSION or a path does not say it
    #[arg(long, value_name = "VERSION", value_parser = source_major)]
    from: Option<Major>,
    /// A standby stays on the timeline of its backup, instead of following the newest one
    #[arg(long)]
    preserve_timeline: bool,
    /// Write down defaults of the old version that are others in the new one
    #[arg(long)]
    keep_defaults: bool,
    /// The size of a WAL segment, as initdb --wal-segsize had it; pg_control of a data directory knows better
    #[arg(long, value_name = "SIZE", value_parser = segment)]
    wal_segment_size: Option<u64>,
    /// Do it, once you have seen the plan and said yes
    #[arg(long, group = "act", help_heading = "In place")]
    write: bool,
    /// Do not ask
    #[arg(long, help_heading = "In place")]
    yes: bool,
    /// Undo it, if nobody has changed the files since
    #[arg(long, group = "act", help_heading = "In place")]
    rollback: bool,
    /// Write the plan into this file, bound to every file that was read
    #[arg(long, value_name = "FILE", group = "act", help_heading = "In place")]
    plan_out: Option<PathBuf>,
    /// Do exactly what this plan says; nothing if a file is not what it was
    #[arg(long, value_name = "FILE", group = "act", conflicts_with_all = SAID_BY_A_PLAN, help_heading = "In place")]
    apply: Option<PathBuf>,
    /// Write the migrated node into this new directory, and leave the node as it is
    #[arg(long, value_name = "DIR", group = "act", help_heading = "Files")]
    out: Option<PathBuf>,
    /// The data directory, if the configuration lies elsewhere
    #[arg(long, value_name = "DIR", help_heading = "Files")]
    data_dir: Option<PathBuf>,
    /// Look absolute paths up below this directory: an image, or a repository
    #[arg(long, value_name = "DIR", help_heading = "Files")]
    root: Option<PathBuf>,
    /// There is a postmaster.pid
    #[arg(long, help_heading = "What may be in the way")]
    allow_running: bool,
    /// Leave out lines of recovery.conf that the old server refuses
    #[arg(long, help_heading = "What may be in the way")]
    allow_refused_lines: bool,
    /// Put a signal file aside that asks for something else
    #[arg(long, help_heading = "What may be in the way")]
    allow_other_signal: bool,
    /// Let recovery.conf win over other files that set the same
    #[arg(long, help_heading = "What may be in the way")]
    allow_conflict: bool,
    /// The new server will refuse something that the old one did not
    #[arg(long, help_heading = "What may be in the way")]
    allow_errors: bool,
    /// The data directory is not there: its files are made beside postgresql.conf
    #[arg(long, help_heading = "What may be in the way")]
    allow_missing_data_directory: bool,
    /// A file belongs to somebody else than the data directory does
    #[arg(long, help_heading = "What may be in the way")]
    allow_foreign_file: bool,
    /// An included file cannot be read, and stays as it is
    #[arg(long, help_heading = "What may be in the way")]
    allow_unreadable: bool,
    /// Settings of a recovery that stand in other files than recovery.conf come alive
    #[arg(long, help_heading = "What may be in the way")]
    allow_leftover: bool,
    /// The shape of the output
    #[arg(long, default_value = "text", help_heading = "Output")]
    format: PlainFormat,
    /// Use this configuration file
    #[arg(long, value_name = "FILE", help_heading = "Configuration")]
    config: Option<PathBuf>,
    /// Use no configuration file
    #[arg(long, conflicts_with = "config", help_heading = "Configuration")]
    isolated: bool,
}

/// A directory by one name: `./db/.` is `db`, so that a plan is the same whoever names its node.
fn plain(directory: &Path) -> PathBuf {
    let parts = directory.components().filter(|part| *part != Component::CurDir);
    let plain: PathBuf = parts.collect();
    if plain.as_os_str().is_empty() { PathBuf::from(".") } else { plain }
}

impl From<MigrateArgs> for Migrate {
    fn from(args: MigrateArgs) -> Migrate {
        let allowed = [
            (args.allow_running, Allow::Running),
            (args.allow_refused_lines, Allow::RefusedLines),
            (args.allow_other_signal, Allow::OtherSignal),
            (args.allow_conflict, Allow::Conflict),
            (args.allow_errors, Allow::Errors),
            (args.allow_missing_data_directory, Allow::MissingDataDirectory),
            (args.allow_foreign_file, Allow::ForeignFile),
            (args.allow_unreadable, Allow::Unreadable),
            (args.allow_leftover, Allow::Leftover),
        ];
        let act = match (args.out, args.plan_out, args.apply) {
            (Some(out), ..) => Act::Out(out),
            (_, Some(file), _) => Act::PlanOut(file),
            (.., Some(file)) => Act::Apply(file),
            _ if args.rollback => Act::RollBack,
            _ if args.write => Act::Write(args.yes),
            _ => Act::Show,
        };
        let MigrateArgs { data_dir, root, config, isolated, .. } = args;
        Migrate {
            directory: args.directory.as_deref().map(plain).unwrap_or_default(),
            to: args.to,
            from: args.from,
            preserve_timeline: args.preserve_timeline,
            keep_defaults: args.keep_defaults,
            wal_segment_size: args.wal_segment_size,
            allowed: allowed.into_iter().filter_map(|(is_allowed, allow)| is_allowed.then_some(allow)).collect(),
            act,
            target: Target { data_dir, root, config, isolated, ..Target::default() },
            json: matches!(args.format, PlainFormat::Json),
        }
    }
}

/// A major to migrate to.
fn target_major(text: &str) -> Result<Major, String> {
    let major = major(text)?;
    match (Major::V9_4..=Major::NEWEST).contains(&major) {
        true => Ok(major),
        false => Err(format!("files are migrated to {} to {}", Major::V9_4, Major::NEWEST)),
    }
}

/// A major to migrate from.
pub fn source_major(text: &str) -> Result<Major, String> {
    let major = major(text)?;
    match major <= Major::NEWEST {
        true => Ok(major),
        false => Err(format!("files are migrated from 9.0 to {}", Major::NEWEST)),
    }
}

fn major(text: &str) -> Result<Major, String> {
    text.parse::<PgVersion>().map(|version| version.major).map_err(|error| error.to_string())
}
