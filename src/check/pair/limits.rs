//! What a standby must have at least as high as its primary, and the WAL that it must be able to replay.

use super::{Found, Pair, identity};
use crate::check::directory::too_low;
use crate::check::spot::Spot;
use crate::model::pair::Answer;
use crate::names;
use crate::value::Value;
use crate::version::Major;

/// The trait of such settings in `rules/catalog/traits.tsv`.
const TRAIT: &str = "standby-at-least";

/// Spots for those that are lower, where the standby is to answer queries: else they do not matter. They are in the
/// WAL, and so those of the primary, whoever hands it on.
pub(super) fn check(pair: &Pair, found: &mut Found) {
    if pair.standby.mode() == Answer::No || identity::is_other_cluster(pair) {
        return;
    }
    if pair.head.lacks_settings() || pair.standby.lacks_settings() {
        let upstream = &pair.head.member.name;
        found.provided.push(format!("its settings, which are not all here, fit those of {upstream}"));
        return;
    }
    minimal(pair, found);
    if pair.standby.answers_queries() != Answer::Yes {
        return;
    }
    let (upstream, standby) = (pair.head.view.settings, pair.standby.view.settings);
    for (_, parameter) in standby.catalog.with_trait(TRAIT) {
        let number = |value: Option<Value>| match value {
            Some(Value::Integer(number)) => Some(number),
            _ => None,
        };
        let values = (number(upstream.value(parameter.name)), number(standby.value(parameter.name)));
        let (Some(wanted), Some(has)) = values else { continue };
        if has >= wanted {
            continue;
        }
        let says = too_low(pair.major, parameter.name, has, wanted);
        let winner = standby.catalog.find(parameter.name.as_bytes()).and_then(|id| standby.winner(id));
        let mut spot = match winner {
            Some((index, judged)) => pair
                .standby
                .view
                .about("standby-setting-too-low", index, judged.entry.value())
                .edit(judged.entry.value(), wanted.to_string()),
            None => {
                let Some(top) = pair.standby.top() else { continue };
                Spot::new("standby-setting-too-low", top).subject(parameter.name)
            }
        };
        spot.words.retain(|(word, _)| !matches!(*word, "name" | "value"));
        let default = if winner.is_some() { "" } else { " (default)" };
        spot = spot.word("setting", parameter.name).word("name", pair.standby.member.name.clone());
        spot = spot.word("has", format!("{has}{default}")).word("wanted", wanted.to_string());
        spot = spot.word("upstream", pair.head.member.name.clone()).server(says).label(format!("{has} here"));
        let other = upstream.catalog.find(parameter.name.as_bytes()).and_then(|id| upstream.winner(id));
        if let Some((_, judged)) = other {
            spot = spot.related(judged.entry.value(), format!("{wanted} on {}", pair.head.member.name));
        }
        found.of_standby.push(spot);
    }
}

/// WAL that does not hold what a standby needs: it stops once it comes to it.
fn minimal(pair: &Pair, found: &mut Found) {
    if pair.head.word(names::WAL_LEVEL) != "minimal" {
        return;
    }
    // Up to 13 a server that answers nobody goes on, and misses data.
    if pair.standby.answers_queries() != Answer::Yes && pair.major < Major::V14 {
        return;
    }
    let Some(place) = pair.head.place_of(names::WAL_LEVEL) else { return };
    let name = names::WAL_LEVEL;
    let says = match pair.major {
        major if major < Major::V14 => format!("hot standby is not possible because {name} was not set to"),
        major if major < Major::V17 => format!("WAL was generated with {name}=minimal, cannot continue recovering"),
        _ => format!("WAL was generated with \"{name}=minimal\", cannot continue recovering"),
    };
    let spot = Spot::new("wal-of-primary-is-minimal", place)
        .subject(names::WAL_LEVEL)
        .word("name", pair.standby.member.name.clone())
        .word("upstream", pair.head.member.name.clone())
        .word("pg", pair.standby.view.version_word())
        .server(says);
    found.of_head.push(spot.label("no standby can replay it"));
}
