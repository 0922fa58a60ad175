//! Examples of a primary and its standbys: the plain files of one major that their shorthand means, and the
//! scenario files that hold many of them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use crate::check::slots::is_logical;
use crate::names;
use crate::rule::page::{self, Beside, Example, Shows};
use crate::version::{Major, from_pg_version_file};

/// The node that the others follow.
pub const PRIMARY: &str = "primary";

/// Contents and permission bits by path.
pub type PairFiles = BTreeMap<PathBuf, (Vec<u8>, Option<u32>)>;

/// Where the nodes are.
#[derive(Clone, Debug)]
pub struct Ports {
    /// The directory of the nodes' data directories and of the directory of their sockets, absolute.
    pub root: String,
    /// The port of each node.
    pub nodes: BTreeMap<String, u16>,
    /// A port where nobody listens.
    pub free: u16,
}

impl Ports {
    /// Where the nodes of those files are when no server runs: `/pair`, ports from 5432 on.
    pub fn offline(beside: &[Beside]) -> Ports {
        Ports { root: "/pair".to_string(), nodes: names(beside).into_iter().zip(5432..).collect(), free: 5431 }
    }

    /// The directory of every node's socket.
    pub fn sockets(&self) -> String {
        format!("{}/sockets", self.root)
    }
}

/// A server of an example.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Node {
    /// Its name, which is that of its directory.
    pub name: String,
    /// The major that made its data directory and runs it.
    pub major: Major,
    /// Whether its data directory is its own initdb's and no copy of the primary's.
    pub has_own_initdb: bool,
    /// Whether only its configuration is at hand.
    pub has_no_data: bool,
    /// Whether it was open for writes once, and so is on a timeline of its own.
    pub was_promoted: bool,
    /// Bytes of its WAL segments, where they are not those that initdb chose.
    pub wal_segment_size: Option<u32>,
    /// The physical slots that it has.
    pub slots: Vec<String>,
    /// The logical ones.
    pub logical_slots: Vec<String>,
}

/// An example for one major.
#[derive(Clone, Debug)]
pub struct Setup {
    /// All files, `primary/postgresql.conf` and so on: relative to [`Ports::root`].
    pub files: PairFiles,
    /// Directories that are there and empty.
    pub empty: BTreeSet<PathBuf>,
    /// The primary, then the standbys by name.
    pub nodes: Vec<Node>,
}

/// A scenario of a file of many.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// Its heading.
    pub name: String,
    /// What it is, and why it works or fails.
    pub prose: String,
    /// Its files and majors.
    pub example: Example,
}

/// The names of the nodes, the primary first.
pub fn names(beside: &[Beside]) -> Vec<String> {
    let nodes = std::iter::once(PRIMARY);
    let all: BTreeSet<&str> =
        nodes.chain(beside.iter().filter_map(|file| Some(file.name.split_once('/')?.0))).collect();
    all.into_iter().map(str::to_string).collect()
}

/// Makes the plain files of one major, which may differ from one to the next.
///
/// # Errors
/// A file of no node, a range that cannot be read, a placeholder for a node that is not there.
pub fn expand(beside: &[Beside], major: Major, ports: &Ports) -> Result<Setup, String> {
    let mut given: BTreeMap<&str, BTreeMap<&str, &Beside>> = BTreeMap::from([(PRIMARY, BTreeMap::new())]);
    for file in beside {
        let (node, name) = file.name.split_once('/').ok_or_else(|| format!("`{}` is of no node", file.name))?;
        let own = given.entry(node).or_default();
        if holds(&file.majors, major)? {
            own.insert(name, file);
        }
    }
    let mut setup = Setup { files: BTreeMap::new(), empty: BTreeSet::new(), nodes: Vec::new() };
    for (name, own) in &given {
        let version = own.get(names::PG_VERSION).map(|file| from_pg_version_file(&file.bytes));
        let node_major = version.unwrap_or(Ok(major)).map_err(|error| error.to_string())?;
        let files = node_files(name, own, &given[PRIMARY], node_major);
        let node = Node {
            name: (*name).to_string(),
            major: node_major,
            has_own_initdb: own.contains_key(INITDB),
            has_no_data: own.contains_key(NO_DATA),
            was_promoted: own.contains_key(PROMOTED),
            wal_segment_size: own.get(SEGMENTS).map(|file| segments(&file.bytes)).transpose()?,
            slots: slots(own, false),
            logical_slots: slots(own, true),
        };
        for (path, (text, mode)) in with_what_every_node_has(files, &node, ports)? {
            setup.files.insert(PathBuf::from(format!("{name}/{path}")), (filled(&text, name, ports)?, mode));
        }
        if node.slots.is_empty() && node.logical_slots.is_empty() && !node.has_no_data {
            setup.empty.insert(PathBuf::from(format!("{name}/{}", names::PG_REPLSLOT)));
        }
        setup.nodes.push(node);
    }
    Ok(setup)
}

/// Reads a file of scenarios: `## name`, a sentence or two, a block `pair` or `pair 12..18`.
///
/// # Errors
/// What is wrong, with its line.
pub fn scenarios(text: &str) -> Result<Vec<Scenario>, String> {
    let mut found = Vec::new();
    let (mut name, mut prose) = (None, String::new());
    let mut lines = text.lines().enumerate();
    while let Some((index, line)) = lines.next() {
        if let Some(heading) = line.strip_prefix("## ") {
            if let Some(before) = name.replace(heading.trim().to_string()) {
                return Err(format!("{}: `{before}` has no block", index + 1));
            }
            prose.clear();
        } else if let Some(info) = line.strip_prefix("```") {
            let fence: Vec<&str> = lines.by_ref().map(|(_, line)| line).take_while(|line| *line != "```").collect();
            let mut words = info.split_whitespace();
            let kind = words.next().unwrap_or_default();
            let name = name.take().filter(|_| kind == page::PAIR);
            let name = name.ok_or_else(|| format!("{}: a block `pair` follows a heading", index + 1))?;
            let example = page::example(kind, Shows::Quiet, words, &fence, index + 1)?;
            found.push(Scenario { name, prose: prose.trim().to_string(), example });
        } else {
            prose.push_str(line);
            prose.push('\n');
        }
    }
    Ok(found)
}

/// Whether a range such as `12..18`, `..11`, `12..` or `12` has the major; an empty one has all.
///
/// # Errors
/// That it is no range.
pub fn holds(range: &str, major: Major) -> Result<bool, String> {
    let bound = |text: &str, open: Major| match text {
        "" => Ok(open),
        text => Major::from_table(text).ok_or_else(|| format!("`{range}` is no range such as `12..18`")),
    };
    let (first, last) = range.split_once("..").unwrap_or((range, range));
    Ok(bound(first, Major(0))? <= major && major <= bound(last, Major(u16::MAX))?)
}

/// A file whose text has placeholders.
type Draft = (Vec<u8>, Option<u32>);

/// What `pg_basebackup -R` writes, a recovery.conf or settings and a signal file.
const RECOVERY: &str = "recovery";
/// Marks a data directory that is no copy of the primary's.
const INITDB: &str = "initdb";
/// Marks a node of which only the configuration is at hand.
const NO_DATA: &str = "no-data";
/// Marks a node that was open for writes before it became what it is.
const PROMOTED: &str = "promoted";
/// Says how many megabytes a WAL segment of the node has, as if pg_resetwal had changed it.
const SEGMENTS: &str = "wal-segments";

/// Where a server looks for its certificate unless told otherwise.
const CERTIFICATE: &str = "server.crt";
/// See [`CERTIFICATE`].
const KEY: &str = "server.key";

/// The line that lets the test in.
const DOOR: &[u8] = b"local all probe trust\n";

/// What initdb writes.
const HBA: &[u8] = b"local all all trust
host all all 127.0.0.1/32 trust
host all all ::1/128 trust
local replication all trust
host replication all 127.0.0.1/32 trust
host replication all ::1/128 trust
";

fn node_files<'a>(
    name: &str,
    own: &BTreeMap<&'a str, &Beside>,
    primary: &BTreeMap<&'a str, &Beside>,
    major: Major,
) -> BTreeMap<&'a str, Draft> {
    let mut files: BTreeMap<&str, Draft> = BTreeMap::new();
    let is_clone = name != PRIMARY && !own.contains_key(names::POSTGRESQL_CONF);
    let inherited = primary.iter().filter(|(path, _)| match **path {
        names::PG_HBA => name != PRIMARY,
        names::PG_VERSION | names::STANDBY_SIGNAL | names::RECOVERY_SIGNAL | names::RECOVERY_CONF => false,
        path => is_clone && slot(path).is_none(),
    });
    for (path, file) in inherited.chain(own.iter()) {
        files.insert(path, (file.bytes.to_vec(), file.mode));
    }
    if is_clone && let Some((text, _)) = files.get_mut(names::POSTGRESQL_CONF) {
        // The copy is told another port first of all.
        *text = text
            .split_inclusive(|byte| *byte == b'\n')
            .filter(|line| !sets(line, names::PORT))
            .flatten()
            .copied()
            .collect();
    }
    for marker in [INITDB, NO_DATA, PROMOTED, SEGMENTS] {
        files.remove(marker);
    }
    if let Some((text, mode)) = files.remove(RECOVERY) {
        if major < Major::V12 {
            files.insert(names::RECOVERY_CONF, ([b"standby_mode = 'on'\n", text.as_slice()].concat(), mode));
        } else {
            files.entry(names::AUTO_CONF).or_default().0.extend(text);
            files.entry(names::STANDBY_SIGNAL).or_default();
        }
    }
    files
}

fn with_what_every_node_has<'a>(
    mut files: BTreeMap<&'a str, Draft>,
    node: &Node,
    ports: &Ports,
) -> Result<BTreeMap<&'a str, Draft>, String> {
    let port = ports.nodes.get(&node.name).ok_or_else(|| format!("`{}` has no port", node.name))?;
    let mut front = String::new();
    for (name, value) in [
        (names::PORT, port.to_string()),
        (names::UNIX_SOCKET_DIRECTORIES, format!("'{}'", ports.sockets())),
        (names::LISTEN_ADDRESSES, "'127.0.0.1'".to_string()),
    ] {
        let access = [names::PG_HBA, names::PG_IDENT];
        let mut settings = files.iter().filter(|(path, _)| path.ends_with(".conf") && !access.contains(path));
        let is_set = settings.any(|(_, (text, _))| text.split(|byte| *byte == b'\n').any(|line| sets(line, name)));
        if !is_set {
            front.push_str(&format!("{name} = {value}\n"));
        }
    }
    let main = files.entry(names::POSTGRESQL_CONF).or_default();
    main.0.splice(0..0, front.into_bytes());
    let hba = files.entry(names::PG_HBA).or_insert_with(|| (HBA.to_vec(), None));
    hba.0.splice(0..0, DOOR.iter().copied());
    // A self-signed certificate, which a real server is given in the place of an empty file.
    files.entry(CERTIFICATE).or_insert((Vec::new(), None));
    files.entry(KEY).or_insert((Vec::new(), Some(0o600)));
    if !node.has_no_data {
        let major = node.major.to_string();
        files.entry(names::PG_VERSION).or_insert_with(|| (format!("{major}\n").into_bytes(), None));
    }
    Ok(files)
}

/// Whether a line of settings begins with that name.
fn sets(line: &[u8], name: &str) -> bool {
    let line = line.trim_ascii_start();
    let end = line.iter().position(|byte| !byte.is_ascii_alphanumeric() && *byte != b'_').unwrap_or(line.len());
    line[..end].eq_ignore_ascii_case(name.as_bytes())
}

/// The slots among the files of a node.
fn slots(own: &BTreeMap<&str, &Beside>, are_logical: bool) -> Vec<String> {
    let is_wanted = |file: &Beside| is_logical(&file.bytes).unwrap_or(false) == are_logical;
    own.iter().filter(|(_, file)| is_wanted(file)).filter_map(|(path, _)| slot(path)).collect()
}

/// Bytes of a segment, of a text such as `64MB`.
fn segments(text: &[u8]) -> Result<u32, String> {
    let text = String::from_utf8_lossy(text);
    let size = text.trim().strip_suffix("MB").and_then(|size| size.parse::<u32>().ok());
    size.map(|size| size << 20).ok_or_else(|| format!("`{}` is no size such as `64MB`", text.trim()))
}

/// The name of the slot whose state a file holds.
fn slot(path: &str) -> Option<String> {
    let name = path.strip_prefix(names::PG_REPLSLOT)?.strip_prefix('/')?.strip_suffix("/state")?;
    Some(name.to_string())
}

/// Puts ports and directories in the place of `{primary.port}`, `{free.port}`, `{sockets}` and `{data}`.
fn filled(text: &[u8], node: &str, ports: &Ports) -> Result<Vec<u8>, String> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.iter().position(|byte| *byte == b'{') {
        out.extend(&rest[..start]);
        rest = &rest[start..];
        let end = rest.iter().position(|byte| matches!(byte, b'}' | b'\n'));
        let word = end.and_then(|end| std::str::from_utf8(&rest[1..end]).ok()).unwrap_or_default();
        let value = match word.strip_suffix(".port") {
            Some("free") => ports.free.to_string(),
            Some(other) => ports.nodes.get(other).ok_or_else(|| format!("there is no node `{other}`"))?.to_string(),
            None if word == "sockets" => ports.sockets(),
            None if word == "data" => format!("{}/{node}", ports.root),
            None => {
                // A brace of the text's own.
                out.push(b'{');
                rest = &rest[1..];
                continue;
            }
        };
        out.extend(value.into_bytes());
        rest = &rest[word.len() + 2..];
    }
    out.extend(rest);
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "## a-slot\n\nWhy it works.\n\n```pair 11..18\n--- primary/postgresql.conf\nport = 1\nwork_mem = 8MB\n--- primary/pg_replslot/s/state\n--- standby/recovery\nprimary_conninfo = 'host={sockets} port={primary.port} {x}'\n--- standby/pgpass mode=0600 12..\n{data}\n```\n";

    fn shown(major: Major) -> String {
        let scenario = scenarios(TEXT).unwrap().remove(0);
        assert_eq!((scenario.name.as_str(), scenario.prose.as_str()), ("a-slot", "Why it works."));
        let ports = Ports::offline(&scenario.example.beside);
        let setup = expand(&scenario.example.beside, major, &ports).unwrap();
        let mut text = String::new();
        for (path, (bytes, mode)) in &setup.files {
            text.push_str(&format!("--- {} {mode:?}\n{}", path.display(), String::from_utf8_lossy(bytes)));
        }
        format!("{text}--- {:?}\n", setup.empty)
    }

    #[test]
    fn shorthand_becomes_the_files_of_a_major() {
        insta::assert_snapshot!(shown(Major::V18));
        let eleven = shown(Major::V11);
        assert!(eleven.contains("--- standby/recovery.conf None\nstandby_mode = 'on'\nprimary_conninfo"), "{eleven}");
        assert!(!eleven.contains("signal") && !eleven.contains("pgpass") && !eleven.contains("auto.conf"), "{eleven}");
    }

    #[test]
    fn ranges_have_majors() {
        let of = |range: &str| [Major::V11, Major::V12, Major::V18].map(|major| holds(range, major).unwrap());
        assert_eq!(of(""), [true; 3]);
        assert_eq!(of("..11"), [true, false, false]);
        assert_eq!(of("12.."), [false, true, true]);
        assert_eq!(of("12..17"), [false, true, false]);
        assert_eq!(of("18"), [false, false, true]);
        assert!(holds("x..", Major::V11).is_err());
    }
}
