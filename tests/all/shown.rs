//! `pgconflint settings` beside real servers: what SHOW says of the data directory that initdb has made.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use insta_cmd::get_cargo_bin;
use pgconflint_servers::start::{Shown, beside_settings};
use pgconflint_servers::template;
use serde_json::Value;

use crate::proof::{SEGMENT, wanted};

/// Why a server shows what no file tells, or `settings` does not list it: the reason, and the settings. Each is one in
/// some major.
const REASONS: &[(&str, &[&str])] = &[
    ("up to 11 the session, which has begun", &["transaction_isolation"]),
    ("how the server was built", &["krb_server_keyfile"]),
    ("SHOW hides the command as long as archive_mode is off", &["archive_command"]),
    (
        "nothing that a file may set: the build, the machine, the database",
        &[
            "block_size",
            "data_directory_mode",
            "debug_assertions",
            "huge_pages_status",
            "in_hot_standby",
            "integer_datetimes",
            "lc_collate",
            "lc_ctype",
            "max_function_args",
            "max_identifier_length",
            "max_index_keys",
            "num_os_semaphores",
            "segment_size",
            "server_encoding",
            "server_version",
            "server_version_num",
            "shared_memory_size",
            "shared_memory_size_in_huge_pages",
            "ssl_library",
            "wal_block_size",
        ],
    ),
];

fn settings(data: &Path, form: &[&str]) -> String {
    let output = Command::new(get_cargo_bin("pgconflint")).arg("settings").arg(data).args(form).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// What `settings` says of each: as pg_settings has it, and as SHOW prints it.
fn ours(data: &Path) -> BTreeMap<String, (String, String)> {
    let document: Value = serde_json::from_str(&settings(data, &["--format", "json"])).unwrap();
    let text = settings(data, &[]);
    let lines: BTreeMap<&str, &str> = text.lines().filter_map(|line| line.split_once(" = ")).collect();
    let shown = |name: &str| {
        let (value, _) = lines[name].rsplit_once(" # ").unwrap();
        let value = value.trim_end();
        let inner = value.strip_prefix('\'').and_then(|value| value.strip_suffix('\''));
        inner.map_or_else(|| value.to_owned(), |inner| inner.replace("''", "'"))
    };
    let settings = document["settings"].as_array().unwrap().iter();
    let one = |setting: &Value| {
        let name = setting["name"].as_str().unwrap();
        (name.to_owned(), (setting["value"].as_str().unwrap().to_owned(), shown(name)))
    };
    settings.map(one).collect()
}

/// Every difference, by setting.
fn differences(data: &Path, shown: &BTreeMap<String, Shown>) -> BTreeMap<String, String> {
    let ours = ours(data);
    let difference = |(name, server): (&String, &Shown)| {
        // The test has set it so, and no file.
        if ["command line", "environment variable"].contains(&server.source.as_str()) && name != "max_stack_depth" {
            return None;
        }
        let told = match ours.get(name) {
            None => "not listed".to_owned(),
            Some((setting, text)) if *setting == server.setting && *text == server.shown => return None,
            Some(own) => format!("{own:?}, and the server has {server:?}"),
        };
        Some((name.clone(), told))
    };
    shown.iter().filter_map(difference).collect()
}

#[test]
fn settings_are_what_servers_show() {
    if !wanted("settings are what servers show") {
        return;
    }
    let mut found: BTreeMap<String, String> = BTreeMap::new();
    for major in 10..=18 {
        let files = template::pristine(major).unwrap();
        let seen = std::cell::RefCell::new(BTreeMap::new());
        let look = |data: &Path, shown: &BTreeMap<String, Shown>| _ = seen.replace(differences(data, shown));
        assert!(beside_settings(major, SEGMENT, &files, &look).unwrap(), "{major} does not start");
        found.extend(seen.into_inner().into_iter().map(|(name, told)| (name, format!("{major}: {told}"))));
    }
    let explained: Vec<&str> = REASONS.iter().flat_map(|(_, names)| names.iter().copied()).collect();
    let unexplained: Vec<_> = found.iter().filter(|(name, _)| !explained.contains(&name.as_str())).collect();
    assert!(unexplained.is_empty(), "{unexplained:#?}");
    let stale: Vec<_> = explained.iter().filter(|name| !found.contains_key(**name)).collect();
    assert!(stale.is_empty(), "no difference any more: {stale:?}");
}
