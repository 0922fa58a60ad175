//! Defaults that differ between neighbouring majors: each is in the table of new defaults, with what comes of it or why
//! nothing does.

use std::collections::BTreeSet;

use pgconflint::catalog::defaults::{MATTERS, rows};
use pgconflint::catalog::{self, Catalog};
use pgconflint::check::defaults::{between, written};
use pgconflint::version::{Major, PgVersion};

/// Why a new default does not matter: the same in other words; what the build or the platform says; less of a burden
/// than before.
const CLASSES: [&str; 4] = [MATTERS, "spelling", "build", "gentler"];

#[test]
fn every_new_default_is_in_the_table() {
    let majors: Vec<Major> = catalog::majors().filter(|major| (Major::V9_4..=Major::V18).contains(major)).collect();
    let mut differ = BTreeSet::new();
    for pair in majors.windows(2) {
        let [old, new] = [pair[0], pair[1]].map(|major| Catalog::shared(PgVersion::newest(major)));
        // What nobody can set has no default that could matter.
        for (_, parameter) in new.iter().filter(|(_, parameter)| !parameter.is_internal()) {
            let Some(before) = old.find(parameter.name.as_bytes()).map(|id| old.get(id)) else { continue };
            if written(before, pair[0]) != written(parameter, pair[1]) {
                differ.insert((parameter.name, pair[1]));
            }
        }
    }
    let listed: BTreeSet<_> = rows().map(|row| (row.name, row.since)).collect();
    assert_eq!(differ, listed);
    assert_eq!(rows().count(), listed.len(), "a row stands twice");
    for row in rows() {
        assert!(CLASSES.contains(&row.class), "{}: {}", row.name, row.class);
        assert_eq!(row.class == MATTERS, !row.why.is_empty(), "{}", row.name);
    }
}

#[test]
fn what_was_can_still_be_written() {
    // To keep what was is offered, so the new version must take it.
    for from in catalog::majors().filter(|major| *major >= Major::V9_4 && *major < Major::V18) {
        for to in catalog::majors().filter(|major| *major > from && *major <= Major::V18) {
            let catalog = Catalog::shared(PgVersion::newest(to));
            let old = between(from, catalog);
            let lines: String = old.iter().map(|old| format!("{} = {}\n", old.name, old.was)).collect();
            let found = crate::natives::found(&to.to_string(), &lines, &[]);
            assert!(!found.contains(" error "), "from {from} to {to}:\n{lines}{found}");
            assert!(old.iter().all(|default| default.was != default.is));
        }
    }
}
