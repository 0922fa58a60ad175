//! What a major knows of one parameter.

use super::unescape;
use crate::value::{Grammar, Unit};

/// The type of a parameter.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// on or off
    Bool,
    /// One of a list of words.
    Enum,
    /// A 32-bit whole number.
    Integer,
    /// A floating-point number.
    Real,
    /// Any text.
    String,
}

impl Kind {
    /// The word for it in pg_settings.
    pub fn word(self) -> &'static str {
        match self {
            Kind::Bool => "bool",
            Kind::Enum => "enum",
            Kind::Integer => "integer",
            Kind::Real => "real",
            Kind::String => "string",
        }
    }
}

/// A parameter of one major.
#[derive(Clone, Debug)]
pub struct Parameter {
    /// Its name as the server spells it.
    pub name: &'static str,
    /// Its type.
    pub kind: Kind,
    /// What a bare number counts.
    pub unit: Option<Unit>,
    /// Smallest and largest value of a number, in its unit.
    pub range: (f64, f64),
    /// The words of an enum that the server lists, and others that it reads; `word=shown` where SHOW
    /// prints another word.
    pub(super) words: (&'static str, &'static str),
    /// The built-in default, in base units; escapes as in the TSV.
    pub default: &'static str,
    /// Who may change it and when, as pg_settings says.
    pub context: &'static str,
    /// Its chapter.
    pub category: &'static str,
    /// One line of description.
    pub short: &'static str,
    /// Flags as pg_settings_get_flags gives them (15 and later), and `HIDDEN`.
    pub flags: &'static str,
    /// Whether a server reads it from a file at all.
    pub settable: bool,
    /// How the text of its value is checked beyond its type.
    pub grammar: Option<Grammar>,
    /// What else `rules/catalog/traits.tsv` says of it: a word and its argument.
    pub traits: Vec<(&'static str, &'static str)>,
}

/// A word of an enum.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Word {
    /// As it is written.
    pub word: &'static str,
    /// As SHOW prints it.
    pub shown: &'static str,
    /// Whether the server's hint lists it.
    pub listed: bool,
}

impl Parameter {
    /// The words of an enum, listed ones first.
    pub fn words(&self) -> impl Iterator<Item = Word> + '_ {
        let split = |text: &'static str, listed: bool| {
            // A single empty word cannot be told from no words; no enum has just that.
            text.split('|').filter(move |_| !text.is_empty()).map(move |entry| {
                let (word, shown) = entry.split_once('=').unwrap_or((entry, entry));
                Word { word, shown, listed }
            })
        };
        split(self.words.0, true).chain(split(self.words.1, false))
    }

    /// The default with its escapes resolved.
    pub fn default_text(&self) -> String {
        unescape(self.default)
    }

    /// The argument of a trait, where the parameter has it.
    pub fn trait_of(&self, word: &str) -> Option<&'static str> {
        self.traits.iter().find(|(known, _)| *known == word).map(|(_, argument)| *argument)
    }

    /// Whether its value is a list with commas.
    pub fn is_list(&self) -> bool {
        self.trait_of("list").is_some()
    }

    /// Whether a change needs a restart.
    pub fn needs_restart(&self) -> bool {
        self.context == "postmaster"
    }

    /// Whether it can only be read.
    pub fn is_internal(&self) -> bool {
        self.context == "internal"
    }
}
