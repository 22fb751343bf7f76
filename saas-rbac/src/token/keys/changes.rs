//! Keeps the keys of a process up to date.

use std::{
    sync::{Arc, Weak},
    time::Duration,
};

use saas_tenancy::store::ChangeSink;
use tokio::{sync::Notify, time::timeout};

use super::Inner;
use crate::schema::CHANNEL;

/// How often the keys are read while changes are not told.
const POLL: Duration = Duration::from_millis(500);

/// How often they are read in any case.
const NET: Duration = Duration::from_secs(30);

/// Tells [`SigningKeys`](super::SigningKeys) of changes, on the channel of the crate's tables.
#[derive(Debug)]
pub struct KeyChanges(Arc<Inner>);

impl KeyChanges {
    pub(super) const fn new(inner: Arc<Inner>) -> Self {
        Self(inner)
    }
}

impl ChangeSink for KeyChanges {
    fn channel(&self) -> &'static str {
        CHANNEL
    }

    fn connected(&self) {
        self.0.doubt(Some(true));
    }

    fn disconnected(&self) {
        self.0.doubt(Some(false));
    }

    fn changed(&self, payload: &str) {
        if payload == "keys" {
            self.0.doubt(None);
        }
    }
}

impl Drop for KeyChanges {
    fn drop(&mut self) {
        self.0.doubt(Some(false));
    }
}

impl Inner {
    /// The keys may have changed from now on, and perhaps it is known whether that will be told.
    fn doubt(&self, connected: Option<bool>) {
        let now = self.clock.monotonic();
        let mut freshness = self.freshness();
        freshness.told += 1;
        freshness.connected = connected.unwrap_or(freshness.connected);
        freshness.unsure_since.get_or_insert(now);
        drop(freshness);
        self.wake.notify_one();
    }

    fn is_sure(&self) -> bool {
        self.freshness().unsure_since.is_none()
    }
}

/// Reads the keys when they may have changed, until nobody has them any more.
pub(super) async fn watch(keys: Weak<Inner>, wake: Arc<Notify>) {
    while let Some(pause) = keys.upgrade().map(|keys| if keys.is_sure() { NET } else { POLL }) {
        // Woken or not, it is time to look.
        let _woken = timeout(pause, wake.notified()).await;
        let Some(keys) = keys.upgrade() else { return };
        if let Err(error) = keys.reload().await {
            let cause = std::error::Error::source(&error).map(ToString::to_string);
            tracing::warn!(error = %error, cause, "signing keys cannot be read");
        }
    }
}
