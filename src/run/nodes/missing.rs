//! Nodes that pgconflint.toml names and that are not there.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{Project, Projects, Run};
use crate::config::NodeConfig;
use crate::files;
use crate::report::Trouble;
use crate::run::lexical;

impl Run<'_> {
    /// A node that the configuration names and that is not there would be checked no more, without a word: those below
    /// the paths of the run, and those that follow a node of it or are followed.
    pub(super) fn tell_missing_nodes(&mut self, projects: &mut Projects) -> Result<(), Vec<String>> {
        let whole = |path: &Path| lexical(&self.show.directory.join(path));
        let tops: Vec<PathBuf> = self.options.paths.iter().map(|path| whole(path)).collect();
        let mut known: Vec<Arc<Project>> = self.jobs.iter().map(|job| Arc::clone(&job.project)).collect();
        for top in &tops {
            let real = self.disk.resolve(top).unwrap_or_else(|_| top.clone());
            known.extend(real.is_dir().then(|| projects.of(&real)).transpose()?);
        }
        let mut seen = HashSet::new();
        known.retain(|project| seen.insert(Arc::as_ptr(project)));
        for project in known {
            let checked: HashSet<&str> =
                self.jobs.iter().flat_map(|job| &job.wanted).filter_map(|one| one.name.as_deref()).collect();
            let config = &project.config;
            let is_linked = |node: &NodeConfig| {
                let follows = |other: &NodeConfig| other.upstream.as_ref() == Some(&node.name);
                node.upstream.as_deref().is_some_and(|upstream| checked.contains(upstream))
                    || config.nodes.iter().any(|other| follows(other) && checked.contains(&*other.name))
            };
            let real = |path: &Path| self.disk.resolve(path).unwrap_or_else(|_| path.to_owned());
            let is_node = |path: &Path| files::holds_node(&real(path));
            let is_directory = |path: &Path| real(path).is_dir();
            for node in &config.nodes {
                let is_asked = tops.iter().any(|top| whole(&node.path).starts_with(top)) || is_linked(node);
                let fault = config.missing(node, &is_node, &is_directory).filter(|_| is_asked);
                self.errors.extend(fault.map(|fault| Trouble { path: None, message: fault.to_string() }));
            }
        }
        Ok(())
    }
}
