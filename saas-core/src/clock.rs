//! Time as a value that is passed in, so that expiry, schedules and ids can be tested.
//!
//! Nothing else in the workspace reads the system's clock: `clippy.toml` refuses it.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant, SystemTime},
};

use chrono::{DateTime, TimeDelta, Utc};
use uuid::{ContextV7, Timestamp, Uuid};

/// Where the time comes from. Cheap to clone; all clones tell the same time.
#[derive(Clone)]
pub struct Clock(Source);

#[derive(Clone)]
enum Source {
    System { started: Instant, ids: Arc<Mutex<ContextV7>> },
    Manual { hand: Hand, ids: Arc<Mutex<ContextV7>> },
}

impl Clock {
    /// The clock of the machine.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the machine's clock")]
    pub fn system() -> Self {
        Self(Source::System { started: Instant::now(), ids: Arc::default() })
    }

    /// A clock that stands at `start` until its [`Hand`] is moved.
    #[must_use]
    pub fn manual(start: DateTime<Utc>) -> (Self, Hand) {
        let hand = Hand(Arc::new(Mutex::new((start, Duration::ZERO))));
        (Self(Source::Manual { hand: hand.clone(), ids: Arc::default() }), hand)
    }

    /// The time of day.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the machine's clock")]
    pub fn now(&self) -> DateTime<Utc> {
        match &self.0 {
            Source::System { .. } => SystemTime::now().into(),
            Source::Manual { hand, .. } => hand.read().0,
        }
    }

    /// Time since an arbitrary moment; never goes back. For durations and expiry in process.
    #[must_use]
    pub fn monotonic(&self) -> Duration {
        match &self.0 {
            Source::System { started, .. } => started.elapsed(),
            Source::Manual { hand, .. } => hand.read().1,
        }
    }

    /// A version 7 UUID of this moment. Ids of one clock grow even within a millisecond.
    #[must_use]
    pub fn uuid(&self) -> Uuid {
        let now = self.now();
        let seconds = u64::try_from(now.timestamp()).unwrap_or(0);
        let (Source::System { ids, .. } | Source::Manual { ids, .. }) = &self.0;
        let context = ids.lock().unwrap_or_else(PoisonError::into_inner);
        Uuid::new_v7(Timestamp::from_unix(&*context, seconds, now.timestamp_subsec_nanos()))
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.0 {
            Source::System { .. } => "system",
            Source::Manual { .. } => "manual",
        };
        f.debug_tuple("Clock").field(&kind).finish()
    }
}

/// Moves a [`Clock::manual`].
#[derive(Debug, Clone)]
pub struct Hand(Arc<Mutex<(DateTime<Utc>, Duration)>>);

impl Hand {
    /// Moves the clock forward.
    pub fn advance(&self, by: Duration) {
        let mut hand = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        hand.0 += TimeDelta::from_std(by).unwrap_or(TimeDelta::MAX);
        hand.1 += by;
    }

    /// Sets the time of day, back or forth. The monotonic time follows only forward.
    pub fn set(&self, now: DateTime<Utc>) {
        let mut hand = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let forward = (now - hand.0).to_std().unwrap_or(Duration::ZERO);
        hand.1 += forward;
        hand.0 = now;
    }

    fn read(&self) -> (DateTime<Utc>, Duration) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeZone;

    #[test]
    fn a_manual_clock_moves_only_by_its_hand() {
        let start = Utc.with_ymd_and_hms(2026, 11, 21, 9, 0, 0).unwrap();
        let (clock, hand) = Clock::manual(start);
        assert_eq!(clock.now(), start);
        hand.advance(Duration::from_secs(90));
        assert_eq!(clock.now(), start + TimeDelta::seconds(90));
        assert_eq!(clock.monotonic(), Duration::from_secs(90));
    }

    #[test]
    fn setting_the_time_back_does_not_turn_the_monotonic_time_back() {
        let start = Utc.with_ymd_and_hms(2026, 11, 21, 9, 0, 0).unwrap();
        let (clock, hand) = Clock::manual(start);
        hand.advance(Duration::from_secs(10));
        hand.set(start);
        assert_eq!(clock.now(), start);
        assert_eq!(clock.monotonic(), Duration::from_secs(10));
    }

    #[test]
    fn ids_made_in_the_same_millisecond_still_grow() {
        let (clock, _hand) = Clock::manual(Utc.with_ymd_and_hms(2026, 1, 1, 0, 0, 0).unwrap());
        let ids: Vec<Uuid> = (0..1000).map(|_| clock.uuid()).collect();
        assert!(ids.is_sorted());
    }
}
