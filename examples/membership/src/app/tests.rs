use std::collections::BTreeSet;

use axum::body::to_bytes;

use super::*;

/// Routes that the document leaves out: pages for people.
const PAGES: [&str; 3] = ["/api/docs", "/api/docs/", "/api/docs/{*file}"];

/// The paths of a router, by axum's own account of it.
fn paths_of(router: &Router<AppState>) -> BTreeSet<String> {
    let text = format!("{router:?}");
    let marker = "RouteId(";
    let entries = text.split(marker).skip(1).filter_map(|rest| {
        let (_, after) = rest.split_once("): \"")?;
        let (path, _) = after.split_once('"')?;
        rest.find("): \"").filter(|at| *at < 12).map(|_| path.to_owned())
    });
    // The fallback, which answers 404, stands there as `/`.
    entries.filter(|path| path != "/" && !path.contains("__private__axum_")).collect()
}

#[test]
fn the_document_lists_exactly_the_paths_that_are_served() {
    let routes = Routes::build(&Clock::system()).unwrap();
    let Routes { pages, tenants, document, .. } = routes;
    let docs: Router<AppState> = crate::routes::docs::router(&document);
    let mut served = paths_of(&pages);
    served.extend(paths_of(&tenants));
    served.extend(paths_of(&docs));
    assert!(served.contains("/api/v1/tenant"), "axum writes its paths in another way: {served:?}");
    for page in PAGES.into_iter().chain([crate::routes::docs::DOCUMENT]) {
        assert!(served.remove(page), "`{page}` is not served");
    }
    let listed: BTreeSet<String> = document.paths.paths.keys().cloned().collect();
    assert_eq!(served, listed);
}

#[tokio::test]
async fn a_panic_costs_one_request_and_does_not_tell_its_text() {
    let answer = panicked(&"hunter2");
    assert_eq!(answer.status(), StatusCode::INTERNAL_SERVER_ERROR);
    let body = to_bytes(answer.into_body(), 4096).await.unwrap();
    assert!(!String::from_utf8_lossy(&body).contains("hunter2"));
}
