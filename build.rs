//! Reads the rule pages and the catalogues once, so that the program does not have to at every start.

// It runs before there is a core: the disk is its own.
#![allow(clippy::disallowed_methods)]

#[allow(dead_code)]
#[path = "src/rule/expr/grammar.rs"]
mod grammar;
#[allow(dead_code)]
#[path = "src/catalog/hash.rs"]
mod hash;
#[path = "src/catalog/made.rs"]
mod made;
#[allow(dead_code)]
#[path = "src/rule/page.rs"]
mod page;
#[allow(dead_code, unused_imports, unused_macros)]
#[path = "src/table.rs"]
mod table;

use std::fmt::Write;
use std::path::{Path, PathBuf};

fn main() {
    println!("cargo::rerun-if-changed=rules");
    println!("cargo::rerun-if-changed=src/catalog/hash.rs");
    println!("cargo::rerun-if-changed=src/catalog/made.rs");
    println!("cargo::rerun-if-changed=src/table.rs");
    println!("cargo::rerun-if-changed=src/rule/expr/grammar.rs");
    println!("cargo::rerun-if-changed=src/rule/page.rs");
    println!("cargo::rerun-if-changed=src/rule/page/example.rs");
    let root = PathBuf::from(std::env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it"));
    let mut files = Vec::new();
    for kind in ["conf", "hba", "ident", "recovery", "pair"] {
        collect(&root.join("rules").join(kind), kind, &mut files);
    }
    files.sort();
    let mut code =
        String::from("/// The pages that come with the program, sorted by id.\npub static PAGES: &[Page] = &[\n");
    let mut conditions = String::from(
        "/// The condition of each page, where it has one.\npub static CONDITIONS: &[Option<expr::Condition>] = &[\n",
    );
    for (id, path) in &files {
        println!("cargo::rerun-if-changed={}", path.display());
        let text = std::fs::read_to_string(path).expect("a rule page is readable");
        let refused = |error: String| -> ! { panic!("{}:{error}", path.display()) };
        let page = page::parse(id, &text).unwrap_or_else(|error| refused(error));
        let condition = match &page.test {
            page::Test::When(text) => {
                Some(grammar::parse(text).unwrap_or_else(|error| refused(format!("when: {error}"))))
            }
            _ => None,
        };
        let condition = condition.map_or("None".to_string(), |condition| format!("Some({})", test(&condition)));
        writeln!(code, "{},", literal(&page)).expect("writing to a string");
        writeln!(conditions, "{condition},").expect("writing to a string");
    }
    code.push_str("];\n");
    code = code + &conditions + "];\n";
    let out = PathBuf::from(std::env::var_os("OUT_DIR").expect("cargo sets it"));
    write(&out.join("pages.rs"), &code);
    tables(&root.join("rules/catalog"), &out);
}

fn write(path: &Path, text: &str) {
    std::fs::write(path, text).expect("OUT_DIR is writable");
}

/// A table, and what finds its rows or cells.
fn lay_out(out: &Path, name: &str, text: &str, index: &dyn std::fmt::Debug) {
    write(&out.join(format!("{name}.tsv")), text);
    write(&out.join(format!("{name}.rs")), &format!("{index:?}"));
}

/// The tables that are looked up by name, and the catalogues with what finds a name in them.
fn tables(catalog: &Path, out: &Path) {
    let read = |name: &str| {
        let path = catalog.join(name).with_extension("tsv");
        std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    };
    let in_order = |name: &str, sorted: &str| lay_out(out, name, sorted, &made::starts(sorted));
    for name in ["bare-numbers", "beta-names", "build", "build-names", "misplaced", "retired-values", "timezones"] {
        in_order(name, &made::sorted(&read(name), name == "timezones"));
    }
    for name in ["hba", "recovery"] {
        let (text, bounds) = made::grid(&read(name));
        lay_out(out, name, &text, &bounds);
    }
    let entries = std::fs::read_dir(catalog).expect("the catalogues are there");
    let names = entries.map(|entry| entry.expect("readable").file_name().to_string_lossy().into_owned());
    let labels = names.filter_map(|name| name.strip_suffix(".tsv").map(str::to_owned));
    let mut labels: Vec<String> =
        labels.filter(|label| label.starts_with(|char: char| char.is_ascii_digit())).collect();
    labels.sort_by_key(|label| made::number(label));
    let text = |label: String| {
        let path = catalog.join(format!("{label}.tsv"));
        let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        (label, text)
    };
    let majors: Vec<(String, String)> = labels.into_iter().map(text).collect();
    let recorded = made::Recorded {
        majors: &majors,
        minors: &read("minor"),
        aliases: &read("aliases"),
        grammars: &read("grammar"),
        traits: &read("traits"),
        builds: &read("build"),
    };
    in_order("traits", &made::by_trait(&read("traits")));
    in_order("history", &recorded.history());
    let mut code = format!("static RECORDED: [(Major, Index); {}] = [\n", majors.len());
    for (major, (label, _)) in majors.iter().enumerate() {
        let path = out.join(format!("catalog-{label}.tsv"));
        write(&path, &recorded.text(major));
        code.push_str(&recorded.index(major, &path.to_string_lossy()));
    }
    code.push_str("];\n");
    write(&out.join("catalog.rs"), &code);
}

fn collect(directory: &Path, kind: &str, files: &mut Vec<(String, PathBuf)>) {
    if directory.exists() {
        println!("cargo::rerun-if-changed=rules/{kind}");
    }
    for entry in std::fs::read_dir(directory).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.extension().is_some_and(|extension| extension == "md") {
            let id = path.file_stem().expect("it has an extension").to_string_lossy().into_owned();
            files.push((id, path));
        }
    }
}

fn text(text: &str) -> String {
    format!("std::borrow::Cow::Borrowed({text:?})")
}

fn option(value: Option<&page::Text>) -> String {
    value.map_or("None".to_string(), |value| format!("Some({})", text(value)))
}

fn list<T>(items: &[T], literal: impl Fn(&T) -> String) -> String {
    let items: Vec<String> = items.iter().map(literal).collect();
    format!("std::borrow::Cow::Borrowed(&[{}])", items.join(", "))
}

fn literal(page: &page::Page) -> String {
    let test = match &page.test {
        page::Test::Check(name) => format!("page::Test::Check({})", text(name)),
        page::Test::When(expression) => format!("page::Test::When({})", text(expression)),
        page::Test::Gone(name) => format!("page::Test::Gone({})", text(name)),
    };
    format!(
        "Page {{ id: {}, title: {}, severity: {}, pg: {}, role: {}, test: {test}, server: {}, says: {}, help: {}, fix: {}, docs: {}, louder: {}, instead_of: {}, source: {} }}",
        text(&page.id),
        text(&page.title),
        text(&page.severity),
        text(&page.pg),
        text(&page.role),
        text(&page.server),
        list(&page.says, |says| format!("page::Says {{ pg: {}, text: {} }}", text(&says.pg), text(&says.text))),
        option(page.help.as_ref()),
        page.fix.as_ref().map_or("None".to_string(), mend),
        option(page.docs.as_ref()),
        list(&page.louder, |name| text(name)),
        list(&page.instead_of, |name| text(name)),
        text(&page.source),
    )
}

fn mend(mend: &page::Mend) -> String {
    use page::Verb;
    let verb = match &mend.verb {
        Verb::Rename(name, convert) => format!("Rename({}, {})", text(name), option(convert.as_ref())),
        Verb::CommentOut(reason) => format!("CommentOut({})", text(reason)),
        Verb::Value(value) => format!("Value({})", text(value)),
        Verb::Set(set) => format!("Set({})", text(set)),
        Verb::Remove => "Remove".to_string(),
        Verb::Native => "Native".to_string(),
    };
    format!("Some(page::Mend {{ verb: page::Verb::{verb}, safe: {} }})", mend.safe)
}

fn test(condition: &grammar::Condition) -> String {
    use grammar::Condition;
    let inner = match condition {
        Condition::All(several) => format!("All({})", list(several, test)),
        Condition::Any(several) => format!("Any({})", list(several, test)),
        Condition::Neither(several) => format!("Neither({})", list(several, test)),
        Condition::Compare(left, comparison, right) => {
            format!("Compare({}, expr::Comparison::{comparison:?}, {})", operand(left), operand(right))
        }
        Condition::In(left, several) => format!("In({}, {})", operand(left), list(several, operand)),
        Condition::IsSet(name) => format!("IsSet({})", text(name)),
        Condition::On(name) => format!("On({})", text(name)),
    };
    format!("expr::Condition::{inner}")
}

fn operand(side: &grammar::Operand) -> String {
    use grammar::Operand;
    let inner = match side {
        Operand::Word(name) => format!("Word({})", text(name)),
        Operand::Literal(literal) => format!("Literal({})", text(literal)),
        Operand::Sum(terms) => {
            format!("Sum({})", list(terms, |(minus, term)| format!("({minus}, {})", operand(term))))
        }
        Operand::Product(factors) => format!("Product({})", list(factors, operand)),
    };
    format!("expr::Operand::{inner}")
}
