//! A load generator: keep-alive connections that ask as fast as they are answered, for a bounded
//! time, on the loopback interface only.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::Instant,
};

/// What to ask: the bytes of request number `n` of a connection.
pub type Script = Arc<dyn Fn(u64) -> Vec<u8> + Send + Sync>;

/// How hard to ask, and for how long.
#[derive(Debug, Clone, Copy)]
pub struct Load {
    /// Connections that ask at the same time.
    pub connections: u64,
    /// When to stop. Requests that are under way then are broken off, as clients do.
    pub duration: Duration,
}

/// What came of it.
#[derive(Debug, Default, Clone)]
pub struct Outcome {
    /// Answers with status 200.
    pub answered: usize,
    /// Other answers, and connections that broke.
    pub failed: usize,
    latencies: Vec<Duration>,
    duration: Duration,
}

impl Load {
    /// Asks `server` and waits until the time is over.
    ///
    /// # Panics
    /// When `server` is not on the loopback interface.
    pub async fn run(self, server: SocketAddr, script: Script) -> Outcome {
        assert!(server.ip().is_loopback(), "load stays on this machine");
        let until = Instant::now() + self.duration;
        let clients: Vec<_> = (0..self.connections)
            .map(|n| tokio::spawn(client(server, Arc::clone(&script), n, until)))
            .collect();
        let mut all = Outcome { duration: self.duration, ..Outcome::default() };
        for client in clients {
            let one = client.await.unwrap_or_default();
            all.answered += one.answered;
            all.failed += one.failed;
            all.latencies.extend(one.latencies);
        }
        all.latencies.sort_unstable();
        all
    }
}

impl Outcome {
    /// Answers per second.
    #[must_use]
    pub fn rate(&self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "a rate needs no more than 52 bits")]
        let answered = self.answered as f64;
        answered / self.duration.as_secs_f64()
    }

    /// The time within which this many of 100 requests were answered.
    #[must_use]
    pub fn percentile(&self, of_100: usize) -> Duration {
        let at = (self.latencies.len() * of_100 / 100).min(self.latencies.len().saturating_sub(1));
        self.latencies.get(at).copied().unwrap_or_default()
    }
}

/// One connection: opened again when the server closes it.
async fn client(server: SocketAddr, script: Script, number: u64, until: Instant) -> Outcome {
    let mut outcome = Outcome::default();
    let mut connection = None;
    // Connections start at different places of the script.
    let mut n = number << 32;
    while Instant::now() < until {
        let started = Instant::now();
        let exchange = exchange(&mut connection, server, script(n));
        // Running out of time drops the exchange and with it the connection: a hang-up.
        let Ok(status) = tokio::time::timeout_at(until, exchange).await else { break };
        if let Ok(200) = status {
            outcome.answered += 1;
            outcome.latencies.push(started.elapsed());
        } else {
            outcome.failed += 1;
        }
        n += 1;
    }
    outcome
}

async fn exchange(
    slot: &mut Option<TcpStream>,
    server: SocketAddr,
    request: Vec<u8>,
) -> io::Result<u16> {
    let mut stream = match slot.take() {
        Some(stream) => stream,
        None => TcpStream::connect(server).await?,
    };
    stream.set_nodelay(true)?;
    stream.write_all(&request).await?;
    let mut answer = Vec::with_capacity(32 * 1024);
    let (status, length) = loop {
        if stream.read_buf(&mut answer).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if let Some(head) = head(&answer) {
            break head;
        }
    };
    while answer.len() < length {
        if stream.read_buf(&mut answer).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    *slot = Some(stream);
    Ok(status)
}

/// The status, and how long the whole answer is, once its head is there.
fn head(answer: &[u8]) -> Option<(u16, usize)> {
    let end = answer.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
    let text = std::str::from_utf8(&answer[..end]).ok()?;
    let status = text.split(' ').nth(1)?.parse().ok()?;
    let length = text.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse().ok())?
    });
    Some((status, end + length.unwrap_or(0_usize)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_as_long_as_its_head_says() {
        assert_eq!(head(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n"), Some((200, 40)));
        assert_eq!(head(b"HTTP/1.1 204 No Content\r\n\r\n"), Some((204, 27)));
        assert_eq!(head(b"HTTP/1.1 200 OK\r\nContent-"), None);
    }
}
