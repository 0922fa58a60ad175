//! Lines that no connection can reach, because earlier lines take all of theirs.
//!
//! A line is a union of boxes: a kind of connection, a database word, a user word, a set of addresses. Names are
//! without number, so a box for all databases or all users is only taken by boxes that are for all of them too:
//! think of a name that no line mentions. What is left is arithmetic on addresses. Where files do not decide
//! (membership, DNS, interfaces, regular expressions against each other) a line counts as reachable.

use std::collections::{BTreeSet, HashMap};

use super::ranges::Ranges;
use super::taken::{Asked, MOST_TAKERS, Taken, owners, sweep};
use super::{Entry, Hba};
use crate::catalog::access::Transport;
use crate::model::access::Word;
use crate::value::regex::Regex;
use crate::version::Major;

/// Pairs of database and user words of one line that are looked at: longer lists stay out of it.
const MOST_PAIRS: usize = 4096;

/// Regular expressions that are tried on names.
const MOST_PATTERNS: usize = 64;

/// A line that is never reached.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Covered {
    /// The line.
    pub line: usize,
    /// The lines that take its connections, ascending; the first few of them.
    pub by: Vec<usize>,
}

/// Part of what a line is for falls to another line.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Overlap {
    /// The line.
    pub line: usize,
    /// The line that takes part of its connections: as wide in databases and users, not as wide in addresses.
    pub taker: usize,
}

/// What coverage there is in a file.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Coverage {
    /// Lines that are never reached, ascending.
    pub covered: Vec<Covered>,
    /// Lines of which an earlier one takes a part, ascending; one taker for each.
    pub overlaps: Vec<Overlap>,
    /// Lines for encrypted connections only, and a line that lets the same clients in without.
    pub undercut: Vec<Overlap>,
}

/// A word of the database or user column.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
enum Atom {
    All,
    Name(Vec<u8>),
    SameUser,
    SameRole,
    Replication,
    Group(Vec<u8>),
    Pattern(Vec<u8>),
}

/// Which lines count as taking a part of another.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Names {
    /// Those for at least the same databases and users.
    Any,
    /// Those for more of them: a line for the same ones is an exception that was meant.
    Wider,
}

type Id = u32;

/// A set of [`Transport`]s, a bit for each.
type Kinds = u8;

fn kinds(transports: &[Transport]) -> Kinds {
    transports.iter().fold(0, |bits, transport| bits | 1 << (*transport as u8))
}

/// Finds what is covered.
pub fn coverage(hba: &Hba, major: Major) -> Coverage {
    let mut index = Index::new(major);
    let mut found = Coverage::default();
    let mut encrypted = Vec::new();
    for (line, entry) in hba.entries() {
        let pairs = index.pairs(entry);
        let asked = Asked::of(entry.address.as_ref());
        if let Some(pairs) = &pairs {
            if index.covers(pairs, entry, &asked) {
                found.covered.push(Covered { line, by: index.takers(pairs, entry, &asked) });
            } else if let Some(taker) = index.overlap(pairs, &entry.connection.transports, &asked, Names::Wider) {
                found.overlaps.push(Overlap { line, taker });
            }
            index.insert(line, pairs, entry, &asked);
        }
        if entry.connection.transports == [Transport::Ssl] {
            encrypted.extend(pairs.map(|pairs| (line, pairs, asked)));
        }
    }
    for (line, pairs, asked) in encrypted {
        if let Some(taker) = index.overlap(&pairs, &[Transport::Plain], &asked, Names::Any) {
            found.undercut.push(Overlap { line, taker });
        }
    }
    found
}

struct Index {
    major: Major,
    ids: HashMap<Atom, Id>,
    /// Regular expressions among the atoms of either column.
    patterns: Vec<(Id, Regex)>,
    /// By database word, user word and the kinds of connection that a line is for.
    taken: HashMap<(Id, Id, Kinds), Taken>,
    /// The kinds of connection that lines are for, as they come.
    kinds: Vec<Kinds>,
    /// What is known to be covered, to go over it only once.
    swept: HashMap<(Id, Id, Transport), (Ranges, Ranges)>,
}

/// A database word and a user word, and the words that take all of the pair.
struct Pair {
    own: (Id, Id),
    by: Vec<(Id, Id)>,
}

impl Index {
    fn new(major: Major) -> Index {
        Index {
            major,
            ids: HashMap::new(),
            patterns: Vec::new(),
            taken: HashMap::new(),
            kinds: Vec::new(),
            swept: HashMap::new(),
        }
    }

    fn id(&mut self, atom: Atom) -> Id {
        let next = Id::try_from(self.ids.len()).unwrap_or(Id::MAX);
        let pattern = match &atom {
            Atom::Pattern(pattern) if self.patterns.len() < MOST_PATTERNS => Some(pattern.clone()),
            _ => None,
        };
        let id = *self.ids.entry(atom).or_insert(next);
        if id == next
            && let Some(regex) = pattern.and_then(|pattern| Regex::new(&pattern).ok())
        {
            self.patterns.push((id, regex));
        }
        id
    }

    fn known(&self, atom: &Atom) -> Option<Id> {
        self.ids.get(atom).copied()
    }

    /// A word as atoms: a regular expression for a few names is those names.
    fn atoms(&self, word: &Word, is_user: bool) -> Vec<Atom> {
        if word.is("all") {
            return vec![Atom::All];
        }
        match word.group() {
            Some(role) if is_user => return vec![Atom::Group(role.to_vec())],
            _ => {}
        }
        let keyword = match () {
            () if is_user => None,
            () if word.is("sameuser") => Some(Atom::SameUser),
            () if word.is("samerole") || word.is("samegroup") => Some(Atom::SameRole),
            () if word.is("replication") => Some(Atom::Replication),
            () => None,
        };
        if let Some(keyword) = keyword {
            return vec![keyword];
        }
        match word.text.strip_prefix(b"/").filter(|_| self.major >= Major::V16) {
            None => vec![Atom::Name(word.text.clone())],
            Some(pattern) => match Regex::new(pattern) {
                Ok(regex) if regex.matches_everything() => vec![Atom::All],
                Ok(regex) => match regex.literals() {
                    Some(names) => names.into_iter().map(Atom::Name).collect(),
                    None => vec![Atom::Pattern(pattern.to_vec())],
                },
                Err(_) => Vec::new(),
            },
        }
    }

    /// The pairs of a line; `None` if they are too many.
    fn pairs(&mut self, entry: &Entry) -> Option<Vec<Pair>> {
        let collect = |index: &Index, words: &[Word], is_user| {
            let mut atoms: Vec<Atom> = Vec::new();
            for word in words.iter().take(MOST_PAIRS + 1) {
                atoms.extend(index.atoms(word, is_user));
            }
            // What stands beside `all` adds nothing, but `replication` does.
            if atoms.contains(&Atom::All) {
                atoms.retain(|atom| matches!(atom, Atom::All | Atom::Replication));
            }
            let mut seen = std::collections::HashSet::new();
            atoms.retain(|atom| seen.insert(atom.clone()));
            atoms
        };
        let databases = collect(self, &entry.databases, false);
        let users = collect(self, &entry.users, true);
        if databases.len().saturating_mul(users.len()) > MOST_PAIRS {
            return None;
        }
        let mut pairs = Vec::with_capacity(databases.len() * users.len());
        for database in &databases {
            for user in &users {
                let own = (self.id(database.clone()), self.id(user.clone()));
                pairs.push(Pair { own, by: self.takers_of(database, user) });
            }
        }
        Some(pairs)
    }

    /// The pairs of words that take all connections of a pair, its own among them.
    fn takers_of(&self, database: &Atom, user: &Atom) -> Vec<(Id, Id)> {
        let mut databases = self.column(database);
        let mut users = self.column(user);
        if let (Atom::SameRole, Atom::Name(name)) = (database, user) {
            // Whoever is in a role exists, and so is in the one of its own name.
            users.extend(self.known(&Atom::Group(name.clone())));
        }
        let same_user = |databases: &mut Vec<Id>| databases.extend(self.known(&Atom::SameUser));
        match (database, user) {
            // One name in both columns is what `sameuser` is for, and the other way round.
            (Atom::Name(database), Atom::Name(user)) if database == user => same_user(&mut databases),
            (Atom::SameUser, Atom::Name(_)) => databases.extend(self.column(user)),
            // A member of a role is in its own role, and exists.
            (Atom::SameUser, Atom::Group(_)) => databases.extend(self.known(&Atom::SameRole)),
            (Atom::Name(database), Atom::Group(role)) if database == role => {
                databases.extend(self.known(&Atom::SameRole));
            }
            _ => {}
        }
        let mut pairs = Vec::with_capacity(databases.len() * users.len());
        for database in &databases {
            pairs.extend(users.iter().map(|user| (*database, *user)));
        }
        pairs
    }

    /// The words of a column that take all that a word is for.
    fn column(&self, atom: &Atom) -> Vec<Id> {
        let mut ids: Vec<Id> = self.known(atom).into_iter().collect();
        if !matches!(atom, Atom::All | Atom::Replication) {
            ids.extend(self.known(&Atom::All));
        }
        if let Atom::Name(name) = atom {
            let fitting = self.patterns.iter().filter(|(_, regex)| regex.is_match(name) == Some(true));
            ids.extend(fitting.map(|(id, _)| *id));
        }
        ids
    }

    fn sets(&self, pair: &Pair, transport: Transport) -> Vec<&Taken> {
        self.sets_of(&mut pair.by.iter(), transport)
    }

    fn sets_of(&self, pairs: &mut dyn Iterator<Item = &(Id, Id)>, transport: Transport) -> Vec<&Taken> {
        let kinds: Vec<Kinds> =
            self.kinds.iter().copied().filter(|kinds| kinds >> (transport as u8) & 1 == 1).collect();
        let mut sets = Vec::new();
        for (database, user) in pairs {
            sets.extend(kinds.iter().filter_map(|kinds| self.taken.get(&(*database, *user, *kinds))));
        }
        sets
    }

    fn covers(&mut self, pairs: &[Pair], entry: &Entry, asked: &Asked) -> bool {
        // The cheapest answer is that a line has something of its own.
        let transports = &entry.connection.transports;
        !pairs.is_empty()
            && transports.iter().all(|transport| pairs.iter().all(|pair| self.covers_one(pair, *transport, asked)))
    }

    fn covers_one(&mut self, pair: &Pair, transport: Transport, asked: &Asked) -> bool {
        let key = (pair.own.0, pair.own.1, transport);
        if self.sets(pair, transport).is_empty() {
            return false;
        }
        let (mut swept4, mut swept6) = self.swept.remove(&key).unwrap_or_default();
        let sets = self.sets(pair, transport);
        let covers = if transport == Transport::Local {
            sets.iter().any(|taken| taken.local.is_some())
        } else {
            let by_word = sets.iter().any(|taken| asked.words.iter().any(|word| taken.words.contains_key(word)));
            let v4: Vec<&Ranges> = sets.iter().map(|taken| &taken.v4).collect();
            let v6: Vec<&Ranges> = sets.iter().map(|taken| &taken.v6).collect();
            by_word || sweep(&v4, &mut swept4, &asked.v4) && sweep(&v6, &mut swept6, &asked.v6)
        };
        if transport != Transport::Local {
            self.swept.insert(key, (swept4, swept6));
        }
        covers
    }

    /// The lines that decide over the connections of a covered line.
    fn takers(&self, pairs: &[Pair], entry: &Entry, asked: &Asked) -> Vec<usize> {
        let mut lines = BTreeSet::new();
        for transport in &entry.connection.transports {
            for pair in pairs {
                if lines.len() >= MOST_TAKERS {
                    break;
                }
                let sets = self.sets(pair, *transport);
                lines.extend(sets.iter().filter_map(|taken| taken.local).min());
                let words = sets.iter().flat_map(|taken| asked.words.iter().filter_map(|word| taken.words.get(word)));
                let word = words.min().copied();
                lines.extend(word);
                if word.is_some() {
                    continue;
                }
                let v4: Vec<&Ranges> = sets.iter().map(|taken| &taken.v4).collect();
                let v6: Vec<&Ranges> = sets.iter().map(|taken| &taken.v6).collect();
                owners(&v4, &asked.v4, &mut lines);
                owners(&v6, &asked.v6, &mut lines);
            }
        }
        lines.into_iter().take(MOST_TAKERS).collect()
    }

    /// The line that decides over the first connection of the pairs that is taken at all.
    fn overlap(&self, pairs: &[Pair], transports: &[Transport], asked: &Asked, names: Names) -> Option<usize> {
        for transport in transports.iter().filter(|transport| **transport != Transport::Local) {
            for pair in pairs {
                let mut by = pair.by.iter().filter(|by| names == Names::Any || **by != pair.own);
                let sets = self.sets_of(&mut by, *transport);
                let v4: Vec<&Ranges> = sets.iter().map(|taken| &taken.v4).collect();
                let v6: Vec<&Ranges> = sets.iter().map(|taken| &taken.v6).collect();
                for (sets, asked) in [(&v4, &asked.v4), (&v6, &asked.v6)] {
                    for (low, high) in asked {
                        let first = sets.iter().filter_map(|set| set.first_within(*low, *high)).min();
                        let Some(first) = first else { continue };
                        let owner = sets.iter().filter_map(|set| set.owner(first)).map(|(_, line)| line).min();
                        if owner.is_some() {
                            return owner;
                        }
                    }
                }
            }
        }
        None
    }

    fn insert(&mut self, line: usize, pairs: &[Pair], entry: &Entry, asked: &Asked) {
        let kinds = kinds(&entry.connection.transports);
        if !self.kinds.contains(&kinds) {
            self.kinds.push(kinds);
        }
        for pair in pairs {
            let taken = self.taken.entry((pair.own.0, pair.own.1, kinds)).or_default();
            taken.insert(line, entry.address.as_ref(), asked);
        }
    }
}
