//! What comes of nodes that belong together: who starts, who follows whom.

use super::group::Member;
use super::pair::{Action, Link};
use super::said_range;
use crate::catalog::recovery::{Purpose, named};
use crate::finding::{Effect, Finding};
use crate::model::pair::Answer;
use crate::source::Place;

/// What comes of a node.
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
pub fn of(members: &[Member], own: &[Vec<Finding>], links: &[Link]) -> Vec<Forecast> {
    let mut forecasts: Vec<Forecast> = Vec::with_capacity(members.len());
    let order = order(members);
    let mut made: Vec<Option<Forecast>> = vec![None; members.len()];
    for index in order {
        let member = &members[index];
        let link = links.iter().find(|link| link.standby == index);
        let upstream = member.upstream.and_then(|upstream| made[upstream].clone());
        made[index] = Some(one(member, &own[index], link, upstream.as_ref()));
    }
    for index in 0..members.len() {
        let commits = commits(index, &own[index], &made, links);
        if let Some(forecast) = &mut made[index] {
            forecast.commits = commits;
        }
    }
    forecasts.extend(made.into_iter().flatten());
    forecasts
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

fn one(member: &Member, own: &[Finding], link: Option<&Link>, upstream: Option<&Forecast>) -> Forecast {
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
            .and_then(|link| link.user.clone())
            .map(|user| format!("role `{user}` is there with LOGIN and REPLICATION, and its password is right")),
    };
    let of_link = link.map(|link| link.findings.as_slice()).unwrap_or_default();
    // What is in the WAL of a primary that does not start reaches nobody.
    let is_fed = upstream.is_none_or(|upstream| upstream.starts != Answer::No);
    let of_start = of_link.iter().filter(|_| is_fed).chain(own);
    forecast.starts = forecast.is_free_of(Effect::Refuses, of_start, member);
    let Some(link) = link else {
        forecast.readable = forecast.starts;
        return forecast;
    };
    forecast.starts = forecast.starts.and(link.starts);
    let all = || of_link.iter().chain(own);
    let stays = forecast.is_free_of(Effect::NotAStandby, all(), member);
    let mut standby = forecast.starts.and(link.mode).and(stays).and(link.stays);
    let comes = forecast.is_free_of(Effect::NoStream, all(), member).and(link.has_conninfo);
    let conninfo = named(Purpose::Conninfo);
    match link.has_conninfo {
        Answer::No if standby != Answer::No => forecast.because.push((format!("it has no {conninfo}"), None)),
        Answer::Depends => {
            forecast.provided.push(format!("its version is one that reads its {conninfo} where it stands"));
        }
        _ => {}
    }
    let feeds = forecast.fed_by(link, upstream);
    forecast.provided.extend(link.provided.iter().cloned());
    if own.iter().any(|finding| finding.rule == "conninfo-placeholder") {
        forecast.provided.push("the placeholder in its connection string is filled in".to_owned());
    }
    let doubts = if forecast.provided.is_empty() { Answer::Yes } else { Answer::Depends };
    let mut streams = standby.and(comes).and(feeds).and(doubts);
    if let Some((action, words)) = &link.ends {
        let reached = match streams {
            Answer::No if link.has_archive => Answer::Depends,
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
    forecast.readable = match link.mode {
        Answer::No => forecast.starts,
        _ => forecast.starts.and(link.answers_queries),
    };
    forecast
}

impl Forecast {
    /// Whether no finding has that effect; those that have say why, or for which versions they hold.
    fn is_free_of<'a>(
        &mut self,
        effect: Effect,
        findings: impl Iterator<Item = &'a Finding>,
        member: &Member,
    ) -> Answer {
        let versions = member.node.targets.versions().len();
        let mut answer = Answer::Yes;
        for finding in findings.filter(|finding| finding.effect == Some(effect)) {
            if finding.pg.len() < versions {
                let condition = format!("its version is none of {}", said_range(&finding.pg));
                if !self.provided.contains(&condition) {
                    self.provided.push(condition);
                }
                answer = answer.and(Answer::Depends);
            } else {
                self.because.push((short(&finding.message), Some(finding.place)));
                answer = Answer::No;
            }
        }
        answer
    }

    /// Whether the upstream has WAL to give.
    fn fed_by(&mut self, link: &Link, upstream: Option<&Forecast>) -> Answer {
        let Some(upstream) = upstream else { return Answer::No };
        let feeds = Answer::from(link.has_primary).and(upstream.starts).and(upstream.streams.unwrap_or(Answer::Yes));
        match feeds {
            Answer::No if upstream.starts == Answer::No => {
                self.because.push((format!("{} does not start", upstream.name), None));
            }
            Answer::No if link.has_primary => {
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
fn commits(index: usize, own: &[Finding], made: &[Option<Forecast>], links: &[Link]) -> Option<Answer> {
    let followers: Vec<&Link> = links.iter().filter(|link| link.upstream == index).collect();
    let first = followers.first()?;
    let starts = made[index].as_ref()?.starts;
    let of_links = followers.iter().flat_map(|link| &link.findings);
    if of_links.chain(own).any(|finding| finding.effect == Some(Effect::CommitsHang)) {
        return Some(Answer::No);
    }
    let wanted = first.waits_for;
    let counts = |answer: Answer| {
        let confirms = |link: &&&Link| {
            let streams = made[link.standby].as_ref().and_then(|made| made.streams);
            streams.map(|streams| streams.and(link.confirms())) == Some(answer)
        };
        followers.iter().filter(|link| link.is_listed).filter(confirms).count()
    };
    // Whoever bears such a name was not shown here.
    let strangers = followers.iter().map(|link| link.strangers).max().unwrap_or(0);
    let (sure, perhaps) = (counts(Answer::Yes), counts(Answer::Depends) + strangers);
    let enough = match () {
        () if sure >= wanted => Answer::Yes,
        () if sure + perhaps >= wanted => Answer::Depends,
        () => Answer::No,
    };
    Some(starts.and(enough))
}
