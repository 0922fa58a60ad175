//! `migrate` in place, ended and failed at its system calls: a sample of `tests/servers/crash`, which does it at each.
//! And that each of these calls has reached the disk before the next one counts.
#![expect(clippy::print_stdout, reason = "the count is the result")]

use std::cell::RefCell;
use std::path::{Path, PathBuf};

use insta_cmd::get_cargo_bin;
use pgconflint::files::Call;
use pgconflint::migrate::Allow;
use pgconflint::run::Exit;
use pgconflint::version::Major;
use pgconflint_servers::crash;
use pgconflint_servers::crash::opinion::{self, Start};

use crate::in_place::{asked, hooked, hooked_with, node};
use crate::proof;

/// A machine that loses its power keeps what was synced: every file is, before anything gets its name, and every new
/// name is before the next one. So what is left is what a run leaves that is killed in between.
#[test]
fn what_counts_is_on_the_disk_before_the_next_step() {
    let top = node();
    let calls = RefCell::new(Vec::<(Call, PathBuf)>::new());
    let record = |call: Call, path: &Path| {
        calls.borrow_mut().push((call, path.to_owned()));
        Ok(())
    };
    assert_eq!(hooked(&top, &record, None).0, Exit::Clean);
    let calls = calls.into_inner();
    let names = [Call::Rename, Call::Remove, Call::RemoveDirectory];
    let (mut made, mut renames) = (0, 0);
    for (index, (call, path)) in calls.iter().enumerate() {
        let later = &calls[index + 1..];
        if *call == Call::MakeFile {
            made += 1;
            let until = later.iter().position(|(call, _)| names.contains(call)).unwrap();
            let own: Vec<Call> =
                later[..until].iter().filter(|(_, other)| other == path).map(|(call, _)| *call).collect();
            assert_eq!(own.last(), Some(&Call::Sync), "{}", path.display());
            assert!(
                own.iter()
                    .position(|call| *call == Call::Write)
                    .is_none_or(|write| own[..write].contains(&Call::SetMode))
            );
        }
        if names.contains(call) {
            renames += 1;
            let (next, directory) = &later[0];
            assert_eq!((*next, directory.as_path()), (Call::Sync, path.parent().unwrap()), "{}", path.display());
        }
    }
    let first = calls.iter().find(|(call, _)| *call == Call::Rename).unwrap();
    assert!(first.1.ends_with("manifest.json"), "{first:?}");
    assert!(made > 8 && renames > 5, "{made} {renames}");
}

/// Before each rename of a run that is not ended: what servers make of the files then.
#[test]
fn between_two_renames_no_server_starts_on_half_of_it() {
    let mut count = 0;
    for case in crash::cases() {
        let top = tempfile::tempdir().unwrap();
        let root = top.path().join("tree");
        case.lay_out(&root).unwrap();
        let met = RefCell::new(Vec::new());
        let judge = |call: Call, _: &Path| {
            if call == Call::Rename {
                let starts = [case.from, case.to].map(|major| opinion::start(&case, &root, major).unwrap());
                met.borrow_mut().push(starts);
            }
            Ok(())
        };
        let allowed = Allow::ALL.into_iter().filter(|allow| case.allows.contains(&allow.option())).collect();
        let from = Major(case.from * 100);
        let options = asked(case.node(&root), Some(from), Major(case.to * 100), allowed);
        let (exit, said) = hooked_with(options, &top, &judge, None);
        assert_eq!(exit, Exit::Clean, "{}: {said}", case.name);
        let after = [case.from, case.to].map(|major| opinion::start(&case, &root, major).unwrap());
        let met = met.into_inner();
        for (at, starts) in met.iter().enumerate() {
            for (which, start) in starts.iter().enumerate() {
                let is_as_ever = [&Start::Refuses, &met[0][which], &after[which]].contains(&start);
                let is_wrong = case.is_standby && start.is_primary();
                assert!(is_as_ever && !is_wrong, "{}, before rename {at}: {start:?}", case.name);
            }
        }
        count += met.len();
    }
    println!("{count} moments");
    assert!(count > 50, "only {count}");
}

#[test]
fn wherever_it_ends_no_server_starts_on_half_of_it() {
    let program = get_cargo_bin("pgconflint");
    let mut kills = 0;
    let of_interest = ["a split layout", "parameters alone", "a standby without a setting that goes back"];
    let cases = crash::cases().into_iter().filter(|case| of_interest.contains(&case.name));
    for (index, case) in cases.enumerate() {
        let outcome = crash::play(&program, &case, 1 + 5 * index, 43).unwrap();
        assert!(outcome.wrong.is_empty(), "{}", outcome.wrong.join("\n"));
        kills += outcome.count.kills;
    }
    println!("{kills} kill points");
    assert!(kills > 12, "only {kills}");
}

/// The same with servers of both versions on what is left.
#[test]
fn real_servers_do_not_start_on_half_of_it() {
    if !proof::wanted("migrations that were ended") {
        return;
    }
    let program = get_cargo_bin("pgconflint");
    let mut starts = 0;
    for case in crash::cases().iter().filter(|case| ["a standby", "a standby that goes back"].contains(&case.name)) {
        let outcome = crash::play(&program, case, 1, 11).unwrap();
        let mut wrong = outcome.wrong.clone();
        starts += crash::real::judge(case, &outcome, &mut wrong).unwrap();
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }
    println!("{starts} starts");
    assert!(starts > 20, "only {starts}");
}
