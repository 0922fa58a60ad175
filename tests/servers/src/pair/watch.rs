//! Watching the servers of a scene: who is up, who receives what the primary writes, whose commits end.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::Result;
use pgconflint::check::examples::pair::PRIMARY;

use super::says::{is_complaint, messages, telling};
use super::scene::Scene;
use super::{Outcome, Seen};

/// So long a server may take to come up.
const START: Duration = Duration::from_secs(20);
/// So long a standby may take to receive what it is to receive.
const STREAM: Duration = Duration::from_secs(4);
/// So long a commit may take.
const COMMIT: Duration = Duration::from_millis(1500);
/// A standby that has complained so often in the same words will not stream.
const COMPLAINTS: usize = 3;

/// Waits until a server is up, or gone; up is also a standby that takes no connections.
pub fn wait_until_up(scene: &mut Scene, name: &str) -> Result<bool> {
    let before = Instant::now();
    while before.elapsed() < START {
        if !scene.is_up(name)? {
            return Ok(false);
        }
        let status = std::fs::read_to_string(scene.nodes[name].data.join("postmaster.pid")).unwrap_or_default();
        let status = status.lines().nth(7).unwrap_or_default().trim();
        if status == "ready" || status == "standby" {
            return Ok(true);
        }
        pause(10);
    }
    Ok(true)
}

/// Waits until a standby streams, or it is plain that it will not.
pub fn wait_until_settled(scene: &mut Scene, name: &str) -> Result<()> {
    let before = Instant::now();
    while before.elapsed() < STREAM && !has_begun(scene, name) && !is_hopeless(scene, name)? {
        pause(20);
    }
    Ok(())
}

/// Whether a walreceiver has found someone to stream from, be it the server itself.
fn has_begun(scene: &Scene, name: &str) -> bool {
    scene.nodes[name].log().contains("started streaming WAL from primary")
}

/// Makes slots and writes a little.
pub fn work(scene: &Scene, name: &str, slots: &[String]) -> Result<()> {
    make_slots(scene, name, slots)?;
    mark(&mut scene.session(name)?);
    Ok(())
}

/// Makes slots that keep WAL from now on.
pub fn make_slots(scene: &Scene, name: &str, slots: &[String]) -> Result<()> {
    let mut session = scene.session(name)?;
    for slot in slots {
        let answer = session.query(&format!("select pg_create_physical_replication_slot('{slot}', true)"))?;
        anyhow::ensure!(answer.error.is_none(), "slot {slot}: {:?}", answer.error);
    }
    Ok(())
}

/// Sees what comes of the scene's servers, all of them started.
pub fn observe(scene: &mut Scene) -> Result<Outcome> {
    let standbys: Vec<String> = scene.nodes.keys().filter(|name| *name != PRIMARY).cloned().collect();
    let primary_is_up = scene.is_up(PRIMARY)?;
    let mut streams = round(scene, &standbys, primary_is_up, STREAM)?;
    // What comes may be what makes a standby stop following.
    let has_target = scene.nodes.values().any(|place| place.mentions("recovery_target"));
    pause(if has_target { 1000 } else { 150 });
    let again: Vec<String> = standbys.iter().filter(|name| streams[*name]).cloned().collect();
    streams.extend(round(scene, &again, primary_is_up, STREAM)?);
    let commits = primary_is_up && commits(scene)?;
    let mut seen = Vec::new();
    for name in std::iter::once(&PRIMARY.to_string()).chain(&standbys) {
        let place = &scene.nodes[name];
        let log = messages(&place.log(), name, &scene.ports);
        let starts = scene.is_up(name)?;
        let mut node = Seen { name: name.clone(), starts, ..Seen::default() };
        if name == PRIMARY {
            node.commits = Some(commits);
        } else {
            let in_recovery = in_recovery(scene, name);
            node.readable = Some(in_recovery.is_some());
            node.standby = starts.then(|| in_recovery.unwrap_or_else(|| enters_standby_mode(&log)));
            node.streams = Some(streams[name] && starts && node.standby == Some(true));
        }
        node.says = telling(&log, node.streams == Some(true) || (name == PRIMARY && starts)).unwrap_or_default();
        node.log = log;
        seen.push(node);
    }
    let of_primary = telling(&seen[0].log, false).unwrap_or_default();
    for node in seen.iter_mut().skip(1).filter(|node| node.streams == Some(false) && node.says.is_empty()) {
        if !of_primary.is_empty() {
            node.says = format!("{PRIMARY}: {of_primary}");
        }
    }
    Ok(Outcome { nodes: seen })
}

/// Writes on the primary and sees who receives it.
fn round(
    scene: &mut Scene,
    standbys: &[String],
    primary_is_up: bool,
    limit: Duration,
) -> Result<BTreeMap<String, bool>> {
    let mut streams: BTreeMap<String, bool> = standbys.iter().map(|name| (name.clone(), false)).collect();
    let written = if primary_is_up { mark(&mut scene.session(PRIMARY)?) } else { None };
    let before = Instant::now();
    // What is up without a primary shows soon what it is.
    let limit = if primary_is_up { limit } else { Duration::from_secs(1) };
    while before.elapsed() < limit {
        let mut waits = false;
        for name in standbys {
            let has_it = written.is_some_and(|written| received(scene, name).is_some_and(|lsn| lsn >= written));
            streams.insert(name.clone(), streams[name] || has_it);
            waits |= !streams[name] && !is_hopeless(scene, name)?;
        }
        if !waits {
            break;
        }
        pause(20);
    }
    Ok(streams)
}

/// Writes a row without waiting for a standby; where the WAL then ends. Nothing where the primary is no primary.
fn mark(session: &mut crate::wire::Session) -> Option<u64> {
    session.query("set synchronous_commit = local").ok()?;
    let answer = session.query("insert into mark default values").ok()?;
    if answer.error.is_some() {
        return None;
    }
    let answer = session.query("select pg_current_wal_lsn()").ok()?;
    position(&String::from_utf8_lossy(answer.rows.first()?.first()?.as_deref()?))
}

/// Whether a commit ends, in a session like everyone's.
pub fn commits(scene: &Scene) -> Result<bool> {
    let mut session = scene.session(PRIMARY)?;
    session.set_patience(COMMIT)?;
    Ok(session.query("insert into mark default values").is_ok_and(|answer| answer.error.is_none()))
}

/// Whether a server is in recovery; nothing where it answers no query.
fn in_recovery(scene: &Scene, name: &str) -> Option<bool> {
    let mut session = scene.session(name).ok()?;
    let answer = session.query("select pg_is_in_recovery()").ok()?;
    Some(answer.rows.first()?.first()?.as_deref() == Some(b"t"))
}

fn enters_standby_mode(log: &[String]) -> bool {
    let has = |text: &str| log.iter().any(|line| line.contains(text));
    // From 17 on it says the first once it has found its checkpoint; the second only a standby says.
    let is_one = has("entering standby mode") || has("waiting for WAL to become available");
    is_one && !has("archive recovery complete")
}

/// Whether it is plain that a server receives nothing.
fn is_hopeless(scene: &mut Scene, name: &str) -> Result<bool> {
    if !scene.is_up(name)? {
        return Ok(true);
    }
    // What comes later is about those who follow it.
    if has_begun(scene, name) {
        return Ok(false);
    }
    let log = messages(&scene.nodes[name].log(), name, &scene.ports);
    // A standby accepts read only connections.
    if log.iter().any(|line| line.ends_with("database system is ready to accept connections")) {
        return Ok(true);
    }
    let mut complaints: BTreeMap<&str, usize> = BTreeMap::new();
    for line in log.iter().filter(|line| is_complaint(line)) {
        *complaints.entry(line).or_default() += 1;
    }
    Ok(complaints.values().any(|count| *count >= COMPLAINTS))
}

/// How far the walreceiver of a server has come, as its title tells; nothing where none streams.
fn received(scene: &Scene, name: &str) -> Option<u64> {
    let pid = scene.nodes[name].pid()?;
    let children = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).ok()?;
    children.split_whitespace().find_map(|child| {
        let title = std::fs::read(format!("/proc/{child}/cmdline")).ok()?;
        let title = String::from_utf8_lossy(&title).into_owned();
        let (_, state) = title.split_once("walreceiver").or_else(|| title.split_once("wal receiver process"))?;
        position(state.split_once("streaming ")?.1)
    })
}

/// A position such as `0/3000148`.
fn position(text: &str) -> Option<u64> {
    let (high, low) = text.trim_end_matches('\0').trim().split_once('/')?;
    let low = low.split(|char: char| !char.is_ascii_hexdigit()).next()?;
    Some(u64::from_str_radix(high, 16).ok()? << 32 | u64::from_str_radix(low, 16).ok()?)
}

fn pause(milliseconds: u64) {
    std::thread::sleep(Duration::from_millis(milliseconds));
}
