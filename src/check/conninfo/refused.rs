//! What libpq refuses: one spot for each, in its own words.

use super::{Subject, words};
use crate::catalog::conninfo as table;
use crate::check::spot::Spot;
use crate::finding::Label;
use crate::model::conninfo::{Reason, Refusal};
use crate::nearest::nearest;
use crate::source::display;
use crate::syntax::conninfo::FaultKind;
use crate::version::Major;

/// Spots for refusals of which nothing is told yet.
pub fn check(subject: &mut Subject, spots: &mut Vec<Spot>) {
    // One newer tool wrote all keywords that are too new: the first of them, which is what libpq names, speaks.
    let mut too_new: Option<(usize, Major)> = None;
    for refusal in std::mem::take(&mut subject.refusals) {
        if refusal.pair.is_some_and(|pair| subject.told[pair]) {
            continue;
        }
        if let Some(pair) = refusal.pair {
            subject.told[pair] = true;
        }
        match (refusal.reason, &mut too_new) {
            (Reason::KeywordTooNew(since), Some((first, newest))) => {
                *newest = since.max(*newest);
                let place = subject.place(refusal.span);
                spots[*first].related.push(Label { place, message: format!("this one came with {since}") });
            }
            (Reason::KeywordTooNew(since), none) => {
                *none = Some((spots.len(), since));
                spots.push(spot(subject, &refusal));
            }
            _ => spots.push(spot(subject, &refusal)),
        }
    }
    if let Some((first, newest)) = too_new {
        spots[first].words.push(("hint", newest.to_string()));
    }
}

fn spot(subject: &Subject, refusal: &Refusal) -> Spot {
    let pair = refusal.pair.map(|index| &subject.conninfo.pairs[index]);
    let keyword = pair.map(|pair| display(&pair.keyword)).unwrap_or_default();
    let rule = match refusal.reason {
        Reason::Syntax(_) => "conninfo-syntax",
        Reason::Unknown => "conninfo-unknown-keyword",
        Reason::KeywordTooNew(_) => "conninfo-keyword-too-new",
        Reason::KeywordGone(_) => "conninfo-keyword-gone",
        Reason::Value => "conninfo-invalid-value",
        Reason::ValueTooNew(_) => "conninfo-value-too-new",
        Reason::TooWeak => "conninfo-sslmode-too-weak",
        Reason::Range => "conninfo-version-range",
        Reason::Lengths => "conninfo-list-lengths",
    };
    let message = words::safe_message(subject.conninfo, &subject.text.value.bytes, refusal);
    let mut spot = subject
        .spot(rule, refusal.span)
        .server(subject.logged(refusal))
        .word("keyword", keyword)
        .word("message", message)
        .word("value", display(&refusal.word));
    if let Some(meant) = refusal.meant {
        spot = spot.word("suggestion", meant);
    }
    match refusal.reason {
        Reason::Syntax(kind) => syntax(subject, spot, kind),
        Reason::Unknown => unknown(subject, spot, refusal),
        Reason::KeywordTooNew(since) | Reason::ValueTooNew(since) => spot.word("since", since.to_string()),
        Reason::KeywordGone(until) => {
            let spot = spot.word("until", until.to_string()).label("no keyword any more");
            with_edit(spot, subject, |subject| refusal.pair.map(|pair| subject.without(pair)))
        }
        Reason::Value => value(subject, spot, refusal),
        Reason::TooWeak => spot.label("too weak"),
        Reason::Range => spot.label("above the other one"),
        Reason::Lengths => spot.label("of another length"),
    }
}

fn with_edit(mut spot: Spot, subject: &Subject, edit: impl Fn(&Subject) -> Option<crate::finding::Edit>) -> Spot {
    // The parts of a URI hang together; they are for the owner to write.
    if subject.conninfo.form == crate::syntax::conninfo::Form::Pairs {
        spot.edits.extend(edit(subject));
    }
    spot
}

fn syntax(subject: &Subject, spot: Spot, kind: FaultKind) -> Spot {
    let (label, hint) = match kind {
        FaultKind::MissingEquals if words::follows_secret(subject.conninfo) => {
            let hint = "A value with a blank in it needs quotes, doubled inside those of the file: `''two words''`";
            ("no `=` behind this word", hint)
        }
        FaultKind::MissingEquals => (
            "no `=` behind this word",
            "Write `keyword=value` pairs with blanks between them; a value with a blank needs quotes, doubled inside those of the file: `''two words''`",
        ),
        FaultKind::Unterminated => (
            "opened here and never closed",
            "Close the quote: inside the quotes of the file each one is written twice, `''two words''`",
        ),
        FaultKind::PercentToken | FaultKind::PercentZero => {
            ("here", "In a URI a percent sign begins a byte in hexadecimal digits: write `%25` for the sign itself")
        }
        FaultKind::Blanks => ("blanks within this part", "Write `%20` for a blank, or use `keyword=value` pairs"),
        FaultKind::Address => ("not an address in brackets", "Write `[address]:port/`"),
        FaultKind::ExtraEquals => ("a second one", "Write `%3D` for an equals sign in a value"),
        FaultKind::NoEquals => ("no `=` in this part", "Write `?keyword=value&keyword=value`"),
    };
    spot.label(label).word("hint", hint)
}

fn unknown(subject: &Subject, spot: Spot, refusal: &Refusal) -> Spot {
    let spot = spot.label("no keyword");
    let Ok(word) = std::str::from_utf8(&refusal.word) else { return spot };
    let lower = word.to_ascii_lowercase();
    let near = table::meant_keyword(&lower)
        .or_else(|| nearest(&lower, table::known(subject.major)))
        // Two options in one string help nobody.
        .filter(|near| subject.options.get(near).is_none());
    let Some(near) = near else { return spot };
    let spot = spot.word("suggestion", near);
    with_edit(spot, subject, |subject| Some(subject.edit(refusal.span, near.as_bytes())))
}

fn value(subject: &Subject, spot: Spot, refusal: &Refusal) -> Spot {
    let Some(pair) = refusal.pair.map(|index| &subject.conninfo.pairs[index]) else { return spot };
    let Some(row) = table::keyword(subject.options.stored(pair).0) else { return spot };
    let allowed = match row.kind {
        table::Kind::Enum | table::Kind::Methods | table::Kind::TlsVersion | table::Kind::Protocol => {
            row.words(subject.major).map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ")
        }
        table::Kind::Port | table::Kind::Socket => format!("a whole number from {} to {}", row.low, row.high),
        table::Kind::Address => "an address in digits; names belong in `host`".to_string(),
        _ => "a whole number".to_string(),
    };
    let spot = spot.label("not a value for it").word("allowed", allowed);
    match refusal.meant.filter(|_| refusal.word == pair.value) {
        Some(meant) => with_edit(spot, subject, |subject| Some(subject.edit(pair.value_span, meant.as_bytes()))),
        None => spot,
    }
}
