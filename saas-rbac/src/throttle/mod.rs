//! Slows down who guesses.
//!
//! 1. An attempt is counted before it is made, and taken back when it succeeds. So a hundred at once
//!    are a hundred, not one.
//! 2. It is counted for the account, for the address and for the two together. Each may fail a few
//!    times; then it waits, twice as long each time, up to a bound.
//! 3. Nobody can lock out somebody else: an address from which the account was signed in to before is
//!    counted by itself alone, whatever others do to the account. From a new address the way round is
//!    a new password by mail, which clears what others have piled up.
//! 4. Accounts that do not exist are counted like those that do. Keys are keyed hashes, so the table
//!    names nobody.
//!
//! | counted by | free | longest wait | forgotten after |
//! |---|---|---|---|
//! | account and address | 5 | 5 minutes | 1 hour |
//! | account | 10 | 30 seconds | 1 hour |
//! | address (IPv6: its /64) | 30 | 1 minute | 1 hour |
//! | second factor of a person | 5 | 15 minutes | 1 day |
//! | mail to an address that was asked for | 3 | 15 minutes | 1 hour |
//!
//! [`SignIn`](crate::sign_in::SignIn) and [`SecondFactors`](crate::second_factor::SecondFactors) do the
//! counting:
//!
//! ```no_run
//! # async fn run(
//! #     databases: saas_tenancy::db::TenantDatabases,
//! #     clock: saas_core::Clock,
//! #     seal: std::sync::Arc<dyn saas_rbac::seal::Seal>,
//! #     key: secrecy::SecretBox<[u8; 32]>,
//! # ) -> Result<(), Box<dyn std::error::Error>> {
//! use saas_rbac::{second_factor::SecondFactors, throttle::Throttle};
//!
//! let throttle = Throttle::new(databases.clone(), clock.clone(), &key);
//! let factors = SecondFactors::new(databases, seal, throttle.clone(), clock, "Club");
//! throttle.sweep(1000).await?;
//! # drop(factors);
//! # Ok(())
//! # }
//! ```

mod bucket;
mod store;

use std::{fmt, net::IpAddr, time::Duration};

use aws_lc_rs::hmac;
use chrono::TimeDelta;
use saas_core::{Clock, UserId};
use saas_tenancy::db::TenantDatabases;
use secrecy::{ExposeSecret, SecretBox};

use crate::{session::Client, user::Email};
use bucket::{Bucket, Limit};

/// Counts failures. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Throttle {
    databases: TenantDatabases,
    clock: Clock,
    key: Key,
}

/// What names in the table are hashed with.
#[derive(Clone)]
struct Key(hmac::Key);

/// How long an address stays known after a success.
const KNOWN: TimeDelta = TimeDelta::days(90);

const PAIR: Limit = Limit::new(5, 300, 3600);
const ACCOUNT: Limit = Limit::new(10, 30, 3600);
const ADDRESS: Limit = Limit::new(30, 60, 3600);
const SECOND_FACTOR: Limit = Limit::new(5, 900, 86_400);
const MAIL: Limit = Limit::new(3, 900, 3600);

/// Wait so long before the next attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TooMany {
    pub(crate) retry_after: Duration,
}

/// An attempt that was counted.
#[derive(Debug)]
#[must_use = "an attempt that is neither taken back nor left counts as a failure"]
pub(crate) struct Attempt {
    buckets: Vec<Bucket>,
    pair: Option<Pair>,
}

/// An account and an address together.
#[derive(Debug, Clone)]
struct Pair {
    /// What their failures are counted by.
    bucket: Bucket,
    /// The name under which it is remembered that they succeeded.
    known: Vec<u8>,
}

impl Throttle {
    /// Counts in the control plane of `databases`, under names hashed with `key`. All processes have
    /// the same key.
    #[must_use]
    pub fn new(databases: TenantDatabases, clock: Clock, key: &SecretBox<[u8; 32]>) -> Self {
        let key = Key(hmac::Key::new(hmac::HMAC_SHA256, key.expose_secret()));
        Self { databases, clock, key }
    }

    /// What a log-in is counted by, from an address that the account does not know.
    fn of_sign_in(&self, account: &str, address: Option<IpAddr>) -> Attempt {
        let mut buckets = vec![Bucket::new(self.key.of(&["account", account]), ACCOUNT)];
        let pair = address.map(|address| {
            let address = address.to_string();
            let bucket = Bucket::new(self.key.of(&["pair", account, &address]), PAIR);
            buckets.push(bucket.clone());
            buckets.push(Bucket::new(self.key.of(&["address", &address]), ADDRESS));
            Pair { bucket, known: self.key.of(&["known", account, &address]) }
        });
        Attempt { buckets, pair }
    }

    fn of_second_factor(&self, user: UserId) -> Attempt {
        let key = self.key.of(&["second_factor", &user.to_string()]);
        Attempt { buckets: vec![Bucket::new(key, SECOND_FACTOR)], pair: None }
    }

    fn of_mail(&self, email: &Email, client: &Client) -> Attempt {
        let mut buckets = vec![Bucket::new(self.key.of(&["mail", &email.key()]), MAIL)];
        if let Some(address) = client.network() {
            let key = self.key.of(&["mail_address", &address.to_string()]);
            buckets.push(Bucket::new(key, ADDRESS));
        }
        Attempt { buckets, pair: None }
    }
}

impl Key {
    /// One name for these words, and no other words.
    fn of(&self, words: &[&str]) -> Vec<u8> {
        let mut context = hmac::Context::with_key(&self.0);
        for word in words {
            context.update(&u64::try_from(word.len()).unwrap_or(u64::MAX).to_be_bytes());
            context.update(word.as_bytes());
        }
        context.sign().as_ref().to_vec()
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(…)")
    }
}
