//! The tables of `rules/catalog`: lines of fields between tabs.

/// As many fields as the widest [`Table`] has; further ones of a row are empty.
const WIDTH: usize = 8;

/// A table whose rows are looked up by their first field, which build.rs has put in order: a check asks it for every
/// line of a file.
pub struct Table {
    sorted: &'static str,
}

/// The [`Table`] that build.rs has made of a file of `rules/catalog`.
macro_rules! table {
    ($name:literal) => {
        $crate::table::Table::new(include_str!(concat!(env!("OUT_DIR"), "/", $name, ".tsv")))
    };
}

pub(crate) use table;

impl Table {
    /// The table of sorted lines, without comments and header.
    pub const fn new(sorted: &'static str) -> Table {
        Table { sorted }
    }

    /// The rows that begin with a name, in the table's order.
    pub fn of(&self, name: &str) -> impl Iterator<Item = [&'static str; WIDTH]> {
        self.after(|first| first < name).take_while(move |row| first(row) == name).map(cells)
    }

    /// The rows that begin with a name, without regard to ASCII case, of a table that is sorted so.
    pub fn folded(&self, name: &[u8]) -> impl Iterator<Item = [&'static str; WIDTH]> {
        let small = |text: &'static str| text.bytes().map(|byte| byte.to_ascii_lowercase());
        let wanted = || name.iter().map(u8::to_ascii_lowercase);
        let rows = self.after(|first| small(first).lt(wanted()));
        rows.take_while(move |row| first(row).as_bytes().eq_ignore_ascii_case(name)).map(cells)
    }

    /// All rows, by their first field.
    pub fn rows(&self) -> impl Iterator<Item = [&'static str; WIDTH]> {
        self.sorted.lines().map(cells)
    }

    /// The rows from the first on that is not before.
    fn after(&self, is_before: impl Fn(&'static str) -> bool) -> std::str::Lines<'static> {
        let (mut low, mut high) = (0, self.sorted.len());
        while low < high {
            let middle = low + (high - low) / 2;
            let start = memchr::memrchr(b'\n', &self.sorted.as_bytes()[low..middle]).map_or(low, |at| low + at + 1);
            let row = line(&self.sorted[start..]);
            if is_before(first(row)) {
                low = start + row.len() + 1;
            } else {
                high = start;
            }
        }
        self.sorted[low..].lines()
    }
}

/// The first line of a text.
fn line(text: &'static str) -> &'static str {
    memchr::memchr(b'\n', text.as_bytes()).map_or(text, |end| &text[..end])
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
        static TABLE: Table = Table::new("a\nb\t1\nb\t\t3\nbc\t4\n");
        let of = |name| TABLE.of(name).map(|[_, one, two, ..]| (one, two)).collect::<Vec<_>>();
        assert_eq!(of("b"), [("1", ""), ("", "3")]);
        assert_eq!((of("a"), of("bc")), (vec![("", "")], vec![("4", "")]));
        assert_eq!([of(""), of("aa"), of("c")], [const { Vec::new() }; 3]);
        assert_eq!(TABLE.folded(b"B").count(), 2);
        assert_eq!(TABLE.rows().count(), 4);
        assert_eq!(Table::new("").of("a").count(), 0);
        assert_eq!(fields("\ta\t").collect::<Vec<_>>(), ["", "a", ""]);
    }
}
