//! The versions that a check is aimed at, as options, files and paths name them.

use std::fmt;
use std::path::{Component, Path};
use std::str::FromStr;

use super::{Major, PgVersion, VersionError};

/// The versions that files are checked against at once.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Targets {
    /// Ascending, never empty, none older than 9.4.
    versions: Vec<PgVersion>,
}

impl Targets {
    /// Every released major that files are checked against.
    pub fn all() -> Targets {
        let released = Major::CHECKED.into_iter().filter(|major| !major.is_preview());
        Targets { versions: released.map(PgVersion::newest).collect() }
    }

    /// One version.
    ///
    /// # Errors
    /// For 9.0 to 9.3, which are known only as something to migrate from.
    pub fn one(version: PgVersion) -> Result<Targets, VersionError> {
        if version.major.is_only_a_source() {
            return Err(VersionError(format!(
                "{version} is known only as a version to migrate from; files are checked against {} to {}",
                Major::V9_4,
                Major::V19
            )));
        }
        Ok(Targets { versions: vec![version] })
    }

    /// The versions, ascending; there is at least one.
    pub fn versions(&self) -> &[PgVersion] {
        &self.versions
    }

    /// The newest of them.
    pub fn newest(&self) -> PgVersion {
        *self.versions.last().expect("there is at least one")
    }

    /// Whether one of them is a preview: a major that has not been released.
    pub fn preview(&self) -> Option<Major> {
        Some(self.newest().major).filter(|major| major.is_preview())
    }
}

impl fmt::Display for Targets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.versions.as_slice() {
            [one] => one.fmt(f),
            [first, .., last] => write!(f, "{first}..{last}"),
            [] => Ok(()),
        }
    }
}

impl FromStr for Targets {
    type Err = VersionError;

    /// Reads `16`, `14.2`, `9.6` or `11..16`, both ends included.
    fn from_str(text: &str) -> Result<Targets, VersionError> {
        let Some((first, last)) = text.split_once("..") else {
            return match text.split_once('-') {
                Some((first, last)) if is_version(first) && is_version(last) => {
                    Err(VersionError(format!("`{text}` is not a range of versions; did you mean `{first}..{last}`?")))
                }
                _ => Targets::one(text.parse()?),
            };
        };
        let last = last.strip_prefix('=').unwrap_or(last);
        let (first, last): (PgVersion, PgVersion) = (first.parse()?, last.parse()?);
        if let Some(minor) = [first, last].into_iter().find(|version| version.minor.is_some()) {
            let major = minor.major;
            return Err(VersionError(format!("a range is of majors, and {minor} is a minor of {major}")));
        }
        if first > last {
            return Err(VersionError(format!("`{text}` is empty; did you mean `{last}..{first}`?")));
        }
        Targets::one(first)?;
        let majors = Major::CHECKED.into_iter().filter(|major| (first.major..=last.major).contains(major));
        Ok(Targets { versions: majors.map(PgVersion::newest).collect() })
    }
}

fn is_version(text: &str) -> bool {
    text.parse::<PgVersion>().is_ok()
}

/// The major that the contents of a `PG_VERSION` file name.
///
/// # Errors
/// When they name none: the server then takes the directory for no data directory.
pub fn from_pg_version_file(bytes: &[u8]) -> Result<Major, VersionError> {
    let text = String::from_utf8_lossy(bytes);
    let version: PgVersion = text.trim().parse()?;
    Ok(version.major)
}

/// The major that a path names, as packages lay it out: `/etc/postgresql/14/main`, `/var/lib/pgsql/14/data`,
/// `/opt/postgresql-14`, `/opt/homebrew/var/postgresql@14`.
pub fn from_path(path: &Path) -> Option<Major> {
    const HOMES: [&str; 4] = ["postgresql", "postgres", "pgsql", "edb-as"];
    let names: Vec<&str> = path
        .components()
        .filter_map(|component| match component {
            Component::Normal(name) => name.to_str(),
            _ => None,
        })
        .collect();
    let version = |text: &str| text.parse().ok().map(|version: PgVersion| version.major);
    (0..names.len()).rev().find_map(|index| {
        let name = names[index];
        let below_home = || index.checked_sub(1).is_some_and(|parent| HOMES.contains(&names[parent]));
        let after = |home: &&str| version(name.strip_prefix(*home)?.strip_prefix(['-', '@'])?);
        HOMES.iter().find_map(after).or_else(|| version(name).filter(|_| below_home()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> String {
        text.parse::<Targets>().expect_err(text).to_string()
    }

    #[test]
    fn refusals_say_what_to_write_instead() {
        insta::assert_snapshot!(
            [
                "", "x", "v16", "pg16", "15beta1", "9", "9.7", "14.2.1", "20", "8.4", "1600", "9.3", "9.2..16",
                "11-16", "16..11", "14.2..16", "11..", "16.x", "16.+1", " 16"
            ]
            .map(|text| format!("{text:?}: {}", refused(text)))
            .join("\n")
        );
    }

    #[test]
    fn targets_are_ranges_of_majors() {
        let list = |text: &str| {
            text.parse::<Targets>().expect(text).versions().iter().map(PgVersion::to_string).collect::<Vec<_>>()
        };
        assert_eq!(list("9.6..11"), ["9.6", "10", "11"]);
        assert_eq!(list("14.2"), ["14.2"]);
        assert_eq!(list("18..=19"), ["18", "19"]);
        assert_eq!(Targets::all().versions().len(), 12);
        assert_eq!(Targets::all().preview(), None);
        assert_eq!("19".parse::<Targets>().expect("known").preview(), Some(Major::V19));
    }

    #[test]
    fn paths_and_pg_version_files_name_majors() {
        let path = |text: &str| from_path(Path::new(text));
        assert_eq!(path("/etc/postgresql/14/main/postgresql.conf"), Some(Major::V14));
        assert_eq!(path("/var/lib/pgsql/9.6/data"), Some(Major::V9_6));
        assert_eq!(path("/opt/homebrew/var/postgresql@17/x"), Some(Major::V17));
        assert_eq!(path("/usr/pgsql-12/share"), Some(Major::V12));
        assert_eq!(path("nodes/14/postgresql.conf"), None);
        assert_eq!(path("/etc/postgresql/main"), None);
        assert_eq!(from_pg_version_file(b"9.6\n"), Ok(Major::V9_6));
        assert!(from_pg_version_file(b"\xff").is_err());
    }
}
