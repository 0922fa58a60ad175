//! A message of the server, as somebody has copied it out of a log.

use crate::check::Rules;
use crate::rule::Page;

/// The pages that know one of the lines of a message, those of the first lines first; of one line those that say that
/// the server says it, who quotes most of it first, then those that mention it.
pub fn pages<'a>(text: &str, rules: &'a Rules) -> Vec<&'a Page> {
    let mut found: Vec<&Page> = Vec::new();
    for message in messages(text) {
        let (mut saying, mut others) = (Vec::new(), Vec::new());
        for page in super::sorted(rules) {
            match says(page, &message) {
                Some(bytes) => saying.push((bytes, page)),
                None => others.push(page),
            }
        }
        saying.sort_by_key(|(bytes, _)| std::cmp::Reverse(*bytes));
        let mentioned = others.into_iter().filter_map(|page| Some((mentions(page, &message)?, page)));
        let mut mentioned: Vec<(usize, &Page)> = mentioned.collect();
        // What is refused comes before what is only unwise; of equals who quotes most of it comes first.
        mentioned.sort_by_key(|(other, page)| (page.severity != "error", *other));
        for page in saying.into_iter().chain(mentioned).map(|(_, page)| page) {
            if !found.iter().any(|known| known.id == page.id) {
                found.push(page);
            }
        }
    }
    found
}

/// The messages in lines of a log, in small letters: without what stands before each, and with plain quotes.
pub fn messages(text: &str) -> Vec<String> {
    const SHORTEST: usize = 8;
    let mut messages: Vec<String> = Vec::new();
    for line in text.lines() {
        if let Some(of_record) = in_record(line) {
            messages.extend(of_record);
            continue;
        }
        let message = plain(without_prefix(line));
        // What the server had to break is set in.
        match messages.last_mut().filter(|_| line.starts_with('\t')) {
            Some(last) => {
                last.push(' ');
                last.push_str(&message);
            }
            None => messages.push(message),
        }
    }
    messages.retain(|message| message.len() >= SHORTEST);
    messages
}

/// The texts of a line of `log_destination = jsonlog`.
fn in_record(line: &str) -> Option<Vec<String>> {
    let record: serde_json::Value = line.trim_start().starts_with('{').then(|| serde_json::from_str(line).ok())??;
    let texts = ["message", "detail", "hint"].iter().filter_map(|field| record[field].as_str());
    Some(texts.map(plain).collect())
}

/// What stands behind `LOG:`, `FATAL:` and their like in any language: the server puts two blanks there.
fn without_prefix(line: &str) -> &str {
    const TAGS: [&str; 8] = ["LOG", "FATAL", "PANIC", "ERROR", "WARNING", "DETAIL", "HINT", "NOTICE"];
    if let Some((_, message)) = line.split_once(":  ") {
        // A walreceiver quotes what the primary said, severity and all.
        return message;
    }
    let behind = |tag: &&str| {
        let at = line.find(&format!("{tag}: "))?;
        Some(&line[at + tag.len() + 2..])
    };
    TAGS.iter().find_map(behind).unwrap_or(line)
}

/// Quotes of all languages made plain, blanks put together.
fn plain(text: &str) -> String {
    const OPEN: [char; 4] = ['«', '„', '‹', '‚'];
    const CLOSE: [char; 4] = ['»', '“', '›', '‘'];
    let mut plain = text.replace(['”', '’'], "\"");
    for open in OPEN {
        plain = plain.replace(&format!("{open}\u{a0}"), "\"").replace(open, "\"");
    }
    for close in CLOSE {
        plain = plain.replace(&format!("\u{a0}{close}"), "\"").replace(close, "\"");
    }
    plain.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase()
}

/// How many bytes of the message a page says that the server says.
fn says(page: &Page, message: &str) -> Option<usize> {
    const SHORTEST_SAID: usize = 12;
    // Majors differ in what they put between quotes.
    let bare = |text: &str| text.to_lowercase().replace('"', "");
    let message_bare = bare(message);
    // A word or two of a message are those of many.
    let says = page.says.iter().map(|said| bare(&said.text)).filter(|said| said.len() >= SHORTEST_SAID);
    let heard = says.filter(|said| message_bare.contains(said) || said.contains(&message_bare));
    heard.map(|said| said.len().min(message_bare.len())).max()
}

/// By how many bytes the nearest of what a page quotes is longer or shorter than the message, where it is the same.
fn mentions(page: &Page, message: &str) -> Option<usize> {
    let prose = page.prose();
    let quotes = quoted_in(&prose).map(without_prefix);
    let heard = quotes.filter(|quoted| is_heard(&quoted.to_lowercase(), message));
    heard.map(|quoted| quoted.len().abs_diff(message.len())).min()
}

/// What a page quotes: between backticks, and on lines of their own that are set in.
fn quoted_in(prose: &str) -> impl Iterator<Item = &str> {
    let spans = prose.lines().flat_map(|line| line.split('`').skip(1).step_by(2));
    spans.chain(prose.lines().filter_map(|line| line.strip_prefix("    ")))
}

/// Whether a message is the one that a page quotes, but for its names and numbers; or a good piece of it.
fn is_heard(quoted: &str, message: &str) -> bool {
    const SHORTEST: usize = 16;
    if message.len() >= SHORTEST && quoted.contains(message) {
        return true;
    }
    are_in_order(&fixed(quoted), message, SHORTEST) || are_in_order(&fixed(message), quoted, SHORTEST)
}

/// Whether the pieces are in a text, one after the other, and together no fewer bytes than that.
fn are_in_order(pieces: &[String], text: &str, least: usize) -> bool {
    let mut rest = text;
    let in_order = pieces.iter().all(|piece| match rest.find(piece.as_str()) {
        Some(at) => {
            rest = &rest[at + piece.len()..];
            true
        }
        None => false,
    });
    in_order && pieces.iter().map(String::len).sum::<usize>() >= least
}

/// The pieces of a message that are the same every time: what does not stand for something else, as do an ellipsis, a
/// placeholder, what is in quotes, names and numbers.
fn fixed(quoted: &str) -> Vec<String> {
    let mut fixed: Vec<String> = vec![String::new()];
    let mut in_quotes = false;
    for word in quoted.split_inclusive(' ') {
        let starts = word.starts_with('"');
        let is_open = in_quotes || starts;
        in_quotes = is_open && !word.trim_end_matches([' ', ',', '.', ';', ':', ')']).ends_with('"');
        let varies = is_open || word.contains(['…', '{', '_']) || word.contains(|char: char| char.is_ascii_digit());
        match (varies, fixed.last_mut()) {
            (false, Some(last)) => last.push_str(word),
            _ => fixed.push(String::new()),
        }
    }
    let pieces = fixed.iter().map(|piece| piece.trim().to_owned());
    pieces.filter(|piece| piece.len() > 2).collect()
}

#[cfg(test)]
mod tests {
    use super::{Rules, is_heard, messages, pages};

    #[test]
    fn messages_are_known_whatever_their_names() {
        let quoted = "no pg_hba.conf entry for replication connection from host \"…\", user \"…\", no encryption";
        assert!(is_heard(
            quoted,
            "fatal:  no pg_hba.conf entry for replication connection from host \"10.0.0.2\", user \"repl\", no encryption"
        ));
        assert!(is_heard(quoted, "entry for replication connection"));
        assert!(!is_heard(quoted, "no pg_hba.conf entry for host \"10.0.0.2\", user \"repl\", database \"x\""));
        let quoted = "number of requested standby connections exceeds max_wal_senders (currently {has})";
        assert!(is_heard(quoted, "number of requested standby connections exceeds \"max_wal_senders\" (currently 0)"));
        assert!(is_heard(
            "could not start wal streaming: error:  replication slot \"{token}\" does not exist",
            "replication slot \"x\" does not exist"
        ));
        assert!(!is_heard("wal_level = replica", "wal_level = logical"));
    }

    #[test]
    fn a_common_word_tells_nothing() {
        let rules = Rules::built_in();
        let ids = |text: &str| pages(text, &rules).iter().map(|page| page.id.to_string()).collect::<Vec<_>>();
        assert_eq!(
            ids("FATAL:  recovery aborted because of insufficient parameter settings"),
            ["setting-below-primary", "standby-setting-too-low"]
        );
        let hint = "HINT:  Valid units for this parameter are \"B\", \"kB\", \"MB\", \"GB\", and \"TB\".";
        assert_eq!(ids(hint).first().map(String::as_str), Some("unknown-unit"));
        assert!(ids("LOG:  the parameter that nobody knows").is_empty());
    }

    /// The words of starts that only a copy, a crash or another build call forth.
    #[test]
    fn messages_lead_to_the_page_that_is_about_them() {
        let rules = Rules::built_in();
        let first = |text: &str| pages(text, &rules).first().map(|page| page.id.to_string()).unwrap_or_default();
        for (message, id) in [
            (
                "LOG:  hostgssenc record cannot match because GSSAPI is not supported by this build",
                "hba-hostssl-without-ssl",
            ),
            (
                "LOG:  could not open usermap file \"/srv/pg/pg_ident.conf\": No such file or directory",
                "ident-file-missing",
            ),
            ("LOG:  could not open file \"/etc/pg_ident.conf\": No such file or directory", "ident-file-missing"),
            ("PANIC:  could not read file \"pg_replslot/b/state\": read 0 of 16", "slot-state-too-short"),
            (
                "PANIC:  replication slot file \"pg_replslot/b/state\" has wrong magic number: 0 instead of 17112225",
                "slot-state-foreign",
            ),
            ("PANIC:  could not open file \"pg_replslot/b/state\": No such file or directory", "slot-without-state"),
        ] {
            assert_eq!(first(message), id, "{message}");
        }
        let sspi = pages("LOG:  invalid authentication method \"sspi\": not supported by this build", &rules);
        assert!(sspi.iter().any(|page| page.id == "hba-method-not-built"));
    }

    #[test]
    fn what_stands_before_a_message_does_not_matter() {
        let message = "wal archival cannot be enabled when wal_level is \"minimal\"";
        for line in [
            "2026-11-21 10:00:00.123 CET [4711] FATAL:  WAL archival cannot be enabled when wal_level is \"minimal\"",
            "Nov 21 10:00:00 db1 postgres[4711]: [2-1] user=,db= FATAL: WAL archival cannot be enabled when wal_level is \"minimal\"",
            "  WAL archival cannot be enabled   when wal_level is «\u{a0}minimal\u{a0}»",
            "FATAL:  WAL archival cannot be enabled when wal_level is „minimal“",
            "FATAL:  WAL archival cannot be enabled\n\twhen wal_level is “minimal”",
        ] {
            assert_eq!(messages(line), [message], "{line}");
        }
        let two = messages("LOG:  database system is shut down\nHINT:  x\nFATAL:  could not start\n");
        assert_eq!(two, ["database system is shut down", "could not start"]);
    }
}
