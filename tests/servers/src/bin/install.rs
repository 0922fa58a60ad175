//! Installs the servers of servers.lock that are not there yet.
#![expect(clippy::print_stdout, reason = "a program for people")]

fn main() -> anyhow::Result<()> {
    let before = std::time::Instant::now();
    pgconflint_servers::install::install(&|line| println!("{line}"))?;
    let majors = pgconflint_servers::install::majors().len();
    println!("{majors} servers in {} ({:.1?})", pgconflint_servers::install::cache()?.display(), before.elapsed());
    Ok(())
}
