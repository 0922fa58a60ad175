//! Reads the rule pages once, so that the program does not have to at every start.

// It runs before there is a core: the disk is its own.
#![allow(clippy::disallowed_methods)]

#[allow(dead_code)]
#[path = "src/rule/page.rs"]
mod page;

use std::fmt::Write;
use std::path::{Path, PathBuf};

fn main() {
    println!("cargo::rerun-if-changed=rules");
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
    for (id, path) in &files {
        println!("cargo::rerun-if-changed={}", path.display());
        let text = std::fs::read_to_string(path).expect("a rule page is readable");
        match page::parse(id, &text) {
            Ok(page) => writeln!(code, "{},", literal(&page)).expect("writing to a string"),
            Err(error) => panic!("{}:{error}", path.display()),
        }
    }
    code.push_str("];\n");
    let out = PathBuf::from(std::env::var_os("OUT_DIR").expect("cargo sets it"));
    std::fs::write(out.join("pages.rs"), code).expect("OUT_DIR is writable");
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
