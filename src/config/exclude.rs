//! What a project leaves out: globs, as `.gitignore` has them.

use std::path::Path;

use ignore::gitignore::{Gitignore, GitignoreBuilder};

/// Globs of files and directories, relative to the configuration file.
#[derive(Clone, Debug)]
pub struct Exclude {
    globs: Gitignore,
}

impl Default for Exclude {
    fn default() -> Exclude {
        Exclude { globs: Gitignore::empty() }
    }
}

impl Exclude {
    /// The globs, of which later ones count more; one that begins with `!` takes in again.
    ///
    /// # Errors
    /// The index of one that is none, and why.
    pub fn of<'a>(globs: impl Iterator<Item = &'a str>) -> Result<Exclude, (usize, String)> {
        let mut builder = GitignoreBuilder::new("");
        for (index, glob) in globs.enumerate() {
            if glob.trim_end_matches('/').is_empty() {
                return Err((index, format!("`{glob}` would leave out everything")));
            }
            // git takes what is no glob for text that nothing has.
            let refused = |why: String| (index, format!("`{glob}` is no glob: {why}"));
            globset::Glob::new(glob).map_err(|error| refused(error.kind().to_string()))?;
            let plain = glob.strip_prefix("./").map_or_else(|| glob.to_owned(), |rest| format!("/{rest}"));
            builder.add_line(None, &plain).map_err(|error| refused(error.to_string()))?;
        }
        let globs = builder.build().map_err(|error| (0, error.to_string()))?;
        Ok(Exclude { globs })
    }

    /// Whether a path, relative to the configuration file, is left out by itself: one in a directory that is left out
    /// is not asked about here.
    pub fn covers(&self, path: &Path, is_directory: bool) -> bool {
        self.globs.matched(path, is_directory).is_ignore()
    }

    /// Whether nothing is left out.
    pub fn is_empty(&self) -> bool {
        self.globs.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn covers(globs: &str, path: &str) -> bool {
        let exclude = Exclude::of(globs.split(' ')).expect("globs");
        exclude.covers(Path::new(path), !path.ends_with(".conf"))
    }

    #[test]
    fn globs_are_those_of_gitignore() {
        assert!(covers("samples", "samples"));
        assert!(covers("samples", "a/b/samples"));
        assert!(covers("samples/", "a/samples"));
        assert!(!covers("x.conf/", "a/x.conf"), "only a directory has a slash at its end");
        assert!(covers("*.sample.conf", "a/x.sample.conf"));
        assert!(!covers("samples", "a/samples2"));
        assert!(covers("a/samples", "a/samples"));
        assert!(!covers("a/samples", "b/a/samples"));
        assert!(covers("/samples", "samples"));
        assert!(!covers("/samples", "a/samples"));
        assert!(covers("./samples", "samples"));
        assert!(!covers("./samples", "a/samples"));
        assert!(covers("db*/old", "db1/old"));
        assert!(!covers("a/*", "a/b/c"), "but a/b is left out, and c with it");
        assert!(covers("**/old", "a/b/old"));
        assert!(covers("b/**", "b/postgresql.conf") && !covers("b/**", "b"));
        assert!(covers("db* !db2", "db1") && !covers("db* !db2", "db2"));
    }

    #[test]
    fn what_is_no_glob_is_refused() {
        let refused = |globs: &[&str]| Exclude::of(globs.iter().copied()).expect_err("no globs");
        assert_eq!(refused(&["a", "/"]), (1, "`/` would leave out everything".to_owned()));
        let (index, why) = refused(&["a["]);
        assert!(index == 0 && why.starts_with("`a[` is no glob: "), "{why}");
    }
}
