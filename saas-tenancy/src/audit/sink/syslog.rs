use std::time::Duration;

use async_trait::async_trait;
use saas_core::BoxError;
use tokio::{
    io::AsyncWriteExt,
    net::{TcpStream, UdpSocket},
    time::timeout,
};

use super::AuditSink;
use crate::audit::SealedEntry;

/// How long a log server may take for one batch.
const PATIENCE: Duration = Duration::from_secs(10);

/// Facility 13, log audit, with severity 5, notice.
const PRIORITY: u8 = 13 * 8 + 5;

/// The most bytes of one datagram that carry an entry.
const LARGEST_DATAGRAM: usize = 60_000;

/// How messages travel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Transport {
    /// A datagram a message (RFC 5426). What is lost on the way is not told again.
    Udp,
    /// One connection a batch, each message behind its length (RFC 6587, section 3.4.1).
    Tcp,
}

/// Sends entries to a log server, in the form of RFC 5424.
///
/// Neither transport is encrypted: send to a relay on the same machine or in the same network.
#[derive(Debug, Clone)]
pub struct SyslogSink {
    address: String,
    transport: Transport,
    host: String,
    app: String,
}

impl SyslogSink {
    /// Messages to `address` (`host:port`), from the application `app` on the machine `host`.
    #[must_use]
    pub fn new(address: impl Into<String>, transport: Transport, host: &str, app: &str) -> Self {
        let (host, app) = (name(host, 255), name(app, 48));
        Self { address: address.into(), transport, host, app }
    }

    fn message(&self, entry: &SealedEntry) -> Result<String, BoxError> {
        let at = entry.stored.occurred_at.to_rfc3339_opts(chrono::SecondsFormat::Micros, true);
        let json = serde_json::to_string(entry)?;
        let (host, app, action) = (&self.host, &self.app, name(&entry.stored.action, 32));
        Ok(format!("<{PRIORITY}>1 {at} {host} {app} - {action} - {json}"))
    }
}

#[async_trait]
impl AuditSink for SyslogSink {
    fn name(&self) -> &str {
        "syslog"
    }

    async fn deliver(&self, entries: &[SealedEntry]) -> Result<(), BoxError> {
        let messages: Result<Vec<_>, _> = entries.iter().map(|one| self.message(one)).collect();
        let messages = messages?;
        match self.transport {
            Transport::Udp => timeout(PATIENCE, datagrams(&self.address, &messages)).await?,
            Transport::Tcp => timeout(PATIENCE, connection(&self.address, &messages)).await?,
        }
    }
}

async fn datagrams(address: &str, messages: &[String]) -> Result<(), BoxError> {
    let to =
        tokio::net::lookup_host(address).await?.next().ok_or("the log server has no address")?;
    let from = if to.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
    let socket = UdpSocket::bind(from).await?;
    for message in messages {
        let end = message.floor_char_boundary(LARGEST_DATAGRAM);
        socket.send_to(&message.as_bytes()[..end], to).await?;
    }
    Ok(())
}

async fn connection(address: &str, messages: &[String]) -> Result<(), BoxError> {
    let mut text = Vec::new();
    for message in messages {
        text.extend_from_slice(format!("{} {message}", message.len()).as_bytes());
    }
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(&text).await?;
    Ok(stream.shutdown().await?)
}

/// A name as the form allows it: printable ASCII without blanks, or `-`.
fn name(text: &str, most: usize) -> String {
    let name: String = text.chars().filter(char::is_ascii_graphic).take(most).collect();
    if name.is_empty() { "-".to_owned() } else { name }
}
