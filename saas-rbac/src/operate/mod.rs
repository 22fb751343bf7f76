//! What the application's operator does to people, from commands and from sign-up.
//!
//! 1. Nobody's permissions bound it: it is for the program itself, never for a request of somebody
//!    who has signed in. What those may do is in [`team`](crate::team) and
//!    [`sign_in`](crate::sign_in).
//! 2. What ends the trust in a person ends their sessions and tokens in the same transaction.
//!
//! ```no_run
//! use saas_core::{TenantId, UserId};
//! use saas_rbac::operate::{OperateError, Operator};
//!
//! async fn found(operator: &Operator, tenant: TenantId, user: UserId) -> Result<(), OperateError> {
//!     operator.enlist(tenant, user, "owner").await
//! }
//! ```

use http::StatusCode;
use saas_core::{Clock, Problem, TenantId, UserId};
use saas_tenancy::{TenancyError, db::TenantDatabases};

use crate::{
    AccessModel, outage,
    password::PasswordHash,
    user::{User, end_all_sessions, read_user, user_columns},
};

/// Looks after people from outside. Cheap to clone. See the [module docs](self).
#[derive(Debug, Clone)]
pub struct Operator {
    databases: TenantDatabases,
    model: AccessModel,
    clock: Clock,
}

/// Whether somebody belongs to the application's own staff.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Staff {
    /// They run the application.
    SuperAdmin,
    /// They use it.
    No,
}

/// Why something was not done to a person.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OperateError {
    /// There is no such person, or they are disabled.
    #[error("there is nobody with this id who may sign in")]
    NoSuchPerson,
    /// The application has no such role.
    #[error("there is no fixed role `{0}`")]
    NoSuchRole(String),
    /// The database cannot be asked. The cause is logged and never sent.
    #[error("people cannot be changed")]
    Unavailable(#[from] TenancyError),
}

impl From<OperateError> for Problem {
    fn from(error: OperateError) -> Self {
        match error {
            OperateError::NoSuchPerson => {
                Self::new(StatusCode::NOT_FOUND, "not_found").with_detail(error.to_string())
            }
            OperateError::NoSuchRole(_) => Self::internal(error),
            OperateError::Unavailable(_) => outage::problem(error),
        }
    }
}

impl Operator {
    /// Works on the control plane of `databases`. The roles are those of `model`.
    #[must_use]
    pub const fn new(databases: TenantDatabases, model: AccessModel, clock: Clock) -> Self {
        Self { databases, model, clock }
    }

    /// Makes a person a member of a tenant, with a fixed role. One who is a member stays as they are.
    ///
    /// # Errors
    /// [`OperateError::NoSuchRole`], or [`OperateError::Unavailable`] when the database cannot be
    /// asked or knows neither of the two.
    pub async fn enlist(
        &self,
        tenant: TenantId,
        user: UserId,
        role: &str,
    ) -> Result<(), OperateError> {
        let fixed = self.model.fixed_roles().by_name(role);
        let role = fixed.ok_or_else(|| OperateError::NoSuchRole(role.to_owned()))?;
        let mut tx = self.databases.identity().await?;
        let sql = "insert into saas_rbac.memberships (tenant_id, user_id, role_mask, joined_at)
             values ($1, $2, $3, $4) on conflict (tenant_id, user_id) do nothing";
        let query = sqlx::query(sql).bind(tenant.as_uuid()).bind(user.as_uuid());
        let query = query.bind(role.mask()).bind(self.clock.now());
        query.execute(&mut tx).await.map_err(TenancyError::from)?;
        Ok(tx.commit().await?)
    }

    /// Up to `limit` people, by their ids, after `after`.
    ///
    /// # Errors
    /// [`OperateError::Unavailable`] when the database cannot be asked.
    pub async fn people(
        &self,
        after: Option<UserId>,
        limit: u32,
    ) -> Result<Vec<User>, OperateError> {
        let sql = concat!(
            "select ",
            user_columns!(),
            " from saas_rbac.users u where $1::uuid is null or u.id > $1 order by u.id limit $2",
        );
        let mut tx = self.databases.identity().await?;
        let query = sqlx::query(sql).bind(after.map(UserId::as_uuid)).bind(i64::from(limit));
        let rows = query.fetch_all(&mut tx).await.map_err(TenancyError::from)?;
        let read: Result<_, TenancyError> = rows.iter().map(read_user).collect();
        Ok(read?)
    }

    /// Gives a person another password. All their sessions and tokens end.
    ///
    /// # Errors
    /// [`OperateError::NoSuchPerson`], or [`OperateError::Unavailable`] when the database cannot be
    /// asked.
    pub async fn set_password(
        &self,
        user: UserId,
        hash: &PasswordHash,
    ) -> Result<User, OperateError> {
        let now = self.clock.now();
        let sql = concat!(
            "update saas_rbac.users u set password_hash = $2, password_changed_at = $3,
                 epoch = u.epoch + 1, version = u.version + 1
             where u.id = $1 and u.disabled_at is null returning ",
            user_columns!(),
        );
        let mut tx = self.databases.identity().await?;
        let query = sqlx::query(sql).bind(user.as_uuid()).bind(hash.as_str()).bind(now);
        let row = query.fetch_optional(&mut tx).await.map_err(TenancyError::from)?;
        let changed = row.as_ref().map(read_user).transpose()?.ok_or(OperateError::NoSuchPerson)?;
        end_all_sessions(&mut tx, user, now, "password_set").await?;
        tx.commit().await?;
        Ok(changed)
    }

    /// Takes a person into the staff, or lets them go. Their tokens end, so that no older one counts
    /// for more or for less than the person does.
    ///
    /// # Errors
    /// As [`set_password`](Self::set_password).
    pub async fn set_staff(&self, user: UserId, staff: Staff) -> Result<User, OperateError> {
        let sql = concat!(
            "update saas_rbac.users u set is_super_admin = $2, epoch = u.epoch + 1,
                 version = u.version + 1
             where u.id = $1 and u.disabled_at is null returning ",
            user_columns!(),
        );
        let mut tx = self.databases.identity().await?;
        let query = sqlx::query(sql).bind(user.as_uuid()).bind(staff == Staff::SuperAdmin);
        let row = query.fetch_optional(&mut tx).await.map_err(TenancyError::from)?;
        let changed = row.as_ref().map(read_user).transpose()?.ok_or(OperateError::NoSuchPerson)?;
        tx.commit().await?;
        Ok(changed)
    }
}
