//! Values that the server takes, and that are hardly what was meant.

mod numbers;
mod texts;

pub use texts::placeholder;

use crate::check::spot::{Spot, View};
use crate::model::settings::Verdict;

/// Spots for traps on lines that count.
pub fn check(view: &View, spots: &mut Vec<Spot>) {
    for (index, judged) in view.lines() {
        match (&judged.verdict, judged.parameter) {
            (Verdict::Set(value), Some(id)) if view.settings.winner(id).is_some_and(|(winner, _)| winner == index) => {
                let parameter = view.settings.catalog.get(id);
                spots.extend(numbers::spot(view, index, parameter, value));
                spots.extend(texts::spot(view, index, Some(parameter)));
            }
            (Verdict::Custom, _) => spots.extend(texts::spot(view, index, None)),
            _ => {}
        }
    }
}
