//! `migrate` in place, ended and failed at its system calls: a sample of `tests/servers/crash`, which does it at each.
#![expect(clippy::print_stdout, reason = "the count is the result")]

use insta_cmd::get_cargo_bin;
use pgconflint_servers::crash;

use crate::proof;

#[test]
fn wherever_it_ends_no_server_starts_on_half_of_it() {
    let program = get_cargo_bin("pgconflint");
    let mut kills = 0;
    let of_interest = ["a standby", "a split layout", "parameters alone"];
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
    for case in crash::cases().iter().filter(|case| ["a standby", "parameters alone"].contains(&case.name)) {
        let outcome = crash::play(&program, case, 1, 7).unwrap();
        let mut wrong = outcome.wrong.clone();
        starts += crash::real::judge(case, &outcome, &mut wrong).unwrap();
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }
    println!("{starts} starts");
    assert!(starts > 20, "only {starts}");
}
