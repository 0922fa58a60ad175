//! Proves claims, one a line of JSON on standard input, a verdict a line on
//! standard output; the counts go to standard error.
//! `{"id":"rule","pg":16,"files":{"postgresql.conf":"…"},"expect":"refuses","says":"…"}`
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program for people")]

use anyhow::Result;
use pgconflint_servers::{install, prove};

fn main() -> Result<()> {
    let lines = std::io::stdin().lines().collect::<Result<Vec<_>, _>>()?;
    let lines = lines.iter().filter(|line| !line.trim().is_empty());
    let claims = lines.map(|line| prove::parse(line)).collect::<Result<Vec<_>>>()?;
    install::install(&|line| eprintln!("{line}"))?;
    let before = std::time::Instant::now();
    let verdicts = prove::prove_all(&claims)?;
    for verdict in &verdicts {
        println!("{}", serde_json::to_string(verdict)?);
    }
    let passed = verdicts.iter().filter(|verdict| verdict.pass).count();
    eprintln!("{passed} of {} claims proven in {:.1?}", verdicts.len(), before.elapsed());
    std::process::exit(i32::from(passed < verdicts.len()));
}
