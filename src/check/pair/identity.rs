//! Whether both are servers of the same major, and of the same cluster.

use super::{Found, Pair};
use crate::check::Rules;
use crate::check::group::Member;
use crate::check::spot::{self, Spot, View};
use crate::finding::Finding;
use crate::source::{Place, Span};

/// A finding where no version is one of both: a standby has the major of its primary.
pub(super) fn versions(view: &View, rules: &Rules, standby: &Member, upstream: &Member) -> Vec<Finding> {
    let Some(top) = view.top() else { return Vec::new() };
    let spot = Spot::new("major-versions-differ", Place { file: top.file, span: Span::new(0, 0) })
        .word("name", standby.name.clone())
        .word("upstream", upstream.name.clone())
        .word("has", standby.node.targets.to_string())
        .word("wanted", upstream.node.targets.to_string());
    let page = rules.speaking("major-versions-differ", view.settings.catalog.version, None);
    page.map(|page| spot::finding(view, page, spot)).into_iter().collect()
}

/// Spots where both are not copies of one cluster.
pub(super) fn check(_pair: &Pair, _found: &mut Found) {}
