//! pg_hosts.conf of 19: lines for which a server refuses to start.

use super::spot::{Spot, View};
use crate::model::access::LineFault;
use crate::model::hosts::{Fault, Line, Refusal};
use crate::source::display;

/// Spots for the lines.
pub fn check(view: &View, spots: &mut Vec<Spot>) {
    let Some(hosts) = &view.access.hosts else { return };
    let refused = |line: &Line| line.refusal.as_ref().map(|refusal| spot(view, refusal));
    spots.extend(hosts.lines.iter().filter_map(refused));
}

fn spot(view: &View, refusal: &Refusal) -> Spot {
    let token = display(view.sources.text(refusal.place));
    let (reason, label) = match &refusal.fault {
        Fault::Line(LineFault::CannotOpen(path, error) | LineFault::CannotOpenDirectory(path, error)) => {
            (format!("`{}`: {error}", path.display()), "cannot be read")
        }
        Fault::Line(LineFault::LineTooLong) => ("the line is too long".to_string(), "too long"),
        Fault::Line(LineFault::TokenTooLong) => ("a word is too long".to_string(), "too long"),
        Fault::Line(LineFault::TooDeep(_)) => ("files include each other without end".to_string(), "without end"),
        Fault::Missing => ("host names, a certificate and a key are due".to_string(), "too few fields"),
        Fault::Extra => (format!("nothing may follow the sixth field, and `{token}` does"), "one field too many"),
        Fault::Several(what) => (format!("one {what} is due, and there is a list"), "one is due"),
        Fault::NoBoolean => (format!("`{token}` is neither on nor off"), "on or off is due"),
        Fault::Mixed => (format!("`{token}` needs a line of its own"), "stands for itself"),
        Fault::Again => (format!("`{token}` has a line already"), "a second time"),
    };
    let spot = Spot::new("hosts-line-refused", refusal.place).word("reason", reason).label(label);
    match &refusal.text {
        Some(text) => spot.server(display(text)),
        None => spot,
    }
}
