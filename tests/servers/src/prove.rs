//! Proof of what rule pages claim: does the server refuse these files, and what does it say?

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use crate::files::FileSet;
use crate::json;
use crate::start::{Outcome, standby_start, start_check, whole_start_on};
use crate::template;
use crate::vectors::show;

/// A claim about one major.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// Whose claim it is, such as a rule's name.
    pub id: String,
    /// The major.
    pub major: u16,
    /// The size of its WAL segments in MB.
    pub segment: u16,
    /// The files of the data directory.
    pub files: FileSet,
    /// What the server is to do.
    pub expect: Expect,
}

/// What a server is to do with files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expect {
    /// It comes up.
    Starts,
    /// It does not, and its log has this text, if one is given.
    Refuses(Option<String>),
    /// It comes up or not, but its log has this text.
    Says(String),
    /// `postgres -C` reads its configuration to the end.
    Reads,
    /// It comes up, and its log has none of these texts.
    StartsWithout(Vec<String>),
    /// As a standby it comes up, and its walreceiver says this text.
    NoStream(String),
    /// As a standby it comes up, its walreceiver tries to connect, and none of these texts is in its log.
    Connects(Vec<String>),
}

/// What came of a claim.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Verdict {
    /// Whose claim it was.
    pub id: String,
    /// The major.
    pub pg: u16,
    /// Whether the server does what the claim says.
    pub pass: bool,
    /// Whether the server came up.
    pub starts: bool,
    /// Its log.
    pub log: Vec<String>,
}

/// A claim as a line of JSON: `{"id", "pg", "files": {PATH: TEXT or null},
/// "expect": "starts" | "refuses" | "says" | "no-stream", "says": TEXT}`.
#[derive(Deserialize)]
struct Line {
    id: String,
    pg: u16,
    files: BTreeMap<String, Option<String>>,
    expect: String,
    says: Option<String>,
}

/// Reads a claim from a line of JSON, in whose strings `\udcXX` is a byte.
pub fn parse(line: &str) -> Result<Claim> {
    let Line { id, pg, files, expect, says } = serde_json::from_value(json::parse(line)?)?;
    let files = files.into_iter().map(|(path, text)| (path, text.map(|text| json::bytes(&text))));
    let expect = match expect.as_str() {
        "starts" => Expect::Starts,
        "refuses" => Expect::Refuses(says),
        "says" => Expect::Says(says.context("expect is \"says\", but `says` is missing")?),
        "no-stream" => Expect::NoStream(says.context("expect is \"no-stream\", but `says` is missing")?),
        other => anyhow::bail!("expect is {other:?}, not starts, refuses, says or no-stream"),
    };
    Ok(Claim {
        id,
        major: pg,
        segment: template::SEGMENT,
        files: FileSet { files: files.collect(), ..FileSet::default() },
        expect,
    })
}

/// Proves one claim by a whole start.
pub fn prove(claim: &Claim) -> Result<Verdict> {
    let Outcome { ok, log, .. } = ask(claim)?;
    let log: Vec<String> = log.iter().map(|line| show(line)).collect();
    let says = |text: &str| log.iter().any(|line| line.contains(text));
    let pass = match &claim.expect {
        Expect::Starts | Expect::Reads => ok,
        Expect::Refuses(text) => !ok && text.as_deref().is_none_or(says),
        Expect::Says(text) => says(text),
        Expect::StartsWithout(texts) => ok && !texts.iter().any(|text| says(text)),
        Expect::NoStream(text) => ok && says(text),
        Expect::Connects(texts) => ok && says(TRIED) && !texts.iter().any(|text| says(text)),
    };
    Ok(Verdict { id: claim.id.clone(), pg: claim.major, pass, starts: ok, log })
}

/// What every walreceiver says that did not come to its primary.
const TRIED: &str = "could not connect to the primary server";

/// A refusal mostly comes while files are read, which is asked first: it takes a tenth of the time.
fn ask(claim: &Claim) -> Result<Outcome> {
    let has = |log: &[u8], text: &str| log.windows(text.len()).any(|window| window == text.as_bytes());
    match &claim.expect {
        Expect::NoStream(text) => {
            return standby_start(claim.major, claim.segment, &claim.files, &|log| has(log, text));
        }
        Expect::Connects(_) => return standby_start(claim.major, claim.segment, &claim.files, &|log| has(log, TRIED)),
        _ => {}
    }
    // pg_hba.conf and pg_ident.conf are read by a whole start only.
    let is_access = ["pg_hba.conf", "pg_ident.conf"].iter().any(|name| claim.files.get(name).is_some());
    if claim.expect != Expect::Starts && !is_access {
        let outcome = start_check(claim.major, &claim.files, "work_mem")?;
        if !outcome.ok || claim.expect == Expect::Reads {
            return Ok(outcome);
        }
    }
    whole_start_on(claim.major, claim.segment, &claim.files)
}

/// Proves many claims, several at a time; the verdicts stand in their order.
pub fn prove_all(claims: &[Claim]) -> Result<Vec<Verdict>> {
    // A start mostly waits, so that there may be more of them than processors.
    let threads = std::thread::available_parallelism()?.get() * 4;
    let next = std::sync::atomic::AtomicUsize::new(0);
    let work = || -> Result<Vec<(usize, Verdict)>> {
        let mut done = Vec::new();
        loop {
            let index = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            let Some(claim) = claims.get(index) else {
                return Ok(done);
            };
            let verdict = prove(claim).with_context(|| format!("{} on PostgreSQL {}", claim.id, claim.major))?;
            done.push((index, verdict));
        }
    };
    let mut verdicts = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        let mut verdicts = Vec::new();
        for worker in workers {
            verdicts.extend(worker.join().expect("proving does not panic")?);
        }
        Ok::<_, anyhow::Error>(verdicts)
    })?;
    verdicts.sort_by_key(|(index, _)| *index);
    Ok(verdicts.into_iter().map(|(_, verdict)| verdict).collect())
}
