//! README.md and the picture in it say what the program says. `PGCONFLINT_BLESS=1` writes them anew.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use insta_cmd::get_cargo_bin;
use pgconflint::check::Rules;

use crate::{picture, vectors};

fn top() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn output(arguments: &[&str]) -> String {
    let mut command = Command::new(get_cargo_bin("pgconflint"));
    command.current_dir(top()).args(arguments);
    for variable in ["NO_COLOR", "CLICOLOR_FORCE", "CLICOLOR", "COLUMNS"] {
        command.env_remove(variable);
    }
    let output = command.output().unwrap();
    assert_ne!(output.status.code(), Some(2), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Compares a file with what it should be, or writes it.
fn compare(path: &str, wanted: &str) {
    let file = top().join(path);
    if std::env::var_os("PGCONFLINT_BLESS").is_some() {
        fs::write(file, wanted).unwrap();
        return;
    }
    let text = fs::read_to_string(file).unwrap_or_default();
    let first = text.lines().zip(wanted.lines()).position(|(one, other)| one != other);
    let line = first.unwrap_or_else(|| text.lines().count().min(wanted.lines().count()));
    let near = |text: &str| text.lines().nth(line).unwrap_or("(the end)").to_owned();
    assert!(
        text == wanted,
        "{path}:{} is stale (PGCONFLINT_BLESS=1 cargo test docs writes it anew)\n- {}\n+ {}",
        line + 1,
        near(&text),
        near(wanted)
    );
}

/// The text with what stands between `<!-- NAME -->` and `<!-- end -->` made anew, and how many were.
fn filled(text: &str, made: &dyn Fn(&str) -> Option<String>) -> (String, usize) {
    let (mut out, mut count, mut rest) = (String::new(), 0, text);
    while let Some((before, after)) = rest.split_once("<!-- ") {
        let (name, body) = after.split_once(" -->\n").expect("a mark ends its line");
        let (_, following) = body.split_once("<!-- end -->").unwrap_or_else(|| panic!("`{name}` has no end"));
        let made = made(name).unwrap_or_else(|| panic!("nothing is known as `{name}`"));
        let _ = write!(out, "{before}<!-- {name} -->\n{made}<!-- end -->");
        (rest, count) = (following, count + 1);
    }
    out.push_str(rest);
    (out, count)
}

/// A command and what it prints, or the table of rules.
fn made(name: &str) -> Option<String> {
    if name == "rules" {
        return Some(table());
    }
    let arguments = name.strip_prefix("run: pgconflint ")?;
    let printed = output(&arguments.split(' ').collect::<Vec<_>>());
    let lines: Vec<&str> = printed.lines().map(str::trim_end).collect();
    Some(format!("```console\n$ pgconflint {arguments}\n{}\n```\n", lines.join("\n").trim_end()))
}

fn table() -> String {
    let rules = Rules::built_in();
    let mut pages: Vec<_> = rules.pages().collect();
    pages.sort_by(|one, other| one.id.cmp(&other.id));
    let mut table = String::from("| rule | severity | versions | what it reports |\n| --- | --- | --- | --- |\n");
    for page in pages {
        let mut paths =
            ["conf", "hba", "ident", "recovery", "pair"].map(|kind| format!("rules/{kind}/{}.md", page.id)).into_iter();
        let path = paths.find(|path| top().join(path).is_file()).unwrap_or_else(|| panic!("no page {}", page.id));
        let versions = if page.pg.is_empty() { "all".to_owned() } else { format!("`{}`", page.pg) };
        let role = if page.role == "any" { String::new() } else { format!(", {}", page.role) };
        let title = page.title.replace('|', "\\|");
        let _ = writeln!(table, "| [{}]({path}) | {} | {versions}{role} | {title} |", page.id, page.severity);
    }
    table
}

fn readme() -> String {
    fs::read_to_string(top().join("README.md")).unwrap()
}

#[test]
fn the_readme_says_what_the_program_prints() {
    let (text, count) = filled(&readme(), &made);
    assert!(count >= 8, "only {count} parts of README.md are made");
    compare("README.md", &text);
}

#[test]
fn every_command_and_option_has_its_help_in_the_readme() {
    let readme = readme();
    let help = output(&["--help"]);
    let commands = help.split_once("Commands:\n").unwrap().1.split_once("\n\n").unwrap().0;
    let names: Vec<&str> = commands.lines().filter_map(|line| line.split_whitespace().next()).collect();
    assert!(names.len() > 3, "{names:?}");
    for name in names.into_iter().filter(|name| *name != "help") {
        assert!(readme.contains(&format!("<!-- run: pgconflint {name} --help -->")), "no help of `{name}`");
    }
}

#[test]
fn the_picture_is_what_the_program_shows() {
    let arguments = ["check", "testdata/node/first-look", "--color", "always"];
    let text = format!("$ pgconflint check testdata/node/first-look\n{}", output(&arguments));
    compare("docs/first-look.svg", &picture::svg("pgconflint check testdata/node/first-look", &text));
}

#[test]
fn figures_are_counted() {
    let asked: usize = ["conf", "recovery", "hba", "ident"]
        .into_iter()
        .flat_map(|name| [format!("{name}.jsonl"), format!("old-{name}.jsonl")])
        .flat_map(|file| vectors::load(&file))
        .filter(|vector| {
            ["read", "recovery.conf", "signal", "rules", "match"].iter().any(|kind| vector["kind"] == *kind)
        })
        .map(|vector| vectors::majors(&vector).len())
        .sum();
    let figure = format!("{},{:03} recorded answers", asked / 1000, asked % 1000);
    for file in ["README.md", "docs/proof.md"] {
        assert!(fs::read_to_string(top().join(file)).unwrap().contains(&figure), "{file} does not say {figure}");
    }
}

#[test]
fn links_lead_somewhere() {
    let mut count = 0;
    let pages = [
        "README.md",
        "CHANGELOG.md",
        "docs/proof.md",
        "docs/decisions.md",
        "docs/coverage.md",
        "testdata/guides/README.md",
    ];
    for page in pages.map(PathBuf::from) {
        let text = fs::read_to_string(top().join(&page)).unwrap();
        for (at, _) in text.match_indices("](") {
            let target = text[at + 2..].split(')').next().unwrap();
            if target.starts_with("https://") {
                continue;
            }
            let (path, anchor) = target.split_once('#').unwrap_or((target, ""));
            let known = |line: &str| {
                line.trim_start_matches('#').trim().to_lowercase().replace(' ', "-").replace('.', "") == anchor
            };
            match path {
                "" => assert!(text.lines().any(|line| line.starts_with('#') && known(line)), "{page:?}: #{anchor}"),
                path => {
                    assert!(top().join(&page).parent().unwrap().join(path).exists(), "{page:?}: {path}");
                }
            }
            count += 1;
        }
    }
    assert!(count > 10, "only {count} links");
}

/// A row has an answer: pages that exist, or why there is none.
#[test]
fn what_is_covered_is_said_of_every_check() {
    let text = fs::read_to_string(top().join("docs/coverage.md")).unwrap();
    assert!(!text.contains("TODO"), "docs/coverage.md: a row is not done");
    let rules = Rules::built_in();
    let ids = rules.ids();
    let mut seen: Vec<&str> = Vec::new();
    for line in
        text.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| id") && !line.starts_with("| -"))
    {
        let cells: Vec<&str> = line.trim_matches('|').split(" | ").map(str::trim).collect();
        let (id, answer) = (cells[0], cells[cells.len() - 1]);
        assert!(cells.len() >= 3 && cells.iter().all(|cell| !cell.is_empty()), "{line}");
        assert!(!seen.contains(&id), "{id} twice");
        seen.push(id);
        let pages: Vec<&str> =
            answer.split("](../rules/").skip(1).map(|rest| rest.split(')').next().unwrap()).collect();
        for page in &pages {
            let name = page.rsplit('/').next().unwrap().trim_end_matches(".md");
            assert!(ids.contains(&name) && answer.contains(&format!("[{name}]")), "{id}: there is no page {page}");
        }
        let is_said = ["none: ", "every page with `gone`"].iter().any(|word| answer.contains(word));
        assert!(!pages.is_empty() || is_said, "{id}: neither a page nor a reason");
    }
    let group =
        |name: &str| seen.iter().filter(|id| id.trim_end_matches(|char: char| char.is_ascii_digit()) == name).count();
    let counts = ["A", "B", "C", "D", "E", "F", "G"].map(group);
    assert_eq!(counts, [17, 30, 27, 13, 19, 20, 1]);
    assert_eq!(seen.len() - counts.iter().sum::<usize>(), 120);
}
