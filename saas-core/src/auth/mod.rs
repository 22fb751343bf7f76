//! Who is asking: access tokens, the strict verifier, the [`Principal`] of a request.
//!
//! 1. An access token is a signed JWT ([RFC 7519], [RFC 9068]) of type `at+jwt`. It says who, in
//!    which session and for which tenant, and nothing about permissions: those come from the server
//!    at each request.
//! 2. [`StrictVerifier`] accepts exactly one form of token and answers everything else with a
//!    [`Reject`]. Cheap checks that need no key come first. Nothing in a token can make it fetch a
//!    key, choose an algorithm or skip a check.
//! 3. A key has one algorithm. [`KeySet`] holds the public keys by their id, is replaced as a whole
//!    and never goes to the network. A revoked key is refused from the next token on.
//! 4. A client learns that a token has expired, and no other reason ([`Realm`]). The others go into
//!    logs and counters under [`Reject::reason`]. A token is never echoed.
//! 5. [`TokenCache`] saves the signature check for a token that was seen a moment ago. Times and
//!    the state of the key are checked at each use.
//! 6. Whether the session behind a token is still alive is not asked here. Whoever authenticates a
//!    request compares `sid` and `ep` with what the server knows and answers [`Reject::Revoked`].
//!
//! ```
//! use saas_core::{Clock, SessionId, UserId};
//! use saas_core::auth::{
//!     AccessClaims, KeySet, KeyState, Reject, SigningKey, StrictVerifier, TokenSigner,
//! };
//! use secrecy::ExposeSecret;
//!
//! let clock = Clock::system();
//! let key = SigningKey::generate()?;
//! let keys = KeySet::new([key.verifying_key(KeyState::Active)])?;
//! let signer = TokenSigner::new(key);
//! let verifier =
//!     StrictVerifier::new(keys, "https://club.example", "https://club.example/api", clock.clone());
//!
//! let claims = AccessClaims::new(
//!     ("https://club.example", "https://club.example/api"),
//!     (UserId::generate(&clock), SessionId::generate(&clock)),
//!     &clock,
//!     std::time::Duration::from_secs(900),
//! );
//! let token = signer.sign(&claims)?;
//! assert_eq!(verifier.verify(token.expose_secret())?, claims);
//! assert!(matches!(verifier.verify("e30.e30.e30"), Err(Reject::Header)));
//! # Ok::<(), saas_core::BoxError>(())
//! ```
//!
//! [RFC 7519]: https://www.rfc-editor.org/rfc/rfc7519
//! [RFC 9068]: https://www.rfc-editor.org/rfc/rfc9068

mod bearer;
mod cache;
mod claims;
mod compact;
#[cfg(feature = "axum")]
mod extract;
mod keys;
mod principal;
mod realm;
mod reject;
mod signer;
mod verify;

pub use bearer::bearer;
pub use cache::TokenCache;
pub use claims::AccessClaims;
#[cfg(feature = "axum")]
pub use extract::Unauthenticated;
pub use keys::{
    Jwk, Jwks, KeyAlgorithm, KeyError, KeySet, KeyState, ParsedJwks, SkippedKey, VerifyingKey,
};
pub use principal::{Credential, Principal, SecondFactor};
pub use realm::{InvalidRealm, Realm, Refusal};
pub use reject::Reject;
pub use signer::{SignError, SigningKey, TokenSigner};
pub use verify::StrictVerifier;

/// The longest token that is looked at, in bytes. Ours have about 700.
pub const MAX_TOKEN_BYTES: usize = 8 * 1024;
