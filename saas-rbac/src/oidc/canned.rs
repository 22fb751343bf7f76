//! A server on this machine that gives one answer to everybody.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

/// Ends with the runtime of its test.
pub(super) struct Canned {
    port: u16,
    asked: Arc<AtomicUsize>,
}

impl Canned {
    /// Answers with this status and body; a redirect leads to the server itself.
    pub(super) async fn serve(status: u16, body: &str) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let asked = Arc::new(AtomicUsize::new(0));
        let length = body.len();
        let answer = format!(
            "HTTP/1.1 {status} X\r\nlocation: http://127.0.0.1:{port}/elsewhere\r\n\
             content-length: {length}\r\nconnection: close\r\n\r\n{body}"
        );
        let counted = Arc::clone(&asked);
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                counted.fetch_add(1, Ordering::SeqCst);
                let mut request = [0; 4096];
                // Whoever hangs up early has heard enough.
                drop(stream.read(&mut request).await);
                drop(stream.write_all(answer.as_bytes()).await);
            }
        });
        Self { port, asked }
    }

    pub(super) fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// How many connections there were.
    pub(super) fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}
