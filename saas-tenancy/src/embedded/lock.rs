//! One server per directory.
//!
//! The lock is a `flock` on a file that also says who holds it. It belongs to the open file, which
//! the server and its supervisor inherit: a process that was killed gives it back only once its
//! server is gone too. What a file from yesterday says is never believed, only the lock is.

use std::{
    fmt,
    fs::{File, TryLockError},
    io::{self, Read, Seek, SeekFrom, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
    time::Duration,
};

use chrono::{DateTime, SecondsFormat, Utc};
use rustix::process::Pid;

use super::{error::EmbeddedError, poll::poll};

/// Who uses a directory, as far as it is known.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Holder {
    /// The process that started the server. `None` while that server is still shutting down.
    pub pid: Option<u32>,
    /// The port of its server.
    pub port: Option<u16>,
    /// Since when.
    pub since: Option<DateTime<Utc>>,
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.pid {
            Some(pid) => write!(f, "process {pid}")?,
            None => f.write_str("a server that is still shutting down")?,
        }
        if let Some(port) = self.port {
            write!(f, " with its server on port {port}")?;
        }
        if let Some(since) = self.since {
            write!(f, " since {}", since.to_rfc3339_opts(SecondsFormat::Secs, true))?;
        }
        Ok(())
    }
}

impl Holder {
    fn read(file: &mut File) -> io::Result<Self> {
        let since = file.metadata()?.modified().ok().map(DateTime::from);
        file.seek(SeekFrom::Start(0))?;
        let mut text = String::new();
        file.take(100).read_to_string(&mut text)?;
        let mut words = text.split_whitespace();
        let pid = words.next().and_then(|word| word.parse().ok());
        let port = words.next().and_then(|word| word.parse().ok());
        Ok(Self { pid, port, since })
    }

    /// Whether the process exists. Of another user's process it is only known that it does.
    fn lives(&self) -> bool {
        let pid = self.pid.and_then(|pid| i32::try_from(pid).ok()).and_then(Pid::from_raw);
        pid.is_some_and(|pid| {
            rustix::process::test_kill_process(pid) != Err(rustix::io::Errno::SRCH)
        })
    }
}

/// The right to use a directory, until it is dropped here and its server has ended.
#[derive(Debug)]
pub(super) struct Lock {
    file: File,
}

impl Lock {
    /// Takes the lock, waiting up to `limit` for a server whose starter is gone.
    pub(super) fn take(path: &Path, dir: &Path, limit: Duration) -> Result<Self, EmbeddedError> {
        let mut file = File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(path)
            .map_err(EmbeddedError::io("open", path))?;
        let in_use = |holder| EmbeddedError::InUse { dir: dir.to_owned(), holder };
        let mut last = None;
        let taken = poll(limit, || match file.try_lock() {
            Ok(()) => Some(Ok(())),
            Err(TryLockError::Error(source)) => Some(Err(EmbeddedError::io("lock", path)(source))),
            Err(TryLockError::WouldBlock) => match Holder::read(&mut file) {
                Ok(holder) if holder.lives() => Some(Err(in_use(holder))),
                Ok(holder) => {
                    last = Some(holder);
                    None
                }
                Err(source) => Some(Err(EmbeddedError::io("read", path)(source))),
            },
        });
        match (taken, last) {
            (Some(result), _) => result?,
            (None, holder) => {
                let holder = holder.unwrap_or(Holder { pid: None, port: None, since: None });
                return Err(in_use(Holder { pid: None, ..holder }));
            }
        }
        let lock = Self { file };
        lock.write(&std::process::id().to_string()).map_err(EmbeddedError::io("write", path))?;
        Ok(lock)
    }

    /// Tells others where the server listens.
    pub(super) fn record(&self, port: u16) -> io::Result<()> {
        self.write(&format!("{} {port}\n", std::process::id()))
    }

    /// Tells others that this process is done, and only its server has yet to end.
    pub(super) fn leave(&self) -> io::Result<()> {
        self.file.set_len(0)
    }

    /// The lock for a child process, which then holds it too.
    pub(super) fn share(&self) -> io::Result<File> {
        self.file.try_clone()
    }

    fn write(&self, text: &str) -> io::Result<()> {
        let mut file = &self.file;
        file.set_len(0)?;
        file.seek(SeekFrom::Start(0))?;
        file.write_all(text.as_bytes())
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        if let Err(error) = self.leave() {
            tracing::debug!(%error, "cannot clear the lock file of a private PostgreSQL server");
        }
    }
}
