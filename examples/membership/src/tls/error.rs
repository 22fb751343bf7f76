use std::{io, path::PathBuf};

use tokio_rustls::rustls;

/// A certificate or its key cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// One of the two files is named and the other is not.
    #[error("`{given}` needs `{missing}`, too: set it to the path of a PEM file")]
    OneOfTwo {
        /// What is set.
        given: &'static str,
        /// What is not.
        missing: &'static str,
    },
    /// A file cannot be read.
    #[error("cannot read `{path}`, which `{setting}` names")]
    Unreadable {
        /// The option and the variable that name it.
        setting: &'static str,
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        #[source]
        source: io::Error,
    },
    /// A file is not what it should be.
    #[error(
        "`{path}`, which `{setting}` names, holds no {wanted} in PEM; it should have a line \
         `-----BEGIN {label}-----`"
    )]
    NotPem {
        /// The option and the variable that name it.
        setting: &'static str,
        /// The file.
        path: PathBuf,
        /// What it should hold.
        wanted: &'static str,
        /// How that begins.
        label: &'static str,
    },
    /// The key is that of another certificate.
    #[error("the key in `{key}` does not belong to the certificate in `{cert}`")]
    Mismatch {
        /// The file with the certificate.
        cert: PathBuf,
        /// The file with the key.
        key: PathBuf,
    },
    /// The library cannot use what the files hold.
    #[error("the certificate and its key cannot be used for TLS 1.3")]
    Unusable(#[source] rustls::Error),
}
