//! Options that the server refuses.

use super::{by_version, word_at};
use crate::catalog::access::{Access, Reading, Where};
use crate::check::access::Rules;
use crate::check::spot::Spot;
use crate::model::access::{Record, Word};
use crate::model::hba::Refusal;
use crate::names;
use crate::nearest::nearest;
use crate::source::{Place, Span, display};
use crate::version::Major;

pub(super) fn unknown_option(rules: &Rules, known: &Access, refusal: &Refusal) -> Spot {
    let bytes = rules.view.sources.text(refusal.place);
    let name: Vec<u8> = bytes.split(|byte| *byte == b'=').next().unwrap_or_default().to_vec();
    let name: Vec<u8> = name.into_iter().filter(|byte| *byte != b'"').collect();
    let word = Word { text: name.clone(), quoted: false, place: refusal.place };
    if let Some(spot) = by_version(rules, "option", "option", &word) {
        return spot;
    }
    let mut spot = rules.spot("hba-unknown-option", refusal.place).word("token", display(&name)).label("no option");
    let meant = nearest(&String::from_utf8_lossy(&name), known.options.iter().map(|known| known.name));
    if let Some(meant) = meant {
        let start = refusal.place.span.start;
        let is_plain = bytes.starts_with(&name);
        spot = spot.word("suggestion", meant);
        if is_plain {
            let place = Place { file: refusal.place.file, span: Span::new(start, start + name.len()) };
            spot = spot.edit(place, meant);
        }
    }
    spot
}

pub(super) fn option_value(
    rules: &Rules,
    known: &Access,
    option: &'static str,
    record: &Record,
    refusal: &Refusal,
) -> Spot {
    let is_certificate = known.option(option.as_bytes()).is_some_and(|known| known.reading == Reading::ClientCert);
    let spot = |rule: &'static str| rules.spot(rule, refusal.place).word("token", rules.text(refusal.place));
    if !is_certificate {
        return spot("hba-option-value").word("option", option).label("not taken");
    }
    let value = word_at(record, refusal.place).map(|(_, word)| word.text.clone()).unwrap_or_default();
    let value = value.splitn(2, |byte| *byte == b'=').nth(1).unwrap_or_default().to_vec();
    let mut spot = spot("hba-clientcert-value").word("option", option).label("not taken");
    // What it meant as long as it was taken.
    let before = Access::shared(Major::V13).meaning(option, &value);
    let names_all = known.methods.iter().find(|method| method.place == Where::Only("hostssl"));
    let is_cert = record.fields.iter().any(|field| names_all.is_some_and(|name| name.name.as_bytes() == field[0].text));
    if before == Some("off") && !is_cert {
        // It never asked for anything, and no version needs it said.
        let bytes = &rules.view.sources.get(refusal.place.file).bytes[..refusal.place.span.start];
        let start = bytes.trim_ascii_end().len();
        let whole = Place { file: refusal.place.file, span: Span::new(start, refusal.place.span.end) };
        return spot.word("reason", "Leave it out: it asks for no certificate").edit(whole, "");
    }
    // What the option meant, or what the method asks for in any case.
    let written = match before {
        Some("ca") if !is_cert => Some("verify-ca"),
        _ if is_cert => Some("verify-full"),
        _ => None,
    };
    if let Some(written) = written.map(|word| format!("{option}={word}")) {
        spot = spot.word("suggestion", written.clone());
        // Up to 11 that word would switch it off.
        if !rules.view.several && before.is_some() {
            spot = spot.edit(refusal.place, written);
        }
    }
    spot
}

pub(super) fn why_bare(known: &Access, record: &Record, place: Place, rules: &Rules) -> String {
    let text = rules.view.sources.text(place);
    let begins = |marks: &[&[u8]]| marks.iter().any(|mark| text.starts_with(mark));
    if begins(&[b"--", b"//", b";"]) {
        return "A comment begins with `#`".to_string();
    }
    if known.method(text).is_some() {
        return "A line has one method".to_string();
    }
    let next = word_at(record, place).and_then(|(index, _)| record.fields.get(index + 1));
    if next.is_some_and(|field| field[0].text.starts_with(b"=")) {
        return "No blanks around the `=`".to_string();
    }
    let takes_map = |word: &Word| {
        known
            .option(names::MAP.as_bytes())
            .is_some_and(|option| option.methods.iter().any(|method| method.as_bytes() == word.text))
    };
    if text == names::SAME_USER.as_bytes() {
        return "It went with 8.4: without a map the names have to be the same anyway, so leave it out".to_string();
    }
    if record.fields.iter().any(|field| takes_map(&field[0])) {
        return format!("Is `{}={}` meant?", names::MAP, display(text));
    }
    String::new()
}

/// Whether an option before the place holds a secret.
pub(super) fn behind_secret(known: &Access, record: &Record, place: Place) -> bool {
    let before = record.fields.iter().flatten().take_while(|word| word.place != place);
    let mut names = before.filter_map(|word| word.text.split(|byte| *byte == b'=').next());
    names.any(|name| known.option(name).is_some_and(|option| option.is_secret))
}
