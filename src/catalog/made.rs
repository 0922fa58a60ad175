//! What build.rs makes of the tables of `rules/catalog`, so that no start of the program has to.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::hash;
use super::table::{fields, first, rows};

/// The rows of a table by their first field, without comments and header; in small letters where `folded`. Rows of one
/// name keep their order.
pub fn sorted(table: &str, folded: bool) -> String {
    let mut sorted: Vec<&str> = rows(table).collect();
    sorted.sort_by_key(|row| if folded { first(row).to_ascii_lowercase() } else { first(row).to_owned() });
    sorted.iter().flat_map(|row| [*row, "\n"]).collect()
}

/// Where each line of a text begins, and where the last ends.
pub fn starts(text: &str) -> Vec<usize> {
    std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect()
}

/// The rows of a table without comments and header, each with as many cells as the header has; and where each cell
/// begins, with where one more would.
pub fn grid(table: &str) -> (String, Vec<Vec<usize>>) {
    let header = table.lines().find(|line| !line.starts_with('#')).unwrap_or_default();
    let columns = fields(header).count();
    let (mut text, mut bounds) = (String::new(), Vec::new());
    for row in rows(table) {
        let mut of_row = vec![text.len()];
        for (column, cell) in fields(row).chain(std::iter::repeat("")).take(columns).enumerate() {
            text.push_str(cell);
            text.push(if column + 1 == columns { '\n' } else { '\t' });
            of_row.push(text.len());
        }
        bounds.push(of_row);
    }
    (text, bounds)
}

/// What the tables say of all majors.
pub struct Recorded<'a> {
    /// Each major as tables write it, and its parameters, oldest first.
    pub majors: &'a [(String, String)],
    /// What came within a major: `minor.tsv`.
    pub minors: &'a str,
    /// Old names: `aliases.tsv`.
    pub aliases: &'a str,
    /// What else is known of parameters: `grammar.tsv`.
    pub grammars: &'a str,
    /// `traits.tsv`.
    pub traits: &'a str,
    /// What depends on how a server was built: `build.tsv`. Whatever is in it has the trait `depends-on-build`.
    pub builds: &'a str,
}

/// The columns of a recorded parameter.
const COLUMNS: usize = 13;

impl Recorded<'_> {
    /// The rows of a major: those of its newest minor. Behind the columns of its catalogue stand the grammar of the
    /// value and its argument, both empty where there is none, and each trait with its argument.
    pub fn rows(&self, major: usize) -> Vec<String> {
        let (label, table) = &self.majors[major];
        let mut all: Vec<&str> = rows(table).collect();
        for (name, row) in self.added(label) {
            if !row.is_empty() && !all.iter().any(|known| first(known) == name) {
                all.push(row);
            }
        }
        let number = number(label);
        let known = |row: &str| {
            let mut columns: Vec<&str> = row.split('\t').collect();
            columns.resize(COLUMNS, "");
            columns.extend(of(self.grammars, first(row), number).next().unwrap_or(["", ""]));
            columns.extend(of(self.traits, first(row), number).flatten());
            if rows(self.builds).any(|noted| first(noted) == first(row)) {
                columns.extend(["depends-on-build", ""]);
            }
            columns.join("\t")
        };
        all.into_iter().map(known).collect()
    }

    /// Rust that finds the rows of a major in [`Recorded::text`].
    pub fn index(&self, major: usize, file: &str) -> String {
        let rows = self.rows(major);
        let names: Vec<&str> = rows.iter().map(|row| first(row)).collect();
        let aliases: Vec<(&str, &str)> =
            self.aliases(&self.majors[major].0).filter(|(_, new)| names.contains(new)).collect();
        let all: Vec<&str> = names.iter().copied().chain(aliases.iter().map(|(old, _)| *old)).collect();
        let starts = starts(&self.text(major));
        let row = |(row, start): (&String, &usize)| format!("Row({start}, {}, {})", row.len(), first(row).len());
        format!(
            "(Major({}), Index {{ text: include_str!({file:?}), rows: &[{}], aliases: &{aliases:?}, slots: &{:?} }}),\n",
            number(&self.majors[major].0),
            rows.iter().zip(&starts).map(row).collect::<Vec<_>>().join(", "),
            hash::slots(&all)
        )
    }

    /// The rows of a major, one after the other.
    pub fn text(&self, major: usize) -> String {
        self.rows(major).iter().flat_map(|row| [row, "\n"]).collect()
    }

    /// A table of all names in small letters, old ones included, with the first and last major that knows each, and the
    /// name as the last spells it.
    pub fn history(&self) -> String {
        let mut history: BTreeMap<String, (&str, &str, String)> = BTreeMap::new();
        for (index, (label, _)) in self.majors.iter().enumerate() {
            let rows = self.rows(index);
            let added = self.added(label).map(|(name, _)| name);
            let aliases = self.aliases(label).map(|(old, _)| old);
            for name in rows.iter().map(|row| first(row)).chain(added).chain(aliases) {
                let first = history.get(&name.to_ascii_lowercase()).map_or(label.as_str(), |known| known.0);
                history.insert(name.to_ascii_lowercase(), (first, label, name.to_owned()));
            }
        }
        history.iter().fold(String::new(), |mut table, (name, (first, last, spelled))| {
            writeln!(table, "{name}\t{first}\t{last}\t{spelled}").expect("writing to a string");
            table
        })
    }

    fn added(&self, major: &str) -> impl Iterator<Item = (&str, &str)> {
        rows(self.minors).filter_map(move |row| {
            let fields: Vec<&str> = row.splitn(6, '\t').collect();
            (fields[0] == major && fields[3] == "added").then(|| (fields[2], *fields.get(5).unwrap_or(&"")))
        })
    }

    fn aliases(&self, major: &str) -> impl Iterator<Item = (&str, &str)> {
        let major = number(major);
        rows(self.aliases).filter_map(move |row| {
            let fields: Vec<&str> = row.split('\t').collect();
            within(major, fields[2], fields[3]).then(|| (fields[0], fields[1]))
        })
    }
}

/// The rows of a name that a major has, of a table with columns name, since, until, and two more.
fn of<'a>(table: &'a str, name: &str, major: u16) -> impl Iterator<Item = [&'a str; 2]> {
    rows(table).filter(move |row| first(row) == name).filter_map(move |row| {
        let mut fields: Vec<&str> = row.split('\t').collect();
        fields.resize(5, "");
        within(major, fields[1], fields[2]).then(|| [fields[3], fields[4]])
    })
}

/// Whether a major is in a range of majors; an empty end is open.
fn within(major: u16, since: &str, until: &str) -> bool {
    (since.is_empty() || number(since) <= major) && (until.is_empty() || major <= number(until))
}

/// `traits.tsv` by its traits.
pub fn by_trait(table: &str) -> String {
    let turned = rows(table).map(|row| {
        let mut fields: Vec<&str> = row.split('\t').collect();
        fields.resize(5, "");
        format!("{}\t{}\t{}\t{}\n", fields[3], fields[0], fields[1], fields[2])
    });
    sorted(&format!("trait\tname\tsince\tuntil\n{}", turned.collect::<String>()), false)
}

/// `9.4` is 904, `10` is 1000, as in `Major`.
pub fn number(label: &str) -> u16 {
    let (first, second) = label.split_once('.').unwrap_or((label, "0"));
    let number = |text: &str| text.parse::<u16>().unwrap_or_else(|_| panic!("`{label}` is no major"));
    number(first) * 100 + number(second)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_a_name_keep_their_order() {
        let table = "# Comment.\nname\twhat\nb\t2\nB\t0\na\nb\t1\n";
        assert_eq!(sorted(table, false), "B\t0\na\nb\t2\nb\t1\n");
        assert_eq!(starts("a\nbc\n"), [0, 2, 5]);
        assert_eq!(sorted(table, true), "a\nb\t2\nB\t0\nb\t1\n");
        let bounds = vec![vec![0, 2, 4], vec![4, 6, 8], vec![8, 10, 11], vec![11, 13, 15]];
        assert_eq!(grid(table), ("b\t2\nB\t0\na\t\nb\t1\n".to_owned(), bounds));
    }

    #[test]
    fn history_holds_old_names_and_late_ones() {
        let majors = [("9.6", "name\nwork_mem\nold\n"), ("10", "name\nwork_mem\nNew\n")];
        let recorded = Recorded {
            majors: &majors.map(|(label, table)| (label.to_owned(), table.to_owned())),
            minors: "major\tminor\tparameter\twhat\tbefore\trow\n9.6\t3\tlate\tadded\t\tlate\tbool\n",
            aliases: "old\tnew\tsince\tuntil\nsort_mem\twork_mem\t10\t\n",
            grammars: "name\tsince\tuntil\tgrammar\targument\nwork_mem\t10\t\tlist\ta|b\n",
            traits: "name\tsince\tuntil\ttrait\targument\nold\t\t9.6\tlate\t\nold\t\t\tlist\tx\n",
            builds: "parameter\twhat\nNew\tvalue\n",
        };
        assert_eq!(
            recorded.history(),
            "late\t9.6\t9.6\tlate\nnew\t10\t10\tNew\nold\t9.6\t9.6\told\nsort_mem\t10\t10\tsort_mem\nwork_mem\t9.6\t10\twork_mem\n"
        );
        let blank = "\t".repeat(COLUMNS);
        assert_eq!(recorded.text(0), format!("work_mem{blank}\t\nold{blank}\t\tlate\t\tlist\tx\nlate\tbool{blank}\n"));
        assert!(recorded.text(1).starts_with(&format!("work_mem{blank}list\ta|b\n")));
        assert!(recorded.text(1).ends_with("\tdepends-on-build\t\n"));
        assert_eq!(by_trait(recorded.traits), "late\told\t\t9.6\nlist\told\t\t\n");
        let index = recorded.index(1, "10.tsv");
        assert!(
            index.contains("rows: &[Row(0, 29, 8), Row(30, 35, 3)], aliases: &[(\"sort_mem\", \"work_mem\")]"),
            "{index}"
        );
    }
}
