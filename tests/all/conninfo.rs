//! Connection strings: what libpq of every major makes of them, and what is told of them where examples do not reach.

use std::borrow::Cow;

use pgconflint::check::Rules;
use pgconflint::check::examples::{self, ExampleFiles};
use pgconflint::report::mask_secrets;
use pgconflint::rule::page::{Example, Shows};
use pgconflint::version::{Major, PgVersion};
use pgconflint_servers::libpq::Libpq;
use pgconflint_servers::{conninfo, install};

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
                example.main = "recovery.conf".into();
                example.file.as_mut().unwrap().to_mut().extend(b"standby_mode = on\n");
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
        main: "postgresql.conf".into(),
        file: Some(Cow::Owned(bytes)),
        beside: Cow::Owned(Vec::new()),
        line: 1,
    }
}
