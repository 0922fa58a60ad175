//! Which nodes and files the paths on the command line mean.

use std::collections::HashSet;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};

use walkdir::{DirEntry, WalkDir};

use super::ignored::Ignored;
use super::{Disk, words};
use crate::source::{FileKind, ReadError};

/// Of a directory that git ignores no more is looked at.
const MOST_ENTRIES: usize = 2_000;

/// Something to check by itself.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Node {
    /// Where it lies, as it is shown.
    pub path: PathBuf,
    /// Whether it is a directory with all its files, or one file.
    pub place: Place,
}

/// What a node's path leads to.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Place {
    /// A directory with the configuration of a server, its data, or both.
    Directory,
    /// One file, its siblings read from the disk.
    File(FileKind),
}

/// What was found.
#[derive(Debug, Default)]
pub struct Discovery {
    /// Sorted by path, each once.
    pub nodes: Vec<Node>,
    /// What could not be read or is of no known kind, and why.
    pub errors: Vec<(PathBuf, String)>,
    /// Directories with nodes in them that git ignores.
    pub ignored: Vec<PathBuf>,
}

/// Finds the nodes at and below `paths`; `kind` says what a file is whose name does not. What git ignores below a path is
/// left out, if that is asked for.
pub fn discover(disk: &Disk, paths: &[PathBuf], kind: Option<FileKind>, heeds_git: bool) -> Discovery {
    let mut found = Discovery::default();
    for path in paths {
        let real = match disk.resolve(path) {
            Ok(real) => real,
            Err(error) => {
                found.errors.push((path.clone(), error.to_string()));
                continue;
            }
        };
        match fs::metadata(&real) {
            Ok(metadata) if metadata.is_dir() => walk(disk, (&real, path), heeds_git, &mut found),
            Ok(_) => found.lone_file(path, kind),
            Err(error) => found.errors.push((path.clone(), words(&error).to_string())),
        }
    }
    found.nodes.sort_unstable();
    found.nodes.dedup();
    found.errors.sort_unstable();
    found.ignored.sort_unstable();
    found
}

/// What a file is to the server, by its name.
pub fn kind_of(path: &Path) -> Option<FileKind> {
    let name = path.file_name()?.to_str()?;
    // Debian and editors keep copies: postgresql.conf.sample, pg_hba.conf.bak. recovery.done is over.
    match name {
        _ if name.starts_with("pg_hba") => Some(FileKind::Hba),
        _ if name.starts_with("pg_ident") => Some(FileKind::Ident),
        _ if name.starts_with("recovery.conf") => Some(FileKind::Recovery),
        _ if name.starts_with("postgresql.") || name.ends_with(".conf") => Some(FileKind::Conf),
        _ => None,
    }
}

impl Discovery {
    fn lone_file(&mut self, path: &Path, kind: Option<FileKind>) {
        match kind.or_else(|| kind_of(path)) {
            Some(kind) => self.nodes.push(Node { path: path.to_owned(), place: Place::File(kind) }),
            None => {
                let message = "its name does not say what it is: say --kind conf, hba, ident or recovery";
                self.errors.push((path.to_owned(), message.to_owned()));
            }
        }
    }
}

/// Whether a file of that name makes a directory a node.
fn is_marker(name: &OsStr) -> bool {
    const MARKERS: [&str; 6] =
        ["postgresql.conf", "postgresql.auto.conf", "pg_hba.conf", "pg_ident.conf", "recovery.conf", "PG_VERSION"];
    MARKERS.iter().any(|marker| name == *marker)
}

/// Directories in which nothing is to be found, or the same once more (Kubernetes mounts `..2024_11_21` beside links).
fn is_skipped(name: &OsStr) -> bool {
    name == ".git" || name.as_encoded_bytes().starts_with(b"..")
}

/// Finds the node directories at and below `top`, which is shown as `shown`.
fn walk(disk: &Disk, (top, shown): (&Path, &Path), heeds_git: bool, found: &mut Discovery) {
    let mut nodes: HashSet<PathBuf> = HashSet::new();
    let mut dangling: Vec<(PathBuf, String)> = Vec::new();
    let (mut ignored, mut left_out) = (heeds_git.then(|| Ignored::of(top)).flatten(), Vec::new());
    let mut walk = WalkDir::new(top).into_iter();
    let wanted = |entry: &DirEntry| entry.depth() == 0 || !is_skipped(entry.file_name());
    while let Some(entry) = walk.next() {
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) => {
                found.errors.push((error.path().unwrap_or(top).to_owned(), walk_error(&error)));
                continue;
            }
        };
        let kind = entry.file_type();
        if kind.is_dir() {
            // A data directory holds a PG_VERSION for each database: none of those is a node.
            if !wanted(&entry) || is_inside_data(&entry, top) {
                walk.skip_current_dir();
            } else if entry.depth() > 0 && ignored.as_mut().is_some_and(|ignored| ignored.covers(entry.path())) {
                walk.skip_current_dir();
                left_out.push(entry.path().to_owned());
            }
        } else if is_marker(entry.file_name()) {
            nodes.extend(entry.path().parent().map(Path::to_owned));
            if kind.is_symlink() {
                dangling.extend(disk.dangling(entry.path()).map(|why| (entry.path().to_owned(), why)));
            }
        } else if kind.is_symlink() && is_linked_node(entry.path()) {
            nodes.insert(entry.path().to_owned());
        }
    }
    let nodes = without_doubles(nodes);
    let show = |node: PathBuf| match node.strip_prefix(top) {
        Ok(inside) if inside.as_os_str().is_empty() => shown.to_owned(),
        Ok(inside) => shown.join(inside),
        Err(_) => node,
    };
    let nodes = nodes.into_iter().map(|node| Node { path: show(node), place: Place::Directory });
    found.nodes.extend(nodes);
    found.errors.extend(dangling.into_iter().map(|(path, why)| (show(path), why)));
    found.ignored.extend(left_out.into_iter().filter(|path| holds_node_below(path)).map(show));
}

fn is_inside_data(entry: &DirEntry, top: &Path) -> bool {
    let name = entry.file_name().as_encoded_bytes();
    if entry.path() == top || !(name == b"base" || name == b"global" || name.starts_with(b"pg_")) {
        return false;
    }
    entry.path().parent().is_some_and(|parent| parent.join("PG_VERSION").exists())
}

/// A link to a node is one; what lies below a linked directory is not looked at, so no link can make a walk endless.
fn is_linked_node(link: &Path) -> bool {
    holds_node(link) && !link.file_name().is_some_and(is_skipped)
}

/// Whether a directory is a node, or half of one.
pub fn holds_node(directory: &Path) -> bool {
    !markers(directory).is_empty()
}

/// Whether a node lies in a directory or close below it. What git ignores may be large, and this is for a remark.
fn holds_node_below(directory: &Path) -> bool {
    let entries = WalkDir::new(directory).max_depth(3).into_iter().flatten();
    entries.take(MOST_ENTRIES).any(|entry| is_marker(entry.file_name()))
}

/// The files that make a directory a node.
pub fn markers(directory: &Path) -> Vec<OsString> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    entries.map(|entry| entry.file_name()).filter(|name| is_marker(name)).collect()
}

/// Each directory once, under the name that is no link if it has one.
fn without_doubles(nodes: HashSet<PathBuf>) -> Vec<PathBuf> {
    let is_link = |node: &PathBuf| fs::symlink_metadata(node).is_ok_and(|node| node.is_symlink());
    let (mut links, mut nodes): (Vec<PathBuf>, Vec<PathBuf>) = nodes.into_iter().partition(is_link);
    if links.is_empty() {
        return nodes;
    }
    links.sort_unstable();
    let mut known: HashSet<PathBuf> = nodes.iter().filter_map(|node| fs::canonicalize(node).ok()).collect();
    nodes.extend(links.into_iter().filter(|link| fs::canonicalize(link).is_ok_and(|real| known.insert(real))));
    nodes
}

fn walk_error(error: &walkdir::Error) -> String {
    error.io_error().map_or(ReadError::Loop, words).to_string()
}

/// The files that a glob matches, sorted; a path without wildcards matches itself.
///
/// # Errors
/// Why it is no glob, or a directory cannot be read.
pub fn pages(glob: &Path) -> Result<Vec<PathBuf>, String> {
    let is_literal = |part: &Path| !part.as_os_str().as_encoded_bytes().iter().any(|byte| b"*?[{".contains(byte));
    let base = glob.ancestors().find(|part| is_literal(part)).unwrap_or(Path::new(""));
    if base == glob {
        return Ok(vec![glob.to_owned()]);
    }
    let text = glob.to_str().ok_or("a glob must be UTF-8")?;
    let matcher = globset::GlobBuilder::new(text).literal_separator(true).build();
    let matcher = matcher.map_err(|error| error.to_string())?.compile_matcher();
    let top = if base.as_os_str().is_empty() { Path::new(".") } else { base };
    let mut found = Vec::new();
    for entry in WalkDir::new(top) {
        let entry = entry.map_err(|error| walk_error(&error))?;
        let path = if base.as_os_str().is_empty() {
            entry.path().strip_prefix(".").unwrap_or(entry.path())
        } else {
            entry.path()
        };
        if entry.file_type().is_file() && matcher.is_match(path) {
            found.push(path.to_owned());
        }
    }
    found.sort_unstable();
    Ok(found)
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn tree(files: &[&str]) -> tempfile::TempDir {
        let tree = tempfile::tempdir().expect("a temporary directory");
        for file in files {
            let path = tree.path().join(file);
            fs::create_dir_all(path.parent().expect("it has one")).expect("made");
            fs::write(path, "").expect("written");
        }
        tree
    }

    fn names(tree: &tempfile::TempDir, found: &Discovery) -> Vec<String> {
        let name = |node: &Node| node.path.strip_prefix(tree.path()).expect("below").display().to_string();
        found.nodes.iter().map(name).collect()
    }

    #[test]
    fn nodes_are_directories_with_a_marker_outside_of_data() {
        let tree = tree(&[
            "b/postgresql.conf",
            "b/conf.d/x.conf",
            "a/pg_hba.conf",
            "a/nested/recovery.conf",
            "data/PG_VERSION",
            "data/base/1/PG_VERSION",
            "data/pg_tblspc/1/PG_VERSION",
            ".git/postgresql.conf",
            "k8s/..2024/postgresql.conf",
            "other/readme",
            "base/postgresql.conf",
        ]);
        let found = discover(&Disk::default(), &[tree.path().to_owned()], None, true);
        assert_eq!(names(&tree, &found), ["a", "a/nested", "b", "base", "data"]);
        assert_eq!(found.errors, []);
    }

    #[test]
    fn links_are_followed_once_and_never_round() {
        let tree = tree(&["real/postgresql.conf", "k8s/..data/x"]);
        let outside = self::tree(&["linked/pg_hba.conf", "deep/er/pg_hba.conf"]);
        symlink("real", tree.path().join("same")).expect("linked");
        symlink("..", tree.path().join("real/up")).expect("linked");
        symlink(outside.path().join("linked"), tree.path().join("node")).expect("linked");
        symlink(outside.path().join("deep"), tree.path().join("deep")).expect("linked");
        symlink(outside.path().join("linked/pg_hba.conf"), tree.path().join("k8s/pg_hba.conf")).expect("linked");
        let found = discover(&Disk::default(), &[tree.path().to_owned()], None, true);
        assert_eq!(names(&tree, &found), ["k8s", "node", "real"]);
    }

    #[test]
    fn what_git_ignores_is_left_out_unless_it_is_named() {
        let tree = tree(&[
            ".git/HEAD",
            "db/postgresql.conf",
            "pgdata/16/postgresql.conf",
            "build/out/pg_hba.conf",
            "build/keep/pg_hba.conf",
            "local/postgresql.conf",
            "empty/readme",
        ]);
        fs::write(tree.path().join(".gitignore"), "pgdata/\nempty/\n*.conf\n[\n").expect("written");
        fs::write(tree.path().join("build/.gitignore"), "*\n!keep\n").expect("written");
        fs::create_dir_all(tree.path().join(".git/info")).expect("made");
        fs::write(tree.path().join(".git/info/exclude"), "/local\n").expect("written");
        let find = |path: &str, heeds_git| discover(&Disk::default(), &[tree.path().join(path)], None, heeds_git);
        let found = find("", true);
        assert_eq!(names(&tree, &found), ["build/keep", "db"], "files are looked at whatever git thinks of them");
        let ignored: Vec<&Path> = found.ignored.iter().filter_map(|path| path.strip_prefix(tree.path()).ok()).collect();
        assert_eq!(ignored, ["build/out", "local", "pgdata"].map(Path::new));
        assert_eq!(names(&tree, &find("pgdata", true)), ["pgdata/16"]);
        assert_eq!(names(&tree, &find("", false)).len(), 5);
    }

    #[test]
    fn files_have_a_kind_or_are_refused() {
        let tree = tree(&["pg_hba.conf", "x.txt", "conf.d/y.conf"]);
        let path = |name: &str| tree.path().join(name);
        let paths = [path("x.txt"), path("conf.d/y.conf"), path("none.conf"), path("pg_hba.conf"), path("pg_hba.conf")];
        let found = discover(&Disk::default(), &paths, None, true);
        assert_eq!(names(&tree, &found), ["conf.d/y.conf", "pg_hba.conf"]);
        assert_eq!(found.errors.len(), 2);
        assert_eq!(found.nodes[1].place, Place::File(FileKind::Hba));
        let found = discover(&Disk::default(), &paths[..1], Some(FileKind::Ident), true);
        assert_eq!(found.nodes[0].place, Place::File(FileKind::Ident));
    }

    #[test]
    fn a_root_is_looked_below_and_not_shown() {
        let tree = tree(&["etc/postgresql/14/main/postgresql.conf"]);
        let disk = Disk::below(Some(tree.path().to_owned()));
        let found = discover(&disk, &["/etc/postgresql".into()], None, true);
        assert_eq!(found.nodes[0].path, Path::new("/etc/postgresql/14/main"));
    }

    #[test]
    fn globs_match_pages() {
        let tree = tree(&["policy/b.md", "policy/a.md", "policy/deep/c.md", "policy/x.txt"]);
        let found = |glob: &str| pages(&tree.path().join(glob)).expect("a glob").len();
        assert_eq!(found("policy/*.md"), 2);
        assert_eq!(found("policy/**/*.md"), 3);
        assert_eq!(found("policy/none*.md"), 0);
        assert!(pages(&tree.path().join("policy/[")).is_err());
    }
}
