//! The tables of `rules/catalog`: lines of fields between tabs.

use std::sync::OnceLock;

/// As many fields as the widest [`Table`] has; further ones of a row are empty.
const WIDTH: usize = 8;

/// A table whose rows are looked up by their first field, put in order when it is first asked: a check asks it for
/// every line of a file.
pub struct Table {
    text: &'static str,
    sorted: OnceLock<Vec<&'static str>>,
}

impl Table {
    /// The table of that text.
    pub const fn new(text: &'static str) -> Table {
        Table { text, sorted: OnceLock::new() }
    }

    /// The rows that begin with a name, in the table's order.
    pub fn of(&'static self, name: &str) -> impl Iterator<Item = [&'static str; WIDTH]> {
        let sorted = self.sorted();
        let rest = &sorted[sorted.partition_point(|row| first(row) < name)..];
        rest.iter().take_while(move |row| first(row) == name).map(|row| cells(row))
    }

    /// All rows, by their first field.
    pub fn rows(&'static self) -> impl Iterator<Item = [&'static str; WIDTH]> {
        self.sorted().iter().map(|row| cells(row))
    }

    fn sorted(&'static self) -> &'static [&'static str] {
        self.sorted.get_or_init(|| {
            let mut sorted: Vec<&'static str> = rows(self.text).collect();
            sorted.sort_by_key(|row| first(row));
            sorted
        })
    }
}

/// The lines of a table: comments and the header left out.
pub fn rows(table: &'static str) -> impl Iterator<Item = &'static str> {
    table.lines().filter(|line| !line.starts_with('#')).skip(1)
}

/// The rows of a table as fields.
pub fn rows_of(table: &'static str) -> impl Iterator<Item = Vec<&'static str>> {
    rows(table).map(|row| fields(row).collect())
}

fn cells(row: &'static str) -> [&'static str; WIDTH] {
    let mut cells = [""; WIDTH];
    cells.iter_mut().zip(fields(row)).for_each(|(cell, field)| *cell = field);
    cells
}

/// The first field of a row.
pub fn first(row: &'static str) -> &'static str {
    fields(row).next().unwrap_or_default()
}

/// The fields of a row. They are short: to look at each byte is quicker than to search.
pub fn fields(row: &'static str) -> impl Iterator<Item = &'static str> {
    let mut rest = Some(row);
    std::iter::from_fn(move || {
        let text = rest?;
        let end = text.bytes().position(|byte| byte == b'\t');
        rest = end.map(|end| &text[end + 1..]);
        Some(end.map_or(text, |end| &text[..end]))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_found_by_their_first_field() {
        static TABLE: Table = Table::new("name\twhat\nb\t1\n# a comment\na\nb\t\t3\nbc\t4\n");
        let of = |name| TABLE.of(name).map(|[_, one, two, ..]| (one, two)).collect::<Vec<_>>();
        assert_eq!(of("b"), [("1", ""), ("", "3")]);
        assert_eq!(of("a"), [("", "")]);
        assert_eq!(of("c"), []);
        assert_eq!(fields("\ta\t").collect::<Vec<_>>(), ["", "a", ""]);
    }
}
