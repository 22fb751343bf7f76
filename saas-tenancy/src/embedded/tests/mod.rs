//! The private server as its users meet it: real servers, real kills.

mod directory;
mod lifetime;
mod privacy;

use std::{
    fs::{File, Permissions},
    os::unix::fs::PermissionsExt,
    path::Path,
    process::Command,
    sync::mpsc,
    thread,
    time::Duration,
};

use rustix::process::{Pid, Signal};
use secrecy::ExposeSecret;
use sqlx::Connection;
use tempfile::TempDir;

use super::EmbeddedPostgres;

/// A directory that the server's user can pass through.
fn scratch() -> TempDir {
    let open = Permissions::from_mode(0o755);
    tempfile::Builder::new().permissions(open).tempdir().unwrap()
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

async fn execute(server: &EmbeddedPostgres, sql: &'static str) {
    let mut connection = connect(server.superuser_url().expose_secret()).await.unwrap();
    sqlx::query(sql).execute(&mut connection).await.unwrap();
}

/// The one text that `sql` selects.
async fn text(server: &EmbeddedPostgres, sql: &'static str) -> String {
    let mut connection = connect(server.superuser_url().expose_secret()).await.unwrap();
    sqlx::query_scalar(sql).fetch_one(&mut connection).await.unwrap()
}

#[expect(clippy::disallowed_types, reason = "there are no tenants here, only a server")]
async fn connect(url: &str) -> sqlx::Result<sqlx::PgConnection> {
    sqlx::PgConnection::connect(url).await
}

/// The server itself, not the shell above it.
fn server_pid(server: &EmbeddedPostgres) -> i32 {
    let file = std::fs::read_to_string(server.data_dir().join("postmaster.pid")).unwrap();
    file.lines().next().unwrap().parse().unwrap()
}

fn kill_9(pid: i32) {
    rustix::process::kill_process(Pid::from_raw(pid).unwrap(), Signal::KILL).unwrap();
}

fn lives(pid: i32) -> bool {
    rustix::process::test_kill_process(Pid::from_raw(pid).unwrap()).is_ok()
}

/// Runs one test of this binary in a process of its own. `command` is given this binary.
fn only(test: &str, mut command: Command) -> Command {
    let (_, module) = module_path!().split_once("::").unwrap();
    command.args(["--exact", "--nocapture", &format!("{module}::{test}")]);
    command
}

/// Waits until no server and no supervisor holds the lock; `false` when that takes too long.
fn is_released(lock: File) -> bool {
    let (done, released) = mpsc::channel();
    thread::spawn(move || done.send(lock.lock().is_ok()));
    released.recv_timeout(Duration::from_secs(20)).unwrap_or(false)
}

fn mode(path: &Path) -> u32 {
    path.metadata().unwrap().permissions().mode() & 0o777
}
