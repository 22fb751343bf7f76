//! What it costs to know who sends a request.
//!
//! `checked` is a token that is new; `remembered` is one that was seen within the last minute.

use std::time::Duration;

use divan::{Bencher, black_box};
use saas_core::{
    Clock, SessionId, TenantId, UserId,
    auth::{AccessClaims, KeySet, KeyState, SigningKey, StrictVerifier, TokenCache, TokenSigner},
};
use secrecy::{ExposeSecret, SecretString};

const ISSUER: &str = "https://club.example";
const AUDIENCE: &str = "https://club.example/api";

fn main() {
    divan::main();
}

#[divan::bench]
fn signed(bencher: Bencher<'_, '_>) {
    let (signer, _, claims) = world();
    bencher.bench_local(|| signer.sign(black_box(&claims)));
}

#[divan::bench]
fn checked(bencher: Bencher<'_, '_>) {
    let (signer, verifier, claims) = world();
    let token = token(&signer, &claims);
    bencher.bench_local(|| verifier.verify(black_box(token.expose_secret())));
}

#[divan::bench]
fn remembered(bencher: Bencher<'_, '_>) {
    let (signer, verifier, claims) = world();
    let (token, cache) = (token(&signer, &claims), TokenCache::new(verifier));
    bencher.bench_local(|| cache.verify(black_box(token.expose_secret())));
}

fn token(signer: &TokenSigner, claims: &AccessClaims) -> SecretString {
    signer.sign(claims).expect("the key was just made")
}

fn world() -> (TokenSigner, StrictVerifier, AccessClaims) {
    let clock = Clock::system();
    let key = SigningKey::generate().expect("the machine has random bytes");
    let keys = KeySet::new([key.verifying_key(KeyState::Active)]).expect("one key");
    let party = (UserId::generate(&clock), SessionId::generate(&clock));
    let claims = AccessClaims::new((ISSUER, AUDIENCE), party, &clock, Duration::from_secs(900))
        .for_tenant(TenantId::generate(&clock))
        .proved(clock.now(), ["pwd"]);
    (TokenSigner::new(key), StrictVerifier::new(keys, ISSUER, AUDIENCE, clock), claims)
}
