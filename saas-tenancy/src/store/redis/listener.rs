//! Hears on Redis what bridges tell.

use futures_util::StreamExt;
use redis::{
    Client,
    aio::{PubSub, PubSubSink},
};
use secrecy::SecretString;
use tokio::{
    task::JoinHandle,
    time::{Instant, timeout},
};

use super::{
    ANSWER, BEAT, SILENCE,
    address::{self, CONNECT, Lost, Retry},
    hearing::Hearing,
};
use crate::{error::TenancyError, store::ChangeSink};

/// Hears changes on Redis until it is dropped. See the [module](super) for the rules.
#[derive(Debug)]
#[must_use = "a listener that is dropped stops, and its caches serve nothing"]
pub struct RedisListener(JoinHandle<()>);

impl RedisListener {
    /// Subscribes on Redis at `url` in the background to the channels of the sinks, and again
    /// whenever the connection is lost.
    ///
    /// # Errors
    /// [`TenancyError::Unsafe`] when `url` is not the address of a Redis server. It is not
    /// repeated, because it may hold a password.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub fn spawn(
        url: &SecretString,
        sinks: Vec<Box<dyn ChangeSink>>,
    ) -> Result<Self, TenancyError> {
        let client = address::client(url)?;
        let hearings = sinks.into_iter().map(Hearing::new).collect();
        Ok(Self(tokio::spawn(keep_listening(client, hearings))))
    }
}

impl Drop for RedisListener {
    fn drop(&mut self) {
        // Ends the task at its next await, which drops the sinks and cuts them off.
        self.0.abort();
    }
}

async fn keep_listening(client: Client, mut hearings: Vec<Hearing>) {
    if hearings.is_empty() {
        return;
    }
    let mut retry = Retry::new();
    loop {
        let error = match subscribe(&client, &hearings).await {
            Ok(connection) => {
                tracing::info!("listening on Redis");
                retry.reset();
                pass_on(connection, &mut hearings).await
            }
            Err(error) => error,
        };
        hearings.iter_mut().for_each(Hearing::cut_off);
        tracing::warn!(
            error = %error,
            "not listening on Redis; every lookup reads the database until it does",
        );
        retry.pause().await;
    }
}

/// A connection that is subscribed.
async fn subscribe(client: &Client, hearings: &[Hearing]) -> Result<PubSub, Lost> {
    let subscribe = async {
        let mut connection = client.get_async_pubsub().await?;
        let channels: Vec<_> = hearings.iter().map(Hearing::channel).collect();
        connection.subscribe(channels).await?;
        Ok(connection)
    };
    timeout(CONNECT, subscribe).await.map_err(|_| Lost::Silent)?
}

/// Passes on what is heard until the connection is lost, and says why it was.
async fn pass_on(connection: PubSub, hearings: &mut [Hearing]) -> Lost {
    let (mut asking, mut messages) = connection.split();
    let mut heard = Instant::now();
    loop {
        match timeout(BEAT / 2, messages.next()).await {
            Ok(Some(message)) => {
                heard = Instant::now();
                let on = message.get_channel_name();
                for hearing in hearings.iter_mut().filter(|hearing| hearing.channel() == on) {
                    hearing.hear(message.get_payload_bytes(), heard);
                }
            }
            Ok(None) => return Lost::Closed,
            Err(_silence) => {}
        }
        let now = Instant::now();
        hearings.iter_mut().for_each(|hearing| hearing.look(now));
        if now.duration_since(heard) > SILENCE {
            // No bridge is there, or the connection is not any more.
            if let Err(lost) = ask(&mut asking).await {
                return lost;
            }
            heard = now;
        }
    }
}

/// Asks the server for a sign of life.
async fn ask(asking: &mut PubSubSink) -> Result<(), Lost> {
    let answer = timeout(ANSWER, asking.ping::<redis::Value>()).await;
    answer.map_err(|_| Lost::Silent)?.map(drop).map_err(Lost::from)
}
