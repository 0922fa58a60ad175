//! The book is whole: every page is in its table of contents, every rule and setting has a page, links lead somewhere, and
//! what its examples type is something that the program takes.

#[allow(dead_code)]
#[path = "../../docs/book/pages.rs"]
mod pages;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use clap::Parser;
use clap::error::ErrorKind::{DisplayHelpOnMissingArgumentOrSubcommand, MissingRequiredArgument};
use pgconflint::catalog::{self, Catalog};
use pgconflint::check::Rules;
use pgconflint::cli::Cli;
use pgconflint::version::PgVersion;

use pages::{Book, links};

fn top() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The book as it is laid out, made once.
fn book() -> &'static Book {
    static BOOK: OnceLock<Book> = OnceLock::new();
    BOOK.get_or_init(|| pages::book(top()).unwrap())
}

fn read(path: &Path) -> String {
    fs::read_to_string(top().join(path)).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The pages of the book that are written by hand.
pub fn written() -> BTreeSet<PathBuf> {
    let summary = links::of(&read(Path::new("docs/SUMMARY.md")));
    summary.iter().map(|link| links::joined(Path::new("docs"), &link.path)).collect()
}

#[test]
fn every_page_of_docs_is_in_the_table_of_contents() {
    let written = written();
    for entry in fs::read_dir(top().join("docs")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if name.ends_with(".md") && name != "SUMMARY.md" {
            assert!(written.contains(&Path::new("docs").join(&name)), "docs/SUMMARY.md does not lead to {name}");
        }
    }
    assert!(written.len() > 20, "only {} pages", written.len());
}

#[test]
fn every_rule_and_every_setting_has_a_page() {
    let book = book();
    for rule in Rules::built_in().all_described() {
        let end = format!("/{}.md", rule.id);
        let (path, text) = book.pages.iter().find(|(path, _)| path.to_string_lossy().ends_with(&end)).expect(&rule.id);
        assert!(book.summary.contains(&format!("]({})", path.display())), "{path:?} is in no table of contents");
        assert!(text.contains(&rule.severity) && text.contains(rule.title.split('`').next().unwrap()), "{path:?}");
        assert!(!text.contains("pgconflint says, of PostgreSQL 18:\n\n````text\n\n````"), "{path:?} says nothing");
    }
    let pages: BTreeSet<String> = book.pages.keys().map(|path| path.to_string_lossy().to_lowercase()).collect();
    let mut count = 0;
    for major in catalog::majors() {
        for (_, parameter) in Catalog::shared(PgVersion::newest(major)).iter() {
            let path = format!("settings/{}.md", parameter.name.to_lowercase());
            assert!(pages.contains(&path), "{path} is missing, which {major} knows");
            count += 1;
        }
    }
    assert!(count > 4_000, "only {count} parameters were looked at");
    let named = |path: &str| &book.pages[Path::new(path)];
    assert!(named("settings/wal_keep_segments.md").contains("[`wal-keep-segments-gone`]"));
    assert!(named("settings/trigger_file.md").contains("promote_trigger_file.md"));
    assert!(
        named("rules/conf/wal-keep-segments-gone.md")
            .contains("postgresql.conf:1:1: error: `wal_keep_segments` became")
    );
}

#[test]
fn the_book_is_laid_out_as_mdbook_wants_it() {
    let place = tempfile::tempdir().unwrap();
    book().write(top(), place.path()).unwrap();
    let source = place.path().join("src");
    let summary = fs::read_to_string(source.join("SUMMARY.md")).unwrap();
    let mut count = 0;
    for link in links::of(&summary) {
        count += 1;
        let page = fs::read_to_string(source.join(&link.path)).unwrap_or_else(|_| panic!("{} is missing", link.path));
        let is_readme = |link: &links::Link| link.path.ends_with("README.md");
        assert!(!links::of(&page).iter().any(is_readme), "{}: a README is an index here", link.path);
    }
    assert_eq!(count, book().pages.len());
    assert!(place.path().join("book.toml").is_file() && source.join("docs/first-look.svg").is_file());
}

#[test]
fn links_lead_somewhere() {
    let (dead, count) = book().links(top());
    assert!(dead.is_empty(), "{}", dead.join("\n"));
    assert!(count > 2_000, "only {count} links");
}

/// What somebody reads in the source tree leads somewhere there too.
#[test]
fn links_lead_somewhere_in_the_source() {
    let mut count = 0;
    for path in written() {
        for link in links::of(&read(&path)) {
            count += 1;
            let target = link.target(&path);
            assert!(top().join(&target).is_file(), "{}: {} is no file", path.display(), link.path);
            let is_page = target.extension().is_some_and(|extension| extension == "md");
            let has_anchor =
                link.anchor.is_empty() || !is_page || links::anchors(&read(&target)).contains(&link.anchor);
            assert!(has_anchor, "{}: {}#{}", path.display(), link.path, link.anchor);
        }
    }
    assert!(count > 100, "only {count} links");
}

/// A block of a session is run by the tests of the documentation; of all others the program reads every line.
#[test]
fn what_is_typed_is_taken() {
    let mut count = 0;
    for path in written() {
        let text = read(&path);
        let marked = text.split("<!-- end -->").map(|part| part.split("<!-- ").next().unwrap_or_default());
        for part in marked {
            assert!(!part.contains("```console"), "{}: a session that no test runs:\n{part}", path.display());
            for line in typed(part) {
                count += 1;
                let words = line.split_whitespace().map(|word| word.trim_matches(['\'', '"']));
                if let Err(error) = Cli::try_parse_from(words.map(meant)) {
                    // A command may be named alone.
                    let is_named =
                        matches!(error.kind(), MissingRequiredArgument | DisplayHelpOnMissingArgumentOrSubcommand);
                    assert!(is_named || !error.use_stderr(), "{}: {line}\n{error}", path.display());
                }
            }
        }
    }
    assert!(count > 40, "only {count} commands");
}

/// The commands of a text: lines of a block for a shell, and what stands between backticks.
fn typed(text: &str) -> Vec<String> {
    let mut typed = Vec::new();
    let mut block: Option<&str> = None;
    for line in text.lines() {
        if let Some(info) = line.trim_start().strip_prefix("```").map(|info| info.trim_start_matches('`')) {
            block = if block.is_some() { None } else { Some(info) };
            continue;
        }
        match block {
            Some("sh" | "text" | "yaml") => typed.push(line.trim().to_owned()),
            Some(_) => {}
            None => typed.extend(line.split('`').skip(1).step_by(2).map(str::to_owned)),
        }
    }
    let command = |line: String| {
        let line = line.split(" #").next().unwrap_or_default();
        let line = line.split([';', '>', '|', '&', '\\']).next().unwrap_or_default().trim();
        (line.starts_with("pgconflint ") && !line.contains('…') && !line.contains("[")).then(|| line.to_owned())
    };
    typed.into_iter().filter_map(command).collect()
}

/// A word that stands for others, as one of them.
fn meant(word: &str) -> &str {
    match word {
        "N" | "VERSION" => "16",
        "FORMAT" => "json",
        "FORMAT=FILE" => "json=x",
        "IP" | "ADDRESS" => "10.0.0.1",
        "SHELL" => "bash",
        word => word,
    }
}
