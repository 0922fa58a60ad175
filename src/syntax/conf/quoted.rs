//! What stands between the quotes of a value, and where each byte of it comes from.

use std::borrow::Cow;

use crate::source::Span;

/// A value as the server keeps it, byte by byte with its place in the file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Decoded {
    /// Quotes and escapes resolved.
    pub bytes: Vec<u8>,
    /// Where each byte begins in the file, and where the last one ends.
    starts: Vec<usize>,
    is_quoted: bool,
}

impl Decoded {
    /// A `'…'` token that begins at `offset` in the file.
    pub fn of_quoted(quoted: &[u8], offset: usize) -> Decoded {
        let (mut bytes, mut starts) = (Vec::new(), Vec::new());
        let end = each(quoted, |byte, start| {
            bytes.push(byte);
            starts.push(offset + start);
        });
        starts.push(offset + end);
        Decoded { bytes, starts, is_quoted: true }
    }

    /// A token without quotes that begins at `offset` in the file.
    pub fn of_plain(text: &[u8], offset: usize) -> Decoded {
        Decoded { bytes: text.to_vec(), starts: (offset..=offset + text.len()).collect(), is_quoted: false }
    }

    /// Where a range of the decoded bytes stands in the file. A range that goes beyond them ends with them.
    pub fn raw(&self, decoded: Span) -> Span {
        let at = |index: usize| self.starts[index.min(self.bytes.len())];
        Span::new(at(decoded.start), at(decoded.end.max(decoded.start)))
    }

    /// The bytes that stand for `text` inside this token.
    pub fn written(&self, text: &[u8]) -> Vec<u8> {
        if self.is_quoted { escape(text) } else { text.to_vec() }
    }
}

/// What stands between the quotes of a `'…'` token.
///
/// A zero byte written as `\0` ends the value; a raw one takes the byte before it along, since the
/// server measures the text with strlen and then drops what it holds for the closing quote.
pub fn unquote(quoted: &[u8]) -> Cow<'_, [u8]> {
    let inner = inner(quoted);
    if memchr::memchr2(b'\\', b'\'', inner).is_none() {
        return Cow::Borrowed(inner);
    }
    let mut plain = Vec::with_capacity(inner.len());
    each(quoted, |byte, _| plain.push(byte));
    Cow::Owned(plain)
}

/// A value as a `'…'` token that the server reads back as just these bytes.
pub fn quote(value: &[u8]) -> Vec<u8> {
    [b"'".as_slice(), &escape(value), b"'"].concat()
}

/// What stands for these bytes between quotes.
pub fn escape(value: &[u8]) -> Vec<u8> {
    let mut escaped = Vec::with_capacity(value.len() + 2);
    for byte in value {
        match byte {
            b'\'' => escaped.extend(b"''"),
            b'\\' => escaped.extend(b"\\\\"),
            b'\n' => escaped.extend(b"\\n"),
            byte => escaped.push(*byte),
        }
    }
    escaped
}

fn inner(quoted: &[u8]) -> &[u8] {
    match memchr::memchr(0, quoted) {
        Some(0 | 1) => &[],
        Some(nul) => &quoted[1..nul - 1],
        None => &quoted[1..quoted.len() - 1],
    }
}

/// Calls `take` with each byte of the value and where it begins in the token; returns where the last one ends.
fn each(quoted: &[u8], mut take: impl FnMut(u8, usize)) -> usize {
    let inner = inner(quoted);
    let mut at = 0;
    while at < inner.len() {
        let rest = &inner[at..];
        let (byte, length) = match rest {
            [b'\\', digit @ b'0'..=b'7', ..] => {
                let more = rest[2..].iter().take(2).take_while(|next| (b'0'..=b'7').contains(next));
                let (code, length) = more.fold((u32::from(digit - b'0'), 2), |(code, length), digit| {
                    (code * 8 + u32::from(digit - b'0'), length + 1)
                });
                (code.to_le_bytes()[0], length)
            }
            [b'\\', escaped, ..] => (escaped_byte(*escaped), 2),
            [b'\\'] => break,
            // The scanner lets a quote stand only beside another one.
            [b'\'', b'\'', ..] => (b'\'', 2),
            [byte, ..] => (*byte, 1),
            [] => break,
        };
        if byte == 0 {
            break;
        }
        take(byte, at + 1);
        at += length;
    }
    at + 1
}

fn escaped_byte(letter: u8) -> u8 {
    match letter {
        b'b' => 8,
        b'f' => 12,
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::syntax::conf::{Content, decoded, lines};

    proptest! {
        /// Both layers at once: what a range of the value is written as in the file, read by itself, is that range.
        #[test]
        fn a_range_of_the_value_is_the_same_range_of_the_file(
            inner in "([a-z0-7 =\"é]|''|\\\\[0-9a-z'\\\\]){0,40}",
            before in "( |\t){0,3}",
            start in 0usize..60,
            length in 0usize..60,
        ) {
            let file = format!("{before}a = '{inner}' # comment\nb = 1\n").into_bytes();
            let Some(Content::Setting(setting)) = lines(&file).next().map(|line| line.content) else {
                return Ok(());
            };
            let value = decoded(setting.value, &file);
            let plain = crate::syntax::conf::value(setting.value, &file);
            prop_assert_eq!(&value.bytes, plain.as_ref());
            let start = start.min(value.bytes.len());
            let end = (start + length).min(value.bytes.len());
            let raw = value.raw(Span::new(start, end));
            prop_assert!(setting.value.span.start < raw.start && raw.end < setting.value.span.end);
            let alone = [b"'".as_slice(), raw.of(&file), b"'"].concat();
            prop_assert_eq!(unquote(&alone).into_owned(), &value.bytes[start..end]);
            // Whatever is written in its place is read back, and nothing around it changes.
            let mut edited = file[setting.value.span.start..raw.start].to_vec();
            edited.extend(value.written(b"it's \\"));
            edited.extend(&file[raw.end..setting.value.span.end]);
            let wanted = [&value.bytes[..start], b"it's \\", &value.bytes[end..]].concat();
            // What follows a zero byte was no part of the value.
            if !plain_has_zero(&inner) {
                let read = unquote(&edited);
                prop_assert_eq!(read.as_ref(), wanted.as_slice());
            }
        }

        #[test]
        fn any_token_is_decoded(inner in proptest::collection::vec(any::<u8>(), 0..40)) {
            let token = [b"'".as_slice(), &inner, b"'"].concat();
            let decoded = Decoded::of_quoted(&token, 7);
            prop_assert_eq!(&decoded.bytes, &unquote(&token).into_owned());
            let raw = decoded.raw(Span::new(0, usize::MAX));
            prop_assert!(7 <= raw.start && raw.start <= raw.end && raw.end <= 7 + token.len());
        }
    }

    fn plain_has_zero(inner: &str) -> bool {
        let token = format!("'{inner}'");
        let decoded = Decoded::of_quoted(token.as_bytes(), 0);
        decoded.raw(Span::new(0, usize::MAX)).end + 1 < token.len()
    }
}
