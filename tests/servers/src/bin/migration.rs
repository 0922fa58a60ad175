//! Migrates nodes in place and plays them on real servers: those of 11 on 12 to 18, later ones on 10 and 11.
//! `migration [CASE…] [--pg N]`: prints how they differ from what the servers did that they come from, as
//! testdata/migration/outcomes.tsv has it; a CASE may end with `*`
//! `migration [CASE…] [--pg N] --record`: also where they come from; writes what is seen into that file
//! `--program FILE`: the pgconflint that migrates, if it is not the one beside this program
#![expect(clippy::print_stdout, reason = "a program for people")]

use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use pgconflint_servers::install;
use pgconflint_servers::migration::{Case, Seen, cases, play, record};
use pgconflint_servers::pair::at_once;

#[derive(Default)]
struct Options {
    names: Vec<String>,
    pg: Option<u16>,
    records: bool,
    program: Option<PathBuf>,
}

fn main() -> Result<()> {
    let options = options()?;
    install::install(&|line| println!("{line}"))?;
    let program = match options.program {
        Some(program) => program,
        None => std::env::current_exe()?.with_file_name("pgconflint"),
    };
    let cases = cases::cases()?;
    let is_wanted = |name: &str| {
        options.names.is_empty()
            || options.names.iter().any(|wanted| match wanted.strip_suffix('*') {
                Some(start) => name.starts_with(start),
                None => name == wanted,
            })
    };
    let wanted: Vec<_> = cases.iter().filter(|case| is_wanted(&case.name)).collect();
    ensure!(!wanted.is_empty(), "there is no case of that name");
    let majors = |case: &Case| {
        let own = case.own().filter(|_| options.records);
        own.chain(case.targets()).filter(|major| options.pg.is_none_or(|pg| pg == *major))
    };
    let jobs: Vec<_> = wanted.iter().flat_map(|case| majors(case).map(move |major| (*case, major))).collect();
    let before = std::time::Instant::now();
    // What cannot be played differs from all that could.
    let failed =
        |error: anyhow::Error| vec![Seen { phase: "failed".into(), says: format!("{error:#}"), ..Seen::default() }];
    let plays = at_once(&jobs, &|(case, major)| Ok(play(case, *major, &program).unwrap_or_else(failed)))?;
    let mut recorded = record::read()?;
    let has_failed = |seen: &[Seen]| seen.iter().any(|seen| seen.phase == "failed");
    for ((case, major), seen) in jobs.iter().zip(&plays).filter(|(_, seen)| options.records && !has_failed(seen)) {
        recorded.insert((case.name.clone(), *major), record::rows(seen));
    }
    let mut differ = 0;
    for ((case, major), seen) in jobs.iter().zip(&plays) {
        let (rows, expected) = (record::rows(seen), record::expected(&recorded, case, *major));
        if record::without_words(&rows) != record::without_words(expected) {
            differ += 1;
            println!("{} {major}", case.name);
            expected.iter().filter(|row| !rows.contains(row)).for_each(|row| println!("  - {row}"));
            rows.iter().filter(|row| !expected.contains(row)).for_each(|row| println!("  + {row}"));
        }
    }
    let migrated = jobs.iter().filter(|(case, major)| case.is_migrated(*major)).count();
    println!("{} cases, {migrated} migrations played, {differ} differ, {:.0?}", wanted.len(), before.elapsed());
    if options.records {
        // What is no case any more goes.
        recorded.retain(|(name, _), _| cases.iter().any(|case| case.name == *name));
        record::write(&recorded)?;
    }
    std::process::exit(i32::from(differ > 0));
}

fn options() -> Result<Options> {
    let mut options = Options::default();
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        match word.as_str() {
            "--pg" => options.pg = Some(words.next().context("--pg N")?.parse()?),
            "--program" => options.program = Some(words.next().context("--program FILE")?.into()),
            "--record" => options.records = true,
            name => {
                ensure!(!name.starts_with('-'), "there is no `{name}`");
                options.names.push(name.to_string());
            }
        }
    }
    Ok(options)
}
