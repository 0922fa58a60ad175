//! Signal files and the settings of a recovery from 12 on.

use super::texts::{has_no_zone, lacking};
use crate::catalog::is_recovery_target;
use crate::catalog::recovery::{Purpose, named};
use crate::check::spot::{Spot, View};
use crate::finding::Severity;
use crate::model::recovery::signals::{self, Mode};
use crate::model::settings::{Judged, Verdict};
use crate::names;
use crate::nearest::nearest;
use crate::source::{Place, display};
use crate::value::Grammar;

/// Spots for a server from 12 on.
pub fn check(view: &View, spots: &mut Vec<Spot>) {
    let Some(top) = main(view) else { return };
    let data = &view.tree.data_directory;
    let signals = signals::signals(view.files, data);
    let known = view.data_directory().is_some() || signals.mode() != Mode::Primary;
    files(view, top, known, spots);
    if signals.recovery_conf {
        return;
    }
    let mode = signals.mode();
    if signals.standby && signals.recovery {
        spots.push(Spot::new("both-signal-files", top).label("two signal files beside it"));
    }
    // A value that is refused is told as such.
    let fed = |purpose| !view.settings.judged.iter().any(|judged| is_refused(view, judged, purpose));
    if mode == Mode::Archive && fed(Purpose::Restore) {
        let spot = |says| at(view, "recovery-signal-without-restore-command", Purpose::Restore, top).server(says);
        spots.extend(signals::without_restore(view.settings).map(|says| spot(says.text)));
    }
    if mode == Mode::Standby && fed(Purpose::Restore) && fed(Purpose::Conninfo) {
        let spot = |says| at(view, "standby-signal-without-source", Purpose::Conninfo, top).server(says);
        spots.extend(signals::without_source(view.settings).map(|says| spot(says.text)));
    }
    command(view, mode, top, spots);
    timeline(view, mode, top, spots);
    target(view, mode, known, spots);
    let conninfo = line(view, Purpose::Conninfo).filter(|_| known && mode == Mode::Primary);
    if let Some((index, judged)) = conninfo.filter(|(_, judged)| !view.value_bytes(judged).is_empty()) {
        spots.push(view.about("conninfo-without-standby-signal", index, judged.entry.name()).label("not used"));
    }
}

/// Signal files mean nothing to servers up to 11.
pub fn before_12(view: &View, spots: &mut Vec<Spot>) {
    let Some(top) = main(view) else { return };
    let signals = signals::signals(view.files, &view.tree.data_directory);
    let found = [(signals.standby, names::STANDBY_SIGNAL), (signals.recovery, names::RECOVERY_SIGNAL)];
    if let Some((_, name)) = found.into_iter().find(|(is_there, _)| *is_there) {
        spots.push(
            Spot::new("signal-file-before-12", top)
                .word("path", name)
                .word("pg", view.version_word())
                .label("beside this file"),
        );
    }
}

/// The beginning of the main file, where it was read as that of a node: a lone fragment has no data directory.
pub fn main(view: &View) -> Option<Place> {
    let of_node = view.tree.auto_visit.is_some() || view.tree.faults().any(|fault| fault.place.is_none());
    view.top().filter(|_| of_node)
}

fn is_refused(view: &View, judged: &Judged, purpose: Purpose) -> bool {
    matches!(judged.verdict, Verdict::Refused(_) | Verdict::Unknown)
        && view.sources.text(judged.entry.name()).eq_ignore_ascii_case(named(purpose).as_bytes())
}

/// The line that sets what is for that purpose.
fn line<'a>(view: &View<'a>, purpose: Purpose) -> Option<(usize, &'a Judged)> {
    view.settings.winner(view.settings.catalog.find(named(purpose).as_bytes())?)
}

/// A spot at the line for a purpose, or at the top where there is none.
fn at(view: &View, rule: &'static str, purpose: Purpose, top: Place) -> Spot {
    match line(view, purpose) {
        Some((index, judged)) => view.about(rule, index, judged.entry.value()),
        None => Spot::new(rule, top).word("name", named(purpose)).subject(named(purpose)),
    }
}

/// Files with almost the right name, or in almost the right place.
fn files(view: &View, top: Place, known: bool, spots: &mut Vec<Spot>) {
    const NAMES: [&str; 2] = [names::STANDBY_SIGNAL, names::RECOVERY_SIGNAL];
    let data = &view.tree.data_directory;
    let spot = |rule, path: String| Spot::new(rule, top).word("path", path).label("beside this file");
    for (name, _) in view.files.list(data).unwrap_or_default().iter().filter(|_| known) {
        let name = display(name);
        let is_close = |known: &&&str| {
            let lower = name.to_ascii_lowercase();
            let has_end = lower.strip_prefix(**known).is_some_and(|end| end.starts_with('.'));
            let is_copy =
                [".bak", ".orig", ".old", ".off", ".disabled", ".done"].iter().any(|end| lower.ends_with(end));
            name != ***known
                && !is_copy
                && (has_end || lower.contains("signal") && nearest(&lower, [**known]).is_some())
        };
        if let Some(meant) = NAMES.iter().find(is_close).filter(|_| !NAMES.contains(&name.as_str())) {
            spots.push(spot("signal-file-misnamed", name.clone()).word("suggestion", *meant));
        }
    }
    let beside = view.sources.get(top.file).path.parent().map(std::path::Path::to_path_buf).unwrap_or_default();
    if &beside != data && view.data_directory().is_some() {
        for name in NAMES {
            if view.files.read(&beside.join(name)).is_ok() && view.files.read(&data.join(name)).is_err() {
                let place = display(data.as_os_str().as_encoded_bytes());
                spots.push(spot("signal-file-misplaced", name.to_string()).word("resolved", place));
            }
        }
    }
}

/// The command that fetches WAL.
fn command(view: &View, mode: Mode, top: Place, spots: &mut Vec<Spot>) {
    let Some((_, judged)) = line(view, Purpose::Restore) else { return };
    if let Some(says) = signals::unreadable_restore(view.settings) {
        let mut spot = at(view, "restore-command-placeholder-unknown", Purpose::Restore, top)
            .word("reason", says.detail.clone().unwrap_or_default())
            .server(says.text);
        if mode == Mode::Primary {
            // It is not run, so far.
            spot.at_most = Some(Severity::Warning);
        }
        spots.push(spot);
    }
    if let Some(token) = lacking(&view.value_bytes(judged)).filter(|_| mode != Mode::Primary) {
        let spot = at(view, "restore-command-names-no-file", Purpose::Restore, top);
        spots.push(spot.word("token", token).label(format!("no {token}")));
    }
}

/// Which timeline is followed.
fn timeline(view: &View, mode: Mode, top: Place, spots: &mut Vec<Spot>) {
    let Some((index, judged)) = line(view, Purpose::Timeline) else { return };
    if !matches!(judged.verdict, Verdict::Set(_)) {
        return;
    }
    if signals::timeline(view.settings) == Some(0) {
        let spot = at(view, "recovery-timeline-zero", Purpose::Timeline, top).label("timeline 0");
        let mut spot = spot.server(crate::model::recovery::missing_timeline(0).text);
        if mode == Mode::Primary {
            spot.at_most = Some(Severity::Warning);
        }
        spots.push(spot);
    } else if mode == Mode::Standby && view.value_bytes(judged).as_ref() != b"latest" {
        let spot = view.about("standby-stays-on-timeline", index, judged.entry.value());
        spots.push(spot.label("stays on this timeline"));
    }
}

/// Where recovery stops.
fn target(view: &View, mode: Mode, known: bool, spots: &mut Vec<Spot>) {
    let mut lines = view.lines().filter(|(index, judged)| {
        let is_target = |id| {
            is_recovery_target(view.settings.catalog.get(id))
                && view.settings.winner(id).is_some_and(|(winner, _)| winner == *index)
        };
        matches!(&judged.verdict, Verdict::Set(value) if !value.plain().is_empty())
            && judged.parameter.is_some_and(is_target)
    });
    let Some((index, judged)) = lines.next() else { return };
    let place = judged.entry.place();
    match mode {
        Mode::Standby => {
            spots.push(view.about("recovery-target-on-signalled-standby", index, place).label("replay stops here"))
        }
        Mode::Primary if known => {
            spots.push(view.about("leftover-recovery-target", index, place).label("left from a recovery"))
        }
        _ => {}
    }
    let is_time = judged.parameter.is_some_and(|id| view.settings.catalog.get(id).grammar == Some(Grammar::Timestamp));
    if is_time && mode != Mode::Primary && has_no_zone(&view.value_bytes(judged)) {
        let zone = display(&view.settings.zone.time_zone);
        let spot = view.about("recovery-target-time-without-zone", index, judged.entry.value());
        spots.push(spot.word("reason", zone).label("in the time zone of the server"));
    }
}
