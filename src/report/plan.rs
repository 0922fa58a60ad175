//! The plan of a migration, for people and for other programs.

use std::fmt::Write;

use serde::Serialize;

use super::done::{self, Done};
use super::{Show, unified};
use crate::migrate::{Action, Change, Goes, Plan, Step, Told};
use crate::source::display;

/// The document of `migrate --format json`, schema version 1.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Document {
    schema_version: u32,
    from: String,
    to: String,
    blocked: Vec<Blocked>,
    steps: Vec<Stepped>,
    changes: Vec<Changed>,
    notes: Vec<String>,
    next_start: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    done: Option<done::Document>,
}

#[derive(Serialize)]
struct Blocked {
    reason: String,
    allow: Option<&'static str>,
}

#[derive(Serialize)]
struct Stepped {
    action: &'static str,
    file: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<String>,
    why: String,
    diff: String,
}

#[derive(Serialize)]
struct Changed {
    setting: String,
    from: Option<From>,
    to: Option<To>,
    why: String,
}

#[derive(Serialize)]
struct From {
    file: String,
    line: usize,
    value: String,
}

#[derive(Serialize)]
struct To {
    file: String,
    setting: String,
    value: String,
}

/// The plan for other programs, and what was done of it.
pub fn document(plan: &Plan, done: Option<&Done>, show: &Show) -> Document {
    let text = |text: &str| show.text(text).into_owned();
    let bytes = |bytes: &[u8]| show.text(&display(bytes)).into_owned();
    let changed = |change: &Change| Changed {
        setting: text(&change.setting),
        from: change.from.as_ref().map(|from| From {
            file: show.path(&from.path),
            line: from.line,
            value: bytes(&from.value),
        }),
        to: change.to.as_ref().map(|to| To {
            file: show.path(&to.path),
            setting: text(&to.setting),
            value: bytes(&to.value),
        }),
        why: text(&change.why),
    };
    let stepped = |step: &Step| Stepped {
        action: word(&step.action),
        file: show.path(&step.path),
        to: match &step.action {
            Action::Rename(to) => Some(show.path(to)),
            _ => None,
        },
        why: text(&step.why),
        diff: diff(step, show),
    };
    Document {
        schema_version: 1,
        from: plan.from.to_string(),
        to: plan.to.to_string(),
        blocked: plan
            .blocks
            .iter()
            .map(|block| Blocked {
                reason: text(&told(&block.reason, show)),
                allow: block.allow.map(crate::migrate::Allow::option),
            })
            .collect(),
        steps: plan.steps.iter().map(stepped).collect(),
        changes: plan.changes.iter().map(changed).collect(),
        notes: plan.notes.iter().map(|note| text(&told(note, show))).collect(),
        next_start: text(&plan.next_start),
        done: done.map(|done| done::document(done, show)),
    }
}

fn told(told: &Told, show: &Show) -> String {
    told.shown(|path| show.path(path))
}

fn word(action: &Action) -> &'static str {
    match action {
        Action::Edit => "edit",
        Action::Create => "create",
        Action::Rename(_) => "rename",
        Action::Keep => "keep",
    }
}

fn diff(step: &Step, show: &Show) -> String {
    let old = step.old.as_deref().unwrap_or_default();
    step.new.as_deref().map(|new| unified(&step.path, old, new, show)).unwrap_or_default()
}

/// The plan for people.
pub fn text(plan: &Plan, node: &str, show: &Show) -> String {
    let mut out = String::new();
    let line = |text: &str| show.line(text);
    let _ = writeln!(out, "{node}: from {} to {}", plan.from, plan.to);
    if !plan.blocks.is_empty() {
        let _ = writeln!(out, "\nIn the way:");
        for block in &plan.blocks {
            let allow = block.allow.map(|allow| format!(" ({} allows it)", allow.option())).unwrap_or_default();
            let _ = writeln!(out, "  ! {}{allow}", line(&told(&block.reason, show)));
        }
    }
    if !plan.changes.is_empty() {
        let _ = writeln!(out, "\nSettings:");
        for change in &plan.changes {
            let _ = writeln!(out, "  {}\n    -> {}", line(&origin(change, show)), line(&destination(change, show)));
            let _ = writeln!(out, "       {}", line(&change.why));
        }
    }
    if !plan.steps.is_empty() {
        let _ = writeln!(out, "\nFiles, in this order:");
        for (index, step) in plan.steps.iter().enumerate() {
            let to = match &step.action {
                Action::Rename(to) => format!(" to {}", show.path(to)),
                _ => String::new(),
            };
            let file = show.path(&step.path);
            let _ =
                writeln!(out, "  {}. {} {}: {}", index + 1, word(&step.action), line(&(file + &to)), line(&step.why));
        }
    }
    for diff in plan.steps.iter().map(|step| diff(step, show)).filter(|diff| !diff.is_empty()) {
        let _ = write!(out, "\n{diff}");
        if !out.ends_with('\n') {
            out.push('\n');
        }
    }
    if !plan.notes.is_empty() {
        let _ = writeln!(out, "\nNotes:");
        for note in &plan.notes {
            let _ = writeln!(out, "  - {}", line(&told(note, show)));
        }
    }
    if plan.is_empty() && plan.blocks.is_empty() {
        let _ = writeln!(out, "\nNothing to do.");
    }
    let if_written = if plan.blocks.is_empty() { "" } else { ", if this were written" };
    let _ = writeln!(out, "\nNext start{if_written}: {}.", line(&plan.next_start));
    out
}

fn origin(change: &Change, show: &Show) -> String {
    match &change.from {
        Some(from) => {
            format!("{}:{}: {} = '{}'", show.path(&from.path), from.line, change.setting, display(&from.value))
        }
        None => format!("{} is not set", change.setting),
    }
}

fn destination(change: &Change, show: &Show) -> String {
    match &change.to {
        Some(Goes { path, setting, .. }) if setting.is_empty() => show.path(path),
        Some(Goes { path, setting, value }) => format!("{}: {setting} = '{}'", show.path(path), display(value)),
        None => "not written".to_owned(),
    }
}
