//! The standbys that commits wait for, and the names by which standbys are known.

use crate::model::settings::Settings;
use crate::names;
use crate::value::Grammar;
use crate::value::grammar::list;
use crate::value::grammar::standbys::{self, Standbys};
use crate::version::Major;

/// What a walreceiver is called that nobody gave a name.
pub const NAMELESS: &[u8] = b"walreceiver";

/// Whom the commits of a server with these settings wait for; no names if for nobody.
pub fn standbys(settings: &Settings) -> Standbys {
    let name = names::SYNCHRONOUS_STANDBY_NAMES;
    let Some(id) = settings.catalog.find(name.as_bytes()) else { return Standbys::default() };
    let text = settings.value(name).map(|value| value.plain()).unwrap_or_default();
    match settings.catalog.get(id).grammar {
        Some(Grammar::Standbys(syntax)) => standbys::standbys(syntax, &text),
        // Up to 9.5 it is a plain list, the first of which that is there is waited for.
        _ => {
            let names = list::identifiers(settings.catalog.version.major, &text).unwrap_or_default();
            Standbys { any: false, count: usize::from(!names.is_empty()), names }
        }
    }
}

/// The name by which a primary knows a standby: from its connection string, else from 12 on that of its cluster;
/// nothing where nobody gave it one.
pub fn name_of(said: Option<&[u8]>, settings: &Settings) -> Option<Vec<u8>> {
    let cluster = || {
        let value = settings.value(names::CLUSTER_NAME)?.plain();
        (settings.catalog.version.major >= Major::V12 && !value.is_empty()).then_some(value)
    };
    said.map(<[u8]>::to_vec).or_else(cluster)
}

/// Whether one of the names is that of a standby.
pub fn lists(standbys: &Standbys, name: &[u8]) -> bool {
    standbys.names.iter().any(|listed| listed == b"*" || listed.eq_ignore_ascii_case(name))
}
