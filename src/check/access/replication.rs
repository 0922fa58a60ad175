//! Whether standbys are let in at all.

use super::{Reach, Rules, is_for_replication, is_replication, reach};
use crate::check::spot::Spot;
use crate::check::{Standing, conninfo};
use crate::finding::Severity;
use crate::model::access::Word;
use crate::model::conninfo::Options;
use crate::model::hba::Entry;
use crate::model::settings::Verdict;
use crate::names;
use crate::nearest::nearest;
use crate::source::display;
use crate::syntax::conninfo as syntax;
use crate::version::Role;

const RULE: &str = "hba-all-without-replication";

/// Spots where standbys are meant to come, and do not get in.
pub fn check(rules: &Rules, role: Option<Role>, spots: &mut Vec<Spot>) {
    no_line(rules, role, spots);
    spots.extend(misspelt(rules));
}

/// A user of a line for replication who is nearly the one as whom this node follows another: after a switch of
/// roles its own lines let the others in.
fn misspelt(rules: &Rules) -> Option<Spot> {
    let view = rules.view;
    let (text, user) = conninfo::texts(view, None).into_iter().find_map(|text| {
        let string = syntax::parse(&text.value.bytes, rules.major);
        let user = Options { conninfo: &string }.filled(names::USER)?.to_vec();
        Some((text, user))
    })?;
    let lines = || rules.entries().map(|(_, entry)| entry).filter(|entry| is_for_replication(entry));
    let words = || lines().flat_map(|entry| &entry.users);
    // Who is in a role, or what an expression fits, may well be the user.
    let takes =
        |word: &Word| word.is("all") || word.group().is_some() || word.text.starts_with(b"/") || word.text == user;
    let meant = String::from_utf8(user.clone()).ok()?;
    let word = words().find(|word| is_slip(&word.text, &meant))?;
    if words().any(takes) {
        return None;
    }
    let line = text.line.map(|line| view.settings.judged[line].entry.value())?;
    let spot = rules.spot("hba-replication-user-misspelt", word.place).word("token", display(&word.text));
    let spot =
        spot.word("suggestion", meant.clone()).label("no such role?").related(line, "follows another as this user");
    Some(if word.quoted { spot } else { spot.edit(word.place, meant) })
}

/// Whether a name is another one with a letter too few, too many or in the wrong place. One with another letter or
/// number in it may well be the name of a role for another node.
fn is_slip(name: &[u8], meant: &str) -> bool {
    let Ok(name) = std::str::from_utf8(name) else { return false };
    let letters = |text: &str| {
        let mut letters: Vec<char> = text.chars().filter(|char| !char.is_ascii_digit()).collect();
        letters.sort_unstable();
        letters
    };
    let (one, other) = (letters(name), letters(meant));
    let digits = |text: &str| text.chars().filter(char::is_ascii_digit).collect::<String>();
    name != meant
        && digits(name) == digits(meant)
        && (one == other || one.len() != other.len())
        && nearest(name, [meant]).is_some()
}

/// A spot where networks are let in, and no line is for replication.
fn no_line(rules: &Rules, role: Option<Role>, spots: &mut Vec<Spot>) {
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
    let page = rules.view.rules.speaking(RULE, settings.catalog.version, Standing::default())?;
    let is_on = |name: &str| {
        let winner = settings.catalog.find(name.as_bytes()).and_then(|id| settings.winner(id));
        let Some((_, judged)) = winner else { return false };
        let Verdict::Set(value) = &judged.verdict else { return false };
        !matches!(value.plain().as_slice(), b"" | b"0" | b"off" | b"minimal")
    };
    page.louder.iter().find(|name| is_on(name)).map(ToString::to_string)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_told_from_names_of_others() {
        for (name, meant) in [("relicator", "replicator"), ("replictaor", "replicator"), ("replicatorr", "replicator")]
        {
            assert!(is_slip(name.as_bytes(), meant), "{name}");
        }
        for name in ["replicator", "replicator1", "replicatos", "barman", "repl"] {
            assert!(!is_slip(name.as_bytes(), "replicator"), "{name}");
        }
        assert!(!is_slip(b"repl_a", "repl_b"));
    }
}
