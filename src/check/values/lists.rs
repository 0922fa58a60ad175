//! Lists that the server splits only after it has read all files: addresses, directories, libraries.

use crate::catalog::Parameter;
use crate::check::spot::{Spot, View};
use crate::finding::Severity;
use crate::source::display;
use crate::value::grammar;
use crate::version::Major;

/// What is wrong with a list that the server has taken as a text.
pub fn spot(view: &View, index: usize, parameter: &Parameter, text: &[u8]) -> Option<Spot> {
    for (word, argument) in &parameter.traits {
        match *word {
            "address-list" if grammar::identifiers(view.settings.catalog.version.major, text).is_none() => {
                return Some(broken(view, index, parameter, text));
            }
            "directory-list" if paths(text).is_none() => return Some(broken(view, index, parameter, text)),
            "libraries" => return libraries(view, index, text, *argument == "start"),
            _ => {}
        }
    }
    None
}

fn broken(view: &View, index: usize, parameter: &Parameter, text: &[u8]) -> Spot {
    let place = view.settings.judged[index].entry.value();
    view.about("broken-list", index, place)
        .word("reason", why(text))
        .server(format!("invalid list syntax in parameter \"{}\"", parameter.name))
}

fn why(text: &[u8]) -> &'static str {
    let quotes = text.iter().filter(|byte| **byte == b'"').count();
    let empty = |entry: &[u8]| entry.trim_ascii().is_empty();
    match () {
        () if quotes % 2 == 1 => "a double quote is not closed",
        () if text.split(|byte| *byte == b',').any(empty) => "an entry is empty",
        () => "blanks do not separate entries",
    }
}

fn libraries(view: &View, index: usize, text: &[u8], at_start: bool) -> Option<Spot> {
    let place = view.settings.judged[index].entry.value();
    // Up to 9.6 a blank inside a name broke the list.
    let names = match view.settings.catalog.version.major {
        major if major < Major::V10 => {
            grammar::identifiers(view.settings.catalog.version.major, text).map(|_| Vec::new())
        }
        _ => paths(text),
    };
    let Some(names) = names else {
        return Some(view.about("broken-library-list", index, place).label(why(text)));
    };
    let blank = |name: &&Vec<u8>| {
        name.iter().any(u8::is_ascii_whitespace) && !name.iter().any(|byte| matches!(byte, b'/' | b'\\'))
    };
    let token = display(names.iter().find(blank)?);
    let mut spot = view
        .about("blank-in-library-name", index, place)
        .word("token", token.clone())
        .server(format!("could not access file \"{token}\": No such file or directory"));
    if !at_start {
        // The server starts; each new connection fails.
        spot.at_most = Some(Severity::Warning);
    }
    Some(spot)
}

/// Splits at commas as servers split lists of paths; `None`: the list syntax is invalid.
fn paths(text: &[u8]) -> Option<Vec<Vec<u8>>> {
    let mut found = Vec::new();
    let mut rest = text.trim_ascii_start();
    if rest.is_empty() {
        return Some(found);
    }
    loop {
        let (item, after) = match rest {
            [b'"', quoted @ ..] => quoted_item(quoted)?,
            _ => {
                let end = memchr::memchr(b',', rest).unwrap_or(rest.len());
                let item = rest[..end].trim_ascii_end();
                (!item.is_empty()).then(|| (item.to_vec(), &rest[end..]))?
            }
        };
        found.push(item);
        match after.trim_ascii_start() {
            [] => return Some(found),
            [b',', next @ ..] => rest = next.trim_ascii_start(),
            _ => return None,
        }
    }
}

/// What stands up to the closing double quote, two of them for one inside, and what follows.
fn quoted_item(text: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let mut item = Vec::new();
    let mut rest = text;
    loop {
        let end = memchr::memchr(b'"', rest)?;
        item.extend_from_slice(&rest[..end]);
        match &rest[end + 1..] {
            [b'"', after @ ..] => {
                item.push(b'"');
                rest = after;
            }
            after => return Some((item, after)),
        }
    }
}
