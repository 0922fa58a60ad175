//! Messages on standard input and output. What is no message is answered, and the next one is read.

use std::io::{self, BufRead, BufReader, Read, Write};

use lsp_server::{Connection, ErrorCode, Message};

/// More bytes than any file that a person edits.
const LONGEST: usize = 1 << 30;

/// Runs a server between an input and an output until it is done; its client is gone when the input ends.
pub fn between<R>(
    input: &mut (dyn Read + Send),
    output: &mut (dyn Write + Send),
    serve: impl FnOnce(Connection) -> R,
) -> R {
    let (server, client) = Connection::memory();
    let Connection { sender, receiver } = client;
    std::thread::scope(|scope| {
        scope.spawn(move || {
            // When writing fails nobody reads, and the channel that closes ends the server.
            let _ = receiver.into_iter().try_for_each(|message| write(output, &message));
        });
        let answers = server.sender.clone();
        scope.spawn(move || {
            let mut input = BufReader::new(input);
            loop {
                let message = match read(&mut input) {
                    Ok(Some(Ok(message))) => message,
                    Ok(Some(Err(fault))) => {
                        let _ = answers.send(refused(&fault));
                        continue;
                    }
                    Ok(None) | Err(_) => break,
                };
                let is_exit = matches!(&message, Message::Notification(it) if it.method == "exit");
                if sender.send(message).is_err() || is_exit {
                    break;
                }
            }
        });
        serve(server)
    })
}

/// The next message, or what stands in its place; nothing at the end of the input.
fn read(input: &mut impl BufRead) -> io::Result<Option<Result<Message, String>>> {
    let mut length = None;
    let mut line = Vec::new();
    loop {
        line.clear();
        if input.read_until(b'\n', &mut line)? == 0 {
            return Ok(None);
        }
        let text = line.trim_ascii();
        if text.is_empty() && length.is_some() {
            break;
        }
        // Rubbish may stand before a header on the same line.
        const HEADER: &[u8] = b"content-length:";
        let lower = text.to_ascii_lowercase();
        let Some(at) = memchr::memmem::rfind(&lower, HEADER) else { continue };
        let digits = String::from_utf8_lossy(text[at + HEADER.len()..].trim_ascii());
        length = digits.parse::<usize>().ok().or(length);
    }
    let length = length.unwrap_or_default();
    if length > LONGEST {
        io::copy(&mut input.by_ref().take(length as u64), &mut io::sink())?;
        return Ok(Some(Err(format!("a message of {length} bytes is too long"))));
    }
    let mut body = Vec::new();
    if input.by_ref().take(length as u64).read_to_end(&mut body)? < length {
        return Ok(None);
    }
    Ok(Some(serde_json::from_slice(&body).map_err(|error| error.to_string())))
}

fn write(output: &mut (dyn Write + Send), message: &Message) -> io::Result<()> {
    // The one message that the crate cannot say: an answer to nobody knows what.
    if let Message::Response(response) = message
        && response.id == nobody()
        && let Err(error) = &response.response_result
    {
        let error = serde_json::json!({"jsonrpc": "2.0", "id": null, "error": error}).to_string();
        write!(output, "Content-Length: {}\r\n\r\n{error}", error.len())?;
        return output.flush();
    }
    message.write(&mut { output })
}

/// Stands for the id of a request whose id could not be read.
fn nobody() -> lsp_server::RequestId {
    String::new().into()
}

fn refused(fault: &str) -> Message {
    let text = format!("this is no message: {fault}");
    lsp_server::Response::new_err(nobody(), ErrorCode::ParseError as i32, text).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(body: &str) -> String {
        format!("Content-Length: {}\r\n\r\n{body}", body.len())
    }

    #[test]
    fn what_is_no_message_is_answered_and_the_next_one_is_read() {
        let good = |id: u32| message(&format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"method\":\"x\"}}"));
        let input = [
            good(1),
            message("{\"jsonrpc\""),
            message("[]"),
            "rubbish without end".to_owned(),
            good(2),
            "Content-Length: many\r\n\r\n".to_owned(),
            good(3),
            "Content-Type: utf-8\r\n".to_owned() + &good(4),
            "Content-Length: 10\r\n\r\nend".to_owned(),
        ]
        .concat();
        let mut output = Vec::new();
        let seen = between(&mut input.as_bytes(), &mut output, |connection| {
            let ids = connection.receiver.iter().map(|message| match message {
                Message::Request(request) => request.id.to_string(),
                other => panic!("{other:?}"),
            });
            ids.collect::<Vec<_>>()
        });
        assert_eq!(seen, ["1", "2", "3", "4"]);
        let output = String::from_utf8(output).expect("UTF-8");
        assert_eq!(output.matches("\"code\":-32700").count(), 2, "{output}");
        assert_eq!(output.matches("\"id\":null").count(), 2, "{output}");
    }
}
