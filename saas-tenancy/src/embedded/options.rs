//! How a private server is started.

use std::{
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use saas_core::config::{Env, Setting};

use super::{
    EmbeddedPostgres, Running,
    binaries::{self, Binaries, Data, Places},
    cluster::{self, Site},
    error::EmbeddedError,
    home::{self, Home},
    launch::{self, Plan},
    lock::Lock,
    on_blocking_thread,
    user::RunAs,
};

/// The directory that holds `postgres` and `initdb`, before all others.
pub const SAAS_PG_BIN: Setting<PathBuf> = Setting::new("SAAS_PG_BIN", "/usr/lib/postgresql/17/bin");

const PATH: Setting<PathBuf> = Setting::new("PATH", "/usr/local/bin:/usr/bin");

/// What the module decides; a setting of these names is refused.
const FIXED: [&str; 9] = [
    "listen_addresses",
    "port",
    "unix_socket_directories",
    "data_directory",
    "config_file",
    "hba_file",
    "ident_file",
    "external_pid_file",
    "logging_collector",
];

/// The longest value of a setting, in bytes.
const LONGEST_VALUE: usize = 1000;

/// How a private server is started; made by [`EmbeddedPostgres::at`] and
/// [`EmbeddedPostgres::throw_away`].
#[derive(Debug, Clone)]
#[must_use = "a server runs only after `start`"]
pub struct Options {
    place: Place,
    bin_dir: Option<PathBuf>,
    env: Env,
    settings: Vec<(String, String)>,
    start_limit: Duration,
}

#[derive(Debug, Clone)]
pub(super) enum Place {
    At(PathBuf),
    ThrowAway,
}

impl Options {
    pub(super) fn new(place: Place) -> Self {
        Self {
            place,
            bin_dir: None,
            env: Env::process(),
            settings: Vec::new(),
            start_limit: Duration::from_secs(60),
        }
    }

    /// Uses the programs in this directory and no others.
    pub fn with_bin_dir(mut self, dir: impl Into<PathBuf>) -> Self {
        self.bin_dir = Some(dir.into());
        self
    }

    /// Takes [`SAAS_PG_BIN`] and `PATH` from here; the default is the environment of the process.
    pub fn with_env(mut self, env: Env) -> Self {
        self.env = env;
        self
    }

    /// Sets a parameter of the server, for example `max_connections` (200 by default) or
    /// `shared_buffers` (64 MB by default, which keeps an idle server small). Other users of the
    /// machine can see the value in the list of processes.
    ///
    /// # Errors
    /// [`EmbeddedError::Setting`] when the name or the value cannot be passed on, or when the
    /// parameter is one that keeps the server private.
    pub fn with_setting(mut self, name: &str, value: &str) -> Result<Self, EmbeddedError> {
        let refuse = |why| Err(EmbeddedError::Setting { name: name.to_owned(), why });
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "_.".contains(c);
        if name.is_empty() || name.len() > 63 || !name.chars().all(plain) {
            return refuse("a name has 1 to 63 lower-case letters, digits, `_` and `.`");
        }
        if FIXED.contains(&name) {
            return refuse("it keeps the server private and is set here; leave it out");
        }
        if value.len() > LONGEST_VALUE || value.contains(char::is_control) {
            return refuse("a value has at most 1000 bytes and no control characters");
        }
        self.settings.push((name.to_owned(), value.to_owned()));
        Ok(self)
    }

    /// How long the server may take until it accepts connections; 60 seconds by default. After a
    /// crash it first recovers its data.
    pub fn with_start_limit(mut self, limit: Duration) -> Self {
        self.start_limit = limit;
        self
    }

    /// Starts the server and returns once it accepts connections. On the first start in a
    /// directory, makes the data.
    ///
    /// When the returned future is dropped meanwhile, the server is stopped again.
    ///
    /// # Errors
    /// - [`EmbeddedError::NoBinaries`], [`NotBinaries`](EmbeddedError::NotBinaries),
    ///   [`TooOld`](EmbeddedError::TooOld), [`WrongVersion`](EmbeddedError::WrongVersion) and
    ///   [`Config`](EmbeddedError::Config) when there are no programs to use.
    /// - [`NoUser`](EmbeddedError::NoUser), [`Closed`](EmbeddedError::Closed),
    ///   [`ForeignOwner`](EmbeddedError::ForeignOwner), [`OwnedByRoot`](EmbeddedError::OwnedByRoot),
    ///   [`NotOurs`](EmbeddedError::NotOurs), [`Damaged`](EmbeddedError::Damaged) and
    ///   [`Io`](EmbeddedError::Io) when the directory cannot be used.
    /// - [`InUse`](EmbeddedError::InUse) when another server runs there.
    /// - [`InitDb`](EmbeddedError::InitDb), [`Ended`](EmbeddedError::Ended) and
    ///   [`NotReady`](EmbeddedError::NotReady) when PostgreSQL itself fails, with what it said.
    /// - [`RuntimeGone`](EmbeddedError::RuntimeGone) when the async runtime shuts down.
    pub async fn start(self) -> Result<EmbeddedPostgres, EmbeddedError> {
        self.start_on(launch::free_port).await
    }

    /// Starts on the first of the ports that is free.
    pub(super) async fn start_on(
        self,
        next_port: impl FnMut() -> io::Result<u16> + Send + 'static,
    ) -> Result<EmbeddedPostgres, EmbeddedError> {
        // `initdb` takes half a second, and the file system blocks anyway.
        on_blocking_thread(move || self.start_blocking(next_port)).await
    }

    fn start_blocking(
        mut self,
        next_port: impl FnMut() -> io::Result<u16>,
    ) -> Result<EmbeddedPostgres, EmbeddedError> {
        let settings = std::mem::take(&mut self.settings);
        let plan = Plan { settings, limit: self.start_limit };
        let site = self.prepare()?;
        let password = cluster::open(&site)?;
        let log = site.home.open_log()?;
        site.home.hand_over(&site.user)?;
        let (supervisor, port) = launch::launch(&site, &log, &plan, next_port)?;
        let version = site.binaries.version();
        let Site { home, lock, .. } = site;
        Ok(EmbeddedPostgres::new(Running { supervisor, lock, home }, port, version, &password))
    }

    /// Everything that can be refused before anything is made, then the directory and its lock.
    fn prepare(&self) -> Result<Site, EmbeddedError> {
        let (user, binaries, home) = match &self.place {
            Place::At(dir) => {
                let dir = &std::path::absolute(dir).map_err(EmbeddedError::io("resolve", dir))?;
                home::check_owner(dir)?;
                let cluster = home::cluster_in(dir);
                let version = cluster::version(&cluster)?;
                let binaries = self.binaries(version.map(|version| Data { dir, version }))?;
                let user = RunAs::choose(&cluster)?;
                binaries.reachable_by(&user)?;
                let home = Home::open(dir, &user)?;
                (user, binaries, home)
            }
            Place::ThrowAway => {
                let binaries = self.binaries(None)?;
                let user = RunAs::choose(Path::new(""))?;
                binaries.reachable_by(&user)?;
                let home = Home::throw_away(&user)?;
                (user, binaries, home)
            }
        };
        let lock = Lock::take(&home.lock(), home.dir(), self.start_limit)?;
        Ok(Site { home, binaries, user, lock })
    }

    fn binaries(&self, data: Option<Data<'_>>) -> Result<Binaries, EmbeddedError> {
        let named = match &self.bin_dir {
            Some(dir) => Some(dir.clone()),
            None => self.env.get(&SAAS_PG_BIN)?,
        };
        match named {
            Some(dir) => binaries::named(&dir, data),
            None => {
                // A search path that is not Unicode is left out rather than refused.
                let path = self.env.get(&PATH).ok().flatten().map(PathBuf::into_os_string);
                binaries::search(&Places::of_machine(path), data)
            }
        }
    }
}
