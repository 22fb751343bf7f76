//! Sign-up of a tenant. Answers on every host.

use axum::{extract::State, response::IntoResponse};
use http::{StatusCode, header};
use saas_core::{Clock, TenantId};
use saas_tenancy::{NewTenant, Slug, SlugError, TenancyError, placement::UnknownIsolation};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    extract::Json,
    tenant::{LONGEST_NAME, TenantView},
};
use crate::{
    error::AppError,
    input::{Faults, Invalid, line},
    members::Email,
    state::AppState,
};

/// How long a password may be, in characters. The upper end bounds the work of hashing it.
const PASSWORD: std::ops::RangeInclusive<usize> = 12..=256;

/// The routes of sign-up.
pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(sign_up))
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
    /// Who owns it. Checked, but not used yet: there are no users and no sign-in in this version,
    /// so nothing of it is stored and no token is answered.
    owner: Option<Owner>,
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

#[derive(Debug, Serialize, ToSchema)]
struct SignedUp {
    tenant: TenantView,
}

/// Makes a tenant and its home in the database.
///
/// It is ready when the answer comes. The slug of a tenant stays taken for ever.
#[utoipa::path(
    post, path = "/tenants", tag = "tenants", operation_id = "sign_up", request_body = SignUp,
    responses((status = CREATED, body = SignedUp, headers(("location" = String)))),
)]
async fn sign_up(
    State(state): State<AppState>,
    Json(body): Json<SignUp>,
) -> Result<impl IntoResponse, AppError> {
    let new = body.check(&state.clock)?;
    let tenant = state.provisioner.provision(new).await.map_err(TenancyError::from)?;
    let location = format!("{}/api/v1/tenant", state.public_url.of(&tenant.slug));
    let body = SignedUp { tenant: TenantView::from(&*tenant) };
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], axum::Json(body)))
}

impl SignUp {
    fn check(&self, clock: &Clock) -> Result<NewTenant, AppError> {
        let mut faults = Faults::new();
        let name = faults.check("name", line(&self.name, LONGEST_NAME));
        let slug = faults.check("slug", slug(&self.slug));
        let isolation = self.isolation.as_deref().map(|text| {
            text.parse()
                .map_err(|error: UnknownIsolation| Invalid::new("invalid_value", error.to_string()))
        });
        let isolation = faults.check_some("isolation", isolation).unwrap_or_default();
        if let Some(owner) = &self.owner {
            owner.check(&mut faults);
        }
        let (name, slug) = faults.finish(name.zip(slug))?;
        Ok(NewTenant::new(TenantId::generate(clock), slug, name, isolation))
    }
}

fn slug(text: &str) -> Result<Slug, Invalid> {
    text.parse().map_err(|error: SlugError| {
        let code = if error == SlugError::Reserved { "reserved" } else { "invalid_value" };
        Invalid::new(code, error.to_string())
    })
}

impl Owner {
    fn check(&self, faults: &mut Faults) {
        faults.check("owner.name", line(&self.name, LONGEST_NAME));
        faults.check("owner.email", Email::parse(&self.email));
        let length = self.password.expose_secret().chars().count();
        if !PASSWORD.contains(&length) {
            let (least, most) = (PASSWORD.start(), PASSWORD.end());
            let detail = format!("must have {least} to {most} characters");
            faults.add(Invalid::new("invalid_value", detail).of("owner.password"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn refused(change: &serde_json::Value) -> Vec<String> {
        let mut body = json!({ "name": "Acme", "slug": "acme" });
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
                "owner.password invalid_value",
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
