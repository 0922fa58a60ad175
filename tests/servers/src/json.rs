//! JSON whose strings may stand for bytes that are not UTF-8: `\udcXX`, half
//! a surrogate pair, is the byte XX.

use serde_json::Value;

use crate::files::Bytes;

/// Parses such a text. In the strings of the value a byte XX is the
/// private-use character U+F7XX.
pub fn parse(text: &str) -> serde_json::Result<Value> {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        plain.push_str(&rest[..at]);
        rest = &rest[at..];
        let low = rest.as_bytes();
        let half = low.len() >= 6 && low[1..4].eq_ignore_ascii_case(b"udc") && low[4].to_ascii_lowercase() >= b'8';
        let pair = low.len() >= 6
            && low[1..3].eq_ignore_ascii_case(b"ud")
            && matches!(low[3], b'8' | b'9' | b'a' | b'b' | b'A' | b'B');
        if half {
            plain.push_str("\\uf7");
            plain.push_str(&rest[4..6]);
            rest = &rest[6..];
        } else {
            let length = if pair { 12 } else { 1 + rest[1..].chars().next().map_or(0, char::len_utf8) };
            plain.push_str(&rest[..length]);
            rest = &rest[length..];
        }
    }
    plain.push_str(rest);
    serde_json::from_str(&plain)
}

/// The bytes that a string of such a text stands for.
pub fn bytes(text: &str) -> Bytes {
    let mut bytes = Vec::with_capacity(text.len());
    for char in text.chars() {
        match u32::from(char) {
            code @ 0xF780..=0xF7FF => bytes.push(code.to_le_bytes()[0]),
            _ => bytes.extend(char.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    bytes
}

/// Bytes as a string of such a JSON text, quotes included.
pub fn quote(bytes: &[u8]) -> String {
    let mut out = String::from("\"");
    for chunk in bytes.utf8_chunks() {
        let valid = serde_json::to_string(chunk.valid()).expect("a string can be written as JSON");
        out.push_str(&valid[1..valid.len() - 1]);
        for byte in chunk.invalid() {
            out.push_str(&format!("\\udc{byte:02x}"));
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_pairs_are_bytes() {
        let value = parse(r#"["caf\udce9 \\udce9 \ud83d\ude00"]"#).unwrap();
        assert_eq!(bytes(value[0].as_str().unwrap()), b"caf\xe9 \\udce9 \xf0\x9f\x98\x80");
        assert_eq!(quote(b"caf\xe9 \\"), r#""caf\udce9 \\""#);
    }
}
