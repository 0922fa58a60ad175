//! Commands that archive WAL, and words in commands that a later major has taken away.

mod command;

use std::path::Path;

use super::disk::tls;
use super::recovery::is_read_by;
use super::replication::with_trait;
use super::spot::{Spot, View};
use super::traps;
use crate::catalog::{rows_of, within};
use crate::finding::Severity;
use crate::model::path;
use crate::model::recovery::signals::{self, Mode};
use crate::model::recovery::unexpected_placeholder;
use crate::model::settings::Verdict;
use crate::source::{Place, Span, display};
use crate::syntax::conf;
use crate::version::Major;

static STALE: &str = include_str!("../../rules/catalog/stale-words.tsv");

/// What stands for something in a command that archives.
const LETTERS: &[u8] = b"fp";

/// Spots for commands.
pub fn check(view: &View, spots: &mut Vec<Spot>) {
    let is_off = with_trait(view, "archive-mode").is_none_or(|(_, value)| value.plain() == b"off");
    for (index, judged) in view.lines() {
        let Some(id) = judged.parameter else { continue };
        let parameter = view.settings.catalog.get(id);
        let wins = view.settings.winner(id).is_some_and(|(winner, _)| winner == index);
        if !wins || !matches!(judged.verdict, Verdict::Set(_)) || parameter.trait_of("shell").is_none() {
            continue;
        }
        let text = view.value_bytes(judged);
        if text.trim_ascii().is_empty() || traps::placeholder(&text, true).is_some() {
            // Nobody knows yet what will stand there.
            continue;
        }
        if parameter.trait_of("archives").is_some() && !is_off {
            spots.extend(archives(view, index, &text));
        }
        let about = |rule| view.about(rule, index, judged.entry.value());
        let letters = parameter.trait_of("command-placeholders");
        spots.extend(
            letters.and_then(|letters| unknown_placeholder(view, letters, &text, about("command-placeholder-unknown"))),
        );
        spots.extend(stale(view, judged.entry.value(), &text, &about));
    }
    let lines = view.recovery.filter(|_| is_read_by(view.settings.catalog.version.major));
    for line in lines.iter().flat_map(|recovery| &recovery.lines) {
        if line.name.is_some_and(|name| name.name.ends_with("command")) {
            let place = line.entry.value();
            let text = conf::value(line.entry.setting.value, &view.sources.get(place.file).bytes);
            let name = line.name.map(|name| name.name).unwrap_or_default();
            let about = |rule| Spot::new(rule, place).word("name", name).word("pg", view.version_word()).subject(name);
            spots.extend(stale(view, place, &text, &about));
        }
    }
}

/// A `%` that nothing stands for in a command that is run once. `letters` are those that mean something, and when it is
/// run, if that can be at a start.
fn unknown_placeholder(view: &View, letters: &str, text: &[u8], spot: Spot) -> Option<Spot> {
    let (letters, when) = letters.split_once(' ').unwrap_or((letters, ""));
    let reason = unexpected_placeholder(text, letters.as_bytes())?;
    let signals = signals::signals(view.files, &view.tree.data_directory);
    let runs = match when {
        "end" => signals.mode() == Mode::Archive,
        "passphrase" => tls::asks_for_passphrase(view),
        _ => false,
    };
    let mut spot = spot.word("allowed", format!("%{letters}"));
    if !runs {
        spot.at_most = Some(Severity::Warning);
    }
    Some(spot.server(reason.clone()).word("reason", reason))
}

/// What is wrong with a command that archives: one thing, the worst.
fn archives(view: &View, index: usize, text: &[u8]) -> Option<Spot> {
    let judged = &view.settings.judged[index];
    let about = |rule: &'static str| view.about(rule, index, judged.entry.value());
    if view.settings.catalog.version.major >= Major::V16
        && let Some(detail) = unexpected_placeholder(text, LETTERS)
    {
        return Some(about("archive-command-placeholder-unknown").word("reason", detail).label("archiving stops here"));
    }
    if let Some(token) = command::never_fails(text) {
        return Some(about("archive-command-hides-failure").word("token", display(token)).label("cannot fail"));
    }
    if !command::names(text, b'p') && !command::names(text, b'f') {
        return Some(about("archive-command-names-no-file").word("token", "%p nor %f").label("no %p"));
    }
    let copies = command::copies(text);
    let is_inside = |destination: &&[u8]| is_inside(view, destination);
    if let Some(destination) = copies.iter().find_map(|copy| copy.destination.filter(is_inside)) {
        let spot = about("archive-into-data-directory").word("path", display(destination));
        return Some(spot.label("inside the data directory"));
    }
    if let Some(copy) = copies.iter().find(|copy| copy.is_redirected && !copy.names_file) {
        let spot = about("archive-command-names-no-file").word("token", "%f");
        return Some(spot.label(format!("always the file {}", display(copy.destination.unwrap_or_default()))));
    }
    let overwrites = copies.first().filter(|copy| copy.overwrites && copies.len() == 1)?;
    Some(
        about("archive-command-overwrites")
            .word("token", display(overwrites.program))
            .label("overwrites what is there"),
    )
}

/// Whether a file of that name lies below the data directory: the server runs commands in there.
fn is_inside(view: &View, destination: &[u8]) -> bool {
    let plain = destination.iter().all(|byte| byte.is_ascii_alphanumeric() || b"/._-%".contains(byte));
    if !plain {
        // A machine, a variable, a bucket.
        return false;
    }
    if !destination.starts_with(b"/") {
        return !destination.starts_with(b"..") && !destination.starts_with(b"%");
    }
    let data = &view.tree.data_directory;
    data.is_absolute() && data != Path::new("/") && path::from_bytes(destination).starts_with(data)
}

/// The first word that this major does not have any more.
fn stale(view: &View, place: Place, text: &[u8], about: &dyn Fn(&'static str) -> Spot) -> Option<Spot> {
    let major = view.settings.catalog.version.major;
    let found = rows_of(STALE).filter(|row| within(major, row[1], "")).find_map(|row| {
        let [word, since, what, now] = row[..] else { return None };
        let is_part = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        let is_it = |at: &usize| {
            let before = at.checked_sub(1).map(|before| text[before]);
            let begins = !before.is_some_and(is_part) && (what != "directory" || before != Some(b'/'));
            begins && !text.get(at + word.len()).copied().is_some_and(is_part)
        };
        let mut places = memchr::memmem::find_iter(text, word);
        places.any(|at| is_it(&at)).then_some((word, since, now))
    });
    let (word, since, now) = found?;
    // In the file quotes may be doubled; the word itself has none.
    let raw = place.span.of(&view.sources.get(place.file).bytes);
    let at = memchr::memmem::find(raw, word.as_bytes());
    let span = at.map_or(place.span, |at| Span::new(0, word.len()).shifted(place.span.start + at));
    let place = Place { span, ..place };
    let spot = about("stale-command").word("token", word).word("since", since).word("suggestion", now);
    let spot = Spot { place, ..spot }.label(format!("gone since {since}"));
    Some(if now.is_empty() || at.is_none() { spot } else { spot.edit(place, now) })
}
