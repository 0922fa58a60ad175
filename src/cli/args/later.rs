//! Options of a command that are defined when that command is asked for: a check need not define those of all others.
//!
//! Not for a command that has commands: what `help` completes would not know them.

use clap::{ArgMatches, Args, Command, FromArgMatches, Id};

/// The options, once read.
#[derive(Debug)]
pub struct Later<T>(pub Box<T>);

impl<T: Args> Args for Later<T> {
    fn augment_args(command: Command) -> Command {
        command.defer(|command| behind(command, T::augment_args))
    }

    fn augment_args_for_update(command: Command) -> Command {
        command.defer(|command| behind(command, T::augment_args_for_update))
    }
}

/// A command's own options first, then those of all commands, which by then it has: help shows them in this order.
fn behind(command: Command, augment: fn(Command) -> Command) -> Command {
    let all = command.get_arguments().filter(|arg| arg.is_global_set());
    let all: Vec<Id> = all.map(|arg| arg.get_id().clone()).collect();
    // What is looked at for a change goes to the end.
    all.into_iter().fold(augment(command), |command, id| command.mut_arg(id, |arg| arg))
}

impl<T: FromArgMatches> FromArgMatches for Later<T> {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Later<T>, clap::Error> {
        T::from_arg_matches(matches).map(|read| Later(Box::new(read)))
    }

    fn from_arg_matches_mut(matches: &mut ArgMatches) -> Result<Later<T>, clap::Error> {
        T::from_arg_matches_mut(matches).map(|read| Later(Box::new(read)))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        self.0.update_from_arg_matches(matches)
    }

    fn update_from_arg_matches_mut(&mut self, matches: &mut ArgMatches) -> Result<(), clap::Error> {
        self.0.update_from_arg_matches_mut(matches)
    }
}
