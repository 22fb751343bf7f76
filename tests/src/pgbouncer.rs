//! A real PgBouncer in transaction mode, in front of a server on this machine.
//!
//! - Every client connection may get another server connection for its next transaction, which is
//!   what a tenant's context has to survive.
//! - It listens on 127.0.0.1 only and asks for the same passwords as the server does.
//! - It does not run as root: under root it steps down to `postgres`, else to `nobody`.
//!
//! ```
//! use saas_tenancy::embedded::EmbeddedPostgres;
//! use saas_tests::pgbouncer::PgBouncer;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let server = EmbeddedPostgres::throw_away().start().await?;
//! let bouncer = PgBouncer::before(server.superuser_url())?.with_pool_size(3).start()?;
//! let url = bouncer.url(server.superuser_url())?;
//! // … connect to that address instead …
//! # drop(url);
//! # Ok(())
//! # }
//! ```

use std::{
    fs::{self, File, Permissions},
    io::{self, Error, ErrorKind},
    net::{Ipv4Addr, TcpListener, TcpStream},
    os::unix::{
        fs::{MetadataExt, PermissionsExt, chown},
        process::CommandExt,
    },
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

use secrecy::{ExposeSecret, SecretString};
use tempfile::TempDir;
use url::Url;

/// How often the pooler is asked whether it listens, and with what pause.
const ASK: (u32, Duration) = (1000, Duration::from_millis(10));

/// How the pooler is started; made by [`PgBouncer::before`].
#[derive(Debug)]
#[must_use = "the pooler runs only after `start`"]
pub struct Options {
    server: u16,
    /// Lines of the list of users, with passwords.
    users: Vec<SecretString>,
    pool_size: u16,
}

impl Options {
    /// Lets the user of this address in too.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] when the address has no plain user and password.
    pub fn with_user_of(mut self, url: &SecretString) -> io::Result<Self> {
        self.users.push(user_line(&parse(url)?)?);
        Ok(self)
    }

    /// How many connections to the server there are for each user and database; 1 by default, so
    /// that clients share it as much as they can.
    pub fn with_pool_size(mut self, pool_size: u16) -> Self {
        self.pool_size = pool_size;
        self
    }

    /// Starts the pooler and waits until it listens. Blocks the thread for some milliseconds.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] when `pgbouncer` is not installed, [`ErrorKind::Other`] with its log
    /// when it ends or does not listen, and what the system says about files and processes.
    pub fn start(self) -> io::Result<PgBouncer> {
        let program = find()?;
        let dir = tempfile::Builder::new().prefix("saas-pgbouncer-").tempdir()?;
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
        self.write_files(dir.path(), port)?;
        let mut command = Command::new(program);
        command.arg(dir.path().join("pgbouncer.ini")).current_dir("/").stdin(Stdio::null());
        let log = File::create(dir.path().join("log"))?;
        command.stdout(log.try_clone()?).stderr(log);
        step_down(&mut command, dir.path())?;
        let child = command.spawn()?;
        PgBouncer { child, port, dir }.ready()
    }

    fn write_files(&self, dir: &Path, port: u16) -> io::Result<()> {
        let users: Vec<&str> = self.users.iter().map(ExposeSecret::expose_secret).collect();
        let list = dir.join("users.txt");
        write_private(&list, &users.concat())?;
        let (server, size, list) = (self.server, self.pool_size, list.display());
        // sqlx sends `extra_float_digits` when it connects, which the pooler does not know.
        let settings = format!(
            "[databases]\n* = host=127.0.0.1 port={server}\n[pgbouncer]\nlisten_addr = 127.0.0.1\n\
             listen_port = {port}\nunix_socket_dir =\nauth_type = scram-sha-256\nauth_file = {list}\n\
             pool_mode = transaction\ndefault_pool_size = {size}\nmax_client_conn = 500\n\
             ignore_startup_parameters = extra_float_digits\n"
        );
        write_private(&dir.join("pgbouncer.ini"), &settings)
    }
}

/// A running pooler. Dropping it stops it.
#[derive(Debug)]
pub struct PgBouncer {
    child: Child,
    port: u16,
    dir: TempDir,
}

impl PgBouncer {
    /// A pooler before the server of this address, for its user.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] when the address has no port or no plain user and password.
    pub fn before(server: &SecretString) -> io::Result<Options> {
        let port = parse(server)?.port().ok_or_else(|| invalid("the address has no port"))?;
        Options { server: port, users: Vec::new(), pool_size: 1 }.with_user_of(server)
    }

    /// The same address, but through the pooler.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] when it is not an address.
    pub fn url(&self, direct: &SecretString) -> io::Result<SecretString> {
        let mut url = parse(direct)?;
        url.set_port(Some(self.port)).map_err(|()| invalid("the address cannot have a port"))?;
        Ok(String::from(url).into())
    }

    /// The port on 127.0.0.1.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    fn ready(mut self) -> io::Result<Self> {
        for _ in 0..ASK.0 {
            if self.child.try_wait()?.is_some() {
                break;
            }
            if TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).is_ok() {
                return Ok(self);
            }
            thread::sleep(ASK.1);
        }
        let log = fs::read_to_string(self.dir.path().join("log"))?;
        Err(Error::other(format!("`pgbouncer` does not listen; its log says:\n{log}")))
    }
}

impl Drop for PgBouncer {
    fn drop(&mut self) {
        // It may have ended by itself, which is as good.
        if self.child.kill().is_ok() {
            self.child.wait().ok();
        }
    }
}

fn find() -> io::Result<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(["/usr/sbin".into(), "/usr/local/sbin".into()])
        .map(|dir| dir.join("pgbouncer"))
        .find(|program| program.is_file())
        .ok_or_else(|| {
            let text = "`pgbouncer` was not found; install it with `apt-get install pgbouncer`";
            Error::new(ErrorKind::NotFound, text)
        })
}

/// Under root, gives the directory and the process to another user.
fn step_down(command: &mut Command, dir: &Path) -> io::Result<()> {
    if dir.metadata()?.uid() != 0 {
        return Ok(());
    }
    let ids = |name| Some((id("-u", name)?, id("-g", name)?));
    let Some((uid, gid)) = ["postgres", "nobody"].into_iter().find_map(ids) else {
        return Err(Error::new(ErrorKind::NotFound, "there is no user `postgres` or `nobody`"));
    };
    for entry in fs::read_dir(dir)? {
        chown(entry?.path(), Some(uid), Some(gid))?;
    }
    chown(dir, Some(uid), Some(gid))?;
    command.uid(uid).gid(gid);
    Ok(())
}

fn id(flag: &str, name: &str) -> Option<u32> {
    let output = Command::new("id").args([flag, name]).output().ok()?;
    String::from_utf8(output.stdout).ok()?.trim().parse().ok()
}

fn user_line(url: &Url) -> io::Result<SecretString> {
    let (user, password) = (url.username(), url.password().unwrap_or_default());
    let plain = |text: &str| !text.is_empty() && !text.contains(['%', '"', '\n']);
    if plain(user) && plain(password) {
        Ok(format!("\"{user}\" \"{password}\"\n").into())
    } else {
        Err(invalid("the address needs a user and a password without special characters"))
    }
}

fn parse(url: &SecretString) -> io::Result<Url> {
    Url::parse(url.expose_secret()).map_err(|error| Error::new(ErrorKind::InvalidInput, error))
}

fn invalid(why: &'static str) -> Error {
    Error::new(ErrorKind::InvalidInput, why)
}

fn write_private(path: &Path, text: &str) -> io::Result<()> {
    fs::write(path, "")?;
    fs::set_permissions(path, Permissions::from_mode(0o600))?;
    fs::write(path, text)
}

#[cfg(test)]
mod tests {
    use saas_tenancy::embedded::EmbeddedPostgres;
    use sqlx::{Connection, Row};

    use super::*;

    #[expect(clippy::disallowed_types, reason = "there are no tenants here, only a pooler")]
    type Client = sqlx::PgConnection;

    async fn connect(url: &SecretString) -> sqlx::Result<Client> {
        Client::connect(url.expose_secret()).await
    }

    async fn backend(client: &mut Client) -> i32 {
        let row = sqlx::raw_sql("select pg_backend_pid()").fetch_one(client).await.unwrap();
        row.get(0)
    }

    #[tokio::test]
    async fn two_clients_share_one_server_connection() {
        let server = EmbeddedPostgres::throw_away().start().await.unwrap();
        let bouncer = PgBouncer::before(server.superuser_url()).unwrap().start().unwrap();
        let url = bouncer.url(server.superuser_url()).unwrap();
        let (mut one, mut two) = (connect(&url).await.unwrap(), connect(&url).await.unwrap());
        assert_eq!(backend(&mut one).await, backend(&mut two).await);
        server.stop().await.unwrap();
    }

    #[tokio::test]
    async fn only_users_with_their_password_are_let_in() {
        let server = EmbeddedPostgres::throw_away().start().await.unwrap();
        let direct = server.superuser_url().expose_secret();
        let mut admin = connect(server.superuser_url()).await.unwrap();
        let create = "create role clerk login password 'abc'";
        sqlx::query(create).execute(&mut admin).await.unwrap();
        let (_, rest) = direct.split_once('@').unwrap();
        let clerk: SecretString = format!("postgres://clerk:abc@{rest}").into();
        let bouncer = PgBouncer::before(server.superuser_url()).unwrap();
        let bouncer = bouncer.with_user_of(&clerk).unwrap().start().unwrap();

        let mut client = connect(&bouncer.url(&clerk).unwrap()).await.unwrap();
        let user = sqlx::raw_sql("select current_user::text").fetch_one(&mut client).await.unwrap();
        assert_eq!(user.get::<String, _>(0), "clerk");
        let wrong: SecretString = format!("postgres://clerk:abd@{rest}").into();
        assert!(connect(&bouncer.url(&wrong).unwrap()).await.is_err());
        server.stop().await.unwrap();
    }

    #[tokio::test]
    async fn a_dropped_pooler_is_gone() {
        let server = EmbeddedPostgres::throw_away().start().await.unwrap();
        let bouncer = PgBouncer::before(server.superuser_url()).unwrap().start().unwrap();
        let (port, dir) = (bouncer.port(), bouncer.dir.path().to_owned());
        drop(bouncer);
        assert!(TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err());
        assert!(!dir.exists());
        server.stop().await.unwrap();
    }
}
