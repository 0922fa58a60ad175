//! postmaster.opts: the command line of the last start, which beats every file.

use crate::catalog::tables;
use crate::check::spot::{Spot, View};
use crate::check::values;
use crate::model::settings::Verdict;
use crate::source::display;

/// The file in the data directory.
const OPTIONS_FILE: &str = "postmaster.opts";

/// Spots for lines that the command line overrides.
pub fn check(view: &View, spots: &mut Vec<Spot>) {
    // A lone file belongs to no data directory.
    let has_directory = view.tree.auto_visit.is_some() || view.tree.items.len() > view.tree.auto_from;
    if !has_directory {
        return;
    }
    let Ok(bytes) = view.files.read(&view.tree.data_directory.join(OPTIONS_FILE)) else { return };
    let settings = settings(&arguments(&bytes));
    for (position, (name, value)) in settings.iter().enumerate() {
        let Some(id) = view.settings.catalog.find(name) else { continue };
        let again = |(later, _): &(Vec<u8>, Vec<u8>)| view.settings.catalog.find(later) == Some(id);
        let Some((index, judged)) = view.settings.winner(id) else { continue };
        let Verdict::Set(in_file) = &judged.verdict else { continue };
        if settings[position + 1..].iter().any(again) {
            continue;
        }
        let parameter = view.settings.catalog.get(id);
        if values::read(view, parameter, value).is_ok_and(|value| value == *in_file) {
            continue;
        }
        let spot = view
            .about("overridden-by-command-line", index, judged.entry.place())
            .word("winner", format!("{}={}", parameter.name, display(value)))
            .label("has no effect");
        spots.push(spot);
    }
}

/// The arguments behind the program: in double quotes, without escapes, as the server writes them.
fn arguments(bytes: &[u8]) -> Vec<&[u8]> {
    let line = bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let mut found = Vec::new();
    let mut rest = line;
    while let Some(open) = memchr::memmem::find(rest, b" \"") {
        let from = &rest[open + 2..];
        // A quote inside an argument is followed by neither a blank and a quote nor the end.
        let ends = memchr::memmem::find(from, b"\" \"").or_else(|| from.ends_with(b"\"").then(|| from.len() - 1));
        let Some(end) = ends else { break };
        found.push(&from[..end]);
        rest = &from[end + 1..];
    }
    found
}

/// Names and values that the arguments set, in order.
fn settings(arguments: &[&[u8]]) -> Vec<(Vec<u8>, Vec<u8>)> {
    let mut found = Vec::new();
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        match argument {
            [b'-', b'-', setting @ ..] => found.extend(pair(setting)),
            [b'-', b'c'] => found.extend(rest.next().and_then(|setting| pair(setting))),
            [b'-', b'c', setting @ ..] => found.extend(pair(setting)),
            [b'-', letter, attached @ ..] => {
                let letter = char::from(*letter).to_string();
                let Some((name, fixed)) = tables::switch(&letter) else { continue };
                let value = match (fixed, attached.is_empty()) {
                    (Some(fixed), _) => Some(fixed.as_bytes().to_vec()),
                    (None, false) => Some(attached.to_vec()),
                    (None, true) => rest.next().map(|value| value.to_vec()),
                };
                found.extend(value.map(|value| (name.as_bytes().to_vec(), value)));
            }
            _ => {}
        }
    }
    found
}

/// `name=value`, dashes in the name read as underscores.
fn pair(setting: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
    let equals = memchr::memchr(b'=', setting)?;
    let name = setting[..equals].iter().map(|byte| if *byte == b'-' { b'_' } else { *byte });
    Some((name.collect(), setting[equals + 1..].to_vec()))
}
