//! The options of `pgconflint server`.

use clap::Args;

use super::{Level, TargetArgs};
use crate::cli::Check;
use crate::finding::Severity;

#[derive(Args, Debug)]
pub struct ServerArgs {
    #[command(flatten)]
    target: TargetArgs,
    /// Only these rules
    #[arg(long, value_name = "RULE,…", value_delimiter = ',', help_heading = "Rules")]
    select: Vec<String>,
    /// Not these rules
    #[arg(long, value_name = "RULE,…", value_delimiter = ',', help_heading = "Rules")]
    ignore: Vec<String>,
    /// Show nothing below this severity
    #[arg(long, value_name = "SEVERITY", help_heading = "Rules")]
    min_severity: Option<Level>,
    /// Talk over stdin and stdout, as it does anyway: some editors say so
    #[arg(long, hide = true)]
    stdio: bool,
}

impl From<ServerArgs> for Check {
    fn from(args: ServerArgs) -> Check {
        let _ = args.stdio;
        Check {
            target: args.target.into(),
            select: args.select,
            ignore: args.ignore,
            min_severity: args.min_severity.map_or(Severity::Info, Severity::from),
            ..Check::default()
        }
    }
}
