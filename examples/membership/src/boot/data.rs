//! The directory in which an application with a private server keeps everything.
//!
//! ```text
//! dir/            passable but not readable for others when the caller is root, else closed
//!   postgres/     the private server, see `saas_tenancy::embedded`
//!   secret-key    from which the passwords of the application and of database tenants are made
//!   vault-keys    wrap the keys that secrets of tenants are sealed under
//!   running       who uses the directory, and how to reach its server meanwhile
//!   lock          held as long as somebody does
//! ```

use std::{
    fs::{self, DirBuilder, File, Permissions, TryLockError},
    io::{self, ErrorKind, Read, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

use aws_lc_rs::rand;
use saas_core::config::{Env, Setting};
use secrecy::{ExposeSecret, SecretString};

use crate::failure::Failure;

const XDG_DATA_HOME: Setting<PathBuf> = Setting::new("XDG_DATA_HOME", "/home/me/.local/share");
const HOME: Setting<PathBuf> = Setting::new("HOME", "/home/me");

/// Where root keeps it: the server's own user can get there, unlike below `/root`.
const OF_ROOT: &str = "/var/lib/membership";

/// The directory in which the application keeps everything.
#[derive(Debug, Clone)]
pub struct DataDir(PathBuf);

impl DataDir {
    /// The directory that was asked for, or the usual one of the user.
    ///
    /// # Errors
    /// [`Failure::Config`] when a variable is not valid, [`Failure::Needs`] when there is no home.
    pub fn choose(asked: Option<PathBuf>, env: &Env) -> Result<Self, Failure> {
        if let Some(dir) = asked {
            let dir = std::path::absolute(dir).map_err(Failure::io("find the directory"))?;
            return Ok(Self(dir));
        }
        if is_root() {
            return Ok(Self(OF_ROOT.into()));
        }
        let home = || Ok::<_, Failure>(env.get(&HOME)?.map(|home| home.join(".local/share")));
        let base = match env.get(&XDG_DATA_HOME)? {
            // A relative path is to be ignored, says the specification.
            Some(base) if base.is_absolute() => Some(base),
            _ => home()?,
        };
        let base = base.ok_or(Failure::Needs("no home directory is known; use `--data DIR`"))?;
        Ok(Self(base.join("membership")))
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Where the private server lives.
    #[must_use]
    pub fn postgres(&self) -> PathBuf {
        self.0.join("postgres")
    }

    /// Takes the directory for this process, and makes it first if it is missing. `None` when
    /// another process has it.
    ///
    /// # Errors
    /// [`Failure::Io`] when the operating system refuses.
    pub fn take(&self) -> Result<Option<Held>, Failure> {
        let mode = if is_root() { 0o711 } else { 0o700 };
        let failed = || Failure::io(format!("create `{}`", self.0.display()));
        if !self.0.exists() {
            DirBuilder::new().recursive(true).mode(mode).create(&self.0).map_err(failed())?;
            fs::set_permissions(&self.0, Permissions::from_mode(mode)).map_err(failed())?;
        }
        let path = self.0.join("lock");
        let lock = File::options().create(true).truncate(false).write(true).mode(0o600).open(&path);
        let lock = lock.map_err(Failure::io(format!("open `{}`", path.display())))?;
        match lock.try_lock() {
            Ok(()) => Ok(Some(Held { dir: self.clone(), _lock: lock })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(source)) => {
                Err(Failure::io(format!("lock `{}`", path.display()))(source))
            }
        }
    }

    /// How to reach the server that another process runs here, as its superuser; `None` when it is
    /// not up yet.
    ///
    /// # Errors
    /// [`Failure::Io`] when the file cannot be read.
    pub fn attach(&self) -> Result<Option<SecretString>, Failure> {
        let text = read(&self.running())?;
        Ok(text.and_then(|text| Some(text.lines().nth(1)?.to_owned().into())))
    }

    /// Whether another process has the directory. Nothing is made to find out.
    #[must_use]
    pub fn is_in_use(&self) -> bool {
        self.0.exists() && matches!(self.take(), Ok(None))
    }

    /// The error for a command that needs the directory for itself.
    #[must_use]
    pub fn in_use(&self) -> Failure {
        let text = read(&self.running()).ok().flatten();
        let pid = text.as_deref().and_then(|text| text.lines().next()).unwrap_or("unknown");
        Failure::InUse { dir: self.0.clone(), pid: pid.to_owned() }
    }

    /// The key that is kept here; `None` before the first start.
    ///
    /// # Errors
    /// [`Failure::Io`] when the file cannot be read.
    pub fn key(&self) -> Result<Option<SecretString>, Failure> {
        Ok(read(&self.key_file())?.map(|text| text.trim_end().to_owned().into()))
    }

    /// Where the keys of the vault are, unless the environment names another file.
    #[must_use]
    pub fn vault_keys(&self) -> PathBuf {
        self.0.join("vault-keys")
    }

    fn running(&self) -> PathBuf {
        self.0.join("running")
    }

    fn key_file(&self) -> PathBuf {
        self.0.join("secret-key")
    }
}

/// The directory, for this process alone until this is dropped.
#[derive(Debug)]
pub struct Held {
    dir: DataDir,
    _lock: File,
}

impl Held {
    /// Removes the private server's data and the keys that belong to it.
    ///
    /// # Errors
    /// [`Failure::Usage`] when the directory is not of an application like this one,
    /// [`Failure::Io`] when the operating system refuses.
    pub fn reset(&self) -> Result<(), Failure> {
        let postgres = self.dir.postgres();
        if postgres.exists() && !self.dir.key_file().exists() {
            let dir = self.dir.0.display();
            let text = format!("`{dir}` was not made by this program, so it is not removed");
            return Err(Failure::Usage(text));
        }
        let gone = |result: io::Result<()>, path: &Path| match result {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                Err(Failure::io(format!("remove `{}`", path.display()))(error))
            }
            _ => Ok(()),
        };
        gone(fs::remove_dir_all(&postgres), &postgres)?;
        gone(fs::remove_file(self.dir.vault_keys()), &self.dir.vault_keys())?;
        gone(fs::remove_file(self.dir.key_file()), &self.dir.key_file())
    }

    /// The key that is kept here, made on the first start.
    ///
    /// # Errors
    /// [`Failure::Io`] when the file cannot be read or written.
    pub fn key(&self) -> Result<SecretString, Failure> {
        if let Some(key) = self.dir.key()? {
            return Ok(key);
        }
        let key = random_key()?;
        write_private(&self.dir.key_file(), &format!("{}\n", key.expose_secret()))?;
        Ok(key)
    }

    /// Tells other commands how to reach the private server.
    ///
    /// # Errors
    /// [`Failure::Io`] when the file cannot be written.
    pub fn announce(&self, superuser: &SecretString) -> Result<(), Failure> {
        let text = format!("{}\n{}\n", std::process::id(), superuser.expose_secret());
        write_private(&self.dir.running(), &text)
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        // A file that stays is only believed while somebody holds the lock.
        drop(fs::remove_file(self.dir.running()));
    }
}

/// Whether this process is root, as which PostgreSQL does not run.
fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

fn random_key() -> Result<SecretString, Failure> {
    let mut bytes = [0_u8; 32];
    rand::fill(&mut bytes).map_err(Failure::other("draw random bytes"))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>().into())
}

/// The text of a file, if it is there.
fn read(path: &Path) -> Result<Option<String>, Failure> {
    let mut text = String::new();
    match File::open(path).and_then(|mut file| file.read_to_string(&mut text)) {
        Ok(_) => Ok(Some(text)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Failure::io(format!("read `{}`", path.display()))(error)),
    }
}

/// Puts a file in place as a whole, readable for its owner alone.
fn write_private(path: &Path, text: &str) -> Result<(), Failure> {
    let new = path.with_extension("new");
    let write = || {
        drop(fs::remove_file(&new));
        let mut file = File::options().write(true).create_new(true).mode(0o600).open(&new)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&new, path)
    };
    write().map_err(Failure::io(format!("write `{}`", path.display())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scratch() -> (tempfile::TempDir, DataDir) {
        let scratch = tempfile::tempdir().unwrap();
        let dir = DataDir(scratch.path().join("data"));
        (scratch, dir)
    }

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn the_key_is_made_once_and_for_its_owner_alone() {
        let (_scratch, dir) = scratch();
        let held = dir.take().unwrap().unwrap();
        let key = held.key().unwrap();
        assert_eq!(key.expose_secret().len(), 64);
        assert_eq!(held.key().unwrap().expose_secret(), key.expose_secret());
        assert_eq!(mode(&dir.key_file()), 0o600);
        assert_eq!(mode(dir.path()) & 0o066, 0, "others can look into it");
    }

    #[test]
    fn one_process_has_the_directory_and_the_others_learn_how_to_reach_it() {
        let (_scratch, dir) = scratch();
        let held = dir.take().unwrap().unwrap();
        assert!(dir.take().unwrap().is_none());
        assert!(dir.is_in_use());
        assert!(dir.attach().unwrap().is_none());
        held.announce(&"postgres://postgres:secret@127.0.0.1:1/postgres".to_owned().into())
            .unwrap();
        assert!(dir.attach().unwrap().unwrap().expose_secret().ends_with("/postgres"));
        assert_eq!(mode(&dir.running()), 0o600);
        assert!(dir.in_use().to_string().contains(&std::process::id().to_string()));
        drop(held);
        assert!(!dir.running().exists());
        assert!(dir.take().unwrap().is_some());
    }

    #[test]
    fn to_ask_whether_a_directory_is_in_use_does_not_make_it() {
        let (_scratch, dir) = scratch();
        assert!(!dir.is_in_use());
        assert!(!dir.path().exists());
    }

    #[test]
    fn a_directory_of_somebody_else_is_not_removed() {
        let (_scratch, dir) = scratch();
        let held = dir.take().unwrap().unwrap();
        fs::create_dir(dir.postgres()).unwrap();
        assert!(matches!(held.reset(), Err(Failure::Usage(_))));
        assert!(dir.postgres().exists());
        held.key().unwrap();
        fs::write(dir.vault_keys(), "").unwrap();
        held.reset().unwrap();
        assert!(!dir.postgres().exists() && !dir.key_file().exists());
        assert!(!dir.vault_keys().exists(), "it would wrap the keys of another database");
    }

    #[test]
    fn the_directory_is_below_the_users_data_unless_it_is_named() {
        let env = Env::from_pairs([("HOME", "/home/me"), ("XDG_DATA_HOME", "relative")]);
        let expected = if is_root() { OF_ROOT } else { "/home/me/.local/share/membership" };
        assert_eq!(DataDir::choose(None, &env).unwrap().path(), Path::new(expected));
        let named = DataDir::choose(Some("/srv/data".into()), &env).unwrap();
        assert_eq!(named.path(), Path::new("/srv/data"));
    }
}
