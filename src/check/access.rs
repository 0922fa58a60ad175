//! pg_hba.conf and pg_ident.conf of a node: reading them for a version, and what is wrong with them.

mod address;
mod columns;
mod maps;
mod methods;
mod node;
mod order;
mod placeholder;
mod refused;
mod replication;

use std::path::{Path, PathBuf};

use super::Subject;
use super::spot::{Spot, View};
use crate::finding::Label;
use crate::model::access::{Record, Word};
use crate::model::hba::address::Address;
use crate::model::hba::{self, Build, Entry, Hba, Surroundings};
use crate::model::hosts::{self, Hosts};
use crate::model::ident::{self, Ident};
use crate::model::path;
use crate::model::settings::Settings;
use crate::model::tree::Tree;
use crate::names;
use crate::source::{FileId, FileKind, Files, Place, Sources, display};
use crate::value::Value;
use crate::version::{Major, Role};

/// What a server would read of who may connect.
#[derive(Debug, Default)]
pub struct Access {
    /// pg_hba.conf, unless nothing is known of it.
    pub hba: Option<Hba>,
    /// pg_ident.conf, unless nothing is known of it.
    pub ident: Option<Ident>,
    /// pg_hosts.conf, where the server reads it.
    pub hosts: Option<Hosts>,
}

/// Reads the files of a subject as the version of `settings` does.
///
/// A lone postgresql.conf is checked without them.
pub fn read(files: &dyn Files, sources: &mut Sources, subject: &Subject, tree: &Tree, settings: &Settings) -> Access {
    let lone = |kind: FileKind| subject.lone.as_ref().filter(|(of, _)| *of == kind).map(|(_, path)| path.clone());
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
    let hosts = is_by_host(settings).then(|| path(FileKind::Hosts, names::HOSTS_FILE, names::PG_HOSTS)).flatten();
    Access {
        hba: hba.map(|path| hba::read(files, sources, &path, &around)),
        ident: ident.map(|path| ident::read(files, sources, &path, major)),
        hosts: hosts.map(|path| hosts::read(files, sources, &path, major)),
    }
}

/// Whether clients get the certificate of the host that they ask for.
fn is_by_host(settings: &Settings) -> bool {
    let is_on = |name: &str| settings.value(name) == Some(Value::Bool(true));
    is_on(names::SSL) && is_on(names::SSL_SNI)
}

/// Where a file is: where the setting says, else in the directory that the server is started on, which is that of the
/// data unless postgresql.conf leads to them. What is not on this machine is looked for where it would lie in a repository.
fn found(
    files: &dyn Files,
    subject: &Subject,
    tree: &Tree,
    settings: &Settings,
    setting: &str,
    name: &str,
) -> Option<PathBuf> {
    let beside = subject.main.parent().unwrap_or(Path::new("")).join(name);
    let mut usual = [tree.data_directory.join(name), beside];
    if tree.names_data {
        usual.reverse();
    }
    said(tree, settings, setting).into_iter().chain(usual).find(|path| files.read(path).is_ok())
}

/// Where a server looks for a file that `setting` may name.
pub fn place(tree: &Tree, settings: &Settings, main: &Path, setting: &str, name: &str) -> PathBuf {
    let started_on = if tree.names_data { main.parent().unwrap_or(Path::new("")) } else { &tree.data_directory };
    said(tree, settings, setting).unwrap_or_else(|| started_on.join(name))
}

/// Where a setting says that the file is.
pub fn said(tree: &Tree, settings: &Settings, setting: &str) -> Option<PathBuf> {
    let value = settings.value(setting).map(|value| value.plain()).filter(|value| !value.is_empty())?;
    Some(match value.starts_with(b"/") {
        true => path::from_bytes(&value),
        // It is relative to the directory that the server is started in: that of the data, as a rule.
        false => tree.data_directory.join(path::from_bytes(&value)),
    })
}

/// Whether a line lets standbys in from other machines.
pub fn lets_standbys_in(access: &Access) -> bool {
    let lets_in = |entry: &Entry| is_for_replication(entry) && !entry.method.is_reject() && reach(entry) != Reach::Here;
    access.hba.as_ref().is_some_and(|hba| hba.entries().any(|(_, entry)| lets_in(entry)))
}

/// Everything about who may connect.
pub fn check(view: &View, role: Option<Role>, spots: &mut Vec<Spot>) {
    if let Some(hba) = &view.access.hba {
        let rules = Rules { view, hba, major: view.settings.catalog.version.major };
        refused::check(&rules, spots);
        let kept = columns::check(&rules, spots);
        address::check(&rules, &kept, spots);
        methods::check(&rules, spots);
        order::check(&rules, spots);
        replication::check(&rules, role, spots);
        node::check(&rules, spots);
        for rule in ["hba-host-bits", "hba-duplicate-line"] {
            gather(rule, spots);
        }
    }
    if let Some(ident) = &view.access.ident {
        maps::check(view, ident, spots);
    }
}

/// pg_hba.conf as the checks see it.
struct Rules<'a> {
    view: &'a View<'a>,
    hba: &'a Hba,
    major: Major,
}

/// From where a line lets clients come.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Reach {
    /// Through a socket, or from the machine itself.
    Here,
    /// Over a network.
    Network,
    /// From everywhere.
    World,
}

impl<'a> Rules<'a> {
    /// The lines that take part in matching.
    fn entries(&self) -> impl Iterator<Item = (&'a Record, &'a Entry)> {
        self.hba.lines.iter().filter_map(|line| Some((&line.record, line.verdict.as_ref().ok()?)))
    }

    /// A spot of that rule.
    fn spot(&self, rule: &'static str, place: Place) -> Spot {
        Spot::new(rule, place).word("pg", self.view.version_word())
    }

    /// The text at a place.
    fn text(&self, place: Place) -> String {
        display(self.view.sources.text(place))
    }

    /// `line 3`, or `pg_hba.d/a.conf:3` where it is in another file than `beside`.
    fn line_name(&self, record: &Record, beside: FileId) -> String {
        line_name(self.view, record, beside)
    }
}

/// `line 3`, or `pg_hba.d/a.conf:3` where it is in another file than `beside`.
fn line_name(view: &View, record: &Record, beside: FileId) -> String {
    if record.file == beside {
        return format!("line {}", record.line);
    }
    let path = &view.sources.get(record.file).path;
    let name = path.file_name().map_or_else(|| path.display().to_string(), |name| name.to_string_lossy().into_owned());
    format!("{name}:{}", record.line)
}

/// From where a line lets clients come.
fn reach(entry: &Entry) -> Reach {
    match &entry.address {
        None | Some(Address::SameHost) => Reach::Here,
        Some(Address::All) => Reach::World,
        Some(Address::SameNet) => Reach::Network,
        Some(Address::Name(name)) if name.eq_ignore_ascii_case(b"localhost") => Reach::Here,
        Some(Address::Name(_)) => Reach::Network,
        Some(Address::Network(network)) if network.is_loopback() => Reach::Here,
        Some(Address::Network(network)) if network.length() == Some(0) => Reach::World,
        Some(Address::Network(_)) => Reach::Network,
    }
}

/// Whether a line is for replication, perhaps among other things.
fn is_for_replication(entry: &Entry) -> bool {
    entry.databases.iter().any(is_replication)
}

/// The key word of the database column that `all` leaves out.
fn is_replication(word: &Word) -> bool {
    word.is(names::REPLICATION)
}

/// Words of a column as a sentence has them: the first few.
fn listed(words: &[Word]) -> String {
    const MOST: usize = 3;
    let mut shown: Vec<String> = words.iter().take(MOST).map(|word| format!("`{}`", display(&word.text))).collect();
    if words.len() > MOST {
        shown.push(format!("{} more", words.len() - MOST));
    }
    shown.join(", ")
}

/// Places that a finding names at most.
const MOST_RELATED: usize = 12;

/// Makes one finding of all that a rule found, with the edits of all.
fn gather(rule: &str, spots: &mut Vec<Spot>) {
    let (found, others): (Vec<Spot>, Vec<Spot>) = spots.drain(..).partition(|spot| spot.rule == rule);
    *spots = others;
    let mut found = found.into_iter();
    let Some(mut first) = found.next() else { return };
    let others: Vec<Spot> = found.collect();
    first.words.push(("more", more(others.len())));
    for (index, other) in others.into_iter().enumerate() {
        if index < MOST_RELATED {
            first.related.push(Label { place: other.place, message: other.label });
        }
        first.edits.extend(other.edits);
        // The loudest of them speaks for all.
        first.at_most = match (first.at_most, other.at_most) {
            (Some(one), Some(other)) => Some(one.max(other)),
            _ => None,
        };
    }
    spots.push(first);
}

fn more(count: usize) -> String {
    match count {
        0 => String::new(),
        1 => "1 more line".to_string(),
        count => format!("{count} more lines"),
    }
}

/// One finding for many lines: the first is its place, the others belong to it.
fn together(rules: &Rules, rule: &'static str, found: &[(Place, String)]) -> Option<Spot> {
    let ((place, label), others) = found.split_first()?;
    let mut spot = rules.spot(rule, *place).label(label.clone());
    spot.words.push(("more", more(others.len())));
    for (place, label) in others.iter().take(MOST_RELATED) {
        spot = spot.related(*place, label.clone());
    }
    Some(spot)
}
