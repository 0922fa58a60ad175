//! Playing a case on servers of a major: migrated to it, or as it stands.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use pgconflint::check::examples::pair::{PRIMARY, Setup, expand, names};
use pgconflint::version::Major;

use super::apply::apply;
use super::cases::Promote;
use super::watch::{observe, settle, value};
use super::workload::Workload;
use super::{Case, Seen, State};
use crate::pair::scene::{Scene, Source};
use crate::pair::{template as roles, watch};
use crate::{install, user};

/// Plays a case; what is seen stands in its order. A migration that is refused is all there is to see.
///
/// # Errors
/// That a server could not be started, or asked, for a reason of ours.
pub fn play(case: &Case, major: u16, program: &Path) -> Result<Vec<Seen>> {
    let mut seen = play_once(case, major, program)?;
    // Somebody else took a port that was free a moment before.
    if seen.iter().any(|seen| seen.says.contains("could not create any TCP/IP sockets")) {
        seen = play_once(case, major, program)?;
    }
    Ok(seen)
}

fn play_once(case: &Case, major: u16, program: &Path) -> Result<Vec<Seen>> {
    let workload = Workload::of(major)?;
    let mut scene = Scene::new(&[PRIMARY.to_string(), case.node.clone()])?;
    let root = PathBuf::from(&scene.ports.root);
    let files = case.filled(major, &root, &workload);
    ensure!(names(&files).len() == 2, "{major} has no files");
    let from = case.written_for(major);
    let mut setup = expand(&files, from, &scene.ports).map_err(anyhow::Error::msg)?;
    for node in &mut setup.nodes {
        node.major = Major(major * 100);
    }
    fs::create_dir(root.join("notes"))?;
    user::give(&root.join("notes"))?;
    let play = Play { case, major, program, from, setup };
    if case.has_trigger {
        play.touch(&scene)?;
    }
    let source = match case.has_primary() {
        true => play.begin(&mut scene)?,
        false => Source::Directory(workload.backup(case.backup)),
    };
    if let Some(refused) = play.furnish(&mut scene, &case.node, &source)? {
        return Ok(vec![Seen { phase: "refused".to_string(), says: refused, ..Seen::default() }]);
    }
    if case.has_primary() {
        scene.start(PRIMARY)?;
        watch::wait_until_up(&mut scene, PRIMARY)?;
    }
    play.phases(&mut scene)
}

struct Play<'a> {
    case: &'a Case,
    major: u16,
    program: &'a Path,
    from: Major,
    setup: Setup,
}

impl Play<'_> {
    /// Makes a primary with slots and a row, and stops it: what the standby is a copy of.
    fn begin(&self, scene: &mut Scene) -> Result<Source> {
        let refused = self.furnish(scene, PRIMARY, &Source::Template(self.major, roles::FIRST))?;
        ensure!(refused.is_none(), "the primary: {refused:?}");
        let node = self.setup.nodes.iter().find(|node| node.name == PRIMARY).context("a primary")?;
        scene.start_to_prepare(PRIMARY, !node.slots.is_empty())?;
        let is_up = watch::wait_until_up(scene, PRIMARY)?;
        ensure!(is_up, "the primary: {}", scene.nodes[PRIMARY].log());
        watch::make_slots(scene, PRIMARY, &node.slots)?;
        let mut session = scene.session(PRIMARY)?;
        session.query("set synchronous_commit = local")?;
        session.query("create table step (number int)")?;
        session.query("insert into step values (1)")?;
        scene.stop(PRIMARY)?;
        Ok(Source::Node(PRIMARY.to_string()))
    }

    /// Makes a node's data directory, and migrates it. What is in the way of that, if anything is.
    fn furnish(&self, scene: &mut Scene, name: &str, source: &Source) -> Result<Option<String>> {
        scene.furnish(&self.setup, name, source)?;
        if !self.case.is_migrated(self.major) {
            return Ok(None);
        }
        let blocked = apply(self.program, &scene.nodes[name].data, self.from, self.major, &self.case.options)?;
        Ok((!blocked.is_empty()).then(|| blocked.join("; ")))
    }

    /// From the start to the promotion and one start more.
    fn phases(&self, scene: &mut Scene) -> Result<Vec<Seen>> {
        let name = &self.case.node;
        scene.start(name)?;
        watch::wait_until_up(scene, name)?;
        let newest = self.write(scene, 2)?;
        let state = settle(scene, name, newest)?;
        self.checkpoint(scene)?;
        let mut seen = vec![observe(scene, name, "start", state)?];
        let next = match state {
            State::Standby | State::Mute => Some(("promote", self.promote(scene)?)),
            State::Paused => Some(("resume", resume(scene, name)?)),
            State::Primary | State::Down => None,
        };
        if let Some((phase, ())) = next {
            let state = self.wait_for_the_end(scene)?;
            seen.push(observe(scene, name, phase, state)?);
        }
        scene.stop(name)?;
        scene.start(name)?;
        watch::wait_until_up(scene, name)?;
        let state = settle(scene, name, None)?;
        seen.push(observe(scene, name, "again", state)?);
        Ok(seen)
    }

    /// A row on the primary, if there is one.
    fn write(&self, scene: &Scene, number: u16) -> Result<Option<u16>> {
        if !self.case.has_primary() {
            return Ok(None);
        }
        let mut session = scene.session(PRIMARY)?;
        session.query("set synchronous_commit = local")?;
        session.query(&format!("insert into step values ({number})"))?;
        Ok(Some(number))
    }

    /// A restartpoint, after which a standby cleans its archive up.
    fn checkpoint(&self, scene: &Scene) -> Result<()> {
        if !self.case.mentions("archive_cleanup_command") {
            return Ok(());
        }
        let Ok(mut session) = scene.session(&self.case.node) else { return Ok(()) };
        if self.case.has_primary() {
            let mut primary = scene.session(PRIMARY)?;
            primary.query("checkpoint")?;
            let end = value(&mut primary, "select pg_current_wal_lsn()").context("a position")?;
            let sql = format!("select pg_last_wal_replay_lsn() >= '{end}'");
            for _ in 0..200 {
                if value(&mut session, &sql).as_deref() == Some("t") {
                    break;
                }
                std::thread::sleep(std::time::Duration::from_millis(20));
            }
        }
        session.query("checkpoint")?;
        Ok(())
    }

    fn promote(&self, scene: &mut Scene) -> Result<()> {
        match self.case.promote {
            Promote::Trigger if self.major < 16 => self.touch(scene),
            Promote::Function if self.major >= 12 => {
                scene.session(&self.case.node)?.query("select pg_promote()")?;
                Ok(())
            }
            _ => {
                let data = &scene.nodes[&self.case.node].data;
                let mut pg_ctl = user::command(install::home(self.major)?.join("bin/pg_ctl"));
                // One that has not come so far cannot be promoted; it is seen then as it is.
                pg_ctl.args(["promote", "-W", "-D"]).arg(data).output()?;
                Ok(())
            }
        }
    }

    fn touch(&self, scene: &Scene) -> Result<()> {
        let path = Path::new(&scene.ports.root).join("trigger");
        fs::write(&path, "")?;
        Ok(user::give(&path)?)
    }

    /// Waits until a server that was told to end its recovery has done so; it may have its reasons not to.
    fn wait_for_the_end(&self, scene: &mut Scene) -> Result<State> {
        for _ in 0..200 {
            let state = super::watch::state(scene, &self.case.node)?;
            if matches!(state, State::Primary | State::Down) {
                return Ok(state);
            }
            std::thread::sleep(std::time::Duration::from_millis(25));
        }
        super::watch::state(scene, &self.case.node)
    }
}

fn resume(scene: &Scene, name: &str) -> Result<()> {
    scene.session(name)?.query("select pg_wal_replay_resume()")?;
    Ok(())
}
