//! What a server does not list and must be tried: unlisted values of enums,
//! the word that SHOW prints for a value, and what no file may set.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;

use crate::files::FileSet;
use crate::record::Row;
use crate::server::Server;
use crate::start::start_check;

/// The visible and the hidden values of an enum, as the catalogue spells
/// them: `v`, or `v=shown` where SHOW prints another word.
pub type Spellings = (Vec<String>, Vec<String>);

/// Tries every word on every enum of a server.
pub fn spellings(
    server: &Server,
    rows: &BTreeMap<String, Row>,
    words: &BTreeSet<String>,
) -> Result<BTreeMap<String, Spellings>> {
    let enums: Vec<&Row> = rows.values().filter(|row| row[1] == "enum" && row[8] != "internal").collect();
    let mut found: BTreeMap<String, Spellings> = BTreeMap::new();
    for row in &enums {
        let visible = row[5].split('|').map(|value| spelling(server, &row[0], value)).collect::<Result<Vec<_>>>()?;
        // A listed value that cannot be tried here, such as one that the
        // library lacks, is kept as it is listed.
        let visible =
            visible.into_iter().zip(row[5].split('|')).map(|(shown, value)| shown.unwrap_or_else(|| value.to_string()));
        found.insert(row[0].to_lowercase(), (visible.collect(), Vec::new()));
    }
    for word in words {
        for row in plausible(server, &enums, word)? {
            if row[5].split('|').any(|value| value.eq_ignore_ascii_case(word)) {
                continue;
            }
            if let Some(spelling) = spelling(server, &row[0], word)? {
                found.entry(row[0].to_lowercase()).or_default().1.push(spelling);
            }
        }
    }
    Ok(found)
}

/// The parameters that no file may set, by what the server says of a file
/// that sets them all.
pub fn internal<'a>(server: &Server, rows: impl Iterator<Item = &'a Row>) -> Result<BTreeSet<String>> {
    // A string is left out unless it is internal: an empty one can end the question where
    // the server looks it up in its tables.
    let text: String =
        rows.filter(|row| row[1] != "string" || row[8] == "internal").map(|row| format!("{} = ''\n", row[0])).collect();
    let view = server.file_settings(&FileSet::conf(text))?;
    let texts = view.messages.iter().map(|message| String::from_utf8_lossy(&message.message).into_owned());
    let names = texts.filter_map(|text| {
        Some(text.strip_prefix("parameter \"")?.strip_suffix("\" cannot be changed")?.to_lowercase())
    });
    Ok(names.collect())
}

/// The enums that do not say at once that a word is no value of theirs: one
/// question to a running server for all of them.
fn plausible<'a>(server: &Server, enums: &[&'a Row], word: &str) -> Result<Vec<&'a Row>> {
    let text: String = enums.iter().map(|row| format!("{} = '{word}'\n", row[0])).collect();
    let view = server.file_settings(&FileSet::conf(text))?;
    let refused: BTreeSet<String> =
        view.messages.iter().map(|message| String::from_utf8_lossy(&message.message).to_lowercase()).collect();
    let says =
        |row: &Row| format!("invalid value for parameter \"{}\": \"{}\"", row[0].to_lowercase(), word.to_lowercase());
    Ok(enums.iter().copied().filter(|row| !refused.contains(&says(row))).collect())
}

/// How the catalogue spells a value, if a starting server reads it. A session
/// shows the word that SHOW prints; what it may not set, `postgres -C` prints.
fn spelling(server: &Server, name: &str, value: &str) -> Result<Option<String>> {
    let outcome = start_check(server.major, &FileSet::conf(format!("{name} = '{value}'\n")), name)?;
    let Some(printed) = outcome.value else {
        return Ok(None);
    };
    let shown = String::from_utf8(server.set_and_show(name, value.as_bytes())?.unwrap_or(printed))?;
    Ok(Some(if shown == value { shown } else { format!("{value}={shown}") }))
}
