//! Settings from the environment, with errors that say which variable, what is wrong and what
//! would be right.
//!
//! ```
//! use saas_core::config::{Env, Setting};
//!
//! const LISTEN: Setting<std::net::SocketAddr> = Setting::new("LISTEN", "127.0.0.1:8080");
//!
//! let env = Env::from_pairs([("LISTEN", "localhost")]);
//! let error = env.get(&LISTEN).unwrap_err();
//! assert_eq!(
//!     error.to_string(),
//!     "`LISTEN` is not valid: invalid socket address syntax; for example `LISTEN=127.0.0.1:8080`",
//! );
//! ```

use std::{collections::HashMap, ffi::OsString, fmt, marker::PhantomData, str::FromStr};

use secrecy::SecretString;

/// A variable: its name, the type of its value, and an example that is valid.
#[derive(Debug)]
pub struct Setting<T> {
    name: &'static str,
    example: &'static str,
    value: PhantomData<fn() -> T>,
}

impl<T> Setting<T> {
    /// Names the variable and shows a valid value.
    #[must_use]
    pub const fn new(name: &'static str, example: &'static str) -> Self {
        Self { name, example, value: PhantomData }
    }

    /// The name of the variable.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// Says that the value is wrong because of `cause`, for rules beyond its syntax.
    pub fn refuse(&self, cause: impl fmt::Display) -> ConfigError {
        ConfigError { name: self.name, cause: cause.to_string(), example: self.example }
    }
}

/// The environment of the process, or a stand-in for tests.
#[derive(Clone, Default)]
pub struct Env(HashMap<String, OsString>);

impl Env {
    /// What the process was started with.
    #[must_use]
    pub fn process() -> Self {
        Self(
            std::env::vars_os()
                .filter_map(|(name, value)| Some((name.into_string().ok()?, value)))
                .collect(),
        )
    }

    /// Exactly these variables.
    pub fn from_pairs<N, V>(pairs: impl IntoIterator<Item = (N, V)>) -> Self
    where
        N: Into<String>,
        V: Into<OsString>,
    {
        Self(pairs.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
    }

    /// The value of `setting`; `None` when it is unset or empty.
    ///
    /// # Errors
    /// [`ConfigError`] when the value is not Unicode or does not parse.
    pub fn get<T>(&self, setting: &Setting<T>) -> Result<Option<T>, ConfigError>
    where
        T: FromStr<Err: fmt::Display>,
    {
        self.text(setting)?
            .map(|text| text.parse().map_err(|cause: T::Err| setting.refuse(cause)))
            .transpose()
    }

    /// The value of a setting that must not be printed; `None` when it is unset or empty.
    ///
    /// # Errors
    /// [`ConfigError`] when the value is not Unicode.
    pub fn secret(
        &self,
        setting: &Setting<SecretString>,
    ) -> Result<Option<SecretString>, ConfigError> {
        Ok(self.text(setting)?.map(SecretString::from))
    }

    fn text<T>(&self, setting: &Setting<T>) -> Result<Option<&str>, ConfigError> {
        match self.0.get(setting.name) {
            None => Ok(None),
            Some(value) => match value.to_str() {
                Some("") => Ok(None),
                Some(text) => Ok(Some(text)),
                None => Err(setting.refuse("it is not valid UTF-8")),
            },
        }
    }
}

/// Names only: values may be secrets.
impl fmt::Debug for Env {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut names: Vec<_> = self.0.keys().collect();
        names.sort();
        f.debug_tuple("Env").field(&names).finish()
    }
}

/// A variable holds something that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("`{name}` is not valid: {cause}; for example `{name}={example}`")]
pub struct ConfigError {
    name: &'static str,
    cause: String,
    example: &'static str,
}

impl ConfigError {
    /// The variable that is wrong.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WORKERS: Setting<u16> = Setting::new("WORKERS", "4");

    #[test]
    fn an_empty_variable_counts_as_unset() {
        assert_eq!(Env::from_pairs([("WORKERS", "")]).get(&WORKERS).unwrap(), None);
    }

    #[test]
    fn an_error_names_variable_cause_and_example() {
        let error = Env::from_pairs([("WORKERS", "many")]).get(&WORKERS).unwrap_err();
        assert_eq!(
            error.to_string(),
            "`WORKERS` is not valid: invalid digit found in string; for example `WORKERS=4`",
        );
    }

    #[test]
    fn values_are_not_printed() {
        let env = Env::from_pairs([("STRIPE_SECRET_KEY", "sk_live_1")]);
        assert!(!format!("{env:?}").contains("sk_live_1"));
    }
}
