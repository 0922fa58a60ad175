//! arguments -> run -> exit code

// This is the outer ring: here the environment is.
#![allow(clippy::disallowed_methods)]

use std::io::{self, IsTerminal, Read, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use anstream::{AutoStream, ColorChoice};
use clap::Parser;
use pgconflint::cli::{Cli, Options, Task};
use pgconflint::files::Changes;
use pgconflint::run::{Checkouts, World, run};

/// Columns where there is no terminal to ask.
const WIDTH: usize = 100;

fn main() -> ExitCode {
    let options: Options = match Cli::try_parse() {
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
        stdin: &mut Input,
        color: AutoStream::choice(&stdout) != ColorChoice::Never,
        links: stdout.is_terminal() && knows_links(&|name| std::env::var(name).ok()),
        width: width(stdout.is_terminal()),
        out: &mut stdout,
        err: &mut io::stderr(),
        // Nothing else asks.
        interactive: matches!(options.task, Task::Migrate(_))
            && io::stdin().is_terminal()
            && io::stderr().is_terminal(),
        changes: Changes { before: &fault::before },
        checkouts: Checkouts { github: directory_of("GITHUB_WORKSPACE"), gitlab: directory_of("CI_PROJECT_DIR") },
    };
    ExitCode::from(run(options, &mut world).code())
}

/// Standard input, whose buffer is made when something is read of it.
struct Input;

impl Read for Input {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        io::stdin().read(buffer)
    }
}

/// A directory that the environment names.
fn directory_of(variable: &str) -> Option<PathBuf> {
    std::env::var_os(variable).map(PathBuf::from).filter(|path| path.is_absolute())
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

/// Where tests end or fail a migration: `PGCONFLINT_FAULT="7 kill"` at its seventh system call that changes something,
/// `"7 ENOSPC"` there alone, `"7+ EIO"` there and at all that follow. Nothing of it is in a release.
#[cfg(debug_assertions)]
mod fault {
    use std::io;
    use std::path::Path;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use pgconflint::files::Call;

    static CALLS: AtomicUsize = AtomicUsize::new(0);

    pub fn before(_call: Call, _path: &Path) -> io::Result<()> {
        let at = CALLS.fetch_add(1, Ordering::Relaxed) + 1;
        let Ok(wanted) = std::env::var("PGCONFLINT_FAULT") else { return Ok(()) };
        let Some((number, fault)) = wanted.split_once(' ') else { return Ok(()) };
        let (number, goes_on) = number.strip_suffix('+').map_or((number, false), |number| (number, true));
        let Ok(number) = number.parse::<usize>() else { return Ok(()) };
        if at < number || at > number && !goes_on {
            return Ok(());
        }
        match fault {
            "ENOSPC" => Err(io::Error::from_raw_os_error(28)),
            "EIO" => Err(io::Error::from_raw_os_error(5)),
            "EACCES" => Err(io::Error::from_raw_os_error(13)),
            _ => std::process::abort(),
        }
    }
}

#[cfg(not(debug_assertions))]
mod fault {
    pub fn before(_call: pgconflint::files::Call, _path: &std::path::Path) -> std::io::Result<()> {
        Ok(())
    }
}

/// Whether a terminal makes links of what OSC 8 says: there is no way to ask it, only names to go by.
fn knows_links(variable: &dyn Fn(&str) -> Option<String>) -> bool {
    const NAMES: [&str; 8] = ["iTerm.app", "WezTerm", "vscode", "ghostty", "Hyper", "Tabby", "rio", "zed"];
    let set = |name: &str| variable(name).is_some_and(|value| !value.is_empty());
    if let Some(wanted) = variable("FORCE_HYPERLINK") {
        return wanted != "0";
    }
    let term = variable("TERM").unwrap_or_default();
    // Through screen and tmux of old nothing would come but garbage.
    if set("CI") || term == "dumb" || term.starts_with("screen") {
        return false;
    }
    let vte = variable("VTE_VERSION").and_then(|version| version.parse::<u32>().ok());
    set("WT_SESSION")
        || set("KONSOLE_VERSION")
        || set("DOMTERM")
        || vte.is_some_and(|version| version >= 5000)
        || variable("TERM_PROGRAM").is_some_and(|program| NAMES.contains(&program.as_str()))
        || ["kitty", "alacritty", "foot", "ghostty"].iter().any(|name| term.contains(name))
}

#[cfg(test)]
mod tests {
    use super::knows_links;

    #[test]
    fn terminals_are_known_by_their_names() {
        let knows = |variables: &[(&str, &str)]| {
            knows_links(&|name| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| value.to_string()))
        };
        assert!(knows(&[("TERM", "xterm-kitty")]));
        assert!(knows(&[("TERM", "xterm-256color"), ("VTE_VERSION", "6800")]));
        assert!(!knows(&[("TERM", "xterm-256color"), ("VTE_VERSION", "4205")]));
        assert!(!knows(&[("TERM", "xterm-256color")]));
        assert!(!knows(&[("TERM", "xterm-kitty"), ("CI", "true")]));
        assert!(!knows(&[("TERM", "xterm-kitty"), ("FORCE_HYPERLINK", "0")]));
        assert!(knows(&[("CI", "true"), ("FORCE_HYPERLINK", "1")]));
    }
}
