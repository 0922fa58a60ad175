//! What pgconflint.toml says of a project: what is left out, the baseline, where data lie.

use std::fs;

use crate::cli::{piped, run, tree};

const BAD: &str = "wal_level = minimal\nmax_wal_senders = 5\n";

#[test]
fn what_is_excluded_is_checked_only_by_its_name() {
    let tree = tree(&[
        ("pgconflint.toml", "exclude = ['samples', 'deep/old']\n"),
        ("db1/postgresql.conf", "port = 1\n"),
        ("samples/postgresql.conf", BAD),
        ("db1/samples/pg_hba.conf", "no-such-type\n"),
        ("deep/old/node/postgresql.conf", BAD),
    ]);
    let code = |arguments: &[&str]| run(&tree, &[&["check"], arguments].concat()).0;
    assert_eq!(run(&tree, &["check"]), (0, "nothing found in 1 file\n".to_owned(), String::new()));
    for named in ["samples", "samples/postgresql.conf", "db1/samples/pg_hba.conf", "deep/old", "./deep/old/node"] {
        assert_eq!((code(&[named]), code(&[named, "--force-exclude"])), (1, 0), "{named}");
        assert_eq!(code(&[named, "--force-exclude", "--isolated"]), 1, "{named}");
    }
    // From within, and by way of another directory.
    assert_eq!(code(&["db1/../samples"]), 1);
    assert_eq!(code(&["db1/../samples", "--force-exclude"]), 0);
    let trouble = "pgconflint: error: nothing to check in deep: pgconflint.toml excludes what is there\n";
    assert_eq!(run(&tree, &["check", "deep"]), (2, String::new(), trouble.to_owned()));
    assert_eq!(code(&["deep", "--allow-empty"]), 0);
    assert_eq!(code(&["none", "--force-exclude"]), 2, "a name with nothing behind it stays trouble");
    let standard_input = ["check", "-", "--stdin-filename", "samples/postgresql.conf", "--fix"];
    assert_eq!(piped(&tree, &standard_input, BAD).0, 1);
    let forced = [&standard_input[..], &["--force-exclude"]].concat();
    assert_eq!(piped(&tree, &forced, BAD), (0, BAD.to_owned(), String::new()), "a filter loses no text");
}

#[test]
fn what_is_excluded_may_be_unreadable() {
    let tree = tree(&[("pgconflint.toml", "exclude = ['broken']\n"), ("db/postgresql.conf", "port = 1\n")]);
    fs::create_dir_all(tree.path().join("broken/postgresql.conf")).unwrap();
    fs::write(tree.path().join("broken/PG_VERSION"), "16\n").unwrap();
    assert_eq!(run(&tree, &["check"]).0, 0);
    assert_eq!(run(&tree, &["check", "--isolated"]).0, 2);
}

#[test]
fn a_baseline_may_stand_in_the_configuration() {
    let tree = tree(&[
        ("a/pgconflint.toml", "baseline = 'known.json'\n"),
        ("a/db/postgresql.conf", BAD),
        ("b/pgconflint.toml", "baseline = '../b.json'\n"),
        ("b/db/postgresql.conf", BAD),
    ]);
    let (code, _, trouble) = run(&tree, &["check", "a"]);
    assert_eq!(code, 2);
    assert_eq!(
        trouble,
        "pgconflint: error: a/known.json: No such file or directory (`baseline` in a/pgconflint.toml; `pgconflint baseline write` makes it)\n"
    );
    assert_eq!(run(&tree, &["check", "a", "--isolated"]).0, 1);
    assert_eq!(run(&tree, &["baseline", "write", "a"]).1, "a/known.json: 1 finding\n");
    assert_eq!(run(&tree, &["baseline", "write", "b"]).1, "b/../b.json: 1 finding\n");
    assert_eq!(run(&tree, &["check"]).1, "nothing found in 2 files (2 in the baseline)\n");
    fs::write(tree.path().join("b/db/postgresql.conf"), "port = 1\n").unwrap();
    let (code, text, trouble) = run(&tree, &["check", "--fail-on-stale-baseline"]);
    assert_eq!((code, text.as_str()), (1, "nothing found in 2 files (1 in the baseline, 1 stale in the baseline)\n"));
    assert!(trouble.starts_with("pgconflint: note: b/../b.json: "), "{trouble}");
    assert_eq!(trouble.lines().count(), 2, "{trouble}");
    // One that is named goes before.
    fs::write(tree.path().join("empty.json"), "{\"schemaVersion\": 1, \"findings\": []}").unwrap();
    assert_eq!(run(&tree, &["check", "--baseline", "empty.json"]).0, 1);
    let (code, _, trouble) = run(&tree, &["check", "--isolated", "--fail-on-stale-baseline"]);
    assert_eq!(code, 2);
    assert!(trouble.contains("wants a baseline"), "{trouble}");
}

#[test]
fn a_data_directory_that_is_named_is_at_hand() {
    let conninfo = "primary_conninfo = 'host=10.0.0.1 user=repl'\n";
    let tree = tree(&[("db2/postgresql.conf", conninfo), ("db2/pg_hba.conf", "local all all peer\n")]);
    let config = |more: &str| {
        let text = format!("[[node]]\nname = 'db2'\npath = 'db2'\npg = '16'\nrole = 'standby'\n{more}");
        fs::write(tree.path().join("pgconflint.toml"), text).unwrap();
        run(&tree, &["check", "--format", "concise", "--select", "conninfo-without-standby-signal"])
    };
    assert_eq!(config("").0, 0, "it may lie elsewhere");
    assert_eq!(config("data_dir = '/none/such'\n").0, 0, "it lies elsewhere");
    let (code, text, _) = config("data_dir = 'db2'\n");
    assert_eq!(code, 1);
    assert!(text.starts_with("db2/postgresql.conf:1:1: warning: This node is to be a standby"), "{text}");
    fs::write(tree.path().join("db2/standby.signal"), "").unwrap();
    assert_eq!(config("data_dir = 'db2'\n").0, 0);
}

#[test]
fn a_standby_that_is_none_any_more_is_told_from_the_revision_before() {
    let tree = tree(&[("old/db/postgresql.conf", ""), ("old/db/standby.signal", ""), ("new/db/postgresql.conf", "")]);
    let select = ["--pg", "16", "--select", "no-longer-a-standby"];
    let code = |paths: &[&str]| run(&tree, &[&["check"], paths, &select[..]].concat()).0;
    assert_eq!(code(&["new", "--base", "old"]), 1);
    assert_eq!(code(&["old", "--base", "new"]), 0);
    assert_eq!(code(&["old", "--base", "old"]), 0);
}

#[test]
fn a_node_that_is_named_must_be_there() {
    let conf = "port = 5432\n";
    let tree = tree(&[
        ("pgconflint.toml", "[[node]]\nname = 'a'\npath = 'a'\n[[node]]\nname = 'b'\npath = 'b'\nupstream = 'a'\n"),
        ("a/postgresql.conf", conf),
        ("a/pg_hba.conf", "local all all peer\n"),
        ("other/postgresql.conf", conf),
    ]);
    let told = "pgconflint: error: pgconflint.toml:6:9: node `b` is not there: b has no file of a node\n";
    // The whole tree, and one end of the pair; who asks about something else has nothing to do with it.
    for paths in [vec![], vec!["."], vec!["a"]] {
        let (code, _, trouble) = run(&tree, &[&["check"], &paths[..]].concat());
        assert_eq!((code, trouble.as_str()), (2, told), "{paths:?}");
    }
    assert_eq!(run(&tree, &["check", "other"]).0, 0);
    // Nothing at all is left: finding nothing is no error then, but that is.
    fs::remove_dir_all(tree.path().join("a")).unwrap();
    fs::remove_dir_all(tree.path().join("other")).unwrap();
    let (code, _, trouble) = run(&tree, &["check", "--allow-empty"]);
    assert_eq!((code, trouble.lines().count()), (2, 2), "{trouble}");
    fs::create_dir_all(tree.path().join("a")).unwrap();
    fs::write(tree.path().join("a/postgresql.conf"), conf).unwrap();
    fs::write(tree.path().join("pgconflint.toml"), "[[node]]\nname = 'a'\npath = 'a'\ndata_dir = 'data'\n").unwrap();
    let (code, _, trouble) = run(&tree, &["check", "a"]);
    let told = "pgconflint: error: pgconflint.toml:4:13: the data directory of node `a` is not there: data\n";
    assert_eq!((code, trouble.as_str()), (2, told));
}

#[cfg(unix)]
#[test]
fn a_link_that_leads_nowhere_is_no_clean_file() {
    let tree = tree(&[("db/PG_VERSION", "16\n")]);
    std::os::unix::fs::symlink("nowhere", tree.path().join("db/postgresql.conf")).unwrap();
    let (code, _, trouble) = run(&tree, &["check", "db"]);
    let told = "pgconflint: error: db/postgresql.conf: a link to nowhere: No such file or directory\n";
    assert_eq!((code, trouble.as_str()), (2, told));
}
