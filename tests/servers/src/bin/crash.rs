//! Ends and fails migrations at every system call that changes something, and starts servers on what is left.
//! `crash [NAME…]`: by what pgconflint itself says of servers
//! `crash --real [NAME…]`: by real servers as well
#![expect(clippy::print_stdout, reason = "a program for people")]

use anyhow::{Result, ensure};
use pgconflint_servers::crash::{Case, Count, built, cases, play, real};
use pgconflint_servers::install;

fn main() -> Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let (flags, names): (Vec<_>, Vec<_>) = words.into_iter().partition(|word| word.starts_with('-'));
    ensure!(flags.iter().all(|flag| flag == "--real"), "there is only --real");
    let is_real = !flags.is_empty();
    if is_real {
        install::install(&|line| println!("{line}"))?;
    }
    let cases: Vec<Case> =
        cases().into_iter().filter(|case| names.is_empty() || names.iter().any(|name| name == case.name)).collect();
    ensure!(!cases.is_empty(), "there is no case of that name");
    let program = built()?;
    let (mut sum, mut starts, mut wrong) = (Count::default(), 0, Vec::new());
    for case in &cases {
        let before = std::time::Instant::now();
        let outcome = play(&program, case, 1, 1)?;
        let Count { kills, failures, states, runs } = outcome.count;
        sum.kills += kills;
        sum.failures += failures;
        sum.states += states;
        sum.runs += runs;
        print!("{}, {} to {}: {kills} kills, {failures} failures, {states} states", case.name, case.from, case.to);
        wrong.extend(outcome.wrong.iter().cloned());
        if is_real {
            let count = real::judge(case, &outcome, &mut wrong)?;
            starts += count;
            print!(", {count} starts of real servers");
        }
        println!(", {:.0?}", before.elapsed());
    }
    println!(
        "{} cases, {} kill points, {} failures injected, {} states left, {} runs, {starts} starts of real servers, {} wrong",
        cases.len(),
        sum.kills,
        sum.failures,
        sum.states,
        sum.runs,
        wrong.len()
    );
    wrong.iter().for_each(|wrong| println!("{wrong}"));
    std::process::exit(i32::from(!wrong.is_empty()));
}
