//! The name by which code scanning knows a line again: `primaryLocationLineHash`, as GitHub's upload action computes it.
//!
//! It is a rolling hash over the hundred UTF-16 units from the start of the line on that are neither blank nor tab,
//! and how often the same one came before. The action warns where it computes another one, so every detail counts.

use std::collections::HashMap;

use super::Report;
use super::diagnostic::Diagnostic;
use crate::source::FileId;

const BLOCK: usize = 100;
const BASE: u64 = 37;
const END: u16 = 0xffff;

/// Gives each diagnostic of a report, in the report's order, the hash of its line.
pub fn fill(diagnostics: &mut [Diagnostic], report: &Report) {
    let mut known: HashMap<FileId, Vec<String>> = HashMap::new();
    for (diagnostic, finding) in diagnostics.iter_mut().zip(&report.findings) {
        let file = finding.place.file;
        let hashes = known.entry(file).or_insert_with(|| of_lines(&report.sources.get(file).bytes));
        diagnostic.line_hash = hashes.get(diagnostic.line - 1).cloned();
    }
}

/// The hash of each line. A carriage return alone ends a line here, unlike everywhere else.
fn of_lines(bytes: &[u8]) -> Vec<String> {
    let mut rolling = Rolling::default();
    let mut after_return = false;
    let mut line_begins = true;
    for unit in String::from_utf8_lossy(bytes).encode_utf16().chain([END]) {
        let (is_return, is_feed) = (unit == u16::from(b'\r'), unit == u16::from(b'\n'));
        let is_second = after_return && is_feed;
        after_return = is_return;
        if unit == u16::from(b' ') || unit == u16::from(b'\t') || is_second {
            continue;
        }
        rolling.emit();
        rolling.begins[rolling.index] = line_begins;
        line_begins = is_return || is_feed;
        rolling.push(if is_return { u16::from(b'\n') } else { unit });
    }
    for _ in 0..BLOCK {
        rolling.emit();
        rolling.push(0);
    }
    rolling.hashes
}

struct Rolling {
    window: [u16; BLOCK],
    /// Whether the unit at this place of the window is the first of a line whose hash is still to come.
    begins: [bool; BLOCK],
    index: usize,
    hash: u64,
    counts: HashMap<u64, usize>,
    hashes: Vec<String>,
}

impl Default for Rolling {
    fn default() -> Rolling {
        Rolling {
            window: [0; BLOCK],
            begins: [false; BLOCK],
            index: 0,
            hash: 0,
            counts: HashMap::new(),
            hashes: Vec::new(),
        }
    }
}

impl Rolling {
    /// The window is full again: what began here is whole.
    fn emit(&mut self) {
        if std::mem::take(&mut self.begins[self.index]) {
            let count = self.counts.entry(self.hash).or_default();
            *count += 1;
            self.hashes.push(format!("{:x}:{count}", self.hash));
        }
    }

    fn push(&mut self, unit: u16) {
        const GONE: u64 = BASE.wrapping_pow(BLOCK as u32);
        let gone = u64::from(std::mem::replace(&mut self.window[self.index], unit));
        self.hash = self.hash.wrapping_mul(BASE).wrapping_add(u64::from(unit)).wrapping_sub(GONE.wrapping_mul(gone));
        self.index = (self.index + 1) % BLOCK;
    }
}

#[cfg(test)]
mod tests {
    use super::of_lines;

    /// What the action computes for these texts, by its own tests.
    #[test]
    fn hashes_are_those_of_the_action() {
        assert_eq!(of_lines(b""), ["c129715d7a2bc9a3:1"]);
        assert_eq!(
            of_lines(b" a\nb\n  \t\tc\n d"),
            ["271789c17abda88f:1", "54703d4cd895b18:1", "180aee12dab6264:1", "a23a3dc5e078b07b:1"]
        );
        let greetings = [
            "e9496ae3ebfced30:1",
            "fb7c023a8b9ccb3f:1",
            "ce8ba1a563dcdaca:1",
            "e20e36e16fcb0cc8:1",
            "b3edc88f2938467e:1",
            "c8e28b0b4002a3a0:1",
            "c129715d7a2bc9a3:1",
        ];
        for text in [
            " hello; \t\nworld!!!\n\n\n  \t\tGreetings\n End\n",
            " hello; \t\nworld!!!\r\r\r  \t\tGreetings\r End\r",
            " hello; \t\r\nworld!!!\r\n\r\n\r\n  \t\tGreetings\r\n End\r\n",
            " hello; \t\nworld!!!\r\n\n\r  \t\tGreetings\r End\r\n",
        ] {
            assert_eq!(of_lines(text.as_bytes()), greetings, "{text:?}");
        }
        assert_eq!(
            of_lines("Lorem ipsum dolor sit amet.\n".repeat(10).as_bytes()),
            [
                "a7f2ff13bc495cf2:1",
                "a7f2ff13bc495cf2:2",
                "a7f2ff13bc495cf2:3",
                "a7f2ff13bc495cf2:4",
                "a7f2ff13bc495cf2:5",
                "a7f2ff13bc495cf2:6",
                "a7f2ff1481e87703:1",
                "a9cf91f7bbf1862b:1",
                "55ec222b86bcae53:1",
                "cc97dc7b1d7d8f7b:1",
                "c129715d7a2bc9a3:1"
            ]
        );
    }
}
