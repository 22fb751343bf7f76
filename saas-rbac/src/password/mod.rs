//! Passwords: which are taken, and how they are hashed.
//!
//! 1. Hashes are Argon2id with 19 MiB, two passes and one lane, which is what [OWASP] asks for. One
//!    that was made with other costs is made anew when its owner signs in.
//! 2. Hashing runs on blocking threads. So many run at once, so many more may wait, and the next is
//!    refused with [`PasswordError::Busy`]: a flood of log-ins takes neither the memory nor the
//!    threads of the process.
//! 3. Somebody without a password costs one hash, too, so nobody learns by the time of an answer who
//!    has an account.
//! 4. A password has 12 to 256 characters and is neither the person's address nor one of those that
//!    everybody tries first ([`check`]). There are no other rules about what is in it.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use saas_rbac::password::{self, PasswordOptions, Passwords, Verdict};
//!
//! let secret = "seven ducks on a pond".into();
//! password::check(&secret, "ann@acme.test")?;
//!
//! let passwords = Passwords::new(PasswordOptions::new().with_concurrency(2));
//! let hash = passwords.hash(&secret).await?;
//! assert_eq!(passwords.verify(&secret, Some(&hash)).await?, Verdict::Match);
//! assert_eq!(passwords.verify(&secret, None).await?, Verdict::Mismatch);
//! assert_eq!(passwords.hashes(), 3, "nobody's password costs as much as somebody's");
//! # Ok(())
//! # }
//! ```
//!
//! [OWASP]: https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html

mod argon;
mod policy;

use std::{
    fmt,
    num::NonZeroUsize,
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use saas_core::Problem;
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

pub use policy::{PasswordRefused, check};

/// A hash of a password, as a table keeps it: a PHC string.
#[derive(Clone)]
pub struct PasswordHash(SecretString);

impl PasswordHash {
    /// One that was stored.
    #[must_use]
    pub fn from_stored(text: String) -> Self {
        Self(text.into())
    }

    /// The text to store.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.expose_secret()
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash(…)")
    }
}

/// Whether a password is the one that was hashed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It is.
    Match,
    /// It is, and the hash should be made anew because the costs have changed.
    MatchOutdated,
    /// It is not.
    Mismatch,
}

/// How much hashing may go on.
#[derive(Debug, Clone)]
#[must_use]
pub struct PasswordOptions {
    concurrency: usize,
    queue: usize,
    patience: Duration,
}

impl Default for PasswordOptions {
    fn default() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
        Self { concurrency: cores, queue: 64, patience: Duration::from_secs(5) }
    }
}

impl PasswordOptions {
    /// As many at once as there are cores, 64 more may wait, five seconds each.
    pub fn new() -> Self {
        Self::default()
    }

    /// How many passwords are hashed at once, at least one. Each takes 19 MiB.
    pub fn with_concurrency(self, concurrency: usize) -> Self {
        Self { concurrency: concurrency.max(1), ..self }
    }

    /// How many more may wait.
    pub fn with_queue(self, queue: usize) -> Self {
        Self { queue, ..self }
    }

    /// How long one may wait.
    pub fn with_patience(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }
}

/// Hashes passwords. Cheap to clone; all clones share the bounds.
#[derive(Debug, Clone)]
pub struct Passwords(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    options: PasswordOptions,
    slots: Arc<Semaphore>,
    waiting: AtomicUsize,
    hashes: AtomicU64,
}

impl Passwords {
    /// Hashes within these bounds.
    #[must_use]
    pub fn new(options: PasswordOptions) -> Self {
        let slots = Arc::new(Semaphore::new(options.concurrency));
        let (waiting, hashes) = (AtomicUsize::new(0), AtomicU64::new(0));
        Self(Arc::new(Inner { options, slots, waiting, hashes }))
    }

    /// Hashes a password that [`check`] let pass.
    ///
    /// # Errors
    /// [`PasswordError::Busy`] when too many are hashed already, [`PasswordError::Failed`] when the
    /// machine has no random bytes or no memory.
    pub async fn hash(&self, password: &SecretString) -> Result<PasswordHash, PasswordError> {
        let password = password.clone();
        self.work(move || argon::hash(password.expose_secret())).await?
    }

    /// Compares a password with a hash; `None` is somebody who has none, and costs as much.
    ///
    /// # Errors
    /// [`PasswordError::Busy`] when too many are hashed already, [`PasswordError::Failed`] when the
    /// stored hash cannot be read.
    pub async fn verify(
        &self,
        password: &SecretString,
        hash: Option<&PasswordHash>,
    ) -> Result<Verdict, PasswordError> {
        let (password, hash) = (password.clone(), hash.cloned());
        let compare = move || {
            let password = password.expose_secret();
            // A password that was never taken is nobody's, and not hashed at its length.
            let hash = hash.filter(|_| policy::is_short_enough(password));
            argon::verify(policy::cut(password), hash.as_ref().map(PasswordHash::as_str))
        };
        self.work(compare).await?
    }

    /// How many passwords were hashed since the start.
    #[must_use]
    pub fn hashes(&self) -> u64 {
        self.0.hashes.load(Ordering::Relaxed)
    }

    async fn work<T, F>(&self, work: F) -> Result<T, PasswordError>
    where
        T: Send + 'static,
        F: FnOnce() -> T + Send + 'static,
    {
        let slot = self.slot().await?;
        self.0.hashes.fetch_add(1, Ordering::Relaxed);
        let run = tokio::task::spawn_blocking(move || {
            let done = work();
            // Given back by the work, not by the request, which may have been cancelled.
            drop(slot);
            done
        });
        run.await.map_err(|gone| PasswordError::Failed(gone.into()))
    }

    async fn slot(&self) -> Result<OwnedSemaphorePermit, PasswordError> {
        let slots = Arc::clone(&self.0.slots);
        if let Ok(slot) = Arc::clone(&slots).try_acquire_owned() {
            return Ok(slot);
        }
        let _waiting = Waiting::new(&self.0)?;
        let slot = tokio::time::timeout(self.0.options.patience, slots.acquire_owned()).await;
        slot.map_err(|_| PasswordError::Busy)?.map_err(|_| PasswordError::Busy)
    }
}

/// One place in the queue.
struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn new(inner: &'a Inner) -> Result<Self, PasswordError> {
        let place = Self(&inner.waiting);
        let before = inner.waiting.fetch_add(1, Ordering::Relaxed);
        if before < inner.options.queue { Ok(place) } else { Err(PasswordError::Busy) }
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Why a password was not hashed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PasswordError {
    /// Too many are hashed already.
    #[error("too many people sign in at this moment; try again in a few seconds")]
    Busy,
    /// It cannot be done. The cause is logged and never sent.
    #[error("the password cannot be hashed")]
    Failed(#[source] saas_core::BoxError),
}

impl From<PasswordError> for Problem {
    fn from(error: PasswordError) -> Self {
        match error {
            PasswordError::Busy => Self::new(http::StatusCode::SERVICE_UNAVAILABLE, "busy")
                .with_detail(error.to_string())
                .with_source(error),
            PasswordError::Failed(_) => Self::internal(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(text: &str) -> SecretString {
        text.to_owned().into()
    }

    #[tokio::test]
    async fn every_hash_has_a_salt_of_its_own_and_the_costs_of_today() {
        let passwords = Passwords::new(PasswordOptions::new());
        let one = passwords.hash(&secret("correct horse")).await.unwrap();
        let other = passwords.hash(&secret("correct horse")).await.unwrap();
        assert_ne!(one.as_str(), other.as_str());
        assert!(one.as_str().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{}", one.as_str());
    }

    #[tokio::test]
    async fn a_hash_of_other_costs_is_still_good_and_known_to_be_outdated() {
        // Made with m=8192, t=1, p=1.
        let old = argon::hash_with_costs("correct horse", 8192, 1).unwrap();
        let passwords = Passwords::new(PasswordOptions::new());
        let verdict = passwords.verify(&secret("correct horse"), Some(&old)).await.unwrap();
        assert_eq!(verdict, Verdict::MatchOutdated);
        let verdict = passwords.verify(&secret("correct house"), Some(&old)).await.unwrap();
        assert_eq!(verdict, Verdict::Mismatch);
    }

    #[tokio::test]
    async fn a_password_beyond_the_limit_costs_one_hash_and_matches_nothing() {
        let passwords = Passwords::new(PasswordOptions::new());
        let long = secret(&"x".repeat(1_000_000));
        let hash = argon::hash(policy::cut(long.expose_secret())).unwrap();
        assert_eq!(passwords.verify(&long, Some(&hash)).await.unwrap(), Verdict::Mismatch);
        assert_eq!(passwords.hashes(), 1);
    }

    #[tokio::test]
    async fn whoever_finds_the_queue_full_is_told_at_once() {
        let options = PasswordOptions::new().with_concurrency(1).with_queue(1);
        let passwords = Passwords::new(options);
        // Takes the only slot without hashing for as long as the test wants.
        let slot = Arc::clone(&passwords.0.slots).acquire_owned().await.unwrap();
        let first = tokio::spawn({
            let passwords = passwords.clone();
            async move { passwords.hash(&secret("correct horse")).await }
        });
        while passwords.0.waiting.load(Ordering::Relaxed) == 0 {
            tokio::task::yield_now().await;
        }
        let second = passwords.hash(&secret("correct horse")).await;
        assert!(matches!(second, Err(PasswordError::Busy)));
        drop(slot);
        assert!(first.await.unwrap().is_ok());
        assert_eq!(passwords.0.waiting.load(Ordering::Relaxed), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_waits_for_ever() {
        let passwords = Passwords::new(PasswordOptions::new().with_concurrency(1));
        let _slot = Arc::clone(&passwords.0.slots).acquire_owned().await.unwrap();
        let late = passwords.hash(&secret("correct horse")).await;
        assert!(matches!(late, Err(PasswordError::Busy)));
    }

    #[tokio::test]
    async fn a_hash_that_cannot_be_read_is_an_error_and_no_match() {
        let passwords = Passwords::new(PasswordOptions::new());
        let broken = PasswordHash::from_stored("$argon2id$broken".to_owned());
        let failed = passwords.verify(&secret("correct horse"), Some(&broken)).await;
        assert!(matches!(failed, Err(PasswordError::Failed(_))));
    }
}
