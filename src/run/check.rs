//! `pgconflint check`

use std::fs;
use std::io::{BufWriter, Write};
use std::path::PathBuf;
use std::sync::Arc;

use super::baseline::{Kept, Tallies};
use super::nodes::{Examined, Run};
use super::pending::Pending;
use super::{Exit, World, fix, trouble, written};
use crate::cli::Check;
use crate::files::{self, Disk};
use crate::report::{Format, Look, Output, Report, Show, Summary, Trouble};

/// Checks what was asked for, writes the reports, and says how it ended.
pub fn check(options: &Check, show_secrets: bool, world: &mut World<'_>) -> Exit {
    let root = options.target.root.as_ref().map(|root| world.directory.join(root));
    let show = Show { directory: world.directory.clone(), root: root.clone(), secrets: show_secrets, top: None };
    let disk = Disk::below(root);
    let kept = options.baseline.as_ref().map(|path| Kept::read(path, &show)).transpose();
    let prepared = kept.map_err(|error| vec![error]);
    let mut run = match prepared.and_then(|kept| Run::prepare(options, &disk, &show, kept, world)) {
        Ok(run) => run,
        Err(errors) => {
            errors.iter().for_each(|error| trouble(world.err, None, error));
            return tell_nothing(errors, options, &show, world);
        }
    };
    let mut outputs = outputs(options, &show, world);
    let fixes = options.fixes;
    let mut pending = Pending::new(&disk);
    let mut examined =
        if fixes.write || fixes.diff { run.mend_all(&outputs, &mut pending) } else { run.examine_all(&outputs) };
    let failed = if fixes.write { pending.write() } else { Vec::new() };
    if !failed.is_empty() {
        // What is reported is what is on the disk.
        examined = run.examine_all(&outputs);
        run.errors.extend(failed);
    }
    let (mut summary, tallies, of_stdin) = taken(examined, &mut outputs, &mut run);
    tell_fixes(options, &pending, &of_stdin, &mut run, &show, world);
    let changes = of_stdin.len() + pending.changes().count();
    run.errors.sort_by(|one, other| (&one.path, &one.message).cmp(&(&other.path, &other.message)));
    run.tell_errors(world);
    summary.troubles = run.errors.len();
    if let Some(major) = run.preview() {
        let _ = writeln!(world.err, "pgconflint: note: {major} is a preview: it has not been released and may change");
    }
    summary.stale = run.baselines.tell(&tallies, world.err);
    summary.fails_on_stale = options.fail_on_stale && !options.exit_zero;
    summary.fails_on = Some(options.fail_on).filter(|_| !options.exit_zero);
    let exit = match () {
        () if !run.errors.is_empty() => Exit::Trouble,
        () if options.exit_zero => Exit::Clean,
        () if summary.at_least(options.fail_on) > 0 || fixes.diff && changes > 0 => Exit::Findings,
        () if options.fail_on_stale && summary.stale > 0 => Exit::Findings,
        () => Exit::Clean,
    };
    let problems = Report { errors: std::mem::take(&mut run.errors), ..Report::default() };
    for output in &mut outputs {
        let rendered = output.render(&problems);
        output.take(rendered);
    }
    // Where the fixed or changed text goes to standard output, findings stay out of it.
    let to_stdout = !(fixes.diff || fixes.write && run.stdin.is_some());
    write(outputs, &options.reports, &summary, to_stdout, exit, world)
}

/// Writes reports that say why there is none: whoever reads them goes on to upload or to parse them.
fn tell_nothing(errors: Vec<String>, options: &Check, show: &Show, world: &mut World<'_>) -> Exit {
    let summary = Summary { troubles: errors.len(), ..Summary::default() };
    let errors = errors.into_iter().map(|message| Trouble { path: None, message });
    let report = Report { errors: errors.collect(), ..Report::default() };
    let mut outputs = outputs(options, show, world);
    for output in &mut outputs {
        let rendered = output.render(&report);
        output.take(rendered);
    }
    let to_stdout = !(options.fixes.diff || options.fixes.write);
    write(outputs, &options.reports, &summary, to_stdout, Exit::Trouble, world)
}

/// Shows what fixes would change, or what they made of standard input.
fn tell_fixes(
    options: &Check,
    pending: &Pending<'_>,
    of_stdin: &[fix::Change],
    run: &mut Run<'_>,
    show: &Show,
    world: &mut World<'_>,
) {
    // A closed pipe is no error, and what else can go wrong shows when the reports are written.
    if options.fixes.diff {
        for change in pending.changes().chain(of_stdin) {
            let _ = world.out.write_all(fix::diff(change, show).as_bytes());
        }
    } else if options.fixes.write {
        let now = of_stdin.first().map(|change| &change.new).or(run.stdin.as_ref().map(|(_, bytes)| bytes));
        let _ = world.out.write_all(&now.map(Arc::clone).unwrap_or_default());
    }
}

/// Puts together what came of the jobs: the counts, what is known for the baseline, what changes in standard input.
fn taken(examined: Vec<Examined>, outputs: &mut [Output], run: &mut Run<'_>) -> (Summary, Tallies, Vec<fix::Change>) {
    let (mut summary, mut tallies, mut changes) = (Summary::default(), Tallies::new(), Vec::new());
    for one in examined {
        summary.merge(&one.summary);
        run.errors.extend(one.errors);
        if let Some((path, tally)) = one.tally {
            tallies.entry(path).or_default().merge(tally);
        }
        changes.extend(one.changes);
        for (output, rendered) in outputs.iter_mut().zip(one.rendered) {
            output.take(rendered);
        }
    }
    (summary, tallies, changes)
}

fn outputs(options: &Check, show: &Show, world: &World<'_>) -> Vec<Output> {
    let output = |(format, file): &(Format, Option<PathBuf>)| {
        let is_seen = file.is_none();
        let top = match format {
            Format::Github | Format::Sarif => &world.checkouts.github,
            Format::Gitlab => &world.checkouts.gitlab,
            _ => &None,
        };
        let top = top.as_ref().filter(|top| show.directory.starts_with(top)).cloned();
        let show = Show { top, ..show.clone() };
        let look =
            Look { color: world.color && is_seen, links: world.color && world.links && is_seen, width: world.width };
        Output::new(*format, show, look, options.statistics)
    };
    options.reports.iter().map(output).collect()
}

fn write(
    outputs: Vec<Output>,
    reports: &[(Format, Option<PathBuf>)],
    summary: &Summary,
    to_stdout: bool,
    exit: Exit,
    world: &mut World<'_>,
) -> Exit {
    let mut exit = exit;
    for (output, (_, file)) in outputs.into_iter().zip(reports) {
        match file {
            Some(path) => {
                let file = fs::File::create(world.directory.join(path)).map(BufWriter::new);
                let done = file.and_then(|mut file| {
                    output.write(&mut file, summary)?;
                    file.flush()
                });
                if let Err(error) = done {
                    trouble(world.err, path.to_str(), &files::words(&error).to_string());
                    exit = Exit::Trouble;
                }
            }
            None if to_stdout => {
                let mut out = BufWriter::new(&mut *world.out);
                let done = output.write(&mut out, summary).and_then(|()| out.flush());
                drop(out.into_parts());
                exit = written(done, exit, world.err);
            }
            None => {}
        }
    }
    exit
}
