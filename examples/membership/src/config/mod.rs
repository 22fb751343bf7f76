//! What the environment says. Every variable is optional; unset means the default that needs
//! nothing installed.
//!
//! | variable | default | meaning |
//! |---|---|---|
//! | `DATABASE_URL` | a private server in `--data` | the application's login, role `saas_app` |
//! | `ADMIN_DATABASE_URL` | none | the login that provisions and migrates |
//! | `SAAS_SECRET_KEY` | none, or kept in `--data` | makes the passwords of database tenants |
//! | `DATABASE_POOLER` | `none` | `transaction` behind PgBouncer in that mode |
//! | `DATABASE_CONNECTIONS` | 20 | how many connections to open at most |
//! | `PUBLIC_URL` | `http://localhost:<port>` | where people reach the application |
//! | `TLS_CERT`, `TLS_KEY` | none: plain HTTP | PEM files of a certificate chain and its key |
//! | `VAULT_KEY_FILE` | `vault-keys` in `--data` | the keys that wrap the tenants' keys |
//! | `TRUSTED_PROXIES` | none | whose `X-Forwarded-Host` is believed |
//! | `SAAS_PG_BIN` | found on the machine | where the programs of PostgreSQL are |
//! | `LOG_FORMAT` | `text` | `json` writes one object a line |
//! | `RUST_LOG` | `info`; `warn` for commands other than `serve` | what is logged |
//!
//! ```
//! use membership::config::Config;
//! use saas_core::config::Env;
//!
//! let error = Config::read(&Env::from_pairs([("DATABASE_POOLER", "session")])).unwrap_err();
//! assert_eq!(
//!     error.to_string(),
//!     "`DATABASE_POOLER` is not valid: must be `none` or `transaction`; \
//!      for example `DATABASE_POOLER=transaction`",
//! );
//! ```

use std::{path::PathBuf, str::FromStr};

use saas_core::config::{ConfigError, Env, Setting};
use saas_tenancy::{db, resolve::TrustedProxies};
use secrecy::{ExposeSecret, SecretString};

mod public_url;

pub use public_url::{InvalidPublicUrl, PublicUrl};

const DATABASE_URL: Setting<SecretString> =
    Setting::new("DATABASE_URL", "postgres://saas_app:password@db.example.com:5432/app");
const ADMIN_DATABASE_URL: Setting<SecretString> =
    Setting::new("ADMIN_DATABASE_URL", "postgres://admin:password@db.example.com:5432/app");
const SAAS_SECRET_KEY: Setting<SecretString> =
    Setting::new("SAAS_SECRET_KEY", "$(openssl rand -hex 32)");
const DATABASE_POOLER: Setting<Pooler> = Setting::new("DATABASE_POOLER", "transaction");
const DATABASE_CONNECTIONS: Setting<Connections> = Setting::new("DATABASE_CONNECTIONS", "20");
const PUBLIC_URL: Setting<PublicUrl> = Setting::new("PUBLIC_URL", "https://app.example.com");
const TLS_CERT: Setting<PathBuf> = Setting::new("TLS_CERT", "/etc/membership/tls/cert.pem");
const TLS_KEY: Setting<PathBuf> = Setting::new("TLS_KEY", "/etc/membership/tls/key.pem");
const VAULT_KEY_FILE: Setting<PathBuf> =
    Setting::new("VAULT_KEY_FILE", "/etc/membership/vault-keys");
const TRUSTED_PROXIES: Setting<TrustedProxies> =
    Setting::new("TRUSTED_PROXIES", "10.0.0.0/8,192.0.2.7");
const LOG_FORMAT: Setting<LogFormat> = Setting::new("LOG_FORMAT", "json");
const RUST_LOG: Setting<String> = Setting::new("RUST_LOG", "info,membership=debug");

/// How the address of a PostgreSQL database begins.
const SCHEMES: [&str; 2] = ["postgres://", "postgresql://"];

/// More connections than this from one process are a mistake: a server runs out of them first.
const MOST_CONNECTIONS: usize = 1000;

/// What the environment says.
#[derive(Debug)]
pub struct Config {
    /// Which database to use.
    pub database: Database,
    /// How to use its connections.
    pub options: db::DatabaseOptions,
    /// Where people reach the application; `None` follows the address it listens on.
    pub public_url: Option<PublicUrl>,
    /// The file of the certificate chain, unless the command names another.
    pub tls_cert: Option<PathBuf>,
    /// The file of its key, unless the command names another.
    pub tls_key: Option<PathBuf>,
    /// The file of the keys that wrap the tenants' keys, if it is not to be kept with the data.
    pub vault_keys: Option<PathBuf>,
    /// Whose `X-Forwarded-Host` is believed.
    pub proxies: TrustedProxies,
    /// All of it, for the parts that read variables of their own.
    pub env: Env,
}

/// Which database to use.
#[derive(Debug)]
pub enum Database {
    /// A private server, started from the programs on the machine.
    Embedded {
        /// The key for passwords, if it is not to be kept with the data.
        key: Option<SecretString>,
    },
    /// A server that somebody else runs.
    Given {
        /// The application's login.
        app: SecretString,
        /// The login that provisions and migrates.
        admin: Option<SecretString>,
        /// The key for the passwords of database tenants, as a [`db::DatabaseKey`] reads it.
        key: Option<SecretString>,
    },
}

impl Config {
    /// Reads the variables of the [module docs](self).
    ///
    /// # Errors
    /// [`ConfigError`] for the first variable whose value cannot be used.
    pub fn read(env: &Env) -> Result<Self, ConfigError> {
        let pooler = env.get(&DATABASE_POOLER)?.unwrap_or_default();
        let mut options = db::DatabaseOptions::new().with_pooler(pooler.0);
        if let Some(connections) = env.get(&DATABASE_CONNECTIONS)? {
            options = options.with_connections(connections.0);
        }
        Ok(Self {
            database: Database::read(env)?,
            options,
            public_url: env.get(&PUBLIC_URL)?,
            tls_cert: env.get(&TLS_CERT)?,
            tls_key: env.get(&TLS_KEY)?,
            vault_keys: env.get(&VAULT_KEY_FILE)?,
            proxies: env.get(&TRUSTED_PROXIES)?.unwrap_or_default(),
            env: env.clone(),
        })
    }
}

impl Database {
    fn read(env: &Env) -> Result<Self, ConfigError> {
        let app = address(env, &DATABASE_URL)?;
        let admin = address(env, &ADMIN_DATABASE_URL)?;
        let key = env.secret(&SAAS_SECRET_KEY)?;
        if let Some(text) = &key {
            let parsed = text.expose_secret().parse::<db::DatabaseKey>();
            parsed.map_err(|cause| SAAS_SECRET_KEY.refuse(cause))?;
        }
        match (app, admin) {
            (Some(app), admin) => Ok(Self::Given { app, admin, key }),
            (None, None) => Ok(Self::Embedded { key }),
            (None, Some(_)) => Err(ADMIN_DATABASE_URL
                .refuse("`DATABASE_URL` is not set, so there is no database to administer")),
        }
    }
}

/// The address of a server. Its text is never repeated, because it holds a password.
fn address(
    env: &Env,
    setting: &Setting<SecretString>,
) -> Result<Option<SecretString>, ConfigError> {
    let Some(text) = env.secret(setting)? else { return Ok(None) };
    if !SCHEMES.iter().any(|scheme| text.expose_secret().starts_with(scheme)) {
        return Err(setting.refuse("it does not start with `postgres://`"));
    }
    let url = url::Url::parse(text.expose_secret()).map_err(|cause| setting.refuse(cause))?;
    if url.username().is_empty() {
        return Err(setting.refuse("it names no user"));
    }
    if url.path().len() < 2 {
        return Err(setting.refuse("it names no database"));
    }
    check_options(text.expose_secret()).map_err(|cause| setting.refuse(cause))?;
    Ok(Some(text))
}

/// The driver knows which options there are, for example of `sslmode`.
#[expect(clippy::disallowed_types, reason = "an address is read here, nothing is connected to")]
fn check_options(address: &str) -> Result<(), sqlx::Error> {
    address.parse::<sqlx::postgres::PgConnectOptions>().map(|_| ())
}

/// How log lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

impl LogFormat {
    /// Reads `LOG_FORMAT`, and from `RUST_LOG` what is logged, or else `default`.
    ///
    /// # Errors
    /// [`ConfigError`] when one of the two is not valid.
    pub fn read(
        env: &Env,
        default: &str,
    ) -> Result<(Self, tracing_subscriber::EnvFilter), ConfigError> {
        let format = env.get(&LOG_FORMAT)?.unwrap_or_default();
        let filter = env.get(&RUST_LOG)?.unwrap_or_else(|| default.to_owned());
        let filter = tracing_subscriber::EnvFilter::try_new(filter);
        Ok((format, filter.map_err(|cause| RUST_LOG.refuse(cause))?))
    }
}

impl FromStr for LogFormat {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            _ => Err("must be `text` or `json`"),
        }
    }
}

/// How many connections to open at most.
struct Connections(usize);

impl FromStr for Connections {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let number = text.parse().ok().filter(|number| (1..=MOST_CONNECTIONS).contains(number));
        let wrong = || format!("must be a whole number from 1 to {MOST_CONNECTIONS}");
        number.map(Self).ok_or_else(wrong)
    }
}

#[derive(Default)]
struct Pooler(db::Pooler);

impl FromStr for Pooler {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "none" => Ok(Self(db::Pooler::None)),
            "transaction" => Ok(Self(db::Pooler::Transaction)),
            _ => Err("must be `none` or `transaction`"),
        }
    }
}

#[cfg(test)]
mod tests;
