//! A standby and the node that it follows: what keeps WAL from coming, and what will hurt.

mod admission;
mod archive;
mod drift;
mod end;
mod identity;
mod limits;
mod recovery;
mod route;
mod settings;
mod slots;
mod swap;
mod sync;

pub use recovery::Action;

use super::conninfo::Text;
use super::group::Member;
use super::spot::{self, Spot, View};
use super::{Merged, Reading, Rules, Standing, read, subject};
use crate::catalog::Catalog;
use crate::catalog::recovery::Purpose;
use crate::finding::Finding;
use crate::model::conninfo::Options;
use crate::model::pair::Answer;
use crate::model::pair::dial::Dial;
use crate::names;
use crate::rule::expr::Scope;
use crate::source::{Files, Sources, display};
use crate::syntax::conninfo as syntax;
use crate::version::{Major, Role};

/// What is known of a standby and its upstream together.
#[derive(Debug)]
pub struct Link {
    /// Index of the standby.
    pub standby: usize,
    /// Index of the node that it follows.
    pub upstream: usize,
    /// What was found, in no order.
    pub findings: Vec<Finding>,
    /// What it comes to, for each version that both may have; never empty.
    pub facts: Vec<Facts>,
}

/// What a link comes to if both are servers of one version.
#[derive(Clone, Debug)]
pub struct Facts {
    /// The version; of nodes that have none in common it is that of the standby.
    pub major: Major,
    /// What has to be so for WAL to come, and is not in files.
    pub provided: Vec<String>,
    /// Whether the standby begins as one.
    pub mode: Answer,
    /// Whether it answers queries as a standby.
    pub answers_queries: Answer,
    /// Whether its upstream's commits wait for it, among others.
    pub is_listed: bool,
    /// Whether it starts, as far as its own recovery settings and the WAL of its primary go.
    pub starts: Answer,
    /// Whether it stays a standby, as far as its own recovery settings go.
    pub stays: Answer,
    /// What it does as soon as there is something to replay, where that ends it: in words, too.
    pub ends: Option<(Action, String)>,
    /// As whom it comes.
    pub user: Option<String>,
    /// Whether it goes on replaying.
    pub replays: Answer,
    /// Whether it has an archive to restore from.
    pub has_archive: bool,
    /// Whether its primary is one.
    pub has_primary: bool,
    /// For how many standbys the upstream's commits wait.
    pub waits_for: usize,
    /// Whether it knows how to reach its upstream.
    pub has_conninfo: bool,
    /// Whether they wait until it has replayed.
    pub waits_for_replay: bool,
    /// How many names commits wait for that none of the followers bears.
    pub strangers: usize,
}

impl Facts {
    /// Those of a standby of which nothing else is known yet.
    fn of(standby: &End) -> Facts {
        Facts {
            major: standby.view.settings.catalog.version.major,
            provided: Vec::new(),
            mode: standby.mode(),
            answers_queries: standby.answers_queries(),
            is_listed: false,
            starts: Answer::Yes,
            stays: Answer::Yes,
            ends: None,
            user: None,
            replays: Answer::Yes,
            has_archive: false,
            has_primary: true,
            waits_for: 0,
            has_conninfo: true,
            waits_for_replay: false,
            strangers: 0,
        }
    }

    /// Whether a commit that waits for this standby comes to its end, where WAL comes to it.
    pub fn confirms(&self) -> Answer {
        if self.waits_for_replay { self.replays } else { Answer::Yes }
    }
}

/// One end of a link, as a server of one version sees it.
struct End<'a> {
    view: View<'a>,
    member: &'a Member,
}

/// A link, as servers of one version see it.
struct Pair<'a> {
    major: Major,
    /// The node that is followed.
    upstream: End<'a>,
    /// The node that follows.
    standby: End<'a>,
    /// The node at the head of those that the upstream follows, itself where it follows nobody.
    head: End<'a>,
    /// All that follow the same node, in the order in which they were named.
    followers: &'a [End<'a>],
    /// Which of them this one is.
    place: usize,
    /// Whether nobody is at the head: they follow each other.
    in_circle: bool,
}

/// What is found.
#[derive(Default)]
struct Found {
    /// Those with a place in files of the primary at the head.
    of_head: Vec<Spot>,
    /// Those with a place in files of the node that is followed.
    of_upstream: Vec<Spot>,
    /// Those with a place in files of the standby.
    of_standby: Vec<Spot>,
    /// What has to be so.
    provided: Vec<String>,
}

/// What a follower sets out with: the text of its connection string, and what libpq makes of it.
struct Caller {
    text: Text,
    string: syntax::Conninfo,
    /// Whether libpq refuses it, whoever is at the other end.
    is_refused: bool,
    /// The libpq that it needs, where that is a later one than the server's: it may well be there.
    needs_libpq: Option<Major>,
}

/// Checks every node of a group that follows another.
pub fn check(files: &dyn Files, sources: &mut Sources, members: &[Member], rules: &Rules) -> Vec<Link> {
    let mut links = Vec::new();
    for (standby, member) in members.iter().enumerate() {
        let Some(upstream) = member.upstream else { continue };
        links.push(link(files, sources, members, (standby, upstream), rules));
    }
    links
}

fn link(
    files: &dyn Files,
    sources: &mut Sources,
    members: &[Member],
    (standby, upstream): (usize, usize),
    rules: &Rules,
) -> Link {
    let versions = |index: usize| members[index].node.targets.versions();
    let common = versions(standby).iter().filter(|version| {
        versions(upstream).iter().any(|other: &crate::version::PgVersion| other.major == version.major)
    });
    let catalogs: Vec<&Catalog> = common.map(|version| Catalog::shared(*version)).collect();
    let mut link = Link { standby, upstream, findings: Vec::new(), facts: Vec::new() };
    let followers: Vec<usize> = (0..members.len()).filter(|index| members[*index].upstream == Some(upstream)).collect();
    let mut merged = Merged::default();
    let head = head(members, upstream);
    for catalog in &catalogs {
        let wanted: Vec<usize> = [upstream, head].into_iter().chain(followers.iter().copied()).collect();
        let readings: Vec<Reading> =
            wanted.iter().map(|index| reading(files, sources, &members[*index], catalog)).collect();
        let sources: &Sources = sources;
        let several = catalogs.len() > 1;
        let end = |at: usize| {
            let view = readings[at].view(files, sources, rules, several);
            End { view, member: &members[wanted[at]] }
        };
        let ends: Vec<End> = (2..wanted.len()).map(end).collect();
        let place = followers.iter().position(|index| *index == standby).unwrap_or(0);
        let pair = Pair {
            major: catalog.version.major,
            upstream: end(0),
            head: end(1),
            standby: end(place + 2),
            followers: &ends,
            place,
            in_circle: members[head].upstream.is_some(),
        };
        let (findings, facts) = pair.check(rules);
        merged.add(findings);
        link.facts.push(facts);
    }
    link.findings = merged.into_findings(sources, &catalogs);
    if catalogs.is_empty() {
        let catalog = Catalog::shared(members[standby].node.targets.newest());
        let reading = reading(files, sources, &members[standby], catalog);
        let view = reading.view(files, sources, rules, false);
        link.findings = identity::versions(&view, rules, &members[standby], &members[upstream]);
        let end = End { view, member: &members[standby] };
        link.facts.push(Facts::of(&end));
    }
    link
}

/// The node at the end of the chain that begins with one; in a circle it is any of it.
fn head(members: &[Member], from: usize) -> usize {
    let mut at = from;
    for _ in 0..members.len() {
        let Some(next) = members[at].upstream else { break };
        at = next;
    }
    at
}

fn reading<'a>(files: &dyn Files, sources: &mut Sources, member: &Member, catalog: &'a Catalog) -> Reading<'a> {
    let subject = subject(&member.node, files);
    let tree = read(files, sources, &subject, catalog.version.major);
    Reading::of(files, sources, &subject, tree, catalog)
}

impl Pair<'_> {
    fn check(&self, rules: &Rules) -> (Vec<Finding>, Facts) {
        let mut found = Found::default();
        let mut facts = Facts::of(&self.standby);
        // It never becomes consistent on WAL that it cannot read.
        facts.answers_queries = facts.answers_queries.and(Answer::from(!identity::has_other_segments(self)));
        self.signal(&mut found);
        self.upstream_feeds(&mut facts, &mut found);
        facts.has_archive = self.standby.says(Purpose::Restore).is_some_and(|(command, ..)| !command.is_empty());
        identity::check(self, &mut found);
        limits::check(self, &mut found);
        recovery::check(self, &mut facts, &mut found);
        if let Some(caller) = self.standby.caller() {
            let options = Options { conninfo: &caller.string };
            let dial = Dial::of(&options, self.major);
            facts.user = dial.user.as_deref().map(display);
            route::check(self, &caller, &options, &dial, &mut found);
        } else if let Some(file) = self.standby.unseen_file() {
            let upstream = &self.upstream.member.name;
            found.provided.push(format!("its {file}, which is not here, leads it to {upstream}"));
        } else {
            facts.has_conninfo = false;
        }
        slots::check(self, &mut found);
        sync::check(self, &mut facts, &mut found);
        archive::check(self, &mut found);
        swap::check(self, &mut found);
        drift::check(self, &mut found);
        let version = self.standby.view.settings.catalog.version;
        let mut findings = Vec::new();
        let spots =
            [(&self.head, found.of_head), (&self.upstream, found.of_upstream), (&self.standby, found.of_standby)];
        for (end, spots) in spots {
            for spot in spots {
                if let Some(page) =
                    rules.speaking(spot.rule.as_ref(), version, Standing { role: Some(Role::Standby), feeds: true })
                {
                    findings.push(spot::finding(&end.view, page, spot));
                }
            }
        }
        let scope = Scope {
            own: self.standby.view.settings,
            primary: Some(self.upstream.view.settings),
            standby: Some(self.standby.view.settings),
        };
        for (page, condition) in rules.pair_conditions(version) {
            if condition.holds(&scope) {
                let (side, spot) = spot::of_pair(&self.upstream.view, &self.standby.view, page, condition);
                let end = if side { &self.standby } else { &self.upstream };
                findings.push(spot::finding(&end.view, page, spot));
            }
        }
        facts.provided = found.provided;
        (findings, facts)
    }

    /// An upstream that has nothing to give: a primary that is none, a standby that takes no connections.
    fn upstream_feeds(&self, facts: &mut Facts, found: &mut Found) {
        let (name, upstream) = (&self.standby.member.name, &self.upstream.member.name);
        let Some(top) = self.upstream.top() else { return };
        let is_head = self.upstream.member.upstream.is_none();
        if is_head && self.upstream.mode() == Answer::Yes {
            facts.has_primary = false;
            if self.place == 0 {
                found.of_upstream.push(Spot::new("primary-is-a-standby", top).word("upstream", upstream.clone()));
            }
        }
        if !is_head && self.upstream.answers_queries() == Answer::No && self.upstream.mode() != Answer::No {
            let place = self.upstream.place_of(names::HOT_STANDBY).unwrap_or(top);
            let spot = Spot::new("upstream-answers-nobody", place).word("name", name.clone());
            found.of_upstream.push(spot.word("upstream", upstream.clone()).subject(names::HOT_STANDBY));
        }
        if self.standby.member.upstream.is_some() && self.in_circle {
            found.of_standby.extend(self.standby.top().map(|top| {
                Spot::new("standbys-follow-each-other", top)
                    .word("name", name.clone())
                    .word("upstream", upstream.clone())
            }));
        }
    }

    /// A standby that nothing makes one.
    fn signal(&self, found: &mut Found) {
        let Some(top) = self.standby.top() else { return };
        let name = &self.standby.member.name;
        match self.standby.mode() {
            Answer::Yes => {}
            Answer::No => found.of_standby.push(Spot::new("standby-opens-as-primary", top).word("name", name.clone())),
            Answer::Depends if self.major >= Major::V12 => {
                found.provided.push(format!("{} lies in its data directory", names::STANDBY_SIGNAL));
            }
            Answer::Depends if self.standby.view.recovery.is_some() => {
                found.provided.push(format!("its {} is mended", names::RECOVERY_CONF));
            }
            Answer::Depends => {
                found.provided.push(format!("a {} makes it a standby", names::RECOVERY_CONF));
            }
        }
    }
}
