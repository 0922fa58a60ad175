//! What may be written at a place: names, values, units, words of pg_hba.conf, rules.

use std::path::Path;

use gen_lsp_types::{
    CompletionItem, CompletionItemKind, CompletionItemTextEdit, Documentation, MarkupContent, MarkupKind, Position,
    TextEdit,
};

use super::cursor::{Column, Line, Wanted, wanted};
use super::hover::shown;
use super::session::{Home, Session};
use crate::catalog::access::{Access, Method, OptionWord, Where, key_words};
use crate::catalog::{Catalog, Kind, Parameter, recovery, tables};
use crate::model::settings::default;
use crate::names;
use crate::source::FileKind;
use crate::value::number;
use crate::version::{Major, PgVersion};

/// A word that may be written.
struct Choice {
    word: String,
    kind: CompletionItemKind,
    detail: String,
    help: String,
}

impl Choice {
    fn new(word: &str, kind: CompletionItemKind, detail: &str, help: &str) -> Choice {
        Choice { word: word.to_owned(), kind, detail: detail.to_owned(), help: help.to_owned() }
    }
}

impl Session<'_> {
    /// What may be written at a place.
    pub fn completion(&self, path: &Path, position: Position) -> Vec<CompletionItem> {
        let Some((_, home, file)) = self.open(path) else { return Vec::new() };
        let source = home.report.sources.get(file);
        let offset = self.encoding.offset(source, position);
        let version = home.version(path);
        let Some((wanted, span)) = wanted(source, offset, version.major) else { return Vec::new() };
        let range = self.encoding.range(source, span);
        let choices = choices(&wanted, source.kind, version, home);
        let item = |choice: Choice| CompletionItem {
            label: choice.word.clone(),
            kind: Some(choice.kind),
            detail: Some(choice.detail).filter(|detail| !detail.is_empty()),
            documentation: Some(choice.help)
                .filter(|help| !help.is_empty())
                .map(|value| Documentation::MarkupContent(MarkupContent { kind: MarkupKind::Markdown, value })),
            text_edit: Some(CompletionItemTextEdit::TextEdit(TextEdit { range, new_text: choice.word })),
            ..CompletionItem::default()
        };
        choices.into_iter().map(item).collect()
    }
}

fn choices(wanted: &Wanted, kind: FileKind, version: PgVersion, home: &Home) -> Vec<Choice> {
    let catalog = Catalog::shared(version);
    let parameter = |name: &str| catalog.find(name.as_bytes()).map(|id| catalog.get(id));
    match wanted {
        Wanted::Name if kind == FileKind::Recovery => recovery_names(version.major),
        Wanted::Name => setting_names(catalog),
        Wanted::Value(name, _) if kind == FileKind::Recovery => recovery_values(name, version.major),
        Wanted::Value(name, quoted) => parameter(name).map(|found| values(found, *quoted)).unwrap_or_default(),
        Wanted::Unit(name) => parameter(name).map(|found| units(found, version.major)).unwrap_or_default(),
        Wanted::Word(column, line) => words(*column, line, version.major),
        Wanted::OptionValue(option) => {
            let words = Access::shared(version.major).values(option);
            words.into_iter().map(|word| Choice::new(word, CompletionItemKind::EnumMember, option, "")).collect()
        }
        Wanted::Rule => rules(home),
        Wanted::Directive => {
            let said = [
                ("ignore[", "a rule that is not reported on this line"),
                ("ignore-file[", "a rule that is not reported in this file"),
                ("pg=", "the version that the file is for"),
                ("role=", "primary or standby"),
            ];
            said.map(|(word, detail)| Choice::new(word, CompletionItemKind::Keyword, detail, "")).into()
        }
    }
}

fn setting_names(catalog: &Catalog) -> Vec<Choice> {
    let major = catalog.version.major;
    let settable = catalog.iter().filter(|(_, parameter)| parameter.settable && !parameter.is_internal());
    let names = settable.map(|(_, parameter)| {
        let value = default(parameter, major).map(|value| format!(", default {}", shown(&value, parameter, major)));
        let detail = format!("{}{}", parameter.takes(), value.unwrap_or_default());
        Choice::new(parameter.name, CompletionItemKind::Property, &detail, parameter.short)
    });
    let includes = [names::INCLUDE, names::INCLUDE_IF_EXISTS, names::INCLUDE_DIR];
    let includes = includes.map(|name| {
        let help = tables::hba_meaning("type", name).unwrap_or_default().replace(", from 16 on", "");
        Choice::new(name, CompletionItemKind::Keyword, "", &help)
    });
    names.chain(includes).collect()
}

fn recovery_names(major: Major) -> Vec<Choice> {
    let known = recovery::names().iter().filter(|name| name.is_known_to(major));
    known.map(|name| Choice::new(name.name, CompletionItemKind::Property, &name.kind.takes(), "")).collect()
}

fn recovery_values(name: &str, major: Major) -> Vec<Choice> {
    let words = match recovery::find(name.as_bytes(), major).map(|name| name.kind) {
        Some(recovery::Kind::Bool) => "on|off",
        Some(recovery::Kind::Words(words, _)) => words,
        Some(recovery::Kind::Timeline) => "latest",
        _ => return Vec::new(),
    };
    words.split('|').map(|word| Choice::new(word, CompletionItemKind::EnumMember, "", "")).collect()
}

fn values(parameter: &Parameter, quoted: bool) -> Vec<Choice> {
    let choice = |word: &str| {
        // The scanner takes letters, digits and a few marks for one word; anything else needs quotes.
        let is_plain = word.starts_with(|char: char| char.is_ascii_alphabetic())
            && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._:/".contains(&byte));
        let word = if quoted || is_plain { word.to_owned() } else { format!("'{word}'") };
        Choice::new(&word, CompletionItemKind::EnumMember, parameter.name, "")
    };
    match parameter.kind {
        Kind::Bool => ["on", "off"].map(choice).into(),
        Kind::Enum => parameter.words().filter(|word| word.listed).map(|word| choice(word.word)).collect(),
        Kind::Integer | Kind::Real | Kind::String => Vec::new(),
    }
}

fn units(parameter: &Parameter, major: Major) -> Vec<Choice> {
    let units = parameter.unit.map(|unit| number::unit_words(unit, major)).unwrap_or_default();
    units.into_iter().map(|unit| Choice::new(unit, CompletionItemKind::Unit, parameter.name, "")).collect()
}

fn rules(home: &Home) -> Vec<Choice> {
    let Some(project) = &home.project else { return Vec::new() };
    let titled = |page: &crate::rule::Page| {
        Choice::new(&page.id, CompletionItemKind::Reference, &page.severity, &page.headline())
    };
    project.rules.pages().map(titled).collect()
}

fn words(column: Column, line: &Line, major: Major) -> Vec<Choice> {
    let known = Access::shared(major);
    let meaning = |word: &str| tables::hba_meaning(column.word(), word).unwrap_or_default();
    let keyword = |word: &'static str| Choice::new(word, CompletionItemKind::Keyword, "", meaning(word));
    match column {
        Column::Type => {
            let includes = [names::INCLUDE, names::INCLUDE_IF_EXISTS, names::INCLUDE_DIR];
            let includes = includes.into_iter().filter(|_| major >= Major::V16);
            known.types.iter().map(|known| known.name).chain(includes).map(keyword).collect()
        }
        Column::Database => key_words("db").map(keyword).collect(),
        Column::User => key_words("user").map(keyword).collect(),
        Column::Address => key_words("address").map(keyword).collect(),
        Column::Method => {
            let fits = |method: &&Method| match method.place {
                Where::Anywhere => true,
                Where::Only(connection) => connection == line.connection,
                Where::Not(connection) => connection != line.connection,
            };
            known.methods.iter().filter(fits).map(|method| keyword(method.name)).collect()
        }
        Column::Option => {
            let fits = |option: &&OptionWord| match option.methods.as_slice() {
                [] => line.connection == option.said,
                methods => methods.contains(&line.method.as_str()),
            };
            let choice = |option: &OptionWord| {
                Choice::new(
                    &format!("{}=", option.name),
                    CompletionItemKind::Property,
                    option.said,
                    meaning(option.name),
                )
            };
            known.options.iter().filter(fits).map(choice).collect()
        }
        Column::Mask | Column::Map | Column::System | Column::DatabaseUser => Vec::new(),
    }
}
