//! A primary and its standbys as a scenario has them: started, watched, and told apart.
//!
//! ```text
//! scenario ─expand→ files of one major ─scene→ running servers ─watch→ Outcome ─record→ outcomes.tsv
//! ```

pub mod record;
pub(crate) mod says;
pub mod scene;
pub mod template;
pub(crate) mod watch;

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Context, Result};
use pgconflint::check::examples::pair::{PRIMARY, Setup, expand, names};
use pgconflint::rule::page::Beside;
use pgconflint::version::Major;

use scene::{Scene, Source};

/// What came of a scenario.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The primary, then the standbys.
    pub nodes: Vec<Seen>,
}

/// What was seen of one server.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// Its name.
    pub name: String,
    /// Whether it was up at the end.
    pub starts: bool,
    /// Whether it was a standby then; nothing of a primary or of one that is not up.
    pub standby: Option<bool>,
    /// Whether WAL that the primary wrote once all were up came through its walreceiver.
    pub streams: Option<bool>,
    /// Whether it answered a query.
    pub readable: Option<bool>,
    /// Of a primary: whether a commit came to its end.
    pub commits: Option<bool>,
    /// The most telling message of its log, or of the primary's.
    pub says: String,
    /// Its log, placeholders in place of ports and directories.
    pub log: Vec<String>,
}

/// Plays a scenario on servers of a major.
///
/// # Errors
/// That the scenario cannot be read, or a server could not be started for a reason of ours.
pub fn play(major: u16, beside: &[Beside]) -> Result<Outcome> {
    let mut scene = Scene::new(&names(beside))?;
    let setup = expand(beside, Major(major * 100), &scene.ports).map_err(anyhow::Error::msg)?;
    let primary_is_ready = prepare(&mut scene, &setup, major)?;
    if primary_is_ready {
        scene.start(PRIMARY)?;
        watch::wait_until_up(&mut scene, PRIMARY)?;
    }
    for node in setup.nodes.iter().filter(|node| node.name != PRIMARY) {
        scene.start(&node.name)?;
        watch::wait_until_up(&mut scene, &node.name)?;
        // Who comes first gets what there is only one of.
        watch::wait_until_settled(&mut scene, &node.name)?;
        if !node.slots.is_empty() && scene.is_up(&node.name)? {
            watch::make_slots(&scene, &node.name, &node.slots)?;
        }
    }
    watch::observe(&mut scene)
}

/// Makes the data directories. Whether the primary's files let it start is only known for sure when it is started.
fn prepare(scene: &mut Scene, setup: &Setup, major: u16) -> Result<bool> {
    scene.furnish(setup, PRIMARY, &Source::Template(major, template::FIRST))?;
    let primary = &setup.nodes[0];
    let mut source = Source::Template(major, template::FIRST);
    let mut is_ready = true;
    if scene.leaves_traces(PRIMARY) || !primary.slots.is_empty() {
        // A copy knows its primary's limits and wal_level from what the primary wrote.
        scene.start_to_prepare(PRIMARY, !primary.slots.is_empty())?;
        if watch::wait_until_up(scene, PRIMARY)? {
            watch::work(scene, PRIMARY, &primary.slots)?;
            scene.stop(PRIMARY)?;
            source = Source::Node(PRIMARY.to_string());
        } else {
            is_ready = false;
            scene.stop(PRIMARY)?;
        }
    }
    for node in setup.nodes.iter().filter(|node| node.name != PRIMARY) {
        let own = node.major.0 / 100;
        let second = Source::Template(own, template::SECOND);
        let is_copy = !node.has_own_initdb && own == major;
        scene.furnish(setup, &node.name, if is_copy { &source } else { &second })?;
    }
    Ok(is_ready)
}

/// Plays many, several at a time; the outcomes stand in their order. `told` hears of each as it is done.
///
/// # Errors
/// The first that could not be played.
pub fn play_all(
    jobs: &[(String, u16, Vec<Beside>)],
    told: &(dyn Fn(&str, u16, &Outcome) + Sync),
) -> Result<Vec<Outcome>> {
    at_once(jobs, &|(name, major, beside)| {
        let outcome = play(*major, beside).with_context(|| format!("{name} on PostgreSQL {major}"))?;
        told(name, *major, &outcome);
        Ok(outcome)
    })
}

/// Does jobs that mostly wait, several at a time; what comes of them stands in their order.
///
/// # Errors
/// The first that failed.
pub fn at_once<Job: Sync, Done: Send>(jobs: &[Job], run: &(dyn Fn(&Job) -> Result<Done> + Sync)) -> Result<Vec<Done>> {
    let threads = std::thread::available_parallelism()?.get() * 4;
    let (next, done) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let work = || -> Result<()> {
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(job) = jobs.get(index) else { return Ok(()) };
            let one = run(job)?;
            done.lock().expect("nobody panics with it").push((index, one));
        }
    };
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        workers.into_iter().try_for_each(|worker| worker.join().expect("a job does not panic"))
    })?;
    let mut done = done.into_inner().expect("nobody panics with it");
    done.sort_by_key(|(index, _)| *index);
    Ok(done.into_iter().map(|(_, one)| one).collect())
}
