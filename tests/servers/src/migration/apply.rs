//! Migrating a data directory with the built program.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use pgconflint::names;
use pgconflint::version::Major;
use serde_json::Value;
use walkdir::WalkDir;

use crate::user;

/// What the program says of a migration.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Told {
    /// What is in the way; nothing is changed then.
    pub blocked: Vec<String>,
    /// What the server will do.
    pub next_start: String,
}

/// Migrates a data directory, whose files are of `from`, to a major.
///
/// # Errors
/// That the program fails.
pub fn apply(program: &Path, data: &Path, from: Major, to: u16, options: &[String]) -> Result<Told> {
    let out = data.with_extension("migrated");
    let mut command = Command::new(program);
    command.arg("migrate").arg(data).args(["--from", &from.to_string(), "--to", &to.to_string()]);
    command.args(["--isolated", "--format", "json"]).args(options).arg("--out").arg(&out);
    let output = command.output().with_context(|| format!("running {}", program.display()))?;
    let document: Value = serde_json::from_slice(&output.stdout)
        .with_context(|| format!("what migrate prints: {}", String::from_utf8_lossy(&output.stderr)))?;
    let text = |value: &Value| value.as_str().unwrap_or_default().to_string();
    let blocked = document["blocked"].as_array().context("`blocked`")?;
    let blocked: Vec<String> = blocked.iter().map(|block| text(&block["reason"])).collect();
    let told = Told { blocked, next_start: text(&document["nextStart"]) };
    if told.blocked.is_empty() {
        let code = output.status.code();
        ensure!(matches!(code, Some(0 | 1)), "{code:?}: {}", String::from_utf8_lossy(&output.stderr));
        take_over(&out, data)?;
    }
    Ok(told)
}

/// Puts the migrated files in the place of the others.
fn take_over(out: &Path, data: &Path) -> Result<()> {
    for entry in WalkDir::new(out).min_depth(1) {
        let entry = entry?;
        if entry.file_type().is_dir() {
            continue;
        }
        let below = entry.path().strip_prefix(out)?;
        // What lies elsewhere stands by its whole path, and is not changed by these cases.
        if Path::new("/").join(below).exists() {
            continue;
        }
        let path = data.join(below);
        if !path.exists() && !below.ends_with(names::STANDBY_SIGNAL) && !below.ends_with(names::RECOVERY_SIGNAL) {
            bail!("{} is new", below.display());
        }
        fs::copy(entry.path(), &path)?;
        user::give(&path)?;
    }
    let recovery: PathBuf = data.join(names::RECOVERY_CONF);
    if recovery.exists() {
        fs::remove_file(recovery)?;
    }
    Ok(fs::remove_dir_all(out)?)
}
