//! What a server that has started shows for a setting, where that is not what a line says: values that it works out, and
//! values that no file knows.

use super::control;
use super::settings::Settings;
use crate::catalog::Parameter;
use crate::names;
use crate::value::{Grammar, Value};

/// What a server makes of a value that leaves the choice to it. `by_default` where no line sets it.
pub fn worked_out(settings: &Settings, parameter: &Parameter, value: &Value, by_default: bool) -> Option<Value> {
    if parameter.grammar == Some(Grammar::Abbreviations) {
        return (value.plain().is_empty()).then(|| Value::Text(USUAL_ABBREVIATIONS.to_vec()));
    }
    let how = parameter.trait_of("worked-out")?;
    let number = |name: &str| match settings.value(name) {
        Some(Value::Integer(number)) => Some(number),
        _ => None,
    };
    let shared = number(names::SHARED_BUFFERS)?;
    let is = |marker: i64| *value == Value::Integer(marker);
    Some(Value::Integer(match how {
        "wal" if is(-1) => {
            let segment = settings.initdb.wal_segment_size.unwrap_or(control::USUAL_SEGMENT) / control::BLOCK;
            (shared / 32).clamp(8, i64::try_from(segment).ok()?)
        }
        // In whole banks.
        "slru" if is(0) => (shared / 512 - shared / 512 % 16).clamp(16, 1024),
        "io" if is(-1) => {
            let backends = settings.catalog.with_trait("backends").map(|(_, parameter)| number(parameter.name));
            let backends: i64 = backends.sum::<Option<i64>>()?;
            (shared / (backends + OTHER_PROCESSES)).clamp(1, 64)
        }
        "stack" if by_default => USUAL_STACK,
        _ => return None,
    }))
}

/// The set of abbreviations that a server has at its start.
const USUAL_ABBREVIATIONS: &[u8] = b"Default";

/// In kB: what a server allows itself where the system lets it have more, as all usually do.
const USUAL_STACK: i64 = 2048;

/// Processes of 18 that may pin buffers and that no setting counts: two special workers, 38 auxiliary ones.
const OTHER_PROCESSES: i64 = 40;

/// Why no file tells the value, where none does.
pub fn unknown(settings: &Settings, parameter: &Parameter) -> Option<&'static str> {
    if parameter.trait_of("not-in-files").is_some() {
        return Some("only a running server knows it");
    }
    let is_known = match parameter.name {
        names::WAL_SEGMENT_SIZE => settings.initdb.wal_segment_size.is_some(),
        names::DATA_CHECKSUMS => settings.initdb.data_checksums.is_some(),
        _ => true,
    };
    (!is_known).then_some("initdb has decided it, and no global/pg_control is at hand to tell")
}

/// Whether it is nothing that a file sets, but known of the data directory.
pub fn is_of_data(settings: &Settings, parameter: &Parameter) -> bool {
    matches!(parameter.name, names::WAL_SEGMENT_SIZE | names::DATA_CHECKSUMS) && unknown(settings, parameter).is_none()
}
