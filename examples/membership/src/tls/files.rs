use std::{
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
};

use secrecy::zeroize::Zeroizing;
use tokio_rustls::rustls::{
    self,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    sign::CertifiedKey,
};

use super::error::TlsError;

const CERT: &str = "TLS_CERT";
const KEY: &str = "TLS_KEY";

/// No certificate and no key is longer than this, in bytes.
const MAX_FILE: u64 = 1024 * 1024;

/// The files of a certificate chain and its key, in PEM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    cert: PathBuf,
    key: PathBuf,
}

impl TlsFiles {
    /// Both files; `None` when neither is named.
    ///
    /// # Errors
    /// [`TlsError::OneOfTwo`] when one is named without the other.
    pub fn both(cert: Option<PathBuf>, key: Option<PathBuf>) -> Result<Option<Self>, TlsError> {
        match (cert, key) {
            (Some(cert), Some(key)) => Ok(Some(Self { cert, key })),
            (None, None) => Ok(None),
            (Some(_), None) => Err(TlsError::OneOfTwo { given: CERT, missing: KEY }),
            (None, Some(_)) => Err(TlsError::OneOfTwo { given: KEY, missing: CERT }),
        }
    }

    /// Reads both and sees whether they belong together.
    pub(super) fn read(&self) -> Result<CertifiedKey, TlsError> {
        let chain = CertificateDer::pem_slice_iter(&read(CERT, &self.cert)?)
            .collect::<Result<Vec<_>, _>>()
            .unwrap_or_default();
        if chain.is_empty() {
            return Err(not_pem(CERT, &self.cert, "certificate", "CERTIFICATE"));
        }
        let key = PrivateKeyDer::from_pem_slice(&read(KEY, &self.key)?)
            .map_err(|_| not_pem(KEY, &self.key, "private key", "PRIVATE KEY"))?;
        CertifiedKey::from_der(chain, key, &aws_lc_rs::default_provider()).map_err(|error| {
            match error {
                rustls::Error::InconsistentKeys(_) => {
                    TlsError::Mismatch { cert: self.cert.clone(), key: self.key.clone() }
                }
                error => TlsError::Unusable(error),
            }
        })
    }
}

fn read(setting: &'static str, path: &Path) -> Result<Zeroizing<Vec<u8>>, TlsError> {
    let text = || {
        let mut text = Zeroizing::new(Vec::new());
        let length = File::open(path)?.take(MAX_FILE + 1).read_to_end(&mut text)?;
        if u64::try_from(length).is_ok_and(|length| length > MAX_FILE) {
            return Err(io::Error::other("it is too long for a certificate or a key"));
        }
        Ok(text)
    };
    text().map_err(|source| TlsError::Unreadable { setting, path: path.to_owned(), source })
}

fn not_pem(
    setting: &'static str,
    path: &Path,
    wanted: &'static str,
    label: &'static str,
) -> TlsError {
    TlsError::NotPem { setting, path: path.to_owned(), wanted, label }
}
