//! Names of standbys and of slots that the server refuses.

use super::refused::reason;
use crate::catalog::Parameter;
use crate::check::fix;
use crate::check::spot::{Spot, View};
use crate::source::display;
use crate::value::grammar::standbys;
use crate::value::{Grammar, Refusal};

/// What there is to say of a refused text where it is about names.
pub fn spot(view: &View, index: usize, parameter: &Parameter, refusal: &Refusal, text: &[u8]) -> Option<Spot> {
    let entry = &view.settings.judged[index].entry;
    match parameter.grammar.as_ref()? {
        Grammar::Standbys(syntax) => {
            let mended = quoted(text)?;
            standbys::read(*syntax, &mended).ok()?;
            let spot = view.about("sync-name-needs-quotes", index, entry.value()).label("needs double quotes");
            let mut spot = spot.word("suggestion", display(&mended)).word("reason", reason(refusal));
            spot.edits.push(fix::new_value(view, entry, &mended));
            Some(spot)
        }
        Grammar::Slot => {
            let spot = view.about("slot-name-refused", index, entry.value()).label("no name for a slot");
            Some(spot.word("suggestion", slot_name(text)).word("reason", reason(refusal)))
        }
        _ => None,
    }
}

/// The list with double quotes around each name that needs them; nothing where none does.
fn quoted(text: &[u8]) -> Option<Vec<u8>> {
    let mut list = Vec::with_capacity(text.len() + 4);
    let mut changed = false;
    let mut at = 0;
    while at < text.len() {
        let rest = &text[at..];
        let length = match rest[0] {
            b'"' => memchr::memchr(b'"', &rest[1..])? + 2,
            b' ' | b',' | b'(' | b')' | b'*' => 1,
            _ => rest.iter().position(|byte| b" ,()*\"".contains(byte)).unwrap_or(rest.len()),
        };
        let word = &rest[..length];
        let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$' | 0x80..);
        let is_number = word.iter().all(u8::is_ascii_digit);
        let is_plain = word.iter().all(is_name) && (is_number || !word[0].is_ascii_digit());
        if length == 1 && !is_name(&word[0]) || word[0] == b'"' || is_plain {
            list.extend(word);
        } else {
            changed = true;
            list.push(b'"');
            list.extend(word);
            list.push(b'"');
        }
        at += length;
    }
    changed.then_some(list)
}

/// The nearest name that a slot may have.
fn slot_name(text: &[u8]) -> String {
    let byte = |byte: &u8| match byte.to_ascii_lowercase() {
        byte @ (b'a'..=b'z' | b'0'..=b'9' | b'_') => char::from(byte),
        _ => '_',
    };
    text.iter().take(63).map(byte).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_get_their_quotes() {
        let mended = |text: &str| quoted(text.as_bytes()).map(|list| String::from_utf8_lossy(&list).into_owned());
        assert_eq!(mended("node-1").as_deref(), Some("\"node-1\""));
        assert_eq!(mended("ANY 1 (a.b, \"c-d\", e)").as_deref(), Some("ANY 1 (\"a.b\", \"c-d\", e)"));
        assert_eq!(mended("2 (1a, *)").as_deref(), Some("2 (\"1a\", *)"));
        assert_eq!(mended("a, b,"), None);
        assert_eq!(slot_name(b"Node-1"), "node_1");
    }
}
