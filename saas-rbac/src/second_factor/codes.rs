//! The codes themselves.

use aws_lc_rs::{digest, error::Unspecified, rand};
use chrono::{DateTime, Utc};
use saas_core::UserId;
use secrecy::{ExposeSecret, SecretSlice, SecretString};
use totp_rs::{Builder, Secret, Totp, TotpError};

/// How many recovery codes there are.
pub(super) const RECOVERY_CODES: usize = 10;

/// How many bytes of randomness a secret has: as many as SHA-1 has.
const SECRET: usize = 20;

/// How many characters a recovery code has: 80 bits in fours.
const RECOVERY: usize = 16;

/// Digits and letters without those that look alike.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// A secret that nobody has yet.
pub(super) fn new_secret() -> Result<SecretSlice<u8>, Unspecified> {
    let mut secret = vec![0; SECRET];
    rand::fill(&mut secret)?;
    Ok(secret.into())
}

/// What an authenticator app is told.
pub(super) fn app(
    secret: &SecretSlice<u8>,
    issuer: &str,
    account: &str,
) -> Result<Totp, TotpError> {
    // A colon parts the two in the address; neither may hold one.
    Builder::new()
        .with_secret(Secret::new(secret.expose_secret().into()))
        .with_issuer(Some(issuer.replace(':', " ")))
        .with_account_name(account.replace(':', " "))
        .build()
}

/// The time step that `code` is of, if it is one of the steps around `now`.
pub(super) fn step_of(
    secret: &SecretSlice<u8>,
    code: &SecretString,
    now: DateTime<Utc>,
) -> Result<Option<i64>, TotpError> {
    let totp = Builder::new().with_secret(Secret::new(secret.expose_secret().into())).build()?;
    let code = code.expose_secret().trim();
    let is_code = code.len() == 6 && code.bytes().all(|byte| byte.is_ascii_digit());
    let now = u64::try_from(now.timestamp()).unwrap_or_default();
    let step = is_code.then(|| totp.check(code, now)).flatten();
    Ok(step.and_then(|step| i64::try_from(step).ok()))
}

/// Ten codes for the loss of the app.
pub(super) fn new_recovery_codes() -> Result<Vec<SecretString>, Unspecified> {
    (0..RECOVERY_CODES).map(|_| new_recovery_code()).collect()
}

fn new_recovery_code() -> Result<SecretString, Unspecified> {
    let mut dice = [0; RECOVERY];
    rand::fill(&mut dice)?;
    let letters = dice.iter().map(|die| char::from(ALPHABET[usize::from(die % 32)]));
    let mut code = String::with_capacity(RECOVERY + RECOVERY / 4);
    for (at, letter) in letters.enumerate() {
        if at > 0 && at % 4 == 0 {
            code.push('-');
        }
        code.push(letter);
    }
    Ok(code.into())
}

/// What the table keeps of a recovery code: bound to its person. 80 random bits need no slow hash.
pub(super) fn digest_of(user: UserId, code: &SecretString) -> Option<Vec<u8>> {
    let code = code.expose_secret();
    if code.len() > 64 {
        return None;
    }
    let letters = code.bytes().filter(|byte| byte.is_ascii_alphanumeric());
    let plain: Vec<u8> = letters.map(|byte| byte.to_ascii_lowercase()).collect();
    let is_code = plain.len() == RECOVERY && plain.iter().all(|byte| ALPHABET.contains(byte));
    is_code.then(|| {
        let text = [&user.as_uuid().as_bytes()[..], &plain].concat();
        digest::digest(&digest::SHA256, &text).as_ref().to_vec()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeZone;
    use uuid::Uuid;

    /// RFC 6238, appendix B, with the last six of its eight digits.
    #[test]
    fn codes_are_those_of_the_standard() {
        let secret = SecretSlice::from(b"12345678901234567890".to_vec());
        for (time, code) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
        ] {
            let now = Utc.timestamp_opt(time, 0).unwrap();
            let step = step_of(&secret, &code.to_owned().into(), now).unwrap();
            assert_eq!(step, Some(time / 30), "{time}");
        }
    }

    #[test]
    fn a_code_counts_one_step_early_or_late_and_no_more() {
        let secret = SecretSlice::from(b"12345678901234567890".to_vec());
        let code = "050471".to_owned().into();
        let at = |seconds: i64| Utc.timestamp_opt(1_111_111_111 + seconds, 0).unwrap();
        let step = 1_111_111_111 / 30;
        assert_eq!(step_of(&secret, &code, at(30)).unwrap(), Some(step));
        assert_eq!(step_of(&secret, &code, at(-30)).unwrap(), Some(step));
        assert_eq!(step_of(&secret, &code, at(90)).unwrap(), None);
        assert_eq!(step_of(&secret, &code, at(-90)).unwrap(), None);
    }

    #[test]
    fn what_is_no_code_is_not_looked_at() {
        let secret = new_secret().unwrap();
        let now = Utc.timestamp_opt(1_111_111_111, 0).unwrap();
        for code in ["", "12345", "1234567", "12345a", "１２３４５６", "-12345", &"1".repeat(1_000)]
        {
            assert_eq!(step_of(&secret, &code.to_owned().into(), now).unwrap(), None, "{code}");
        }
    }

    #[test]
    fn recovery_codes_are_different_and_read_however_they_are_typed() {
        let codes = new_recovery_codes().unwrap();
        let user = UserId::from_uuid(Uuid::from_u128(7));
        let digests: std::collections::HashSet<_> =
            codes.iter().map(|code| digest_of(user, code).unwrap()).collect();
        assert_eq!(digests.len(), RECOVERY_CODES);
        let code = codes[0].expose_secret();
        let typed = format!(" {} ", code.to_uppercase().replace('-', " "));
        assert_eq!(digest_of(user, &typed.into()), digest_of(user, &codes[0]));
        let other = UserId::from_uuid(Uuid::from_u128(8));
        assert_ne!(digest_of(other, &codes[0]), digest_of(user, &codes[0]));
        assert_eq!(digest_of(user, &"x".repeat(1_000_000).into()), None);
    }
}
