//! Whom the server runs as: PostgreSQL refuses to run as root.

use std::{
    ffi::OsStr,
    fs, io,
    os::unix::{fs::MetadataExt, process::CommandExt},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use super::error::EmbeddedError;

/// Whom the server runs as.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum RunAs {
    /// The user of this process.
    Caller,
    /// This process is root and steps down.
    Other { uid: u32, gid: u32, name: String },
}

/// Prints the position of the first argument that cannot be entered.
const FIRST_CLOSED: &str = r#"i=0; for d; do [ -x "$d" ] || { echo $i; exit; }; i=$((i+1)); done"#;

impl RunAs {
    /// The owner of the data if there is any, else the caller, else `postgres`, else `nobody`.
    pub(super) fn choose(cluster: &Path) -> Result<Self, EmbeddedError> {
        if !rustix::process::geteuid().is_root() {
            return Ok(Self::Caller);
        }
        match fs::metadata(cluster) {
            Ok(data) if data.uid() != 0 => {
                let (uid, gid) = (data.uid(), data.gid());
                Ok(Self::Other { uid, gid, name: uid.to_string() })
            }
            Ok(_) => Err(EmbeddedError::OwnedByRoot { dir: cluster.to_owned() }),
            Err(_) => ["postgres", "nobody"]
                .into_iter()
                .find_map(Self::named)
                .ok_or(EmbeddedError::NoUser),
        }
    }

    /// The user of this name, unless it is root.
    pub(super) fn named(name: &str) -> Option<Self> {
        let (uid, gid) = (id("-u", name)?, id("-g", name)?);
        (uid != 0 && gid != 0).then(|| Self::Other { uid, gid, name: name.to_owned() })
    }

    /// A command as this user. It gets no variables of this process, which may hold secrets, and a
    /// process group of its own, so that Ctrl-C in a terminal stops the application first.
    pub(super) fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command.env_clear().current_dir("/").stdin(Stdio::null()).process_group(0);
        for name in ["PATH", "LD_LIBRARY_PATH"] {
            if let Some(value) = std::env::var_os(name) {
                command.env(name, value);
            }
        }
        if let Self::Other { uid, gid, .. } = self {
            command.uid(*uid).gid(*gid);
        }
        command
    }

    /// Makes this user the owner of `path`.
    pub(super) fn own(&self, path: &Path) -> Result<(), EmbeddedError> {
        let Self::Other { uid, gid, .. } = self else { return Ok(()) };
        std::os::unix::fs::lchown(path, Some(*uid), Some(*gid))
            .map_err(EmbeddedError::io("change the owner of", path))
    }

    /// Checks that this user can get to `path`, or to the part of it that exists.
    pub(super) fn can_reach(&self, path: &Path) -> Result<(), EmbeddedError> {
        let Self::Other { name, .. } = self else { return Ok(()) };
        let existing = path.ancestors().find(|part| part.exists()).unwrap_or(Path::new("/"));
        let real = existing.canonicalize().map_err(EmbeddedError::io("resolve", existing))?;
        match self.first_closed(&real).map_err(EmbeddedError::io("check", path))? {
            Some(dir) => Err(EmbeddedError::Closed { dir, user: name.clone() }),
            None => Ok(()),
        }
    }

    /// Asks the system as that user, because mode bits alone do not tell (access lists).
    fn first_closed(&self, path: &Path) -> io::Result<Option<PathBuf>> {
        let mut parts: Vec<&Path> = path.ancestors().collect();
        parts.reverse();
        let output =
            self.command("/bin/sh").args(["-c", FIRST_CLOSED, "sh"]).args(&parts).output()?;
        if !output.status.success() {
            return Err(io::Error::other(String::from_utf8_lossy(&output.stderr).into_owned()));
        }
        let position = String::from_utf8_lossy(&output.stdout).trim().parse::<usize>().ok();
        Ok(position.and_then(|position| parts.get(position)).map(|part| part.to_path_buf()))
    }
}

/// Asks `id`, which knows users of every source, not only of `/etc/passwd`.
fn id(flag: &str, name: &str) -> Option<u32> {
    let output = Command::new("id").args([flag, name]).output().ok()?;
    String::from_utf8(output.stdout).ok()?.trim().parse().ok()
}
