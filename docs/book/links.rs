//! Links and anchors of Markdown, as GitHub and mdBook understand them.

use std::collections::HashMap;
use std::path::{Component, Path, PathBuf};

/// A link within the book.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Link {
    /// Where it leads, as it is written; empty for the page itself.
    pub path: String,
    /// The heading there; empty for the page as a whole.
    pub anchor: String,
}

impl Link {
    /// The file that it leads to, from a page.
    pub fn target(&self, page: &Path) -> PathBuf {
        match self.path.as_str() {
            "" => page.to_owned(),
            path => joined(page.parent().unwrap_or(Path::new("")), path),
        }
    }
}

/// The links of a page that lead into the book or the source tree; what is code has none.
pub fn of(text: &str) -> Vec<Link> {
    let mut links = Vec::new();
    for line in prose(text) {
        let plain: String = line.split('`').step_by(2).collect::<Vec<_>>().join("`");
        for (at, _) in plain.match_indices("](") {
            let target = plain[at + 2..].split(')').next().unwrap_or_default();
            if target.is_empty() || target.contains("://") {
                continue;
            }
            let (path, anchor) = target.split_once('#').unwrap_or((target, ""));
            links.push(Link { path: path.to_owned(), anchor: anchor.to_owned() });
        }
    }
    links
}

/// The anchors of a page's headings.
pub fn anchors(text: &str) -> Vec<String> {
    let mut seen: HashMap<String, usize> = HashMap::new();
    let headings =
        prose(text).filter_map(|line| line.trim_start_matches('#').strip_prefix(' ').filter(|_| line.starts_with('#')));
    let mut anchors = Vec::new();
    for heading in headings {
        let anchor = anchor(heading);
        let count = seen.entry(anchor.clone()).or_default();
        anchors.push(if *count == 0 { anchor } else { format!("{anchor}-{count}") });
        *count += 1;
    }
    anchors
}

/// The anchor of a heading.
pub fn anchor(heading: &str) -> String {
    let kept = |char: &char| char.is_alphanumeric() || matches!(char, '_' | '-' | ' ');
    heading.trim().to_lowercase().chars().filter(kept).map(|char| if char == ' ' { '-' } else { char }).collect()
}

/// A text, or a path, with the README of each directory as its index, which mdBook makes of it in any case.
pub fn as_index(text: &str) -> String {
    let renamed = text.replace("README.md)", "index.md)").replace("README.md#", "index.md#");
    renamed.strip_suffix("README.md").map(|before| format!("{before}index.md")).unwrap_or(renamed)
}

/// A path as seen from a directory, without `.` and `..`.
pub fn joined(directory: &Path, path: &str) -> PathBuf {
    let mut joined = PathBuf::new();
    for part in directory.join(path).components() {
        match part {
            Component::ParentDir => {
                joined.pop();
            }
            Component::Normal(name) => joined.push(name),
            _ => {}
        }
    }
    joined
}

/// The lines that are no code block.
pub fn prose(text: &str) -> impl Iterator<Item = &str> {
    let mut open: Option<usize> = None;
    text.lines().filter(move |line| {
        let line = line.trim_start();
        let ticks = line.chars().take_while(|char| *char == '`').count();
        let is_fence = match open {
            Some(length) => ticks >= length && line.len() == ticks,
            None => ticks >= 3,
        };
        if is_fence {
            open = if open.is_some() { None } else { Some(ticks) };
        }
        open.is_none() && !is_fence
    })
}
