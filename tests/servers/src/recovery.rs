//! recovery.conf on real servers of 10 and 11: what they read of it and say, against pgconflint.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use fastrand::Rng;
use pgconflint::catalog::recovery::{Kind, Name, names};
use pgconflint::model::settings::{Settings, Zone};
use pgconflint::model::{recovery, tree};
use pgconflint::source::Sources;
use pgconflint::version::Major;

use crate::agree::Disagreement;
use crate::files::{Bytes, FileSet};
use crate::generate::Material;
use crate::opinion::{Lying, catalog, hide};
use crate::start::{lines, stop};
use crate::{install, mutate, template, user};

/// The majors that read recovery.conf and can be installed.
pub const MAJORS: [u16; 2] = [10, 11];

/// The name of the file.
pub const FILE: &str = "recovery.conf";

/// How a server read recovery.conf.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reading {
    /// Each setting as it is logged at debug level, in order.
    pub read: Vec<String>,
    /// Everything else that is about the file.
    pub log: Vec<String>,
    /// Whether a command of the file ended the start, which no file tells.
    pub by_command: bool,
}

/// Starts a server on the files and stops it as soon as it has read recovery.conf.
///
/// # Errors
/// That it could not be started at all.
pub fn ask(major: u16, files: &FileSet) -> Result<Reading> {
    let scratch = template::scratch()?;
    let data = scratch.path().join("data");
    template::copy_for_a_start(major, template::SEGMENT, &data)?;
    for path in files.write(&data)? {
        user::give(&path)?;
    }
    let log = scratch.path().join("log");
    let mut postgres = user::command(install::home(major)?.join("bin/postgres"));
    postgres.current_dir(scratch.path()).arg("-D").arg(&data);
    for setting in ["log_line_prefix=", "log_min_messages=debug2", "fsync=off", "listen_addresses="] {
        postgres.args(["-c", setting]);
    }
    postgres.arg("-c").arg(format!("unix_socket_directories={}", scratch.path().display()));
    // No command of a file does anything, and no host of a file is asked.
    postgres.env("PATH", harmless(scratch.path())?).env("PGHOSTADDR", "127.0.0.1");
    let written = fs::File::create(&log)?;
    let mut child = postgres.stdout(Stdio::null()).stderr(written).spawn().context("starting postgres")?;
    let before = Instant::now();
    while child.try_wait()?.is_none() && before.elapsed() < Duration::from_secs(20) {
        let so_far = String::from_utf8_lossy(&fs::read(&log)?).into_owned();
        if DONE.iter().any(|done| so_far.contains(done)) {
            break;
        }
        std::thread::sleep(Duration::from_millis(3));
    }
    stop(&mut child)?;
    let said = lines(&fs::read(&log)?, scratch.path());
    Ok(sorted(said.iter().map(|line| String::from_utf8_lossy(line).into_owned())))
}

/// What a server logs once it has read recovery.conf.
const DONE: [&str; 3] = ["entering standby mode", "starting archive recovery", "starting point-in-time recovery"];

/// A directory in which commands that people fetch WAL with are there and fail.
fn harmless(scratch: &Path) -> Result<PathBuf> {
    let directory = scratch.join("bin");
    fs::create_dir(&directory)?;
    for name in ["cp", "scp", "rsync", "wget", "curl", "gunzip", "gzip", "cat", "copy", "pg_standby", "ssh", "lz4"] {
        symlink("/bin/false", directory.join(name))?;
    }
    Ok(directory)
}

/// What of a log is about recovery.conf, up to the end of its reading.
fn sorted(log: impl Iterator<Item = String>) -> Reading {
    let mut reading = Reading::default();
    let mut goes_on = false;
    for line in log {
        let Some((level, message)) = line.split_once(":  ") else { continue };
        let is_setting =
            || names().iter().any(|name| message.strip_prefix(name.name).is_some_and(|rest| rest.starts_with(" = ")));
        match level {
            "DEBUG" if is_setting() => reading.read.push(message.to_string()),
            "FATAL" if message.starts_with("could not restore file") => reading.by_command = true,
            "FATAL" | "WARNING" => {
                reading.log.push(line.clone());
                goes_on = true;
                continue;
            }
            "LOG" if message.starts_with("skipping missing") && !message.contains("postgresql.auto.conf") => {
                reading.log.push(line.clone());
            }
            "LOG" if message.starts_with("starting point-in-time") => reading.log.push(line.clone()),
            "DETAIL" | "HINT" if goes_on => {
                reading.log.push(line.clone());
                continue;
            }
            _ => {}
        }
        goes_on = false;
        if level == "LOG" && DONE.iter().any(|done| message.starts_with(done)) {
            break;
        }
    }
    reading
}

/// pgconflint's side. A value that takes the rules of a time zone is `None`.
fn ours(major: u16, files: &FileSet) -> (Vec<(String, Option<String>)>, Vec<String>) {
    let version = Major(major * 100);
    let mut sources = Sources::default();
    let lying = Lying(files);
    let directory = PathBuf::from(crate::opinion::DATA);
    let tree = tree::read(&lying, &mut sources, &directory.join("postgresql.conf"), None, version);
    let settings = Settings::judge(&tree, &sources, catalog(version));
    let zone: &Zone = &settings.zone;
    let recovery = recovery::read(&lying, &mut sources, &directory.join(FILE), version, zone);
    let start = recovery::start(&recovery, &sources, &|_| false);
    let read = start.read.into_iter().map(|(name, value)| (name.to_string(), value));
    let log = start.log.into_iter().map(|line| String::from_utf8_lossy(&hide(line)).into_owned());
    (read.collect(), log.collect())
}

/// Asks both sides and says where they differ.
///
/// # Errors
/// That the server could not be asked.
pub fn compare(major: u16, files: &FileSet) -> Result<Vec<Disagreement>> {
    let theirs = ask(major, files)?;
    let (read, mut log) = ours(major, files);
    let read: Vec<String> = read
        .into_iter()
        .enumerate()
        .map(|(index, (name, value))| match value {
            Some(value) => format!("{name} = {value}"),
            // Its zone is known to the server alone: that it is read is all there is to compare.
            None => theirs.read.get(index).filter(|line| line.starts_with(&name)).cloned().unwrap_or(name),
        })
        .collect();
    let mut found = Vec::new();
    if theirs.by_command {
        // It stopped before it looked further.
        let is_later =
            |line: &String| line.contains("recovery target timeline") || line.starts_with("LOG:  starting point");
        log.retain(|line| !is_later(line));
    }
    for (what, server, ours) in [("settings", theirs.read, read), ("log", theirs.log, log)] {
        if server != ours {
            found.push(Disagreement { what: what.to_string(), server, ours });
        }
    }
    Ok(found)
}

/// Makes the case of this seed and number, the same for every major.
pub fn case(material: &Material, seed: u64, number: u64) -> FileSet {
    let mut rng = Rng::with_seed(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ number.wrapping_mul(0xD1B5_4A32_D192_ED03));
    let rng = &mut rng;
    let mut lines: Vec<Bytes> = Vec::new();
    if rng.u8(..4) == 0 && !material.files.is_empty() {
        lines.extend(material.files[rng.usize(..material.files.len())].iter().take(12).cloned());
    } else if rng.u8(..6) != 0 {
        lines.push(b"standby_mode = on".to_vec());
        lines.push(b"restore_command = '/bin/false'".to_vec());
    }
    for _ in 0..rng.usize(1..=4) {
        let at = rng.usize(..=lines.len());
        lines.insert(at, setting(rng));
    }
    let mut files = FileSet::default();
    if rng.u8(..12) == 0 {
        let (text, name) = *rng.choice(INCLUDES).expect("there are includes");
        lines.insert(rng.usize(..=lines.len()), text.as_bytes().to_vec());
        files = files.with(name, [setting(rng), b"\n".to_vec()].concat());
    }
    if rng.u8(..6) == 0 {
        mutate::line(&material.known, rng, &mut lines);
    }
    if rng.u8(..8) == 0 {
        let conf = *rng.choice(DATES).expect("there are some");
        files = files.with("postgresql.conf", conf);
    }
    let mut main = lines.join(&b'\n');
    main.push(b'\n');
    if rng.u8(..12) == 0 {
        mutate::bytes(rng, &mut main);
    }
    // As in other cases: what such a string holds is anybody's guess.
    files.with(FILE, crate::files::replace(&main, b"'\0", b"'"))
}

fn setting(rng: &mut Rng) -> Bytes {
    let name = *rng.choice(names()).expect("there are names");
    let mut spelled = name.name.as_bytes().to_vec();
    if rng.u8(..24) == 0 {
        let at = rng.usize(..spelled.len());
        spelled[at] = spelled[at].to_ascii_uppercase();
    }
    let value = value(rng, &name);
    [spelled, b" = ".to_vec(), crate::values::quoted(rng, &value)].concat()
}

fn value(rng: &mut Rng, name: &Name) -> Bytes {
    let mut value = match name.kind {
        Kind::Text => {
            pick(rng, &["/bin/false", "cp /a/%f %p", "", "host=/nonexistent", "x y", "it's", "a\nb", "/tmp/x"])
        }
        Kind::Bool => {
            pick(rng, &["on", "off", "t", "F", "yes", "no", "1", "0", "o", "of", "tru", "", " on", "2", "onn"])
        }
        Kind::Words(words, _) => {
            let word = rng.choice(words.split('|').collect::<Vec<_>>()).unwrap_or_default();
            pick(rng, &[word, word, "", "Pause", "PROMOTE", "immediate", "on"])
        }
        Kind::Timeline | Kind::Transaction => whole(rng),
        Kind::Timestamp => moment(rng),
        Kind::Position => pick(
            rng,
            &[
                "0/0",
                "0/3000000",
                "16/B374D848",
                "ffffffff/FFFFFFFF",
                "0",
                "/",
                "1/",
                "000000001/1",
                "0/x",
                "",
                " 0/1",
                "0/1 ",
            ],
        ),
        Kind::RestorePoint => match rng.u8(..3) {
            0 => vec![b'a'; rng.usize(60..70)],
            1 => "é".repeat(rng.usize(28..36)).into_bytes(),
            _ => pick(rng, &["x", "", "a b", "it's"]),
        },
        Kind::Slot => match rng.u8(..3) {
            0 => vec![b's'; rng.usize(60..70)],
            _ => pick(rng, &["slot_1", "", "Slot", "a-b", "é", "1", "_", " s"]),
        },
        Kind::Delay => {
            let number = pick(
                rng,
                &[
                    "0",
                    "5",
                    "-1",
                    "010",
                    "0x10",
                    "1.5",
                    "2147483647",
                    "2147483648",
                    "25",
                    "1e3",
                    "",
                    ".5",
                    " 7",
                    "9999999999999999999",
                ],
            );
            [number, pick(rng, &["", "", "ms", "s", "min", "h", "d", " min", "m", "MIN", "us", "minutes", "d ", "dd"])]
                .concat()
        }
    };
    if rng.u8(..16) == 0 {
        mutate::bytes(rng, &mut value);
    }
    value
}

fn whole(rng: &mut Rng) -> Bytes {
    match rng.u8(..3) {
        0 => rng.u64(..).to_string().into_bytes(),
        1 => format!("{}{}", pick_text(rng, &["", "-", "+", " ", "0", "0x", "\t", "- "]), rng.u32(..5000)).into_bytes(),
        _ => pick(
            rng,
            &[
                "latest",
                "current",
                "LATEST",
                "",
                "0",
                "1",
                "2",
                "-1",
                "1a",
                "0x",
                "08",
                "0xg",
                "1.5",
                "1 ",
                "abc",
                "4294967295",
                "4294967296",
                "4294967297",
                "18446744073709551615",
                "18446744073709551616",
                "-18446744073709551615",
                "1",
                "1",
            ],
        ),
    }
}

/// Texts that are moments, or nearly.
fn moment(rng: &mut Rng) -> Bytes {
    const DATES: &[&str] = &[
        "2020-01-02",
        "1999-12-31",
        "2020-02-30",
        "2020-13-01",
        "2020-00-10",
        "13/14/2020",
        "12/31/2020",
        "31/12/2020",
        "20200102",
        "200102",
        "Jan 8 1999",
        "8 January 1999",
        "1999-Jan-08",
        "J2451187",
        "2020.001",
        "2020-366",
        "0001-01-01",
        "0000-01-01",
        "4713-01-01 BC",
        "294276-12-31",
        "300000-01-01",
        "99-1-1",
        "5-1-1",
        "2020-1-1 BC",
        "1/2/3",
        "2020-01",
        "2020",
        "y2020m1d2",
        "32 Jan 2020",
        "Monday 2020-01-06",
        "2147483648-01-01",
        "-2020-01-01",
        "2020-01-32",
    ];
    const TIMES: &[&str] = &[
        "",
        "",
        "10:00",
        "10:00:00",
        "10:00:00.5",
        "23:59:60",
        "23:59:60.5",
        "24:00:00",
        "24:00:01",
        "25:00",
        "10:60",
        "10:00:61",
        "040506",
        "T040506",
        "T10:00",
        "10:00 PM",
        "13:00 PM",
        "12:00 am",
        "10.5",
        "allballs",
        "10:00:00.1234567",
        "10:00:",
        "99999999999:00",
        "0:0:0.",
    ];
    const ZONES: &[&str] = &[
        "",
        "",
        "+02",
        "-05:30",
        "+0530",
        "+16",
        "+15:59:59",
        "+02:60",
        "Z",
        " UTC",
        " PST",
        " EST5EDT",
        " Europe/Paris",
        " Nowhere/Here",
        " zulu",
        " America/New_York",
        " +99999999999",
        " BC",
        " dst",
        " PST DST",
        " GMT+3",
        "+2x",
        " xyz",
        " EEST",
        " -08",
    ];
    const WORDS: &[&str] = &[
        "now",
        "today",
        "tomorrow",
        "yesterday",
        "epoch",
        "infinity",
        "-infinity",
        "+infinity",
        "NOW",
        "Today 10:00",
        "yesterday noon",
        "Infinity",
        " epoch",
        "epoch 10:00",
        "now 10:00",
        "tomorrow 10:00+02",
        "allballs",
        "",
        " ",
        "x",
        "today PST",
        "invalid",
        "current",
    ];
    if rng.u8(..5) == 0 {
        return pick(rng, WORDS);
    }
    let (date, time, zone) = (pick(rng, DATES), pick(rng, TIMES), pick(rng, ZONES));
    let blank: &[u8] = if time.is_empty() || time[0] == b'T' { b"" } else { b" " };
    [date.as_slice(), blank, &time, &zone].concat()
}

fn pick(rng: &mut Rng, texts: &[&str]) -> Bytes {
    pick_text(rng, texts).as_bytes().to_vec()
}

fn pick_text<'a>(rng: &mut Rng, texts: &[&'a str]) -> &'a str {
    rng.choice(texts).expect("there are texts")
}

const INCLUDES: &[(&str, &str)] = &[
    ("include 'a.conf'", "a.conf"),
    ("INCLUDE 'sub/a.conf'", "sub/a.conf"),
    ("include_dir 'd'", "d/a.conf"),
    ("include_dir 'missing'", "a.conf"),
    ("include_if_exists 'missing.conf'", "a.conf"),
    ("include 'missing.conf'", "a.conf"),
    ("include 'recovery.conf'", "a.conf"),
    ("include ''", "a.conf"),
    ("include_dir ''", "a.conf"),
    ("include './sub/../a.conf'", "sub/a.conf"),
    ("include 'sub'", "sub/a.conf"),
    ("include a.conf", "a.conf"),
];

/// What postgresql.conf says of dates.
const DATES: &[&str] = &[
    "datestyle = 'iso, dmy'\n",
    "datestyle = 'sql, ymd'\n",
    "timezone_abbreviations = 'Australia'\n",
    "timezone_abbreviations = 'India'\n",
    "timezone = 'UTC'\n",
];
