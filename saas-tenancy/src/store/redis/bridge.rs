//! Passes on to Redis what a source hears.

use std::sync::Arc;

use redis::{AsyncConnectionConfig, Client, Pipeline, aio::MultiplexedConnection};
use secrecy::SecretString;
use tokio::{
    select,
    sync::Notify,
    task::JoinHandle,
    time::{MissedTickBehavior, interval},
};
use uuid::Uuid;

use super::{
    ANSWER, BEAT,
    address::{self, CONNECT, Lost, Retry},
    channel_of,
    feed::{Feed, FeedSink},
};
use crate::{error::TenancyError, store::ChangeSink};

/// Publishes changes on Redis until it is dropped. See the [module](super) for the rules.
#[derive(Debug)]
#[must_use = "a bridge that is dropped stops, and who listens on Redis serves nothing from memory"]
pub struct RedisBridge(JoinHandle<()>);

impl RedisBridge {
    /// Connects to Redis at `url` in the background, and again whenever the connection is lost.
    ///
    /// The sinks are for a [`ChangeListener`](crate::store::ChangeListener), one for each of the
    /// `channels`. Until it is connected the bridge sends nothing.
    ///
    /// # Errors
    /// [`TenancyError::Unsafe`] when `url` is not the address of a Redis server. It is not
    /// repeated, because it may hold a password.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub fn spawn(
        url: &SecretString,
        channels: &[&'static str],
    ) -> Result<(Self, Vec<Box<dyn ChangeSink>>), TenancyError> {
        let client = address::client(url)?;
        let (bridge, news) = (Uuid::new_v4(), Arc::new(Notify::new()));
        let mut channels = channels.to_vec();
        // Two feeds of one channel would count their changes apart under one name.
        channels.sort_unstable();
        channels.dedup();
        let feed = |channel| Arc::new(Feed::new(bridge, channel, Arc::clone(&news)));
        let feeds: Vec<_> = channels.into_iter().map(feed).collect();
        let sink = |feed| -> Box<dyn ChangeSink> { Box::new(FeedSink(Arc::clone(feed))) };
        let sinks = feeds.iter().map(sink).collect();
        Ok((Self(tokio::spawn(keep_publishing(client, feeds, news))), sinks))
    }
}

impl Drop for RedisBridge {
    fn drop(&mut self) {
        self.0.abort();
    }
}

async fn keep_publishing(client: Client, feeds: Vec<Arc<Feed>>, news: Arc<Notify>) {
    let mut retry = Retry::new();
    loop {
        let error = match connect(&client).await {
            Ok(connection) => {
                tracing::info!("telling changes through Redis");
                publish(connection, &feeds, &news, &mut retry).await
            }
            Err(error) => error,
        };
        // Nobody knows which of the last messages arrived.
        feeds.iter().for_each(|feed| feed.interrupt());
        tracing::warn!(
            error = %error,
            "not telling changes through Redis; processes without another bridge read the database",
        );
        retry.pause().await;
    }
}

async fn connect(client: &Client) -> Result<MultiplexedConnection, Lost> {
    let config = AsyncConnectionConfig::new()
        .set_connection_timeout(Some(CONNECT))
        .set_response_timeout(Some(ANSWER));
    Ok(client.get_multiplexed_async_connection_with_config(&config).await?)
}

/// Publishes until the connection is lost, and says why it was.
async fn publish(
    mut connection: MultiplexedConnection,
    feeds: &[Arc<Feed>],
    news: &Notify,
    retry: &mut Retry,
) -> Lost {
    let mut beat = interval(BEAT);
    // Listeners count heartbeats to measure time, so two are never closer than this.
    beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let messages = select! {
            _ = beat.tick() => commands(feeds, Feed::take_changes_and_beat),
            () = news.notified() => commands(feeds, Feed::take_changes),
        };
        if messages.is_empty() {
            continue;
        }
        // One batch after the other: the answer to this one is what bounds a heartbeat's age.
        if let Err(error) = messages.exec_async(&mut connection).await {
            return error.into();
        }
        // A login alone is no success: it may not have the right to publish.
        retry.reset();
    }
}

/// The commands that publish what the feeds have.
fn commands(feeds: &[Arc<Feed>], take: impl Fn(&Feed) -> Vec<String>) -> Pipeline {
    let mut commands = Pipeline::new();
    for feed in feeds {
        let channel = channel_of(feed.channel());
        for message in take(feed) {
            commands.cmd("PUBLISH").arg(&channel).arg(message).ignore();
        }
    }
    commands
}
