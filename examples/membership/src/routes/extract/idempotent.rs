use axum::{
    extract::{FromRequest, OriginalUri, Request},
    response::{IntoResponse, Response},
};
use chrono::{DateTime, Utc};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use saas_core::{Problem, Scope};
use saas_tenancy::{TenancyError, db::TenantTx, layer::ClientUri};
use serde::{Serialize, de::DeserializeOwned};

use super::{
    if_match::etag,
    json::{check_content_type, parse, read_body},
};
use crate::{
    error::AppError,
    idempotency::{self, Answer, Claim, Fingerprint, IdempotencyKey},
};

/// The header by which a client names its request.
const KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// Says that the answer is one that was given before.
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// A body of JSON that asks for something to be made, at most once if it has a key.
#[derive(Debug)]
pub struct Idempotent<T> {
    /// What is asked for.
    pub body: T,
    /// By which a repeated request is told.
    pub ticket: Ticket,
}

/// Where a request made something, and whether it was asked for the first time.
#[derive(Debug)]
pub struct Ticket {
    path: String,
    claim: Option<(IdempotencyKey, Fingerprint)>,
}

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Idempotent<T> {
    type Rejection = AppError;

    async fn from_request(request: Request, state: &S) -> Result<Self, AppError> {
        check_content_type(request.headers())?;
        let key = key(request.headers())?;
        let path = original_path(&request);
        let scope = request.extensions().get::<Scope>().cloned();
        let bytes = read_body(request, state).await?;
        let body = parse(&bytes)?;
        let Some(key) = key else { return Ok(Self { body, ticket: Ticket { path, claim: None } }) };
        let scope = scope.ok_or(TenancyError::LayerMissing)?;
        let operation = format!("{} {path}", Method::POST);
        let fingerprint = Fingerprint::of(scope.actor(), &operation, &bytes);
        Ok(Self { body, ticket: Ticket { path, claim: Some((key, fingerprint)) } })
    }
}

fn key(headers: &HeaderMap) -> Result<Option<IdempotencyKey>, AppError> {
    let mut values = headers.get_all(KEY).iter();
    let Some(value) = values.next() else { return Ok(None) };
    let parsed = match values.next() {
        None => IdempotencyKey::parse(value.as_bytes()).ok(),
        Some(_) => None,
    };
    parsed.map(Some).ok_or_else(|| {
        Problem::new(StatusCode::BAD_REQUEST, "invalid_idempotency_key")
            .with_detail("`Idempotency-Key` must have 1 to 255 visible ASCII characters, once")
            .into()
    })
}

/// The path as the client wrote it, before a layer or a router took its prefix off.
fn original_path(request: &Request) -> String {
    let extensions = request.extensions();
    let client = extensions.get::<ClientUri>().map(|client| &client.0);
    let original = extensions.get::<OriginalUri>().map(|original| &original.0);
    let uri = client.or(original).unwrap_or(request.uri());
    uri.path().trim_end_matches('/').to_owned()
}

impl Ticket {
    /// The answer that the request got before, if it is a repeated one. Otherwise it is to be done
    /// now, in the same transaction.
    ///
    /// # Errors
    /// Those of [`idempotency::claim`].
    pub async fn replay(
        &self,
        tx: &mut TenantTx<'_>,
        now: DateTime<Utc>,
    ) -> Result<Option<Created>, AppError> {
        let Some((key, fingerprint)) = &self.claim else { return Ok(None) };
        Ok(match idempotency::claim(tx, key, fingerprint, now).await? {
            Claim::New => None,
            Claim::Done(answer) => Some(Created { answer, replayed: true }),
        })
    }

    /// Makes the answer that says what was made, and keeps it for a repeated request.
    ///
    /// # Errors
    /// A problem with status 500 if the statement fails.
    pub async fn created(
        self,
        tx: &mut TenantTx<'_>,
        made: Made<'_, impl Serialize>,
    ) -> Result<Created, AppError> {
        let answer = Answer {
            location: format!("{}/{}", self.path, made.id),
            etag: made.version.map(etag).unwrap_or_default(),
            body: serde_json::to_string(made.body).map_err(Problem::internal)?,
        };
        if let Some((key, _)) = &self.claim {
            idempotency::keep(tx, key, &answer).await?;
        }
        Ok(Created { answer, replayed: false })
    }
}

/// What was made.
#[derive(Debug)]
pub struct Made<'b, T> {
    /// The last part of its address.
    pub id: String,
    /// Its version, if it has any.
    pub version: Option<i64>,
    /// What is sent.
    pub body: &'b T,
}

/// 201, with the address and version of what was made.
#[derive(Debug)]
pub struct Created {
    answer: Answer,
    replayed: bool,
}

impl Created {
    /// Sends `body` in place of what is kept for a repeated request: for what is shown once.
    ///
    /// # Errors
    /// A problem with status 500 if `body` cannot be written as JSON.
    pub fn showing_once(mut self, body: &impl Serialize) -> Result<Self, AppError> {
        self.answer.body = serde_json::to_string(body).map_err(Problem::internal)?;
        Ok(self)
    }
}

impl IntoResponse for Created {
    fn into_response(self) -> Response {
        let mut response = (StatusCode::CREATED, self.answer.body).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        for (name, text) in
            [(header::LOCATION, self.answer.location), (header::ETAG, self.answer.etag)]
        {
            if let Ok(value) = HeaderValue::try_from(text)
                && !value.is_empty()
            {
                headers.insert(name, value);
            }
        }
        if self.replayed {
            headers.insert(REPLAYED, HeaderValue::from_static("true"));
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_optional_and_given_once() {
        let mut headers = HeaderMap::new();
        assert_eq!(key(&headers).unwrap(), None);
        headers.append(KEY, HeaderValue::from_static("one"));
        assert!(key(&headers).unwrap().is_some());
        headers.append(KEY, HeaderValue::from_static("two"));
        assert_eq!(key(&headers).unwrap_err().problem().status(), StatusCode::BAD_REQUEST);
    }
}
