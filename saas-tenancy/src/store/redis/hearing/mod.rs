//! Which bridges vouch for a sink.
//!
//! 1. A bridge *covers* when it has told every change since the sink forgot all, or when it began
//!    later and another covers what was before.
//! 2. A sink is connected while a bridge covers. When none is left it is cut off.
//! 3. A heartbeat that comes while the sink is cut off makes it forget all. So whoever is heard then
//!    covers.
//! 4. A bridge that joins covers after [`OVERLAP`] heartbeats of one that does. The first of them
//!    may come from a bridge that is deaf and has not noticed; the last cannot.
//! 5. Silence, a gap in the numbers and a new generation make a bridge one that joins.

use std::collections::HashMap;

use tokio::time::Instant;
use uuid::Uuid;

use super::{SILENCE, channel_of, message::Message};
use crate::store::ChangeSink;

/// How many heartbeats of a bridge that covers another one needs to see: three seconds. A source
/// notices within one that it is deaf.
const OVERLAP: u32 = 12;

/// The most bridges that are known at once; there should be two or three. Others are not heard.
const MOST: usize = 64;

/// A sink, and what is known of the bridges of its channel.
#[derive(Debug)]
pub(super) struct Hearing {
    sink: Box<dyn ChangeSink>,
    channel: String,
    state: State,
    bridges: HashMap<Uuid, Bridge>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Connected,
    CutOff,
}

#[derive(Debug)]
struct Bridge {
    generation: u64,
    /// The number of changes that it has told.
    told: u64,
    /// The last heartbeat.
    heard: Instant,
    role: Role,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    Covers,
    /// It has seen so many heartbeats of that bridge.
    Joins(Option<(Uuid, u32)>),
}

impl Hearing {
    /// A sink that nobody vouches for yet.
    pub(super) fn new(sink: Box<dyn ChangeSink>) -> Self {
        let channel = channel_of(sink.channel());
        Self { sink, channel, state: State::CutOff, bridges: HashMap::new() }
    }

    /// The channel of Redis.
    pub(super) fn channel(&self) -> &str {
        &self.channel
    }

    /// Something was said on the channel.
    pub(super) fn hear(&mut self, bytes: &[u8], now: Instant) {
        let Some(message) = Message::parse(bytes) else { return };
        self.look(now);
        if let Some(payload) = message.payload {
            // Whoever sent it and whatever its number is: looking again never harms.
            self.sink.changed(payload);
            self.count(&message);
        } else {
            self.beat(&message, now);
        }
    }

    /// Forgets bridges that fell silent.
    pub(super) fn look(&mut self, now: Instant) {
        self.bridges.retain(|_, bridge| now.duration_since(bridge.heard) <= SILENCE);
        self.settle();
    }

    /// Forgets all bridges: what they say is not heard any more.
    pub(super) fn cut_off(&mut self) {
        self.bridges.clear();
        self.settle();
    }

    /// Counts a change. One that is not the next means that others were missed.
    fn count(&mut self, change: &Message<'_>) {
        let Some(bridge) = self.bridges.get_mut(&change.bridge) else { return };
        if bridge.is_past(change) {
            return;
        }
        if bridge.generation == change.generation && change.told == bridge.told.saturating_add(1) {
            bridge.told = change.told;
        } else {
            self.bridges.remove(&change.bridge);
            self.settle();
        }
    }

    fn beat(&mut self, beat: &Message<'_>, now: Instant) {
        let full = self.bridges.len() >= MOST;
        match self.bridges.get_mut(&beat.bridge) {
            Some(bridge) if bridge.is_past(beat) => return,
            Some(bridge) if (bridge.generation, bridge.told) == (beat.generation, beat.told) => {
                bridge.heard = now;
            }
            None if full => return,
            _ => drop(self.bridges.insert(beat.bridge, Bridge::joining(beat, now))),
        }
        self.settle();
        match self.state {
            State::CutOff => self.connect(),
            State::Connected => self.vouch(beat.bridge),
        }
    }

    /// Lets the sink forget all, so that whoever is heard now covers.
    fn connect(&mut self) {
        self.bridges.values_mut().for_each(|bridge| bridge.role = Role::Covers);
        self.state = State::Connected;
        self.sink.connected();
        tracing::info!(channel = self.channel, "changes are heard through Redis");
    }

    /// Cuts the sink off when no bridge covers.
    fn settle(&mut self) {
        let covered = self.bridges.values().any(|bridge| bridge.role == Role::Covers);
        if self.state == State::Connected && !covered {
            self.state = State::CutOff;
            self.sink.disconnected();
            tracing::warn!(
                channel = self.channel,
                "no bridge tells all changes; every lookup reads the database until one does",
            );
        }
    }

    /// A heartbeat of `witness` counts for those that join beside it.
    fn vouch(&mut self, witness: Uuid) {
        let covers = |bridge: &Bridge| bridge.role == Role::Covers;
        let covering: Vec<Uuid> =
            self.bridges.iter().filter(|(_, bridge)| covers(bridge)).map(|(id, _)| *id).collect();
        if !covering.contains(&witness) {
            return;
        }
        for bridge in self.bridges.values_mut() {
            let Role::Joins(seen) = bridge.role else { continue };
            bridge.role = match seen {
                Some((other, _)) if other != witness && covering.contains(&other) => continue,
                Some((same, beats)) if same == witness && beats + 1 >= OVERLAP => Role::Covers,
                Some((same, beats)) if same == witness => Role::Joins(Some((witness, beats + 1))),
                _ => Role::Joins(Some((witness, 1))),
            };
        }
    }
}

impl Bridge {
    fn joining(beat: &Message<'_>, now: Instant) -> Self {
        let Message { generation, told, .. } = *beat;
        Self { generation, told, heard: now, role: Role::Joins(None) }
    }

    /// Whether it was sent over a connection that the bridge has given up since.
    const fn is_past(&self, message: &Message<'_>) -> bool {
        message.generation < self.generation
    }
}

#[cfg(test)]
mod tests;
