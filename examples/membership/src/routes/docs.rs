//! The OpenAPI document and a page to read and try it. The page's files are in the program.

use std::sync::Arc;

use axum::{
    Router,
    extract::Path,
    response::{IntoResponse, Redirect, Response},
    routing::get,
};
use bytes::Bytes;
use http::{HeaderValue, StatusCode, header};
use saas_core::Problem;
use utoipa::openapi::OpenApi;
use utoipa_swagger_ui::Config;

/// Where the document is.
pub const DOCUMENT: &str = "/api/openapi.json";
/// Where the page is.
pub const PAGE: &str = "/api/docs/";

/// The page loads its own files and asks this server, and nobody else.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
    img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; \
    frame-ancestors 'none'";

/// The document and the page. They answer on every host.
pub fn router<S: Clone + Send + Sync + 'static>(document: &OpenApi) -> Router<S> {
    let document = Bytes::from(document.to_json().unwrap_or_default());
    let config = Arc::new(Config::from(DOCUMENT).try_it_out_enabled(true).validator_url("none"));
    let file = move |Path(file): Path<String>| {
        let config = Arc::clone(&config);
        async move { page(&file, config) }
    };
    let index = file.clone();
    Router::new()
        .route(
            DOCUMENT,
            get(async move || ([(header::CONTENT_TYPE, "application/json")], document)),
        )
        .route("/api/docs", get(async || Redirect::permanent(PAGE)))
        .route(PAGE, get(move || index(Path("index.html".to_owned()))))
        .route("/api/docs/{*file}", get(file))
}

fn page(file: &str, config: Arc<Config<'static>>) -> Response {
    match utoipa_swagger_ui::serve(file, config) {
        Ok(Some(file)) => {
            let mut response = file.bytes.into_owned().into_response();
            let headers = response.headers_mut();
            if let Ok(kind) = HeaderValue::from_str(&file.content_type) {
                headers.insert(header::CONTENT_TYPE, kind);
            }
            headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
            response
        }
        Ok(None) => Problem::new(StatusCode::NOT_FOUND, "not_found").into_response(),
        Err(error) => Problem::internal(error.to_string()).into_response(),
    }
}
