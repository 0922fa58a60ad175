//! Every rule page: it reads, its condition fits the catalogue, its examples show what they say.

use std::collections::BTreeSet;

use pgconflint::catalog::{self, Catalog};
use pgconflint::check::{Rules, examples};
use pgconflint::rule::page::{Page, Test};
use pgconflint::rule::{PAGES, expr};
use pgconflint::version::{PgVersion, Requirement, Targets};

fn all_targets() -> Targets {
    "9.4..19".parse().unwrap()
}

fn holds(page: &Page, version: PgVersion) -> bool {
    page.pg.is_empty() || page.pg.parse::<Requirement>().unwrap().holds_for(version)
}

#[test]
fn examples_show_what_they_say() {
    let rules = Rules::built_in();
    let targets = all_targets();
    let failures: Vec<String> = PAGES
        .iter()
        .flat_map(|page| examples::run(page, &rules, &targets))
        .map(|failure| format!("{}.md:{}: {}", failure.page, failure.line, failure.what))
        .collect();
    assert!(failures.is_empty(), "{} failures:\n{}", failures.len(), failures.join("\n"));
}

#[test]
fn conditions_fit_the_catalogue() {
    for page in PAGES {
        let Test::When(text) = &page.test else { continue };
        let condition = expr::parse(text).unwrap_or_else(|error| panic!("{}: {error}", page.id));
        let mut speaks = false;
        for version in all_targets().versions().iter().filter(|version| holds(page, **version)) {
            let catalog = Catalog::of(*version);
            condition.check(&catalog).unwrap_or_else(|error| panic!("{} for {version}: {error}", page.id));
            speaks = true;
        }
        assert!(speaks, "{}: no supported version meets `{}`", page.id, page.pg);
    }
}

#[test]
fn every_vanished_name_has_a_page() {
    let rules = Rules::built_in();
    let majors: Vec<_> = catalog::majors().collect();
    let mut missing = BTreeSet::new();
    for pair in majors.windows(2) {
        let (before, after) = (Catalog::of(PgVersion::newest(pair[0])), Catalog::of(PgVersion::newest(pair[1])));
        for name in before.names() {
            let version = PgVersion::newest(pair[1]);
            if after.find(name.as_bytes()).is_none() && rules.gone(name, version).is_none() {
                missing.insert(format!("{name} ({})", pair[1]));
            }
        }
    }
    assert!(missing.is_empty(), "no page for {missing:?}");
}
