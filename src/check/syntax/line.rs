//! One refused line and its most telling explanation.

mod value;

use super::found;
use crate::catalog::{self, Catalog};
use crate::source::{Span, display};
use crate::syntax::conf::{self, Broken, Content, Token, TokenKind};

/// A refused line. All ranges here count from its start.
pub struct Line<'a> {
    /// Its bytes without the line feed.
    pub bytes: &'a [u8],
    /// Its tokens, up to a comment.
    tokens: Vec<Token>,
    /// Where the server stops; nothing for the end of the line.
    near: Option<Span>,
    /// 1-based.
    number: usize,
}

/// Which mistake it is.
pub struct Kind {
    /// The page.
    pub rule: &'static str,
    /// Said beside the place.
    pub label: String,
    /// The piece that is at fault, where it is not the server's token.
    pub token: Option<Span>,
    /// What was meant.
    pub suggestion: Option<String>,
    /// New text for ranges.
    pub edits: Vec<(Span, Vec<u8>)>,
}

impl Kind {
    fn token(mut self, token: Span) -> Kind {
        self.token = Some(token);
        self
    }

    /// The value that was meant, in quotes, where one can be told.
    fn edits(self, value: Span, meant: Option<Vec<u8>>) -> Kind {
        match meant {
            Some(meant) => self.edit(value, conf::quote(&meant)),
            None => self,
        }
    }

    fn edit(mut self, span: Span, text: impl Into<Vec<u8>>) -> Kind {
        self.edits.push((span, text.into()));
        self
    }
}

const CURLY: [&str; 14] = ["‘", "’", "‚", "‛", "“", "”", "„", "‟", "«", "»", "′", "″", "‹", "›"];

impl<'a> Line<'a> {
    /// A line that begins at `start` in its file.
    pub fn new(bytes: &'a [u8], start: usize, number: usize, broken: Broken) -> Line<'a> {
        Line {
            bytes,
            tokens: conf::tokens(bytes),
            near: broken.near.map(|near| Span::new(near.start - start, near.end - start)),
            number,
        }
    }

    /// The name, or what stands in its place.
    pub fn name(&self) -> String {
        match self.tokens.first() {
            Some(token) if token.kind == TokenKind::Quoted => display(&conf::unquote(token.span.of(self.bytes))),
            Some(token) if token.span.of(self.bytes) == b"\"" => {
                let rest = &self.bytes[token.span.end..];
                display(rest.split(|byte| *byte == b'"').next().unwrap_or_default())
            }
            Some(token) => display(token.span.of(self.bytes)).trim_end_matches(':').to_string(),
            None => String::new(),
        }
    }

    /// What was meant as the value.
    pub fn value_text(&self) -> String {
        self.value().map(|span| display(span.of(self.bytes))).unwrap_or_default()
    }

    /// From behind the name and `=` to the end or to a comment.
    fn value(&self) -> Option<Span> {
        let after = match (self.tokens.first()?, self.tokens.get(1)) {
            (_, Some(equals)) if equals.kind == TokenKind::Equals => equals.span.end,
            (name, _) => name.span.end,
        };
        let end = self.end_of_text(after);
        let text = &self.bytes[after.min(end)..end];
        let begin = after + (text.len() - text.trim_ascii_start().len());
        let value = Span::new(begin, begin + text.trim_ascii().len());
        (value.start < value.end).then_some(value)
    }

    /// Where a comment begins, blanks before it taken off; the end of the line where there is none.
    fn end_of_text(&self, from: usize) -> usize {
        let hash = (from..self.bytes.len())
            .find(|at| self.bytes[*at] == b'#' && (*at == 0 || matches!(self.bytes[at - 1], b' ' | b'\t')));
        let end = hash.unwrap_or(self.bytes.len());
        self.bytes[..end].trim_ascii_end().len()
    }

    /// The line without blanks around it and without a comment.
    fn text(&self) -> Span {
        let end = self.end_of_text(0);
        let start = self.bytes.len() - self.bytes.trim_ascii_start().len();
        Span::new(start.min(end), end)
    }

    fn token_text(&self, index: usize) -> &[u8] {
        self.tokens.get(index).map(|token| token.span.of(self.bytes)).unwrap_or_default()
    }

    /// Whether the line would be read with `text` in place of `span`.
    fn reads_with(&self, span: Span, text: &[u8]) -> bool {
        let line = [&self.bytes[..span.start], text, &self.bytes[span.end..]].concat();
        matches!(conf::lines(&line).next().map(|line| line.content), Some(Content::Setting(_)))
    }
}

/// The most telling explanation of a refused line.
pub fn kind(line: &Line, catalog: &Catalog) -> Kind {
    marks(line)
        .or_else(|| residue(line))
        .or_else(|| foreign(line))
        .or_else(|| name(line, catalog))
        .or_else(|| value::fault(line, catalog))
        .unwrap_or_else(|| found("conf-syntax-error", "the server stops here"))
}

/// What no configuration file holds: conflict marks, section headers, a pg_hba line.
fn marks(line: &Line) -> Option<Kind> {
    let text = line.text();
    let bytes = text.of(line.bytes);
    let mark = ["<<<<<<<", ">>>>>>>", "=======", "|||||||"].iter().find(|mark| bytes.starts_with(mark.as_bytes()));
    if mark.is_some() && bytes.get(7).is_none_or(|byte| *byte == b' ') {
        return Some(found("merge-conflict", "left by git").token(text));
    }
    if line.number == 1 && bytes.starts_with(b"-e ") {
        let option = Span::new(text.start, text.start + 3);
        return Some(found("e-option", "an option of `echo`").token(option).edit(option, ""));
    }
    if bytes.starts_with(b"[")
        && bytes.ends_with(b"]")
        && bytes[1..bytes.len() - 1].iter().all(|byte| byte.is_ascii_alphanumeric() || b"_-. ".contains(byte))
    {
        let begin = Span::new(text.start, text.start);
        return Some(found("section-header", "PostgreSQL knows no sections").token(text).edit(begin, "#"));
    }
    let words: Vec<&[u8]> = bytes.split(|byte| byte.is_ascii_whitespace()).filter(|word| !word.is_empty()).collect();
    let connection: [&[u8]; 6] = [b"local", b"host", b"hostssl", b"hostnossl", b"hostgssenc", b"hostnogssenc"];
    if words.len() >= 4 && connection.contains(&words[0]) && !words[1].starts_with(b"=") {
        return Some(found("hba-line-in-conf", "a rule of pg_hba.conf").token(text));
    }
    None
}

/// A placeholder that nobody filled in.
fn residue(line: &Line) -> Option<Kind> {
    let text = line.text();
    let span = placeholder(text.of(line.bytes))?.shifted(text.start);
    Some(found("template-residue", "never filled in").token(span))
}

/// The first thing in a text that looks like a template's placeholder.
pub fn placeholder(bytes: &[u8]) -> Option<Span> {
    for (open, close) in [("{{", "}}"), ("{%", "%}"), ("<%", "%>"), ("${", "}"), ("$(", ")"), ("@@", "@@")] {
        if let Some(start) = memchr::memmem::find(bytes, open.as_bytes()) {
            let after = start + open.len();
            if let Some(length) = memchr::memmem::find(&bytes[after..], close.as_bytes()) {
                return Some(Span::new(start, after + length + close.len()));
            }
        }
    }
    let open = memchr::memchr(b'<', bytes)?;
    let length = memchr::memchr(b'>', &bytes[open..])?;
    let name = &bytes[open + 1..open + length];
    let named = name.len() > 2
        && name.iter().all(|byte| byte.is_ascii_alphanumeric() || b"_- ".contains(byte))
        && name.iter().any(|byte| byte.is_ascii_uppercase() || *byte == b'_' || *byte == b'-');
    named.then(|| Span::new(open, open + length + 1))
}

/// Another language: comments and statements.
fn foreign(line: &Line) -> Option<Kind> {
    let text = line.text();
    let bytes = text.of(line.bytes);
    let begins = |mark: &str| bytes.starts_with(mark.as_bytes());
    if let Some(mark) = ["//", "--", ";", "/*"].into_iter().find(|mark| begins(mark)) {
        let span = Span::new(text.start, text.start + mark.len());
        let mut kind = found("foreign-comment", "no comment to PostgreSQL").token(span).edit(span, "#");
        if mark == "/*" && bytes.ends_with(b"*/") {
            let inner = bytes[..bytes.len() - 2].trim_ascii_end().len();
            kind = kind.edit(Span::new(text.start + inner, text.end), "");
        }
        return Some(kind);
    }
    if let Some(near) = line.near.filter(|near| near.start > 0 && line.bytes[near.start - 1].is_ascii_whitespace()) {
        let rest = &line.bytes[near.start..];
        if let Some(mark) = ["--", "//"].into_iter().find(|mark| rest.starts_with(mark.as_bytes())) {
            let span = Span::new(near.start, near.start + mark.len());
            if line.reads_with(span, b"#") && rest.get(mark.len()).is_none_or(|byte| byte.is_ascii_whitespace()) {
                return Some(found("foreign-comment", "no comment to PostgreSQL").token(span).edit(span, "#"));
            }
        }
    }
    statement(line).or_else(|| semicolon(line))
}

fn statement(line: &Line) -> Option<Kind> {
    const VERBS: [&str; 12] = [
        "alter", "create", "drop", "grant", "revoke", "select", "insert", "update", "delete", "comment", "begin",
        "commit",
    ];
    let word = |index: usize| line.token_text(index).to_ascii_lowercase();
    let first = word(0);
    let text = line.text();
    let assigned = |from: usize| -> Option<(Span, Vec<u8>)> {
        let name = line.tokens.get(from)?;
        let link = line.tokens.get(from + 1)?;
        let link_text = link.span.of(line.bytes);
        if link.kind != TokenKind::Equals && !link_text.eq_ignore_ascii_case(b"to") {
            return None;
        }
        let end = line.bytes[..text.end].strip_suffix(b";").map_or(text.end, |rest| rest.trim_ascii_end().len());
        let value = line.bytes[link.span.end..end].trim_ascii();
        let line_text = [name.span.of(line.bytes), b" = ", value].concat();
        let readable = matches!(conf::lines(&line_text).next().map(|line| line.content), Some(Content::Setting(_)));
        readable.then_some((text, line_text))
    };
    let edit = match (first.as_slice(), word(1).as_slice(), word(2).as_slice()) {
        (b"alter", b"system", b"set") => assigned(3),
        (b"set", b"local" | b"session", _) => assigned(2),
        (b"set", _, _) if line.tokens.len() >= 4 => assigned(1),
        _ => None,
    };
    let ends = text.of(line.bytes).ends_with(b";");
    let is_verb = VERBS.iter().any(|verb| verb.as_bytes() == first);
    if edit.is_none()
        && !(is_verb
            && (ends || line.tokens.len() >= 3)
            && line.tokens.get(1).is_none_or(|token| token.kind != TokenKind::Equals))
    {
        return None;
    }
    let mut kind = found("sql-statement", "SQL").token(text);
    kind.edits.extend(edit);
    Some(kind)
}

fn semicolon(line: &Line) -> Option<Kind> {
    let text = line.text();
    let before = line.bytes[..text.end].strip_suffix(b";")?;
    let span = Span::new(before.trim_ascii_end().len(), text.end);
    let mark = Span::new(text.end - 1, text.end);
    line.reads_with(span, b"").then(|| found("trailing-semicolon", "not part of the syntax").token(mark).edit(span, ""))
}

/// What is wrong with the name.
fn name(line: &Line, catalog: &Catalog) -> Option<Kind> {
    let first = *line.tokens.first()?;
    let text = first.span.of(line.bytes);
    match first.kind {
        TokenKind::Quoted => {
            let plain = conf::unquote(text).into_owned();
            Some(found("quoted-name", "names stand without quotes").token(first.span).edit(first.span, plain))
        }
        TokenKind::Stray if text == b"\"" => {
            let rest = &line.bytes[first.span.end..];
            let length = memchr::memchr(b'"', rest)?;
            let span = Span::new(first.span.start, first.span.end + length + 1);
            let plain = rest[..length].to_vec();
            Some(found("quoted-name", "names stand without quotes").token(span).edit(span, plain))
        }
        TokenKind::Integer | TokenKind::Real => {
            Some(found("number-first-name", "a name begins with a letter").token(first.span))
        }
        TokenKind::Unquoted => unquoted_name(line, first, text, catalog),
        TokenKind::Identifier | TokenKind::Qualified => {
            let second = line.tokens.get(1)?;
            let colon = second.kind == TokenKind::Stray && second.span.of(line.bytes) == b":";
            colon.then(|| found("colon-after-name", "write `=`").token(second.span).edit(second.span, "="))
        }
        _ => None,
    }
}

fn unquoted_name(line: &Line, first: Token, text: &[u8], catalog: &Catalog) -> Option<Kind> {
    if let Some(colon) = memchr::memchr(b':', text) {
        let known = catalog::history(&display(&text[..colon])).is_some() || colon + 1 == text.len();
        if known {
            let span = Span::new(first.span.start + colon, first.span.start + colon + 1);
            let rest = line.bytes.get(span.end).is_none_or(|next| next.is_ascii_whitespace());
            let written = if rest { " =" } else { " = " };
            return Some(found("colon-after-name", "write `=`").token(span).edit(span, written));
        }
    }
    let parts: Vec<&[u8]> = text.split(|byte| *byte == b'.').collect();
    if parts.len() > 2
        && parts.iter().all(|part| part.first().is_some_and(|byte| !byte.is_ascii_digit()) && !part.contains(&b'-'))
    {
        return Some(found("name-with-two-dots", "a file takes one dot at the most").token(first.span));
    }
    if text.contains(&b'-') {
        let plain = display(text).replace('-', "_");
        let known = catalog.find(plain.as_bytes()).is_some();
        let mut kind = found("dash-in-name", "names are written with underscores").token(first.span);
        kind.suggestion = Some(plain.clone());
        return Some(if known { kind.edit(first.span, plain) } else { kind });
    }
    None
}
