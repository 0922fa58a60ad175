//! The tables of `rules/catalog`: lines of fields between tabs.

/// As many fields as the widest [`Table`] has; further ones of a row are empty.
const WIDTH: usize = 8;

/// A table whose rows are looked up by their first field, which build.rs has put in order: a check asks it for every
/// line of a file.
pub struct Table {
    sorted: &'static str,
    /// Where each row begins, and the end of the last.
    starts: &'static [u32],
}

/// The [`Table`] that build.rs has made of a file of `rules/catalog`.
macro_rules! table {
    ($name:literal) => {
        $crate::table::Table::new(
            include_str!(concat!(env!("OUT_DIR"), "/", $name, ".tsv")),
            &include!(concat!(env!("OUT_DIR"), "/", $name, ".rs")),
        )
    };
}

pub(crate) use table;

/// A table whose cells build.rs has found, as it is read at nearly every start; one bound more than a row has cells.
pub struct Grid<const BOUNDS: usize> {
    text: &'static str,
    /// Where each cell of a row begins, and behind the last one where another would.
    rows: &'static [[u16; BOUNDS]],
}

/// A row of a [`Grid`].
#[derive(Clone, Copy)]
pub struct Cells<const BOUNDS: usize> {
    text: &'static str,
    bounds: &'static [u16; BOUNDS],
}

/// The [`Grid`] that build.rs has made of a file of `rules/catalog`.
macro_rules! grid {
    ($name:literal) => {
        $crate::table::Grid::new(
            include_str!(concat!(env!("OUT_DIR"), "/", $name, ".tsv")),
            &include!(concat!(env!("OUT_DIR"), "/", $name, ".rs")),
        )
    };
}

pub(crate) use grid;

impl<const BOUNDS: usize> Grid<BOUNDS> {
    /// The table of lines without comments and header, and the bounds of their cells.
    pub const fn new(text: &'static str, rows: &'static [[u16; BOUNDS]]) -> Grid<BOUNDS> {
        Grid { text, rows }
    }

    /// All rows, in the table's order.
    pub fn rows(&self) -> impl Iterator<Item = Cells<BOUNDS>> + Clone {
        let text = self.text;
        self.rows.iter().map(move |bounds| Cells { text, bounds })
    }
}

impl<const BOUNDS: usize> Cells<BOUNDS> {
    /// The cell of a column, from 0.
    pub fn cell(self, column: usize) -> &'static str {
        &self.text[usize::from(self.bounds[column])..usize::from(self.bounds[column + 1]) - 1]
    }
}

impl Table {
    /// The table of sorted lines, without comments and header; and where each line begins, with the end of the text.
    pub const fn new(sorted: &'static str, starts: &'static [u32]) -> Table {
        Table { sorted, starts }
    }

    /// The rows that begin with a name, in the table's order.
    pub fn of(&self, name: &str) -> impl Iterator<Item = [&'static str; WIDTH]> {
        self.after(self.before(|first| first < name)).take_while(move |row| first(row) == name).map(cells)
    }

    /// The rows that begin with a name, without regard to ASCII case, of a table that is sorted so.
    pub fn folded(&self, name: &[u8]) -> impl Iterator<Item = [&'static str; WIDTH]> {
        let small = |text: &'static str| text.bytes().map(|byte| byte.to_ascii_lowercase());
        let wanted = || name.iter().map(u8::to_ascii_lowercase);
        let rows = self.after(self.before(|first| small(first).lt(wanted())));
        rows.take_while(move |row| first(row).as_bytes().eq_ignore_ascii_case(name)).map(cells)
    }

    /// All rows, by their first field.
    pub fn rows(&self) -> impl Iterator<Item = [&'static str; WIDTH]> {
        self.after(0).map(cells)
    }

    /// How many rows are before.
    fn before(&self, is_before: impl Fn(&'static str) -> bool) -> usize {
        let (mut low, mut high) = (0, self.starts.len() - 1);
        while low < high {
            let middle = low + (high - low) / 2;
            if is_before(first(self.row(&self.starts[middle..]))) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        low
    }

    fn after(&self, row: usize) -> impl Iterator<Item = &'static str> {
        self.starts[row..].windows(2).map(|ends| self.row(ends))
    }

    fn row(&self, ends: &[u32]) -> &'static str {
        &self.sorted[ends[0] as usize..ends[1] as usize - 1]
    }
}

/// The lines of a table: comments and the header left out.
pub fn rows(table: &str) -> impl Iterator<Item = &str> {
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
pub fn first(row: &str) -> &str {
    fields(row).next().unwrap_or_default()
}

/// The fields of a row. They are short: to look at each byte is quicker than to search.
pub fn fields(row: &str) -> impl Iterator<Item = &str> {
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
        static TABLE: Table = Table::new("a\nb\t1\nb\t\t3\nbc\t4\n", &[0, 2, 6, 11, 16]);
        let of = |name| TABLE.of(name).map(|[_, one, two, ..]| (one, two)).collect::<Vec<_>>();
        assert_eq!(of("b"), [("1", ""), ("", "3")]);
        assert_eq!((of("a"), of("bc")), (vec![("", "")], vec![("4", "")]));
        assert_eq!([of(""), of("aa"), of("c")], [const { Vec::new() }; 3]);
        assert_eq!(TABLE.folded(b"B").count(), 2);
        assert_eq!(TABLE.rows().count(), 4);
        assert_eq!(Table::new("", &[0]).of("a").count(), 0);
        static GRID: Grid<4> = Grid::new("a\t\tb\n\tc\t\n", &[[0, 2, 3, 5], [5, 6, 8, 9]]);
        assert!(GRID.rows().map(|row| [0, 1, 2].map(|column| row.cell(column))).eq([["a", "", "b"], ["", "c", ""]]));
        assert_eq!(fields("\ta\t").collect::<Vec<_>>(), ["", "a", ""]);
    }
}
