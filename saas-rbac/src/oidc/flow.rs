use std::{sync::Arc, time::Duration};

use aws_lc_rs::constant_time::verify_slices_are_equal;
use http::{HeaderMap, HeaderValue};
use moka::future::Cache;
use saas_core::Clock;
use url::form_urlencoded;

use super::{
    Connection, Connections, Identity, OidcError, Provider, ProviderHttp, Redirect,
    browser::{Attempt, forget},
    exchange::Exchange,
};
use crate::{seal::Seal, session::Transport};

/// How long the query of an answer may be, in bytes.
const QUERY: usize = 8 * 1024;

/// How many providers are remembered, and for how long.
const REMEMBERED: (u64, Duration) = (1_000, Duration::from_secs(60 * 60));

/// Sends browsers to providers and takes them back. Cheap to clone. See the [module docs](super).
#[derive(Debug, Clone)]
pub struct Flow {
    connections: Connections,
    http: ProviderHttp,
    seal: Arc<dyn Seal>,
    clock: Clock,
    transport: Transport,
    providers: Cache<String, Provider>,
}

/// Somebody came back from a provider, and it is known who they are there.
#[derive(Debug, Clone)]
pub struct Arrival {
    connection: Connection,
    identity: Identity,
}

impl Arrival {
    /// The connection they came through.
    #[must_use]
    pub const fn connection(&self) -> &Connection {
        &self.connection
    }

    /// Who they are there.
    #[must_use]
    pub const fn identity(&self) -> &Identity {
        &self.identity
    }
}

/// What the provider sends back by the browser.
#[derive(Default)]
struct Callback {
    state: Option<String>,
    code: Option<String>,
    issuer: Option<String>,
    error: Option<String>,
}

impl Flow {
    /// Through these connections, for browsers that come like `transport` says.
    #[must_use]
    pub fn new(
        connections: Connections,
        http: ProviderHttp,
        seal: Arc<dyn Seal>,
        clock: Clock,
        transport: Transport,
    ) -> Self {
        let (most, span) = REMEMBERED;
        let providers = Cache::builder().max_capacity(most).time_to_live(span).build();
        Self { connections, http, seal, clock, transport, providers }
    }

    /// Where to send a browser that wants to sign in. `redirect_uri` is where it comes back; it is
    /// configured, never taken from a request.
    ///
    /// # Errors
    /// [`OidcError::Unavailable`] when the provider does not answer, and what else can be wrong with
    /// it: see [`Provider::discover`].
    pub async fn begin(
        &self,
        connection: &Connection,
        redirect_uri: &str,
    ) -> Result<Redirect, OidcError> {
        let provider = self.provider(&connection.issuer).await?;
        let attempt = Attempt::begin(connection.id, redirect_uri, self.clock.now())?;
        let mut url = provider.authorization().clone();
        url.query_pairs_mut()
            .append_pair("response_type", "code")
            .append_pair("client_id", &connection.client_id)
            .append_pair("redirect_uri", redirect_uri)
            .append_pair("scope", "openid email profile")
            .append_pair("state", &attempt.state)
            .append_pair("nonce", &attempt.nonce)
            .append_pair("code_challenge", &attempt.challenge())
            .append_pair("code_challenge_method", "S256");
        let cookie = attempt.store(&*self.seal, self.transport).await?;
        Ok(Redirect { url, cookie })
    }

    /// Who it is that came back with `query`, in the browser that sent `headers`.
    ///
    /// # Errors
    /// [`OidcError`], with the first thing that is wrong. All but an outage look the same to the
    /// client.
    pub async fn finish(&self, query: &str, headers: &HeaderMap) -> Result<Arrival, OidcError> {
        let done = self.check(query, headers).await;
        if let Err(error) = &done {
            let reason = error.reason();
            tracing::info!(reason, "nobody is signed in by a provider's answer");
            metrics::counter!("oidc_refused_total", "reason" => reason).increment(1);
        }
        done
    }

    /// The value of the `Set-Cookie` header that ends an attempt: send it with every answer to one
    /// who came back.
    #[must_use]
    pub fn forget(&self) -> HeaderValue {
        forget(self.transport)
    }

    async fn check(&self, query: &str, headers: &HeaderMap) -> Result<Arrival, OidcError> {
        let now = self.clock.now();
        let attempt = Attempt::load(headers, &*self.seal, self.transport, now).await?;
        let callback = Callback::read(query)?;
        callback.check_state(&attempt)?;
        let connection = self.connections.by_id(attempt.connection).await?;
        let provider = self.provider(&connection.issuer).await?;
        if !provider.is_named(callback.issuer.as_deref()) {
            return Err(OidcError::ResponseIssuer);
        }
        let exchange = Exchange {
            code: callback.code()?,
            redirect_uri: &attempt.redirect_uri,
            verifier: &attempt.verifier,
            nonce: &attempt.nonce,
            client_id: &connection.client_id,
            client_secret: self.connections.client_secret(&connection).await?,
        };
        let identity = exchange.run(&provider, &self.clock).await?;
        Ok(Arrival { connection, identity })
    }

    /// A provider that was asked within the hour is not asked again; one that failed is.
    async fn provider(&self, issuer: &str) -> Result<Provider, OidcError> {
        if let Some(known) = self.providers.get(issuer).await {
            return Ok(known);
        }
        let found = Provider::discover(issuer, &self.http, &self.clock).await?;
        // Whoever was faster has the keys already.
        Ok(self.providers.entry_by_ref(issuer).or_insert(found).await.into_value())
    }
}

impl Callback {
    /// Reads the query. What is in it twice is in it once too often.
    fn read(query: &str) -> Result<Self, OidcError> {
        if query.len() > QUERY {
            return Err(OidcError::Callback);
        }
        let mut callback = Self::default();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            let place = match &*name {
                "state" => &mut callback.state,
                "code" => &mut callback.code,
                "iss" => &mut callback.issuer,
                "error" => &mut callback.error,
                _ => continue,
            };
            if place.replace(value.into_owned()).is_some() {
                return Err(OidcError::Callback);
            }
        }
        Ok(callback)
    }

    fn check_state(&self, attempt: &Attempt) -> Result<(), OidcError> {
        let state = self.state.as_deref().ok_or(OidcError::Callback)?;
        verify_slices_are_equal(state.as_bytes(), attempt.state.as_bytes())
            .map_err(|_| OidcError::State)
    }

    fn code(&self) -> Result<&str, OidcError> {
        match (&self.code, &self.error) {
            (_, Some(_)) => Err(OidcError::Denied),
            (Some(code), None) if !code.is_empty() => Ok(code),
            _ => Err(OidcError::Callback),
        }
    }
}
