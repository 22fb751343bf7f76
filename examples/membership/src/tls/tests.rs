use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use axum::{Router, routing::get};
use http::Extensions;
use rcgen::{CertifiedKey as Issued, generate_simple_self_signed};
use saas_tenancy::resolve::PeerAddr;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::oneshot,
    time::timeout,
};
use tokio_rustls::{
    TlsConnector, client,
    rustls::{
        ClientConfig, ProtocolVersion, RootCertStore, SupportedProtocolVersion,
        pki_types::{CertificateDer, ServerName, pem::PemObject},
        version::TLS12,
    },
};

use super::*;
use crate::{
    config::PublicUrl,
    failure::{Exit, Failure},
    server::Listeners,
};

/// Longer than anything here takes.
const LONG: Duration = Duration::from_secs(30);

/// A certificate in files of its own.
struct Pair {
    dir: tempfile::TempDir,
}

impl Pair {
    fn new() -> Self {
        let pair = Self { dir: tempfile::tempdir().unwrap() };
        pair.issue();
        pair
    }

    /// Writes a new certificate over the one that is there.
    fn issue(&self) {
        let Issued { cert, signing_key } =
            generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        fs::write(self.cert(), cert.pem()).unwrap();
        fs::write(self.key(), signing_key.serialize_pem()).unwrap();
    }

    fn cert(&self) -> PathBuf {
        self.dir.path().join("cert.pem")
    }

    fn key(&self) -> PathBuf {
        self.dir.path().join("key.pem")
    }

    fn files(&self) -> TlsFiles {
        files(&self.cert(), &self.key()).unwrap().unwrap()
    }

    fn certificate(&self) -> Certificate {
        Certificate::read(self.files()).unwrap()
    }

    /// A client that believes in this certificate and speaks `versions`.
    fn client(&self, versions: &[&'static SupportedProtocolVersion]) -> TlsConnector {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(self.cert()).unwrap()).unwrap();
        let provider = Arc::new(aws_lc_rs::default_provider());
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(versions)
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        TlsConnector::from(Arc::new(config))
    }
}

fn files(cert: &Path, key: &Path) -> Result<Option<TlsFiles>, TlsError> {
    TlsFiles::both(Some(cert.to_owned()), Some(key.to_owned()))
}

/// The application, which says who is connected.
struct Served {
    address: SocketAddr,
    _stop: oneshot::Sender<()>,
}

impl Served {
    async fn start(certificate: Option<&Certificate>) -> Self {
        let any = "127.0.0.1:0".parse().unwrap();
        let mut listeners = Listeners::bind(any, any).await.unwrap();
        if let Some(certificate) = certificate {
            listeners = listeners.with_tls(certificate.clone());
        }
        let address = listeners.app_address().unwrap();
        let scheme = if certificate.is_some() { "https" } else { "http" };
        let url: PublicUrl = format!("{scheme}://localhost:{}", address.port()).parse().unwrap();
        assert_eq!(listeners.local_url(address), url);
        let app = Router::new().route("/", get(peer));
        let (stop, stopped) = oneshot::channel::<()>();
        tokio::spawn(listeners.serve(app, Router::new(), async {
            drop(stopped.await);
        }));
        Self { address, _stop: stop }
    }

    async fn connect(
        &self,
        client: &TlsConnector,
    ) -> std::io::Result<client::TlsStream<TcpStream>> {
        let stream = TcpStream::connect(self.address).await.unwrap();
        connect(client, stream).await
    }
}

async fn connect(
    client: &TlsConnector,
    stream: TcpStream,
) -> std::io::Result<client::TlsStream<TcpStream>> {
    let name = ServerName::try_from("localhost").unwrap();
    timeout(LONG, client.connect(name, stream)).await.expect("a handshake ends")
}

async fn peer(extensions: Extensions) -> String {
    extensions.get::<PeerAddr>().unwrap().0.to_string()
}

async fn ask(mut stream: impl AsyncReadExt + AsyncWriteExt + Unpin) -> String {
    let request = b"GET / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
    stream.write_all(request).await.unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).await.unwrap();
    text
}

#[tokio::test]
async fn the_application_answers_by_tls_1_3_and_knows_who_asks() {
    let pair = Pair::new();
    let served = Served::start(Some(&pair.certificate())).await;
    let stream = served.connect(&pair.client(&[&TLS13, &TLS12])).await.unwrap();
    let (tcp, session) = stream.get_ref();
    assert_eq!(session.protocol_version(), Some(ProtocolVersion::TLSv1_3));
    assert_eq!(session.alpn_protocol(), Some(&b"http/1.1"[..]));
    let me = tcp.local_addr().unwrap().to_string();
    let answer = ask(stream).await;
    assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with(&me), "{answer}");
    assert!(answer.contains("strict-transport-security: max-age=31536000\r\n"), "{answer}");
}

#[tokio::test]
async fn without_tls_browsers_are_not_told_to_insist_on_it() {
    let served = Served::start(None).await;
    let answer = ask(TcpStream::connect(served.address).await.unwrap()).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(!answer.contains("strict-transport-security"), "{answer}");
}

#[tokio::test]
async fn tls_1_2_is_refused() {
    let pair = Pair::new();
    let served = Served::start(Some(&pair.certificate())).await;
    let error = served.connect(&pair.client(&[&TLS12])).await.unwrap_err();
    assert!(error.to_string().contains("ProtocolVersion"), "{error}");
    // The client and the server agree otherwise.
    assert!(served.connect(&pair.client(&[&TLS13])).await.is_ok());
}

#[tokio::test]
async fn plain_http_gets_no_answer() {
    let pair = Pair::new();
    let served = Served::start(Some(&pair.certificate())).await;
    let mut stream = TcpStream::connect(served.address).await.unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    // It may be a reset instead of an end.
    drop(timeout(LONG, stream.read_to_end(&mut answer)).await.expect("the connection ends"));
    assert!(!answer.starts_with(b"HTTP"), "{answer:?}");
    assert!(answer.len() < 16, "no more than an alert: {answer:?}");
}

#[tokio::test]
async fn clients_that_never_finish_a_handshake_hold_nobody_up() {
    let pair = Pair::new();
    let served = Served::start(Some(&pair.certificate())).await;
    let mut silent = Vec::new();
    for _ in 0..20 {
        silent.push(TcpStream::connect(served.address).await.unwrap());
    }
    let answered = async { ask(served.connect(&pair.client(&[&TLS13])).await.unwrap()).await };
    let answer = timeout(HANDSHAKE / 2, answered).await.expect("the others are not waited for");
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

#[tokio::test]
async fn a_handshake_that_takes_too_long_is_closed() {
    let pair = Pair::new();
    let tcp = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = tcp.local_addr().unwrap();
    let limit = Duration::from_millis(50);
    let mut listener = TlsListener::new(tcp, &pair.certificate()).unwrap().with_limit(limit);
    let mut silent = TcpStream::connect(address).await.unwrap();
    let accepts = async {
        loop {
            axum::serve::Listener::accept(&mut listener).await;
        }
    };
    let mut rest = Vec::new();
    tokio::select! {
        () = accepts => {}
        closed = timeout(LONG, silent.read_to_end(&mut rest)) => {
            closed.expect("the server closes the connection").unwrap();
        }
    }
    assert!(rest.is_empty());
}

#[tokio::test]
async fn no_more_than_so_many_handshakes_run_at_once() {
    let pair = Pair::new();
    let tcp = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = tcp.local_addr().unwrap();
    let mut listener = TlsListener::new(tcp, &pair.certificate()).unwrap().with_limit(LONG);
    let mut silent = Vec::new();
    for _ in 0..HANDSHAKES + 20 {
        // Whom the queue of the operating system has no room for tries again.
        let connect = TcpStream::connect(address);
        tokio::select! {
            _ = axum::serve::Listener::accept(&mut listener) => panic!("nobody shakes hands"),
            stream = connect => silent.push(stream.unwrap()),
        }
    }
    let full = timeout(Duration::from_millis(200), axum::serve::Listener::accept(&mut listener));
    assert!(full.await.is_err());
    assert_eq!(listener.running(), HANDSHAKES);
    // When those who were first leave, there is room again.
    drop(silent);
    let client = pair.client(&[&TLS13]);
    let stream = TcpStream::connect(address).await.unwrap();
    let (accepted, connected) = tokio::join!(
        timeout(LONG, axum::serve::Listener::accept(&mut listener)),
        connect(&client, stream),
    );
    assert!(accepted.is_ok() && connected.is_ok());
}

#[tokio::test]
async fn a_new_certificate_is_used_without_a_restart_and_a_broken_one_is_not() {
    let pair = Pair::new();
    let certificate = pair.certificate();
    let served = Served::start(Some(&certificate)).await;
    let old = pair.client(&[&TLS13]);
    let open = served.connect(&old).await.unwrap();

    pair.issue();
    let new = pair.client(&[&TLS13]);
    assert!(served.connect(&new).await.is_err(), "it is not read yet");
    certificate.reload().unwrap();
    assert!(served.connect(&new).await.is_ok());
    assert!(served.connect(&old).await.is_err());
    assert!(ask(open).await.starts_with("HTTP/1.1 200"), "the open connection stays");

    fs::write(pair.cert(), "nonsense").unwrap();
    assert!(matches!(certificate.reload(), Err(TlsError::NotPem { .. })));
    assert!(served.connect(&new).await.is_ok());
}

#[test]
fn what_is_wrong_with_the_files_is_said_with_the_setting_to_change() {
    let (pair, other) = (Pair::new(), Pair::new());
    let read = |cert: &Path, key: &Path| {
        let error = Certificate::read(files(cert, key).unwrap().unwrap()).unwrap_err();
        let failure = Failure::from(error);
        assert_eq!(failure.exit(), Exit::Configuration);
        failure.chain().join(": ")
    };
    let missing = pair.dir.path().join("no.pem");
    let empty = pair.dir.path().join("empty.pem");
    fs::write(&empty, "").unwrap();
    for (cert, key, words) in [
        (&missing, &pair.key(), ["`TLS_CERT`", "no.pem", "No such file"]),
        (&pair.cert(), &missing, ["`TLS_KEY`", "no.pem", "No such file"]),
        (&pair.key(), &pair.key(), ["`TLS_CERT`", "key.pem", "BEGIN CERTIFICATE"]),
        (&empty, &pair.key(), ["`TLS_CERT`", "empty.pem", "BEGIN CERTIFICATE"]),
        (&pair.cert(), &pair.cert(), ["`TLS_KEY`", "cert.pem", "BEGIN PRIVATE KEY"]),
        (&pair.cert(), &other.key(), ["does not belong", "cert.pem", "key.pem"]),
    ] {
        let text = read(cert, key);
        assert!(words.iter().all(|word| text.contains(word)), "{text}");
    }
    let one = TlsFiles::both(Some(pair.cert()), None).unwrap_err().to_string();
    assert!(one.contains("`TLS_CERT` needs `TLS_KEY`"), "{one}");
    let one = TlsFiles::both(None, Some(pair.key())).unwrap_err().to_string();
    assert!(one.contains("`TLS_KEY` needs `TLS_CERT`"), "{one}");
    assert_eq!(TlsFiles::both(None, None).unwrap(), None);
}
