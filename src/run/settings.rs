//! `pgconflint settings`

use std::collections::BTreeMap;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::project::Projects;
use super::{Exit, World, target, trouble, written};
use crate::catalog::{Catalog, Parameter, ParameterId};
use crate::check::{self, access};
use crate::cli;
use crate::files::{Cached, Disk, Node, Place};
use crate::model::settings::{Initdb, Judged, Settings, Verdict, default};
use crate::model::transcript::refusal;
use crate::model::tree::Tree;
use crate::model::{control, effective, path};
use crate::names;
use crate::nearest::did_you_mean;
use crate::report::{Show, json, lexical};
use crate::source::{Files, Sources, display};
use crate::syntax::conf;
use crate::value::Value;

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
    name: String,
    /// As pg_settings has it; null if the server refuses the line, or if no file tells.
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
    let mut settings = Settings::judge(&tree, &sources, catalog);
    let control = control::of_directory(&files, &tree.data_directory).and_then(Result::ok);
    settings.initdb = Initdb::of(control.as_ref(), None);
    let known = Known { settings: &settings, tree: &tree, sources: &sources, main: &subject.main, show };
    let custom = known.custom(&options.names);
    let is_custom = |name: &str| custom.iter().any(|setting| setting.name.eq_ignore_ascii_case(name));
    let unknown = options.names.iter().filter(|name| catalog.find(name.as_bytes()).is_none() && !is_custom(name));
    let errors: Vec<String> = unknown
        .map(|name| format!("{} has no setting `{name}`{}", catalog.version, did_you_mean(name, catalog.names())))
        .collect();
    if !errors.is_empty() {
        return Err(errors);
    }
    let wanted: Vec<_> = options.names.iter().filter_map(|name| catalog.find(name.as_bytes())).collect();
    let all = catalog.iter().filter(|(id, parameter)| match options.names.is_empty() {
        true => parameter.settable || effective::is_of_data(&settings, parameter),
        false => wanted.contains(id),
    });
    let mut rows: Vec<Setting> = all.map(|(id, parameter)| known.one(id, parameter)).chain(custom).collect();
    rows.sort_by(|a, b| a.name.cmp(&b.name));
    Ok((catalog.version.to_string(), rows))
}

/// All that is known of a node.
struct Known<'a> {
    settings: &'a Settings<'a>,
    tree: &'a Tree,
    sources: &'a Sources,
    main: &'a Path,
    show: &'a Show,
}

impl Known<'_> {
    fn one(&self, id: ParameterId, parameter: &Parameter) -> Setting {
        let (settings, major) = (self.settings, self.settings.catalog.version.major);
        let winner = settings.winner(id);
        let (value, error) = match winner.map(|(_, judged)| (judged, &judged.verdict)) {
            Some((_, Verdict::Set(value) | Verdict::Settled(value))) => (Some(value.clone()), None),
            Some((judged, Verdict::Refused(why))) => (None, Some(refusal(settings, judged, why, self.sources).text)),
            _ if let Some(why) = effective::unknown(settings, parameter) => (None, Some(why.to_owned())),
            _ => (settings.value(parameter.name).or_else(|| default(parameter, major)), None),
        };
        let value = value.map(|value| {
            let made = effective::worked_out(settings, parameter, &value, winner.is_none());
            self.path(parameter.name).or(made).unwrap_or(value)
        });
        let of_it = settings.judged.iter().enumerate().filter(|(_, judged)| judged.parameter == Some(id));
        let others = of_it.filter(|(index, _)| winner.is_none_or(|(winner, _)| winner != *index));
        Setting {
            name: parameter.name.to_owned(),
            shown: value.as_ref().map(|value| self.text(&value.shown(parameter, major))).unwrap_or_default(),
            value: value.map(|value| self.plain(&value.setting(parameter, major))),
            unit: parameter.unit.map(crate::value::number::Unit::word),
            source: winner.map(|(_, judged)| self.source(judged)),
            default: winner.is_none(),
            overrides: others.map(|(_, judged)| self.overridden(judged)).collect(),
            error: error.map(|error| self.show.text(&error).into_owned()),
        }
    }

    /// Settings of extensions that are wanted, all where nothing is: nobody judges them.
    fn custom(&self, wanted: &[String]) -> Vec<Setting> {
        let mut by_name: BTreeMap<String, Vec<&Judged>> = BTreeMap::new();
        for judged in self.settings.judged.iter().filter(|judged| judged.verdict == Verdict::Custom) {
            let name = display(self.sources.text(judged.entry.name()));
            if wanted.is_empty() || wanted.iter().any(|wanted| wanted.eq_ignore_ascii_case(&name)) {
                by_name.entry(name.to_ascii_lowercase()).or_default().push(judged);
            }
        }
        let lines = by_name.into_values().filter_map(|mut lines| lines.pop().map(|last| (last, lines)));
        let setting = |(last, others): (&Judged, Vec<&Judged>)| {
            let value = self.written(last);
            Setting {
                name: display(self.sources.text(last.entry.name())),
                shown: self.text(&value),
                value: Some(self.plain(&value)),
                unit: None,
                source: Some(self.source(last)),
                default: false,
                overrides: others.into_iter().map(|judged| self.overridden(judged)).collect(),
                error: None,
            }
        };
        lines.map(setting).collect()
    }

    /// Where a file or directory is that a server names itself.
    fn path(&self, name: &str) -> Option<Value> {
        let at = |setting, name| access::place(self.tree, self.settings, self.main, setting, name);
        let path = match name {
            names::CONFIG_FILE => self.main.to_path_buf(),
            names::DATA_DIRECTORY => self.tree.data_directory.clone(),
            names::HBA_FILE => at(names::HBA_FILE, names::PG_HBA),
            names::IDENT_FILE => at(names::IDENT_FILE, names::PG_IDENT),
            names::HOSTS_FILE => at(names::HOSTS_FILE, names::PG_HOSTS),
            _ => return None,
        };
        Some(Value::Text(path::to_bytes(&lexical(&self.show.directory.join(path)))))
    }

    fn written(&self, judged: &Judged) -> Vec<u8> {
        conf::value(judged.entry.setting.value, &self.sources.get(judged.entry.file).bytes).into_owned()
    }

    fn overridden(&self, judged: &Judged) -> Overridden {
        let Source { file, line } = self.source(judged);
        Overridden { file, line, value: self.plain(&self.written(judged)) }
    }

    fn source(&self, judged: &Judged) -> Source {
        let path: PathBuf = self.sources.get(judged.entry.file).path.clone();
        Source { file: self.show.path(&path), line: judged.entry.line }
    }

    /// For people: what cannot be printed is escaped.
    fn text(&self, bytes: &[u8]) -> String {
        self.show.text(&display(bytes)).into_owned()
    }

    /// For programs: as it is, as far as it is text.
    fn plain(&self, bytes: &[u8]) -> String {
        self.show.masked(&String::from_utf8_lossy(bytes)).into_owned()
    }
}

/// `name = value   # file:line, overrides file:line`
fn write_line(out: &mut dyn Write, setting: &Setting) -> std::io::Result<()> {
    let from = match &setting.source {
        Some(source) => format!("{}:{}", source.file, source.line),
        None => "default".to_owned(),
    };
    let overridden: Vec<String> = setting
        .overrides
        .iter()
        .map(|other| format!("{}:{} ({})", other.file, other.line, display(other.value.as_bytes())))
        .collect();
    let overridden =
        if overridden.is_empty() { String::new() } else { format!(", overrides {}", overridden.join(", ")) };
    let value = match &setting.error {
        Some(error) if setting.default => format!("{}: {error}", setting.name),
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
