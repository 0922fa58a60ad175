//! Finding pgconflint's own comments and reading them.

use std::ops::Range;

use memchr::{memchr, memchr2, memmem};

use super::Target;
use crate::nearest::did_you_mean;
use crate::source::{FileKind, Source, Span};
use crate::version::Role;

const MARK: &[u8] = b"pgconflint:";

/// One of pgconflint's comments.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Directive {
    /// From its `#` to the end of the line; a comment of yours may stand before it.
    pub span: Span,
    /// Whether nothing else stands on its line.
    pub alone: bool,
    /// What it says, or why it is not understood.
    pub says: Result<Word, String>,
}

/// What a comment says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Word {
    /// `ignore[…]` and `ignore-file[…]`
    Ignore(Ignore),
    /// `pg=… role=…`
    Target(Target),
}

/// Rules that are not to be reported.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Ignore {
    /// The names, each with its place.
    pub rules: Vec<(String, Span)>,
    /// The 0-based lines for which it holds; all of the file for `ignore-file`.
    pub lines: Range<usize>,
    /// Whether it is for the whole file.
    pub file: bool,
}

/// The comments of a file: from each `#` outside quotes to the end of its line.
pub fn comments(kind: FileKind, bytes: &[u8]) -> impl Iterator<Item = Span> {
    lines(bytes).filter_map(move |line| {
        let start = comment_start(kind, line.of(bytes))?;
        Some(Span::new(line.start + start, line.end))
    })
}

/// pgconflint's own comments in a file, in order.
pub fn read(source: &Source) -> Vec<Directive> {
    let bytes = &*source.bytes;
    // Nearly every file ends here, without its lines being looked at.
    if memmem::find(bytes, MARK).is_none() {
        return Vec::new();
    }
    let mut directives: Vec<Directive> = Vec::new();
    // Comments that stand alone hold for the next line with something on it.
    let mut open: Vec<usize> = Vec::new();
    let mut continued_from = None;
    for (index, line) in lines(bytes).enumerate() {
        let text = line.of(bytes);
        let comment = comment_start(source.kind, text);
        let content = text[..comment.unwrap_or(text.len())].trim_ascii();
        let first = continued_from.unwrap_or(index);
        if let Some(start) = comment {
            let alone = content.is_empty() && continued_from.is_none();
            // Alone on its line it begins it, so that text about comments is none.
            let before = if alone { 0 } else { own_start(&text[start..]) };
            let span = Span::new(line.start + start + before, line.end);
            if let Some(says) = understand(span, span.of(bytes), first..index + 1) {
                if alone {
                    open.push(directives.len());
                }
                directives.push(Directive { span, alone, says });
            }
        }
        continued_from = (source.kind.has_continuations() && text.ends_with(b"\\")).then_some(first);
        if !content.is_empty() && continued_from.is_none() {
            for directive in open.drain(..) {
                directives[directive].cover(first..index + 1);
            }
        }
    }
    directives
}

/// What the comments of a file say that it is checked against; the last word on each wins.
pub fn target(directives: &[Directive]) -> Target {
    directives.iter().fold(Target::default(), |sum, directive| match &directive.says {
        Ok(Word::Target(target)) => Target { pg: target.pg.clone().or(sum.pg), role: target.role.or(sum.role) },
        _ => sum,
    })
}

impl Directive {
    fn cover(&mut self, lines: Range<usize>) {
        if let Ok(Word::Ignore(ignore)) = &mut self.says {
            ignore.lines = lines;
        }
    }
}

impl FileKind {
    /// Whether a backslash at the end of a line joins the next one to it, as records of 14 and later do.
    fn has_continuations(self) -> bool {
        matches!(self, FileKind::Hba | FileKind::Ident | FileKind::Hosts)
    }
}

/// The lines of a file without their ends.
fn lines(bytes: &[u8]) -> impl Iterator<Item = Span> {
    let mut start = 0;
    std::iter::from_fn(move || {
        if start >= bytes.len() {
            return None;
        }
        let end = memchr(b'\n', &bytes[start..]).map_or(bytes.len(), |length| start + length);
        let carriage = usize::from(end > start && bytes[end - 1] == b'\r');
        let line = Span::new(start, end - carriage);
        start = end + 1;
        Some(line)
    })
}

/// Where the comment of a line begins.
fn comment_start(kind: FileKind, line: &[u8]) -> Option<usize> {
    let quote = match kind {
        FileKind::Conf | FileKind::Recovery => b'\'',
        FileKind::Hba | FileKind::Ident | FileKind::Hosts => b'"',
    };
    let mut at = 0;
    loop {
        at += memchr2(b'#', quote, &line[at..])?;
        if line[at] == b'#' {
            return Some(at);
        }
        at += match quote {
            b'\'' => single_quoted(&line[at..]),
            _ => memchr(quote, &line[at + 1..]).map_or(line.len() - at, |length| length + 2),
        };
    }
}

/// Where in a comment ours begins: at its start, or at a `#` behind a blank.
fn own_start(comment: &[u8]) -> usize {
    let is_own = |at: &usize| {
        let text = comment[at + 1..].trim_ascii_start();
        text.starts_with(MARK) && comment[at - 1].is_ascii_whitespace()
    };
    memchr::memchr_iter(b'#', comment).skip(1).find(is_own).unwrap_or(0)
}

/// The length of the string that the text begins with, or of its quote alone if it is not closed.
fn single_quoted(text: &[u8]) -> usize {
    let mut at = 1;
    while at < text.len() {
        match text[at] {
            b'\\' => at += 2,
            b'\'' if text.get(at + 1) == Some(&b'\'') => at += 2,
            b'\'' => return at + 1,
            _ => at += 1,
        }
    }
    1
}

/// Reads a comment, if it is one of ours.
fn understand(span: Span, comment: &[u8], lines: Range<usize>) -> Option<Result<Word, String>> {
    let start = comment.iter().position(|byte| *byte != b'#' && !byte.is_ascii_whitespace())?;
    let after = comment[start..].strip_prefix(MARK)?;
    let offset = span.start + comment.len() - after.len();
    let text = String::from_utf8_lossy(after);
    let said = text.trim_start();
    let Some((word, rest)) = said.split_once('[') else {
        return Some(target_words(said));
    };
    let file = match word.trim_end() {
        "ignore" => false,
        "ignore-file" => true,
        other => {
            let hint = did_you_mean(other, ["ignore", "ignore-file"]);
            return Some(Err(format!("`{other}` is not a word that is known here{hint}")));
        }
    };
    let Some((names, _reason)) = rest.split_once(']') else {
        return Some(Err("the list of rules is not closed by `]`".to_owned()));
    };
    // Names are ASCII, and a lossy copy of what precedes them would move them: count in the bytes.
    let first = offset + memchr(b'[', after)? + 1;
    let rules = names_in(names, first);
    if rules.is_empty() {
        return Some(Err("the list of rules is empty; each is named: `ignore[rule-a, rule-b] reason`".to_owned()));
    }
    let lines = if file { 0..usize::MAX } else { lines };
    Some(Ok(Word::Ignore(Ignore { rules, lines, file })))
}

fn names_in(names: &str, first: usize) -> Vec<(String, Span)> {
    let mut rules = Vec::new();
    let mut offset = first;
    for piece in names.split(',') {
        let name = piece.trim();
        let start = offset + piece.len() - piece.trim_start().len();
        if !name.is_empty() {
            rules.push((name.to_owned(), Span::new(start, start + name.len())));
        }
        offset += piece.len() + 1;
    }
    rules
}

fn target_words(text: &str) -> Result<Word, String> {
    let mut target = Target::default();
    for word in text.split_ascii_whitespace() {
        match word.split_once('=') {
            Some(("pg", version)) => target.pg = Some(version.parse().map_err(|error| format!("{error}"))?),
            Some(("role", role)) => {
                let known = Role::from_word(role);
                target.role = Some(known.ok_or_else(|| format!("`{role}` is not a role: say primary or standby"))?);
            }
            Some((key, _)) => {
                let hint = did_you_mean(key, ["pg", "role"]);
                return Err(format!("`{key}` is not a word that is known here{hint}"));
            }
            None if word.starts_with("ignore") => {
                return Err(format!("`{word}` names no rule; write `{word}[rule-a, rule-b] reason`"));
            }
            None => {
                return Err(format!(
                    "`{word}` is not a word that is known here: ignore[…], ignore-file[…], pg=, role="
                ));
            }
        }
    }
    if target == Target::default() {
        return Err("it says nothing: ignore[…], ignore-file[…], pg= and role= are known".to_owned());
    }
    Ok(Word::Target(target))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn directives(kind: FileKind, text: &str) -> Vec<Directive> {
        read(&Source::new("x".into(), kind, Arc::from(text.as_bytes())))
    }

    #[test]
    fn a_comment_begins_outside_quotes() {
        let found = |kind, text: &'static str| {
            comments(kind, text.as_bytes()).map(|span| &text[span.start..span.end]).collect::<Vec<_>>()
        };
        assert_eq!(
            found(FileKind::Conf, "a = 'x#y''#' # one\r\nb='\\'#' #two\n\n# three"),
            ["# one", "#two", "# three"]
        );
        assert_eq!(found(FileKind::Conf, "a = 'open # four\n"), ["# four"]);
        assert_eq!(found(FileKind::Hba, "host \"a#b\" all#c '#d\n\"open # no"), ["#c '#d"]);
        assert!(found(FileKind::Conf, "a = 'x\\").is_empty());
    }

    #[test]
    fn an_ignore_holds_for_its_line_or_the_next_setting() {
        let text = "a = 1 # pgconflint: ignore[x, y-z] why\n# pgconflint: ignore[w]\n\n# other\nb = 2\nc = 3\n";
        let said = directives(FileKind::Conf, text);
        let ignores: Vec<_> = said
            .iter()
            .map(|directive| match &directive.says {
                Ok(Word::Ignore(ignore)) => (ignore.rules.len(), ignore.lines.clone(), directive.alone),
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(ignores, [(2, 0..1, false), (1, 4..5, true)]);
        let Ok(Word::Ignore(first)) = &said[0].says else { panic!() };
        let names: Vec<_> = first.rules.iter().map(|(_, span)| &text[span.start..span.end]).collect();
        assert_eq!(names, ["x", "y-z"]);
    }

    #[test]
    fn an_ignore_may_follow_a_comment() {
        let text = "a = 1 # for reports # pgconflint: ignore[x] why\nb = 2 # write '# pgconflint: ignore[y]'\n# c = 3 # pgconflint: ignore[z]\n";
        let said = directives(FileKind::Conf, text);
        assert_eq!(said.len(), 1);
        assert_eq!(said[0].span.of(text.as_bytes()), b"# pgconflint: ignore[x] why");
    }

    #[test]
    fn an_ignore_above_a_continued_record_holds_for_all_of_it() {
        let said =
            directives(FileKind::Hba, "# pgconflint: ignore[x]\nhost all \\\n all all trust\nlocal all all peer");
        let Ok(Word::Ignore(ignore)) = &said[0].says else { panic!() };
        assert_eq!(ignore.lines, 1..3);
    }

    #[test]
    fn what_is_not_understood_says_why() {
        let why = |text: &str| match directives(FileKind::Conf, text).remove(0).says {
            Err(why) => why,
            Ok(word) => panic!("{word:?}"),
        };
        insta::assert_snapshot!(
            [
                "ignore",
                "ignore-file all",
                "ignroe[x]",
                "ignore[]",
                "ignore[a",
                "pg=15beta1",
                "role=master",
                "gp=14",
                "hello",
                ""
            ]
            .map(|said| why(&format!("# pgconflint: {said}")))
            .join("\n")
        );
    }

    #[test]
    fn the_target_is_read() {
        let said = directives(FileKind::Conf, "# pgconflint: pg=14 role=standby\nport = '# pgconflint: pg=15'\n");
        let target = target(&said);
        assert_eq!(target.pg, "14".parse().ok());
        assert_eq!(target.role, Some(Role::Standby));
    }
}
