//! What a project leaves out: globs, written as in `.gitignore`.

use std::path::Path;

use globset::{GlobBuilder, GlobMatcher};

/// Globs of files and directories, relative to the configuration file.
#[derive(Clone, Debug, Default)]
pub struct Exclude {
    globs: Vec<GlobMatcher>,
}

impl Exclude {
    /// Adds a glob. One without a slash, but for one at its end, holds in every directory.
    ///
    /// # Errors
    /// Why it is none.
    pub fn add(&mut self, glob: &str) -> Result<(), String> {
        let plain = glob.trim_end_matches('/');
        if plain.is_empty() {
            return Err(format!("`{glob}` would leave out everything"));
        }
        let anchored = match plain.strip_prefix("./").or_else(|| plain.strip_prefix('/')) {
            Some(rest) => rest.to_owned(),
            None if plain.contains('/') => plain.to_owned(),
            None => format!("**/{plain}"),
        };
        let built = GlobBuilder::new(&anchored).literal_separator(true).build();
        let built = built.map_err(|error| format!("`{glob}` is no glob: {}", error.kind()))?;
        self.globs.push(built.compile_matcher());
        Ok(())
    }

    /// Whether a path, relative to the configuration file, is left out by itself: one in a directory that is left out
    /// is not asked about here.
    pub fn covers(&self, path: &Path) -> bool {
        self.globs.iter().any(|glob| glob.is_match(path))
    }

    /// Whether nothing is left out.
    pub fn is_empty(&self) -> bool {
        self.globs.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn covers(glob: &str, path: &str) -> bool {
        let mut exclude = Exclude::default();
        exclude.add(glob).expect("a glob");
        exclude.covers(Path::new(path))
    }

    #[test]
    fn a_glob_with_a_slash_begins_at_the_configuration_file() {
        assert!(covers("samples", "samples"));
        assert!(covers("samples", "a/b/samples"));
        assert!(covers("samples/", "a/samples"));
        assert!(covers("*.sample.conf", "a/x.sample.conf"));
        assert!(!covers("samples", "a/samples2"));
        assert!(covers("a/samples", "a/samples"));
        assert!(!covers("a/samples", "b/a/samples"));
        assert!(covers("/samples", "samples"));
        assert!(!covers("/samples", "a/samples"));
        assert!(covers("./samples", "samples"));
        assert!(covers("db*/old", "db1/old"));
        assert!(!covers("a/*", "a/b/c"), "but a/b is left out, and c with it");
        assert!(covers("**/old", "a/b/old"));
    }

    #[test]
    fn what_is_no_glob_is_refused() {
        let refused = |glob: &str| Exclude::default().add(glob).expect_err(glob);
        assert_eq!(refused("/"), "`/` would leave out everything");
        assert!(refused("a[").starts_with("`a[` is no glob: "), "{}", refused("a["));
    }
}
