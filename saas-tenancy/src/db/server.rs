#![expect(clippy::disallowed_types, reason = "connections are opened by this module")]

use std::{fmt, str::FromStr, sync::Arc};

use aws_lc_rs::hmac;
use saas_core::TenantId;
use secrecy::{ExposeSecret, SecretBox, SecretString};
use sqlx::postgres::PgConnectOptions;

use crate::{
    error::TenancyError,
    placement::{Isolation, ServerId, physical_name},
};

/// How to reach one database server, with which roles.
#[derive(Debug, Clone)]
pub struct ServerAddress {
    pub(crate) id: ServerId,
    pub(crate) app: PgConnectOptions,
    pub(crate) admin: Option<PgConnectOptions>,
    pub(crate) key: Option<Arc<DatabaseKey>>,
}

impl ServerAddress {
    /// A server that the application reaches at `url`, as the login role `saas_app`.
    ///
    /// # Errors
    /// [`TenancyError::Unsafe`] when the address is not a PostgreSQL URL. The URL itself is not
    /// repeated, because it holds a password.
    pub fn new(id: ServerId, url: &SecretString) -> Result<Self, TenancyError> {
        Ok(Self { id, app: parse(url)?, admin: None, key: None })
    }

    /// Adds the address for provisioning, migrations and system work: a superuser, or a role with
    /// `CREATEROLE`, `CREATEDB` and `BYPASSRLS`. It must lead past any transaction pooler.
    ///
    /// # Errors
    /// [`TenancyError::Unsafe`] when the address is not a PostgreSQL URL.
    pub fn with_admin(self, url: &SecretString) -> Result<Self, TenancyError> {
        Ok(Self { admin: Some(parse(url)?), ..self })
    }

    /// Adds the key from which the passwords of database tenants are made.
    #[must_use]
    pub fn with_key(self, key: DatabaseKey) -> Self {
        Self { key: Some(Arc::new(key)), ..self }
    }

    /// The server this is the address of.
    #[must_use]
    pub const fn id(&self) -> ServerId {
        self.id
    }

    /// The options to log in to a tenant's own database.
    pub(crate) fn of_tenant(&self, tenant: TenantId) -> Result<PgConnectOptions, TenancyError> {
        let key = self.key.as_ref().ok_or(TenancyError::Unprovisionable {
            isolation: Isolation::Database,
            needs: "`SAAS_SECRET_KEY`, from which the passwords of database tenants are made",
        })?;
        let name = physical_name(tenant);
        let password = key.password(&name);
        Ok(self.app.clone().username(&name).password(password.expose_secret()).database(&name))
    }
}

fn parse(url: &SecretString) -> Result<PgConnectOptions, TenancyError> {
    PgConnectOptions::from_str(url.expose_secret()).map_err(|_| {
        TenancyError::Unsafe(
            "the database address is not valid; it looks like \
             `postgres://saas_app:password@host:5432/app`"
                .into(),
        )
    })
}

/// The key from which the passwords of database tenants are made: 32 random bytes.
///
/// A tenant's password is the HMAC-SHA-256 of its role's name, so that none has to be stored.
pub struct DatabaseKey(SecretBox<[u8; 32]>);

impl DatabaseKey {
    /// Wraps 32 random bytes.
    #[must_use]
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(SecretBox::new(Box::new(bytes)))
    }

    /// Makes a new key. Keep its [text](Self::to_text): it cannot be made again.
    ///
    /// # Panics
    /// When the operating system gives no random bytes.
    #[must_use]
    pub fn generate() -> Self {
        let mut bytes = [0; 32];
        aws_lc_rs::rand::fill(&mut bytes).expect("the operating system gives random bytes");
        Self::new(bytes)
    }

    /// The key as it is read back, 64 hexadecimal digits.
    #[must_use]
    pub fn to_text(&self) -> SecretString {
        hex(self.0.expose_secret()).into()
    }

    /// The password of the login role `name`, for the role `saas_app` too.
    #[must_use]
    pub fn password(&self, name: &str) -> SecretString {
        let key = hmac::Key::new(hmac::HMAC_SHA256, self.0.expose_secret());
        let tag = hmac::sign(&key, name.as_bytes());
        hex(tag.as_ref()).into()
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut hex, byte| {
        hex.push(char::from_digit(u32::from(byte >> 4), 16).unwrap_or('0'));
        hex.push(char::from_digit(u32::from(byte & 15), 16).unwrap_or('0'));
        hex
    })
}

impl FromStr for DatabaseKey {
    type Err = InvalidDatabaseKey;

    fn from_str(text: &str) -> Result<Self, InvalidDatabaseKey> {
        if text.len() != 64 || !text.is_ascii() {
            return Err(InvalidDatabaseKey);
        }
        let mut bytes = [0; 32];
        for (byte, hex) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
            let hex = std::str::from_utf8(hex).map_err(|_| InvalidDatabaseKey)?;
            *byte = u8::from_str_radix(hex, 16).map_err(|_| InvalidDatabaseKey)?;
        }
        Ok(Self::new(bytes))
    }
}

impl fmt::Debug for DatabaseKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DatabaseKey(…)")
    }
}

/// A text is no [`DatabaseKey`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be 64 hexadecimal digits, as `openssl rand -hex 32` prints them")]
pub struct InvalidDatabaseKey;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_reads_from_64_hex_digits_and_does_not_print_itself() {
        let key: DatabaseKey = "0f".repeat(32).parse().unwrap();
        assert_eq!(key.0.expose_secret(), &[0x0f; 32]);
        assert_eq!(key.to_text().expose_secret(), "0f".repeat(32));
        assert_eq!(format!("{key:?}"), "DatabaseKey(…)");
        assert!("0f".repeat(31).parse::<DatabaseKey>().is_err());
        assert!("zz".repeat(32).parse::<DatabaseKey>().is_err());
    }

    #[test]
    fn passwords_differ_by_role_and_by_key() {
        let password =
            |key: u8, name| DatabaseKey::new([key; 32]).password(name).expose_secret().to_owned();
        assert_eq!(password(1, "t_a"), password(1, "t_a"));
        assert_ne!(password(1, "t_a"), password(1, "t_b"));
        assert_ne!(password(1, "t_a"), password(2, "t_a"));
        assert_eq!(password(1, "t_a").len(), 64);
    }
}
