//! What an expression means for all texts at once: whether it fits every one of them, or only a few.

use std::collections::{BTreeSet, HashMap};

use super::matcher::holds;
use super::program::{Label, Program};
use super::token::Constraint;

/// Sets of states after which an expression is left undecided.
const MOST_SETS: usize = 600;

/// Edges looked at after which it is.
const MOST_STEPS: usize = 2_000_000;

/// Texts that are still few.
const MOST_TEXTS: usize = 64;

/// What is true after some bytes: the states, and the last byte where a constraint may ask for it.
type Key = (Vec<usize>, Option<u8>);

/// All that can become of a text, byte by byte.
struct Automaton {
    /// For each set of states the next one by class of bytes; nothing where a match was seen and all texts fit.
    next: Vec<Vec<Option<usize>>>,
    /// Whether a text that ends there has a match.
    fits: Vec<bool>,
    /// Bytes that no expression in the program tells apart. No text holds a zero.
    classes: Vec<Vec<u8>>,
}

/// Whether every text of at least one byte has a match. False where that is not cheap to say.
pub fn is_everything(program: &Program) -> bool {
    let Some(automaton) = Automaton::new(program) else { return false };
    // The first set is that of the empty text.
    automaton.fits.iter().skip(1).all(|fits| *fits)
}

/// All texts that have a match, in byte order, where these are few.
pub fn texts(program: &Program) -> Option<Vec<Vec<u8>>> {
    let automaton = Automaton::new(program)?;
    let live = automaton.live();
    let mut texts = BTreeSet::new();
    let mut todo: Vec<(usize, Vec<u8>)> = vec![(0, Vec::new())];
    while let Some((set, text)) = todo.pop() {
        // A longer text has been in one set twice, and could go round for ever.
        if text.len() > automaton.next.len() || texts.len() + todo.len() > 2 * MOST_TEXTS {
            return None;
        }
        if automaton.fits[set] {
            texts.insert(text.clone());
        }
        for (class, next) in automaton.classes.iter().zip(&automaton.next[set]) {
            let next = (*next)?;
            if !live[next] {
                continue;
            }
            if class.len() > MOST_TEXTS {
                return None;
            }
            todo.extend(class.iter().map(|byte| (next, text.iter().copied().chain([*byte]).collect())));
        }
    }
    (texts.len() <= MOST_TEXTS).then(|| texts.into_iter().collect())
}

impl Automaton {
    /// Nothing where it would be large, or a lookaround or a reference has a say.
    fn new(program: &Program) -> Option<Automaton> {
        if program.refers() || !program.looks.is_empty() {
            return None;
        }
        let asked = asked(program);
        let classes = classes(program, asked);
        let mut automaton = Automaton { next: Vec::new(), fits: Vec::new(), classes };
        let mut steps = MOST_STEPS;
        let first: Key = (vec![program.whole().begin], None);
        let mut keys = vec![first.clone()];
        let mut known = HashMap::from([(first, 0)]);
        while let Some((states, before)) = keys.get(automaton.next.len()).cloned() {
            automaton.fits.push(step(program, &states, before, None, &mut steps)?.is_none());
            let mut row = Vec::with_capacity(automaton.classes.len());
            for class in &automaton.classes {
                let byte = *class.first()?;
                let Some(mut states) = step(program, &states, before, Some(byte), &mut steps)? else {
                    row.push(None);
                    continue;
                };
                // A match may begin at any byte.
                states.push(program.whole().begin);
                states.sort_unstable();
                states.dedup();
                let before = Some(if asked { byte } else { 0 });
                let key = (states, before);
                let index = *known.entry(key.clone()).or_insert(keys.len());
                if index == keys.len() {
                    keys.push(key);
                }
                row.push(Some(index));
            }
            automaton.next.push(row);
            if keys.len() > MOST_SETS {
                return None;
            }
        }
        Some(automaton)
    }

    /// From which sets a text can still become one that fits.
    fn live(&self) -> Vec<bool> {
        let mut live = self.fits.clone();
        loop {
            let mut changed = false;
            for (at, row) in self.next.iter().enumerate() {
                let leads = row.iter().any(|next| next.is_none_or(|next| live[next]));
                changed |= leads && !live[at];
                live[at] |= leads;
            }
            if !changed {
                return live;
            }
        }
    }
}

/// Whether a constraint looks at the bytes around it.
fn asked(program: &Program) -> bool {
    let asks = |label: &Label| match label {
        Label::Constraint(constraint) => !matches!(constraint, Constraint::TextBegin | Constraint::TextEnd),
        _ => false,
    };
    program.edges.iter().flatten().any(|(label, _)| asks(label))
}

/// Bytes from 1 to 255, those together that all sets and constraints treat alike.
fn classes(program: &Program, asked: bool) -> Vec<Vec<u8>> {
    let mut classes: Vec<Vec<u8>> = Vec::new();
    let mut known: HashMap<Vec<bool>, usize> = HashMap::new();
    for byte in 1..=u8::MAX {
        let mut traits: Vec<bool> = program.sets.iter().map(|set| set.contains(byte)).collect();
        if asked {
            traits.extend([super::set::is_word(byte), byte == b'\n']);
        }
        let index = *known.entry(traits).or_insert(classes.len());
        if index == classes.len() {
            classes.push(Vec::new());
        }
        classes[index].push(byte);
    }
    classes
}

/// The states after one more byte, or at the end; inside, nothing where there is a match already. Nothing at all
/// where it takes too long.
fn step(
    program: &Program,
    states: &[usize],
    before: Option<u8>,
    after: Option<u8>,
    steps: &mut usize,
) -> Option<Option<Vec<usize>>> {
    let mut seen: BTreeSet<usize> = states.iter().copied().collect();
    let mut todo = states.to_vec();
    let mut next = Vec::new();
    while let Some(state) = todo.pop() {
        if state == program.whole().end {
            return Some(None);
        }
        *steps = steps.checked_sub(program.edges[state].len() + 1)?;
        for (label, to) in &program.edges[state] {
            let passes = match *label {
                Label::Empty => true,
                Label::Constraint(constraint) => holds(constraint, before, after),
                Label::Look(_) => return None,
                Label::Set(set) => {
                    if after.is_some_and(|byte| program.sets[set].contains(byte)) {
                        next.push(*to);
                    }
                    false
                }
            };
            if passes && seen.insert(*to) {
                todo.push(*to);
            }
        }
    }
    next.sort_unstable();
    next.dedup();
    Some(Some(next))
}
