//! Commands of the documentation, as somebody types them one after the other: in a directory of their own, with copies of
//! nodes of the test data.

use std::cell::Cell;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;

use insta_cmd::get_cargo_bin;

/// A directory, and how the command before ended.
pub struct Session {
    place: tempfile::TempDir,
    last: Cell<i32>,
}

impl Session {
    /// Copies the directories, each `FROM as NAME`, with commas between.
    pub fn new(directories: &str) -> Session {
        let place = tempfile::tempdir().unwrap();
        for directory in directories.split(", ") {
            let (from, name) = directory.split_once(" as ").expect("FROM as NAME");
            copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join(from), &place.path().join(name));
        }
        Session { place, last: Cell::new(0) }
    }

    /// What a shell prints of a command.
    pub fn run(&self, command: &str) -> String {
        let program = get_cargo_bin("pgconflint");
        let path = std::env::var_os("PATH").unwrap_or_default();
        let before = program.parent().unwrap().to_owned();
        let path = std::env::join_paths([before].into_iter().chain(std::env::split_paths(&path))).unwrap();
        let mut shell = Command::new("sh");
        shell.args(["-c", &format!("exec 2>&1; (exit {}); {command}", self.last.get())]);
        shell.current_dir(self.place.path()).env("PATH", path).env("TZ", "UTC");
        for variable in ["NO_COLOR", "CLICOLOR_FORCE", "CLICOLOR", "COLUMNS", "FORCE_HYPERLINK"] {
            shell.env_remove(variable);
        }
        let output = shell.output().unwrap();
        self.last.set(output.status.code().expect("the shell ends by itself"));
        let printed = String::from_utf8(output.stdout).unwrap();
        assert!(self.last.get() < 126, "{command}: {printed}");
        printed.replace(self.place.path().to_str().unwrap(), "~")
    }

    /// A block with the commands of the old one, and what they print now.
    pub fn played(&self, old: &str) -> String {
        let mut block = String::new();
        let commands: Vec<&str> = old.lines().filter_map(|line| line.strip_prefix("$ ")).collect();
        assert!(!commands.is_empty(), "no line begins with `$ `: {old}");
        for command in commands {
            let _ = writeln!(block, "$ {command}");
            for line in self.run(command).lines() {
                let _ = writeln!(block, "{}", line.trim_end());
            }
        }
        // What is shown may be Markdown itself.
        let fence = if block.contains("```") { "````" } else { "```" };
        format!("{fence}console\n{block}{fence}\n")
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap_or_else(|error| panic!("{}: {error}", from.display())) {
        let entry = entry.unwrap().path();
        let to = to.join(entry.file_name().unwrap());
        if entry.is_dir() {
            copy(&entry, &to);
        } else {
            fs::write(&to, fs::read(&entry).unwrap()).unwrap();
            // As a server leaves it, whatever the checkout has made of it.
            #[cfg(unix)]
            fs::set_permissions(&to, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
        }
    }
}
