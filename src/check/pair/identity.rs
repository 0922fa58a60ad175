//! Whether both are servers of the same major, and of the same cluster.

use super::{End, Found, Pair};
use crate::check::group::Member;
use crate::check::spot::{self, Spot, View};
use crate::check::{Rules, Standing};
use crate::finding::Finding;
use crate::model::control;
use crate::source::{Place, Span};

/// A finding where no version is one of both: a standby has the major of its primary.
pub(super) fn versions(view: &View, rules: &Rules, standby: &Member, upstream: &Member) -> Vec<Finding> {
    let Some(top) = view.top() else { return Vec::new() };
    let spot = Spot::new("major-versions-differ", Place { file: top.file, span: Span::new(0, 0) })
        .word("name", standby.name.clone())
        .word("upstream", upstream.name.clone())
        .word("has", standby.node.targets.to_string())
        .word("wanted", upstream.node.targets.to_string());
    let page = rules.speaking("major-versions-differ", view.settings.catalog.version, Standing::default());
    page.map(|page| spot::finding(view, page, spot)).into_iter().collect()
}

/// Spots where both are not copies of one cluster.
pub(super) fn check(pair: &Pair, found: &mut Found) {
    let control = |end: &End| control::of_directory(end.view.files, end.data.as_ref()?)?.ok();
    let (Some(upstream), Some(standby)) = (control(&pair.upstream), control(&pair.standby)) else { return };
    if upstream.system_identifier == standby.system_identifier {
        return;
    }
    let Some(top) = pair.standby.top() else { return };
    let spot = Spot::new("system-identifiers-differ", top)
        .word("name", pair.standby.member.name.clone())
        .word("upstream", pair.upstream.member.name.clone())
        .word("has", standby.system_identifier.to_string())
        .word("wanted", upstream.system_identifier.to_string())
        .server("database system identifier differs between the primary and standby");
    found.of_standby.push(spot);
}
