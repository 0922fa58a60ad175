//! Writes rules/catalog/NN.tsv anew for every installed server.
//! `record [--check]`: with --check only says which files would change.
#![expect(clippy::print_stdout, reason = "a program for people")]

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Result;
use pgconflint_servers::{install, record, start_all};

fn main() -> Result<()> {
    let check = std::env::args().any(|argument| argument == "--check");
    install::install(&|line| println!("{line}"))?;
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../rules/catalog");
    let mut catalogs = BTreeMap::new();
    for entry in std::fs::read_dir(&directory)? {
        let path = entry?.path();
        let text = std::fs::read_to_string(&path)?;
        if text.starts_with("# PostgreSQL ") && text.contains("as a running server lists its parameters") {
            catalogs.insert(path, record::read(&text)?);
        }
    }
    let words = record::words(catalogs.values().flat_map(BTreeMap::values));
    let servers = start_all(&install::majors())?;
    let newest = catalogs.iter().max_by_key(|(_, rows)| rows.len()).map(|(_, rows)| rows.clone()).unwrap_or_default();
    let results: Vec<Result<bool>> = std::thread::scope(|scope| {
        let asking = servers.iter().map(|server| {
            let (words, newest, path) = (&words, &newest, directory.join(format!("{}.tsv", server.major)));
            let before = catalogs.get(&path).unwrap_or(newest);
            scope.spawn(move || {
                let text = record::record(server, before, words)?;
                let changed = std::fs::read_to_string(&path).ok().as_ref() != Some(&text);
                if changed && !check {
                    std::fs::write(&path, text)?;
                }
                println!("{}: {}", server.major, if changed { "changed" } else { "as before" });
                Ok(changed)
            })
        });
        asking.collect::<Vec<_>>().into_iter().map(|thread| thread.join().expect("recording does not panic")).collect()
    });
    drop(servers);
    let changed = results.into_iter().collect::<Result<Vec<_>>>()?;
    std::process::exit(i32::from(check && changed.contains(&true)));
}
