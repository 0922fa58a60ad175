//! Whom commits wait for.

use super::replication::with_trait;
use super::spot::{Spot, View};
use crate::model::settings::Verdict;
use crate::source::display;
use crate::value::Grammar;
use crate::value::grammar::standbys::{self, Standbys, Syntax};

/// Spots for lists of standbys that cannot be satisfied, or that one failure stops.
pub fn check(view: &View, spots: &mut Vec<Spot>) {
    // Commits that do not wait are told by a page of their own.
    if with_trait(view, "waits").is_some_and(|(_, value)| matches!(value.plain().as_slice(), b"off" | b"local")) {
        return;
    }
    for (index, judged) in view.lines() {
        let Some(id) = judged.parameter else { continue };
        let is_names = |grammar: &Option<Grammar>| match grammar {
            Some(Grammar::Standbys(syntax)) => Some(*syntax),
            // Up to 9.5 it is a list, which the later grammar takes as well.
            Some(Grammar::Identifiers) => Some(Syntax::Count),
            _ => None,
        };
        let parameter = view.settings.catalog.get(id);
        let Some(syntax) = is_names(&parameter.grammar).filter(|_| parameter.trait_of("of-sender").is_some()) else {
            continue;
        };
        let wins = view.settings.winner(id).is_some_and(|(winner, _)| winner == index);
        let Verdict::Set(value) = &judged.verdict else { continue };
        let wanted = standbys::standbys(syntax, &value.plain());
        if wins && !wanted.names.is_empty() {
            spots.extend(spot(view, index, &wanted));
        }
    }
}

fn spot(view: &View, index: usize, wanted: &Standbys) -> Option<Spot> {
    let mut names: Vec<Vec<u8>> = wanted.names.iter().map(|name| name.to_ascii_lowercase()).collect();
    names.sort();
    names.dedup();
    let place = view.settings.judged[index].entry.value();
    let count = wanted.count;
    let about = |rule: &'static str| {
        let listed: Vec<String> = names.iter().map(|name| format!("`{}`", display(name))).collect();
        view.about(rule, index, place)
            .word("missing", count.to_string())
            .word("has", names.len().to_string())
            .word("users", listed.join(", "))
    };
    if names.iter().any(|name| name == b"*") {
        return Some(about("sync-standby-is-anyone").label("whoever connects"));
    }
    match count.cmp(&names.len()) {
        std::cmp::Ordering::Greater => {
            let label = format!("{count} confirmations of {} standbys", names.len());
            Some(about("sync-count-exceeds-names").label(label))
        }
        std::cmp::Ordering::Equal => Some(about("sync-without-spare").label("all of them are needed")),
        std::cmp::Ordering::Less => None,
    }
}
