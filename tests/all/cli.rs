//! The program as users and other programs see it: output, exit codes, files.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use insta_cmd::get_cargo_bin;
use tempfile::TempDir;

/// A directory with these files.
pub fn tree(files: &[(&str, &str)]) -> TempDir {
    let tree = tempfile::tempdir().expect("a temporary directory");
    for (name, text) in files {
        let path = tree.path().join(name);
        fs::create_dir_all(path.parent().expect("it has one")).expect("made");
        fs::write(path, text).expect("written");
    }
    tree
}

fn command(tree: &TempDir, arguments: &[&str]) -> Command {
    let mut command = Command::new(get_cargo_bin("pgconflint"));
    command.current_dir(tree.path()).args(arguments);
    for variable in ["NO_COLOR", "CLICOLOR_FORCE", "CLICOLOR", "COLUMNS"] {
        command.env_remove(variable);
    }
    command
}

/// Exit code, standard output, standard error.
pub fn run(tree: &TempDir, arguments: &[&str]) -> (i32, String, String) {
    seen(command(tree, arguments).output().expect("it runs"))
}

fn seen(output: Output) -> (i32, String, String) {
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
    (output.status.code().expect("it exits"), text(output.stdout), text(output.stderr))
}

pub fn piped(tree: &TempDir, arguments: &[&str], input: &str) -> (i32, String, String) {
    let mut command = command(tree, arguments);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("it runs");
    let mut stdin = child.stdin.take().expect("it is piped");
    stdin.write_all(input.as_bytes()).expect("it reads");
    drop(stdin);
    seen(child.wait_with_output().expect("it ends"))
}

/// A node in which one warning is found, with a safe fix.
pub const USELESS: (&str, &str) = ("db/postgresql.conf", "port = 5432 # pgconflint: ignore[no-such-rule] why\n");

#[test]
fn help_is_short_and_grouped() {
    let tree = tree(&[]);
    let (code, text, _) = run(&tree, &["check", "-h"]);
    assert_eq!(code, 0);
    insta::assert_snapshot!(text);
    insta::assert_snapshot!(run(&tree, &["--help"]).1);
}

#[test]
fn a_clean_node_is_0_and_findings_are_1() {
    let clean = tree(&[("db/postgresql.conf", "port = 5432\n")]);
    assert_eq!(run(&clean, &["check"]), (0, "nothing found in 1 file\n".to_owned(), String::new()));
    let tree = tree(&[USELESS]);
    let (code, text, trouble) = run(&tree, &["check", "--format", "concise"]);
    assert_eq!((code, trouble.as_str()), (1, ""));
    assert_eq!(
        text,
        "db/postgresql.conf:1:34: warning: there is no rule `no-such-rule`, so this suppresses nothing [unknown-suppression]\n"
    );
    for format in ["text", "concise", "json", "json-lines"] {
        assert_eq!(run(&tree, &["check", "--format", format]).0, 1, "{format}");
        assert_eq!(run(&clean, &["check", "--format", format]).0, 0, "{format}");
    }
}

#[test]
fn severities_decide_the_exit_code() {
    let tree = tree(&[USELESS]);
    assert_eq!(run(&tree, &["check", "--fail-on", "error"]).0, 0);
    assert_eq!(run(&tree, &["check", "--fail-on", "info"]).0, 1);
    assert_eq!(run(&tree, &["check", "--exit-zero"]).0, 0);
    let (code, text, _) = run(&tree, &["check", "--min-severity", "error"]);
    assert_eq!((code, text.as_str()), (0, "nothing found in 1 file\n"));
    fs::write(tree.path().join("pgconflint.toml"), "[severity]\nunknown-suppression = 'info'\n").expect("written");
    assert_eq!(run(&tree, &["check"]).0, 0);
    assert_eq!(run(&tree, &["check", "--isolated"]).0, 1);
}

#[test]
fn rules_are_chosen() {
    let tree = tree(&[USELESS]);
    assert_eq!(run(&tree, &["check", "--select", "unused-suppression"]).0, 0);
    assert_eq!(run(&tree, &["check", "--ignore", "unknown-suppression"]).0, 0);
    assert_eq!(run(&tree, &["check", "--no-ignores"]).0, 0);
    fs::write(tree.path().join("pgconflint.toml"), "ignore = ['unknown-suppression']\n").expect("written");
    assert_eq!(run(&tree, &["check"]).0, 0);
    assert_eq!(run(&tree, &["check", "--select", "unknown-suppression"]).0, 1);
    let (code, _, trouble) = run(&tree, &["check", "--ignore", "unused-supression"]);
    assert_eq!(code, 2);
    assert_eq!(
        trouble,
        "pgconflint: error: there is no rule `unused-supression`; did you mean `unused-suppression`?\n"
    );
}

#[test]
fn what_cannot_be_done_is_2() {
    let tree = tree(&[("db/postgresql.conf", "port = 1\n"), ("x/readme.txt", ""), ("bad.toml", "pgg = 1\n")]);
    let mut seen = String::new();
    for arguments in [
        &["chekc"][..],
        &["check", "--pg", "15beta1"],
        &["check", "--pg", "9.2"],
        &["check", "--format", "yaml"],
        &["check", "--report", "jsn=out.json"],
        &["check", "--report", "json", "--report", "text"],
        &["check", "none"],
        &["check", "x"],
        &["check", "x/readme.txt"],
        &["check", "-"],
        &["check", "db", "--config", "bad.toml"],
        &["check", "db", "--config", "none.toml"],
        &["check", "db", "--report", "json=none/out.json"],
    ] {
        let (code, _, trouble) = run(&tree, arguments);
        assert_eq!(code, 2, "{arguments:?}");
        assert!(trouble.starts_with("pgconflint: error: "), "{arguments:?}: {trouble}");
        seen.push_str(&format!("$ {}\n{trouble}\n", arguments.join(" ")));
    }
    insta::assert_snapshot!(seen);
    assert_eq!(run(&tree, &["check", "x", "--allow-empty"]).0, 0);
    assert_eq!(run(&tree, &["check", "db", "none"]).1, "nothing found in 1 file\n", "the rest is checked all the same");
}

#[test]
fn an_unreadable_file_is_trouble_and_in_the_document() {
    let tree = tree(&[("db/PG_VERSION", "16\n"), ("db/postgresql.conf/x", "")]);
    let (code, text, trouble) = run(&tree, &["check", "--format", "json"]);
    assert_eq!((code, trouble.as_str()), (2, "pgconflint: error: db/postgresql.conf: Is a directory\n"));
    let document: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(document["errors"], serde_json::json!([{"file": "db/postgresql.conf", "message": "Is a directory"}]));
}

#[test]
fn json_is_valid_by_the_published_schema() {
    let schema = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/schema/diagnostics-v1.schema.json");
    let schema: serde_json::Value = serde_json::from_slice(&fs::read(schema).expect("it is there")).expect("JSON");
    let validator = jsonschema::validator_for(&schema).expect("a schema");
    for text in [USELESS.1, "port = 5432\n"] {
        let (_, text, _) = run(&tree(&[("db/postgresql.conf", text)]), &["check", "--format", "json"]);
        let document: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        assert!(validator.is_valid(&document), "{text}");
        assert_eq!(document["summary"]["files"], 1);
    }
    // What comes with source: faults of all kinds, nodes that follow each other or fail to.
    let top = Path::new(env!("CARGO_MANIFEST_DIR"));
    let directories = |path: &str| -> Vec<String> {
        let entries = fs::read_dir(top.join(path)).expect("it is there").flatten().map(|entry| entry.path());
        entries.filter(|path| path.is_dir()).map(|path| path.to_str().expect("UTF-8").to_owned()).collect()
    };
    let single = ["testdata/node", "testdata/book/broken"].into_iter().flat_map(directories).map(|path| vec![path]);
    let pairs = directories("testdata/pair/guides").into_iter().map(|path| {
        vec!["--primary".to_owned(), format!("{path}/primary"), "--standby".to_owned(), format!("{path}/standby")]
    });
    let (mut nodes, mut documents) = (0, 0);
    for arguments in single.chain(pairs) {
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let (code, text, trouble) = run(&tree(&[]), &[&["check", "--format", "json"], &arguments[..]].concat());
        assert_ne!(code, 2, "{arguments:?}: {trouble}");
        let document: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        let faults: Vec<String> = validator.iter_errors(&document).map(|fault| fault.to_string()).collect();
        assert_eq!(faults, [""; 0], "{arguments:?}");
        nodes += document["nodes"].as_array().map_or(0, Vec::len);
        documents += 1;
    }
    assert!(documents > 30 && nodes > 30, "{documents} documents, {nodes} nodes");
}

#[test]
fn several_reports_are_written_at_once() {
    let tree = tree(&[USELESS]);
    let (code, text, _) =
        run(&tree, &["check", "--report", "concise", "--report", "json=out.json", "--report", "text=out.txt"]);
    assert_eq!((code, text.lines().count()), (1, 1));
    let json: serde_json::Value =
        serde_json::from_slice(&fs::read(tree.path().join("out.json")).expect("written")).expect("JSON");
    assert_eq!(json["diagnostics"][0]["ruleId"], "unknown-suppression");
    assert!(fs::read_to_string(tree.path().join("out.txt")).expect("written").contains("1 warning in 1 file"));
}

#[test]
fn standard_input_goes_by_a_name() {
    let tree = tree(&[]);
    let (code, text, _) = piped(
        &tree,
        &["check", "-", "--stdin-filename", "a/postgresql.conf", "--format", "concise"],
        "# pgconflint: ignore[x]\n",
    );
    assert_eq!(code, 1);
    assert!(text.starts_with("a/postgresql.conf:1:22: warning:"), "{text}");
    assert_eq!(piped(&tree, &["check", "-", "--kind", "conf"], "port = 1\n").0, 0);
    assert_eq!(piped(&tree, &["check", "-", "--stdin-filename", "x"], "").0, 2);
}

#[test]
fn pg_hba_conf_is_read_as_part_of_a_node_and_alone() {
    let tree = tree(&[("db/postgresql.conf", "port = 1\n"), ("db/pg_hba.conf/x", "")]);
    assert_eq!(run(&tree, &["check"]).0, 2);
    assert_eq!(piped(&tree, &["check", "-", "--kind", "hba"], "# pgconflint: ignore[x]\nlocal all all peer\n").0, 1);
}

#[test]
fn fixes_are_written_shown_or_held_back() {
    let fixed = "port = 5432\n";
    let tree = tree(&[USELESS]);
    let path = tree.path().join(USELESS.0);
    let (code, text, _) = run(&tree, &["check", "--diff"]);
    assert_eq!(code, 1);
    insta::assert_snapshot!(text);
    assert_eq!(fs::read_to_string(&path).expect("there"), USELESS.1, "--diff changes nothing");
    let stdin = piped(&tree, &["check", "-", "--fix", "--stdin-filename", "postgresql.conf"], USELESS.1);
    assert_eq!(stdin, (0, fixed.to_owned(), String::new()));
    assert_eq!(piped(&tree, &["check", "-", "--fix", "--kind", "conf"], fixed).1, fixed);
    assert_eq!(run(&tree, &["check", "--fix"]), (0, "nothing found in 1 file\n".to_owned(), String::new()));
    assert_eq!(fs::read_to_string(&path).expect("there"), fixed);
    assert_eq!(run(&tree, &["check", "--diff"]), (0, String::new(), String::new()));
}

#[test]
fn statistics_count_by_rule() {
    let tree = tree(&[USELESS, ("db2/postgresql.conf", USELESS.1)]);
    let (_, text, _) = run(&tree, &["check", "--statistics"]);
    assert!(text.starts_with("     2  unknown-suppression  (2 fixable)\n2 warnings in 2 files"), "{text}");
}

#[test]
fn many_nodes_come_out_in_order() {
    let names: Vec<String> = (0..60).map(|index| format!("n{index:02}/postgresql.conf")).collect();
    let files: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), USELESS.1)).collect();
    let (_, text, _) = run(&tree(&files), &["check", "--format", "concise"]);
    let seen: Vec<&str> = text.lines().filter_map(|line| line.split(':').next()).collect();
    assert_eq!(seen, names);
}

#[test]
fn a_preview_says_so() {
    let tree = tree(&[("db/postgresql.conf", "port = 1\n")]);
    let (code, _, notes) = run(&tree, &["check", "--pg", "19"]);
    assert_eq!(
        (code, notes.as_str()),
        (0, "pgconflint: note: 19 is a preview: it has not been released and may change\n")
    );
    assert_eq!(run(&tree, &["check", "--pg", "18"]).2, "");
}

#[test]
fn colours_obey() {
    let tree = tree(&[USELESS]);
    let colored = |command: &mut Command| seen(command.output().expect("it runs")).1.contains("\u{1b}[");
    assert!(!colored(&mut command(&tree, &["check"])), "a pipe has none");
    assert!(colored(&mut command(&tree, &["check", "--color", "always"])));
    assert!(colored(command(&tree, &["check"]).env("CLICOLOR_FORCE", "1")));
    assert!(!colored(command(&tree, &["check", "--color", "never"]).env("CLICOLOR_FORCE", "1")));
    assert!(!colored(command(&tree, &["check"]).env("CLICOLOR_FORCE", "1").env("NO_COLOR", "1")));
}

#[test]
fn a_closed_pipe_ends_quietly() {
    let names: Vec<String> = (0..3_000).map(|index| format!("# pgconflint: ignore[rule-{index}]\n")).collect();
    let tree = tree(&[("db/postgresql.conf", &names.concat())]);
    let mut command = command(&tree, &["check"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it runs");
    drop(child.stdout.take());
    let (code, _, trouble) = seen(child.wait_with_output().expect("it ends"));
    assert_eq!((code, trouble.as_str()), (1, ""));
}

#[test]
fn a_root_holds_absolute_paths() {
    let tree = tree(&[("image/etc/postgresql/14/main/postgresql.conf", USELESS.1)]);
    let (code, text, _) = run(&tree, &["check", "/etc/postgresql", "--root", "image", "--format", "json"]);
    let document: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    let found = &document["diagnostics"][0];
    assert_eq!((code, &found["file"]), (1, &"image/etc/postgresql/14/main/postgresql.conf".into()));
    assert_eq!(found["pg"], serde_json::json!(["14"]), "the path names the version");
}

#[test]
fn the_data_of_a_node_elsewhere_is_no_node() {
    let (main, data) = ("root/etc/postgresql/15/main", "root/var/lib/postgresql/15/main");
    let file = |directory: &str, name: &str| format!("{directory}/{name}");
    let conf = "include 'paths.conf'\n";
    let paths = "data_directory = '/var/lib/postgresql/15/main'\nhba_file = '/etc/postgresql/15/main/pg_hba.conf'\n";
    let tree = tree(&[
        (&file(main, "postgresql.conf"), conf),
        (&file(main, "paths.conf"), paths),
        (&file(main, "pg_hba.conf"), "local all all peer\n"),
        (&file(data, "PG_VERSION"), "15\n"),
        (&file(data, "postgresql.auto.conf"), ""),
        (&file(data, "global/pg_control"), ""),
    ]);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(tree.path().join(data), fs::Permissions::from_mode(0o700)).unwrap();
    }
    let (code, text, _) = run(&tree, &["check", "root", "--root", "root", "--format", "json"]);
    let document: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!((code, &document["diagnostics"]), (0, &serde_json::json!([])));
    assert_eq!(document["summary"]["files"], 3, "one node, and pg_hba.conf of it");
    // By itself it has a pg_hba.conf that nobody has seen named.
    assert_eq!(run(&tree, &["check", data]).0, 0);
}

#[test]
fn names_of_nodes_come_from_the_configuration() {
    let tree = tree(&[USELESS, ("pgconflint.toml", "pg = '12..14'\n[[node]]\nname = 'first'\npath = 'db'\n")]);
    let (_, text, _) = run(&tree, &["check", "db", "--format", "json-lines"]);
    let found: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(found["node"], "first");
    assert_eq!(found["pg"], serde_json::json!(["12", "13", "14"]));
}

/// What cannot be seen is named: between two backquotes a blank would be nothing.
#[test]
fn a_fix_that_writes_a_blank_says_so() {
    let tree = tree(&[("postgresql.conf", "work_mem =\u{a0}4MB\n")]);
    let (_, text, _) = run(&tree, &["check", "--pg", "16", "postgresql.conf"]);
    assert!(text.contains("safe fix: write a blank\n"), "{text}");
}

#[test]
fn completions_and_manual_are_printed() {
    let tree = tree(&[]);
    assert!(run(&tree, &["completions", "bash"]).1.contains("pgconflint"));
    // `help` completes commands of commands as well.
    let fish = run(&tree, &["completions", "fish"]).1;
    for (command, below) in [("rules", "list"), ("baseline", "prune")] {
        let is_said =
            |line: &str| line.contains(&format!("from {command}\" -f -a \"{below}\"")) && line.contains(" help;");
        assert!(fish.lines().any(is_said), "{fish}");
    }
    assert!(run(&tree, &["man"]).1.contains(".TH pgconflint"));
}

#[test]
fn settings_say_where_each_value_comes_from() {
    let conf = "work_mem = 1MB\nport = none\nWORK_MEM = 4MB\nprimary_conninfo = 'host=x password=s3cret'\n";
    let tree = tree(&[("db/postgresql.conf", conf), ("db/PG_VERSION", "15\n")]);
    let names = ["work_mem", "port", "primary_conninfo", "wal_level"];
    let (code, text, _) = run(&tree, &[&["settings", "db"], &names[..]].concat());
    assert_eq!(code, 0);
    insta::assert_snapshot!(text);
    let (_, text, _) = run(&tree, &[&["settings", "db", "--format", "json"], &names[..]].concat());
    insta::assert_snapshot!(text);
    assert!(run(&tree, &["settings", "db"]).1.lines().count() > 300);
    assert!(run(&tree, &["settings", "db", "--show-secrets"]).1.contains("s3cret"));
    let (code, _, trouble) = run(&tree, &["settings", "db", "wrok_mem"]);
    assert_eq!(
        (code, trouble.as_str()),
        (2, "pgconflint: error: 15 has no setting `wrok_mem`; did you mean `work_mem`?\n")
    );
    assert_eq!(run(&tree, &["settings", "none"]).0, 2);
}

#[test]
fn settings_are_those_of_a_started_server() {
    let conf =
        "shared_buffers = 1GB\nMy.Var = 'a\tb'\nTimeZone = '5'\nlog_file_mode = 0640\nmy.var = 'c'\nwal_buffers = -1\n";
    let tree = tree(&[("db/postgresql.conf", conf), ("db/PG_VERSION", "18\n")]);
    let (code, text, _) = run(&tree, &["settings", "db", "--format", "json"]);
    let document: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    let value = |name: &str| {
        let named = |setting: &&serde_json::Value| setting["name"] == name;
        document["settings"].as_array().and_then(|all| all.iter().find(named)).expect("listed")["value"].clone()
    };
    let whole = |name: &str| tree.path().join("db").join(name).display().to_string();
    assert_eq!(code, 0);
    assert_eq!([value("wal_buffers"), value("TimeZone")], ["2048", "<+05>-05"]);
    assert_eq!([value("log_file_mode"), value("my.var"), value("max_stack_depth")], ["0640", "c", "2048"]);
    assert_eq!([value("hba_file"), value("config_file")], [whole("pg_hba.conf"), whole("postgresql.conf")]);
    let (_, text, _) = run(&tree, &["settings", "db", "my.VAR", "data_checksums", "server_version"]);
    assert_eq!(
        text.lines().map(|line| line.split("  ").next().unwrap_or(line)).collect::<Vec<_>>(),
        [
            "data_checksums: initdb has decided it, and no global/pg_control is at hand to tell # default",
            "my.var = c",
            "server_version: only a running server knows it",
        ]
    );
    assert!(run(&tree, &["settings", "db", "my.other"]).2.contains("no setting `my.other`"));
}

#[test]
fn rules_parameters_and_messages_are_explained() {
    let tree = tree(&[]);
    let (code, list, _) = run(&tree, &["rules"]);
    assert_eq!(code, 0);
    assert_eq!(list, run(&tree, &["rules", "list"]).1);
    let first = list.split_whitespace().next().expect("there are rules");
    assert!(run(&tree, &["explain", first]).1.contains(first));
    assert!(run(&tree, &["explain", "wal_level"]).1.contains("10 to 13: enum"));
    let said = run(&tree, &["explain", "FATAL:  WAL archival cannot be enabled when wal_level is \"minimal\""]).1;
    assert!(said.contains("wal-level-minimal-with-archiving"), "{said}");
    let (code, _, trouble) = run(&tree, &["explain", "wal_levle"]);
    assert_eq!(code, 2);
    assert!(trouble.ends_with("did you mean `wal_level`?\n"), "{trouble}");
}

/// A primary and a standby of 16 that only lack what a test takes away.
fn pair(directory: &Path) {
    let files = [
        ("a/PG_VERSION", "16\n"),
        ("a/postgresql.conf", "listen_addresses = '*'\nmax_connections = 200\n"),
        ("a/pg_hba.conf", "host replication repl 10.0.0.2/32 trust\n"),
        ("b/PG_VERSION", "16\n"),
        ("b/postgresql.conf", "listen_addresses = '*'\nmax_connections = 200\n"),
        ("b/postgresql.auto.conf", "primary_conninfo = 'host=10.0.0.1 user=repl'\n"),
        ("b/pg_hba.conf", "host replication repl 10.0.0.1/32 trust\n"),
        ("b/standby.signal", ""),
    ];
    for (name, text) in files {
        let path = directory.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
}

#[test]
fn a_standby_and_its_primary_end_with_a_sentence() {
    let directory = tempfile::tempdir().unwrap();
    pair(directory.path());
    let said = |more: &[&str]| {
        let asked = [&["check", "--primary", "a", "--standby", "b"], more].concat();
        let output = command(&directory, &asked).output().unwrap();
        (output.status.code(), String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap())
    };
    let (_, text, _) = said(&["--standby-address", "10.0.0.2"]);
    assert!(text.contains("\nstandby b will stream from a\n"), "{text}");
    assert!(text.contains("taken for granted: role `repl`"), "{text}");
    let (_, text, _) = said(&[]);
    assert!(text.contains("standby b will stream from a, if it comes from an address"), "{text}");
    let (code, text, _) = said(&["--standby-address", "10.0.0.3"]);
    assert_eq!(code, Some(1));
    assert!(text.contains("standby b will not stream from a, because: No line of a's pg_hba.conf"), "{text}");
    let (_, text, _) = said(&["--standby-address", "10.0.0.3", "--format", "json"]);
    let document: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(document["nodes"][1]["streams"], "no");
    assert_eq!(document["nodes"][1]["upstream"], "a");
    // What is ignored is not reported, and holds all the same.
    let (code, text, _) =
        said(&["--standby-address", "10.0.0.3", "--ignore", "standby-not-admitted", "--fail-on", "error"]);
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("standby b will not stream from a"), "{text}");
    std::fs::remove_file(directory.path().join("b/standby.signal")).unwrap();
    let (_, text, _) = said(&["--standby-address", "10.0.0.2"]);
    assert!(text.contains("standby b will not stream from a, because: Nothing makes b a standby"), "{text}");
    for (more, why) in [
        (vec!["--standby", "nowhere"], "nowhere: No such file or directory"),
        (vec!["--standby", "a/PG_VERSION"], "it is no directory of a node"),
        (vec!["--role", "standby"], "--role says what"),
    ] {
        let (code, _, trouble) = said(&more);
        assert_eq!(code, Some(2), "{more:?}");
        assert!(trouble.contains(why), "{trouble}");
    }
}

#[test]
fn nodes_of_the_configuration_are_checked_together() {
    let directory = tempfile::tempdir().unwrap();
    pair(directory.path());
    let config = "[[node]]\nname = 'db1'\npath = 'a'\naddress = ['10.0.0.1']\n\
                  [[node]]\nname = 'db2'\npath = 'b'\nupstream = 'db1'\naddress = ['10.0.0.2']\n";
    std::fs::write(directory.path().join("pgconflint.toml"), config).unwrap();
    let output = command(&directory, &["check"]).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("\nstandby db2 will stream from db1\n"), "{text}");
    // One of them alone is just itself.
    let output = command(&directory, &["check", "b"]).output().unwrap();
    assert!(!String::from_utf8(output.stdout).unwrap().contains("will stream"));
    std::fs::write(directory.path().join("pgconflint.toml"), config.replace("10.0.0.2", "db2.example")).unwrap();
    let output = command(&directory, &["check"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8(output.stderr).unwrap().contains("`db2.example` is no IP address"));
}
