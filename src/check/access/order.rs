//! Lines that others take the connections of, or that cannot match as the server is set.

use std::collections::BTreeMap;

use super::refused::with_setting;
use super::{Reach, Rules, reach, together};
use crate::check::spot::Spot;
use crate::finding::Severity;
use crate::model::access::Record;
use crate::model::hba::Entry;
use crate::model::hba::cover::{self, Coverage, Covered, Overlap};
use crate::source::{Place, Span};

/// Spots for lines in an order that defeats them.
pub fn check(rules: &Rules, spots: &mut Vec<Spot>) {
    let coverage = cover::coverage(rules.hba, rules.major);
    unreachable(rules, &coverage, spots);
    weaker_first(rules, &coverage, spots);
    let is_off = without_ssl(rules, spots);
    if !is_off {
        undercut(rules, &coverage, spots);
    }
}

fn line<'a>(rules: &Rules<'a>, index: usize) -> Option<(&'a Record, &'a Entry)> {
    let line = &rules.hba.lines[index];
    Some((&line.record, line.verdict.as_ref().ok()?))
}

fn unreachable(rules: &Rules, coverage: &Coverage, spots: &mut Vec<Spot>) {
    for Covered { line: index, by } in &coverage.covered {
        let Some((record, entry)) = line(rules, *index) else { continue };
        let takers: Vec<(&Record, &Entry)> = by.iter().filter_map(|index| line(rules, *index)).collect();
        let is_same = |other: &Entry| other.method == entry.method && options(other) == options(entry);
        let names: Vec<String> = takers.iter().map(|(other, _)| rules.line_name(other, record.file)).collect();
        let place = record.place();
        if let Some((other, _)) = takers.iter().find(|(_, other)| is_same(other) && is_double(entry, other)) {
            let mut spot = rules.spot("hba-duplicate-line", place).word("winner", names.join(" and "));
            spot = spot.label("says nothing new").related(other.place(), "the same line");
            spots.push(match whole_line(rules, record) {
                Some(whole) => spot.edit(whole, ""),
                None => spot,
            });
            continue;
        }
        let method = takers.first().map_or("", |(_, other)| other.method.name);
        let outcome = match takers.iter().all(|(_, other)| other.method.is_reject()) {
            true => "they are rejected".to_string(),
            false if takers.iter().all(|(_, other)| is_same(other)) => "the method is the same".to_string(),
            false => format!("they get `{method}`, not `{}`", entry.method.name),
        };
        let mut spot = rules.spot("hba-unreachable-line", place);
        spot = spot.word("winner", names.join(" and ")).word("outcome", outcome).label("no connection gets here");
        if takers.iter().all(|(_, other)| is_same(other)) {
            spot.at_most = Some(Severity::Info);
        }
        for (other, _) in &takers {
            spot = spot.related(other.place(), "takes its connections");
        }
        spots.push(spot);
    }
}

fn options(entry: &Entry) -> Vec<(&str, &[u8])> {
    entry.options.iter().map(|option| (option.name, option.value.as_slice())).collect()
}

/// Whether two lines are for the same.
fn is_double(one: &Entry, other: &Entry) -> bool {
    let same = |one: &[crate::model::access::Word], other: &[crate::model::access::Word]| {
        one.len() == other.len()
            && one.iter().zip(other).all(|(one, other)| (&one.text, one.quoted) == (&other.text, other.quoted))
    };
    one.connection == other.connection
        && same(&one.databases, &other.databases)
        && same(&one.users, &other.users)
        && one.address == other.address
}

/// The line and its line feed, where it is one line of the file with nothing of others in it and no comment.
fn whole_line(rules: &Rules, record: &Record) -> Option<Place> {
    let is_own = record.fields.iter().flatten().all(|word| word.place.file == record.file);
    let bytes = record.span.of(&rules.view.sources.get(record.file).bytes);
    let is_plain = is_own && !bytes.contains(&b'#') && memchr::memchr_iter(b'\n', bytes).count() <= 1;
    is_plain.then_some(Place { file: record.file, span: Span::new(record.span.start, record.span.end) })
}

/// Lines of which a weaker one takes a part first, by the line that does.
fn weaker_first(rules: &Rules, coverage: &Coverage, spots: &mut Vec<Spot>) {
    let mut by_taker: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for Overlap { line: index, taker } in &coverage.overlaps {
        let (Some((_, entry)), Some((_, first))) = (line(rules, *index), line(rules, *taker)) else { continue };
        let is_weaker = match (first.method.strength, entry.method.strength) {
            _ if entry.method.is_reject() => !first.method.is_reject(),
            (Some(first), Some(later)) => first < later,
            _ => false,
        };
        // What comes from the machine itself is an exception that is meant.
        if is_weaker && reach(first) > Reach::Here {
            by_taker.entry(*taker).or_default().push(*index);
        }
    }
    for (taker, lines) in by_taker {
        let (Some((record, first)), Some((later, entry))) = (line(rules, taker), line(rules, lines[0])) else {
            continue;
        };
        let places: Vec<(Place, String)> = lines
            .iter()
            .filter_map(|index| line(rules, *index))
            .map(|(record, entry)| (record.place(), format!("`{}` comes too late for some", entry.method.name)))
            .collect();
        let Some(spot) = together(rules, "hba-weaker-line-first", &places) else { continue };
        let spot = spot
            .word("method", entry.method.name)
            .word("other", first.method.name)
            .word("winner", rules.line_name(record, later.file))
            .related(record.place(), format!("lets them in with `{}`", first.method.name));
        spots.push(spot);
    }
}

/// `hostssl` lines of a server without TLS; whether there are some.
fn without_ssl(rules: &Rules, spots: &mut Vec<Spot>) -> bool {
    let lines = rules.hba.lines.iter().filter(|line| line.notice.is_some() && line.verdict.is_ok());
    let found: Vec<_> =
        lines.filter_map(|line| Some((line, line.verdict.as_ref().ok()?.connection.setting?))).collect();
    let Some((line, setting)) = found.first() else { return false };
    let places: Vec<(Place, String)> =
        found.iter().map(|(line, _)| (line.record.fields[0][0].place, "matches nothing".to_string())).collect();
    if let Some(spot) = together(rules, "hba-hostssl-without-ssl", &places) {
        let said = line.notice.as_ref().map(|notice| crate::source::display(&notice.text)).unwrap_or_default();
        let token = rules.text(line.record.fields[0][0].place);
        spots.push(with_setting(rules, spot.word("setting", *setting).word("token", token).server(said), setting));
    }
    true
}

/// Lines for TLS, and lines that let the same clients in without, by the latter.
fn undercut(rules: &Rules, coverage: &Coverage, spots: &mut Vec<Spot>) {
    let mut by_taker: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for Overlap { line: index, taker } in &coverage.undercut {
        let (Some((_, entry)), Some((_, other))) = (line(rules, *index), line(rules, *taker)) else { continue };
        if !other.method.is_reject() && !entry.method.is_reject() && reach(other) > Reach::Here {
            by_taker.entry(*taker).or_default().push(*index);
        }
    }
    for (taker, lines) in by_taker {
        let Some((record, other)) = line(rules, taker) else { continue };
        let places: Vec<(Place, String)> = lines
            .iter()
            .filter_map(|index| line(rules, *index))
            .map(|(record, _)| (record.fields[0][0].place, "meant to require TLS".to_string()))
            .collect();
        let Some((first, _)) = lines.first().and_then(|index| line(rules, *index)) else { continue };
        let Some(spot) = together(rules, "hba-host-undercuts-hostssl", &places) else { continue };
        let spot = spot
            .word("winner", rules.line_name(record, first.file))
            .word("token", rules.text(first.fields[0][0].place))
            .word("other", rules.text(record.fields[0][0].place))
            .related(record.place(), format!("lets them in without TLS, with `{}`", other.method.name));
        spots.push(spot);
    }
}
