//! What stands between a process and a server, and can be shut.

use secrecy::{ExposeSecret, SecretString};
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    sync::watch,
};
use url::Url;

/// Passes connections on to a server.
pub(super) struct Gate {
    url: SecretString,
    state: watch::Sender<State>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Open,
    /// Connections are broken, and new ones are at once.
    Shut,
    /// Connections from before stay open and carry nothing; new ones pass.
    Swallowed,
}

impl Gate {
    /// An open gate before the server of this address.
    pub(super) async fn before(server: &SecretString) -> Self {
        let mut url: Url = server.expose_secret().parse().unwrap();
        let server = format!("127.0.0.1:{}", url.port().unwrap());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        url.set_port(Some(listener.local_addr().unwrap().port())).unwrap();
        let (state, told) = watch::channel(State::Open);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(pass(client, server.clone(), told.clone()));
            }
        });
        Self { url: String::from(url).into(), state }
    }

    /// The server's address, through the gate.
    pub(super) const fn url(&self) -> &SecretString {
        &self.url
    }

    pub(super) fn open(&self) {
        self.state.send_replace(State::Open);
    }

    pub(super) fn shut(&self) {
        self.state.send_replace(State::Shut);
    }

    /// Keeps the connections that there are, and lets nothing through on them any more.
    pub(super) fn swallow(&self) {
        self.state.send_replace(State::Swallowed);
    }
}

async fn pass(mut client: TcpStream, server: String, mut told: watch::Receiver<State>) {
    if *told.borrow_and_update() == State::Shut {
        return;
    }
    let Ok(mut server) = TcpStream::connect(server).await else { return };
    tokio::select! {
        _ = copy_bidirectional(&mut client, &mut server) => {}
        _ = told.changed() => {
            if *told.borrow() == State::Swallowed {
                std::future::pending::<()>().await;
            }
        }
    }
}
