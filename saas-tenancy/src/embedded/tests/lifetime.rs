//! Starts, restarts, ends and kills.

use std::{
    fs::{self, File},
    io::{BufRead, BufReader, Read, Write},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use rustix::process::{Pid, Signal};

use super::{
    super::{EmbeddedError, EmbeddedPostgres, launch},
    execute, is_released, kill_9, lives, only, scratch, server_pid, text,
};

#[tokio::test]
async fn data_and_password_survive_a_restart() {
    let scratch = scratch();
    let dir = scratch.path().join("database");
    let server = EmbeddedPostgres::at(&dir).start().await.unwrap();
    assert_eq!(text(&server, "show fsync").await, "on");
    execute(&server, "create table kept as select 'still here' as line").await;
    let password = fs::read_to_string(dir.join("password")).unwrap();
    server.stop().await.unwrap();

    let server = EmbeddedPostgres::at(&dir).start().await.unwrap();
    assert_eq!(text(&server, "select line from kept").await, "still here");
    assert_eq!(fs::read_to_string(dir.join("password")).unwrap(), password);
    server.stop().await.unwrap();
}

#[tokio::test]
async fn data_survives_a_server_that_was_killed() {
    let scratch = scratch();
    let server = EmbeddedPostgres::at(scratch.path().join("database")).start().await.unwrap();
    execute(&server, "create table kept as select 'still here' as line").await;
    kill_9(server_pid(&server));
    assert!(server.data_dir().join("postmaster.pid").exists(), "it must be stale now");
    drop(server);

    let server = EmbeddedPostgres::at(scratch.path().join("database")).start().await.unwrap();
    assert_eq!(text(&server, "select line from kept").await, "still here");
    server.stop().await.unwrap();
}

#[tokio::test]
async fn stopping_ends_the_server_and_removes_a_throw_away() {
    let server = EmbeddedPostgres::throw_away().start().await.unwrap();
    assert_eq!(text(&server, "show fsync").await, "off");
    assert_eq!(text(&server, "show wal_level").await, "minimal");
    let (pid, dir) = (server_pid(&server), home_of(&server));
    server.stop().await.unwrap();
    assert!(!lives(pid));
    assert!(!dir.exists());
}

#[tokio::test]
async fn dropping_ends_the_server_and_removes_a_throw_away() {
    let server = EmbeddedPostgres::throw_away().start().await.unwrap();
    let (pid, dir) = (server_pid(&server), home_of(&server));
    let lock = File::open(dir.join("lock")).unwrap();
    drop(server);
    assert!(is_released(lock));
    assert!(!lives(pid));
    assert!(!dir.exists());
}

#[tokio::test]
async fn a_killed_process_leaves_no_server() {
    let scratch = scratch();
    let dir = scratch.path().join("database");
    if let Some(dir) = given_dir() {
        return be_the_child(EmbeddedPostgres::at(dir).start().await.unwrap()).await;
    }
    let (mut child, pid, _) = start_child("lifetime::a_killed_process_leaves_no_server", &dir);

    let error = EmbeddedPostgres::at(&dir).start().await.unwrap_err();
    let EmbeddedError::InUse { holder, .. } = error else { panic!("{error}") };
    assert_eq!(holder.pid, Some(child.id()));

    child.kill().unwrap();
    child.wait().unwrap();
    // The child's server holds the directory until it has ended; this waits for that.
    let limit = Duration::from_secs(20);
    let server = EmbeddedPostgres::at(&dir).with_start_limit(limit).start().await.unwrap();
    assert!(!lives(pid));
    assert_eq!(text(&server, "select line from kept").await, "still here");
    server.stop().await.unwrap();
}

#[tokio::test]
async fn a_killed_process_leaves_no_throw_away() {
    if given_dir().is_some() {
        return be_the_child(EmbeddedPostgres::throw_away().start().await.unwrap()).await;
    }
    let name = "lifetime::a_killed_process_leaves_no_throw_away";
    let (mut child, pid, dir) = start_child(name, Path::new("-"));
    let lock = File::open(dir.join("lock")).unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(is_released(lock));
    assert!(!lives(pid));
    assert!(!dir.exists());
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_signal_to_the_supervisor_does_not_leave_the_server_alone() {
    let server = EmbeddedPostgres::throw_away().start().await.unwrap();
    let pid = server_pid(&server);
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let parent = status.lines().find_map(|line| line.strip_prefix("PPid:")).unwrap();
    let parent = Pid::from_raw(parent.trim().parse().unwrap()).unwrap();
    for signal in [Signal::HUP, Signal::INT, Signal::TERM] {
        rustix::process::kill_process(parent, signal).unwrap();
    }
    assert_eq!(text(&server, "select 'still served'").await, "still served");
    server.stop().await.unwrap();
    assert!(!lives(pid));
}

#[tokio::test]
async fn a_start_that_takes_too_long_leaves_no_server() {
    let scratch = scratch();
    let dir = scratch.path().join("database");
    let impatient = EmbeddedPostgres::at(&dir).with_start_limit(Duration::ZERO);
    let error = impatient.start().await.unwrap_err();
    assert!(matches!(error, EmbeddedError::NotReady { .. }), "{error}");
    assert!(is_released(File::open(dir.join("lock")).unwrap()));
    EmbeddedPostgres::at(&dir).start().await.unwrap().stop().await.unwrap();
}

#[tokio::test]
async fn a_server_that_cannot_start_says_why() {
    let broken = EmbeddedPostgres::throw_away().with_setting("shared_buffers", "some").unwrap();
    let error = broken.start().await.unwrap_err();
    assert!(matches!(error, EmbeddedError::Ended { .. }), "{error}");
    assert!(error.to_string().contains("invalid value for parameter \"shared_buffers\""));
}

#[tokio::test]
async fn another_port_is_taken_when_somebody_was_faster() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = (taken.local_addr().unwrap().port(), taken);
    let server = EmbeddedPostgres::throw_away();
    let mut ports = vec![taken.0];
    let next = move || ports.pop().map_or_else(launch::free_port, Ok);
    let server = server.start_on(next).await.unwrap();
    assert_ne!(server.port(), taken.0);
    assert_eq!(text(&server, "select current_setting('port')").await, server.port().to_string());
    server.stop().await.unwrap();
}

fn home_of(server: &EmbeddedPostgres) -> PathBuf {
    server.data_dir().parent().unwrap().to_owned()
}

const GIVEN_DIR: &str = "EMBEDDED_TEST_DIR";

fn given_dir() -> Option<PathBuf> {
    std::env::var_os(GIVEN_DIR).map(PathBuf::from)
}

/// Runs the named test again as a child, and returns it with its server's id and directory.
fn start_child(test: &str, dir: &Path) -> (Child, i32, PathBuf) {
    let mut command = only(test, Command::new(std::env::current_exe().unwrap()));
    command.env(GIVEN_DIR, dir).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let line = lines.map(Result::unwrap).find(|line| line.starts_with("server ")).unwrap();
    let mut words = line.split(' ').skip(1);
    let pid = words.next().unwrap().parse().unwrap();
    (child, pid, words.next().unwrap().into())
}

/// Tells the parent about the server, then does nothing until it is killed or the parent ends.
async fn be_the_child(server: EmbeddedPostgres) {
    execute(&server, "create table kept as select 'still here' as line").await;
    let (pid, dir) = (server_pid(&server), home_of(&server));
    writeln!(std::io::stdout(), "\nserver {pid} {}", dir.display()).unwrap();
    std::io::stdin().read_to_end(&mut Vec::new()).unwrap();
}
