//! The language server: what `check` finds, in an editor, while it is written.
//!
//! One thread does everything in the order in which it is asked; two more read and write. What has changed is
//! checked once the queue is empty, so that fast typing costs one check and not one for each key.

// This is the outer ring: here the threads are.
#![allow(clippy::disallowed_methods)]

mod actions;
mod completion;
mod cursor;
mod definition;
mod documents;
mod hover;
mod position;
mod publish;
mod session;
mod uri;
mod wire;

use std::collections::{BTreeSet, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use gen_lsp_types::{
    CodeActionKind, CodeActionOptions, CodeActionParams, CompletionOptions, CompletionParams, DefinitionParams,
    DidChangeTextDocumentParams, DidCloseTextDocumentParams, DidOpenTextDocumentParams, DocumentSymbolParams,
    HoverParams, InitializeResult, ServerCapabilities, ServerInfo, TextDocumentContentChangeEvent,
    TextDocumentSyncKind, TextDocumentSyncOptions, Uri,
};
use lsp_server::{Connection, ErrorCode, Message, Notification, Request, RequestId, Response};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::cli::Check;
use crate::files::Disk;
use crate::report::Show;
use crate::run::{Exit, World};

use documents::{Document, kind};
use position::Encoding;
use session::Session;

/// Serves a client on standard input and output until it says `exit`, or is gone.
pub fn stdio(options: &Check, show_secrets: bool, world: &mut World<'_>) -> Exit {
    let root = options.target.root.as_ref().map(|root| world.directory.join(root));
    let show = Show { directory: world.directory.clone(), root, secrets: show_secrets, top: None };
    let done = wire::between(world.stdin, world.out, |connection| serve(&connection, options, &show));
    done.unwrap_or_else(|errors| {
        for error in errors {
            let _ = writeln!(world.err, "pgconflint: error: {error}");
        }
        Exit::Trouble
    })
}

/// Serves a client. As the protocol wants it, an exit that was not announced by `shutdown` is 1.
///
/// # Errors
/// What is wrong with a configuration file that was named.
pub fn serve(connection: &Connection, options: &Check, show: &Show) -> Result<Exit, Vec<String>> {
    let disk = Disk::below(show.root.clone());
    let session = Session::new(options, &disk, show)?;
    let mut server = Server { session, phase: Phase::Fresh, watches: false, watched: BTreeSet::new() };
    let mut waiting: VecDeque<Message> = VecDeque::new();
    loop {
        if waiting.is_empty() {
            server.publish(connection);
            match connection.receiver.recv() {
                Ok(message) => waiting.push_back(message),
                Err(_) => break,
            }
        }
        waiting.extend(connection.receiver.try_iter());
        match waiting.pop_front() {
            Some(Message::Request(request)) => {
                let id = request.id.clone();
                let response = if is_cancelled(&id, &waiting) {
                    refusal(id, ErrorCode::RequestCanceled, "the client has cancelled it")
                } else {
                    server.answer(request)
                };
                if connection.sender.send(response.into()).is_err() {
                    break;
                }
            }
            Some(Message::Notification(notification)) if notification.method == "exit" => break,
            Some(Message::Notification(notification)) => server.hear(notification, connection),
            // Nothing is asked of a client to which its answer matters.
            Some(Message::Response(_)) | None => {}
        }
    }
    Ok(if server.phase == Phase::Down { Exit::Clean } else { Exit::Findings })
}

/// Whether the client no longer wants an answer.
fn is_cancelled(id: &RequestId, waiting: &VecDeque<Message>) -> bool {
    waiting.iter().any(|message| match message {
        Message::Notification(notification) if notification.method == "$/cancelRequest" => {
            let cancelled = notification.params.get("id").cloned().unwrap_or_default();
            serde_json::from_value::<RequestId>(cancelled).is_ok_and(|cancelled| cancelled == *id)
        }
        _ => false,
    })
}

/// How far the talk is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Phase {
    /// Before `initialize`.
    Fresh,
    /// Between `initialize` and `shutdown`.
    Up,
    /// After `shutdown`.
    Down,
}

struct Server<'a> {
    session: Session<'a>,
    phase: Phase,
    /// Whether the client can be asked to say when files change on the disk.
    watches: bool,
    /// The names of the baselines that it was asked about.
    watched: BTreeSet<String>,
}

impl Server<'_> {
    /// Tells the client what is found now.
    fn publish(&mut self, connection: &Connection) {
        if self.phase != Phase::Up {
            return;
        }
        self.session.refresh();
        self.watch_baselines(connection);
        for news in self.session.news() {
            let notification = Notification::new("textDocument/publishDiagnostics".to_owned(), news);
            // A client that has gone is noticed when the next message is awaited.
            let _ = connection.sender.send(notification.into());
        }
    }

    /// Which files are baselines is said by configurations, so they are asked about once these have been read.
    fn watch_baselines(&mut self, connection: &Connection) {
        for name in self.session.baseline_names() {
            if self.watches && !self.watched.contains(&name) {
                // What has a meaning in globs stands for itself nowhere, but for any character.
                let plain = name.replace(['*', '?', '[', ']', '{', '}', '!', ','], "?");
                let _ = connection.sender.send(watch(&format!("baseline {name}"), &[&format!("**/{plain}")]).into());
                self.watched.insert(name);
            }
        }
    }

    fn answer(&mut self, request: Request) -> Response {
        let Request { id, method, params } = request;
        match (self.phase, method.as_str()) {
            (Phase::Fresh, "initialize") => {
                self.phase = Phase::Up;
                Response::new_ok(id, self.initialize(&params))
            }
            (Phase::Fresh, _) => refusal(id, ErrorCode::ServerNotInitialized, "`initialize` comes first"),
            (Phase::Down, _) => refusal(id, ErrorCode::InvalidRequest, "`shutdown` was the last request"),
            (Phase::Up, "initialize") => refusal(id, ErrorCode::InvalidRequest, "`initialize` was said already"),
            (Phase::Up, "shutdown") => {
                self.phase = Phase::Down;
                Response::new_ok(id, Value::Null)
            }
            (Phase::Up, _) => {
                self.session.refresh();
                self.know(id, &method, params)
            }
        }
    }

    /// Answers what an editor asks about a file.
    fn know(&self, id: RequestId, method: &str, params: Value) -> Response {
        let session = &self.session;
        match method {
            "textDocument/codeAction" => reply(id, params, |params: CodeActionParams| {
                on(&params.text_document.uri, |path| session.actions(path, params.range, &params.context))
            }),
            "textDocument/hover" => reply(id, params, |params: HoverParams| {
                let at = params.text_document_position_params;
                on(&at.text_document.uri, |path| session.hover(path, at.position))
            }),
            "textDocument/completion" => reply(id, params, |params: CompletionParams| {
                let at = params.text_document_position_params;
                on(&at.text_document.uri, |path| session.completion(path, at.position))
            }),
            "textDocument/definition" => reply(id, params, |params: DefinitionParams| {
                let at = params.text_document_position_params;
                on(&at.text_document.uri, |path| session.definition(path, at.position))
            }),
            "textDocument/documentSymbol" => reply(id, params, |params: DocumentSymbolParams| {
                on(&params.text_document.uri, |path| session.symbols(path))
            }),
            _ => refusal(id, ErrorCode::MethodNotFound, &format!("`{method}` is not known here")),
        }
    }

    /// What the client can do is looked up piece by piece, so that one that says it oddly is served all the same.
    fn initialize(&mut self, params: &Value) -> InitializeResult {
        let can = |pointer: &str| params.pointer(&format!("/capabilities/{pointer}")) == Some(&Value::Bool(true));
        let offered = params.pointer("/capabilities/general/positionEncodings").and_then(Value::as_array);
        let offered = offered.into_iter().flatten().filter_map(Value::as_str);
        self.session.encoding = Encoding::agreed(offered);
        self.session.versioned_edits = can("workspace/workspaceEdit/documentChanges");
        self.watches = can("workspace/didChangeWatchedFiles/dynamicRegistration");
        let sync = TextDocumentSyncOptions {
            open_close: Some(true),
            change: Some(TextDocumentSyncKind::Full),
            save: Some(true.into()),
            ..TextDocumentSyncOptions::default()
        };
        let capabilities = ServerCapabilities {
            position_encoding: Some(self.session.encoding.kind()),
            text_document_sync: Some(sync.into()),
            hover_provider: Some(true.into()),
            definition_provider: Some(true.into()),
            document_symbol_provider: Some(true.into()),
            code_action_provider: Some(
                CodeActionOptions {
                    code_action_kinds: Some(vec![
                        CodeActionKind::QuickFix,
                        CodeActionKind::from(actions::FIX_ALL.to_owned()),
                    ]),
                    ..CodeActionOptions::default()
                }
                .into(),
            ),
            completion_provider: Some(CompletionOptions {
                trigger_characters: Some(["=", "[", "'"].map(str::to_owned).into()),
                ..CompletionOptions::default()
            }),
            ..ServerCapabilities::default()
        };
        let server_info =
            ServerInfo { name: env!("CARGO_PKG_NAME").to_owned(), version: Some(env!("CARGO_PKG_VERSION").to_owned()) };
        InitializeResult { capabilities, server_info: Some(server_info) }
    }

    /// Takes what the client tells. What is not understood is passed over: there is nobody to answer.
    fn hear(&mut self, notification: Notification, connection: &Connection) {
        if self.phase != Phase::Up {
            return;
        }
        let Notification { method, params } = notification;
        match method.as_str() {
            "initialized" if self.watches => {
                // Pages of rules of one's own are Markdown.
                let globs = ["**/*.conf", "**/*.signal", "**/PG_VERSION", "**/pgconflint.toml", "**/*.md"];
                let _ = connection.sender.send(watch("files", &globs).into());
            }
            "textDocument/didOpen" => {
                let Ok(params) = serde_json::from_value::<DidOpenTextDocumentParams>(params) else { return };
                let item = params.text_document;
                let Some(path) = plain(&item.uri) else { return };
                let kind = kind(&String::from(item.language_id), &path);
                let bytes = Arc::from(item.text.into_bytes());
                self.session.put(path, Document { uri: item.uri, version: item.version, kind, bytes });
            }
            "textDocument/didChange" => {
                let Ok(params) = serde_json::from_value::<DidChangeTextDocumentParams>(params) else { return };
                self.change(params);
            }
            "textDocument/didClose" => {
                let Ok(params) = serde_json::from_value::<DidCloseTextDocumentParams>(params) else { return };
                if let Some(path) = plain(&params.text_document.uri) {
                    self.session.close(&path);
                }
            }
            "textDocument/didSave"
            | "workspace/didChangeWatchedFiles"
            | "workspace/didCreateFiles"
            | "workspace/didRenameFiles"
            | "workspace/didDeleteFiles" => self.session.disk_has_changed(),
            _ => {}
        }
    }

    fn change(&mut self, params: DidChangeTextDocumentParams) {
        let Some(path) = plain(&params.text_document.text_document_identifier.uri) else { return };
        // Whole texts were agreed on, of which the last one counts.
        let last = params.content_changes.into_iter().rev().find_map(|change| match change {
            TextDocumentContentChangeEvent::TextDocumentContentChangeWholeDocument(whole) => Some(whole.text),
            TextDocumentContentChangeEvent::TextDocumentContentChangePartial(_) => None,
        });
        if let (Some(text), Some(document)) = (last, self.session.documents.get(&path)) {
            let bytes = Arc::from(text.into_bytes());
            let document = Document { version: params.text_document.version, bytes, ..document.clone() };
            self.session.put(path, document);
        }
    }
}

/// Asks a client to say when a file changes that may matter. Each time under another id.
fn watch(id: &str, globs: &[&str]) -> Request {
    let watchers: Vec<Value> = globs.iter().map(|glob| json!({"globPattern": glob})).collect();
    let registration = json!({
        "id": id,
        "method": "workspace/didChangeWatchedFiles",
        "registerOptions": {"watchers": watchers},
    });
    Request::new(
        format!("watch {id}").into(),
        "client/registerCapability".to_owned(),
        json!({"registrations": [registration]}),
    )
}

fn refusal(id: RequestId, code: ErrorCode, message: &str) -> Response {
    Response::new_err(id, code as i32, message.to_owned())
}

/// The answer to a request whose parameters are those that are due.
fn reply<P: DeserializeOwned, R: Serialize>(id: RequestId, params: Value, answer: impl FnOnce(P) -> R) -> Response {
    match serde_json::from_value(params) {
        Ok(params) => Response::new_ok(id, answer(params)),
        Err(error) => refusal(id, ErrorCode::InvalidParams, &error.to_string()),
    }
}

/// What is known of the file of a URI; nothing of what is no file.
fn on<R>(uri: &Uri, answer: impl FnOnce(&Path) -> R) -> Option<R> {
    plain(uri).map(|path| answer(&path))
}

/// The path of a URI without `.` and `..`.
fn plain(uri: &Uri) -> Option<PathBuf> {
    uri::to_path(uri).map(|path| documents::real(&Disk::default(), &path))
}
