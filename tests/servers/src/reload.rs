//! What a running server makes of another revision of its files.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use crate::files::FileSet;
use crate::server::Server;
use crate::vectors::show;

/// A setting as `pg_settings` shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Running {
    /// Its value.
    pub setting: String,
    /// Whether the file has a value that takes a restart.
    pub pending_restart: bool,
}

impl Server {
    /// Writes files into the data directory, has the server read them, and says what it then runs with.
    pub fn reload(&self, files: &FileSet) -> Result<BTreeMap<String, Running>> {
        const LOADED: &str = "select pg_conf_load_time()";
        let before = self.query(LOADED)?.rows;
        files.write(self.data())?;
        self.query("select pg_reload_conf()")?;
        let since = Instant::now();
        while self.query(LOADED)?.rows == before {
            if since.elapsed() > Duration::from_secs(20) {
                bail!("PostgreSQL {} does not reload", self.major);
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        self.running()
    }

    /// What the server runs with, by name.
    pub fn running(&self) -> Result<BTreeMap<String, Running>> {
        let answer = self.query("select name, setting, pending_restart from pg_settings")?;
        let text = |cell: &Option<Vec<u8>>| cell.as_deref().map_or(String::new(), show);
        let rows = answer.rows.iter().map(|cells| {
            let running = Running { setting: text(&cells[1]), pending_restart: text(&cells[2]) == "t" };
            (text(&cells[0]), running)
        });
        Ok(rows.collect())
    }
}
