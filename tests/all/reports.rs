//! Reports in all formats, baselines and fixes, as the built program makes them.
#![expect(clippy::print_stdout, reason = "what was skipped is told")]

use std::fs;
use std::path::Path;

use tempfile::TempDir;

use crate::cli::{USELESS, piped, run, tree};

const FORMATS: [&str; 11] =
    ["text", "concise", "json", "json-lines", "sarif", "github", "gitlab", "rdjson", "junit", "checkstyle", "markdown"];

fn read(tree: &TempDir, path: &str) -> String {
    fs::read_to_string(tree.path().join(path)).unwrap()
}

#[test]
fn all_formats_end_alike_and_come_at_once() {
    let clean = tree(&[("db/postgresql.conf", "port = 5432\n")]);
    let tree = tree(&[USELESS]);
    let files: Vec<String> = FORMATS.iter().map(|format| format!("--report={format}=out.{format}")).collect();
    let mut arguments = vec!["check", "db"];
    arguments.extend(files.iter().map(String::as_str));
    assert_eq!(run(&tree, &arguments), (1, String::new(), String::new()));
    for format in FORMATS {
        let (code, text, _) = run(&tree, &["check", "db", "--format", format]);
        assert_eq!((code, text), (1, read(&tree, &format!("out.{format}"))), "{format}");
        assert_eq!(run(&clean, &["check", "--format", format]).0, 0, "{format}");
        assert!(read(&tree, &format!("out.{format}")).contains("db/postgresql.conf"), "{format}");
    }
    let (code, _, trouble) = run(&tree, &["check", "--report", "sarf=x"]);
    assert_eq!(code, 2);
    assert!(trouble.contains("did you mean `sarif`?"), "{trouble}");
}

#[test]
fn a_summary_says_what_comes_of_a_pair() {
    let files = [
        ("a/PG_VERSION", "16\n"),
        ("a/postgresql.conf", "listen_addresses = '*'\n"),
        ("a/pg_hba.conf", "host replication repl 10.0.0.2/32 trust\n"),
        ("b/PG_VERSION", "16\n"),
        ("b/postgresql.conf", "primary_conninfo = 'host=10.0.0.1 user=repl'\n"),
        ("b/pg_hba.conf", "host replication repl 10.0.0.1/32 trust\n"),
        ("b/standby.signal", ""),
    ];
    let pair = ["check", "--primary", "a", "--standby", "b", "--standby-address", "10.0.0.2", "--format", "markdown"];
    let (_, text, _) = run(&tree(&files), &pair);
    assert!(text.contains("\n- standby b will stream from a\n"), "{text}");
}

/// CI systems read paths in their own formats from the top of their checkout, wherever the step runs.
#[test]
fn paths_of_ci_formats_begin_at_the_checkout() {
    let tree = tree(&[("deploy/db/postgresql.conf", USELESS.1)]);
    let top = tree.path().canonicalize().unwrap();
    let said = |format: &str| {
        let mut command = std::process::Command::new(insta_cmd::get_cargo_bin("pgconflint"));
        command.args(["check", "db", "--format", format]).current_dir(top.join("deploy"));
        command.env("GITHUB_WORKSPACE", &top).env("CI_PROJECT_DIR", &top);
        String::from_utf8(command.output().unwrap().stdout).unwrap()
    };
    assert!(said("github").contains("file=deploy/db/postgresql.conf,"), "{}", said("github"));
    assert!(said("sarif").contains("\"uri\": \"deploy/db/postgresql.conf\""), "{}", said("sarif"));
    assert!(said("gitlab").contains("\"path\": \"deploy/db/postgresql.conf\""), "{}", said("gitlab"));
    assert!(said("json").contains("\"file\": \"db/postgresql.conf\""), "the working directory, as ever");
}

/// Who uploads or parses a report finds one, which says why it holds nothing.
#[test]
fn reports_are_written_where_nothing_could_be_checked() {
    let tree = tree(&[("readme", "")]);
    for format in FORMATS {
        let report = format!("{format}=out.{format}");
        let (code, text, trouble) = run(&tree, &["check", "--report", &report]);
        assert_eq!((code, text.as_str()), (2, ""), "{format}");
        assert!(trouble.contains("nothing to check in ."), "{trouble}");
        let written = read(&tree, &format!("out.{format}"));
        let says_why = written.contains("nothing to check in .");
        let has_no_place = ["text", "concise", "json-lines", "gitlab", "rdjson", "checkstyle"].contains(&format);
        assert!(says_why || has_no_place, "{format}: {written}");
    }
    let (code, text, _) = run(&tree, &["check", "--format", "json"]);
    let document: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!((code, document["errors"].as_array().map(Vec::len)), (2, Some(1)));
}

/// A CI that shows JUnit shows what the exit code says.
#[test]
fn junit_is_red_where_the_exit_code_is_1() {
    let hba = "local all all trust\nlocal all all trust\n";
    let tree = tree(&[USELESS, ("db/pg_hba.conf", hba), ("clean/postgresql.conf", "port = 5432\n")]);
    let mut seen = [false; 2];
    for fail_on in [&[][..], &["--fail-on", "error"], &["--fail-on", "info"], &["--exit-zero"]] {
        for path in ["db", "clean"] {
            let (code, text, _) = run(&tree, &[&["check", path, "--format", "junit"], fail_on].concat());
            let counts = text.lines().find(|line| line.starts_with("<testsuites")).unwrap();
            let is_red = !counts.ends_with("failures=\"0\" errors=\"0\">");
            assert_eq!(is_red, code == 1, "{fail_on:?} {path}: {text}");
            seen[usize::from(is_red)] = true;
        }
    }
    assert_eq!(seen, [true, true]);
    // An entry of a baseline with nothing behind it is no finding, and red all the same if it was asked for.
    assert_eq!(run(&tree, &["baseline", "write", "db", "--baseline", "b.json"]).0, 0);
    fs::write(tree.path().join("db/postgresql.conf"), "port = 5432\n").unwrap();
    let stale = ["check", "db", "--baseline", "b.json", "--format", "junit"];
    let (code, text, _) = run(&tree, &stale);
    assert!(code == 0 && text.contains("failures=\"0\""), "{text}");
    let (code, text, _) = run(&tree, &[&stale[..], &["--fail-on-stale-baseline"]].concat());
    assert!(code == 1 && text.contains("1 entry of the baseline with less behind it"), "{text}");
    let (_, text, _) = run(&tree, &["check", "db", "--baseline", "b.json"]);
    assert!(text.contains("1 stale in the baseline"), "{text}");
}

#[test]
fn a_baseline_keeps_quiet_what_was_there() {
    let two = "wal_level = minimal\nmax_wal_senders = 5\nport = 1 # pgconflint: ignore[nothing]\n";
    let tree = tree(&[("db/postgresql.conf", two), ("db/PG_VERSION", "16\n")]);
    let (code, said, trouble) = run(&tree, &["baseline", "write"]);
    assert_eq!((code, said.as_str(), trouble.as_str()), (0, "pgconflint-baseline.json: 2 findings\n", ""));
    insta::assert_snapshot!(read(&tree, "pgconflint-baseline.json"));
    let with = ["check", "--baseline", "pgconflint-baseline.json"];
    let (code, text, trouble) = run(&tree, &with);
    assert_eq!((code, text.as_str()), (0, "nothing found in 1 file (2 in the baseline)\n"), "{trouble}");
    let (_, text, _) = run(&tree, &[&with[..], &["--format", "json"]].concat());
    let json: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(json["summary"]["baselined"], 2);
    // Lines may move, from wherever the run begins; what is new is told.
    let moved = format!("# one line more\n\n{two}work_mem = 1XB\n");
    fs::write(tree.path().join("db/postgresql.conf"), &moved).unwrap();
    let (code, text, _) = run(&tree, &["check", "db", "--baseline", "pgconflint-baseline.json", "--format", "concise"]);
    assert_eq!((code, text.lines().count()), (1, 1), "{text}");
    assert!(text.starts_with("db/postgresql.conf:6:"), "{text}");
    // More of the same than before: nobody knows which is new, so all of them are told.
    let more = format!("{two}work_mem = 4MB # pgconflint: ignore[nothing]\n");
    fs::write(tree.path().join("db/postgresql.conf"), more).unwrap();
    assert!(run(&tree, &with).1.contains("2 warnings"));
}

/// Wherever the baseline lies, it holds in every checkout.
#[test]
fn a_baseline_names_files_from_where_it_lies() {
    let files = [("db/postgresql.conf", "work_mem = 1XB\n"), ("db/PG_VERSION", "16\n"), ("ops/kept/README", "")];
    let (one, other) = (tree(&files), tree(&files));
    let with = ["--baseline", "ops/kept/b.json"];
    assert_eq!(run(&one, &[&["baseline", "write"], &with[..]].concat()).0, 0);
    let written = read(&one, "ops/kept/b.json");
    assert!(written.contains("\"../../db/postgresql.conf\""), "{written}");
    fs::write(other.path().join("ops/kept/b.json"), written).unwrap();
    let (code, text, _) = run(&other, &[&["check", "db"], &with[..]].concat());
    assert_eq!((code, text.as_str()), (0, "nothing found in 1 file (1 in the baseline)\n"));
}

#[test]
fn a_stale_baseline_is_told_and_pruned() {
    let tree = tree(&[
        ("db/postgresql.conf", "wal_level = minimal\nmax_wal_senders = 5\n"),
        ("db/PG_VERSION", "16\n"),
        ("other/postgresql.conf", USELESS.1),
    ]);
    assert_eq!(run(&tree, &["baseline", "write", "--baseline", "b.json"]).0, 0);
    fs::write(tree.path().join("db/postgresql.conf"), "wal_level = replica\n").unwrap();
    let with = ["check", "--baseline", "b.json"];
    let (code, _, notes) = run(&tree, &with);
    assert_eq!(code, 0);
    insta::assert_snapshot!(notes);
    assert_eq!(run(&tree, &[&with[..], &["--fail-on-stale-baseline"]].concat()).0, 1);
    // What was not looked at is not stale.
    for narrow in [
        &["check", "other", "--baseline", "b.json"][..],
        &["check", "--select", "unknown-suppression", "--baseline", "b.json"],
    ] {
        assert_eq!(run(&tree, narrow).2, "", "{narrow:?}");
    }
    assert_eq!(run(&tree, &["baseline", "prune", "--baseline", "b.json"]).1, "b.json: 1 finding dropped, 1 left\n");
    assert_eq!(run(&tree, &with), (0, "nothing found in 2 files (1 in the baseline)\n".to_owned(), String::new()));
    fs::remove_dir_all(tree.path().join("other")).unwrap();
    assert!(run(&tree, &with).2.contains("other/postgresql.conf: unknown-suppression"), "its file is gone");
    for (text, why) in [("{", "no baseline"), ("{\"schemaVersion\": 7, \"findings\": []}", "schemaVersion is 7")] {
        fs::write(tree.path().join("b.json"), text).unwrap();
        let (code, _, trouble) = run(&tree, &with);
        assert!(code == 2 && trouble.contains(why), "{trouble}");
    }
    assert_eq!(run(&tree, &["check", "--baseline", "none.json"]).0, 2);
    assert_eq!(run(&tree, &["baseline", "prune", "--baseline", "none.json"]).0, 2);
}

/// A comment about a rule that needs both nodes is not useless where one is looked at alone.
#[test]
fn a_comment_about_a_pair_stays_where_one_node_is_checked() {
    let line = "host replication repl 10.0.0.9/32 trust # pgconflint: ignore[standby-not-admitted] on purpose\n";
    let tree = tree(&[("a/PG_VERSION", "16\n"), ("a/postgresql.conf", ""), ("a/pg_hba.conf", line)]);
    let (_, text, _) = run(&tree, &["check", "--format", "concise"]);
    assert!(!text.contains("unused-suppression"), "{text}");
}

#[test]
fn fixes_leave_everything_else_as_it_was() {
    // Line ends of Windows, bytes that are not UTF-8, a comment that suppresses something else, no last line feed.
    let before = b"# sp\xe4t\r\nport = 5432\t# pgconflint: ignore[no-such-rule] why\xff\r\nwal_level = minimal # pgconflint: ignore[wal-level-minimal-with-senders]\r\nmax_wal_senders = 3\r\nwork_mem = 4MB # pgconflint: ignore[no-such-rule]";
    let after = b"# sp\xe4t\r\nport = 5432\r\nwal_level = minimal # pgconflint: ignore[wal-level-minimal-with-senders]\r\nmax_wal_senders = 3\r\nwork_mem = 4MB";
    let tree = tree(&[("db/PG_VERSION", "16\n")]);
    let path = tree.path().join("db/postgresql.conf");
    fs::write(&path, before).unwrap();
    let (_, diff, _) = run(&tree, &["check", "--diff"]);
    assert!(diff.contains("\\ No newline at end of file"), "{diff}");
    assert_eq!(fs::read(&path).unwrap(), before);
    let (_, _, trouble) = run(&tree, &["check", "--fix"]);
    assert_eq!(trouble, "");
    assert_eq!(fs::read(&path).unwrap(), after, "{}", String::from_utf8_lossy(&fs::read(&path).unwrap()));
}

#[test]
fn a_file_that_two_nodes_share_is_fixed_once() {
    let include = "include '../common.conf'\n";
    let common = "port = 1 # pgconflint: ignore[a-rule]\nwork_mem = 4MB # pgconflint: ignore[b-rule]\n";
    let tree = tree(&[("a/postgresql.conf", include), ("b/postgresql.conf", include), ("common.conf", common)]);
    let (code, diff, _) = run(&tree, &["check", "--diff"]);
    assert_eq!((code, diff.matches("+++").count()), (1, 1), "{diff}");
    assert_eq!(run(&tree, &["check", "--fix"]).2, "");
    assert_eq!(read(&tree, "common.conf"), "port = 1\nwork_mem = 4MB\n");
}

#[test]
#[cfg(unix)]
fn links_stay_and_what_is_read_only_is_not_written() {
    use std::os::unix::fs::PermissionsExt;
    let tree = tree(&[("real.conf", USELESS.1), ("db/PG_VERSION", "16\n")]);
    let (real, link) = (tree.path().join("real.conf"), tree.path().join("db/postgresql.conf"));
    std::os::unix::fs::symlink("../real.conf", &link).unwrap();
    fs::set_permissions(&real, fs::Permissions::from_mode(0o444)).unwrap();
    let (code, report, trouble) = run(&tree, &["check", "db", "--fix", "--format", "concise"]);
    assert_eq!(code, 2);
    assert!(report.contains("unknown-suppression"), "what was not mended is still told: {report}");
    assert!(trouble.contains("db/postgresql.conf: it is read-only, so nothing was changed"), "{trouble}");
    assert_eq!(fs::read_to_string(&real).unwrap(), USELESS.1);
    fs::set_permissions(&real, fs::Permissions::from_mode(0o640)).unwrap();
    assert_eq!(run(&tree, &["check", "db", "--fix"]).0, 0);
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(fs::metadata(&real).unwrap().permissions().mode() & 0o777, 0o640);
    assert_eq!(fs::read_to_string(&real).unwrap(), "port = 5432\n");
}

#[test]
fn standard_input_comes_out_once_whatever_else_is_fixed() {
    let tree = tree(&[USELESS]);
    let clean = "port = 1\n";
    let (_, text, _) = piped(&tree, &["check", "-", "db", "--kind", "conf", "--fix"], clean);
    assert_eq!(text, clean);
    assert_eq!(read(&tree, USELESS.0), "port = 5432\n");
    let arguments = ["check", "-", "--stdin-filename", "db/postgresql.conf", "--fix"];
    assert_eq!(piped(&tree, &arguments, USELESS.1).1, "port = 5432\n");
    assert_eq!(read(&tree, USELESS.0), "port = 5432\n", "the file of that name is not touched");
    let (code, diff, _) = piped(&tree, &["check", "-", "--kind", "conf", "--diff"], USELESS.1);
    assert_eq!(code, 1);
    assert!(diff.starts_with("--- a/-\n+++ b/-\n"), "{diff}");
    let (code, _, trouble) = run(&tree, &["check", "--unsafe-fixes"]);
    assert!(code == 2 && trouble.contains("--fix"), "{trouble}");
}

#[test]
fn a_value_cannot_be_a_command_or_markup() {
    let conf = "work_mem = '%0A::error::x|<b>`\u{7}'\n::error file=x::y\nport = 5432 | <script>\n";
    let tree = tree(&[("db/postgresql.conf", conf), ("db/PG_VERSION", "16\n")]);
    let (_, text, _) = run(&tree, &["check", "--format", "github"]);
    let is_ours = |line: &str| line.starts_with("::") && line.contains(" file=db/postgresql.conf,");
    assert!(text.lines().count() > 1 && text.lines().all(is_ours), "{text}");
    assert!(!text.contains("%0A::error::x"), "{text}");
    let (_, text, _) = run(&tree, &["check", "--format", "markdown"]);
    assert!(!text.contains("<b>") && !text.contains("<script>"), "{text}");
}

#[test]
fn messages_out_of_a_log_are_explained() {
    let tree = tree(&[]);
    let log = "2026-11-21 10:00:00.123 CET [4711] LOG:  starting PostgreSQL 16.4\n\
               2026-11-21 10:00:00.124 CET [4711] FATAL:  WAL streaming («max_wal_senders» > 0) requires wal_level \
               “replica” or “logical”\n";
    let (code, text, trouble) = piped(&tree, &["explain", "-"], log);
    assert_eq!(code, 0, "{trouble}");
    assert!(text.contains("wal-level-minimal-with-senders"), "{text}");
    let (code, text, _) = run(&tree, &["explain", "FATAL:", "WAL", "streaming", "(max_wal_senders", ">", "0)"]);
    assert!(code == 0 && text.contains("wal-level-minimal-with-senders"), "{text}");
    assert!(run(&tree, &["explain", "unused-suppression"]).1.contains("hides the fault"));
    let (_, text, _) = run(&tree, &["explain", "wal_keep_segments"]);
    assert!(text.contains("to 12") && text.contains("wal_keep_size"), "{text}");
    assert_eq!(piped(&tree, &["explain", "-"], "LOG:  nobody has ever said this before\n").0, 2);
}

#[test]
fn a_new_page_passes_its_tests() {
    let tree = tree(&[("pgconflint.toml", "rules = ['policy/*.md']\n")]);
    assert_eq!(run(&tree, &["rules", "test"]).0, 2, "there is no page yet");
    let (code, said, trouble) = run(&tree, &["rules", "new", "policy/huge-work-memory"]);
    assert_eq!(code, 0, "{trouble}");
    assert!(said.contains("policy/huge-work-memory.md is written"), "{said}");
    let (code, text, _) = run(&tree, &["rules", "test"]);
    assert_eq!(code, 0, "{text}");
    assert!(run(&tree, &["explain", "huge-work-memory"]).1.contains("work_mem"));
    let again = ("policy/huge-work-memory.md", "File exists");
    for (name, why) in [("policy/Bad Name", "no name for a rule"), ("repeated-setting", "already"), again] {
        let (code, _, trouble) = run(&tree, &["rules", "new", name]);
        assert!(code == 2 && trouble.contains(why), "{trouble}");
    }
}

#[test]
fn each_command_has_a_page_of_the_manual() {
    let tree = tree(&[("man/x", "")]);
    assert_eq!(run(&tree, &["man", "man"]).0, 0);
    for page in ["pgconflint.1", "pgconflint-check.1", "pgconflint-baseline-write.1", "pgconflint-explain.1"] {
        assert!(read(&tree, &format!("man/{page}")).contains(".TH"), "{page}");
    }
    for shell in ["bash", "zsh", "fish"] {
        let (code, script, _) = run(&tree, &["completions", shell]);
        assert!(code == 0 && script.contains("fail-on-stale-baseline") && script.contains("sarif"), "{shell}");
    }
}

/// The programs that read reports, as far as this machine has them; `packaging/try` says which.
#[test]
fn consumers_that_are_here_read_the_reports() {
    let python = std::process::Command::new("python3").arg("--version").output();
    if !python.is_ok_and(|output| output.status.success()) {
        println!("skipped: there is no python3");
        return;
    }
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging/try");
    let program = insta_cmd::get_cargo_bin("pgconflint");
    let output = std::process::Command::new("python3").arg(script).arg(program).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    println!("{said}");
}
