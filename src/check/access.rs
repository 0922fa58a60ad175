//! pg_hba.conf and pg_ident.conf of a node: reading them for a version, and what is wrong with them.

use std::path::{Path, PathBuf};

use super::Subject;
use super::spot::{Spot, View};
use crate::model::hba::{self, Build, Hba, Surroundings};
use crate::model::ident::{self, Ident};
use crate::model::path;
use crate::model::settings::Settings;
use crate::model::tree::Tree;
use crate::names;
use crate::source::{FileKind, Files, Sources};

/// What a server would read of who may connect.
#[derive(Debug, Default)]
pub struct Access {
    /// pg_hba.conf, unless nothing is known of it.
    pub hba: Option<Hba>,
    /// pg_ident.conf, unless nothing is known of it.
    pub ident: Option<Ident>,
}

/// Reads the files of a subject as the version of `settings` does.
///
/// A lone postgresql.conf is checked without them.
pub fn read(files: &dyn Files, sources: &mut Sources, subject: &Subject, tree: &Tree, settings: &Settings) -> Access {
    let lone = |kind: FileKind| subject.lone_of(kind).map(Path::to_path_buf);
    if !subject.with_auto || lone(FileKind::Recovery).is_some() {
        return Access::default();
    }
    let path = |kind: FileKind, setting: &str, name: &str| {
        lone(kind).or_else(|| found(files, subject, tree, settings, setting, name))
    };
    let major = settings.catalog.version.major;
    // Without a postgresql.conf its settings are not the defaults, but not known.
    let setting = |name: &str| match tree.missing {
        Some(_) => None,
        None => settings.value(name).map(|value| value.plain()),
    };
    let around =
        Surroundings { major, build: Build::PACKAGES, setting: &setting, resolve: &|_| None, interface: &|_| true };
    let hba = path(FileKind::Hba, names::HBA_FILE, names::PG_HBA);
    let ident = path(FileKind::Ident, names::IDENT_FILE, names::PG_IDENT);
    Access {
        hba: hba.map(|path| hba::read(files, sources, &path, &around)),
        ident: ident.map(|path| ident::read(files, sources, &path, major)),
    }
}

/// Where a file is: where the setting says, else in the data directory, else beside postgresql.conf. What is not
/// on this machine is looked for where it would lie in a repository.
fn found(
    files: &dyn Files,
    subject: &Subject,
    tree: &Tree,
    settings: &Settings,
    setting: &str,
    name: &str,
) -> Option<PathBuf> {
    let said = settings.value(setting).map(|value| value.plain()).filter(|value| !value.is_empty());
    let said = said.map(|value| match value.starts_with(b"/") {
        true => path::from_bytes(&value),
        // It is relative to the directory that the server is started in: that of the data, as a rule.
        false => tree.data_directory.join(path::from_bytes(&value)),
    });
    let beside = subject.main.parent().unwrap_or(Path::new("")).join(name);
    [said, Some(tree.data_directory.join(name)), Some(beside)]
        .into_iter()
        .flatten()
        .find(|path| files.read(path).is_ok())
}

/// Everything about who may connect.
pub fn check(_view: &View, _spots: &mut Vec<Spot>) {}
