//! Whether standbys are let in at all.

use super::{Reach, Rules, is_for_replication, is_replication, reach};
use crate::check::spot::Spot;
use crate::finding::Severity;
use crate::model::access::Word;
use crate::model::hba::Entry;
use crate::model::settings::Verdict;
use crate::names;
use crate::source::display;
use crate::version::Role;

const RULE: &str = "hba-all-without-replication";

/// A spot where networks are let in, and no line is for replication.
pub fn check(rules: &Rules, role: Option<Role>, spots: &mut Vec<Spot>) {
    // Whoever wrote the word somewhere is told what became of it there.
    let is_meant = |word: &Word| String::from_utf8_lossy(&word.text).to_lowercase().contains(names::REPLICATION);
    let is_known = |entry: &Entry| {
        is_for_replication(entry)
            || entry.databases.iter().chain(&entry.users).any(|word| is_replication(word) || is_meant(word))
    };
    let is_refused = rules.hba.lines.iter().any(|line| line.verdict.is_err());
    if is_refused || rules.entries().any(|(_, entry)| is_known(entry)) {
        return;
    }
    let is_network = |entry: &Entry| {
        reach(entry) > Reach::Here && !entry.method.is_reject() && entry.databases.iter().any(|word| word.is("all"))
    };
    let Some((record, entry)) = rules.entries().find(|(_, entry)| is_network(entry)) else { return };
    let Some(all) = entry.databases.iter().find(|word| word.is("all")) else { return };
    let address = entry.address_place.map(|place| rules.text(place)).unwrap_or_default();
    let connection = display(&record.fields[0][0].text);
    let line = format!("{connection} {} USER {address} {}", names::REPLICATION, entry.method.name);
    let mut spot = rules.spot(RULE, all.place).word("suggestion", line).label("every database, but not replication");
    if let Some(name) = sender(rules) {
        spot = spot.subject(name);
    }
    match role {
        Some(Role::Primary) => spot.at_least = Some(Severity::Warning),
        // Nobody follows it as long as it is one.
        Some(Role::Standby) => spot.at_most = Some(Severity::Info),
        None => {}
    }
    spots.push(spot);
}

/// The setting that shows that standbys are meant to come: one of those that the page names.
fn sender(rules: &Rules) -> Option<String> {
    let settings = rules.view.settings;
    let page = rules.view.rules.speaking(RULE, settings.catalog.version, None)?;
    let is_on = |name: &str| {
        let winner = settings.catalog.find(name.as_bytes()).and_then(|id| settings.winner(id));
        let Some((_, judged)) = winner else { return false };
        let Verdict::Set(value) = &judged.verdict else { return false };
        !matches!(value.plain().as_slice(), b"" | b"0" | b"off" | b"minimal")
    };
    page.louder.iter().find(|name| is_on(name)).map(ToString::to_string)
}
