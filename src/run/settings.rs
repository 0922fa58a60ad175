//! `pgconflint settings`

use std::io::{BufWriter, Write};
use std::path::PathBuf;

use serde::Serialize;

use super::project::Projects;
use super::{Exit, World, target, trouble, written};
use crate::catalog::{Catalog, Parameter};
use crate::check;
use crate::cli;
use crate::files::{Cached, Disk, Node, Place};
use crate::model::settings::{Judged, Settings, Verdict, default};
use crate::model::transcript::refusal;
use crate::nearest::did_you_mean;
use crate::report::{Show, json};
use crate::source::{Files, Sources, display};
use crate::syntax::conf;

/// The document of `--format json`, schema version 1.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Document<'a> {
    schema_version: u32,
    pg: String,
    settings: &'a [Setting],
}

#[derive(Serialize)]
struct Setting {
    name: &'static str,
    /// As `postgres -C` prints it; null if the server refuses the line.
    value: Option<String>,
    unit: Option<&'static str>,
    source: Option<Source>,
    default: bool,
    overrides: Vec<Overridden>,
    error: Option<String>,
    /// As SHOW prints it, for people.
    #[serde(skip)]
    shown: String,
}

#[derive(Serialize)]
struct Source {
    file: String,
    line: u32,
}

#[derive(Serialize)]
struct Overridden {
    file: String,
    line: u32,
    value: String,
}

/// Prints the effective settings of a node.
pub fn settings(options: &cli::Settings, show_secrets: bool, world: &mut World<'_>) -> Exit {
    let root = options.target.root.as_ref().map(|root| world.directory.join(root));
    let show = Show { directory: world.directory.clone(), root: root.clone(), secrets: show_secrets, top: None };
    match read(options, &Disk::below(root), &show) {
        Ok((pg, settings)) => {
            let mut out = BufWriter::new(&mut *world.out);
            let done = if options.json {
                let document = Document { schema_version: 1, pg, settings: &settings };
                json::to_text(&document, true).map_err(Into::into).and_then(|text| writeln!(out, "{text}"))
            } else {
                settings.iter().try_for_each(|setting| write_line(&mut out, setting))
            };
            let done = done.and_then(|()| out.flush());
            drop(out.into_parts());
            written(done, Exit::Clean, world.err)
        }
        Err(errors) => {
            errors.iter().for_each(|error| trouble(world.err, None, error));
            Exit::Trouble
        }
    }
}

/// The version and its settings, by name.
fn read(options: &cli::Settings, disk: &Disk, show: &Show) -> Result<(String, Vec<Setting>), Vec<String>> {
    let asked = &options.target;
    let mut projects = Projects::new(&show.directory, asked.config.as_deref(), asked.isolated)?;
    let project = projects.of(&options.directory)?;
    let files = Cached::new(disk);
    if let Err(error) = files.list(&options.directory) {
        return Err(vec![format!("{}: {error}", show.path(&options.directory))]);
    }
    let found = Node { path: options.directory.clone(), place: Place::Directory };
    let node = target::resolve(&files, &found, asked, &project.config, show).map_err(|trouble| {
        let path = trouble.path.map_or_else(String::new, |path| format!("{}: ", show.path(&path)));
        vec![format!("{path}{}", trouble.message)]
    })?;
    let catalog = Catalog::shared(node.targets.newest());
    let mut sources = Sources::default();
    let subject = check::subject(&node, &files);
    let tree = check::read(&files, &mut sources, &subject, catalog.version.major);
    let settings = Settings::judge(&tree, &sources, catalog);
    let unknown = options.names.iter().filter(|name| catalog.find(name.as_bytes()).is_none());
    let errors: Vec<String> = unknown
        .map(|name| format!("{} has no setting `{name}`{}", catalog.version, did_you_mean(name, catalog.names())))
        .collect();
    if !errors.is_empty() {
        return Err(errors);
    }
    let wanted: Vec<_> = options.names.iter().filter_map(|name| catalog.find(name.as_bytes())).collect();
    let all = catalog.iter().filter(
        |(id, parameter)| {
            if wanted.is_empty() { parameter.settable } else { wanted.contains(id) }
        },
    );
    let mut rows: Vec<Setting> = all
        .map(|(id, parameter)| {
            let lines = settings.judged.iter().enumerate().filter(|(_, judged)| judged.parameter == Some(id));
            one(&settings, &sources, parameter, settings.winner(id), lines, show)
        })
        .collect();
    rows.sort_by_key(|row| row.name);
    Ok((catalog.version.to_string(), rows))
}

fn one<'a>(
    settings: &Settings<'_>,
    sources: &Sources,
    parameter: &Parameter,
    winner: Option<(usize, &Judged)>,
    lines: impl Iterator<Item = (usize, &'a Judged)>,
    show: &Show,
) -> Setting {
    let major = settings.catalog.version.major;
    let text = |bytes: &[u8]| show.text(&display(bytes)).into_owned();
    let path = |judged: &Judged| -> PathBuf { sources.get(judged.entry.file).path.clone() };
    let (value, error) = match winner.map(|(_, judged)| (judged, &judged.verdict)) {
        Some((_, Verdict::Set(value) | Verdict::Settled(value))) => (Some(value.clone()), None),
        Some((judged, Verdict::Refused(why))) => (None, Some(refusal(settings, judged, why, sources).text)),
        _ => (default(parameter, major), None),
    };
    let others = lines.filter(|(index, _)| winner.is_none_or(|(winner, _)| winner != *index));
    let overrides = others.map(|(_, judged)| {
        let bytes = &sources.get(judged.entry.file).bytes;
        let value = conf::value(judged.entry.setting.value, bytes);
        Overridden { file: show.path(&path(judged)), line: judged.entry.line, value: text(&value) }
    });
    // A name without a secret in it, so that its value is masked as part of the whole line.
    let masked = |bytes: Vec<u8>| text(&bytes);
    Setting {
        name: parameter.name,
        shown: value.as_ref().map(|value| masked(value.shown(parameter, major))).unwrap_or_default(),
        value: value.map(|value| masked(value.plain())),
        unit: parameter.unit.map(crate::value::number::Unit::word),
        source: winner.map(|(_, judged)| Source { file: show.path(&path(judged)), line: judged.entry.line }),
        default: winner.is_none(),
        overrides: overrides.collect(),
        error: error.map(|error| show.text(&error).into_owned()),
    }
}

/// `name = value   # file:line, overrides file:line`
fn write_line(out: &mut dyn Write, setting: &Setting) -> std::io::Result<()> {
    let from = match &setting.source {
        Some(source) => format!("{}:{}", source.file, source.line),
        None => "default".to_owned(),
    };
    let overridden: Vec<String> =
        setting.overrides.iter().map(|other| format!("{}:{} ({})", other.file, other.line, other.value)).collect();
    let overridden =
        if overridden.is_empty() { String::new() } else { format!(", overrides {}", overridden.join(", ")) };
    let value = match &setting.error {
        Some(error) => format!("{} is refused: {error}", setting.name),
        None => format!("{} = {}", setting.name, quoted(&setting.shown)),
    };
    writeln!(out, "{value:<50} # {from}{overridden}")
}

/// As it may stand in postgresql.conf.
fn quoted(value: &str) -> String {
    let is_plain = |char: char| char.is_ascii_alphanumeric() || matches!(char, '_' | '.' | '-');
    if !value.is_empty() && value.chars().all(is_plain) {
        value.to_owned()
    } else {
        format!("'{}'", value.replace('\'', "''"))
    }
}
