//! What versions know of a parameter, for those who ask about it: `explain` and editors.

use super::{Catalog, Kind, Parameter};
use crate::value::number;
use crate::version::PgVersion;

/// Versions next to each other that know the same of a parameter.
#[derive(Clone, Copy, Debug)]
pub struct Period {
    /// The first of them.
    pub first: PgVersion,
    /// The last of them.
    pub last: PgVersion,
    /// What they know.
    pub parameter: &'static Parameter,
}

/// What each of the versions knows of a parameter, neighbours that know the same put together.
pub fn periods(name: &str, versions: &[PgVersion]) -> Vec<Period> {
    let mut periods: Vec<Period> = Vec::new();
    for version in versions {
        let catalog = Catalog::shared(*version);
        let Some(parameter) = catalog.find(name.as_bytes()).map(|id| catalog.get(id)) else { continue };
        match periods.last_mut() {
            Some(period) if is_same(period.parameter, parameter) => period.last = *version,
            _ => periods.push(Period { first: *version, last: *version, parameter }),
        }
    }
    periods
}

/// Whether they tell a user the same.
fn is_same(one: &Parameter, other: &Parameter) -> bool {
    let said = |parameter: &Parameter| (parameter.kind, parameter.unit, parameter.default, parameter.context);
    said(one) == said(other) && one.range == other.range && one.short == other.short && one.words().eq(other.words())
}

impl Parameter {
    /// What it takes, in words: `integer in kB, 64 to 2147483647`, `enum: minimal, replica, logical`.
    pub fn takes(&self) -> String {
        let unit = self.unit.map_or_else(String::new, |unit| format!(" in {}", unit.word()));
        match self.kind {
            Kind::Enum => {
                let words: Vec<&str> = self.words().filter(|word| word.listed).map(|word| word.word).collect();
                format!("enum: {}", words.join(", "))
            }
            Kind::Integer => format!("integer{unit}, {:.0} to {:.0}", self.range.0, self.range.1),
            Kind::Real => {
                let (least, most) = (number::general(self.range.0), number::general(self.range.1));
                format!("real{unit}, {least} to {most}")
            }
            Kind::Bool | Kind::String => self.kind.word().to_owned(),
        }
    }

    /// When a change counts, in words.
    pub fn counts(&self) -> &'static str {
        match self.context {
            "postmaster" => "a change needs a restart",
            "sighup" => "a change needs a reload",
            "backend" | "superuser-backend" => "a change needs a reload and counts for new sessions",
            "internal" => "it cannot be changed",
            _ => "a change needs a reload; sessions may set it for themselves",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::version::Targets;

    #[test]
    fn neighbours_that_know_the_same_are_one_period() {
        let said = |name: &str| {
            let periods = periods(name, Targets::all().versions());
            let said = |period: &Period| format!("{}..{}: {}", period.first, period.last, period.parameter.takes());
            periods.iter().map(said).collect::<Vec<_>>()
        };
        assert_eq!(said("wal_keep_size"), ["13..18: integer in MB, 0 to 2147483647"]);
        let words = "enum: minimal, replica, logical";
        // The default is another one from 10 on, the description from 14 on.
        let later = ["9.6..9.6", "10..13", "14..18"].map(|versions| format!("{versions}: {words}"));
        assert_eq!(said("wal_level")[1..], later);
        assert!(said("no_such").is_empty());
    }
}
