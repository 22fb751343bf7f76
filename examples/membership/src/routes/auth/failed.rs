use axum::response::{IntoResponse, Response};
use saas_core::{Problem, auth::Refusal};
use saas_rbac::{
    authenticate::CrossSite,
    operate::OperateError,
    password::PasswordError,
    second_factor::SecondFactorError,
    session::SessionError,
    sign_in::{RecoverError, RefreshError, SignInError},
    user::UserError,
};

use crate::error::AppError;

/// What a handler of signing in fails with: an answer that may say how long to wait.
#[derive(Debug)]
pub(crate) struct Failed(Box<Response>);

impl IntoResponse for Failed {
    fn into_response(self) -> Response {
        *self.0
    }
}

macro_rules! answers {
    ($($error:ty),+ $(,)?) => {$(
        impl From<$error> for Failed {
            fn from(error: $error) -> Self {
                Self(Box::new(error.into_response()))
            }
        }
    )+};
}

answers!(AppError, Problem, Refusal, SignInError, RefreshError, RecoverError);

macro_rules! problems {
    ($($error:ty),+ $(,)?) => {$(
        impl From<$error> for Failed {
            fn from(error: $error) -> Self {
                Problem::from(error).into()
            }
        }
    )+};
}

problems!(CrossSite, OperateError, PasswordError, SecondFactorError, SessionError, UserError,);
