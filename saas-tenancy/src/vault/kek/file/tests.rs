use std::error::Error;

use super::*;

fn scratch() -> (tempfile::TempDir, FileKeyEncryption) {
    let dir = tempfile::tempdir().unwrap();
    let keys = FileKeyEncryption::at(dir.path().join("vault/keys"));
    (dir, keys)
}

/// What is in the file, as another process reads it.
fn reopened(keys: &FileKeyEncryption) -> FileKeyEncryption {
    FileKeyEncryption::at(keys.path())
}

fn cause(error: &VaultError) -> String {
    error.source().unwrap().to_string()
}

#[tokio::test]
async fn the_file_is_made_with_the_first_key_and_for_its_owner_alone() {
    let (_dir, keys) = scratch();
    assert!(!keys.path().exists());
    let key = DataKey::generate();
    let wrapped = keys.wrap_key(&key, b"here").await.unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(keys.path()), 0o600);
    assert_eq!(mode(keys.path().parent().unwrap()), 0o700);
    let opened = reopened(&keys).unwrap_key(&wrapped, b"here").await.unwrap();
    assert_eq!(opened.expose(), key.expose());
}

#[tokio::test]
async fn a_file_that_others_may_read_is_refused_with_the_remedy() {
    for mode in [0o640, 0o604, 0o620, 0o660] {
        let (_dir, keys) = scratch();
        keys.check().unwrap();
        fs::set_permissions(keys.path(), fs::Permissions::from_mode(mode)).unwrap();
        let error = keys.current().await.unwrap_err();
        let text = cause(&error);
        assert!(text.contains("chmod 600") && text.contains("vault/keys"), "{text}");
    }
}

#[tokio::test]
async fn the_newest_version_wraps_and_older_ones_go_on_opening() {
    let (_dir, keys) = scratch();
    let key = DataKey::generate();
    let old = keys.wrap_key(&key, b"").await.unwrap();
    // Another process adds a version; this one has read the file before.
    let newest = reopened(&keys).rotate().unwrap();
    let new = keys.wrap_key(&key, b"").await.unwrap();
    assert_ne!(old.kek, new.kek);
    assert_eq!(new.kek, newest);
    assert_eq!(keys.current().await.unwrap(), newest);
    for wrapped in [&old, &new] {
        assert_eq!(keys.unwrap_key(wrapped, b"").await.unwrap().expose(), key.expose());
    }
}

#[tokio::test]
async fn a_version_that_another_process_added_opens_without_a_restart() {
    let (_dir, keys) = scratch();
    keys.check().unwrap();
    let other = reopened(&keys);
    other.rotate().unwrap();
    let wrapped = other.wrap_key(&DataKey::generate(), b"").await.unwrap();
    assert!(keys.unwrap_key(&wrapped, b"").await.is_ok());
}

#[tokio::test]
async fn a_key_that_was_changed_or_wrapped_for_another_context_does_not_open() {
    let (_dir, keys) = scratch();
    let wrapped = keys.wrap_key(&DataKey::generate(), b"acme").await.unwrap();
    let error = keys.unwrap_key(&wrapped, b"globex").await.unwrap_err();
    assert!(cause(&error).contains("another tenant"), "{error}");
    for at in 0..wrapped.bytes.len() {
        let mut changed = wrapped.clone();
        changed.bytes[at] ^= 1;
        assert!(keys.unwrap_key(&changed, b"acme").await.is_err(), "byte {at}");
        changed.bytes.truncate(at);
        assert!(keys.unwrap_key(&changed, b"acme").await.is_err(), "{at} bytes");
    }
}

#[tokio::test]
async fn another_file_with_the_same_numbers_is_told_apart() {
    let ((_a, keys), (_b, others)) = (scratch(), scratch());
    let wrapped = keys.wrap_key(&DataKey::generate(), b"").await.unwrap();
    others.check().unwrap();
    let error = others.unwrap_key(&wrapped, b"").await.unwrap_err();
    assert!(matches!(&error, VaultError::KekMissing(id) if *id == wrapped.kek), "{error}");
}

#[tokio::test]
async fn opening_a_key_never_makes_a_file() {
    let (_dir, keys) = scratch();
    let (_other, others) = scratch();
    let wrapped = others.wrap_key(&DataKey::generate(), b"").await.unwrap();
    let error = keys.unwrap_key(&wrapped, b"").await.unwrap_err();
    assert!(cause(&error).contains("backup"), "{error}");
    assert!(!keys.path().exists());
}

#[test]
fn versions_that_are_added_at_once_are_all_kept() {
    let (_dir, keys) = scratch();
    keys.check().unwrap();
    let added: Vec<KekId> = std::thread::scope(|scope| {
        let threads = [0; 8].map(|_| scope.spawn(|| reopened(&keys).rotate().unwrap()));
        threads.map(|thread| thread.join().unwrap()).into()
    });
    let kept = keys.0.read().unwrap().unwrap();
    for id in added {
        assert!(kept.find(&id).is_some(), "{id} was lost");
    }
}

#[test]
fn what_is_no_file_of_keys_is_refused_by_line() {
    let hex = "0f".repeat(32);
    for (text, wrong) in [
        (format!("1 {hex}\n\n# comment\n2 {hex}"), None),
        (format!("1 {hex}\n1 {hex}"), Some(2)),
        (format!("2 {hex}\n1 {hex}"), Some(2)),
        (format!("# head\n1 {}", &hex[1..]), Some(2)),
        (format!("1 {hex}0"), Some(1)),
        (format!("one {hex}"), Some(1)),
        (hex, Some(1)),
        (format!("1 {}", "zz".repeat(32)), Some(1)),
    ] {
        let read = Versions::parse(text.as_bytes());
        assert_eq!(read.err(), wrong, "{text}");
    }
    assert!(Versions::parse(b"# nothing\n").unwrap().is_none());
}

#[test]
fn nothing_prints_a_key() {
    let (_dir, keys) = scratch();
    keys.check().unwrap();
    let text = fs::read_to_string(keys.path()).unwrap();
    let hex = text.lines().last().unwrap().split(' ').nth(1).unwrap();
    assert_eq!(hex.len(), 64);
    assert!(!format!("{keys:?}").contains(hex));
}
