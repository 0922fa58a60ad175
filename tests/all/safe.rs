//! Safe fixes are safe: what real servers make of the files of every page that has one stays what it was. Only where
//! `PGCONFLINT_REAL_SERVERS` is set; `PGCONFLINT_PROVE=all` asks every major, else the first and the last of an example.
#![expect(clippy::print_stdout, reason = "the count is the result")]

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use pgconflint::check::Rules;
use pgconflint::check::examples::{self, ExampleFiles};
use pgconflint::edit;
use pgconflint::finding::Safety;
use pgconflint::names;
use pgconflint::rule::PAGES;
use pgconflint::rule::page::{Example, PAIR, Page, Shows};
use pgconflint::version::{Major, PgVersion, Role, Targets};
use pgconflint_servers::libpq::Libpq;
use pgconflint_servers::server::start_each;
use pgconflint_servers::start::started_settings;
use pgconflint_servers::wire::Cell;
use pgconflint_servers::{Bytes, Row, Server};

use crate::proof::{SEGMENT, files, wanted};

/// An example before and after its safe fixes.
struct Case {
    id: String,
    page: &'static Page,
    major: u16,
    before: Example,
    after: Example,
    /// The lines that the fixes touch, by file; from 1.
    touched: BTreeSet<(String, u32)>,
}

/// The safe fixes of an example applied until there are none, as `--fix` does.
fn mended(page: &Page, example: &Example, rules: &Rules, version: PgVersion) -> (Example, BTreeSet<(String, u32)>) {
    let mut after = example.clone();
    let mut touched = BTreeSet::new();
    for round in 0..20 {
        let (sources, findings) =
            examples::check(&ExampleFiles::of(&after), rules, version, Role::from_word(&page.role));
        let fixes = findings.iter().filter_map(|finding| finding.fix.as_ref());
        let edits = edit::round(fixes.filter(|fix| fix.safety == Safety::Safe)).edits;
        if edits.is_empty() {
            return (after, touched);
        }
        for (file, edits) in edits {
            let source = sources.get(file);
            let path = source.path.to_string_lossy().into_owned();
            for span in edits.iter().map(|edit| edit.place.span).filter(|_| round == 0) {
                let lines = source.line(span.start)..=source.line(span.end);
                touched.extend(lines.map(|line| (path.clone(), u32::try_from(line).unwrap())));
            }
            let bytes = edit::apply(&source.bytes, &edits);
            match after.beside.iter_mut().find(|beside| beside.name == path) {
                Some(beside) => beside.bytes = bytes,
                None => after.file = Some(bytes),
            }
        }
    }
    panic!("{}: its fixes never end", page.id);
}

fn cases() -> Vec<Case> {
    let rules = Rules::built_in();
    let targets: Targets = "10..18".parse().unwrap();
    let all = std::env::var("PGCONFLINT_PROVE").is_ok_and(|which| which == "all");
    let mut cases = Vec::new();
    for page in PAGES.iter().filter(|page| page.fix.as_ref().is_some_and(|fix| fix.safe)) {
        let fires = |example: &&Example| example.shows == Shows::Fires && example.main != PAIR;
        for example in page.examples().iter().filter(fires) {
            let versions = examples::versions(page, example, &targets).unwrap();
            let installed = |version: &&PgVersion| (Major::V10..=Major::V18).contains(&version.major);
            let versions: Vec<&PgVersion> = versions.iter().filter(installed).collect();
            for (index, version) in versions.iter().enumerate() {
                if !all && index != 0 && index + 1 != versions.len() {
                    continue;
                }
                let (after, touched) = mended(page, example, &rules, **version);
                let major = version.major.0 / 100;
                let id = format!("{}.md:{} {major}", page.id, example.line);
                cases.push(Case { id, page, major, before: example.clone(), after, touched });
            }
        }
    }
    cases
}

#[test]
fn every_safe_fix_changes_its_example() {
    let fixed: BTreeSet<&str> =
        cases().iter().filter(|case| !case.touched.is_empty()).map(|case| case.page.id.as_ref()).collect();
    let pages = PAGES.iter().filter(|page| page.fix.as_ref().is_some_and(|fix| fix.safe));
    // Those of 9.6 and before have no server, so no case.
    let missing: Vec<&str> = pages.map(|page| page.id.as_ref()).filter(|id| !fixed.contains(id)).collect();
    assert!(missing.len() < 4, "{missing:?}");
}

#[test]
fn what_servers_make_of_files_stays_the_same() {
    if !wanted("what servers make of files stays the same") {
        return;
    }
    let cases: Vec<Case> = cases().into_iter().filter(|case| !case.touched.is_empty()).collect();
    let majors: Vec<u16> = cases.iter().map(|case| case.major).collect::<BTreeSet<_>>().into_iter().collect();
    let servers = start_each(&majors, &Server::start).unwrap();
    let (mut wrong, mut asked, mut pages) = (Vec::new(), 0, BTreeSet::new());
    for case in &cases {
        let server = &servers[majors.iter().position(|major| *major == case.major).unwrap()];
        let differences = match case.before.main {
            names::PG_HBA => access_differs(case, server),
            names::POSTGRESQL_CONF if case.page.server == "refuses" => lines_differ(case, server),
            names::POSTGRESQL_CONF => settings_differ(case),
            // recovery.conf has no view; the proof of its pages starts servers with it.
            _ => continue,
        };
        asked += 1;
        pages.insert(case.page.id.as_ref());
        wrong.extend(differences.into_iter().map(|difference| format!("{}: {difference}", case.id)));
    }
    println!("{asked} fixes of {} pages leave everything as it was but {}", pages.len(), wrong.len());
    assert!(asked > 50, "only {asked} cases");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A server that starts with the files and one that starts with the fixed ones: all of pg_settings.
fn settings_differ(case: &Case) -> Vec<String> {
    let ask = |example| started_settings(case.major, SEGMENT, &files(example, case.major)).unwrap();
    let (Some(before), Some(after)) = (ask(&case.before), ask(&case.after)) else {
        return vec!["a server does not start".to_owned()];
    };
    assert!(before.len() > 200);
    let libpq = Libpq::load(case.major).unwrap();
    let mut differences = Vec::new();
    for (name, old) in &before {
        let new = &after[name];
        let same = match (old, new) {
            (Some(old), Some(new)) if name.ends_with(b"conninfo") => is_same_connection(old, new, &libpq, case),
            _ => old == new || is_of_this_start(name),
        };
        if !same {
            let shown = |value: &Cell| value.as_deref().map(text);
            differences.push(format!("{} was {:?} and is {:?}", text(name), shown(old), shown(new)));
        }
    }
    differences
}

/// Settings that hold the directory of the start.
fn is_of_this_start(name: &[u8]) -> bool {
    let name = text(name);
    name.ends_with("_file") || name.ends_with("_directory") || name.ends_with("_directories") || name == "port"
}

/// Whether libpq makes the same of both, but for keywords that it no longer knows or never heeds.
fn is_same_connection(old: &[u8], new: &[u8], libpq: &Libpq, case: &Case) -> bool {
    let new = libpq.parse(new).unwrap().unwrap_or_else(|error| panic!("{}: {}", case.id, text(&error)));
    match libpq.parse(old).unwrap() {
        Ok(old) => {
            let gone: Vec<_> = old.iter().filter(|option| !new.contains(option)).collect();
            new.iter().all(|option| old.contains(option)) && (gone.is_empty() || case.page.id.contains("obsolete"))
        }
        // It refused it: what was meant is all that is there.
        Err(_) => case.page.server == "no-stream",
    }
}

/// Of a file that is refused: every line that the fix does not touch gives its setting the value that it gave it.
fn lines_differ(case: &Case, server: &Server) -> Vec<String> {
    let rows = |example| server.file_settings(&files(example, case.major)).unwrap().rows;
    let last = |rows: &[Row]| -> BTreeMap<Bytes, Row> {
        let named = rows.iter().filter_map(|row| Some((row.name.clone()?.to_ascii_lowercase(), row.clone())));
        named.collect()
    };
    let (before, after) = (rows(&case.before), rows(&case.after));
    let is_touched = |row: &Row| {
        let file = row.file.as_deref().map(text).unwrap_or_default();
        let file = file.strip_prefix("$PGDATA/").unwrap_or(&file).to_owned();
        row.line.is_some_and(|line| case.touched.contains(&(file, line)))
    };
    let after = last(&after);
    let mut differences = Vec::new();
    for (name, row) in last(&before) {
        let new = after.get(&name).and_then(|row| row.setting.clone());
        if !is_touched(&row) && new != row.setting {
            differences.push(format!("{} was {:?} and is {new:?}", text(&name), row.setting.as_deref().map(text)));
        }
    }
    differences
}

/// What pg_hba_file_rules shows of who may connect: lines that come again say nothing, and an address is its network.
fn access_differs(case: &Case, server: &Server) -> Vec<String> {
    let rows = |example: &Example| {
        let more = files(example, case.major).without(names::PG_HBA);
        let text = example.file.as_deref().unwrap_or_default();
        let rules = server.hba_rules(text, &more).unwrap();
        let at = |name| rules.columns.iter().position(|column| *column == name).unwrap();
        let (line, address, mask, error) = (at("line_number"), at("address"), at("netmask"), at("error"));
        let mut seen = BTreeSet::new();
        let mut kept = Vec::new();
        for mut row in rules.rows {
            if row[error].is_some() {
                continue;
            }
            row[line] = None;
            row[address] = network(&row[address], &row[mask]);
            if seen.insert(row.clone()) {
                kept.push(row);
            }
        }
        kept
    };
    let (before, after) = (rows(&case.before), rows(&case.after));
    let mut left = after.iter();
    let shown = |row: &[Cell]| row.iter().flatten().map(|cell| text(cell)).collect::<Vec<_>>().join(" ");
    let lost: Vec<String> = before.iter().filter(|row| !left.any(|new| new == *row)).map(|row| shown(row)).collect();
    match case.page.server.as_ref() {
        "starts" if lost.is_empty() && before.len() != after.len() => {
            vec!["there are more lines than before".to_owned()]
        }
        _ => lost,
    }
}

fn network(address: &Cell, mask: &Cell) -> Cell {
    let parse = |cell: &Cell| cell.as_deref().and_then(|cell| text(cell).parse::<IpAddr>().ok());
    match (parse(address), parse(mask)) {
        (Some(IpAddr::V4(address)), Some(IpAddr::V4(mask))) => Some((address & mask).to_string().into_bytes()),
        (Some(IpAddr::V6(address)), Some(IpAddr::V6(mask))) => Some((address & mask).to_string().into_bytes()),
        _ => address.clone(),
    }
}
