//! The rows of pg_file_settings on a running server.

use super::abandoned::Abandoned;
use super::{Message, Row, View, place, plain, refusal, shown, unrecognized, warning};
use crate::catalog::Parameter;
use crate::model::settings::{self, Judged, Settings, Verdict};
use crate::model::tree::{Fault, FaultKind, Item, Tree};
use crate::source::Sources;
use crate::syntax::conf;
use crate::value::{Context, Value, grammar};
use crate::version::Major;

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
                        view.messages.extend(warning(settings, judged, &mut message, sources));
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
