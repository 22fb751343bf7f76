use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use saas_core::Clock;
use serde::Serialize;

use super::{Mail, MailError, Mailer};

/// Keeps the last mails in memory instead of sending them: for development, demos and tests.
/// Cheap to clone; all clones show the same mails.
#[derive(Debug, Clone)]
pub struct CapturedMail(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    capacity: usize,
    clock: Clock,
    mails: Mutex<VecDeque<Captured>>,
}

/// A mail that was not sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Captured {
    /// The mail.
    #[serde(flatten)]
    pub mail: Mail,
    /// When it would have been sent.
    pub sent_at: DateTime<Utc>,
}

impl CapturedMail {
    /// Keeps the last `capacity` mails, at least one.
    #[must_use]
    pub fn new(capacity: usize, clock: Clock) -> Self {
        Self(Arc::new(Inner { capacity: capacity.max(1), clock, mails: Mutex::default() }))
    }

    /// The mails, newest first.
    #[must_use]
    pub fn list(&self) -> Vec<Captured> {
        let mails = self.0.mails.lock().unwrap_or_else(PoisonError::into_inner);
        mails.iter().rev().cloned().collect()
    }
}

#[async_trait]
impl Mailer for CapturedMail {
    async fn send(&self, mail: Mail) -> Result<(), MailError> {
        let captured = Captured { mail, sent_at: self.0.clock.now() };
        let mut mails = self.0.mails.lock().unwrap_or_else(PoisonError::into_inner);
        if mails.len() == self.0.capacity {
            mails.pop_front();
        }
        mails.push_back(captured);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mail::{Letters, Locale};

    #[tokio::test]
    async fn the_oldest_mail_makes_room_for_the_newest() {
        let captured = CapturedMail::new(2, Clock::system());
        for to in ["a@x.test", "b@x.test", "c@x.test"] {
            let mail = Letters::new("Club").reset_password(to, "https://x.test/#1", Locale::En);
            captured.send(mail).await.unwrap();
        }
        let kept: Vec<_> = captured.list().into_iter().map(|one| one.mail.to).collect();
        assert_eq!(kept, ["c@x.test", "b@x.test"]);
    }
}
