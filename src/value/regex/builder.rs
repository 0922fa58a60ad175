//! From the parsed expression to states and edges, and to the tree by which a match is taken apart.
//!
//! Which of several possible matches a group gets is settled by that tree, as the server does: a part that
//! captures, refers back, or mixes greedy with non-greedy is a node of its own, with what comes before it in
//! its branch to the left and the rest of the branch to the right.

use std::collections::HashMap;

use crate::version::Major;

use super::parser::{Alternatives, Atom, Item, Parsed};
use super::program::{Kind, Label, Look, Node, Part, Program};
use super::set::ByteSet;
use super::traits::Traits;

/// Edges after which a pattern is left undecided.
const MOST_EDGES: usize = 200_000;

/// Parentheses within parentheses after which a pattern is left undecided.
const MOST_DEPTH: usize = 200;

/// The program of an expression; nothing where it would be too large.
pub fn build(parsed: &Parsed) -> Option<Program> {
    let whole = parsed.alternatives.len().checked_sub(1)?;
    if parsed.depths.get(whole).is_none_or(|depth| *depth > MOST_DEPTH) {
        return None;
    }
    let mut builder = Builder {
        parsed,
        program: Program::default(),
        sets: HashMap::new(),
        looks: HashMap::new(),
        count: 0,
        depth: 0,
        referring: 0,
    };
    let part = builder.part();
    let root = builder.tree(whole, part)?;
    Some(Program { root, ..builder.program })
}

struct Builder<'a> {
    parsed: &'a Parsed,
    program: Program,
    sets: HashMap<ByteSet, usize>,
    looks: HashMap<usize, Part>,
    count: usize,
    depth: usize,
    /// How many references are being followed: what they copy is text, without its constraints.
    referring: usize,
}

impl Builder<'_> {
    fn state(&mut self) -> usize {
        self.program.edges.push(Vec::new());
        self.program.edges.len() - 1
    }

    fn part(&mut self) -> Part {
        Part { begin: self.state(), end: self.state() }
    }

    fn edge(&mut self, from: usize, label: Label, to: usize) -> Option<()> {
        self.count += 1;
        self.program.edges[from].push((label, to));
        (self.count <= MOST_EDGES).then_some(())
    }

    fn node(&mut self, kind: Kind, part: Part, traits: Traits) -> usize {
        let groups = match &kind {
            Kind::Plain | Kind::Back { .. } => (0, 0),
            Kind::Capture(group, inner) => joined((*group, *group + 1), self.program.nodes[*inner].groups),
            Kind::Concat(left, right) => joined(self.program.nodes[*left].groups, self.program.nodes[*right].groups),
            Kind::Either(branches) => {
                branches.iter().fold((0, 0), |groups, branch| joined(groups, self.program.nodes[*branch].groups))
            }
            Kind::Repeat { inner, .. } => self.program.nodes[*inner].groups,
        };
        self.program.nodes.push(Node { kind, part, traits, groups });
        self.program.nodes.len() - 1
    }

    fn traits(&self, node: usize) -> Traits {
        self.program.nodes[node].traits
    }

    /// Alternatives with their tree.
    fn tree(&mut self, index: usize, part: Part) -> Option<usize> {
        let parsed = self.parsed;
        let alternatives = &parsed.alternatives[index];
        if let [branch] = alternatives.as_slice() {
            let inner = self.part();
            self.edge(part.begin, Label::Empty, inner.begin)?;
            self.edge(inner.end, Label::Empty, part.end)?;
            return self.branch(branch, inner);
        }
        // Several branches are greedy, whatever is in them.
        let mut traits = Traits::of(Some(true));
        let mut branches = Vec::with_capacity(alternatives.len());
        for branch in alternatives {
            let inner = self.part();
            self.edge(part.begin, Label::Empty, inner.begin)?;
            self.edge(inner.end, Label::Empty, part.end)?;
            let node = self.branch(branch, inner)?;
            traits = traits.or(Traits::of(Some(true)).or(self.traits(node)).up());
            branches.push(node);
        }
        let kind = if traits.is_interesting() { Kind::Either(branches) } else { Kind::Plain };
        Some(self.node(kind, part, traits))
    }

    /// A branch with its tree.
    fn branch(&mut self, items: &[Item], part: Part) -> Option<usize> {
        // What is passed on the way: where the plain run began, its traits, and the interesting part after it.
        let mut found: Vec<(usize, Traits, usize, Traits)> = Vec::new();
        let mut run = part.begin;
        let mut traits = Traits::default();
        let mut at = part.begin;
        for item in items {
            let next = self.state();
            match self.interesting(item, traits, Part { begin: at, end: next })? {
                Interest::None => {}
                Interest::Traits(more) => traits = traits.or(more),
                Interest::Node(node, after) => {
                    found.push((run, traits, node, after));
                    run = next;
                    traits = Traits::default();
                }
            }
            at = next;
        }
        self.edge(at, Label::Empty, part.end)?;
        let mut rest = self.node(Kind::Plain, Part { begin: run, end: part.end }, traits);
        for (run, before, node, traits) in found.into_iter().rev() {
            let begin = self.program.nodes[node].part.begin;
            let traits = traits.or(traits.combine(self.traits(rest)));
            let right = self.node(Kind::Concat(node, rest), Part { begin, end: part.end }, traits);
            let left = self.node(Kind::Plain, Part { begin: run, end: begin }, before);
            let traits = before.or(before.combine(traits));
            rest = self.node(Kind::Concat(left, right), Part { begin: run, end: part.end }, traits);
        }
        Some(rest)
    }

    /// Adds an item between two states, with a node where one is due.
    fn interesting(&mut self, item: &Item, before: Traits, part: Part) -> Option<Interest> {
        let quantifier = Traits::of(item.greedy);
        if item.most == Some(0) {
            self.edge(part.begin, Label::Empty, part.end)?;
            return Some(Interest::None);
        }
        // An atom of its own, which may turn out to be dull.
        let (inner, capture) = match item.atom {
            Atom::Constraint(_) | Atom::LookAround { .. } => {
                self.item(item, part)?;
                return Some(Interest::None);
            }
            Atom::Back(group) => {
                let node = self.reference(item, group, part)?;
                return Some(Interest::Node(node, quantifier.combine(self.traits(node))));
            }
            Atom::Set(_) if !before.or(quantifier).up().is_interesting() => {
                self.item(item, part)?;
                return Some(Interest::Traits(before.or(quantifier)));
            }
            Atom::Set(_) => (None, None),
            Atom::Group { inner, capture } => (Some(inner), capture),
        };
        let own = self.part();
        let mut node = match inner {
            Some(inner) => self.tree(inner, own)?,
            None => {
                self.atom(&item.atom, own)?;
                self.node(Kind::Plain, own, Traits::default())
            }
        };
        let traits = before.or(quantifier).or(self.traits(node));
        if capture.is_none() && !traits.up().is_interesting() {
            self.item(item, part)?;
            return Some(Interest::Traits(traits));
        }
        if let Some(group) = capture {
            let traits = Traits { captures: true, ..self.traits(node) };
            node = self.node(Kind::Capture(group, node), own, traits);
        }
        let traits = quantifier.combine(self.traits(node));
        let node = self.quantified(item, node, own, part)?;
        Some(Interest::Node(node, traits))
    }

    /// The node of a quantified atom, whose own part is `own`, between two states.
    fn quantified(&mut self, item: &Item, node: usize, own: Part, part: Part) -> Option<usize> {
        let quantifier = Traits::of(item.greedy);
        let inner = self.traits(node);
        let traits = quantifier.combine(inner);
        let agrees = !quantifier.has_preference()
            || !inner.has_preference() && !inner.mixed
            || (quantifier.longer, quantifier.shorter, false) == (inner.longer, inner.shorter, inner.mixed);
        if item.least == 1 && item.most == Some(1) && agrees {
            self.edge(part.begin, Label::Empty, own.begin)?;
            self.edge(own.end, Label::Empty, part.end)?;
            return Some(self.alias(node, part));
        }
        if !inner.captures && !inner.refers {
            self.item(item, part)?;
            return Some(self.node(Kind::Plain, part, traits));
        }
        if item.least > 0 && !inner.refers {
            // Only the last round captures.
            let earlier = Item { least: item.least - 1, most: item.most.map(|most| most - 1), ..item.clone() };
            self.item(&earlier, Part { begin: part.begin, end: own.begin })?;
            self.edge(own.end, Label::Empty, part.end)?;
            let preference = Traits { longer: traits.longer, shorter: traits.shorter, ..Traits::default() };
            let left = self.node(Kind::Plain, Part { begin: part.begin, end: own.begin }, preference);
            return Some(self.node(Kind::Concat(left, node), part, traits));
        }
        self.item(item, part)?;
        let kind = Kind::Repeat { inner: node, least: item.least, most: item.most };
        Some(self.node(kind, part, traits))
    }

    /// The same node between other states, which it reaches without a byte.
    fn alias(&mut self, node: usize, part: Part) -> usize {
        self.program.nodes[node].part = part;
        node
    }

    fn reference(&mut self, item: &Item, group: usize, part: Part) -> Option<usize> {
        self.item(item, part)?;
        let refers = Traits { refers: true, ..Traits::default() };
        let traits = refers.or(Traits::of(item.greedy).combine(refers));
        Some(self.node(Kind::Back { group, least: item.least, most: item.most }, part, traits))
    }

    /// An item with its quantifier, without a tree.
    fn item(&mut self, item: &Item, part: Part) -> Option<()> {
        let mut at = part.begin;
        for _ in 0..item.least {
            let next = self.state();
            self.atom(&item.atom, Part { begin: at, end: next })?;
            at = next;
        }
        match item.most {
            None => {
                let hub = self.state();
                let back = self.state();
                self.edge(at, Label::Empty, hub)?;
                self.atom(&item.atom, Part { begin: hub, end: back })?;
                self.edge(back, Label::Empty, hub)?;
                at = hub;
            }
            Some(most) => {
                for _ in item.least..most {
                    let next = self.state();
                    self.edge(at, Label::Empty, part.end)?;
                    self.atom(&item.atom, Part { begin: at, end: next })?;
                    at = next;
                }
            }
        }
        self.edge(at, Label::Empty, part.end)
    }

    /// An atom once, without a tree.
    fn atom(&mut self, atom: &Atom, part: Part) -> Option<()> {
        let parsed = self.parsed;
        let label = match *atom {
            Atom::Set(set) => {
                let known = self.program.sets.len();
                let index = *self.sets.entry(set).or_insert(known);
                if index == known {
                    self.program.sets.push(set);
                }
                Label::Set(index)
            }
            Atom::Constraint(_) | Atom::LookAround { .. } if self.referring > 0 && parsed.major >= Major::V14 => {
                Label::Empty
            }
            Atom::Constraint(constraint) => Label::Constraint(constraint),
            Atom::LookAround { inner, behind, negative } => self.look(inner, behind, negative)?,
            Atom::Group { inner, .. } => return self.alternatives(&parsed.alternatives[inner], part),
            Atom::Back(group) => {
                let inner = *parsed.groups.get(group.checked_sub(1)?)?;
                self.referring += 1;
                self.alternatives(&parsed.alternatives[inner], part)?;
                self.referring -= 1;
                return Some(());
            }
        };
        self.edge(part.begin, label, part.end)
    }

    fn alternatives(&mut self, alternatives: &Alternatives, part: Part) -> Option<()> {
        // References lead deeper than parentheses do.
        self.depth += 1;
        if self.depth > 2 * MOST_DEPTH {
            return None;
        }
        for branch in alternatives {
            let mut at = self.state();
            self.edge(part.begin, Label::Empty, at)?;
            for item in branch {
                let next = self.state();
                self.item(item, Part { begin: at, end: next })?;
                at = next;
            }
            self.edge(at, Label::Empty, part.end)?;
        }
        self.depth -= 1;
        Some(())
    }

    fn look(&mut self, inner: usize, behind: bool, negative: bool) -> Option<Label> {
        let part = match self.looks.get(&inner) {
            Some(part) => *part,
            None => {
                let part = self.part();
                self.alternatives(&self.parsed.alternatives[inner], part)?;
                self.looks.insert(inner, part);
                part
            }
        };
        let known = self.program.looks.iter().position(|look| look.part == part);
        let index = known.unwrap_or_else(|| {
            self.program.looks.push(Look { part, behind, negative });
            self.program.looks.len() - 1
        });
        Some(Label::Look(index))
    }
}

enum Interest {
    None,
    Traits(Traits),
    /// A node, and the traits of what begins with it.
    Node(usize, Traits),
}

fn joined(one: (usize, usize), other: (usize, usize)) -> (usize, usize) {
    match (one, other) {
        ((0, 0), groups) | (groups, (0, 0)) => groups,
        (one, other) => (one.0.min(other.0), one.1.max(other.1)),
    }
}
