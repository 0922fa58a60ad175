//! What rule pages claim, proven: real servers refuse every `fires` example with the words of the page, and
//! take what is `quiet` or `fixed`; standbys fail to connect with the words that a finding quotes; a primary and
//! its standbys do together what the page says. Only where
//! `PGCONFLINT_REAL_SERVERS` is set; `PGCONFLINT_PROVE=all` proves every major, else, of what fires, the first and the last of an
//! example and those where the words change; `PGCONFLINT_PROVE_PAGES=a,b` only those pages.
#![expect(clippy::print_stdout, reason = "the count is the result")]

use std::collections::BTreeSet;
use std::sync::{LazyLock, OnceLock};

use pgconflint::check::Rules;
use pgconflint::check::examples::{self, ExampleFiles};
use pgconflint::model::conninfo::{Options, pieces, refusals};
use pgconflint::names;
use pgconflint::rule::PAGES;
use pgconflint::rule::page::{Example, PAIR, Page, Says, Shows};
use pgconflint::syntax::conf::{self, Content};
use pgconflint::syntax::conninfo;
use pgconflint::version::{Major, PgVersion, Requirement, Role, Targets};
use pgconflint_servers::pair::{Outcome, play_all};
use pgconflint_servers::prove::{Claim, Expect, Verdict, prove_all};
use pgconflint_servers::{FileSet, install, slots, vectors};

/// Whether real servers are to be asked; they are installed then.
pub fn wanted(what: &str) -> bool {
    let wanted = std::env::var_os("PGCONFLINT_REAL_SERVERS").is_some();
    if wanted {
        install::install(&|line| println!("{line}")).unwrap();
    } else {
        println!("skipped, PGCONFLINT_REAL_SERVERS is not set: {what}");
    }
    wanted
}

static RULES: LazyLock<Rules> = LazyLock::new(Rules::built_in);

/// Of the WAL segments that the examples are written for.
pub const SEGMENT: u16 = 16;

/// How the file of a slot begins.
const SLOT: [u8; 4] = 0x0105_1CA1_u32.to_le_bytes();

fn is_of_tls(name: &str) -> bool {
    name.ends_with(".key") || name.ends_with(".crt")
}

pub fn files(example: &Example, major: u16) -> FileSet {
    static PAIR: OnceLock<(Vec<u8>, Vec<u8>)> = OnceLock::new();
    let (certificate, key) = PAIR.get_or_init(|| vectors::pair().unwrap());
    let mut files = FileSet::default().with("server.crt", certificate.clone()).with("server.key", key.clone());
    files = match &example.file {
        Some(bytes) => files.with(example.main.as_ref(), bytes.to_vec()),
        None => files.without(example.main.as_ref()),
    };
    for beside in example.beside.iter() {
        let name = beside.name.as_ref();
        let is_for_the_linter = match name {
            // A server of its own lets the test in; where who may connect is the question, none has to.
            names::PG_HBA => !is_about_access(example),
            // The server has data, and a backup that was begun elsewhere is none to it.
            names::PG_VERSION | "postmaster.opts" => true,
            names::BACKUP_LABEL => beside.bytes.starts_with(b"START WAL"),
            // What it says the server is made to have been through.
            names::PG_CONTROL => beside.bytes.is_empty(),
            // Another revision is nowhere on its disk.
            _ => name.starts_with(examples::BASE),
        };
        if is_for_the_linter {
            continue;
        }
        files = match name.strip_prefix("pg_replslot/").and_then(|name| name.strip_suffix("/state")) {
            // One that is broken is as it is.
            Some(slot) if beside.bytes.starts_with(&SLOT) => {
                let is_logical = beside.bytes.last_chunk() != Some(&[0; 4]);
                files.with(name, slots::state(major, slot, is_logical).unwrap())
            }
            // An empty key or certificate stands for the one that is there.
            _ if name == examples::DIRECTORY || beside.bytes.is_empty() && is_of_tls(name) => files,
            _ => files.with(name, beside.bytes.to_vec()),
        };
        if let Some(mode) = beside.mode {
            files = files.mode(name, mode);
        }
    }
    files
}

/// Whether an example is of pg_hba.conf or pg_ident.conf.
fn is_about_access(example: &Example) -> bool {
    [names::PG_HBA, names::PG_IDENT].contains(&example.main)
}

fn says(page: &Page, version: PgVersion) -> Option<&Says> {
    page.says.iter().find(|says| {
        says.pg.is_empty() || says.pg.parse::<Requirement>().is_ok_and(|requirement| requirement.holds_for(version))
    })
}

/// The words of the server's log that an example of the page must call forth: those of the page, or those that
/// the finding quotes.
fn words(page: &Page, example: &Example, version: PgVersion) -> Option<String> {
    if page.server != "no-stream" || example.shows != Shows::Fires {
        return says(page, version).map(|says| says.text.to_string());
    }
    let role = Role::from_word(&page.role);
    let (_, findings) = examples::check(&ExampleFiles::of(example), &RULES, version, role);
    let quoted = findings.into_iter().find(|finding| finding.rule == page.id).and_then(|finding| finding.server);
    says(page, version).map(|says| says.text.to_string()).or(quoted)
}

/// What the log of a standby must not have where the page has nothing to say: what its `fires` examples call forth,
/// up to the words in quotes.
fn unsaid(page: &Page, version: PgVersion) -> Vec<String> {
    let fires = page.examples().into_iter().filter(|example| example.shows == Shows::Fires);
    let words = fires.filter_map(|example| words(page, &example, version));
    let heads = words.map(|words| words.split_inclusive('"').next().unwrap_or_default().to_string());
    // Nobody listens where examples lead.
    heads.filter(|head| !head.is_empty() && !head.contains("connect to server")).collect()
}

/// Whether libpq refuses the connection strings of an example by themselves, or all that they lead to is this machine.
fn stays_here(example: &Example, version: PgVersion) -> bool {
    let main = example.file.as_deref().unwrap_or_default();
    let beside = example.beside.iter().map(|beside| beside.bytes.as_ref());
    let values = std::iter::once(main).chain(beside).flat_map(|bytes| {
        let settings = conf::lines(bytes).filter_map(|line| match line.content {
            Content::Setting(setting) => Some(setting),
            _ => None,
        });
        settings
            .filter(|setting| setting.name.of(bytes).ends_with(b"conninfo"))
            .map(|setting| conf::value(setting.value, bytes).into_owned())
            .collect::<Vec<_>>()
    });
    values.into_iter().all(|value| {
        let string = conninfo::parse(&value, version.major);
        let options = Options { conninfo: &string };
        let refusals = refusals(&string, version.major);
        if refusals.first().is_some_and(|refusal| !refusal.is_about_socket()) {
            return true;
        }
        ["host", "hostaddr"].iter().filter_map(|name| options.filled(name)).all(|hosts| {
            pieces(hosts, version.major)
                .all(|host| host.starts_with(b"/") || [&b"127.0.0.1"[..], b"::1"].contains(&host))
        })
    })
}

/// Those of the versions that are proven.
fn proven(page: &Page, example: &Example, versions: &[PgVersion]) -> Vec<PgVersion> {
    if std::env::var("PGCONFLINT_PROVE").is_ok_and(|which| which == "all") {
        return versions.to_vec();
    }
    let mut heard: BTreeSet<String> = BTreeSet::new();
    let last = versions.last();
    if example.shows != Shows::Fires || page.server == "starts" {
        // What a server takes it takes, as a rule, in every version: one will do where time is short.
        return last.copied().into_iter().collect();
    }
    let is_pair = example.main == PAIR;
    let words = |version| match is_pair {
        true => says(page, version).map(|says| says.text.to_string()),
        false => words(page, example, version),
    };
    let chosen = versions.iter().enumerate().filter(|(index, version)| {
        let new = words(**version).is_some_and(|words| heard.insert(words));
        new || *index == 0 || Some(*version) == last
    });
    chosen.map(|(_, version)| *version).collect()
}

/// The claims of a page. Where files alone are refused, it is enough that what is quiet is read to its end.
fn claims(page: &Page, read_only: bool) -> Vec<Claim> {
    let targets: Targets = "10..18".parse().unwrap();
    let mut of: Option<&Example> = None;
    let mut claims = Vec::new();
    for example in page.examples().iter().filter(|example| example.main != PAIR) {
        match example.shows {
            Shows::Fires => of = Some(example),
            Shows::Quiet => of = None,
            Shows::Fixed => {}
        }
        let ranged = of.filter(|_| example.shows == Shows::Fixed).unwrap_or(example);
        // The ranges of 9.4 to 9.6 and 19 have no server here.
        let versions: Vec<_> = examples::versions(page, ranged, &targets)
            .unwrap()
            .into_iter()
            .filter(|version| (Major::V10..=Major::V18).contains(&version.major))
            .collect();
        for version in proven(page, example, &versions) {
            let id = format!("{}.md:{} {:?} {}", page.id, example.line, example.shows, version.major);
            let fires = example.shows == Shows::Fires;
            let words = words(page, example, version);
            let is_ident = example.main == names::PG_IDENT;
            let expect = match page.server.as_ref() {
                "refuses" | "no-stream" if fires && words.is_none() => {
                    panic!("{id}: neither the page nor the finding says what this major says")
                }
                // Such a file is dropped as a whole, and the server starts.
                "refuses" if fires && is_ident => Expect::Says(words.unwrap_or_default()),
                _ if is_ident => {
                    Expect::StartsWithout(words.into_iter().chain([names::PG_IDENT.to_string()]).collect())
                }
                "refuses" if fires => Expect::Refuses(words),
                "no-stream" => {
                    assert!(stays_here(example, version), "{id}: it leads to another machine");
                    match words.filter(|_| fires) {
                        Some(words) => Expect::NoStream(words),
                        None => Expect::Connects(unsaid(page, version)),
                    }
                }
                _ if read_only => Expect::Reads,
                _ => Expect::Starts,
            };
            claims.push(Claim {
                id,
                major: version.major.0 / 100,
                segment: SEGMENT,
                files: files(example, version.major.0 / 100),
                expect,
            });
        }
    }
    claims
}

fn told(verdict: &Verdict) -> String {
    format!("{} (starts: {})\n      {}", verdict.id, verdict.starts, verdict.log.join("\n      "))
}

#[test]
fn servers_do_what_the_pages_say() {
    if !wanted("servers do what the pages say") {
        return;
    }
    let before = std::time::Instant::now();
    let mut all = Vec::new();
    let only = std::env::var("PGCONFLINT_PROVE_PAGES").unwrap_or_default();
    for page in PAGES.iter().filter(|page| only.is_empty() || only.split(',').any(|id| id == page.id)) {
        let read_only = page.server == "refuses" && refused_by_reading(page);
        all.extend(claims(page, read_only));
    }
    let verdicts = prove_all(&all).unwrap();
    let wrong: Vec<String> = verdicts.iter().filter(|verdict| !verdict.pass).map(told).collect();
    println!("{} of {} claims proven in {:.0?}", verdicts.len() - wrong.len(), verdicts.len(), before.elapsed());
    assert!(wrong.is_empty(), "{} of {} claims do not hold:\n{}", wrong.len(), verdicts.len(), wrong.join("\n"));
}

#[test]
fn primaries_and_standbys_do_what_the_pages_say() {
    if !wanted("primaries and standbys do what the pages say") {
        return;
    }
    let before = std::time::Instant::now();
    let targets: Targets = "10..18".parse().unwrap();
    let only = std::env::var("PGCONFLINT_PROVE_PAGES").unwrap_or_default();
    let (mut jobs, mut claimed) = (Vec::new(), Vec::new());
    for page in PAGES.iter().filter(|page| only.is_empty() || only.split(',').any(|id| id == page.id)) {
        for example in page.examples().iter().filter(|example| example.main == PAIR) {
            let versions: Vec<_> = examples::versions(page, example, &targets)
                .unwrap()
                .into_iter()
                .filter(|version| (Major::V10..=Major::V18).contains(&version.major))
                .collect();
            for version in proven(page, example, &versions) {
                let id = format!("{}.md:{} {:?}", page.id, example.line, example.shows);
                jobs.push((id, version.major.0 / 100, example.beside.to_vec()));
                claimed.push((page, example.shows, version));
            }
        }
    }
    let outcomes = play_all(&jobs, &|_, _, _| ()).unwrap();
    let mut wrong = Vec::new();
    for (((id, major, _), (page, shows, version)), outcome) in jobs.iter().zip(&claimed).zip(&outcomes) {
        if !does(page, *shows, *version, outcome) {
            let seen = outcome.nodes.iter().map(|node| format!("{node:#?}"));
            wrong.push(format!("{id} {major}: {}", seen.collect::<Vec<_>>().join("\n")));
        }
    }
    println!("{} of {} plays as claimed in {:.0?}", jobs.len() - wrong.len(), jobs.len(), before.elapsed());
    assert!(wrong.is_empty(), "{} of {} claims do not hold:\n{}", wrong.len(), jobs.len(), wrong.join("\n"));
}

/// Whether servers did what a page says of its example.
fn does(page: &Page, shows: Shows, version: PgVersion, outcome: &Outcome) -> bool {
    let (primary, standbys) = outcome.nodes.split_first().expect("there is a primary");
    let start = outcome.nodes.iter().all(|node| node.starts);
    let follow = standbys.iter().all(|node| node.standby != Some(false));
    let stream = standbys.iter().all(|node| node.streams == Some(true));
    let commit = primary.commits == Some(true);
    let is_fine = start && follow && stream && commit;
    if shows != Shows::Fires {
        return is_fine;
    }
    let does = match page.server.as_ref() {
        "refuses" => !start,
        "no-stream" => start && standbys.iter().any(|node| node.standby == Some(true) && node.streams == Some(false)),
        "not-a-standby" => start && !follow,
        "commits-hang" => primary.starts && !commit,
        _ => is_fine,
    };
    let says = says(page, version).is_none_or(|says| {
        outcome.nodes.iter().flat_map(|node| &node.log).any(|line| line.contains(says.text.as_ref()))
    });
    does && says
}

/// Whether `postgres -C` refuses what fires, so that a whole start adds nothing.
fn refused_by_reading(page: &Page) -> bool {
    let targets: Targets = "10..18".parse().unwrap();
    let examples = page.examples().into_iter().filter(|example| example.main != PAIR);
    examples.filter(|example| example.shows == Shows::Fires).all(|example| {
        let versions = examples::versions(page, &example, &targets).unwrap();
        let installed = versions.iter().find(|version| (Major::V10..=Major::V18).contains(&version.major));
        installed.is_none_or(|version| {
            !pgconflint_servers::start_check(version.major.0 / 100, &files(&example, version.major.0 / 100), "work_mem")
                .unwrap()
                .ok
        })
    })
}
