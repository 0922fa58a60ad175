//! How much a line asks of those who come, and from where they may come.

use super::{Reach, Rules, is_for_replication, listed, reach, together};
use crate::catalog::access::{Access, Proof, Reading, Transport};
use crate::check::spot::Spot;
use crate::finding::Severity;
use crate::model::access::Record;
use crate::model::hba::address::Address;
use crate::model::hba::{Certificate, Entry};
use crate::source::{Place, display};
use crate::version::Major;

/// Spots for methods and options.
pub fn check(rules: &Rules, spots: &mut Vec<Spot>) {
    trust(rules, spots);
    of_proof(rules, "hba-password-in-clear", spots, |entry| {
        entry.method.proof == Proof::Clear
            && reach(entry) > Reach::Here
            && entry.connection.transports.contains(&Transport::Plain)
    });
    of_proof(rules, "hba-ident-over-network", spots, |entry| {
        entry.method.proof == Proof::Claim && reach(entry) > Reach::Here
    });
    md5(rules, spots);
    open(rules, spots);
    options(rules, spots);
}

/// Whether a certificate proves who the client is.
fn is_certified(entry: &Entry) -> bool {
    entry.certificate != Certificate::Off
}

fn trust(rules: &Rules, spots: &mut Vec<Spot>) {
    let is_open = |entry: &Entry| {
        entry.method.proof == Proof::Nothing
            && !entry.method.is_reject()
            && reach(entry) > Reach::Here
            && !is_certified(entry)
    };
    let mut open: Vec<(&Record, &Entry)> = rules.entries().filter(|(_, entry)| is_open(entry)).collect();
    // The worst comes first: a copy of everything, then whoever comes from everywhere.
    open.sort_by_key(|(_, entry)| std::cmp::Reverse((is_for_replication(entry), reach(entry))));
    let Some((_, worst)) = open.first() else { return };
    let users = match worst.users.iter().any(|word| word.is("all")) {
        true => "any user".to_string(),
        false => listed(&worst.users),
    };
    let words = (shown_address(rules, worst), users, consequence(worst));
    let places: Vec<(Place, String)> =
        open.iter().map(|(_, entry)| (entry.method_place, label(rules, entry))).collect();
    if let Some(spot) = together(rules, "hba-trust-network", &places) {
        spots.push(spot.word("address", words.0).word("users", words.1).word("reason", words.2));
    }
}

fn consequence(entry: &Entry) -> &'static str {
    match is_for_replication(entry) {
        true => "They can take a copy of the whole cluster",
        false => "",
    }
}

fn shown_address(rules: &Rules, entry: &Entry) -> String {
    match (&entry.address, entry.address_place) {
        (Some(Address::SameNet), _) => "the server's own networks".to_string(),
        _ if reach(entry) == Reach::World => "anywhere".to_string(),
        (_, Some(place)) => format!("`{}`", rules.text(place)),
        (_, None) => "the machine itself".to_string(),
    }
}

fn label(rules: &Rules, entry: &Entry) -> String {
    format!("for {}", shown_address(rules, entry).replace('`', ""))
}

fn of_proof(rules: &Rules, rule: &'static str, spots: &mut Vec<Spot>, is_it: impl Fn(&Entry) -> bool) {
    let found: Vec<&Entry> = rules.entries().map(|(_, entry)| entry).filter(|entry| is_it(entry)).collect();
    let Some(first) = found.first() else { return };
    let words = (first.method.name, shown_address(rules, first));
    let places: Vec<(Place, String)> = found.iter().map(|entry| (entry.method_place, label(rules, entry))).collect();
    if let Some(spot) = together(rules, rule, &places) {
        spots.push(spot.word("method", words.0).word("address", words.1));
    }
}

fn md5(rules: &Rules, spots: &mut Vec<Spot>) {
    let lines: Vec<&Entry> =
        rules.entries().map(|(_, entry)| entry).filter(|entry| entry.method.proof == Proof::Md5).collect();
    let is_loud = rules.major >= Major::V18 && lines.iter().any(|entry| reach(entry) > Reach::Here);
    let mut lines = lines;
    lines.sort_by_key(|entry| std::cmp::Reverse(reach(entry).min(Reach::Network)));
    let places: Vec<(Place, String)> = lines.iter().map(|entry| (entry.method_place, "here".to_string())).collect();
    if let Some(mut spot) = together(rules, "hba-md5", &places) {
        if !is_loud {
            spot.at_most = Some(Severity::Info);
        }
        spots.push(spot);
    }
}

/// Lines for everybody; those that ask for nothing are told as such.
fn open(rules: &Rules, spots: &mut Vec<Spot>) {
    let is_open = |entry: &Entry| {
        reach(entry) == Reach::World
            && !entry.method.is_reject()
            && entry.method.proof != Proof::Nothing
            && !is_certified(entry)
    };
    let is_any = |entry: &Entry| is_for_replication(entry) && entry.users.iter().any(|word| word.is("all"));
    let mut open: Vec<&Entry> = rules.entries().map(|(_, entry)| entry).filter(|entry| is_open(entry)).collect();
    open.sort_by_key(|entry| std::cmp::Reverse((is_any(entry), is_for_replication(entry))));
    let Some(first) = open.first() else { return };
    let (is_loud, what) = match (is_any(first), is_for_replication(first)) {
        (true, _) => (true, "Replication is open to every role from everywhere"),
        (false, true) => (false, "Replication is open to clients from everywhere"),
        (false, false) => (false, "Databases are open to clients from everywhere"),
    };
    let place = |entry: &Entry| entry.address_place.unwrap_or(entry.method_place);
    let places: Vec<(Place, String)> =
        open.iter().map(|entry| (place(entry), format!("asks for `{}`", entry.method.name))).collect();
    if let Some(mut spot) = together(rules, "hba-open-to-the-world", &places) {
        if !is_loud {
            spot.at_most = Some(Severity::Info);
        }
        spots.push(spot.word("what", what));
    }
}

fn options(rules: &Rules, spots: &mut Vec<Spot>) {
    let known = Access::shared(rules.major);
    let mut secrets: Vec<(Place, String)> = Vec::new();
    for (_, entry) in rules.entries() {
        for option in &entry.options {
            let Some(word) = known.option(option.name.as_bytes()) else { continue };
            let is_written = rules
                .view
                .sources
                .text(option.place)
                .windows(option.name.len())
                .any(|window| window == option.name.as_bytes());
            // A URL stands for several options.
            if !is_written {
                continue;
            }
            if word.is_secret && !option.value.is_empty() {
                secrets.push((option.place, format!("`{}`", option.name)));
            }
            let value = display(&option.value);
            let spot = |rule: &'static str| {
                rules.spot(rule, option.place).word("option", option.name).word("value", value.clone())
            };
            match word.reading {
                Reading::Flag if is_meant_as_on(&option.value) => {
                    let written = format!("{}=1", option.name);
                    let spot = spot("hba-flag-not-one").word("suggestion", written.clone()).label("off");
                    spots.push(spot.edit(option.place, written));
                }
                Reading::ClientCert
                    if !is_certified(entry)
                        && known.meaning(option.name, &option.value).is_none()
                        && option.value != b"0" =>
                {
                    spots.push(spot("hba-clientcert-off").label("off"));
                }
                _ => {}
            }
        }
    }
    spots.extend(together(rules, "hba-secret-in-file", &secrets));
}

/// What everything else in PostgreSQL takes for on.
fn is_meant_as_on(value: &[u8]) -> bool {
    [&b"on"[..], b"true", b"yes", b"t", b"y"].iter().any(|word| value.eq_ignore_ascii_case(word))
}
