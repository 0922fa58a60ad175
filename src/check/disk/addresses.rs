//! Addresses to listen on that no resolver takes.

use std::net::Ipv6Addr;

use super::elsewhere;
use crate::check::replication::at_trait;
use crate::check::spot::{Spot, View};
use crate::names;
use crate::source::display;
use crate::value::grammar::list;

/// An entry that can be neither an address nor a name. A server starts as long as it listens on another.
pub fn check(view: &View) -> Option<Spot> {
    let value = view.settings.value(names::LISTEN_ADDRESSES)?.plain();
    let entries = list::identifiers(view.settings.catalog.version.major, &value)?;
    let wrong: Vec<&Vec<u8>> = entries.iter().filter(|entry| !is_possible(entry)).collect();
    let entry = display(wrong.first()?);
    let mut spot = at_trait(view, "listen-address-impossible", "address-list")?
        .word("address", entry.clone())
        .word("reason", reason(&entry))
        .label("no address, and no name of a host")
        .server(format!("could not translate host name \"{entry}\""));
    if wrong.len() < entries.len() {
        elsewhere(&mut spot);
    }
    Some(spot)
}

/// Whether a resolver could know it: no name of a host has these characters.
fn is_possible(entry: &[u8]) -> bool {
    if entry.contains(&b':') {
        let text = String::from_utf8_lossy(entry);
        let address = text.split_once('%').map_or(&*text, |(address, _)| address);
        return address.parse::<Ipv6Addr>().is_ok();
    }
    !entry.iter().any(|byte| byte.is_ascii_whitespace() || b"/[]()\"'@,;=".contains(byte))
}

fn reason(entry: &str) -> &'static str {
    match () {
        () if entry.contains('/') => "a network is none: it is for pg_hba.conf",
        () if entry.contains('[') => "an IPv6 address stands without brackets",
        () if entry.contains(':') => "the port has a setting of its own",
        () if entry.contains(char::is_whitespace) => "commas stand between entries",
        () => "no host is called so",
    }
}
