//! Connection strings: what keeps a standby from its primary, or lets it come the wrong way.

mod advice;
mod keywords;
mod passfile;
mod placeholders;
mod refused;
mod structure;
mod words;

pub(super) use passfile::has_password;
pub use words::MASK;

use crate::catalog::conninfo as table;
use crate::catalog::recovery::Purpose;
use crate::check::spot::{Spot, View};
use crate::finding::{Edit, Severity};
use crate::model::conninfo::{self as model, Handed, Options, Reason, Refusal};
use crate::model::recovery::signals::{self, Mode};
use crate::model::settings::Verdict;
use crate::model::tree::Entry;
use crate::source::{Place, Span, display};
use crate::syntax::conf::{self, Decoded};
use crate::syntax::conninfo::{self as syntax, Conninfo};
use crate::version::{Major, Role};

/// A connection string and where it stands.
#[derive(Clone, Debug)]
pub struct Text {
    /// The setting that holds it, as the file spells it.
    pub name: String,
    /// The value in its file, quotes included.
    pub place: Place,
    /// The text, and the place of each of its bytes in the file.
    pub value: Decoded,
    /// The setting's line, where it is one of [`Settings::judged`](crate::model::settings::Settings::judged).
    pub line: Option<usize>,
    /// Whether a server with these files is a standby, and so uses it.
    pub counts: bool,
}

/// Spots for every connection string of the node.
pub fn check(view: &View, role: Option<Role>, spots: &mut Vec<Spot>) {
    for text in texts(view, role) {
        let made = spots.len();
        check_text(view, &text, spots);
        if !text.counts {
            // It counts only once the node is a standby.
            spots[made..].iter_mut().for_each(|spot| spot.at_most = spot.at_most.or(Some(Severity::Warning)));
        }
    }
}

/// The connection strings that count: those of lines that no other one follows.
pub(super) fn texts(view: &View, role: Option<Role>) -> Vec<Text> {
    let settings = view.settings;
    // A data directory without standby.signal is that of no standby, so far.
    let signals = || signals::signals(view.files, &view.tree.data_directory);
    let is_none = role.is_none()
        && view.data_directory().is_some()
        && settings.catalog.version.major >= Major::V12
        && signals().mode() == Mode::Primary;
    let may_follow = role != Some(Role::Primary) && !is_none;
    let text = |name: &[u8], entry: &Entry, line: Option<usize>, counts: bool| Text {
        name: display(name),
        place: entry.value(),
        value: conf::decoded(entry.setting.value, &view.sources.get(entry.file).bytes),
        line,
        counts,
    };
    let of_settings = view.lines().filter_map(|(index, judged)| {
        let id = judged.parameter.filter(|id| settings.catalog.get(*id).trait_of("conninfo").is_some())?;
        let wins = settings.winner(id).is_some_and(|(winner, _)| winner == index);
        let is_set = wins && matches!(judged.verdict, Verdict::Set(_));
        is_set.then(|| text(view.sources.text(judged.entry.name()), &judged.entry, Some(index), may_follow))
    });
    let of_recovery = view.recovery.and_then(|recovery| {
        let (_, line, _) = recovery.line(Purpose::Conninfo)?;
        Some(text(view.sources.text(line.entry.name()), &line.entry, None, may_follow && recovery.is_standby()))
    });
    of_settings.chain(of_recovery).collect()
}

/// Where passwords stand in connection strings, each with the name of its setting.
pub fn passwords(view: &View) -> Vec<(Place, String)> {
    let major = view.settings.catalog.version.major;
    let mut found = Vec::new();
    for text in texts(view, None) {
        let conninfo = syntax::parse(&text.value.bytes, major);
        let secret = conninfo.pairs.iter().find(|pair| table::is_secret(&pair.keyword) && !pair.value.is_empty());
        found.extend(secret.map(|pair| {
            let span = text.value.raw(pair.value_span);
            (Place { file: text.place.file, span }, text.name.clone())
        }));
    }
    found
}

/// A connection string on the way through the checks.
struct Subject<'a> {
    view: &'a View<'a>,
    text: &'a Text,
    major: Major,
    conninfo: &'a Conninfo,
    options: Options<'a>,
    /// Everything that libpq refuses.
    refusals: Vec<Refusal>,
    /// Pairs whose fault has been told; nothing more is said of them.
    told: Vec<bool>,
}

fn check_text(view: &View, text: &Text, spots: &mut Vec<Spot>) {
    let bytes = &text.value.bytes;
    if bytes.trim_ascii().is_empty() {
        return;
    }
    let is_residue = |spot: &Spot| {
        matches!(spot.rule.as_ref(), "template-residue-kept" | "recovery-placeholder-left")
            && spot.place.file == text.place.file
            && spot.place.span.overlaps(text.place.span)
    };
    if spots.iter().any(is_residue) {
        // Nobody knows yet what will stand there.
        return;
    }
    let major = view.settings.catalog.version.major;
    let conninfo = syntax::parse(bytes, major);
    let mut subject = Subject {
        view,
        text,
        major,
        conninfo: &conninfo,
        options: Options { conninfo: &conninfo },
        refusals: model::refusals(&conninfo, major),
        told: vec![false; conninfo.pairs.len()],
    };
    if model::handed(bytes, major) == Handed::Database || !syntax::is_recognized(bytes) {
        spots.push(structure::without_equals(&subject));
        return;
    }
    if model::handed(bytes, major) == Handed::Mixed {
        spots.push(structure::uri_too_new(&subject));
        // Who mends it carries the password on.
        spots.extend(advice::password(&subject, &subject.hosts()));
        return;
    }
    structure::check(&mut subject, spots);
    placeholders::check(&mut subject, spots);
    refused::check(&mut subject, spots);
    keywords::check(&subject, spots);
    if conninfo.fault.is_none() {
        advice::check(&subject, spots);
        passfile::check(&subject, spots);
    }
}

impl<'a> Subject<'a> {
    /// Where it leads.
    fn hosts(&self) -> advice::Hosts<'a> {
        advice::Hosts::of(&self.options, self.major)
    }

    /// A spot at a range of the connection string.
    fn spot(&self, rule: &'static str, span: Span) -> Spot {
        let place = self.place(span);
        let mut spot = match self.text.line {
            Some(line) => self.view.about(rule, line, place),
            None => Spot::new(rule, place)
                .word("name", self.text.name.clone())
                .word("pg", self.view.version_word())
                .subject(self.text.name.to_ascii_lowercase()),
        };
        // The whole value may hold a password.
        spot.words.retain(|(word, _)| *word != "value");
        spot
    }

    /// Where a range of the string stands in the file; never an empty range where there is a byte to show.
    fn place(&self, span: Span) -> Place {
        let end = if span.start == span.end { span.end + 1 } else { span.end };
        Place { file: self.text.place.file, span: self.text.value.raw(Span::new(span.start, end)) }
    }

    /// The range of the whole string.
    fn all(&self) -> Span {
        Span::new(0, self.text.value.bytes.len())
    }

    /// New bytes in place of a range of the string.
    fn edit(&self, span: Span, new: &[u8]) -> Edit {
        let place = Place { file: self.text.place.file, span: self.text.value.raw(span) };
        Edit { place, text: self.text.value.written(new) }
    }

    /// Takes a pair out, with the blanks that part it from its neighbour.
    fn without(&self, pair: usize) -> Edit {
        let bytes = &self.text.value.bytes;
        let span = self.conninfo.pairs[pair].span();
        let blanks = |bytes: &mut dyn Iterator<Item = &u8>| bytes.take_while(|byte| syntax::is_space(**byte)).count();
        let after = blanks(&mut bytes[span.end..].iter());
        let before = if span.end + after == bytes.len() { blanks(&mut bytes[..span.start].iter().rev()) } else { 0 };
        self.edit(Span::new(span.start - before, span.end + after), b"")
    }

    /// What the log says of a refusal: the words to search for.
    fn logged(&self, refusal: &Refusal) -> String {
        let message = words::safe_message(self.conninfo, &self.text.value.bytes, refusal);
        let early = matches!(
            refusal.reason,
            Reason::Syntax(_) | Reason::Unknown | Reason::KeywordTooNew(_) | Reason::KeywordGone(_)
        );
        match self.major {
            // From 16 on the server reads the string itself before libpq connects.
            major if early && major >= Major::V16 => format!("invalid connection string syntax: {message}"),
            // libpq puts the address in front of what it says about a socket.
            _ if message.starts_with("setsockopt") || refusal.is_about_socket() => message,
            _ => format!("could not connect to the primary server: {message}"),
        }
    }
}
