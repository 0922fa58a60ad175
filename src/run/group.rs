//! Which nodes are checked together: those that `--primary` and `--standby` name, and those that the configuration
//! says follow each other.

use std::fs;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::project::{Project, Projects};
use super::{directory_of, target};
use crate::cli;
use crate::files::{self, Disk, Place};
use crate::report::Show;
use crate::version::Role;

/// A node to be checked.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// Where it is.
    pub node: files::Node,
    /// What others call it, where that is not its path.
    pub name: Option<String>,
    /// What it is to the others, whatever its files say.
    pub role: Option<Role>,
    /// Which of the others it follows.
    pub upstream: Option<usize>,
    /// From where it connects to others.
    pub addresses: Vec<IpAddr>,
}

/// Nodes that are checked together.
#[derive(Clone, Debug)]
pub struct Job {
    /// One, or several of which some follow others.
    pub wanted: Vec<Wanted>,
    /// Whose rules hold.
    pub project: Arc<Project>,
}

/// The job of `--primary` and `--standby`.
///
/// # Errors
/// A path that leads to no directory; what is wrong with a configuration file.
pub fn of_options(pair: &cli::Pair, disk: &Disk, projects: &mut Projects, show: &Show) -> Result<Job, Vec<String>> {
    let mut wanted = Vec::new();
    for (index, path) in std::iter::once(&pair.primary).chain(&pair.standbys).enumerate() {
        let fault = match disk.resolve(path) {
            Ok(real) => match fs::metadata(&real) {
                Ok(metadata) if metadata.is_dir() => None,
                Ok(_) => Some("it is no directory of a node".to_owned()),
                Err(error) => Some(files::words(&error).to_string()),
            },
            Err(error) => Some(error.to_string()),
        };
        if let Some(fault) = fault {
            return Err(vec![format!("{}: {fault}", show.path(path))]);
        }
        let address = index.checked_sub(1).and_then(|standby| pair.addresses.get(standby).or(pair.addresses.last()));
        wanted.push(Wanted {
            node: files::Node { path: path.clone(), place: Place::Directory },
            name: None,
            role: Some(if index == 0 { Role::Primary } else { Role::Standby }),
            upstream: (index > 0).then_some(0),
            addresses: address.copied().into_iter().collect(),
        });
    }
    let directory = disk.resolve(&pair.primary).unwrap_or_else(|_| pair.primary.clone());
    let project = projects.of(&directory)?;
    for one in &mut wanted {
        let known = target::known(&project.config, &one.node.path, show);
        one.name = known.map(|known| known.name.clone());
        if one.addresses.is_empty() {
            one.addresses = known.map(|known| known.address.clone()).unwrap_or_default();
        }
    }
    name(&mut wanted, show);
    Ok(Job { wanted, project })
}

/// Short names for nodes that have none: the last piece of their paths, as long as that tells them apart.
fn name(wanted: &mut [Wanted], show: &Show) {
    let last = |path: &Path| path.file_name().map(|name| name.to_string_lossy().into_owned());
    let all: Vec<Option<String>> = wanted.iter().map(|one| last(&one.node.path)).collect();
    for (index, one) in wanted.iter_mut().enumerate() {
        let short = all[index].clone().filter(|name| all.iter().flatten().filter(|other| *other == name).count() == 1);
        one.name.get_or_insert_with(|| short.unwrap_or_else(|| show.path(&one.node.path)));
    }
}

/// Puts together what the configuration says follows each other; every other node is a job of its own.
pub fn grouped(found: Vec<(files::Node, Arc<Project>)>, show: &Show) -> Vec<Job> {
    let mut jobs: Vec<Job> = Vec::new();
    for (node, project) in found {
        let directory = directory_of(&node.path, node.place != Place::Directory);
        let known = target::known(&project.config, &directory, show).filter(|_| node.place == Place::Directory);
        let linked = known.filter(|known| {
            let follows = |other: &crate::config::NodeConfig| other.upstream.as_deref() == Some(&*known.name);
            known.upstream.is_some() || project.config.nodes.iter().any(follows)
        });
        let one = Wanted {
            node,
            name: linked.map(|known| known.name.clone()),
            role: None,
            upstream: None,
            addresses: linked.map(|known| known.address.clone()).unwrap_or_default(),
        };
        let family = linked.map(|known| first_of_chain(&project, &known.name));
        let same = jobs.iter_mut().find(|job| {
            let of_job = job.wanted[0].name.as_deref().map(|name| first_of_chain(&job.project, name));
            family.is_some() && of_job == family && Arc::ptr_eq(&job.project, &project)
        });
        match same {
            Some(job) => job.wanted.push(one),
            None => jobs.push(Job { wanted: vec![one], project: Arc::clone(&project) }),
        }
    }
    for job in &mut jobs {
        let names: Vec<Option<String>> = job.wanted.iter().map(|one| one.name.clone()).collect();
        let config = &job.project.config;
        for one in &mut job.wanted {
            let known = config.nodes.iter().find(|known| Some(&known.name) == one.name.as_ref());
            let upstream = known.and_then(|known| known.upstream.as_ref());
            one.upstream = upstream.and_then(|upstream| names.iter().position(|name| name.as_ref() == Some(upstream)));
            if let Some(known) = known {
                // Who follows another is a standby, and who follows nobody is not.
                let role = if known.upstream.is_some() { Role::Standby } else { Role::Primary };
                one.role = known.role.or(Some(role));
            }
        }
    }
    jobs
}

/// The node at the head of those that a node follows.
fn first_of_chain<'a>(project: &'a Project, name: &'a str) -> &'a str {
    let mut name = name;
    // A circle ends somewhere too.
    for _ in 0..project.config.nodes.len() {
        let known = project.config.nodes.iter().find(|known| known.name == name);
        match known.and_then(|known| known.upstream.as_deref()) {
            Some(upstream) => name = upstream,
            None => break,
        }
    }
    name
}

impl Job {
    /// The paths of its nodes.
    pub fn paths(&self) -> impl Iterator<Item = &PathBuf> {
        self.wanted.iter().map(|one| &one.node.path)
    }
}
