//! Settings that an older server has no place for are taken out: behind a `#` in a file of people, and in
//! postgresql.auto.conf as ALTER SYSTEM RESET does.

use std::collections::{BTreeMap, BTreeSet};

use super::{After, Change, Stands};
use crate::catalog::{self, Catalog};
use crate::check::{self, Node, fix};
use crate::edit;
use crate::model::auto_conf::AutoConf;
use crate::model::tree::{Entry, Item};
use crate::names;
use crate::source::{FileId, Sources, display};
use crate::syntax::conf;
use crate::version::{Major, PgVersion};

/// Why a setting is taken out: a word for the comment, and a sentence.
pub struct Reason {
    /// Behind the line.
    pub comment: String,
    /// In the table of changes.
    pub why: String,
}

/// Takes out, wherever they stand, the settings for whose name `reason` is given, and says which.
pub fn take_out(after: &mut After, node: &Node, from: Major, reason: &dyn Fn(&str) -> Option<Reason>) -> Vec<Change> {
    let catalog = Catalog::shared(PgVersion::newest(from.max(Major::V9_4)));
    let subject = check::subject(node, after);
    let mut sources = Sources::default();
    let tree = check::read(after, &mut sources, &subject, catalog.version.major);
    let auto_conf = tree.data_directory.join(names::AUTO_CONF);
    let (mut rows, mut edits, mut reset) = (Vec::new(), BTreeMap::<FileId, Vec<_>>::new(), BTreeSet::new());
    let mut seen = BTreeSet::new();
    for (index, item) in tree.items.iter().enumerate() {
        let Item::Entry(entry) = item else { continue };
        let name = display(sources.text(entry.name())).to_ascii_lowercase();
        let Some(Reason { comment, why }) = reason(&name) else { continue };
        if !seen.insert(entry.place()) {
            continue;
        }
        rows.push(Change { setting: name.clone(), from: Some(stands(&sources, entry)), to: None, why });
        if index >= tree.auto_from {
            reset.insert(name);
        } else {
            edits.entry(entry.file).or_default().extend(fix::comment_out(&sources, entry, &comment));
        }
    }
    for (file, mut edits) in edits {
        edits.sort();
        let source = sources.get(file);
        after.set(source.path.clone(), edit::apply(&source.bytes, &edits));
    }
    for name in reset {
        let bytes = AutoConf { files: after, path: &auto_conf, catalog }.reset(&name);
        if let Ok(bytes) = bytes {
            after.set(auto_conf.clone(), bytes);
        }
    }
    rows
}

/// What the older server does not know, and nothing of it stands for.
pub fn unknown_to(to: Major, from: Major) -> impl Fn(&str) -> Option<Reason> {
    let catalogs = [to, from].map(|major| Catalog::shared(PgVersion::newest(major.max(Major::V9_4))));
    move |name| {
        let [old, new] = catalogs;
        // What the newer one refuses as well is none of our business.
        if old.find(name.as_bytes()).is_some() || new.find(name.as_bytes()).is_none() {
            return None;
        }
        let since = catalog::history(name).map_or(from, |(first, _)| first);
        Some(Reason {
            comment: format!("from {since} on"),
            why: format!("{to} does not know it: it came with {since}, and what it does is lost"),
        })
    }
}

fn stands(sources: &Sources, entry: &Entry) -> Stands {
    let source = sources.get(entry.file);
    let value = conf::value(entry.setting.value, &source.bytes).into_owned();
    Stands { path: source.path.clone(), line: entry.line as usize, value }
}
