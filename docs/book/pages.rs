//! The pages of the book: those of `SUMMARY.md`, one for each rule and one for each setting. They lie as the source tree
//! does, so that a link leads to the same place in the book and in the source.

pub mod html;
pub mod links;
mod rule;
mod setting;
mod words;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use pgconflint::check::Rules;

use words::Known;

/// The book as mdBook wants it.
pub struct Book {
    /// Its table of contents, with every page in it.
    pub summary: String,
    /// Its pages, by their path below the source tree.
    pub pages: BTreeMap<PathBuf, String>,
    /// Files that the pages lead to and that are no pages themselves: pictures, the schema, scripts.
    pub files: BTreeSet<PathBuf>,
}

/// The heading below which the rules of a directory stand.
const KINDS: [(&str, &str); 6] = [
    ("conf", "postgresql.conf and the node"),
    ("hba", "pg_hba.conf"),
    ("ident", "pg_ident.conf"),
    ("recovery", "recovery.conf, up to 11"),
    ("pair", "A primary and its standbys"),
    ("comments", "Comments for pgconflint"),
];

/// Reads and makes all pages.
///
/// # Errors
/// What cannot be read, or has no place.
pub fn book(top: &Path) -> Result<Book, String> {
    let rules = Rules::built_in();
    let known = Known::of(&rules, |id| {
        let kind = KINDS.iter().find(|(kind, _)| top.join(format!("rules/{kind}/{id}.md")).is_file());
        kind.map_or("comments", |(kind, _)| kind)
    });
    let mut pages = BTreeMap::new();
    let written = read(top, Path::new("docs/SUMMARY.md"))?;
    for link in links::of(&written) {
        let path = links::joined(Path::new("docs"), &link.path);
        pages.insert(path.clone(), read(top, &path)?);
    }
    pages.extend(rule::pages(&rules, &known));
    pages.extend(setting::pages(&rules, &known));
    let settings = Path::new("docs/settings.md");
    let list = pages.get(settings).ok_or("SUMMARY.md does not lead to settings.md")?;
    pages.insert(settings.to_owned(), list.replace("<!-- every setting -->", &setting::table(&known)));
    let summary = summary(&written, &rules, &known)?;
    let mut files = BTreeSet::new();
    for (path, text) in &pages {
        let targets = links::of(text).into_iter().map(|link| link.target(path));
        files.extend(targets.filter(|target| !pages.contains_key(target)));
    }
    Ok(Book { summary, pages, files })
}

impl Book {
    /// The links that lead nowhere, and how many there are of all.
    pub fn links(&self, top: &Path) -> (Vec<String>, usize) {
        let anchors: BTreeMap<&PathBuf, Vec<String>> =
            self.pages.iter().map(|(path, text)| (path, links::anchors(text))).collect();
        let (mut dead, mut count) = (Vec::new(), 0);
        for (path, text) in &self.pages {
            for link in links::of(text) {
                count += 1;
                let target = link.target(path);
                let is_there = match anchors.get(&target) {
                    Some(anchors) => link.anchor.is_empty() || anchors.contains(&link.anchor),
                    None => top.join(&target).is_file(),
                };
                if !is_there {
                    dead.push(format!("{}: {}#{}", path.display(), link.path, link.anchor));
                }
            }
        }
        (dead, count)
    }

    /// Writes the book's directory.
    ///
    /// # Errors
    /// What cannot be written, or copied.
    pub fn write(&self, top: &Path, directory: &Path) -> Result<String, String> {
        let (dead, count) = self.links(top);
        if !dead.is_empty() {
            return Err(format!("links lead nowhere:\n{}", dead.join("\n")));
        }
        let source = directory.join("src");
        if source.exists() {
            fs::remove_dir_all(&source).map_err(|error| format!("{}: {error}", source.display()))?;
        }
        for name in ["book.toml", "book.css"] {
            put(&directory.join(name), read(top, &Path::new("docs").join(name))?.as_bytes())?;
        }
        put(&source.join("SUMMARY.md"), links::as_index(&self.summary).as_bytes())?;
        for (path, text) in &self.pages {
            put(&source.join(links::as_index(&path.to_string_lossy())), links::as_index(text).as_bytes())?;
        }
        for path in &self.files {
            let bytes = fs::read(top.join(path)).map_err(|error| format!("{}: {error}", path.display()))?;
            put(&source.join(path), &bytes)?;
        }
        let (pages, files) = (self.pages.len(), self.files.len());
        Ok(format!("{}: {pages} pages, {files} other files, {count} links", source.display()))
    }
}

fn read(top: &Path, path: &Path) -> Result<String, String> {
    fs::read_to_string(top.join(path)).map_err(|error| format!("{}: {error}", path.display()))
}

fn put(path: &Path, bytes: &[u8]) -> Result<(), String> {
    let made = path.parent().map_or(Ok(()), fs::create_dir_all);
    made.and_then(|()| fs::write(path, bytes)).map_err(|error| format!("{}: {error}", path.display()))
}

/// The table of contents with paths as mdBook wants them, and with what is made.
fn summary(written: &str, rules: &Rules, known: &Known) -> Result<String, String> {
    let mut summary = String::new();
    let (mut rules_are_in, mut settings_are_in) = (false, false);
    for line in written.lines() {
        match line.trim() {
            "<!-- every rule -->" => {
                rules_are_in = true;
                for (kind, title) in KINDS {
                    let _ = writeln!(summary, "  - [{title}]()");
                    for id in rules.all_described().iter().map(|rule| &rule.id).filter(|id| known.kind(id) == kind) {
                        let _ = writeln!(summary, "    - [{id}](rules/{kind}/{id}.md)");
                    }
                }
            }
            "<!-- every setting -->" => {
                settings_are_in = true;
                for (category, names) in known.categories() {
                    let _ = writeln!(summary, "  - [{category}]()");
                    for name in names {
                        let _ = writeln!(summary, "    - [{name}](settings/{name}.md)");
                    }
                }
            }
            _ => match (links::of(line).first(), line.split_once("](")) {
                (Some(link), Some((before, _))) => {
                    let path = links::joined(Path::new("docs"), &link.path);
                    let _ = writeln!(summary, "{before}]({})", path.display());
                }
                _ => {
                    let _ = writeln!(summary, "{line}");
                }
            },
        }
    }
    if rules_are_in && settings_are_in {
        Ok(summary)
    } else {
        Err("SUMMARY.md has no place for what is made".to_owned())
    }
}
