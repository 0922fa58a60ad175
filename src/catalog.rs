//! What each major knows: its parameters as a running server lists them, read from `rules/catalog`.

pub mod access;
pub mod conninfo;
pub mod defaults;
mod facts;
mod parameter;
mod reading;
pub mod recovery;
mod similar;
mod table;
pub mod tables;

pub use facts::{Period, periods};
pub use parameter::{Kind, Parameter, Word};
pub use reading::{is_recovery_target, read, read_unchecked};
pub use similar::{similar, similar_elsewhere};

use table::{Table, fields, first, rows};

pub use table::rows_of;

use std::collections::HashMap;
use std::sync::{Mutex, OnceLock, PoisonError};

use crate::value::{Grammar, Unit};
use crate::version::{Major, PgVersion};

/// The recorded catalogues, oldest first. 9.2 and 9.3 serve as sources of a migration only.
static RECORDED: [(Major, &str); 15] = [
    (Major(902), include_str!("../rules/catalog/9.2.tsv")),
    (Major(903), include_str!("../rules/catalog/9.3.tsv")),
    (Major::V9_4, include_str!("../rules/catalog/9.4.tsv")),
    (Major::V9_5, include_str!("../rules/catalog/9.5.tsv")),
    (Major::V9_6, include_str!("../rules/catalog/9.6.tsv")),
    (Major::V10, include_str!("../rules/catalog/10.tsv")),
    (Major::V11, include_str!("../rules/catalog/11.tsv")),
    (Major::V12, include_str!("../rules/catalog/12.tsv")),
    (Major::V13, include_str!("../rules/catalog/13.tsv")),
    (Major::V14, include_str!("../rules/catalog/14.tsv")),
    (Major::V15, include_str!("../rules/catalog/15.tsv")),
    (Major::V16, include_str!("../rules/catalog/16.tsv")),
    (Major::V17, include_str!("../rules/catalog/17.tsv")),
    (Major::V18, include_str!("../rules/catalog/18.tsv")),
    (Major::V19, include_str!("../rules/catalog/19.tsv")),
];

static ALIASES: &str = include_str!("../rules/catalog/aliases.tsv");
static MINORS: &str = include_str!("../rules/catalog/minor.tsv");
static BUILDS: Table = Table::new(include_str!("../rules/catalog/build.tsv"));
static MISPLACED: Table = Table::new(include_str!("../rules/catalog/misplaced.tsv"));
static BUILD_NAMES: Table = Table::new(include_str!("../rules/catalog/build-names.tsv"));
static BETAS: Table = Table::new(include_str!("../rules/catalog/beta-names.tsv"));
static TRAITS: Table = Table::new(include_str!("../rules/catalog/traits.tsv"));
static GRAMMARS: Table = Table::new(include_str!("../rules/catalog/grammar.tsv"));

/// All parameters of a version.
#[derive(Debug)]
pub struct Catalog {
    /// The version.
    pub version: PgVersion,
    rows: Vec<Row>,
    /// Open addressing over case-folded names: index into `rows` plus one, or 0.
    slots: Vec<u16>,
}

#[derive(Debug)]
struct Row {
    name: &'static str,
    /// The name it stands for, where it is an old name.
    alias_of: Option<&'static str>,
    text: &'static str,
    /// Most are never asked for.
    parameter: OnceLock<Box<Parameter>>,
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
        let text = RECORDED.iter().find(|(major, _)| *major == version.major).map_or("", |(_, text)| text);
        // No major has as many yet.
        let mut rows: Vec<Row> = Vec::with_capacity(512);
        rows.extend(table::rows(text).filter_map(|row| keep(row, version)));
        for added in minors(version.major).filter(|minor| minor.what == "added" && !minor.row.is_empty()) {
            if version.minor.is_none_or(|minor| minor >= added.minor) && !rows.iter().any(|row| row.name == added.name)
            {
                rows.push(Row::new(added.row, None));
            }
        }
        for fields in rows_of(ALIASES) {
            let [old, new, since, until, ..] = fields[..] else { continue };
            if !within(version.major, since, until) {
                continue;
            }
            if let Some(row) = rows.iter().find(|row| row.name == new) {
                let text = row.text;
                rows.push(Row { name: old, alias_of: Some(new), text, parameter: OnceLock::new() });
            }
        }
        let mut catalog = Catalog { version, slots: vec![0; (rows.len() * 2).next_power_of_two()], rows };
        for index in 0..catalog.rows.len() {
            let slot = catalog.slot(catalog.rows[index].name.as_bytes());
            catalog.slots[slot] = u16::try_from(index + 1).expect("fewer than 65,000 parameters");
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
        let index = self.slots[self.slot(name)].checked_sub(1)?;
        let row = &self.rows[usize::from(index)];
        match row.alias_of {
            Some(new) => self.find(new.as_bytes()),
            None => Some(ParameterId(index)),
        }
    }

    /// The new name that an old name stands for.
    pub fn alias(&self, name: &[u8]) -> Option<&'static str> {
        let index = self.slots[self.slot(name)].checked_sub(1)?;
        self.rows[usize::from(index)].alias_of
    }

    /// What is known of a parameter.
    pub fn get(&self, id: ParameterId) -> &Parameter {
        let row = &self.rows[id.index()];
        row.parameter.get_or_init(|| Box::new(parameter(row.text, self.version)))
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
        let indexes = 0..u16::try_from(self.rows.len()).expect("as in of");
        let own = indexes.filter(|index| self.rows[usize::from(*index)].alias_of.is_none());
        own.map(|index| (ParameterId(index), self.get(ParameterId(index))))
    }

    /// The parameters with a trait, in the order of the catalogue. Nothing else is looked at for it.
    pub fn with_trait(&self, word: &str) -> impl Iterator<Item = (ParameterId, &Parameter)> {
        let named = TRAITS.rows().filter(|[_, _, _, known, ..]| *known == word);
        let named = named.filter(|[_, since, until, ..]| within(self.version.major, since, until));
        let mut ids: Vec<ParameterId> = named.filter_map(|[name, ..]| self.find(name.as_bytes())).collect();
        ids.sort();
        ids.into_iter().map(|id| (id, self.get(id)))
    }

    /// All names that a file may use.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.rows.iter().map(|row| row.name)
    }

    fn slot(&self, name: &[u8]) -> usize {
        let mask = self.slots.len() - 1;
        let mut slot = fold_hash(name) & mask;
        loop {
            match self.slots[slot].checked_sub(1) {
                None => return slot,
                Some(index) if self.rows[usize::from(index)].name.as_bytes().eq_ignore_ascii_case(name) => return slot,
                Some(_) => slot = (slot + 1) & mask,
            }
        }
    }
}

impl Row {
    fn new(text: &'static str, alias_of: Option<&'static str>) -> Row {
        Row { name: first(text), alias_of, text, parameter: OnceLock::new() }
    }
}

/// First and last recorded major that knows a name, old names included.
pub fn history(name: &str) -> Option<(Major, Major)> {
    static BY_NAME: OnceLock<HashMap<String, (Major, Major)>> = OnceLock::new();
    let by_name = BY_NAME.get_or_init(|| {
        let mut by_name: HashMap<String, (Major, Major)> = HashMap::new();
        for (name, major) in every_name() {
            by_name.entry(name.to_ascii_lowercase()).or_insert((major, major)).1 = major;
        }
        by_name
    });
    by_name.get(&name.to_ascii_lowercase()).copied()
}

/// Every name that some major knows, old names included, and the major: once for each, oldest first.
fn every_name() -> impl Iterator<Item = (&'static str, Major)> {
    RECORDED.iter().flat_map(|(major, text)| {
        let added = minors(*major).filter(|minor| minor.what == "added").map(|minor| minor.name);
        let aliases = rows_of(ALIASES).filter(|row| within(*major, row[2], row[3])).map(|row| row[0]);
        rows(text).map(first).chain(added).chain(aliases).map(|name| (name, *major))
    })
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
    row: &'static str,
}

/// What came within a major: columns major, minor, parameter, what, before, and a whole row in the rest.
fn minors(major: Major) -> impl Iterator<Item = Minor> {
    static READ: OnceLock<Vec<(Major, Minor)>> = OnceLock::new();
    let read = READ.get_or_init(|| {
        let row = |line: &'static str| {
            let mut fields = line.splitn(6, '\t');
            let mut next = || fields.next().unwrap_or_default();
            let (of, minor, name, what, before, row) = (next(), next(), next(), next(), next(), next());
            Some((Major::from_table(of)?, Minor { minor: minor.parse().ok()?, name, what, before, row }))
        };
        rows(MINORS).filter_map(row).collect()
    });
    read.iter().filter(move |(of, _)| *of == major).map(|(_, minor)| *minor)
}

/// A row, unless its parameter came with a later minor.
fn keep(row: &'static str, version: PgVersion) -> Option<Row> {
    let kept = Row::new(row, None);
    // Looked up only where it matters: a version without a minor knows all.
    let Some(minor) = version.minor else { return Some(kept) };
    since_minor(version.major, kept.name).is_none_or(|since| since <= minor).then_some(kept)
}

fn fold_hash(name: &[u8]) -> usize {
    let hash = name.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte.to_ascii_lowercase())).wrapping_mul(0x0100_0000_01b3)
    });
    usize::try_from((hash ^ (hash >> 29)) & 0xffff_ffff).expect("32 bits")
}

fn parameter(row: &'static str, version: PgVersion) -> Parameter {
    let mut fields = fields(row);
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
        grammar: grammar(name, version.major),
        traits: traits(name, version.major),
    };
    // A bound that moved within the major is what it was for an older minor.
    for moved in minors(version.major).filter(|moved| moved.name == name) {
        if version.minor.is_some_and(|minor| minor < moved.minor) {
            match moved.what {
                "min" => parameter.range.0 = number(moved.before, parameter.range.0),
                "max" => parameter.range.1 = number(moved.before, parameter.range.1),
                "default" => parameter.default = moved.before,
                _ => {}
            }
        }
    }
    parameter
}

fn traits(name: &str, major: Major) -> Vec<(&'static str, &'static str)> {
    let known = TRAITS.of(name).filter(|[_, since, until, ..]| within(major, since, until));
    known.map(|[_, _, _, word, argument, ..]| (word, argument)).collect()
}

fn grammar(name: &str, major: Major) -> Option<Grammar> {
    GRAMMARS.of(name).find_map(
        |[_, since, until, word, argument, ..]| {
            if within(major, since, until) { Grammar::from_word(word, argument) } else { None }
        },
    )
}
