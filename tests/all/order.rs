//! The laws of the layout: lower never imports higher, and the core does no I/O.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Modules from low to high; those on one line may know each other.
const ORDER: [&[&str]; 9] = [
    &["source", "value", "version", "nearest", "names", "table"],
    &["syntax", "catalog", "finding"],
    &["model", "edit", "suppress"],
    &["rule"],
    &["check", "migrate"],
    &["report", "files", "config"],
    &["run", "server"],
    &["cli"],
    &["main", "lib"],
];

/// `run` and `server` take the options that `cli` makes: plain data, which the order otherwise puts above them.
const ALLOWED: [(&str, &str); 2] = [("run", "cli"), ("server", "cli")];

fn sources() -> Vec<(PathBuf, String, String)> {
    let mut found = Vec::new();
    let mut todo = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
    let top = todo[0].clone();
    while let Some(directory) = todo.pop() {
        for entry in fs::read_dir(&directory).expect("src is readable") {
            let path = entry.expect("an entry").path();
            let name = path.file_name().unwrap_or_default();
            if path.is_dir() && name != "tests" {
                todo.push(path);
            } else if name == "tests" || name == "tests.rs" {
                // They may do as they like.
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let inside = path.strip_prefix(&top).expect("below src");
                let module = inside.components().next().expect("a name").as_os_str().to_string_lossy();
                let module = module.trim_end_matches(".rs").to_owned();
                found.push((inside.to_owned(), module, fs::read_to_string(&path).expect("UTF-8")));
            }
        }
    }
    assert!(found.len() > 5, "the sources were found");
    found
}

/// What stands before the tests of a file, which may do as they like.
fn code(text: &str) -> &str {
    let end = ["#[cfg(test)]\nmod tests", "#[cfg(all(test, unix))]\nmod tests"]
        .iter()
        .filter_map(|mark| text.find(mark))
        .min();
    &text[..end.unwrap_or(text.len())]
}

fn rank(module: &str) -> usize {
    ORDER.iter().position(|layer| layer.contains(&module)).unwrap_or_else(|| panic!("{module} has no place in ORDER"))
}

/// Every module that a text names after `crate::`, braces included.
fn imports(text: &str) -> Vec<String> {
    let mut names = Vec::new();
    for (at, mark) in text.match_indices("crate::") {
        let rest = &text[at + mark.len()..];
        let word =
            |text: &str| text.chars().take_while(|char| char.is_alphanumeric() || *char == '_').collect::<String>();
        match rest.strip_prefix('{') {
            Some(list) => {
                let list = &list[..list.find(';').unwrap_or(list.len())];
                let mut depth = 0;
                let mut start = true;
                for (at, char) in list.char_indices() {
                    match char {
                        '{' => depth += 1,
                        '}' => depth -= 1,
                        ',' if depth == 0 => start = true,
                        char if char.is_whitespace() => {}
                        _ if start => {
                            names.push(word(&list[at..]));
                            start = false;
                        }
                        _ => {}
                    }
                }
            }
            None => names.push(word(rest)),
        }
    }
    names
}

#[test]
fn imports_are_read_in_every_shape() {
    assert_eq!(
        imports("use crate::source::{A, B};\nuse crate::{\n  edit,\n  finding::{Fix, Edit},\n  version,\n};"),
        ["source", "edit", "finding", "version"]
    );
}

#[test]
fn lower_never_imports_higher() {
    let mut seen = 0;
    for (path, module, text) in sources() {
        for import in imports(code(&text)) {
            if import.is_empty() || import == module {
                continue;
            }
            seen += 1;
            let allowed = rank(&import) <= rank(&module) || ALLOWED.contains(&(module.as_str(), import.as_str()));
            assert!(allowed, "{} imports crate::{import}, which is above it", path.display());
        }
    }
    assert!(seen > 10, "imports were seen");
}

#[test]
fn the_core_does_no_io() {
    // Of std::net, addresses are plain data.
    const WORDS: [&str; 11] = [
        "std::fs",
        "std::env",
        "std::io",
        "std::thread",
        "std::process",
        "TcpStream",
        "UdpSocket",
        "ToSocketAddrs",
        "println!",
        "rayon",
        "walkdir",
    ];
    let core = rank("check");
    let mut looked_at = 0;
    for (path, module, text) in sources() {
        let is_core = rank(&module) <= core;
        looked_at += usize::from(is_core);
        for word in WORDS.iter().filter(|_| is_core) {
            assert!(!code(&text).contains(word), "{} names {word}", path.display());
        }
        // Printing and the environment are for main alone.
        for word in ["println!", "print!(", "std::env::", "process::exit"] {
            assert!(module == "main" || !code(&text).contains(word), "{} names {word}", path.display());
        }
    }
    assert!(looked_at > 5, "the core was looked at");
}

#[test]
fn files_are_short() {
    // Longer ones, each with its reason in its head.
    const LONG: [&str; 0] = [];
    for (path, _, text) in sources() {
        let lines = code(&text).lines().count();
        let excused = LONG.contains(&path.to_string_lossy().as_ref());
        assert!(lines <= 460 || excused, "{} has {lines} lines before its tests", path.display());
    }
}

/// Text in quotes, comments left out.
fn literals(code: &str) -> Vec<String> {
    let mut found = Vec::new();
    for line in code.lines().filter(|line| !line.trim_start().starts_with("//")) {
        let mut rest = line;
        while let Some((_, after)) = rest.split_once('"') {
            let Some((literal, behind)) = after.split_once('"') else { break };
            found.push(literal.to_owned());
            rest = behind;
        }
    }
    found
}

#[test]
fn parameters_are_named_in_rules_only() {
    // A word that is also a parameter, where it is not meant as one: the file and the word.
    const OTHER: [(&str, &str); 5] = [
        ("suppress/comment.rs", "role"),
        ("value/grammar.rs", "datestyle"),
        ("config.rs", "role"),
        ("cli/args.rs", "role"),
        ("model/control.rs", "hot_standby"),
    ];
    let mut names: BTreeSet<String> = BTreeSet::new();
    for major in pgconflint::catalog::majors() {
        let catalog = pgconflint::catalog::Catalog::of(pgconflint::version::PgVersion::newest(major));
        names.extend(catalog.names().map(str::to_ascii_lowercase));
    }
    let mut looked_at = 0;
    for (path, module, text) in sources() {
        if module == "names" {
            continue;
        }
        for literal in literals(code(&text)) {
            looked_at += 1;
            let whole = literal.to_ascii_lowercase();
            // A short name may be an ordinary word in a sentence; alone between quotes it is a name.
            let words = whole.split(|char: char| !char.is_ascii_alphanumeric() && char != '_');
            let named = words.filter(|word| word.contains('_') || *word == whole).find(|word| names.contains(*word));
            let Some(named) = named else { continue };
            let excused = OTHER.iter().any(|(file, word)| path.ends_with(file) && *word == named);
            assert!(excused, "{} names the parameter {named} in \"{literal}\"", path.display());
        }
    }
    assert!(looked_at > 500, "literals were seen");
}

#[test]
#[allow(clippy::print_stderr)]
fn the_library_compiles_for_wasm_where_that_target_is_installed() {
    const TARGET: &str = "wasm32-unknown-unknown";
    let rustc = std::process::Command::new("rustc").args(["--print", "target-libdir", "--target", TARGET]).output();
    let directory = rustc.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned()).unwrap_or_default();
    if directory.is_empty() || !Path::new(&directory).exists() {
        eprintln!("skipped: the target {TARGET} is not installed");
        return;
    }
    let target = tempfile::tempdir().expect("a directory");
    let done = std::process::Command::new(env!("CARGO"))
        .args(["check", "--quiet", "--lib", "--target", TARGET, "--target-dir"])
        .arg(target.path())
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .status();
    assert!(done.is_ok_and(|status| status.success()), "cargo check --lib --target {TARGET} fails");
}
