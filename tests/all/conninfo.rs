//! Connection strings: what libpq of every major makes of them, and what is told of them where examples do not reach.

use std::borrow::Cow;
use std::fs;
use std::os::unix::fs::PermissionsExt;

use pgconflint::check::examples::{self, ExampleFiles};
use pgconflint::check::{self, Before, Node, Rules};
use pgconflint::files::Disk;
use pgconflint::report::mask_secrets;
use pgconflint::rule::PAGES;
use pgconflint::rule::page::{Example, Shows};
use pgconflint::version::{Major, PgVersion};
use pgconflint_servers::libpq::Libpq;
use pgconflint_servers::start::standby_start;
use pgconflint_servers::template::SEGMENT;
use pgconflint_servers::{FileSet, conninfo, install};

use crate::natives::found;
use crate::proof::wanted;

/// A few hundred made-up strings; `tests/servers/agree conninfo` asks about more.
#[test]
fn libpq_agrees() {
    if !wanted("libpq agrees on connection strings") {
        return;
    }
    let (mut asked, mut wrong) = (0, Vec::new());
    for major in install::majors() {
        let libpq = Libpq::load(major).unwrap();
        for number in 0..600 {
            let case = conninfo::case(20_261_121, number);
            asked += usize::from(case.is_safe);
            if let Some(difference) = conninfo::compare(&libpq, &case).unwrap() {
                wrong.push(format!("{major} {}\n  {difference}", case.text.escape_ascii()));
            }
        }
    }
    assert!(asked > 500, "only {asked} strings were used to connect");
    assert!(wrong.is_empty(), "{} answers differ:\n{}", wrong.len(), wrong.join("\n"));
}

/// Which passfile is read, and which of its lines is for the connection: what a finding says, and what libpq does.
#[test]
fn libpq_agrees_on_passfiles() {
    if !wanted("libpq agrees on passfiles") {
        return;
    }
    let cases: [(u32, &str, &str, bool); 19] = [
        (0o600, "127.0.0.1", "127.0.0.1:1:replication:repl:hunter2", true),
        (0o400, "127.0.0.1", "127.0.0.1:1:replication:repl:hunter2", true),
        (0o700, "127.0.0.1", "127.0.0.1:1:replication:repl:hunter2", true),
        (0o640, "127.0.0.1", "127.0.0.1:1:replication:repl:hunter2", false),
        (0o604, "127.0.0.1", "127.0.0.1:1:replication:repl:hunter2", false),
        (0o620, "127.0.0.1", "127.0.0.1:1:replication:repl:hunter2", false),
        (0o601, "127.0.0.1", "127.0.0.1:1:replication:repl:hunter2", false),
        (0o644, "127.0.0.1", "*:*:*:*:hunter2", false),
        (0o600, "127.0.0.1", "127.0.0.1:1:postgres:repl:hunter2", false),
        (0o600, "127.0.0.1", "127.0.0.1:5432:replication:repl:hunter2", false),
        (0o600, "127.0.0.1", "127.0.0.1:1:replication:other:hunter2", false),
        (0o600, "127.0.0.1", "localhost:1:replication:repl:hunter2", false),
        (0o600, "127.0.0.1", "*:*:*:*:hunter2", true),
        (0o600, "127.0.0.1", "127.0.0.1:1:*:repl:hunter2\n", true),
        (0o600, "127.0.0.1", r"127.0.0.\1:1:replication:re\pl:hunter2", true),
        (0o600, "127.0.0.1", "# ours\n\nother:1:*:*:x\n127.0.0.1:1:replication:repl:hunter2\n", true),
        (0o600, "127.0.0.1", "#127.0.0.1:1:replication:repl:hunter2", false),
        (0o600, "/none", "/none:1:replication:repl:hunter2", true),
        (0o600, "/none", "10.0.0.1:1:replication:repl:hunter2", false),
    ];
    let rules = Rules::built_in();
    let mut wrong = Vec::new();
    for major in install::majors() {
        let libpq = Libpq::load(major).unwrap();
        for (mode, host, lines, is_found) in cases {
            let directory = tempfile::tempdir().unwrap();
            let passfile = directory.path().join("pgpass");
            fs::write(&passfile, lines).unwrap();
            fs::set_permissions(&passfile, fs::Permissions::from_mode(mode)).unwrap();
            let string = format!("host={host} port=1 user=repl passfile={}", passfile.display());
            let (name, standby) =
                if major < 12 { ("recovery.conf", "standby_mode = on\n") } else { ("postgresql.conf", "") };
            fs::write(directory.path().join(name), format!("{standby}primary_conninfo = '{string}'\n")).unwrap();
            let node = Node {
                path: directory.path().to_path_buf(),
                file: None,
                data_dir: None,
                data_is_here: false,
                targets: major.to_string().parse().unwrap(),
                role: None,
                wal_segment_size: None,
                before: Before::default(),
            };
            let outcome = check::node(&Disk::default(), &node, &rules, &|rule| rule.starts_with("conninfo-passfile-"));
            let found = libpq.password(string.as_bytes()).unwrap() == b"hunter2";
            if (found, outcome.findings.is_empty()) != (is_found, is_found) {
                wrong.push(format!("{major} {mode:o} {host} {lines}: {found}, {:?}", outcome.findings));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The words in the log of a standby whose passfile others may read.
#[test]
fn servers_say_that_they_ignore_a_passfile() {
    if !wanted("servers say that they ignore a passfile") {
        return;
    }
    let page = PAGES.iter().find(|page| page.id == "conninfo-passfile-ignored").unwrap();
    let rules = Rules::built_in();
    for major in install::majors() {
        let main = if major < 12 { "recovery.conf" } else { "postgresql.conf" };
        for example in page.examples().iter().filter(|example| example.main == main) {
            let version = major.to_string().parse().unwrap();
            let (_, findings) = examples::check(&ExampleFiles::of(example), &rules, version, None);
            let ignored = findings.into_iter().find(|finding| finding.rule == page.id);
            let says = ignored.map(|finding| finding.server.unwrap());
            let mut files = FileSet::default();
            for beside in example.beside.iter() {
                files = files.with(&beside.name, beside.bytes.to_vec()).mode(&beside.name, beside.mode.unwrap());
            }
            // Nothing leaves this machine.
            let main_file = String::from_utf8(example.file.as_ref().unwrap().to_vec()).unwrap();
            files = files.with(main, main_file.replace("10.0.0.1", "127.0.0.1").replace("user=", "port=1 user="));
            let has = |log: &[u8], text: &str| String::from_utf8_lossy(log).contains(text);
            let tried = "could not connect to the primary server";
            let outcome = standby_start(major, SEGMENT, &files, &|log| has(log, tried)).unwrap();
            let log = outcome.log.join(&b'\n');
            assert!(outcome.ok && has(&log, tried), "{major}: {}", log.escape_ascii());
            let told = has(&log, says.as_deref().unwrap_or("has group or world access"));
            assert_eq!(told, says.is_some(), "{major} {says:?}: {}", log.escape_ascii());
        }
    }
}

#[test]
fn strings() {
    let mut all = String::new();
    for (version, string) in [
        ("12", "10.0.0.1"),
        ("16", "host 10.0.0.1"),
        ("16", "host=10.0.0.1 usr=repl"),
        ("16", "host=10.0.0.1 user=repl database=app slot=a"),
        ("16", "host=10.0.0.1,port=5432,user=repl"),
        ("16", "host=10.0.0.1;port=5432;user=repl"),
        ("16", "user=repl,host=10.0.0.1"),
        ("16", "user=repl,extra host=10.0.0.1"),
        ("16", "host=10.0.0.1 password= sslmode=require"),
        ("16", "host=10.0.0.1 user=repl password=two words"),
        ("16", "host=10.0.0.1 user=repl sslmode = Require"),
        ("16", "host=10.0.0.1 port=x sslmode=yes target_session_attrs=leader"),
        ("13", "host=a,b target_session_attrs=standby sslmode=require"),
        ("13", "host=a,b sslmode=require"),
        ("18", "host=a,b sslmode=require"),
        ("16", "host=a,a sslmode=require"),
        ("16", "user=repl"),
        ("16", "user=repl port=5433"),
        ("16", "host=/run/postgresql user=repl"),
        ("16", "host=::1 user=repl"),
        ("16", "service=primary user=repl"),
        ("16", "host=db.mycompany.com user=postgres sslmode=allow"),
        ("16", "host=db.mycompany.com sslrootcert=system"),
        ("12", "host=db.mycompany.com gssencmode=require"),
        ("16", "host=PRIMARY_HOST port=PRIMARY_PORT user=repl"),
        ("16", "host=<primary-host> user=<user> password=<password>"),
        ("16", "host={{ primary }} user=[user]"),
        ("16", "host=192.168.1.x sslmode=require"),
        ("16", "host=10.0.0.1 host=10.0.0.1 sslmode=require"),
        ("16", "host=10.0.0.1 sslmode=require requiressl=1"),
        ("13", "host=10.0.0.1 sslcompression=1 sslmode=require"),
        ("16", "host=10.0.0.1 sslcompression=1 sslmode=require"),
        ("16", "postgresql://repl:a/b@10.0.0.1/"),
        ("16", "postgresql://repl@10.0.0.1/?sslmode=require&foo=1"),
        ("16", "postgresql://repl@10.0.0.1/?ssl=true"),
        ("16", "Postgresql://repl@10.0.0.1/?ssl=true"),
        ("16", ""),
        ("16", " "),
    ] {
        let found = found(version, &format!("primary_conninfo = '{string}'\n"), &[]);
        let found = found.replace("postgresql.conf:1 ", "").replace('\n', "\n     ");
        all += &format!("{version:<4} {string}\n     {found}\n");
    }
    insta::assert_snapshot!(all);
}

/// The same in recovery.conf, of which the last line counts, and only on a standby.
#[test]
fn strings_of_recovery_conf() {
    let mut all = String::new();
    let standby = |string: &str| format!("standby_mode = on\nprimary_conninfo = '{string}'\n");
    for (version, file) in [
        ("9.4", standby("10.0.0.1")),
        ("9.5", standby("10.0.0.1")),
        ("9.4", standby("postgresql://repl:hunter2@10.0.0.1/?sslmode=require")),
        ("9.4", standby("postgresql://repl@10.0.0.1/")),
        ("9.5", standby("postgresql://repl@10.0.0.1/?sslmode=require")),
        ("9.6", standby("host=10.0.0.1,10.0.0.2 sslmode=require")),
        ("10", standby("host=10.0.0.1,10.0.0.2 sslmode=require")),
        ("9.6", standby("host=10.0.0.1 password=x sslmode=require")),
        ("11", standby("host=10.0.0.1 password=x sslmode=require")),
        ("11", standby("host={{ primary }} user=[user] password=x")),
        ("11", standby("host=a password={{ password }}")),
        ("11", standby("host=[primary] password=${PW} ssl_mode=x")),
        ("11", standby("user=repl port=5433")),
        ("11", standby("")),
        ("11", standby("host=/a sslmode=yes") + "primary_conninfo = 'host=/b'\n"),
        ("11", "restore_command = 'cp /a/%f %p'\nprimary_conninfo = 'host=/a sslmode=yes'\n".to_string()),
    ] {
        let found = found(version, "", &[("recovery.conf", &file)]);
        let found: Vec<&str> = found.lines().filter(|line| !line.contains("standby-keeps-timeline")).collect();
        all += &format!("{version:<4} {}\n     {}\n", file.replace('\n', " | "), found.join("\n     "));
    }
    insta::assert_snapshot!(all);
}

#[test]
fn places_are_those_of_the_file() {
    let rules = Rules::built_in();
    for (line, piece) in [
        (r"primary_conninfo = 'host=/a passfile=''it\\''s'' sslmode=required'", "required"),
        (r"primary_conninfo = 'host=/a passfile=\'x\' sslmode=''required'''", "''required''"),
        (r"primary_conninfo = '\150ost=/a sslm\157de=required'", "required"),
        (r"primary_conninfo = 'host=/a ssl\155\157=x'", r"ssl\155\157"),
        ("primary_conninfo = 'host=/a\tport=''1''x=y'", "x"),
    ] {
        let example = example(format!("{line}\n").into_bytes());
        let (sources, findings) = examples::check(&ExampleFiles::of(&example), &rules, "16".parse().unwrap(), None);
        let texts: Vec<Cow<'_, str>> =
            findings.iter().map(|finding| String::from_utf8_lossy(sources.text(finding.place))).collect();
        assert!(texts.iter().any(|text| text == piece), "{line}: {texts:?}");
    }
}

/// However a connection string is broken, nothing that is told of it holds its password.
#[test]
fn no_finding_tells_a_password() {
    const SECRET: &str = "hunter2x";
    let rules = Rules::built_in();
    let mut told = 0;
    for string in [
        "host=a user=b password=PW",
        "host=a user=b password=my PW",
        "host=a user=b password=my PW sslmode=x",
        "host=a user=b password=''PW sslmode=x",
        "host=a user=b password=PW password=PW",
        "host=a,password=PW,user=b",
        "host=a;password=PW",
        "host=a user=b pasword=PW",
        "host=a user=b sslpassword=PW sslmode=yes",
        "sslpassword= host=a password=PW",
        "postgresql://u:PW@h/d",
        "postgresql://u:PW@[::1/d",
        "postgresql://u:PW%@h/d",
        "postgresql://u:%zzPW@h/d",
        "postgresql://u:PW%00@h/d",
        "postgresql://u:PW x@h/d",
        "postgresql://u:PW/x@h/d",
        "postgresql://u:x/PW@h/d",
        "postgresql://u@h/d?password=PW&x=y",
        "postgresql://u@h/d?password=PW%&x=y",
        "postgresql://u@[::1/d?password=PW",
        "host=x.x.x.x password=PW",
        "host=[ip] password=[PW]",
        "password=PW",
        "password=PW,host=a",
    ] {
        for version in ["9.4", "9.6", "11", "12", "16", "18"] {
            let line = format!("primary_conninfo = '{}'\n", string.replace("PW", SECRET));
            assert!(!mask_secrets(&line).contains(SECRET), "{}", mask_secrets(&line));
            let mut example = example(line.into_bytes());
            if version.parse::<PgVersion>().unwrap().major < Major::V12 {
                example.main = "recovery.conf";
                example.file.as_mut().unwrap().extend(b"standby_mode = on\n");
            }
            let (_, findings) = examples::check(&ExampleFiles::of(&example), &rules, version.parse().unwrap(), None);
            assert!(!findings.is_empty(), "{string}");
            for finding in findings {
                told += 1;
                let places = finding.related.iter().map(|label| label.message.clone());
                let fix = finding.fix.iter().map(|fix| fix.title.clone());
                let texts = [finding.message.clone(), finding.label.clone()].into_iter();
                let texts = texts.chain(finding.help.clone()).chain(finding.server.clone()).chain(places).chain(fix);
                for text in texts.map(|text| mask_secrets(&text).into_owned()) {
                    assert!(!text.contains(SECRET), "{string}, {version}: {}: {text}", finding.rule);
                }
            }
        }
    }
    assert!(told > 100, "only {told} findings");
}

fn example(bytes: Vec<u8>) -> Example {
    Example {
        shows: Shows::Fires,
        majors: "".into(),
        main: "postgresql.conf",
        file: Some(bytes),
        beside: Vec::new(),
        from: String::new(),
        line: 1,
    }
}
