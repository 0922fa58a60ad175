//! Standbys that commits wait for: whether those that are there bear the names that are waited for.

use super::recovery::Action;
use super::{End, Facts, Found, Pair};
use crate::catalog::recovery::Purpose;
use crate::check::spot::Spot;
use crate::model::conninfo::Options;
use crate::model::pair::dial::Dial;
use crate::model::pair::quorum;
use crate::model::recovery::Meaning;
use crate::names;
use crate::source::display;
use crate::value::Value;
use crate::value::grammar::standbys::Standbys;

/// Spots for commits that would wait for ever; and what the standby is to them.
pub(super) fn check(pair: &Pair, facts: &mut Facts, found: &mut Found) {
    if pair.upstream.member.upstream.is_some() {
        // A standby that feeds others waits for nobody.
        return;
    }
    let wanted = quorum::standbys(pair.upstream.view.settings);
    let commits = pair.upstream.word(names::SYNCHRONOUS_COMMIT);
    let waits = !matches!(commits.as_str(), "off" | "local");
    facts.is_listed = quorum::lists(&wanted, &pair.standby.known_as());
    facts.waits_for_replay = commits == "remote_apply";
    facts.waits_for = if waits { wanted.count } else { 0 };
    if wanted.names.is_empty() || pair.place > 0 {
        return;
    }
    let names: Vec<Vec<u8>> = pair.followers.iter().map(End::known_as).collect();
    let listed = names.iter().filter(|name| quorum::lists(&wanted, name)).count();
    let is_borne =
        |listed: &&Vec<u8>| listed.as_slice() == b"*" || names.iter().any(|name| name.eq_ignore_ascii_case(listed));
    // Nobody follows itself: its own name is no stranger's.
    let own = pair.upstream.own_name();
    let is_own = |listed: &&Vec<u8>| own.as_ref().is_some_and(|own| own.eq_ignore_ascii_case(listed));
    let strangers = wanted.names.iter().filter(|listed| !is_borne(listed) && !is_own(listed)).count();
    facts.strangers = strangers;
    let Some(place) = pair.upstream.place_of(names::SYNCHRONOUS_STANDBY_NAMES) else { return };
    let spot = |rule: &'static str| {
        Spot::new(rule, place)
            .subject(names::SYNCHRONOUS_STANDBY_NAMES)
            .word("upstream", pair.upstream.member.name.clone())
            .word("pg", pair.upstream.view.version_word())
    };
    let twins = || {
        let of = |index: usize| names.iter().take(index).position(|other| other.eq_ignore_ascii_case(&names[index]));
        (1..names.len()).find_map(|index| Some((index, of(index)?)))
    };
    if let Some((index, other)) = twins()
        .filter(|(index, _)| quorum::lists(&Standbys { names: named(&wanted), ..wanted.clone() }, &names[*index]))
    {
        let (one, other) = (&pair.followers[index], &pair.followers[other]);
        let spot = spot("standby-name-shared").word("name", one.member.name.clone());
        let spot = spot.word("other", other.member.name.clone()).word("token", format!("`{}`", display(&names[index])));
        found.of_upstream.push(spot.label("one name for two"));
    }
    let is_waiting = waits && listed < wanted.count;
    if waits && listed < names.len() && listed < wanted.count {
        let unlisted = pair.followers.iter().zip(&names).find(|(_, name)| !quorum::lists(&wanted, name));
        let Some((end, name)) = unlisted else { return };
        let known = format!("`{}`", display(name));
        let mut spot = spot("sync-name-unmatched").word("name", end.member.name.clone()).word("token", known);
        spot = spot.word("value", shown(&wanted)).label("nobody's name");
        spot = spot.word("suggestion", format!("{}={}", names::APPLICATION_NAME, display(&wanted.names[0])));
        if let Some(caller) = end.caller() {
            spot = spot.related(caller.text.place, format!("{} comes as {}", end.member.name, display(name)));
        }
        found.of_upstream.push(spot);
    } else if is_waiting && strangers == 0 {
        let spot = spot("too-few-standbys-for-commits").word("wanted", wanted.count.to_string());
        found.of_upstream.push(spot.word("has", listed.to_string()).label("too many to wait for"));
    }
    if let Some(listed) = wanted.names.iter().find(|listed| is_own(listed) && !is_borne(listed)) {
        let spot = spot("sync-names-list-the-primary").word("token", format!("`{}`", display(listed)));
        found.of_upstream.push(spot.label("its own name"));
    }
    if waits {
        delayed(pair, &wanted, &names, &commits, found);
    }
}

/// Commits that wait until a standby has replayed them, and a standby that replays late.
fn delayed(pair: &Pair, wanted: &Standbys, names: &[Vec<u8>], commits: &str, found: &mut Found) {
    // Replay that stands still never comes to the commit.
    let is_paused = |end: &End| end.action() == Action::Pause && end.target().is_some_and(|target| target.is_at_once);
    // Who reports at no interval reports once everything is replayed.
    let is_silent = |end: &End| end.view.settings.value(names::WAL_RECEIVER_STATUS_INTERVAL) == Some(Value::Integer(0));
    let counts = |end: &End| commits == "remote_apply" || is_silent(end);
    let is_late = |end: &End| counts(end) && (end.delay() >= LONG || is_paused(end));
    let rank = |name: &Vec<u8>| {
        wanted.names.iter().position(|listed| listed.as_slice() == b"*" || listed.eq_ignore_ascii_case(name))
    };
    let mut candidates: Vec<(usize, &End)> =
        pair.followers.iter().zip(names).filter_map(|(end, name)| Some((rank(name)?, end))).collect();
    let late = match wanted.any {
        true if candidates.iter().filter(|(_, end)| !is_late(end)).count() >= wanted.count => None,
        true => candidates.iter().map(|(_, end)| *end).find(|end| is_late(end)),
        false => {
            candidates.sort_by_key(|(rank, _)| *rank);
            candidates.iter().take(wanted.count).map(|(_, end)| *end).find(|end| is_late(end))
        }
    };
    let Some(end) = late else { return };
    let Some(place) = pair.upstream.place_of(names::SYNCHRONOUS_COMMIT) else { return };
    let mut spot = Spot::new("delayed-standby-holds-commits", place).subject(names::SYNCHRONOUS_COMMIT);
    spot = spot.word("name", end.member.name.clone()).word("upstream", pair.upstream.member.name.clone());
    let time = if is_paused(end) { "for ever".to_owned() } else { format!("{} s", end.delay() / 1000) };
    spot = spot.word("value", time).word("pg", pair.upstream.view.version_word());
    if let Some((_, place, _)) = end.says(Purpose::Delay) {
        spot = spot.related(place, "replays so much later");
    }
    found.of_upstream.push(spot);
}

/// Milliseconds that nobody lets every commit take.
const LONG: i64 = 2000;

/// The names that are of somebody.
fn named(wanted: &Standbys) -> Vec<Vec<u8>> {
    wanted.names.iter().filter(|name| name.as_slice() != b"*").cloned().collect()
}

fn shown(wanted: &Standbys) -> String {
    wanted.names.iter().map(|name| format!("`{}`", display(name))).collect::<Vec<_>>().join(", ")
}

impl End<'_> {
    /// The name by which its primary knows it.
    fn known_as(&self) -> Vec<u8> {
        self.own_name().unwrap_or_else(|| quorum::NAMELESS.to_vec())
    }

    /// The name that its files give it.
    fn own_name(&self) -> Option<Vec<u8>> {
        let major = self.view.settings.catalog.version.major;
        let said = self.caller().and_then(|caller| Dial::of(&Options { conninfo: &caller.string }, major).name);
        quorum::name_of(said.as_deref(), self.view.settings)
    }

    /// A setting that is a word.
    pub(super) fn word(&self, name: &str) -> String {
        self.view.settings.value(name).map(|value| display(&value.plain())).unwrap_or_default()
    }

    /// How much later it replays, in milliseconds.
    fn delay(&self) -> i64 {
        if let Some(recovery) = self.view.recovery {
            return match recovery.line(Purpose::Delay) {
                Some((_, _, Meaning::Delay(delay, _))) => *delay,
                _ => 0,
            };
        }
        match self.view.settings.value(crate::catalog::recovery::named(Purpose::Delay)) {
            Some(Value::Integer(delay)) => delay,
            _ => 0,
        }
    }
}
