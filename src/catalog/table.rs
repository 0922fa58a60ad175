//! A table of `rules/catalog` whose rows are looked up by their first column.

use std::collections::HashMap;
use std::sync::OnceLock;

use super::rows_of;

type Rows = Vec<Vec<&'static str>>;

/// A table, read when it is first asked: a check asks it for every line of a file.
pub struct Table {
    text: &'static str,
    by_name: OnceLock<HashMap<&'static str, Rows>>,
}

impl Table {
    /// The table of that text.
    pub const fn new(text: &'static str) -> Table {
        Table { text, by_name: OnceLock::new() }
    }

    /// The rows that begin with a name, in the table's order.
    pub fn of(&'static self, name: &str) -> impl Iterator<Item = &'static [&'static str]> {
        let by_name = self.by_name.get_or_init(|| {
            let mut by_name: HashMap<&'static str, Rows> = HashMap::new();
            rows_of(self.text).for_each(|row| by_name.entry(row[0]).or_default().push(row));
            by_name
        });
        by_name.get(name).into_iter().flatten().map(Vec::as_slice)
    }
}
