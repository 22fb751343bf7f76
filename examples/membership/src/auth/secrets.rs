use std::{fmt, sync::Arc};

use aws_lc_rs::hkdf;
use saas_tenancy::db::{DatabaseKey, InvalidDatabaseKey};
use secrecy::{ExposeSecret, SecretBox, SecretString};

/// The application's key, of which every other one is derived, one for each purpose. Nobody can get
/// from one to another, nor back.
#[derive(Clone)]
pub struct Secrets(Arc<hkdf::Prk>);

/// How many bytes a derived key has.
struct Length;

impl hkdf::KeyType for Length {
    fn len(&self) -> usize {
        32
    }
}

impl Secrets {
    /// Derives from the key as `SAAS_SECRET_KEY` has it: 64 hexadecimal digits.
    ///
    /// # Errors
    /// [`InvalidDatabaseKey`] when the text is something else.
    pub fn of(key: &SecretString) -> Result<Self, InvalidDatabaseKey> {
        // Only its form is of interest here; its letters say as much as its bytes.
        let key: DatabaseKey = key.expose_secret().parse()?;
        let salt = hkdf::Salt::new(hkdf::HKDF_SHA256, b"membership");
        Ok(Self(Arc::new(salt.extract(key.to_text().expose_secret().as_bytes()))))
    }

    /// The key for `purpose`.
    ///
    /// # Panics
    /// Never: 32 bytes are well below what HKDF can give.
    #[must_use]
    pub fn key(&self, purpose: &'static str) -> SecretBox<[u8; 32]> {
        let info = [purpose.as_bytes()];
        SecretBox::init_with_mut(|bytes: &mut [u8; 32]| {
            self.0
                .expand(&info, Length)
                .and_then(|derived| derived.fill(bytes))
                .expect("HKDF gives up to 8160 bytes");
        })
    }
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secrets(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_purpose_has_a_key_of_its_own_and_the_same_one_each_time() {
        let secrets = Secrets::of(&"0f".repeat(32).into()).unwrap();
        let key = |purpose| *secrets.key(purpose).expose_secret();
        assert_eq!(key("seal"), key("seal"));
        assert_ne!(key("seal"), key("refresh"));
        let others = Secrets::of(&"0e".repeat(32).into()).unwrap();
        assert_ne!(key("seal"), *others.key("seal").expose_secret());
        assert_eq!(format!("{secrets:?}"), "Secrets(…)");
        assert!(Secrets::of(&"short".to_owned().into()).is_err());
    }
}
