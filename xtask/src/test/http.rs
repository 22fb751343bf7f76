//! As much HTTP as the test of the demo needs.

use std::{
    io::{self, Read, Write},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

const PATIENCE: Duration = Duration::from_secs(10);

/// What a server answered.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Answer {
    /// The status code.
    pub(super) status: u16,
    /// The body.
    pub(super) body: String,
}

/// Asks for a page.
///
/// # Errors
/// Whatever the connection says; [`io::ErrorKind::InvalidData`] if the answer is not HTTP.
pub(super) fn get(address: SocketAddr, host: &str, path: &str) -> io::Result<Answer> {
    ask(address, &format!("GET {path} HTTP/1.0\r\nhost: {host}\r\naccept: */*\r\n\r\n"))
}

/// The same as whoever has this access token.
///
/// # Errors
/// As [`get`].
pub(super) fn get_as(
    address: SocketAddr,
    host: &str,
    path: &str,
    token: &str,
) -> io::Result<Answer> {
    let head = format!("GET {path} HTTP/1.0\r\nhost: {host}\r\naccept: */*");
    ask(address, &format!("{head}\r\nauthorization: Bearer {token}\r\n\r\n"))
}

/// Sends JSON.
///
/// # Errors
/// As [`get`].
pub(super) fn post(address: SocketAddr, host: &str, path: &str, json: &str) -> io::Result<Answer> {
    let head = format!("POST {path} HTTP/1.0\r\nhost: {host}\r\ncontent-type: application/json");
    ask(address, &format!("{head}\r\ncontent-length: {}\r\n\r\n{json}", json.len()))
}

/// Version 1.0, so that the body comes in one piece and ends with the connection.
fn ask(address: SocketAddr, request: &str) -> io::Result<Answer> {
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.write_all(request.as_bytes())?;
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes)?;
    parse(&String::from_utf8_lossy(&bytes)).ok_or_else(|| io::ErrorKind::InvalidData.into())
}

fn parse(text: &str) -> Option<Answer> {
    let (head, body) = text.split_once("\r\n\r\n")?;
    let status = head.strip_prefix("HTTP/1.")?.split(' ').nth(1)?.trim().parse().ok()?;
    Some(Answer { status, body: body.to_owned() })
}

#[cfg(test)]
mod tests {
    use std::{io::BufRead as _, net::TcpListener, thread};

    use super::*;

    #[test]
    fn status_and_body_are_read_from_an_answer() {
        let answer = parse("HTTP/1.1 404 Not Found\r\ndate: now\r\n\r\n{\"a\":1}").unwrap();
        assert_eq!(answer, Answer { status: 404, body: "{\"a\":1}".into() });
        assert_eq!(parse("SSH-2.0\r\n\r\n"), None);
    }

    #[test]
    fn the_host_that_is_asked_for_reaches_the_server() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let server = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let lines = io::BufReader::new(stream.try_clone().unwrap()).lines().map(Result::unwrap);
            let seen: Vec<_> = lines.take_while(|line| !line.is_empty()).collect();
            stream.write_all(b"HTTP/1.0 200 OK\r\n\r\nhi").unwrap();
            seen
        });
        assert_eq!(get(address, "acme.localhost", "/x").unwrap().body, "hi");
        let seen = server.join().unwrap();
        assert_eq!(seen[..2], ["GET /x HTTP/1.0", "host: acme.localhost"]);
    }
}
