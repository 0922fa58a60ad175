//! Texts that the server keeps as they are: cut at a `#`, in curly quotes, or never filled in.

use crate::catalog::{Kind, Parameter};
use crate::check::spot::{Spot, View};
use crate::source::{Place, Span, display};
use crate::syntax::conf::{self, TokenKind};
use crate::value::Grammar;

/// Quotes that word processors make.
const CURLY: [char; 8] = ['‘', '’', '‚', '‛', '“', '”', '„', '‟'];

/// Words that stand for what nobody has filled in.
const PLACEHOLDERS: [&str; 4] = ["changeme", "change_me", "replaceme", "replace_me"];

/// Bytes within which a placeholder ends.
const LONGEST: usize = 200;

/// A text that is hardly what was meant. Without a parameter it belongs to an extension.
pub fn spot(view: &View, index: usize, parameter: Option<&Parameter>) -> Option<Spot> {
    if parameter.is_some_and(|parameter| parameter.kind != Kind::String) {
        return None;
    }
    curly(view, index).or_else(|| hash(view, index, parameter)).or_else(|| residue(view, index, parameter))
}

fn curly(view: &View, index: usize) -> Option<Spot> {
    let entry = &view.settings.judged[index].entry;
    let value = view.value_bytes(&view.settings.judged[index]);
    if value.is_ascii() {
        return None;
    }
    let text = std::str::from_utf8(&value).ok()?;
    let inner = text.strip_prefix(CURLY)?.strip_suffix(CURLY)?;
    if inner.contains(CURLY) && entry.setting.value.kind == TokenKind::Quoted {
        return None;
    }
    let spot = view.about("curly-quotes-kept", index, entry.value()).label("part of the value");
    Some(spot.edit(entry.value(), conf::quote(inner.as_bytes())))
}

/// A `#` that touches the value, with more text right behind it.
fn hash(view: &View, index: usize, parameter: Option<&Parameter>) -> Option<Spot> {
    let entry = &view.settings.judged[index].entry;
    let value = entry.setting.value;
    let is_list = |grammar: &Grammar| {
        matches!(grammar, Grammar::Keywords(_) | Grammar::KeywordsLater(_) | Grammar::Words(..) | Grammar::Named(_))
    };
    let is_word = matches!(value.kind, TokenKind::Identifier | TokenKind::Unquoted);
    let bytes = &view.sources.get(entry.file).bytes;
    let after = &bytes[value.span.end..];
    if !is_word
        || after.first() != Some(&b'#')
        || parameter.and_then(|parameter| parameter.grammar.as_ref()).is_some_and(is_list)
    {
        return None;
    }
    let length = after.iter().take_while(|byte| !byte.is_ascii_whitespace()).count();
    if length < 2 {
        return None;
    }
    let whole = Span::new(value.span.start, value.span.end + length);
    let at = |span: Span| Place { file: entry.file, span };
    let spot =
        view.about("hash-cuts-value", index, at(Span::new(value.span.end, whole.end))).label("a comment to the server");
    Some(spot.edit(at(whole), conf::quote(whole.of(bytes))))
}

fn residue(view: &View, index: usize, parameter: Option<&Parameter>) -> Option<Spot> {
    let entry = &view.settings.judged[index].entry;
    let is_shell = parameter.is_some_and(|parameter| parameter.trait_of("shell").is_some());
    let text = view.sources.text(entry.value());
    let span = placeholder(text, is_shell)?.shifted(entry.setting.value.span.start);
    let place = Place { file: entry.file, span };
    let token = display(view.sources.text(place));
    Some(view.about("template-residue-kept", index, place).word("token", token).label("taken literally"))
}

/// The first piece of the text that a template should have filled in.
pub fn placeholder(text: &[u8], is_shell: bool) -> Option<Span> {
    for start in 0..text.len() {
        let rest = &text[start..];
        let length = match rest {
            [b'{', b'{', ..] => between(rest, b"{{", b"}}"),
            [b'{', b'%', ..] => between(rest, b"{%", b"%}"),
            [b'<', b'%', b'=', ..] => between(rest, b"<%=", b"%>"),
            [b'$', b'{', ..] if !is_shell => between(rest, b"${", b"}"),
            [b'$', b'(', ..] if !is_shell => between(rest, b"$(", b")"),
            [b'@', b'@', ..] => {
                between(rest, b"@@", b"@@").filter(|length| rest[2..length - 2].iter().all(is_word_byte))
            }
            [b'<', b'A'..=b'Z', ..] => {
                between(rest, b"<", b">").filter(|length| rest[1..length - 1].iter().all(is_capital))
            }
            [first, ..] if matches!(first | 0x20, b'c' | b'r') && !text[..start].last().is_some_and(is_word_byte) => {
                word(rest)
            }
            _ => None,
        };
        if let Some(length) = length {
            return Some(Span::new(start, start + length));
        }
    }
    None
}

/// The length up to and with `close`, where something stands between.
fn between(text: &[u8], open: &[u8], close: &[u8]) -> Option<usize> {
    let near = &text[open.len()..text.len().min(LONGEST)];
    let inner = memchr::memmem::find(near, close)?;
    (inner > 0).then_some(open.len() + inner + close.len())
}

fn word(text: &[u8]) -> Option<usize> {
    let length = text.iter().take_while(|byte| is_word_byte(byte)).count();
    let is_placeholder = |word: &&str| word.as_bytes().eq_ignore_ascii_case(&text[..length]);
    PLACEHOLDERS.iter().any(is_placeholder).then_some(length)
}

fn is_word_byte(byte: &u8) -> bool {
    byte.is_ascii_alphanumeric() || *byte == b'_'
}

fn is_capital(byte: &u8) -> bool {
    byte.is_ascii_uppercase() || byte.is_ascii_digit() || matches!(byte, b'_' | b'-' | b'.')
}
