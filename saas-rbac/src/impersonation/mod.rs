//! Acting for somebody else: how the application's own staff sees what a person sees.
//!
//! 1. Only a super-administrator does it, in one tenant, for a stated reason, for an hour at most.
//!    Nobody acts for another super-administrator.
//! 2. It is a session of the person with the name of whoever really acts. It ends like any session.
//! 3. What is [critical](saas_core::permission::Risk::Critical) is out of reach meanwhile: put
//!    [`mask`] into the terms of the grants.
//!
//! ```
//! use saas_rbac::impersonation::mask;
//!
//! saas_rbac::permissions! {
//!     /// What people may do.
//!     pub mod perm {
//!         /// A club.
//!         club {
//!             /// See it.
//!             Read: "read" = 0, Low;
//!             /// Close it for good.
//!             Delete: "delete" = 1, Critical;
//!         }
//!     }
//! }
//! let mask = mask(&perm::CATALOGUE);
//! assert!(mask.contains(0) && !mask.contains(1));
//! ```

mod rows;

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use saas_core::{
    Actor, Clock, RequestId, Scope, SessionId, TenantId, UserId,
    audit::Action,
    permission::{PermissionSet, Risk},
};
use saas_tenancy::db::TenantDatabases;
use serde::Serialize;
use serde_json::json;

use crate::{
    audit::{entry, note},
    error::AccessError,
    permission::Catalogue,
    require::SuperAdmin,
    sql::not_committed,
};

/// The longest that somebody acts for another without beginning anew.
pub const LONGEST: Duration = Duration::from_secs(60 * 60);

/// What stays in reach while somebody acts for another: all that is not critical, and nothing that
/// is not declared.
#[must_use]
pub fn mask(catalogue: &Catalogue) -> PermissionSet {
    catalogue.iter().filter(|one| one.risk != Risk::Critical).map(|one| one.bit).collect()
}

/// Somebody acts for another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Impersonation {
    /// The session.
    pub session: SessionId,
    /// In which tenant.
    pub tenant: TenantId,
    /// For whom.
    pub user: UserId,
    /// Who really acts.
    pub by: UserId,
    /// Why.
    pub reason: String,
    /// Since when.
    pub started_at: DateTime<Utc>,
    /// Until when.
    pub expires_at: DateTime<Utc>,
}

/// What somebody wants to do in whose name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewImpersonation {
    /// In which tenant.
    pub tenant: TenantId,
    /// For whom.
    pub user: UserId,
    /// Why: 1 to 500 characters, which the tenant will read.
    pub reason: String,
    /// For how long: at most [`LONGEST`].
    pub duration: Duration,
}

/// Begins and ends acting for others. Cheap to clone. See the [module docs](self).
#[derive(Debug, Clone)]
pub struct Impersonations {
    databases: TenantDatabases,
    clock: Clock,
}

impl Impersonations {
    /// Sessions in the control plane of `databases`.
    #[must_use]
    pub const fn new(databases: TenantDatabases, clock: Clock) -> Self {
        Self { databases, clock }
    }

    /// Begins to act for somebody. Make tokens for the session that is returned.
    ///
    /// # Errors
    /// [`AccessError::Invalid`] when reason or duration are not valid,
    /// [`AccessError::SuperAdminsOnly`] when the database does not know `by` as staff any more, or
    /// the person is staff themselves; [`AccessError::NotFound`] when the person does not belong to
    /// the tenant or is disabled; [`AccessError::Unavailable`] when the database cannot be asked.
    pub async fn begin(
        &self,
        by: SuperAdmin,
        new: NewImpersonation,
        request: RequestId,
    ) -> Result<Impersonation, AccessError> {
        let now = self.clock.now();
        let started = Impersonation {
            session: SessionId::generate(&self.clock),
            tenant: new.tenant,
            user: new.user,
            by: by.user(),
            reason: reason(&new.reason)?,
            started_at: now,
            expires_at: now + lasting(new.duration)?,
        };
        let mut tx = self.databases.identity().await?;
        rows::require_staff(&mut tx, started.by).await?;
        rows::require_target(&mut tx, started.tenant, started.user).await?;
        rows::insert(&mut tx, &started).await?;
        let scope = scope(&started, request);
        let (target, changes) = (("session", started.session), json!({ "after": &started }));
        note(
            &mut tx,
            entry(&scope, &self.clock, Action::literal("impersonation.begin"), target, changes),
        )
        .await?;
        tx.commit().await.map_err(not_committed)?;
        Ok(started)
    }

    /// Stops acting for somebody. One's own at any time; those of others too, among staff.
    ///
    /// # Errors
    /// [`AccessError::NotFound`] when nobody acts for another in this session (any more), and
    /// [`AccessError::Unavailable`] when the database cannot be asked.
    pub async fn end(
        &self,
        by: UserId,
        session: SessionId,
        request: RequestId,
    ) -> Result<(), AccessError> {
        let mut tx = self.databases.identity().await?;
        let now = self.clock.now();
        let ended = rows::end(&mut tx, session, now).await?;
        if ended.by != by {
            rows::require_staff(&mut tx, by).await?;
        }
        let scope = scope(&ended, request);
        let changes = json!({ "before": &ended, "ended_by": by });
        let target = ("session", session);
        note(
            &mut tx,
            entry(&scope, &self.clock, Action::literal("impersonation.end"), target, changes),
        )
        .await?;
        tx.commit().await.map_err(not_committed)
    }

    /// Who acts for whom at this moment: in one tenant, or in all.
    ///
    /// # Errors
    /// [`AccessError::Unavailable`] when the database cannot be asked.
    pub async fn list(&self, tenant: Option<TenantId>) -> Result<Vec<Impersonation>, AccessError> {
        let mut tx = self.databases.identity().await?;
        rows::list(&mut tx, tenant, self.clock.now()).await
    }
}

fn scope(one: &Impersonation, request: RequestId) -> Scope {
    Scope::new(one.tenant, Actor::Impersonated { id: one.user, by: one.by }, request)
}

fn reason(text: &str) -> Result<String, AccessError> {
    let text = text.trim();
    let fits = (1..=500).contains(&text.chars().count());
    let wrong = || AccessError::invalid("reason", "1 to 500 characters that the tenant may read");
    if fits { Ok(text.to_owned()) } else { Err(wrong()) }
}

fn lasting(duration: Duration) -> Result<TimeDelta, AccessError> {
    let wrong = || AccessError::invalid("duration", "more than nothing and at most an hour");
    let fits = !duration.is_zero() && duration <= LONGEST;
    TimeDelta::from_std(duration).ok().filter(|_| fits).ok_or_else(wrong)
}
