//! A rule page: title, `toml rule` block, prose, examples. Read when the program is built, and at run
//! time for a team's own pages.

#[path = "page/example.rs"]
mod example;

use std::borrow::Cow;

use serde::Deserialize;

pub use example::example;
#[allow(unused_imports, reason = "the build script has no use for it")]
pub use example::slot_state;

/// Text that is part of the program, or was read at run time.
pub type Text = Cow<'static, str>;

/// What makes a rule fire.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Test {
    /// A native check of that name.
    Check(Text),
    /// An expression over effective values.
    When(Text),
    /// Each use of a name that the target version does not know.
    Gone(Text),
}

/// What a fix does to the flagged line.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Verb {
    /// Another name, and a conversion of the value where one is named.
    Rename(Text, Option<Text>),
    /// The line becomes a comment with this reason.
    CommentOut(Text),
    /// Another value.
    Value(Text),
    /// `name = value`, in place of the line that sets it or at the end of the main file.
    Set(Text),
    /// The line goes.
    Remove,
    /// The native check brings the edits.
    Native,
}

/// A fix as a page words it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Mend {
    /// What it does.
    pub verb: Verb,
    /// Whether it may be applied unasked.
    pub safe: bool,
}

/// A piece of the server's own message, for the versions of `pg`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Says {
    /// A semver requirement; empty for all.
    pub pg: Text,
    /// The piece.
    pub text: Text,
}

/// What an example shows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Shows {
    /// The rule fires.
    Fires,
    /// The file after the fix of the `fires` example before it.
    Fixed,
    /// The rule is quiet.
    Quiet,
}

/// What stands for the name of the file in an example of a primary and its standbys.
pub const PAIR: &str = "pair";

/// What a real server does with the `fires` examples of a page.
pub const SERVER: [&str; 5] = ["refuses", "no-stream", "not-a-standby", "commits-hang", "starts"];

/// A file beside the one of an example.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Beside {
    /// Its name, relative to the directory of the example.
    pub name: String,
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// Its permission bits, where they matter; 0: the server may not read it.
    pub mode: Option<u32>,
    /// Majors for which it is there, `12..18` or `..11`; empty for all. For files of a pair only.
    pub majors: String,
}

/// An example: a file, and others beside it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Example {
    /// What it shows.
    pub shows: Shows,
    /// Majors for which it holds, `12..15`; empty for all of the page.
    pub majors: String,
    /// The name of the file: postgresql.conf; in a block that begins with `recovery`, `hba` or `ident` that one.
    /// In one that begins with `pair` it is [`PAIR`], and all files are beside it: `primary/…`, `standby/…`.
    pub main: &'static str,
    /// The file; nothing where the example shows that it is missing.
    pub file: Option<Vec<u8>>,
    /// Files beside it.
    pub beside: Vec<Beside>,
    /// The major that the node runs now, where that is part of the example; empty if not.
    pub from: String,
    /// Line of the page on which the example begins, for messages.
    pub line: usize,
}

/// A rule.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Page {
    /// The name of the file: the rule's id.
    pub id: Text,
    /// The message, with `{placeholders}`.
    pub title: Text,
    /// `error`, `warning` or `info`.
    pub severity: Text,
    /// Target versions as a semver requirement; empty for all.
    pub pg: Text,
    /// `primary`, `standby`, `sender`, `member` or `any`.
    pub role: Text,
    /// What makes it fire.
    pub test: Test,
    /// What a real server does with the `fires` examples: one of [`SERVER`].
    pub server: Text,
    /// What its log then contains.
    pub says: Cow<'static, [Says]>,
    /// What to do, in a sentence; placeholders as in the title.
    pub help: Option<Text>,
    /// What mends it.
    pub fix: Option<Mend>,
    /// Page and anchor of PostgreSQL's manual.
    pub docs: Option<Text>,
    /// Settings for which an `info` page speaks as a warning.
    pub louder: Cow<'static, [Text]>,
    /// Rules about one of the nodes that say the same with less knowledge.
    pub instead_of: Cow<'static, [Text]>,
    /// The page as it is written. A check wants none of it, so its prose and its examples are read when they are wanted.
    pub source: Text,
}

impl Page {
    /// Why it matters and what to do.
    pub fn prose(&self) -> String {
        self.blocks().prose.trim().to_string()
    }

    /// Its tests.
    pub fn examples(&self) -> Vec<Example> {
        self.blocks().examples
    }

    /// The message, with a word in capitals for what a finding fills in, as manuals do: `NAME` for `{name}`.
    pub fn headline(&self) -> String {
        unfilled(&self.title)
    }

    fn blocks(&self) -> Blocks {
        Blocks::of(&self.source).expect("it was read when the page was made")
    }
}

/// A page's own words with capitals in the places that a finding fills in: `{name}`, but not what a template has, such
/// as `${name}` and `{{ name }}`.
pub fn unfilled(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        plain.push_str(before);
        let name = after.split_once('}').map_or("", |(name, _)| name);
        let is_place = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
        if is_place && !before.ends_with(['$', '{']) {
            plain.push_str(&name.to_ascii_uppercase());
            rest = &after[name.len() + 1..];
        } else {
            plain.push('{');
            rest = after;
        }
    }
    plain + rest
}

/// What `role` may be.
const ROLES: [&str; 5] = ["primary", "standby", "sender", "member", "any"];

/// Reads a page.
///
/// # Errors
/// What is wrong, with its line: `7: unknown field …`.
pub fn parse(id: &str, text: &str) -> Result<Page, String> {
    let mut blocks = Blocks::of(text)?;
    let title = blocks.title.take().ok_or("1: a page begins with `# ` and the message")?;
    let header_line = blocks.header.as_ref().map_or(1, |(line, _)| *line);
    let (_, header) = blocks.header.take().ok_or("1: the page has no ```toml rule block")?;
    let header: Header = toml::from_str(&header).map_err(|error| format!("{header_line}: {}", error.message()))?;
    let fault = |what: &str| format!("{header_line}: {what}");
    let test = match (header.check, header.when, header.gone) {
        (Some(check), None, None) => Test::Check(check.into()),
        (None, Some(when), None) => Test::When(when.into()),
        (None, None, Some(gone)) => Test::Gone(gone.into()),
        _ => return Err(fault("a page has one of `check`, `when` and `gone`")),
    };
    if !matches!(header.severity.as_str(), "error" | "warning" | "info") {
        return Err(fault("`severity` is error, warning or info"));
    }
    let server = header.server.unwrap_or_else(|| "starts".to_string());
    if !SERVER.contains(&server.as_str()) {
        return Err(fault("`server` is refuses, no-stream, not-a-standby, commits-hang or starts"));
    }
    if header.role.as_ref().is_some_and(|role| !ROLES.contains(&role.as_str())) {
        return Err(fault("`role` is primary, standby, sender, member or any"));
    }
    if header.severity == "error" && server == "starts" {
        return Err(fault("an error page says what the server refuses: `server = \"refuses\"`"));
    }
    Ok(Page {
        id: id.to_string().into(),
        title: title.into(),
        severity: header.severity.into(),
        pg: header.pg.unwrap_or_default().into(),
        role: header.role.unwrap_or_else(|| "any".to_string()).into(),
        test,
        server: server.into(),
        says: header.says.map_or_else(Vec::new, SaysField::into_says).into(),
        help: header.help.map(Cow::Owned),
        fix: header.fix.map(FixField::into_mend).transpose().map_err(|what| fault(&what))?,
        docs: header.docs.map(Cow::Owned),
        louder: header.louder.into_iter().map(Cow::Owned).collect(),
        instead_of: header.instead_of.into_iter().map(Cow::Owned).collect(),
        source: text.to_string().into(),
    })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Header {
    severity: String,
    pg: Option<String>,
    role: Option<String>,
    check: Option<String>,
    when: Option<String>,
    gone: Option<String>,
    server: Option<String>,
    says: Option<SaysField>,
    help: Option<String>,
    fix: Option<FixField>,
    docs: Option<String>,
    #[serde(default)]
    louder: Vec<String>,
    #[serde(default)]
    instead_of: Vec<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum SaysField {
    One(String),
    ByVersion(Vec<SaysOf>),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SaysOf {
    #[serde(default)]
    pg: String,
    text: String,
}

impl SaysField {
    fn into_says(self) -> Vec<Says> {
        match self {
            SaysField::One(text) => vec![Says { pg: "".into(), text: text.into() }],
            SaysField::ByVersion(all) => {
                all.into_iter().map(|says| Says { pg: says.pg.into(), text: says.text.into() }).collect()
            }
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct FixField {
    rename: Option<String>,
    convert: Option<String>,
    comment_out: Option<String>,
    value: Option<String>,
    set: Option<String>,
    #[serde(default)]
    remove: bool,
    #[serde(default)]
    native: bool,
    safety: String,
}

impl FixField {
    fn into_mend(self) -> Result<Mend, String> {
        let safe = match self.safety.as_str() {
            "safe" => true,
            "unsafe" => false,
            _ => return Err("`safety` is safe or unsafe".to_string()),
        };
        let convert = self.convert.map(Cow::Owned);
        let verb = match (self.rename, self.comment_out, self.value, self.set, self.remove, self.native) {
            (Some(name), None, None, None, false, false) => Verb::Rename(name.into(), convert),
            (None, Some(reason), None, None, false, false) => Verb::CommentOut(reason.into()),
            (None, None, Some(value), None, false, false) => Verb::Value(value.into()),
            (None, None, None, Some(set), false, false) => Verb::Set(set.into()),
            (None, None, None, None, true, false) => Verb::Remove,
            (None, None, None, None, false, true) => Verb::Native,
            _ => return Err("`fix` has one of rename, comment-out, value, set, remove and native".to_string()),
        };
        Ok(Mend { verb, safe })
    }
}

#[derive(Default)]
struct Blocks {
    title: Option<String>,
    header: Option<(usize, String)>,
    prose: String,
    examples: Vec<Example>,
}

impl Blocks {
    fn of(text: &str) -> Result<Blocks, String> {
        let mut blocks = Blocks::default();
        let mut lines = text.lines().enumerate();
        while let Some((index, line)) = lines.next() {
            if let Some(info) = line.strip_prefix("```") {
                let fence: Vec<&str> = lines.by_ref().map(|(_, line)| line).take_while(|line| *line != "```").collect();
                blocks.block(info, &fence, index + 1)?;
            } else if let Some(title) = line.strip_prefix("# ").filter(|_| blocks.title.is_none()) {
                blocks.title = Some(title.trim().to_string());
            } else {
                blocks.prose.push_str(line);
                blocks.prose.push('\n');
            }
        }
        Ok(blocks)
    }

    fn block(&mut self, info: &str, lines: &[&str], line: usize) -> Result<(), String> {
        let mut words = info.split_whitespace();
        let kind = words.next();
        let shows = match (kind, words.next()) {
            (Some("toml"), Some("rule")) => {
                self.header = Some((line, lines.join("\n")));
                return Ok(());
            }
            (_, Some("fires")) => Shows::Fires,
            (_, Some("fixed")) => Shows::Fixed,
            (_, Some("quiet")) => Shows::Quiet,
            _ => {
                // Any other block is part of the prose.
                self.prose.push_str(&format!("```{info}\n{}\n```\n", lines.join("\n")));
                return Ok(());
            }
        };
        self.examples.push(example(kind.unwrap_or_default(), shows, words, lines, line)?);
        Ok(())
    }
}
