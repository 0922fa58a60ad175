//! The language server, talked to as an editor does: each file of testdata/server is a talk with what comes of it.
//!
//! `PGCONFLINT_BLESS=1` writes the answers anew. Ranges are shown as the text that they hold, cut out by a count of
//! columns that has nothing in common with the server's.

#[path = "server/editor.rs"]
mod editor;

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use lsp_server::{Connection, Message, Notification, Request};
use pgconflint::cli::Check;
use pgconflint::report::Show;
use pgconflint::run::Exit;
use serde_json::{Value, json};

use editor::Client;

#[test]
fn talks() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/server");
    let mut paths: Vec<PathBuf> = fs::read_dir(&directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    assert!(paths.len() > 5, "talks were found");
    let mut wrong = Vec::new();
    for path in paths {
        let text = fs::read_to_string(&path).unwrap();
        let told = retell(&text);
        if told != text {
            if std::env::var_os("PGCONFLINT_BLESS").is_some() {
                fs::write(&path, &told).unwrap();
            } else {
                wrong.push(format!(
                    "{}:\n{}",
                    path.display(),
                    similar::TextDiff::from_lines(&text, &told).unified_diff()
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The set-ups for editors can be read, and name the languages that the server knows.
#[test]
fn set_ups_name_the_languages() {
    let read = |name: &str| {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("editors").join(name);
        fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    };
    let helix: toml::Table = read("helix/languages.toml").parse().expect("TOML");
    let of_helix: Vec<&str> =
        helix["language"].as_array().unwrap().iter().map(|language| language["name"].as_str().unwrap()).collect();
    let code: Value = serde_json::from_str(&read("vscode/package.json")).expect("JSON");
    let languages = code["contributes"]["languages"].as_array().unwrap();
    let of_code: Vec<&str> = languages.iter().map(|language| language["id"].as_str().unwrap()).collect();
    assert_eq!(of_helix, of_code);
    for name in ["README.md", "neovim/pgconflint.lua", "emacs/pgconflint.el", "vscode/extension.js"] {
        let text = read(name);
        for language in &of_code {
            assert!(text.contains(language), "{name} does not name {language}");
        }
    }
    let talk = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/server/languages.txt");
    let talk = fs::read_to_string(talk).unwrap();
    for language in &of_code {
        assert!(talk.contains(&format!(" {language}\n")), "no talk opens a file as {language}");
    }
}

/// The baseline that the command line writes is the one that the editor heeds: the same is left on both sides.
#[test]
fn a_baseline_holds_in_the_editor_what_it_holds_on_the_command_line() {
    let mut client = Client::new();
    client.write("pgconflint.toml", "pg = \"16\"\nbaseline = \"known.json\"");
    client.write("known.json", r#"{"schemaVersion": 1, "findings": []}"#);
    client.write("db/PG_VERSION", "16");
    client.write("db/postgresql.conf", "work_mem = 64mb\ninclude = 'more.conf'\nno_such = 1");
    client.write("db/more.conf", "wal_level = minimal\nport = 1\nport = 2");
    client.write("db/pg_hba.conf", "local all all scram\nlocal all all");
    let names = ["db/postgresql.conf", "db/more.conf", "db/pg_hba.conf"];
    let told = |client: &mut Client| -> Vec<String> {
        client.act("start", "");
        let told = names.map(|name| client.act("open", name));
        let codes = told
            .iter()
            .flat_map(|told| told.lines().filter(|line| line.starts_with("    ") && !line.starts_with("     ")));
        codes.map(|line| line.rsplit_once(": ").map_or(line, |(_, message)| message).to_owned()).collect()
    };
    let run = |client: &Client, arguments: &[&str]| {
        let mut command = std::process::Command::new(insta_cmd::get_cargo_bin("pgconflint"));
        let output = command.current_dir(client.root.path()).args(arguments).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    let left = |client: &Client| run(client, &["check", "db", "--format", "concise"]).lines().count();
    let before = told(&mut client).len();
    assert!(before > 4 && before == left(&client), "{}", run(&client, &["check", "db", "--format", "concise"]));
    assert!(run(&client, &["baseline", "write", "db"]).starts_with("known.json: "));
    assert_eq!((told(&mut client), left(&client)), (Vec::new(), 0));
    client.write("db/more.conf", "wal_level = minimal\nport = 1\nport = 2\nfsync = maybe");
    let after = told(&mut client);
    assert_eq!((after.len(), left(&client)), (1, 1), "{after:?}");
}

/// What was cancelled before its turn came is said to be, and all else is answered.
#[test]
fn what_is_cancelled_in_time_is_not_answered() {
    let (server, client) = Connection::memory();
    let request = |id: i32, method: &str| Request::new(id.into(), method.to_owned(), json!({}));
    for message in [
        request(1, "initialize").into(),
        request(2, "textDocument/hover").into(),
        request(3, "textDocument/hover").into(),
        Notification::new("$/cancelRequest".to_owned(), json!({"id": 2})).into(),
        request(4, "shutdown").into(),
        Message::from(Notification::new("exit".to_owned(), Value::Null)),
    ] {
        client.sender.send(message).unwrap();
    }
    let exit = pgconflint::server::serve(&server, &Check::default(), &Show::default());
    assert_eq!(exit, Ok(Exit::Clean));
    drop(server);
    let answers = client.receiver.iter().filter_map(|message| match message {
        Message::Response(response) => {
            Some((response.id.to_string(), response.response_result.err().map(|error| error.code)))
        }
        _ => None,
    });
    let answers: Vec<_> = answers.collect();
    let codes: Vec<_> = answers.iter().map(|(id, code)| (id.as_str(), *code)).collect();
    assert_eq!(codes, [("1", None), ("2", Some(-32800)), ("3", Some(-32602)), ("4", None)]);
}

/// The built program: rubbish does not end it, a client that dies does.
#[test]
fn a_client_that_dies_ends_the_process() {
    let mut child = std::process::Command::new(insta_cmd::get_cargo_bin("pgconflint"))
        .arg("server")
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let body = r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"capabilities":{}}}"#;
    let mut stdin = child.stdin.take().unwrap();
    write!(stdin, "Content-Length: 3\r\n\r\n{{?}}Content-Length: {}\r\n\r\n{body}", body.len()).unwrap();
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("-32700") && said.contains("\"serverInfo\""), "{said}");
}

/// The talk with the answers that are given now.
fn retell(text: &str) -> String {
    let (head, talk) = text.split_once("\n$ ").expect("a talk");
    let mut client = Client::new();
    let mut told = format!("{head}\n");
    for step in talk.split("\n$ ") {
        let (command, rest) = step.split_once('\n').unwrap_or((step, ""));
        let _ = writeln!(told, "$ {command}");
        let (verb, arguments) = command.split_once(' ').unwrap_or((command, ""));
        if verb == "file" {
            // It looks at its files once more when it has answered: that it does before they change.
            std::thread::sleep(std::time::Duration::from_millis(50));
            client.write(arguments, rest);
            let _ = writeln!(told, "{}", rest.trim_end_matches('\n'));
        } else {
            let answer = client.act(verb, arguments);
            let root = client.root.path().to_str().unwrap().to_owned();
            told.push_str(&answer.replace(&root, "ROOT"));
        }
    }
    told
}
