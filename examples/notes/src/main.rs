//! The smallest complete application: the notes of two tenants. One shares its tables with others,
//! one has a schema of its own, and the handlers do not know which.
//!
//! The first chapter of the book, `docs/src/start.md`, tells how it comes about.
#![expect(clippy::print_stdout, reason = "says where it can be reached")]

mod routes;
mod setup;

use axum::{ServiceExt, extract::Request};
use saas_core::BoxError;
use saas_tenancy::embedded::EmbeddedPostgres;
use tokio::net::TcpListener;

// ANCHOR: main
#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let server = EmbeddedPostgres::throw_away().start().await?;
    let backend = setup::prepare(&server).await?;
    let app = ServiceExt::<Request>::into_make_service(routes::app(backend)?);

    let listener = TcpListener::bind("127.0.0.1:8080").await?;
    println!("http://acme.localhost:8080/notes and http://globex.localhost:8080/notes");
    let stop = async { drop(tokio::signal::ctrl_c().await) };
    axum::serve(listener, app).with_graceful_shutdown(stop).await?;
    Ok(server.stop().await?)
}
// ANCHOR_END: main

#[cfg(test)]
mod tests;
