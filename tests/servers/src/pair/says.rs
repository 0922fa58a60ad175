//! What a log says of replication, in words that are the same each time.

use pgconflint::check::examples::pair::Ports;

/// What a log has because a test watches and ends its servers, or because a server came a moment before another.
const NOISE: [&str; 8] = [
    "cannot execute INSERT in a read-only transaction",
    "the database system is starting up",
    "the database system is shutting down",
    "due to administrator command",
    "terminating connection because of crash",
    "canceling the wait for synchronous",
    "connection to client lost",
    "no usable system locale",
];

/// What a server that takes no connections says of the test's own.
const REFUSED: [&str; 2] =
    ["FATAL:  the database system is not accepting", "FATAL:  the database system is not yet accepting"];

/// What a standby says whom another server does not take.
const REFUSAL: &str = "could not connect to the primary server";

/// What a server says of WAL that is not its own; what follows from it is said louder.
const FOREIGN: &str = "WAL file is from different database system";

/// A message with what varies from run to run replaced.
pub fn plain(line: &str, node: &str, ports: &Ports) -> String {
    let mut line = line.replace(&ports.sockets(), "{sockets}");
    line = line
        .replace(&format!("{}/{node}/", ports.root), "{data}/")
        .replace(&format!("{}/{node}\"", ports.root), "{data}\"");
    line = line.replace(&ports.root, "{root}");
    // Older libraries ask the system where the user is at home.
    if let Some(end) = line.find("/.postgresql/") {
        let start = line[..end].rfind('"').map_or(0, |quote| quote + 1);
        line.replace_range(start..end, "{home}");
    }
    for (name, port) in &ports.nodes {
        line = numbers(&line, &port.to_string(), &format!("{{{name}.port}}"));
    }
    line = numbers(&line, &ports.free.to_string(), "{free.port}");
    varying(&line)
}

/// Replaces a number that stands by itself.
fn numbers(line: &str, number: &str, by: &str) -> String {
    let mut out = String::new();
    let mut rest = line;
    while let Some(at) = rest.find(number) {
        let before = rest[..at].chars().next_back().or(out.chars().next_back());
        let after = rest[at + number.len()..].chars().next();
        let is_digit = |char: Option<char>| char.is_some_and(|char| char.is_ascii_digit());
        out.push_str(&rest[..at]);
        out.push_str(if is_digit(before) || is_digit(after) { number } else { by });
        rest = &rest[at + number.len()..];
    }
    out + rest
}

/// Positions, process numbers, transactions, times and system identifiers differ each time.
fn varying(line: &str) -> String {
    let mut words: Vec<String> = Vec::new();
    for word in line.split(' ') {
        let core = word.trim_matches(|char: char| !char.is_ascii_alphanumeric());
        let is_hex = |part: &str| !part.is_empty() && part.chars().all(|char| char.is_ascii_hexdigit());
        let before = words.last().map_or("", |word| word.as_str()).to_ascii_lowercase();
        let digits = !core.is_empty() && core.chars().all(|char| char.is_ascii_digit());
        let by = match core.split_once('/') {
            Some((high, low)) if is_hex(high) && is_hex(low) => Some("{lsn}"),
            _ if core.len() == 24 && is_hex(core) => Some("{segment}"),
            _ if digits && core.len() > 15 => Some("{identifier}"),
            _ if digits && before == "pid" => Some("{pid}"),
            _ if digits && before == "transaction" => Some("{xid}"),
            _ => None,
        };
        words.push(by.map_or_else(|| word.to_string(), |by| word.replacen(core, by, 1)));
    }
    words.join(" ")
}

/// Whether a line complains of something that is not the test's own doing.
pub fn is_complaint(line: &str) -> bool {
    // Some checks come before there is a log to write to.
    ["FATAL:", "ERROR:", "PANIC:", "postgres: "].iter().any(|severity| line.starts_with(severity))
        && !NOISE.iter().any(|noise| line.contains(noise))
        && !REFUSED.iter().any(|refused| line.starts_with(refused))
}

fn is_warning(line: &str) -> bool {
    line.starts_with("WARNING:") && !NOISE.iter().any(|noise| line.contains(noise))
}

/// The first complaint or, where there is none or `streams`, the first warning; with its detail.
pub fn telling(log: &[String], streams: bool) -> Option<String> {
    let complaint = || {
        // A server that starts, or takes no connections for good, is the reason where there is no other.
        let refused = || log.iter().position(|line| line.contains(REFUSAL));
        let foreign = || log.iter().position(|line| line.contains(FOREIGN));
        let first = foreign().or_else(|| log.iter().position(|line| is_complaint(line))).or_else(refused);
        let first = first.filter(|_| !streams)?;
        let message = log[first].split_once(":  ").map_or(log[first].as_str(), |(_, message)| message);
        // A server that calls itself says it twice: as the one who refuses, and as the one who is refused.
        let again = log.iter().skip(first + 1).position(|line| is_complaint(line) && ends_with(line, message));
        Some(again.map_or(first, |again| first + 1 + again))
    };
    let at = complaint().or_else(|| log.iter().position(|line| is_warning(line)))?;
    let detail = log.get(at + 1).filter(|line| line.starts_with("DETAIL:"));
    let text = match detail {
        Some(detail) => format!("{} {detail}", log[at]),
        None => log[at].clone(),
    };
    Some(text.replace(":  ", ": ").replace(['\t', '\n'], " "))
}

/// Whether a longer message quotes another.
fn ends_with(line: &str, message: &str) -> bool {
    line.strip_suffix(message).is_some_and(|rest| rest.len() > "FATAL:  ".len())
}

/// A log as messages: a line that begins with a tab goes on with the one before.
pub fn messages(log: &str, node: &str, ports: &Ports) -> Vec<String> {
    let mut messages: Vec<String> = Vec::new();
    for line in log.lines().filter(|line| !line.is_empty()) {
        match (line.strip_prefix('\t'), messages.last_mut()) {
            (Some(rest), Some(last)) => {
                last.push(' ');
                last.push_str(&plain(rest, node, ports));
            }
            _ => messages.push(plain(line, node, ports)),
        }
    }
    messages
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn what_varies_has_a_placeholder() {
        let nodes = BTreeMap::from([("primary".to_string(), 5432), ("standby".to_string(), 15432)]);
        let ports = Ports { root: "/r".to_string(), nodes, free: 1 };
        let plain = |line: &str| plain(line, "standby", &ports);
        assert_eq!(
            plain("port 15432 failed, not 5432 for PID 4711"),
            "port {standby.port} failed, not {primary.port} for PID {pid}"
        );
        assert_eq!(
            plain("\"/r/standby/x\" \"/r/sockets/.s.PGSQL.5432\""),
            "\"{data}/x\" \"{sockets}/.s.PGSQL.{primary.port}\""
        );
        assert_eq!(plain("at 0/3000148, 7312345678901234567"), "at {lsn}, {identifier}");
        assert_eq!(plain("file \"000000010000000000000003\""), "file \"{segment}\"");
    }

    #[test]
    fn the_first_complaint_tells() {
        let log = |lines: &[&str]| telling(&lines.iter().map(|line| line.to_string()).collect::<Vec<_>>(), false);
        let starting = "FATAL:  the database system is starting up";
        assert_eq!(
            log(&["LOG:  x", starting, "WARNING:  w", "FATAL:  a", "DETAIL:  d"]),
            Some("FATAL: a DETAIL: d".into())
        );
        assert_eq!(log(&["FATAL:  a", "FATAL:  could not: FATAL:  a"]), Some("FATAL: could not: FATAL: a".into()));
        assert_eq!(log(&[starting]), None);
    }
}
