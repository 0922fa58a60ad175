//! The options of `pgconflint server`.

use clap::Args;

use super::TargetArgs;
use crate::cli::Check;

// Which rules hold is for `pgconflint.toml`, so that an editor says what the command line says.
#[derive(Args, Debug)]
pub struct ServerArgs {
    #[command(flatten)]
    target: TargetArgs,
    /// Talk over stdin and stdout, as it does anyway: some editors say so
    #[arg(long, hide = true)]
    stdio: bool,
}

impl From<ServerArgs> for Check {
    fn from(args: ServerArgs) -> Check {
        let ServerArgs { target, stdio: _ } = args;
        Check { target: target.into(), ..Check::default() }
    }
}
