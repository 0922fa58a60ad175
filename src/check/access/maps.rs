//! pg_ident.conf: lines for which the server drops the whole file, and maps that say something else than was meant.

use super::node;
use crate::check::spot::{Spot, View};
use crate::finding::Severity;
use crate::model::access::{Ending, LineFault, Record, Word};
use crate::model::ident::{Fault, Ident, Mapping, Refusal};
use crate::names;
use crate::source::{Place, display};
use crate::value::regex::Regex;
use crate::version::Major;

/// Spots for the maps.
pub fn check(view: &View, ident: &Ident, spots: &mut Vec<Spot>) {
    if let Some((ending, message)) = &ident.ending {
        let (rule, place) = match ending {
            Ending::LineTooLong(place) => ("ident-line-unreadable", *place),
            Ending::Endless(place, _) => ("ident-include-loop", *place),
        };
        let spot = Spot::new(rule, place).word("pg", view.version_word());
        spots.push(spot.server(display(&message.text)));
    }
    let mut named: Vec<Place> = Vec::new();
    for line in &ident.lines {
        named.extend(line.record.at);
        match &line.verdict {
            Err(refusal) => spots.push(refused(view, &line.record, refusal)),
            Ok(mapping) => traps(view, &line.record, mapping, spots),
        }
    }
    for pulled in ident.pulled.iter().filter(|pulled| !pulled.may_miss && !named.contains(&pulled.place)) {
        let Some(error) = &pulled.error else { continue };
        let mut spot = Spot::new("ident-line-unreadable", pulled.place).word("reason", error.to_string());
        spot.at_most = Some(Severity::Warning);
        spots.push(spot.word("pg", view.version_word()));
    }
    if let Some(main) = ident.main {
        spots.extend(node::elsewhere(view, "ident-file-elsewhere", names::IDENT_FILE, main));
    }
}

fn refused(view: &View, record: &Record, refusal: &Refusal) -> Spot {
    let text = |place: Place| display(view.sources.text(place));
    let at = |rule: &'static str| {
        let spot = Spot::new(rule, refusal.place).word("pg", view.version_word());
        spot.word("token", text(refusal.place)).server(display(&refusal.text))
    };
    match &refusal.fault {
        Fault::Line(fault) => {
            let reason = match fault {
                LineFault::CannotOpen(path, error) | LineFault::CannotOpenDirectory(path, error) => {
                    format!("`{}`: {error}", path.display())
                }
                LineFault::LineTooLong => "The line is too long".to_string(),
                LineFault::TokenTooLong => "A word is too long".to_string(),
                LineFault::TooDeep(_) => "Files include each other without end".to_string(),
            };
            at("ident-line-unreadable").word("reason", reason)
        }
        Fault::Missing => {
            let missing = match record.fields.len() {
                1 => "system user and no database user",
                _ => "database user",
            };
            at("ident-missing-field").word("missing", missing).label(format!("no {missing}"))
        }
        Fault::Several => at("ident-several-values").label("one is due"),
        Fault::Regex => at("ident-bad-regex").label("no regular expression"),
    }
}

fn traps(view: &View, record: &Record, mapping: &Mapping, spots: &mut Vec<Spot>) {
    let major = view.settings.catalog.version.major;
    let spot = |rule: &'static str, word: &Word| {
        let spot = Spot::new(rule, word.place).word("pg", view.version_word());
        spot.word("token", display(view.sources.text(word.place)))
    };
    if let Some(word) = record.fields.get(3).and_then(|field| field.first()) {
        spots.push(spot("ident-extra-field", word).label("nobody reads this"));
    }
    let pattern = mapping.system.text.strip_prefix(b"/");
    if let Some(pattern) = pattern {
        if is_open_at_an_end(pattern) {
            spots.push(spot("ident-unanchored-regex", &mapping.system).label("fits parts of names"));
        }
        references(view, mapping, pattern, spots);
    }
    if major < Major::V16 {
        let user = &mapping.user;
        if user.is("all") || user.group().is_some() || user.text.starts_with(b"/") {
            spots.push(spot("ident-keyword-before-16", user).label("a name until 16"));
        }
    }
}

/// Whether a regular expression may fit in the middle of a name, so that more than was meant fits.
fn is_open_at_an_end(pattern: &[u8]) -> bool {
    let Ok(regex) = Regex::new(pattern) else { return false };
    // A name with more before or behind: whatever fits everything was meant to.
    let is_everything = regex.matches_everything() || matches!(pattern, b".*" | b"(.*)" | b".+" | b"(.+)");
    let begins = pattern.starts_with(b"^")
        || pattern.starts_with(b"(^")
        || pattern.starts_with(b"\\A")
        || pattern.starts_with(b".*")
        || pattern.starts_with(b"(.*)");
    let ends = pattern.ends_with(b"$")
        || pattern.ends_with(b"$)")
        || pattern.ends_with(b"\\Z")
        || pattern.ends_with(b".*")
        || pattern.ends_with(b"(.*)");
    !(is_everything || begins && ends)
}

/// `\1` without a group, and what only looks like a reference.
fn references(view: &View, mapping: &Mapping, pattern: &[u8], spots: &mut Vec<Spot>) {
    let major = view.settings.catalog.version.major;
    let user = &mapping.user;
    if major >= Major::V16 && user.text.starts_with(b"/") {
        return;
    }
    let first = memchr::memmem::find(&user.text, b"\\1");
    let groups = Regex::new(pattern).map_or(0, |regex| regex.groups());
    let spot = |rule: &'static str| {
        let spot = Spot::new(rule, user.place).word("pg", view.version_word());
        spot.word("token", display(&user.text)).word("pattern", display(pattern))
    };
    if first.is_some() && groups == 0 {
        spots.push(spot("ident-no-group").related(mapping.system.place, "no group in it").label("stands for nothing"));
        return;
    }
    let is_other = user.text.windows(2).any(|pair| pair[0] == b'\\' && matches!(pair[1], b'2'..=b'9'));
    let is_second = major < Major::V19 && memchr::memmem::find_iter(&user.text, b"\\1").count() > 1;
    if is_other || is_second {
        spots.push(spot("ident-reference-kept").label("not filled in"));
    }
}
