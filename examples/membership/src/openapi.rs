//! The OpenAPI document: what it says beyond the single routes.

use http::{Method, StatusCode};
use saas_rbac::rules::{Need, RouteRules, Rule};
use serde::Serialize;
use serde_json::json;
use utoipa::{
    OpenApi as _, ToSchema,
    openapi::{
        ContentBuilder, OpenApi, PathItem, Ref, RefOr, ResponseBuilder,
        extensions::ExtensionsBuilder,
        path::Operation,
        response::Response,
        security::{
            ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme,
        },
    },
};

/// The name of the response that every route may give.
const PROBLEM: &str = "Problem";

#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "Membership",
        description = "A membership platform for many tenants.\n\n\
            A tenant is addressed by its host, `{slug}.<base domain>`, or by a path in front of \
            everything else, `/t/{slug}/api/v1/…`. Errors are problem documents (RFC 9457) with a \
            stable `code`. Unknown fields of a request are refused. Single resources have an \
            `ETag`; `PUT` needs it as `If-Match`.\n\n\
            Sign in with `POST /api/v1/auth/login` at the tenant's address, and send the access token \
            as `Authorization: Bearer`. `x-required-permission` says what an operation asks for.",
        license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0"),
    ),
    components(schemas(ProblemDocument, ProblemField)),
    tags(
        (name = "auth", description = "Sign-in, sessions and second factors; answers on every host"),
        (name = "tenants", description = "Sign-up of tenants; answers on every host"),
        (name = "tenant", description = "The tenant of the request"),
        (name = "members", description = "The people of a tenant"),
        (name = "membership types", description = "The tiers that members belong to"),
        (name = "team", description = "The people who sign in to a tenant, and invitations"),
        (name = "roles", description = "Roles, and who may do what"),
        (name = "api keys", description = "Keys with which programs act for people"),
        (name = "audit", description = "What was done in a tenant, and by whom"),
        (name = "admin", description = "For the application's own staff; answers on no tenant's host"),
        (name = "operations", description = "Probes; answer on every host"),
    ),
)]
struct Head;

/// An error (RFC 9457).
#[derive(Serialize, ToSchema)]
#[schema(as = Problem)]
struct ProblemDocument {
    /// `about:blank`: the code says more.
    #[serde(rename = "type")]
    #[schema(example = "about:blank")]
    kind: &'static str,
    /// The HTTP status in words.
    title: &'static str,
    /// The HTTP status.
    #[schema(minimum = 400, maximum = 599)]
    status: u16,
    /// What went wrong, for programs. It stays what it is.
    #[schema(example = "tenant_not_found")]
    code: &'static str,
    /// What went wrong and what to do, for people.
    detail: Option<&'static str>,
    /// The id of the request, to find it in the log.
    request_id: Option<uuid::Uuid>,
    /// What is wrong with single fields, with code `validation_failed`.
    #[serde(default)]
    errors: Vec<ProblemField>,
}

/// What is wrong with one field of the input.
#[derive(Serialize, ToSchema)]
struct ProblemField {
    /// The field; nested ones are joined by dots.
    field: &'static str,
    /// What is wrong, for programs.
    code: &'static str,
    /// What is wrong and what would be right, for people.
    detail: &'static str,
}

/// The document before the routes are added.
#[must_use]
pub fn head() -> OpenApi {
    Head::openapi()
}

/// The credentials that are taken, by their names in the document.
const TOKEN: &str = "access_token";
const KEY: &str = "api_key";
const COOKIE: &str = "session_cookie";

/// Says once what an error looks like and that every route may answer with one, what credentials
/// there are, and what each route asks for.
pub fn complete(document: &mut OpenApi, rules: &RouteRules) {
    let schema = Ref::from_schema_name(PROBLEM);
    let content = ContentBuilder::new().schema(Some(schema)).build();
    let response = ResponseBuilder::new()
        .description("What went wrong, as a problem document")
        .content("application/problem+json", content)
        .build();
    let components = document.components.get_or_insert_default();
    components.responses.insert(PROBLEM.to_owned(), RefOr::T(response));
    for (name, scheme) in schemes() {
        components.add_security_scheme(name, scheme);
    }
    for (path, item) in &mut document.paths.paths {
        for (method, operation) in operations(item) {
            if let Some(rule) = rules.get(&method, path) {
                guard(operation, rule);
            }
            let problem = RefOr::Ref(Ref::from_response_name(PROBLEM));
            operation.responses.responses.entry("default".to_owned()).or_insert(problem);
        }
    }
}

/// What a client can prove who it is with.
fn schemes() -> [(&'static str, SecurityScheme); 3] {
    let bearer = |format: &str, text: &str| {
        let scheme = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format(format);
        SecurityScheme::Http(scheme.description(Some(text)).build())
    };
    let cookie = ApiKeyValue::with_description(
        "session",
        "The cookie of a browser's session, called `__Host-session` over TLS. Changes must come \
         from the application's own pages.",
    );
    [
        (TOKEN, bearer("JWT", "The `access_token` of a log-in, for one tenant, for ten minutes.")),
        (KEY, bearer("sk_live_…", "A key that somebody has made for a program.")),
        (COOKIE, SecurityScheme::ApiKey(ApiKey::Cookie(cookie))),
    ]
}

/// Says of an operation what its rule asks for and how it refuses.
fn guard(operation: &mut Operation, rule: &Rule) {
    let security = rule.security();
    let named = |name: &&str| SecurityRequirement::new(*name, Vec::<String>::new());
    operation.security = Some(match rule.need() {
        Need::Public => Vec::new(),
        // Nobody is staff, or proves anew who they are, with a key.
        Need::SuperAdmin => [TOKEN, COOKIE].iter().map(named).collect(),
        _ => [TOKEN, KEY, COOKIE].iter().map(named).collect(),
    });
    let extensions = match &security.permissions[..] {
        [] => ExtensionsBuilder::new().add("x-rule", security.note.clone()),
        [one] => ExtensionsBuilder::new().add("x-required-permission", *one),
        any => ExtensionsBuilder::new().add("x-required-permission", json!({ "any_of": any })),
    };
    operation.extensions.get_or_insert_default().merge(extensions.build());
    for status in security.statuses {
        let description = match *status {
            StatusCode::UNAUTHORIZED => {
                "Nobody has signed in, or the credential is over".to_owned()
            }
            _ => format!("Refused; this asks for: {}", security.note),
        };
        let refusal = operation.responses.responses.entry(status.as_str().to_owned());
        refusal.or_insert_with(|| RefOr::T(refusal_of(&description)));
    }
}

fn refusal_of(description: &str) -> Response {
    let content = ContentBuilder::new().schema(Some(Ref::from_schema_name(PROBLEM))).build();
    ResponseBuilder::new()
        .description(description)
        .content("application/problem+json", content)
        .build()
}

/// The operations at one path, with their methods.
pub(crate) fn operations(item: &mut PathItem) -> impl Iterator<Item = (Method, &mut Operation)> {
    let PathItem { get, put, post, delete, options, head, patch, trace, .. } = item;
    [
        (Method::GET, get),
        (Method::PUT, put),
        (Method::POST, post),
        (Method::DELETE, delete),
        (Method::OPTIONS, options),
        (Method::HEAD, head),
        (Method::PATCH, patch),
        (Method::TRACE, trace),
    ]
    .into_iter()
    .filter_map(|(method, operation)| Some((method, operation.as_mut()?)))
}
