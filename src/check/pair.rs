//! A standby and the node that it follows: what keeps WAL from coming, and what will hurt.

mod admission;
mod archive;
mod drift;
mod identity;
mod limits;
mod route;
mod slots;
mod swap;
mod sync;

use std::path::PathBuf;

use super::conninfo::{self, Text};
use super::group::Member;
use super::spot::{self, Spot, View};
use super::{Merged, Reading, Rules, Standing, read, subject};
use crate::catalog::Catalog;
use crate::catalog::recovery::{Purpose, named};
use crate::finding::Finding;
use crate::model::conninfo::{Options, refusals};
use crate::model::pair::Answer;
use crate::model::pair::dial::Dial;
use crate::model::recovery::Meaning;
use crate::model::recovery::signals::{self, Mode};
use crate::names;
use crate::rule::expr::Scope;
use crate::source::{FileId, Files, Place, Sources, Span};
use crate::syntax::conninfo as syntax;
use crate::value::Value;
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
    /// What has to be so for WAL to come, and is not in files.
    pub provided: Vec<String>,
    /// Whether the standby begins as one.
    pub mode: Answer,
    /// Whether it answers queries as a standby.
    pub answers_queries: Answer,
    /// Whether its upstream's commits wait for it, among others.
    pub is_listed: bool,
    /// For how many standbys the upstream's commits wait.
    pub waits_for: usize,
    /// Whether it knows how to reach its upstream.
    pub has_conninfo: bool,
    /// How many names commits wait for that none of the followers bears.
    pub strangers: usize,
}

/// One end of a link, as a server of one version sees it.
struct End<'a> {
    view: View<'a>,
    member: &'a Member,
    /// Set where the data directory is at hand.
    data: Option<PathBuf>,
}

/// A link, as servers of one version see it.
struct Pair<'a> {
    major: Major,
    /// The node that is followed.
    upstream: End<'a>,
    /// The node that follows.
    standby: End<'a>,
    /// All that follow the same node, in the order in which they were named.
    followers: &'a [End<'a>],
    /// Which of them this one is.
    place: usize,
}

/// What is found.
#[derive(Default)]
struct Found {
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
    let mut link = Link {
        standby,
        upstream,
        findings: Vec::new(),
        provided: Vec::new(),
        mode: Answer::Depends,
        answers_queries: Answer::Depends,
        is_listed: false,
        waits_for: 0,
        has_conninfo: true,
        strangers: 0,
    };
    let followers: Vec<usize> = (0..members.len()).filter(|index| members[*index].upstream == Some(upstream)).collect();
    let mut merged = Merged::default();
    let mut seen: Option<(Answer, Answer)> = None;
    for catalog in &catalogs {
        let wanted: Vec<usize> = std::iter::once(upstream).chain(followers.iter().copied()).collect();
        let readings: Vec<Reading> =
            wanted.iter().map(|index| reading(files, sources, &members[*index], catalog)).collect();
        let sources: &Sources = sources;
        let several = catalogs.len() > 1;
        let end = |at: usize| {
            let view = readings[at].view(files, sources, rules, several);
            let data = data_directory(&view);
            End { view, member: &members[wanted[at]], data }
        };
        let ends: Vec<End> = (1..wanted.len()).map(end).collect();
        let place = followers.iter().position(|index| *index == standby).unwrap_or(0);
        let pair =
            Pair { major: catalog.version.major, upstream: end(0), standby: end(place + 1), followers: &ends, place };
        let facts = (pair.standby.mode(), pair.standby.answers_queries());
        seen = Some(match seen {
            Some((mode, answers)) => (same(mode, facts.0), same(answers, facts.1)),
            None => facts,
        });
        merged.add(pair.check(rules, &mut link));
    }
    link.findings = merged.into_findings(sources, &catalogs);
    if catalogs.is_empty() {
        let catalog = Catalog::shared(members[standby].node.targets.newest());
        let reading = reading(files, sources, &members[standby], catalog);
        let view = reading.view(files, sources, rules, false);
        link.findings = identity::versions(&view, rules, &members[standby], &members[upstream]);
        let end = End { data: data_directory(&view), view, member: &members[standby] };
        seen = Some((end.mode(), end.answers_queries()));
    }
    if let Some((mode, answers)) = seen {
        (link.mode, link.answers_queries) = (mode, answers);
    }
    link
}

/// What holds for both.
fn same(one: Answer, other: Answer) -> Answer {
    if one == other { one } else { Answer::Depends }
}

fn reading<'a>(files: &dyn Files, sources: &mut Sources, member: &Member, catalog: &'a Catalog) -> Reading<'a> {
    let subject = subject(&member.node, files);
    let tree = read(files, sources, &subject, catalog.version.major);
    Reading::of(files, sources, &subject, tree, catalog)
}

/// The data directory of a node, where it is at hand.
fn data_directory(view: &View) -> Option<PathBuf> {
    let directory = &view.tree.data_directory;
    view.files.read(&directory.join(names::PG_VERSION)).is_ok().then(|| directory.clone())
}

impl Pair<'_> {
    fn check(&self, rules: &Rules, link: &mut Link) -> Vec<Finding> {
        let mut found = Found::default();
        self.signal(&mut found);
        identity::check(self, &mut found);
        limits::check(self, &mut found);
        if let Some(caller) = self.standby.caller() {
            let options = Options { conninfo: &caller.string };
            let dial = Dial::of(&options, self.major);
            route::check(self, &caller, &options, &dial, &mut found);
        } else {
            link.has_conninfo = false;
        }
        slots::check(self, &mut found);
        sync::check(self, link, &mut found);
        archive::check(self, &mut found);
        swap::check(self, &mut found);
        drift::check(self, &mut found);
        let version = self.standby.view.settings.catalog.version;
        let mut findings = Vec::new();
        for (end, spots) in [(&self.upstream, found.of_upstream), (&self.standby, found.of_standby)] {
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
        for condition in found.provided {
            if !link.provided.contains(&condition) {
                link.provided.push(condition);
            }
        }
        findings
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
            Answer::Depends => {
                found.provided.push(format!("a {} makes it a standby", names::RECOVERY_CONF));
            }
        }
    }
}

impl<'a> End<'a> {
    /// Whether the node begins as a standby.
    fn mode(&self) -> Answer {
        let major = self.view.settings.catalog.version.major;
        if let Some(recovery) = self.view.recovery {
            return Answer::from(recovery.is_standby());
        }
        let signals = signals::signals(self.view.files, &self.view.tree.data_directory);
        match major < Major::V12 {
            false if signals.mode() == Mode::Standby => Answer::Yes,
            false if signals.mode() == Mode::Archive => Answer::No,
            _ if self.data.is_some() => Answer::No,
            _ => Answer::Depends,
        }
    }

    /// Whether it answers queries once it is a standby.
    fn answers_queries(&self) -> Answer {
        match self.view.settings.value(names::HOT_STANDBY) {
            Some(Value::Bool(on)) => Answer::from(on),
            _ => Answer::Depends,
        }
    }

    /// Its connection string, where it has one that is not empty.
    fn caller(&self) -> Option<Caller> {
        let text = conninfo::texts(&self.view, Some(Role::Standby)).into_iter().next()?;
        if text.value.bytes.trim_ascii().is_empty() {
            return None;
        }
        let major = self.view.settings.catalog.version.major;
        let string = syntax::parse(&text.value.bytes, major);
        let is_refused = !refusals(&string, major).is_empty();
        Some(Caller { text, string, is_refused })
    }

    /// The beginning of its main file, or of any other that it has.
    fn top(&self) -> Option<Place> {
        let whole = |file: FileId| Place { file, span: Span::new(0, 0) };
        let of_access = [self.view.access.hba.as_ref().and_then(|hba| hba.main)];
        let of_recovery = self.view.recovery.and_then(|recovery| recovery.file());
        let others = of_access.into_iter().flatten().chain(of_recovery).map(whole);
        self.view.top().into_iter().chain(others).next()
    }

    /// What it has for a purpose, in recovery.conf or in its settings, and where.
    fn says(&self, purpose: Purpose) -> Option<(Vec<u8>, Place, Option<usize>)> {
        if let Some(recovery) = self.view.recovery {
            let (_, line, meaning) = recovery.line(purpose)?;
            let text = match meaning {
                Meaning::Text(text) => text.clone(),
                _ => {
                    crate::syntax::conf::value(line.entry.setting.value, &self.view.sources.get(line.entry.file).bytes)
                        .into_owned()
                }
            };
            return Some((text, line.entry.value(), None));
        }
        let settings = self.view.settings;
        let (index, judged) = settings.winner(settings.catalog.find(named(purpose).as_bytes())?)?;
        let value = settings.value(named(purpose))?.plain();
        Some((value, judged.entry.value(), Some(index)))
    }

    /// The line that sets a parameter; else the top of the node's main file.
    fn place_of(&self, name: &str) -> Option<Place> {
        let settings = self.view.settings;
        let winner = settings.catalog.find(name.as_bytes()).and_then(|id| settings.winner(id));
        winner.map(|(_, judged)| judged.entry.value()).or_else(|| self.top())
    }
}
