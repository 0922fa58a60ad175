//! What a migration has done, for people and for other programs.

use std::fmt::Write;
use std::path::PathBuf;

use serde::Serialize;

use super::Show;
use crate::migrate::manifest::{Manifest, Operation, Way};

/// What was done.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Done {
    /// `written` or `rolled-back`.
    pub what: &'static str,
    /// What happened to each file, in words, and its path; of a renamed one also its new name.
    pub files: Vec<(&'static str, PathBuf, Option<PathBuf>)>,
    /// The directory that keeps what a way back needs.
    pub kept_in: Option<PathBuf>,
}

/// The shape of it in JSON.
#[derive(Serialize, Clone, PartialEq, Eq, Debug)]
#[serde(rename_all = "camelCase")]
pub struct Document {
    what: &'static str,
    files: Vec<File>,
    #[serde(skip_serializing_if = "Option::is_none")]
    kept_in: Option<String>,
}

#[derive(Serialize, Clone, PartialEq, Eq, Debug)]
struct File {
    action: &'static str,
    file: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<String>,
}

/// The whole output of a run that made no plan.
#[derive(Serialize, Debug)]
#[serde(rename_all = "camelCase")]
pub struct Alone {
    schema_version: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<String>,
    done: Document,
}

/// What the operations of a manifest come to, each file once.
pub fn of(manifest: &Manifest, way: Way, kept_in: Option<PathBuf>) -> Done {
    let mut files: Vec<(&'static str, PathBuf, Option<PathBuf>)> = Vec::new();
    let operations: Vec<&Operation> = match way {
        Way::Forward => manifest.operations.iter().collect(),
        Way::Back => manifest.operations.iter().rev().collect(),
    };
    for operation in operations {
        let path = operation.path.clone();
        if files.iter().any(|(_, known, _)| *known == path) {
            continue;
        }
        let of_file = || manifest.operations.iter().filter(|other| other.path == path);
        let first = of_file().next().and_then(|first| first.before.as_ref());
        let last = of_file().next_back().and_then(|last| last.after.as_ref());
        let entry = match (&operation.to, way) {
            (Some(to), Way::Forward) => ("rename", path, Some(to.clone())),
            (Some(to), Way::Back) => ("rename", to.clone(), Some(path)),
            (None, Way::Forward) if first.is_none() && last.is_some() => ("create", path, None),
            (None, Way::Forward) if first == last => continue,
            (None, Way::Forward) => ("edit", path, None),
            (None, Way::Back) if first.is_none() => ("remove", path, None),
            (None, Way::Back) => ("restore", path, None),
        };
        files.push(entry);
    }
    let what = if way == Way::Forward { "written" } else { "rolled-back" };
    Done { what, files, kept_in }
}

/// For other programs, as a part of a document.
pub fn document(done: &Done, show: &Show) -> Document {
    let file = |(action, path, to): &(&'static str, PathBuf, Option<PathBuf>)| File {
        action,
        file: show.path(path),
        to: to.as_ref().map(|to| show.path(to)),
    };
    let kept_in = done.kept_in.as_ref().map(|path| show.path(path));
    Document { what: done.what, files: done.files.iter().map(file).collect(), kept_in }
}

/// For other programs, as a document of its own.
pub fn alone(done: &Done, manifest: Option<&Manifest>, show: &Show) -> Alone {
    let (from, to) = (manifest.map(|manifest| manifest.from.clone()), manifest.map(|manifest| manifest.to.clone()));
    Alone { schema_version: 1, from, to, done: document(done, show) }
}

/// For people; `way_back` is the command that undoes it.
pub fn text(done: &Done, way_back: &str, show: &Show) -> String {
    let mut out = match done.what {
        "written" => "\nWritten:\n".to_owned(),
        _ => "Rolled back:\n".to_owned(),
    };
    for (action, path, to) in &done.files {
        let to = to.as_ref().map(|to| format!(" to {}", show.path(to))).unwrap_or_default();
        let _ = writeln!(out, "  {}", show.line(&format!("{action} {}{to}", show.path(path))));
    }
    if let Some(kept_in) = &done.kept_in {
        let _ = writeln!(
            out,
            "\nThe way back, as long as nobody changes these files: {}\nIt needs {}, which \
             holds the files as they were, passwords included: delete it when you will not go back.",
            show.line(way_back),
            show.line(&show.path(kept_in))
        );
    }
    out
}
