//! pgconflint's side: what it says of the same files, in the same shapes.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use pgconflint::catalog::{Catalog, Parameter};
use pgconflint::model::settings::{Settings, Verdict};
use pgconflint::model::{transcript, tree};
use pgconflint::source::{Files, ReadError, Sources};
use pgconflint::value::Value;
use pgconflint::version::{Major, PgVersion};

use crate::files::{Bytes, FileSet, replace};
use crate::start::Outcome;
use crate::view::{Message, Row, View};

/// Whoever says what a server would make of files.
pub trait Opinion: Sync {
    /// The view of the files on a server that runs on its defaults, except as
    /// [`Server`](crate::Server) says.
    fn view(&self, major: u16, files: &FileSet) -> View;
    /// The reading of the configuration at a start. Every parameter that the
    /// files set comes with its value as `postgres -C` prints it.
    fn start(&self, major: u16, files: &FileSet) -> (Outcome, Vec<(String, Bytes)>);
}

/// pgconflint itself.
#[derive(Clone, Copy, Debug, Default)]
pub struct Pgconflint;

/// Where the files lie. A path may also lead out of it.
pub const DATA: &str = "$CWD/data";

/// Writes `$PGDATA` for the data directory, as the servers' answers have it.
pub fn hide(bytes: impl Into<Bytes>) -> Bytes {
    replace(&bytes.into(), DATA.as_bytes(), b"$PGDATA")
}

impl Opinion for Pgconflint {
    fn view(&self, major: u16, files: &FileSet) -> View {
        let major = Major(major * 100);
        let mut sources = Sources::default();
        let main = PathBuf::from(DATA).join("postgresql.conf");
        // A running server knows its data directory, whatever the file says.
        let tree = tree::read(&Lying(files), &mut sources, &main, Some(Path::new(DATA)), major);
        let settings = Settings::judge(&tree, &sources, catalog(major));
        let view = transcript::view(&tree, &settings, &sources, &|parameter| running(parameter, major));
        let rows = view.rows.into_iter().map(|row| Row {
            name: row.name,
            setting: row.setting,
            applied: row.applied,
            error: row.error.map(hide),
            file: Some(hide(row.file)),
            line: Some(row.line),
        });
        let messages = view.messages.into_iter().map(|message| Message {
            message: hide(message.text),
            detail: message.detail.map(hide),
            hint: message.hint.map(hide),
            context: None,
        });
        View { rows: rows.collect(), messages: messages.collect(), failed: None }
    }

    fn start(&self, major: u16, files: &FileSet) -> (Outcome, Vec<(String, Bytes)>) {
        let major = Major(major * 100);
        let mut sources = Sources::default();
        let main = PathBuf::from(DATA).join("postgresql.conf");
        let tree = tree::read(&Lying(files), &mut sources, &main, None, major);
        let settings = Settings::judge(&tree, &sources, catalog(major));
        let start = transcript::start(&tree, &settings, &sources);
        let values = settings.judged.iter().enumerate().filter_map(|(index, judged)| {
            let parameter = judged.parameter?;
            let (winner, _) = settings.winner(parameter)?;
            match &judged.verdict {
                Verdict::Set(value) if winner == index => {
                    Some((settings.catalog.get(parameter).name.to_string(), hide(value.plain())))
                }
                _ => None,
            }
        });
        let values = values.collect();
        let log = start.log.into_iter().map(hide).collect();
        (Outcome { ok: start.ok, log, value: None }, values)
    }
}

/// What is running where [`Server`](crate::Server) does not run on defaults,
/// and what a running server has made of its defaults.
fn running(parameter: &Parameter, major: Major) -> Option<Value> {
    match parameter.name {
        "port" => Some(Value::Integer(-1)),
        "listen_addresses" => Some(Value::Text(Vec::new())),
        // The last one has no value at all, which even an empty one is not.
        "config_file"
        | "data_directory"
        | "unix_socket_directories"
        | "hba_file"
        | "ident_file"
        | "external_pid_file" => Some(Value::Text(b"?".to_vec())),
        "wal_buffers" if major >= Major::V15 => Some(Value::Integer(128)),
        "transaction_buffers" | "subtransaction_buffers" | "commit_timestamp_buffers" => Some(Value::Integer(32)),
        "io_max_concurrency" => Some(Value::Integer(64)),
        _ => None,
    }
}

/// The catalogue of the very minor that is installed.
pub fn catalog(major: Major) -> &'static Catalog {
    static CATALOGS: OnceLock<BTreeMap<Major, Catalog>> = OnceLock::new();
    let catalogs = CATALOGS.get_or_init(|| {
        let installed = crate::install::locked().iter().map(|locked| {
            let major = Major(locked.major * 100);
            let minor = locked.version.split('.').nth(1).and_then(|minor| minor.parse::<u16>().ok());
            let version = PgVersion { major, minor: Some(minor.expect("a version of servers.lock has a minor")) };
            (major, Catalog::of(version))
        });
        installed.collect()
    });
    catalogs.get(&major).expect("only majors of servers.lock are asked about")
}

/// Files that lie in the data directory; all other paths are the disk's.
pub struct Lying<'a>(pub &'a FileSet);

impl Lying<'_> {
    fn relative(path: &Path) -> Option<PathBuf> {
        let below = path.strip_prefix(DATA).ok()?;
        let mut clean = PathBuf::new();
        for component in below.components() {
            match component {
                std::path::Component::ParentDir => {
                    if !clean.pop() {
                        return None;
                    }
                }
                std::path::Component::CurDir => {}
                other => clean.push(other),
            }
        }
        Some(clean)
    }

    fn names(&self) -> impl Iterator<Item = &str> {
        // A fresh data directory has these two.
        let given = self.0.files.iter().filter(|(_, bytes)| bytes.is_some()).map(|(name, _)| name.as_str());
        let defaults = ["postgresql.conf", "postgresql.auto.conf"].into_iter();
        given.chain(defaults.filter(|name| !self.0.files.contains_key(*name)))
    }
}

impl Files for Lying<'_> {
    fn read(&self, path: &Path) -> Result<Arc<[u8]>, ReadError> {
        let Some(name) = Self::relative(path) else {
            return disk(std::fs::read(path)).map(Arc::from);
        };
        if let Some(bytes) = name.to_str().and_then(|name| self.0.get(name)) {
            // A path that ends in a slash is a directory's.
            let slash = path.as_os_str().as_encoded_bytes().ends_with(b"/");
            return if slash { Err(ReadError::NotDirectory) } else { Ok(Arc::from(bytes.as_slice())) };
        }
        if self.names().any(|other| Path::new(other) == name) {
            return Ok(Arc::from(&[][..]));
        }
        if self.names().any(|other| Path::new(other).starts_with(&name)) {
            return Err(ReadError::IsDirectory);
        }
        let file_above = name.ancestors().skip(1).any(|above| self.names().any(|other| Path::new(other) == above));
        Err(if file_above { ReadError::NotDirectory } else { ReadError::Missing })
    }

    fn list(&self, directory: &Path) -> Result<Vec<(Bytes, bool)>, ReadError> {
        let Some(name) = Self::relative(directory) else {
            let entries = disk(std::fs::read_dir(directory))?.filter_map(Result::ok);
            return Ok(entries.map(|entry| (entry.file_name().into_encoded_bytes(), entry.path().is_dir())).collect());
        };
        if self.names().any(|other| name.starts_with(other)) {
            return Err(ReadError::NotDirectory);
        }
        let below = self.names().filter_map(|other| {
            let mut components = Path::new(other).strip_prefix(&name).ok()?.components();
            let first = components.next()?.as_os_str().as_encoded_bytes().to_vec();
            Some((first, components.next().is_some()))
        });
        let below: BTreeSet<(Bytes, bool)> = below.collect();
        if below.is_empty() { Err(ReadError::Missing) } else { Ok(below.into_iter().collect()) }
    }
}

fn disk<T>(result: std::io::Result<T>) -> Result<T, ReadError> {
    result.map_err(|error| pgconflint::files::words(&error))
}
