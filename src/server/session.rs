//! What is open, the nodes that it belongs to, and what is found there.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use gen_lsp_types::{Diagnostic, Uri};

use super::documents::{Buffers, Document, Documents, real};
use super::position::Encoding;
use super::uri;
use crate::catalog::Catalog;
use crate::check::{self, Member, Reading};
use crate::cli::Check;
use crate::files::{Cached, Disk, Node, Place};
use crate::finding::Finding;
use crate::names;
use crate::report::{Report, Show};
use crate::run::baseline::Baselines;
use crate::run::nodes::Run;
use crate::run::project::{Project, Projects};
use crate::run::{directory_of, group};
use crate::source::{FileId, FileKind, Files, Source, Sources};
use crate::version::{Major, PgVersion, Targets};

/// How far above a file the postgresql.conf is looked for that includes it.
const LEVELS: usize = 3;

/// Everything that the server knows while it runs.
pub struct Session<'a> {
    /// How files are checked.
    pub options: &'a Check,
    /// What lies behind the buffers.
    pub disk: &'a Disk,
    /// How things are shown.
    pub show: &'a Show,
    /// The units of columns.
    pub encoding: Encoding,
    /// Whether the client takes edits that say for which version of a file they are.
    pub versioned_edits: bool,
    /// What is open.
    pub documents: Documents,
    /// What the client was last told of each file, and for which version of it.
    pub told: BTreeMap<PathBuf, (i32, Vec<Diagnostic>)>,
    projects: Projects,
    homes: Vec<Home>,
    /// Files that have changed since the homes were checked.
    changed: BTreeSet<PathBuf>,
    /// Whether anything has changed since then.
    is_stale: bool,
}

/// A node, nodes that follow each other, or a lone file, as last checked.
pub struct Home {
    /// The nodes; none where it could not be checked.
    pub members: Vec<Member>,
    /// Whose rules hold.
    pub project: Option<Arc<Project>>,
    /// What was found before, and is not told.
    pub baselines: Baselines,
    /// What was found.
    pub report: Report,
    /// Why it could not be checked.
    pub trouble: Vec<String>,
    /// The directories of the nodes.
    directories: Vec<PathBuf>,
    /// The files that were read; one may have been read under several names.
    files: BTreeMap<PathBuf, Vec<FileId>>,
}

/// What the newest version that a file is for makes of its node.
pub struct Known {
    /// The files.
    pub sources: Sources,
    /// The file that was asked about, if it is among them.
    pub file: Option<FileId>,
    /// What was read.
    pub reading: Reading<'static>,
}

impl<'a> Session<'a> {
    /// A server that nobody has told anything yet.
    ///
    /// # Errors
    /// What is wrong with a configuration file that was named.
    pub fn new(options: &'a Check, disk: &'a Disk, show: &'a Show) -> Result<Session<'a>, Vec<String>> {
        let target = &options.target;
        Ok(Session {
            options,
            disk,
            show,
            encoding: Encoding::default(),
            versioned_edits: false,
            documents: Documents::new(),
            told: BTreeMap::new(),
            projects: Projects::new(&show.directory, target.config.as_deref(), target.isolated)?,
            homes: Vec::new(),
            changed: BTreeSet::new(),
            is_stale: false,
        })
    }

    /// A file was opened, or its buffer changed.
    pub fn put(&mut self, path: PathBuf, document: Document) {
        self.changed.insert(path.clone());
        self.is_stale = true;
        self.documents.insert(path, document);
    }

    /// A file was closed: the disk speaks for it again.
    pub fn close(&mut self, path: &Path) {
        self.documents.remove(path);
        self.is_stale = true;
        self.changed.insert(path.to_owned());
    }

    /// Files may have changed on the disk.
    pub fn disk_has_changed(&mut self) {
        self.projects.forget();
        self.homes.clear();
        self.is_stale = true;
    }

    /// Checks what has changed, so that every open file has an up-to-date home or none.
    pub fn refresh(&mut self) {
        if self.projects.refresh() {
            self.homes.clear();
            self.is_stale = true;
        }
        if !std::mem::take(&mut self.is_stale) {
            return;
        }
        let changed = std::mem::take(&mut self.changed);
        self.homes.retain(|home| !changed.iter().any(|path| home.holds(path)));
        let paths: Vec<PathBuf> = self.documents.keys().cloned().collect();
        for path in paths {
            if self.home(&path).is_none()
                && let Some(home) = self.find_home(&path)
            {
                self.homes.push(home);
            }
        }
    }

    /// The home of a file, as last checked.
    pub fn home(&self, path: &Path) -> Option<&Home> {
        self.homes.iter().find(|home| home.files.contains_key(path))
    }

    /// An open file that is PostgreSQL's, and its home.
    pub fn open(&self, path: &Path) -> Option<(&Document, &Home, FileId)> {
        let home = self.home(path)?;
        Some((self.documents.get(path)?, home, home.file(path)?))
    }

    /// Files as the user sees them.
    pub fn files(&self) -> Buffers<'_> {
        Buffers { documents: &self.documents, disk: self.disk }
    }

    /// The URI of a file, as the client spells it if it is open.
    pub fn uri(&self, path: &Path) -> Uri {
        let path = real(self.disk, path);
        let path = if path.is_absolute() { path } else { self.show.directory.join(path) };
        self.documents.get(&path).map_or_else(|| uri::of_path(&path), |document| document.uri.clone())
    }

    /// The names of the baselines that configurations name, also of those that could not be read.
    pub fn baseline_names(&self) -> BTreeSet<String> {
        let projects = self.homes.iter().filter_map(|home| home.project.as_ref());
        let paths = projects.filter_map(|project| project.config.baseline.as_ref()?.file_name());
        paths.map(|name| name.to_string_lossy().into_owned()).collect()
    }

    fn find_home(&mut self, path: &Path) -> Option<Home> {
        let kind = self.documents.get(path)?.kind;
        let directories = path.ancestors().skip(1).take(LEVELS).enumerate();
        let has = |directory: &Path, name: &str| self.files().read(&directory.join(name)).is_ok();
        // A lone pg_hba.conf makes its directory a node; further up only what includes is of interest.
        let nodes = directories.filter(|(level, directory)| {
            let is_node = *level == 0 && kind.is_some();
            is_node || has(directory, names::POSTGRESQL_CONF)
        });
        let nodes: Vec<PathBuf> = nodes.map(|(_, directory)| directory.to_owned()).collect();
        for directory in nodes {
            let home = self.check(Node { path: directory, place: Place::Directory });
            if home.files.contains_key(path) {
                return Some(home);
            }
        }
        let home = self.check(Node { path: path.to_owned(), place: Place::File(kind?) });
        Some(home)
    }

    fn check(&mut self, node: Node) -> Home {
        let directory = directory_of(&node.path, node.place != Place::Directory);
        let project = match self.projects.of(&directory) {
            Ok(project) => project,
            Err(trouble) => return Home::in_trouble(node, trouble, None),
        };
        let mut found = vec![(node.clone(), Arc::clone(&project))];
        if node.place == Place::Directory {
            let others = project.config.nodes.iter().map(|other| self.show.directory.join(&other.path));
            let others = others.map(|other| real(self.disk, &other)).filter(|other| *other != node.path);
            let others = others.filter(|other| self.disk.list(other).is_ok());
            let others = others.map(|path| Node { path, place: Place::Directory });
            found.extend(others.map(|other| (other, Arc::clone(&project))));
        }
        let jobs = group::grouped(found, self.show);
        let own = jobs.into_iter().find(|job| job.paths().any(|path| *path == node.path));
        let job = own.expect("it was among those that were grouped");
        let mut baselines = Baselines::default();
        if let Err(trouble) = baselines.read(&project.config, self.show) {
            return Home::in_trouble(node, vec![trouble], Some(project));
        }
        let run = Run::new(self.options, self.disk, self.show, baselines);
        let buffers = self.files();
        let files = Cached::new(&buffers);
        match run.members(&files, &job) {
            Ok(members) => {
                let report = run.report(&files, &members, &project);
                self.home_of(members, project, run.baselines, report)
            }
            Err(trouble) => {
                let path = trouble.path.map_or_else(String::new, |path| format!("{}: ", self.show.path(&path)));
                Home::in_trouble(node, vec![format!("{path}{}", trouble.message)], Some(project))
            }
        }
    }

    fn home_of(&self, members: Vec<Member>, project: Arc<Project>, baselines: Baselines, report: Report) -> Home {
        let directory = |member: &Member| directory_of(&member.node.path, member.node.file.is_some());
        let directories = members.iter().map(|member| real(self.disk, &directory(member)));
        let mut files: BTreeMap<PathBuf, Vec<FileId>> = BTreeMap::new();
        for (file, source) in report.sources.iter() {
            files.entry(real(self.disk, &source.path)).or_default().push(file);
        }
        let directories = directories.collect();
        Home { members, project: Some(project), baselines, report, trouble: Vec::new(), directories, files }
    }

    /// What a server of the newest version makes of the node of a file; of the newest that reads it for recovery.conf.
    pub fn known(&self, path: &Path, home: &Home) -> Option<Known> {
        let member = home.member(path)?;
        let buffers = self.files();
        let files = Cached::new(&buffers);
        let version = home.version(path);
        let catalog = Catalog::shared(version);
        let mut sources = Sources::default();
        let subject = check::subject(&member.node, &files);
        let tree = check::read(&files, &mut sources, &subject, catalog.version.major);
        let reading = Reading::of(&files, &mut sources, &subject, tree, catalog);
        let file = sources.iter().find(|(_, source)| real(self.disk, &source.path) == path).map(|(file, _)| file);
        Some(Known { sources, file, reading })
    }
}

impl Home {
    fn in_trouble(node: Node, trouble: Vec<String>, project: Option<Arc<Project>>) -> Home {
        // A file in the place of the one that could not be checked, so that there is something to say it of.
        let mut report = Report::default();
        let mut files = BTreeMap::new();
        if let Place::File(kind) = node.place {
            let file = report.sources.add(Source::new(node.path.clone(), kind, Arc::from(&b""[..])));
            files.insert(node.path.clone(), vec![file]);
        }
        let directory = directory_of(&node.path, node.place != Place::Directory);
        let (members, baselines) = (Vec::new(), Baselines::default());
        Home { members, project, baselines, report, trouble, directories: vec![directory], files }
    }

    /// The file at a path, if it was read.
    pub fn file(&self, path: &Path) -> Option<FileId> {
        self.files.get(path)?.first().copied()
    }

    /// What was found in the file at a path.
    pub fn findings(&self, path: &Path) -> impl Iterator<Item = &Finding> + Clone {
        let own = self.files.get(path).map(Vec::as_slice).unwrap_or_default();
        self.report.findings.iter().filter(|finding| own.contains(&finding.place.file))
    }

    /// Whether a change of a file may change what is found here.
    fn holds(&self, path: &Path) -> bool {
        self.files.contains_key(path) || self.directories.iter().any(|directory| path.starts_with(directory))
    }

    /// The node that a file belongs to: the one in whose directory it lies, else the first.
    pub fn member(&self, path: &Path) -> Option<&Member> {
        let depth = |directory: &PathBuf| directory.components().count();
        let inside = self.directories.iter().enumerate().filter(|(_, directory)| path.starts_with(directory));
        let index = inside.max_by_key(|(_, directory)| depth(directory)).map_or(0, |(index, _)| index);
        self.members.get(index)
    }

    /// The versions that a file is checked against.
    pub fn targets(&self, path: &Path) -> Targets {
        self.member(path).map_or_else(Targets::all, |member| member.node.targets.clone())
    }

    /// The newest of them that reads the file.
    pub fn version(&self, path: &Path) -> PgVersion {
        let is_recovery = self.file(path).map(|file| self.report.sources.get(file).kind) == Some(FileKind::Recovery);
        let targets = self.targets(path);
        let reads = |version: &&PgVersion| !is_recovery || version.major < Major::V12;
        targets.versions().iter().rev().find(reads).copied().unwrap_or_else(|| targets.newest())
    }
}
