use std::sync::Arc;

use tokio::sync::{mpsc, oneshot};

use super::{Mail, Mailer};

/// How many mails may wait.
const CAPACITY: usize = 1024;

/// Takes mail from requests and hands it to a [`Mailer`] in the background. Cheap to clone.
///
/// It keeps what waits in memory: a process that ends loses it, and one whose mail server is gone
/// for long drops what is too much. Whoever misses a mail asks for it again. Call
/// [`flush`](Self::flush) before the process ends.
#[derive(Debug, Clone)]
pub struct Postbox(mpsc::Sender<Item>);

#[derive(Debug)]
enum Item {
    Mail(Mail),
    /// Tells when everything before it was handed over.
    Flush(oneshot::Sender<()>),
}

impl Postbox {
    /// Hands mail to `mailer` until the last clone is dropped.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    #[must_use]
    pub fn new(mailer: Arc<dyn Mailer>) -> Self {
        let (sender, receiver) = mpsc::channel(CAPACITY);
        tokio::spawn(deliver(mailer, receiver));
        Self(sender)
    }

    /// Leaves a mail, at once. One that finds no room is dropped and counted.
    pub fn post(&self, mail: Mail) {
        let kind = mail.kind;
        if self.0.try_send(Item::Mail(mail)).is_err() {
            count(kind.as_str(), "dropped");
            tracing::warn!(mail.kind = kind.as_str(), "too many mails wait; one was dropped");
        }
    }

    /// Waits until every mail that was left before was handed over, or was refused.
    pub async fn flush(&self) {
        let (done, wait) = oneshot::channel();
        if self.0.send(Item::Flush(done)).await.is_ok() {
            // An answer that never comes means that the mailer is gone: nothing waits any more.
            drop(wait.await);
        }
    }
}

async fn deliver(mailer: Arc<dyn Mailer>, mut items: mpsc::Receiver<Item>) {
    while let Some(item) = items.recv().await {
        match item {
            Item::Mail(mail) => hand_over(&*mailer, mail).await,
            // Whoever asked may have gone.
            Item::Flush(done) => drop(done.send(())),
        }
    }
}

async fn hand_over(mailer: &dyn Mailer, mail: Mail) {
    let kind = mail.kind.as_str();
    match mailer.send(mail).await {
        Ok(()) => count(kind, "sent"),
        Err(error) => {
            count(kind, "failed");
            let cause = std::error::Error::source(&error).map(ToString::to_string);
            tracing::error!(mail.kind = kind, error = %error, cause, "a mail was not sent");
        }
    }
}

fn count(kind: &'static str, outcome: &'static str) {
    metrics::counter!("mail_total", "kind" => kind, "outcome" => outcome).increment(1);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mail::{Letters, Locale, MailError};
    use async_trait::async_trait;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use tokio::sync::Semaphore;

    /// Takes a mail for each permit, and refuses the first.
    #[derive(Debug)]
    struct Slow {
        permits: Semaphore,
        taken: AtomicUsize,
    }

    #[async_trait]
    impl Mailer for Slow {
        async fn send(&self, _mail: Mail) -> Result<(), MailError> {
            self.permits.acquire().await.unwrap().forget();
            if self.taken.fetch_add(1, Ordering::Relaxed) == 0 {
                return Err(MailError::Refused("no such address".into()));
            }
            Ok(())
        }
    }

    #[tokio::test]
    async fn a_request_never_waits_and_a_refused_mail_does_not_stop_the_others() {
        let mailer = Arc::new(Slow { permits: Semaphore::new(0), taken: AtomicUsize::new(0) });
        let postbox = Postbox::new(Arc::<Slow>::clone(&mailer));
        let mail = Letters::new("Club").reset_password("a@x.test", "https://x.test/#1", Locale::En);
        // One is with the mailer, the others fill the box, and the rest is dropped.
        for _ in 0..CAPACITY + 10 {
            postbox.post(mail.clone());
        }
        mailer.permits.add_permits(CAPACITY + 10);
        postbox.flush().await;
        assert_eq!(mailer.taken.load(Ordering::Relaxed), CAPACITY);
    }
}
