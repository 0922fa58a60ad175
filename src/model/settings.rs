//! Which settings a server of one version would run with, and what it would refuse.

use crate::catalog::{Catalog, Kind, Parameter, ParameterId};
use crate::model::control::Control;
use crate::model::tree::{Entry, Item, Tree};
use crate::names;
use crate::source::Sources;
use crate::syntax::conf;
use crate::value::{Context, Grammar, Refusal, Value};
use crate::version::Major;

/// What becomes of one line.
#[derive(Clone, PartialEq, Debug)]
pub enum Verdict {
    /// A later line of the same spelling takes its place; it is not even judged.
    Masked,
    /// No such parameter in this version.
    Unknown,
    /// A name with a dot: kept for an extension, unchecked.
    Custom,
    /// Read and set.
    Set(Value),
    /// Read, checked, and then passed over: the server has settled it before it reads this line.
    Settled(Value),
    /// Refused.
    Refused(Refusal),
}

/// A line and what becomes of it.
#[derive(Clone, PartialEq, Debug)]
pub struct Judged {
    /// The line.
    pub entry: Entry,
    /// Its parameter.
    pub parameter: Option<ParameterId>,
    /// What becomes of it.
    pub verdict: Verdict,
}

/// The settings of a node for one version.
#[derive(Debug)]
pub struct Settings<'a> {
    /// What the version knows.
    pub catalog: &'a Catalog,
    /// Every line in the order of reading; the index is the one of [`Settings::winner`].
    pub judged: Vec<Judged>,
    /// Index of the first line of postgresql.auto.conf and what it includes.
    pub auto_from: usize,
    /// For each parameter the line that sets it.
    winners: Vec<u32>,
    /// The line that asks for a second recovery target, where one does: the server stops there.
    pub second_target: Option<usize>,
    /// What all lines together say of dates.
    pub zone: Zone,
    /// What initdb has decided, and no file does.
    pub initdb: Initdb,
}

/// What initdb has decided, as far as it is known.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Initdb {
    /// Bytes of a WAL segment.
    pub wal_segment_size: Option<u64>,
    /// Whether data pages have checksums.
    pub data_checksums: Option<bool>,
}

impl Initdb {
    /// What pg_control says, else the size that was given.
    pub fn of(control: Option<&Control>, wal_segment_size: Option<u64>) -> Initdb {
        let size = control.map(|control| u64::from(control.wal_segment_size));
        Initdb { wal_segment_size: size.or(wal_segment_size), data_checksums: control.map(Control::has_checksums) }
    }

    /// The value of a parameter that it decides.
    fn value(self, parameter: &Parameter, major: Major) -> Option<Value> {
        match parameter.name {
            names::WAL_SEGMENT_SIZE => {
                let size = i64::try_from(self.wal_segment_size?).ok()?;
                Some(Value::Integer(size / parameter.unit?.size()))
            }
            names::DATA_CHECKSUMS => {
                // From 18 on initdb turns them on unless it is told otherwise.
                let is_on = self.data_checksums.unwrap_or(major >= Major::V18);
                let word = if is_on { "on" } else { "off" };
                Some(if parameter.kind == Kind::Bool { Value::Bool(is_on) } else { Value::Word(word) })
            }
            _ => None,
        }
    }
}

const NONE: u32 = u32::MAX;

impl<'a> Settings<'a> {
    /// Judges what was read.
    pub fn judge(tree: &Tree, sources: &Sources, catalog: &'a Catalog) -> Settings<'a> {
        let mut judged = Vec::with_capacity(tree.items.len());
        let mut auto_from = 0;
        for (index, item) in tree.items.iter().enumerate() {
            if index == tree.auto_from {
                auto_from = judged.len();
            }
            if let Item::Entry(entry) = item {
                let name = sources.text(entry.name());
                let parameter = catalog.find(name);
                let verdict = match parameter {
                    Some(_) => Verdict::Masked,
                    None if memchr::memchr(b'.', name).is_some() => Verdict::Custom,
                    None => Verdict::Unknown,
                };
                judged.push(Judged { entry: *entry, parameter, verdict });
            }
        }
        if tree.items.len() <= tree.auto_from {
            auto_from = judged.len();
        }
        let winners = vec![NONE; catalog.len()];
        let zone = Zone::default();
        let mut settings =
            Settings { catalog, judged, auto_from, winners, second_target: None, zone, initdb: Initdb::default() };
        let live = settings.live(sources);
        settings.apply(&live, sources);
        settings
    }

    /// The line that sets a parameter.
    pub fn winner(&self, parameter: ParameterId) -> Option<(usize, &Judged)> {
        let index = *self.winners.get(parameter.index())?;
        (index != NONE).then(|| (index as usize, &self.judged[index as usize]))
    }

    /// The value of a parameter, its default where no line sets it. `None`: no such parameter, or its
    /// line is refused.
    pub fn value(&self, name: &str) -> Option<Value> {
        let parameter = self.catalog.find(name.as_bytes())?;
        match self.winner(parameter) {
            Some((_, judged)) => match &judged.verdict {
                Verdict::Set(value) => Some(value.clone()),
                _ => None,
            },
            None => {
                let (parameter, major) = (self.catalog.get(parameter), self.catalog.version.major);
                self.initdb.value(parameter, major).or_else(|| default(parameter, major))
            }
        }
    }

    /// Whether a line sets the parameter.
    pub fn is_set(&self, name: &str) -> bool {
        let parameter = self.catalog.find(name.as_bytes());
        parameter.is_some_and(|parameter| self.winner(parameter).is_some())
    }

    /// Lines that count: of several with the same spelling only the last does. The server compares
    /// bytes, so that another case or an old name is another spelling.
    fn live(&self, sources: &Sources) -> Vec<u32> {
        let mut later: Vec<Vec<&[u8]>> = vec![Vec::new(); self.catalog.len()];
        let mut live = Vec::new();
        for (index, judged) in self.judged.iter().enumerate().rev() {
            let Some(parameter) = judged.parameter else { continue };
            let spelled = sources.text(judged.entry.name());
            let seen = &mut later[parameter.index()];
            if !seen.contains(&spelled) {
                seen.push(spelled);
                live.push(u32::try_from(index).expect("fewer than 4 billion lines"));
            }
        }
        live.reverse();
        live
    }

    /// Reads the values in file order, as a start does.
    fn apply(&mut self, live: &[u32], sources: &Sources) {
        let major = self.catalog.version.major;
        let mut zone = Zone::default();
        let mut target: Option<ParameterId> = None;
        for &index in live {
            let at = index as usize;
            let entry = self.judged[at].entry;
            let id = self.judged[at].parameter.expect("live lines have one");
            let parameter = self.catalog.get(id);
            let spelled = String::from_utf8_lossy(sources.text(entry.name()));
            let text = conf::value(entry.setting.value, &sources.get(entry.file).bytes);
            let earlier = |name: &str| match self.value(name) {
                Some(Value::Integer(value)) => value,
                Some(Value::Bool(value)) => i64::from(value),
                _ => 0,
            };
            let context = Context {
                major,
                name: parameter.name,
                // From 18 on messages give the server's own spelling.
                spelled: if major >= Major::V18 { parameter.name } else { &spelled },
                abbreviations: &zone.abbreviations,
                date_style: &zone.date_style,
                time_zone: &zone.time_zone,
                earlier: &earlier,
            };
            let verdict = self.verdict(at, parameter, &context, &text);
            match &verdict {
                Verdict::Set(value) => {
                    self.winners[id.index()] = index;
                    zone.learn(parameter, value, &text);
                    if crate::catalog::is_recovery_target(parameter) {
                        if target.is_some_and(|set| set != id) {
                            self.second_target.get_or_insert(at);
                        }
                        target = (value.plain() != b"").then_some(id);
                    }
                }
                Verdict::Refused(_) => self.winners[id.index()] = index,
                _ => {}
            }
            self.judged[at].verdict = verdict;
        }
        self.zone = zone;
    }

    fn verdict(&self, at: usize, parameter: &Parameter, context: &Context, text: &[u8]) -> Verdict {
        if parameter.is_internal() {
            return Verdict::Refused(Refusal {
                message: Some(format!("parameter \"{}\" cannot be changed", context.spelled)),
                ..Refusal::default()
            });
        }
        match crate::catalog::read(parameter, context, text) {
            Err(refusal) => Verdict::Refused(refusal),
            // The command line has named both before the line is read.
            Ok(value) if parameter.name == names::CONFIG_FILE => Verdict::Settled(value),
            Ok(value) if parameter.name == names::DATA_DIRECTORY && at >= self.auto_from => Verdict::Settled(value),
            Ok(value) => Verdict::Set(value),
        }
    }
}

/// What lines say of dates, which timestamps are read by.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Zone {
    /// The set of abbreviations of time zones, empty where none is named.
    pub abbreviations: Vec<u8>,
    /// The order of year, month and day, as shown.
    pub date_style: Vec<u8>,
    /// The time zone, as written.
    pub time_zone: Vec<u8>,
}

impl Default for Zone {
    fn default() -> Zone {
        Zone { abbreviations: Vec::new(), date_style: b"ISO, MDY".to_vec(), time_zone: b"GMT".to_vec() }
    }
}

impl Zone {
    fn learn(&mut self, parameter: &Parameter, value: &Value, text: &[u8]) {
        match parameter.grammar {
            Some(Grammar::Abbreviations) => self.abbreviations = text.to_vec(),
            Some(Grammar::DateStyle(_)) => self.date_style = value.plain(),
            Some(Grammar::SessionZone) => self.time_zone = text.to_vec(),
            _ => {}
        }
    }
}

/// A parameter's built-in default.
pub fn default(parameter: &Parameter, major: Major) -> Option<Value> {
    let text = parameter.default_text();
    let context = Context::new(major, parameter.name);
    match crate::catalog::read_unchecked(parameter, &context, text.as_bytes()) {
        Ok(value) => Some(value),
        Err(_) => Some(Value::Text(text.into_bytes())),
    }
}
