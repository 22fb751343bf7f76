//! Others are told of every entry, in order, at least once.

use std::sync::{
    Mutex,
    atomic::{AtomicBool, Ordering},
};

use async_trait::async_trait;
use saas_core::BoxError;
use saas_tenancy::{
    Isolation,
    audit::{
        AuditSink, SealedEntry,
        sink::{FileSink, SyslogSink, Transport},
    },
};
use tokio::{
    io::AsyncReadExt,
    net::{TcpListener, UdpSocket},
};

use super::World;

/// Notes what it is told, and fails when it is switched off.
#[derive(Debug, Default)]
struct Listener {
    is_off: AtomicBool,
    heard: Mutex<Vec<i64>>,
}

#[async_trait]
impl AuditSink for Listener {
    fn name(&self) -> &str {
        "listener"
    }

    async fn deliver(&self, entries: &[SealedEntry]) -> Result<(), BoxError> {
        let numbers = entries.iter().map(|entry| entry.seq);
        // It hears of the entries and then fails to say so.
        self.heard.lock().unwrap().extend(numbers);
        if self.is_off.load(Ordering::Relaxed) { Err("switched off".into()) } else { Ok(()) }
    }
}

#[tokio::test]
async fn a_sink_hears_of_every_entry_in_order_and_again_after_a_failure() {
    let world = World::new().await;
    for isolation in Isolation::ALL {
        let tenant = world.tenant(isolation.as_str(), isolation).await;
        let mut db = world.open(&tenant);
        let sink = Listener::default();
        world.write(&tenant, &["1", "2"]).await;
        world.seal(&tenant, 2).await;
        sink.is_off.store(true, Ordering::Relaxed);
        assert!(world.log.tell(&mut db, &sink).await.is_err());
        sink.is_off.store(false, Ordering::Relaxed);
        world.log.tell(&mut db, &sink).await.unwrap();
        world.write(&tenant, &["3"]).await;
        world.seal(&tenant, 3).await;
        world.log.tell(&mut db, &sink).await.unwrap();
        world.log.tell(&mut db, &sink).await.unwrap();
        assert_eq!(*sink.heard.lock().unwrap(), [1, 2, 1, 2, 3], "{isolation}");
    }
}

#[tokio::test]
async fn a_file_gets_a_line_an_entry() {
    let world = World::new().await;
    let tenant = world.tenant("acme", Isolation::Shared).await;
    let dir = tempfile::tempdir().unwrap();
    let sink = FileSink::new(dir.path().join("log"), world.clock.clone());
    world.write(&tenant, &["1", "2"]).await;
    world.seal(&tenant, 2).await;
    world.log.tell(&mut world.open(&tenant), &sink).await.unwrap();
    let files: Vec<_> = std::fs::read_dir(dir.path().join("log")).unwrap().collect();
    assert_eq!(files.len(), 1);
    let text = std::fs::read_to_string(files[0].as_ref().unwrap().path()).unwrap();
    let read: Vec<SealedEntry> =
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(read.iter().map(|entry| entry.seq).collect::<Vec<_>>(), [1, 2]);
    assert_eq!(read[0].stored.read().unwrap().target.id, "1");
}

#[tokio::test]
async fn a_log_server_gets_a_message_an_entry() {
    let world = World::new().await;
    let tenant = world.tenant("acme", Isolation::Shared).await;
    world.write(&tenant, &["1"]).await;
    world.seal(&tenant, 1).await;
    let mut db = world.open(&tenant);
    let datagrams = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let address = datagrams.local_addr().unwrap().to_string();
    let sink = SyslogSink::new(address, Transport::Udp, "host one", "club");
    world.log.tell(&mut db, &sink).await.unwrap();
    let mut bytes = vec![0; 70_000];
    let length = datagrams.recv(&mut bytes).await.unwrap();
    let message = String::from_utf8(bytes[..length].to_vec()).unwrap();
    assert!(message.starts_with("<109>1 20"), "{message}");
    assert!(message.contains("Z hostone club - note.write - {\"seq\":1,"), "{message}");

    let server = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = server.local_addr().unwrap().to_string();
    let sink = SyslogSink::new(address, Transport::Tcp, "host", "club");
    let entry: SealedEntry = serde_json::from_str(
        message.split_once(" - {").map(|(_, json)| format!("{{{json}")).as_deref().unwrap(),
    )
    .unwrap();
    let two = [entry.clone(), entry];
    let accept = async {
        let mut text = String::new();
        server.accept().await.unwrap().0.read_to_string(&mut text).await.unwrap();
        text
    };
    let (sent, text) = tokio::join!(sink.deliver(&two), accept);
    sent.unwrap();
    let (length, rest) = text.split_once(' ').unwrap();
    let (first, second) = rest.split_at(length.parse().unwrap());
    assert!(first.starts_with("<109>1 ") && first.ends_with('}'), "{first}");
    assert_eq!(second, format!("{length} {first}"));
}
