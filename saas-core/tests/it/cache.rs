//! What is remembered of a token, and for how long.

use std::{sync::Arc, time::Duration};

use saas_core::auth::{KeyState, TokenCache};

use crate::world::World;

#[test]
fn a_token_is_checked_once_and_then_remembered_for_a_minute() {
    let world = World::new();
    let cache = TokenCache::new(world.verifier.clone());
    let token = world.token();
    let first = cache.verify(&token).unwrap();
    world.hand.advance(Duration::from_secs(59));
    assert!(Arc::ptr_eq(&first, &cache.verify(&token).unwrap()), "checked again");
    world.hand.advance(Duration::from_secs(1));
    assert!(!Arc::ptr_eq(&first, &cache.verify(&token).unwrap()), "remembered for too long");
}

#[test]
fn a_remembered_token_expires_all_the_same() {
    let world = World::new();
    let cache = TokenCache::new(world.verifier.clone());
    let end = (world.clock.now() + chrono::TimeDelta::seconds(5)).timestamp();
    let token = world.token_with("exp", Some(end.into()));
    assert!(cache.verify(&token).is_ok());
    world.hand.advance(Duration::from_secs(35));
    assert!(cache.verify(&token).is_ok(), "30 seconds for clocks that differ");
    world.hand.advance(Duration::from_millis(1));
    assert_eq!(cache.verify(&token).unwrap_err().reason(), "expired");
}

#[test]
fn replacing_the_keys_forgets_every_token() {
    let world = World::new();
    let cache = TokenCache::new(world.verifier.clone());
    let token = world.token();
    let first = cache.verify(&token).unwrap();
    world.keys.replace([world.key.verifying_key(KeyState::Active)]).unwrap();
    assert!(!Arc::ptr_eq(&first, &cache.verify(&token).unwrap()));
}

#[test]
fn a_token_like_a_remembered_one_is_not_taken_for_it() {
    let world = World::new();
    let cache = TokenCache::new(world.verifier.clone());
    let token = world.token();
    assert!(cache.verify(&token).is_ok());
    let cut = &token[..token.len() - 1];
    assert_eq!(cache.verify(cut).unwrap_err().reason(), "signature");
    assert_eq!(cache.verify(&format!("{token}A")).unwrap_err().reason(), "signature");
    assert_eq!(cache.verify(&"a".repeat(8193)).unwrap_err().reason(), "too_long");
}

#[test]
fn a_refused_token_is_not_remembered() {
    let world = World::new();
    let cache = TokenCache::new(world.verifier.clone());
    let start = world.clock.now().timestamp();
    let early = world.token_with("nbf", Some((start + 40).into()));
    assert_eq!(cache.verify(&early).unwrap_err().reason(), "not_yet_valid");
    world.hand.advance(Duration::from_secs(10));
    assert!(cache.verify(&early).is_ok());
}
