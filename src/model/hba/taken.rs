//! The addresses that lines have taken, and those that a line asks for.

use std::collections::{BTreeSet, HashMap};

use super::address::{Address, Network};
use super::ranges::{Ranges, reach};

/// Lines that are named as taking the connections of another.
pub(super) const MOST_TAKERS: usize = 4;

/// The addresses that lines of one database and user word have taken, for one kind of connection.
#[derive(Debug, Default)]
pub(super) struct Taken {
    pub(super) local: Option<usize>,
    pub(super) v4: Ranges,
    pub(super) v6: Ranges,
    /// Names and masks that cannot be counted, by what they are.
    pub(super) words: HashMap<Vec<u8>, usize>,
}

/// What is asked for: ranges, or a word that only the same word or every address can take.
pub(super) struct Asked {
    pub(super) v4: Vec<(u128, u128)>,
    pub(super) v6: Vec<(u128, u128)>,
    /// Words of which any takes it.
    pub(super) words: Vec<Vec<u8>>,
}

const V4: (u128, u128) = (0, u32::MAX as u128);
const V6: (u128, u128) = (0, u128::MAX);

impl Taken {
    pub(super) fn insert(&mut self, line: usize, address: Option<&Address>, asked: &Asked) {
        let word = match address {
            None => {
                self.local.get_or_insert(line);
                return;
            }
            Some(Address::All | Address::Network(_)) if asked.words.is_empty() => {
                asked.v4.iter().for_each(|(low, high)| self.v4.insert(*low, *high, line));
                asked.v6.iter().for_each(|(low, high)| self.v6.insert(*low, *high, line));
                return;
            }
            Some(address) => own_word(address),
        };
        self.words.entry(word).or_insert(line);
    }
}

/// What stands for an address that cannot be counted.
fn own_word(address: &Address) -> Vec<u8> {
    match address {
        Address::SameHost => b"/host".to_vec(),
        Address::SameNet => b"/net".to_vec(),
        Address::Name(name) => name.to_ascii_lowercase(),
        Address::Network(network) => {
            format!("/{}", Network { address: network.first(), ..*network }.shown()).into_bytes()
        }
        Address::All => Vec::new(),
    }
}

impl Asked {
    pub(super) fn of(address: Option<&Address>) -> Asked {
        let all = |words: Vec<Vec<u8>>| Asked { v4: vec![V4], v6: vec![V6], words };
        let Some(address) = address else { return Asked { v4: Vec::new(), v6: Vec::new(), words: Vec::new() } };
        match address {
            Address::All => all(Vec::new()),
            Address::SameHost => all(vec![own_word(address), own_word(&Address::SameNet)]),
            Address::SameNet => all(vec![own_word(address)]),
            Address::Name(name) => {
                // What ends in `.a.b` ends in `.b`.
                let name = name.to_ascii_lowercase();
                let ends = name.iter().enumerate().filter(|(_, byte)| **byte == b'.').take(16);
                let ends = ends.map(|(dot, _)| name[dot..].to_vec()).collect::<Vec<_>>();
                all([name].into_iter().chain(ends).collect())
            }
            Address::Network(network) => match network.ranges() {
                Some((true, ranges)) => Asked { v4: ranges, v6: Vec::new(), words: Vec::new() },
                Some((false, ranges)) => Asked { v4: Vec::new(), v6: ranges, words: Vec::new() },
                // All addresses of its family would do.
                None if network.first().is_ipv4() => {
                    Asked { v4: vec![V4], v6: Vec::new(), words: vec![own_word(address)] }
                }
                None => Asked { v4: Vec::new(), v6: vec![V6], words: vec![own_word(address)] },
            },
        }
    }
}

/// Whether the sets together hold all ranges; what they are found to hold is kept in `swept`.
pub(super) fn sweep(sets: &[&Ranges], swept: &mut Ranges, ranges: &[(u128, u128)]) -> bool {
    ranges.iter().all(|(low, high)| {
        let mut all = sets.to_vec();
        all.push(swept);
        let reached = reach(&all, *low, *high);
        if let Some(reached) = reached {
            swept.insert(*low, reached, 0);
        }
        reached == Some(*high)
    })
}

/// Adds the lines that own the ranges.
pub(super) fn owners(sets: &[&Ranges], ranges: &[(u128, u128)], lines: &mut BTreeSet<usize>) {
    for (low, high) in ranges {
        let mut at = *low;
        while lines.len() < MOST_TAKERS {
            let owner = sets.iter().filter_map(|set| set.owner(at)).min_by_key(|(_, line)| *line);
            let Some((end, line)) = owner else { break };
            lines.insert(line);
            if end >= *high {
                break;
            }
            at = end + 1;
        }
    }
}
