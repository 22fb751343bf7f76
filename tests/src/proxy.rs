//! A proxy between the application and PostgreSQL that counts round trips.

use std::{
    io,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    task::JoinHandle,
};

/// Passes connections on to a server and counts its `ReadyForQuery` messages.
///
/// Connections must not be encrypted. The server sends one at the end of every exchange, so their number is the number of round trips
/// ([message flow](https://www.postgresql.org/docs/current/protocol-flow.html)).
#[derive(Debug)]
pub struct CountingProxy {
    address: SocketAddr,
    ready: Arc<AtomicUsize>,
    accepting: JoinHandle<()>,
}

/// The first byte of `ReadyForQuery`.
const READY_FOR_QUERY: u8 = b'Z';

impl CountingProxy {
    /// Listens on a free port of the loopback interface.
    ///
    /// # Errors
    /// When no port can be had.
    pub async fn start(server: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let ready = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&ready);
        let accepting = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let counter = Arc::clone(&counter);
                tokio::spawn(async move {
                    if let Ok(server) = TcpStream::connect(server).await {
                        pass(client, server, &counter).await;
                    }
                });
            }
        });
        Ok(Self { address, ready, accepting })
    }

    /// Where the application connects to.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// The round trips since the last call.
    #[expect(clippy::must_use_candidate, reason = "also called to start counting anew")]
    pub fn take_round_trips(&self) -> usize {
        self.ready.swap(0, Ordering::SeqCst)
    }
}

impl Drop for CountingProxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn pass(client: TcpStream, server: TcpStream, ready: &AtomicUsize) {
    // Small messages must not wait for company, or the proxy would measure itself.
    drop((client.set_nodelay(true), server.set_nodelay(true)));
    let (mut from_client, to_client) = client.into_split();
    let (from_server, mut to_server) = server.into_split();
    let forth = tokio::spawn(async move {
        drop(tokio::io::copy(&mut from_client, &mut to_server).await);
    });
    drop(pass_and_count(from_server, to_client, ready).await);
    forth.abort();
}

/// Passes the server's messages on: a type byte, a length that counts itself, and the rest.
async fn pass_and_count(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    ready: &AtomicUsize,
) -> io::Result<()> {
    let mut message = Vec::new();
    loop {
        let mut head = [0; 5];
        from.read_exact(&mut head).await?;
        let [kind, length @ ..] = head;
        let length = usize::try_from(u32::from_be_bytes(length)).map_err(io::Error::other)?;
        message.clear();
        message.extend_from_slice(&head);
        message.resize(1 + length, 0);
        from.read_exact(&mut message[5..]).await?;
        if kind == READY_FOR_QUERY {
            ready.fetch_add(1, Ordering::SeqCst);
        }
        to.write_all(&message).await?;
    }
}
