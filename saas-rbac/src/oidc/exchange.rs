//! From a code to a person.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use reqwest::RequestBuilder;
use saas_core::Clock;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use url::form_urlencoded;

use super::{
    IdTokenRefused, Identity, OidcError, Provider, ProviderHttp,
    id_token::{Expected, IdToken, Profile},
};

/// A code, and what shows that it is ours.
pub(super) struct Exchange<'a> {
    pub(super) code: &'a str,
    pub(super) redirect_uri: &'a str,
    pub(super) verifier: &'a str,
    pub(super) nonce: &'a str,
    pub(super) client_id: &'a str,
    pub(super) client_secret: Option<SecretString>,
}

#[derive(Deserialize)]
struct Tokens {
    id_token: String,
    access_token: Option<String>,
    token_type: Option<String>,
}

#[derive(Deserialize)]
struct UserInfo {
    sub: String,
    #[serde(flatten)]
    profile: Profile,
}

impl Exchange<'_> {
    /// Trades the code for tokens, and looks at them.
    pub(super) async fn run(
        &self,
        provider: &Provider,
        clock: &Clock,
    ) -> Result<Identity, OidcError> {
        let request = self.request(provider)?;
        let tokens: Tokens = ProviderHttp::ask(request, OidcError::Code).await?;
        let id_token = IdToken::read(&tokens.id_token, provider.algorithms())?;
        let key = provider.keys().find(id_token.kid.as_deref(), id_token.algorithm).await?;
        let expected = Expected {
            issuer: provider.issuer(),
            client_id: self.client_id,
            nonce: self.nonce,
            access_token: tokens.access_token.as_deref(),
            now: clock.now(),
        };
        let identity = id_token.verify(&key, &expected)?;
        if identity.email.is_some() {
            return Ok(identity);
        }
        more(identity, provider, &tokens).await
    }

    /// The request with the credentials that the provider takes.
    fn request(&self, provider: &Provider) -> Result<RequestBuilder, OidcError> {
        let mut form = vec![
            ("grant_type", "authorization_code"),
            ("code", self.code),
            ("redirect_uri", self.redirect_uri),
            ("code_verifier", self.verifier),
        ];
        let mut request = provider.http().post(provider.token());
        match &self.client_secret {
            Some(secret) if provider.authenticates_by("client_secret_basic") => {
                request = request.header(http::header::AUTHORIZATION, self.basic(secret)?);
            }
            Some(secret) if provider.authenticates_by("client_secret_post") => {
                form.push(("client_id", self.client_id));
                form.push(("client_secret", secret.expose_secret()));
            }
            None if provider.authenticates_by("none") => form.push(("client_id", self.client_id)),
            Some(_) => return Err(OidcError::Unsupported("clients with a secret")),
            None => return Err(OidcError::Unsupported("clients without a secret")),
        }
        Ok(request.form(&form))
    }

    /// Both parts are encoded before they are joined ([RFC 6749], section 2.3.1).
    ///
    /// [RFC 6749]: https://www.rfc-editor.org/rfc/rfc6749#section-2.3.1
    fn basic(&self, secret: &SecretString) -> Result<http::HeaderValue, OidcError> {
        let encode =
            |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
        let pair = format!("{}:{}", encode(self.client_id), encode(secret.expose_secret()));
        let text = format!("Basic {}", STANDARD.encode(pair));
        let mut value = http::HeaderValue::try_from(text)
            .map_err(|_| OidcError::Unsupported("a client secret of this form"))?;
        value.set_sensitive(true);
        Ok(value)
    }
}

/// Asks for what an ID token does not say. Many providers keep the address to themselves until then.
async fn more(
    identity: Identity,
    provider: &Provider,
    tokens: &Tokens,
) -> Result<Identity, OidcError> {
    let is_bearer = |kind: &String| kind.eq_ignore_ascii_case("bearer");
    let token = tokens.access_token.as_deref().filter(|_| tokens.token_type.iter().any(is_bearer));
    let (Some(url), Some(token)) = (provider.user_info(), token) else { return Ok(identity) };
    let refused = OidcError::BadAnswer("it keeps the user information to itself");
    let request = provider.http().get(url).bearer_auth(token);
    let info: UserInfo = ProviderHttp::ask(request, refused).await?;
    // It is not signed: only the subject ties it to the token.
    if info.sub != identity.subject {
        return Err(IdTokenRefused::Subject.into());
    }
    Ok(identity.with(info.profile))
}
