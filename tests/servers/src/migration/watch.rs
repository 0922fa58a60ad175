//! Watching a migrated server: what it is, which rows it has, on which timeline, and who follows whom.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Result;
use pgconflint::check::examples::pair::PRIMARY;

use super::{Seen, State};
use crate::pair::says::{messages, telling};
use crate::pair::scene::Scene;
use crate::pair::watch;
use crate::wire::Session;

/// So long a server may take to get where it wants to be.
const LIMIT: Duration = Duration::from_secs(40);
/// A standby that changes nothing for so long has got where it wants to be.
const QUIET: Duration = Duration::from_millis(2000);

/// Whether a server is open for writes.
pub fn is_primary(scene: &Scene, name: &str) -> bool {
    scene.session(name).ok().and_then(|mut session| value(&mut session, "select not pg_is_in_recovery()"))
        == Some("t".to_string())
}

/// What a server is at the moment.
pub fn state(scene: &mut Scene, name: &str) -> Result<State> {
    if !scene.is_up(name)? {
        return Ok(State::Down);
    }
    const SQL: &str = "select case when not pg_is_in_recovery() then 'primary' when pg_is_wal_replay_paused() then \
                       'paused' else 'standby' end";
    let answer = scene.session(name).ok().and_then(|mut session| value(&mut session, SQL));
    Ok(match answer.as_deref() {
        Some("primary") => State::Primary,
        Some("paused") => State::Paused,
        Some(_) => State::Standby,
        None => State::Mute,
    })
}

/// Waits until a server has got where it wants to be: a recovery to its end, a standby to where nothing changes.
pub fn settle(scene: &mut Scene, name: &str, newest: Option<u16>) -> Result<State> {
    let begin = Instant::now();
    let (mut progress, mut changed) = (String::new(), Instant::now());
    loop {
        let now = state(scene, name)?;
        if matches!(now, State::Down | State::Primary | State::Paused) {
            return Ok(now);
        }
        let log = scene.nodes[name].log();
        let restored = log.lines().filter(|line| line.contains("restored log file")).count();
        let rows = rows(scene, name).unwrap_or_default();
        let next = format!("{now:?} {restored} {rows}");
        if next != progress {
            (progress, changed) = (next, Instant::now());
        }
        // A recovery that is no standby's comes to an end of its own.
        let is_standby = log.contains("entering standby mode");
        let has_all = newest.is_some_and(|newest| rows.split(',').any(|range| range.ends_with(&newest.to_string())));
        let has_target = scene.nodes[name].mentions("recovery_target");
        if is_standby && (has_all && !has_target || changed.elapsed() > QUIET) || begin.elapsed() > LIMIT {
            return Ok(now);
        }
        std::thread::sleep(Duration::from_millis(25));
    }
}

/// What is seen of a server that has settled.
pub fn observe(scene: &mut Scene, name: &str, phase: &str, state: State) -> Result<Seen> {
    let mut seen = Seen { phase: phase.to_string(), state, rows: rows(scene, name), ..Seen::default() };
    if let Ok(mut session) = scene.session(name) {
        if state == State::Primary {
            seen.timeline = timeline(&mut session, &scene.nodes[name].data);
        }
        // Who is promoted may wait for standbys of its own. A server may go in between.
        let _ = session.query("set synchronous_commit = local");
        seen.writes = session.query("insert into step values (99)").ok().map(|answer| answer.error.is_none());
    }
    if matches!(state, State::Standby | State::Mute) && scene.nodes.contains_key(PRIMARY) {
        seen.link = link(scene)?;
    }
    seen.notes = notes(Path::new(&scene.ports.root));
    if state == State::Down {
        let log = messages(&scene.nodes[name].log(), name, &scene.ports);
        seen.says = telling(&log, false).unwrap_or_default();
    }
    Ok(seen)
}

/// The rows as ranges, `1-6,21`; nothing of a server that answers no query.
fn rows(scene: &Scene, name: &str) -> Option<String> {
    let mut session = scene.session(name).ok()?;
    let answer = session.query("select number from step order by 1").ok()?;
    let numbers = answer.rows.iter().flatten().flatten();
    let numbers: Vec<u16> = numbers.filter_map(|bytes| String::from_utf8_lossy(bytes).parse().ok()).collect();
    let mut ranges: Vec<(u16, u16)> = Vec::new();
    for number in numbers {
        match ranges.last_mut() {
            Some((_, last)) if *last + 1 == number => *last = number,
            _ => ranges.push((number, number)),
        }
    }
    let shown =
        ranges.iter().map(|(first, last)| if first == last { format!("{first}") } else { format!("{first}-{last}") });
    Some(shown.collect::<Vec<_>>().join(","))
}

/// The timeline of an open server and those that it comes from: `4<2<1`.
fn timeline(session: &mut Session, data: &Path) -> Option<String> {
    // pg_control has it from the next checkpoint on.
    session.query("checkpoint").ok()?;
    let now: u32 = value(session, "select timeline_id from pg_control_checkpoint()")?.parse().ok()?;
    let history = fs::read_to_string(data.join(format!("pg_wal/{now:08X}.history"))).unwrap_or_default();
    let before = history.lines().filter_map(|line| line.split_whitespace().next()).rev();
    Some(std::iter::once(now.to_string().as_str()).chain(before).collect::<Vec<_>>().join("<"))
}

/// Who follows the primary, as what, and whether its commits end.
fn link(scene: &Scene) -> Result<String> {
    let mut session = scene.session(PRIMARY)?;
    let sql = "select coalesce(string_agg(application_name || ' ' || sync_state || coalesce(' slot ' || slot_name, ''), ', '), \
               'nobody') from pg_stat_replication left join pg_replication_slots on active_pid = pid";
    let who = value(&mut session, sql).unwrap_or_default();
    let commits = if watch::commits(scene)? { "commits end" } else { "commits hang" };
    Ok(format!("{who}, {commits}"))
}

/// What commands have written: of each file its first line, and how many there are where it is about that.
fn notes(root: &Path) -> String {
    let mut notes: Vec<String> = Vec::new();
    for entry in fs::read_dir(root.join("notes")).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let text = fs::read_to_string(entry.path()).unwrap_or_default();
        let first = text.lines().next().unwrap_or_default();
        let is_segment = |word: &str| word.len() == 24 && word.bytes().all(|byte| byte.is_ascii_hexdigit());
        let words = first.split(' ').map(|word| if is_segment(word) { "{segment}" } else { word });
        let first = words.collect::<Vec<_>>().join(" ").replace(&root.display().to_string(), "{root}");
        notes.push(match name.strip_prefix("count-") {
            Some(name) => format!("{name}: {first} x{}", text.lines().count()),
            None => format!("{name}: {first}"),
        });
    }
    notes.sort();
    notes.join("; ")
}

/// The first value of an answer.
pub fn value(session: &mut Session, sql: &str) -> Option<String> {
    let answer = session.query(sql).ok()?;
    Some(String::from_utf8_lossy(answer.rows.first()?.first()?.as_deref()?).into_owned())
}
