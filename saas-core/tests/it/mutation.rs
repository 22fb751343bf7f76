//! Laws over tokens that nobody wrote down: what was not signed does not pass, and nothing panics.
//!
//! `fuzz_…` feeds a fixed number of inputs from a fixed seed, so that a failure can be repeated.

use http::{HeaderMap, HeaderValue, header::AUTHORIZATION};
use proptest::prelude::{Just, Strategy, any, prop_assert, prop_oneof, proptest};
use saas_core::auth::{Jwks, TokenCache, bearer};
use serde_json::json;

use crate::world::{World, base64url};

/// A change of a token, with places that are taken modulo its length.
#[derive(Debug, Clone)]
enum Change {
    Flip(usize, u8),
    Set(usize, u8),
    Remove(usize),
    Insert(usize, char),
    Cut(usize),
    SwapSegments(usize, usize),
    BorrowSegment(usize),
    RewriteHeader(String),
    RewritePayload(String),
}

fn change() -> impl Strategy<Value = Change> {
    let place = any::<usize>;
    let json = prop_oneof![
        Just(r#"{"alg":"none"}"#.to_owned()),
        Just("{}".to_owned()),
        Just(String::new()),
        "\\PC{0,40}",
    ];
    prop_oneof![
        (place(), 0_u8..7).prop_map(|(at, bit)| Change::Flip(at, bit)),
        (place(), 0_u8..128).prop_map(|(at, byte)| Change::Set(at, byte)),
        place().prop_map(Change::Remove),
        (place(), any::<char>()).prop_map(|(at, what)| Change::Insert(at, what)),
        place().prop_map(Change::Cut),
        (0_usize..3, 0_usize..3).prop_map(|(a, b)| Change::SwapSegments(a, b)),
        (0_usize..3).prop_map(Change::BorrowSegment),
        json.clone().prop_map(Change::RewriteHeader),
        json.prop_map(Change::RewritePayload),
    ]
}

impl Change {
    /// The changed token. `other` is one that is valid as well.
    fn apply(&self, token: &str, other: &str) -> String {
        let mut segments: Vec<String> = token.split('.').map(str::to_owned).collect();
        let mut bytes = token.as_bytes().to_vec();
        let count = bytes.len().max(1);
        match self {
            Self::Flip(at, bit) if !bytes.is_empty() => bytes[at % count] ^= 1 << bit,
            Self::Set(at, byte) if !bytes.is_empty() => bytes[at % count] = *byte,
            Self::Remove(at) if !bytes.is_empty() => {
                bytes.remove(at % count);
            }
            Self::Insert(at, what) => {
                let at = at % count;
                bytes.splice(at..at, what.to_string().into_bytes());
            }
            Self::Cut(at) => bytes.truncate(at % count),
            Self::SwapSegments(a, b) if segments.len() > *a.max(b) => {
                segments.swap(*a, *b);
                return segments.join(".");
            }
            Self::BorrowSegment(at) if segments.len() > *at => {
                segments[*at] = other.split('.').nth(*at).unwrap_or_default().to_owned();
                return segments.join(".");
            }
            Self::RewriteHeader(text) => {
                segments[0] = base64url(text);
                return segments.join(".");
            }
            Self::RewritePayload(text) if segments.len() > 1 => {
                segments[1] = base64url(text);
                return segments.join(".");
            }
            // What the changes before have left has no such place.
            Self::Flip(..)
            | Self::Set(..)
            | Self::Remove(_)
            | Self::SwapSegments(..)
            | Self::BorrowSegment(_)
            | Self::RewritePayload(_) => {}
        }
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

proptest! {
    #[test]
    fn a_changed_token_does_not_pass(changes in proptest::collection::vec(change(), 1..4)) {
        let world = World::new();
        let cache = TokenCache::new(world.verifier.clone());
        let (token, other) = (world.token(), world.token());
        prop_assert!(cache.verify(&token).is_ok() && cache.verify(&other).is_ok());
        let changed = changes.iter().fold(token.clone(), |token, one| one.apply(&token, &other));
        if changed != token && changed != other {
            prop_assert!(world.verifier.verify(&changed).is_err(), "{}", changed);
            prop_assert!(cache.verify(&changed).is_err(), "{}", changed);
        }
    }

    #[test]
    fn a_header_written_differently_does_not_pass_with_the_old_signature(
        blanks in "[ \t\n\r]{1,3}", place in 1_usize..4,
    ) {
        let world = World::new();
        let token = world.token();
        let (_, rest) = token.split_once('.').unwrap();
        // The same JSON, with blanks between its members.
        let spaced = world.header().to_string().replacen(',', &format!(",{blanks}"), place);
        let changed = format!("{}.{rest}", base64url(spaced));
        prop_assert!(world.verifier.verify(&changed).is_err(), "{}", changed);
    }

    #[test]
    fn no_header_and_no_token_makes_it_panic(text in "\\PC{0,200}", bytes: Vec<u8>) {
        let world = World::new();
        feed(&world, &bytes);
        feed(&world, text.as_bytes());
        let dressed = format!("Bearer {}.{}.{}", base64url(&text), base64url(&bytes), base64url(&bytes));
        feed(&world, dressed.as_bytes());
        prop_assert!(world.verifier.verify(&text).is_err());
    }
}

/// Sends `bytes` wherever a stranger can send something. Whether it was let in.
fn feed(world: &World, bytes: &[u8]) -> bool {
    drop(Jwks::parse(bytes));
    let text = String::from_utf8_lossy(bytes);
    let direct = world.verifier.verify(&text).is_ok();
    let Ok(value) = HeaderValue::from_bytes(bytes) else { return direct };
    let headers = HeaderMap::from_iter([(AUTHORIZATION, value)]);
    match bearer(&headers) {
        Ok(Some(token)) => world.verifier.verify(token).is_ok(),
        Ok(None) | Err(_) => direct,
    }
}

/// Random numbers from a seed (`SplitMix64`).
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, limit: usize) -> usize {
        let limit = u64::try_from(limit.max(1)).unwrap();
        usize::try_from(self.roll() % limit).unwrap()
    }

    fn byte(&mut self) -> u8 {
        self.roll().to_le_bytes()[0]
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.below(from.len())]
    }
}

/// Fragments that parsers of headers and tokens trip over.
const FRAGMENTS: [&str; 24] = [
    "Bearer ",
    "bearer\t",
    ".",
    "..",
    "=",
    "==",
    "-",
    "_",
    "+",
    "/",
    " ",
    "\u{0}",
    "\"",
    "\\",
    "{}",
    "[[[[[[",
    "null",
    "eyJhbGciOiJub25lIn0",
    "{\"alg\":\"none\"}",
    "{\"typ\":\"at+jwt\"",
    ",",
    "ö",
    "\u{202e}",
    "1e999",
];

/// Values for the members of a header.
const VALUES: [&str; 12] = [
    "\"at+jwt\"",
    "\"EdDSA\"",
    "\"none\"",
    "\"HS256\"",
    "null",
    "1",
    "[]",
    "{}",
    "\"\"",
    "true",
    "\"\\u0000\"",
    "1e999",
];

/// One input: noise, a header of valid and odd members, or a valid token with bytes changed.
fn input(dice: &mut Dice, world: &World, valid: &str) -> Vec<u8> {
    match dice.below(4) {
        0 => (0..dice.below(300)).map(|_| dice.byte()).collect(),
        1 => (0..dice.below(40)).flat_map(|_| dice.pick(&FRAGMENTS).bytes()).collect(),
        2 => {
            let names = ["typ", "alg", "kid", "crit", "jwk", "zip", ""];
            let members: Vec<String> = (0..dice.below(5))
                .map(|_| format!("{}:{}", json!(dice.pick(&names)), dice.pick(&VALUES)))
                .chain([format!("\"kid\":{}", json!(world.key.kid()))])
                .collect();
            let (_, rest) = valid.split_once('.').unwrap();
            format!("{}.{rest}", base64url(format!("{{{}}}", members.join(",")))).into_bytes()
        }
        _ => {
            let mut bytes = valid.as_bytes().to_vec();
            for _ in 0..=dice.below(3) {
                let at = dice.below(bytes.len());
                match dice.below(3) {
                    0 => bytes[at] = dice.byte(),
                    1 => {
                        bytes.remove(at);
                    }
                    _ => bytes.insert(at, b"AQgw-_.=0"[dice.below(9)]),
                }
            }
            bytes
        }
    }
}

#[test]
fn fuzz_200_000_inputs_neither_panic_nor_pass() {
    let world = World::new();
    let valid = world.token();
    let mut dice = Dice(0x5aa5_2026);
    for round in 0..200_000 {
        let bytes = input(&mut dice, &world, &valid);
        if bytes != valid.as_bytes() {
            assert!(!feed(&world, &bytes), "round {round}: {}", String::from_utf8_lossy(&bytes));
        }
    }
    assert!(feed(&world, valid.as_bytes()), "the harness lets nothing in at all");
}
