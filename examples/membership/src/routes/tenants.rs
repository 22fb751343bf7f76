//! Sign-up of a tenant. Answers on every host.

use axum::{
    Extension,
    extract::State,
    response::{IntoResponse, Response},
};
use http::{StatusCode, header};
use saas_core::{Actor, Clock, RequestId, TenantId};
use saas_rbac::{
    password,
    rules::Rule,
    sign_in::LogIn,
    user::{Email, NewUser, UserError},
};
use saas_tenancy::{
    NewTenant, ResolvedTenant, Slug, SlugError, TenancyError, placement::UnknownIsolation,
};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::routes;

use super::{
    auth::{Device, Failed, Tokens, with_cookies},
    extract::Json,
    tenant::{LONGEST_NAME, TenantView},
};
use crate::{
    access::ApiRouter,
    audit_log,
    error::AppError,
    input::{Faults, Invalid, line},
    state::AppState,
};

/// The role of whoever signs a tenant up.
const OWNER: &str = "owner";

/// The routes of sign-up.
pub fn router() -> ApiRouter {
    ApiRouter::new().route(Rule::public(), routes!(sign_up))
}

/// A tenant to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct SignUp {
    /// Its name for people: 1 to 100 characters.
    #[schema(example = "Acme Sports Club")]
    name: String,
    /// Its name in addresses: 3 to 40 of `a`–`z`, `0`–`9` and `-`. It is never given twice.
    #[schema(example = "acme")]
    slug: String,
    /// What separates its data from that of others: `shared` (default), `schema` or `database`.
    #[schema(example = "shared")]
    isolation: Option<String>,
    /// Who owns it: somebody new. Who has an account signs in and asks for another tenant there.
    owner: Owner,
}

/// The first user of a tenant.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Owner {
    name: String,
    #[schema(example = "owner@acme.test")]
    email: String,
    /// 12 to 256 characters.
    #[schema(value_type = String, format = Password)]
    password: SecretString,
}

/// A tenant that was made, and tokens of its owner.
#[derive(Serialize, ToSchema)]
struct SignedUp {
    tenant: TenantView,
    #[serde(flatten)]
    tokens: Tokens,
}

/// What was asked for, once it is known to be fine.
struct Checked {
    tenant: NewTenant,
    owner: NewUser,
    email: Email,
    password: SecretString,
}

/// Makes a tenant, its home in the database and its owner, who is signed in.
///
/// It is ready when the answer comes. The slug of a tenant stays taken for ever.
#[utoipa::path(
    post, path = "/tenants", tag = "tenants", operation_id = "sign_up", request_body = SignUp,
    responses(
        (status = CREATED, body = SignedUp, headers(("location" = String), ("set-cookie" = String))),
        (status = CONFLICT, description = "`slug_taken`, or `email_taken`: the owner has an account"),
    ),
)]
async fn sign_up(
    State(state): State<AppState>,
    Extension(request): Extension<RequestId>,
    here: Option<ResolvedTenant>,
    Device { client, locale }: Device,
    Json(body): Json<SignUp>,
) -> Result<Response, Failed> {
    let Checked { tenant, owner, email, password } = body.check(&state.clock)?;
    let identity = &state.identity;
    // Asked before anything is made, because a slug is given once and for all.
    if identity.users.by_email(&email).await?.is_some() {
        return Err(UserError::EmailTaken.into());
    }
    let hash = identity.passwords.hash(&password).await?;
    let tenant = state.provisioner.provision(tenant).await.map_err(TenancyError::from);
    let tenant = tenant.map_err(AppError::from)?;
    let made = identity.users.create(owner.with_password(hash)).await;
    if let Err(UserError::EmailTaken) = made {
        // Two sign-ups at once: a tenant without an owner is of no use to anybody.
        let removed = state.provisioner.deprovision(tenant.id).await.map_err(TenancyError::from);
        removed.map_err(AppError::from)?;
    }
    let owner = made?.id;
    identity.operator.enlist(tenant.id, owner, OWNER).await?;
    audit_log::tenant_made(&state, &tenant, Actor::User { id: owner }, request).await?;
    let request = LogIn::new(email.as_str(), password, client.clone()).in_tenant(tenant.id);
    let signed_in = identity.sign_in.log_in(request).await?;
    if let Err(error) = identity.sign_in.ask_verification(&email, &client, locale).await {
        tracing::warn!(error = %error, "the owner of a new tenant gets no mail to verify the address");
    }
    let location = format!("{}/api/v1/tenant", state.public_url.of(&tenant.slug));
    let here = here.map(|here| here.id);
    let (tokens, cookie) = Tokens::of_log_in(identity, &signed_in, here)?;
    let body = axum::Json(SignedUp { tenant: TenantView::from(&*tenant), tokens });
    let answer = (StatusCode::CREATED, [(header::LOCATION, location)], body).into_response();
    Ok(with_cookies(answer, cookie))
}

impl SignUp {
    fn check(self, clock: &Clock) -> Result<Checked, AppError> {
        let mut faults = Faults::new();
        let name = faults.check("name", line(&self.name, LONGEST_NAME));
        let slug = faults.check("slug", slug(&self.slug));
        let isolation = self.isolation.as_deref().map(|text| {
            text.parse()
                .map_err(|error: UnknownIsolation| Invalid::new("invalid_value", error.to_string()))
        });
        let isolation = faults.check_some("isolation", isolation).unwrap_or_default();
        let owner = self.owner.check(&mut faults);
        let ((name, slug), (owner, email)) = faults.finish(name.zip(slug).zip(owner))?;
        let tenant = NewTenant::new(TenantId::generate(clock), slug, name, isolation);
        Ok(Checked { tenant, owner, email, password: self.owner.password })
    }
}

fn slug(text: &str) -> Result<Slug, Invalid> {
    text.parse().map_err(|error: SlugError| {
        let code = if error == SlugError::Reserved { "reserved" } else { "invalid_value" };
        Invalid::new(code, error.to_string())
    })
}

impl Owner {
    fn check(&self, faults: &mut Faults) -> Option<(NewUser, Email)> {
        let name = faults.check("owner.name", line(&self.name, LONGEST_NAME));
        let email = Email::parse(&self.email)
            .map_err(|error| Invalid::new("invalid_email", error.to_string()));
        let email = faults.check("owner.email", email);
        if let Err(refused) = password::check(&self.password, &self.email) {
            faults.add(refused.in_field("owner.password"));
        }
        let (name, email) = name.zip(email)?;
        let invalid = |error: UserError| Invalid::new("invalid_characters", error.to_string());
        let new = NewUser::new(email.clone(), name).map_err(invalid);
        Some((faults.check("owner.name", new)?, email))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn refused(change: &serde_json::Value) -> Vec<String> {
        let owner = json!({
            "name": "Ann", "email": "ann@acme.test", "password": "correct horse battery",
        });
        let mut body = json!({ "name": "Acme", "slug": "acme", "owner": owner });
        body.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        let body: SignUp = serde_json::from_value(body).unwrap();
        match body.check(&Clock::system()) {
            Ok(_) => Vec::new(),
            Err(error) => {
                let errors = error.problem().errors().iter();
                errors.map(|e| format!("{} {}", e.field, e.code)).collect()
            }
        }
    }

    #[test]
    fn every_wrong_field_is_told() {
        assert!(refused(&json!({})).is_empty());
        let owner = json!({ "name": "", "email": "owner", "password": "short" });
        let all = json!({ "name": " ", "slug": "www", "isolation": "none", "owner": owner });
        assert_eq!(
            refused(&all),
            [
                "name required",
                "slug reserved",
                "isolation invalid_value",
                "owner.name required",
                "owner.email invalid_email",
                "owner.password too_short",
            ]
        );
        assert_eq!(refused(&json!({ "slug": "x" })), ["slug invalid_value"]);
        assert_eq!(refused(&json!({ "name": "a\u{0}b" })), ["name invalid_characters"]);
        assert_eq!(refused(&json!({ "name": "a".repeat(101) })), ["name too_long"]);
    }

    #[test]
    fn a_password_is_not_printed() {
        let owner =
            json!({ "name": "Ann", "email": "ann@acme.test", "password": "hunter2hunter2" });
        let owner: Owner = serde_json::from_value(owner).unwrap();
        assert!(!format!("{owner:?}").contains("hunter2"));
    }
}
