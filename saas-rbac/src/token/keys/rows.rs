//! The table `signing_keys`.

use chrono::{DateTime, TimeDelta, Utc};
use saas_core::{
    Clock,
    auth::{Jwks, KeySet, KeyState, SigningKey, VerifyingKey},
};
use saas_tenancy::{
    TenancyError,
    db::{ControlTx, TenantDatabases},
};
use secrecy::ExposeSecret;
use serde_json::Value;
use sqlx::Row;

use crate::{seal::Seal, token::TokenError};

/// Held by whoever changes the keys: any number that no other lock of the database has.
const LOCK: i64 = 0x7361_6173_6b65_7973;

/// A key as it is stored.
pub(super) struct StoredKey {
    kid: String,
    state: KeyState,
    public: Value,
    sealed: Option<Vec<u8>>,
    created_at: DateTime<Utc>,
    not_after: Option<DateTime<Utc>>,
}

/// All keys that count.
pub(super) async fn read(databases: &TenantDatabases) -> Result<Vec<StoredKey>, TenancyError> {
    let mut tx = databases.identity().await?;
    let sql = "select k.kid, k.state, k.public_key, k.sealed_private_key, k.created_at, k.not_after
         from saas_rbac.signing_keys k where k.state <> 'revoked' order by k.created_at";
    let rows = sqlx::query(sql).fetch_all(&mut tx).await?;
    let read = rows.iter().map(|row| {
        let state: &str = row.try_get("state")?;
        Ok(StoredKey {
            kid: row.try_get("kid")?,
            state: match state {
                "next" => KeyState::Next,
                "active" => KeyState::Active,
                "retiring" => KeyState::Retiring,
                _ => KeyState::Revoked,
            },
            public: row.try_get("public_key")?,
            sealed: row.try_get("sealed_private_key")?,
            created_at: row.try_get("created_at")?,
            not_after: row.try_get("not_after")?,
        })
    });
    read.collect()
}

/// What tokens are checked with. A stored key that cannot be read is an error: tokens of it would be
/// refused without anybody knowing why.
pub(super) fn public(keys: &[StoredKey]) -> Result<Vec<VerifyingKey>, TokenError> {
    let document =
        serde_json::json!({ "keys": keys.iter().map(|key| &key.public).collect::<Vec<_>>() });
    let parsed = Jwks::parse(document.to_string().as_bytes())?;
    if let Some(skipped) = parsed.skipped.first() {
        let error = format!("a stored key is {skipped:?}");
        return Err(TokenError::Unavailable(TenancyError::store(error)));
    }
    let with_life = |key: VerifyingKey| {
        let Some(stored) = keys.iter().find(|stored| stored.kid == key.kid()) else {
            return key.in_state(KeyState::Revoked);
        };
        let key = key.in_state(stored.state).usable_from(stored.created_at);
        stored.not_after.map_or(key.clone(), |end| key.usable_until(end))
    };
    Ok(parsed.keys.into_iter().map(with_life).collect())
}

/// The id of the key that signs.
pub(super) fn active_kid(keys: &[StoredKey]) -> Option<&str> {
    active(keys).map(|key| key.kid.as_str())
}

/// The private part of the key that signs.
pub(super) async fn open_active(
    keys: &[StoredKey],
    seal: &dyn Seal,
) -> Result<SigningKey, TokenError> {
    let missing = || TokenError::Unavailable(TenancyError::store("no key is active"));
    let key = active(keys).ok_or_else(missing)?;
    let sealed = key.sealed.as_ref().ok_or_else(missing)?;
    let opened = seal.open(&context(&key.kid), sealed).await?;
    Ok(SigningKey::from_pkcs8(opened.expose_secret())?)
}

/// Makes the first two keys if there are none.
pub(super) async fn make_first(
    databases: &TenantDatabases,
    seal: &dyn Seal,
    clock: &Clock,
) -> Result<(), TokenError> {
    let keys = [New::make(seal).await?, New::make(seal).await?];
    let mut tx = begin(databases).await?;
    let sql = "select exists (select from saas_rbac.signing_keys k where k.state = 'active')";
    let is_there: bool =
        sqlx::query_scalar(sql).fetch_one(&mut tx).await.map_err(TenancyError::from)?;
    if !is_there {
        let [active, next] = keys;
        insert(&mut tx, &active, KeyState::Active, clock.now()).await?;
        insert(&mut tx, &next, KeyState::Next, clock.now()).await?;
        tx.commit().await?;
    }
    Ok(())
}

/// Moves every key on by one state, if the last time was `due` ago.
pub(super) async fn rotate(
    databases: &TenantDatabases,
    seal: &dyn Seal,
    clock: &Clock,
    retirement: TimeDelta,
    due: Option<TimeDelta>,
) -> Result<(), TokenError> {
    let new = New::make(seal).await?;
    let now = clock.now();
    let mut tx = begin(databases).await?;
    if let Some(age) = due
        && !is_older(&mut tx, now, age).await?
    {
        return Ok(());
    }
    let sql = "update saas_rbac.signing_keys set state = 'revoked', sealed_private_key = null
         where state = 'retiring' and not_after <= $1";
    sqlx::query(sql).bind(now).execute(&mut tx).await.map_err(TenancyError::from)?;
    let sql = "update saas_rbac.signing_keys
         set state = 'retiring', sealed_private_key = null, not_after = $1 where state = 'active'";
    let query = sqlx::query(sql).bind(now + retirement);
    query.execute(&mut tx).await.map_err(TenancyError::from)?;
    promote(&mut tx, &new, now).await?;
    Ok(tx.commit().await?)
}

/// Takes a key out of use at once.
pub(super) async fn revoke(
    databases: &TenantDatabases,
    seal: &dyn Seal,
    clock: &Clock,
    kid: &str,
) -> Result<(), TokenError> {
    let new = New::make(seal).await?;
    let now = clock.now();
    let mut tx = begin(databases).await?;
    let sql = "with before as (
             select k.kid, k.state from saas_rbac.signing_keys k
             where k.kid = $1 and k.state <> 'revoked' for update
         )
         update saas_rbac.signing_keys k
         set state = 'revoked', sealed_private_key = null, not_after = $2
         from before where k.kid = before.kid returning before.state";
    let query = sqlx::query_scalar(sql).bind(kid).bind(now);
    let before: Option<String> = query.fetch_optional(&mut tx).await.map_err(TenancyError::from)?;
    match before.as_deref() {
        None => return Err(TokenError::NoSuchKey),
        Some("active") => promote(&mut tx, &new, now).await?,
        Some("next") => insert(&mut tx, &new, KeyState::Next, now).await?,
        Some(_) => {}
    }
    Ok(tx.commit().await?)
}

/// A key that is not stored yet.
struct New {
    kid: String,
    public: Value,
    sealed: Vec<u8>,
}

impl New {
    async fn make(seal: &dyn Seal) -> Result<Self, TokenError> {
        let key = SigningKey::generate()?;
        let set = KeySet::new([key.verifying_key(KeyState::Active)])?;
        let document = serde_json::to_value(set.to_jwks(DateTime::UNIX_EPOCH));
        let public = document.map_err(TenancyError::store)?["keys"][0].take();
        let sealed = seal.seal(&context(key.kid()), key.pkcs8().expose_secret()).await?;
        Ok(Self { kid: key.kid().to_owned(), public, sealed })
    }
}

/// Lets the next key sign, and stores `new` as the next one after it. Should there be no next one,
/// the new one signs: better a key that not everybody knows yet than none.
async fn promote(tx: &mut ControlTx, new: &New, now: DateTime<Utc>) -> Result<(), TokenError> {
    let sql = "update saas_rbac.signing_keys set state = 'active' where kid in (
             select k.kid from saas_rbac.signing_keys k where k.state = 'next'
             order by k.created_at limit 1)";
    let done = sqlx::query(sql).execute(&mut *tx).await.map_err(TenancyError::from)?;
    let state = if done.rows_affected() == 0 { KeyState::Active } else { KeyState::Next };
    insert(tx, new, state, now).await
}

async fn insert(
    tx: &mut ControlTx,
    key: &New,
    state: KeyState,
    now: DateTime<Utc>,
) -> Result<(), TokenError> {
    let sql = "insert into saas_rbac.signing_keys
             (kid, algorithm, state, public_key, sealed_private_key, created_at)
         values ($1, 'EdDSA', $2, $3, $4, $5)";
    let query = sqlx::query(sql)
        .bind(&key.kid)
        .bind(if state == KeyState::Active { "active" } else { "next" })
        .bind(&key.public)
        .bind(&key.sealed)
        .bind(now);
    query.execute(tx).await.map_err(TenancyError::from)?;
    Ok(())
}

/// A transaction in which nobody else changes the keys.
async fn begin(databases: &TenantDatabases) -> Result<ControlTx, TenancyError> {
    let mut tx = databases.identity().await?;
    sqlx::query("select pg_advisory_xact_lock($1)").bind(LOCK).execute(&mut tx).await?;
    Ok(tx)
}

/// Every rotation makes a next key; so its age is the time since the last one.
async fn is_older(
    tx: &mut ControlTx,
    now: DateTime<Utc>,
    age: TimeDelta,
) -> Result<bool, TenancyError> {
    let sql = "select max(k.created_at) from saas_rbac.signing_keys k where k.state = 'next'";
    let last: Option<DateTime<Utc>> = sqlx::query_scalar(sql).fetch_one(tx).await?;
    Ok(last.is_none_or(|last| now - last >= age))
}

fn active(keys: &[StoredKey]) -> Option<&StoredKey> {
    keys.iter().find(|key| key.state == KeyState::Active)
}

/// Where a private key is sealed to.
fn context(kid: &str) -> String {
    format!("saas_rbac.signing_keys.sealed_private_key/{kid}")
}
