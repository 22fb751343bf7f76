use std::sync::Arc;

use saas_core::Clock;
use serde::Deserialize;
use url::Url;

use super::{
    OidcError, ProviderHttp,
    keys::{Algorithm, KeyCache},
};

/// An identity provider, as it describes itself. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Provider(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    issuer: String,
    authorization: Url,
    token: Url,
    user_info: Option<Url>,
    algorithms: Vec<Algorithm>,
    authentication: Vec<String>,
    names_itself: bool,
    keys: KeyCache,
    http: ProviderHttp,
}

/// What of the [discovery document] is used.
///
/// [discovery document]: https://openid.net/specs/openid-connect-discovery-1_0.html
#[derive(Deserialize)]
struct Metadata {
    issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
    userinfo_endpoint: Option<String>,
    jwks_uri: String,
    id_token_signing_alg_values_supported: Vec<String>,
    token_endpoint_auth_methods_supported: Option<Vec<String>>,
    code_challenge_methods_supported: Option<Vec<String>>,
    #[serde(default)]
    authorization_response_iss_parameter_supported: bool,
}

impl Provider {
    /// Asks the provider called `issuer` to describe itself.
    ///
    /// # Errors
    /// [`OidcError::Address`] when it, or an address that it names, may not be asked;
    /// [`OidcError::IssuerMismatch`] when it calls itself otherwise, letter by letter;
    /// [`OidcError::Unsupported`] when it signs with no algorithm that is taken or refuses PKCE with
    /// S256; [`OidcError::Unavailable`] and [`OidcError::BadAnswer`] when it does not answer well.
    pub async fn discover(
        issuer: &str,
        http: &ProviderHttp,
        clock: &Clock,
    ) -> Result<Self, OidcError> {
        let url = document(&checked_issuer(issuer, http)?)?;
        let refused = OidcError::BadAnswer("there is no discovery document");
        let found: Metadata = ProviderHttp::ask(http.get(&url), refused).await?;
        if found.issuer != issuer {
            return Err(OidcError::IssuerMismatch);
        }
        Self::described(found, http, clock)
    }

    fn described(found: Metadata, http: &ProviderHttp, clock: &Clock) -> Result<Self, OidcError> {
        let methods = found.code_challenge_methods_supported;
        if methods.is_some_and(|all| !all.iter().any(|one| one == "S256")) {
            return Err(OidcError::Unsupported("PKCE with S256"));
        }
        let names = found.id_token_signing_alg_values_supported;
        let algorithms: Vec<_> = names.iter().filter_map(|name| Algorithm::named(name)).collect();
        if algorithms.is_empty() {
            return Err(OidcError::Unsupported("ID tokens with RS256, ES256 or EdDSA"));
        }
        let authentication = found.token_endpoint_auth_methods_supported;
        let keys = KeyCache::new(http.check(&found.jwks_uri)?, http.clone(), clock.clone());
        let user_info = found.userinfo_endpoint.as_deref();
        Ok(Self(Arc::new(Inner {
            authorization: http.check(&found.authorization_endpoint)?,
            token: http.check(&found.token_endpoint)?,
            user_info: user_info.map(|address| http.check(address)).transpose()?,
            issuer: found.issuer,
            algorithms,
            // What the standard says about a provider that says nothing.
            authentication: authentication.unwrap_or_else(|| vec!["client_secret_basic".into()]),
            names_itself: found.authorization_response_iss_parameter_supported,
            keys,
            http: http.clone(),
        })))
    }

    /// What it is called.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.0.issuer
    }

    pub(super) fn authorization(&self) -> &Url {
        &self.0.authorization
    }

    pub(super) fn token(&self) -> &Url {
        &self.0.token
    }

    pub(super) fn user_info(&self) -> Option<&Url> {
        self.0.user_info.as_ref()
    }

    pub(super) fn http(&self) -> &ProviderHttp {
        &self.0.http
    }

    pub(super) fn keys(&self) -> &KeyCache {
        &self.0.keys
    }

    /// The algorithms that it announces and that are taken.
    pub(super) fn algorithms(&self) -> &[Algorithm] {
        &self.0.algorithms
    }

    /// Whether clients may show who they are like this.
    pub(super) fn authenticates_by(&self, method: &str) -> bool {
        self.0.authentication.iter().any(|one| one == method)
    }

    /// Whether `issuer`, of a response of the authorization endpoint, is this provider.
    pub(super) fn is_named(&self, issuer: Option<&str>) -> bool {
        match issuer {
            Some(issuer) => issuer == self.0.issuer,
            None => !self.0.names_itself,
        }
    }
}

/// Reads what a provider is called.
pub(super) fn checked_issuer(issuer: &str, http: &ProviderHttp) -> Result<Url, OidcError> {
    let url = http.check(issuer)?;
    if url.query().is_some() {
        return Err(OidcError::Address("an issuer has no query"));
    }
    Ok(url)
}

/// Where a provider describes itself.
fn document(issuer: &Url) -> Result<Url, OidcError> {
    let base = issuer.as_str().trim_end_matches('/');
    let text = format!("{base}/.well-known/openid-configuration");
    Url::parse(&text).map_err(|_| OidcError::Address("it is no URL"))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::oidc::{Reach, canned::Canned};

    fn http(reach: Reach) -> ProviderHttp {
        ProviderHttp::new(reach).unwrap()
    }

    fn metadata() -> Value {
        json!({
            "issuer": "https://id.example",
            "authorization_endpoint": "https://id.example/auth",
            "token_endpoint": "https://id.example/token",
            "jwks_uri": "https://id.example/jwks",
            "id_token_signing_alg_values_supported": ["RS256", "HS256", "none"],
        })
    }

    fn described(member: &str, value: Value) -> Result<Provider, OidcError> {
        let mut metadata = metadata();
        metadata[member] = value;
        let metadata = serde_json::from_value(metadata).unwrap();
        Provider::described(metadata, &http(Reach::Public), &Clock::system())
    }

    async fn discover(issuer: &str, reach: Reach) -> Result<Provider, OidcError> {
        Provider::discover(issuer, &http(reach), &Clock::system()).await
    }

    #[test]
    fn only_algorithms_that_are_taken_count() {
        let provider = described("issuer", json!("https://id.example")).unwrap();
        assert_eq!(provider.algorithms(), [Algorithm::Rs256]);
        let none = described("id_token_signing_alg_values_supported", json!(["none", "HS256"]));
        assert!(matches!(none, Err(OidcError::Unsupported(_))));
        let plain = described("code_challenge_methods_supported", json!(["plain"]));
        assert!(matches!(plain, Err(OidcError::Unsupported(_))));
    }

    #[test]
    fn a_provider_cannot_send_us_into_the_private_network() {
        for member in ["authorization_endpoint", "token_endpoint", "jwks_uri", "userinfo_endpoint"]
        {
            for address in ["https://169.254.169.254/", "http://id.example/", "https://[::1]/"] {
                let done = described(member, json!(address));
                assert!(matches!(done, Err(OidcError::Address(_))), "{member} {address}");
            }
        }
    }

    #[test]
    fn a_response_of_another_issuer_or_without_the_announced_one_is_refused() {
        let silent = described("issuer", json!("https://id.example")).unwrap();
        assert!(silent.is_named(None) && silent.is_named(Some("https://id.example")));
        assert!(!silent.is_named(Some("https://evil.example")));
        let announces =
            described("authorization_response_iss_parameter_supported", json!(true)).unwrap();
        assert!(!announces.is_named(None) && announces.is_named(Some("https://id.example")));
    }

    #[tokio::test]
    async fn this_machine_is_never_asked_in_production() {
        let canned = Canned::serve(200, &metadata().to_string()).await;
        let port = canned.url("").rsplit(':').next().unwrap().to_owned();
        for issuer in [
            canned.url(""),
            format!("https://127.0.0.1:{port}"),
            format!("https://localhost:{port}"),
            format!("https://[::ffff:127.0.0.1]:{port}"),
        ] {
            assert!(discover(&issuer, Reach::Public).await.is_err(), "{issuer}");
        }
        assert_eq!(canned.asked(), 0);
    }

    #[tokio::test]
    async fn a_redirect_is_not_followed() {
        for status in [301, 302, 307, 308] {
            let canned = Canned::serve(status, "").await;
            let done = discover(&canned.url(""), Reach::PublicAndLoopback).await;
            assert!(matches!(done, Err(OidcError::BadAnswer(_))), "{done:?}");
            assert_eq!(canned.asked(), 1);
        }
    }

    #[tokio::test]
    async fn an_answer_that_is_too_long_or_no_document_is_refused() {
        let mut long = metadata();
        long["padding"] = json!("x".repeat(128 * 1024));
        for body in [long.to_string().as_str(), "", "[]", "null", "{}", "<html>"] {
            let canned = Canned::serve(200, body).await;
            let done = discover(&canned.url(""), Reach::PublicAndLoopback).await;
            assert!(matches!(done, Err(OidcError::BadAnswer(_))), "{done:?}");
        }
    }

    #[tokio::test]
    async fn a_provider_that_calls_itself_otherwise_is_refused() {
        let canned = Canned::serve(200, &metadata().to_string()).await;
        let done = discover(&canned.url(""), Reach::PublicAndLoopback).await;
        assert!(matches!(done, Err(OidcError::IssuerMismatch)), "{done:?}");
    }
}
