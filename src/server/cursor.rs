//! What stands at a place of a file, and what may be written there.

use crate::names;
use crate::source::{FileKind, Source, Span};
use crate::suppress::{self, Word};
use crate::syntax::conf::{self, Content};
use crate::syntax::hba::{self, Dialect};
use crate::version::Major;

/// What stands at a place.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum At {
    /// The name of a setting, or of one that is commented out.
    Name(Span),
    /// The value of a setting.
    Value(conf::Setting),
    /// The name of a rule in a comment for pgconflint.
    Rule(Span),
    /// A word of pg_hba.conf or pg_ident.conf.
    Word(AccessWord),
    /// Nothing that is known.
    Nothing,
}

/// A word of pg_hba.conf or pg_ident.conf.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AccessWord {
    /// Where it stands, quotes included.
    pub span: Span,
    /// What the server makes of it.
    pub text: Vec<u8>,
    /// Whether it is quoted, so that keywords mean nothing.
    pub quoted: bool,
    /// Its column.
    pub column: Column,
}

/// A column of pg_hba.conf or pg_ident.conf.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Column {
    /// The connection type.
    Type,
    /// Databases.
    Database,
    /// Users.
    User,
    /// The address.
    Address,
    /// Its mask.
    Mask,
    /// The method.
    Method,
    /// An option.
    Option,
    /// The name of a map.
    Map,
    /// The name at the operating system.
    System,
    /// The database user.
    DatabaseUser,
}

impl Column {
    /// The word for it in `rules/catalog/hba-meaning.tsv`.
    pub fn word(self) -> &'static str {
        match self {
            Column::Type => "type",
            Column::Database => "database",
            Column::User => "user",
            Column::Address => "address",
            Column::Mask => "mask",
            Column::Method => "method",
            Column::Option => "option",
            Column::Map => "map",
            Column::System => "system",
            Column::DatabaseUser => "database-user",
        }
    }
}

/// What stands at the byte at `offset`, or right before it.
pub fn at(source: &Source, offset: usize, major: Major) -> At {
    let touches = |span: Span| span.start <= offset && offset <= span.end;
    if let Some(rule) = rules_named(source).into_iter().find(|rule| touches(*rule)) {
        return At::Rule(rule);
    }
    let bytes = &*source.bytes;
    match source.kind {
        FileKind::Conf | FileKind::Recovery => {
            let line = line_span(source, offset);
            at_setting(line, bytes, offset)
        }
        FileKind::Hba | FileKind::Ident | FileKind::Hosts => {
            let dialect = Dialect::of(major);
            let Some(line) = hba::lines(bytes, &dialect).find(|line| {
                touches(line.span) && line.span.end > offset || line.span.end == bytes.len() && touches(line.span)
            }) else {
                return At::Nothing;
            };
            let columns = columns(source.kind, &line.fields);
            for (field, column) in line.fields.iter().zip(columns) {
                if let Some(token) = field.tokens.iter().find(|token| touches(token.span)) {
                    let text = token.text.to_vec();
                    return At::Word(AccessWord { span: token.span, text, quoted: token.quoted, column });
                }
            }
            At::Nothing
        }
    }
}

/// The line that holds a byte, without its line feed.
pub fn line_span(source: &Source, offset: usize) -> Span {
    let line = source.line(offset.min(source.bytes.len()));
    let start = source.line_starts()[line - 1];
    Span::new(start, start + source.line_bytes(line).len())
}

/// The names in comments for pgconflint, known or not.
fn rules_named(source: &Source) -> Vec<Span> {
    let ignores = suppress::read(source).into_iter().filter_map(|directive| match directive.says {
        Ok(Word::Ignore(ignore)) => Some(ignore.rules),
        _ => None,
    });
    ignores.flatten().map(|(_, span)| span).collect()
}

fn at_setting(line: Span, bytes: &[u8], offset: usize) -> At {
    let touches = |span: Span| span.start <= offset && offset <= span.end;
    let text = line.of(bytes);
    // `#name = value`, as the samples have it, is of interest too.
    let hashes = text.iter().take_while(|byte| matches!(byte, b'#' | b' ' | b'\t')).count();
    let start = line.start + hashes;
    let Some(read) = conf::lines(&bytes[start..line.end]).next() else { return At::Nothing };
    let is_comment = text[..hashes].contains(&b'#');
    match read.content {
        Content::Setting(setting) => {
            let name = setting.name.shifted(start);
            let value = conf::Token { span: setting.value.span.shifted(start), ..setting.value };
            match () {
                () if touches(name) => At::Name(name),
                () if touches(value.span) && !is_comment => At::Value(conf::Setting { name, value }),
                () => At::Nothing,
            }
        }
        Content::Broken(_) => {
            let name = Span::new(start, start + word_length(&bytes[start..line.end]));
            if touches(name) { At::Name(name) } else { At::Nothing }
        }
        Content::Nothing => At::Nothing,
    }
}

fn word_length(text: &[u8]) -> usize {
    text.iter().take_while(|byte| is_of_name(**byte)).count()
}

fn is_of_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.') || byte >= 0x80
}

/// The column of each field of a line.
pub fn columns(kind: FileKind, fields: &[hba::Field]) -> Vec<Column> {
    (0..fields.len()).map(|index| column(kind, fields, index)).collect()
}

/// The column of the field of that index, which may be the one to come.
pub fn column(kind: FileKind, fields: &[hba::Field], index: usize) -> Column {
    let first = |field: usize| fields.get(field).and_then(|field| field.tokens.first()).map(|token| &*token.text);
    let is_include = first(0).is_some_and(|word| word.starts_with(names::INCLUDE.as_bytes()));
    if kind == FileKind::Ident {
        return match index {
            0 => Column::Map,
            1 => Column::System,
            _ => Column::DatabaseUser,
        };
    }
    let is_local = first(0) == Some(b"local");
    // An address without a length is followed by its mask.
    let is_bare = |word: &[u8]| std::str::from_utf8(word).is_ok_and(|word| word.parse::<std::net::IpAddr>().is_ok());
    let has_mask = !is_local && first(3).is_some_and(is_bare);
    match index {
        0 => Column::Type,
        _ if is_include => Column::Option,
        1 => Column::Database,
        2 => Column::User,
        3 if !is_local => Column::Address,
        4 if has_mask => Column::Mask,
        _ if index == 3 + usize::from(!is_local) + usize::from(has_mask) => Column::Method,
        _ => Column::Option,
    }
}

/// What may be written at a place.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Wanted {
    /// The name of a setting.
    Name,
    /// The value of the setting of that name; whether it stands in quotes.
    Value(String, bool),
    /// The unit behind a number, for the setting of that name.
    Unit(String),
    /// A word of pg_hba.conf, on a line with that type and method.
    Word(Column, Line),
    /// The value of an option of pg_hba.conf.
    OptionValue(String),
    /// The name of a rule.
    Rule,
    /// What a comment for pgconflint may say.
    Directive,
}

/// What is known of a line of pg_hba.conf that is being written.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Line {
    /// The connection type.
    pub connection: String,
    /// The method, if it stands there already.
    pub method: String,
}

/// What may be written at the byte at `offset`, and the piece of it that already stands before.
pub fn wanted(source: &Source, offset: usize, major: Major) -> Option<(Wanted, Span)> {
    let line = line_span(source, offset);
    let head = Span::new(line.start, offset.max(line.start));
    let text = head.of(&source.bytes);
    let here = |length: usize| Span::new(offset - length, offset);
    if let Some(comment) = suppress::comments(source.kind, text).last() {
        return in_comment(comment.of(text)).map(|(wanted, length)| (wanted, here(length)));
    }
    match source.kind {
        FileKind::Conf | FileKind::Recovery => in_setting(text).map(|(wanted, length)| (wanted, here(length))),
        FileKind::Hba => in_record(source, offset, major),
        FileKind::Ident | FileKind::Hosts => None,
    }
}

fn in_comment(comment: &[u8]) -> Option<(Wanted, usize)> {
    let text = String::from_utf8_lossy(comment);
    let (_, said) = text.split_once("pgconflint:")?;
    let is_word = |char: char| char.is_ascii_alphanumeric() || char == '-';
    let length = said.len() - said.trim_end_matches(is_word).len();
    match said.rsplit_once('[') {
        Some((_, names)) if !names.contains(']') => Some((Wanted::Rule, length)),
        Some(_) => None,
        None => Some((Wanted::Directive, length)),
    }
}

fn in_setting(head: &[u8]) -> Option<(Wanted, usize)> {
    let text = head.trim_ascii_start();
    let length = word_length(text);
    if length == text.len() {
        return Some((Wanted::Name, length));
    }
    let name = String::from_utf8_lossy(&text[..length]).into_owned();
    let rest = text[length..].trim_ascii_start();
    let value = rest.strip_prefix(b"=").unwrap_or(rest).trim_ascii_start();
    if name.is_empty() {
        return None;
    }
    let quoted = value.strip_prefix(b"'");
    let value = quoted.unwrap_or(value);
    if value.contains(&b'\'') || quoted.is_none() && value.contains(&b' ') {
        return None;
    }
    let number = value.iter().take_while(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'-')).count();
    if number > 0 {
        let unit = value[number..].trim_ascii_start();
        return unit.iter().all(u8::is_ascii_alphabetic).then_some((Wanted::Unit(name), unit.len()));
    }
    Some((Wanted::Value(name, quoted.is_some()), value.len()))
}

fn in_record(source: &Source, offset: usize, major: Major) -> Option<(Wanted, Span)> {
    let bytes = &source.bytes[..offset];
    let dialect = Dialect::of(major);
    let line = hba::lines(bytes, &dialect).last().filter(|line| !line.span.of(bytes).ends_with(b"\n"));
    let fields = line.map(|line| line.fields).unwrap_or_default();
    let last = fields.last().and_then(|field| field.tokens.last());
    let touched = last.filter(|token| token.span.end == offset);
    let is_list = bytes.last() == Some(&b',');
    let index = fields.len() - usize::from((touched.is_some() || is_list) && !fields.is_empty());
    if touched.is_some_and(|token| token.quoted) {
        return None;
    }
    let column = column(FileKind::Hba, &fields, index);
    let word = touched.map_or(&b""[..], |token| &token.text);
    let text = String::from_utf8_lossy(word);
    if column == Column::Option
        && let Some((name, value)) = text.split_once('=')
    {
        return Some((Wanted::OptionValue(name.to_owned()), Span::new(offset - value.len(), offset)));
    }
    let first = |index: usize| fields.get(index).and_then(|field| field.tokens.first());
    let said =
        |index: usize| first(index).map_or_else(String::new, |token| String::from_utf8_lossy(&token.text).into_owned());
    let method = (0..index).find(|index| self::column(FileKind::Hba, &fields, *index) == Column::Method);
    let line = Line {
        connection: if index > 0 { said(0) } else { String::new() },
        method: method.map(said).unwrap_or_default(),
    };
    Some((Wanted::Word(column, line), Span::new(touched.map_or(offset, |token| token.span.start), offset)))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn marked(kind: FileKind, text: &str) -> (Source, usize) {
        let offset = text.find('|').expect("a mark");
        let bytes = text.replacen('|', "", 1);
        (Source::new("x".into(), kind, Arc::from(bytes.as_bytes())), offset)
    }

    fn wanted_at(kind: FileKind, text: &str) -> Option<(Wanted, String)> {
        let (source, offset) = marked(kind, text);
        let (wanted, span) = wanted(&source, offset, Major::V16)?;
        Some((wanted, String::from_utf8_lossy(span.of(&source.bytes)).into_owned()))
    }

    #[test]
    fn what_may_be_written_in_postgresql_conf() {
        let wanted = |text: &str| wanted_at(FileKind::Conf, text);
        let value = |name: &str, quoted| Wanted::Value(name.to_owned(), quoted);
        assert_eq!(wanted("a = 1\n  wal_|"), Some((Wanted::Name, "wal_".to_owned())));
        assert_eq!(wanted("|\n"), Some((Wanted::Name, String::new())));
        assert_eq!(wanted("ssl =|"), Some((value("ssl", false), String::new())));
        assert_eq!(wanted("ssl o|n"), Some((value("ssl", false), "o".to_owned())));
        assert_eq!(wanted("x = 'r|"), Some((value("x", true), "r".to_owned())));
        assert_eq!(wanted("x = 'r' |"), None);
        assert_eq!(wanted("x = '12 k|"), Some((Wanted::Unit("x".to_owned()), "k".to_owned())));
        assert_eq!(wanted("x = 1 # pg|"), None);
        assert_eq!(wanted("x = 1 # pgconflint: ig|"), Some((Wanted::Directive, "ig".to_owned())));
        assert_eq!(wanted("# pgconflint: ignore[a, b-|"), Some((Wanted::Rule, "b-".to_owned())));
        assert_eq!(wanted("# pgconflint: ignore[a] w|"), None);
        assert_eq!(wanted("= 1|"), None);
    }

    #[test]
    fn what_may_be_written_in_pg_hba_conf() {
        let wanted = |text: &str| wanted_at(FileKind::Hba, text);
        let word = |column, connection: &str, method: &str, prefix: &str| {
            let line = Line { connection: connection.to_owned(), method: method.to_owned() };
            Some((Wanted::Word(column, line), prefix.to_owned()))
        };
        assert_eq!(wanted("local all all peer\nho|"), word(Column::Type, "", "", "ho"));
        assert_eq!(wanted("host |"), word(Column::Database, "host", "", ""));
        assert_eq!(wanted("host a,|"), word(Column::Database, "host", "", ""));
        assert_eq!(wanted("host a,b u|"), word(Column::User, "host", "", "u"));
        assert_eq!(wanted("local a b p|"), word(Column::Method, "local", "", "p"));
        assert_eq!(wanted("host a b 10.0.0.0/8 |"), word(Column::Method, "host", "", ""));
        assert_eq!(wanted("host a b 10.0.0.0 255.0.0.0 |"), word(Column::Method, "host", "", ""));
        assert_eq!(wanted("host a b 10.0.0.0 |"), word(Column::Mask, "host", "", ""));
        assert_eq!(wanted("host a \\\n b all cert c|"), word(Column::Option, "host", "cert", "c"));
        assert_eq!(wanted("host a \"b|"), None);
        let value = Some((Wanted::OptionValue("clientcert".to_owned()), "ver".to_owned()));
        assert_eq!(wanted("hostssl a b all cert clientcert=ver|"), value);
    }

    #[test]
    fn what_stands_at_a_place() {
        let at = |kind, text: &str| {
            let (source, offset) = marked(kind, text);
            let shown = |span: Span| String::from_utf8_lossy(span.of(&source.bytes)).into_owned();
            match at(&source, offset, Major::V16) {
                At::Name(span) => format!("name {}", shown(span)),
                At::Value(setting) => format!("value {} of {}", shown(setting.value.span), shown(setting.name)),
                At::Rule(span) => format!("rule {}", shown(span)),
                At::Word(word) => format!("{} {}", word.column.word(), shown(word.span)),
                At::Nothing => "nothing".to_owned(),
            }
        };
        assert_eq!(at(FileKind::Conf, "a = 1\nb|b = 2\n"), "name bb");
        assert_eq!(at(FileKind::Conf, "bb = 2|\n"), "value 2 of bb");
        assert_eq!(at(FileKind::Conf, "#bb| = 2\n"), "name bb");
        assert_eq!(at(FileKind::Conf, "# said bb| = 2\n"), "nothing");
        assert_eq!(at(FileKind::Conf, "bb| =\n"), "name bb");
        assert_eq!(at(FileKind::Conf, "b = 1 # pgconflint: ignore[x, y|-z] why\n"), "rule y-z");
        assert_eq!(at(FileKind::Hba, "# x\nhost all|,\"b\" c d e\n"), "database all");
        assert_eq!(at(FileKind::Hba, "local all all pe|er map=x"), "method peer");
        assert_eq!(at(FileKind::Hba, "local all all peer map=x|"), "option map=x");
        assert_eq!(at(FileKind::Ident, "m /^(.*)$ \\1|\n"), "database-user \\1");
    }
}
