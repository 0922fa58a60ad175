//! pgconflint against the servers.
//! `agree conf [FILES…] [--pg N] [--save DIR]`
//! `agree hba|ident [FILES…] [--pg N]`, `agree generate-hba|generate-ident [--count N] [--seed S] [--from K] [--pg N]`
//! `agree doors [--count N] [--seed S] [--from K] [--pg N]`: the line that decides, by real connections
//! `agree recovery [FILES…] [--pg N]`: recovery.conf, on 10 and 11; `agree generate-recovery [--count N] [--seed S] [--from K] [--pg N]`
//! `agree generate [--count N] [--seed S] [--from K] [--pg N] [--save DIR]`
//! `agree conninfo [--count N] [--seed S] [--from K] [--pg N]`
#![expect(clippy::print_stdout, reason = "a program for people")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Context, Result, bail};
use pgconflint_servers::access::{self, Kind};
use pgconflint_servers::access_cases;
use pgconflint_servers::agree::{self, Depth, Disagreement};
use pgconflint_servers::generate::{self, Material};
use pgconflint_servers::libpq::Libpq;
use pgconflint_servers::opinion::Pgconflint;
use pgconflint_servers::server::start_each;
use pgconflint_servers::shown::Shown;
use pgconflint_servers::{FileSet, Server, conninfo, doors, install, record, recovery, start_all};

#[derive(Default)]
struct Options {
    command: String,
    files: Vec<PathBuf>,
    count: u64,
    from: u64,
    seed: u64,
    pg: Option<u16>,
    save: Option<PathBuf>,
}

/// One in so many generated cases is also started, word for word.
const STARTED: u64 = 10;

/// So many different disagreements are printed; all are counted and saved.
const PRINTED: usize = 60;

/// The text of a disagreement, what it is in, and the cases that show it.
type Reports = BTreeMap<String, (String, Vec<String>)>;

fn main() -> Result<()> {
    let options = options()?;
    install::install(&|line| println!("{line}"))?;
    let majors: Vec<u16> =
        install::majors().into_iter().filter(|major| options.pg.is_none_or(|pg| pg == *major)).collect();
    if options.command.ends_with("recovery") {
        return recoveries(&options, &majors);
    }
    if options.command == "conninfo" {
        std::process::exit(i32::from(strings(&options, &majors)? > 0));
    }
    if let "hba" | "ident" | "generate-hba" | "generate-ident" = options.command.as_str() {
        return accesses(&options, &majors);
    }
    if options.command == "doors" {
        return doors(&options, &majors);
    }
    let servers = start_all(&majors)?;
    if let Some(save) = &options.save {
        std::fs::create_dir_all(save)?;
    }
    let before = std::time::Instant::now();
    let (cases, found) = match options.command.as_str() {
        "conf" => {
            let mut cases = Vec::new();
            for path in conf_files(&options, &majors)? {
                let bytes = std::fs::read(&path).with_context(|| path.display().to_string())?;
                let auto = path.to_string_lossy().contains("auto_conf") || path.ends_with("postgresql.auto.conf");
                let files =
                    if auto { FileSet::conf("").with("postgresql.auto.conf", bytes) } else { FileSet::conf(bytes) };
                cases.push((path.display().to_string(), files));
            }
            ask(
                &servers,
                &options,
                cases.len() as u64,
                &|number| cases[usize::try_from(number).expect("a small number")].clone(),
                &|_| Depth::Values,
            )
        }
        "generate" => {
            let material = material(&options, &majors)?;
            println!("seed {}, cases {} to {}", options.seed, options.from, options.from + options.count);
            let case = |number: u64| {
                let number = options.from + number;
                (format!("seed {} case {number}", options.seed), generate::case(&material, options.seed, number))
            };
            let depth = |number: u64| {
                if (options.from + number).is_multiple_of(STARTED) { Depth::Start } else { Depth::View }
            };
            ask(&servers, &options, options.count, &case, &depth)
        }
        other => {
            bail!(
                "agree {other}: there is `conf`, `doors`, `hba`, `ident`, `generate`, `generate-hba`, `generate-ident`, `conninfo`, `recovery` and `generate-recovery`"
            )
        }
    };
    let seconds = before.elapsed().as_secs_f64();
    #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
    let rate = cases as f64 / seconds;
    println!(
        "{cases} cases on {} majors, {found} disagreements, {seconds:.1} s, {rate:.0} cases a second",
        servers.len()
    );
    drop(servers);
    std::process::exit(i32::from(found > 0));
}

/// Asks 10 and 11 about recovery.conf, each case a start that ends once the file is read.
fn recoveries(options: &Options, majors: &[u16]) -> Result<()> {
    let majors: Vec<u16> = majors.iter().copied().filter(|major| recovery::MAJORS.contains(major)).collect();
    let files = recovery_files(options);
    let mut cases: Vec<(String, FileSet)> = Vec::new();
    let before = std::time::Instant::now();
    if options.command == "recovery" {
        for path in &files {
            let bytes = std::fs::read(path).with_context(|| path.display().to_string())?;
            cases.push((path.display().to_string(), FileSet::default().with(recovery::FILE, bytes)));
        }
    } else {
        println!("seed {}, cases {} to {}", options.seed, options.from, options.from + options.count);
        let mut material = Material::default();
        for path in &files {
            material.add(&std::fs::read(path)?);
        }
        let numbers = options.from..options.from + options.count;
        cases.extend(numbers.map(|number| {
            (format!("seed {} case {number}", options.seed), recovery::case(&material, options.seed, number))
        }));
    }
    let jobs: Vec<(&(String, FileSet), u16)> =
        cases.iter().flat_map(|case| majors.iter().map(move |major| (case, *major))).collect();
    let (next, reports) = (AtomicUsize::new(0), Mutex::new(Reports::new()));
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(2, usize::from) * 2 {
            scope.spawn(|| {
                while let Some(((name, files), major)) = jobs.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let (text, what) = match recovery::compare(*major, files) {
                        Ok(found) if found.is_empty() => continue,
                        Ok(found) => told(files, &found),
                        Err(error) => (format!("  {error:#}"), "no answer".to_string()),
                    };
                    let mut reports = reports.lock().expect("no thread panics while it reports");
                    reports.entry(text).or_insert((what, Vec::new())).1.push(format!("{name} [{major}]"));
                }
            });
        }
    });
    let found = print(reports.into_inner().expect("no thread panics while it reports"));
    println!("{} starts on {majors:?}, {found} disagreements, {:.1?}", jobs.len(), before.elapsed());
    std::process::exit(i32::from(found > 0));
}

/// The files given, else those of the corpus.
fn recovery_files(options: &Options) -> Vec<PathBuf> {
    if !options.files.is_empty() {
        return options.files.clone();
    }
    let corpus = std::env::var_os("PGCONFLINT_CORPUS");
    corpus.map_or_else(Vec::new, |corpus| below(&Path::new(&corpus).join("recovery_conf")))
}

/// Tries clients on made-up files: which line decides.
fn doors(options: &Options, majors: &[u16]) -> Result<()> {
    println!("seed {}, files {} to {}", options.seed, options.from, options.from + options.count);
    let (before, visits, reports) = (std::time::Instant::now(), AtomicUsize::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for major in majors {
            let (visits, reports) = (&visits, &reports);
            scope.spawn(move || {
                let report = |text: String| reports.lock().expect("no thread panics while it reports").push(text);
                let server =
                    match Server::start_listening(*major).and_then(|server| doors::furnish(&server).map(|()| server)) {
                        Ok(server) => server,
                        Err(error) => return report(format!("[{major}] {error:#}")),
                    };
                for number in options.from..options.from + options.count {
                    let case = doors::case(options.seed, number, *major);
                    visits.fetch_add(case.visits.len() + case.standbys.len(), Ordering::Relaxed);
                    match doors::compare(&server, &case) {
                        Ok(found) => found
                            .into_iter()
                            .for_each(|what| report(format!("file {number} [{major}]\n{}{what}", case.text))),
                        Err(error) => report(format!("file {number} [{major}]\n{}{error:#}", case.text)),
                    }
                }
            });
        }
    });
    let reports = reports.into_inner().expect("no thread panics while it reports");
    reports.iter().take(PRINTED).for_each(|report| println!("{report}"));
    let visits = visits.into_inner();
    println!(
        "{visits} connections to {} majors, {} disagreements, {:.1?}",
        majors.len(),
        reports.len(),
        before.elapsed()
    );
    std::process::exit(i32::from(!reports.is_empty()));
}

/// Asks every libpq about connection strings; returns how many answers differ.
fn strings(options: &Options, majors: &[u16]) -> Result<usize> {
    println!("seed {}, cases {} to {}", options.seed, options.from, options.from + options.count);
    let mut found = 0;
    for major in majors {
        let libpq = Libpq::load(*major)?;
        let (mut differ, mut connected) = (0, 0);
        for number in options.from..options.from + options.count {
            let case = conninfo::case(options.seed, number);
            connected += usize::from(case.is_safe);
            let Some(difference) = conninfo::compare(&libpq, &case)? else { continue };
            differ += 1;
            if differ <= PRINTED / 6 {
                println!("seed {} case {number} [{major}] {}\n  {difference}", options.seed, case.text.escape_ascii());
            }
        }
        println!("{major}: {} strings parsed, {connected} used to connect, {differ} disagreements", options.count);
        found += differ;
    }
    Ok(found)
}

/// Asks about pg_hba.conf or pg_ident.conf: what the views show, or up to 14 what a reload says of pg_ident.conf.
fn accesses(options: &Options, majors: &[u16]) -> Result<()> {
    let kind = if options.command.ends_with("hba") { Kind::Hba } else { Kind::Ident };
    let generates = options.command.starts_with("generate");
    let mut files = options.files.clone();
    if let Some(corpus) = std::env::var_os("PGCONFLINT_CORPUS").filter(|_| files.is_empty()) {
        files = below(&Path::new(&corpus).join(kind.name().trim_end_matches(".conf")));
    }
    let mut lines = access_cases::Lines::default();
    let mut cases: Vec<(String, FileSet)> = Vec::new();
    for path in &files {
        let bytes = std::fs::read(path).with_context(|| path.display().to_string())?;
        lines.add(&bytes);
        cases.push((path.display().to_string(), FileSet::default().with(kind.name(), bytes)));
    }
    // What a hostssl line is told differs with ssl on and off; a reload needs it on.
    let servers = start_each(majors, &|major| {
        if generates || kind == Kind::Ident { Server::start_with_ssl(major) } else { Server::start(major) }
    })?;
    let count = if generates { options.count } else { cases.len() as u64 };
    if generates {
        println!("seed {}, cases {} to {}", options.seed, options.from, options.from + count);
    }
    let case = |number: u64| {
        if generates {
            let number = options.from + number;
            (format!("seed {} case {number}", options.seed), access_cases::case(kind, &lines, options.seed, number))
        } else {
            cases[usize::try_from(number).expect("a small number")].clone()
        }
    };
    let (before, reports) = (std::time::Instant::now(), Mutex::new(Reports::new()));
    std::thread::scope(|scope| {
        for server in &servers {
            let (case, reports) = (&case, &reports);
            scope.spawn(move || {
                for number in 0..count {
                    let (name, files) = case(number);
                    let (text, what) = match access::compare(server, kind, &files) {
                        Ok(found) if found.is_empty() => continue,
                        Ok(found) => {
                            let small = access::shrink(server, kind, &files);
                            let again = access::compare(server, kind, &small).unwrap_or_default();
                            told(&small, if again.is_empty() { &found } else { &again })
                        }
                        Err(error) => (format!("  {error:#}"), "no answer".to_string()),
                    };
                    let mut reports = reports.lock().expect("no thread panics while it reports");
                    reports.entry(text).or_insert((what, Vec::new())).1.push(format!("{name} [{}]", server.major));
                }
            });
        }
    });
    let found = print(reports.into_inner().expect("no thread panics while it reports"));
    let majors = servers.len();
    println!("{count} files on {majors} majors, {found} disagreements, {:.1?}", before.elapsed());
    drop(servers);
    std::process::exit(i32::from(found > 0));
}

/// Asks all servers about all cases; returns how many were asked about and
/// how many were answered otherwise.
fn ask(
    servers: &[Server],
    options: &Options,
    count: u64,
    case: &(dyn Fn(u64) -> (String, FileSet) + Sync),
    depth: &(dyn Fn(u64) -> Depth + Sync),
) -> (usize, usize) {
    let (shown, reports) = (Shown::default(), Mutex::new(Reports::new()));
    let cases = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for server in servers {
            let (shown, reports, cases) = (&shown, &reports, &cases);
            scope.spawn(move || {
                for number in 0..count {
                    let (name, files) = case(number);
                    cases.fetch_add(1, Ordering::Relaxed);
                    if let Some((text, what)) = one(server, shown, options, &name, &files, depth(number)) {
                        let mut reports = reports.lock().expect("no thread panics while it reports");
                        reports.entry(text).or_insert((what, Vec::new())).1.push(format!("{name} [{}]", server.major));
                    }
                }
            });
        }
    });
    (cases.into_inner(), print(reports.into_inner().expect("no thread panics while it reports")))
}

/// Prints each disagreement once, and how many there are of each kind.
fn print(reports: Reports) -> usize {
    let mut kinds = BTreeMap::<String, usize>::new();
    for (index, (text, (what, names))) in reports.into_iter().enumerate() {
        *kinds.entry(what).or_default() += names.len();
        if index < PRINTED {
            let more = if names.len() > 9 { format!(" and {} more", names.len() - 9) } else { String::new() };
            println!("{}{more}\n{text}", names.iter().take(9).cloned().collect::<Vec<_>>().join(", "));
        }
    }
    for (kind, count) in &kinds {
        println!("{count:6} {kind}");
    }
    kinds.values().sum()
}

/// The report of one case if the two sides differ, and what they differ in.
fn one(
    server: &Server,
    shown: &Shown,
    options: &Options,
    name: &str,
    files: &FileSet,
    depth: Depth,
) -> Option<(String, String)> {
    let ask = |files: &FileSet| agree::compare(server, shown, &Pgconflint, files, depth);
    let found = match ask(files) {
        Ok(found) if found.is_empty() => return None,
        Ok(found) => found,
        Err(error) => return Some((format!("  {error:#}"), "no answer".to_string())),
    };
    let small = agree::shrink(server, shown, &Pgconflint, files, depth).unwrap_or_else(|_| files.clone());
    let found = ask(&small).ok().filter(|found| !found.is_empty()).unwrap_or(found);
    if let Some(directory) = &options.save {
        let safe: String =
            name.chars().map(|char| if char.is_ascii_alphanumeric() || char == '.' { char } else { '-' }).collect();
        let directory = directory.join(format!("{safe}-{}", server.major));
        let _ = std::fs::create_dir_all(&directory);
        let _ = small.write(&directory);
    }
    Some(told(&small, &found))
}

/// The files and where the two sides differ, and the first thing in which they do.
fn told(small: &FileSet, found: &[Disagreement]) -> (String, String) {
    let mut lines = Vec::new();
    for (path, bytes) in &small.files {
        let text = bytes.as_ref().map_or("(not there)".to_string(), |bytes| {
            bytes
                .split(|byte| *byte == b'\n')
                .map(|line| line.escape_ascii().to_string())
                .collect::<Vec<_>>()
                .join("\n    | ")
        });
        lines.push(format!("  {path}\n    | {text}"));
    }
    for disagreement in found {
        lines.push(format!("  {}:", disagreement.what));
        lines.extend(agree::difference(disagreement).into_iter().map(|line| format!("    {line}")));
    }
    (lines.join("\n"), found[0].what.clone())
}

/// The files given, else all of the corpus and each major's own sample.
fn conf_files(options: &Options, majors: &[u16]) -> Result<Vec<PathBuf>> {
    if !options.files.is_empty() {
        return Ok(options.files.clone());
    }
    let mut files = Vec::new();
    for major in majors {
        files.push(install::home(*major)?.join("share/postgresql/postgresql.conf.sample"));
    }
    if let Some(corpus) = std::env::var_os("PGCONFLINT_CORPUS") {
        for kind in ["postgresql_conf", "auto_conf"] {
            files.extend(below(&Path::new(&corpus).join(kind)));
        }
    }
    Ok(files)
}

fn below(directory: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(directory).into_iter().flatten();
    let mut files: Vec<PathBuf> =
        entries.filter_map(|entry| Some(entry.ok()?.path())).filter(|path| path.is_file()).collect();
    files.sort();
    files
}

/// Source files for cases, and what all majors know.
fn material(options: &Options, majors: &[u16]) -> Result<Material> {
    let mut material = Material::default();
    for path in conf_files(options, majors)? {
        material.add(&std::fs::read(path)?);
    }
    let mut rows = BTreeMap::new();
    for major in install::majors() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../../rules/catalog/{major}.tsv"));
        rows.extend(record::read(&std::fs::read_to_string(path)?)?);
    }
    material.known.words = record::words(rows.values()).into_iter().collect();
    material.known.parameters = rows.into_values().collect();
    Ok(material)
}

fn options() -> Result<Options> {
    let mut options = Options { count: 2000, ..Options::default() };
    let mut arguments = std::env::args().skip(1);
    options.command = arguments.next().unwrap_or_default();
    let mut seed = None;
    while let Some(argument) = arguments.next() {
        let mut next = || arguments.next().with_context(|| format!("{argument} wants a value"));
        match argument.as_str() {
            "--count" => options.count = next()?.parse()?,
            "--from" => options.from = next()?.parse()?,
            "--seed" => seed = Some(next()?.parse()?),
            "--pg" => options.pg = Some(next()?.parse()?),
            "--save" => options.save = Some(next()?.into()),
            _ => options.files.push(argument.into()),
        }
    }
    options.seed = seed.unwrap_or_else(|| fastrand::u64(..1_000_000));
    Ok(options)
}
