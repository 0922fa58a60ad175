//! Names in a table of open addressing, without regard to ASCII case. build.rs makes those of whole catalogues with it.

/// The positions of names plus one, each in the slot that [`find`] looks into; 0 where there is none.
pub fn slots(names: &[&str]) -> Vec<u16> {
    let mut slots = vec![0; (names.len() * 2).next_power_of_two()];
    for (index, name) in names.iter().enumerate() {
        let slot = slot(&slots, name.as_bytes(), |known| names[known]);
        slots[slot] = u16::try_from(index + 1).expect("fewer than 65,000 names");
    }
    slots
}

/// The position of a name.
pub fn find<'n>(slots: &[u16], name: &[u8], known: impl Fn(usize) -> &'n str) -> Option<usize> {
    usize::from(slots[slot(slots, name, known)]).checked_sub(1)
}

/// The slot of a name, or the free one where it would be.
fn slot<'n>(slots: &[u16], name: &[u8], known: impl Fn(usize) -> &'n str) -> usize {
    let mask = slots.len() - 1;
    let mut slot = fold_hash(name) & mask;
    loop {
        match usize::from(slots[slot]).checked_sub(1) {
            Some(index) if !known(index).as_bytes().eq_ignore_ascii_case(name) => slot = (slot + 1) & mask,
            _ => return slot,
        }
    }
}

fn fold_hash(name: &[u8]) -> usize {
    let hash = name.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte.to_ascii_lowercase())).wrapping_mul(0x0100_0000_01b3)
    });
    usize::try_from((hash ^ (hash >> 29)) & 0xffff_ffff).expect("32 bits")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_in_any_case() {
        let names = ["wal_level", "TimeZone", "port"];
        let slots = slots(&names);
        let find = |name: &str| find(&slots, name.as_bytes(), |index| names[index]);
        assert_eq!(["PORT", "timezone", "wal_level", "wal"].map(find), [Some(2), Some(1), Some(0), None]);
    }

    #[test]
    fn nothing_is_found_in_nothing() {
        let slots = slots(&[]);
        assert_eq!(find(&slots, b"port", |_| unreachable!("there is no name")), None);
    }
}
