//! What recovery.conf as a whole asks for, where that is hardly what was meant.

use std::collections::HashMap;

use super::texts::{self, has_no_zone, is_in_shared_directory, lacking, names_today};
use super::{about, value};
use crate::catalog::recovery::{Kind, Purpose, named};
use crate::check::conninfo::MASK;
use crate::check::spot::{Spot, View};
use crate::check::{fix, traps};
use crate::finding::Edit;
use crate::model::recovery::{Line, Meaning, Recovery, Verdict, without_restore, without_source};
use crate::names;
use crate::source::{Place, Span, display};
use crate::value::Value;
use crate::version::Major;

/// A bare delay below this was hardly meant in milliseconds.
const FEW_MILLISECONDS: i64 = 10_000;

/// Spots for what a server takes, and for what it misses.
pub fn check(view: &View, recovery: &Recovery, spots: &mut Vec<Spot>) {
    let is_refused = recovery.tree.faults().any(crate::model::tree::Fault::is_error)
        || recovery.lines.iter().any(|line| !matches!(line.verdict, Verdict::Read(_)));
    // What a refused line was to say is not missing.
    if !is_refused {
        spots.extend(source(view, recovery));
    }
    misplaced(view, recovery, spots);
    doubles(view, recovery, spots);
    targets(view, recovery, spots);
    spots.extend(timeline(view, recovery));
    for line in &recovery.lines {
        if let Verdict::Read(meaning) = &line.verdict {
            spots.extend(one(view, line, meaning));
        }
    }
}

/// The beginning of the file, or the line that makes the server a standby.
fn top(recovery: &Recovery) -> Option<Place> {
    let mode = recovery.line(Purpose::Mode).map(|(_, line, _)| line.entry.place());
    mode.or_else(|| Some(Place { file: recovery.file()?, span: Span::default() }))
}

/// Where WAL is to come from.
fn source(view: &View, recovery: &Recovery) -> Option<Spot> {
    let place = top(recovery)?;
    let text = |purpose| recovery.line(purpose).map(|(_, line, _)| value(view, line));
    let (conninfo, restore) = (text(Purpose::Conninfo), text(Purpose::Restore));
    let is_set = |text: &Option<Vec<u8>>| text.as_ref().is_some_and(|text| !text.is_empty());
    let new = |rule| Spot::new(rule, place).word("pg", view.version_word());
    let mode = format!("{} = 'on'", named(Purpose::Mode));
    let insert = |spot: Spot| match recovery.line(Purpose::Mode) {
        Some((_, line, _)) => {
            let edit = fix::new_value(view, &line.entry, b"on");
            Spot { edits: vec![edit], ..spot }
        }
        None => spot.edit(Place { span: Span::new(0, 0), ..place }, format!("{mode}\n")),
    };
    if recovery.is_standby() {
        let nothing = !is_set(&conninfo) && !is_set(&restore);
        let spot = || new("standby-without-source").label("nothing feeds it");
        let said = conninfo.is_none() && restore.is_none();
        return nothing.then(|| if said { spot().server(without_source(recovery).text) } else { spot() });
    }
    if restore.is_none() {
        // A sample of nothing but comments asks for nothing, as long as it has another name.
        if recovery.lines.is_empty() && !recovery.path.ends_with(names::RECOVERY_CONF) {
            return None;
        }
        let spot = new("restore-command-missing").label("no standby, and nothing to recover from");
        let spot = spot.server(without_restore().text);
        return Some(if is_set(&conninfo) { insert(spot.word("suggestion", mode.clone())) } else { spot });
    }
    let (_, line, _) = recovery.line(Purpose::Conninfo).filter(|_| is_set(&conninfo))?;
    let spot = about(view, "conninfo-without-standby-mode", line, line.entry.name()).label("not used");
    Some(insert(spot))
}

/// A file beside postgresql.conf, where the data lie elsewhere.
fn misplaced(view: &View, recovery: &Recovery, spots: &mut Vec<Spot>) {
    let (data, lies) = (&view.tree.data_directory, recovery.path.parent());
    let asked = lies.is_some_and(|lies| lies != data.as_path()) && view.data_directory().is_some();
    // Somebody's copy under another name is where it should be.
    if let Some(file) = recovery.file().filter(|_| asked && recovery.path.ends_with(names::RECOVERY_CONF)) {
        let place = Place { file, span: Span::default() };
        spots.push(
            Spot::new("recovery-conf-misplaced", place).word("path", display(data.as_os_str().as_encoded_bytes())),
        );
    }
}

/// Lines that a later one of the same name takes the effect from.
fn doubles(view: &View, recovery: &Recovery, spots: &mut Vec<Spot>) {
    let mut last: HashMap<&str, usize> = HashMap::new();
    for (index, line) in recovery.lines.iter().enumerate() {
        last.extend(line.name.map(|name| (name.name, index)));
    }
    let mut told: HashMap<&str, usize> = HashMap::new();
    for (index, line) in recovery.lines.iter().enumerate() {
        let Some(name) = line.name else { continue };
        let winner = &recovery.lines[last[name.name]];
        let differs = last[name.name] != index && line.entry.place() != winner.entry.place();
        if !differs || !matches!(line.verdict, Verdict::Read(_)) || is_same(view, line, winner) {
            continue;
        }
        if let Some(first) = told.get(name.name) {
            spots[*first].edits.extend(fix::comment_out(view.sources, &line.entry, "set again below"));
            continue;
        }
        let mut spot = about(view, "duplicate-recovery-setting", line, line.entry.place())
            .word("winner", display(&value(view, winner)))
            .word("winner_line", winner.entry.line.to_string())
            .related(winner.entry.place(), "this line counts")
            .label("has no effect");
        spot.edits = fix::comment_out(view.sources, &line.entry, "set again below");
        told.insert(name.name, spots.len());
        spots.push(spot);
    }
}

/// Whether two lines say the same. Long texts are compared as they are written: there may be many.
fn is_same(view: &View, line: &Line, other: &Line) -> bool {
    const LONG: usize = 4096;
    let (one, two) = (view.sources.text(line.entry.value()), view.sources.text(other.entry.value()));
    one == two || one.len().max(two.len()) < LONG && value(view, line) == value(view, other)
}

/// Where recovery stops, and what happens there.
fn targets(view: &View, recovery: &Recovery, spots: &mut Vec<Spot>) {
    let Some((index, target, _)) = recovery.line(Purpose::Target) else {
        for purpose in [Purpose::Action, Purpose::Pause, Purpose::Inclusive] {
            let line = recovery.line(purpose).map(|(_, line, _)| line);
            spots.extend(line.map(|line| about(view, "recovery-action-without-target", line, line.entry.place())));
        }
        return;
    };
    let is_other = |line: &&Line| {
        line.name
            .is_some_and(|name| name.purpose == Purpose::Target && Some(name.name) != target.name.map(|name| name.name))
    };
    if let Some(other) = recovery.lines[..index].iter().rev().find(is_other) {
        let spot = about(view, "later-recovery-target-wins", target, target.entry.place());
        let other_name = other.name.map_or("", |name| name.name);
        spots.push(
            spot.word("other", other_name).related(other.entry.place(), "has no effect").label("this one counts"),
        );
    }
    if recovery.is_standby() {
        let spot = about(view, "recovery-target-on-standby", target, target.entry.place());
        spots.push(spot.label("replay stops here"));
    }
    spots.extend(pause(view, recovery, target));
}

/// A pause that nobody could end: from 9.5 on the server shuts down instead.
fn pause(view: &View, recovery: &Recovery, target: &Line) -> Option<Spot> {
    let is_off = view.tree.missing.is_none() && view.settings.value(names::HOT_STANDBY) == Some(Value::Bool(false));
    if !is_off || view.settings.catalog.version.major < Major::V9_5 {
        return None;
    }
    let line = match recovery.line(Purpose::Action) {
        Some((_, line, Meaning::Text(word))) if word == b"pause" => line,
        Some(_) => return None,
        None => target,
    };
    Some(about(view, "pause-without-hot-standby", line, line.entry.place()))
}

/// A standby that does not follow whoever is promoted beside it.
fn timeline(view: &View, recovery: &Recovery) -> Option<Spot> {
    let (_, mode, _) = recovery.line(Purpose::Mode).filter(|_| recovery.is_standby())?;
    let rule = "standby-keeps-timeline";
    match recovery.line(Purpose::Timeline) {
        Some((_, _, Meaning::Timeline(None))) => None,
        Some((_, line, _)) => {
            let mut spot = about(view, rule, line, line.entry.value()).label("stays on this timeline");
            spot.edits.push(fix::new_value(view, &line.entry, b"latest"));
            Some(spot)
        }
        None => {
            let span = fix::whole_line(view.sources, &mode.entry);
            let place = Place { file: mode.entry.file, span: Span::new(span.end, span.end) };
            let text = format!("\n{} = 'latest'", named(Purpose::Timeline)).into_bytes();
            let mut spot = about(view, rule, mode, mode.entry.place()).label("stays on the timeline of its backup");
            spot.edits.push(Edit { place, text });
            Some(spot)
        }
    }
}

/// What one line says that is hardly meant.
fn one(view: &View, line: &Line, meaning: &Meaning) -> Option<Spot> {
    let name = line.name?;
    let text = value(view, line);
    let about = |rule| about(view, rule, line, line.entry.value());
    let is_command = matches!(name.purpose, Purpose::Restore | Purpose::Cleanup | Purpose::End);
    if matches!(name.kind, Kind::Text | Kind::RestorePoint) {
        let written = view.sources.text(line.entry.value());
        let span = match name.purpose {
            // Names in brackets are told with what else is wrong with a connection string.
            Purpose::Conninfo => traps::placeholder(written, false),
            _ => texts::placeholder(written, is_command),
        };
        if let Some(span) = span {
            let place = Place { file: line.entry.file, span: span.shifted(line.entry.setting.value.span.start) };
            // What nobody has filled in is no secret, but what looks so may be one.
            let is_secret = texts::is_secret(written, span);
            let token = if is_secret { MASK.to_string() } else { display(view.sources.text(place)) };
            let spot = super::about(view, "recovery-placeholder-left", line, place);
            return Some(spot.word("token", token).label("never filled in"));
        }
    }
    match (meaning, name.purpose) {
        (Meaning::Timeline(None), _) if text != b"latest" => {
            Some(about("recovery-timeline-means-latest").label("means latest"))
        }
        (Meaning::Timeline(Some(number)) | Meaning::Transaction(number), _)
            if text.trim_ascii() != number.to_string().as_bytes() =>
        {
            Some(
                about("recovery-number-misread")
                    .word("reason", number.to_string())
                    .label(format!("the server reads {number}")),
            )
        }
        (Meaning::Moment(_), _) if names_today(&text) => {
            Some(about("recovery-time-means-2000").label("a day of the year 2000"))
        }
        (Meaning::Moment(_), _) if has_no_zone(&text) => {
            let zone = display(&view.settings.zone.time_zone);
            Some(about("recovery-time-without-zone").word("reason", zone).label("in the time zone of the server"))
        }
        (_, Purpose::Trigger) if is_in_shared_directory(&text) => {
            Some(about("trigger-file-in-shared-directory").label("everybody may make this file"))
        }
        (_, Purpose::Restore) => {
            let lacking = lacking(&text)?;
            Some(about("restore-command-without-placeholder").word("token", lacking).label(format!("no {lacking}")))
        }
        (Meaning::Delay(delay, _), _) if *delay < 0 => Some(about("recovery-delay-negative").label("no delay")),
        (Meaning::Delay(delay, _), _)
            if (1..FEW_MILLISECONDS).contains(delay) && text.iter().all(u8::is_ascii_digit) =>
        {
            Some(about("recovery-delay-without-unit").word("reason", delay.to_string()).label(format!("{delay} ms")))
        }
        _ => None,
    }
}
