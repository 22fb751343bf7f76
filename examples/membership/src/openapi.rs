//! The OpenAPI document: what it says beyond the single routes.

use serde::Serialize;
use utoipa::{
    OpenApi as _, ToSchema,
    openapi::{ContentBuilder, OpenApi, PathItem, Ref, RefOr, ResponseBuilder, path::Operation},
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
            `ETag`; `PUT` needs it as `If-Match`.",
        license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0"),
    ),
    components(schemas(ProblemDocument, ProblemField)),
    tags(
        (name = "tenants", description = "Sign-up of tenants; answers on every host"),
        (name = "tenant", description = "The tenant of the request"),
        (name = "members", description = "The people of a tenant"),
        (name = "membership types", description = "The tiers that members belong to"),
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

/// Says once what an error looks like, and that every route may answer with one.
pub fn complete(document: &mut OpenApi) {
    let schema = Ref::from_schema_name(PROBLEM);
    let content = ContentBuilder::new().schema(Some(schema)).build();
    let response = ResponseBuilder::new()
        .description("What went wrong, as a problem document")
        .content("application/problem+json", content)
        .build();
    let components = document.components.get_or_insert_default();
    components.responses.insert(PROBLEM.to_owned(), RefOr::T(response));
    for item in document.paths.paths.values_mut() {
        for (_, operation) in operations(item) {
            let problem = RefOr::Ref(Ref::from_response_name(PROBLEM));
            operation.responses.responses.entry("default".to_owned()).or_insert(problem);
        }
    }
}

/// The operations at one path, with their methods.
pub(crate) fn operations(
    item: &mut PathItem,
) -> impl Iterator<Item = (&'static str, &mut Operation)> {
    let PathItem { get, put, post, delete, .. } = item;
    [("GET", get), ("PUT", put), ("POST", post), ("DELETE", delete)]
        .into_iter()
        .filter_map(|(method, operation)| Some((method, operation.as_mut()?)))
}
