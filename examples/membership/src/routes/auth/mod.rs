//! `/auth`: signing in and out, sessions, passwords, addresses, second factors.
//!
//! 1. On a tenant's host a log-in is for that tenant; elsewhere for none, until it is switched to
//!    one.
//! 2. A program gets an access token in the answer and a refresh token as a cookie, or asks for the
//!    refresh token in the answer by sending one in a body. A browser may ask for a session, whose
//!    cookie is all it has.
//! 3. What only the person themselves may do takes an `Oneself`: no API key, and nobody who acts
//!    for them.

mod answer;
mod body;
mod device;
mod email;
mod failed;
mod log_in;
mod log_out;
mod oneself;
mod password;
mod refresh;
mod second_factor;
mod sessions;
mod switch;

use std::time::Duration;

use saas_core::{Problem, UserId, auth::Reject};
use saas_rbac::{rules::Rule, user::User};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::routes;
use uuid::Uuid;

pub(crate) use self::device::Device;
pub(super) use self::{
    answer::{Tokens, signed_in, with_cookies},
    failed::Failed,
};
use crate::{
    access::{ApiRouter, ROLES},
    auth::Identity,
    error::AppError,
};

/// How long ago a password may have been shown to change how one signs in.
const FRESH: Duration = Duration::from_secs(15 * 60);

/// The routes of this resource, below `/api/v1`.
pub fn router() -> ApiRouter {
    ApiRouter::new()
        .route(Rule::public(), routes!(log_in::log_in))
        .route(Rule::public(), routes!(refresh::refresh))
        .route(Rule::public(), routes!(log_out::log_out))
        .route(Rule::signed_in(), routes!(switch::switch))
        .route(Rule::signed_in(), routes!(switch::step_up))
        .route(Rule::public(), routes!(password::forgot))
        .route(Rule::public(), routes!(password::reset))
        .route(Rule::signed_in(), routes!(password::change))
        .route(Rule::public(), routes!(email::verify))
        .route(Rule::signed_in(), routes!(email::resend))
        .route(Rule::signed_in(), routes!(sessions::list))
        .route(Rule::signed_in(), routes!(sessions::revoke))
        .route(Rule::signed_in(), routes!(sessions::revoke_others))
        // Whoever finds an open browser must not put a factor of their own in place.
        .route(Rule::signed_in().with_step_up(FRESH), routes!(second_factor::enrol))
        .route(Rule::signed_in().with_step_up(FRESH), routes!(second_factor::confirm))
        .route(Rule::signed_in(), routes!(second_factor::disable))
}

/// A person who signs in.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = User)]
pub(super) struct UserView {
    id: Uuid,
    #[schema(example = "owner@acme.test")]
    email: String,
    name: String,
    /// Whether the address was proven to be theirs.
    email_verified: bool,
}

impl From<&User> for UserView {
    fn from(user: &User) -> Self {
        Self {
            id: user.id.as_uuid(),
            email: user.email.as_str().to_owned(),
            name: user.name.clone(),
            email_verified: user.email_verified_at.is_some(),
        }
    }
}

/// A tenant that somebody belongs to.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct TenantOfUser {
    id: Uuid,
    #[schema(example = "acme")]
    slug: String,
    name: String,
    /// Their role in it, the first one if they have several.
    #[schema(example = "owner")]
    role: String,
}

/// The tenants that somebody belongs to.
pub(super) async fn tenants_of(
    identity: &Identity,
    user: UserId,
) -> Result<Vec<TenantOfUser>, AppError> {
    let mut tenants = Vec::new();
    for one in identity.users.memberships(user).await.map_err(Problem::from)? {
        let fixed = ROLES.in_mask(one.role_mask).next().map(|role| role.name().to_owned());
        let role = match fixed {
            Some(role) => Some(role),
            // Only the tenant knows what it calls its own roles.
            None => {
                let member = identity.authorizer.member(one.tenant, user).await?;
                member.and_then(|member| member.roles().first().cloned())
            }
        };
        tenants.push(TenantOfUser {
            id: one.tenant.as_uuid(),
            slug: one.slug,
            name: one.name,
            role: role.unwrap_or_default(),
        });
    }
    Ok(tenants)
}

/// Somebody who has signed in.
pub(super) async fn user_of(identity: &Identity, user: UserId) -> Result<User, AppError> {
    let user = identity.users.by_id(user).await.map_err(Problem::from)?;
    user.ok_or_else(|| Problem::from(Reject::Revoked).into())
}
