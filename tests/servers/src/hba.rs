//! What a running server's views say of pg_hba.conf and pg_ident.conf.

use anyhow::{Result, bail, ensure};

use crate::files::{Bytes, FileSet};
use crate::server::Server;
use crate::view::Message;
use crate::wire::Cell;

/// A reading of pg_hba.conf or pg_ident.conf.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rules {
    /// The names of the columns, those of this major's view.
    pub columns: Vec<&'static str>,
    /// The rows, a cell a column; arrays as the server prints them.
    pub rows: Vec<Vec<Cell>>,
    /// The messages of the same reading.
    pub messages: Vec<Message>,
}

impl Server {
    /// What `pg_hba_file_rules` says of a pg_hba.conf. 16 and later also read
    /// the files it includes: give them as `more`.
    pub fn hba_rules(&self, text: &[u8], more: &FileSet) -> Result<Rules> {
        let mut columns = vec![
            "line_number",
            "type",
            "database",
            "user_name",
            "address",
            "netmask",
            "auth_method",
            "options",
            "error",
        ];
        if self.major >= 16 {
            columns.insert(0, "file_name");
        }
        self.rules("pg_hba_file_rules", columns, &more.clone().with("pg_hba.conf", text))
    }

    /// What `pg_ident_file_mappings` (15 and later) says of a pg_ident.conf.
    pub fn ident_mappings(&self, text: &[u8], more: &FileSet) -> Result<Rules> {
        ensure!(self.major >= 15, "PostgreSQL {} has no pg_ident_file_mappings", self.major);
        let mut columns = vec!["line_number", "map_name", "sys_name", "pg_username", "error"];
        if self.major >= 16 {
            columns.insert(0, "file_name");
        }
        self.rules("pg_ident_file_mappings", columns, &more.clone().with("pg_ident.conf", text))
    }

    fn rules(&self, view: &str, columns: Vec<&'static str>, files: &FileSet) -> Result<Rules> {
        let sql = format!("select {} from {view}", columns.join(", "));
        let answer = self.with_files(files, || self.query(&sql))?;
        if let Some(error) = answer.error {
            bail!("{view}: {}", String::from_utf8_lossy(&error.message));
        }
        let hide = |cell: Cell| cell.map(|bytes: Bytes| self.hide(&bytes));
        let rows = answer.rows.into_iter().map(|cells| cells.into_iter().map(hide).collect()).collect();
        Ok(Rules { columns, rows, messages: self.messages(&answer.notices) })
    }
}
