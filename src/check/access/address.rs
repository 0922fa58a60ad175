//! Addresses that stand for other clients than was meant, or for none.

use std::collections::HashSet;
use std::net::IpAddr;

use super::{Reach, Rules, reach, together};
use crate::catalog::access::meant;
use crate::check::spot::Spot;
use crate::finding::Severity;
use crate::model::access::{Record, Word};
use crate::model::hba::Entry;
use crate::model::hba::address::{Address, Network};
use crate::source::{Place, display};

/// Spots for addresses; `known` are the places of which something is said already.
pub fn check(rules: &Rules, known: &HashSet<Place>, spots: &mut Vec<Spot>) {
    let mut names: Vec<(Place, String)> = Vec::new();
    for (record, entry) in rules.entries() {
        let Some(word) = record.fields.get(3).map(|field| &field[0]).filter(|word| !known.contains(&word.place)) else {
            continue;
        };
        match &entry.address {
            Some(Address::Network(network)) => spots.extend(of_network(rules, record, entry, word, network)),
            Some(Address::Name(name)) => match of_name(rules, word, name) {
                Some(spot) => spots.push(spot),
                None if reach(entry) == Reach::Here => {}
                None => names.push((word.place, "a host name".to_string())),
            },
            _ => {}
        }
    }
    let first = names.first().map(|(place, _)| rules.text(*place)).unwrap_or_default();
    spots.extend(together(rules, "hba-host-name", &names).map(|spot| spot.word("token", first)));
    families(rules, spots);
}

fn of_network(rules: &Rules, record: &Record, entry: &Entry, word: &Word, network: &Network) -> Option<Spot> {
    let place = entry.address_place.unwrap_or(word.place);
    let token = rules.text(place);
    let is_one = network.length() == Some(width(network.address));
    if network.address.is_unspecified() && is_one {
        let all = if network.address.is_ipv4() { "0.0.0.0/0" } else { "::/0" };
        let spot = rules.spot("hba-impossible-address", place).word("token", token).word("suggestion", all);
        return Some(spot.label("one address, that no client has").edit(place, all));
    }
    if let IpAddr::V6(v6) = network.address
        && let Some(v4) = v6.to_ipv4_mapped()
        && network.length().is_some_and(|length| length >= 96)
    {
        let suggestion = format!("{v4}/{}", network.length().unwrap_or(128) - 96);
        let spot = rules.spot("hba-impossible-address", place).word("token", token);
        let spot = spot.word("suggestion", suggestion.clone()).label("clients of IPv4 come as IPv4");
        return Some(spot.edit(place, suggestion));
    }
    let Some(length) = network.length() else {
        return Some(rules.spot("hba-mask-with-holes", place).word("token", token).label("bits that skip some"));
    };
    if network.first() == network.address {
        return None;
    }
    let first = network.first().to_string();
    let written = match record.fields.get(4).filter(|_| !word.text.contains(&b'/')) {
        Some(mask) => format!("{first} {}", display(&mask[0].text)),
        None => format!("{first}/{length}"),
    };
    let mut spot = rules
        .spot("hba-host-bits", place)
        .word("token", token)
        .word("suggestion", written.clone())
        .word("other", format!("{}/{}", network.address, width(network.address)))
        .label(format!("the same as `{written}`"));
    // The address alone: what stands between it and its mask stays.
    let alone = if word.text.contains(&b'/') { written } else { first };
    spot = spot.edit(word.place, alone);
    if reach(entry) == Reach::Here {
        spot.at_most = Some(Severity::Info);
    }
    Some(spot)
}

fn width(address: IpAddr) -> u32 {
    if address.is_ipv4() { 32 } else { 128 }
}

/// What is read as a host name and can be none.
fn of_name(rules: &Rules, word: &Word, name: &[u8]) -> Option<Spot> {
    let spot = || {
        let spot = rules.spot("hba-impossible-address", word.place).word("token", rules.text(word.place));
        spot.label("read as a host name")
    };
    if let Some(meant) = meant("address", name) {
        return Some(spot().word("suggestion", meant).edit(word.place, meant));
    }
    let is_name_byte =
        |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_') || !byte.is_ascii();
    let is_numeric = name.iter().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'-' | b'_'));
    if !is_numeric && name.iter().all(is_name_byte) {
        return None;
    }
    match network_meant(name) {
        Some(meant) => Some(spot().word("suggestion", meant.clone()).edit(word.place, meant)),
        None => Some(spot()),
    }
}

/// `192.168.1.*` and `192.168.1.` for `192.168.1.0/24`; `[::1]` and an address with a port without them.
fn network_meant(name: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(name).ok()?;
    if let Some(inner) = text.strip_prefix('[').and_then(|text| text.split(']').next()) {
        return inner.parse::<std::net::Ipv6Addr>().ok().map(|address| format!("{address}/128"));
    }
    if let Some((address, port)) = text.split_once(':')
        && port.bytes().all(|byte| byte.is_ascii_digit())
    {
        return address.parse::<std::net::Ipv4Addr>().ok().map(|address| format!("{address}/32"));
    }
    let parts: Vec<&str> = text.trim_end_matches('.').split('.').collect();
    let fixed = parts.iter().take_while(|part| part.parse::<u8>().is_ok()).count();
    let is_open = parts[fixed..].iter().all(|part| matches!(*part, "*" | "%"));
    if !(1..4).contains(&fixed) || parts.len() > 4 || !is_open || parts.len() == fixed && !text.ends_with('.') {
        return None;
    }
    let mut numbers: Vec<&str> = parts[..fixed].to_vec();
    numbers.resize(4, "0");
    Some(format!("{}/{}", numbers.join("."), fixed * 8))
}

/// Lines for one of the two families of addresses only.
fn families(rules: &Rules, spots: &mut Vec<Spot>) {
    let mut first: [Option<(Place, Reach)>; 2] = [None, None];
    for (record, entry) in rules.entries() {
        let index = match &entry.address {
            None => continue,
            // Names and key words stand for both.
            Some(Address::Network(network)) => usize::from(network.address.is_ipv6()),
            Some(_) => return,
        };
        let reach = reach(entry);
        if entry.method.is_reject() || reach == Reach::Network {
            first[index].get_or_insert((record.place(), Reach::Network));
            continue;
        }
        let word = &record.fields[3][0];
        match first[index] {
            Some((_, Reach::Here | Reach::World)) => {}
            _ => first[index] = Some((entry.address_place.unwrap_or(word.place), reach)),
        }
    }
    let (place, has, lacks, twin) = match first {
        [Some((place, Reach::Here)), None] => (place, "IPv4", "IPv6", "::1/128"),
        [Some((place, Reach::World)), None] => (place, "IPv4", "IPv6", "::/0"),
        [None, Some((place, Reach::Here))] => (place, "IPv6", "IPv4", "127.0.0.1/32"),
        [None, Some((place, Reach::World))] => (place, "IPv6", "IPv4", "0.0.0.0/0"),
        _ => return,
    };
    let spot = rules.spot("hba-one-ip-family", place).word("has", has).word("lacks", lacks).word("suggestion", twin);
    spots.push(spot.label(format!("{has} only")));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_that_were_meant() {
        for (text, meant) in [
            ("192.168.1.*", Some("192.168.1.0/24")),
            ("192.168.*.*", Some("192.168.0.0/16")),
            ("10.*", Some("10.0.0.0/8")),
            ("10.0.", Some("10.0.0.0/16")),
            ("[::1]", Some("::1/128")),
            ("127.0.0.1:5432", Some("127.0.0.1/32")),
            ("300.1.1.1", None),
            ("192.168.1.0-255", None),
            ("*.example.com", None),
        ] {
            assert_eq!(network_meant(text.as_bytes()).as_deref(), meant, "{text}");
        }
    }
}
