//! From a credential to what its person may do.
//!
//! A question to the database is a large future, of some ten kilobytes. They are put on the heap, so
//! that a request whose answers are in memory is small, and no stack overflows.

use chrono::{DateTime, Utc};
use saas_core::{
    BoxError, TenantId, UserId,
    auth::{AccessClaims, Credential, Principal, Reject, SecondFactor},
    permission::{Grants, PermissionSet, Terms},
};
use secrecy::SecretString;

use super::{AuthenticateLayer, Parts, Tokens, presented::Presented};
use crate::{
    api_key::ApiKeyError,
    authorizer::Person,
    impersonation,
    require::SuperAdmin,
    session::{Alive, Session},
    token::Standing,
};

/// How a one-time code is called in a token (RFC 8176).
const ONE_TIME_CODE: &str = "otp";

/// Somebody who proved who they are, and may be here.
pub(super) struct Known {
    pub(super) principal: Principal,
    /// The proof for the super-admin's routes, which no tenant has.
    pub(super) staff: Option<SuperAdmin>,
}

/// What a credential says, once it is known to be good.
struct Proof {
    user: UserId,
    credential: Credential,
    /// The tenant it is for.
    tenant: Option<TenantId>,
    /// The epoch it was made in, if it says so.
    epoch: Option<i64>,
    impersonator: Option<UserId>,
    authenticated_at: DateTime<Utc>,
    second_factor: SecondFactor,
}

/// Who presents this to the tenant `at`, and what they may do.
pub(super) async fn known(
    layer: &AuthenticateLayer,
    presented: Presented<'_>,
    at: Option<TenantId>,
) -> Result<Known, Reject> {
    let parts = &*layer.0;
    let proof = match presented {
        Presented::Nothing => return Err(Reject::Missing),
        Presented::Token(raw) => of_token(parts, raw).await?,
        Presented::Key(raw) => return by_key(parts, raw, at).await,
        Presented::Cookie(secret) => of_cookie(parts, &secret).await?,
    };
    match_tenant(proof.tenant, at)?;
    if let Some(impersonator) = proof.impersonator {
        require_staff(parts, impersonator).await?;
    }
    match proof.tenant {
        Some(tenant) => in_tenant(parts, &proof, tenant).await,
        None => outside(parts, &proof).await,
    }
}

/// Refuses a credential for another tenant than the one addressed. On a host without a tenant a bound
/// credential says who asks, and reaches no tenant's data.
fn match_tenant(of_credential: Option<TenantId>, at: Option<TenantId>) -> Result<(), Reject> {
    if at.is_some() && of_credential != at { Err(Reject::TenantMismatch) } else { Ok(()) }
}

/// A key is of one tenant, and its owner's membership was looked up with it.
async fn by_key(parts: &Parts, raw: &str, at: Option<TenantId>) -> Result<Known, Reject> {
    let Some(keys) = &parts.keys else { return Err(Reject::Revoked) };
    let identity = Box::pin(keys.authenticate(raw)).await.map_err(ApiKeyError::reject)?;
    match_tenant(Some(identity.tenant()), at)?;
    let plan = parts.plans.included(identity.tenant()).await.map_err(Reject::Unavailable)?;
    Ok(Known { principal: identity.principal(plan), staff: None })
}

async fn of_token(parts: &Parts, raw: &str) -> Result<Proof, Reject> {
    let Some(Tokens { cache, keys, liveness }) = &parts.tokens else {
        return Err(Reject::Segments);
    };
    if keys.standing() == Standing::Stale {
        return Err(unavailable(
            "it is not known whether the signing keys are still the right ones",
        ));
    }
    let claims = cache.verify(raw)?;
    let AccessClaims { sub, sid, tid, ep, act, auth_time, .. } = *claims;
    match Box::pin(liveness.is_alive(sid, sub, ep)).await {
        Alive::Yes => {}
        Alive::No => return Err(Reject::Revoked),
        Alive::Unknown => return Err(unavailable("it is not known whether the session is alive")),
    }
    let proven = claims.amr.iter().any(|method| method == ONE_TIME_CODE);
    Ok(Proof {
        user: sub,
        credential: Credential::AccessToken(sid),
        tenant: tid,
        epoch: Some(ep),
        impersonator: act,
        authenticated_at: auth_time,
        second_factor: if proven { SecondFactor::Proven } else { SecondFactor::Absent },
    })
}

async fn of_cookie(parts: &Parts, secret: &SecretString) -> Result<Proof, Reject> {
    let Some((sessions, _)) = &parts.sessions else { return Err(Reject::Missing) };
    let session =
        Box::pin(sessions.resume(secret)).await.map_err(unavailable)?.ok_or(Reject::Revoked)?;
    let Session { id, user, tenant, impersonator, authenticated_at, second_factor_at, .. } =
        session;
    Ok(Proof {
        user,
        credential: Credential::Session(id),
        tenant,
        epoch: None,
        impersonator,
        authenticated_at,
        second_factor: second_factor_at.map_or(SecondFactor::Absent, |_| SecondFactor::Proven),
    })
}

async fn in_tenant(parts: &Parts, proof: &Proof, tenant: TenantId) -> Result<Known, Reject> {
    let member = match parts.authorizer.remembered(tenant, proof.user) {
        Some(known) => known,
        None => {
            let asked = Box::pin(parts.authorizer.member(tenant, proof.user)).await;
            asked.map_err(unavailable)?
        }
    };
    let Some(member) = member else {
        // Somebody who is disabled is nobody anywhere; anybody else is a stranger here.
        person(parts, proof.user, proof.epoch).await?;
        return Err(Reject::TenantMismatch);
    };
    if proof.epoch.is_some_and(|epoch| epoch < member.epoch()) {
        return Err(Reject::Revoked);
    }
    let terms = Terms {
        plan: parts.plans.included(tenant).await.map_err(Reject::Unavailable)?,
        impersonation: match proof.impersonator {
            Some(_) => impersonation::mask(parts.model.catalogue()),
            None => PermissionSet::ALL,
        },
        ..member.terms()
    };
    let roles = member.roles().iter().cloned();
    let principal = principal(proof).in_tenant(tenant, roles, Grants::new(terms));
    Ok(Known { principal, staff: None })
}

async fn outside(parts: &Parts, proof: &Proof) -> Result<Known, Reject> {
    let person = person(parts, proof.user, proof.epoch).await?;
    let principal = principal(proof);
    let staff = SuperAdmin::of(&principal, Some(person)).ok();
    Ok(Known { principal, staff })
}

fn principal(proof: &Proof) -> Principal {
    let principal = Principal::new(proof.user, proof.credential, proof.authenticated_at)
        .with_second_factor(proof.second_factor);
    match proof.impersonator {
        Some(impersonator) => principal.impersonated_by(impersonator),
        None => principal,
    }
}

/// What is known of somebody whose credential is not from before their present epoch.
async fn person(parts: &Parts, user: UserId, epoch: Option<i64>) -> Result<Person, Reject> {
    let person = Box::pin(parts.authorizer.person(user)).await.map_err(unavailable)?;
    let person = person.ok_or(Reject::Revoked)?;
    if epoch.is_some_and(|epoch| epoch < person.epoch()) {
        return Err(Reject::Revoked);
    }
    Ok(person)
}

/// Acting for others ends with the right to do so.
async fn require_staff(parts: &Parts, impersonator: UserId) -> Result<(), Reject> {
    let person = person(parts, impersonator, None).await?;
    if person.is_super_admin() { Ok(()) } else { Err(Reject::Revoked) }
}

fn unavailable(cause: impl Into<BoxError>) -> Reject {
    Reject::Unavailable(cause.into())
}
