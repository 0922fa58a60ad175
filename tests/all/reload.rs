//! What a change takes, against real servers: after a reload they say themselves which settings wait for a restart,
//! which are in force, and which are not in this session. `PGCONFLINT_RELOADS=20` asks so many times of each major.
#![expect(clippy::print_stdout, reason = "the count is the result")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use pgconflint::catalog::{self, Catalog, Kind, Parameter};
use pgconflint::check::revision::{Change, Takes, changes};
use pgconflint::check::{Reading, Rules, Subject, read};
use pgconflint::source::Sources;
use pgconflint::value::Context;
use pgconflint::version::Major;
use pgconflint_servers::reload::Running;
use pgconflint_servers::{FileSet, Server};

use crate::proof::wanted;
use crate::vectors::{Memory, ROOT, recorded};

/// What the test's servers have on their command lines, or their sessions for themselves; and what would keep a server
/// from starting or from answering here.
const LEFT_OUT: [&str; 40] = [
    "listen_addresses",
    "port",
    "unix_socket_directories",
    "fsync",
    "autovacuum",
    "client_min_messages",
    "statement_timeout",
    "config_file",
    "data_directory",
    "hba_file",
    "ident_file",
    "external_pid_file",
    "ssl",
    "bonjour",
    "huge_pages",
    "huge_page_size",
    "logging_collector",
    "log_statement_stats",
    "wal_level",
    "archive_mode",
    "shared_memory_type",
    "io_method",
    "dynamic_shared_memory_type",
    "hosts_file",
    "ssl_renegotiation_limit",
    "max_stack_depth",
    "server_encoding",
    "client_encoding",
    "lc_messages",
    "post_auth_delay",
    "pre_auth_delay",
    "db_user_namespace",
    // Shown only where something is archived, and of connections by TCP.
    "archive_command",
    "tcp_keepalives_count",
    "tcp_keepalives_idle",
    "tcp_keepalives_interval",
    "tcp_user_timeout",
    // Of the transaction that asks.
    "transaction_deferrable",
    "transaction_isolation",
    "transaction_read_only",
];

/// Texts that servers take for settings that are texts.
const TEXTS: [(&str, [&str; 2]); 11] = [
    ("cluster_name", ["a", "b"]),
    ("log_line_prefix", ["%p ", "%m "]),
    ("log_filename", ["a.log", "b.log"]),
    ("primary_conninfo", ["host=a", "host=b"]),
    ("primary_slot_name", ["a", "b"]),
    ("restore_command", ["true", "false"]),
    ("recovery_target_name", ["a", "b"]),
    ("search_path", ["public", "pg_catalog"]),
    ("shared_preload_libraries", ["auto_explain", "pg_stat_statements"]),
    ("synchronous_standby_names", ["a", "b"]),
    ("recovery_target_timeline", ["1", "current"]),
];

/// Two values of a parameter that are not its default.
fn values(parameter: &Parameter, major: Major) -> Vec<String> {
    let candidates: Vec<String> = match parameter.kind {
        Kind::Bool => vec![if parameter.default == "on" { "off" } else { "on" }.to_string()],
        Kind::Enum => {
            let is_of_build = |word: &str| catalog::build_notes(parameter.name, major).any(|note| note.value == word);
            let words = parameter.words().filter(|word| word.listed && word.word != parameter.default);
            words.filter(|word| !is_of_build(word.word)).map(|word| word.word.to_string()).collect()
        }
        Kind::Integer | Kind::Real => {
            let default: f64 = parameter.default.parse().unwrap_or(0.0);
            // A timeout of a moment would end the question.
            let step = if parameter.name.contains("timeout") { 100_000.0 } else { 1.0 };
            [1.0, 2.0, 16.0, 32.0, -1.0].iter().map(|times| (default + step * times).to_string()).collect()
        }
        Kind::String => {
            let known = TEXTS.iter().find(|(name, _)| *name == parameter.name);
            known.map_or_else(Vec::new, |(_, texts)| texts.iter().map(|text| (*text).to_string()).collect())
        }
    };
    let takes = |text: &String| {
        let value = catalog::read(parameter, &Context::new(major, parameter.name), text.as_bytes());
        value.is_ok_and(|value| value.plain() != parameter.default.as_bytes())
    };
    candidates.into_iter().filter(takes).take(2).collect()
}

/// Two revisions: of each setting the first has a value or none, and the second the same, another, or none.
fn revisions(catalog: &Catalog, seed: &mut u64) -> [String; 2] {
    let mut next = |most: u64| {
        *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (*seed >> 33) % most
    };
    let [mut old, mut new] = [String::new(), String::new()];
    // An old line that says just the default, and is gone: there is nothing to change, and yet a server asks for it.
    old.push_str("max_connections = 100\nwork_mem = 4MB\n");
    for (_, parameter) in catalog.iter() {
        let is_in = parameter.settable && !parameter.is_internal() && !parameter.flags.contains("HIDDEN");
        let is_out = LEFT_OUT.contains(&parameter.name) || ["max_connections", "work_mem"].contains(&parameter.name);
        let values = values(parameter, catalog.version.major);
        if !is_in || is_out || values.is_empty() {
            continue;
        }
        // Recovery takes one target only.
        if parameter.trait_of("recovery-target").is_some() && parameter.name != "recovery_target_name" {
            continue;
        }
        let line = |value: &String| format!("{} = '{value}'\n", parameter.name);
        let (first, second) = (next(3), next(3));
        old.push_str(&if first == 0 { String::new() } else { line(&values[0]) });
        new.push_str(&match second {
            0 => String::new(),
            1 => line(&values[0]),
            _ => line(&values[values.len() - 1]),
        });
    }
    [old, new]
}

/// What is said of the way from one revision to the other.
fn told(catalog: &Catalog, old: &str, new: &str) -> Vec<Change> {
    let file = |name: &str, text: &str| (name.as_bytes().to_vec(), text.as_bytes().to_vec());
    let memory = Memory(BTreeMap::from([file("postgresql.conf", new), file("base/postgresql.conf", old)]));
    let subject = |path: &str| Subject { main: PathBuf::from(ROOT).join(path), with_auto: true, ..Subject::default() };
    let base = Some(Box::new(subject("base/postgresql.conf")));
    let subject = Subject { base, ..subject("postgresql.conf") };
    let (mut sources, rules) = (Sources::default(), Rules::built_in());
    let tree = read(&memory, &mut sources, &subject, catalog.version.major);
    let reading = Reading::of(&memory, &mut sources, &subject, tree, catalog);
    let view = reading.view(&memory, &sources, &rules, false);
    changes(&view, view.base.unwrap())
}

/// What differs between what was told and what a server shows, and how many settings were compared.
fn compare(
    changes: &[Change],
    before: &BTreeMap<String, Running>,
    after: &BTreeMap<String, Running>,
) -> (BTreeSet<String>, usize) {
    let mut wrong = BTreeSet::new();
    let mut compared = 0;
    for (name, now) in after.iter().filter(|(name, _)| !LEFT_OUT.contains(&name.as_str())) {
        let Some(was) = before.get(name) else { continue };
        let change = changes.iter().find(|change| change.name == *name);
        let takes = change.map(|change| change.takes);
        // Where the line of such a setting is gone, some sessions fall back to the default at once, and some do not.
        if change.is_some_and(|change| change.takes == Takes::Connections && change.place.is_none()) {
            assert!(!now.pending_restart, "{name}");
            continue;
        }
        let expected = (takes == Some(Takes::Restart), takes == Some(Takes::Reload));
        let seen = (now.pending_restart, now.setting != was.setting);
        compared += usize::from(takes.is_some());
        if expected != seen {
            wrong.insert(format!("{name}: told {takes:?}; server: {was:?}, then {now:?}"));
        }
    }
    (wrong, compared)
}

#[test]
fn servers_say_which_changes_wait_for_a_restart() {
    if !wanted("servers say which changes wait for a restart") {
        return;
    }
    let times: u64 = std::env::var("PGCONFLINT_RELOADS").ok().and_then(|times| times.parse().ok()).unwrap_or(1);
    let jobs: Vec<(u16, u64)> = (0..times).flat_map(|time| (10..=18).map(move |major| (major, time))).collect();
    let (mut wrong, mut compared) = (Vec::new(), 0);
    for (major, time) in &jobs {
        let catalog = Catalog::shared(recorded(Major(major * 100)));
        let mut seed = u64::from(*major) << 32 | time;
        let [old, new] = revisions(catalog, &mut seed);
        let server = Server::start_on(*major, &FileSet::conf(old.clone())).unwrap();
        let before = server.running().unwrap();
        let after = server.reload(&FileSet::conf(new.clone())).unwrap();
        let (differ, count) = compare(&told(catalog, &old, &new), &before, &after);
        wrong.extend(differ.into_iter().map(|line| format!("{major} (round {time}) {line}")));
        compared += count;
    }
    println!("{compared} changes of {} reloads compared", jobs.len());
    assert!(compared > 100 * jobs.len(), "only {compared}");
    assert!(wrong.is_empty(), "{} of {compared} differ:\n{}", wrong.len(), wrong.join("\n"));
}
