use axum::extract::FromRequestParts;
use http::request::Parts;
use saas_core::problem::FieldError;
use url::form_urlencoded;

use crate::{
    error::AppError,
    input::{Faults, Invalid},
};

/// The parameters behind the `?`.
#[derive(Debug, Clone, Copy)]
pub struct Query<T>(pub T);

/// Is read from the parameters of a request.
pub trait FromParameters: Sized {
    /// Takes its parameters; adds a fault and returns `None` if one is wrong.
    fn from_parameters(parameters: &mut Parameters, faults: &mut Faults) -> Option<Self>;
}

impl<T: FromParameters, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = AppError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, AppError> {
        parse(parts.uri.query().unwrap_or_default()).map(Self)
    }
}

fn parse<T: FromParameters>(query: &str) -> Result<T, AppError> {
    let mut parameters = Parameters::new(query);
    let mut faults = Faults::new();
    let value = T::from_parameters(&mut parameters, &mut faults);
    parameters.refuse_the_rest(&mut faults);
    faults.finish(value)
}

/// Parameters that nobody has asked for yet.
#[derive(Debug)]
pub struct Parameters(Vec<(String, String)>);

impl Parameters {
    /// How many parameters a request can have.
    const MAX: usize = 50;

    fn new(query: &str) -> Self {
        let pairs = form_urlencoded::parse(query.as_bytes());
        Self(pairs.into_owned().take(Self::MAX).collect())
    }

    /// The first value of `name`, parsed; `None` if there is none, or it is wrong.
    pub fn take<T>(
        &mut self,
        name: &'static str,
        faults: &mut Faults,
        parse: impl FnOnce(&str) -> Result<T, Invalid>,
    ) -> Option<T> {
        let at = self.0.iter().position(|(one, _)| one == name)?;
        let (_, value) = self.0.remove(at);
        let parsed = if value.contains('\u{FFFD}') {
            Err(Invalid::new("invalid_utf8", "must be UTF-8"))
        } else {
            parse(&value)
        };
        faults.check(name, parsed)
    }

    fn refuse_the_rest(self, faults: &mut Faults) {
        for (name, _) in self.0 {
            let name: String = name.chars().take(100).collect();
            faults.add(FieldError::new(
                name,
                "unknown_parameter",
                "there is no such parameter, or it is given twice",
            ));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq)]
    struct Size(Option<u8>);

    impl FromParameters for Size {
        fn from_parameters(parameters: &mut Parameters, faults: &mut Faults) -> Option<Self> {
            let number = |text: &str| {
                text.parse().map_err(|_| Invalid::new("invalid_number", "must be a number"))
            };
            Some(Self(parameters.take("size", faults, number)))
        }
    }

    fn faults(query: &str) -> Vec<(String, String)> {
        let error = parse::<Size>(query).unwrap_err();
        let faults = error.problem().errors().iter();
        faults.map(|fault| (fault.field.to_string(), fault.code.to_string())).collect()
    }

    fn told(field: &str, code: &str) -> (String, String) {
        (field.to_owned(), code.to_owned())
    }

    #[test]
    fn a_parameter_is_read_or_left_out() {
        assert_eq!(parse::<Size>("size=7").unwrap(), Size(Some(7)));
        assert_eq!(parse::<Size>("").unwrap(), Size(None));
    }

    #[test]
    fn every_parameter_that_is_wrong_is_named() {
        assert_eq!(
            faults("size=x&colour=red"),
            [told("size", "invalid_number"), told("colour", "unknown_parameter")]
        );
        assert_eq!(faults("size=1&size=2"), [told("size", "unknown_parameter")]);
        assert_eq!(faults("size=%FF"), [told("size", "invalid_utf8")]);
    }
}
