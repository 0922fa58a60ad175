//! Migrating a data directory with the built program, in place.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use pgconflint::version::Major;
use serde_json::Value;

/// What is in the way of a migration; where nothing is, it is written.
///
/// # Errors
/// That the program fails.
pub fn apply(program: &Path, data: &Path, from: Major, to: u16, options: &[String]) -> Result<Vec<String>> {
    let mut command = Command::new(program);
    command.arg("migrate").arg(data).args(["--from", &from.to_string(), "--to", &to.to_string()]);
    command.args(["--write", "--yes", "--isolated", "--format", "json"]).args(options);
    let output = command.output().with_context(|| format!("running {}", program.display()))?;
    let said = String::from_utf8_lossy(&output.stderr);
    let document: Value =
        serde_json::from_slice(&output.stdout).with_context(|| format!("what migrate prints: {said}"))?;
    let blocked = document["blocked"].as_array().context("`blocked`")?;
    let blocked: Vec<String> =
        blocked.iter().map(|block| block["reason"].as_str().unwrap_or_default().to_string()).collect();
    let wanted = if blocked.is_empty() { 0 } else { 2 };
    ensure!(output.status.code() == Some(wanted), "{}: {said}", output.status);
    Ok(blocked)
}
