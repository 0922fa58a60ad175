//! Runs a query on one major: `ask MAJOR SQL`.
#![expect(clippy::print_stdout, reason = "a program for people")]

use anyhow::{Context, Result};
use pgconflint_servers::{Server, vectors::show};

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let major = arguments.next().and_then(|major| major.parse().ok()).context("usage: ask MAJOR SQL")?;
    let sql = arguments.next().context("usage: ask MAJOR SQL")?;
    let answer = Server::start(major)?.query(&sql)?;
    for row in answer.rows {
        let cells: Vec<String> =
            row.iter().map(|cell| cell.as_ref().map_or("null".to_string(), |cell| show(cell))).collect();
        println!("{}", cells.join("\t"));
    }
    if let Some(notice) = answer.error {
        println!("{}: {}", notice.severity, show(&notice.message));
    }
    Ok(())
}
