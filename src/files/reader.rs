//! Whether the user that a server runs as can read a file, as permission bits say: root sees more than the server does.
//! Access control lists are not looked at.

use std::fs;
use std::path::{Path, PathBuf};

use super::access;

/// The owner of a data directory.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Reader {
    uid: u32,
    groups: Vec<u32>,
    /// The data directory itself, links resolved: whoever runs the server gets there.
    home: PathBuf,
}

impl Reader {
    /// The owner of a data directory, whose account `root` knows if there is one. Nothing where it is root, as whom no
    /// server runs, or whoever runs this: what can be read then the system itself says.
    pub fn of(home: &Path, root: Option<&Path>) -> Option<Reader> {
        let owner = access(home).ok()?;
        let own = access(Path::new("/proc/self")).ok().map(|process| process.uid);
        if owner.uid == 0 || own == Some(owner.uid) {
            return None;
        }
        let read = |name: &str| fs::read_to_string(root.unwrap_or(Path::new("/")).join(name)).unwrap_or_default();
        let mut groups = vec![owner.gid];
        groups.extend(groups_of(owner.uid, &read("etc/passwd"), &read("etc/group")));
        Some(Reader { uid: owner.uid, groups, home: home.to_owned() })
    }

    /// Whether this user can read a file or list a directory: its own bits, and those of every directory on the way to it
    /// that is not on the way to the data directory.
    pub fn can_read(&self, path: &Path) -> bool {
        const READ: u32 = 4;
        const ENTER: u32 = 1;
        let real = fs::canonicalize(path).ok();
        let on_the_way = |path: &Path| {
            let directories = path.ancestors().skip(1).filter(|directory| !directory.as_os_str().is_empty());
            let others = directories.filter(|directory| !self.home.starts_with(directory));
            others.into_iter().all(|directory| self.may(directory, ENTER))
        };
        let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        on_the_way(&absolute) && real.as_deref().is_none_or(on_the_way) && self.may(path, READ)
    }

    /// What cannot be looked at is not forbidden here: reading it says what is wrong.
    fn may(&self, path: &Path, bit: u32) -> bool {
        let Ok(file) = access(path) else { return true };
        let bits = match () {
            () if file.uid == self.uid => file.mode >> 6,
            () if self.groups.contains(&file.gid) => file.mode >> 3,
            () => file.mode,
        };
        bits & bit != 0
    }
}

/// The groups of a user: that of the account, and those that name it.
fn groups_of(uid: u32, passwd: &str, group: &str) -> Vec<u32> {
    let field = |line: &str, index: usize| line.split(':').nth(index).unwrap_or_default().to_owned();
    let account = passwd.lines().find(|line| field(line, 2).parse() == Ok(uid));
    let Some(account) = account else { return Vec::new() };
    let name = field(account, 0);
    let named = group.lines().filter(|line| field(line, 3).split(',').any(|member| member.trim() == name));
    field(account, 3).parse().ok().into_iter().chain(named.filter_map(|line| field(line, 2).parse().ok())).collect()
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::{PermissionsExt, chown};

    use super::*;

    #[test]
    fn groups_are_those_of_the_account_and_those_that_name_it() {
        let passwd = "root:x:0:0::/root:/bin/sh\npostgres:x:26:27::/:/bin/sh\n";
        let group = "root:x:0:\npostgres:x:27:\nssl-cert:x:30:other,postgres\nothers:x:31:other\n";
        assert_eq!(groups_of(26, passwd, group), [27, 30]);
        assert_eq!(groups_of(99, passwd, group), Vec::<u32>::new());
    }

    #[test]
    fn bits_of_the_file_and_of_the_way_to_it_count() {
        let top = tempfile::tempdir().expect("a temporary directory");
        let path = |name: &str| top.path().join(name);
        let mode = |name: &str, mode| {
            fs::set_permissions(path(name), fs::Permissions::from_mode(mode)).expect("changed");
        };
        for name in ["data", "etc", "closed"] {
            fs::create_dir(path(name)).expect("made");
        }
        for name in ["data/a", "etc/b", "closed/c", "etc/d"] {
            fs::write(path(name), "").expect("written");
        }
        // Only root may give a directory away.
        if chown(path("data"), Some(4321), Some(4321)).is_err() {
            return;
        }
        mode("etc", 0o755);
        mode("closed", 0o700);
        mode("closed/c", 0o644);
        mode("data/a", 0o600);
        mode("etc/b", 0o644);
        mode("etc/d", 0o640);
        let reader = Reader::of(&path("data"), None).expect("another user");
        // The directory above is closed to others, and the server gets into its data directory all the same.
        let can_read = |name: &str| reader.can_read(&path(name));
        assert_eq!(["data/a", "etc/b", "closed/c", "etc/d"].map(can_read), [false, true, false, false]);
        chown(path("data/a"), Some(4321), None).expect("given away");
        chown(path("etc/d"), None, Some(4321)).expect("given away");
        assert_eq!(["data/a", "etc/d", "none"].map(can_read), [true, true, true]);
    }
}
