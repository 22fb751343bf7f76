use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use axum::serve::Listener;
use tokio::{
    net::{TcpListener, TcpStream},
    task::{JoinError, JoinSet},
    time::timeout,
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

use super::{Certificate, error::TlsError};

/// How long a client may take to shake hands.
pub const HANDSHAKE: Duration = Duration::from_secs(5);

/// How many handshakes may run at once. Whoever comes then waits in the queue of the operating
/// system, until one has ended: after [`HANDSHAKE`] at the latest.
pub const HANDSHAKES: usize = 512;

/// Accepts connections and shakes hands with them, many at a time.
pub struct TlsListener {
    tcp: TcpListener,
    acceptor: TlsAcceptor,
    /// Handshakes that are under way. They end with the listener.
    handshakes: JoinSet<Option<Connection>>,
    limit: Duration,
}

type Connection = (TlsStream<TcpStream>, SocketAddr);

impl TlsListener {
    /// Speaks TLS on the connections of `tcp`.
    ///
    /// # Errors
    /// [`TlsError::Unusable`] when the certificate cannot be used.
    pub fn new(tcp: TcpListener, certificate: &Certificate) -> Result<Self, TlsError> {
        let acceptor = TlsAcceptor::from(Arc::new(certificate.config()?));
        Ok(Self { tcp, acceptor, handshakes: JoinSet::new(), limit: HANDSHAKE })
    }

    #[cfg(test)]
    pub(super) fn with_limit(self, limit: Duration) -> Self {
        Self { limit, ..self }
    }

    #[cfg(test)]
    pub(super) fn running(&self) -> usize {
        self.handshakes.len()
    }

    fn shake_hands(&mut self, stream: TcpStream, peer: SocketAddr) {
        let (acceptor, limit) = (self.acceptor.clone(), self.limit);
        self.handshakes.spawn(async move {
            match timeout(limit, acceptor.accept(stream)).await {
                Ok(Ok(stream)) => Some((stream, peer)),
                Ok(Err(error)) => {
                    tracing::debug!(error = %error, "a TLS handshake failed");
                    None
                }
                Err(_late) => {
                    tracing::debug!("a TLS handshake took too long");
                    None
                }
            }
        });
    }
}

impl Listener for TlsListener {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> Connection {
        loop {
            let room = self.handshakes.len() < HANDSHAKES;
            tokio::select! {
                Some(ended) = self.handshakes.join_next() => {
                    if let Some(connection) = finished(ended) {
                        return connection;
                    }
                }
                (stream, peer) = Listener::accept(&mut self.tcp), if room => {
                    self.shake_hands(stream, peer);
                }
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.tcp.local_addr()
    }
}

/// What came of a handshake. A panic in one costs one connection.
fn finished(ended: Result<Option<Connection>, JoinError>) -> Option<Connection> {
    ended.unwrap_or_else(|error| {
        tracing::error!(error = %error, "a TLS handshake broke off");
        None
    })
}

impl std::fmt::Debug for TlsListener {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { tcp, handshakes, .. } = self;
        let running = handshakes.len();
        f.debug_struct("TlsListener").field("tcp", tcp).field("running", &running).finish()
    }
}
