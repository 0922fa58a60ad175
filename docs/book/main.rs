//! Lays the book out in a directory, from which mdBook builds it: `docs/build` runs both.

// It stands outside of the core: the disk is its own.
#![allow(clippy::disallowed_methods, clippy::print_stdout, clippy::print_stderr)]

// The tests take it from here as well, by its path.
#[path = "pages.rs"]
mod pages;

use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let top = Path::new(env!("CARGO_MANIFEST_DIR"));
    let done = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["lay-out", directory] => pages::book(top).and_then(|book| book.write(top, Path::new(directory))),
        ["links", directory] => pages::html::dead_links(Path::new(directory)),
        _ => Err("usage: book lay-out DIRECTORY | book links DIRECTORY-OF-HTML".to_owned()),
    };
    match done {
        Ok(said) => {
            println!("{said}");
            ExitCode::SUCCESS
        }
        Err(trouble) => {
            eprintln!("book: {trouble}");
            ExitCode::FAILURE
        }
    }
}
