//! arguments -> run -> exit code

// This is the outer ring: here the environment is.
#![allow(clippy::disallowed_methods)]

use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;

use anstream::{AutoStream, ColorChoice};
use clap::Parser;
use pgconflint::cli::Cli;
use pgconflint::run::{World, run};

/// Columns where there is no terminal to ask.
const WIDTH: usize = 100;

fn main() -> ExitCode {
    let options = match Cli::try_parse() {
        Ok(cli) => cli.into(),
        Err(error) => return refused(&error),
    };
    let directory = match std::env::current_dir() {
        Ok(directory) => directory,
        Err(error) => {
            let _ = writeln!(io::stderr(), "pgconflint: error: the working directory: {error}");
            return ExitCode::from(2);
        }
    };
    let mut stdout = io::stdout();
    let mut world = World {
        directory,
        stdin: &mut io::stdin(),
        color: AutoStream::choice(&stdout) != ColorChoice::Never,
        width: width(stdout.is_terminal()),
        out: &mut stdout,
        err: &mut io::stderr(),
    };
    ExitCode::from(run(options, &mut world).code())
}

/// What clap says: help and version on standard output, usage errors on standard error.
fn refused(error: &clap::Error) -> ExitCode {
    if error.use_stderr() {
        let _ = write!(anstream::stderr(), "pgconflint: {}", error.render().ansi());
        return ExitCode::from(2);
    }
    // A closed pipe is no error.
    let _ = error.print();
    ExitCode::SUCCESS
}

fn width(is_terminal: bool) -> usize {
    let columns = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
    columns.filter(|columns| is_terminal && *columns >= 40).unwrap_or(WIDTH)
}
