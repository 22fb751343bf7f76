//! Tells caches through Redis what other processes change.
//!
//! A [`ChangeListener`](super::ChangeListener) costs a connection to PostgreSQL in each process, and
//! one that leads past the pooler. With Redis a few processes pay it: a [`RedisBridge`] there passes
//! on what its listener hears, and a [`RedisListener`] in every other process hears it.
//!
//! 1. For each channel of PostgreSQL there is one of Redis, `saas:changes:` and its name. A bridge
//!    sends every change on it, and a heartbeat each quarter of a second for as long as its own
//!    source hears. Both say how many changes it has sent, so a lost one leaves a gap.
//! 2. A sink serves only while heartbeats of its channel come without a gap. Silence of a second, a
//!    gap, or a bridge that was cut off itself cut the sink off, and the next heartbeat makes it
//!    forget all it knew.
//! 3. With two bridges one may end and nobody forgets anything. The other takes over once both were
//!    heard side by side for three seconds: by then the first would have noticed if it had been deaf
//!    when the second began.
//! 4. Where Redis is lost, everything is cut off until a heartbeat comes again.
//!
//! ```no_run
//! use std::sync::Arc;
//! use saas_core::Clock;
//! use saas_tenancy::{
//!     TenancyError, TenantStore,
//!     store::{CachedTenantStore, ChangeListener, RedisBridge, RedisListener, invalidation::CHANNEL},
//! };
//! use secrecy::SecretString;
//!
//! // In two or three processes, beside their own work:
//! fn bridge(
//!     postgres: SecretString,
//!     redis: &SecretString,
//! ) -> Result<(RedisBridge, ChangeListener), TenancyError> {
//!     let (bridge, sinks) = RedisBridge::spawn(redis, &[CHANNEL])?;
//!     Ok((bridge, ChangeListener::spawn_all(postgres, sinks)))
//! }
//!
//! // In all the others:
//! fn tenants(
//!     store: Arc<dyn TenantStore>,
//!     redis: &SecretString,
//!     clock: Clock,
//! ) -> Result<(CachedTenantStore, RedisListener), TenancyError> {
//!     let (cache, invalidations) = CachedTenantStore::new(store, clock).with_invalidations();
//!     Ok((cache, RedisListener::spawn(redis, vec![Box::new(invalidations)])?))
//! }
//! ```
//!
//! # Deployment caveat
//! Whoever may publish on `saas:changes:*` can send heartbeats of a bridge that does not exist, and
//! so let caches serve what is no longer true until it expires. Give Redis a password or access
//! rules, and each deployment a Redis of its own: messages reach all database numbers of a server.
//! What a message says is never believed beyond that: it only makes a cache look again.

mod address;
mod bridge;
mod feed;
mod hearing;
mod listener;
mod message;

pub use bridge::RedisBridge;
pub use listener::RedisListener;

use std::time::Duration;

/// How often a bridge says that it hears.
const BEAT: Duration = Duration::from_millis(250);

/// How long a bridge may be silent before it counts as gone.
const SILENCE: Duration = Duration::from_secs(1);

/// How long Redis may take to answer.
const ANSWER: Duration = Duration::from_millis(500);

/// The channel of Redis on which the changes of one of PostgreSQL are told.
fn channel_of(channel: &str) -> String {
    format!("saas:changes:{channel}")
}
