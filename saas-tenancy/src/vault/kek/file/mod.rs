//! Key-encryption keys in a file.

#[cfg(test)]
mod tests;
mod text;

use std::{
    fs::{self, DirBuilder, File},
    io::{self, ErrorKind, Read, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
    sync::{Arc, PoisonError, RwLock},
};

use async_trait::async_trait;
use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use secrecy::zeroize::Zeroizing;

use self::text::Versions;
use super::KeyEncryption;
use crate::vault::{
    error::VaultError,
    key::{DataKey, KekId, WrappedKey, random},
};

/// No file of keys is longer than this, in bytes.
const MAX_FILE: u64 = 64 * 1024;

/// Key-encryption keys in a file: one line a version, the newest one wraps.
///
/// The file is made with the first key that is wrapped, for its owner alone, and is refused once
/// others may read it. Back it up, apart from the database: without it every sealed value is lost.
/// Cheap to clone.
#[derive(Debug, Clone)]
pub struct FileKeyEncryption(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    path: PathBuf,
    /// What was read last. Another process may have added a version since.
    known: RwLock<Option<Arc<Versions>>>,
}

/// A file of keys cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyFileError {
    /// Others than the owner have rights on the file.
    #[error(
        "`{path}` may be used by others than its owner; run `chmod 600 {path}`, and rotate the key \
         in case somebody read it"
    )]
    OpenToOthers {
        /// The file.
        path: PathBuf,
    },
    /// There is no such file, or it holds no key.
    #[error("`{path}` holds no key; restore it from its backup")]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// A line is not a version and a key.
    #[error("line {line} of `{path}` is not a new version number and 64 hexadecimal digits")]
    Malformed {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
    },
    /// The file is longer than any file of keys, or no file at all.
    #[error("`{path}` is not a file of keys")]
    NotKeys {
        /// The file.
        path: PathBuf,
    },
    /// The operating system refused something.
    #[error("cannot {action} `{path}`")]
    Io {
        /// What was tried.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// What it said.
        #[source]
        source: io::Error,
    },
}

/// A wrapped key was changed, or is of another owner.
#[derive(Debug, thiserror::Error)]
#[error("a wrapped key was changed, or belongs to another tenant")]
struct WrongKey;

impl FileKeyEncryption {
    /// The keys in the file at `path`. Nothing is read or made yet.
    #[must_use]
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self(Arc::new(Inner { path: path.into(), known: RwLock::new(None) }))
    }

    /// Where the file is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0.path
    }

    /// Reads the file and makes it if there is none, so that what is wrong with it is found at the
    /// start. Waits for the disk.
    ///
    /// # Errors
    /// Any [`KeyFileError`].
    pub fn check(&self) -> Result<KekId, KeyFileError> {
        Ok(self.0.read_or_make()?.newest().id.clone())
    }

    /// Adds a version, which wraps from now on. Run [`TenantKeys::rewrap`] next; older versions may
    /// be taken out of the file once it is done. Waits for the disk.
    ///
    /// [`TenantKeys::rewrap`]: crate::vault::TenantKeys::rewrap
    ///
    /// # Errors
    /// Any [`KeyFileError`].
    pub fn rotate(&self) -> Result<KekId, KeyFileError> {
        let _lock = self.0.lock()?;
        let versions = self.0.read()?.map_or_else(Versions::first, |known| known.with_next());
        self.0.write(&versions)?;
        Ok(self.0.know(versions).newest().id.clone())
    }

    /// Runs `work` where waiting for the disk holds nobody up.
    async fn blocking(
        &self,
        work: impl FnOnce(&Inner) -> Result<Arc<Versions>, KeyFileError> + Send + 'static,
    ) -> Result<Arc<Versions>, VaultError> {
        let inner = Arc::clone(&self.0);
        let done = tokio::task::spawn_blocking(move || work(&inner)).await;
        done.map_err(VaultError::key_encryption)?.map_err(VaultError::key_encryption)
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl KeyEncryption for FileKeyEncryption {
    async fn current(&self) -> Result<KekId, VaultError> {
        Ok(self.blocking(Inner::read_or_make).await?.newest().id.clone())
    }

    async fn wrap_key(&self, key: &DataKey, context: &[u8]) -> Result<WrappedKey, VaultError> {
        // Wrapping is rare, so it can afford to see the version that somebody else has added.
        let versions = self.blocking(Inner::read_or_make).await?;
        let newest = versions.newest();
        let nonce: [u8; NONCE_LEN] = random();
        let mut bytes = nonce.to_vec();
        // Room for all of it: a buffer that grows would leave the key behind in memory.
        bytes.reserve_exact(key.expose().len() + AES_256_GCM.tag_len());
        bytes.extend_from_slice(key.expose());
        let tag = cipher(&newest.key)
            .seal_in_place_separate_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(context),
                &mut bytes[NONCE_LEN..],
            )
            .map_err(VaultError::key_encryption)?;
        bytes.extend_from_slice(tag.as_ref());
        Ok(WrappedKey { kek: newest.id.clone(), bytes })
    }

    async fn unwrap_key(
        &self,
        wrapped: &WrappedKey,
        context: &[u8],
    ) -> Result<DataKey, VaultError> {
        let known = self.0.known().filter(|known| known.find(&wrapped.kek).is_some());
        let versions = match known {
            Some(known) => known,
            None => self.blocking(Inner::read_existing).await?,
        };
        let kek = versions.find(&wrapped.kek);
        let kek = kek.ok_or_else(|| VaultError::KekMissing(wrapped.kek.clone()))?;
        let wrong = || VaultError::key_encryption(WrongKey);
        let (nonce, key) = wrapped.bytes.split_first_chunk().ok_or_else(wrong)?;
        let mut key = Zeroizing::new(key.to_vec());
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let opened = cipher(&kek.key).open_in_place(nonce, Aad::from(context), &mut key);
        let opened = opened.map_err(|_| wrong())?;
        DataKey::from_slice(opened).ok_or_else(wrong)
    }
}

fn cipher(key: &DataKey) -> LessSafeKey {
    let key = UnboundKey::new(&AES_256_GCM, key.expose()).expect("a key has 256 bits");
    LessSafeKey::new(key)
}

impl Inner {
    fn known(&self) -> Option<Arc<Versions>> {
        self.known.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn know(&self, versions: Versions) -> Arc<Versions> {
        let versions = Arc::new(versions);
        *self.known.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&versions));
        versions
    }

    fn read_or_make(&self) -> Result<Arc<Versions>, KeyFileError> {
        if let Some(versions) = self.read()? {
            return Ok(self.know(versions));
        }
        self.make_directory()?;
        let _lock = self.lock()?;
        // Another process may have been first.
        if let Some(versions) = self.read()? {
            return Ok(self.know(versions));
        }
        let versions = Versions::first();
        self.write(&versions)?;
        Ok(self.know(versions))
    }

    fn read_existing(&self) -> Result<Arc<Versions>, KeyFileError> {
        let missing = || KeyFileError::Missing { path: self.path.clone() };
        Ok(self.know(self.read()?.ok_or_else(missing)?))
    }

    /// The versions in the file; `None` when there is no file.
    fn read(&self) -> Result<Option<Versions>, KeyFileError> {
        let path = || self.path.clone();
        let mut file = match File::open(&self.path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            opened => opened.map_err(self.failed("read"))?,
        };
        // Of the open file, not of whatever has its name by now.
        let found = file.metadata().map_err(self.failed("read"))?;
        if !found.is_file() || found.len() > MAX_FILE {
            return Err(KeyFileError::NotKeys { path: path() });
        }
        if found.permissions().mode() & 0o077 != 0 {
            return Err(KeyFileError::OpenToOthers { path: path() });
        }
        let mut text = Zeroizing::new(Vec::with_capacity(text::room(found.len())));
        Read::by_ref(&mut file)
            .take(MAX_FILE)
            .read_to_end(&mut text)
            .map_err(self.failed("read"))?;
        let versions = Versions::parse(&text)
            .map_err(|line| KeyFileError::Malformed { path: path(), line })?;
        versions.map(Some).ok_or_else(|| KeyFileError::Missing { path: path() })
    }

    /// Replaces the file: it has either the old or the new content, whenever the machine stops.
    fn write(&self, versions: &Versions) -> Result<(), KeyFileError> {
        let next = self.beside("new");
        let written = (|| {
            match fs::remove_file(&next) {
                Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
                _ => {}
            }
            let mut file = File::options().write(true).create_new(true).mode(0o600).open(&next)?;
            file.write_all(&versions.to_text())?;
            file.sync_all()?;
            fs::rename(&next, &self.path)?;
            match self.path.parent() {
                Some(dir) if !dir.as_os_str().is_empty() => File::open(dir)?.sync_all(),
                _ => Ok(()),
            }
        })();
        written.map_err(self.failed("write"))
    }

    /// Held by whoever changes the file: of two versions that are added at once, one would be lost
    /// with all that it wraps.
    fn lock(&self) -> Result<File, KeyFileError> {
        let path = self.beside("lock");
        let mut options = File::options();
        let file = options.create(true).truncate(false).write(true).mode(0o600).open(path);
        let file = file.map_err(self.failed("lock"))?;
        file.lock().map_err(self.failed("lock"))?;
        Ok(file)
    }

    fn make_directory(&self) -> Result<(), KeyFileError> {
        let Some(dir) = self.path.parent().filter(|dir| !dir.as_os_str().is_empty()) else {
            return Ok(());
        };
        let made = DirBuilder::new().recursive(true).mode(0o700).create(dir);
        made.map_err(self.failed("make the directory of"))
    }

    /// The path with one more extension.
    fn beside(&self, extension: &str) -> PathBuf {
        let mut path = self.path.clone().into_os_string();
        path.push(".");
        path.push(extension);
        path.into()
    }

    fn failed(&self, action: &'static str) -> impl FnOnce(io::Error) -> KeyFileError {
        let path = self.path.clone();
        move |source| KeyFileError::Io { action, path, source }
    }
}
