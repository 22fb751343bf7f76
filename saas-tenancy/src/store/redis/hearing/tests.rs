//! Bridges that come, fall silent, miss something and go, in made-up time.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use super::*;

/// What the sink was told.
#[derive(Debug, Clone, Default)]
struct Recorded(Arc<Mutex<Vec<String>>>);

impl Recorded {
    fn note(&self, what: &str) {
        self.0.lock().unwrap().push(what.to_owned());
    }
}

impl ChangeSink for Recorded {
    fn channel(&self) -> &'static str {
        "tenants"
    }
    fn connected(&self) {
        self.note("connected");
    }
    fn disconnected(&self) {
        self.note("cut off");
    }
    fn changed(&self, payload: &str) {
        self.note(payload);
    }
}

/// A sink, its bridges and the time.
struct Scene {
    hearing: Hearing,
    sink: Recorded,
    now: Instant,
}

const A: (u128, u64) = (1, 1);
const B: (u128, u64) = (2, 1);

impl Scene {
    fn new() -> Self {
        let sink = Recorded::default();
        let hearing = Hearing::new(Box::new(sink.clone()));
        Self { hearing, sink, now: Instant::now() }
    }

    /// A heartbeat of a bridge in a generation, after so many changes.
    fn beat(&mut self, bridge: (u128, u64), told: u64) {
        self.say(bridge, told, None);
    }

    fn say(&mut self, (bridge, generation): (u128, u64), told: u64, payload: Option<&str>) {
        let message = Message { bridge: Uuid::from_u128(bridge), generation, told, payload };
        self.hearing.hear(message.to_string().as_bytes(), self.now);
    }

    /// Time goes by, and these bridges beat in it.
    fn rounds(&mut self, count: u32, bridges: &[(u128, u64)]) {
        for _ in 0..count {
            self.pass(Duration::from_millis(250));
            bridges.iter().for_each(|bridge| self.beat(*bridge, 0));
        }
    }

    fn pass(&mut self, time: Duration) {
        self.now += time;
        self.hearing.look(self.now);
    }

    /// What the sink was told since it was last asked.
    fn told(&self) -> Vec<String> {
        std::mem::take(&mut *self.sink.0.lock().unwrap())
    }
}

#[test]
fn a_sink_is_cut_off_until_the_first_heartbeat() {
    let mut scene = Scene::new();
    scene.pass(SILENCE * 3);
    scene.say(A, 1, Some("x"));
    assert_eq!(scene.told(), ["x"], "a hint does no harm, but connects nobody");
    scene.beat(A, 1);
    assert_eq!(scene.told(), ["connected"]);
}

#[test]
fn a_second_of_silence_cuts_the_sink_off_and_the_next_heartbeat_makes_it_forget() {
    let mut scene = Scene::new();
    scene.beat(A, 0);
    scene.pass(SILENCE);
    assert_eq!(scene.told(), ["connected"]);
    scene.pass(Duration::from_millis(1));
    assert_eq!(scene.told(), ["cut off"]);
    scene.beat(A, 0);
    assert_eq!(scene.told(), ["connected"]);
}

#[test]
fn silence_is_noticed_by_the_heartbeat_that_ends_it() {
    let mut scene = Scene::new();
    scene.beat(A, 0);
    // The process stood still, so nobody looked in between.
    scene.now += SILENCE * 5;
    scene.beat(A, 0);
    assert_eq!(scene.told(), ["connected", "cut off", "connected"]);
}

#[test]
fn changes_are_told_in_their_order_and_do_not_replace_heartbeats() {
    let mut scene = Scene::new();
    scene.beat(A, 0);
    for told in 1..=5 {
        scene.pass(SILENCE / 4);
        scene.say(A, told, Some("x"));
    }
    assert_eq!(scene.told(), ["connected", "x", "x", "x", "x", "cut off", "x"]);
}

#[test]
fn a_change_that_is_missing_makes_the_sink_forget() {
    let mut scene = Scene::new();
    scene.beat(A, 0);
    scene.say(A, 1, Some("x"));
    scene.say(A, 3, Some("z"));
    assert_eq!(scene.told(), ["connected", "x", "z", "cut off"]);
    scene.beat(A, 3);
    assert_eq!(scene.told(), ["connected"]);
    scene.beat(A, 4);
    assert_eq!(scene.told(), ["cut off", "connected"], "a heartbeat shows it, too");
}

#[test]
fn a_bridge_that_was_cut_off_makes_the_sink_forget() {
    let mut scene = Scene::new();
    scene.beat((1, 1), 0);
    scene.beat((1, 2), 0);
    assert_eq!(scene.told(), ["connected", "cut off", "connected"]);
}

#[test]
fn what_comes_late_from_a_generation_that_is_over_is_only_a_hint() {
    let mut scene = Scene::new();
    scene.beat((1, 2), 0);
    scene.say((1, 1), 7, Some("late"));
    scene.beat((1, 1), 7);
    assert_eq!(scene.told(), ["connected", "late"]);
    scene.rounds(4, &[(1, 1)]);
    assert!(scene.told().is_empty());
    scene.pass(Duration::from_millis(1));
    assert_eq!(scene.told(), ["cut off"], "late heartbeats are no sign of life");
}

#[test]
fn a_bridge_that_ends_beside_another_loses_nothing() {
    let mut scene = Scene::new();
    scene.beat(A, 0);
    scene.beat(B, 0);
    scene.rounds(OVERLAP, &[A, B]);
    scene.rounds(20, &[B]);
    scene.rounds(OVERLAP, &[(3, 1), B]);
    scene.rounds(20, &[(3, 1)]);
    assert_eq!(scene.told(), ["connected"], "and so on, one after the other");
}

#[test]
fn a_bridge_that_joined_just_before_the_other_ended_does_not_take_over() {
    let mut scene = Scene::new();
    scene.beat(A, 0);
    // The first was deaf by now and had not noticed: a change that it missed came before the second.
    scene.beat(B, 0);
    // Less than three seconds.
    scene.rounds(11, &[A, B]);
    scene.rounds(20, &[B]);
    assert_eq!(scene.told(), ["connected", "cut off", "connected"]);
}

#[test]
fn a_bridge_that_is_cut_off_beside_another_loses_nothing_but_has_to_join_again() {
    let mut scene = Scene::new();
    scene.beat(A, 0);
    scene.beat(B, 0);
    scene.rounds(OVERLAP, &[A, B]);
    scene.rounds(1, &[(1, 2), B]);
    scene.rounds(1, &[(1, 2)]);
    assert_eq!(scene.told(), ["connected"]);
    scene.rounds(20, &[(1, 2)]);
    assert_eq!(scene.told(), ["cut off", "connected"]);
}

#[test]
fn two_that_join_do_not_vouch_for_each_other() {
    let mut scene = Scene::new();
    scene.beat(A, 0);
    scene.beat(B, 0);
    for _ in 0..OVERLAP * 2 {
        scene.beat((3, 1), 0);
        scene.beat(B, 0);
    }
    scene.rounds(20, &[B, (3, 1)]);
    assert_eq!(scene.told(), ["connected", "cut off", "connected"]);
}

#[test]
fn heartbeats_of_two_that_cover_are_not_added_up() {
    let mut scene = Scene::new();
    scene.beat(A, 0);
    scene.beat(B, 0);
    scene.rounds(OVERLAP, &[A, B]);
    scene.beat((3, 1), 0);
    scene.rounds(OVERLAP - 1, &[A, B, (3, 1)]);
    scene.rounds(20, &[(3, 1)]);
    assert_eq!(scene.told(), ["connected", "cut off", "connected"]);
}

#[test]
fn whoever_is_heard_when_all_is_forgotten_covers_from_then_on() {
    let mut scene = Scene::new();
    scene.beat(A, 0);
    scene.beat(B, 0);
    scene.beat((1, 2), 0);
    assert_eq!(scene.told(), ["connected", "cut off", "connected"]);
    scene.rounds(20, &[B]);
    assert!(scene.told().is_empty());
}

#[test]
fn a_lost_connection_cuts_the_sink_off_whoever_was_heard() {
    let mut scene = Scene::new();
    scene.beat(A, 0);
    scene.beat(B, 0);
    scene.hearing.cut_off();
    scene.hearing.cut_off();
    assert_eq!(scene.told(), ["connected", "cut off"]);
    scene.beat(B, 0);
    assert_eq!(scene.told(), ["connected"]);
}

#[test]
fn a_flood_of_bridges_is_not_kept() {
    let mut scene = Scene::new();
    scene.beat(A, 0);
    for bridge in 10..10_000 {
        scene.beat((bridge, 1), 0);
    }
    assert_eq!(scene.hearing.bridges.len(), MOST);
    scene.rounds(5, &[A]);
    assert_eq!(scene.hearing.bridges.len(), 1);
    assert_eq!(scene.told(), ["connected"]);
}
