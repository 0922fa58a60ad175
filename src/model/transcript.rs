//! What a server would print on reading its configuration: the log of a start, the rows of
//! pg_file_settings, and the messages of the query that made them (facts A3, A4, A6, A7).

use std::collections::HashMap;
use std::path::Path;

use crate::catalog::Parameter;
use crate::model::path;
use crate::model::settings::{self, Judged, Settings, Verdict};
use crate::model::tree::{Fault, FaultKind, Item, Tree, Visit};
use crate::names;
use crate::source::{Place, Sources};
use crate::syntax::conf;
use crate::value::{Context, Grammar, Refusal, Value, grammar};
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
    let refused = if unknown.is_empty() { refused(tree, settings, sources) } else { unknown };
    for (at, message) in &refused {
        if settings.second_target.is_some_and(|second| *at > second) {
            break;
        }
        let mut message = message.clone();
        // 12 says what is wrong with a slot name in a warning of its own.
        if settings.catalog.version.major == Major::V12 && is_slot(settings, *at) {
            start.says("WARNING", &warned(&mut message));
        }
        start.says("LOG", &message);
    }
    let stops =
        settings.second_target.filter(|_| refused.iter().all(|(_, message)| !message.text.starts_with("unrecognized")));
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

/// The rows of pg_file_settings on a server that runs with `running` values, defaults where it says nothing.
pub fn view(
    tree: &Tree,
    settings: &Settings,
    sources: &Sources,
    running: &dyn Fn(&Parameter) -> Option<Value>,
) -> View {
    let mut view = View::default();
    let mut judged = settings.judged.iter();
    let mut abandoned = Abandoned::new(tree, 1);
    let mut rows = Vec::new();
    let mut failed = false;
    for (index, item) in tree.items.iter().enumerate() {
        // Where the main file fails, the other one is not read.
        if index == tree.auto_from && failed {
            break;
        }
        match item {
            Item::Entry(entry) => {
                let judged = judged.next().expect("one for every entry");
                if !abandoned.is_left(entry.visit) {
                    rows.push((row(tree, judged, sources), Some(judged)));
                }
            }
            Item::Fault(fault) => {
                let Some(said) = abandoned.hears(tree, fault, sources) else { continue };
                failed |= fault.is_error();
                for said in said {
                    if let Some(error) = error_text(fault).filter(|_| said.refuses) {
                        let (file, line) = said.message.place.clone().unwrap_or_default();
                        rows.push((
                            Row { file, line, name: None, setting: None, applied: false, error: Some(error) },
                            None,
                        ));
                    }
                    view.messages.push(said.message);
                }
            }
        }
    }
    if !failed {
        let unknown = rows.iter().any(|(_, judged)| judged.is_some_and(|judged| judged.verdict == Verdict::Unknown));
        for (row, judged) in &mut rows {
            let Some(judged) = judged else { continue };
            if unknown {
                if judged.verdict == Verdict::Unknown {
                    row.error = Some("unrecognized configuration parameter".to_string());
                    view.messages.push(unrecognized(tree, judged, sources));
                }
            } else if judged.verdict != Verdict::Masked {
                match complaint(tree, settings, judged, sources, running) {
                    Some(mut message) => {
                        row.error = Some("setting could not be applied".to_string());
                        let slot =
                            judged.parameter.is_some_and(|id| settings.catalog.get(id).grammar == Some(Grammar::Slot));
                        if settings.catalog.version.major == Major::V12 && slot && message.detail.is_some() {
                            view.messages.push(warned(&mut message));
                        }
                        view.messages.push(message);
                    }
                    None => row.applied = true,
                }
            }
        }
    }
    view.rows = rows.into_iter().map(|(row, _)| row).collect();
    view
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

struct Said {
    message: Message,
    /// Whether it refuses the start once all files are read.
    refuses: bool,
    /// Whether the server stops at once.
    ends: bool,
}

fn said<'a>(tree: &Tree, items: impl Iterator<Item = &'a Item>, limit: usize, sources: &Sources) -> Vec<Said> {
    let mut abandoned = Abandoned::new(tree, limit);
    let faults = items.filter_map(|item| match item {
        Item::Fault(fault) => Some(fault),
        Item::Entry(_) => None,
    });
    faults.filter_map(|fault| abandoned.hears(tree, fault, sources)).flatten().collect()
}

/// Which readings the server has given up because of their syntax errors, and which it never began:
/// the first file of an `include_dir` that fails ends the directory.
struct Abandoned<'a> {
    limit: usize,
    errors: Vec<usize>,
    left: Vec<bool>,
    visits: &'a [Visit],
    /// For an include line in a reading: later readings than these are not made for it.
    ended: HashMap<(u32, Place), u32>,
}

impl<'a> Abandoned<'a> {
    fn new(tree: &'a Tree, limit: usize) -> Abandoned<'a> {
        Abandoned {
            limit,
            errors: vec![0; tree.visits.len()],
            left: vec![false; tree.visits.len()],
            visits: &tree.visits,
            ended: HashMap::new(),
        }
    }

    fn chain(&self, visit: u32) -> impl Iterator<Item = u32> {
        let visits = self.visits;
        std::iter::successors(Some(visit), move |visit| visits.get(*visit as usize)?.parent)
    }

    /// The include line by which a reading came about.
    fn line(&self, visit: u32) -> Option<(u32, Place)> {
        let visit = self.visits.get(visit as usize)?;
        Some((visit.parent?, visit.included_at?))
    }

    fn is_left(&self, visit: u32) -> bool {
        let ended = |visit: u32| {
            let until = self.line(visit).and_then(|line| self.ended.get(&line));
            until.is_some_and(|until| visit >= *until)
        };
        self.chain(visit).any(|visit| self.left.get(visit as usize) == Some(&true) || ended(visit))
    }

    /// A file that fails fails the ones that include it.
    fn fails(&mut self, fault: &Fault) {
        let mut lines: Vec<(u32, Place)> = self.chain(fault.visit).filter_map(|visit| self.line(visit)).collect();
        if !matches!(fault.kind, FaultKind::Syntax(_)) {
            lines.extend(fault.place.map(|place| (fault.visit, place)));
        }
        for line in lines {
            self.ended.entry(line).or_insert(fault.visits);
        }
    }

    /// What the server says of a fault; nothing where it does not get that far.
    fn hears(&mut self, tree: &Tree, fault: &Fault, sources: &Sources) -> Option<Vec<Said>> {
        // Of the files that an include_dir takes after a failure, those that cannot be opened are not tried either.
        let tried = fault.place.and_then(|place| self.ended.get(&(fault.visit, place)));
        if self.is_left(fault.visit) || tried.is_some() {
            return None;
        }
        if fault.is_error() {
            self.fails(fault);
        }
        let visited =
            tree.visits.get(fault.visit as usize).map(|visit| path::to_bytes(&visit.path)).unwrap_or_default();
        let place = match &fault.kind {
            FaultKind::NotAFile(path) => (path::to_bytes(path), 1),
            _ => (visited.clone(), fault.line),
        };
        let mut said = vec![Said {
            message: plain(fault_text(tree, fault, sources), Some(place)),
            refuses: fault.is_error(),
            ends: matches!(fault.kind, FaultKind::Endless(_)),
        }];
        if matches!(fault.kind, FaultKind::Syntax(_)) {
            let errors = &mut self.errors[fault.visit as usize];
            *errors += 1;
            if *errors >= self.limit {
                self.left[fault.visit as usize] = true;
                let file = String::from_utf8_lossy(&visited);
                said.push(Said {
                    message: plain(format!("too many syntax errors found, abandoning file \"{file}\""), None),
                    refuses: false,
                    ends: false,
                });
            }
        }
        Some(said)
    }
}

fn is_slot(settings: &Settings, at: usize) -> bool {
    let parameter = settings.judged[at].parameter.map(|id| settings.catalog.get(id));
    parameter.is_some_and(|parameter| parameter.grammar == Some(Grammar::Slot))
}

/// Takes detail and hint out of a message and makes a message of its own of them.
fn warned(message: &mut Message) -> Message {
    Message {
        text: message.detail.take().unwrap_or_default(),
        detail: None,
        hint: message.hint.take(),
        place: message.place.clone(),
    }
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

fn row(tree: &Tree, judged: &Judged, sources: &Sources) -> Row {
    let (file, line) = place(tree, judged);
    let value = conf::value(judged.entry.setting.value, &sources.get(judged.entry.file).bytes);
    Row {
        file,
        line,
        name: Some(sources.text(judged.entry.name()).to_vec()),
        setting: Some(value.into_owned()),
        applied: false,
        error: None,
    }
}

fn error_text(fault: &Fault) -> Option<String> {
    Some(match &fault.kind {
        FaultKind::Syntax(_) => "syntax error".to_string(),
        FaultKind::CannotOpen(path, _) => format!("could not open file \"{}\"", shown(path)),
        FaultKind::NotAFile(_) => "input in flex scanner failed".to_string(),
        FaultKind::CannotOpenDirectory(path, _) => format!("could not open directory \"{}\"", shown(path)),
        FaultKind::EmptyFileName(_) => "empty configuration file name".to_string(),
        FaultKind::EmptyDirectoryName(_) => "empty configuration directory name".to_string(),
        FaultKind::Recursion(_) => "configuration file recursion".to_string(),
        FaultKind::TooDeep(_) => "nesting depth exceeded".to_string(),
        FaultKind::Skipped(..) | FaultKind::Endless(_) => return None,
    })
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

/// Why a running server would not apply a line.
fn complaint(
    tree: &Tree,
    settings: &Settings,
    judged: &Judged,
    sources: &Sources,
    running: &dyn Fn(&Parameter) -> Option<Value>,
) -> Option<Message> {
    let parameter = settings.catalog.get(judged.parameter?);
    let major = settings.catalog.version.major;
    // Up to 11 a session does not look at what only new sessions take over.
    if major < Major::V12 && matches!(parameter.context, "backend" | "superuser-backend") {
        return None;
    }
    let place = Some(place(tree, judged));
    // What a start checks once the libraries are loaded, a running server checks at once.
    let late = match (&judged.verdict, &parameter.grammar) {
        (Verdict::Set(Value::Text(text)), Some(grammar)) => {
            grammar::later(grammar, &Context::new(major, parameter.name), text)
        }
        _ => None,
    };
    if let Some(why) = late {
        return Some(Message { place, ..refusal(settings, judged, &why, sources) });
    }
    match &judged.verdict {
        Verdict::Refused(why) => Some(Message { place, ..refusal(settings, judged, why, sources) }),
        Verdict::Set(value) | Verdict::Settled(value) if parameter.needs_restart() => {
            let now = running(parameter).or_else(|| settings::default(parameter, major));
            if now.as_ref() == Some(value) {
                return None;
            }
            let spelled = String::from_utf8_lossy(sources.text(judged.entry.name()));
            let name = if major >= Major::V18 { parameter.name } else { &spelled };
            Some(plain(format!("parameter \"{name}\" cannot be changed without restarting the server"), place))
        }
        _ => None,
    }
}
