//! Whether the links of the built book lead somewhere.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use super::links::joined;

/// Looks at every link of every HTML page below a directory.
///
/// # Errors
/// The links that lead nowhere.
pub fn dead_links(directory: &Path) -> Result<String, String> {
    let mut pages: BTreeMap<PathBuf, String> = BTreeMap::new();
    collect(directory, directory, &mut pages)?;
    let ids: BTreeMap<&PathBuf, BTreeSet<&str>> =
        pages.iter().map(|(path, text)| (path, attributes(text, " id=\"").collect())).collect();
    let (mut count, mut dead) = (0, Vec::new());
    // The page for addresses that are not there has its links from the top of a site.
    for (path, text) in pages.iter().filter(|(path, _)| !path.ends_with("404.html") && !path.ends_with("print.html")) {
        let beside = path.parent().unwrap_or(Path::new(""));
        for target in attributes(text, " href=\"").chain(attributes(text, " src=\"")) {
            if target.contains("://") || target.starts_with("data:") || target.is_empty() {
                continue;
            }
            let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
            let file = if file.is_empty() { path.clone() } else { joined(beside, file) };
            let is_there = directory.join(&file).is_file();
            let has_anchor = anchor.is_empty() || ids.get(&file).is_none_or(|ids| ids.contains(anchor));
            count += 1;
            if !is_there || !has_anchor {
                dead.push(format!("{}: {target}", path.display()));
            }
        }
    }
    dead.dedup();
    if dead.is_empty() && count > 0 {
        return Ok(format!("{} pages, {count} links, none of them dead", pages.len()));
    }
    Err(format!("{} of {count} links are dead:\n{}", dead.len(), dead.join("\n")))
}

fn collect(top: &Path, directory: &Path, pages: &mut BTreeMap<PathBuf, String>) -> Result<(), String> {
    let fault = |error: std::io::Error| format!("{}: {error}", directory.display());
    for entry in fs::read_dir(directory).map_err(fault)? {
        let path = entry.map_err(fault)?.path();
        if path.is_dir() {
            collect(top, &path, pages)?;
        } else if path.extension().is_some_and(|extension| extension == "html") {
            let text = fs::read_to_string(&path).map_err(fault)?;
            pages.insert(path.strip_prefix(top).unwrap_or(&path).to_owned(), text);
        }
    }
    Ok(())
}

/// The values of an attribute.
fn attributes<'a>(text: &'a str, mark: &'a str) -> impl Iterator<Item = &'a str> {
    text.split(mark).skip(1).filter_map(|rest| rest.split('"').next())
}
