//! Lines that the server refuses: for each the rule that says most.

mod options;

use super::{Rules, listed, placeholder};
use crate::catalog::access::{self as words, Access};
use crate::check::spot::Spot;
use crate::finding::Severity;
use crate::model::access::{Ending, LineFault, Record, Word};
use crate::model::hba::{Fault, Line, Part, Refusal, address, top};
use crate::names;
use crate::nearest::nearest;
use crate::source::{Place, Span, display};
use crate::version::Major;

use options::{behind_secret, option_value, unknown_option, why_bare};

/// A spot for each line that is refused, and for what ends the server or leaves it without rules.
pub fn check(rules: &Rules, spots: &mut Vec<Spot>) {
    if let Some((ending, message)) = &rules.hba.ending {
        let (rule, place) = match ending {
            Ending::LineTooLong(place) => ("hba-too-long", *place),
            Ending::Endless(place, _) => ("hba-include-loop", *place),
        };
        spots.push(rules.spot(rule, place).word("token", rules.text(place)).server(display(&message.text)));
    }
    if let Some(main) = rules.hba.main
        && rules.hba.lines.is_empty()
        && rules.hba.ending.is_none()
    {
        spots.push(rules.spot("hba-no-entries", top(main)).label("no line but comments"));
    }
    let mut continued: Option<usize> = None;
    let mut named: Vec<Place> = Vec::new();
    for line in &rules.hba.lines {
        let Err(refusal) = &line.verdict else {
            continued = None;
            continue;
        };
        named.extend(line.record.at);
        if let Some(index) = continued {
            // What was meant as one line is one fault.
            let first: &mut Spot = &mut spots[index];
            let place = line.record.place();
            first.related.push(crate::finding::Label { place, message: "meant as its continuation".to_string() });
            continued = ends_in_backslash(&line.record).then_some(index);
            continue;
        }
        let is_shown = !matches!(refusal.fault, Fault::OptionForm)
            || !behind_secret(Access::shared(rules.major), &line.record, refusal.place);
        let said = if is_shown {
            display(&refusal.text)
        } else {
            "authentication option not in name=value format: ****".to_string()
        };
        let spot = spot(rules, line, refusal).server(said);
        continued = (spot.rule == "hba-continuation-before-14").then_some(spots.len());
        spots.push(spot);
    }
    for pulled in rules.hba.pulled.iter().filter(|pulled| !pulled.may_miss && !named.contains(&pulled.place)) {
        // Where a server goes on all the same.
        let Some(error) = &pulled.error else { continue };
        let mut spot = rules.spot("hba-file-missing", pulled.place).label("nothing is read here");
        spot.words.push(("path", pulled.path.display().to_string()));
        spot.words.push(("error", error.to_string()));
        spot.at_most = Some(Severity::Warning);
        spots.push(spot);
    }
}

fn spot(rules: &Rules, line: &Line, refusal: &Refusal) -> Spot {
    let record = &line.record;
    let at = |rule: &'static str| rules.spot(rule, refusal.place).word("token", rules.text(refusal.place));
    if let Some(spot) = residue(rules, record) {
        return spot;
    }
    let known = Access::shared(rules.major);
    match &refusal.fault {
        Fault::Line(fault) => unreadable(rules, refusal.place, fault),
        Fault::UnknownType => unknown_type(rules, known, record, refusal),
        Fault::Missing(part) => missing(rules, record, *part, refusal),
        Fault::Several(part) => at("hba-several-values").word("part", part_name(*part)).label("one is due"),
        Fault::UnknownMethod => unknown_method(rules, known, record, refusal),
        Fault::NotBuilt(_) => at("hba-method-not-built").label("needs a server that was built with it"),
        Fault::MethodNotHere(method) => {
            let reason = known.method(method.as_bytes()).map_or(String::new(), place_of_method);
            at("hba-method-not-here").word("reason", reason).label("not on such a line")
        }
        Fault::Setting(setting) => {
            let spot = at("hba-setting-forbids").word("setting", *setting).label("not with this setting");
            with_setting(rules, spot, setting)
        }
        Fault::MaskLength => at("hba-mask-length").label("longer than the address"),
        Fault::NameWithMask => {
            at("hba-name-with-mask").word("reason", why_no_address(&refusal.place, rules)).label("read as a host name")
        }
        Fault::NoMask => no_mask(rules, known, record, refusal),
        Fault::MaskFamily => at("hba-bad-mask").word("reason", "Address and mask are of different families"),
        Fault::Regex => at("hba-bad-regex").label("no regular expression"),
        Fault::OptionForm if behind_secret(known, record, refusal.place) => {
            // The rest of a secret that should stand in quotes.
            let reason = "A value with blanks in it stands in quotes: `\"name=a b\"`";
            rules.spot("hba-bare-option", refusal.place).word("token", "****").word("reason", reason)
        }
        Fault::OptionForm => {
            at("hba-bare-option").word("reason", why_bare(known, record, refusal.place, rules)).label("no `=` in it")
        }
        Fault::UnknownOption => unknown_option(rules, known, refusal),
        Fault::OptionOfOther(option) | Fault::OptionNotHere(option) => {
            let said = known.option(option.as_bytes()).map_or("", |option| option.said);
            at("hba-option-not-here").word("option", *option).word("allowed", said).label("not on this line")
        }
        Fault::OptionValue(option) => option_value(rules, known, option, record, refusal),
        Fault::Unresolved(option) => at("hba-option-value").word("option", *option),
        Fault::OptionMissing(option) => {
            at("hba-option-missing").word("option", *option).label(format!("needs `{option}=…`"))
        }
        Fault::OptionConflict(option) => at("hba-option-conflict").word("option", *option),
    }
}

/// What a template should have filled in: a word, or several of the line.
fn residue(rules: &Rules, record: &Record) -> Option<Spot> {
    let line = record.place();
    if let Some(span) = placeholder::in_line(rules.view.sources.text(line)) {
        let place = Place { file: line.file, span: span.shifted(line.span.start) };
        let spot = rules.spot("hba-template-residue", place).word("token", rules.text(place));
        return Some(spot.label("never filled in"));
    }
    record.fields.iter().enumerate().flat_map(|(index, field)| field.iter().map(move |word| (index, word))).find_map(
        |(index, word)| {
            placeholder::find(&word.text, index == 3)?;
            let token = rules.text(word.place);
            Some(rules.spot("hba-template-residue", word.place).word("token", token).label("never filled in"))
        },
    )
}

fn unreadable(rules: &Rules, place: Place, fault: &LineFault) -> Spot {
    let (rule, path, error) = match fault {
        LineFault::LineTooLong => ("hba-too-long", None, None),
        LineFault::TokenTooLong => ("hba-too-long", None, None),
        LineFault::TooDeep(path) => ("hba-include-loop", Some(path), None),
        LineFault::CannotOpen(path, error) | LineFault::CannotOpenDirectory(path, error) => {
            ("hba-file-missing", Some(path), Some(error))
        }
    };
    let mut spot = rules.spot(rule, place).word("token", rules.text(place));
    spot.words.extend(path.map(|path| ("path", path.display().to_string())));
    spot.words.extend(error.map(|error| ("error", error.to_string())));
    spot
}

fn unknown_type(rules: &Rules, known: &Access, record: &Record, refusal: &Refusal) -> Spot {
    const MARK: &[u8] = b"\xef\xbb\xbf";
    let Some(word) = record.fields.first().and_then(|field| field.first()) else {
        return rules.spot("hba-unknown-type", refusal.place);
    };
    let place = word.place;
    if word.text.starts_with(MARK) {
        let mark = Place { file: place.file, span: Span::new(place.span.start, place.span.start + MARK.len()) };
        return rules.spot("hba-byte-order-mark", mark).label("three bytes that no editor shows").edit(mark, "");
    }
    let includes = [names::INCLUDE, names::INCLUDE_IF_EXISTS, names::INCLUDE_DIR];
    if includes.iter().any(|name| name.as_bytes() == word.text) {
        let rule = if rules.major < Major::V16 { "hba-include-before-16" } else { "hba-include-shape" };
        return rules.spot(rule, place).word("token", rules.text(place)).label("taken for a connection type");
    }
    let at =
        |rule: &'static str| rules.spot(rule, place).word("token", rules.text(place)).word("kind", "connection type");
    let name = String::from_utf8_lossy(&word.text).into_owned();
    if let Some(spot) = by_case(rules, word, known.types.iter().map(|known| known.name)) {
        return spot.word("kind", "connection type");
    }
    if let Some(spot) = by_version(rules, "type", "connection type", word) {
        return spot;
    }
    let is_setting = record.fields.get(1).is_some_and(|field| field[0].text.starts_with(b"="))
        || word.text.contains(&b'=')
        || rules.view.settings.catalog.find(&word.text).is_some();
    if is_setting {
        return at("hba-conf-line").label("a setting");
    }
    let mut spot = at("hba-unknown-type").label("no connection type");
    if let Some(meant) = nearest(&name, known.types.iter().map(|known| known.name)) {
        spot = spot.word("suggestion", meant).edit(place, meant);
    }
    spot
}

/// A word that is known in lower case.
fn by_case<'w>(rules: &Rules, word: &Word, known: impl Iterator<Item = &'w str>) -> Option<Spot> {
    let mut same = known.filter(|known| known.as_bytes().eq_ignore_ascii_case(&word.text));
    let meant = same.next()?;
    let spot = rules.spot("hba-wrong-case", word.place).label("capitals count");
    Some(spot.word("token", display(&word.text)).word("suggestion", meant).edit(word.place, meant))
}

/// A word that another version knows.
fn by_version(rules: &Rules, kind: &str, said: &str, word: &Word) -> Option<Spot> {
    let name = word.text.split(|byte| *byte == b'=').next().unwrap_or_default();
    let (since, until) = words::history(kind, name)?;
    let spot = |rule: &'static str| {
        let spot = rules.spot(rule, word.place).word("token", display(name)).word("kind", said);
        spot.label(format!("unknown to {}", rules.view.version_word()))
    };
    match until {
        _ if rules.major < since => Some(spot("hba-word-too-new").word("since", since.to_string())),
        Some(until) if rules.major > until => Some(spot("hba-word-gone").word("until", until.to_string())),
        _ => None,
    }
}

fn unknown_method(rules: &Rules, known: &Access, record: &Record, refusal: &Refusal) -> Spot {
    let Some((index, word)) = word_at(record, refusal.place) else {
        return rules.spot("hba-unknown-method", refusal.place);
    };
    let at =
        |rule: &'static str| rules.spot(rule, word.place).word("token", rules.text(word.place)).word("kind", "method");
    if let Some(spot) = by_case(rules, word, known.methods.iter().map(|known| known.name)) {
        return spot.word("kind", "method");
    }
    let next = record.fields.get(index + 1).and_then(|field| field.first());
    let is_next_method = next.is_some_and(|word| known.method(&word.text).is_some());
    if is_next_method || looks_like_address(&word.text) {
        let is_local = record.fields[0][0].text == b"local";
        let reason = match (is_local, looks_like_address(&word.text)) {
            (true, _) => "A `local` line has no address",
            (false, true) => "A line has one address: `10.0.0.0/24`, `10.0.0.0 255.255.255.0` or a name",
            (false, false) => "There is a word too many before it",
        };
        return at("hba-extra-column").word("reason", reason).label("the method is due here");
    }
    if let Some(spot) = by_version(rules, "method", "method", word) {
        return spot;
    }
    let mut spot = at("hba-unknown-method").label("no method");
    let name = String::from_utf8_lossy(&word.text).into_owned();
    if let Some(meant) = nearest(&name, known.methods.iter().map(|known| known.name)) {
        spot = spot.word("suggestion", meant).edit(word.place, meant);
    }
    spot
}

fn missing(rules: &Rules, record: &Record, part: Part, refusal: &Refusal) -> Spot {
    if rules.major < Major::V14 && ends_in_backslash(record) {
        return rules
            .spot("hba-continuation-before-14", record.place())
            .label("ends in a backslash")
            .word("token", "\\");
    }
    let joined = record.fields.iter().find(|field| {
        field.len() > 1 && field.windows(2).any(|pair| pair[0].place.span.end + 1 < pair[1].place.span.start)
    });
    let reason = match (joined, record.fields.get(2)) {
        (Some(field), _) => {
            format!("A comma joins what stands around it: {} are one column", listed(field))
        }
        (None, Some(user)) if looks_like_address(&user[0].text) => {
            format!("`{}` stands in the user column", display(&user[0].text))
        }
        _ => String::new(),
    };
    let place = match rules.text(record.place()).is_empty() {
        true => refusal.place,
        false => record.place(),
    };
    rules
        .spot("hba-missing-field", place)
        .word("part", part_name(part))
        .word("reason", reason)
        .label(format!("no {} at its end", part_name(part)))
}

fn no_mask(rules: &Rules, known: &Access, record: &Record, refusal: &Refusal) -> Spot {
    let mask = record.fields.get(4).and_then(|field| field.first());
    let method = mask.map(|word| String::from_utf8_lossy(&word.text).to_lowercase()).unwrap_or_default();
    let is_method = words::names("method").any(|name| name == method)
        || nearest(&method, known.methods.iter().map(|known| known.name)).is_some();
    let token = rules.text(refusal.place);
    if !is_method {
        let shown = mask.map(|word| display(&word.text)).unwrap_or_default();
        let reason = format!("`{shown}` is no mask");
        return rules.spot("hba-bad-mask", refusal.place).word("token", token).word("reason", reason);
    }
    let bits = if token.contains(':') { 128 } else { 32 };
    let end = Place { file: refusal.place.file, span: Span::new(refusal.place.span.end, refusal.place.span.end) };
    let mut spot = rules.spot("hba-missing-mask", refusal.place).label("no mask");
    spot = spot.word("token", token.clone()).word("suggestion", format!("{token}/{bits}"));
    if !token.contains('"') {
        spot = spot.edit(end, format!("/{bits}"));
    }
    spot
}

/// The word at a place, and the column that it is in.
fn word_at(record: &Record, place: Place) -> Option<(usize, &Word)> {
    let all = record.fields.iter().enumerate().flat_map(|(index, field)| field.iter().map(move |word| (index, word)));
    all.into_iter().find(|(_, word)| word.place == place)
}

/// The place of the setting that is in the way, where a file sets it.
pub(super) fn with_setting(rules: &Rules, spot: Spot, setting: &str) -> Spot {
    let settings = rules.view.settings;
    let winner = settings.catalog.find(setting.as_bytes()).and_then(|id| settings.winner(id));
    match winner {
        Some((_, judged)) => spot.related(judged.entry.place(), "set here"),
        None => spot,
    }
}

fn part_name(part: Part) -> &'static str {
    match part {
        Part::Type => "connection type",
        Part::Database => "database",
        Part::User => "user",
        Part::Address => "address",
        Part::Mask => "mask",
        Part::Method => "method",
    }
}

fn place_of_method(method: &words::Method) -> String {
    match method.place {
        words::Where::Only(place) => format!("It works on `{place}` lines only"),
        words::Where::Not(place) => format!("It does not work on `{place}` lines"),
        words::Where::Anywhere => String::new(),
    }
}

/// Whether a word can only be meant as an address, a network or a mask.
pub(super) fn looks_like_address(text: &[u8]) -> bool {
    let host = text.split(|byte| *byte == b'/').next().unwrap_or_default();
    let has_dots = host.iter().filter(|byte| **byte == b'.').count() == 3 || host.contains(&b':');
    has_dots && address::parse(host, &|_| true).is_some()
        || words::key_words("address").any(|known| known.as_bytes() == text)
}

fn why_no_address(place: &Place, rules: &Rules) -> String {
    let text = rules.text(*place).replace('"', "");
    let host = text.split('/').next().unwrap_or_default();
    let is_numeric = !host.is_empty() && host.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b':'));
    if host.starts_with('[') {
        return "An address of IPv6 stands without brackets here".to_string();
    }
    if words::key_words("address").any(|known| known == host) {
        return format!("`{host}` has no mask: leave out the slash and the number");
    }
    if is_numeric && host.contains('.') {
        return format!("`{host}` is no address: it has four numbers from 0 to 255");
    }
    "A name stands for itself alone: leave out the slash and the number".to_string()
}

/// Whether the line as it stands in the file ends in a backslash.
fn ends_in_backslash(record: &Record) -> bool {
    record.fields.last().and_then(|field| field.last()).is_some_and(|word| word.text.ends_with(b"\\"))
}
