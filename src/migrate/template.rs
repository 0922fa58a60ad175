//! Files of a template engine. What it fills in within a value is hidden behind a word while the plan is made, and
//! shown again in it, byte for byte; what it decides, which lines there are, no plan can know.

mod pieces;

use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{Action, Change, Plan, Step, Told};
use crate::names;
use crate::source::{Files, ReadError, display};
use crate::syntax::conf::{self, Content};

use pieces::{Piece, Sort};

/// A hidden piece is this, its number, and [`END`]: the value of nothing but a text.
const BEGIN: &[u8] = b"pgtemplate_";
const END: u8 = b'x';

/// Whether a value holds a hidden piece.
pub fn is_open(value: &[u8]) -> bool {
    next(value, 0).is_some()
}

/// Whether a text begins with a hidden piece.
pub fn begins_open(text: &[u8]) -> bool {
    next(text, 0).is_some_and(|(start, ..)| start == 0)
}

/// Files with all that a template engine fills in hidden.
pub struct Masked<'a> {
    under: &'a dyn Files,
    /// Every hidden piece by its number, and whether it is a comment once it is filled in.
    pieces: RefCell<Vec<(Vec<u8>, bool)>>,
    /// What cannot be planned, once for each place.
    faults: RefCell<Vec<Told>>,
}

impl<'a> Masked<'a> {
    /// With nothing hidden so far.
    pub fn new(under: &'a dyn Files) -> Masked<'a> {
        Masked { under, pieces: RefCell::default(), faults: RefCell::default() }
    }

    /// What cannot be planned, in the files that were read: of each file the first place, and where the others are.
    pub fn faults(&self) -> Vec<Told> {
        let mut faults = self.faults.borrow().clone();
        faults.sort();
        faults.dedup();
        let mut told: Vec<Told> = Vec::new();
        for file in faults.chunk_by(|one, other| one.path() == other.path()) {
            let mut first = file[0].clone();
            let others: Vec<String> = file[1..].iter().filter_map(Told::line).map(|line| line.to_string()).collect();
            match others.as_slice() {
                [] => {}
                [line] => first.text.push_str(&format!(" (so does line {line})")),
                lines => first.text.push_str(&format!(" (so do lines {})", lines.join(", "))),
            }
            told.push(first);
        }
        told
    }

    /// The plan with everything in its place again.
    pub fn reveal(&self, mut plan: Plan) -> Plan {
        if self.pieces.borrow().is_empty() {
            return plan;
        }
        let text = |text: &mut String| *text = display(&self.revealed(text.as_bytes()));
        let bytes = |bytes: &mut Arc<[u8]>| *bytes = Arc::from(self.revealed(bytes));
        plan.blocks.iter_mut().for_each(|block| text(&mut block.reason.text));
        plan.notes.iter_mut().for_each(|note| text(&mut note.text));
        plan.files.iter_mut().for_each(|(_, file)| bytes(file));
        text(&mut plan.next_start);
        for Step { action: _, path: _, why, old, new } in &mut plan.steps {
            text(why);
            old.iter_mut().chain(new).for_each(bytes);
        }
        for Change { setting, from, to, why } in &mut plan.changes {
            text(setting);
            text(why);
            let from = from.iter_mut().map(|from| &mut from.value);
            from.chain(to.iter_mut().map(|to| &mut to.value)).for_each(|value| *value = self.revealed(value));
        }
        plan
    }

    fn revealed(&self, text: &[u8]) -> Vec<u8> {
        let pieces = self.pieces.borrow();
        let (mut whole, mut done) = (Vec::with_capacity(text.len()), 0);
        while let Some((start, end, number)) = next(text, done) {
            whole.extend(&text[done..start]);
            match pieces.get(number) {
                Some((piece, is_comment)) => {
                    // What made it a comment is not in the file.
                    if *is_comment && whole.last() == Some(&b'#') {
                        whole.pop();
                    }
                    whole.extend(piece);
                }
                None => whole.extend(&text[start..end]),
            }
            done = end;
        }
        whole.extend(&text[done..]);
        whole
    }

    fn hidden(&self, piece: &[u8], is_comment: bool) -> Vec<u8> {
        let mut pieces = self.pieces.borrow_mut();
        let known = pieces.iter().position(|(known, sort)| known == piece && *sort == is_comment);
        let number = known.unwrap_or(pieces.len());
        if number == pieces.len() {
            pieces.push((piece.to_vec(), is_comment));
        }
        let hash: &[u8] = if is_comment { b"#" } else { b"" };
        [hash, BEGIN, number.to_string().as_bytes(), &[END]].concat()
    }

    /// The file as it is planned with.
    fn masked(&self, path: &Path, bytes: &[u8]) -> Vec<u8> {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let has_records = [names::PG_HBA, names::PG_IDENT].iter().any(|known| name.starts_with(*known));
        let mut masked = Vec::with_capacity(bytes.len());
        for (index, line) in bytes.split_inclusive(|byte| *byte == b'\n').enumerate() {
            masked.extend(self.line(line, has_records).unwrap_or_else(|text| {
                self.faults.borrow_mut().push(Told::at(path, index + 1, text));
                // It is said once, and not as something that no server can read.
                let text = line.trim_ascii_end();
                [&self.hidden(text, true), &line[text.len()..]].concat()
            }));
        }
        masked
    }

    fn line(&self, line: &[u8], has_records: bool) -> Result<Vec<u8>, String> {
        let found = pieces::find(line);
        if found.is_empty() {
            return Ok(line.to_vec());
        }
        let (mut masked, mut done) = (Vec::with_capacity(line.len()), 0);
        for Piece { span, sort } in &found {
            let piece = span.of(line);
            masked.extend(&line[done..span.start]);
            match sort {
                Sort::Logic => {
                    return Err(format!(
                        "fill the template in, and migrate what comes of it: `{}` decides which lines there are",
                        display(piece)
                    ));
                }
                // A comment once it is filled in, with the rest of the line.
                Sort::Comment => masked.extend(self.hidden(piece, true)),
                Sort::Value => masked.extend(self.hidden(piece, false)),
            }
            done = span.end;
        }
        masked.extend(&line[done..]);
        let first = found[0].span.of(line);
        let outside = || {
            format!(
                "fill the template in, and migrate what comes of it: `{}` stands for more than a value",
                display(first)
            )
        };
        let is_alone = masked.trim_ascii().starts_with(BEGIN) && !masked.trim_ascii().contains(&b' ');
        match has_records {
            true if is_alone => Err(outside()),
            true => Ok(masked),
            false if is_a_setting_or_nothing(&masked) => Ok(masked),
            false => Err(outside()),
        }
    }
}

/// Whether what is hidden in a line stands within a value, or in a comment.
fn is_a_setting_or_nothing(line: &[u8]) -> bool {
    match conf::lines(line).next().map(|line| line.content) {
        Some(Content::Setting(setting)) => !is_open(setting.name.of(line)),
        Some(Content::Broken(_)) => false,
        _ => true,
    }
}

impl Files for Masked<'_> {
    fn read(&self, path: &Path) -> Result<Arc<[u8]>, ReadError> {
        let bytes = self.under.read(path)?;
        // No text of people: pg_control and the like.
        if memchr::memchr(0, &bytes).is_some() || !pieces::may_have(&bytes) {
            return Ok(bytes);
        }
        Ok(Arc::from(self.masked(path, &bytes)))
    }

    fn list(&self, directory: &Path) -> Result<Vec<(Vec<u8>, bool)>, ReadError> {
        self.under.list(directory)
    }

    fn mode(&self, path: &Path) -> Option<u32> {
        self.under.mode(path)
    }
}

/// The next hidden piece: where it begins and ends, and its number.
fn next(text: &[u8], from: usize) -> Option<(usize, usize, usize)> {
    memchr::memmem::find_iter(&text[from..], BEGIN).find_map(|at| {
        let start = from + at + BEGIN.len();
        let digits = text[start..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        let number = std::str::from_utf8(&text[start..start + digits]).ok()?.parse().ok()?;
        (text.get(start + digits) == Some(&END)).then_some((from + at, start + digits + 1, number))
    })
}

/// The node of a lone file: a directory in which it has the name that a server looks for, and what its name has
/// behind that, as in `recovery.conf.j2`.
pub fn lone(path: &Path) -> Option<(PathBuf, String)> {
    let name = path.file_name()?.to_str()?;
    let known = [names::RECOVERY_CONF, names::POSTGRESQL_CONF, names::AUTO_CONF, names::PG_HBA, names::PG_IDENT];
    let found = known.iter().find(|known| name.starts_with(**known))?;
    Some((path.with_file_name(found), name[found.len()..].to_owned()))
}

/// The plan for a lone file, with its name and, of the files that are made beside it, its kind.
pub fn with_suffix(mut plan: Plan, suffix: &str) -> Plan {
    let is_signal = |path: &Path| path.extension().is_some_and(|extension| extension == "signal");
    let named = |path: &mut PathBuf| {
        if !suffix.is_empty() && !is_signal(path) && path.file_name().is_some() {
            path.as_mut_os_string().push(suffix);
        }
    };
    for step in &mut plan.steps {
        named(&mut step.path);
        if let Action::Rename(to) = &mut step.action {
            // The old name stays in front, so that it is found.
            named(to);
        }
    }
    for change in &mut plan.changes {
        change.from.iter_mut().for_each(|from| named(&mut from.path));
        change.to.iter_mut().for_each(|to| named(&mut to.path));
    }
    let told = plan.blocks.iter_mut().map(|block| &mut block.reason).chain(&mut plan.notes);
    told.filter_map(|told| told.at.as_mut()).for_each(|(path, _)| named(path));
    plan.files.iter_mut().for_each(|(path, _)| named(path));
    plan
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::Memory;

    #[test]
    fn values_are_hidden_and_shown_again() {
        let memory = Memory::default();
        let masked = Masked::new(&memory);
        for (line, is_planned) in [
            ("primary_conninfo = 'host={{ hosts['a']['b'] }} port=<%= @port || '5432' %>' # {{ x }}\n", true),
            ("work_mem = ${WORK_MEM}\r\n", true),
            ("port = @PORT@\n", true),
            ("port = @@PORT@@", true),
            ("# {{ ansible_managed }}\n", true),
            ("{{ ansible_managed | comment }}\n", true),
            ("{# why #}\n", true),
            ("log_line_prefix = '<%m %u@%d> '\n", true),
            ("{{ all_of_it }}\n", false),
            ("{% if a %}\n", false),
            ("# {% if a %}\n", false),
            ("<% if a -%>\n", false),
            ("<%- |\n", false),
            ("<%= name %> = 1\n", false),
            ("{{ a }} {{ b }}\n", false),
        ] {
            let hidden = masked.line(line.as_bytes(), false);
            assert_eq!(hidden.is_ok(), is_planned, "{line}: {hidden:?}");
            let hidden = hidden.unwrap_or(line.as_bytes().to_vec());
            assert_eq!(masked.revealed(&hidden), line.as_bytes(), "{line}");
        }
    }
}
