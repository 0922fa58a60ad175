//! A plan in a file: what was asked for, everything that was read, and what comes of each file. It holds sums, and
//! nothing of what is in the files.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::cli::{Act, Migrate, Target};
use crate::files::{self, sha256};
use crate::migrate::manifest::Input;
use crate::migrate::{Action, Allow, Plan};
use crate::version::Major;

/// What stands in the file of a tree.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TreeFile {
    schema_version: u32,
    tool: String,
    /// A plan for each node, in the order in which they are migrated.
    pub nodes: Vec<PlanFile>,
}

/// What stands in the file of a node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PlanFile {
    schema_version: u32,
    tool: String,
    request: Asked,
    /// Everything that was read.
    pub inputs: Vec<Input>,
    /// What happens to each file.
    pub steps: Vec<Stepped>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Asked {
    directory: PathBuf,
    to: String,
    from: Option<String>,
    preserve_timeline: bool,
    #[serde(default)]
    keep_defaults: bool,
    wal_segment_size: Option<u64>,
    allowed: Vec<String>,
    data_dir: Option<PathBuf>,
    root: Option<PathBuf>,
    config: Option<PathBuf>,
    isolated: bool,
}

/// What happens to a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Stepped {
    action: String,
    file: PathBuf,
    to: Option<PathBuf>,
    before: Option<String>,
    after: Option<String>,
}

/// What happens to the files of a plan.
pub fn steps(plan: &Plan, directory: &Path) -> Vec<Stepped> {
    let step = |step: &crate::migrate::Step| Stepped {
        action: match step.action {
            Action::Edit => "edit",
            Action::Create => "create",
            Action::Rename(_) => "rename",
            Action::Keep => "keep",
        }
        .to_owned(),
        file: directory.join(&step.path),
        to: match &step.action {
            Action::Rename(to) => Some(directory.join(to)),
            _ => None,
        },
        before: step.old.as_deref().map(sha256),
        after: step.new.as_deref().map(sha256),
    };
    plan.steps.iter().map(step).collect()
}

/// The same with the names that the directories really have, by these: whoever calls the node by another name makes the
/// same plan.
pub fn sorted(mut steps: Vec<Stepped>) -> Vec<Stepped> {
    let real = |path: &Path| {
        let parent = path.parent().and_then(|parent| std::fs::canonicalize(parent).ok());
        parent.zip(path.file_name()).map_or_else(|| path.to_owned(), |(parent, name)| parent.join(name))
    };
    for step in &mut steps {
        step.file = real(&step.file);
        step.to = step.to.as_deref().map(real);
    }
    steps.sort_by(|one, other| one.file.cmp(&other.file));
    steps
}

/// The file for a plan.
pub fn of(options: &Migrate, plan: &Plan, inputs: Vec<Input>, directory: &Path) -> PlanFile {
    let Target { data_dir, root, config, isolated, .. } = &options.target;
    let absolute = |path: &Option<PathBuf>| path.as_ref().map(|path| directory.join(path));
    let allowed = options.allowed.iter().map(|allow| allow.option().to_owned()).collect();
    let request = Asked {
        directory: directory.join(&options.directory),
        to: plan.to.to_string(),
        from: options.from.map(|from| from.to_string()),
        preserve_timeline: options.preserve_timeline,
        keep_defaults: options.keep_defaults,
        wal_segment_size: options.wal_segment_size,
        allowed,
        data_dir: absolute(data_dir),
        root: absolute(root),
        config: absolute(config),
        isolated: *isolated,
    };
    let tool = env!("CARGO_PKG_VERSION").to_owned();
    PlanFile { schema_version: 1, tool, request, inputs, steps: steps(plan, directory) }
}

/// The file for the plans of a tree.
pub fn of_tree(nodes: Vec<PlanFile>) -> TreeFile {
    TreeFile { schema_version: 1, tool: env!("CARGO_PKG_VERSION").to_owned(), nodes }
}

/// Reads the plans of a tree; nothing if it is anything else.
pub fn read_tree(bytes: &[u8]) -> Option<TreeFile> {
    serde_json::from_slice::<TreeFile>(bytes).ok().filter(|file| file.schema_version == 1)
}

/// Reads a plan.
///
/// # Errors
/// It is none.
pub fn read(path: &Path, bytes: &[u8]) -> Result<PlanFile, String> {
    let refused = |why: &dyn ToString| format!("{}: it is no plan: {}", path.display(), why.to_string());
    let file: PlanFile = serde_json::from_slice(bytes).map_err(|error| refused(&error))?;
    if file.schema_version != 1 {
        return Err(refused(&"a later pgconflint made it"));
    }
    Ok(file)
}

/// Writes a plan into a file. An older plan makes way, and nothing else.
///
/// # Errors
/// Why not.
pub fn write(file: &impl Serialize, path: &Path) -> Result<(), String> {
    let text = serde_json::to_string_pretty(file)
        .map_err(|error| format!("{}: a path in it is not UTF-8: {error}", path.display()))?;
    let text = text + "\n";
    let is_plan = |bytes: &[u8]| read(path, bytes).is_ok() || read_tree(bytes).is_some();
    let written = match files::create(path, text.as_bytes(), 0o600) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            if !std::fs::read(path).is_ok_and(|bytes| is_plan(&bytes)) {
                return Err(format!("{}: it is there and is no plan: nothing is written over it", path.display()));
            }
            files::replace(path, text.as_bytes())
        }
        other => other,
    };
    written.map_err(|error| format!("{}: {}", path.display(), files::words(&error)))
}

impl PlanFile {
    /// The node that it is for.
    pub fn directory(&self) -> &Path {
        &self.request.directory
    }

    /// The files that it changes.
    pub fn changed(&self) -> impl Iterator<Item = &Path> {
        self.steps.iter().filter(|step| step.action != "keep").map(|step| step.file.as_path())
    }

    /// What was asked for when the plan was made, as if it were asked again. A server that runs is allowed by those
    /// alone who apply it.
    ///
    /// # Errors
    /// It is not the plan of that node, or says what cannot be asked for.
    pub fn options(&self, path: &Path, given: &Migrate, directory: &Path) -> Result<Migrate, String> {
        let asked = &self.request;
        let refused = |why: String| format!("{}: {why}", path.display());
        let is_given = !given.directory.as_os_str().is_empty();
        if is_given && directory.join(&given.directory) != asked.directory {
            return Err(refused(format!("it is the plan of {}", asked.directory.display())));
        }
        let major = |text: &String| Major::from_table(text).ok_or_else(|| refused(format!("`{text}` is no version")));
        let mut allowed = Vec::new();
        for word in &asked.allowed {
            let known = Allow::ALL.into_iter().find(|allow| allow.option() == word);
            allowed.push(known.ok_or_else(|| refused(format!("there is no `{word}`")))?);
        }
        allowed.retain(|allow| *allow != Allow::Running);
        allowed.extend(&given.allowed);
        Ok(Migrate {
            directory: asked.directory.clone(),
            to: Some(major(&asked.to)?),
            from: asked.from.as_ref().map(major).transpose()?,
            preserve_timeline: asked.preserve_timeline,
            keep_defaults: asked.keep_defaults,
            wal_segment_size: asked.wal_segment_size,
            allowed,
            act: Act::Apply(path.to_owned()),
            target: Target {
                data_dir: asked.data_dir.clone(),
                root: asked.root.clone(),
                config: asked.config.clone(),
                isolated: asked.isolated,
                ..Target::default()
            },
            json: given.json,
        })
    }
}
