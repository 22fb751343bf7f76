use std::{fmt, time::Duration};

use http::StatusCode;
use reqwest::{Client, RequestBuilder, Response, redirect::Policy};
use serde::de::DeserializeOwned;
use url::Url;

use super::{OidcError, Reach};

/// How long a provider may take to answer, and to be reached.
const TIME: (Duration, Duration) = (Duration::from_secs(10), Duration::from_secs(3));

/// How long an answer may be, in bytes.
const SIZE: usize = 128 * 1024;

/// Asks providers. Cheap to clone.
///
/// It follows no redirects, uses no proxy, waits ten seconds at most and reads 128 KiB at most. Where
/// it goes at all, [`Reach`] says: it is looked at when an address is read and again when its name
/// is resolved, and the connection goes to what was looked at.
#[derive(Clone)]
pub struct ProviderHttp {
    client: Client,
    reach: Reach,
}

impl ProviderHttp {
    /// Goes as far as `reach` says.
    ///
    /// # Errors
    /// [`OidcError::Unavailable`] when TLS cannot be set up on this machine.
    pub fn new(reach: Reach) -> Result<Self, OidcError> {
        let client = Client::builder()
            .redirect(Policy::none())
            .no_proxy()
            .timeout(TIME.0)
            .connect_timeout(TIME.1)
            .https_only(reach == Reach::Public)
            .dns_resolver(reach)
            .build()
            .map_err(unavailable)?;
        Ok(Self { client, reach })
    }

    /// Reads an address that came from elsewhere.
    pub(super) fn check(&self, address: &str) -> Result<Url, OidcError> {
        self.reach.check(address)
    }

    pub(super) fn get(&self, url: &Url) -> RequestBuilder {
        self.client.get(url.clone())
    }

    pub(super) fn post(&self, url: &Url) -> RequestBuilder {
        self.client.post(url.clone())
    }

    /// Asks, and reads what must be an object of JSON. `refused` is what an answer of 4xx means.
    pub(super) async fn ask<T: DeserializeOwned>(
        request: RequestBuilder,
        refused: OidcError,
    ) -> Result<T, OidcError> {
        let request = request.header(http::header::ACCEPT, "application/json");
        let response = request.send().await.map_err(unavailable)?;
        let status = response.status();
        if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS {
            return Err(OidcError::Unavailable(format!("it answers {status}").into()));
        }
        if status.is_client_error() {
            return Err(refused);
        }
        if status != StatusCode::OK {
            return Err(OidcError::BadAnswer("it is no `200 OK`"));
        }
        let body = read(response).await?;
        // A derived `Deserialize` would take an array with the fields in order as well.
        if body.trim_ascii_start().first() != Some(&b'{') {
            return Err(OidcError::BadAnswer("it is no object of JSON"));
        }
        serde_json::from_slice(&body)
            .map_err(|_| OidcError::BadAnswer("a member is missing or of another type"))
    }
}

impl fmt::Debug for ProviderHttp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProviderHttp").field("reach", &self.reach).finish_non_exhaustive()
    }
}

async fn read(mut response: Response) -> Result<Vec<u8>, OidcError> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(unavailable)? {
        if body.len() + chunk.len() > SIZE {
            return Err(OidcError::BadAnswer("it is too long"));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

fn unavailable(error: reqwest::Error) -> OidcError {
    OidcError::Unavailable(error.without_url().into())
}
