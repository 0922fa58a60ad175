//! What a page of somebody's own may say: nobody runs its examples before it is used, so it is looked at when it loads.

use crate::catalog::{self, Catalog};
use crate::nearest::did_you_mean;
use crate::rule::expr::Condition;
use crate::rule::page::{Page, Test};
use crate::version::{Major, PgVersion, Requirement};

/// What stands for the versions of a finding in titles and help.
const PG: &str = "pg";

/// The first fault of a page whose requirement and condition could be read, with its line.
pub fn fault(page: &Page, requirement: Option<&Requirement>, condition: Option<&Condition>) -> Option<String> {
    let at = |key: &str, what: String| Some(format!("{}: {what}", line(&page.source, key)));
    let versions = Major::CHECKED.into_iter().map(PgVersion::newest);
    let spoken: Vec<PgVersion> =
        versions.filter(|version| requirement.is_none_or(|requirement| requirement.holds_for(*version))).collect();
    if spoken.is_empty() {
        return at("pg", format!("`{}` holds for no version that is checked", page.pg));
    }
    let condition = match (&page.test, condition) {
        (Test::Check(_), _) => {
            return at("check", "native checks are those of the program: say `when`, or `gone`".to_owned());
        }
        (_, None) => return None,
        (_, Some(condition)) => condition,
    };
    let catalogs: Vec<&Catalog> = spoken.iter().map(|version| Catalog::shared(*version)).collect();
    let is_known = |name: &str| catalogs.iter().any(|catalog| catalog.find(name.as_bytes()).is_some());
    if let Some(stranger) = condition.stranger(&is_known) {
        let known = catalogs.iter().flat_map(|catalog| catalog.names());
        let why = match catalog::history(stranger) {
            Some((first, last)) => format!(" in these versions, only from {first} to {last}"),
            None => did_you_mean(stranger, known),
        };
        return at("when", format!("there is no parameter `{stranger}`{why}"));
    }
    // A word need not be one of every version: an enum grows. In one it must be.
    let refusals: Vec<String> = catalogs.iter().filter_map(|catalog| condition.check(catalog).err()).collect();
    if refusals.len() == catalogs.len() {
        return refusals.into_iter().next().and_then(|refusal| at("when", refusal));
    }
    if condition.is_about_pairs() {
        return None;
    }
    let names = condition.names();
    for (key, text) in [("# ", Some(page.title.as_ref())), ("help", page.help.as_deref())] {
        let unknown = placeholders(text.unwrap_or_default()).find(|name| *name != PG && !names.contains(name));
        if let Some(unknown) = unknown {
            let hint = did_you_mean(unknown, names.iter().copied());
            return at(key, format!("`{{{unknown}}}` stands for nothing: it is not in `when`{hint}"));
        }
    }
    None
}

/// The line of a page that begins so; lines count from 1.
pub fn line(source: &str, key: &str) -> usize {
    source.lines().position(|line| line.starts_with(key)).map_or(1, |index| index + 1)
}

fn placeholders(text: &str) -> impl Iterator<Item = &str> {
    let names = text.split('{').skip(1).filter_map(|rest| rest.split_once('}')).map(|(name, _)| name);
    names.filter(|name| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'))
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;
    use std::sync::Arc;

    use crate::check::Rules;

    fn fault(title: &str, header: &str) -> String {
        let text = format!("# {title}\n```toml rule\nseverity = \"warning\"\n{header}\n```\nWhy.\n");
        let page = (PathBuf::from("policy/x.md"), Arc::from(text.as_bytes()));
        Rules::new(&[page]).map_or_else(|errors| errors.join("\n"), |_| String::from("none"))
    }

    #[test]
    fn pages_of_ones_own_are_typed_when_they_load() {
        let faults = [
            ("work_mem is {work_mem} ({pg})", "when = \"work_mem > 1GB\""),
            ("t", "when = \"work_mm > 1GB\""),
            ("t", "when = \"work_mem = replica\""),
            ("t", "when = \"wal_level > 3\""),
            ("t", "when = \"set(work_mm)\""),
            ("t", "when = \"fsnyc\""),
            ("t", "when = \"work_mem > \""),
            ("t", "when = \"app.limit > 3\""),
            ("t", "pg = \">=13\"\nwhen = \"wal_keep_segments > 3\""),
            ("t", "pg = \"<13\"\nwhen = \"wal_keep_segments > 3\""),
            ("t", "pg = \">=30\"\nwhen = \"fsync\""),
            ("t", "pg = \"new\"\nwhen = \"fsync\""),
            ("{work_men} is much", "when = \"work_mem > 1GB\""),
            ("t", "when = \"work_mem > 1GB\"\nhelp = \"not {nope}\""),
            ("t", "check = \"two-values\""),
            ("t", "gone = \"my_old_name\""),
            ("t", "when = \"wal_compression = zstd\""),
        ];
        insta::assert_snapshot!(
            faults.map(|(title, header)| format!("{title} | {header:?}\n  {}", fault(title, header))).join("\n")
        );
    }
}
