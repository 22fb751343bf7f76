//! Who can reach the server and its files.

use std::{fs, os::unix::fs::MetadataExt};

use rustix::process::Pid;
use secrecy::ExposeSecret;

use super::{
    super::{EmbeddedError, EmbeddedPostgres},
    connect, is_root, mode, scratch, server_pid, text,
};

#[tokio::test]
async fn only_the_password_opens_the_database() {
    let server = EmbeddedPostgres::throw_away().start().await.unwrap();
    let url = server.superuser_url().expose_secret();
    let password = url.split([':', '@']).nth(2).unwrap();
    assert_eq!(password.len(), 64);
    assert!(connect(url).await.is_ok());
    for wrong in [url.replace(password, "postgres"), url.replace(&format!(":{password}"), "")] {
        let error = connect(&wrong).await.unwrap_err();
        let code = error.as_database_error().and_then(|error| error.code().map(String::from));
        assert_eq!(code.as_deref(), Some("28P01"), "{error}");
    }
    assert!(!format!("{server:?}").contains(password));
    server.stop().await.unwrap();
}

#[tokio::test]
async fn files_are_closed_to_other_users() {
    let scratch = scratch();
    let dir = scratch.path().join("database");
    let server = EmbeddedPostgres::at(&dir).start().await.unwrap();
    assert_eq!(mode(&dir), if is_root() { 0o711 } else { 0o700 });
    assert_eq!(mode(&dir.join("cluster")), 0o700);
    for file in ["lock", "password", "server.log"] {
        assert_eq!(mode(&dir.join(file)), 0o600, "{file}");
        assert_eq!(dir.join(file).metadata().unwrap().uid(), dir.metadata().unwrap().uid());
    }
    let owner = server.data_dir().join("postmaster.pid").metadata().unwrap().uid();
    assert_ne!(owner, 0, "the server must not run as root");
    server.stop().await.unwrap();
}

#[tokio::test]
async fn the_server_listens_on_one_loopback_address_only() {
    let server = EmbeddedPostgres::throw_away().start().await.unwrap();
    assert_eq!(text(&server, "show listen_addresses").await, "127.0.0.1");
    assert_eq!(text(&server, "show unix_socket_directories").await, "");
    // On Linux every address of 127.0.0.0/8 is there, so this answers if it listens on all.
    let other = std::net::TcpStream::connect(("127.0.0.2", server.port()));
    assert!(other.is_err());
    server.stop().await.unwrap();
}

#[tokio::test]
async fn a_terminal_does_not_reach_the_server() {
    let server = EmbeddedPostgres::throw_away().start().await.unwrap();
    let group = |pid| rustix::process::getpgid(pid).unwrap();
    assert_ne!(group(Pid::from_raw(server_pid(&server))), group(None));
    server.stop().await.unwrap();
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn the_server_gets_no_variables_of_this_process() {
    assert!(std::env::vars().any(|(name, _)| name.starts_with("CARGO")), "else this shows nothing");
    let server = EmbeddedPostgres::throw_away().start().await.unwrap();
    let environment = fs::read(format!("/proc/{}/environ", server_pid(&server))).unwrap();
    let environment = String::from_utf8_lossy(&environment);
    assert!(environment.contains("PG_GRANDPARENT_PID="), "{environment}");
    assert!(!environment.contains("CARGO"), "{environment}");
    server.stop().await.unwrap();
}

#[tokio::test]
async fn settings_reach_the_server() {
    let options = EmbeddedPostgres::throw_away();
    let options = options.with_setting("max_connections", "23").unwrap();
    let options = options.with_setting("app.note", "two words; 'quoted'").unwrap();
    let server = options.start().await.unwrap();
    assert_eq!(text(&server, "show max_connections").await, "23");
    assert_eq!(text(&server, "show shared_buffers").await, "64MB");
    assert_eq!(text(&server, "show server_encoding").await, "UTF8");
    assert_eq!(text(&server, "select current_setting('app.note')").await, "two words; 'quoted'");
    server.stop().await.unwrap();
}

#[test]
fn settings_that_would_open_the_server_are_refused() {
    let refused = [
        ("listen_addresses", "*"),
        ("listen-addresses", "*"),
        ("LISTEN_ADDRESSES", "*"),
        ("hba_file", "/tmp/open"),
        ("work_mem=1MB -c port", "1"),
        ("", "1"),
        ("work_mem", "1MB\nlisten_addresses=*"),
    ];
    for (name, value) in refused {
        let error = EmbeddedPostgres::throw_away().with_setting(name, value).unwrap_err();
        assert!(matches!(error, EmbeddedError::Setting { .. }), "{name}");
    }
}
