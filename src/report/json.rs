//! JSON, schema version 1: fields may be added, none is renamed or removed.
//!
//! The schema is generated from these structs and kept in `docs/schema/`; it is published as
//! `schema/diagnostics-v1.schema.json`.

use serde::Serialize;

use super::Summary;
use super::diagnostic::{Diagnostic, Problem};
use super::forecast::NodeForecast;
use super::place::is_unprintable;

/// The whole document.
#[derive(Serialize, Debug)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Document<'a> {
    /// Always 1.
    pub schema_version: u32,
    /// Who wrote this.
    pub tool: Tool,
    /// Counts.
    pub summary: Counts,
    /// Sorted by file, offset and rule.
    pub diagnostics: &'a [Diagnostic],
    /// What comes of nodes that follow each other, and of those that they follow.
    #[serde(skip_serializing_if = "<[NodeForecast]>::is_empty")]
    #[cfg_attr(test, schemars(default))]
    pub nodes: &'a [NodeForecast],
    /// What could not be done.
    pub errors: &'a [Problem],
}

/// The program that wrote a document.
#[derive(Serialize, Debug)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Tool {
    /// Always `pgconflint`.
    pub name: &'static str,
    /// Its version.
    pub version: &'static str,
}

/// Counts over all files.
#[derive(Serialize, Debug)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Counts {
    /// Files that were checked.
    pub files: usize,
    /// Diagnostics of level error.
    pub error: usize,
    /// Diagnostics of level warning.
    pub warning: usize,
    /// Diagnostics of level info.
    pub info: usize,
    /// Diagnostics with a fix that `--fix` or `--unsafe-fixes` applies.
    pub fixable: usize,
    /// Findings that comments suppressed.
    pub suppressed: usize,
    /// Findings that the baseline holds.
    pub baselined: usize,
    /// Entries of the baseline that hold more than was found.
    pub stale: usize,
}

/// JSON in which nothing acts on a terminal: serde leaves DEL, C1 controls and what changes a text's direction as they are.
///
/// # Errors
/// None that these structs can cause.
pub fn to_text(value: &impl Serialize, pretty: bool) -> serde_json::Result<String> {
    let text = if pretty { serde_json::to_string_pretty(value)? } else { serde_json::to_string(value)? };
    if !text.chars().any(is_unprintable) {
        return Ok(text);
    }
    let mut escaped = String::with_capacity(text.len() + 64);
    for char in text.chars() {
        // Outside of strings there are none of these, so this is always within one.
        match is_unprintable(char) {
            true => escaped.push_str(&format!("\\u{:04x}", u32::from(char))),
            false => escaped.push(char),
        }
    }
    Ok(escaped)
}

/// The document of a run.
pub fn document<'a>(
    summary: &Summary,
    diagnostics: &'a [Diagnostic],
    nodes: &'a [NodeForecast],
    errors: &'a [Problem],
) -> Document<'a> {
    Document {
        schema_version: 1,
        tool: Tool { name: env!("CARGO_PKG_NAME"), version: env!("CARGO_PKG_VERSION") },
        summary: Counts {
            files: summary.files,
            error: summary.errors,
            warning: summary.warnings,
            info: summary.infos,
            fixable: summary.fixable,
            suppressed: summary.suppressed,
            baselined: summary.baselined,
            stale: summary.stale,
        },
        diagnostics,
        nodes,
        errors,
    }
}
