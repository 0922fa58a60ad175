//! Asks live servers every question of a file of vectors again.
//! `vectors FILE [--kind read|start] [--pg N]`
#![expect(clippy::print_stdout, reason = "a program for people")]

use std::collections::BTreeMap;
use std::sync::Mutex;

use anyhow::{Context, Result};
use pgconflint_servers::{install, start_all, vectors};

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let (mut file, mut kind, mut pg) = (None, None, None);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--kind" => kind = arguments.next(),
            "--pg" => pg = arguments.next().and_then(|major| major.parse::<u16>().ok()),
            _ => file = Some(argument),
        }
    }
    let text = std::fs::read_to_string(file.context("usage: vectors FILE [--kind read|start] [--pg N]")?)?;
    let cases = vectors::parse(&text)?;
    let kinds = ["read", "start"].map(str::to_string);
    let majors: Vec<u16> = install::majors().into_iter().filter(|major| pg.is_none_or(|pg| pg == *major)).collect();
    install::install(&|line| println!("{line}"))?;
    let servers = start_all(&majors)?;
    let before = std::time::Instant::now();
    let counts = Mutex::new(BTreeMap::<&str, (usize, usize)>::new());
    std::thread::scope(|scope| {
        for server in &servers {
            let (cases, counts, kinds, kind) = (&cases, &counts, &kinds, &kind);
            scope.spawn(move || {
                let mine = cases.iter().filter(|case| case.versions.contains(&server.major));
                let mine =
                    mine.filter(|case| kind.as_ref().map_or(kinds.contains(&case.kind), |kind| *kind == case.kind));
                for case in mine {
                    let differences = vectors::replay(server, case).unwrap_or_else(|error| vec![format!("{error:#}")]);
                    let mut counts = counts.lock().expect("no thread panics while it counts");
                    let count = counts.entry(case.kind.as_str()).or_default();
                    count.0 += 1;
                    count.1 += usize::from(!differences.is_empty());
                    for difference in differences {
                        println!("{} [{}]: {difference}", case.id, server.major);
                    }
                }
            });
        }
    });
    let counts = counts.into_inner().expect("no thread panics while it counts");
    for (kind, (asked, different)) in &counts {
        println!("{kind}: {asked} questions, {different} answered otherwise");
    }
    println!("{:.1?}", before.elapsed());
    std::process::exit(i32::from(counts.values().any(|(_, different)| *different > 0)));
}
