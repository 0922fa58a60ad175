//! `postgresql://user:password@host:port,host:port/dbname?keyword=value`

use nom::branch::alt;
use nom::bytes::complete::{tag, take_till};
use nom::{IResult, Parser};

use super::{Conninfo, Fault, FaultKind, Form, Pair, quoting};
use crate::names;
use crate::source::Span;
use crate::version::Major;

/// The length of the prefix that makes a string a URI; small letters only.
pub fn prefix(text: &[u8]) -> Option<usize> {
    let found: IResult<&[u8], &[u8]> = alt((tag("postgresql://"), tag("postgres://"))).parse(text);
    found.ok().map(|(_, prefix)| prefix.len())
}

/// Splits a URI whose prefix ends at `start`.
pub fn parse(text: &[u8], start: usize, major: Major) -> Conninfo {
    let mut reader = Reader { text, major, pairs: Vec::new() };
    let fault = reader.read(start).err().map(|fault| *fault);
    Conninfo { form: Form::Uri, pairs: reader.pairs, fault }
}

type Read<T> = Result<T, Box<Fault>>;

struct Reader<'a> {
    text: &'a [u8],
    major: Major,
    pairs: Vec<Pair>,
}

impl Reader<'_> {
    fn read(&mut self, start: usize) -> Read<()> {
        let mut at = start;
        // A slash ends the search: behind a password with one, nothing is a user any more.
        let end = self.until(at, b"@/");
        if self.byte(end) == Some(b'@') {
            let name = self.until(at, b":@");
            self.place(names::USER, Span::new(at, name))?;
            if self.byte(name) == Some(b':') {
                self.place(names::PASSWORD, Span::new(name + 1, end))?;
            }
            at = end + 1;
        }
        at = self.hosts(at)?;
        if self.byte(at) == Some(b'/') {
            let end = self.until(at, b"?");
            self.place(names::DBNAME, Span::new(at + 1, end))?;
            at = end;
        }
        match self.byte(at) {
            Some(_) => self.parameters(at + 1),
            None => Ok(()),
        }
    }

    /// `host:port`, from 10 on several with commas between; returns where the list ends.
    fn hosts(&mut self, start: usize) -> Read<usize> {
        let several = self.major >= Major::V10;
        let (host_ends, port_ends): (&[u8], &[u8]) = if several { (b":/?,", b"/?,") } else { (b":/?", b"/?") };
        let (mut hosts, mut ports) = (Vec::new(), Vec::new());
        let (mut host_span, mut port_span) = (Span::new(start, start), None::<Span>);
        let mut at = start;
        loop {
            let end = match self.byte(at) {
                Some(b'[') => {
                    let end = self.address(at, host_ends)?;
                    hosts.extend_from_slice(&self.text[at + 1..end - 1]);
                    end
                }
                _ => {
                    let end = self.until(at, host_ends);
                    hosts.extend_from_slice(&self.text[at..end]);
                    end
                }
            };
            host_span.end = end;
            at = end;
            if self.byte(at) == Some(b':') {
                let end = self.until(at, port_ends);
                ports.extend_from_slice(&self.text[at + 1..end]);
                port_span = Some(Span::new(port_span.map_or(at + 1, |known| known.start), end));
                at = end;
            }
            if !several || self.byte(at) != Some(b',') {
                break;
            }
            hosts.push(b',');
            ports.push(b',');
            at += 1;
        }
        self.named(names::HOST, &hosts, host_span)?;
        self.named(names::PORT, &ports, port_span.unwrap_or(host_span))?;
        Ok(at)
    }

    /// `[v6]`; returns where it ends.
    fn address(&self, open: usize, ends: &[u8]) -> Read<usize> {
        let fault = |at: usize, end: usize, before: &str| {
            let message = quoting(before, self.text, "");
            Err(Box::new(Fault { kind: FaultKind::Address, span: Span::new(at, end), message }))
        };
        let close = self.until(open, b"]");
        if close == self.text.len() {
            let before = "end of string reached when looking for matching \"]\" in IPv6 host address in URI: ";
            return fault(open, close, before);
        }
        if close == open + 1 {
            return fault(open, close + 1, "IPv6 host address may not be empty in URI: ");
        }
        match self.byte(close + 1) {
            // Before there were lists, a comma was as odd as any other byte.
            Some(byte) if !ends.contains(&byte) => {
                let [before, after] = ["unexpected character \"", "\" at position "];
                let position = format!("{} in URI (expected \":\" or \"/\"): ", close + 2);
                let message =
                    [before.as_bytes(), &[byte], after.as_bytes(), &quoting(&position, self.text, "")].concat();
                Err(Box::new(Fault { kind: FaultKind::Address, span: Span::new(close + 1, close + 2), message }))
            }
            _ => Ok(close + 1),
        }
    }

    /// `keyword=value&keyword=value`
    fn parameters(&mut self, start: usize) -> Read<()> {
        let mut at = start;
        while at < self.text.len() {
            let end = self.until(at, b"&");
            let mut equals = memchr::memchr_iter(b'=', &self.text[at..end]).map(|length| at + length);
            let fault = |kind: FaultKind, keyword_end: usize, before: &str, place: Span| {
                let message = quoting(before, &self.text[at..keyword_end], "");
                Box::new(Fault { kind, span: place, message })
            };
            let Some(first) = equals.next() else {
                let before = "missing key/value separator \"=\" in URI query parameter: ";
                return Err(fault(FaultKind::NoEquals, end, before, Span::new(at, end)));
            };
            if let Some(second) = equals.next() {
                let before = "extra key/value separator \"=\" in URI query parameter: ";
                return Err(fault(FaultKind::ExtraEquals, first, before, Span::new(second, second + 1)));
            }
            let (keyword_span, value_span) = (Span::new(at, first), Span::new(first + 1, end));
            let keyword = self.decoded(&self.text[at..first], keyword_span)?;
            let value = self.decoded(&self.text[first + 1..end], value_span)?;
            self.pairs.push(Pair { keyword, keyword_span: Some(keyword_span), value, value_span });
            at = if end == self.text.len() { end } else { end + 1 };
        }
        Ok(())
    }

    fn place(&mut self, keyword: &str, span: Span) -> Read<()> {
        let raw = span.of(self.text).to_vec();
        self.named(keyword, &raw, span)
    }

    /// A part that needs no keyword; nothing if it is empty.
    fn named(&mut self, keyword: &str, raw: &[u8], span: Span) -> Read<()> {
        if !raw.is_empty() {
            let value = self.decoded(raw, span)?;
            self.pairs.push(Pair { keyword: keyword.as_bytes().to_vec(), keyword_span: None, value, value_span: span });
        }
        Ok(())
    }

    /// Resolves `%XX`. From 18 on blanks around a part are dropped, and blanks within it refused.
    fn decoded(&self, raw: &[u8], span: Span) -> Read<Vec<u8>> {
        let fault = |kind: FaultKind, before: &str, after: &str| {
            Box::new(Fault { kind, span, message: quoting(before, raw, after) })
        };
        let trims = self.major >= Major::V18;
        let is_blank = |byte: &u8| trims && *byte == b' ';
        let mut value = Vec::with_capacity(raw.len());
        let mut rest = &raw[raw.iter().take_while(|byte| is_blank(byte)).count()..];
        while let Some((first, after)) = rest.split_first() {
            rest = match (first, after) {
                (b'%', [high, low, after @ ..]) if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                    let code = digit(*high) * 16 + digit(*low);
                    if code == 0 {
                        return Err(fault(
                            FaultKind::PercentZero,
                            "forbidden value %00 in percent-encoded value: ",
                            "",
                        ));
                    }
                    value.push(code);
                    after
                }
                (b'%', _) => return Err(fault(FaultKind::PercentToken, "invalid percent-encoded token: ", "")),
                (byte, _) if is_blank(byte) => {
                    if rest.iter().all(is_blank) {
                        break;
                    }
                    let after = ", use percent-encoded spaces (%20) instead";
                    return Err(fault(FaultKind::Blanks, "unexpected spaces found in ", after));
                }
                (byte, after) => {
                    value.push(*byte);
                    after
                }
            };
        }
        Ok(value)
    }

    fn byte(&self, at: usize) -> Option<u8> {
        self.text.get(at).copied()
    }

    /// Where the first of those bytes stands, or the end.
    fn until(&self, start: usize, ends: &[u8]) -> usize {
        let found: IResult<&[u8], &[u8]> = take_till(|byte| ends.contains(&byte)).parse(&self.text[start..]);
        found.map_or(self.text.len(), |(rest, _)| self.text.len() - rest.len())
    }
}

fn digit(byte: u8) -> u8 {
    match byte {
        b'0'..=b'9' => byte - b'0',
        byte => (byte | 0x20) - b'a' + 10,
    }
}
