//! `pgconflint.toml`: what a project says once instead of on every command line.

mod exclude;
mod raw;

pub use exclude::Exclude;

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;
use std::ops::Range;
use std::path::{Path, PathBuf};

use toml::Spanned;

use crate::finding::Severity;
use crate::nearest::did_you_mean;
use crate::source::display;
use crate::version::{Role, Targets};

use raw::{Raw, check_nodes};

/// The name that is looked for, from a linted file's directory upwards.
pub const NAME: &str = "pgconflint.toml";

/// What a configuration file says. Paths are already relative to the working directory.
#[derive(Clone, Debug, Default)]
pub struct Config {
    /// The file; empty if there is none.
    pub path: PathBuf,
    /// The versions to check against.
    pub pg: Option<Targets>,
    /// Globs of rule pages of one's own.
    pub rules: Vec<PathBuf>,
    /// What is not checked.
    pub exclude: Exclude,
    /// The file that holds what was found before.
    pub baseline: Option<PathBuf>,
    /// Rules that are not reported.
    pub ignore: Vec<String>,
    /// Rules that are reported with another severity.
    pub severity: BTreeMap<String, Severity>,
    /// The nodes that are known by name.
    pub nodes: Vec<NodeConfig>,
    /// Every place that names a rule, in order: name, line and column.
    named: Vec<(String, usize, usize)>,
}

/// One `[[node]]`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NodeConfig {
    /// What others call it.
    pub name: String,
    /// The directory of its configuration.
    pub path: PathBuf,
    /// The directory of its data, where that is another.
    pub data_dir: Option<PathBuf>,
    /// What it is to the others.
    pub role: Option<Role>,
    /// The versions to check it against.
    pub pg: Option<Targets>,
    /// The addresses from which it connects to others.
    pub address: Vec<IpAddr>,
    /// The name of the node that it streams from.
    pub upstream: Option<String>,
    /// Line and column of `path`.
    place: (usize, usize),
    /// Line and column of `data_dir`, where that has to be here: an absolute one may be that of another machine.
    data_place: Option<(usize, usize)>,
}

/// What is wrong with a configuration file, and where.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ConfigError {
    /// The file.
    pub path: PathBuf,
    /// 1-based.
    pub line: usize,
    /// 1-based, in code points.
    pub column: usize,
    /// The fault.
    pub message: String,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = display(self.path.as_os_str().as_encoded_bytes());
        write!(f, "{path}:{}:{}: {}", self.line, self.column, self.message)
    }
}

impl std::error::Error for ConfigError {}

/// Reads a configuration file that was found at `path`.
///
/// # Errors
/// The first fault: what is not TOML, an unknown key, a value that is none.
pub fn parse(path: &Path, bytes: &[u8]) -> Result<Config, ConfigError> {
    let fault = |offset: usize, message: String| {
        let (line, column) = line_and_column(bytes, offset);
        ConfigError { path: path.to_owned(), line, column, message }
    };
    let text = std::str::from_utf8(bytes).map_err(|error| fault(error.valid_up_to(), "it is not UTF-8".to_owned()))?;
    let raw: Raw = toml::from_str(text).map_err(|error| {
        let span = error.span().unwrap_or_default();
        fault(span.start, in_words(error.message()))
    })?;
    let base = path.parent().unwrap_or(Path::new(""));
    let exclude = Exclude::of(raw.exclude.iter().map(|glob| glob.get_ref().as_str()));
    let exclude = exclude.map_err(|(index, message)| fault(inside(text, raw.exclude[index].span()), message))?;
    let place = |span: Range<usize>| line_and_column(bytes, inside(text, span));
    let names = raw.ignore.iter().chain(raw.severity.keys());
    let named = names.map(|name| {
        let (line, column) = place(name.span());
        (name.get_ref().clone(), line, column)
    });
    let config = Config {
        path: path.to_owned(),
        named: named.collect(),
        pg: raw.pg.map(|pg| pg.0),
        rules: raw.rules.iter().map(|rule| base.join(rule)).collect(),
        exclude,
        baseline: raw.baseline.map(|path| base.join(path)),
        ignore: raw.ignore.into_iter().map(Spanned::into_inner).collect(),
        severity: raw.severity.into_iter().map(|(name, level)| (name.into_inner(), level.into())).collect(),
        nodes: raw.node.iter().map(|node| node.get_ref().relative_to(base, &place)).collect(),
    };
    check_nodes(&raw.node).map_err(|(offset, message)| fault(offset, message))?;
    Ok(config)
}

impl Config {
    /// What is wrong with a node that is not where it says: `is_node` and `is_directory` look.
    pub fn missing(
        &self,
        node: &NodeConfig,
        is_node: &dyn Fn(&Path) -> bool,
        is_directory: &dyn Fn(&Path) -> bool,
    ) -> Option<ConfigError> {
        let fault = |(line, column): (usize, usize), message: String| {
            Some(ConfigError { path: self.path.clone(), line, column, message })
        };
        let shown = |path: &Path| display(path.as_os_str().as_encoded_bytes());
        if !is_node(&node.path) {
            let path = shown(&node.path);
            return fault(node.place, format!("node `{}` is not there: {path} has no file of a node", node.name));
        }
        let (data, place) = (node.data_dir.as_ref()?, node.data_place?);
        let message = || format!("the data directory of node `{}` is not there: {}", node.name, shown(data));
        if is_directory(data) { None } else { fault(place, message()) }
    }

    /// Whether every rule that it names exists.
    ///
    /// # Errors
    /// One for each name that is not among the `known` ids.
    pub fn check_rules(&self, known: &[&str]) -> Result<(), Vec<ConfigError>> {
        let unknown = self.named.iter().filter(|(name, ..)| !known.contains(&name.as_str()));
        let errors: Vec<ConfigError> = unknown
            .map(|(name, line, column)| {
                let hint = did_you_mean(name, known.iter().copied());
                let message = format!("there is no rule `{name}`{hint}");
                ConfigError { path: self.path.clone(), line: *line, column: *column, message }
            })
            .collect();
        if errors.is_empty() { Ok(()) } else { Err(errors) }
    }
}

/// serde's message, with a guess where it lists what it would have taken.
fn in_words(message: &str) -> String {
    let quoted: Vec<&str> = message.split('`').skip(1).step_by(2).collect();
    match quoted.split_first() {
        Some((unknown, expected)) if message.starts_with("unknown field") => {
            let hint = did_you_mean(unknown, expected.iter().copied());
            format!("`{unknown}` is not a key that is known here{hint}{}", known_keys(&hint, expected))
        }
        Some((unknown, expected)) if message.starts_with("unknown variant") => {
            format!("`{unknown}` is none of {}", expected.join(", "))
        }
        _ if message.starts_with("invalid type: map") && message.ends_with("a sequence") => {
            "a list is wanted here; a node is one of several, and has two pairs of brackets: `[[node]]`".to_owned()
        }
        _ if message.ends_with("expected a sequence") => "a list is wanted here: [\"…\"]".to_owned(),
        _ => message.trim_end().replace('\n', " "),
    }
}

fn known_keys(hint: &str, expected: &[&str]) -> String {
    if hint.is_empty() { format!(": {}", expected.join(", ")) } else { String::new() }
}

/// The start of what is inside the quotes, if there are any.
fn inside(text: &str, span: Range<usize>) -> usize {
    span.start + usize::from(text[span].starts_with(['"', '\'']))
}

fn line_and_column(bytes: &[u8], offset: usize) -> (usize, usize) {
    let before = &bytes[..offset.min(bytes.len())];
    let line = memchr::memchr_iter(b'\n', before).count() + 1;
    let start = memchr::memrchr(b'\n', before).map_or(0, |newline| newline + 1);
    (line, String::from_utf8_lossy(&before[start..]).chars().count() + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FULL: &str = r#"
pg = "16"
rules = ["policy/*.md"]
exclude = ["samples", "db*/old"]
baseline = "known.json"
ignore = ["rule-a"]
[severity]
rule-b = "error"
[[node]]
name = "db1"
path = "db1"
role = "primary"
address = ["10.0.0.1"]
[[node]]
name = "db2"
path = "/srv/db2"
data_dir = "data"
role = "standby"
upstream = "db1"
address = "10.0.0.2"
pg = 15
"#;

    #[test]
    fn everything_is_read_and_paths_are_relative_to_the_file() {
        let config = parse(Path::new("ops/pgconflint.toml"), FULL.as_bytes()).expect("it is valid");
        assert_eq!(config.pg, "16".parse().ok());
        assert_eq!(config.rules, [Path::new("ops/policy/*.md")]);
        assert!(config.exclude.covers(Path::new("db1/old"), true));
        assert_eq!(config.baseline, Some("ops/known.json".into()));
        assert_eq!(config.severity["rule-b"], Severity::Error);
        assert_eq!(config.nodes[0].path, Path::new("ops/db1"));
        assert_eq!(config.nodes[0].role, Some(Role::Primary));
        assert_eq!(config.nodes[1].path, Path::new("/srv/db2"));
        assert_eq!(config.nodes[1].data_dir, Some("ops/data".into()));
        assert_eq!(config.nodes[1].upstream.as_deref(), Some("db1"));
        assert_eq!(config.nodes[1].address, ["10.0.0.2".parse::<IpAddr>().expect("an address")]);
        assert_eq!(config.nodes[1].pg, "15".parse().ok());
        assert_eq!(config.check_rules(&["rule-a", "rule-b"]), Ok(()));
    }

    #[test]
    fn faults_have_a_place_and_a_guess() {
        let fault = |text: &str| parse(Path::new("p.toml"), text.as_bytes()).expect_err(text).to_string();
        insta::assert_snapshot!(
            [
                "pgg = 1",
                "colour = 1",
                "\n  pg = \"15beta1\"",
                "pg = true",
                "pg = \"9.2\"",
                "[[node]]\nname = 'a'\npath = 'a'\nrole = \"master\"",
                "[[node]]\nname = 'a'\npaht = 'a'",
                "[[node]]\npath = 'a'",
                "[[node]]\nname = 'a'\npath = 'a'\n[[node]]\nname = 'a'\npath = 'b'",
                "[[node]]\nname = 'db1'\npath = 'a'\n[[node]]\nname = 'db2'\npath = 'b'\nupstream = \"db\"",
                "[severity]\nx = \"fatal\"",
                "pg = ",
                "ignore = \"x\"",
                "[node]\nname = 'a'",
                "[[node]]\nname = 'a'\npath = 'a'\naddress = 'db2.example'",
                "[[node]]\nname = 'a'\npath = 'a'\naddress = 10",
                "exclude = ['a', \"b[\"]",
                "é = 1",
            ]
            .map(fault)
            .join("\n")
        );
        assert_eq!(
            parse(Path::new("p"), b"\npg = \"\xff\"").expect_err("not UTF-8").to_string(),
            "p:2:7: it is not UTF-8"
        );
    }

    #[test]
    fn unknown_rules_are_all_named() {
        let text = "ignore = [\"rule-x\", \"rule-a\"]\n[severity]\n\"rule-bb\" = \"info\"\nwhat-ever = \"info\"\n";
        let config = parse(Path::new("p.toml"), text.as_bytes()).expect("it is valid");
        let errors = config.check_rules(&["rule-a", "rule-b"]).expect_err("three names are unknown");
        insta::assert_snapshot!(errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"));
    }
}
