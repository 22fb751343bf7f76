//! Signing in with identity providers, by `OpenID Connect`: with those that the application has
//! chosen, and with those that a tenant has connected for itself.
//!
//! 1. The browser is sent to the provider with a code request: PKCE with S256, `state` and `nonce`. All
//!    three are bound to that browser by a sealed cookie that is good for ten minutes. Nothing is
//!    stored meanwhile.
//! 2. When it comes back, the cookie must be that of the same attempt, the answer must come from the
//!    provider that was asked ([RFC 9207]), and the ID token is checked claim by claim. The client
//!    learns `sign_in_failed` whatever was wrong; logs and `oidc_refused_total` have the reason.
//! 3. Addresses of providers are input of tenants. Only public addresses are asked, over TLS, without
//!    redirects, with limits on time and size; see [`Reach`].
//! 4. A person is known by issuer and subject. An address ties a person to a provider only where the
//!    application itself chose the provider, both sides have verified the address and the person has
//!    no second factor. Otherwise they sign in as before, and [link](SignInWith::link) the two.
//! 5. What a tenant's own provider says of an address proves nothing to others: it could claim any.
//!    It opens sessions of that tenant only, and none of a super-administrator. Whoever links it to an
//!    account trusts that tenant with it: a session can be switched to another tenant of the person.
//!    A link counts no more once the address of the account has been proven after it.
//! 6. Sign-in with a provider stands for the password, never for the second factor: the session has
//!    none until one is shown.
//!
//! [RFC 9207]: https://www.rfc-editor.org/rfc/rfc9207
//!
//! ```no_run
//! use http::HeaderMap;
//! use saas_rbac::oidc::{Arriving, ConnectionId, Connections, Flow, SignInWith};
//! use saas_rbac::session::Client;
//!
//! # async fn run(
//! #     connections: Connections, flow: Flow, sign_in_with: SignInWith, id: ConnectionId,
//! #     headers: HeaderMap, query: &str, request: saas_core::RequestId,
//! # ) -> Result<(), Box<dyn std::error::Error>> {
//! // GET /sign-in/{connection}: answer with a redirect to `url` and with `Set-Cookie`.
//! let connection = connections.find(None, id).await?;
//! let redirect = flow.begin(&connection, "https://club.example/sign-in/callback").await?;
//! println!("{}", redirect.url);
//!
//! // GET /sign-in/callback?code=…&state=…, with the cookie of that browser.
//! let arrival = flow.finish(query, &headers).await?;
//! let signed_in = sign_in_with.sign_in(&arrival, Arriving::new(Client::unknown(), request)).await?;
//! # Ok(())
//! # }
//! ```

mod address;
mod browser;
#[cfg(test)]
mod canned;
mod connection;
mod error;
mod exchange;
mod flow;
mod http;
mod id_token;
mod keys;
mod provider;
mod rows;
mod sign_in_with;
mod store;

pub use self::{
    address::Reach,
    browser::Redirect,
    connection::{Connection, ConnectionId, NewConnection, Newcomers},
    error::{IdTokenRefused, OidcError},
    flow::{Arrival, Flow},
    http::ProviderHttp,
    id_token::Identity,
    provider::Provider,
    sign_in_with::{Arriving, SignInWith, SignInWithError},
    store::Connections,
};
