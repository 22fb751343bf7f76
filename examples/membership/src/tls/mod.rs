//! TLS on the application's own listener.
//!
//! 1. TLS 1.3 and nothing older. The one crypto library is aws-lc-rs.
//! 2. A handshake has [`HANDSHAKE`] to end, and at most [`HANDSHAKES`] run at once. Those that are
//!    under way hold nobody up who has finished.
//! 3. What is no TLS, plain HTTP too, is closed without an answer.
//! 4. The certificate is read again on SIGHUP. Connections stay; a pair of files that cannot be used
//!    changes nothing and is logged.
//! 5. ALPN offers `http/1.1`, which is what the application serves.

mod error;
mod files;
mod listener;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use arc_swap::ArcSwap;
use tokio_rustls::rustls::{
    ServerConfig,
    crypto::aws_lc_rs,
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
    version::TLS13,
};

pub use error::TlsError;
pub use files::TlsFiles;
pub use listener::{HANDSHAKE, HANDSHAKES, TlsListener};

/// What the application can speak.
const PROTOCOLS: [&[u8]; 1] = [b"http/1.1"];

/// A certificate with its key, which can be replaced while it serves. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Certificate(Arc<Current>);

#[derive(Debug)]
struct Current {
    files: TlsFiles,
    key: ArcSwap<CertifiedKey>,
}

impl Certificate {
    /// Reads the files.
    ///
    /// # Errors
    /// [`TlsError`] when one of them cannot be used, or they do not belong together.
    pub fn read(files: TlsFiles) -> Result<Self, TlsError> {
        let key = ArcSwap::from_pointee(files.read()?);
        Ok(Self(Arc::new(Current { files, key })))
    }

    /// Reads the files again. What connects from now on sees the new certificate.
    ///
    /// # Errors
    /// As [`read`](Self::read); then the old certificate stays.
    pub fn reload(&self) -> Result<(), TlsError> {
        self.0.key.store(Arc::new(self.0.files.read()?));
        Ok(())
    }

    /// How to shake hands.
    fn config(&self) -> Result<ServerConfig, TlsError> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&TLS13])
            .map_err(TlsError::Unusable)?
            .with_no_client_auth()
            .with_cert_resolver(Arc::clone(&self.0) as Arc<dyn ResolvesServerCert>);
        config.alpn_protocols = PROTOCOLS.map(Vec::from).into();
        Ok(config)
    }
}

impl ResolvesServerCert for Current {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.key.load_full())
    }
}
