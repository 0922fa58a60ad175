//! The examples of rule pages as tests: what `fires` fires, what is `fixed` is what the fix makes of
//! it, what is `quiet` is quiet.

pub mod foretold;
pub mod pair;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

use crate::catalog::Catalog;
use crate::check::{self, Rules, Subject};
use crate::edit;
use crate::finding::Finding;
use crate::model::control;
use crate::names;
use crate::rule::page::{self, Example, Page, Shows};
use crate::source::{FileKind, Files, ReadError, Sources};
use crate::version::{Major, PgVersion, Requirement, Role, Targets};

/// The name of the file with which a server begins.
pub const MAIN: &str = "postgresql.conf";

/// The name by which an example gives its directory permissions.
pub const DIRECTORY: &str = ".";

/// The directory that holds another revision of the same node.
pub const BASE: &str = "base";

/// An example that does not show what it says, in words.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Failure {
    /// The page.
    pub page: String,
    /// The line of the page.
    pub line: usize,
    /// What was expected and what was found.
    pub what: String,
}

/// The versions for which an example holds: the page's, narrowed by the example's own.
///
/// # Errors
/// A range that cannot be read.
pub fn versions(page: &Page, example: &Example, targets: &Targets) -> Result<Vec<PgVersion>, String> {
    let own = match example.majors.as_ref() {
        "" => None,
        range => Some(Targets::from_str(range).map_err(|error| error.to_string())?),
    };
    let of_page = match page.pg.as_ref() {
        "" => None,
        text => Some(Requirement::from_str(text).map_err(|error| error.to_string())?),
    };
    let candidates = own.as_ref().unwrap_or(targets).versions().iter().copied();
    Ok(candidates
        .filter(|version| {
            own.is_some() && example.shows == Shows::Quiet
                || of_page.as_ref().is_none_or(|page| page.holds_for(*version))
        })
        .collect())
}

/// The files of an example, in memory.
#[derive(Clone, Debug, Default)]
pub struct ExampleFiles {
    files: BTreeMap<PathBuf, (Arc<[u8]>, Option<u32>)>,
    /// The permissions of the directory itself.
    mode: Option<u32>,
    /// Set where the example is a file that is checked for itself: the others are there for its sake.
    lone: Option<(FileKind, PathBuf)>,
    /// Directories that are there and hold nothing.
    empty: BTreeSet<PathBuf>,
    /// The directory that absolute paths lead to; all others are relative to it.
    root: PathBuf,
    /// The major that the node runs now.
    from: Option<Major>,
}

/// What an empty file of that name stands for in an example: a key, or a certificate.
fn pem(name: &str) -> Option<&'static [u8]> {
    match () {
        () if name.ends_with(".key") => Some(b"-----BEGIN PRIVATE KEY-----\n"),
        () if name.ends_with(".crt") => Some(b"-----BEGIN CERTIFICATE-----\n"),
        () => None,
    }
}

impl ExampleFiles {
    /// The files of that example.
    pub fn of(example: &Example) -> ExampleFiles {
        let mut files = BTreeMap::new();
        let bytes = |name: &str, bytes: &[u8]| Arc::from(pem(name).filter(|_| bytes.is_empty()).unwrap_or(bytes));
        if let Some(file) = &example.file {
            files.insert(PathBuf::from(example.main), (Arc::from(file.as_slice()), None));
        }
        let mut mode = None;
        for beside in example.beside.iter() {
            if beside.name == DIRECTORY {
                mode = beside.mode;
                continue;
            }
            files.insert(PathBuf::from(&beside.name), (bytes(&beside.name, &beside.bytes), beside.mode));
        }
        let kind = [(names::PG_HBA, FileKind::Hba), (names::PG_IDENT, FileKind::Ident)]
            .into_iter()
            .find(|(name, _)| *name == example.main);
        ExampleFiles {
            files,
            mode,
            lone: kind.map(|(name, kind)| (kind, PathBuf::from(name))),
            from: Major::from_table(&example.from),
            ..ExampleFiles::default()
        }
    }

    /// The same with a pg_control as a server of that version has it, where the example says of it only what the server
    /// ran with: `max_connections = 100`.
    fn made_for(mut self, version: PgVersion) -> ExampleFiles {
        let path = Path::new(names::PG_CONTROL);
        let Some((bytes, _)) = self.files.get(path) else { return self };
        let text = String::from_utf8_lossy(bytes).into_owned();
        let said: Vec<(&str, &str)> = text.lines().filter_map(|line| line.split_once(" = ")).collect();
        let made = control::Made::default().with(&said);
        if let Some(made) = control::made(version.major, &made).filter(|_| !said.is_empty()) {
            self.files.insert(path.to_path_buf(), (Arc::from(made), None));
        }
        self
    }

    /// The files of a primary and its standbys, `primary/postgresql.conf` and so on.
    pub fn of_pair(setup: &pair::Setup, ports: &pair::Ports) -> ExampleFiles {
        let files = setup.files.iter();
        let content = |path: &Path, bytes: &[u8]| {
            let known = path.file_name().and_then(|name| pem(name.to_str()?)).filter(|_| bytes.is_empty());
            Arc::from(known.unwrap_or(bytes))
        };
        let files = files.map(|(path, (bytes, mode))| (path.clone(), (content(path, bytes), *mode)));
        ExampleFiles {
            files: files.collect(),
            empty: setup.empty.clone(),
            root: PathBuf::from(&ports.root),
            ..ExampleFiles::default()
        }
    }

    fn inside<'a>(&self, path: &'a Path) -> &'a Path {
        if path.is_absolute() && path != self.root {
            path.strip_prefix(&self.root).unwrap_or(path)
        } else if path.is_absolute() {
            Path::new(".")
        } else {
            path.strip_prefix(".").ok().filter(|rest| *rest != Path::new("")).unwrap_or(path)
        }
    }
}

impl Files for ExampleFiles {
    fn read(&self, path: &Path) -> Result<Arc<[u8]>, ReadError> {
        let path = self.inside(path);
        match self.files.get(path) {
            Some((_, Some(0))) => Err(ReadError::Denied),
            Some((bytes, _)) => Ok(bytes.clone()),
            None if path == Path::new(".")
                || self.empty.contains(path)
                || self.files.keys().any(|name| name.starts_with(path)) =>
            {
                Err(ReadError::IsDirectory)
            }
            None => Err(ReadError::Missing),
        }
    }

    fn list(&self, directory: &Path) -> Result<Vec<(Vec<u8>, bool)>, ReadError> {
        let directory = self.inside(directory);
        if self.files.contains_key(directory) {
            return Err(ReadError::NotDirectory);
        }
        if self.empty.contains(directory) {
            return Ok(Vec::new());
        }
        let directory = directory.strip_prefix(".").unwrap_or(directory);
        let below = self.files.keys().filter_map(|name| name.strip_prefix(directory).ok());
        let mut names: Vec<(Vec<u8>, bool)> = below
            .filter_map(|rest| {
                let first = rest.components().next()?;
                Some((first.as_os_str().as_encoded_bytes().to_vec(), rest.components().count() > 1))
            })
            .collect();
        names.dedup();
        if names.is_empty() { Err(ReadError::Missing) } else { Ok(names) }
    }

    fn mode(&self, path: &Path) -> Option<u32> {
        if path == Path::new(DIRECTORY) {
            return self.mode;
        }
        self.files.get(self.inside(path)).and_then(|(_, mode)| *mode)
    }

    fn owner(&self, _path: &Path) -> Option<u32> {
        // All are the server's own.
        Some(1)
    }
}

/// Checks an example of a primary and its standbys for one version.
///
/// # Errors
/// What is wrong with the example.
pub fn of_pair(example: &Example, rules: &Rules, version: PgVersion) -> Result<check::Outcome, String> {
    let ports = pair::Ports::offline(&example.beside);
    let setup = pair::expand(&example.beside, version.major, &ports)?;
    foretold::check(&setup, &ports, rules, version)
}

/// Checks an example's files for one version.
pub fn check(files: &ExampleFiles, rules: &Rules, version: PgVersion, role: Option<Role>) -> (Sources, Vec<Finding>) {
    let mut sources = Sources::default();
    let files = &files.clone().made_for(version);
    let lone = files.lone.clone();
    let subject = |main: PathBuf| Subject { main, with_auto: true, role, ..Subject::default() };
    let has_base = files.files.keys().any(|path| path.starts_with(BASE));
    let base = has_base.then(|| Box::new(subject(Path::new(BASE).join(MAIN))));
    let subject = Subject { lone, base, from: files.from, ..subject(PathBuf::from(MAIN)) };
    let catalogs = [Catalog::shared(version)];
    let findings = check::conf(files, &mut sources, &subject, rules, &catalogs);
    (sources, findings)
}

/// Runs the examples of a page among all rules, for every version of `targets` that it claims.
pub fn run(page: &Page, rules: &Rules, targets: &Targets) -> Vec<Failure> {
    let mut failures = Vec::new();
    let role = Role::from_word(&page.role);
    let mut last_fires: Option<&Example> = None;
    let mut fires = 0;
    let mut quiet = 0;
    let examples = page.examples();
    for example in &examples {
        let mut fail = |what: String| {
            failures.push(Failure { page: page.id.to_string(), line: example.line, what });
        };
        // A fixed file belongs to the versions of the example that it follows.
        let of = match example.shows {
            Shows::Fixed => last_fires.unwrap_or(example),
            _ => example,
        };
        let versions = match versions(page, of, targets) {
            Ok(versions) => versions,
            Err(error) => {
                fail(error);
                continue;
            }
        };
        match example.shows {
            Shows::Fires => {
                fires += 1;
                last_fires = Some(example);
            }
            Shows::Quiet => quiet += 1,
            Shows::Fixed => {}
        }
        for version in versions {
            if let Some(what) = shown(page, example, of, rules, version, role) {
                fail(format!("PostgreSQL {version}: {what}"));
            }
        }
    }
    if fires == 0 || quiet == 0 {
        failures.push(Failure {
            page: page.id.to_string(),
            line: 1,
            what: "a page has an example that fires and one that is quiet".to_string(),
        });
    }
    failures
}

/// What is wrong with an example in one version.
fn shown(
    page: &Page,
    example: &Example,
    of: &Example,
    rules: &Rules,
    version: PgVersion,
    role: Option<Role>,
) -> Option<String> {
    let (sources, findings) = if of.main == page::PAIR {
        match of_pair(of, rules, version) {
            Ok(outcome) => (outcome.sources, outcome.findings),
            Err(error) => return Some(error),
        }
    } else {
        check(&ExampleFiles::of(of), rules, version, role)
    };
    let fired: Vec<&Finding> = findings.iter().filter(|finding| finding.rule == page.id).collect();
    let others = || findings.iter().map(|finding| finding.rule.as_ref()).collect::<Vec<_>>().join(", ");
    match example.shows {
        Shows::Fires => {
            if let Some(left) = fired.iter().find(|finding| is_left(&finding.message)) {
                return Some(format!("a placeholder is left in `{}`", left.message));
            }
            fired.is_empty().then(|| format!("does not fire; found: [{}]", others()))
        }
        Shows::Quiet => (!fired.is_empty()).then(|| format!("is not quiet: {}", fired[0].message)),
        Shows::Fixed => {
            let round = edit::round(fired.iter().filter_map(|finding| finding.fix.as_ref()));
            let main = sources.find(Path::new(of.main))?;
            let edits: Vec<_> = round.edits.get(&main).cloned().unwrap_or_default();
            let fixed = edit::apply(&sources.get(main).bytes, &edits);
            let wanted = example.file.as_ref()?;
            (fixed != *wanted).then(|| format!("the fix makes `{}`", String::from_utf8_lossy(&fixed).trim_end()))
        }
    }
}

/// Whether a placeholder of the page's title was not filled in.
fn is_left(message: &str) -> bool {
    let names = message.split('{').skip(1).filter_map(|rest| rest.split_once('}')).map(|(name, _)| name);
    names.into_iter().any(|name| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'))
}
