//! Runs a program over a text, and takes a match apart as the server does.

use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::rc::Rc;

use super::program::{Kind, Label, Part, Program};
use super::set::is_word;
use super::token::Constraint;

/// Edges looked at after which a question is left undecided: some milliseconds.
const MOST_STEPS: usize = 20_000_000;

/// How deep a match is taken apart before it is left undecided.
const MOST_DEPTH: usize = 1000;

/// The question took too many steps.
pub struct Undecided;

pub struct Matcher<'a> {
    program: &'a Program,
    text: &'a [u8],
    ignore_case: bool,
    /// Whether each lookaround holds at each place.
    looks: Vec<Vec<bool>>,
    /// Where matches of a part end that begin at a place.
    ends: HashMap<(Part, usize), Rc<[usize]>>,
    marks: Vec<usize>,
    mark: usize,
    steps: usize,
    depth: usize,
    groups: Vec<Option<Range<usize>>>,
}

/// Whether a constraint holds between two bytes.
pub fn holds(constraint: Constraint, before: Option<u8>, after: Option<u8>) -> bool {
    let left = before.is_some_and(is_word);
    let right = after.is_some_and(is_word);
    match constraint {
        Constraint::TextBegin => before.is_none(),
        Constraint::TextEnd => after.is_none(),
        Constraint::LineBegin => before.is_none_or(|byte| byte == b'\n'),
        Constraint::LineEnd => after.is_none_or(|byte| byte == b'\n'),
        Constraint::WordBegin => !left && right,
        Constraint::WordEnd => left && !right,
        Constraint::WordBoundary => left != right,
        Constraint::NoBoundary => left == right,
    }
}

impl<'a> Matcher<'a> {
    pub fn new(
        program: &'a Program,
        text: &'a [u8],
        groups: usize,
        ignore_case: bool,
    ) -> Result<Matcher<'a>, Undecided> {
        let mut matcher = Matcher {
            program,
            text,
            ignore_case,
            looks: Vec::new(),
            ends: HashMap::new(),
            marks: vec![0; program.edges.len()],
            mark: 0,
            steps: MOST_STEPS,
            depth: 0,
            groups: vec![None; groups + 1],
        };
        // An inner one is known before the one around it asks.
        for look in &program.looks {
            let mut found = vec![false; text.len() + 1];
            if look.behind {
                matcher.run(look.part, 0, true, |at| {
                    found[at] = true;
                    true
                })?;
            } else {
                for (at, found) in found.iter_mut().enumerate() {
                    matcher.run(look.part, at, false, |_| {
                        *found = true;
                        false
                    })?;
                }
            }
            found.iter_mut().for_each(|found| *found ^= look.negative);
            matcher.looks.push(found);
        }
        Ok(matcher)
    }

    /// Whether the text has a match anywhere; only for programs without references.
    pub fn is_match(&mut self) -> Result<bool, Undecided> {
        let mut found = false;
        self.run(self.program.whole(), 0, true, |_| {
            found = true;
            false
        })?;
        Ok(found)
    }

    /// The first match, and what its groups hold; the whole match is group 0.
    pub fn captures(mut self) -> Result<Option<Vec<Option<Range<usize>>>>, Undecided> {
        let root = self.program.root;
        let whole = self.program.whole();
        let shorter = self.program.nodes[root].prefers_shorter();
        let mut from = 0;
        // The server looks from one earliest possible end to the next. Where references then thwart the one
        // that leaves a single byte, it stops, and misses an empty match at the very end.
        while from == 0 || from < self.text.len() {
            let mut earliest = None;
            self.run(whole, from, true, |at| {
                earliest = Some(at);
                false
            })?;
            let Some(last) = earliest else { return Ok(None) };
            for begin in from..=last {
                let ends = self.ends(whole, begin)?;
                for end in in_order(&ends, shorter) {
                    self.groups.fill(None);
                    if self.dissect(root, begin, end)? {
                        self.groups[0] = Some(begin..end);
                        return Ok(Some(self.groups));
                    }
                }
            }
            from = last + 1;
        }
        Ok(None)
    }

    /// All places where a match ends, to `hit`, until that says that it has seen enough.
    fn run(
        &mut self,
        part: Part,
        from: usize,
        anywhere: bool,
        mut hit: impl FnMut(usize) -> bool,
    ) -> Result<(), Undecided> {
        let program = self.program;
        let mut now: Vec<usize> = Vec::new();
        let mut next: Vec<usize> = vec![part.begin];
        for at in from..=self.text.len() {
            let before = at.checked_sub(1).map(|at| self.text[at]);
            let after = self.text.get(at).copied();
            std::mem::swap(&mut now, &mut next);
            next.clear();
            if anywhere && at > from {
                now.push(part.begin);
            }
            // The states of this place, each once.
            self.mark += 1;
            let mark = self.mark;
            now.retain(|state| std::mem::replace(&mut self.marks[*state], mark) != mark);
            while let Some(state) = now.pop() {
                if state == part.end {
                    if !hit(at) {
                        return Ok(());
                    }
                    continue;
                }
                let edges = &program.edges[state];
                self.steps = self.steps.checked_sub(edges.len() + 1).ok_or(Undecided)?;
                for (label, to) in edges {
                    let passes = match *label {
                        Label::Empty => true,
                        Label::Constraint(constraint) => holds(constraint, before, after),
                        Label::Look(look) => self.looks[look][at],
                        Label::Set(set) => {
                            if after.is_some_and(|byte| program.sets[set].contains(byte)) {
                                next.push(*to);
                            }
                            false
                        }
                    };
                    if passes && std::mem::replace(&mut self.marks[*to], mark) != mark {
                        now.push(*to);
                    }
                }
            }
            if next.is_empty() && !anywhere {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Where matches of a part end that begin here, ascending.
    fn ends(&mut self, part: Part, begin: usize) -> Result<Rc<[usize]>, Undecided> {
        if let Some(ends) = self.ends.get(&(part, begin)) {
            return Ok(Rc::clone(ends));
        }
        let mut ends = Vec::new();
        self.run(part, begin, false, |at| {
            ends.push(at);
            true
        })?;
        let ends: Rc<[usize]> = ends.into();
        self.ends.insert((part, begin), Rc::clone(&ends));
        Ok(ends)
    }

    fn spans(&mut self, part: Part, begin: usize, end: usize) -> Result<bool, Undecided> {
        Ok(self.ends(part, begin)?.binary_search(&end).is_ok())
    }

    fn forget(&mut self, node: usize) {
        let (first, after) = self.program.nodes[node].groups;
        self.groups[first..after].fill(None);
    }

    /// Gives the groups in a node what they hold if it matches from `begin` to `end`, which its part does.
    fn dissect(&mut self, node: usize, begin: usize, end: usize) -> Result<bool, Undecided> {
        self.steps = self.steps.checked_sub(1).ok_or(Undecided)?;
        if self.depth == MOST_DEPTH {
            return Err(Undecided);
        }
        self.depth += 1;
        let program = self.program;
        let found = match &program.nodes[node].kind {
            Kind::Plain => true,
            Kind::Capture(group, inner) => {
                let found = self.dissect(*inner, begin, end)?;
                if found {
                    self.groups[*group] = Some(begin..end);
                }
                found
            }
            Kind::Concat(left, right) => self.concat(*left, *right, begin, end)?,
            Kind::Either(branches) => {
                let mut found = false;
                for branch in branches {
                    if self.spans(program.nodes[*branch].part, begin, end)? && self.dissect(*branch, begin, end)? {
                        found = true;
                        break;
                    }
                    self.forget(*branch);
                }
                found
            }
            Kind::Repeat { inner, least, most } => self.repeat(*inner, *least, *most, begin, end)?,
            Kind::Back { group, least, most } => self.refers(*group, *least, *most, begin, end),
        };
        self.depth -= 1;
        Ok(found)
    }

    fn concat(&mut self, left: usize, right: usize, begin: usize, end: usize) -> Result<bool, Undecided> {
        let program = self.program;
        let ends = self.ends(program.nodes[left].part, begin)?;
        for middle in in_order(&ends, program.nodes[left].prefers_shorter()).filter(|middle| *middle <= end) {
            if self.spans(program.nodes[right].part, middle, end)?
                && self.dissect(left, begin, middle)?
                && self.dissect(right, middle, end)?
            {
                return Ok(true);
            }
            self.forget(left);
            self.forget(right);
        }
        Ok(false)
    }

    fn repeat(
        &mut self,
        inner: usize,
        least: u32,
        most: Option<u32>,
        begin: usize,
        end: usize,
    ) -> Result<bool, Undecided> {
        // No round at all is the last resort of the greedy, for an empty round captures, and the first of others.
        let shorter = self.program.nodes[inner].prefers_shorter();
        let none = least == 0 && begin == end;
        if none && shorter {
            return Ok(true);
        }
        let least = (least as usize).max(1);
        let most = (end - begin).min(most.map_or(usize::MAX, |most| most as usize)).max(least);
        let part = self.program.nodes[inner].part;
        // Rounds so far: where each ended, and which ends are still to be tried after it.
        let mut failed: HashSet<(usize, usize)> = HashSet::new();
        let mut rounds: Vec<(usize, std::vec::IntoIter<usize>)> = Vec::new();
        let choices = |matcher: &mut Self, at: usize| -> Result<_, Undecided> {
            Ok(in_order(&matcher.ends(part, at)?, shorter).filter(|to| *to <= end).collect::<Vec<_>>().into_iter())
        };
        let first = choices(self, begin)?;
        rounds.push((begin, first));
        while let Some((from, ends)) = rounds.last_mut() {
            let (from, round) = (*from, ends.next());
            let count = rounds.len();
            self.steps = self.steps.checked_sub(1).ok_or(Undecided)?;
            let Some(to) = round else {
                failed.insert((count, from));
                rounds.pop();
                continue;
            };
            let missing = least.saturating_sub(count);
            // Rounds without a byte only where too few bytes are left for the rounds that are due.
            let idle = to == from && missing < end - to;
            let last = to == end;
            if idle || last && missing > 0 || !last && count >= most || failed.contains(&(count + 1, to)) {
                continue;
            }
            self.forget(inner);
            if !self.dissect(inner, from, to)? {
                continue;
            }
            if last {
                return Ok(true);
            }
            let next = choices(self, to)?;
            rounds.push((to, next));
        }
        self.forget(inner);
        Ok(none)
    }

    /// Whether a text is so many times what a group holds.
    fn refers(&self, group: usize, least: u32, most: Option<u32>, begin: usize, end: usize) -> bool {
        let Some(held) = self.groups[group].clone() else { return false };
        if held.is_empty() || begin == end {
            return begin == end && (held.is_empty() || least == 0);
        }
        let held = &self.text[held];
        let rounds = (end - begin) / held.len();
        (end - begin).is_multiple_of(held.len())
            && rounds >= least as usize
            && most.is_none_or(|most| rounds <= most as usize)
            && self.text[begin..end]
                .chunks(held.len())
                .all(|round| if self.ignore_case { round.eq_ignore_ascii_case(held) } else { round == held })
    }
}

fn in_order(ends: &[usize], shorter: bool) -> impl Iterator<Item = usize> {
    let count = ends.len();
    let ends: Vec<usize> = ends.to_vec();
    (0..count).map(move |at| if shorter { ends[at] } else { ends[count - 1 - at] })
}
