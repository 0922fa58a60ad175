//! Plays scenarios of primaries and standbys on real servers.
//! `pair [NAME…] [--pg N] [--log]`: prints how they differ from testdata/pair/outcomes.tsv; a NAME may end with `*`
//! `pair [NAME…] [--pg N] --record`: writes what is seen into that file
#![expect(clippy::print_stdout, reason = "a program for people")]

use anyhow::{Context, Result, ensure};
use pgconflint_servers::install;
use pgconflint_servers::pair::{play_all, record};

#[derive(Default)]
struct Options {
    names: Vec<String>,
    pg: Option<u16>,
    records: bool,
    logs: bool,
}

fn main() -> Result<()> {
    let options = options()?;
    install::install(&|line| println!("{line}"))?;
    let cases = record::cases()?;
    let is_wanted = |name: &str| {
        options.names.is_empty()
            || options.names.iter().any(|wanted| match wanted.strip_suffix('*') {
                Some(start) => name.starts_with(start),
                None => name == wanted,
            })
    };
    let wanted: Vec<_> = cases.iter().filter(|case| is_wanted(&case.name)).collect();
    ensure!(!wanted.is_empty(), "there is no scenario of that name");
    let jobs: Vec<_> = wanted
        .iter()
        .flat_map(|case| case.majors.iter().map(|major| (case.name.clone(), *major, case.beside.clone())))
        .filter(|(_, major, _)| options.pg.is_none_or(|pg| pg == *major))
        .collect();
    let before = std::time::Instant::now();
    let outcomes = play_all(&jobs, &|name, major, outcome| {
        for node in outcome.nodes.iter().filter(|_| options.logs) {
            println!("== {name} {major} {}\n{}", node.name, node.log.join("\n"));
        }
    })?;
    let mut recorded = record::read()?;
    let mut differ = 0;
    for ((name, major, _), outcome) in jobs.iter().zip(&outcomes) {
        let rows = record::rows(outcome);
        let key = (name.clone(), *major);
        let old = recorded.get(&key).map(Vec::as_slice).unwrap_or_default();
        if old != rows {
            differ += 1;
            println!("{name} {major}");
            old.iter().filter(|row| !rows.contains(row)).for_each(|row| println!("  - {row}"));
            rows.iter().filter(|row| !old.contains(row)).for_each(|row| println!("  + {row}"));
        }
        recorded.insert(key, rows);
    }
    println!("{} scenarios, {} plays, {differ} differ, {:.0?}", wanted.len(), jobs.len(), before.elapsed());
    if options.records {
        // What is no scenario any more goes.
        recorded.retain(|(name, major), _| cases.iter().any(|case| case.name == *name && case.majors.contains(major)));
        record::write(&recorded)?;
    }
    std::process::exit(i32::from(differ > 0 && !options.records));
}

fn options() -> Result<Options> {
    let mut options = Options::default();
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        match word.as_str() {
            "--pg" => options.pg = Some(words.next().context("--pg N")?.parse()?),
            "--record" => options.records = true,
            "--log" => options.logs = true,
            name => {
                ensure!(!name.starts_with('-'), "there is no `{name}`");
                options.names.push(name.to_string());
            }
        }
    }
    Ok(options)
}
