//! How Redis is reached, and what happens when it is not.

use std::time::Duration;

use redis::{Client, RedisError};
use secrecy::{ExposeSecret, SecretString};
use uuid::Uuid;

use crate::error::TenancyError;

/// How long a connect may take, login and subscription included.
pub(super) const CONNECT: Duration = Duration::from_secs(5);

/// How long to wait before the first try to connect again, and at most.
const RETRY: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(5));

/// Reads an address. The URL itself is not repeated, because it may hold a password.
pub(super) fn client(url: &SecretString) -> Result<Client, TenancyError> {
    Client::open(url.expose_secret()).map_err(|_| {
        let text = "the address of Redis is not valid; write it as \
             `redis://user:password@host:6379`, or with `rediss` for TLS";
        TenancyError::Unsafe(text.to_owned())
    })
}

/// The pauses between tries to connect.
#[derive(Debug)]
pub(super) struct Retry(Duration);

impl Retry {
    pub(super) const fn new() -> Self {
        Self(RETRY.0)
    }

    /// After a success the next pause is the shortest again.
    pub(super) fn reset(&mut self) {
        *self = Self::new();
    }

    /// Waits, up to twice as long by chance, so that not all processes come back at once.
    pub(super) async fn pause(&mut self) {
        let dice = Uuid::new_v4().as_bytes()[0];
        tokio::time::sleep(self.0 + self.0.mul_f32(f32::from(dice) / 255.0)).await;
        self.0 = (self.0 * 2).min(RETRY.1);
    }
}

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub(super) enum Lost {
    #[error("the server closed the connection")]
    Closed,
    #[error("the server does not answer in time")]
    Silent,
    #[error(transparent)]
    Failed(#[from] RedisError),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_address_is_refused_and_not_repeated() {
        for wrong in ["", "secret@host", "http://:secret@host", "redis://:secret@"] {
            let error = client(&wrong.into()).unwrap_err().to_string();
            assert!(error.contains("redis://user:password@host:6379"), "{error}");
            assert!(!error.contains("secret"), "{error}");
        }
    }

    #[test]
    fn an_address_may_ask_for_a_user_and_for_tls() {
        for right in ["redis://127.0.0.1:6379", "redis://:pw@host", "rediss://me:pw@host:6380/1"] {
            assert!(client(&right.into()).is_ok(), "{right}");
        }
    }

    #[test]
    fn a_client_does_not_print_its_password() {
        let client = client(&"redis://:geheim@host".into()).unwrap();
        assert!(!format!("{client:?}").contains("geheim"));
    }
}
