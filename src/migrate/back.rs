//! recovery.conf again, for a server up to 11: what settings and signal files come to there.

use super::recovery::later_name;
use super::{Block, Change, Goes, Request, Stands, Told, conninfo, template};
use crate::catalog::recovery::{Kind, Name, Purpose, named, names as known_names};
use crate::model::recovery::signals::Mode;
use crate::model::settings::{Judged, Settings};
use crate::names;
use crate::source::{Sources, display};
use crate::syntax::conf;
use crate::value::Value;
use crate::value::grammar::unsigned;
use crate::version::Major;

/// What the settings come to.
#[derive(Debug, Default)]
pub struct Said {
    /// Lines of recovery.conf: name and value.
    pub lines: Vec<(&'static str, Vec<u8>)>,
    /// A row for each setting that counts.
    pub rows: Vec<Change>,
    /// What is in the way.
    pub blocks: Vec<Block>,
    /// What the owner must know.
    pub notes: Vec<Told>,
}

/// What becomes of a value.
enum Becomes {
    /// Written, with what is new about it.
    Written(Vec<u8>, Vec<String>),
    /// Not written; the reason.
    Dropped(String),
    /// No older server can be told; the reason.
    Impossible(String),
}

/// What a standby or a recovery says in recovery.conf. `settings` are those of the server that it comes from.
pub fn said(request: &Request, mode: Mode, settings: &Settings, sources: &Sources) -> Said {
    let mut said = Said::default();
    if mode == Mode::Standby {
        let why = format!("{} is there, which no server up to 11 heeds", names::STANDBY_SIGNAL);
        said.put(named(Purpose::Mode), b"on".to_vec(), &why);
    }
    for (later, judged) in set(settings) {
        let from = stands(sources, judged);
        let row =
            |to: Option<Goes>, why: String| Change { setting: later.to_owned(), from: Some(from.clone()), to, why };
        let name = known_names().iter().find(|name| later_name(name) == later && name.is_known_to(request.to));
        let Some(name) = name else {
            let text = format!("recovery.conf of {} knows nothing like `{later}`", request.to);
            said.blocks.push(Block { reason: Told::at(&from.path, from.line, text), allow: None });
            continue;
        };
        match value(request, name, &from.value, settings, &mut said.notes) {
            Becomes::Written(value, why) => {
                let usual = "in recovery.conf up to 11".to_owned();
                let why = std::iter::once(usual).chain(why).collect::<Vec<_>>().join("; ");
                let to =
                    Goes { path: names::RECOVERY_CONF.into(), setting: name.name.to_owned(), value: value.clone() };
                said.lines.push((name.name, value));
                said.rows.push(row(Some(to), why));
            }
            Becomes::Dropped(why) => said.rows.push(row(None, why)),
            Becomes::Impossible(why) => {
                said.blocks.push(Block { reason: Told::at(&from.path, from.line, why), allow: None });
            }
        }
    }
    let timeline = named(Purpose::Timeline);
    if !set(settings).any(|(name, _)| name == timeline) {
        let why = "not set: from 12 on the newest timeline, up to 11 that of the backup";
        said.put(timeline, b"latest".to_vec(), why);
    }
    if let Some(target) = said.lines.iter().map(|(name, _)| *name).find(|name| purpose(name) == Some(Purpose::Target)) {
        said.at_target(request, settings);
        if mode == Mode::Archive && request.from >= Major::V13 {
            let text = format!(
                "`{target}`: a server whose target is never reached opens for writes at the end of the WAL up to 12; from \
                 13 on it ended with an error"
            );
            said.notes.push(text.into());
        }
    }
    said
}

fn purpose(name: &str) -> Option<Purpose> {
    known_names().iter().find(|known| known.name == name).map(|known| known.purpose)
}

/// Settings of recovery.conf that the files set, by their name from 12 on, each with the line that counts.
pub fn set<'a>(settings: &'a Settings) -> impl Iterator<Item = (&'static str, &'a Judged)> {
    let mut names: Vec<&str> =
        known_names().iter().filter(|name| name.purpose != Purpose::Mode).map(later_name).collect();
    names.sort_unstable();
    names.dedup();
    names.into_iter().filter_map(|name| {
        let (_, judged) = settings.winner(settings.catalog.find(name.as_bytes())?)?;
        Some((name, judged))
    })
}

impl Said {
    /// A line that no setting stands behind.
    fn put(&mut self, name: &'static str, value: Vec<u8>, why: &str) {
        let to = Goes { path: names::RECOVERY_CONF.into(), setting: name.to_owned(), value: value.clone() };
        self.rows.push(Change { setting: name.to_owned(), from: None, to: Some(to), why: why.to_owned() });
        self.lines.push((name, value));
    }

    /// Where nobody could end a pause a server from 12 on shuts down; up to 11 it does so only if it is told to pause in
    /// so many words, and up to 9.4 never.
    fn at_target(&mut self, request: &Request, settings: &Settings) {
        let (name, hot) = (named(Purpose::Action), names::HOT_STANDBY);
        let is_hot = settings.value(hot) == Some(Value::Bool(true));
        let Request { from, to, .. } = request;
        let pauses = settings.value(name).is_none_or(|action| action.plain() == b"pause");
        let reason = match is_hot {
            _ if !pauses => return,
            // Where nobody sets it, it is off there.
            true if *to < Major::V10 && !settings.is_set(hot) => format!(
                "{from} pauses at its target, and {to} without `{hot} = on` does not: write that into {} first",
                names::POSTGRESQL_CONF
            ),
            true => return,
            false if *to < Major::V9_5 => {
                format!("{to} cannot shut down at its target, as {from} does without `{hot}`")
            }
            false if settings.is_set(name) => return,
            false => {
                let why = format!("with `{hot}` off {from} shuts down at its target, and {to} would open for writes");
                return self.put(name, b"shutdown".to_vec(), &why);
            }
        };
        self.blocks.push(Block { reason: reason.into(), allow: None });
    }
}

fn stands(sources: &Sources, judged: &Judged) -> Stands {
    let source = sources.get(judged.entry.file);
    let value = conf::value(judged.entry.setting.value, &source.bytes).into_owned();
    Stands { path: source.path.clone(), line: judged.entry.line as usize, value }
}

fn value(request: &Request, name: &Name, text: &[u8], settings: &Settings, notes: &mut Vec<Told>) -> Becomes {
    let as_it_is = || Becomes::Written(text.to_vec(), Vec::new());
    match name.purpose {
        _ if text.is_empty() => Becomes::Dropped("empty: says nothing".to_owned()),
        Purpose::Conninfo => conninfo(request, text, settings, notes),
        _ if template::is_open(text) => as_it_is(),
        Purpose::Timeline => timeline(text),
        Purpose::Action | Purpose::Pause => action(request, name, &text.to_ascii_lowercase()),
        Purpose::Delay => match settings.value(name.name) {
            Some(Value::Integer(delay)) if text == delay.to_string().as_bytes() => as_it_is(),
            // Up to 11 a fraction or `us` is refused.
            Some(Value::Integer(delay)) => {
                Becomes::Written(format!("{delay}ms").into_bytes(), vec![format!("`{}` is as much", display(text))])
            }
            _ => as_it_is(),
        },
        _ => as_it_is(),
    }
}

fn timeline(text: &[u8]) -> Becomes {
    match (text, unsigned(text).0) {
        (b"latest", _) => Becomes::Written(text.to_vec(), Vec::new()),
        // The word itself would mean the newest one there.
        (b"current", _) => {
            Becomes::Dropped("the timeline of the backup is what holds up to 11 where nothing is said".to_owned())
        }
        (_, Some(number)) if number > 0 => Becomes::Written(number.to_string().into_bytes(), Vec::new()),
        _ => Becomes::Impossible(format!("no server from 12 on starts with the timeline `{}`", display(text))),
    }
}

fn action(request: &Request, name: &Name, word: &[u8]) -> Becomes {
    match (name.kind, word) {
        (Kind::Bool, b"pause") => Becomes::Written(b"true".to_vec(), vec!["the words of 9.4".to_owned()]),
        (Kind::Bool, b"promote") => Becomes::Written(b"false".to_vec(), vec!["the words of 9.4".to_owned()]),
        (Kind::Bool, _) => Becomes::Impossible(format!("{} cannot shut down at its target", request.to)),
        // Up to 11 only small letters are heeded.
        _ => Becomes::Written(word.to_vec(), Vec::new()),
    }
}

/// The string for the older libpq, under the name that the primary has seen so far.
fn conninfo(request: &Request, text: &[u8], settings: &Settings, notes: &mut Vec<Told>) -> Becomes {
    let mut adjusted = conninfo::adjust(text, request.from, request.to);
    let name = settings.value(names::CLUSTER_NAME).map(|name| name.plain()).unwrap_or_default();
    if !name.is_empty() {
        let why =
            format!("with the name that the primary has seen so far: up to 11 it is not `{}`", names::CLUSTER_NAME);
        conninfo::pin(&mut adjusted, request.to, &name, why);
    }
    notes.extend(adjusted.notes.into_iter().map(Told::from));
    Becomes::Written(adjusted.value, adjusted.why)
}
