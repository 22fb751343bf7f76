//! The listeners: who may connect, and how the application stops.
//!
//! 1. There are two: the application's, and the operator's, which has no sign-in and is to be reached
//!    by operators alone.
//! 2. With a [`Certificate`] the application speaks TLS, and tells browsers to insist on it. The
//!    operator's listener never does.
//! 3. On SIGINT or SIGTERM it stops accepting, finishes what runs, and gives up after
//!    [`DRAIN`].

use std::{
    future::{self, IntoFuture},
    io,
    net::SocketAddr,
    time::Duration,
};

use axum::{
    Router,
    extract::{ConnectInfo, Request},
    middleware::{self, Next},
    response::Response,
    serve::ListenerExt,
};
use futures_util::FutureExt;
use http::{HeaderValue, header::STRICT_TRANSPORT_SECURITY};
use saas_tenancy::resolve::PeerAddr;
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
    sync::watch,
};

use crate::{
    config::PublicUrl,
    tls::{Certificate, TlsError, TlsListener},
};

/// How long requests that run may go on after the application was told to stop.
pub const DRAIN: Duration = Duration::from_secs(10);

/// For how long browsers insist on TLS after an answer over it: a year, in seconds.
const INSIST: &str = "max-age=31536000";

/// An address cannot be listened on.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on `{address}`; choose another address with `{option}`")]
pub struct CannotListen {
    address: SocketAddr,
    option: &'static str,
    #[source]
    source: io::Error,
}

impl CannotListen {
    /// Whether somebody else listens there.
    #[must_use]
    pub fn is_taken(&self) -> bool {
        self.source.kind() == io::ErrorKind::AddrInUse
    }
}

/// Two addresses that are listened on: the application's, and the operator's.
#[derive(Debug)]
pub struct Listeners {
    app: TcpListener,
    admin: TcpListener,
    certificate: Option<Certificate>,
}

impl Listeners {
    /// Listens on both. Connections wait until [`serve`](Self::serve).
    ///
    /// # Errors
    /// [`CannotListen`] with the address and the option that changes it.
    pub async fn bind(app: SocketAddr, admin: SocketAddr) -> Result<Self, CannotListen> {
        let app = bind(app, "--listen").await?;
        Ok(Self { app, admin: bind(admin, "--admin-listen").await?, certificate: None })
    }

    /// Lets the application speak TLS only.
    #[must_use]
    pub fn with_tls(self, certificate: Certificate) -> Self {
        Self { certificate: Some(certificate), ..self }
    }

    /// Where the application listens, with the port that a `0` became.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn app_address(&self) -> io::Result<SocketAddr> {
        self.app.local_addr()
    }

    /// Where people on this machine reach the application when it listens on `address`.
    #[must_use]
    pub fn local_url(&self, address: SocketAddr) -> PublicUrl {
        let url = PublicUrl::local(address);
        if self.certificate.is_some() { url.over_tls() } else { url }
    }

    /// Where the operator's listener is.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn admin_address(&self) -> io::Result<SocketAddr> {
        self.admin.local_addr()
    }

    /// Answers requests until `stop` is completed, and then for at most [`DRAIN`] those that run.
    ///
    /// # Errors
    /// What the operating system says when it closes a listener or cannot watch a signal, and
    /// [`TlsError`] as [`io::Error`] when the certificate cannot be used.
    pub async fn serve(
        self,
        app: Router,
        admin: Router,
        stop: impl Future<Output = ()>,
    ) -> io::Result<()> {
        let (stopping, stopped) = watch::channel(());
        let reloads = reload_on_hangup(self.certificate.clone())?;
        let app = app.layer(middleware::from_fn(tell_peer));
        let app = match self.certificate {
            Some(certificate) => {
                tls(self.app, &certificate, app, stopped.clone()).map_err(io::Error::other)?.boxed()
            }
            None => plain(self.app, app, stopped.clone()).boxed(),
        };
        let served = async {
            let admin = axum::serve(self.admin, admin).with_graceful_shutdown(closed(stopped));
            tokio::try_join!(app, admin.into_future()).map(|_| ())
        };
        let limit = async {
            stop.await;
            drop(stopping);
            tokio::time::sleep(DRAIN).await;
        };
        tokio::select! {
            ended = served => ended,
            () = limit => {
                tracing::warn!("some requests did not end in time and were cut off");
                Ok(())
            }
            () = reloads => Ok(()),
        }
    }
}

fn plain(
    tcp: TcpListener,
    app: Router,
    stopped: watch::Receiver<()>,
) -> impl Future<Output = io::Result<()>> {
    axum::serve(tcp, app.into_make_service_with_connect_info::<SocketAddr>())
        .with_graceful_shutdown(closed(stopped))
        .into_future()
}

fn tls(
    tcp: TcpListener,
    certificate: &Certificate,
    app: Router,
    stopped: watch::Receiver<()>,
) -> Result<impl Future<Output = io::Result<()>> + use<>, TlsError> {
    // Answers are written whole, so there is nothing for the system to wait for.
    let listener = TlsListener::new(tcp, certificate)?.tap_io(|stream| {
        if let Err(error) = stream.get_ref().0.set_nodelay(true) {
            tracing::debug!(error = %error, "a connection keeps its delay");
        }
    });
    let app = app.layer(middleware::map_response(insist_on_tls));
    let app = axum::serve(listener, app.into_make_service_with_connect_info::<SocketAddr>());
    Ok(app.with_graceful_shutdown(closed(stopped)).into_future())
}

/// Completed when the process is asked to end.
///
/// # Errors
/// What the operating system says when a signal cannot be watched.
pub fn signals() -> io::Result<impl Future<Output = ()>> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

/// Reads the certificate again on every SIGHUP; never completed.
fn reload_on_hangup(certificate: Option<Certificate>) -> io::Result<impl Future<Output = ()>> {
    let hangups = certificate
        .map(|certificate| signal(SignalKind::hangup()).map(|hangup| (hangup, certificate)));
    let hangups = hangups.transpose()?;
    Ok(async move {
        let Some((mut hangup, certificate)) = hangups else { return future::pending().await };
        while hangup.recv().await.is_some() {
            match certificate.reload() {
                Ok(()) => tracing::info!("read the certificate again"),
                Err(error) => tracing::error!(
                    error = %error,
                    "the certificate cannot be used; the one that was read before stays",
                ),
            }
        }
        future::pending().await
    })
}

/// Tells browsers to come by TLS from now on.
async fn insist_on_tls(mut response: Response) -> Response {
    response.headers_mut().insert(STRICT_TRANSPORT_SECURITY, HeaderValue::from_static(INSIST));
    response
}

async fn bind(address: SocketAddr, option: &'static str) -> Result<TcpListener, CannotListen> {
    let listener = TcpListener::bind(address).await;
    listener.map_err(|source| CannotListen { address, option, source })
}

/// Completed when the sender is gone.
async fn closed(mut stopped: watch::Receiver<()>) {
    while stopped.changed().await.is_ok() {}
}

/// Tells the resolvers who is connected, to know whose forwarding headers to believe.
async fn tell_peer(
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    mut request: Request,
    next: Next,
) -> Response {
    request.extensions_mut().insert(PeerAddr(peer));
    next.run(request).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_taken_address_is_named_with_the_option_that_changes_it() {
        let any = "127.0.0.1:0".parse().unwrap();
        let first = Listeners::bind(any, any).await.unwrap();
        let app = first.app_address().unwrap();
        for (listen, admin, option) in [(app, any, "`--listen`"), (any, app, "`--admin-listen`")] {
            let error = Listeners::bind(listen, admin).await.unwrap_err();
            assert!(error.is_taken());
            let text = error.to_string();
            assert!(text.contains(&app.to_string()) && text.contains(option), "{text}");
        }
    }

    #[tokio::test]
    async fn a_request_that_runs_is_finished_before_the_end() {
        let any = "127.0.0.1:0".parse().unwrap();
        let listeners = Listeners::bind(any, any).await.unwrap();
        let address = listeners.app_address().unwrap();
        let (begun, mut running) = tokio::sync::mpsc::channel(1);
        let (release, gate) = watch::channel(());
        let handler = move || async move {
            begun.send(()).await.unwrap();
            closed(gate).await;
            "done"
        };
        let app = Router::new().route("/", axum::routing::get(handler));
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let served = tokio::spawn(listeners.serve(app, Router::new(), async {
            drop(stopped.await);
        }));
        let client = tokio::spawn(get(address));
        running.recv().await.unwrap();
        stop.send(()).unwrap();
        drop(release);
        assert!(client.await.unwrap().ends_with("done"));
        served.await.unwrap().unwrap();
    }

    async fn get(address: SocketAddr) -> String {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
        stream.write_all(b"GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n").await.unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).await.unwrap();
        text
    }
}
