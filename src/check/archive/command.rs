//! A shell command at a glance: what it copies to where, and whether it can fail.

/// A copy that a command makes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Copy<'a> {
    /// `cp`, or the program whose output is redirected.
    pub program: &'a [u8],
    /// The last word, or what stands behind `>`.
    pub destination: Option<&'a [u8]>,
    /// Whether it is the shell that writes the file.
    pub is_redirected: bool,
    /// Whether the destination names the segment.
    pub names_file: bool,
    /// Whether it replaces a file that is there.
    pub overwrites: bool,
}

/// Programs that do nothing and succeed.
const IDLE: [&[u8]; 4] = [b"true", b":", b"cd", b"echo"];

/// Programs that copy a file, and what keeps each from replacing one.
const COPYING: [(&[u8], &[&[u8]]); 4] = [
    (b"cp", &[b"-n", b"--no-clobber", b"-i", b"--update=none"]),
    (b"scp", &[]),
    (b"rsync", &[b"--ignore-existing"]),
    (b"mv", &[b"-n", b"--no-clobber"]),
];

/// Programs whose output is the copy.
const WRITING: [&[u8]; 9] = [b"cat", b"gzip", b"pigz", b"bzip2", b"lbzip2", b"xz", b"zstd", b"lz4", b"lzop"];

/// The piece that makes a command succeed whatever happens.
pub fn never_fails(text: &[u8]) -> Option<&[u8]> {
    let parts = parts(text);
    let last = parts.last()?;
    let is_idle = |part: &Part| {
        let program = base_name(part.words.first().copied().unwrap_or_default());
        IDLE.contains(&program) || program == b"exit" && part.words.get(1).is_none_or(|word| *word == b"0")
    };
    let is_true = |part: &Part| is_idle(part) && base_name(part.words[0]) != b"echo";
    let hides = match last.before {
        Joint::Start => is_idle(last),
        Joint::Or | Joint::Then => is_true(last),
        // What fails before it ends the command.
        Joint::And | Joint::Pipe => parts.iter().all(is_idle),
    };
    hides.then(|| text[last.start..].trim_ascii())
}

/// Whether `%p` or the like is in it; `%%` is a percent sign.
pub fn names(text: &[u8], letter: u8) -> bool {
    let mut rest = text;
    while let Some(at) = memchr::memchr(b'%', rest) {
        if rest.get(at + 1) == Some(&letter) {
            return true;
        }
        rest = rest.get(at + 2..).unwrap_or_default();
    }
    false
}

/// The copies that a command makes with programs that everybody knows.
pub fn copies(text: &[u8]) -> Vec<Copy<'_>> {
    let parts = parts(text);
    let is_test = |part: &Part| {
        matches!(base_name(part.words.first().copied().unwrap_or_default()), b"test" | b"[" | b"[[" | b"if")
    };
    let is_guarded = parts.iter().any(is_test);
    parts.iter().filter_map(|part| part.copy(is_guarded)).collect()
}

/// How a part follows the one before.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Joint {
    Start,
    And,
    Or,
    Pipe,
    /// `;`, a line feed
    Then,
}

/// One of the commands of a list.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Part<'a> {
    before: Joint,
    start: usize,
    words: Vec<&'a [u8]>,
}

impl<'a> Part<'a> {
    fn copy(&self, is_guarded: bool) -> Option<Copy<'a>> {
        let program = base_name(self.words.first()?);
        if let Some(at) = self
            .words
            .iter()
            .position(|word| word.starts_with(b">") && !word.starts_with(b">>") && !word.starts_with(b">&"))
        {
            let word = self.words[at];
            let joined = &word[word.iter().take_while(|byte| **byte == b'>').count()..];
            let destination = if joined.is_empty() { self.words.get(at + 1).copied() } else { Some(joined) }?;
            let destination = bare(destination);
            if destination == b"/dev/null" || !WRITING.contains(&program) {
                return None;
            }
            let names_file = names(destination, b'f') || destination.contains(&b'$');
            return Some(Copy {
                program,
                destination: Some(destination),
                is_redirected: true,
                names_file,
                overwrites: false,
            });
        }
        let (_, sparing) = COPYING.iter().find(|(known, _)| *known == program)?;
        let plain = |word: &&&[u8]| !word.starts_with(b"-");
        let destination = bare(self.words.iter().skip(1).rfind(plain)?);
        let spares = self.words.iter().any(|word| sparing.contains(word));
        Some(Copy {
            program,
            destination: Some(destination),
            is_redirected: false,
            names_file: names(destination, b'f'),
            overwrites: !is_guarded && !spares,
        })
    }
}

/// Splits a command where the shell does, quotes heeded.
fn parts(text: &[u8]) -> Vec<Part<'_>> {
    let mut parts = vec![Part { before: Joint::Start, start: 0, words: Vec::new() }];
    let mut at = 0;
    while at < text.len() {
        let rest = &text[at..];
        let (joint, length) = match rest {
            [b'&', b'&', ..] => (Some(Joint::And), 2),
            [b'|', b'|', ..] => (Some(Joint::Or), 2),
            [b'|', ..] => (Some(Joint::Pipe), 1),
            [b';' | b'\n', ..] => (Some(Joint::Then), 1),
            [b' ' | b'\t', ..] => (None, 1),
            _ => {
                let length = word_length(rest);
                parts.last_mut().expect("one from the start").words.push(&rest[..length]);
                (None, length)
            }
        };
        at += length;
        if let Some(before) = joint {
            parts.push(Part { before, start: at, words: Vec::new() });
        }
    }
    // A list may end with a `;`.
    parts.retain(|part| !part.words.is_empty());
    parts
}

/// The length of a word with its quoted pieces.
fn word_length(text: &[u8]) -> usize {
    let mut quote = None;
    for (at, byte) in text.iter().enumerate() {
        match (quote, byte) {
            (Some(open), byte) if open == *byte => quote = None,
            (Some(_), _) => {}
            (None, b'\'' | b'"') => quote = Some(*byte),
            (None, b' ' | b'\t' | b'\n' | b';' | b'|') => return at.max(1),
            (None, b'&') if text.get(at + 1) == Some(&b'&') => return at.max(1),
            _ => {}
        }
    }
    text.len()
}

/// A word without quotes around it.
fn bare(word: &[u8]) -> &[u8] {
    let inner = |quote: &[u8]| word.strip_prefix(quote).and_then(|word| word.strip_suffix(quote));
    inner(b"\"").or_else(|| inner(b"'")).unwrap_or(word)
}

fn base_name(path: &[u8]) -> &[u8] {
    path.rsplit(|byte| *byte == b'/').next().unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_that_cannot_fail_are_seen() {
        let hides = |text: &str| never_fails(text.as_bytes()).map(|token| String::from_utf8_lossy(token).into_owned());
        for text in ["/bin/true", ":", "exit 0", "cd .", "true %p", "echo %p"] {
            assert_eq!(hides(text).as_deref(), Some(text));
        }
        assert_eq!(hides("cp %p /a/%f || true").as_deref(), Some("true"));
        assert_eq!(hides("cp %p /a/%f; exit 0").as_deref(), Some("exit 0"));
        for text in ["cp %p /a/%f", "false", "exit 1", "/usr/bin/archive || echo failed", "a && true", "x; y"] {
            assert_eq!(hides(text), None, "{text}");
        }
    }

    #[test]
    fn copies_are_seen() {
        let seen = |text: &str| {
            let shown = |copy: &Copy| {
                let destination = String::from_utf8_lossy(copy.destination.unwrap_or_default()).into_owned();
                format!("{destination}{}", if copy.overwrites { ", overwrites" } else { "" })
            };
            copies(text.as_bytes()).iter().map(shown).collect::<Vec<_>>().join("; ")
        };
        assert_eq!(seen("cp %p /archive/%f"), "/archive/%f, overwrites");
        assert_eq!(seen("cp \"%p\" \"/archive/%f\""), "/archive/%f, overwrites");
        assert_eq!(seen("test ! -f /archive/%f && cp %p /archive/%f"), "/archive/%f");
        assert_eq!(seen("cp -n %p archive/%f"), "archive/%f");
        assert_eq!(seen("rsync -a %p host:/a/%f"), "host:/a/%f, overwrites");
        assert_eq!(seen("gzip < %p > /a/%f.gz"), "/a/%f.gz");
        assert_eq!(seen("pgbackrest --stanza=a archive-push %p"), "");
        for text in ["tool %p >/dev/null 2>&1", "tool %p >> /var/log/archive.log", "tool %p > /tmp/log"] {
            assert_eq!(seen(text), "", "{text}");
        }
    }
}
