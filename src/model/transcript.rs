//! What a server would print on reading its configuration: the log of a start, the rows of
//! pg_file_settings, and the messages of the query that made them (facts A3, A4, A6, A7).

mod abandoned;
mod view;

pub use view::view;

use abandoned::{Said, said};

use std::path::Path;

use crate::model::path;
use crate::model::settings::{Judged, Settings, Verdict};
use crate::model::tree::{Fault, FaultKind, Tree};
use crate::names;
use crate::source::Sources;
use crate::syntax::conf;
use crate::value::{Grammar, Refusal};
use crate::version::Major;

/// The server gives a file up after so many syntax errors at a start; the view after the first.
const SYNTAX_ERRORS_AT_START: usize = 100;

/// A message of the server.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Message {
    /// The message itself.
    pub text: String,
    /// DETAIL
    pub detail: Option<String>,
    /// HINT
    pub hint: Option<String>,
    /// File and line, where it has one.
    pub place: Option<(Vec<u8>, u32)>,
}

/// The reading of the configuration at a start, as `postgres -C` does it.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Start {
    /// Whether it got through.
    pub ok: bool,
    /// Its lines: `LOG:  …`, `DETAIL:  …`, `HINT:  …`, `FATAL:  …`.
    pub log: Vec<String>,
    /// The refusals of the stage that the server reached.
    pub refusals: Vec<Message>,
}

/// A row of pg_file_settings.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Row {
    /// sourcefile
    pub file: Vec<u8>,
    /// sourceline
    pub line: u32,
    /// name; none for a line that could not be read
    pub name: Option<Vec<u8>>,
    /// setting
    pub setting: Option<Vec<u8>>,
    /// applied
    pub applied: bool,
    /// error
    pub error: Option<String>,
}

/// What a query of pg_file_settings shows, and the messages it leaves at debug level.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct View {
    /// In the order of reading.
    pub rows: Vec<Row>,
    /// In the order in which they are said.
    pub messages: Vec<Message>,
}

/// The log of a start, as far as reading the configuration goes.
pub fn start(tree: &Tree, settings: &Settings, sources: &Sources) -> Start {
    let mut start = Start::default();
    let main = tree.visits.first().map(|visit| shown(&visit.path)).unwrap_or_default();
    // The first pass looks for the data directory only, the second reads all of it once more.
    let mut faults = said(tree, tree.items.iter().take(tree.auto_from), SYNTAX_ERRORS_AT_START, sources);
    if start.hears(&faults, &main) {
        return start;
    }
    faults.extend(said(tree, tree.items.iter().skip(tree.auto_from), SYNTAX_ERRORS_AT_START, sources));
    if start.hears(&faults, names::AUTO_CONF) {
        return start;
    }
    let unknown = unknown(tree, settings, sources);
    // Names are all looked up before the first value is read.
    let stops = settings.second_target.filter(|_| unknown.is_empty());
    let refused = if unknown.is_empty() { refused(tree, settings, sources) } else { unknown };
    let ends = |at: usize| matches!(&settings.judged[at].verdict, Verdict::Refused(why) if why.ends);
    for (at, message) in refused.iter().filter(|(at, _)| stops.is_none_or(|second| *at < second)) {
        if ends(*at) {
            start.says("FATAL", message);
            let heard = refused.iter().take_while(|(index, _)| index <= at);
            start.refusals = heard.map(|(_, message)| message.clone()).collect();
            return start;
        }
        let mut message = message.clone();
        if let Some(warning) = warning(settings, &settings.judged[*at], &mut message, sources) {
            start.says("WARNING", &warning);
        }
        start.says("LOG", &message);
    }
    start.refusals = refused.iter().map(|(_, message)| message.clone()).collect();
    if let Some(at) = stops {
        let message = second_target(tree, settings, at);
        start.says("FATAL", &message);
        start.refusals.retain(|refusal| refused.iter().any(|(index, message)| message == refusal && *index < at));
        start.refusals.push(message);
    } else if let Some((_, last)) = refused.last() {
        let file = last.place.as_ref().map(|(file, _)| String::from_utf8_lossy(file).into_owned()).unwrap_or_default();
        start.fatal(&format!("configuration file \"{file}\" contains errors"));
    } else {
        start.ok = true;
    }
    start
}

/// The message for a refusal of that line.
pub fn refusal(settings: &Settings, judged: &Judged, refusal: &Refusal, sources: &Sources) -> Message {
    let spelled = String::from_utf8_lossy(sources.text(judged.entry.name()));
    let canonical = judged.parameter.map(|id| settings.catalog.get(id).name);
    let name = match canonical {
        Some(canonical) if settings.catalog.version.major >= Major::V18 => canonical,
        _ => &spelled,
    };
    let value = conf::value(judged.entry.setting.value, &sources.get(judged.entry.file).bytes);
    let text = refusal
        .message
        .clone()
        .unwrap_or_else(|| format!("invalid value for parameter \"{name}\": \"{}\"", String::from_utf8_lossy(&value)));
    Message { text, detail: refusal.detail.clone(), hint: refusal.hint.clone(), place: None }
}

/// The words for a fault that was met while reading files.
pub fn fault_text(tree: &Tree, fault: &Fault, sources: &Sources) -> String {
    let visited = tree.visits.get(fault.visit as usize).map(|visit| shown(&visit.path)).unwrap_or_default();
    match &fault.kind {
        FaultKind::Syntax(broken) => match (broken.near, fault.place) {
            (Some(near), Some(place)) => {
                let token = near.of(&sources.get(place.file).bytes);
                let token = token.split(|byte| *byte == 0).next().expect("split yields one");
                let token = String::from_utf8_lossy(token);
                format!("syntax error in file \"{visited}\" line {}, near token \"{token}\"", fault.line)
            }
            _ => format!("syntax error in file \"{visited}\" line {}, near end of line", fault.line),
        },
        FaultKind::CannotOpen(path, error) => format!("could not open configuration file \"{}\": {error}", shown(path)),
        FaultKind::NotAFile(path) => format!("input in flex scanner failed at file \"{}\" line 1", shown(path)),
        FaultKind::CannotOpenDirectory(path, error) => {
            format!("could not open configuration directory \"{}\": {error}", shown(path))
        }
        FaultKind::Skipped(path, _) => format!("skipping missing configuration file \"{}\"", shown(path)),
        FaultKind::EmptyFileName(name) => {
            format!("empty configuration file name: \"{}\"", String::from_utf8_lossy(name))
        }
        FaultKind::EmptyDirectoryName(name) => {
            format!("empty configuration directory name: \"{}\"", String::from_utf8_lossy(name))
        }
        FaultKind::Recursion(path) => format!("configuration file recursion in \"{}\"", shown(path)),
        FaultKind::TooDeep(name) => format!(
            "could not open configuration file \"{}\": maximum nesting depth exceeded",
            String::from_utf8_lossy(name)
        ),
        FaultKind::Endless(path) => {
            format!("exceeded maxAllocatedDescs ($N) while trying to open file \"{}\"", shown(path))
        }
    }
}

impl Start {
    /// Logs faults; whether they end the start.
    fn hears(&mut self, faults: &[Said], file: &str) -> bool {
        for said in faults {
            if said.ends {
                self.fatal(&said.message.text);
                self.refusals.push(said.message.clone());
                return true;
            }
            self.says("LOG", &said.message);
        }
        let refusals = faults.iter().filter(|said| said.refuses).map(|said| said.message.clone());
        self.refusals = refusals.collect();
        if !self.refusals.is_empty() {
            self.fatal(&format!("configuration file \"{file}\" contains errors"));
        }
        !self.refusals.is_empty()
    }

    fn says(&mut self, level: &str, message: &Message) {
        self.log.push(format!("{level}:  {}", message.text));
        self.log.extend(message.detail.iter().map(|detail| format!("DETAIL:  {detail}")));
        self.log.extend(message.hint.iter().map(|hint| format!("HINT:  {hint}")));
    }

    fn fatal(&mut self, text: &str) {
        self.log.push(format!("FATAL:  {text}"));
    }
}

/// What the server says in a warning of its own before it refuses a line: 12 what is wrong with a slot
/// name, 16 and later that a locale's name is not ASCII.
fn warning(settings: &Settings, judged: &Judged, message: &mut Message, sources: &Sources) -> Option<Message> {
    let major = settings.catalog.version.major;
    let grammar = settings.catalog.get(judged.parameter?).grammar?;
    let (text, hint) = match grammar {
        Grammar::Slot if major == Major::V12 => (message.detail.take()?, message.hint.take()),
        Grammar::Locale(_) if major >= Major::V16 => {
            let value = conf::value(judged.entry.setting.value, &sources.get(judged.entry.file).bytes);
            let name = (!value.is_ascii()).then(|| String::from_utf8_lossy(&value).into_owned())?;
            (format!("locale name \"{name}\" contains non-ASCII characters"), None)
        }
        _ => return None,
    };
    Some(Message { text, detail: None, hint, place: message.place.clone() })
}

fn plain(text: String, place: Option<(Vec<u8>, u32)>) -> Message {
    Message { text, detail: None, hint: None, place }
}

fn shown(path: &Path) -> String {
    String::from_utf8_lossy(&path::to_bytes(path)).into_owned()
}

fn place(tree: &Tree, judged: &Judged) -> (Vec<u8>, u32) {
    (path::to_bytes(&tree.visits[judged.entry.visit as usize].path), judged.entry.line)
}

fn unrecognized(tree: &Tree, judged: &Judged, sources: &Sources) -> Message {
    let name = String::from_utf8_lossy(sources.text(judged.entry.name()));
    let (file, line) = place(tree, judged);
    let text = format!(
        "unrecognized configuration parameter \"{name}\" in file \"{}\" line {line}",
        String::from_utf8_lossy(&file)
    );
    plain(text, Some((file, line)))
}

fn unknown(tree: &Tree, settings: &Settings, sources: &Sources) -> Vec<(usize, Message)> {
    let judged = settings.judged.iter().enumerate().filter(|(_, judged)| judged.verdict == Verdict::Unknown);
    judged.map(|(index, judged)| (index, unrecognized(tree, judged, sources))).collect()
}

fn refused(tree: &Tree, settings: &Settings, sources: &Sources) -> Vec<(usize, Message)> {
    let refused = settings.judged.iter().enumerate().filter_map(|(index, judged)| match &judged.verdict {
        Verdict::Refused(why) => Some((index, judged, why)),
        _ => None,
    });
    refused
        .map(|(index, judged, why)| {
            let mut message = refusal(settings, judged, why, sources);
            message.place = Some(place(tree, judged));
            (index, message)
        })
        .collect()
}

/// What a server says of the second recovery target.
pub fn second_target(tree: &Tree, settings: &Settings, at: usize) -> Message {
    let targets: Vec<String> = settings
        .catalog
        .iter()
        .filter(|(_, parameter)| crate::catalog::is_recovery_target(parameter))
        .map(|(_, parameter)| match settings.catalog.version.major {
            major if major >= Major::V17 => format!("\"{}\"", parameter.name),
            _ => parameter.name.to_string(),
        })
        .collect();
    Message {
        text: "multiple recovery targets specified".to_string(),
        detail: Some(format!("At most one of {} may be set.", targets.join(", "))),
        hint: None,
        place: Some(place(tree, &settings.judged[at])),
    }
}
