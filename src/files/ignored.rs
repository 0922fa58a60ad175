//! What git leaves out of a work tree: copies of data, build directories, packages of others.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use ignore::gitignore::{Gitignore, GitignoreBuilder};

/// The rules of a work tree, each file of them read when it is first asked for.
pub struct Ignored {
    /// The top of the work tree.
    top: PathBuf,
    exclude: Gitignore,
    by_directory: HashMap<PathBuf, Gitignore>,
}

impl Ignored {
    /// The rules for what lies below a directory; None outside of a work tree.
    pub fn of(directory: &Path) -> Option<Ignored> {
        let whole = std::path::absolute(directory).ok()?;
        let top = whole.ancestors().find(|ancestor| ancestor.join(".git").exists())?.to_owned();
        let exclude = rules(&top, &top.join(".git/info/exclude"));
        Some(Ignored { top, exclude, by_directory: HashMap::new() })
    }

    /// Whether git ignores a directory by itself: one in a directory that it ignores is not asked about here.
    pub fn covers(&mut self, directory: &Path) -> bool {
        let Ok(whole) = std::path::absolute(directory) else { return false };
        // The nearest rule counts, and within a file the last one.
        for ancestor in whole.ancestors().skip(1).take_while(|ancestor| ancestor.starts_with(&self.top)) {
            let read = || rules(ancestor, &ancestor.join(".gitignore"));
            let known = self.by_directory.entry(ancestor.to_owned()).or_insert_with(read);
            match known.matched(&whole, true) {
                ignore::Match::None => {}
                matched => return matched.is_ignore(),
            }
        }
        self.exclude.matched(&whole, true).is_ignore()
    }
}

/// The rules in a file that hold below a directory; what cannot be read has none, as git has it.
fn rules(directory: &Path, file: &Path) -> Gitignore {
    let mut builder = GitignoreBuilder::new(directory);
    if file.is_file() {
        // A line that is no glob is passed over, and the others hold.
        let _ = builder.add(file);
    }
    builder.build().unwrap_or_else(|_| Gitignore::empty())
}
