//! Keywords that stand twice, and those that do nothing any more.

use std::collections::HashMap;

use super::Subject;
use crate::catalog::conninfo::{self as table, Kind};
use crate::check::spot::Spot;
use crate::finding::Severity;
use crate::source::display;
use crate::syntax::conninfo::Form;

/// Spots for keywords.
pub fn check(subject: &Subject, spots: &mut Vec<Spot>) {
    let mut last: HashMap<&[u8], usize> = HashMap::new();
    for (index, pair) in subject.conninfo.pairs.iter().enumerate() {
        if subject.told[index] {
            continue;
        }
        let (keyword, value) = subject.options.stored(pair);
        if let Some(before) = last.insert(keyword, index) {
            spots.push(repeated(subject, before, index));
            continue;
        }
        let Some(row) = table::keyword(&pair.keyword) else { continue };
        let since = table::idle_since(row).filter(|since| subject.major >= *since);
        match row.kind {
            Kind::Alias => spots.push(alias(subject, index, keyword, value)),
            Kind::Idle if since.is_some() && pair.value != row.values.as_bytes() => {
                spots.push(idle(subject, index));
            }
            _ => {}
        }
    }
}

fn repeated(subject: &Subject, before: usize, index: usize) -> Spot {
    let [first, second] = [before, index].map(|index| &subject.conninfo.pairs[index]);
    let mut spot = subject
        .spot("conninfo-repeated-keyword", first.span())
        .word("keyword", display(subject.options.stored(second).0))
        .label("has no effect")
        .related(subject.place(second.span()), "this one counts");
    if subject.conninfo.form == Form::Pairs {
        spot.edits.push(subject.without(before));
    }
    if subject.options.stored(first).1 == subject.options.stored(second).1 {
        spot.at_most = Some(Severity::Info);
    }
    spot
}

fn alias(subject: &Subject, index: usize, keyword: &[u8], value: &[u8]) -> Spot {
    let pair = &subject.conninfo.pairs[index];
    let new = [keyword, b"=", value].concat();
    let mut spot = subject
        .spot("conninfo-obsolete-keyword", pair.span())
        .word("keyword", display(&pair.keyword))
        .word("hint", format!("libpq reads it as `{}`", display(&new)))
        .word("suggestion", display(&new))
        .label("an old spelling");
    spot.edits.push(subject.edit(pair.span(), &new));
    spot
}

fn idle(subject: &Subject, index: usize) -> Spot {
    let pair = &subject.conninfo.pairs[index];
    let mut spot = subject
        .spot("conninfo-obsolete-keyword", pair.span())
        .word("keyword", display(&pair.keyword))
        .word("hint", "libpq reads it and does nothing with it")
        .label("has no effect");
    if subject.conninfo.form == Form::Pairs {
        spot.edits.push(subject.without(index));
    }
    spot
}
