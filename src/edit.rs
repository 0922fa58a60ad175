//! Edits of byte ranges: a file is never printed anew, so all that no edit names stays as it was.

use std::collections::BTreeMap;

use crate::finding::{Edit, Fix};
use crate::source::{FileId, Span};

/// What one round of fixing does.
#[derive(Debug, Default)]
pub struct Round {
    /// For each file its edits, sorted by start, disjoint.
    pub edits: BTreeMap<FileId, Vec<Edit>>,
    /// Which of the fixes are in it, by their index, ascending.
    pub taken: Vec<usize>,
    /// Which overlap one that was taken, and wait for the next round.
    pub waiting: Vec<usize>,
}

/// The bytes after the edits, which must be of this file, sorted and disjoint.
pub fn apply(bytes: &[u8], edits: &[Edit]) -> Vec<u8> {
    let added: usize = edits.iter().map(|edit| edit.text.len()).sum();
    let mut after = Vec::with_capacity(bytes.len() + added);
    let mut done = 0;
    for edit in edits {
        let span = edit.place.span;
        debug_assert!(done <= span.start && span.start <= span.end, "edits are sorted and disjoint");
        after.extend_from_slice(&bytes[done..span.start]);
        after.extend_from_slice(&edit.text);
        done = span.end;
    }
    after.extend_from_slice(&bytes[done..]);
    after
}

/// Takes as many fixes as fit beside each other, the earlier ones first; each is taken whole or waits.
pub fn round<'a>(fixes: impl IntoIterator<Item = &'a Fix>) -> Round {
    let mut round = Round::default();
    let mut taken: BTreeMap<FileId, Taken> = BTreeMap::new();
    for (index, fix) in fixes.into_iter().enumerate() {
        if fits(fix, &taken) {
            for edit in &fix.edits {
                taken.entry(edit.place.file).or_default().insert(edit.place.span);
                round.edits.entry(edit.place.file).or_default().push(edit.clone());
            }
            round.taken.push(index);
        } else {
            round.waiting.push(index);
        }
    }
    for edits in round.edits.values_mut() {
        edits.sort_by_key(|edit| edit.place.span);
    }
    round
}

fn fits(fix: &Fix, taken: &BTreeMap<FileId, Taken>) -> bool {
    let free = |edit: &Edit| taken.get(&edit.place.file).is_none_or(|taken| taken.is_free(edit.place.span));
    let disjoint =
        |pair: &[Edit]| pair[0].place.file != pair[1].place.file || !pair[0].place.span.overlaps(pair[1].place.span);
    fix.edits.iter().all(free) && fix.edits.windows(2).all(disjoint)
}

/// Ranges of one file, disjoint: where each starts, and its end.
#[derive(Default)]
struct Taken(BTreeMap<usize, usize>);

impl Taken {
    fn insert(&mut self, span: Span) {
        self.0.insert(span.start, span.end);
    }

    // As they are disjoint, only the neighbours can overlap.
    fn is_free(&self, span: Span) -> bool {
        let overlaps = |(start, end): (&usize, &usize)| Span::new(*start, *end).overlaps(span);
        !self.0.range(..=span.start).next_back().is_some_and(overlaps)
            && !self.0.range(span.start..).next().is_some_and(overlaps)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::finding::Safety;
    use crate::source::Place;

    fn edit(file: u32, start: usize, end: usize, text: &[u8]) -> Edit {
        Edit { place: Place { file: FileId(file), span: Span::new(start, end) }, text: text.to_vec() }
    }

    fn fix(mut edits: Vec<Edit>) -> Fix {
        edits.sort();
        Fix { safety: Safety::Safe, title: String::new(), edits, held: None }
    }

    #[test]
    fn overlapping_fixes_wait_whole() {
        let fixes = [
            fix(vec![edit(0, 2, 4, b"X")]),
            fix(vec![edit(0, 0, 1, b"Y"), edit(0, 3, 5, b"Z")]),
            fix(vec![edit(0, 0, 1, b"W"), edit(1, 3, 5, b"Z")]),
            fix(vec![edit(0, 4, 4, b"in")]),
        ];
        let round = round(&fixes);
        assert_eq!(round.taken, [0, 2, 3]);
        assert_eq!(round.waiting, [1]);
        assert_eq!(apply(b"abcdef", &round.edits[&FileId(0)]), b"WbXinef");
    }

    #[test]
    fn a_fix_that_overlaps_itself_is_never_taken() {
        assert_eq!(round(&[fix(vec![edit(0, 1, 3, b""), edit(0, 2, 4, b"")])]).waiting, [0]);
    }

    fn some_fixes() -> impl Strategy<Value = (Vec<u8>, Vec<Fix>)> {
        proptest::collection::vec(any::<u8>(), 0..40).prop_flat_map(|bytes| {
            let size = bytes.len();
            let edit = (0..=size, 0..=4usize, proptest::collection::vec(any::<u8>(), 0..4))
                .prop_map(move |(start, length, text)| edit(0, start, (start + length).min(size), &text));
            let fixes = proptest::collection::vec(proptest::collection::vec(edit, 1..3).prop_map(fix), 0..12);
            (Just(bytes), fixes)
        })
    }

    proptest! {
        /// A round equals applying its edits from the last to the first, and bytes that none names survive in order.
        #[test]
        fn a_round_is_its_edits_one_by_one((bytes, fixes) in some_fixes()) {
            let round = round(&fixes);
            prop_assert_eq!(round.taken.len() + round.waiting.len(), fixes.len());
            let edits = round.edits.get(&FileId(0)).cloned().unwrap_or_default();
            for pair in edits.windows(2) {
                prop_assert!(!pair[0].place.span.overlaps(pair[1].place.span));
            }
            let mut one_by_one = bytes.clone();
            for edit in edits.iter().rev() {
                one_by_one.splice(edit.place.span.start..edit.place.span.end, edit.text.iter().copied());
            }
            prop_assert_eq!(apply(&bytes, &edits), one_by_one);
        }

        /// A fix waits only if it overlaps one that was taken, or itself.
        #[test]
        fn no_fix_waits_in_vain((_bytes, fixes) in some_fixes()) {
            let round = round(&fixes);
            for waiting in &round.waiting {
                let mine = &fixes[*waiting].edits;
                let overlaps = |edit: &Edit, other: &Edit| edit.place.span.overlaps(other.place.span);
                let with_taken = round.taken.iter().any(|taken| fixes[*taken].edits.iter().any(|other| mine.iter().any(|edit| overlaps(edit, other))));
                let with_itself = mine.windows(2).any(|pair| overlaps(&pair[0], &pair[1]));
                prop_assert!(with_taken || with_itself);
            }
        }
    }
}
