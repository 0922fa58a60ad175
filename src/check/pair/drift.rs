//! Settings that differ between a primary and its standby, and are felt after a failover.

use super::{Found, Pair};
use crate::check::spot::Spot;
use crate::source::display;

/// The trait of settings that each node has of its own, in `rules/catalog/traits.tsv`.
const OWN: &str = "of-node";

/// So many are named.
const SHOWN: usize = 6;

/// One spot for all settings that differ and are of one node's own on neither.
pub(super) fn check(pair: &Pair, found: &mut Found) {
    let (upstream, standby) = (pair.upstream.view.settings, pair.standby.view.settings);
    if pair.upstream.view.tree.missing.is_some() || pair.standby.view.tree.missing.is_some() {
        return;
    }
    let mut differ = Vec::new();
    for (id, parameter) in standby.catalog.iter() {
        let is_own = [OWN, "conninfo", "recovery-target", "standby-at-least"]
            .iter()
            .any(|word| parameter.trait_of(word).is_some());
        let is_set = upstream.winner(id).is_some() || standby.winner(id).is_some();
        if is_own || !is_set {
            continue;
        }
        let values = (upstream.value(parameter.name), standby.value(parameter.name));
        let (Some(wanted), Some(has)) = values else { continue };
        if wanted != has {
            let shown = |value: crate::value::Value| display(&value.shown(parameter, pair.major));
            differ.push((
                id,
                parameter.name,
                format!("`{}` {} here, {} there", parameter.name, shown(has), shown(wanted)),
            ));
        }
    }
    let Some((first, name, _)) = differ.first() else { return };
    let place = match standby.winner(*first) {
        Some((_, judged)) => Some(judged.entry.value()),
        None => pair.standby.top(),
    };
    let Some(place) = place else { return };
    let told: Vec<&str> = differ.iter().take(SHOWN).map(|(_, _, told)| told.as_str()).collect();
    let more = differ.len().saturating_sub(SHOWN);
    let more = if more > 0 { format!(", and {more} more") } else { String::new() };
    let count = if differ.len() == 1 { "1 setting".to_owned() } else { format!("{} settings", differ.len()) };
    let spot = Spot::new("settings-differ-between-nodes", place)
        .subject(*name)
        .word("name", pair.standby.member.name.clone())
        .word("upstream", pair.upstream.member.name.clone())
        .word("token", count)
        .word("what", format!("{}{more}", told.join("; ")))
        .word("pg", pair.standby.view.version_word());
    found.of_standby.push(spot.label("differs"));
}
