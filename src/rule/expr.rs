//! The small closed language of `when`: effective values, literals, comparisons.
//!
//! `wal_level = minimal and max_wal_senders > 0`. A name that the target version does not know, or
//! whose line is refused, makes its comparison false: the fault is told elsewhere.

mod grammar;

use std::collections::BTreeSet;

use crate::catalog::{Catalog, Kind, Parameter, ParameterId};
use crate::model::settings::Settings;
use crate::value::{Context, Value};

pub use grammar::{Comparison, Condition, Operand, parse};

/// The settings that a condition is about.
#[derive(Clone, Copy, Debug)]
pub struct Scope<'a> {
    /// Those that names stand for.
    pub own: &'a Settings<'a>,
    /// Those that `primary.name` stands for, in rules about a primary and its standby.
    pub primary: Option<&'a Settings<'a>>,
    /// Those that `standby.name` stands for.
    pub standby: Option<&'a Settings<'a>>,
}

impl<'a> Scope<'a> {
    /// One server's.
    pub fn of(settings: &'a Settings<'a>) -> Scope<'a> {
        Scope { own: settings, primary: None, standby: None }
    }

    /// Whose setting a name is, and its own name.
    pub fn whose<'n>(&self, name: &'n str) -> Option<(&'a Settings<'a>, &'n str)> {
        match name.split_once('.') {
            Some((PRIMARY, name)) => Some((self.primary?, name)),
            Some((STANDBY, name)) => Some((self.standby?, name)),
            _ => Some((self.own, name)),
        }
    }

    fn catalog(&self) -> &'a Catalog {
        self.own.catalog
    }

    fn value(&self, name: &str) -> Option<Value> {
        let (settings, name) = self.whose(name)?;
        settings.value(name)
    }

    fn is_set(&self, name: &str) -> bool {
        self.whose(name).is_some_and(|(settings, name)| settings.is_set(name))
    }
}

const PRIMARY: &str = "primary";
const STANDBY: &str = "standby";

/// The parameter of a name, whosever it is.
fn find(catalog: &Catalog, name: &str) -> Option<ParameterId> {
    let bare = match name.split_once('.') {
        Some((PRIMARY | STANDBY, name)) => name,
        _ => name,
    };
    catalog.find(bare.as_bytes())
}

impl Condition {
    /// Whether it holds for these settings.
    pub fn holds(&self, scope: &Scope) -> bool {
        match self {
            Condition::All(all) => all.iter().all(|condition| condition.holds(scope)),
            Condition::Any(any) => any.iter().any(|condition| condition.holds(scope)),
            Condition::Neither(several) => !several.iter().any(|condition| condition.holds(scope)),
            Condition::IsSet(name) => scope.is_set(name),
            Condition::On(name) => scope.value(name) == Some(Value::Bool(true)),
            Condition::Compare(left, comparison, right) => {
                compare(left, right, scope).is_some_and(|order| comparison.accepts(order))
            }
            Condition::In(left, several) => {
                several.iter().any(|right| compare(left, right, scope).is_some_and(std::cmp::Ordering::is_eq))
            }
        }
    }

    /// Whether it is about a primary and its standby.
    pub fn is_about_pairs(&self) -> bool {
        let mut found = false;
        self.each(&mut |name| found |= matches!(name.split_once('.'), Some((PRIMARY | STANDBY, _))));
        found
    }

    /// The words in it, parameters among them, in order of appearance.
    pub fn names(&self) -> Vec<&str> {
        let (mut names, mut seen) = (Vec::new(), BTreeSet::new());
        self.each(&mut |name| {
            if seen.insert(name) {
                names.push(name);
            }
        });
        names
    }

    /// Shows every word in it.
    fn each<'a>(&'a self, show: &mut dyn FnMut(&'a str)) {
        match self {
            Condition::All(several) | Condition::Any(several) | Condition::Neither(several) => {
                several.iter().for_each(|condition| condition.each(show))
            }
            Condition::IsSet(name) | Condition::On(name) => show(name),
            Condition::Compare(left, _, right) => {
                left.each(show);
                right.each(show);
            }
            Condition::In(left, several) => {
                left.each(show);
                several.iter().for_each(|operand| operand.each(show));
            }
        }
    }

    /// The first word that has to be a parameter and is none, so that the condition would never hold.
    pub fn stranger(&self, is_known: &dyn Fn(&str) -> bool) -> Option<&str> {
        let is_known_bare = |name: &str| match name.split_once('.') {
            Some((PRIMARY | STANDBY, bare)) => is_known(bare),
            _ => is_known(name),
        };
        match self {
            Condition::All(several) | Condition::Any(several) | Condition::Neither(several) => {
                several.iter().find_map(|condition| condition.stranger(is_known))
            }
            Condition::IsSet(name) | Condition::On(name) => (!is_known_bare(name)).then_some(name.as_ref()),
            // Of what is compared one is a parameter; the others may be words that it takes.
            Condition::Compare(..) | Condition::In(..) => {
                let names = self.names();
                let first = names.first().copied();
                if names.iter().any(|name| is_known_bare(name)) { None } else { first }
            }
        }
    }

    /// Checks the types against a catalogue: literals must be values of the parameters they stand beside.
    ///
    /// # Errors
    /// What does not fit.
    pub fn check(&self, catalog: &Catalog) -> Result<(), String> {
        match self {
            Condition::All(several) | Condition::Any(several) | Condition::Neither(several) => {
                several.iter().try_for_each(|condition| condition.check(catalog))
            }
            Condition::IsSet(_) => Ok(()),
            Condition::On(name) => match find(catalog, name).map(|id| catalog.get(id).kind) {
                Some(Kind::Bool) | None => Ok(()),
                Some(kind) => Err(format!("`{name}` is of type {}, not a condition", kind.word())),
            },
            Condition::In(left, several) => {
                several.iter().try_for_each(|right| check_pair(left, right, Comparison::Equal, catalog))
            }
            Condition::Compare(left, comparison, right) => check_pair(left, right, *comparison, catalog),
        }
    }
}

impl Operand {
    fn each<'a>(&'a self, show: &mut dyn FnMut(&'a str)) {
        match self {
            Operand::Word(name) => show(name),
            Operand::Literal(_) => {}
            Operand::Sum(terms) => terms.iter().for_each(|(_, operand)| operand.each(show)),
            Operand::Product(factors) => factors.iter().for_each(|operand| operand.each(show)),
        }
    }
}

impl Comparison {
    fn accepts(self, order: std::cmp::Ordering) -> bool {
        match self {
            Comparison::Equal => order.is_eq(),
            Comparison::Different => order.is_ne(),
            Comparison::Less => order.is_lt(),
            Comparison::LessOrEqual => order.is_le(),
            Comparison::Greater => order.is_gt(),
            Comparison::GreaterOrEqual => order.is_ge(),
        }
    }
}

fn compare(left: &Operand, right: &Operand, scope: &Scope) -> Option<std::cmp::Ordering> {
    let catalog = scope.catalog();
    let (left, right) = match (meaning(left, catalog), meaning(right, catalog)) {
        (Meaning::Setting(name), Meaning::Literal(text)) => (scope.value(name)?, literal(text, name, catalog)?),
        (Meaning::Literal(text), Meaning::Setting(name)) => (literal(text, name, catalog)?, scope.value(name)?),
        (Meaning::Setting(left), Meaning::Setting(right)) => match (scope.value(left)?, scope.value(right)?) {
            // Words of two enums compare by their order in the list, which is the server's own order.
            (Value::Word(first), Value::Word(second)) => {
                return Some(rank(left, first, scope)?.cmp(&rank(right, second, scope)?));
            }
            (Value::Integer(_) | Value::Real(_), _) => {
                (Value::Real(of_setting(left, scope)?), Value::Real(of_setting(right, scope)?))
            }
            values => values,
        },
        _ => (Value::Real(number(left, scope)?), Value::Real(number(right, scope)?)),
    };
    match (&left, &right) {
        (Value::Bool(left), Value::Bool(right)) => Some(left.cmp(right)),
        (Value::Word(_) | Value::Text(_), Value::Word(_) | Value::Text(_)) => {
            Some(left.plain().to_ascii_lowercase().cmp(&right.plain().to_ascii_lowercase()))
        }
        _ => as_number(&left)?.partial_cmp(&as_number(&right)?),
    }
}

enum Meaning<'a> {
    Setting(&'a str),
    Literal(&'a str),
    Number,
}

fn meaning<'a>(operand: &'a Operand, catalog: &Catalog) -> Meaning<'a> {
    match operand {
        Operand::Word(name) if find(catalog, name).is_some() => Meaning::Setting(name),
        Operand::Word(text) | Operand::Literal(text) => Meaning::Literal(text),
        Operand::Sum(_) | Operand::Product(_) => Meaning::Number,
    }
}

fn rank(name: &str, word: &str, scope: &Scope) -> Option<usize> {
    let parameter = scope.catalog().get(find(scope.catalog(), name)?);
    parameter.words().position(|known| known.shown == word)
}

/// A number in bytes or microseconds where the setting has a unit, so that settings of several units compare.
fn number(operand: &Operand, scope: &Scope) -> Option<f64> {
    match operand {
        Operand::Word(name) => of_setting(name, scope),
        Operand::Literal(text) => text.parse().ok(),
        Operand::Sum(terms) => terms.iter().try_fold(0.0, |sum, (minus, term)| {
            Some(if *minus { sum - number(term, scope)? } else { sum + number(term, scope)? })
        }),
        Operand::Product(factors) => {
            factors.iter().try_fold(1.0, |product, factor| Some(product * number(factor, scope)?))
        }
    }
}

fn of_setting(name: &str, scope: &Scope) -> Option<f64> {
    let parameter = scope.catalog().get(find(scope.catalog(), name)?);
    Some(as_number(&scope.value(name)?)? * parameter.unit.map_or(1.0, |unit| unit.size() as f64))
}

fn as_number(value: &Value) -> Option<f64> {
    match value {
        Value::Integer(value) => Some(*value as f64),
        Value::Real(value) => Some(*value),
        _ => None,
    }
}

/// A literal as a value of the parameter that it stands beside.
fn literal(text: &str, name: &str, catalog: &Catalog) -> Option<Value> {
    let parameter = catalog.get(find(catalog, name)?);
    literal_of(text, parameter, catalog).ok()
}

fn literal_of(text: &str, parameter: &Parameter, catalog: &Catalog) -> Result<Value, String> {
    let context = Context::new(catalog.version.major, parameter.name);
    let known = crate::catalog::read_unchecked(parameter, &context, text.as_bytes());
    match known {
        Ok(Value::Text(_)) if parameter.kind == Kind::Enum => {
            Err(format!("`{text}` is not a value of `{}`", parameter.name))
        }
        Ok(value) => Ok(value),
        Err(_) => Err(format!("`{text}` is not a value of `{}`", parameter.name)),
    }
}

fn check_pair(left: &Operand, right: &Operand, comparison: Comparison, catalog: &Catalog) -> Result<(), String> {
    let (name, text) = match (meaning(left, catalog), meaning(right, catalog)) {
        (Meaning::Setting(name), Meaning::Literal(text)) | (Meaning::Literal(text), Meaning::Setting(name)) => {
            (name, text)
        }
        _ => return Ok(()),
    };
    let Some(id) = find(catalog, name) else { return Ok(()) };
    let parameter = catalog.get(id);
    let ordered = !matches!(comparison, Comparison::Equal | Comparison::Different);
    if ordered && !matches!(parameter.kind, Kind::Integer | Kind::Real) {
        return Err(format!("`{name}` is of type {} and has no order", parameter.kind.word()));
    }
    literal_of(text, parameter, catalog).map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::version::{Major, PgVersion};

    #[test]
    fn reads_the_language() {
        let condition = parse("wal_level = minimal and (max_wal_senders > 0 or not set(ssl))").expect("readable");
        assert_eq!(condition.names(), ["wal_level", "minimal", "max_wal_senders", "ssl"]);
        assert!(parse("wal_level =").is_err());
        assert!(parse("superuser_reserved_connections + reserved_connections >= max_connections").is_ok());
        assert!(parse("ssl and ssl_min_protocol_version > ssl_max_protocol_version").is_ok());
        assert!(parse("work_mem in (64kB, 1MB)").is_ok());
    }

    #[test]
    fn types_are_checked() {
        let catalog = Catalog::of(PgVersion { major: Major::V16, minor: None });
        let check = |text: &str| parse(text).expect("readable").check(&catalog);
        assert!(check("wal_level = minimal").is_ok());
        assert!(check("wal_level = minimum").is_err());
        assert!(check("work_mem > 64MB").is_ok());
        assert!(check("work_mem > often").is_err());
        assert!(check("wal_level > minimal").is_err());
    }
}
