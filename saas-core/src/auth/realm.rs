use std::borrow::Cow;

use http::HeaderValue;

use super::{Reject, reject::Answer};
use crate::{Problem, permission::Denied};

/// How long a client waits before it asks again when a credential cannot be checked, in seconds.
const RETRY_AFTER_SECONDS: u16 = 5;

/// The name under which an application asks for credentials (`Bearer realm="api"`).
///
/// It turns a [`Reject`] or a [`Denied`] into the answer of [RFC 6750], section 3.
///
/// ```
/// use saas_core::auth::{Realm, Reject};
///
/// let refusal = Realm::default().refuse(Reject::Expired);
/// assert_eq!(refusal.problem().code(), "token_expired");
/// let challenge = refusal.www_authenticate().ok_or("no challenge")?;
/// assert_eq!(challenge.to_str()?, r#"Bearer realm="api", error="invalid_token""#);
/// # Ok::<(), saas_core::BoxError>(())
/// ```
///
/// [RFC 6750]: https://www.rfc-editor.org/rfc/rfc6750#section-3
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Realm(Cow<'static, str>);

/// A text that cannot be the name of a realm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a realm is 1 to 64 visible ASCII characters or spaces, without `\"` and `\\`")]
pub struct InvalidRealm;

impl Default for Realm {
    fn default() -> Self {
        Self(Cow::Borrowed("api"))
    }
}

impl Realm {
    /// A realm of another name than `api`.
    ///
    /// # Errors
    /// [`InvalidRealm`] if the name does not fit into a header as it is.
    pub fn new(name: impl Into<String>) -> Result<Self, InvalidRealm> {
        let name = name.into();
        let fits = (1..=64).contains(&name.len()) && name.bytes().all(is_quotable);
        if fits { Ok(Self(Cow::Owned(name))) } else { Err(InvalidRealm) }
    }

    /// The answer to a request that is not let in.
    #[must_use]
    pub fn refuse(&self, reject: Reject) -> Refusal {
        let challenge = match reject.answer() {
            Answer::Unavailable => None,
            Answer::Missing => Some(String::new()),
            Answer::InvalidRequest => Some(error("invalid_request")),
            Answer::InvalidToken | Answer::Expired => Some(error("invalid_token")),
            Answer::TenantMismatch => Some(error("insufficient_scope")),
            Answer::StepUp => Some(step_up(&reject)),
        };
        let retry_after = matches!(reject, Reject::Unavailable(_)).then_some(RETRY_AFTER_SECONDS);
        let challenge = challenge.and_then(|parameters| self.challenge(&parameters));
        Refusal { problem: reject.into(), challenge, retry_after }
    }

    /// The answer to somebody who is known and may not do this.
    #[must_use]
    pub fn deny(&self, denied: Denied) -> Refusal {
        let mut parameters = error("insufficient_scope");
        let scope = denied.permission();
        if scope.bytes().all(is_quotable) {
            parameters.push_str(&format!(", scope=\"{scope}\""));
        }
        let challenge = self.challenge(&parameters);
        Refusal { problem: denied.into(), challenge, retry_after: None }
    }

    fn challenge(&self, parameters: &str) -> Option<HeaderValue> {
        HeaderValue::try_from(format!("Bearer realm=\"{}\"{parameters}", self.0)).ok()
    }
}

/// The answer to a request that was refused: a problem, and what RFC 6750 says of it in headers.
#[derive(Debug, Clone)]
pub struct Refusal {
    problem: Problem,
    challenge: Option<HeaderValue>,
    retry_after: Option<u16>,
}

impl Refusal {
    /// The body.
    #[must_use]
    pub const fn problem(&self) -> &Problem {
        &self.problem
    }

    /// The `WWW-Authenticate` header. There is none if no other credential would help.
    #[must_use]
    pub const fn www_authenticate(&self) -> Option<&HeaderValue> {
        self.challenge.as_ref()
    }

    /// After how many seconds it is worth asking again (`Retry-After`).
    #[must_use]
    pub const fn retry_after(&self) -> Option<u16> {
        self.retry_after
    }
}

impl From<Problem> for Refusal {
    /// An answer that is not about credentials, such as a layer that is missing.
    fn from(problem: Problem) -> Self {
        Self { problem, challenge: None, retry_after: None }
    }
}

#[cfg(feature = "axum")]
impl axum_core::response::IntoResponse for Refusal {
    fn into_response(self) -> axum_core::response::Response {
        let mut response = self.problem.into_response();
        let headers = response.headers_mut();
        if let Some(challenge) = self.challenge {
            headers.insert(http::header::WWW_AUTHENTICATE, challenge);
        }
        if let Some(seconds) = self.retry_after {
            headers.insert(http::header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

fn error(code: &str) -> String {
    format!(", error=\"{code}\"")
}

/// The parameters of RFC 9470, section 3.
fn step_up(reject: &Reject) -> String {
    let mut parameters = error("insufficient_user_authentication");
    let Reject::StepUp { max_age, acr } = reject else { return parameters };
    if let Some(acr) = acr.filter(|acr| acr.bytes().all(is_quotable)) {
        parameters.push_str(&format!(", acr_values=\"{acr}\""));
    }
    if let Some(max_age) = max_age {
        parameters.push_str(&format!(", max_age=\"{}\"", max_age.as_secs()));
    }
    parameters
}

fn is_quotable(byte: u8) -> bool {
    matches!(byte, b' '..=b'~') && !matches!(byte, b'"' | b'\\')
}
