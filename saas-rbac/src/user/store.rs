use chrono::{DateTime, Utc};
use saas_core::{Clock, TenantId, UserId};
use saas_tenancy::{
    TenancyError,
    db::{ControlTx, TenantDatabases},
};
use sqlx::Row;

use super::{
    Email, EmailProof, Membership, NewUser, User, UserError, checked_name,
    rows::{read_user, user_columns},
};

/// All people. Cheap to clone. See the [module](super) for the rules.
#[derive(Debug, Clone)]
pub struct Users {
    databases: TenantDatabases,
    clock: Clock,
}

/// Reads one person by a condition on `u`.
macro_rules! select_user {
    ($condition:literal) => {
        concat!("select ", user_columns!(), " from saas_rbac.users u where ", $condition)
    };
}

/// Changes one person by its id, and gives back what became of it.
macro_rules! update_user {
    ($change:literal) => {
        concat!(
            "update saas_rbac.users u set version = u.version + 1, ",
            $change,
            " returning ",
            user_columns!()
        )
    };
}

impl Users {
    /// The people in the control plane of `databases`.
    #[must_use]
    pub const fn new(databases: TenantDatabases, clock: Clock) -> Self {
        Self { databases, clock }
    }

    /// Makes a person.
    ///
    /// # Errors
    /// [`UserError::EmailTaken`] when somebody has the address, [`UserError::Unavailable`] when the
    /// database cannot be asked.
    pub async fn create(&self, new: NewUser) -> Result<User, UserError> {
        let mut tx = self.databases.identity().await?;
        let user = insert(&mut tx, &new, &self.clock).await?.ok_or(UserError::EmailTaken)?;
        tx.commit().await?;
        Ok(user)
    }

    /// The person with this id.
    ///
    /// # Errors
    /// [`UserError::Unavailable`] when the database cannot be asked.
    pub async fn by_id(&self, id: UserId) -> Result<Option<User>, UserError> {
        let mut tx = self.databases.identity().await?;
        let query = sqlx::query(select_user!("u.id = $1")).bind(id.as_uuid());
        let row = query.fetch_optional(&mut tx).await.map_err(TenancyError::from)?;
        Ok(row.as_ref().map(read_user).transpose()?)
    }

    /// The person with this address, however it is written.
    ///
    /// # Errors
    /// [`UserError::Unavailable`] when the database cannot be asked.
    pub async fn by_email(&self, email: &Email) -> Result<Option<User>, UserError> {
        let mut tx = self.databases.identity().await?;
        let query = sqlx::query(select_user!("lower(u.email) = lower($1)")).bind(email.as_str());
        let row = query.fetch_optional(&mut tx).await.map_err(TenancyError::from)?;
        Ok(row.as_ref().map(read_user).transpose()?)
    }

    /// Gives a person another name, if nobody changed it since `version`.
    ///
    /// # Errors
    /// [`UserError::InvalidName`], [`UserError::NotFound`], [`UserError::Stale`], or
    /// [`UserError::Unavailable`] when the database cannot be asked.
    pub async fn rename(&self, id: UserId, name: &str, version: i64) -> Result<User, UserError> {
        let name = checked_name(name)?;
        let mut tx = self.databases.identity().await?;
        let sql = update_user!("name = $2 where u.id = $1 and u.version = $3");
        let query = sqlx::query(sql).bind(id.as_uuid()).bind(name).bind(version);
        let row = query.fetch_optional(&mut tx).await.map_err(TenancyError::from)?;
        let Some(row) = row else {
            let known = exists(&mut tx, id).await?;
            return Err(if known { UserError::Stale } else { UserError::NotFound });
        };
        tx.commit().await?;
        Ok(read_user(&row)?)
    }

    /// Takes the right to sign in from a person and ends all their sessions and tokens.
    ///
    /// # Errors
    /// [`UserError::NotFound`], or [`UserError::Unavailable`] when the database cannot be asked.
    pub async fn disable(&self, id: UserId) -> Result<User, UserError> {
        let now = self.clock.now();
        let mut tx = self.databases.identity().await?;
        let sql = update_user!(
            "disabled_at = coalesce(u.disabled_at, $2), epoch = u.epoch + 1 where u.id = $1"
        );
        let query = sqlx::query(sql).bind(id.as_uuid()).bind(now);
        let row = query.fetch_optional(&mut tx).await.map_err(TenancyError::from)?;
        let user = row.as_ref().map(read_user).transpose()?.ok_or(UserError::NotFound)?;
        end_all_sessions(&mut tx, id, now, "user_disabled").await?;
        tx.commit().await?;
        Ok(user)
    }

    /// Lets a person who was disabled sign in again.
    ///
    /// # Errors
    /// [`UserError::NotFound`], or [`UserError::Unavailable`] when the database cannot be asked.
    pub async fn enable(&self, id: UserId) -> Result<User, UserError> {
        let mut tx = self.databases.identity().await?;
        let query =
            sqlx::query(update_user!("disabled_at = null where u.id = $1")).bind(id.as_uuid());
        let row = query.fetch_optional(&mut tx).await.map_err(TenancyError::from)?;
        let user = row.as_ref().map(read_user).transpose()?.ok_or(UserError::NotFound)?;
        tx.commit().await?;
        Ok(user)
    }

    /// The tenants that a person belongs to, by their names.
    ///
    /// # Errors
    /// [`UserError::Unavailable`] when the database cannot be asked.
    pub async fn memberships(&self, id: UserId) -> Result<Vec<Membership>, UserError> {
        let mut tx = self.databases.identity().await?;
        let sql = "select m.tenant_id, m.slug, m.name, m.role_mask
             from saas_rbac.memberships_of($1) m order by lower(m.name), m.slug";
        let query = sqlx::query(sql).bind(id.as_uuid());
        let rows = query.fetch_all(&mut tx).await.map_err(TenancyError::from)?;
        let read = rows.iter().map(|row| {
            Ok(Membership {
                tenant: TenantId::from_uuid(row.try_get("tenant_id")?),
                slug: row.try_get("slug")?,
                name: row.try_get("name")?,
                role_mask: row.try_get("role_mask")?,
            })
        });
        let read: Result<_, sqlx::Error> = read.collect();
        Ok(read.map_err(TenancyError::from)?)
    }
}

/// Ends every session of a person, in the transaction that also ends what they rested on.
pub(crate) async fn end_all_sessions(
    tx: &mut ControlTx,
    user: UserId,
    now: DateTime<Utc>,
    because: &str,
) -> Result<u64, TenancyError> {
    let sql = "update saas_rbac.sessions set revoked_at = $2, revoked_because = $3
         where user_id = $1 and revoked_at is null";
    let query = sqlx::query(sql).bind(user.as_uuid()).bind(now).bind(because);
    Ok(query.execute(tx).await?.rows_affected())
}

/// Adds a person; `None` when somebody has the address.
async fn insert(
    tx: &mut ControlTx,
    new: &NewUser,
    clock: &Clock,
) -> Result<Option<User>, TenancyError> {
    let sql = concat!(
        "insert into saas_rbac.users as u
             (id, email, name, password_hash, password_changed_at, email_verified_at, created_at)
         values ($1, $2, $3, $4, case when $4::text is null then null else $6::timestamptz end,
             case when $5 then $6::timestamptz end, $6)
         on conflict do nothing
         returning ",
        user_columns!(),
    );
    let query = sqlx::query(sql)
        .bind(UserId::generate(clock).as_uuid())
        .bind(new.email.as_str())
        .bind(&new.name)
        .bind(new.password.as_ref().map(|hash| hash.as_str()))
        .bind(new.proof == EmailProof::Given)
        .bind(clock.now());
    query.fetch_optional(tx).await?.as_ref().map(read_user).transpose()
}

async fn exists(tx: &mut ControlTx, id: UserId) -> Result<bool, TenancyError> {
    let sql = "select exists (select from saas_rbac.users u where u.id = $1)";
    Ok(sqlx::query_scalar(sql).bind(id.as_uuid()).fetch_one(tx).await?)
}
