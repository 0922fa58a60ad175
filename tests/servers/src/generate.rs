//! Files made from real ones by small changes that know the grammar, the
//! parameters and the kinds of value. A seed and a number give a case again.

use std::collections::BTreeMap;

use fastrand::Rng;

use crate::files::{Bytes, FileSet, replace};
use crate::mutate::{self, Known};

/// What cases are made of.
#[derive(Clone, Debug, Default)]
pub struct Material {
    /// Lines of each source file that are no mere comments; of a line that
    /// comments out a setting, the setting.
    pub files: Vec<Vec<Bytes>>,
    /// The parameters of all majors.
    pub known: Known,
}

impl Material {
    /// Takes up one more source file.
    pub fn add(&mut self, bytes: &[u8]) {
        let lines: Vec<Bytes> = bytes.split(|byte| *byte == b'\n').filter_map(line).collect();
        if !lines.is_empty() {
            self.files.push(lines);
        }
    }
}

/// Makes the case of this seed and number. It is the same for every major.
pub fn case(material: &Material, seed: u64, number: u64) -> FileSet {
    let mut rng = Rng::with_seed(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ number.wrapping_mul(0xD1B5_4A32_D192_ED03));
    let rng = &mut rng;
    let mut lines = take(material, rng, 3, 30);
    // One case in eight stays as people wrote it.
    let changes = if rng.u8(..8) == 0 { 0 } else { 1 + rng.usize(..4) };
    for _ in 0..changes {
        mutate::line(&material.known, rng, &mut lines);
    }
    let mut files = BTreeMap::new();
    if rng.u8(..6) == 0 {
        include(material, rng, &mut lines, &mut files);
    }
    if rng.u8(..8) == 0 {
        let mut auto = take(material, rng, 1, 6);
        if rng.bool() {
            mutate::line(&material.known, rng, &mut auto);
        }
        files.insert("postgresql.auto.conf".to_string(), Some(join(rng, &auto)));
    }
    let mut main = join(rng, &lines);
    if rng.u8(..12) == 0 {
        mutate::bytes(rng, &mut main);
    }
    files.insert("postgresql.conf".to_string(), Some(main));
    // A string that begins with a zero byte is what happened to be in the
    // server's memory: no two servers agree on it.
    for bytes in files.values_mut().flatten() {
        *bytes = replace(bytes, b"'\0", b"'");
    }
    FileSet { files, ..FileSet::default() }
}

/// A line as material: settings, and settings commented out.
fn line(line: &[u8]) -> Option<Bytes> {
    let trimmed = line.trim_ascii_start();
    let Some(comment) = trimmed.strip_prefix(b"#") else {
        return (!trimmed.is_empty()).then(|| line.to_vec());
    };
    let name = comment.iter().take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.')).count();
    let setting = name > 2 && comment[name..].trim_ascii_start().starts_with(b"=");
    setting.then(|| comment.to_vec())
}

fn take(material: &Material, rng: &mut Rng, least: usize, most: usize) -> Vec<Bytes> {
    let file = &material.files[rng.usize(..material.files.len())];
    let count = rng.usize(least..=most).min(file.len());
    let start = rng.usize(..=file.len() - count);
    file[start..start + count].to_vec()
}

/// Lines of one file: mostly ended as usual, sometimes as on other systems.
fn join(rng: &mut Rng, lines: &[Bytes]) -> Bytes {
    let end: &[u8] = match rng.u8(..40) {
        0 | 1 => b"\r\n",
        2 => b"\n\n",
        3 => b" \t\n",
        _ => b"\n",
    };
    let mut bytes: Bytes = lines.iter().flat_map(|line| line.iter().chain(end)).copied().collect();
    if rng.u8(..10) == 0 {
        bytes.truncate(bytes.len() - end.len().min(bytes.len()));
    }
    bytes
}

/// Adds an include line and, mostly, what it includes. Never two files that
/// include each other twice: each reading would double ten times.
fn include(material: &Material, rng: &mut Rng, lines: &mut Vec<Bytes>, files: &mut BTreeMap<String, Option<Bytes>>) {
    let (text, names): (&str, &[&str]) = *rng.choice(INCLUDES).expect("there are includes");
    lines.insert(rng.usize(..=lines.len()), text.as_bytes().to_vec());
    for (index, name) in names.iter().enumerate() {
        let mut inner = take(material, rng, 1, 5);
        if rng.bool() {
            mutate::line(&material.known, rng, &mut inner);
        }
        if index == 0 && rng.u8(..5) == 0 {
            let nested = *rng.choice(NESTED).expect("there are nested includes");
            inner.insert(rng.usize(..=inner.len()), nested.as_bytes().to_vec());
        }
        files.insert((*name).to_string(), Some(join(rng, &inner)));
    }
}

const INCLUDES: &[(&str, &[&str])] = &[
    ("include 'a.conf'", &["a.conf"]),
    ("include='sub/a.conf'", &["sub/a.conf", "sub/b.conf"]),
    ("Include sub/a.conf", &["sub/a.conf"]),
    ("include a.conf", &["a.conf"]),
    ("include 'missing.conf'", &[]),
    ("include_if_exists 'missing.conf'", &[]),
    ("include_if_exists = 'a.conf'  # more", &["a.conf"]),
    ("include_if_exists 'sub'", &["sub/a.conf"]),
    ("include 'sub'", &["sub/a.conf"]),
    ("include_dir 'd'", &["d/10.conf", "d/9.conf", "d/B.conf", "d/.x.conf", "d/y.txt"]),
    ("include_dir d", &["d/a.conf", "d/a-b.conf", "d/a_b.conf"]),
    ("include_dir 'd/'", &["d/a.conf"]),
    ("include_dir 'missing'", &[]),
    ("include_dir 'a.conf'", &["a.conf"]),
    ("include ''", &[]),
    ("include_dir ''", &[]),
    ("include_if_exists ''", &[]),
    ("include", &[]),
    ("include 'postgresql.conf'", &[]),
    ("include './a.conf'", &["a.conf"]),
    ("include 'sub/../a.conf'", &["a.conf", "sub/b.conf"]),
    ("include '/nonexistent/a.conf'", &[]),
    ("include 'a.conf' 'b.conf'", &["a.conf", "b.conf"]),
    ("include 'b.conf'\ninclude 'a.conf'", &["a.conf", "b.conf"]),
];

const NESTED: &[&str] = &[
    "include 'b.conf'",
    "include 'a.conf'",
    "include '../b.conf'",
    "include_if_exists 'none.conf'",
    "include_dir 'e'",
    "include 'none.conf'",
];
