//! Values as SHOW prints them.

use std::collections::HashMap;
use std::sync::Mutex;

use anyhow::Result;

use crate::files::{Bytes, FileSet};
use crate::server::Server;
use crate::start::start_check;

impl Server {
    /// What SHOW prints after `SET LOCAL name = 'value'`, or nothing where the
    /// session may not set that.
    pub fn set_and_show(&self, name: &str, value: &[u8]) -> Result<Option<Bytes>> {
        let mut sql = format!("begin; set local {} = E'", identifier(name)).into_bytes();
        for byte in value {
            match byte {
                b'\'' | b'\\' => sql.extend([b'\\', *byte]),
                _ => sql.push(*byte),
            }
        }
        sql.extend(format!("'; show {}", identifier(name)).bytes());
        let answer = self.query_bytes(&sql)?;
        self.query("rollback")?;
        if answer.error.is_some() {
            return Ok(None);
        }
        Ok(answer.rows.into_iter().next_back().and_then(|row| row.into_iter().next()).flatten())
    }
}

/// Answers kept by major, name and value: the same few thousand values come
/// again and again.
#[derive(Debug, Default)]
pub struct Shown {
    answers: Mutex<HashMap<(u16, String, Bytes), Option<Bytes>>>,
}

impl Shown {
    /// The value that a server has from `name = 'value'` in a file: as
    /// `postgres -C` prints it, which is in the parameter's own unit. Nothing
    /// if the server refuses it.
    pub fn value(&self, major: u16, name: &str, value: &[u8]) -> Result<Option<Bytes>> {
        let key = (major, name.to_string(), value.to_vec());
        if let Some(answer) = self.answers.lock().expect("nobody panics while holding answers").get(&key) {
            return Ok(answer.clone());
        }
        let mut file = format!("{name} = ").into_bytes();
        file.extend(pgconflint::syntax::conf::quote(value));
        file.push(b'\n');
        let answer = start_check(major, &FileSet::conf(file), name)?.value;
        self.answers.lock().expect("nobody panics while holding answers").insert(key, answer.clone());
        Ok(answer)
    }
}

fn identifier(name: &str) -> String {
    name.split('.').map(|part| format!("\"{}\"", part.replace('"', "\"\""))).collect::<Vec<_>>().join(".")
}
