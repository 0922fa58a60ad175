//! One page for each rule.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;

use pgconflint::check::examples::{self, ExampleFiles};
use pgconflint::check::{Described, Rules};
use pgconflint::finding::Finding;
use pgconflint::report::forecast;
use pgconflint::rule::page::{Example, Mend, PAIR, Page, Shows, Test, Verb};
use pgconflint::source::Sources;
use pgconflint::version::{Major, PgVersion, Requirement, Role, Targets};

use super::words::{Known, cell, code, plain, range};

/// From a page to the top of the book.
const UP: &str = "../../";

/// The pages of all rules, by their path.
pub fn pages(rules: &Rules, known: &Known) -> BTreeMap<PathBuf, String> {
    let path = |id: &str| PathBuf::from(format!("rules/{}/{id}.md", known.kind(id)));
    let mut pages = BTreeMap::new();
    for rule in rules.all_described() {
        let page = rules.pages().find(|page| page.id == rule.id);
        let text = page.map_or_else(|| of_comments(&rule), |page| of_page(page, rules, known));
        pages.insert(path(&rule.id), text);
    }
    pages
}

fn of_comments(rule: &Described) -> String {
    format!("# {}\n\n**{}**\n\nSeverity: {}.\n\n{}\n", rule.id, plain(&rule.title), rule.severity, rule.prose)
}

fn of_page(page: &Page, rules: &Rules, known: &Known) -> String {
    let mut text =
        format!("# {}\n\n**{}**\n\n| rule | `{}` |\n| --- | --- |\n", page.id, plain(&page.headline()), page.id);
    for (what, said) in facts(page) {
        let _ = writeln!(text, "| {what} | {} |", known.linked(&cell(&said), "", UP));
    }
    let _ = write!(text, "\n{}\n", known.linked(&page.prose(), &page.id, UP));
    text.push_str("\n## Examples\n");
    for example in page.examples().iter() {
        text.push_str(&of_example(example, page, rules));
    }
    let _ = write!(
        text,
        "\n## To silence it\n\nAt the end of the line or alone above it, with a reason: \
         `# pgconflint: ignore[{}] reason`. More in [Suppressing a finding]({UP}docs/suppressing.md).\n",
        page.id
    );
    text
}

/// What the header of a page says, in words.
fn facts(page: &Page) -> Vec<(&'static str, String)> {
    let mut facts = vec![("Severity", page.severity.to_string()), ("PostgreSQL", versions(page))];
    let role = match page.role.as_ref() {
        "sender" => "of a node that feeds standbys".to_owned(),
        "member" => "of a standby, or a node that feeds standbys".to_owned(),
        "any" => String::new(),
        role => format!("of a {role}"),
    };
    facts.push(("Speaks", role));
    let does = match page.server.as_ref() {
        "refuses" if page.examples().into_iter().any(|example| example.main == "pg_ident.conf") => {
            "starts, and takes nothing of the file"
        }
        "refuses" => "does not start",
        "no-stream" => "starts, and the standby does not stream",
        "not-a-standby" => "starts, and is no standby, or not for long",
        "commits-hang" => "starts, and commits on the primary wait for ever",
        _ => "starts",
    };
    facts.push(("The server", does.to_owned()));
    let said: Vec<String> = page.says.iter().map(|said| format!("{}{}", code(&said.text), of(&said.pg))).collect();
    facts.push(("It says", said.join(", ")));
    match &page.test {
        Test::When(expression) => facts.push(("Found when", code(expression))),
        Test::Gone(name) => facts.push(("Found when", format!("`{name}` is set"))),
        Test::Check(_) => {}
    }
    facts.push(("What to do", page.help.as_deref().unwrap_or_default().to_owned()));
    facts.push(("Fix", page.fix.as_ref().map(fix).unwrap_or_default()));
    let manual = |docs: &str| format!("[{docs}](https://www.postgresql.org/docs/current/{docs})");
    facts.retain(|(_, said)| !said.is_empty());
    facts.extend(page.docs.as_deref().map(|docs| ("Manual", manual(docs))));
    facts
}

fn of(requirement: &str) -> String {
    if requirement.is_empty() { String::new() } else { format!(" (`{requirement}`)") }
}

/// The versions that a page speaks of: `13 to 18 (>=13)`.
fn versions(page: &Page) -> String {
    let Ok(requirement) = page.pg.parse::<Requirement>() else { return "all".to_owned() };
    let holds = |major: &Major| requirement.holds_for(PgVersion::newest(*major));
    let majors: Vec<Major> = Major::CHECKED.into_iter().filter(holds).collect();
    match majors[..] {
        [first, .., last] => format!("{}{}", range(first, last), of(&page.pg)),
        [only] => format!("{only}{}", of(&page.pg)),
        [] => of(&page.pg),
    }
}

fn fix(mend: &Mend) -> String {
    let does = match &mend.verb {
        Verb::Rename(name, None) => format!("the name becomes `{name}`"),
        Verb::Rename(name, Some(_)) => format!("the name becomes `{name}`, and the value is converted"),
        Verb::CommentOut(reason) => format!("the line becomes a comment: {reason}"),
        Verb::Value(value) => format!("the value becomes `{value}`"),
        Verb::Set(set) => format!("sets `{set}`"),
        Verb::Remove => "the line goes".to_owned(),
        Verb::Native => "where the finding shows one".to_owned(),
    };
    let takes = if mend.safe { "safe: `--fix` makes it" } else { "unsafe: `--fix --unsafe-fixes` makes it" };
    format!("{takes}; {does}")
}

fn of_example(example: &Example, page: &Page, rules: &Rules) -> String {
    let title = match example.shows {
        Shows::Fires => "It fires",
        Shows::Fixed => "After the fix",
        Shows::Quiet => "It is quiet",
    };
    let majors = match example.majors.as_ref() {
        "" => String::new(),
        majors => format!(" ({})", majors.replace("..", " to ")),
    };
    let from = if example.from.is_empty() { String::new() } else { format!(", upgraded from {}", example.from) };
    let mut text = format!("\n### {title}{majors}{from}\n");
    if let Some(file) = &example.file {
        text.push_str(&block(example.main, file, None));
    }
    for beside in example.beside.iter() {
        let majors = if beside.majors.is_empty() { String::new() } else { format!(", {}", beside.majors) };
        text.push_str(&block(&format!("{}{majors}", beside.name), &beside.bytes, beside.mode));
    }
    if example.shows == Shows::Fires {
        text.push_str(&said(example, page, rules));
    }
    text
}

/// A file of an example, with bytes that Markdown cannot hold written as escapes.
fn block(name: &str, bytes: &[u8], mode: Option<u32>) -> String {
    let name = match name.strip_suffix("/recovery") {
        Some(node) => format!("recovery.conf of {node} up to 11; from 12 on postgresql.auto.conf, and standby.signal"),
        None => format!("`{name}`"),
    };
    let mode = match mode {
        None => String::new(),
        Some(0) => ", which the server may not read".to_owned(),
        Some(mode) => format!(", mode {mode:04o}"),
    };
    // What is not seen has to be said.
    let is_hidden =
        |char: char| char.is_control() && !matches!(char, '\n' | '\t') || matches!(char, '\u{feff}' | '\u{a0}');
    let is_plain = |text: &str| !text.contains(is_hidden);
    let (text, note) = match std::str::from_utf8(bytes).ok().filter(|text| is_plain(text)) {
        Some(text) => (text.to_owned(), ""),
        None => (bytes.escape_ascii().to_string().replace("\\n", "\\n\n"), ", with bytes as escapes"),
    };
    let text = text.trim_end_matches('\n');
    if text.is_empty() {
        return format!("\n{name}{mode}, which is empty\n");
    }
    format!("\n{name}{mode}{note}\n\n````conf\n{text}\n````\n")
}

/// What pgconflint says of an example, for the newest version that it is about.
fn said(example: &Example, page: &Page, rules: &Rules) -> String {
    let all: Targets = "9.4..19".parse().unwrap_or_else(|_| Targets::all());
    let versions = examples::versions(page, example, &all).unwrap_or_default();
    let newest = versions.iter().rfind(|version| !version.major.is_preview()).or(versions.last());
    let Some(version) = newest.copied() else { return String::new() };
    let (sources, findings, sentences) = if example.main == PAIR {
        let Ok(outcome) = examples::of_pair(example, rules, version) else { return String::new() };
        let sentences = outcome.forecasts.iter().filter(|forecast| forecast.upstream.is_some());
        let sentences: Vec<String> = sentences.map(forecast::sentence).collect();
        (outcome.sources, outcome.findings, sentences)
    } else {
        let files = ExampleFiles::of(example);
        let (sources, findings) = examples::check(&files, rules, version, Role::from_word(&page.role));
        (sources, findings, Vec::new())
    };
    let own: Vec<String> =
        findings.iter().filter(|found| found.rule == page.id).map(|found| line(found, &sources)).collect();
    let lines: Vec<String> = own.into_iter().chain(sentences).collect();
    format!("\npgconflint says, of PostgreSQL {version}:\n\n````text\n{}\n````\n", lines.join("\n"))
}

fn line(finding: &Finding, sources: &Sources) -> String {
    let source = sources.get(finding.place.file);
    let position = source.position(finding.place.span.start);
    let help = finding.help.as_ref().map_or_else(String::new, |help| format!("\n  help: {help}"));
    let path = source.path.display();
    let severity = finding.severity.word();
    format!("{path}:{}:{}: {severity}: {}{help}", position.line, position.column, finding.message)
}
