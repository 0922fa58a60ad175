//! The version stands in Cargo.toml; everything that has to name it names that one. Hooks are the same wherever they are.

use std::fs;
use std::path::Path;
use std::process::Command;

use insta_cmd::get_cargo_bin;

const VERSION: &str = env!("CARGO_PKG_VERSION");

fn text(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path))
        .unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// What stands behind each `mark` up to the end of the version.
fn versions(text: &str, mark: &str) -> Vec<String> {
    let is_version = |char: &char| char.is_ascii_alphanumeric() || ".-+".contains(*char);
    text.match_indices(mark).map(|(at, _)| text[at + mark.len()..].chars().take_while(is_version).collect()).collect()
}

#[test]
fn every_version_is_that_of_cargo_toml() {
    const PLACES: [(&str, &str, usize); 8] = [
        ("packaging/pre-commit-mirror/pyproject.toml", "\nversion = \"", 1),
        ("packaging/pre-commit-mirror/pyproject.toml", "\"pgconflint==", 1),
        ("packaging/pre-commit-mirror/README.md", "rev: v", 1),
        ("packaging/wheel/README.md", "rev: v", 1),
        ("packaging/github/action.yml", "default: \"0", 1),
        ("packaging/gitlab/pgconflint.gitlab-ci.yml", "PGCONFLINT_VERSION: \"", 1),
        ("editors/vscode/package.json", "\n  \"version\": \"", 1),
        ("docs/pre-commit.md", "rev: v", 1),
    ];
    for (path, mark, count) in PLACES {
        // The digit in the mark tells the version from other defaults.
        let begun = &mark[mark.trim_end_matches(|char: char| char.is_ascii_digit()).len()..];
        let found = versions(&text(path), mark);
        let wanted = vec![VERSION.strip_prefix(begun).unwrap_or(VERSION).to_owned(); count];
        assert_eq!(found, wanted, "{path}: {mark:?}");
    }
    let printed = Command::new(get_cargo_bin("pgconflint")).arg("--version").output().unwrap().stdout;
    assert_eq!(String::from_utf8_lossy(&printed), format!("pgconflint {VERSION}\n"));
    assert!(!text("packaging/wheel/pyproject.toml").contains("\nversion"), "maturin takes it from Cargo.toml");
}

/// The hooks of the mirror are those of the repository, but for how the program is had.
#[test]
fn hooks_are_the_same_from_source_and_as_a_wheel() {
    let own = text(".pre-commit-hooks.yaml");
    let mirror = text("packaging/pre-commit-mirror/.pre-commit-hooks.yaml");
    let (_, own) = own.split_once('\n').unwrap();
    assert_eq!(own.replace("language: rust", "language: python"), mirror);
    assert_eq!(own.matches("language: rust").count(), 3);
}

#[test]
fn the_program_takes_what_hooks_run() {
    let manifest = text(".pre-commit-hooks.yaml");
    let mut count = 0;
    for entry in manifest.lines().filter_map(|line| line.strip_prefix("  entry: pgconflint ")) {
        let node = crate::cli::tree(&[("db/postgresql.conf", "port = 1\n")]);
        let arguments: Vec<&str> = entry.split(' ').collect();
        let (code, said, trouble) = crate::cli::run(&node, &arguments);
        assert_eq!((code, trouble.as_str()), (0, ""), "{entry}: {said}");
        count += 1;
    }
    assert_eq!(count, 3);
}

#[test]
fn completions_know_the_formats_of_reports() {
    let tree = crate::cli::tree(&[]);
    for shell in ["bash", "zsh", "fish"] {
        let script = crate::cli::run(&tree, &["completions", shell]).1;
        let near = |mark: &str| {
            script
                .match_indices(mark)
                .any(|(at, _)| script[at..].chars().take(400).collect::<String>().contains("sarif"))
        };
        let mark = if shell == "fish" { "-l report" } else { "--report" };
        assert!(near(mark), "{shell}: no format beside {mark}");
    }
}

/// The package of Debian has a licence for every piece, and names no version of its own.
#[test]
fn the_package_of_debian_takes_what_is_there() {
    let cargo = text("Cargo.toml");
    let deb = cargo.split_once("[package.metadata.deb]").expect("cargo-deb reads it").1;
    for asset in
        ["usr/bin/", "usr/share/man/man1/", "usr/share/bash-completion/completions/", "usr/share/doc/pgconflint/"]
    {
        assert!(deb.contains(asset), "{asset}");
    }
    assert!(!deb.contains("\nversion"), "it is that of the package");
}
