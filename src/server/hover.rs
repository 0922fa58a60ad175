//! What a setting, a word of pg_hba.conf or the name of a rule means.

use std::fmt::Write as _;
use std::path::Path;

use gen_lsp_types::{Contents, Hover, MarkupContent, MarkupKind, Position};

use super::cursor::{AccessWord, At, Column, at};
use super::session::{Home, Known, Session};
use crate::catalog::access::{self, Access};
use crate::catalog::{Parameter, history, periods, recovery, tables};
use crate::model::settings::{Verdict, default};
use crate::run::explain;
use crate::source::{FileKind, Source, Span, display};
use crate::syntax::conf;
use crate::value::Value;
use crate::version::{Major, Targets};

impl Session<'_> {
    /// What there is to say of a place.
    pub fn hover(&self, path: &Path, position: Position) -> Option<Hover> {
        let (_, home, file) = self.open(path)?;
        let source = home.report.sources.get(file);
        let offset = self.encoding.offset(source, position);
        let version = home.version(path);
        let (span, text) = match at(source, offset, version.major) {
            At::Name(span) => (span, self.about_setting(path, home, source, span)?),
            At::Value(setting) => (setting.value.span, self.about_setting(path, home, source, setting.name)?),
            At::Rule(span) => {
                let id = String::from_utf8_lossy(span.of(&source.bytes)).into_owned();
                let page = home.project.as_ref()?.rules.pages().find(|page| page.id == id)?;
                (span, explain::of_rule(page))
            }
            At::Word(word) => (word.span, about_word(&word, version.major)?),
            At::Nothing => return None,
        };
        let contents = Contents::MarkupContent(MarkupContent { kind: MarkupKind::Markdown, value: text });
        Some(Hover { contents, range: Some(self.encoding.range(source, span)) })
    }

    fn about_setting(&self, path: &Path, home: &Home, source: &Source, name: Span) -> Option<String> {
        let written = String::from_utf8_lossy(name.of(&source.bytes)).into_owned();
        let targets = home.targets(path);
        if source.kind == FileKind::Recovery {
            return about_recovery(&written, home.version(path).major);
        }
        let mut text = about_parameter(&written, &targets)?;
        let known = self.known(path, home)?;
        if let Some(used) = self.used(&known, &written, path) {
            let _ = write!(text, "\n\n{used}");
        }
        Some(text)
    }

    /// Which value the server uses, and which line sets it.
    fn used(&self, known: &Known, name: &str, from: &Path) -> Option<String> {
        let settings = &known.reading.settings;
        let id = settings.catalog.find(name.as_bytes())?;
        let (parameter, major) = (settings.catalog.get(id), settings.catalog.version.major);
        let Some((_, judged)) = settings.winner(id) else {
            return Some(format!("PostgreSQL {} uses the default here.", settings.catalog.version));
        };
        let line = format!("{}:{}", self.near(&known.sources.get(judged.entry.file).path, from), judged.entry.line);
        Some(match &judged.verdict {
            Verdict::Set(value) => {
                // The name goes with the value, so that a secret is known as one.
                let shown = format!("{} = {}", parameter.name, display(&value.shown(parameter, major)));
                let shown = self.show.line(&shown);
                format!("PostgreSQL {} uses `{shown}` from {line}.", settings.catalog.version)
            }
            _ => format!("PostgreSQL {} refuses it in {line}.", settings.catalog.version),
        })
    }
}

impl Session<'_> {
    /// A path as seen from the directory of a file.
    fn near(&self, path: &Path, from: &Path) -> String {
        let beside = from.parent().and_then(|directory| path.strip_prefix(directory).ok());
        self.show.path(beside.unwrap_or(path))
    }
}

/// A parameter as the newest version that knows it has it, and since when and until when it is there.
pub fn about_parameter(name: &str, targets: &Targets) -> Option<String> {
    let known = periods(name, targets.versions());
    let all = Targets::all();
    let other = || periods(name, all.versions());
    let period = known.last().copied().or_else(|| other().last().copied())?;
    let parameter = period.parameter;
    let major = period.last.major;
    let mut text = format!("**{}**: {}", parameter.name, parameter.takes());
    if let Some(value) = default(parameter, major) {
        let _ = write!(text, ", default `{}`", shown(&value, parameter, major));
    }
    let _ = write!(text, "\n\n{}\n\n", parameter.short);
    let _ = write!(text, "Context `{}`: {}.", parameter.context, parameter.counts());
    if let Some((first, last)) = history(name) {
        let since = if first < Major::V9_4 { String::new() } else { format!(" From PostgreSQL {first} on.") };
        let until = if last >= Major::NEWEST { String::new() } else { format!(" Gone after PostgreSQL {last}.") };
        let _ = write!(text, "{since}{until}");
    }
    if known.is_empty() {
        let _ = write!(text, " **Not in PostgreSQL {targets}.**");
    }
    // Only where several versions are asked about is it of interest how they differ.
    for period in known.iter().rev().skip(1) {
        let versions = if period.first == period.last {
            period.first.to_string()
        } else {
            format!("{} to {}", period.first, period.last)
        };
        let value = default(period.parameter, period.last.major);
        let value = value.map(|value| format!(", default `{}`", shown(&value, period.parameter, period.last.major)));
        let _ = write!(
            text,
            "\n\nPostgreSQL {versions}: {}{}, context `{}`.",
            period.parameter.takes(),
            value.unwrap_or_default(),
            period.parameter.context
        );
    }
    Some(text)
}

/// A default as it may be written.
pub fn shown(value: &Value, parameter: &Parameter, major: Major) -> String {
    let text = display(&value.shown(parameter, major));
    if text.is_empty() { "''".to_owned() } else { text }
}

fn about_recovery(name: &str, major: Major) -> Option<String> {
    let known = recovery::find(name.as_bytes(), major)?;
    let later = if known.later.is_empty() { known.name } else { known.later };
    let mut text = format!("**{}**: {}", known.name, known.kind.takes());
    if known.purpose == recovery::Purpose::Mode {
        let _ = write!(text, "\n\nWhether the server is a standby. From 12 on the file `standby.signal` says so.");
    }
    if let Some(period) = periods(later, Targets::all().versions()).first() {
        let _ = write!(text, "\n\n{}\n\nFrom 12 on it is `{later}` in postgresql.conf.", period.parameter.short);
    }
    Some(text)
}

/// What a word of pg_hba.conf or pg_ident.conf means.
fn about_word(word: &AccessWord, major: Major) -> Option<String> {
    let column = word.column.word();
    let text = String::from_utf8_lossy(&word.text);
    let name = match word.column {
        Column::Option => text.split_once('=').map_or(&*text, |(name, _)| name),
        _ => &*text,
    };
    let meaning = Some(name).filter(|_| !word.quoted).and_then(|name| tables::hba_meaning(column, name));
    let Some(meaning) = meaning else {
        return Some(tables::hba_meaning("column", column)?.to_owned());
    };
    let mut said = format!("**{name}** ({column}): {meaning}");
    if word.column == Column::Method
        && let Some(method) = Access::shared(major).method(name.as_bytes())
    {
        let options = Access::shared(major).options.iter().filter(|option| option.methods.contains(&method.name));
        let options: Vec<String> = options.map(|option| format!("`{}`", option.name)).collect();
        let _ = write!(said, "\n\nIt asks for {}.", method.asks);
        if !options.is_empty() {
            let _ = write!(said, " Options: {}.", options.join(", "));
        }
    }
    let history = access::history(column, name.as_bytes());
    if let Some((since, until)) = history.filter(|(since, until)| *since > Major::V9_4 || until.is_some()) {
        let until = until.map_or_else(String::new, |until| format!(" to {until}"));
        let _ = write!(said, "\n\nFrom PostgreSQL {since}{until}.");
    }
    Some(said)
}

/// The text of a name as a file spells it, for what looks it up.
pub fn name_of(setting: &conf::Setting, bytes: &[u8]) -> String {
    String::from_utf8_lossy(setting.name.of(bytes)).into_owned()
}
