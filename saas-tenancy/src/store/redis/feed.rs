//! What a bridge has to send on one channel.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use uuid::Uuid;

use super::message::{LONGEST_PAYLOAD, Message};
use crate::store::ChangeSink;

/// The most changes that wait for Redis. One more begins a new generation, without them.
const MOST: usize = 1024;

/// The changes of one channel between the source and Redis.
#[derive(Debug)]
pub(super) struct Feed {
    bridge: Uuid,
    channel: &'static str,
    state: Mutex<State>,
    news: Arc<Notify>,
}

#[derive(Debug, Default)]
struct State {
    source: Source,
    generation: u64,
    told: u64,
    /// Messages in their order.
    waiting: Vec<String>,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Source {
    Hears,
    #[default]
    CutOff,
}

impl Feed {
    /// A feed whose source is cut off. It rings `news` when there is something to send.
    pub(super) fn new(bridge: Uuid, channel: &'static str, news: Arc<Notify>) -> Self {
        Self { bridge, channel, state: Mutex::default(), news }
    }

    pub(super) const fn channel(&self) -> &'static str {
        self.channel
    }

    /// The changes that wait.
    pub(super) fn take_changes(&self) -> Vec<String> {
        std::mem::take(&mut self.state().waiting)
    }

    /// The changes that wait and then a heartbeat, unless the source is cut off.
    pub(super) fn take_changes_and_beat(&self) -> Vec<String> {
        let mut state = self.state();
        let mut messages = std::mem::take(&mut state.waiting);
        if state.source == Source::Hears {
            messages.push(self.message(&state, None));
        }
        messages
    }

    /// Changes were lost on the way to Redis: whoever listens has to forget.
    pub(super) fn interrupt(&self) {
        self.state().begin_generation();
    }

    fn message(&self, state: &State, payload: Option<&str>) -> String {
        let (bridge, generation, told) = (self.bridge, state.generation, state.told);
        Message { bridge, generation, told, payload }.to_string()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn begin_generation(&mut self) {
        self.generation += 1;
        self.told = 0;
        self.waiting.clear();
    }
}

/// The end of a [`Feed`] that the source talks to.
#[derive(Debug)]
pub(super) struct FeedSink(pub(super) Arc<Feed>);

impl ChangeSink for FeedSink {
    fn channel(&self) -> &'static str {
        self.0.channel
    }

    fn connected(&self) {
        let mut state = self.0.state();
        state.begin_generation();
        state.source = Source::Hears;
    }

    fn disconnected(&self) {
        self.0.state().source = Source::CutOff;
    }

    fn changed(&self, payload: &str) {
        let mut state = self.0.state();
        if state.waiting.len() >= MOST || payload.len() > LONGEST_PAYLOAD {
            state.begin_generation();
            return;
        }
        state.told += 1;
        let message = self.0.message(&state, Some(payload));
        state.waiting.push(message);
        self.0.news.notify_one();
    }
}

impl Drop for FeedSink {
    fn drop(&mut self) {
        self.disconnected();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn feed() -> (Arc<Feed>, FeedSink) {
        let feed = Arc::new(Feed::new(Uuid::nil(), "channel", Arc::default()));
        (Arc::clone(&feed), FeedSink(feed))
    }

    /// Generation, number and payload of what the feed would send with the next heartbeat.
    fn sent(feed: &Feed) -> Vec<(u64, u64, Option<String>)> {
        let read = |text: &String| {
            let message = Message::parse(text.as_bytes()).unwrap();
            (message.generation, message.told, message.payload.map(str::to_owned))
        };
        feed.take_changes_and_beat().iter().map(read).collect()
    }

    #[test]
    fn changes_go_before_the_heartbeat_that_counts_them() {
        let (feed, sink) = feed();
        sink.connected();
        sink.changed("a b");
        sink.changed("c");
        let changes = [(1, 1, Some("a b".into())), (1, 2, Some("c".into())), (1, 2, None)];
        assert_eq!(sent(&feed), changes);
        assert_eq!(sent(&feed), [(1, 2, None)]);
    }

    #[test]
    fn a_feed_whose_source_is_cut_off_has_no_heartbeat() {
        let (feed, sink) = feed();
        assert_eq!(sent(&feed), []);
        sink.connected();
        sink.disconnected();
        assert_eq!(sent(&feed), []);
        sink.connected();
        assert_eq!(sent(&feed), [(2, 0, None)], "and begins a new generation afterwards");
        drop(sink);
        assert_eq!(sent(&feed), []);
    }

    #[test]
    fn what_redis_did_not_take_ends_the_generation() {
        let (feed, sink) = feed();
        sink.connected();
        sink.changed("lost");
        assert_eq!(feed.take_changes().len(), 1);
        feed.interrupt();
        assert_eq!(sent(&feed), [(2, 0, None)]);
    }

    #[test]
    fn more_than_may_wait_ends_the_generation() {
        let (feed, sink) = feed();
        sink.connected();
        for _ in 0..MOST {
            sink.changed("x");
        }
        assert_eq!(feed.state().generation, 1);
        sink.changed("one too many");
        assert_eq!(sent(&feed), [(2, 0, None)]);
    }

    #[test]
    fn a_payload_that_no_message_has_room_for_ends_the_generation() {
        let (feed, sink) = feed();
        sink.connected();
        sink.changed(&"x".repeat(LONGEST_PAYLOAD + 1));
        assert_eq!(sent(&feed), [(2, 0, None)]);
    }
}
