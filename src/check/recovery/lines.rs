//! Lines of recovery.conf that the server refuses: it stops at the first of them.

use std::collections::HashSet;

use super::{about, value};
use crate::catalog;
use crate::catalog::recovery::{self as table, Kind, Name, Purpose};
use crate::check::spot::{Spot, View};
use crate::check::{fix, syntax};
use crate::model::recovery::{Line, Recovery, Verdict, refused, unreadable, unrecognized};
use crate::model::transcript;
use crate::model::tree::{Fault, FaultKind};
use crate::nearest::nearest;
use crate::source::{Place, Span, display};
use crate::value::{Refusal, Unit, boolean, number};
use crate::version::Major;

/// Beyond so many bytes nobody has mistyped a name.
const LONGEST_NAME: usize = 200;

/// Spots for lines and includes that the server refuses.
pub fn check(view: &View, recovery: &Recovery, spots: &mut Vec<Spot>) {
    if let Some(message) = unreadable(recovery) {
        let place = recovery.file().map(|file| Place { file, span: Span::default() });
        spots.extend(
            place.map(|place| Spot::new("recovery-conf-unreadable", place).label("this file").server(message.text)),
        );
        return;
    }
    let mut files = HashSet::new();
    for file in recovery.tree.visits.iter().filter_map(|visit| visit.file) {
        if files.insert(file) && syntax::whole_file(view.sources.get(file), file, spots) {
            return;
        }
    }
    // A file that is included twice has its faults once.
    let mut seen = HashSet::new();
    for fault in recovery.tree.faults() {
        let Some(place) = fault.place.filter(|place| seen.insert(*place)) else { continue };
        spots.extend(faulty(view, recovery, fault, place));
    }
    for line in &recovery.lines {
        if !seen.insert(line.entry.place()) {
            continue;
        }
        match (&line.verdict, line.name) {
            (Verdict::Unknown, _) => spots.extend(unknown(view, line)),
            (Verdict::Refused(refusal), Some(name)) => spots.push(refused_value(view, line, name, refusal)),
            _ => {}
        }
    }
}

fn faulty(view: &View, recovery: &Recovery, fault: &Fault, place: Place) -> Option<Spot> {
    let says = transcript::fault_text(&recovery.tree, fault, view.sources);
    match &fault.kind {
        FaultKind::Syntax(broken) => {
            let mut spot = syntax::refused(view, fault, *broken, place);
            spot.rule = "recovery-syntax-error".into();
            Some(spot.server(says))
        }
        FaultKind::Skipped(..) => None,
        _ => Some(Spot::new("recovery-include-fails", place).label("the server stops here").server(says)),
    }
}

/// Why the server does not know a name, the most telling reason first.
fn unknown(view: &View, line: &Line) -> Option<Spot> {
    let raw = view.sources.text(line.entry.name());
    // The mark at the start of the file is told as such.
    if raw.starts_with(b"\xef\xbb\xbf") && line.entry.line == 1 {
        return None;
    }
    let major = view.settings.catalog.version.major;
    let place = line.entry.name();
    let name = display(raw);
    let lower = name.to_ascii_lowercase();
    let about = |rule| about(view, rule, line, place).subject(lower.clone()).server(unrecognized(raw).text);
    let known = || table::names().iter().filter(move |known| known.is_known_to(major));
    if let Some(known) = known().find(|known| known.name == lower) {
        let spot = about("unknown-recovery-parameter").label("case matters in this file");
        return Some(spot.word("suggestion", known.name).edit(place, known.name));
    }
    if let Some(other) = table::names().iter().find(|known| known.name == lower) {
        return Some(of_other_version(view, line, other, about("recovery-parameter-of-other-version")));
    }
    if let Some(known) = known().find(|known| known.later == lower) {
        let spot = about("recovery-parameter-of-other-version").label("its name from 12 on");
        return Some(spot.word("since", "12").word("suggestion", known.name).edit(place, known.name));
    }
    if catalog::history(&lower).is_some() || memchr::memchr(b'.', raw).is_some() {
        return Some(about("server-parameter-in-recovery-conf").label("not in this file"));
    }
    let spot = about("unknown-recovery-parameter").label("no such name");
    if raw.len() > LONGEST_NAME {
        return Some(spot);
    }
    Some(match nearest(&lower, known().map(|known| known.name)) {
        Some(known) => spot.word("suggestion", known).edit(place, known),
        None => spot,
    })
}

/// A name that servers before or after the target version took. Up to 9.4 a Boolean said whether recovery
/// pauses at its target, from 9.5 on a word says what it does there.
fn of_other_version(view: &View, line: &Line, other: &Name, spot: Spot) -> Spot {
    let major = view.settings.catalog.version.major;
    let (since, until) = other.majors;
    let spot = match Major::from_table(since).is_some_and(|since| major < since) {
        true => spot.word("since", since).label("not yet known"),
        false => spot.word("until", until).label("no longer known"),
    };
    let text = value(view, line);
    let new = match other.purpose {
        Purpose::Pause => boolean(&text).map(|pauses| (Purpose::Action, if pauses { "pause" } else { "promote" })),
        Purpose::Action => match text.as_slice() {
            b"pause" => Some((Purpose::Pause, "on")),
            b"promote" => Some((Purpose::Pause, "off")),
            _ => None,
        },
        _ => None,
    };
    let Some((purpose, value)) = new else { return spot };
    let name = table::named(purpose);
    let mut spot = spot.word("suggestion", format!("{name} = '{value}'")).edit(line.entry.name(), name);
    spot.edits.push(fix::new_value(view, &line.entry, value.as_bytes()));
    spot
}

fn refused_value(view: &View, line: &Line, name: &Name, refusal: &Refusal) -> Spot {
    let rule = match name.kind {
        Kind::Bool => "recovery-not-a-boolean",
        Kind::Words(..) => "recovery-unknown-word",
        Kind::Timeline | Kind::Transaction => "recovery-number-too-large",
        Kind::Timestamp if refusal.message.as_ref().is_some_and(|said| said.contains("is not a valid timestamp")) => {
            "recovery-time-is-a-word"
        }
        Kind::Timestamp => "recovery-time-unreadable",
        Kind::Position => "recovery-position-unreadable",
        Kind::RestorePoint => "recovery-target-name-too-long",
        Kind::Slot => "recovery-slot-name",
        Kind::Delay => "recovery-delay-unreadable",
        Kind::Text => "recovery-syntax-error",
    };
    let message = refused(refusal);
    let hint = message.hint.clone().unwrap_or_default();
    let mut spot = about(view, rule, line, line.entry.value()).word("hint", hint).label("refused").server(message.text);
    match meant(view, line, name) {
        Some(new) if matches!(name.kind, Kind::Delay) && is_too_long(view, &new) => spot.word("suggestion", "24d"),
        Some(new) => {
            spot = spot.word("suggestion", display(&new));
            spot.edits.push(fix::new_value(view, &line.entry, &new));
            spot
        }
        None => spot.word("suggestion", "90min"),
    }
}

/// Whether a delay is more than a server can count: in milliseconds, a good 24 days.
fn is_too_long(view: &View, delay: &[u8]) -> bool {
    number::integer(delay, Some(Unit::Ms), view.settings.catalog.version.major).is_err()
}

/// What was plainly meant.
fn meant(view: &View, line: &Line, name: &Name) -> Option<Vec<u8>> {
    let text = value(view, line);
    match name.kind {
        Kind::Bool => {
            let trimmed = text.trim_ascii();
            boolean(trimmed).map(|_| trimmed.to_vec())
        }
        Kind::Words(words, _) => {
            let lower = text.trim_ascii().to_ascii_lowercase();
            words.split('|').find(|word| word.as_bytes() == lower).map(|word| word.as_bytes().to_vec())
        }
        Kind::Delay => {
            // `5m` and `5MIN`: the number, and the unit as the server spells it.
            let trimmed = text.trim_ascii();
            let digits = trimmed.iter().take_while(|byte| byte.is_ascii_digit()).count();
            let unit = std::str::from_utf8(trimmed[digits..].trim_ascii()).ok()?;
            let unit = catalog::tables::meant_unit(unit, true).filter(|unit| *unit != "us")?;
            (digits > 0).then(|| [&trimmed[..digits], unit.as_bytes()].concat())
        }
        _ => None,
    }
}
