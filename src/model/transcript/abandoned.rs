//! How far a server reads: it gives files up after too many errors, and directories after one bad file.

use std::collections::HashMap;

use super::{Message, fault_text, plain};
use crate::model::path;
use crate::model::tree::{Fault, FaultKind, Item, Tree, Visit};
use crate::source::{Place, Sources};

pub struct Said {
    pub message: Message,
    /// Whether it refuses the start once all files are read.
    pub refuses: bool,
    /// Whether the server stops at once.
    pub ends: bool,
}

pub fn said<'a>(tree: &Tree, items: impl Iterator<Item = &'a Item>, limit: usize, sources: &Sources) -> Vec<Said> {
    let mut abandoned = Abandoned::new(tree, limit);
    let faults = items.filter_map(|item| match item {
        Item::Fault(fault) => Some(fault),
        Item::Entry(_) => None,
    });
    faults.filter_map(|fault| abandoned.hears(tree, fault, sources)).flatten().collect()
}

/// Which readings the server has given up because of their syntax errors, and which it never began:
/// the first file of an `include_dir` that fails ends the directory.
pub struct Abandoned<'a> {
    limit: usize,
    errors: Vec<usize>,
    left: Vec<bool>,
    visits: &'a [Visit],
    /// For an include line in a reading: later readings than these are not made for it.
    ended: HashMap<(u32, Place), u32>,
}

impl<'a> Abandoned<'a> {
    pub fn new(tree: &'a Tree, limit: usize) -> Abandoned<'a> {
        Abandoned {
            limit,
            errors: vec![0; tree.visits.len()],
            left: vec![false; tree.visits.len()],
            visits: &tree.visits,
            ended: HashMap::new(),
        }
    }

    fn chain(&self, visit: u32) -> impl Iterator<Item = u32> {
        let visits = self.visits;
        std::iter::successors(Some(visit), move |visit| visits.get(*visit as usize)?.parent)
    }

    /// The include line by which a reading came about.
    fn line(&self, visit: u32) -> Option<(u32, Place)> {
        let visit = self.visits.get(visit as usize)?;
        Some((visit.parent?, visit.included_at?))
    }

    pub fn is_left(&self, visit: u32) -> bool {
        let ended = |visit: u32| {
            let until = self.line(visit).and_then(|line| self.ended.get(&line));
            until.is_some_and(|until| visit >= *until)
        };
        self.chain(visit).any(|visit| self.left.get(visit as usize) == Some(&true) || ended(visit))
    }

    /// A file that fails fails the ones that include it.
    fn fails(&mut self, fault: &Fault) {
        let mut lines: Vec<(u32, Place)> = self.chain(fault.visit).filter_map(|visit| self.line(visit)).collect();
        if !matches!(fault.kind, FaultKind::Syntax(_)) {
            lines.extend(fault.place.map(|place| (fault.visit, place)));
        }
        for line in lines {
            self.ended.entry(line).or_insert(fault.visits);
        }
    }

    /// What the server says of a fault; nothing where it does not get that far.
    pub fn hears(&mut self, tree: &Tree, fault: &Fault, sources: &Sources) -> Option<Vec<Said>> {
        // Of the files that an include_dir takes after a failure, those that cannot be opened are not tried either.
        let tried = fault.place.and_then(|place| self.ended.get(&(fault.visit, place)));
        if self.is_left(fault.visit) || tried.is_some() {
            return None;
        }
        if fault.is_error() {
            self.fails(fault);
        }
        let visited =
            tree.visits.get(fault.visit as usize).map(|visit| path::to_bytes(&visit.path)).unwrap_or_default();
        let place = match &fault.kind {
            FaultKind::NotAFile(path) => (path::to_bytes(path), 1),
            _ => (visited.clone(), fault.line),
        };
        let mut said = vec![Said {
            message: plain(fault_text(tree, fault, sources), Some(place)),
            refuses: fault.is_error(),
            ends: matches!(fault.kind, FaultKind::Endless(_)),
        }];
        if matches!(fault.kind, FaultKind::Syntax(_)) {
            let errors = &mut self.errors[fault.visit as usize];
            *errors += 1;
            if *errors >= self.limit {
                self.left[fault.visit as usize] = true;
                let file = String::from_utf8_lossy(&visited);
                said.push(Said {
                    message: plain(format!("too many syntax errors found, abandoning file \"{file}\""), None),
                    refuses: false,
                    ends: false,
                });
            }
        }
        Some(said)
    }
}
