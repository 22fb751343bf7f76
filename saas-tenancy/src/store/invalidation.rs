//! Tells caches what other processes change.
//!
//! The control plane's tables tell every change on channels of PostgreSQL. A [`ChangeListener`]
//! holds one connection that listens, and passes on what it hears to a [`ChangeSink`] a channel.
//!
//! 1. A sink serves only while the listener knows that it hears: the server is asked every half
//!    second, and an answer that is late by as much cuts the sinks off.
//! 2. After every connect a sink forgets all, because what was said before was not heard.
//! 3. A listener that ends, is dropped or panics drops its sinks, which cuts them off for good.
//!
//! ```no_run
//! use std::sync::Arc;
//! use saas_core::Clock;
//! use saas_tenancy::db::TenantDatabases;
//! use saas_tenancy::store::{CachedTenantStore, ChangeListener, PostgresTenantStore};
//! use secrecy::SecretString;
//!
//! fn tenants(
//!     databases: TenantDatabases,
//!     url: SecretString,
//!     clock: Clock,
//! ) -> (CachedTenantStore, ChangeListener) {
//!     let store = Arc::new(PostgresTenantStore::new(databases, clock.clone()));
//!     let (cache, invalidations) = CachedTenantStore::new(store, clock).with_invalidations();
//!     (cache, ChangeListener::spawn(url, invalidations))
//! }
//! ```
//!
//! # Deployment caveat
//! The connection must lead past any transaction pooler: behind one, `LISTEN` is taken and nothing
//! is ever heard.

use std::{fmt, time::Duration};

use saas_core::TenantId;
use secrecy::{ExposeSecret, SecretString};
use sqlx::postgres::{PgListener, PgNotification};
use tokio::{task::JoinHandle, time::timeout};
use uuid::Uuid;

use super::Invalidations;

/// The channel on which the control plane tells which tenants changed.
pub const CHANNEL: &str = "saas_tenancy_changed";

/// What is told of changes: a cache, or whatever else must not miss one.
///
/// # Contract
/// 1. It begins cut off. After [`connected`](Self::connected) it may rely on being told of every
///    change, and must have forgotten what it knew before.
/// 2. After [`disconnected`](Self::disconnected), and when it is dropped, it must not answer from
///    what it knows.
/// 3. [`changed`](Self::changed) does not block. Anybody with a login of the database can send on a
///    channel, so a payload is never more than a hint to look again.
pub trait ChangeSink: fmt::Debug + Send + Sync + 'static {
    /// The channel that it wants to hear.
    fn channel(&self) -> &'static str;

    /// From now on every change is told.
    fn connected(&self);

    /// From now on changes may be missed.
    fn disconnected(&self);

    /// Something was told.
    fn changed(&self, payload: &str);

    /// The source was asked and still hears; about once a second while nothing is told. A time to
    /// let go of what has become old.
    fn heard(&self) {}
}

impl ChangeSink for Invalidations {
    fn channel(&self) -> &'static str {
        CHANNEL
    }

    fn connected(&self) {
        Self::connected(self);
    }

    fn disconnected(&self) {
        Self::disconnected(self);
    }

    fn changed(&self, payload: &str) {
        if let Ok(id) = payload.parse::<Uuid>() {
            Self::changed(self, TenantId::from_uuid(id));
        }
    }
}

/// How long the connection may be silent before the server is asked, and may then take to answer.
/// Twice this is how long a lost connection goes unnoticed.
const HEARTBEAT: Duration = Duration::from_millis(500);

/// How long a connect may take.
const CONNECT: Duration = Duration::from_secs(5);

/// How long to wait before the first try to connect again, and at most.
const RETRY: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(5));

/// Listens for changes until it is dropped.
#[derive(Debug)]
#[must_use = "a listener that is dropped stops, and its caches serve nothing"]
pub struct ChangeListener(JoinHandle<()>);

impl ChangeListener {
    /// Connects to the control plane at `url` in the background, as any role that may log in
    /// there, and again whenever the connection is lost.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub fn spawn(url: SecretString, sink: impl ChangeSink) -> Self {
        Self::spawn_all(url, vec![Box::new(sink)])
    }

    /// The same for several sinks over one connection.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub fn spawn_all(url: SecretString, sinks: Vec<Box<dyn ChangeSink>>) -> Self {
        Self(tokio::spawn(keep_listening(url, sinks)))
    }
}

impl Drop for ChangeListener {
    fn drop(&mut self) {
        // Ends the task at its next await, which drops the sinks and cuts them off.
        self.0.abort();
    }
}

async fn keep_listening(url: SecretString, sinks: Vec<Box<dyn ChangeSink>>) {
    let mut pause = RETRY.0;
    loop {
        let error = match listen(&url, &sinks).await {
            Ok(mut listener) => {
                sinks.iter().for_each(|sink| sink.connected());
                tracing::info!("listening for changes");
                pause = RETRY.0;
                pass_on(&mut listener, &sinks).await
            }
            Err(error) => error,
        };
        sinks.iter().for_each(|sink| sink.disconnected());
        tracing::warn!(
            error = %error,
            "not listening for changes; every lookup reads the database until it does",
        );
        tokio::time::sleep(jittered(pause)).await;
        pause = (pause * 2).min(RETRY.1);
    }
}

/// A connection that listens.
async fn listen(url: &SecretString, sinks: &[Box<dyn ChangeSink>]) -> Result<PgListener, Lost> {
    let connect = async {
        let mut listener = PgListener::connect(url.expose_secret()).await?;
        // A connection that is lost must be told to the cache before there is another one.
        listener.eager_reconnect(false);
        listener.listen_all(sinks.iter().map(|sink| sink.channel())).await?;
        Ok(listener)
    };
    timeout(CONNECT, connect).await.map_err(|_| Lost::Silent)?
}

/// Passes on what is heard until the connection is lost, and says why it was.
async fn pass_on(listener: &mut PgListener, sinks: &[Box<dyn ChangeSink>]) -> Lost {
    loop {
        let heard = match timeout(HEARTBEAT, listener.try_recv()).await {
            Ok(Ok(Some(told))) => {
                tell(&told, sinks);
                continue;
            }
            Ok(Ok(None)) => return Lost::Closed,
            Ok(Err(error)) => return error.into(),
            Err(_silence) => timeout(HEARTBEAT, is_listening(listener, sinks)).await,
        };
        match heard {
            Ok(Ok(true)) => sinks.iter().for_each(|sink| sink.heard()),
            Ok(Ok(false)) => return Lost::Deaf,
            Ok(Err(error)) => return error.into(),
            Err(_late) => return Lost::Silent,
        }
    }
}

/// Asks the server whether this very connection still listens.
async fn is_listening(
    listener: &mut PgListener,
    sinks: &[Box<dyn ChangeSink>],
) -> Result<bool, sqlx::Error> {
    let channels: Vec<_> = sinks.iter().map(|sink| sink.channel()).collect();
    sqlx::query_scalar("select $1 <@ array(select pg_listening_channels())")
        .bind(channels)
        .persistent(false)
        .fetch_one(listener)
        .await
}

fn tell(told: &PgNotification, sinks: &[Box<dyn ChangeSink>]) {
    for sink in sinks.iter().filter(|sink| sink.channel() == told.channel()) {
        sink.changed(told.payload());
    }
}

/// Up to twice the pause, so that not all processes come back at the same moment.
fn jittered(pause: Duration) -> Duration {
    let dice = Uuid::new_v4().as_bytes()[0];
    pause + pause.mul_f32(f32::from(dice) / 255.0)
}

/// Why nothing is heard.
#[derive(Debug, thiserror::Error)]
enum Lost {
    #[error("the server closed the connection")]
    Closed,
    #[error("the server does not answer in time")]
    Silent,
    #[error("the connection does not listen; it must not lead through a transaction pooler")]
    Deaf,
    #[error(transparent)]
    Failed(#[from] sqlx::Error),
}
