//! From tokens to a tree of alternatives. Nesting lives in a stack of its own, for a file may open as many
//! parentheses as it likes.

use crate::version::Major;

use super::lexer::{Flags, Lexer};
use super::set::{self, ByteSet};
use super::token::{self, Constraint, Problem, Quantifier, Token};

/// What one repetition of an atom costs, and one that need not be there.
const COST: u64 = 10;
const OPTIONAL_COST: u64 = 18;

/// What no server takes. It counts memory, and gives up after about 43,500 atoms in a row, 42,585 to 43,350
/// repetitions of one, or 19,890 to 23,970 of one that need not be there (10 to 18); where repetitions are nested, much
/// sooner. A tenth is added, so that none is called too complex that a server takes.
const MOST_COST: u64 = 475_000;

/// What stands between parentheses, or the whole expression: branches split by `|`.
pub type Alternatives = Vec<Vec<Item>>;

/// A piece of a branch and how often it occurs.
#[derive(Clone, Debug)]
pub struct Item {
    pub atom: Atom,
    pub least: u32,
    /// Nothing: as often as you like.
    pub most: Option<u32>,
    /// Whether its quantifier is greedy, where it has one that says so; `{m}` does not.
    pub greedy: Option<bool>,
}

#[derive(Clone, Debug)]
pub enum Atom {
    Set(ByteSet),
    Constraint(Constraint),
    /// Index of its alternatives.
    LookAround {
        inner: usize,
        behind: bool,
        negative: bool,
    },
    /// Index of its alternatives, and its number if it captures.
    Group {
        inner: usize,
        capture: Option<usize>,
    },
    /// The number of a group.
    Back(usize),
}

/// A regular expression, read.
#[derive(Debug)]
pub struct Parsed {
    /// Inner ones before those around them; the last one is the whole.
    pub alternatives: Vec<Alternatives>,
    /// How deep each of them nests.
    pub depths: Vec<usize>,
    /// The alternatives of each capturing group; the first one is group 1.
    pub groups: Vec<usize>,
    pub flags: Flags,
    pub major: Major,
}

/// What an open parenthesis begins.
enum Kind {
    Whole,
    Group(Option<usize>),
    LookAround { behind: bool, negative: bool },
}

struct Frame {
    kind: Kind,
    /// Inside a lookaround nothing captures and nothing refers back.
    looking: bool,
    branches: Alternatives,
    items: Vec<Item>,
    depth: usize,
    cost: u64,
}

impl Frame {
    fn new(kind: Kind, looking: bool) -> Frame {
        Frame { kind, looking, branches: Vec::new(), items: Vec::new(), depth: 0, cost: 0 }
    }
}

struct Parser<'a> {
    lexer: Lexer<'a>,
    stack: Vec<Frame>,
    alternatives: Vec<Alternatives>,
    depths: Vec<usize>,
    /// What each of them costs a server.
    costs: Vec<u64>,
    /// Nothing while a group is still open.
    groups: Vec<Option<usize>>,
}

/// Reads a pattern as that major does.
pub fn parse(pattern: &[u8], major: Major) -> Result<Parsed, Problem> {
    let mut parser = Parser {
        lexer: Lexer::new(pattern, major)?,
        stack: vec![Frame::new(Kind::Whole, false)],
        alternatives: Vec::new(),
        depths: Vec::new(),
        costs: Vec::new(),
        groups: Vec::new(),
    };
    while let Some(frame) = parser.stack.last_mut() {
        let inside = !matches!(frame.kind, Kind::Whole);
        match parser.lexer.token {
            Token::Bar => {
                let branch = std::mem::take(&mut frame.items);
                frame.branches.push(branch);
                parser.lexer.advance()?;
            }
            Token::End if inside => return Err(token::PARENTHESES),
            Token::End => parser.end_of_parentheses()?,
            Token::Close if inside => {
                parser.lexer.advance()?;
                parser.end_of_parentheses()?;
            }
            _ => parser.atom()?,
        }
    }
    let groups = parser.groups.into_iter().flatten().collect();
    Ok(Parsed { alternatives: parser.alternatives, depths: parser.depths, groups, flags: parser.lexer.flags, major })
}

impl Parser<'_> {
    /// Stores the alternatives of a frame and gives their index.
    fn close(&mut self, frame: Frame) -> usize {
        let Frame { mut branches, items, depth, cost, .. } = frame;
        branches.push(items);
        self.alternatives.push(branches);
        self.depths.push(depth);
        self.costs.push(cost);
        if let Some(around) = self.stack.last_mut() {
            around.depth = around.depth.max(depth + 1);
        }
        self.alternatives.len() - 1
    }

    /// Turns what stands on top of the stack into an atom of what is below.
    fn end_of_parentheses(&mut self) -> Result<(), Problem> {
        let Some(mut frame) = self.stack.pop() else { return Ok(()) };
        let kind = std::mem::replace(&mut frame.kind, Kind::Whole);
        let inner = self.close(frame);
        match kind {
            Kind::LookAround { behind, negative } => self.push_once(Atom::LookAround { inner, behind, negative }),
            Kind::Group(capture) => {
                if let Some(slot) = capture.and_then(|group| self.groups.get_mut(group - 1)) {
                    *slot = Some(inner);
                }
                self.quantified(Atom::Group { inner, capture })
            }
            Kind::Whole => Ok(()),
        }
    }

    fn push(&mut self, item: Item) -> Result<(), Problem> {
        let cost = self.cost(&item);
        if let Some(frame) = self.stack.last_mut() {
            frame.items.push(item);
            frame.cost = frame.cost.saturating_add(cost);
            if frame.cost > MOST_COST {
                return Err(token::COMPLEX);
            }
        }
        Ok(())
    }

    fn push_once(&mut self, atom: Atom) -> Result<(), Problem> {
        self.push(Item { atom, least: 1, most: Some(1), greedy: None })
    }

    /// What an item costs with its repetitions.
    fn cost(&self, item: &Item) -> u64 {
        let atom = match item.atom {
            Atom::Set(_) | Atom::Constraint(_) => COST,
            Atom::LookAround { inner, .. } | Atom::Group { inner, .. } => self.costs[inner],
            Atom::Back(group) => {
                let inner = group.checked_sub(1).and_then(|index| self.groups.get(index).copied().flatten());
                inner.map_or(0, |inner| self.costs[inner])
            }
        };
        let optional = item.most.map_or(1, |most| most - item.least);
        let due = atom.saturating_mul(item.least.into());
        due.saturating_add(atom.saturating_mul(optional.into()).saturating_mul(OPTIONAL_COST) / COST)
    }

    fn looking(&self) -> bool {
        self.stack.last().is_some_and(|frame| frame.looking)
    }

    /// One atom, or the parenthesis that opens one.
    fn atom(&mut self) -> Result<(), Problem> {
        let token = self.lexer.token;
        let atom = match token {
            Token::Constraint(constraint) => {
                self.lexer.advance()?;
                return self.push_once(Atom::Constraint(constraint));
            }
            Token::LookAround { behind, negative } => {
                self.lexer.advance()?;
                self.stack.push(Frame::new(Kind::LookAround { behind, negative }, true));
                return Ok(());
            }
            Token::Open(captures) => {
                let looking = self.looking();
                let capture = (captures && !looking).then(|| {
                    self.groups.push(None);
                    self.groups.len()
                });
                // Whether `\12` is a reference depends on the groups before it.
                self.lexer.groups = self.groups.len();
                self.lexer.advance()?;
                self.stack.push(Frame::new(Kind::Group(capture), looking));
                return Ok(());
            }
            Token::Quantifier(..) | Token::OpenBound => return Err(token::OPERAND),
            // Plain EREs alone take one that closes nothing for a character.
            Token::Close if self.lexer.flags.advanced || !self.lexer.flags.extended => return Err(token::PARENTHESES),
            Token::Close => Atom::Set(self.one(b')'.into())),
            Token::Plain(character) => Atom::Set(self.one(character)),
            Token::Dot => {
                let mut set = ByteSet::default().complement();
                if self.lexer.flags.newline_stops {
                    set.remove(b'\n');
                }
                Atom::Set(set)
            }
            Token::Shorthand(set, complement) => {
                let mut set = if complement { set.complement() } else { set };
                if complement && self.lexer.flags.newline_stops && self.lexer.major < Major::V14 {
                    set.remove(b'\n');
                }
                Atom::Set(set)
            }
            Token::OpenBracket(positive) => Atom::Set(self.bracket(positive)?),
            Token::Back(group) => {
                let closed = group.checked_sub(1).and_then(|index| self.groups.get(index)).is_some_and(Option::is_some);
                if self.looking() || !closed {
                    return Err(token::BACK_REFERENCE);
                }
                Atom::Back(group)
            }
            // The others stand in brackets or bounds only.
            _ => return Err(token::OPERAND),
        };
        self.lexer.advance()?;
        self.quantified(atom)
    }

    fn one(&self, character: u32) -> ByteSet {
        let mut set = ByteSet::default();
        set.insert(character, character);
        if self.lexer.flags.ignore_case {
            set.fold();
        }
        set
    }

    fn quantified(&mut self, atom: Atom) -> Result<(), Problem> {
        let (least, most, greedy) = match self.lexer.token {
            Token::Quantifier(Quantifier::Star, greedy) => (0, None, Some(greedy)),
            Token::Quantifier(Quantifier::Plus, greedy) => (1, None, Some(greedy)),
            Token::Quantifier(Quantifier::Question, greedy) => (0, Some(1), Some(greedy)),
            Token::OpenBound => self.bound()?,
            _ => return self.push_once(atom),
        };
        self.lexer.advance()?;
        self.push(Item { atom, least, most, greedy })
    }

    /// `{m}`, `{m,}` or `{m,n}` up to its closing brace.
    fn bound(&mut self) -> Result<(u32, Option<u32>, Option<bool>), Problem> {
        self.lexer.advance()?;
        let least = self.count()?;
        let comma = self.lexer.token == Token::Comma;
        let mut most = Some(least);
        if comma {
            self.lexer.advance()?;
            most = match self.lexer.token {
                Token::Digit(_) => Some(self.count()?),
                _ => None,
            };
            if most.is_some_and(|most| least > most) {
                return Err(token::COUNT);
            }
        }
        match self.lexer.token {
            Token::CloseBound(greedy) => Ok((least, most, comma.then_some(greedy))),
            _ => Err(token::COUNT),
        }
    }

    /// A number up to 255.
    fn count(&mut self) -> Result<u32, Problem> {
        let mut number = 0;
        while let Token::Digit(digit) = self.lexer.token
            && number <= 255
        {
            // The server stops here too, and says so before it looks further.
            if number == 255 {
                return Err(token::COUNT);
            }
            number = number * 10 + digit;
            self.lexer.advance()?;
        }
        if number > 255 { Err(token::COUNT) } else { Ok(number) }
    }

    /// A bracket expression up to its closing bracket.
    fn bracket(&mut self, positive: bool) -> Result<ByteSet, Problem> {
        self.lexer.advance()?;
        let mut set = ByteSet::default();
        while self.lexer.token != Token::CloseBracket {
            self.bracket_part(&mut set)?;
        }
        if self.lexer.flags.ignore_case {
            set.fold();
        }
        if !positive {
            set = set.complement();
            if self.lexer.flags.newline_stops {
                set.remove(b'\n');
            }
        }
        Ok(set)
    }

    fn bracket_part(&mut self, set: &mut ByteSet) -> Result<(), Problem> {
        let first = match self.lexer.token {
            Token::Plain(character) => {
                self.lexer.advance()?;
                character
            }
            Token::OpenCollating => self.element()?,
            Token::OpenEquivalence => {
                // In the locale C nothing is equivalent to anything else.
                let character = self.element()?;
                set.insert(character, character);
                return Ok(());
            }
            Token::OpenClass => {
                let name = self.name()?;
                let known = set::class(&name).filter(|_| name != b"word" || self.lexer.major >= Major::V14);
                set.unite(known.ok_or(token::CLASS)?);
                return Ok(());
            }
            Token::Shorthand(class, complement) => {
                set.unite(if complement { class.complement() } else { class });
                return self.lexer.advance();
            }
            _ => return Err(token::RANGE),
        };
        let mut last = first;
        if self.lexer.token == Token::Range {
            self.lexer.advance()?;
            last = match self.lexer.token {
                Token::Plain(character) => {
                    self.lexer.advance()?;
                    character
                }
                Token::Range => {
                    self.lexer.advance()?;
                    b'-'.into()
                }
                Token::OpenCollating => self.element()?,
                _ => return Err(token::RANGE),
            };
        }
        if first > last {
            return Err(token::RANGE);
        }
        set.insert(first, last);
        Ok(())
    }

    /// The name in `[.name.]` and the like; looks at the token after it.
    fn name(&mut self) -> Result<Vec<u8>, Problem> {
        let mut name = Vec::new();
        self.lexer.advance()?;
        while let Token::Plain(character) = self.lexer.token {
            name.push(u8::try_from(character).unwrap_or_default());
            self.lexer.advance()?;
        }
        self.lexer.advance()?;
        Ok(name)
    }

    fn element(&mut self) -> Result<u32, Problem> {
        let name = self.name()?;
        set::collating_element(&name).ok_or(token::COLLATING)
    }
}
