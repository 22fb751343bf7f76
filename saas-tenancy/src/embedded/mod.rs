//! A private PostgreSQL server, started from the binaries on the machine.
//!
//! - **Binaries.** [`Options::with_bin_dir`], else the variable [`SAAS_PG_BIN`], else `PATH`, else
//!   the usual places of distributions, newest first. Version 14 or newer. Data that exists is only
//!   ever opened with its own major version.
//! - **Data.** [`EmbeddedPostgres::at`] keeps it in a directory, safe against crashes;
//!   [`EmbeddedPostgres::throw_away`] gives safety up for speed and removes it at the end.
//! - **Private.** The server listens on 127.0.0.1 only, on a free port, and asks for a random
//!   password of 256 bits that is kept in the directory, readable by its owner alone. It gets no
//!   variables of this process.
//! - **User.** PostgreSQL does not run as root. Under root the server runs as the owner of the data,
//!   else as `postgres`, else as `nobody`, and that user must be able to reach the directory.
//! - **One at a time.** A second start on the same directory is refused and told who holds it. After
//!   a crash of the holder, the next start waits for the old server to end.
//! - **No orphans.** The server ends with the process that started it, even when that is killed. It
//!   has a process group of its own: Ctrl-C in a terminal reaches the application first.
//! - **Log.** `server.log` in the directory, and one of the run before. Failed statements are not
//!   in it, unless `log_min_messages` says otherwise.
//!
//! It is made for one machine: development, tests, small installations. It needs a Unix system.
//!
//! ```
//! use saas_tenancy::embedded::{EmbeddedError, EmbeddedPostgres};
//! use secrecy::ExposeSecret;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), EmbeddedError> {
//! let server = EmbeddedPostgres::throw_away().with_setting("max_connections", "20")?.start().await?;
//! assert!(server.superuser_url().expose_secret().starts_with("postgres://postgres:"));
//! // … connect to that address …
//! server.stop().await?;
//! # Ok(())
//! # }
//! ```

mod binaries;
mod cluster;
mod error;
mod home;
mod launch;
mod lock;
mod options;
mod poll;
mod supervisor;
#[cfg(test)]
mod tests;
mod user;

use std::{
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

use secrecy::{ExposeSecret, SecretString};

pub use error::EmbeddedError;
pub use lock::Holder;
pub use options::{Options, SAAS_PG_BIN};

use home::Home;
use lock::Lock;
use options::Place;
use supervisor::Supervisor;

/// How long a server may take to write its data out.
const STOP_LIMIT: Duration = Duration::from_secs(60);

/// A running private server. See the [module docs](self).
///
/// Dropping it stops the server too, but does not wait for that; [`stop`](Self::stop) does.
#[derive(Debug)]
pub struct EmbeddedPostgres {
    running: Option<Running>,
    port: u16,
    version: u32,
    superuser_url: SecretString,
    data_dir: PathBuf,
}

impl EmbeddedPostgres {
    /// A server that keeps its data in `dir`, which is created when it is missing and otherwise
    /// must be empty or hold the data of an earlier start.
    pub fn at(dir: impl Into<PathBuf>) -> Options {
        Options::new(Place::At(dir.into()))
    }

    /// A server for tests: fast, not safe against crashes, gone without a trace at the end.
    pub fn throw_away() -> Options {
        Options::new(Place::ThrowAway)
    }

    /// The port on 127.0.0.1.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The major version of the server.
    #[must_use]
    pub fn version(&self) -> u32 {
        self.version
    }

    /// The address of the database `postgres` for the superuser `postgres`, with the password.
    #[must_use]
    pub fn superuser_url(&self) -> &SecretString {
        &self.superuser_url
    }

    /// Where the server keeps its data. Only its user can look inside.
    #[must_use]
    pub fn data_dir(&self) -> &Path {
        &self.data_dir
    }

    /// Disconnects all clients, stops the server and waits until its data is written out.
    ///
    /// # Errors
    /// [`EmbeddedError::NotStopped`] when that takes longer than a minute; the server then goes on
    /// stopping by itself. [`EmbeddedError::Io`] when the system cannot tell.
    /// [`EmbeddedError::RuntimeGone`] when the async runtime shuts down.
    pub async fn stop(mut self) -> Result<(), EmbeddedError> {
        match self.running.take() {
            Some(running) => on_blocking_thread(move || running.end(STOP_LIMIT)).await,
            None => Ok(()),
        }
    }

    fn new(running: Running, port: u16, version: u32, password: &SecretString) -> Self {
        let password = password.expose_secret();
        let url =
            format!("postgres://postgres:{password}@127.0.0.1:{port}/postgres?sslmode=disable");
        let data_dir = running.home.cluster();
        tracing::info!(port, version, dir = %data_dir.display(), "private PostgreSQL server is ready");
        Self { running: Some(running), port, version, superuser_url: url.into(), data_dir }
    }
}

impl Drop for EmbeddedPostgres {
    fn drop(&mut self) {
        let Some(mut running) = self.running.take() else { return };
        // From here on the server stops, even if this process ends before the thread has run.
        running.supervisor.ask_to_end();
        let thread = thread::Builder::new().name("stop-postgres".to_owned());
        if let Err(error) = thread.spawn(move || running.end(STOP_LIMIT)) {
            tracing::warn!(%error, "cannot wait for the private PostgreSQL server to stop");
        }
    }
}

/// What has to live as long as the server. The lock and the directory go after the server.
#[derive(Debug)]
struct Running {
    supervisor: Supervisor,
    lock: Lock,
    home: Home,
}

impl Running {
    fn end(mut self, limit: Duration) -> Result<(), EmbeddedError> {
        let dir = self.home.dir().to_owned();
        self.lock.leave().map_err(EmbeddedError::io("write", self.home.lock()))?;
        match self.supervisor.end(limit) {
            Ok(true) => Ok(()),
            Ok(false) => Err(EmbeddedError::NotStopped { dir, limit }),
            Err(source) => Err(EmbeddedError::io("wait for the server in", dir)(source)),
        }
    }
}

/// Runs what blocks. If the caller stops waiting, the result is dropped when it is there.
async fn on_blocking_thread<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, EmbeddedError> + Send + 'static,
) -> Result<T, EmbeddedError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(_) => Err(EmbeddedError::RuntimeGone),
        },
    }
}
