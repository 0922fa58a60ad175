//! README.md, the pages of the book and their pictures say what the program says. `PGCONFLINT_BLESS=1` writes them anew.
#![expect(clippy::print_stdout, reason = "what was skipped is told")]

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;

use insta_cmd::get_cargo_bin;
use pgconflint::check::Rules;

use crate::session::Session;
use crate::{book, picture, schema, vectors};

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

/// The text with what stands between `<!-- NAME -->` and `<!-- end -->` made anew, of NAME and what stood there before,
/// and how many were.
fn filled(text: &str, made: &mut dyn FnMut(&str, &str) -> Option<String>) -> (String, usize) {
    let (mut out, mut count, mut rest) = (String::new(), 0, text);
    while let Some((before, after)) = rest.split_once("\n<!-- ") {
        let (name, body) = after.split_once(" -->\n").expect("a mark ends its line");
        if name.starts_with("every ") {
            // The book fills it.
            let _ = write!(out, "{before}\n<!-- {name} -->\n");
            rest = body;
            continue;
        }
        let (old, following) = body.split_once("<!-- end -->").unwrap_or_else(|| panic!("`{name}` has no end"));
        let made = made(name, old).unwrap_or_else(|| panic!("nothing is known as `{name}`"));
        let _ = write!(out, "{before}\n<!-- {name} -->\n{made}<!-- end -->");
        (rest, count) = (following, count + 1);
    }
    out.push_str(rest);
    (out, count)
}

/// A page with its parts made anew, and how many were.
fn blessed(path: &Path) -> (String, usize) {
    let text = fs::read_to_string(top().join(path)).unwrap();
    let mut session = None;
    filled(&text, &mut |name, old| made(name, old, &mut session))
}

/// Commands and what they print, the table of rules, or what the schema says.
fn made(name: &str, old: &str, session: &mut Option<Session>) -> Option<String> {
    if name == "rules" {
        return Some(table());
    }
    if name == "schema" {
        return Some(schema::tables());
    }
    if let Some(directories) = name.strip_prefix("run in ") {
        *session = Some(Session::new(directories));
    }
    if name.starts_with("run in ") || name == "go on" {
        return Some(session.as_mut().expect("there is a session to go on with").played(old));
    }
    let arguments = name.strip_prefix("run: pgconflint ")?;
    let printed = output(&arguments.split(' ').collect::<Vec<_>>());
    let lines: Vec<&str> = printed.lines().map(str::trim_end).collect();
    Some(format!("```console\n$ pgconflint {arguments}\n{}\n```\n", lines.join("\n").trim_end()))
}

fn table() -> String {
    let rules = Rules::built_in();
    let mut table = String::from("| rule | severity | versions | what it reports |\n| --- | --- | --- | --- |\n");
    for rule in rules.all_described() {
        let Some(page) = rules.pages().find(|page| page.id == rule.id) else {
            let _ = writeln!(table, "| [{}](suppressing.md) | {} | all | {} |", rule.id, rule.severity, rule.title);
            continue;
        };
        let mut paths =
            ["conf", "hba", "ident", "recovery", "pair"].map(|kind| format!("rules/{kind}/{}.md", page.id)).into_iter();
        let path = paths.find(|path| top().join(path).is_file()).unwrap_or_else(|| panic!("no page {}", page.id));
        let versions = if page.pg.is_empty() { "all".to_owned() } else { format!("`{}`", page.pg) };
        let role = if page.role == "any" { String::new() } else { format!(", {}", page.role) };
        let title = page.headline().replace('|', "\\|");
        let _ = writeln!(table, "| [{}](../{path}) | {} | {versions}{role} | {title} |", page.id, page.severity);
    }
    table
}

#[test]
fn pages_say_what_the_program_prints() {
    let mut count = 0;
    for path in book::written() {
        let (text, parts) = blessed(&path);
        compare(path.to_str().unwrap(), &text);
        count += parts;
    }
    assert!(count >= 40, "only {count} parts are made");
}

#[test]
fn every_command_and_option_has_its_help_in_the_book() {
    let page = fs::read_to_string(top().join("docs/commands.md")).unwrap();
    let help = output(&["--help"]);
    let commands = help.split_once("Commands:\n").unwrap().1.split_once("\n\n").unwrap().0;
    let names: Vec<&str> = commands.lines().filter_map(|line| line.split_whitespace().next()).collect();
    assert!(names.len() > 3, "{names:?}");
    for name in names.into_iter().filter(|name| *name != "help") {
        assert!(page.contains(&format!("<!-- run: pgconflint {name} --help -->")), "no help of `{name}`");
    }
}

/// Each picture, the directories that it is taken in, and the command.
const PICTURES: [(&str, &str, &str); 3] = [
    ("first-look", "testdata/node/first-look as db1", "check db1"),
    ("migrate", "testdata/book/standby-11 as standby", "migrate standby --to 17"),
    (
        "pair",
        "testdata/book/primary-16 as primary, testdata/book/standby-16 as standby",
        "check --primary primary --standby standby --standby-address 10.0.0.2 --min-severity error",
    ),
];

#[test]
fn pictures_are_what_the_program_shows() {
    for (name, directories, command) in PICTURES {
        let session = Session::new(directories);
        let shown = session.run(&format!("pgconflint {command} --color always"));
        let text = format!("$ pgconflint {command}\n{shown}");
        compare(&format!("docs/{name}.svg"), &picture::svg(&format!("pgconflint {command}"), &text));
    }
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

/// The blocks of that kind in a page, without their fences.
fn blocks(text: &str, kind: &str) -> Vec<String> {
    let mut blocks = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let Some(info) = line.strip_prefix("```") else { continue };
        let fence = "`".repeat(3 + info.chars().take_while(|char| *char == '`').count());
        let block: Vec<&str> = lines.by_ref().take_while(|line| *line != fence).collect();
        if info.trim_start_matches('`') == kind {
            blocks.push(block.join("\n") + "\n");
        }
    }
    blocks
}

fn pages() -> impl Iterator<Item = (std::path::PathBuf, String)> {
    let more = ["packaging/README.md", "packaging/pre-commit-mirror/README.md", "packaging/wheel/README.md"];
    let all = book::written().into_iter().chain(more.map(Into::into));
    all.map(|path| {
        let text = fs::read_to_string(top().join(&path)).unwrap();
        (path, text)
    })
}

#[test]
fn settings_and_comments_that_the_pages_show_are_those_of_the_program() {
    let rules = Rules::built_in();
    let ids = rules.ids();
    let (mut configurations, mut comments) = (0, 0);
    for (path, text) in pages() {
        for block in blocks(&text, "toml") {
            configurations += 1;
            let config = pgconflint::config::parse(&path, block.as_bytes());
            let config = config.unwrap_or_else(|error| panic!("{error}\n{block}"));
            assert_eq!(config.check_rules(&ids), Ok(()), "{}", path.display());
        }
        for block in blocks(&text, "conf") {
            let source = pgconflint::source::Source::new(
                "postgresql.conf".into(),
                pgconflint::source::FileKind::Conf,
                block.as_bytes().into(),
            );
            for directive in pgconflint::suppress::read(&source) {
                comments += 1;
                match directive.says {
                    Ok(pgconflint::suppress::Word::Ignore(ignore)) => {
                        let unknown = ignore.rules.iter().find(|(rule, _)| !ids.contains(&rule.as_str()));
                        assert_eq!(unknown, None, "{}", path.display());
                    }
                    Ok(pgconflint::suppress::Word::Target(_)) => {}
                    Err(why) => panic!("{}: {why}", path.display()),
                }
            }
        }
    }
    assert!(configurations >= 2 && comments >= 3, "{configurations} configurations, {comments} comments");
}

#[test]
fn hooks_that_the_pages_show_are_there() {
    let hooks = fs::read_to_string(top().join(".pre-commit-hooks.yaml")).unwrap();
    let mut shown = 0;
    for (path, text) in pages() {
        for block in blocks(&text, "yaml") {
            let id = |line: &str| line.trim().strip_prefix("- id: ").map(str::to_owned);
            for id in block.lines().filter_map(id) {
                shown += 1;
                assert!(hooks.lines().any(|line| line == format!("- id: {id}")), "{}: {id}", path.display());
            }
            let rev = block.lines().filter_map(|line| line.trim().strip_prefix("rev: "));
            for rev in rev {
                let version = rev.split_whitespace().next().unwrap();
                assert_eq!(version, format!("v{}", env!("CARGO_PKG_VERSION")), "{}", path.display());
            }
        }
    }
    assert!(shown >= 4, "{shown}");
}

#[test]
fn the_page_about_pages_shows_one() {
    let text = fs::read_to_string(top().join("rules/README.md")).unwrap();
    let shown = blocks(&text, "");
    let page = shown.iter().find(|block| block.starts_with("# ")).expect("a page in a fence of four");
    pgconflint::rule::page::parse("shown", page).unwrap();
}

/// The recipe for those who do without pre-commit, with the real git.
#[test]
fn the_hook_without_pre_commit_looks_at_what_is_staged() {
    let text = fs::read_to_string(top().join("docs/pre-commit.md")).unwrap();
    let recipe = blocks(&text, "sh").into_iter().find(|block| block.contains("git diff --cached")).unwrap();
    let tree = crate::cli::tree(&[
        ("etc/nginx.conf", "user www;\n"),
        ("db/postgresql.conf", "port = 5432\n"),
        ("db/pg_hba.conf", "local all all peer\n"),
        ("other/postgresql.conf", "no such line\n"),
    ]);
    let program = get_cargo_bin("pgconflint");
    let path = std::env::var_os("PATH").unwrap_or_default();
    let path = [program.parent().unwrap().to_owned()].into_iter().chain(std::env::split_paths(&path));
    let path = std::env::join_paths(path).unwrap();
    let sh = |script: &str| {
        let mut shell = Command::new("sh");
        shell.args(["-c", script]).current_dir(tree.path()).env("PATH", &path).env("GIT_CONFIG_GLOBAL", "/dev/null");
        shell.env_remove("GIT_DIR").env_remove("GIT_INDEX_FILE").output().unwrap()
    };
    if !sh("git init -q .").status.success() {
        return println!("skipped: git is not installed");
    }
    sh("git add etc db");
    let done = sh(&recipe);
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stdout));
    fs::write(tree.path().join("db/pg_hba.conf"), "locl all all peer\n").unwrap();
    sh("git add db");
    let done = sh(&recipe);
    let said = String::from_utf8_lossy(&done.stdout);
    assert!(!done.status.success() && said.contains("db/pg_hba.conf:1:1") && !said.contains("nginx"), "{said}");
}
