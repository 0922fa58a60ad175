//! An editor for tests: buffers, columns counted by itself, and what it is told.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::thread::JoinHandle;
use std::time::Duration;

use lsp_server::{Connection, Message, Notification, Request};
use pgconflint::cli::Check;
use pgconflint::report::Show;
use pgconflint::run::Exit;
use serde_json::{Value, json};

/// An editor.
pub struct Client {
    /// Where its files lie.
    pub root: tempfile::TempDir,
    connection: Option<Connection>,
    server: Option<JoinHandle<Exit>>,
    encoding: String,
    open: BTreeMap<String, (i32, String)>,
    next: i32,
    /// What was told, and how much of it was shown.
    heard: Vec<Notification>,
    shown: usize,
    asked: Vec<Request>,
}

impl Client {
    /// One that has not started the server yet.
    pub fn new() -> Client {
        Client {
            root: tempfile::tempdir().unwrap(),
            connection: None,
            server: None,
            encoding: String::new(),
            open: BTreeMap::new(),
            next: 0,
            heard: Vec::new(),
            shown: 0,
            asked: Vec::new(),
        }
    }

    /// Writes a file to the disk.
    pub fn write(&self, name: &str, text: &str) {
        let path = self.root.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        // `\xff` stands for a byte that is not UTF-8, `\r` for a carriage return.
        let mut bytes = Vec::new();
        let text = format!("{}\n", text.trim_end_matches('\n'));
        for (index, piece) in text.replace("\\r", "\r").split("\\xff").enumerate() {
            bytes.extend((index > 0).then_some(0xff));
            bytes.extend(piece.as_bytes());
        }
        fs::write(&path, bytes).unwrap();
        // Whatever umask this runs with.
        #[cfg(unix)]
        fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    }

    /// Does what a line of a talk says, and tells what came of it.
    pub fn act(&mut self, verb: &str, arguments: &str) -> String {
        let (name, rest) = arguments.split_once(' ').unwrap_or((arguments, ""));
        match verb {
            "start" => self.start(arguments),
            "open" => {
                let text = String::from_utf8_lossy(&fs::read(self.root.path().join(name)).unwrap()).into_owned();
                self.open.insert(name.to_owned(), (1, text.clone()));
                let language = if rest.is_empty() { "conf" } else { rest };
                let document = json!({"uri": self.uri(name), "languageId": language, "version": 1, "text": text});
                self.tell("textDocument/didOpen", json!({"textDocument": document}));
                self.settled()
            }
            "type" => {
                let rest = rest.replace("\\n", "\n");
                let (old, new) = rest.split_once(" -> ").expect("old -> new");
                let (version, text) = self.open[name].clone();
                assert_eq!(text.matches(old).count(), 1, "{old} stands once in {text}");
                self.change(name, version + 1, text.replace(old, new));
                self.settled()
            }
            "close" => {
                self.open.remove(name);
                self.tell("textDocument/didClose", json!({"textDocument": {"uri": self.uri(name)}}));
                self.settled()
            }
            "delete" => {
                fs::remove_file(self.root.path().join(name)).unwrap();
                self.tell("workspace/didChangeWatchedFiles", json!({"changes": [{"uri": self.uri(name), "type": 3}]}));
                self.settled()
            }
            "changed" => {
                self.tell("workspace/didChangeWatchedFiles", json!({"changes": [{"uri": self.uri(name), "type": 2}]}));
                self.settled()
            }
            "saved" => {
                self.tell("textDocument/didSave", json!({"textDocument": {"uri": self.uri(name)}}));
                self.settled()
            }
            "hover" => {
                let answer = self.ask_at("textDocument/hover", name, rest);
                let text = answer["contents"]["value"].as_str().unwrap_or("nothing").to_owned();
                let range = if answer.is_null() { String::new() } else { self.cut(name, &answer["range"]) };
                indented(&format!("{range}{}{text}", if range.is_empty() { "" } else { ": " }))
            }
            "complete" => self.complete(name, rest),
            "define" => self.define(name, rest),
            "symbols" => self.symbols(name),
            "actions" => self.actions(name, rest).iter().map(|action| format!("  {}\n", said(action))).collect(),
            "apply" => self.apply(name, rest),
            "say" => self.say(arguments),
            "last" => format!("{}\n", serde_json::to_string_pretty(&self.last(name)).unwrap()),
            "exit" => self.exit(arguments),
            _ => panic!("{verb}?"),
        }
    }

    fn start(&mut self, arguments: &str) -> String {
        self.open.clear();
        self.connection = None;
        let (server, client) = Connection::memory();
        self.server = Some(std::thread::spawn(move || {
            let show = Show { directory: std::env::current_dir().unwrap(), ..Show::default() };
            pgconflint::server::serve(&server, &Check::default(), &show).expect("nothing is wrong")
        }));
        self.connection = Some(client);
        let words: Vec<&str> = arguments.split_whitespace().collect();
        let encodings: Vec<&&str> = words.iter().filter(|word| word.starts_with("utf-")).collect();
        let has = |word: &str| words.contains(&word);
        let capabilities = json!({
            "general": {"positionEncodings": encodings},
            "workspace": {
                "workspaceEdit": {"documentChanges": has("versions")},
                "didChangeWatchedFiles": {"dynamicRegistration": has("watch")},
            },
        });
        let answer = self.ask("initialize", json!({"processId": null, "rootUri": null, "capabilities": capabilities}));
        self.encoding = answer["capabilities"]["positionEncoding"].as_str().unwrap().to_owned();
        self.tell("initialized", json!({}));
        let told = self.settled();
        format!("  columns in {}\n{told}", self.encoding)
    }

    fn uri(&self, name: &str) -> String {
        format!("file://{}/{name}", self.root.path().display())
    }

    fn name(&self, uri: &str) -> String {
        let root = format!("file://{}/", self.root.path().display());
        uri.strip_prefix(&root).unwrap_or(uri).to_owned()
    }

    fn send(&self, message: Message) {
        self.connection.as_ref().expect("started").sender.send(message).expect("the server listens");
    }

    fn tell(&self, method: &str, params: Value) {
        self.send(Notification { method: method.to_owned(), params }.into());
    }

    fn change(&mut self, name: &str, version: i32, text: String) {
        let document = json!({"uri": self.uri(name), "version": version});
        self.tell("textDocument/didChange", json!({"textDocument": document, "contentChanges": [{"text": text}]}));
        self.open.insert(name.to_owned(), (version, text));
    }

    fn hear(&self) -> Message {
        let receiver = &self.connection.as_ref().expect("started").receiver;
        receiver.recv_timeout(Duration::from_secs(60)).expect("an answer")
    }

    /// The answer to a request, or the error.
    fn ask(&mut self, method: &str, params: Value) -> Value {
        self.next += 1;
        let id = self.next;
        self.send(Request { id: id.into(), method: method.to_owned(), params }.into());
        loop {
            match self.hear() {
                Message::Response(response) if response.id == id.into() => {
                    return response.response_result.unwrap_or_else(|error| json!({"error": error.message}));
                }
                Message::Response(response) => panic!("nobody asked for {response:?}"),
                Message::Notification(notification) => self.heard.push(notification),
                Message::Request(request) => self.asked.push(request),
            }
        }
    }

    fn ask_at(&mut self, method: &str, name: &str, mark: &str) -> Value {
        let position = self.position(name, mark);
        self.ask(method, json!({"textDocument": {"uri": self.uri(name)}, "position": position}))
    }

    /// What is told once everything has been heard. The server tells when its queue is empty: before the second question.
    fn settled(&mut self) -> String {
        self.ask("is this heard?", Value::Null);
        self.ask("is that?", Value::Null);
        let asked = std::mem::take(&mut self.asked);
        let asked = asked.iter().map(|request| format!("  asks: {} {}\n", request.method, request.params));
        let shown = self.heard[self.shown..].iter().map(|told| self.shown(told));
        let said = asked.chain(shown).collect();
        self.shown = self.heard.len();
        said
    }

    fn shown(&self, told: &Notification) -> String {
        assert_eq!(told.method, "textDocument/publishDiagnostics");
        let name = self.name(told.params["uri"].as_str().unwrap());
        let version = told.params["version"].as_i64().map_or(String::new(), |version| format!(" v{version}"));
        let diagnostics = told.params["diagnostics"].as_array().unwrap();
        let mut text = format!("  {name}{version}:{}\n", if diagnostics.is_empty() { " nothing" } else { "" });
        for one in diagnostics {
            let severity = ["", "error", "warning", "info"][one["severity"].as_u64().unwrap() as usize];
            let code = one["code"].as_str().unwrap_or("-");
            let message = one["message"].as_str().unwrap().lines().next().unwrap();
            let tags = one.get("tags").map_or(String::new(), |tags| format!(" {tags}"));
            let _ = writeln!(text, "    {} {severity} {code}{tags}: {message}", self.cut(&name, &one["range"]));
            for related in one["relatedInformation"].as_array().into_iter().flatten() {
                let other = self.name(related["location"]["uri"].as_str().unwrap());
                let range = self.cut(&other, &related["location"]["range"]);
                let _ = writeln!(text, "      {other} {range}: {}", related["message"].as_str().unwrap());
            }
        }
        text
    }

    /// Its text as this client has it, else as it is on the disk.
    fn text(&self, name: &str) -> String {
        let disk = || String::from_utf8_lossy(&fs::read(self.root.path().join(name)).unwrap_or_default()).into_owned();
        self.open.get(name).map_or_else(disk, |(_, text)| text.clone())
    }

    /// How many bytes of a line so many columns are.
    fn bytes(&self, line: &str, columns: usize) -> usize {
        let width = |char: char| match self.encoding.as_str() {
            "utf-8" => char.to_string().len(),
            "utf-16" => char.to_string().encode_utf16().count(),
            _ => 1,
        };
        let mut left = columns;
        let mut bytes = 0;
        for char in line.chars() {
            if left == 0 {
                break;
            }
            left = left.checked_sub(width(char)).expect("a column between characters");
            bytes += char.len_utf8();
        }
        assert_eq!(left, 0, "column {columns} is behind the end of {line:?}");
        bytes
    }

    fn offset(&self, text: &str, position: &Value) -> usize {
        let line = position["line"].as_u64().unwrap() as usize;
        let start: usize = text.split_inclusive('\n').take(line).map(str::len).sum();
        let rest = text[start..].split('\n').next().unwrap();
        start + self.bytes(rest, position["character"].as_u64().unwrap() as usize)
    }

    /// `line:` and the text of a range.
    fn cut(&self, name: &str, range: &Value) -> String {
        let text = self.text(name);
        let (start, end) = (self.offset(&text, &range["start"]), self.offset(&text, &range["end"]));
        format!("{} `{}`", range["start"]["line"].as_u64().unwrap() + 1, text[start..end].replace('\n', "\\n"))
    }

    /// The place of the bar in a piece of the text that stands there once without it.
    fn position(&self, name: &str, mark: &str) -> Value {
        let text = self.text(name);
        let mark = mark.replace("\\n", "\n");
        let before = mark.find('|').expect("a mark");
        let piece = mark.replacen('|', "", 1);
        assert_eq!(text.matches(&piece).count(), 1, "{piece} stands once in {text}");
        let offset = text.find(&piece).unwrap() + before;
        let line = text[..offset].matches('\n').count();
        let head = text[..offset].rsplit('\n').next().unwrap();
        let character = match self.encoding.as_str() {
            "utf-8" => head.len(),
            "utf-16" => head.encode_utf16().count(),
            _ => head.chars().count(),
        };
        json!({"line": line, "character": character})
    }

    fn complete(&mut self, name: &str, mark: &str) -> String {
        const SHOWN: usize = 12;
        let answer = self.ask_at("textDocument/completion", name, mark);
        let items = answer.as_array().cloned().unwrap_or_default();
        // As a client does: what begins with what stands there.
        let prefix = |item: &Value| self.cut(name, &item["textEdit"]["range"]);
        let typed = items.first().map_or(String::new(), prefix);
        let typed = typed.split('`').nth(1).unwrap_or_default().to_owned();
        let labels = items.iter().filter(|item| item["label"].as_str().unwrap().starts_with(&typed));
        let fitting: Vec<&Value> = labels.collect();
        let mut text = format!("  {} begin with `{typed}`\n", fitting.len());
        for item in fitting.iter().take(SHOWN) {
            let detail = item["detail"].as_str().map_or(String::new(), |detail| format!(" ({detail})"));
            let help = item["documentation"]["value"].as_str().map_or(String::new(), |help| format!(": {help}"));
            let _ = writeln!(text, "  {}{detail}{help}", item["textEdit"]["newText"].as_str().unwrap());
        }
        text
    }

    fn define(&mut self, name: &str, mark: &str) -> String {
        let answer = self.ask_at("textDocument/definition", name, mark);
        let places = answer.as_array().cloned().unwrap_or_default();
        let shown = |place: &Value| {
            let other = self.name(place["uri"].as_str().unwrap());
            format!("  {other} {}\n", self.cut(&other, &place["range"]))
        };
        if places.is_empty() { "  nothing\n".to_owned() } else { places.iter().map(shown).collect() }
    }

    fn symbols(&mut self, name: &str) -> String {
        let answer = self.ask("textDocument/documentSymbol", json!({"textDocument": {"uri": self.uri(name)}}));
        let symbols = answer.as_array().cloned().unwrap_or_default();
        let shown = |symbol: &Value| {
            let detail = symbol["detail"].as_str().map_or(String::new(), |detail| format!(" = {detail}"));
            format!("  {}{detail}: {}\n", symbol["name"].as_str().unwrap(), self.cut(name, &symbol["selectionRange"]))
        };
        symbols.iter().map(shown).collect()
    }

    fn actions(&mut self, name: &str, rest: &str) -> Vec<Value> {
        let (mark, only) = rest.split_once(" only ").map_or((rest, None), |(mark, only)| (mark, Some(vec![only])));
        let at = self.position(name, mark);
        let mut context = json!({"diagnostics": []});
        if let Some(only) = only {
            context["only"] = json!(only);
        }
        let document = json!({"uri": self.uri(name)});
        let params = json!({"textDocument": document, "range": {"start": at, "end": at}, "context": context});
        self.ask("textDocument/codeAction", params).as_array().cloned().unwrap_or_default()
    }

    /// Does what an action says, and shows the lines that it changes.
    fn apply(&mut self, name: &str, rest: &str) -> String {
        let (mark, title) = rest.split_once(" : ").expect("mark : title");
        let actions = self.actions(name, mark);
        let action = actions.iter().find(|action| action["title"] == title).expect("the action is offered");
        let mut edits: Vec<(String, Value)> = Vec::new();
        for (uri, of_file) in action["edit"]["changes"].as_object().into_iter().flatten() {
            edits.push((self.name(uri), of_file.clone()));
        }
        for change in action["edit"]["documentChanges"].as_array().into_iter().flatten() {
            let document = &change["textDocument"];
            let name = self.name(document["uri"].as_str().unwrap());
            assert_eq!(document["version"].as_i64(), self.open.get(&name).map(|(version, _)| i64::from(*version)));
            edits.push((name, change["edits"].clone()));
        }
        let mut told = String::new();
        for (name, edits) in edits {
            let old = self.text(&name);
            let mut new = old.clone();
            for edit in edits.as_array().unwrap().iter().rev() {
                let (start, end) = (&edit["range"]["start"], &edit["range"]["end"]);
                let range = self.offset(&old, start)..self.offset(&old, end);
                new.replace_range(range, edit["newText"].as_str().unwrap());
            }
            let diff = similar::TextDiff::from_lines(&old, &new);
            for change in diff.iter_all_changes().filter(|change| change.tag() != similar::ChangeTag::Equal) {
                let _ = writeln!(told, "  {name} {}{}", change.tag(), change.value().trim_end_matches('\n'));
            }
            let version = self.open.get(&name).map(|(version, _)| version + 1);
            match version {
                Some(version) => self.change(&name, version, new),
                None => fs::write(self.root.path().join(&name), new).unwrap(),
            }
        }
        told + &self.settled()
    }

    /// Sends messages at once, and shows the answers as they are.
    fn say(&mut self, messages: &str) -> String {
        let root = self.root.path().to_str().unwrap().to_owned();
        let messages: Vec<Message> = serde_json::from_str(&messages.replace("ROOT", &root)).expect("messages");
        let mut due = messages.iter().filter(|message| matches!(message, Message::Request(_))).count();
        messages.into_iter().for_each(|message| self.send(message));
        let mut told = String::new();
        while due > 0 {
            match self.hear() {
                Message::Response(response) => {
                    due -= 1;
                    let _ = writeln!(told, "  {}", serde_json::to_string(&response).unwrap());
                }
                Message::Notification(notification) => self.heard.push(notification),
                Message::Request(request) => self.asked.push(request),
            }
        }
        told
    }

    /// What was last told of a file.
    fn last(&self, name: &str) -> Value {
        let uri = self.uri(name);
        let about = self.heard.iter().rev().find(|told| told.params["uri"] == uri);
        about.expect("something was told").params.clone()
    }

    fn exit(&mut self, how: &str) -> String {
        match how {
            "gone" => self.connection = None,
            _ => self.tell("exit", Value::Null),
        }
        let exit = self.server.take().expect("started").join().expect("it ends");
        self.connection = None;
        format!("  exit code {}\n", exit.code())
    }
}

fn said(action: &Value) -> String {
    let preferred = if action["isPreferred"] == true { ", preferred" } else { "" };
    let of = action["diagnostics"][0]["code"].as_str().map_or(String::new(), |code| format!(" for {code}"));
    format!("{} ({}{preferred}){of}", action["title"].as_str().unwrap(), action["kind"].as_str().unwrap())
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("  {line}").trim_end().to_owned() + "\n").collect()
}
