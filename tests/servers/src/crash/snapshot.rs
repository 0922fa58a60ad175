//! Everything in a directory: bytes, links, modes, owners.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, lchown, symlink};
use std::path::{Path, PathBuf};

use anyhow::Result;

/// What is at a path.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum What {
    Directory,
    File(Vec<u8>),
    Link(PathBuf),
}

/// Everything in a directory by its path there.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub struct Snapshot {
    entries: BTreeMap<PathBuf, (What, u32, u32, u32)>,
}

impl Snapshot {
    /// Looks at a directory.
    pub fn of(root: &Path) -> Result<Snapshot> {
        let mut entries = BTreeMap::new();
        for entry in walkdir::WalkDir::new(root) {
            let entry = entry?;
            let metadata = fs::symlink_metadata(entry.path())?;
            let kind = metadata.file_type();
            let what = match () {
                () if kind.is_dir() => What::Directory,
                () if kind.is_symlink() => What::Link(fs::read_link(entry.path())?),
                () => What::File(fs::read(entry.path())?),
            };
            let path = entry.path().strip_prefix(root)?.to_path_buf();
            let mode = if kind.is_symlink() { 0 } else { metadata.mode() & 0o7777 };
            entries.insert(path, (what, mode, metadata.uid(), metadata.gid()));
        }
        Ok(Snapshot { entries })
    }

    /// Makes a directory what it was.
    pub fn restore(&self, root: &Path) -> Result<()> {
        if root.exists() {
            fs::remove_dir_all(root)?;
        }
        for (path, (what, mode, uid, gid)) in &self.entries {
            let path = if path.as_os_str().is_empty() { root.to_path_buf() } else { root.join(path) };
            match what {
                What::Directory => fs::create_dir(&path)?,
                What::File(bytes) => fs::write(&path, bytes)?,
                What::Link(to) => {
                    symlink(to, &path)?;
                    lchown(&path, Some(*uid), Some(*gid))?;
                    continue;
                }
            }
            chown(&path, Some(*uid), Some(*gid))?;
            fs::set_permissions(&path, fs::Permissions::from_mode(*mode))?;
        }
        Ok(())
    }

    /// Without what keeps migrations.
    pub fn without_manifests(&self) -> Snapshot {
        self.without(|name| name.starts_with("pgconflint-migration-"))
    }

    /// Without what no server ever reads.
    pub fn as_servers_see_it(&self) -> Snapshot {
        self.without(|name| {
            name.starts_with("pgconflint-migration-") || name.starts_with(".pgconflint-") || name.contains(".before-")
        })
    }

    fn without(&self, is_left_out: impl Fn(&str) -> bool) -> Snapshot {
        let is_out = |path: &Path| path.iter().any(|part| is_left_out(&part.to_string_lossy()));
        let entries = self.entries.iter().filter(|(path, _)| !is_out(path));
        Snapshot { entries: entries.map(|(path, entry)| (path.clone(), entry.clone())).collect() }
    }

    /// Its files by their paths.
    pub fn files(&self) -> impl Iterator<Item = (&Path, &[u8])> {
        self.entries.iter().filter_map(|(path, (what, ..))| match what {
            What::File(bytes) => Some((path.as_path(), bytes.as_slice())),
            _ => None,
        })
    }

    /// The paths at which two differ.
    pub fn difference(&self, other: &Snapshot) -> String {
        let all = self.entries.keys().chain(other.entries.keys());
        let mut paths: Vec<String> = all
            .filter(|path| self.entries.get(*path) != other.entries.get(*path))
            .map(|path| {
                let told = |side: &Snapshot| match side.entries.get(path) {
                    Some((What::File(bytes), mode, uid, gid)) => {
                        format!("{} bytes {mode:o} {uid}:{gid}", bytes.len())
                    }
                    Some((_, mode, uid, gid)) => format!("{mode:o} {uid}:{gid}"),
                    None => "nothing".to_string(),
                };
                format!("{}: {}, not {}", path.display(), told(self), told(other))
            })
            .collect();
        paths.dedup();
        paths.join("; ")
    }
}
