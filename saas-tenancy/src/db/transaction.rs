use std::marker::PhantomData;

use futures_util::{future::BoxFuture, stream::BoxStream};
use saas_core::Scope;
use sqlx::{
    Either, Execute, Executor, Postgres, SqlStr,
    postgres::{PgQueryResult, PgRow, PgStatement, PgTypeInfo},
};

use super::{handle::TenantDatabases, lease::Lease};
use crate::error::TenancyError;

/// A transaction in which one tenant's data can be read and changed, and nobody else's.
///
/// It is an sqlx [`Executor`] for statements with arguments that read or change rows; see the
/// [module docs](super) for what it refuses. Dropping it rolls back, without waiting.
///
/// It borrows its [`TenantDb`](super::TenantDb) for as long as it lives, so one handle has at most
/// one open transaction, and it cannot be sent off into a task that outlives the request.
#[derive(Debug)]
#[must_use = "a transaction that is dropped is rolled back"]
pub struct TenantTx<'db> {
    lease: Lease,
    scope: &'db Scope,
    databases: &'db TenantDatabases,
    /// Invariant, so that no transaction can pass for one of another handle's lifetime.
    handle: PhantomData<fn(&'db ()) -> &'db ()>,
}

impl<'db> TenantTx<'db> {
    pub(super) const fn new(
        lease: Lease,
        scope: &'db Scope,
        databases: &'db TenantDatabases,
    ) -> Self {
        Self { lease, scope, databases, handle: PhantomData }
    }

    /// Whose transaction this is.
    #[must_use]
    pub const fn scope(&self) -> &'db Scope {
        self.scope
    }

    /// Makes the changes last, and waits until the database has confirmed it.
    ///
    /// # Errors
    /// [`TenancyError::Database`] when it does not confirm it, or when a statement of the
    /// transaction failed before. Then nothing was changed.
    pub async fn commit(self) -> Result<(), TenancyError> {
        let has_written = self.lease.has_written();
        self.lease.commit().await?;
        if has_written {
            self.databases.note_written(self.scope.tenant());
        }
        Ok(())
    }
}

/// Lets a transaction take the crate's checked statements.
macro_rules! executor {
    ($transaction:ty) => {
        impl<'c> Executor<'c> for &'c mut $transaction {
            type Database = Postgres;

            fn fetch_many<'e, 'q: 'e, E>(
                self,
                query: E,
            ) -> BoxStream<'e, Result<Either<PgQueryResult, PgRow>, sqlx::Error>>
            where
                'c: 'e,
                E: 'q + Execute<'q, Postgres>,
            {
                self.lease.fetch_many(query)
            }

            fn fetch_optional<'e, 'q: 'e, E>(
                self,
                query: E,
            ) -> BoxFuture<'e, Result<Option<PgRow>, sqlx::Error>>
            where
                'c: 'e,
                E: 'q + Execute<'q, Postgres>,
            {
                self.lease.fetch_optional(query)
            }

            fn prepare_with<'e>(
                self,
                sql: SqlStr,
                parameters: &'e [PgTypeInfo],
            ) -> BoxFuture<'e, Result<PgStatement, sqlx::Error>>
            where
                'c: 'e,
            {
                self.lease.prepare_with(sql, parameters)
            }
        }
    };
}

pub(super) use executor;

executor!(TenantTx<'_>);
