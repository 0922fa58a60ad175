//! Small changes to lines of postgresql.conf.

use fastrand::Rng;

use crate::files::Bytes;
use crate::record;
use crate::values;

/// What servers know, of all majors together.
#[derive(Clone, Debug, Default)]
pub struct Known {
    /// Rows of the catalogues.
    pub parameters: Vec<record::Row>,
    /// Every value of every enum.
    pub words: Vec<String>,
}

/// Changes, adds or removes one line.
pub fn line(known: &Known, rng: &mut Rng, lines: &mut Vec<Bytes>) {
    let at = if lines.is_empty() { 0 } else { rng.usize(..lines.len()) };
    match rng.u8(..16) {
        0..=4 => {
            let new = setting(known, rng);
            lines.insert(rng.usize(..=lines.len()), new);
        }
        5..=8 => {
            if let Some(line) = lines.get_mut(at) {
                revalue(known, rng, line);
            }
        }
        9 | 10 => {
            if let Some(line) = lines.get_mut(at) {
                rename(known, rng, line);
            }
        }
        11 => again(known, rng, lines, at),
        12 => {
            if let Some(line) = lines.get_mut(at) {
                bytes(rng, line);
            }
        }
        13 => {
            let whole = *rng.choice(LINES).expect("there are lines");
            lines.insert(rng.usize(..=lines.len()), whole.to_vec());
        }
        14 => {
            if let Some(line) = lines.get_mut(at) {
                line.extend(*rng.choice(TAILS).expect("there are tails"));
            }
        }
        _ => {
            if let Some(line) = lines.get_mut(at) {
                let value = split(line).1.to_vec();
                *line = compose(rng, split(line).0, &value);
            }
        }
    }
}

/// Changes a few bytes without regard to any grammar.
pub fn bytes(rng: &mut Rng, bytes: &mut Bytes) {
    for _ in 0..rng.usize(1..=2) {
        let at = rng.usize(..=bytes.len());
        match rng.u8(..6) {
            0 => bytes.truncate(at),
            1 => bytes.insert(at, rng.u8(..)),
            2 => bytes.insert(
                at,
                *rng.choice(b"'\"\\=#\n\r\t\0\x0b\x0c,;.:-+*$%@()[]{}~^!?<>|&`/ 0aZ_\xff\xa0\xef")
                    .expect("there are bytes"),
            ),
            3 if at < bytes.len() => {
                bytes.remove(at);
            }
            4 if at < bytes.len() => bytes[at] = rng.u8(..),
            _ if at + 1 < bytes.len() => bytes.swap(at, at + 1),
            _ => {}
        }
    }
}

/// A new line for any parameter of any major.
fn setting(known: &Known, rng: &mut Rng) -> Bytes {
    let Some(row) = rng.choice(&known.parameters) else {
        return b"work_mem = 1MB".to_vec();
    };
    let plain = values::value(known, rng, row);
    let value = values::quoted(rng, &plain);
    let mut line = compose(rng, row[0].as_bytes(), &value);
    if rng.u8(..6) == 0 {
        rename(known, rng, &mut line);
    }
    line
}

fn revalue(known: &Known, rng: &mut Rng, line: &mut Bytes) {
    let name = split(line).0.to_vec();
    let row = known.parameters.iter().find(|row| row[0].as_bytes().eq_ignore_ascii_case(&name));
    let row = row.or_else(|| rng.choice(&known.parameters)).cloned();
    let plain = row.map_or(b"1".to_vec(), |row| values::value(known, rng, &row));
    let value = values::quoted(rng, &plain);
    *line = compose(rng, &name, &value);
}

fn rename(known: &Known, rng: &mut Rng, line: &mut Bytes) {
    let (name, rest) = (split(line).0.to_vec(), line[split(line).0.len()..].to_vec());
    let mut new = name.clone();
    let at = if name.is_empty() { 0 } else { rng.usize(..name.len()) };
    match rng.u8(..10) {
        0 | 1 => new.make_ascii_uppercase(),
        2 if at < new.len() => new[at] = new[at].to_ascii_uppercase(),
        3 if at < new.len() => {
            new.remove(at);
        }
        4 if at < new.len() => new.insert(at, name[at]),
        5 => new = rng.choice(NAMES).expect("there are names").to_vec(),
        6 => new = [b"my.".as_slice(), &name].concat(),
        7 => new.insert(at, *rng.choice(b"-._0\xc3 $").expect("there are bytes")),
        _ => {
            if let Some(row) = rng.choice(&known.parameters) {
                new = row[0].clone().into_bytes();
            }
        }
    }
    *line = [new, rest].concat();
}

/// The name of a line once more: in another spelling, with another value.
fn again(known: &Known, rng: &mut Rng, lines: &mut Vec<Bytes>, at: usize) {
    let Some(line) = lines.get(at) else { return };
    let mut copy = line.clone();
    if rng.bool() {
        revalue(known, rng, &mut copy);
    }
    if rng.bool() {
        let name = split(&copy).0.len();
        copy[..name].make_ascii_uppercase();
    }
    lines.insert(rng.usize(..=lines.len()), copy);
}

/// The name of a line and what stands for its value, comment included.
fn split(line: &[u8]) -> (&[u8], &[u8]) {
    let line = line.trim_ascii_start();
    let name =
        line.iter().take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | 0x80..)).count();
    let rest = line[name..].trim_ascii_start();
    (&line[..name], rest.strip_prefix(b"=").unwrap_or(rest).trim_ascii_start())
}

fn compose(rng: &mut Rng, name: &[u8], value: &[u8]) -> Bytes {
    let between: &[u8] = match rng.u8(..24) {
        0 => b"=",
        1 | 2 => b" ",
        3 => b"\t=\t",
        4 => b"",
        5 => b" == ",
        6 => b"\r=\r",
        7 => b"\x0c= ",
        8 => b" : ",
        _ => b" = ",
    };
    let after: &[u8] = if rng.u8(..6) == 0 { rng.choice(TAILS).expect("there are tails") } else { b"" };
    [name, between, value, after].concat()
}

const TAILS: &[&[u8]] = &[
    b"#comment",
    b"\t\t# it's",
    b" # \xe9\x00",
    b";",
    b" ,",
    b" 'more'",
    b"\r",
    b" extra",
    b"\x0c",
    b"\xc2\xa0",
    b"'",
    b" = 1",
    b".5",
    b"MB",
    b" kB",
    b"--",
    b"\\",
    b"/",
];

const LINES: &[&[u8]] = &[
    b"",
    b"   ",
    b"\r",
    b"#",
    b"=",
    b"= 1",
    b"'a' = 1",
    b"\"work_mem\" = 1MB",
    b"work_mem",
    b"work_mem =",
    b"1 = 1",
    b"a.b.c = 1",
    b"a.b = a.b",
    b"my.var = 1",
    b"<<<<<<< HEAD",
    b"\xef\xbb\xbfwork_mem = 1MB",
    b"\xef\xbb\xbf",
    b"select 1;",
    b"local all all trust",
    b"alter system set work_mem = '1MB';",
    b"plpgsql.variable_conflict = 'error'",
    b"pg_stat_statements.max = 1",
    b"{{ x }}",
    b"sort_mem = 1MB",
    b"vacuum_mem = 16MB",
    b"ssl_ecdh_curve = 'prime256v1'",
    b"role = 'none'",
    b"seed = 0.5",
    b"session_authorization = 'x'",
    b"is_superuser = on",
    b"default_with_oids = off",
    b"default_with_oids = on",
    b"ssl_renegotiation_limit = 0",
    b"ssl_renegotiation_limit = 1MB",
    b"data_directory = '/nonexistent/x'",
    b"config_file = 'x'",
    b"hba_file = 'x'",
    b"ident_file = ''",
    b"external_pid_file = 'x'",
    b"server_version = 1",
];

const NAMES: &[&[u8]] = &[
    b"sort_mem",
    b"vacuum_mem",
    b"ssl_ecdh_curve",
    b"ssl_groups",
    b"wal_keep_segments",
    b"checkpoint_segments",
    b"replication_timeout",
    b"unix_socket_directory",
    b"autocommit",
    b"include",
    b"include_dir",
    b"wal_debug",
    b"trace_locks",
    b"extension_destdir",
    b"SORT_MEM",
    b"output_plugin_libraries",
    b"composite_type_mismatch",
    b"io_workers",
    b"max_fsm_pages",
    b"standby_mode",
    b"trigger_file",
    b"recovery_target_xid",
];
