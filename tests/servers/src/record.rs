//! The catalogue: every parameter of a major, as its server lists it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use anyhow::{Context, Result, ensure};

use crate::files::FileSet;
use crate::probe;
use crate::server::Server;
use crate::start::start_check;

/// The columns of `rules/catalog/NN.tsv`.
pub const COLUMNS: [&str; 13] = [
    "name", "type", "unit", "min", "max", "enum", "hidden", "default", "context", "category", "short", "flags", "file",
];

/// A row of the catalogue, cells in the order of [`COLUMNS`].
pub type Row = [String; 13];

/// Names that SHOW knows and `pg_settings` does not list, in some major.
/// There is no asking a server for such names, nor for what they are.
const UNLISTED: [&str; 7] = [
    "autocommit",
    "default_with_oids",
    "is_superuser",
    "role",
    "seed",
    "session_authorization",
    "ssl_renegotiation_limit",
];

/// Reads a catalogue file.
pub fn read(text: &str) -> Result<BTreeMap<String, Row>> {
    let lines = text.lines().filter(|line| !line.starts_with('#')).skip(1);
    let rows = lines.map(|line| {
        let cells: Vec<String> = line.split('\t').map(unescape).collect();
        let row = Row::try_from(cells).ok().with_context(|| format!("not 13 columns: {line}"))?;
        Ok((row[0].to_lowercase(), row))
    });
    rows.collect()
}

/// The text of the catalogue of a server. `before` is the catalogue there is,
/// which gives what no server tells: the rows of unlisted parameters. `words`
/// are the values to try on every enum.
pub fn record(server: &Server, before: &BTreeMap<String, Row>, words: &BTreeSet<String>) -> Result<String> {
    let mut rows = listed(server)?;
    let spellings = probe::spellings(server, &rows, words)?;
    let internal = probe::internal(server, rows.values())?;
    for (name, row) in &mut rows {
        if let Some((visible, hidden)) = spellings.get(name) {
            row[5] = visible.join("|");
            row[6] = hidden.join("|");
        }
        row[12] = if internal.contains(name) { "no" } else { "yes" }.to_string();
        // The build's own directory is nobody else's.
        if row[0] == "krb_server_keyfile"
            && let Some(directory) = row[7].strip_prefix("FILE:").and_then(|path| path.strip_suffix("/krb5.keytab"))
        {
            row[7] = row[7].replace(directory, "SYSCONFDIR");
        }
    }
    for name in UNLISTED {
        if rows.contains_key(name) || !exists(server, name)? {
            continue;
        }
        let mut row = before
            .get(name)
            .cloned()
            .with_context(|| format!("{name} exists, and no row of before tells what it is"))?;
        row[11] = [flags(server, name)?.as_str(), "HIDDEN"].join(" ").trim().to_string();
        let files = FileSet::conf(format!("{name} = '{}'\n", row[7]));
        let settable = start_check(server.major, &files, "work_mem")?.ok;
        row[12] = if settable { "yes" } else { "no" }.to_string();
        rows.insert(name.to_string(), row);
    }
    let version = one(server, "show server_version")?;
    let mut text = format!(
        "# PostgreSQL {version}, as a running server lists its parameters. Columns are explained in README.md.\n"
    );
    text.push_str(&COLUMNS.join("\t"));
    for row in rows.values() {
        let cells: Vec<String> = row.iter().map(|cell| escape(cell)).collect();
        write!(text, "\n{}", cells.join("\t")).expect("writing to a String does not fail");
    }
    text.push('\n');
    Ok(text)
}

/// Every value that some enum of some major lists, and every spelling of a
/// boolean and word of old that could be a value of one.
pub fn words<'a>(catalogs: impl Iterator<Item = &'a Row>) -> BTreeSet<String> {
    let mut words: BTreeSet<String> = PROBES.split(' ').map(str::to_string).collect();
    for row in catalogs.filter(|row| row[1] == "enum") {
        let values = row[5].split('|').chain(row[6].split('|'));
        words.extend(values.map(|value| value.split('=').next().unwrap_or_default().to_string()));
    }
    words.remove("");
    words
}

const PROBES: &str = "on off true false yes no 1 0 t f y n tr of ye 2 -1 enable disable enabled disabled default none all auto any \
    archive hot_standby minimal replica logical plain md5 scram-sha-256 scram crypt password debug info fatal panic log notice warning \
    error debug1 debug5 trace local remote remote_write remote_apply sync worker io_uring posix sysv mmap windows pglz lz4 zstd zlib \
    fsync syncfs fdatasync open_sync open_datasync fsync_writethrough immediate buffered pause promote shutdown verbose terse \
    sql iso iso_8601 postgres partition safe_encoding try regress always first user eventlog stderr local0 user0 kern daemon mail";

fn listed(server: &Server) -> Result<BTreeMap<String, Row>> {
    let flags = if server.major >= 15 { "array_to_string(pg_settings_get_flags(name), ' ')" } else { "''" };
    let sql = format!(
        "select name, vartype, unit, min_val, max_val, array_to_string(enumvals, '|'), '', boot_val, context, category, short_desc, {flags}, '' from pg_settings"
    );
    let answer = server.query(&sql)?;
    ensure!(answer.error.is_none(), "pg_settings: {:?}", answer.error);
    let rows = answer.rows.into_iter().map(|cells| {
        let cells: Vec<String> =
            cells.into_iter().map(|cell| String::from_utf8(cell.unwrap_or_default())).collect::<Result<_, _>>()?;
        let row = Row::try_from(cells).ok().context("pg_settings gave other columns than asked for")?;
        Ok((row[0].to_lowercase(), row))
    });
    rows.collect()
}

fn exists(server: &Server, name: &str) -> Result<bool> {
    Ok(server.query(&format!("show {name}"))?.error.is_none())
}

fn flags(server: &Server, name: &str) -> Result<String> {
    if server.major < 15 {
        return Ok(String::new());
    }
    one(server, &format!("select array_to_string(pg_settings_get_flags('{name}'), ' ')"))
}

fn one(server: &Server, sql: &str) -> Result<String> {
    let answer = server.query(sql)?;
    let cell = answer.rows.into_iter().next().and_then(|row| row.into_iter().next()).flatten();
    Ok(String::from_utf8(cell.with_context(|| format!("no answer to {sql}"))?)?)
}

fn escape(cell: &str) -> String {
    cell.replace('\\', "\\\\").replace('\t', "\\t").replace('\n', "\\n")
}

fn unescape(cell: &str) -> String {
    let mut out = String::new();
    let mut chars = cell.chars();
    while let Some(char) = chars.next() {
        match (char, if char == '\\' { chars.next() } else { None }) {
            (_, Some('t')) => out.push('\t'),
            (_, Some('n')) => out.push('\n'),
            (_, Some(other)) => out.push(other),
            (plain, None) => out.push(plain),
        }
    }
    out
}
