//! postgresql.auto.conf after a migration, byte for byte what ALTER SYSTEM of that server leaves after the same settings;
//! and a later ALTER SYSTEM loses nothing of it. Cases: those of testdata/migration, and each line of quoting.conf there.
#![expect(clippy::print_stdout, reason = "the count is the result")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use pgconflint::check::Rules;
use pgconflint::files::Memory;
use pgconflint::migrate::Plan;
use pgconflint::names::{AUTO_CONF, POSTGRESQL_CONF, RECOVERY_CONF};
use pgconflint_servers::Server;
use pgconflint_servers::migration::cases;

use crate::migrations::{TARGETS, is_every_one_wanted, planned, request};
use crate::proof;

/// A plan, and what postgresql.auto.conf was before it.
struct Migration {
    id: String,
    plan: Plan,
    before: Vec<u8>,
}

fn migrations(major: u16, rules: &Rules) -> Vec<Migration> {
    let mut all = Vec::new();
    // A plan takes a moment.
    let every = if is_every_one_wanted() { 1 } else { 4 };
    for case in cases::cases().unwrap().into_iter().filter(|case| !case.is_back()).step_by(every) {
        let plan = planned(&case, major, rules);
        let edit = plan.steps.iter().find(|step| step.path.ends_with(AUTO_CONF));
        let before = edit.and_then(|step| step.old.as_deref()).unwrap_or_default().to_vec();
        all.push(Migration { id: case.name, plan, before });
    }
    let lines = fs::read_to_string(cases::testdata().join("quoting.conf")).unwrap();
    for line in lines.lines() {
        let conf = format!("standby_mode = on\n{line}\n");
        let path = |name: &str| format!("/node/{name}");
        let files = Memory::default().with(&path(RECOVERY_CONF), conf.as_bytes()).with(&path(POSTGRESQL_CONF), b"");
        let request = request(PathBuf::from("/node"), pgconflint::version::Major::V11, major);
        let plan = pgconflint::migrate::plan(&files, &request, rules);
        all.push(Migration { id: line.to_owned(), plan, before: Vec::new() });
    }
    all
}

/// What is said to a server for each setting that the plan writes, in the order in which it writes them.
fn statements(plan: &Plan, ours: &[u8]) -> Vec<Vec<u8>> {
    let rows = plan.changes.iter().filter_map(|row| row.to.as_ref());
    let mut rows: Vec<_> = rows.filter(|to| to.path.ends_with(AUTO_CONF)).collect();
    let text = String::from_utf8_lossy(ours);
    rows.sort_by_key(|to| text.find(&format!("\n{} = ", to.setting)));
    let statement = |name: &str, value: &[u8]| {
        let value: Vec<u8> = value.iter().flat_map(|byte| vec![*byte; 1 + usize::from(*byte == b'\'')]).collect();
        [format!("alter system set {name} to '").as_bytes(), &value, b"'"].concat()
    };
    rows.into_iter().map(|to| statement(&to.setting, &to.value)).collect()
}

/// Has a server say the same, and say more later; what differs.
fn compare(server: &Server, one: &Migration, ours: &[u8]) -> Vec<String> {
    let path = server.data().join(AUTO_CONF);
    let shown = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let mut wrong = Vec::new();
    server.query("alter system reset all").unwrap();
    if !one.before.is_empty() {
        fs::write(&path, &one.before).unwrap();
    }
    for statement in statements(&one.plan, ours) {
        if let Some(error) = server.query_bytes(&statement).unwrap().error {
            wrong.push(format!("{}: {}: {}", one.id, shown(&statement), shown(&error.message)));
        }
    }
    let theirs = fs::read(&path).unwrap();
    if theirs != ours {
        wrong.push(format!("{}:\nours\n{}server\n{}", one.id, shown(ours), shown(&theirs)));
    }
    // On the migrated server.
    fs::write(&path, ours).unwrap();
    for statement in ["alter system set maintenance_work_mem = '7MB'", "alter system reset maintenance_work_mem"] {
        assert_eq!(server.query(statement).unwrap().error, None, "{statement}");
    }
    let later = fs::read(&path).unwrap();
    if later != ours {
        wrong.push(format!("{}: later\n{}", one.id, shown(&later)));
    }
    wrong
}

#[test]
fn real_servers_write_and_keep_what_is_migrated() {
    if !proof::wanted("postgresql.auto.conf of migrated nodes") {
        return;
    }
    let rules = Rules::built_in();
    let (mut files, mut refused, mut wrong) = (0, 0, Vec::new());
    for major in TARGETS {
        let server = Server::start(major).unwrap();
        let mut seen = BTreeSet::new();
        for one in migrations(major, &rules) {
            let ours =
                one.plan.files.iter().find(|(path, _)| path.ends_with(AUTO_CONF)).map(|(_, bytes)| bytes.to_vec());
            let feeds =
                one.plan.changes.iter().filter_map(|row| row.to.as_ref()).filter(|to| to.value.contains(&b'\n'));
            let feeds: Vec<_> = feeds.collect();
            // A line feed is what neither writes.
            for to in feeds {
                refused += 1;
                let sql = [format!("alter system set {} to '", to.setting).as_bytes(), &to.value, b"'"].concat();
                let error = server.query_bytes(&sql).unwrap().error.map(|error| error.message);
                let error = String::from_utf8_lossy(&error.unwrap_or_default()).into_owned();
                if one.plan.blocks.is_empty() || !error.contains("must not contain a newline") {
                    wrong.push(format!("{} {major}: {:?}, the server: {error}", one.id, one.plan.blocks));
                }
            }
            let ours = ours.filter(|ours| one.plan.blocks.is_empty() && ours.contains(&b'='));
            let Some(ours) = ours.filter(|ours| seen.insert(ours.clone())) else { continue };
            files += 1;
            wrong.extend(compare(&server, &one, &ours).into_iter().map(|line| format!("{major} {line}")));
        }
    }
    println!("{files} files, {refused} refused values");
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
    assert!(files > 200 && refused > 0, "only {files} and {refused}");
}

/// Every line of quoting.conf is migrated, but for those that no server writes.
#[test]
fn what_is_quoted_is_migrated() {
    let rules = Rules::built_in();
    for one in migrations(18, &rules) {
        let has_feed = one.id.contains("\\n") && !one.id.contains("\\\\n");
        let is_line = one.id.contains(" = ");
        assert!(!is_line || has_feed != one.plan.blocks.is_empty(), "{}: {:?}", one.id, one.plan.blocks);
        assert!(!one.plan.files.iter().any(|(path, _)| path == Path::new(RECOVERY_CONF)), "{}", one.id);
    }
}
