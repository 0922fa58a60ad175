//! Whether both are servers of the same major, and of the same cluster and history.

use super::{End, Found, Pair};
use crate::check::group::Member;
use crate::check::spot::{self, Spot, View};
use crate::check::{Rules, Standing};
use crate::finding::Finding;
use crate::model::control::{self, Control};
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
    let (Some(upstream), Some(standby)) = (control(&pair.upstream), control(&pair.standby)) else { return };
    let Some(top) = pair.standby.top() else { return };
    let spot = |rule: &'static str, has: u64, wanted: u64| {
        Spot::new(rule, top)
            .word("name", pair.standby.member.name.clone())
            .word("upstream", pair.upstream.member.name.clone())
            .word("pg", pair.standby.view.version_word())
            .word("has", has.to_string())
            .word("wanted", wanted.to_string())
    };
    if upstream.system_identifier != standby.system_identifier {
        let spot = spot("system-identifiers-differ", standby.system_identifier, upstream.system_identifier);
        found.of_standby.push(spot.server("database system identifier differs between the primary and standby"));
        return;
    }
    if upstream.wal_segment_size != standby.wal_segment_size {
        let megabytes = |control: &Control| u64::from(control.wal_segment_size >> 20);
        found.of_standby.push(spot("wal-segment-sizes-differ", megabytes(&standby), megabytes(&upstream)));
    }
    if upstream.timeline < standby.timeline {
        let says = format!(
            "highest timeline {} of the primary is behind recovery timeline {}",
            upstream.timeline, standby.timeline
        );
        let spot = spot("standby-timeline-ahead", standby.timeline.into(), upstream.timeline.into());
        found.of_standby.push(spot.server(says));
    }
}

/// Whether the standby is known to be no copy of its primary.
pub(super) fn is_other_cluster(pair: &Pair) -> bool {
    match (control(&pair.upstream), control(&pair.standby)) {
        (Some(upstream), Some(standby)) => upstream.system_identifier != standby.system_identifier,
        _ => false,
    }
}

/// Whether WAL of the one is nothing for the other, though they are of one cluster.
pub(super) fn has_other_segments(pair: &Pair) -> bool {
    match (control(&pair.upstream), control(&pair.standby)) {
        (Some(upstream), Some(standby)) => {
            upstream.system_identifier == standby.system_identifier
                && upstream.wal_segment_size != standby.wal_segment_size
        }
        _ => false,
    }
}

fn control(end: &End) -> Option<Control> {
    control::of_directory(end.view.files, end.view.data_directory()?)?.ok()
}
