//! Settings that a connection string sends along.

use super::{Caller, Found, Pair};
use crate::model::conninfo::Options;
use crate::names;
use crate::source::display;

/// Contexts whose settings a client cannot choose for its own connection.
const CLOSED: [&str; 3] = ["internal", "postmaster", "sighup"];

/// Spots for settings that a server refuses to take from a client.
pub(super) fn check(pair: &Pair, caller: &Caller, options: &Options, found: &mut Found) {
    let Some(text) = options.filled(names::OPTIONS) else { return };
    let catalog = pair.upstream.view.settings.catalog;
    let text = display(text);
    let mut words = text.split_whitespace();
    while let Some(word) = words.next() {
        let assignment = match word {
            "-c" => words.next(),
            word => word.strip_prefix("-c").or_else(|| word.strip_prefix("--")),
        };
        let Some((name, _)) = assignment.and_then(|assignment| assignment.split_once('=')) else { continue };
        let name = name.replace('-', "_");
        let Some(id) = catalog.find(name.as_bytes()) else { continue };
        let parameter = catalog.get(id);
        if !CLOSED.contains(&parameter.context) {
            continue;
        }
        let spot = caller.spot(pair, "conninfo-sends-server-setting", caller.span_of(names::OPTIONS));
        let spot = spot.word("token", parameter.name).word("name", pair.standby.member.name.clone());
        let spot = spot.word("upstream", pair.upstream.member.name.clone()).label("not for a client to say");
        found.of_standby.push(spot);
    }
}
