use std::{sync::Arc, time::Duration};

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use saas_core::{
    Clock,
    auth::{AccessClaims, TokenSigner},
};
use secrecy::SecretString;
use uuid::Uuid;

use super::TokenError;
use crate::session::Session;

/// How long an access token is good.
const LIFE: Duration = Duration::from_secs(600);

/// Who makes access tokens, and for whom.
#[derive(Debug, Clone)]
pub struct Issuer {
    name: Arc<str>,
    audience: Arc<str>,
    life: Duration,
}

impl Issuer {
    /// Makes tokens in this name for this audience, good for ten minutes. Both are usually addresses
    /// of the application.
    #[must_use]
    pub fn new(name: impl Into<Arc<str>>, audience: impl Into<Arc<str>>) -> Self {
        Self { name: name.into(), audience: audience.into(), life: LIFE }
    }

    /// Makes tokens that are good for so long.
    #[must_use]
    pub fn with_life(self, life: Duration) -> Self {
        Self { life, ..self }
    }

    /// The `iss` of its tokens.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The `aud` of its tokens.
    #[must_use]
    pub fn audience(&self) -> &str {
        &self.audience
    }

    /// How long its tokens are good.
    #[must_use]
    pub const fn life(&self) -> Duration {
        self.life
    }
}

/// What a token is about, beside its session.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Proven {
    /// The person's epoch.
    pub(crate) epoch: i64,
    /// When the token is made.
    pub(crate) at: DateTime<Utc>,
    /// Its id.
    pub(crate) id: Uuid,
}

/// Makes an access token of a session. The same input makes the same token.
pub(crate) fn mint(
    issuer: &Issuer,
    signer: &TokenSigner,
    session: &Session,
    proven: Proven,
    clock: &Clock,
) -> Result<SecretString, TokenError> {
    let parties = (issuer.name(), issuer.audience());
    let methods = match session.second_factor_at {
        Some(_) => &["pwd", "otp", "mfa"][..],
        None => &["pwd"][..],
    };
    let mut claims = AccessClaims::new(parties, (session.user, session.id), clock, issuer.life)
        .proved(session.authenticated_at, methods.iter().copied())
        .in_epoch(proven.epoch);
    claims.tid = session.tenant;
    claims.act = session.impersonator;
    claims.iat = proven.at.trunc_subsecs(0);
    // No token outlives its session.
    let life = TimeDelta::from_std(issuer.life).unwrap_or(TimeDelta::zero());
    claims.exp = (claims.iat + life).min(session.expires_at.trunc_subsecs(0));
    claims.jti = proven.id;
    Ok(signer.sign(&claims)?)
}
