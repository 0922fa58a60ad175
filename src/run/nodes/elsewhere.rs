//! Fixes of files that are not those of the checked nodes.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use super::{Member, Report, Run};
use crate::finding::Held;
use crate::names;
use crate::run::{directory_of, lexical};

impl Run<'_> {
    /// Holds fixes back that would change what a node includes from elsewhere: whoever fixes a node, or a commit, does
    /// not mean files that other nodes and other people read.
    pub(super) fn hold_foreign(&self, report: &mut Report, members: &[Member]) {
        let whole = |path: &Path| lexical(&self.show.directory.join(path));
        let mut own: Vec<PathBuf> = self.options.paths.iter().map(|path| whole(path)).collect();
        for member in members {
            own.push(whole(&directory_of(&member.node.path, member.node.file.is_some())));
            own.extend(member.node.data_dir.as_deref().map(whole));
        }
        // Those of its main files that lie elsewhere are its own: settings lead there.
        let is_main = |path: &Path| path.file_name().and_then(OsStr::to_str).is_some_and(names::is_main_file);
        let is_own = |path: &Path| is_main(path) || own.iter().any(|directory| whole(path).starts_with(directory));
        let Report { findings, sources, .. } = report;
        for fix in findings.iter_mut().filter_map(|finding| finding.fix.as_mut()) {
            if !fix.edits.iter().all(|edit| is_own(&sources.get(edit.place.file).path)) {
                fix.held = Some(Held::Elsewhere);
            }
        }
    }
}
