//! Lines that another line, file or the command line takes the effect from.

mod command_line;
mod managed;

use std::collections::HashMap;

use crate::catalog::Parameter;
use crate::check::spot::{Spot, View};
use crate::check::{fix, values};
use crate::finding::{Edit, Severity};
use crate::model::settings::{Judged, Verdict};
use crate::value::{Refusal, Value};

/// Lines without effect, of one setting and one rule, that each get a finding; of more, the first speaks for all.
const EACH: usize = 5;

/// Lines beyond which a fix would be longer than the file is worth.
const MOST_EDITED: usize = 10_000;

/// Spots for lines without effect.
pub fn check(view: &View, spots: &mut Vec<Spot>) {
    let is_managed = managed::is_managed(view);
    for group in groups(view) {
        let mut losing: Vec<(&'static str, Vec<usize>)> = Vec::new();
        for index in &group.losing {
            let Some(rule) = rule(view, *index, group.winner) else { continue };
            match losing.iter_mut().find(|(known, _)| *known == rule) {
                Some((_, lines)) => lines.push(*index),
                None => losing.push((rule, vec![*index])),
            }
        }
        for (rule, lines) in losing {
            let made = spots.len();
            match lines.len() {
                ..=EACH => spots.extend(lines.iter().map(|line| spot(view, rule, &[*line], group.winner))),
                _ => spots.push(spot(view, rule, &lines, group.winner)),
            }
            if is_managed && matches!(rule, "overridden-by-auto-conf" | "duplicate-in-include") {
                // The manager writes these files, and sets the values at run time.
                spots[made..].iter_mut().for_each(|spot| spot.at_most = Some(Severity::Info));
            }
        }
    }
    command_line::check(view, spots);
}

/// The lines of one setting.
struct Group {
    winner: usize,
    /// Other lines, in the order of reading.
    losing: Vec<usize>,
}

/// Settings with more than one line.
fn groups(view: &View) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    let mut of_parameter: Vec<u32> = vec![u32::MAX; view.settings.catalog.len()];
    let mut of_custom: HashMap<Vec<u8>, usize> = HashMap::new();
    for (index, judged) in view.lines() {
        let number = match (judged.parameter, &judged.verdict) {
            (Some(_), Verdict::Settled(_)) => continue,
            (Some(id), _) => match (view.settings.winner(id), of_parameter[id.index()]) {
                (None, _) => continue,
                (Some((winner, _)), u32::MAX) => {
                    of_parameter[id.index()] = u32::try_from(groups.len()).expect("fewer than parameters");
                    groups.push(Group { winner, losing: Vec::new() });
                    groups.len() - 1
                }
                (Some(_), known) => known as usize,
            },
            (None, Verdict::Custom) => {
                let name = view.sources.text(judged.entry.name()).to_ascii_lowercase();
                let number = *of_custom.entry(name).or_insert(groups.len());
                match groups.get_mut(number) {
                    Some(group) => {
                        let before = std::mem::replace(&mut group.winner, index);
                        group.losing.push(before);
                    }
                    None => groups.push(Group { winner: index, losing: Vec::new() }),
                }
                continue;
            }
            (None, _) => continue,
        };
        if groups[number].winner != index {
            groups[number].losing.push(index);
        }
    }
    for group in &mut groups {
        once(view, group);
    }
    groups.retain(|group| !group.losing.is_empty());
    groups
}

/// A file that is included twice has each of its lines twice; each is spoken of once.
fn once(view: &View, group: &mut Group) {
    let place = |index: usize| view.settings.judged[index].entry.name();
    let winner = place(group.winner);
    let in_order = group.losing.windows(2).all(|pair| place(pair[0]) < place(pair[1]));
    if !in_order {
        let mut seen = std::collections::HashSet::new();
        group.losing.retain(|index| seen.insert(place(*index)));
    }
    group.losing.retain(|index| place(*index) != winner);
}

/// What there is to say of a line that has no effect.
fn rule(view: &View, index: usize, winner: usize) -> Option<&'static str> {
    let settings = view.settings;
    let (line, wins) = (&settings.judged[index], &settings.judged[winner]);
    let auto_from = settings.auto_from;
    // ALTER SYSTEM and pg_basebackup append, and leave what stood there.
    let both_in_auto = index >= auto_from && winner >= auto_from;
    let parameter = line.parameter.map(|id| settings.catalog.get(id));
    if parameter.is_some_and(Parameter::is_internal) {
        return None;
    }
    let same = match (parameter, &line.verdict) {
        (_, Verdict::Refused(refusal)) => return refusal.depends.is_none().then_some("duplicate-in-other-case"),
        _ if both_in_auto || matches!(wins.verdict, Verdict::Refused(_)) && line.verdict == Verdict::Masked => {
            return None;
        }
        (None, _) => view.value_bytes(line) == view.value_bytes(wins),
        (Some(_), _) if view.value_bytes(line) == view.value_bytes(wins) => true,
        (Some(parameter), _) => match value_of(view, parameter, line) {
            Err(refusal) if refusal.depends.is_none() => return Some("masked-bad-value"),
            Err(_) => false,
            Ok(value) => matches!(&wins.verdict, Verdict::Set(used) if *used == value),
        },
    };
    let same_file = line.entry.file == wins.entry.file;
    let in_auto = winner >= auto_from;
    match (same, same_file, in_auto) {
        (true, true, false) => Some("repeated-setting"),
        (true, ..) => None,
        (false, _, true) => Some("overridden-by-auto-conf"),
        (false, true, false) => Some("duplicate-setting"),
        (false, false, false) => Some("duplicate-in-include"),
    }
}

fn value_of(view: &View, parameter: &Parameter, line: &Judged) -> Result<Value, Refusal> {
    match &line.verdict {
        Verdict::Set(value) => Ok(value.clone()),
        _ => values::read(view, parameter, &view.value_bytes(line)),
    }
}

/// A spot at the first of the lines that stands for all of them.
fn spot(view: &View, rule: &'static str, lines: &[usize], winner: usize) -> Spot {
    let (line, wins) = (&view.settings.judged[lines[0]], &view.settings.judged[winner]);
    let label = match (rule, lines.len()) {
        ("masked-bad-value" | "duplicate-in-other-case", 1) => "refused".to_string(),
        (_, 1) => "has no effect".to_string(),
        (_, count) => format!("this and {} more lines have no effect", count - 1),
    };
    let winner_line = match rule {
        "duplicate-in-include" | "overridden-by-auto-conf" => wins.entry.line.to_string(),
        _ => view.line_name(wins, line.entry.file),
    };
    let mut spot = view
        .about(rule, lines[0], line.entry.place())
        .word("winner", view.value(wins))
        .word("winner_line", winner_line)
        .word("winner_file", file_name(view, wins))
        .label(label)
        .related(wins.entry.place(), "this line counts");
    for other in lines.iter().skip(1).take(EACH - 1) {
        spot = spot.related(view.settings.judged[*other].entry.place(), "has no effect either");
    }
    if lines.len() <= MOST_EDITED
        && line.entry.file == wins.entry.file
        && matches!(rule, "duplicate-setting" | "repeated-setting")
    {
        spot.edits = lines.iter().flat_map(|index| comment_out(view, &view.settings.judged[*index], wins)).collect();
    }
    spot
}

fn comment_out(view: &View, line: &Judged, wins: &Judged) -> Vec<Edit> {
    let below = line.entry.line < wins.entry.line;
    fix::comment_out(view.sources, &line.entry, if below { "set again below" } else { "has no effect" })
}

/// The name of the file as it is written beside the main one.
fn file_name(view: &View, judged: &Judged) -> String {
    let path = &view.tree.visits[judged.entry.visit as usize].path;
    let beside = view.tree.visits.first().and_then(|main| main.path.parent());
    let short = beside.and_then(|beside| path.strip_prefix(beside).ok()).unwrap_or(path);
    crate::source::display(short.as_os_str().as_encoded_bytes())
}
