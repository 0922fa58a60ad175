//! The nearest configuration file upwards, and the rules that it brings.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use crate::check::Rules;
use crate::config::{self, Config};
use crate::files::{Disk, pages};
use crate::source::{Files, ReadError};

/// A configuration and the rules that hold with it.
#[derive(Debug, Default)]
pub struct Project {
    /// What the file says.
    pub config: Config,
    /// The rules, its own pages among them.
    pub rules: Rules,
    /// Where its own pages lie.
    pages: Vec<PathBuf>,
}

/// When a file was written and how long it is; None where there is none.
type Stamp = Option<(SystemTime, u64)>;

/// Projects by directory, each file read once.
pub struct Projects {
    /// The working directory.
    directory: PathBuf,
    /// Set if one project is for all: by `--config` or `--isolated`.
    only: Option<Arc<Project>>,
    none: Arc<Project>,
    known: HashMap<PathBuf, Arc<Project>>,
    /// What the known ones were read from, and where nothing was to be read.
    stamps: HashMap<PathBuf, Stamp>,
}

impl Projects {
    /// Projects as `--config` and `--isolated` want them.
    ///
    /// # Errors
    /// What is wrong with the configuration file that was named.
    pub fn new(directory: &Path, config: Option<&Path>, isolated: bool) -> Result<Projects, Vec<String>> {
        let none = Arc::new(Project { config: Config::default(), rules: built_in()?, pages: Vec::new() });
        let only = match config {
            Some(path) => Some(Arc::new(load(path)?)),
            None => isolated.then(|| Arc::clone(&none)),
        };
        Ok(Projects { directory: directory.to_owned(), only, none, known: HashMap::new(), stamps: HashMap::new() })
    }

    /// The project of what lies in a directory.
    ///
    /// # Errors
    /// What is wrong with its configuration file.
    pub fn of(&mut self, directory: &Path) -> Result<Arc<Project>, Vec<String>> {
        if let Some(only) = self.only.clone() {
            self.watch_baseline(&only);
            return Ok(only);
        }
        let top = self.directory.join(directory);
        let mut passed = Vec::new();
        let mut found = Arc::clone(&self.none);
        for directory in top.ancestors() {
            if let Some(known) = self.known.get(directory) {
                found = Arc::clone(known);
                break;
            }
            passed.push(directory.to_owned());
            let path = directory.join(config::NAME);
            let metadata = fs::metadata(&path).ok();
            self.stamps.insert(path.clone(), metadata.as_ref().and_then(stamped));
            if metadata.is_some_and(|metadata| metadata.is_file()) {
                let shown = path.strip_prefix(&self.directory).unwrap_or(&path);
                found = Arc::new(load(shown)?);
                self.stamps.extend(found.pages.iter().map(|page| (page.clone(), stamp(page))));
                self.watch_baseline(&found);
                break;
            }
        }
        self.known.extend(passed.into_iter().map(|directory| (directory, Arc::clone(&found))));
        Ok(found)
    }

    /// The baseline is read by others, and what was found with it is as stale as it is.
    fn watch_baseline(&mut self, project: &Project) {
        if let Some(path) = &project.config.baseline {
            let path = self.directory.join(path);
            let now = stamp(&path);
            self.stamps.entry(path).or_insert(now);
        }
    }

    /// Forgets everything if a file has changed, come or gone since it was read; says whether it did.
    pub fn refresh(&mut self) -> bool {
        let is_stale = self.stamps.iter().any(|(path, known)| stamp(path) != *known);
        if is_stale {
            self.forget();
        }
        is_stale
    }

    /// Forgets what was read, so that it is read again.
    pub fn forget(&mut self) {
        self.known.clear();
        self.stamps.clear();
    }
}

fn stamp(path: &Path) -> Stamp {
    fs::metadata(path).ok().as_ref().and_then(stamped)
}

fn stamped(metadata: &fs::Metadata) -> Stamp {
    Some((metadata.modified().ok()?, metadata.len()))
}

fn built_in() -> Result<Rules, Vec<String>> {
    Rules::new(&[])
}

fn load(path: &Path) -> Result<Project, Vec<String>> {
    let disk = Disk::default();
    let in_words = |path: &Path, error: ReadError| vec![format!("{}: {error}", path.display())];
    let bytes = disk.read(path).map_err(|error| in_words(path, error))?;
    let config = config::parse(path, &bytes).map_err(|error| vec![error.to_string()])?;
    let mut own = Vec::new();
    for glob in &config.rules {
        let found = pages(glob).map_err(|error| vec![format!("{}: rules: {error}", path.display())])?;
        if found.is_empty() {
            return Err(vec![format!("{}: rules: no page matches {}", path.display(), glob.display())]);
        }
        for page in found {
            let bytes = disk.read(&page).map_err(|error| in_words(&page, error))?;
            own.push((page, bytes));
        }
    }
    let rules = Rules::new(&own)?;
    let checked = config.check_rules(&rules.ids());
    checked.map_err(|errors| errors.iter().map(ToString::to_string).collect::<Vec<_>>())?;
    let pages = own.into_iter().map(|(page, _)| page).collect();
    Ok(Project { config, rules, pages })
}
