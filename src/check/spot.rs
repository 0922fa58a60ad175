//! A spot is what a check found; with its page it becomes a finding.

use std::borrow::Cow;
use std::path::Path;

use crate::check::access::Access;
use crate::check::revision::Base;
use crate::check::{Rules, fix};
use crate::finding::{Edit, Effect, Finding, Label, Severity};
use crate::model::recovery::Recovery;
use crate::model::settings::{Judged, Settings, Verdict};
use crate::model::tree::Tree;
use crate::names;
use crate::rule::expr::{Condition, Scope};
use crate::rule::page::{Page, Verb};
use crate::source::{FileId, FileKind, Files, Place, Sources, Span, display};
use crate::syntax::conf;
use crate::version::Major;

/// All that a check may look at.
pub struct View<'a> {
    /// The disk, for directories and files that are not configuration.
    pub files: &'a dyn Files,
    /// The bytes.
    pub sources: &'a Sources,
    /// What was read, in order.
    pub tree: &'a Tree,
    /// What the target version makes of it.
    pub settings: &'a Settings<'a>,
    /// What it makes of recovery.conf, up to 11 and where there is one.
    pub recovery: Option<&'a Recovery>,
    /// The pages.
    pub rules: &'a Rules,
    /// Whether the same is asked of several versions.
    pub several: bool,
    /// pg_hba.conf and pg_ident.conf, where they were read.
    pub access: &'a Access,
    /// The other revision, where there is one to compare with.
    pub base: Option<&'a Base<'a>>,
    /// The major that the node runs now, where that is said.
    pub from: Option<Major>,
    /// See [`View::data_directory`].
    pub data_is_here: bool,
}

/// What a check found.
#[derive(Clone, Debug)]
pub struct Spot {
    /// The id of the page.
    pub rule: Cow<'static, str>,
    /// Where.
    pub place: Place,
    /// What the place is, said beside it.
    pub label: String,
    /// What the placeholders of the page stand for.
    pub words: Vec<(&'static str, String)>,
    /// Further places.
    pub related: Vec<Label>,
    /// The setting it is about.
    pub subject: Option<String>,
    /// The server's own message.
    pub server: Option<String>,
    /// The line it is about, where it is about one: fixes work on it.
    pub line: Option<usize>,
    /// Edits, where the page leaves them to the check.
    pub edits: Vec<Edit>,
    /// Whether the page does not hold here, though it fires: the severity is at most this.
    pub at_most: Option<Severity>,
    /// Whether what the page says of servers need not happen here.
    pub is_unsure: bool,
    /// Whether it matters more here than the page says: the severity is at least this.
    pub at_least: Option<Severity>,
}

impl Spot {
    /// A spot of that rule at that place.
    pub fn new(rule: impl Into<Cow<'static, str>>, place: Place) -> Spot {
        Spot {
            rule: rule.into(),
            place,
            label: String::new(),
            words: Vec::new(),
            related: Vec::new(),
            subject: None,
            server: None,
            line: None,
            edits: Vec::new(),
            at_most: None,
            is_unsure: false,
            at_least: None,
        }
    }

    /// Says what stands there.
    pub fn label(mut self, label: impl Into<String>) -> Spot {
        self.label = label.into();
        self
    }

    /// Gives a placeholder its meaning.
    pub fn word(mut self, name: &'static str, meaning: impl Into<String>) -> Spot {
        self.words.push((name, meaning.into()));
        self
    }

    /// Adds a place.
    pub fn related(mut self, place: Place, message: impl Into<String>) -> Spot {
        self.related.push(Label { place, message: message.into() });
        self
    }

    /// Names the setting.
    pub fn subject(mut self, name: impl Into<String>) -> Spot {
        self.subject = Some(name.into());
        self
    }

    /// Quotes the server.
    pub fn server(mut self, words: impl Into<String>) -> Spot {
        self.server = Some(words.into());
        self
    }

    /// Replaces the bytes of `place`.
    pub fn edit(mut self, place: Place, text: impl Into<Vec<u8>>) -> Spot {
        self.edits.push(Edit { place, text: text.into() });
        self
    }
}

impl<'a> View<'a> {
    /// The data directory where it is at hand, by its PG_VERSION or because it was named: what is not in it is missing.
    pub fn data_directory(&self) -> Option<&'a Path> {
        self.data_is_here.then_some(self.tree.data_directory.as_path())
    }

    /// A setting's line: index into [`Settings::judged`] and the line itself.
    pub fn lines(&self) -> impl Iterator<Item = (usize, &'a Judged)> {
        self.settings.judged.iter().enumerate()
    }

    /// The name as the file spells it.
    pub fn spelled(&self, judged: &Judged) -> String {
        display(self.sources.text(judged.entry.name()))
    }

    /// The value as the server keeps it, as text for messages.
    pub fn value(&self, judged: &Judged) -> String {
        display(&self.value_bytes(judged))
    }

    /// The value as the server keeps it.
    pub fn value_bytes(&self, judged: &Judged) -> Cow<'a, [u8]> {
        conf::value(judged.entry.setting.value, &self.sources.get(judged.entry.file).bytes)
    }

    /// A spot about a line: name, value, subject and line are filled in.
    pub fn about(&self, rule: impl Into<Cow<'static, str>>, index: usize, place: Place) -> Spot {
        let judged = &self.settings.judged[index];
        let subject =
            judged.parameter.map_or_else(|| self.spelled(judged), |id| self.settings.catalog.get(id).name.to_string());
        let mut spot = Spot::new(rule, place)
            .word("name", self.spelled(judged))
            .word("value", self.value(judged))
            .word("pg", self.version_word())
            .subject(subject);
        spot.line = Some(index);
        spot
    }

    /// `postgresql.conf:12`, or `line 12` where it is in the same file as `beside`.
    pub fn line_name(&self, judged: &Judged, beside: FileId) -> String {
        let line = judged.entry.line;
        if judged.entry.file == beside {
            return line.to_string();
        }
        let path = &self.tree.visits[judged.entry.visit as usize].path;
        let name =
            path.file_name().map_or_else(|| path.display().to_string(), |name| name.to_string_lossy().into_owned());
        format!("{name}:{line}")
    }

    /// What `{pg}` stands for: the version, or itself as long as it is not known for which it holds.
    pub fn version_word(&self) -> String {
        if self.several { crate::check::PG.to_string() } else { self.settings.catalog.version.to_string() }
    }

    /// The beginning of the main file, for what is about the file as a whole.
    pub fn top(&self) -> Option<Place> {
        let file = self.tree.visits.first()?.file?;
        Some(Place { file, span: Span::new(0, 0) })
    }
}

/// A spot for a condition that holds: at the first line that sets a parameter named in it.
pub fn of_condition(view: &View, page: &Page, condition: &Condition) -> Spot {
    let mut lines = Vec::new();
    let mut words = Vec::new();
    for name in condition.names() {
        let Some(id) = view.settings.catalog.find(name.as_bytes()) else { continue };
        let parameter = view.settings.catalog.get(id);
        let shown = view.settings.value(name).map(|value| value.shown(parameter, view.settings.catalog.version.major));
        let shown = display(&shown.unwrap_or_default());
        match view.settings.winner(id) {
            Some((index, _)) => {
                lines.push((index, format!("`{}` is {shown}", parameter.name)));
                words.push((parameter.name, shown));
            }
            None if parameter.is_internal() => {
                let initdb = view.settings.initdb;
                let is_known = match parameter.name {
                    names::WAL_SEGMENT_SIZE => initdb.wal_segment_size.is_some(),
                    names::DATA_CHECKSUMS => initdb.data_checksums.is_some(),
                    _ => false,
                };
                words.push((parameter.name, if is_known { shown } else { format!("{shown} (assumed)") }));
            }
            None => words.push((parameter.name, format!("{shown} (default)"))),
        }
    }
    let top = view.top().unwrap_or(Place { file: FileId(0), span: Span::default() });
    let mut spot = match lines.first() {
        Some((index, label)) => {
            let entry = view.settings.judged[*index].entry;
            let mut spot = view.about(page.id.clone(), *index, entry.value()).label(label.clone());
            spot.words.clear();
            spot
        }
        None => Spot::new(page.id.clone(), top),
    };
    for (index, label) in lines.into_iter().skip(1) {
        spot = spot.related(view.settings.judged[index].entry.value(), label);
    }
    spot.words.push(("pg", view.version_word()));
    spot.words.extend(words);
    spot
}

/// The same of a condition about a primary and its standby: at the first line of the standby that sets a parameter
/// named in it, else of the primary. Whether it is the standby's.
pub fn of_pair(primary: &View, standby: &View, page: &Page, condition: &Condition) -> (bool, Spot) {
    let scope = Scope { own: standby.settings, primary: Some(primary.settings), standby: Some(standby.settings) };
    let mut places = Vec::new();
    let mut words = Vec::new();
    for spelled in condition.names() {
        let Some((settings, name)) = scope.whose(spelled) else { continue };
        let Some(id) = settings.catalog.find(name.as_bytes()) else { continue };
        let parameter = settings.catalog.get(id);
        let shown = settings.value(name).map(|value| value.shown(parameter, settings.catalog.version.major));
        let shown = display(&shown.unwrap_or_default());
        let is_standby = std::ptr::eq(settings, standby.settings);
        let word = if is_standby { "has" } else { "wanted" };
        match settings.winner(id) {
            Some((_, judged)) => {
                places.push((is_standby, judged.entry.value(), format!("`{}` is {shown}", parameter.name)));
                words.push((word, shown));
            }
            None => words.push((word, format!("{shown} (default)"))),
        }
    }
    places.sort_by_key(|(is_standby, ..)| !is_standby);
    let mut places = places.into_iter();
    let (is_standby, mut spot) = match places.next() {
        Some((is_standby, place, label)) => (is_standby, Spot::new(page.id.clone(), place).label(label)),
        None => {
            let top = standby.top().or(primary.top()).unwrap_or(Place { file: FileId(0), span: Span::default() });
            (standby.top().is_some(), Spot::new(page.id.clone(), top))
        }
    };
    spot.related = places.map(|(_, place, message)| Label { place, message }).collect();
    spot.words.push(("pg", standby.version_word()));
    spot.words.extend(words);
    (is_standby, spot)
}

/// The finding that a page makes of a spot.
pub fn finding(view: &View, page: &Page, spot: Spot) -> Finding {
    let version = view.settings.catalog.version;
    let mut severity = match page.severity.as_ref() {
        "error" => Severity::Error,
        "warning" => Severity::Warning,
        _ => Severity::Info,
    };
    if spot.subject.as_ref().is_some_and(|subject| page.louder.iter().any(|name| name == subject)) {
        severity = severity.max(Severity::Warning);
    }
    if let Some(at_least) = spot.at_least {
        severity = severity.max(at_least);
    }
    if let Some(at_most) = spot.at_most {
        severity = severity.min(at_most);
    }
    let fix = page.fix.as_ref().and_then(|mend| fix::of(view, &mend.verb, mend.safe, &spot));
    let says = spot.server.clone().or_else(|| match (&spot.line, page.server.as_ref()) {
        (Some(line), "refuses") => refusal(view, *line),
        _ => None,
    });
    let label = if spot.label.is_empty() { default_label(page) } else { spot.label.clone() };
    Finding {
        rule: page.id.clone(),
        severity,
        message: cut(fill(&page.title, &spot.words)),
        server: says.map(cut),
        help: page.help.as_ref().and_then(|help| sentences(help, &spot.words)).map(cut),
        docs: page.docs.clone(),
        place: spot.place,
        label: cut(label),
        related: spot.related,
        subject: spot.subject,
        pg: vec![version.major],
        fix,
        effect: effect(page, severity, view.sources.get(spot.place.file).kind).filter(|_| !spot.is_unsure),
    }
}

/// The one page about maps for which a server does not start.
const ENDS_BY_MAPS: &str = "ident-include-loop";

/// What a fault keeps servers from, as its page says.
fn effect(page: &Page, severity: Severity, kind: FileKind) -> Option<Effect> {
    match page.server.as_ref() {
        _ if severity < Severity::Error => None,
        // A server starts without the maps that it cannot read, unless reading them ends it.
        "refuses" => (kind != FileKind::Ident || page.id == ENDS_BY_MAPS).then_some(Effect::Refuses),
        "no-stream" => Some(Effect::NoStream),
        "not-a-standby" => Some(Effect::NotAStandby),
        "commits-hang" => Some(Effect::CommitsHang),
        _ => None,
    }
}

/// A text of a length that people read: a file may hold a word of megabytes.
fn cut(mut text: String) -> String {
    const MOST: usize = 400;
    if text.len() > MOST {
        text.truncate(text.floor_char_boundary(MOST));
        text.push('…');
    }
    text
}

/// The server's words for a line that it refuses.
fn refusal(view: &View, line: usize) -> Option<String> {
    let judged = &view.settings.judged[line];
    match &judged.verdict {
        Verdict::Refused(why) => Some(crate::model::transcript::refusal(view.settings, judged, why, view.sources).text),
        _ => None,
    }
}

fn default_label(page: &Page) -> String {
    match page.fix.as_ref().map(|mend| &mend.verb) {
        Some(Verb::Remove) => "this line".to_string(),
        _ => "here".to_string(),
    }
}

/// The sentences of a text whose placeholders all have something to stand for, filled in.
fn sentences(text: &str, words: &[(&'static str, String)]) -> Option<String> {
    let lines = text.replace(". ", ".\n").replace("? ", "?\n");
    let filled: Vec<String> =
        lines.lines().filter(|sentence| is_filled(sentence, words)).map(|sentence| fill(sentence, words)).collect();
    let filled = filled.join(" ");
    // The last one ends without a full stop, whichever that is.
    let filled = if text.ends_with('.') { &filled } else { filled.strip_suffix('.').unwrap_or(&filled) };
    (!filled.is_empty()).then(|| filled.to_owned())
}

/// Whether every placeholder has something to stand for.
fn is_filled(text: &str, words: &[(&'static str, String)]) -> bool {
    let names = text.split('{').skip(1).filter_map(|rest| rest.split_once('}')).map(|(name, _)| name);
    let mut names = names.filter(|name| name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'));
    names.all(|name| words.iter().any(|(known, meaning)| *known == name && !meaning.is_empty()))
}

/// The text with its `{placeholders}` filled in; unknown ones stay.
pub fn fill(text: &str, words: &[(&'static str, String)]) -> String {
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(open) = rest.find('{') {
        filled.push_str(&rest[..open]);
        rest = &rest[open..];
        let Some(close) = rest.find('}') else { break };
        let name = &rest[1..close];
        match words.iter().find(|(known, _)| *known == name) {
            Some((_, meaning)) => filled.push_str(meaning),
            None => filled.push_str(&rest[..=close]),
        }
        rest = &rest[close + 1..];
    }
    filled.push_str(rest);
    filled
}
