//! How keys are made, changed and ended.

use chrono::{DateTime, TimeDelta, Utc};
use saas_core::{ApiKeyId, Scope, audit::Action};
use saas_tenancy::db::ControlTx;
use serde_json::json;

use super::{ApiKey, ApiKeys, Inner, MadeApiKey, NewApiKey, rows};
use crate::{
    acting::Acting,
    audit::{entry, note},
    error::AccessError,
    sql::not_committed,
};

/// How long a key is good if nothing else is said.
const LIFE: TimeDelta = TimeDelta::days(90);

/// How long a key is good at most.
const LONGEST: TimeDelta = TimeDelta::days(366);

/// How long the secret before is good after a rotation.
const OVERLAP: TimeDelta = TimeDelta::days(1);

impl ApiKeys {
    /// The tenant's keys, newest first, at most 1,000 of them.
    ///
    /// # Errors
    /// [`AccessError::Unavailable`] when the database cannot be asked.
    pub async fn list(&self, scope: &Scope) -> Result<Vec<ApiKey>, AccessError> {
        let mut tx = self.0.databases.control(scope).await?;
        rows::list(&mut tx, scope.tenant()).await
    }

    /// Makes a key that acts for the actor.
    ///
    /// # Errors
    /// [`AccessError::Invalid`] or [`AccessError::UnknownPermission`] when the input is not valid,
    /// [`AccessError::NotGrantable`] when it would have a scope that the actor lacks, and
    /// [`AccessError::Unavailable`] when the database cannot be asked.
    pub async fn create(&self, acting: &Acting, new: NewApiKey) -> Result<MadeApiKey, AccessError> {
        let Inner { databases, model, clock, format, .. } = &*self.0;
        let now = clock.now();
        let scopes = model.expand(&new.scopes)?;
        if scopes.is_empty() || new.scopes.len() > 256 {
            return Err(AccessError::invalid("scopes", "1 to 256 permissions"));
        }
        acting.require(scopes, model)?;
        let id = ApiKeyId::generate(clock);
        let (secret, hash) = format.generate(id);
        let key = ApiKey {
            id,
            name: name(&new.name)?,
            prefix: format.shown(id),
            scopes: model.names(scopes),
            owner: acting.person()?,
            created_at: now,
            expires_at: expiry(new.expires_at, now)?,
            revoked_at: None,
            last_used_at: None,
        };
        let mut tx = databases.control(acting.scope()).await?;
        rows::insert(&mut tx, acting.tenant(), &key, &hash).await?;
        self.end(tx, acting, Action::literal("api_key.create"), &key).await?;
        Ok(MadeApiKey { key, secret })
    }

    /// Gives a key another secret. The one before is good for a day, so that programs can change
    /// over.
    ///
    /// # Errors
    /// [`AccessError::NotFound`] when the tenant has no such key that is good,
    /// [`AccessError::NotTheOwner`] when it acts for somebody else, [`AccessError::NotGrantable`]
    /// when the actor is limited to less than its scopes, and [`AccessError::Unavailable`] when the
    /// database cannot be asked.
    pub async fn rotate(&self, acting: &Acting, id: ApiKeyId) -> Result<MadeApiKey, AccessError> {
        let Inner { databases, model, clock, format, .. } = &*self.0;
        let mut tx = databases.control(acting.scope()).await?;
        let key = rows::lock(&mut tx, acting.tenant(), id).await?;
        if key.owner != acting.person()? {
            return Err(AccessError::NotTheOwner);
        }
        let now = clock.now();
        if key.revoked_at.is_some() || key.expires_at <= now {
            return Err(AccessError::NotFound("api key"));
        }
        // A key must not make itself a secret for scopes that it lacks. What its owner has lost
        // since gives nothing anyway.
        acting.require_scopes(model.stored(&key.scopes), model)?;
        let (secret, hash) = format.generate(id);
        rows::rotate(&mut tx, acting.tenant(), id, &hash, now + OVERLAP).await?;
        self.end(tx, acting, Action::literal("api_key.rotate"), &key).await?;
        Ok(MadeApiKey { key, secret })
    }

    /// Ends a key, in every process within a moment.
    ///
    /// # Errors
    /// [`AccessError::NotFound`] when the tenant has no such key, and [`AccessError::Unavailable`]
    /// when the database cannot be asked.
    pub async fn revoke(&self, acting: &Acting, id: ApiKeyId) -> Result<(), AccessError> {
        let mut tx = self.0.databases.control(acting.scope()).await?;
        let key = rows::lock(&mut tx, acting.tenant(), id).await?;
        rows::revoke(&mut tx, acting.tenant(), id, self.0.clock.now()).await?;
        self.end(tx, acting, Action::literal("api_key.revoke"), &key).await
    }

    async fn end(
        &self,
        mut tx: ControlTx,
        acting: &Acting,
        action: Action,
        key: &ApiKey,
    ) -> Result<(), AccessError> {
        let target = ("api_key", key.id);
        let entry = entry(acting.scope(), &self.0.clock, action, target, json!({ "key": key }));
        note(&mut tx, entry).await?;
        tx.commit().await.map_err(not_committed)
    }
}

fn name(text: &str) -> Result<String, AccessError> {
    let text = text.trim();
    let fits = (1..=100).contains(&text.chars().count()) && !text.chars().any(char::is_control);
    let wrong = || AccessError::invalid("name", "1 to 100 characters, none of them a control");
    if fits { Ok(text.to_owned()) } else { Err(wrong()) }
}

fn expiry(wanted: Option<DateTime<Utc>>, now: DateTime<Utc>) -> Result<DateTime<Utc>, AccessError> {
    let expires_at = wanted.unwrap_or(now + LIFE);
    if now < expires_at && expires_at <= now + LONGEST {
        return Ok(expires_at);
    }
    Err(AccessError::invalid("expires_at", "in the future, and within a year"))
}
