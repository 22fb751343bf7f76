//! The data: made once by `initdb`, with a password that only its owner can read.

use std::{
    fs::{self, DirBuilder},
    io::ErrorKind,
    os::unix::fs::DirBuilderExt,
    path::Path,
    process::Output,
};

use secrecy::{ExposeSecret, SecretString};

use super::{
    binaries::Binaries,
    error::EmbeddedError,
    home::{self, Home},
    lock::Lock,
    user::RunAs,
};

/// How much of a program's output goes into an error, in bytes.
const TAIL: usize = 2000;

/// The major version that made the data; `None` when there is none yet.
pub(super) fn version(cluster: &Path) -> Result<Option<u32>, EmbeddedError> {
    let file = cluster.join("PG_VERSION");
    match fs::read_to_string(&file) {
        Ok(text) => match text.trim().parse() {
            Ok(version) => Ok(Some(version)),
            Err(_) => Err(EmbeddedError::Damaged { file }),
        },
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(EmbeddedError::io("read", file)(error))
        }
        Err(_) if cluster.exists() => Err(EmbeddedError::Damaged { file }),
        Err(_) => Ok(None),
    }
}

/// What a server is made of.
#[derive(Debug)]
pub(super) struct Site {
    pub(super) home: Home,
    pub(super) binaries: Binaries,
    pub(super) user: RunAs,
    pub(super) lock: Lock,
}

/// The superuser's password, after the data was made if there was none.
pub(super) fn open(site: &Site) -> Result<SecretString, EmbeddedError> {
    let home = &site.home;
    if version(&home.cluster())?.is_some() {
        return stored_password(home);
    }
    let password = new_password();
    if !home.is_throw_away() {
        home.write_private(&home.password(), password.expose_secret())?;
    }
    initialise(site, &password)?;
    fs::rename(home.new_cluster(), home.cluster())
        .map_err(EmbeddedError::io("rename", home.new_cluster()))?;
    if !home.is_throw_away() {
        home.sync()?;
    }
    Ok(password)
}

/// The end of what a program said, readable as text.
pub(super) fn tail(output: &[u8]) -> String {
    let start = output.len().saturating_sub(TAIL);
    String::from_utf8_lossy(&output[start..]).trim().to_owned()
}

fn stored_password(home: &Home) -> Result<SecretString, EmbeddedError> {
    let file = home.password();
    match fs::read_to_string(&file) {
        Ok(password) if is_password(&password) => Ok(password.into()),
        Ok(_) => Err(EmbeddedError::Damaged { file }),
        Err(error) if error.kind() == ErrorKind::NotFound => Err(EmbeddedError::Damaged { file }),
        Err(error) => Err(EmbeddedError::io("read", file)(error)),
    }
}

/// It goes into an address as it is.
fn is_password(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// 256 random bits in hexadecimal digits.
fn new_password() -> SecretString {
    let mut bytes = [0; 32];
    aws_lc_rs::rand::fill(&mut bytes).expect("the system's random source does not fail");
    bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>().into()
}

/// Runs `initdb` beside the final place, over what an interrupted run left.
fn initialise(site: &Site, password: &SecretString) -> Result<(), EmbeddedError> {
    let file = site.home.dir().join("initdb.password");
    site.home.write_private(&file, password.expose_secret())?;
    let done = site.user.own(&file).and_then(|()| run_initdb(site, &file));
    home::remove_file(&file)?;
    let output = done?;
    if output.status.success() {
        return Ok(());
    }
    let output = tail(&[output.stdout, output.stderr].concat());
    Err(EmbeddedError::InitDb { dir: site.home.dir().to_owned(), output })
}

fn run_initdb(site: &Site, password_file: &Path) -> Result<Output, EmbeddedError> {
    // Sorting by code point is the same everywhere; not every system knows upper case with it.
    let output = run_initdb_with(site, password_file, "C.UTF-8")?;
    if String::from_utf8_lossy(&output.stderr).contains("invalid locale name") {
        return run_initdb_with(site, password_file, "C");
    }
    Ok(output)
}

fn run_initdb_with(
    site: &Site,
    password_file: &Path,
    locale: &str,
) -> Result<Output, EmbeddedError> {
    let Site { home, binaries, user, lock } = site;
    make_empty(&home.new_cluster(), user)?;
    let mut command = user.command(binaries.initdb());
    command.env("LC_ALL", "C").env("TZ", "UTC");
    command.args(["--username=postgres", "--encoding=UTF8", "--no-instructions"]);
    command.args(["--auth-local=scram-sha-256", "--auth-host=scram-sha-256"]);
    command.arg(format!("--locale={locale}")).arg("--pgdata").arg(home.new_cluster());
    command.arg("--pwfile").arg(password_file);
    if home.is_throw_away() {
        command.arg("--no-sync");
    }
    // It reads nothing; the lock tells the next start that this one is still at work.
    command.stdin(lock.share().map_err(EmbeddedError::io("share", home.lock()))?);
    command.output().map_err(EmbeddedError::io("run", binaries.initdb()))
}

fn make_empty(cluster: &Path, user: &RunAs) -> Result<(), EmbeddedError> {
    match fs::remove_dir_all(cluster) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            return Err(EmbeddedError::io("remove", cluster)(error));
        }
        _ => {}
    }
    let create = DirBuilder::new().mode(0o700).create(cluster);
    create.map_err(EmbeddedError::io("create", cluster))?;
    user.own(cluster)
}
