//! What a node is checked against: the first that is known of flag, comment, configuration, `PG_VERSION`, path.

use std::path::{Path, PathBuf};

use super::directory_of;
use crate::check::{Before, Node, setting};
use crate::cli;
use crate::config::{Config, NodeConfig};
use crate::files::{self, Place, kind_of};
use crate::model::tree;
use crate::names;
use crate::report::{Show, Trouble};
use crate::source::{FileKind, Files, ReadError, Source, Sources};
use crate::suppress::{self, Target};
use crate::version::{Major, PgVersion, Role, Targets, from_path, from_pg_version_file};

/// The node with everything that is known of it.
///
/// # Errors
/// A version that is not checked against, or not one.
pub fn resolve(
    files: &dyn Files,
    found: &files::Node,
    asked: &cli::Target,
    config: &Config,
    show: &Show,
) -> Result<Node, Trouble> {
    let file = match found.place {
        Place::Directory => None,
        Place::File(kind) => Some(kind),
    };
    let directory = directory_of(&found.path, file.is_some());
    let known = known(config, &directory, show);
    let said = comments(files, &found.path, file, &directory);
    let named = asked.data_dir.clone().or_else(|| known?.data_dir.clone());
    let data_is_here = named.is_some();
    let data_dir = named.or_else(|| data_directory(files, &directory));
    let pg = asked.pg.clone().or(said.pg).or_else(|| known?.pg.clone()).or_else(|| config.pg.clone());
    let targets = match pg {
        Some(targets) => targets,
        None => found_out(files, &directory, data_dir.as_deref(), show)?,
    };
    let role = asked.role.or(said.role).or_else(|| known?.role);
    let role = role.or_else(|| signalled(files, data_dir.as_deref().unwrap_or(&directory), &directory, &targets));
    Ok(Node {
        path: found.path.clone(),
        file,
        data_dir,
        data_is_here,
        targets,
        role,
        wal_segment_size: None,
        before: Before::default(),
    })
}

/// What the configuration says of the node in a directory.
pub fn known<'a>(config: &'a Config, directory: &Path, show: &Show) -> Option<&'a NodeConfig> {
    let directory = show.path(directory);
    config.nodes.iter().find(|node| show.path(&node.path) == directory)
}

/// What the files' own comments say: those of the file itself, then those of the node's others.
fn comments(files: &dyn Files, path: &Path, file: Option<FileKind>, directory: &Path) -> Target {
    const NAMES: [&str; 5] =
        ["postgresql.conf", "postgresql.auto.conf", "pg_hba.conf", "pg_ident.conf", "recovery.conf"];
    let own = file.map(|kind| (path.to_owned(), kind));
    let others = NAMES.iter().filter_map(|name| Some((directory.join(name), kind_of(Path::new(name))?)));
    let mut sum = Target::default();
    for (path, kind) in own.into_iter().chain(others) {
        let Ok(bytes) = files.read(&path) else { continue };
        let said = suppress::target(&suppress::read(&Source::new(path, kind, bytes)));
        sum = Target { pg: sum.pg.or(said.pg), role: sum.role.or(said.role) };
    }
    sum
}

/// The data directory that the configuration names, with all that it includes, if it is another.
pub fn data_directory(files: &dyn Files, directory: &Path) -> Option<PathBuf> {
    let main = directory.join(names::POSTGRESQL_CONF);
    files.read(&main).ok()?;
    // How paths are joined hardly depends on the version, which is not known yet.
    let tree = tree::read(files, &mut Sources::default(), &main, None, Major::V18);
    Some(tree.data_directory).filter(|named| tree.names_data && named.is_absolute())
}

fn found_out(files: &dyn Files, directory: &Path, data_dir: Option<&Path>, show: &Show) -> Result<Targets, Trouble> {
    let refused =
        |path: &Path, error: &dyn ToString| Trouble { path: Some(path.to_owned()), message: error.to_string() };
    let one = |path: &Path, major: Major| Targets::one(PgVersion::newest(major)).map_err(|error| refused(path, &error));
    for place in [Some(directory), data_dir].into_iter().flatten() {
        let path = place.join("PG_VERSION");
        match files.read(&path) {
            Ok(bytes) => {
                let major = from_pg_version_file(&bytes).map_err(|error| refused(&path, &error))?;
                return one(&path, major);
            }
            Err(ReadError::Missing | ReadError::NotDirectory) => {}
            // Another version would be no better than a guess. A data directory elsewhere often belongs to the server alone.
            Err(error) if place == directory => return Err(refused(&path, &error)),
            Err(_) => {}
        }
    }
    let absolute = show.directory.join(directory);
    match from_path(&absolute).or_else(|| from_path(data_dir?)) {
        Some(major) => one(directory, major),
        None => Ok(Targets::all()),
    }
}

/// A standby is one by its signal file from 12 on, and by its recovery.conf before.
fn signalled(files: &dyn Files, data: &Path, directory: &Path, targets: &Targets) -> Option<Role> {
    let is_there = |path: &Path| !matches!(files.read(path), Err(ReadError::Missing | ReadError::NotDirectory));
    let from_12 = targets.newest().major >= Major::V12;
    let before_12 = targets.versions().iter().any(|version| version.major < Major::V12);
    if from_12 && is_there(&data.join("standby.signal")) {
        return Some(Role::Standby);
    }
    let recovery = || [data, directory].iter().find_map(|directory| files.read(&directory.join("recovery.conf")).ok());
    let mode = if before_12 { setting(&recovery()?, "standby_mode") } else { None };
    let is_on =
        |value: Vec<u8>| matches!(value.to_ascii_lowercase().as_slice(), b"on" | b"true" | b"yes" | b"1" | b"t" | b"y");
    mode.filter(|mode| is_on(mode.clone())).map(|_| Role::Standby)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::Memory;

    fn resolved(memory: &Memory, asked: &cli::Target, config: &Config) -> Result<(String, Option<Role>), String> {
        let found = files::Node { path: "db1".into(), place: Place::Directory };
        let show = Show { directory: "/work".into(), ..Show::default() };
        resolve(memory, &found, asked, config, &show)
            .map(|node| (node.targets.to_string(), node.role))
            .map_err(|trouble| trouble.message)
    }

    fn asked(pg: &str, role: Option<Role>) -> cli::Target {
        cli::Target { pg: pg.parse().ok(), role, ..cli::Target::default() }
    }

    #[test]
    fn the_first_that_is_known_decides() {
        let config = |text: &str| crate::config::parse(Path::new("pgconflint.toml"), text.as_bytes()).expect("valid");
        let (none, nothing) = (Config::default(), cli::Target::default());
        let mut memory = Memory::default().with("db1/pg_hba.conf", b"");
        let ok = |pg: &str, role| Ok((pg.to_owned(), role));
        assert_eq!(resolved(&memory, &nothing, &none), ok("9.4..18", None));
        memory = memory.with("/data/PG_VERSION", b"13\n").with("db1/postgresql.conf", b"data_directory = '/data'\n");
        assert_eq!(resolved(&memory, &nothing, &none), ok("13", None));
        memory = memory.with("db1/postgresql.conf", b"include_dir 'conf.d'\n");
        memory = memory.with("db1/conf.d/paths.conf", b"data_directory = '/data'\n");
        assert_eq!(resolved(&memory, &nothing, &none), ok("13", None), "from an included file");
        memory = memory.with("db1/PG_VERSION", b"14\n");
        assert_eq!(resolved(&memory, &nothing, &none), ok("14", None));
        let global = config("pg = '15'");
        assert_eq!(resolved(&memory, &nothing, &global), ok("15", None));
        let node = config("pg = '15'\n[[node]]\nname = 'a'\npath = 'db1'\npg = '16'\nrole = 'primary'");
        assert_eq!(resolved(&memory, &nothing, &node), ok("16", Some(Role::Primary)));
        memory = memory.with("db1/pg_hba.conf", b"# pgconflint: pg=17 role=standby\n");
        assert_eq!(resolved(&memory, &nothing, &node), ok("17", Some(Role::Standby)));
        assert_eq!(resolved(&memory, &asked("9.6", Some(Role::Primary)), &node), ok("9.6", Some(Role::Primary)));
    }

    #[test]
    fn a_version_that_cannot_be_read_is_not_guessed() {
        let memory = Memory::default().with("db1/PG_VERSION/file", b"");
        let refused = resolved(&memory, &cli::Target::default(), &Config::default());
        assert_eq!(refused, Err("Is a directory".to_owned()));
        assert_eq!(resolved(&memory, &asked("16", None), &Config::default()).expect("given").0, "16");
        let memory = Memory::default().with("db1/postgresql.conf", b"data_directory = '/data'\n");
        let elsewhere = memory.with("/data/PG_VERSION/file", b"");
        assert_eq!(resolved(&elsewhere, &cli::Target::default(), &Config::default()).expect("not known").0, "9.4..18");
    }

    #[test]
    fn a_standby_is_known_by_its_files() {
        let role = |memory: Memory, pg| resolved(&memory, &asked(pg, None), &Config::default()).expect("known").1;
        let signal = || Memory::default().with("db1/standby.signal", b"");
        assert_eq!(role(signal(), "12"), Some(Role::Standby));
        assert_eq!(role(signal(), "11"), None);
        let recovery = |text: &[u8]| Memory::default().with("db1/recovery.conf", text);
        assert_eq!(role(recovery(b"standby_mode = 'on'\n"), "11"), Some(Role::Standby));
        assert_eq!(role(recovery(b"standby_mode = 'on'\n"), "12"), None);
        assert_eq!(role(recovery(b"standby_mode = off\n"), "11"), None);
    }

    #[test]
    fn a_version_that_is_not_checked_against_is_said() {
        let memory = Memory::default().with("db1/PG_VERSION", b"9.2\n");
        let refused = resolved(&memory, &cli::Target::default(), &Config::default());
        assert!(refused.expect_err("9.2 is only a source").contains("migrate from"));
    }
}
