//! What comes of nodes that belong together: who starts, who follows whom.

use super::group::Member;
use super::pair::Link;
use crate::catalog::recovery::{Purpose, named};
use crate::finding::{Effect, Finding};
use crate::model::pair::Answer;
use crate::source::{Place, Sources};

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
}

/// The forecasts of a group, in its order: `own` are the findings of each node by itself.
pub fn of(members: &[Member], own: &[Vec<Finding>], links: &[Link], sources: &Sources) -> Vec<Forecast> {
    let _ = sources;
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
        let commits = commits(index, &made, links);
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
    let mut because: Vec<(String, Option<Place>)> = Vec::new();
    let mut provided = Vec::new();
    let all: Vec<&Finding> = link.iter().flat_map(|link| &link.findings).chain(own).collect();
    let mut is_kept_from = |effect: Effect| {
        let of_effect: Vec<&&Finding> = all.iter().filter(|finding| finding.effect == Some(effect)).collect();
        because.extend(of_effect.iter().map(|finding| (finding.message.clone(), Some(finding.place))));
        !of_effect.is_empty()
    };
    let starts = Answer::from(!is_kept_from(Effect::Refuses));
    let mut forecast = Forecast {
        name: member.name.clone(),
        upstream: upstream.map(|upstream| upstream.name.clone()),
        starts,
        standby: None,
        streams: None,
        readable: starts,
        commits: None,
        because: Vec::new(),
        provided: Vec::new(),
    };
    if let Some(link) = link {
        let stays = Answer::from(!is_kept_from(Effect::NotAStandby));
        let standby = starts.and(link.mode).and(stays);
        let comes = Answer::from(!is_kept_from(Effect::NoStream)).and(Answer::from(link.has_conninfo));
        if !link.has_conninfo && standby != Answer::No {
            because.push((format!("it has no {}", named(Purpose::Conninfo)), None));
        }
        let upstream_feeds = upstream.map_or(Answer::Depends, |upstream| upstream.starts);
        if upstream_feeds == Answer::No
            && let Some(upstream) = upstream
        {
            because.push((format!("{} does not start", upstream.name), None));
        }
        provided.extend(link.provided.iter().cloned());
        let doubts = if link.provided.is_empty() { Answer::Yes } else { Answer::Depends };
        forecast.standby = Some(standby);
        forecast.streams = Some(standby.and(comes).and(upstream_feeds).and(doubts));
        // A server that is no standby takes connections.
        forecast.readable = match link.mode {
            Answer::No => starts,
            _ => starts.and(link.answers_queries),
        };
    }
    forecast.because = because;
    forecast.provided = provided;
    forecast
}

/// Whether commits on a node come to an end with the standbys that stream from it.
fn commits(index: usize, made: &[Option<Forecast>], links: &[Link]) -> Option<Answer> {
    let followers: Vec<&Link> = links.iter().filter(|link| link.upstream == index).collect();
    let first = followers.first()?;
    let starts = made[index].as_ref()?.starts;
    if followers.iter().any(|link| link.findings.iter().any(|finding| finding.effect == Some(Effect::CommitsHang))) {
        return Some(Answer::No);
    }
    let wanted = first.waits_for;
    let counts = |answer: Answer| {
        let streams = |link: &&&Link| made[link.standby].as_ref().is_some_and(|made| made.streams == Some(answer));
        followers.iter().filter(|link| link.is_listed).filter(streams).count()
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
