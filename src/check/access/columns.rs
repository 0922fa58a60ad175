//! Databases, users and addresses that the server takes for something else than was meant.

use std::collections::HashSet;

use super::{Rules, is_for_replication, is_replication, placeholder, together};
use crate::catalog::access::key_words;
use crate::check::spot::Spot;
use crate::model::access::{Record, Word};
use crate::model::hba::Entry;
use crate::model::hba::address::Address;
use crate::names;
use crate::source::{Place, display};
use crate::version::Major;

/// Spots for words; returns where they are, so that nothing more is said of those.
pub fn check(rules: &Rules, spots: &mut Vec<Spot>) -> HashSet<Place> {
    let from = spots.len();
    let mut slashes: Vec<(Place, String)> = Vec::new();
    for (record, entry) in rules.entries() {
        let columns = [("db", &entry.databases), ("user", &entry.users)];
        for (column, words) in columns {
            for word in words {
                if let Some(spot) = of_word(rules, column, word) {
                    spots.push(spot);
                } else if word.text.starts_with(b"/") && rules.major < Major::V16 {
                    slashes.push((word.place, "a name until 16".to_string()));
                }
            }
        }
        spots.extend(misplaced(rules, record, entry));
        if let (Some(Address::Name(_)), Some(word)) = (&entry.address, record.fields.get(3).map(|field| &field[0])) {
            spots.extend(of_word(rules, "address", word));
        }
    }
    let first = slashes.first().map(|(place, _)| rules.text(*place)).unwrap_or_default();
    spots.extend(together(rules, "hba-regex-before-16", &slashes).map(|spot| spot.word("token", first)));
    spots[from..].iter().map(|spot| spot.place).collect()
}

fn of_word(rules: &Rules, column: &'static str, word: &Word) -> Option<Spot> {
    let spot = |rule: &'static str| rules.spot(rule, word.place).word("token", rules.text(word.place));
    if placeholder::find(&word.text, column == "address").is_some() {
        return Some(spot("hba-template-residue-kept").label("taken literally"));
    }
    if let [b'\'', inner @ .., b'\''] = word.text.as_slice() {
        let found = spot("hba-single-quotes").word("name", display(inner)).label("the quotes are part of the name");
        return Some(if word.quoted || inner.is_empty() { found } else { found.edit(word.place, inner) });
    }
    if word.quoted {
        let keyword = key_words(column).find(|known| known.as_bytes() == word.text)?;
        let found = spot("hba-lost-keyword").word("keyword", keyword).word("why", "In quotes");
        return Some(found.word("column", said(column)).label("a name, not the key word").edit(word.place, keyword));
    }
    let keyword = key_words(column).find(|known| known.as_bytes().eq_ignore_ascii_case(&word.text));
    if let Some(keyword) = keyword.filter(|known| known.as_bytes() != word.text) {
        let found = spot("hba-lost-keyword").word("keyword", keyword).word("why", "In capitals");
        return Some(found.word("column", said(column)).label("a name, not the key word").edit(word.place, keyword));
    }
    let meant = crate::catalog::access::meant(column, &word.text).filter(|_| column != "address")?;
    let found = spot("hba-wildcard-name").word("suggestion", meant).word("column", said(column));
    Some(found.label("a name like any other").edit(word.place, meant))
}

fn said(column: &str) -> &'static str {
    match column {
        "db" => "a database",
        "user" => "a user",
        _ => "a host",
    }
}

/// Key words of the database column among the users.
fn misplaced(rules: &Rules, record: &Record, entry: &Entry) -> Option<Spot> {
    let word = entry.users.iter().find(|word| {
        let is_shared = key_words("user").any(|known| word.is(known));
        !is_shared && key_words("db").any(|known| word.is(known))
    })?;
    let is_about_replication = is_replication(word);
    // A role may well have that name: then other lines, or this one, let it replicate.
    let is_role = |entry: &Entry| is_for_replication(entry) && entry.users.iter().any(is_replication);
    if is_about_replication && rules.entries().any(|(_, entry)| is_role(entry)) {
        return None;
    }
    let token = rules.text(word.place);
    let mut spot =
        rules.spot("hba-keyword-in-user-column", word.place).word("token", token).label("a user of that name");
    if let ([database], [user], true) = (entry.databases.as_slice(), entry.users.as_slice(), is_about_replication)
        && !key_words("db").any(|known| database.is(known))
    {
        let connection = display(&record.fields[0][0].text);
        let (one, other) = (rules.text(database.place), rules.text(user.place));
        spot = spot.word("suggestion", format!("{connection} {other} {one}"));
        spot = spot.edit(database.place, other).edit(user.place, one);
    } else if is_about_replication {
        let connection = display(&record.fields[0][0].text);
        spot = spot.word("suggestion", format!("{connection} {} USER", names::REPLICATION));
    }
    Some(spot)
}
