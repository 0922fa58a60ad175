//! The questions, asked for real. Only where `PGCONFLINT_REAL_SERVERS` is set,
//! as tests/run does.
#![allow(clippy::unwrap_used)]

use pgconflint_servers::access::{self, Kind};
use pgconflint_servers::pair;
use pgconflint_servers::prove::{self, Expect};
use pgconflint_servers::server::start_each;
use pgconflint_servers::{
    FileSet, Server, generate, install, record, recovery, shown::Shown, start_check, whole_start,
};
use pgconflint_servers::{access_cases, doors};

fn wanted() -> bool {
    let wanted = std::env::var_os("PGCONFLINT_REAL_SERVERS").is_some();
    if wanted {
        install::install(&|_| ()).unwrap();
    }
    wanted
}

#[test]
fn a_view_has_rows_messages_and_odd_bytes() {
    if !wanted() {
        return;
    }
    let server = Server::start(16).unwrap();
    let files = FileSet::conf(b"work_mem = 1XB\ncluster_name = 'caf\xe9'\ninclude 'd/a.conf'\n".to_vec())
        .with("d/a.conf", "port = 1\n");
    let view = server.file_settings(&files).unwrap();
    assert_eq!(view.rows.len(), 3);
    assert_eq!(view.rows[1].setting.as_deref(), Some(b"caf\xe9".as_slice()));
    assert_eq!(view.rows[2].file.as_deref(), Some(b"$PGDATA/d/a.conf".as_slice()));
    assert_eq!(view.messages[0].message, b"invalid value for parameter \"work_mem\": \"1XB\"");
    assert!(view.messages[0].hint.is_some());
    // Nothing is left for the next question.
    assert!(!server.data().join("d").exists());
    assert_eq!(server.file_settings(&FileSet::default()).unwrap().rows.len(), 0);
}

#[test]
fn a_server_goes_with_its_directory() {
    if !wanted() {
        return;
    }
    let server = Server::start(10).unwrap();
    let data = server.data().to_path_buf();
    assert!(data.join("postmaster.pid").exists());
    drop(server);
    assert!(!data.exists());
}

#[test]
fn starts_are_judged() {
    if !wanted() {
        return;
    }
    let outcome = start_check(12, &FileSet::conf("work_mem = '1.5GB'\n"), "work_mem").unwrap();
    assert_eq!((outcome.ok, outcome.value.as_deref()), (true, Some(b"1572864".as_slice())));
    let outcome = whole_start(15, &FileSet::conf("wal_level = minimal\n")).unwrap();
    assert!(!outcome.ok && outcome.log[0].starts_with(b"FATAL:"));
    assert!(whole_start(11, &FileSet::default().with("recovery.conf", "standby_mode = on\n")).unwrap().ok);
    assert!(whole_start(18, &FileSet::default().with("standby.signal", "")).unwrap().ok);
    assert!(!whole_start(18, &FileSet::default().without("pg_hba.conf")).unwrap().ok);
}

/// A few made-up files in every run; `agree generate-recovery` asks about as many as one likes.
#[test]
fn recovery_conf_is_read_alike() {
    if !wanted() {
        return;
    }
    let material = generate::Material::default();
    let mut wrong = Vec::new();
    for number in 0..30 {
        let files = recovery::case(&material, 11, number);
        for major in recovery::MAJORS {
            let found = recovery::compare(major, &files).unwrap();
            wrong.extend(found.into_iter().map(|found| format!("case {number} on {major}: {found:#?}")));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    // The comparison sees something.
    let files = FileSet::default().with(recovery::FILE, "standby_mode = on\nrecovery_target_xid = 7\nnosuch = 1\n");
    let reading = recovery::ask(11, &files).unwrap();
    assert_eq!(reading.read, ["standby_mode = 'on'", "recovery_target_xid = 7"]);
    assert_eq!(reading.log, ["FATAL:  unrecognized recovery parameter \"nosuch\""]);
}

#[test]
fn values_are_shown() {
    if !wanted() {
        return;
    }
    let server = Server::start(17).unwrap();
    assert_eq!(server.set_and_show("work_mem", b"2048").unwrap().as_deref(), Some(b"2MB".as_slice()));
    assert_eq!(server.set_and_show("work_mem", b"x").unwrap(), None);
    let shown = Shown::default();
    assert_eq!(shown.value(17, "search_path", b"it's").unwrap().as_deref(), Some(b"it's".as_slice()));
}

#[test]
fn rules_and_mappings_are_read() {
    if !wanted() {
        return;
    }
    let server = Server::start(16).unwrap();
    let rules = server.hba_rules(b"local all all trust\nlocal all\n", &FileSet::default()).unwrap();
    assert_eq!((rules.rows.len(), rules.messages.len()), (2, 1));
    assert_eq!(server.ident_mappings(b"a b c\n", &FileSet::default()).unwrap().rows.len(), 1);
}

#[test]
fn claims_are_proven() {
    if !wanted() {
        return;
    }
    let line = r#"{"id":"r","pg":16,"files":{"postgresql.conf":"port = 0\n"},"expect":"refuses","says":"outside the valid range"}"#;
    let claim = prove::parse(line).unwrap();
    let wrong = prove::Claim { expect: Expect::Starts, ..claim.clone() };
    let verdicts = prove::prove_all(&[claim, wrong]).unwrap();
    assert_eq!((verdicts[0].pass, verdicts[1].pass), (true, false));
}

#[test]
fn the_catalogue_reads_as_it_was_written() {
    for locked in install::locked() {
        let path = format!("{}/../../rules/catalog/{}.tsv", env!("CARGO_MANIFEST_DIR"), locked.major);
        let text = std::fs::read_to_string(path).unwrap();
        assert_eq!(record::read(&text).unwrap().len(), text.lines().count() - 2);
    }
}

/// A few hundred mutated files on every major, always the same ones.
#[test]
fn generated_files_get_the_same_answer() {
    if !wanted() {
        return;
    }
    let agree = std::process::Command::new(env!("CARGO_BIN_EXE_agree"))
        .args(["generate", "--count", "300", "--seed", "20261121"])
        .env_remove("PGCONFLINT_CORPUS")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&agree.stdout);
    assert!(agree.status.success() && said.contains(" 0 disagreements"), "{said}");
}

/// Each major's own sample file, with the value of every setting.
#[test]
fn sample_files_get_the_same_answer() {
    if !wanted() {
        return;
    }
    let agree = std::process::Command::new(env!("CARGO_BIN_EXE_agree"))
        .arg("conf")
        .env_remove("PGCONFLINT_CORPUS")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&agree.stdout);
    assert!(agree.status.success() && said.contains(" 0 disagreements"), "{said}");
}

/// The first, one in between that has no view of pg_ident.conf, and the last.
const SOME: [u16; 3] = [10, 14, 18];

#[test]
fn generated_files_of_who_may_connect_are_read_alike() {
    if !wanted() {
        return;
    }
    for server in start_each(&SOME, &Server::start_with_ssl).unwrap() {
        for (kind, count) in [(Kind::Hba, 150), (Kind::Ident, 60)] {
            for number in 0..count {
                let files = access_cases::case(kind, &access_cases::Lines::default(), 3, number);
                let found = access::compare(&server, kind, &files).unwrap();
                assert!(found.is_empty(), "{} case {number}: {files:?}\n{found:?}", server.major);
            }
        }
    }
}

#[test]
fn connections_end_on_the_line_that_is_named() {
    if !wanted() {
        return;
    }
    for server in start_each(&SOME, &Server::start_listening).unwrap() {
        doors::furnish(&server).unwrap();
        for number in 0..12 {
            let case = doors::case(3, number, server.major);
            let found = doors::compare(&server, &case).unwrap();
            assert!(found.is_empty(), "{}: {}\n{found:?}", server.major, case.text);
        }
    }
}

/// So many plays of scenarios are repeated in every run; `tests/servers/pair` repeats all.
const REPEATED: usize = 60;

#[test]
fn every_play_is_recorded() {
    let recorded = pair::record::read().unwrap();
    let plays = pair::record::cases().unwrap().into_iter();
    let mut plays = plays.flat_map(|case| case.majors.clone().into_iter().map(move |major| (case.name.clone(), major)));
    let missing = plays.find(|play| !recorded.contains_key(play));
    assert_eq!(missing, None, "tests/servers/pair --record NAME");
}

#[test]
fn primaries_and_standbys_do_what_they_did() {
    if !wanted() {
        return;
    }
    let recorded = pair::record::read().unwrap();
    let cases = pair::record::cases().unwrap();
    let all: Vec<_> = cases.iter().flat_map(|case| case.majors.iter().map(move |major| (case, *major))).collect();
    let every = all.len().div_ceil(REPEATED).max(1);
    let jobs: Vec<_> =
        all.iter().step_by(every).map(|(case, major)| (case.name.clone(), *major, case.beside.clone())).collect();
    let outcomes = pair::play_all(&jobs, &|_, _, _| ()).unwrap();
    let mut wrong = Vec::new();
    for ((name, major, _), outcome) in jobs.iter().zip(&outcomes) {
        let (now, before) = (pair::record::rows(outcome), &recorded[&(name.clone(), *major)]);
        if now != *before {
            wrong.push(format!("{name} on {major}\n  recorded {before:#?}\n  now {now:#?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
