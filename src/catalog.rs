//! What each major knows: its parameters as a running server lists them, read from `rules/catalog`.

pub mod access;
pub mod conninfo;
pub mod defaults;
mod facts;
mod hash;
#[cfg(test)]
mod made;
mod parameter;
mod reading;
pub mod recovery;
mod similar;
pub mod tables;

pub use facts::{Period, periods};
pub use parameter::{Kind, Parameter, Word};
pub use reading::{is_recovery_target, read, read_unchecked};
pub use similar::similar;

use crate::table::{self, Table, table};

pub use crate::table::rows_of;

use std::borrow::Cow;
use std::sync::{Mutex, OnceLock, PoisonError};

use crate::value::{Grammar, Unit};
use crate::version::{Major, PgVersion};

/// A catalogue as build.rs has recorded it: what the newest minor of a major knows.
#[derive(Debug)]
struct Index {
    text: &'static str,
    rows: &'static [Row],
    /// Old names and those that they stand for.
    aliases: &'static [(&'static str, &'static str)],
    /// Finds the names of rows, then old names: see [`hash`].
    slots: &'static [u16],
}

/// Where a row begins in the text, and how many bytes it and its name have.
#[derive(Clone, Copy, Debug)]
struct Row(u32, u16, u8);

static NOTHING: Index = Index { text: "", rows: &[], aliases: &[], slots: &[0] };

// `RECORDED`: the catalogues, oldest first. 9.2 and 9.3 serve as sources of a migration only.
include!(concat!(env!("OUT_DIR"), "/catalog.rs"));

static MINORS: &str = include_str!("../rules/catalog/minor.tsv");
static HISTORY: Table = table!("history");
static BUILDS: Table = table!("build");
static MISPLACED: Table = table!("misplaced");
static BUILD_NAMES: Table = table!("build-names");
static BETAS: Table = table!("beta-names");
/// Traits and who has them.
static TRAITS: Table = table!("traits");

/// All parameters of a version.
#[derive(Debug)]
pub struct Catalog {
    /// The version.
    pub version: PgVersion,
    index: &'static Index,
    rows: Cow<'static, [Row]>,
    slots: Cow<'static, [u16]>,
    /// Most are never asked for.
    parameters: Vec<OnceLock<Box<Parameter>>>,
}

/// An index into a catalogue.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ParameterId(u16);

impl ParameterId {
    /// Position among the catalogue's rows.
    pub fn index(self) -> usize {
        usize::from(self.0)
    }
}

impl Catalog {
    /// What a server of that version knows. A version without a minor is its newest known one.
    pub fn of(version: PgVersion) -> Catalog {
        let recorded = RECORDED.iter().find(|(major, _)| *major == version.major);
        let index = recorded.map_or(&NOTHING, |(_, index)| index);
        let is_there = |row: &&Row| {
            let since = version.minor.and_then(|_| since_minor(version.major, index.name(**row)));
            since.is_none_or(|since| version.minor >= Some(since))
        };
        let mut catalog = Catalog {
            version,
            index,
            rows: Cow::Borrowed(index.rows),
            slots: Cow::Borrowed(index.slots),
            parameters: index.rows.iter().map(|_| OnceLock::new()).collect(),
        };
        if !index.rows.iter().all(|row| is_there(&row)) {
            catalog.rows = index.rows.iter().filter(is_there).copied().collect();
            catalog.slots = Cow::Owned(hash::slots(&catalog.names().collect::<Vec<_>>()));
        }
        catalog
    }

    /// The catalogue of a version, made once for the whole run.
    pub fn shared(version: PgVersion) -> &'static Catalog {
        static SHARED: Mutex<Vec<&'static Catalog>> = Mutex::new(Vec::new());
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = shared.iter().find(|catalog| catalog.version == version) {
            return known;
        }
        // A run has few versions, and keeps them to its end.
        let catalog: &'static Catalog = Box::leak(Box::new(Catalog::of(version)));
        shared.push(catalog);
        catalog
    }

    /// The parameter of that name, without regard to ASCII case; old names lead to the new parameter.
    pub fn find(&self, name: &[u8]) -> Option<ParameterId> {
        let index = self.position(name)?;
        match index.checked_sub(self.rows.len()) {
            Some(alias) => self.find(self.index.aliases[alias].1.as_bytes()),
            None => u16::try_from(index).ok().map(ParameterId),
        }
    }

    /// The new name that an old name stands for.
    pub fn alias(&self, name: &[u8]) -> Option<&'static str> {
        let alias = self.position(name)?.checked_sub(self.rows.len())?;
        Some(self.index.aliases[alias].1)
    }

    /// What is known of a parameter.
    pub fn get(&self, id: ParameterId) -> &Parameter {
        let row = || self.index.row(self.rows[id.index()]);
        self.parameters[id.index()].get_or_init(|| Box::new(parameter(row(), self.version)))
    }

    /// How many rows there are; every [`ParameterId`] lies below.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether nothing is known of the version.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// All parameters, old names left out.
    pub fn iter(&self) -> impl Iterator<Item = (ParameterId, &Parameter)> {
        let indexes = 0..u16::try_from(self.rows.len()).expect("as in hash::slots");
        indexes.map(|index| (ParameterId(index), self.get(ParameterId(index))))
    }

    /// The parameters with a trait, in the order of the catalogue. Nothing else is looked at for it.
    pub fn with_trait(&self, word: &str) -> impl Iterator<Item = (ParameterId, &Parameter)> {
        let named = TRAITS.of(word).filter(|[_, _, since, until, ..]| within(self.version.major, since, until));
        let mut ids: Vec<ParameterId> = named.filter_map(|[_, name, ..]| self.find(name.as_bytes())).collect();
        ids.sort();
        ids.into_iter().map(|id| (id, self.get(id)))
    }

    /// All names that a file may use.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        let names = self.rows.iter().map(|row| self.index.name(*row));
        names.chain(self.index.aliases.iter().map(|(old, _)| *old))
    }

    /// Its place among the rows and, behind them, the old names.
    fn position(&self, name: &[u8]) -> Option<usize> {
        hash::find(&self.slots, name, |index| match index.checked_sub(self.rows.len()) {
            Some(alias) => self.index.aliases[alias].0,
            None => self.index.name(self.rows[index]),
        })
    }
}

impl Index {
    fn row(&self, Row(start, length, _): Row) -> &'static str {
        &self.text[start as usize..][..usize::from(length)]
    }

    fn name(&self, Row(start, _, length): Row) -> &'static str {
        &self.text[start as usize..][..usize::from(length)]
    }
}

/// First and last recorded major that knows a name, old names included.
pub fn history(name: &str) -> Option<(Major, Major)> {
    let [_, first, last, ..] = HISTORY.of(&name.to_ascii_lowercase()).next()?;
    Some((Major::from_table(first)?, Major::from_table(last)?))
}

/// Every name that some major knows, old names included, as the newest of them spells it.
fn every_name() -> impl Iterator<Item = &'static str> {
    HISTORY.rows().map(|[_, _, _, name, ..]| name)
}

/// The majors with a recorded catalogue, oldest first.
pub fn majors() -> impl Iterator<Item = Major> {
    RECORDED.iter().map(|(major, _)| *major)
}

/// What depends on how the server was built.
#[derive(Clone, Copy, Debug)]
pub struct BuildNote {
    /// `value`, `name`, `default`, `range` or `refused`.
    pub what: &'static str,
    /// The value it is about, where it is about one.
    pub value: &'static str,
    /// What the build must have.
    pub needs: &'static str,
}

/// What depends on the build for a parameter of that name, in that major.
pub fn build_notes(name: &str, major: Major) -> impl Iterator<Item = BuildNote> {
    let rows = BUILDS.of(name).filter(move |[_, _, _, since, until, ..]| within(major, since, until));
    rows.map(|[_, what, value, _, _, needs, ..]| BuildNote { what, value, needs })
}

/// Whether a name belongs in another file in that major: what recovery.conf took up to 11, and what
/// signal files replaced in 12.
pub fn misplaced(name: &str, major: Major) -> bool {
    MISPLACED.of(name).any(|row| within(major, row[1], row[2]))
}

/// What a server must be built with to know a name, where ordinary builds do not know it.
pub fn build_name(name: &str, major: Major) -> Option<&'static str> {
    BUILD_NAMES.of(name).find(|row| within(major, row[1], "")).map(|row| row[2])
}

/// What became of a name that only beta releases knew; empty where it was dropped.
pub fn beta_name(name: &str) -> Option<&'static str> {
    BETAS.of(name).next().map(|row| row[2])
}

/// In which minor of a major a parameter arrived, where it was not there from the start.
pub fn since_minor(major: Major, name: &str) -> Option<u16> {
    minors(major).find(|minor| minor.what == "added" && minor.name == name).map(|minor| minor.minor)
}

/// Whether `major` lies in a range of majors; an empty end is open.
pub fn within(major: Major, since: &str, until: &str) -> bool {
    let bound = |text: &str| Major::from_table(text);
    bound(since).is_none_or(|since| major >= since) && bound(until).is_none_or(|until| major <= until)
}

/// Resolves the escapes `\t`, `\n` and `\\` of a table.
pub fn unescape(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(char) = chars.next() {
        match char {
            '\\' => match chars.next() {
                Some('t') => plain.push('\t'),
                Some('n') => plain.push('\n'),
                Some(other) => plain.push(other),
                None => plain.push('\\'),
            },
            char => plain.push(char),
        }
    }
    plain
}

#[derive(Clone, Copy)]
struct Minor {
    minor: u16,
    name: &'static str,
    what: &'static str,
    before: &'static str,
}

/// What came within a major: columns major, minor, parameter, what, before. A whole row in the rest is in the recorded
/// catalogue.
fn minors(major: Major) -> impl Iterator<Item = Minor> {
    static READ: OnceLock<Vec<(Major, Minor)>> = OnceLock::new();
    let read = READ.get_or_init(|| {
        let row = |line: &'static str| {
            let mut fields = line.splitn(6, '\t');
            let mut next = || fields.next().unwrap_or_default();
            let (of, minor, name, what, before) = (next(), next(), next(), next(), next());
            Some((Major::from_table(of)?, Minor { minor: minor.parse().ok()?, name, what, before }))
        };
        table::rows(MINORS).filter_map(row).collect()
    });
    read.iter().filter(move |(of, _)| *of == major).map(|(_, minor)| *minor)
}

fn parameter(row: &'static str, version: PgVersion) -> Parameter {
    let mut fields = table::fields(row);
    let mut next = || fields.next().unwrap_or_default();
    let name = next();
    let kind = match next() {
        "bool" => Kind::Bool,
        "enum" => Kind::Enum,
        "integer" => Kind::Integer,
        "real" => Kind::Real,
        _ => Kind::String,
    };
    let unit = Unit::from_word(next());
    let number = |text: &str, open: f64| text.parse().unwrap_or(open);
    let range = (number(next(), f64::MIN), number(next(), f64::MAX));
    let words = (next(), next());
    let mut parameter = Parameter {
        name,
        kind,
        unit,
        range,
        words,
        default: next(),
        context: next(),
        category: next(),
        short: next(),
        flags: next(),
        settable: next() == "yes",
        grammar: Grammar::from_word(next(), next()),
        traits: Vec::new(),
    };
    while let Some(word) = fields.next() {
        parameter.traits.push((word, fields.next().unwrap_or_default()));
    }
    // A bound that moved within the major is what it was for an older minor.
    let older = |minor: u16| minors(version.major).filter(move |moved| moved.name == name && minor < moved.minor);
    for moved in version.minor.into_iter().flat_map(older) {
        match moved.what {
            "min" => parameter.range.0 = number(moved.before, parameter.range.0),
            "max" => parameter.range.1 = number(moved.before, parameter.range.1),
            "default" => parameter.default = moved.before,
            _ => {}
        }
    }
    parameter
}
