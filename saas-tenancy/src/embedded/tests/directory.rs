//! Which directories and programs are used, and which are refused with what words.

use std::{
    fs::{self, Permissions},
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::PathBuf,
    process::Command,
};

use saas_core::config::Env;

use super::{
    super::{EmbeddedError, EmbeddedPostgres, user::RunAs},
    is_root, mode, only, scratch, text,
};

#[tokio::test]
async fn a_second_start_names_the_holder() {
    let scratch = scratch();
    let dir = scratch.path().join("database");
    let server = EmbeddedPostgres::at(&dir).start().await.unwrap();
    let error = EmbeddedPostgres::at(&dir).start().await.unwrap_err();
    let (pid, port) = (std::process::id(), server.port());
    let expected = format!("is in use by process {pid} with its server on port {port} since ");
    assert!(error.to_string().contains(&expected), "{error}");
    assert_eq!(text(&server, "select 'still served'").await, "still served");
    server.stop().await.unwrap();
}

#[tokio::test]
async fn what_an_old_run_left_behind_is_no_obstacle() {
    let scratch = scratch();
    let dir = scratch.path().join("database");
    fs::create_dir_all(dir.join("cluster.new/base")).unwrap();
    fs::write(dir.join("initdb.password"), "half a pass").unwrap();
    // Process 1 always runs, but it does not hold the lock.
    fs::write(dir.join("lock"), "1 5432\n").unwrap();
    let server = EmbeddedPostgres::at(&dir).start().await.unwrap();
    assert!(!dir.join("cluster.new").exists());
    assert!(!dir.join("initdb.password").exists());
    server.stop().await.unwrap();
}

#[tokio::test]
async fn a_directory_with_other_files_is_refused_and_left_as_it_is() {
    let scratch = scratch();
    fs::write(scratch.path().join("letter.txt"), "dear").unwrap();
    let error = EmbeddedPostgres::at(scratch.path()).start().await.unwrap_err();
    assert!(matches!(error, EmbeddedError::NotOurs { .. }), "{error}");
    assert_eq!(mode(scratch.path()), 0o755);
    assert_eq!(fs::read_dir(scratch.path()).unwrap().count(), 1);
}

#[tokio::test]
async fn a_closed_directory_is_named_before_anything_is_made() {
    let scratch = scratch();
    let closed = scratch.path().join("closed");
    fs::create_dir(&closed).unwrap();
    fs::set_permissions(&closed, Permissions::from_mode(if is_root() { 0o700 } else { 0o500 }))
        .unwrap();
    let error = EmbeddedPostgres::at(closed.join("a/database")).start().await.unwrap_err();
    if is_root() {
        let expected = format!("`{}` is closed to the user", closed.display());
        assert!(error.to_string().starts_with(&expected), "{error}");
    } else {
        assert!(matches!(error, EmbeddedError::Io { action: "create", .. }), "{error}");
    }
    assert_eq!(fs::read_dir(&closed).unwrap().count(), 0);
}

#[tokio::test]
async fn data_of_another_version_is_not_touched() {
    let scratch = scratch();
    let dir = scratch.path().join("database");
    let server = EmbeddedPostgres::at(&dir).start().await.unwrap();
    let installed = server.version();
    server.stop().await.unwrap();
    fs::write(dir.join("cluster/PG_VERSION"), "11\n").unwrap();
    let error = EmbeddedPostgres::at(&dir).start().await.unwrap_err();
    let EmbeddedError::WrongVersion { data: 11, binaries, .. } = error else { panic!("{error}") };
    assert!(binaries >= installed);
}

#[tokio::test]
async fn a_lost_password_is_named() {
    let scratch = scratch();
    let dir = scratch.path().join("database");
    EmbeddedPostgres::at(&dir).start().await.unwrap().stop().await.unwrap();
    fs::remove_file(dir.join("password")).unwrap();
    let error = EmbeddedPostgres::at(&dir).start().await.unwrap_err();
    assert!(matches!(error, EmbeddedError::Damaged { file } if file == dir.join("password")));
}

#[tokio::test]
async fn programs_come_from_the_variable_and_nowhere_else_when_it_is_set() {
    let scratch = scratch();
    let env = Env::from_pairs([("SAAS_PG_BIN", scratch.path())]);
    let error = EmbeddedPostgres::throw_away().with_env(env).start().await.unwrap_err();
    assert!(matches!(error, EmbeddedError::NotBinaries { dir } if dir == scratch.path()));
}

#[tokio::test]
async fn an_ordinary_user_can_start_one() {
    const GIVEN: &str = "EMBEDDED_ORDINARY_DIR";
    let scratch = scratch();
    let Some(nobody) = is_root().then(|| RunAs::named("nobody").unwrap()) else {
        let given = std::env::var_os(GIVEN).map(PathBuf::from);
        let dir = given.unwrap_or_else(|| scratch.path().join("database"));
        let server = EmbeddedPostgres::at(&dir).start().await.unwrap();
        assert_eq!(mode(&dir), 0o700);
        let owner = server.data_dir().metadata().unwrap().uid();
        assert_eq!(owner, rustix::process::geteuid().as_raw());
        assert_eq!(text(&server, "select current_user::text").await, "postgres");
        return server.stop().await.unwrap();
    };
    // The directory of the build may be closed to others. Another process copies: a file that this
    // one has open for writing when a parallel test forks cannot be run.
    let copy = scratch.path().join("tests");
    let binary = std::env::current_exe().unwrap();
    assert!(Command::new("cp").arg(binary).arg(&copy).status().unwrap().success());
    fs::set_permissions(&copy, Permissions::from_mode(0o755)).unwrap();
    let dir = scratch.path().join("home");
    fs::create_dir(&dir).unwrap();
    nobody.own(&dir).unwrap();
    let mut command: Command =
        only("directory::an_ordinary_user_can_start_one", nobody.command(&copy));
    let output = command.env(GIVEN, dir.join("database")).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    assert!(dir.join("database/cluster/PG_VERSION").exists());

    let error = EmbeddedPostgres::at(dir.join("database")).start().await.unwrap_err();
    assert!(matches!(error, EmbeddedError::ForeignOwner { caller: 0, .. }), "{error}");
}
