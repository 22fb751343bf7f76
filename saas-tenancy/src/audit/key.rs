use std::{
    fmt,
    fs::{self, OpenOptions},
    io::{self, Write},
    path::Path,
    str::FromStr,
};

use aws_lc_rs::{
    rand::SystemRandom,
    signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use secrecy::{ExposeSecret, SecretString};

use super::{AuditError, canonical::unhex};

const BEGIN: &str = "-----BEGIN PRIVATE KEY-----";
const END: &str = "-----END PRIVATE KEY-----";

/// The Ed25519 key that signs checkpoints. The database never sees it.
pub struct CheckpointKey {
    pair: Ed25519KeyPair,
    public: PublicKey,
}

impl CheckpointKey {
    /// Makes a new key. Keep its [text](Self::to_pem).
    ///
    /// # Errors
    /// [`AuditError::Key`] when the operating system gives no random bytes.
    pub fn generate() -> Result<Self, AuditError> {
        let made = Ed25519KeyPair::generate_pkcs8v1(&SystemRandom::new());
        let made =
            made.map_err(|_| AuditError::Key("the operating system gives no random bytes"))?;
        Self::from_der(made.as_ref())
    }

    /// Reads a key in PKCS #8, as `openssl genpkey -algorithm ed25519` writes it.
    ///
    /// # Errors
    /// [`AuditError::Key`] when it is none.
    pub fn from_pem(pem: &SecretString) -> Result<Self, AuditError> {
        let body = pem.expose_secret().trim();
        let body = body.strip_prefix(BEGIN).and_then(|body| body.strip_suffix(END));
        let body: String =
            body.unwrap_or_default().chars().filter(|c| !c.is_ascii_whitespace()).collect();
        let der = STANDARD.decode(body).map_err(|_| NOT_A_KEY)?;
        Self::from_der(&der)
    }

    /// The key in PKCS #8.
    ///
    /// # Errors
    /// [`AuditError::Key`] when it cannot be written so.
    pub fn to_pem(&self) -> Result<SecretString, AuditError> {
        let der = self.pair.to_pkcs8v1().map_err(|_| NOT_A_KEY)?;
        Ok(format!("{BEGIN}\n{}\n{END}\n", STANDARD.encode(der.as_ref())).into())
    }

    /// The key in the file `path`, which is made when there is none, readable by its owner only.
    ///
    /// # Errors
    /// [`AuditError::Key`] when the file holds no key or others may read it, [`AuditError::Io`]
    /// when it cannot be read or made.
    pub fn load_or_create(path: &Path) -> Result<Self, AuditError> {
        match fs::read_to_string(path) {
            Ok(text) => {
                refuse_others(path)?;
                Self::from_pem(&text.into())
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Self::create(path),
            Err(error) => Err(error.into()),
        }
    }

    /// What verifies its signatures. It is no secret: give it to whoever checks exports.
    #[must_use]
    pub const fn public(&self) -> PublicKey {
        self.public
    }

    pub(super) fn sign(&self, message: &[u8]) -> Signature {
        let mut bytes = [0; 64];
        bytes.copy_from_slice(self.pair.sign(message).as_ref());
        Signature(bytes)
    }

    fn create(path: &Path) -> Result<Self, AuditError> {
        let key = Self::generate()?;
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        match options.open(path) {
            Ok(mut file) => {
                file.write_all(key.to_pem()?.expose_secret().as_bytes())?;
                file.sync_all()?;
                Ok(key)
            }
            // Another process was faster: its key counts.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                Self::load_or_create(path)
            }
            Err(error) => Err(error.into()),
        }
    }

    fn from_der(der: &[u8]) -> Result<Self, AuditError> {
        let pair = Ed25519KeyPair::from_pkcs8(der).map_err(|_| NOT_A_KEY)?;
        let public = pair.public_key().as_ref().try_into().map_err(|_| NOT_A_KEY)?;
        Ok(Self { pair, public: PublicKey(public) })
    }
}

impl fmt::Debug for CheckpointKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CheckpointKey").field("public", &self.public).finish_non_exhaustive()
    }
}

const NOT_A_KEY: AuditError = AuditError::Key(
    "it is no Ed25519 key in PEM; make one with `openssl genpkey -algorithm ed25519`",
);

#[cfg(unix)]
fn refuse_others(path: &Path) -> Result<(), AuditError> {
    use std::os::unix::fs::PermissionsExt;
    if fs::metadata(path)?.permissions().mode() & 0o077 != 0 {
        return Err(AuditError::Key("others may read its file; run `chmod 600` on it"));
    }
    Ok(())
}

#[cfg(not(unix))]
fn refuse_others(_: &Path) -> Result<(), AuditError> {
    Ok(())
}

/// What verifies signatures of checkpoints; as text 64 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct PublicKey([u8; 32]);

impl PublicKey {
    pub(super) fn verifies(&self, message: &[u8], signature: &Signature) -> bool {
        UnparsedPublicKey::new(&ED25519, self.0).verify(message, &signature.0).is_ok()
    }
}

impl FromStr for PublicKey {
    type Err = AuditError;

    fn from_str(text: &str) -> Result<Self, AuditError> {
        let key = AuditError::Key("a public key is 64 hexadecimal digits");
        unhex(text.trim()).map(Self).ok_or(key)
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({self})")
    }
}

/// An Ed25519 signature; as text 128 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Signature([u8; 64]);

impl Signature {
    pub(super) fn to_hex(self) -> String {
        self.0.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    pub(super) fn from_hex(text: &str) -> Option<Self> {
        unhex(text).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_file_is_made_once_and_only_its_owner_may_read_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("audit.key");
        let made = CheckpointKey::load_or_create(&path).unwrap();
        let read = CheckpointKey::load_or_create(&path).unwrap();
        assert_eq!(made.public(), read.public());
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
            fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
            let error = CheckpointKey::load_or_create(&path).unwrap_err();
            assert!(error.to_string().contains("chmod 600"), "{error}");
        }
    }

    #[test]
    fn a_file_that_holds_no_key_is_refused() {
        for text in ["", "key", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----"] {
            assert!(CheckpointKey::from_pem(&text.to_owned().into()).is_err(), "{text}");
        }
    }

    #[test]
    fn a_signature_is_of_one_key_and_one_message() {
        let (one, other) = (CheckpointKey::generate().unwrap(), CheckpointKey::generate().unwrap());
        let signature = one.sign(b"message");
        assert!(one.public().verifies(b"message", &signature));
        assert!(!one.public().verifies(b"massage", &signature));
        assert!(!other.public().verifies(b"message", &signature));
        assert_eq!(one.public().to_string().parse::<PublicKey>().unwrap(), one.public());
    }

    #[test]
    fn a_key_does_not_print_itself() {
        let key = CheckpointKey::generate().unwrap();
        let text = format!("{key:?}");
        assert!(text.contains(&key.public().to_string()) && !text.contains("pair"), "{text}");
    }
}
