//! Traps of migrations: `testdata/migrate-traps/*.md`, each heading a small node, what is told of it, and what becomes
//! of its files (`PGCONFLINT_BLESS=1` writes that anew). docs/migration.md names them all.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use pgconflint::check::Rules;
use pgconflint::files::Memory;
use pgconflint::migrate::{Plan, Request, plan};
use pgconflint::report::{Show, plan as shown};
use pgconflint::source::Files as _;
use pgconflint::version::{Major, PgVersion};

use crate::migrate::request;

/// A node in memory, and the versions between which it goes.
struct Case {
    name: String,
    files: Memory,
    request: Request,
}

fn case(name: &str, head: &str, body: &str) -> Case {
    let words: Vec<&str> = head.split(' ').collect();
    let major = |text: &str| text.parse::<PgVersion>().unwrap_or_else(|_| panic!("{name}: {text}")).major;
    let mut request = request(Path::new("db"), major(words[0]).max(Major::V9_4), major(words[2]));
    request.from = major(words[0]);
    request.preserve_timeline = words.contains(&"preserve-timeline");
    request.keep_defaults = words.contains(&"keep-defaults");
    let mut files = Memory::default();
    let mut has_main = false;
    for file in body.replace("\n--- no line feed\n", "").split("--- ").skip(1) {
        let (path, text) = file.split_once('\n').unwrap();
        has_main |= path == "postgresql.conf";
        files = files.with(&format!("db/{path}"), text.as_bytes());
    }
    if !has_main {
        files = files.with("db/postgresql.conf", b"");
    }
    Case { name: name.to_owned(), files, request }
}

/// What is told, and the files that are not as they were.
fn told(case: &Case, plan: &Plan) -> String {
    let text = shown::text(plan, &case.name, &Show { directory: "db".into(), ..Show::default() });
    // Diffs are shown as the files that come of them.
    let sections = text.split("\n\n").filter(|section| !section.trim_start().starts_with("--- a/"));
    let mut out = sections.collect::<Vec<_>>().join("\n\n");
    if !out.ends_with('\n') {
        out.push('\n');
    }
    for (path, bytes) in &plan.files {
        if case.files.read(path).ok().as_ref() != Some(bytes) {
            let path = path.strip_prefix("db").unwrap();
            let _ = write!(out, "\n--- {}\n{}", path.display(), String::from_utf8_lossy(bytes));
        }
    }
    out
}

fn pages() -> Vec<PathBuf> {
    let mut pages: Vec<PathBuf> =
        fs::read_dir("testdata/migrate-traps").unwrap().map(|entry| entry.unwrap().path()).collect();
    pages.sort();
    pages
}

#[test]
fn traps_are_told() {
    let rules = Rules::built_in();
    let bless = std::env::var_os("PGCONFLINT_BLESS").is_some();
    let mut count = 0;
    for path in pages() {
        let page = fs::read_to_string(&path).unwrap();
        let mut parts = page.split("\n## ");
        let mut whole = parts.next().unwrap().to_owned();
        for part in parts {
            let (name, rest) = part.split_once('\n').unwrap();
            let (head, body) = rest.trim_start().strip_prefix("```").unwrap().split_once('\n').unwrap();
            let (body, expected) =
                body.split_once("```\n```told\n").unwrap_or_else(|| panic!("{name}: no second block"));
            let case = case(name, head, body);
            let plan = plan(&case.files, &case.request, &rules);
            let told = told(&case, &plan);
            if !bless {
                assert_eq!(expected.rsplit_once("```").unwrap().0, told, "{name}");
            }
            let _ = write!(whole, "\n## {name}\n\n```{head}\n{body}```\n```told\n{told}```\n");
            count += 1;
        }
        if bless {
            fs::write(&path, whole).unwrap();
        }
    }
    assert!(count > 140, "only {count} cases");
}

/// Every case is named in docs/migration.md, and all that it names are cases.
#[test]
fn the_table_of_traps_is_whole() {
    let docs = fs::read_to_string("docs/migration.md").unwrap();
    let pages: String = pages().iter().map(|path| fs::read_to_string(path).unwrap()).collect();
    let cases: BTreeSet<&str> = pages.lines().filter_map(|line| line.strip_prefix("## ")).collect();
    let rows = docs.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| Trap"));
    let cells = rows.filter_map(|row| row.trim_end_matches(" |").rsplit(" | ").next());
    let named: BTreeSet<&str> =
        cells.flat_map(|cell| cell.split(['`', ',', ' '])).filter(|word| !word.is_empty()).collect();
    let missing: Vec<&&str> = cases.difference(&named).collect();
    assert!(missing.is_empty(), "docs/migration.md does not name {missing:?}");
    let unknown: Vec<&&str> = named.difference(&cases).filter(|word| !["none:", "no"].contains(*word)).collect();
    let told_elsewhere = |word: &&&str| docs.contains(&format!("| none: {word}")) || word.contains('(');
    let unknown: Vec<_> = unknown.into_iter().filter(|word| !told_elsewhere(word)).collect();
    assert!(unknown.is_empty(), "no such cases: {unknown:?}");
}
