//! What comes of nodes that belong together: who starts, who follows whom.

use std::collections::BTreeSet;

use super::group::Member;
use super::pair::{Action, Facts, Link};
use super::said_range;
use crate::catalog::recovery::{Purpose, named};
use crate::finding::{Effect, Finding};
use crate::model::pair::Answer;
use crate::source::Place;
use crate::version::Major;

/// What comes of one node.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Forecast {
    /// What others call it.
    pub name: String,
    /// The name of the node that it follows.
    pub upstream: Option<String>,
    /// Whether it starts.
    pub starts: Answer,
    /// Whether it is a standby then, and stays one. Of a node that follows nobody nothing is said.
    pub standby: Option<Answer>,
    /// Whether WAL comes from its upstream.
    pub streams: Option<Answer>,
    /// Whether it answers queries.
    pub readable: Answer,
    /// Whether commits on it come to an end, where others follow it.
    pub commits: Option<Answer>,
    /// Why not: messages of findings, the most telling first, each with its place.
    pub because: Vec<(String, Option<Place>)>,
    /// What has to be so, and is not in files.
    pub provided: Vec<String>,
    /// What no file ever says, and is taken for granted.
    pub assumed: Option<String>,
}

/// The forecasts of a group, in its order: `own` are the findings of each node by itself.
///
/// Where the version is not known it is one forecast for each, and what they have in common.
pub fn of(members: &[Member], own: &[Vec<Finding>], links: &[Link]) -> Vec<Forecast> {
    let majors: BTreeSet<Major> = links.iter().flat_map(|link| &link.facts).map(|facts| facts.major).collect();
    let worlds: Vec<(Major, Vec<Forecast>)> =
        majors.iter().map(|major| (*major, of_version(*major, members, own, links))).collect();
    (0..members.len()).filter_map(|index| merged(&worlds, index)).collect()
}

/// The forecasts if all are servers of one version; a node that cannot be is one of its newest.
fn of_version(major: Major, members: &[Member], own: &[Vec<Finding>], links: &[Link]) -> Vec<Forecast> {
    let holds = |finding: &Finding, version: Major| finding.pg.contains(&version);
    let own: Vec<Vec<&Finding>> = members
        .iter()
        .zip(own)
        .map(|(member, findings)| {
            let targets = &member.node.targets;
            let can_be = targets.versions().iter().any(|version| version.major == major);
            let version = if can_be { major } else { targets.newest().major };
            findings.iter().filter(|finding| holds(finding, version)).collect()
        })
        .collect();
    let links: Vec<Tie> = links
        .iter()
        .filter_map(|link| {
            let facts = link.facts.iter().find(|facts| facts.major == major).or(link.facts.last())?;
            let findings = link.findings.iter().filter(|finding| holds(finding, facts.major)).collect();
            Some(Tie { standby: link.standby, upstream: link.upstream, findings, facts })
        })
        .collect();
    let mut made: Vec<Option<Forecast>> = vec![None; members.len()];
    for index in order(members) {
        let member = &members[index];
        let link = links.iter().find(|link| link.standby == index);
        let upstream = member.upstream.and_then(|upstream| made[upstream].clone());
        made[index] = Some(one(member, &own[index], link, upstream.as_ref()));
    }
    for index in 0..members.len() {
        let commits = commits(index, &own[index], &made, &links);
        if let Some(forecast) = &mut made[index] {
            forecast.commits = commits;
        }
    }
    made.into_iter().flatten().collect()
}

/// A link, as one version sees it.
struct Tie<'a> {
    standby: usize,
    upstream: usize,
    findings: Vec<&'a Finding>,
    facts: &'a Facts,
}

/// What all versions have in common; where they differ, those in which it fails are a condition.
fn merged(worlds: &[(Major, Vec<Forecast>)], index: usize) -> Option<Forecast> {
    let all = || worlds.iter().filter_map(|(major, forecasts)| Some((*major, forecasts.get(index)?)));
    let mut merged = all().next_back()?.1.clone();
    for (_, other) in all() {
        merged.starts = merged.starts.or_depends(other.starts);
        merged.readable = merged.readable.or_depends(other.readable);
        for (answer, other) in [
            (&mut merged.standby, other.standby),
            (&mut merged.streams, other.streams),
            (&mut merged.commits, other.commits),
        ] {
            *answer = answer.zip(other).map(|(answer, other)| answer.or_depends(other));
        }
    }
    let fails = |forecast: &Forecast| forecast.streams.unwrap_or(forecast.starts) == Answer::No;
    let good: Vec<(usize, Major)> =
        all().enumerate().filter(|(_, (_, forecast))| !fails(forecast)).map(|(at, (major, _))| (at, major)).collect();
    if good.is_empty() {
        return Some(merged);
    }
    merged.because.clear();
    merged.provided.clear();
    for (_, forecast) in all().filter(|(_, forecast)| !fails(forecast)) {
        merged.provide(&forecast.provided);
    }
    if good.len() < worlds.len() {
        // Those behind each other are one range.
        let ranges = good.chunk_by(|(at, _), (next, _)| at + 1 == *next);
        let ranges = ranges.map(|range| said_range(&range.iter().map(|(_, major)| *major).collect::<Vec<_>>()));
        merged.provide(&[format!("its version is {}", ranges.collect::<Vec<_>>().join(" or "))]);
    }
    Some(merged)
}

/// Each after the one that it follows.
fn order(members: &[Member]) -> Vec<usize> {
    let mut order: Vec<usize> = Vec::with_capacity(members.len());
    while order.len() < members.len() {
        let before = order.len();
        for (index, member) in members.iter().enumerate() {
            let is_ready = member.upstream.is_none_or(|upstream| order.contains(&upstream));
            if is_ready && !order.contains(&index) {
                order.push(index);
            }
        }
        if order.len() == before {
            // They follow each other in a circle: nobody is first.
            order.extend((0..members.len()).filter(|index| !order.contains(index)).collect::<Vec<_>>());
        }
    }
    order
}

fn one(member: &Member, own: &[&Finding], link: Option<&Tie>, upstream: Option<&Forecast>) -> Forecast {
    let mut forecast = Forecast {
        name: member.name.clone(),
        upstream: upstream.map(|upstream| upstream.name.clone()),
        starts: Answer::Yes,
        standby: None,
        streams: None,
        readable: Answer::Yes,
        commits: None,
        because: Vec::new(),
        provided: Vec::new(),
        assumed: link
            .and_then(|link| link.facts.user.clone())
            .map(|user| format!("role `{user}` is there with LOGIN and REPLICATION, and its password is right")),
    };
    let of_link = link.map(|link| link.findings.as_slice()).unwrap_or_default();
    // What is in the WAL of a primary that does not start reaches nobody.
    let is_fed = upstream.is_none_or(|upstream| upstream.starts != Answer::No);
    let of_start = of_link.iter().filter(|_| is_fed).chain(own).copied();
    forecast.starts = forecast.is_free_of(Effect::Refuses, of_start);
    let Some(Tie { facts, .. }) = link else {
        forecast.readable = forecast.starts;
        return forecast;
    };
    forecast.starts = forecast.starts.and(facts.starts);
    let all = || of_link.iter().chain(own).copied();
    let stays = forecast.is_free_of(Effect::NotAStandby, all());
    let mut standby = forecast.starts.and(facts.mode).and(stays).and(facts.stays);
    let comes = forecast.is_free_of(Effect::NoStream, all()).and(Answer::from(facts.has_conninfo));
    if !facts.has_conninfo && standby != Answer::No {
        forecast.because.push((format!("it has no {}", named(Purpose::Conninfo)), None));
    }
    let feeds = forecast.fed_by(facts, upstream);
    forecast.provide(&facts.provided);
    if own.iter().any(|finding| finding.rule == "conninfo-placeholder") {
        forecast.provided.push("the placeholder in its connection string is filled in".to_owned());
    }
    let doubts = if forecast.provided.is_empty() { Answer::Yes } else { Answer::Depends };
    let mut streams = standby.and(comes).and(feeds).and(doubts);
    if let Some((action, words)) = &facts.ends {
        let reached = match streams {
            Answer::No if facts.has_archive => Answer::Depends,
            other => other,
        };
        let ended = match reached {
            Answer::Yes => Answer::No,
            Answer::Depends => Answer::Depends,
            Answer::No => Answer::Yes,
        };
        if *action == Action::Shutdown {
            forecast.starts = forecast.starts.and(ended);
        }
        standby = standby.and(ended);
        streams = streams.and(ended);
        if ended == Answer::No {
            forecast.because.insert(0, (words.clone(), None));
        }
    }
    forecast.standby = Some(standby);
    forecast.streams = Some(streams);
    // A server that is no standby takes connections.
    forecast.readable = match facts.mode {
        Answer::No => forecast.starts,
        _ => forecast.starts.and(facts.answers_queries),
    };
    forecast
}

impl Forecast {
    /// Whether no finding has that effect; those that have say why.
    fn is_free_of<'a>(&mut self, effect: Effect, findings: impl Iterator<Item = &'a Finding>) -> Answer {
        let before = self.because.len();
        let telling = findings.filter(|finding| finding.effect == Some(effect));
        self.because.extend(telling.map(|finding| (short(&finding.message), Some(finding.place))));
        Answer::from(self.because.len() == before)
    }

    /// Adds what has to be so and has not been said.
    fn provide(&mut self, conditions: &[String]) {
        for condition in conditions {
            if !self.provided.contains(condition) {
                self.provided.push(condition.clone());
            }
        }
    }

    /// Whether the upstream has WAL to give.
    fn fed_by(&mut self, facts: &Facts, upstream: Option<&Forecast>) -> Answer {
        let Some(upstream) = upstream else { return Answer::No };
        let feeds = Answer::from(facts.has_primary).and(upstream.starts).and(upstream.streams.unwrap_or(Answer::Yes));
        match feeds {
            Answer::No if upstream.starts == Answer::No => {
                self.because.push((format!("{} does not start", upstream.name), None));
            }
            Answer::No if facts.has_primary => {
                self.because.push((format!("nothing new comes to {} itself", upstream.name), None));
            }
            Answer::No => self.because.push((format!("{} is a standby itself", upstream.name), None)),
            Answer::Depends => self.provided.push(format!("{} has what to give", upstream.name)),
            Answer::Yes => {}
        }
        feeds
    }
}

/// A message of a length that fits into a sentence: a file may hold a word of any length.
fn short(message: &str) -> String {
    const MOST: usize = 160;
    match message.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}…", &message[..end]),
        None => message.to_owned(),
    }
}

/// Whether commits on a node come to an end with the standbys that stream from it.
fn commits(index: usize, own: &[&Finding], made: &[Option<Forecast>], links: &[Tie]) -> Option<Answer> {
    let followers: Vec<&Tie> = links.iter().filter(|link| link.upstream == index).collect();
    let first = followers.first()?;
    let starts = made[index].as_ref()?.starts;
    let of_links = followers.iter().flat_map(|link| &link.findings);
    if of_links.chain(own).any(|finding| finding.effect == Some(Effect::CommitsHang)) {
        return Some(Answer::No);
    }
    let wanted = first.facts.waits_for;
    let counts = |answer: Answer| {
        let confirms = |link: &&&Tie| {
            let streams = made[link.standby].as_ref().and_then(|made| made.streams);
            streams.map(|streams| streams.and(link.facts.confirms())) == Some(answer)
        };
        followers.iter().filter(|link| link.facts.is_listed).filter(confirms).count()
    };
    // Whoever bears such a name was not shown here.
    let strangers = followers.iter().map(|link| link.facts.strangers).max().unwrap_or(0);
    let (sure, perhaps) = (counts(Answer::Yes), counts(Answer::Depends) + strangers);
    let enough = match () {
        () if sure >= wanted => Answer::Yes,
        () if sure + perhaps >= wanted => Answer::Depends,
        () => Answer::No,
    };
    Some(starts.and(enough))
}
