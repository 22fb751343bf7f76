//! `/invitations`: how people come into a tenant.
//!
//! Whoever has an account accepts while signed in, on a host without a tenant. Whoever has none
//! chooses a name and a password, anywhere.

use std::sync::Arc;

use axum::{
    Extension,
    extract::{FromRef, State},
};
use chrono::{DateTime, Utc};
use http::StatusCode;
use saas_core::{
    Problem, RequestId, Scope, UserId,
    auth::{Principal, Reject},
};
use saas_rbac::{
    AccessError, Acting,
    invitation::{Acceptance, Invitation, InvitationId, Invitations, Sent, Unlimited},
    password,
    rules::Rule,
};
use saas_tenancy::{ResolvedTenant, db::TenantDb};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::routes;
use uuid::Uuid;

use super::{
    auth::Device,
    extract::{Created, Id, Idempotent, Json, Made},
};
use crate::{
    access::{ApiRouter, MODEL, perm::team::Invite},
    auth::Identity,
    error::AppError,
    state::AppState,
};

/// The routes within a tenant, below `/api/v1`.
pub fn router() -> ApiRouter {
    ApiRouter::new()
        .route(Rule::permission::<Invite>(), routes!(list))
        .route(Rule::permission::<Invite>(), routes!(create))
        .route(Rule::permission::<Invite>(), routes!(resend))
        .route(Rule::permission::<Invite>(), routes!(revoke))
}

/// The route of whoever is invited. It exists on every host: they belong to no tenant yet.
pub fn acceptance() -> ApiRouter {
    ApiRouter::new().route(Rule::public(), routes!(accept))
}

impl FromRef<AppState> for Invitations {
    fn from_ref(state: &AppState) -> Self {
        Self::new(state.databases.clone(), MODEL, state.clock.clone(), Arc::new(Unlimited))
    }
}

/// The invitations of the tenant.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Invitations)]
struct InvitationsView {
    /// The invitations, the newest first.
    invitations: Vec<InvitationView>,
}

/// An invitation. Its token is in the mail alone.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Invitation)]
struct InvitationView {
    id: Uuid,
    #[schema(example = "ada@example.com")]
    email: String,
    #[schema(example = "member")]
    role: String,
    /// `open`, `expired`, `accepted` or `revoked`.
    #[schema(value_type = String, example = "open")]
    status: saas_rbac::invitation::Status,
    /// Who invited.
    invited_by: Uuid,
    expires_at: DateTime<Utc>,
}

impl From<Invitation> for InvitationView {
    fn from(one: Invitation) -> Self {
        Self {
            id: one.id.as_uuid(),
            email: one.email,
            role: one.role,
            status: one.status,
            invited_by: one.invited_by.as_uuid(),
            expires_at: one.expires_at,
        }
    }
}

/// Somebody to invite.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct InviteBody {
    #[schema(example = "ada@example.com")]
    email: String,
    /// The name of a role.
    #[schema(example = "member")]
    role: String,
}

/// An invitation that is taken.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Accept {
    /// What came with the mail.
    #[schema(value_type = String)]
    token: SecretString,
    /// The name to go by, for whoever has no account.
    name: Option<String>,
    /// A password, for whoever has no account.
    #[schema(value_type = Option<String>, format = Password)]
    password: Option<SecretString>,
}

/// Somebody belongs to a tenant now, and can sign in to it.
#[derive(Debug, Serialize, ToSchema)]
struct Accepted {
    user_id: Uuid,
    tenant: AcceptedTenant,
}

/// The tenant, as its name says it.
#[derive(Debug, Serialize, ToSchema)]
struct AcceptedTenant {
    id: Uuid,
    slug: String,
    name: String,
}

/// Lists the invitations.
#[utoipa::path(
    get, path = "/invitations", tag = "team", operation_id = "list_invitations",
    responses((status = OK, body = InvitationsView)),
)]
async fn list(
    State(invitations): State<Invitations>,
    scope: Scope,
) -> Result<axum::Json<InvitationsView>, AppError> {
    let all = invitations.list(&scope).await?;
    let invitations = all.into_iter().map(InvitationView::from).collect();
    Ok(axum::Json(InvitationsView { invitations }))
}

/// Invites somebody. The link goes out by mail, and is good for seven days.
#[utoipa::path(
    post, path = "/invitations", tag = "team", operation_id = "invite",
    params(
        ("Idempotency-Key" = Option<String>, Header, max_length = 255, description = "A repeated request with the same key gets the same answer and makes nothing new"),
    ),
    request_body = InviteBody,
    responses(
        (status = CREATED, body = InvitationView, headers(("location" = String))),
        (status = CONFLICT, description = "`already_member`, `already_invited`, `seat_limit`"),
        (status = UNPROCESSABLE_ENTITY, description = "The address is none, or there is no such role"),
    ),
)]
async fn create(
    State(state): State<AppState>,
    acting: Acting,
    device: Device,
    mut db: TenantDb,
    Idempotent { body, ticket }: Idempotent<InviteBody>,
) -> Result<Created, AppError> {
    let tenant = db.tenant().clone();
    let mut tx = db.begin().await?;
    if let Some(answer) = ticket.replay(&mut tx, state.clock.now()).await? {
        return Ok(answer);
    }
    let invitations = Invitations::from_ref(&state);
    let Sent { invitation, token } = invitations.create(&acting, &body.email, &body.role).await?;
    let letter = Letter { to: &invitation.email, token: &token, tenant: &tenant.name };
    letter.send(&state, &acting, &device).await?;
    let view = InvitationView::from(invitation);
    let made = Made { id: view.id.to_string(), version: None, body: &view };
    let created = ticket.created(&mut tx, made).await?;
    tx.commit().await?;
    Ok(created)
}

/// Sends an invitation again. The link before is void, and the seven days begin anew.
#[utoipa::path(
    post, path = "/invitations/{id}/resend", tag = "team", operation_id = "resend_invitation",
    params(("id" = Uuid, Path)),
    responses(
        (status = OK, body = InvitationView),
        (status = NOT_FOUND, description = "There is no such invitation"),
        (status = GONE, description = "`token_used`: it was accepted or revoked"),
    ),
)]
async fn resend(
    State(state): State<AppState>,
    tenant: ResolvedTenant,
    acting: Acting,
    device: Device,
    Id(id): Id<InvitationId>,
) -> Result<axum::Json<InvitationView>, AppError> {
    let Sent { invitation, token } = Invitations::from_ref(&state).resend(&acting, id).await?;
    let letter = Letter { to: &invitation.email, token: &token, tenant: &tenant.name };
    letter.send(&state, &acting, &device).await?;
    Ok(axum::Json(invitation.into()))
}

/// Calls an invitation back. Its link is void at once.
#[utoipa::path(
    delete, path = "/invitations/{id}", tag = "team", operation_id = "revoke_invitation",
    params(("id" = Uuid, Path)),
    responses(
        (status = NO_CONTENT),
        (status = NOT_FOUND, description = "There is no such invitation"),
        (status = GONE, description = "`token_used`: it was accepted or revoked already"),
    ),
)]
async fn revoke(
    State(invitations): State<Invitations>,
    acting: Acting,
    Id(id): Id<InvitationId>,
) -> Result<StatusCode, AppError> {
    invitations.revoke(&acting, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Accepts an invitation.
///
/// Whoever has an account signs in first, without a tenant, and sends the token alone. Whoever has
/// none sends a name and a password too, and has an account then.
#[utoipa::path(
    post, path = "/invitations/accept", tag = "team", operation_id = "accept_invitation",
    request_body = Accept,
    responses(
        (status = OK, body = Accepted),
        (status = UNAUTHORIZED, description = "Neither signed in nor with name and password"),
        (status = FORBIDDEN, description = "`email_mismatch` or `email_not_verified`: it is for somebody else"),
        (status = CONFLICT, description = "`already_member`, `inviter_lost_right`, or `email_taken`: sign in first"),
        (status = GONE, description = "`token_used`: unknown, used, revoked or expired"),
        (status = UNPROCESSABLE_ENTITY, description = "Name or password are not taken"),
    ),
)]
async fn accept(
    State(state): State<AppState>,
    principal: Option<Principal>,
    Extension(request): Extension<RequestId>,
    Json(body): Json<Accept>,
) -> Result<axum::Json<Accepted>, AppError> {
    let invitations = Invitations::from_ref(&state);
    let token = body.token.expose_secret();
    // Before a password is hashed for nothing.
    let Some(email) = invitations.invited(token).await? else {
        return Err(AccessError::TokenUsed.into());
    };
    let acceptance = match (principal, body.name, body.password) {
        (Some(principal), None, None) => Acceptance::Existing(person(&principal)?),
        (None, Some(name), Some(chosen)) => {
            let password_hash = hash(&state.identity, &chosen, &email).await?;
            Acceptance::New { name, password_hash }
        }
        (None, None, None) => return Err(Problem::from(Reject::Missing).into()),
        (Some(_), ..) => return Err(wrong("name", "not_needed", "you have an account already")),
        (None, None, _) => return Err(wrong("name", "required", "a new account needs a name")),
        (None, _, None) => {
            return Err(wrong("password", "required", "a new account needs a password"));
        }
    };
    let joined = invitations.accept(token, acceptance, request).await?;
    let tenant = ResolvedTenant::by_id(&*state.store, joined.tenant).await?;
    Ok(axum::Json(Accepted {
        user_id: joined.user.as_uuid(),
        tenant: AcceptedTenant {
            id: joined.tenant.as_uuid(),
            slug: tenant.slug.to_string(),
            name: tenant.name.clone(),
        },
    }))
}

fn person(principal: &Principal) -> Result<UserId, AppError> {
    if principal.session().is_some() && principal.impersonator().is_none() {
        return Ok(principal.user());
    }
    Err(Problem::new(StatusCode::FORBIDDEN, "session_required")
        .with_detail("only the person themselves may accept; sign in")
        .into())
}

async fn hash(
    identity: &Identity,
    chosen: &SecretString,
    email: &str,
) -> Result<SecretString, AppError> {
    password::check(chosen, email)
        .map_err(|refused| Problem::validation(vec![refused.in_field("password")]))?;
    let hash = identity.passwords.hash(chosen).await.map_err(Problem::from)?;
    Ok(hash.as_str().to_owned().into())
}

fn wrong(field: &'static str, code: &'static str, detail: &'static str) -> AppError {
    let fault = saas_core::problem::FieldError::new(field, code, detail);
    Problem::validation(vec![fault]).into()
}

/// What goes out to somebody who is invited.
struct Letter<'a> {
    to: &'a str,
    token: &'a SecretString,
    tenant: &'a str,
}

impl Letter<'_> {
    async fn send(
        &self,
        AppState { identity, public_url, .. }: &AppState,
        acting: &Acting,
        device: &Device,
    ) -> Result<(), AppError> {
        let inviter = match acting.scope().actor().user() {
            Some(user) => identity.users.by_id(user).await.map_err(Problem::from)?,
            None => None,
        };
        let inviter = inviter.map_or_else(String::new, |user| user.name);
        // Behind the `#`, where neither a log nor another site sees it.
        let link = format!("{public_url}/accept-invitation#token={}", self.token.expose_secret());
        let names = (self.tenant, inviter.as_str());
        let mail = identity.letters.invitation(self.to, names, &link, device.locale);
        identity.postbox.post(mail);
        Ok(())
    }
}
