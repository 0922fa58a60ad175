//! `file:` URIs and the paths that they stand for.

use std::path::{Path, PathBuf};

use gen_lsp_types::Uri;

use crate::model::path;

/// The path of a `file:` URI; nothing for what is no file of this machine.
pub fn to_path(uri: &Uri) -> Option<PathBuf> {
    let rest = uri.0.strip_prefix("file://")?;
    let rest = rest.strip_prefix("localhost").unwrap_or(rest);
    let rest = &rest[..rest.find(['?', '#']).unwrap_or(rest.len())];
    let decoded = decode(rest.as_bytes());
    // `/c:/data` is `c:/data` where drives have letters.
    let bytes = match decoded.as_slice() {
        [b'/', letter, b':', ..] if cfg!(windows) && letter.is_ascii_alphabetic() => &decoded[1..],
        [b'/', ..] => &decoded,
        _ => return None,
    };
    Some(path::from_bytes(bytes))
}

/// The URI of an absolute path.
pub fn of_path(path: &Path) -> Uri {
    let bytes = path::to_bytes(path);
    let mut uri = String::from("file://");
    if !bytes.starts_with(b"/") {
        uri.push('/');
    }
    for byte in bytes {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'-' | b'.' | b'_' | b'~' => uri.push(char::from(byte)),
            b'\\' if cfg!(windows) => uri.push('/'),
            _ => uri.push_str(&format!("%{byte:02X}")),
        }
    }
    Uri(uri)
}

fn decode(text: &[u8]) -> Vec<u8> {
    let digit = |byte: Option<&u8>| byte.and_then(|byte| char::from(*byte).to_digit(16));
    let mut plain = Vec::with_capacity(text.len());
    let mut at = 0;
    while let Some(byte) = text.get(at) {
        match (byte, digit(text.get(at + 1)), digit(text.get(at + 2))) {
            (b'%', Some(high), Some(low)) => {
                plain.push(u8::try_from(high * 16 + low).expect("two digits"));
                at += 3;
            }
            _ => {
                plain.push(*byte);
                at += 1;
            }
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_come_back() {
        for path in ["/etc/postgresql/16/main/postgresql.conf", "/a b/ü%25#?/x.conf", "/"] {
            assert_eq!(to_path(&of_path(Path::new(path))).as_deref(), Some(Path::new(path)));
        }
        assert_eq!(of_path(Path::new("/a b/ü")).0, "file:///a%20b/%C3%BC");
        let path = |uri: &str| to_path(&Uri(uri.to_owned()));
        assert_eq!(path("file://localhost/a%2Fb%zz"), Some("/a/b%zz".into()));
        assert_eq!(path("untitled:Untitled-1"), None);
        assert_eq!(path("file://elsewhere/a"), None);
    }
}
