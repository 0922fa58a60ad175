//! What is checked: a node by itself, or nodes that belong together, each standby with the node it follows.

use std::collections::HashSet;
use std::net::IpAddr;
use std::path::PathBuf;

use super::forecast::{self, Forecast};
use super::{Rules, TOO_NEW, conf, pair, recovery};
use crate::catalog::Catalog;
use crate::finding::{Finding, Severity};
use crate::names as files_names;
use crate::source::{FileId, FileKind, Files, ReadError, Sources};
use crate::version::{Major, Role, Targets};

/// What is to be checked.
#[derive(Clone, Debug)]
pub struct Node {
    /// A directory, or the one file that `file` is the kind of.
    pub path: PathBuf,
    /// Set for a lone file.
    pub file: Option<FileKind>,
    /// Where the data lies, if it is known to lie elsewhere.
    pub data_dir: Option<PathBuf>,
    /// Whether somebody has said so: what is not in a directory that was named is missing.
    pub data_is_here: bool,
    /// The versions to check against.
    pub targets: Targets,
    /// None if it may be either.
    pub role: Option<Role>,
    /// The size of its WAL segments in bytes, for where its data directory does not say it.
    pub wal_segment_size: Option<u64>,
    /// What it was before.
    pub before: Before,
}

/// What a node was before, where that is asked about.
#[derive(Clone, Debug, Default)]
pub struct Before {
    /// The same node in another revision of its files.
    pub base: Option<Box<Node>>,
    /// The major version that it runs now.
    pub from: Option<Major>,
}

/// What was found.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Every file that was read.
    pub sources: Sources,
    /// In any order; comments in the files are not yet heeded.
    pub findings: Vec<Finding>,
    /// How many files were checked, not only read.
    pub files: usize,
    /// Files that are there and cannot be read.
    pub errors: Vec<(PathBuf, ReadError)>,
    /// What comes of each node, where some follow others.
    pub forecasts: Vec<Forecast>,
}

/// A node's postgresql.conf with all that belongs to it, or a lone file.
#[derive(Clone, Debug, Default)]
pub struct Subject {
    /// The file to begin with.
    pub main: PathBuf,
    /// The data directory, where it is given.
    pub data_directory: Option<PathBuf>,
    /// See [`Node::data_is_here`].
    pub data_is_here: bool,
    /// Whether postgresql.auto.conf is read after the main file.
    pub with_auto: bool,
    /// What the node is to others.
    pub role: Option<Role>,
    /// See [`Node::wal_segment_size`].
    pub wal_segment_size: Option<u64>,
    /// Set for a lone file that is not postgresql.conf: what it is and where. Everything else is read for its sake.
    pub lone: Option<(FileKind, PathBuf)>,
    /// See [`Before::base`].
    pub base: Option<Box<Subject>>,
    /// See [`Before::from`].
    pub from: Option<Major>,
}

/// The subject of a node.
///
/// A lone postgresql.conf or postgresql.auto.conf is read with the other one beside it, a lone pg_hba.conf or
/// pg_ident.conf with all its siblings; any other lone file is read as itself.
pub fn subject(node: &Node, files: &dyn Files) -> Subject {
    let subject = |main: PathBuf, with_auto: bool| Subject {
        main,
        data_directory: node.data_dir.clone(),
        data_is_here: node.data_is_here,
        with_auto,
        role: node.role,
        wal_segment_size: node.wal_segment_size,
        lone: None,
        base: node.before.base.as_ref().map(|base| Box::new(self::subject(base, files))),
        from: node.before.from,
    };
    match node.file {
        None if node.path.as_os_str() == "." => subject(PathBuf::from(files_names::POSTGRESQL_CONF), true),
        None => subject(node.path.join(files_names::POSTGRESQL_CONF), true),
        Some(FileKind::Conf) => {
            let is_auto = node.path.file_name().is_some_and(|name| name == files_names::AUTO_CONF);
            let main = node.path.with_file_name(files_names::POSTGRESQL_CONF);
            if is_auto && files.read(&main).is_ok() {
                return subject(main, true);
            }
            subject(node.path.clone(), main == node.path)
        }
        Some(kind) => {
            let main = node.path.with_file_name(files_names::POSTGRESQL_CONF);
            Subject { lone: Some((kind, node.path.clone())), ..subject(main, true) }
        }
    }
}

/// One of several nodes that belong together.
#[derive(Clone, Debug)]
pub struct Member {
    /// The node itself.
    pub node: Node,
    /// What others call it.
    pub name: String,
    /// Which of the others it follows.
    pub upstream: Option<usize>,
    /// The addresses from which it connects to others, where they are said.
    pub addresses: Vec<IpAddr>,
}

/// Checks a node with the rules that are `enabled`.
pub fn node(files: &dyn Files, node: &Node, rules: &Rules, enabled: &dyn Fn(&str) -> bool) -> Outcome {
    let member = Member { node: node.clone(), name: String::new(), upstream: None, addresses: Vec::new() };
    group(files, &[member], rules, enabled)
}

/// Checks nodes that belong together with the rules that are `enabled`.
pub fn group(files: &dyn Files, members: &[Member], rules: &Rules, enabled: &dyn Fn(&str) -> bool) -> Outcome {
    let mut outcome = Outcome::default();
    let mut own = Vec::with_capacity(members.len());
    for member in members {
        own.push(one(files, &member.node, rules, &mut outcome));
    }
    let links = pair::check(files, &mut outcome.sources, members, rules);
    for link in &links {
        let said = |rule: &str| link.findings.iter().any(|finding| rules.replaces(&finding.rule, rule));
        for index in [link.standby, link.upstream] {
            own[index].retain(|finding| !said(&finding.rule));
        }
    }
    if !links.is_empty() {
        outcome.forecasts = forecast::of(members, &own, &links);
    }
    if members.iter().any(|member| member.node.file.is_none()) {
        outcome.files = outcome.sources.iter().filter(|(_, source)| !source.bytes.is_empty()).count();
    }
    outcome.findings = own.into_iter().flatten().chain(links.into_iter().flat_map(|link| link.findings)).collect();
    // What keeps several from following is found with each of them.
    let mut told = HashSet::new();
    outcome.findings.retain(|finding| {
        enabled(&finding.rule) && told.insert((finding.rule.clone(), finding.place, finding.message.clone()))
    });
    outcome
}

/// What is found in one node by itself.
fn one(files: &dyn Files, node: &Node, rules: &Rules, outcome: &mut Outcome) -> Vec<Finding> {
    if let Some(error) = node.file.and_then(|_| files.read(&node.path).err()) {
        outcome.errors.push((node.path.clone(), error));
        return Vec::new();
    }
    let subject = subject(node, files);
    let mut catalogs: Vec<&Catalog> = node.targets.versions().iter().map(|version| Catalog::shared(*version)).collect();
    if node.file == Some(FileKind::Recovery) && node.targets == Targets::all() {
        // Nobody said which version it is for: it is for one of those that read it.
        catalogs.retain(|catalog| recovery::is_read_by(catalog.version.major));
    }
    let mut findings = conf(files, &mut outcome.sources, &subject, rules, &catalogs);
    if node.targets == Targets::all() {
        // Nobody said which version it is for: that an old one lacks a name is no fault.
        for finding in findings.iter_mut().filter(|finding| TOO_NEW.iter().any(|name| finding.rule.ends_with(name))) {
            finding.severity = finding.severity.min(Severity::Info);
        }
        // Nearly every line has a method that the oldest of them do not know.
        findings.retain(|finding| finding.rule != "hba-word-too-new" || finding.pg.len() == catalogs.len());
    }
    if node.file.is_some() {
        // Of the files beside it only what they do to this one is told.
        let own = outcome.sources.find(&node.path);
        let is_part = |file: FileId| match node.file {
            // What such a file pulls in is nobody else's.
            Some(kind @ (FileKind::Hba | FileKind::Ident)) => outcome.sources.get(file).kind == kind,
            _ => false,
        };
        findings.retain(|finding| Some(finding.place.file) == own || is_part(finding.place.file));
        outcome.files += usize::from(own.is_some());
    } else {
        outcome.errors.extend(unreadable(files, &subject));
    }
    findings
}

/// The files of a node that are there and cannot be read.
fn unreadable(files: &dyn Files, subject: &Subject) -> Vec<(PathBuf, ReadError)> {
    let names = [files_names::POSTGRESQL_CONF, files_names::PG_HBA, files_names::PG_IDENT];
    let paths = names.into_iter().map(|name| subject.main.with_file_name(name));
    let error = |path: PathBuf| match files.read(&path) {
        Ok(_) | Err(ReadError::Missing) => None,
        Err(error) => Some((path, error)),
    };
    paths.filter_map(error).collect()
}
