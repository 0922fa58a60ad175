//! Words of a connection string in messages: never those of a password.

use crate::catalog::conninfo as table;
use crate::model::conninfo::{Reason, Refusal};
use crate::source::{Span, display};
use crate::syntax::conninfo::{Conninfo, FaultKind, Form};

/// What stands for a password.
pub const MASK: &str = "********";

/// What libpq says, with a piece of a password masked.
pub fn safe_message(conninfo: &Conninfo, text: &[u8], refusal: &Refusal) -> String {
    let message = display(&refusal.message);
    let Reason::Syntax(kind) = refusal.reason else { return message };
    let is_secret = match kind {
        FaultKind::MissingEquals => follows_secret(conninfo),
        FaultKind::PercentToken | FaultKind::PercentZero | FaultKind::Blanks => is_in_secret(text, refusal.span),
        // It quotes the whole string, of which what follows the first colon may be a password.
        FaultKind::Address => {
            let start = memchr::memmem::find(text, b"://").map_or(0, |start| start + 3);
            let at = memchr::memrchr(b'@', text).unwrap_or_default();
            memchr::memchr(b':', &text[start..at.max(start)]).is_some() || memchr::memchr(b'?', text).is_some()
        }
        FaultKind::Unterminated | FaultKind::ExtraEquals | FaultKind::NoEquals => false,
    };
    if !is_secret {
        return message;
    }
    let quoted = match kind {
        FaultKind::Address => display(text),
        _ => display(refusal.span.of(text)),
    };
    match message.rfind(&format!("\"{quoted}\"")) {
        Some(at) => format!("{}\"{MASK}\"{}", &message[..at], &message[at + quoted.len() + 2..]),
        None => MASK.to_string(),
    }
}

/// Whether the last pair that was read is a password: a word behind it may be its second half.
pub fn follows_secret(conninfo: &Conninfo) -> bool {
    conninfo.form == Form::Pairs && conninfo.pairs.last().is_some_and(|pair| table::is_secret(&pair.keyword))
}

/// Whether a part of a URI is a password.
fn is_in_secret(text: &[u8], span: Span) -> bool {
    let before = &text[..span.start];
    if text.get(span.end) == Some(&b'@') && before.ends_with(b":") {
        return true;
    }
    let keyword = before.strip_suffix(b"=").and_then(|before| before.rsplit(|byte| matches!(byte, b'?' | b'&')).next());
    keyword.is_some_and(table::is_secret)
}
