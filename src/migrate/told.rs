//! What is said to the owner, and the place it is about. The place is kept apart: how a path is shown is not known here.

use std::fmt;
use std::path::{Path, PathBuf};

/// A sentence, with its place where it has one.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Told {
    /// The file, and the line where it is about one.
    pub at: Option<(PathBuf, Option<usize>)>,
    /// What is said.
    pub text: String,
}

impl Told {
    /// About a file.
    pub fn of(path: &Path, text: impl Into<String>) -> Told {
        Told { at: Some((path.to_owned(), None)), text: text.into() }
    }

    /// About a line of a file, the first one being 1.
    pub fn at(path: &Path, line: usize, text: impl Into<String>) -> Told {
        Told { at: Some((path.to_owned(), Some(line))), text: text.into() }
    }

    /// The file that it is about.
    pub fn path(&self) -> Option<&Path> {
        self.at.as_ref().map(|(path, _)| path.as_path())
    }

    /// The line that it is about.
    pub fn line(&self) -> Option<usize> {
        self.at.as_ref().and_then(|(_, line)| *line)
    }

    /// The sentence behind its place, as `show` writes the path.
    pub fn shown(&self, show: impl Fn(&Path) -> String) -> String {
        match &self.at {
            Some((path, Some(line))) => format!("{}:{line}: {}", show(path), self.text),
            Some((path, None)) => format!("{}: {}", show(path), self.text),
            None => self.text.clone(),
        }
    }
}

impl From<String> for Told {
    fn from(text: String) -> Told {
        Told { at: None, text }
    }
}

impl fmt::Display for Told {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.shown(|path| path.display().to_string()))
    }
}
