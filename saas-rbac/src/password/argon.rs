//! Argon2id and its costs.

use argon2::{
    Algorithm, Argon2, Params, PasswordHasher, PasswordVerifier, Version,
    password_hash::{self, phc},
};
use aws_lc_rs::rand;

use super::{PasswordError, PasswordHash, Verdict};

/// Memory in KiB, passes, lanes.
const COSTS: (u32, u32, u32) = (19 * 1024, 2, 1);

/// How long a salt is, in bytes.
const SALT: usize = 16;

/// The salt that stands for those who have no password.
const NOBODY: [u8; SALT] = *b"nobody's salt...";

/// Hashes `password` with the costs of today.
pub(super) fn hash(password: &str) -> Result<PasswordHash, PasswordError> {
    hash_with_costs(password, COSTS.0, COSTS.1)
}

pub(super) fn hash_with_costs(
    password: &str,
    memory: u32,
    passes: u32,
) -> Result<PasswordHash, PasswordError> {
    let mut salt = [0; SALT];
    rand::fill(&mut salt).map_err(|error| PasswordError::Failed(error.into()))?;
    let hash: phc::PasswordHash = with_costs(memory, passes)
        .and_then(|argon| argon.hash_password_with_salt(password.as_bytes(), &salt))
        .map_err(failed)?;
    Ok(PasswordHash::from_stored(hash.to_string()))
}

/// Compares `password` with what was stored; without that, it takes as long and never matches.
pub(super) fn verify(password: &str, stored: Option<&str>) -> Result<Verdict, PasswordError> {
    let today = with_costs(COSTS.0, COSTS.1).map_err(failed)?;
    let Some(stored) = stored else {
        let hashed: Result<phc::PasswordHash, _> =
            today.hash_password_with_salt(password.as_bytes(), &NOBODY);
        return hashed.map(|_| Verdict::Mismatch).map_err(failed);
    };
    let hash = phc::PasswordHash::new(stored).map_err(|error| failed(error.into()))?;
    match today.verify_password(password.as_bytes(), &hash) {
        Ok(()) if has_todays_costs(&hash) => Ok(Verdict::Match),
        Ok(()) => Ok(Verdict::MatchOutdated),
        Err(password_hash::Error::PasswordInvalid) => Ok(Verdict::Mismatch),
        Err(error) => Err(failed(error)),
    }
}

fn with_costs(memory: u32, passes: u32) -> password_hash::Result<Argon2<'static>> {
    let params = Params::new(memory, passes, COSTS.2, None)?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

fn has_todays_costs(hash: &phc::PasswordHash) -> bool {
    let costs = Params::try_from(hash).map(|is| (is.m_cost(), is.t_cost(), is.p_cost()));
    hash.algorithm == Algorithm::Argon2id.ident() && costs == Ok(COSTS)
}

fn failed(error: password_hash::Error) -> PasswordError {
    PasswordError::Failed(error.into())
}
