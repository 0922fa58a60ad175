//! Sets of addresses, and which line each address fell to first.

use std::collections::BTreeMap;

/// So many entries are kept in a list: most lines of a large file are about one address each.
const FEW: usize = 12;

/// A sorted map that is small when it is short.
#[derive(Clone, Debug)]
enum Map<V> {
    Few(Vec<(u128, V)>),
    Many(BTreeMap<u128, V>),
}

impl<V> Default for Map<V> {
    fn default() -> Map<V> {
        Map::Few(Vec::new())
    }
}

impl<V: Copy> Map<V> {
    fn insert(&mut self, key: u128, value: V) {
        match self {
            Map::Few(list) => match list.binary_search_by_key(&key, |(key, _)| *key) {
                Ok(at) => list[at].1 = value,
                Err(at) => {
                    list.insert(at, (key, value));
                    if list.len() > FEW {
                        *self = Map::Many(std::mem::take(list).into_iter().collect());
                    }
                }
            },
            Map::Many(map) => {
                map.insert(key, value);
            }
        }
    }

    fn remove(&mut self, key: u128) -> Option<V> {
        match self {
            Map::Few(list) => {
                let at = list.binary_search_by_key(&key, |(key, _)| *key).ok()?;
                Some(list.remove(at).1)
            }
            Map::Many(map) => map.remove(&key),
        }
    }

    /// The last entry at or before a key.
    fn before(&self, key: u128) -> Option<(u128, V)> {
        match self {
            Map::Few(list) => {
                let end = list.partition_point(|(other, _)| *other <= key);
                list[..end].last().copied()
            }
            Map::Many(map) => map.range(..=key).next_back().map(|(key, value)| (*key, *value)),
        }
    }

    /// The entries from one key to another, both included.
    fn between(&self, low: u128, high: u128) -> Vec<(u128, V)> {
        if low > high {
            return Vec::new();
        }
        match self {
            Map::Few(list) => list.iter().filter(|(key, _)| (low..=high).contains(key)).copied().collect(),
            Map::Many(map) => map.range(low..=high).map(|(key, value)| (*key, *value)).collect(),
        }
    }

    fn first_between(&self, low: u128, high: u128) -> Option<u128> {
        match self {
            Map::Few(list) => list.iter().map(|(key, _)| *key).find(|key| (low..=high).contains(key)),
            Map::Many(map) => map.range(low..=high).next().map(|(key, _)| *key),
        }
    }
}

/// Ranges of numbers, both ends included; each is owned by the line that took it first.
#[derive(Clone, Debug, Default)]
pub(super) struct Ranges {
    /// Start to end, disjoint and not touching.
    merged: Map<u128>,
    /// Start to end and owner, disjoint.
    owned: Map<(u128, usize)>,
}

impl Ranges {
    /// Gives a line all of a range that no line has.
    pub(super) fn insert(&mut self, low: u128, high: u128, line: usize) {
        let (mut start, mut end) = (low, high);
        // The next number that may be free.
        let mut at = low;
        if let Some((before, last)) = self.merged.before(low) {
            if last >= high {
                return;
            }
            if last >= low || last + 1 == low {
                start = before;
                at = last + 1;
                self.merged.remove(before);
            }
        }
        let inside = self.merged.between(at, high);
        let mut is_full = false;
        for (first, last) in inside {
            if first > at {
                self.owned.insert(at, (first - 1, line));
            }
            self.merged.remove(first);
            end = end.max(last);
            match last.checked_add(1) {
                Some(next) => at = next,
                None => is_full = true,
            }
        }
        if !is_full && at <= high {
            self.owned.insert(at, (high, line));
        }
        if let Some(next) = end.checked_add(1)
            && let Some(last) = self.merged.remove(next)
        {
            end = last;
        }
        self.merged.insert(start, end);
    }

    /// The end of the range that holds a number.
    fn end(&self, at: u128) -> Option<u128> {
        let (_, end) = self.merged.before(at)?;
        (end >= at).then_some(end)
    }

    /// Who owns a number, and up to where.
    pub(super) fn owner(&self, at: u128) -> Option<(u128, usize)> {
        let (_, (end, line)) = self.owned.before(at)?;
        (end >= at).then_some((end, line))
    }

    /// The first number of a range that is owned.
    pub(super) fn first_within(&self, low: u128, high: u128) -> Option<u128> {
        if self.end(low).is_some() {
            return Some(low);
        }
        self.merged.first_between(low, high)
    }
}

/// How far several sets together hold every number from `low` on: the last one, at most `high`; `None` if not even the first.
pub(super) fn reach(sets: &[&Ranges], low: u128, high: u128) -> Option<u128> {
    let mut at = low;
    let mut reached = None;
    loop {
        let Some(end) = sets.iter().filter_map(|set| set.end(at)).max() else { return reached };
        reached = Some(end.min(high));
        if end >= high {
            return reached;
        }
        at = end + 1;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_set_is_what_an_array_would_be(
            inserts in proptest::collection::vec((0_u128..40, 0_u128..12), 0..20),
            low in 0_u128..50, length in 0_u128..20,
        ) {
            let mut ranges = Ranges::default();
            let mut array = [None; 64];
            for (line, (start, length)) in inserts.iter().enumerate() {
                ranges.insert(*start, start + length, line);
                for cell in &mut array[usize::try_from(*start).expect("small")..=usize::try_from(start + length).expect("small")] {
                    cell.get_or_insert(line);
                }
            }
            for (at, owner) in array.iter().enumerate() {
                prop_assert_eq!(ranges.owner(at as u128).map(|(_, line)| line), *owner);
                prop_assert_eq!(ranges.end(at as u128).is_some(), owner.is_some());
            }
            let high = low + length;
            let held = (low..=high).take_while(|at| array.get(*at as usize).is_some_and(|owner| owner.is_some())).last();
            prop_assert_eq!(reach(&[&ranges], low, high), held);
            let first = (low..=high).find(|at| array.get(*at as usize).is_some_and(|owner| owner.is_some()));
            prop_assert_eq!(ranges.first_within(low, high), first);
        }
    }

    #[test]
    fn the_last_number_is_a_number() {
        let mut ranges = Ranges::default();
        ranges.insert(u128::MAX - 1, u128::MAX, 1);
        ranges.insert(0, u128::MAX, 2);
        ranges.insert(0, u128::MAX, 3);
        assert_eq!(reach(&[&ranges], 0, u128::MAX), Some(u128::MAX));
        assert_eq!(ranges.owner(u128::MAX), Some((u128::MAX, 1)));
        assert_eq!(ranges.owner(7), Some((u128::MAX - 2, 2)));
    }
}
