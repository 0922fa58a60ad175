//! Where what is written comes from: the line that wins, the file that is included, the map that is meant.

use std::path::Path;

use gen_lsp_types::{DocumentSymbol, Location, Position, Range, SymbolKind};

use super::cursor::{AccessWord, At, Column, at};
use super::hover::name_of;
use super::session::{Home, Known, Session};
use crate::model::tree::Entry;
use crate::names;
use crate::source::{FileId, FileKind, Place, Source, Span, display};
use crate::syntax::conf::{self, Content};
use crate::syntax::hba::{self, Dialect};

impl Session<'_> {
    /// Where what stands at a place comes from.
    pub fn definition(&self, path: &Path, position: Position) -> Vec<Location> {
        let found = || {
            let (_, home, file) = self.open(path)?;
            let source = home.report.sources.get(file);
            let offset = self.encoding.offset(source, position);
            let known = self.known(path, home)?;
            match at(source, offset, home.version(path).major) {
                At::Name(span) => self.winner(&known, source, span),
                At::Value(setting) => {
                    let files = self.files_named(&known, &setting);
                    if files.is_empty() { self.winner(&known, source, setting.name) } else { Some(files) }
                }
                At::Word(word) => Some(self.pulled(&known, &word)),
                At::Rule(_) | At::Nothing => None,
            }
        };
        found().unwrap_or_default()
    }

    /// The line that sets the parameter of that name.
    fn winner(&self, known: &Known, source: &Source, name: Span) -> Option<Vec<Location>> {
        let name = name.of(&source.bytes);
        if let (FileKind::Recovery, Some(recovery)) = (source.kind, &known.reading.recovery) {
            let spelled = |entry: &Entry| known.sources.text(entry.name()) == name;
            let last = recovery.lines.iter().rev().find(|line| spelled(&line.entry))?;
            return Some(vec![self.place(known, last.entry.file, last.entry.place().span)]);
        }
        let settings = &known.reading.settings;
        let (_, judged) = settings.winner(settings.catalog.find(name)?)?;
        Some(vec![self.place(known, judged.entry.file, judged.entry.place().span)])
    }

    /// The files that an include, or a setting whose value is a file of the node, leads to.
    fn files_named(&self, known: &Known, setting: &conf::Setting) -> Vec<Location> {
        let Some(file) = known.file else { return Vec::new() };
        let at = |place: Option<Place>| {
            place.is_some_and(|place| {
                place.file == file && place.span.start <= setting.name.start && setting.name.start < place.span.end
            })
        };
        let visits = known.reading.tree.visits.iter().filter(|visit| at(visit.included_at));
        let included: Vec<Location> = visits.map(|visit| self.top(&visit.path)).collect();
        if !included.is_empty() {
            return included;
        }
        let name = name_of(setting, &known.sources.get(file).bytes).to_ascii_lowercase();
        let access = &known.reading.access;
        let main = match name.as_str() {
            names::HBA_FILE => access.hba.as_ref().and_then(|hba| hba.main),
            names::IDENT_FILE => access.ident.as_ref().and_then(|ident| ident.main),
            _ => None,
        };
        main.map(|main| vec![self.top(&known.sources.get(main).path)]).unwrap_or_default()
    }

    /// What a word of pg_hba.conf leads to: the file that it pulls in, or the lines of the map that it names.
    fn pulled(&self, known: &Known, word: &AccessWord) -> Vec<Location> {
        let access = &known.reading.access;
        let hba = access.hba.iter().flat_map(|hba| &hba.pulled);
        let pulled = hba.chain(access.ident.iter().flat_map(|ident| &ident.pulled));
        let of_word = |place: Place| Some(place.file) == known.file && place.span == word.span;
        let files: Vec<Location> =
            pulled.filter(|pulled| of_word(pulled.place)).map(|pulled| self.top(&pulled.path)).collect();
        if !files.is_empty() || word.column != Column::Option {
            return files;
        }
        let map = word.text.strip_prefix(names::MAP.as_bytes()).and_then(|rest| rest.strip_prefix(b"="));
        let (Some(map), Some(ident)) = (map, &access.ident) else { return Vec::new() };
        let lines = ident.mappings().filter(|(_, mapping)| mapping.map.text == map);
        lines.map(|(_, mapping)| self.place(known, mapping.map.place.file, mapping.map.place.span)).collect()
    }

    fn place(&self, known: &Known, file: FileId, span: Span) -> Location {
        let source = known.sources.get(file);
        Location { uri: self.uri(&source.path), range: self.encoding.range(source, span) }
    }

    fn top(&self, path: &Path) -> Location {
        Location { uri: self.uri(path), range: Range::default() }
    }

    /// The settings or records of a file, in order.
    pub fn symbols(&self, path: &Path) -> Vec<DocumentSymbol> {
        let Some((_, home, file)) = self.open(path) else { return Vec::new() };
        let source = home.report.sources.get(file);
        match source.kind {
            FileKind::Conf | FileKind::Recovery => self.settings(source),
            FileKind::Hba | FileKind::Ident | FileKind::Hosts => self.records(source, home, path),
        }
    }

    fn settings(&self, source: &Source) -> Vec<DocumentSymbol> {
        let bytes = &source.bytes;
        let settings = conf::lines(bytes).filter_map(|line| match line.content {
            Content::Setting(setting) => Some(setting),
            _ => None,
        });
        let symbol = |setting: conf::Setting| {
            let name = name_of(&setting, bytes);
            let is_include = name.to_ascii_lowercase().starts_with(names::INCLUDE);
            // The name goes with the value, so that a secret is known as one.
            let line = format!("{name} = {}", display(&conf::value(setting.value, bytes)));
            let line = self.show.line(&line);
            let detail = line.split_once(" = ").map(|(_, value)| value.to_owned());
            let whole = Span::new(setting.name.start, setting.value.span.end);
            self.symbol(
                source,
                name,
                detail,
                if is_include { SymbolKind::File } else { SymbolKind::Property },
                whole,
                setting.name,
            )
        };
        settings.map(symbol).collect()
    }

    fn records(&self, source: &Source, home: &Home, path: &Path) -> Vec<DocumentSymbol> {
        let dialect = Dialect::of(home.version(path).major);
        let records = hba::lines(&source.bytes, &dialect).filter(|line| !line.fields.is_empty());
        let symbol = |line: hba::Line| {
            let fields: Vec<String> = line.fields.iter().map(|field| display(field.span().of(&source.bytes))).collect();
            let first = line.fields[0].span();
            let whole = Span::new(first.start, line.fields[line.fields.len() - 1].span().end);
            let text = self.show.line(&fields.join(" "));
            self.symbol(source, text, None, SymbolKind::Key, whole, first)
        };
        records.map(symbol).collect()
    }

    fn symbol(
        &self,
        source: &Source,
        name: String,
        detail: Option<String>,
        kind: SymbolKind,
        whole: Span,
        own: Span,
    ) -> DocumentSymbol {
        DocumentSymbol {
            name,
            detail,
            kind,
            range: self.encoding.range(source, whole),
            selection_range: self.encoding.range(source, own),
            tags: None,
            #[allow(deprecated)]
            deprecated: None,
            children: None,
        }
    }
}
