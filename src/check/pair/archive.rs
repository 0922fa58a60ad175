//! The archive that one node fills and another reads: whether it is the same.

use super::{End, Found, Pair};
use crate::catalog::recovery::{Purpose, named};
use crate::check::spot::Spot;
use crate::names;
use crate::source::{Place, display};

/// Spots for a standby that reads where nobody writes, and for one that deletes what others need.
pub(super) fn check(pair: &Pair, found: &mut Found) {
    found.of_standby.extend(filled_by_both(pair));
    let Some((restore, place)) = pair.standby.command(Purpose::Restore) else { return };
    let Some(reads) = archive(&restore) else { return };
    if pair.upstream.word(names::ARCHIVE_MODE) != "off"
        && let Some(writes) = pair.upstream.written_to()
        && writes.is_comparable(&reads)
        && writes != reads
    {
        let mut spot = Spot::new("archive-is-another", place)
            .subject(named(Purpose::Restore))
            .word("name", pair.standby.member.name.clone())
            .word("upstream", pair.upstream.member.name.clone())
            .word("has", reads.said.clone())
            .word("wanted", writes.said.clone())
            .word("pg", pair.standby.view.version_word())
            .label("reads here");
        if let Some(place) = pair.upstream.place_of(names::ARCHIVE_COMMAND) {
            spot = spot.related(place, "writes here");
        }
        found.of_standby.push(spot);
    }
    let cleans = pair.standby.command(Purpose::Cleanup);
    let others = pair.followers.iter().enumerate().filter(|(index, _)| *index != pair.place).map(|(_, end)| end);
    let shares = |end: &&End| {
        end.command(Purpose::Restore).and_then(|(command, _)| archive(&command)).is_some_and(|other| other == reads)
    };
    let mut others = others;
    if let Some((command, place)) = cleans
        && display(&command).contains(&reads.said)
        && let Some(other) = others.find(shares)
    {
        let spot = Spot::new("cleans-archive-of-others", place)
            .subject(named(Purpose::Cleanup))
            .word("name", pair.standby.member.name.clone())
            .word("other", other.member.name.clone())
            .word("has", reads.said.clone())
            .word("pg", pair.standby.view.version_word());
        found.of_standby.push(spot.label("deletes from it"));
    }
}

/// A standby that archives to where its primary does.
fn filled_by_both(pair: &Pair) -> Option<Spot> {
    let writes = |end: &End| end.written_to().filter(|_| end.word(names::ARCHIVE_MODE) != "off");
    let (one, other) = (writes(&pair.upstream)?, writes(&pair.standby)?);
    if pair.standby.word(names::ARCHIVE_MODE) != "always" || one != other {
        return None;
    }
    let mut spot = Spot::new("archive-filled-by-both", pair.standby.place_of(names::ARCHIVE_COMMAND)?)
        .subject(names::ARCHIVE_COMMAND)
        .word("name", pair.standby.member.name.clone())
        .word("upstream", pair.upstream.member.name.clone())
        .word("has", one.said)
        .word("pg", pair.standby.view.version_word());
    if let Some(place) = pair.upstream.place_of(names::ARCHIVE_COMMAND) {
        spot = spot.related(place, format!("{} archives there too", pair.upstream.member.name));
    }
    Some(spot.label("a place for two"))
}

/// An archive, as a command names it.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Archive {
    /// The tool's own word for it, or nothing for a directory.
    option: Option<String>,
    /// The directory, or the word's value.
    said: String,
}

impl Archive {
    /// Whether both are said in the same way.
    fn is_comparable(&self, other: &Archive) -> bool {
        self.option == other.option
    }
}

/// Where a command keeps or finds WAL, where that can be read from it: the path before `%f`, or the `--stanza` of a
/// tool.
fn archive(command: &[u8]) -> Option<Archive> {
    let text = display(command);
    let mut words =
        text.split([' ', '\t', '"', '\'', ';', '&', '|', '(', ')', '>', '<']).filter(|word| !word.is_empty());
    for word in words.clone() {
        if let Some(stanza) = word.strip_prefix("--stanza=") {
            return Some(Archive { option: Some("--stanza".to_owned()), said: stanza.to_owned() });
        }
    }
    let word = words.find(|word| word.contains("%f") && word.contains('/'))?;
    let path = word.split("%f").next()?;
    // A host before the path is how one machine calls another.
    let path = path.rsplit_once(':').map_or(path, |(_, path)| path).trim_end_matches('/');
    (path.starts_with('/') && !path.contains('$')).then(|| Archive { option: None, said: path.to_owned() })
}

impl End<'_> {
    fn command(&self, purpose: Purpose) -> Option<(Vec<u8>, Place)> {
        self.says(purpose).map(|(command, place, _)| (command, place)).filter(|(command, _)| !command.is_empty())
    }

    fn written_to(&self) -> Option<Archive> {
        archive(&self.view.settings.value(names::ARCHIVE_COMMAND)?.plain())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn archives_are_read_from_commands() {
        let said = |command: &str| archive(command.as_bytes()).map(|archive| archive.said);
        assert_eq!(said("cp %p /mnt/wal/%f").as_deref(), Some("/mnt/wal"));
        assert_eq!(said("test ! -f \"/mnt/wal/%f\" && cp %p \"/mnt/wal/%f\"").as_deref(), Some("/mnt/wal"));
        assert_eq!(said("rsync -a %p backup:/mnt/wal/%f").as_deref(), Some("/mnt/wal"));
        assert_eq!(said("gunzip < /a/%f.gz > %p").as_deref(), Some("/a"));
        assert_eq!(said("pgbackrest --stanza=main archive-push %p").as_deref(), Some("main"));
        assert_eq!(said("wal-g wal-push %p"), None);
        assert_eq!(said("cp %p $ARCHIVE/%f"), None);
    }
}
