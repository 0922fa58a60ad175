//! What a matcher runs: states with edges between them, and the tree by which a match is taken apart.

use super::set::ByteSet;
use super::token::Constraint;
use super::traits::Traits;

/// What it takes to go along an edge.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Label {
    Empty,
    Set(usize),
    Constraint(Constraint),
    /// Index of the lookaround.
    Look(usize),
}

/// A part of the program: what leads from one state to another.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Part {
    pub begin: usize,
    pub end: usize,
}

#[derive(Clone, Copy, Debug)]
pub struct Look {
    pub part: Part,
    pub behind: bool,
    pub negative: bool,
}

#[derive(Clone, Debug)]
pub enum Kind {
    /// Nothing inside matters.
    Plain,
    Capture(usize, usize),
    Concat(usize, usize),
    Either(Vec<usize>),
    Repeat {
        inner: usize,
        least: u32,
        most: Option<u32>,
    },
    Back {
        group: usize,
        least: u32,
        most: Option<u32>,
    },
}

/// A node of the tree by which a match is taken apart.
#[derive(Clone, Debug)]
pub struct Node {
    pub kind: Kind,
    /// What it can match. For references this is more than they match.
    pub part: Part,
    pub traits: Traits,
    /// The groups inside: from the first to before the second.
    pub groups: (usize, usize),
}

impl Node {
    pub fn prefers_shorter(&self) -> bool {
        self.traits.shorter
    }

    pub fn refers(&self) -> bool {
        self.traits.refers
    }
}

/// States, their edges, and the tree over them.
#[derive(Clone, Debug, Default)]
pub struct Program {
    pub edges: Vec<Vec<(Label, usize)>>,
    pub sets: Vec<ByteSet>,
    /// Inner ones first.
    pub looks: Vec<Look>,
    pub nodes: Vec<Node>,
    pub root: usize,
}

impl Program {
    /// Where a match of the whole begins and ends.
    pub fn whole(&self) -> Part {
        self.nodes[self.root].part
    }

    /// Whether a group is referred to.
    pub fn refers(&self) -> bool {
        self.nodes[self.root].refers()
    }
}
