//! API keys: how programs act for people.
//!
//! 1. A key reads `sk_live_<id>_<secret><check>`. A misspelt one is refused by its check digits,
//!    without a question to the database.
//! 2. The database holds a keyed hash of the secret. The key to it is not in the database.
//! 3. A key acts for the person who made it. At each use it may do what its scopes name and that
//!    person may do at this moment: [`ApiKeyIdentity::grants`].
//! 4. A key ends: after 90 days if nothing else is said, after a year at most, at once when it is
//!    revoked or its owner leaves. After a rotation the secret before is good for a day.
//! 5. Only its owner changes a key. Others of the tenant can revoke it.
//! 6. What is known of keys is remembered until it changes; see [`Authorizer`]'s rules, which hold
//!    here, too.
//!
//! ```no_run
//! use saas_core::permission::PermissionSet;
//! use saas_rbac::api_key::{ApiKeyError, ApiKeys, NewApiKey};
//! use saas_rbac::Acting;
//! use secrecy::ExposeSecret;
//!
//! async fn make_and_use(keys: &ApiKeys, acting: &Acting) -> Result<(), ApiKeyError> {
//!     let made = keys.create(acting, NewApiKey::new("import", ["members:create"])).await?;
//!     let identity = keys.authenticate(made.secret.expose_secret()).await?;
//!     let grants = identity.grants(PermissionSet::ALL);
//!     assert!(identity.scopes().contains_all(grants.effective()));
//!     Ok(())
//! }
//! ```

mod error;
mod rows;
mod store;
mod text;

use std::{fmt, sync::Arc};

use chrono::{DateTime, TimeDelta, Utc};
use moka::sync::Cache;
use saas_core::{
    ApiKeyId, Clock, TenantId, UserId,
    auth::{Credential, Principal},
    permission::{Grants, PermissionSet, Terms},
};
use saas_tenancy::db::TenantDatabases;
use secrecy::SecretString;
use serde::Serialize;

pub use self::{
    error::ApiKeyError,
    text::{InvalidPrefix, KeyFormat},
};
use crate::{
    authorizer::{AccessChanges, Authorizer, Member},
    memory::Memory,
    model::AccessModel,
};

/// How many keys are remembered.
const CAPACITY: u64 = 50_000;

/// A key as people see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ApiKey {
    /// Its id.
    pub id: ApiKeyId,
    /// What it is for.
    pub name: String,
    /// How it begins, to tell it from others.
    pub prefix: String,
    /// The permissions that it is limited to, by name.
    pub scopes: Vec<String>,
    /// The person it acts for.
    pub owner: UserId,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it ends by itself.
    pub expires_at: DateTime<Utc>,
    /// When it was ended.
    pub revoked_at: Option<DateTime<Utc>>,
    /// When it was used last, to the minute.
    pub last_used_at: Option<DateTime<Utc>>,
}

/// A key with its secret, which is shown once.
#[derive(Debug)]
pub struct MadeApiKey {
    /// The key.
    pub key: ApiKey,
    /// The whole text that programs send.
    pub secret: SecretString,
}

/// What a key shall be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewApiKey {
    /// What it is for: 1 to 100 characters.
    pub name: String,
    /// Names of permissions, or wildcards, which are expanded now.
    pub scopes: Vec<String>,
    /// When it ends; in 90 days if nothing is said, in a year at most.
    pub expires_at: Option<DateTime<Utc>>,
}

impl NewApiKey {
    /// A key for 90 days.
    #[must_use]
    pub fn new<T: Into<String>>(
        name: impl Into<String>,
        scopes: impl IntoIterator<Item = T>,
    ) -> Self {
        let scopes = scopes.into_iter().map(Into::into).collect();
        Self { name: name.into(), scopes, expires_at: None }
    }

    /// A key until then.
    #[must_use]
    pub fn with_expiry(self, expires_at: DateTime<Utc>) -> Self {
        Self { expires_at: Some(expires_at), ..self }
    }
}

/// A key that was presented and is good, with what its owner may do now.
#[derive(Debug, Clone)]
pub struct ApiKeyIdentity {
    key: ApiKeyId,
    scopes: PermissionSet,
    created_at: DateTime<Utc>,
    member: Arc<Member>,
}

impl ApiKeyIdentity {
    /// The tenant it is of.
    #[must_use]
    pub fn tenant(&self) -> TenantId {
        self.member.tenant()
    }

    /// The key.
    #[must_use]
    pub const fn key(&self) -> ApiKeyId {
        self.key
    }

    /// The person it acts for.
    #[must_use]
    pub fn owner(&self) -> UserId {
        self.member.user()
    }

    /// What it is limited to.
    #[must_use]
    pub const fn scopes(&self) -> PermissionSet {
        self.scopes
    }

    /// What it may do where the plan includes `plan`: its scopes, as far as its owner may do it.
    #[must_use]
    pub fn grants(&self, plan: PermissionSet) -> Grants {
        Grants::new(Terms { plan, scopes: self.scopes, ..self.member.terms() })
    }

    /// Who asks. The proof of identity is as old as the key: no step-up takes it for a fresh one.
    #[must_use]
    pub fn principal(&self, plan: PermissionSet) -> Principal {
        let roles = self.member.roles().iter().cloned();
        Principal::new(self.owner(), Credential::ApiKey(self.key), self.created_at).in_tenant(
            self.tenant(),
            roles,
            self.grants(plan),
        )
    }
}

/// The keys of tenants. Cheap to clone. See the [module docs](self).
#[derive(Clone)]
pub struct ApiKeys(Arc<Inner>);

struct Inner {
    databases: TenantDatabases,
    model: AccessModel,
    clock: Clock,
    format: KeyFormat,
    authorizer: Authorizer,
    known: Arc<Memory<ApiKeyId, rows::KeyRow>>,
    /// When this process last wrote that a key was used.
    noted: Cache<ApiKeyId, DateTime<Utc>>,
}

/// How exactly the last use of a key is written.
const NOTED: TimeDelta = TimeDelta::minutes(1);

impl ApiKeys {
    /// Keys in this `format`. Whose they are and what that person may do, `authorizer` says.
    #[must_use]
    pub fn new(
        databases: TenantDatabases,
        model: AccessModel,
        clock: Clock,
        format: KeyFormat,
        authorizer: Authorizer,
    ) -> Self {
        let known = Arc::new(Memory::new(CAPACITY, clock.clone()));
        let noted = Cache::new(CAPACITY);
        Self(Arc::new(Inner { databases, model, clock, format, authorizer, known, noted }))
    }

    /// What has to hear of changes before anything is answered from memory. Make it once.
    #[must_use]
    pub fn changes(&self) -> AccessChanges {
        AccessChanges::of(&self.0.known)
    }

    /// Says whose key `text` is.
    ///
    /// # Errors
    /// [`ApiKeyError::Malformed`], [`ApiKeyError::Unknown`], [`ApiKeyError::Expired`],
    /// [`ApiKeyError::Revoked`] and [`ApiKeyError::OwnerGone`], which a client cannot tell apart;
    /// [`ApiKeyError::Access`] when the database cannot be asked.
    pub async fn authenticate(&self, text: &str) -> Result<ApiKeyIdentity, ApiKeyError> {
        let Inner { databases, model, clock, format, authorizer, known, .. } = &*self.0;
        let (id, secret) = format.parse(text).ok_or(ApiKeyError::Malformed)?;
        let row =
            known.read(id, || rows::by_id(databases, id)).await?.ok_or(ApiKeyError::Unknown)?;
        let now = clock.now();
        if !row.is_secret(&format.hash(id, &secret), now) {
            return Err(ApiKeyError::Unknown);
        }
        if row.key.revoked_at.is_some() {
            return Err(ApiKeyError::Revoked);
        }
        if row.key.expires_at <= now {
            return Err(ApiKeyError::Expired);
        }
        let member = authorizer.member(row.tenant, row.key.owner).await?;
        let member = member.ok_or(ApiKeyError::OwnerGone)?;
        self.note_use(id, row.tenant, now).await;
        let (scopes, created_at) = (model.stored(&row.key.scopes), row.key.created_at);
        Ok(ApiKeyIdentity { key: id, scopes, created_at, member })
    }

    /// Writes that the key was used, unless that was a moment ago. A key is no less good when it
    /// cannot be written.
    async fn note_use(&self, id: ApiKeyId, tenant: TenantId, now: DateTime<Utc>) {
        if self.0.noted.get(&id).is_some_and(|last| now - last < NOTED) {
            return;
        }
        self.0.noted.insert(id, now);
        if let Err(error) = rows::note_use(&self.0.databases, tenant, id, now, now - NOTED).await {
            tracing::warn!(error = %error, "the last use of an api key was not written");
        }
    }
}

impl fmt::Debug for ApiKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApiKeys").field("format", &self.0.format).finish_non_exhaustive()
    }
}
