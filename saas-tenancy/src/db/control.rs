//! Transactions on the control plane.
//!
//! The login reads what the stores of this crate look up. Whatever writes there assumes a role
//! first: [`OF_TENANT`] for the rows of one tenant, [`IDENTITY`] for people and their credentials,
//! who belong to no tenant. Neither reaches a table of the tenant plane.

use std::fmt::Write as _;

use futures_util::{future::BoxFuture, stream::BoxStream};
use saas_core::{Actor, Scope, TenantId, audit::AuditId};
use sqlx::{
    Either, Execute, Executor, Postgres, SqlStr,
    postgres::{PgQueryResult, PgRow, PgStatement, PgTypeInfo},
};
use uuid::Uuid;

use super::{lease::Lease, transaction::executor};
use crate::error::TenancyError;

/// The role with the rights on a tenant's rows of the control plane. Policies bind it.
const OF_TENANT: &str = "saas_control";

/// The role with the rights on users, sessions and their secrets.
const IDENTITY: &str = "saas_identity";

/// A transaction of the crate's own stores, as the application's login: it may read what the
/// control plane lets that login read, and no tenant's table.
#[derive(Debug)]
pub(crate) struct LookupTx {
    lease: Lease,
}

impl LookupTx {
    pub(super) const fn new(lease: Lease) -> Self {
        Self { lease }
    }

    /// Makes the changes last.
    ///
    /// # Errors
    /// [`TenancyError::Database`] when the database does not confirm it.
    pub(crate) async fn commit(self) -> Result<(), TenancyError> {
        self.lease.commit().await
    }
}

executor!(LookupTx);

/// A transaction on the control plane: on one tenant's rows of it, or on those of people.
///
/// It takes the same statements as a [`TenantTx`](super::TenantTx), and it is rolled back when it is
/// dropped. Its connections are apart from those of tenant data, so a handler may hold a `TenantTx`
/// when it begins one. The other way round two handlers could wait for each other: end this one
/// first.
#[derive(Debug)]
#[must_use = "a transaction that is dropped is rolled back"]
pub struct ControlTx {
    lease: Lease,
    tenant: Option<TenantId>,
}

impl ControlTx {
    pub(super) const fn new(lease: Lease, tenant: Option<TenantId>) -> Self {
        Self { lease, tenant }
    }

    /// The tenant whose rows can be reached; `None` for those of people.
    #[must_use]
    pub const fn tenant(&self) -> Option<TenantId> {
        self.tenant
    }

    /// Makes the changes last, and waits until the database has confirmed it.
    ///
    /// # Errors
    /// [`TenancyError::Database`] when it does not confirm it, or when a statement of the
    /// transaction failed before. Then nothing was changed.
    pub async fn commit(self) -> Result<(), TenancyError> {
        self.lease.commit().await
    }
}

executor!(ControlTx);

/// Adds an entry to the audit log of `tenant` in a transaction on the control plane. It waits there
/// until it is relayed into the tenant's home.
pub(crate) async fn append_entry<'c, E>(
    executor: E,
    tenant: TenantId,
    id: AuditId,
    json: &str,
) -> Result<(), sqlx::Error>
where
    E: Executor<'c, Database = Postgres>,
{
    sqlx::query("with done as (select saas_tenancy.append_audit($1, $2, $3)) select from done")
        .bind(tenant.as_uuid())
        .bind(id.as_uuid())
        .bind(json)
        .execute(executor)
        .await?;
    Ok(())
}

/// The message that opens a transaction on the rows of `scope`'s tenant, and says who acts.
pub(super) fn begin_of_tenant(scope: &Scope) -> String {
    begin(OF_TENANT, scope)
}

/// The message that opens a transaction on people and their credentials.
pub(super) fn begin_identity() -> String {
    format!(
        "begin; set local role {IDENTITY}; set local app.tenant_id = ''; set local app.user_id = ''"
    )
}

/// The same, saying for which tenant and in whose name.
pub(super) fn begin_identity_in(scope: &Scope) -> String {
    begin(IDENTITY, scope)
}

fn begin(role: &str, scope: &Scope) -> String {
    let mut sql = format!("begin; set local role {role}; set local app.tenant_id = '");
    push_id(&mut sql, scope.tenant().as_uuid());
    // Whose permissions limit what is granted here. Only the application itself goes without a name;
    // one who has proven nothing is a person who is nowhere a member.
    sql.push_str("'; set local app.user_id = '");
    match (scope.actor().user(), scope.actor()) {
        (Some(user), _) => push_id(&mut sql, user.as_uuid()),
        (None, Actor::System { .. }) => {}
        (None, _) => push_id(&mut sql, Uuid::nil()),
    }
    sql.push('\'');
    sql
}

fn push_id(sql: &mut String, id: Uuid) {
    // A UUID is letters, digits and `-`: no quote can end the literal. Strings do not fail.
    let _written = write!(sql, "{}", id.hyphenated());
}

#[cfg(test)]
mod tests {
    use super::*;
    use saas_core::{RequestId, UserId};

    fn scope(actor: Actor) -> Scope {
        let id = Uuid::from_u128(42);
        Scope::new(TenantId::from_uuid(id), actor, RequestId::from_uuid(id))
    }

    #[test]
    fn a_tenants_transaction_says_whose_rows_and_who_acts() {
        let user = UserId::from_uuid(Uuid::from_u128(7));
        assert_eq!(
            begin_of_tenant(&scope(Actor::User { id: user })),
            "begin; set local role saas_control; \
             set local app.tenant_id = '00000000-0000-0000-0000-00000000002a'; \
             set local app.user_id = '00000000-0000-0000-0000-000000000007'",
        );
    }

    #[test]
    fn who_has_proven_nothing_does_not_pass_for_the_application() {
        let sql = begin_identity_in(&scope(Actor::Anonymous));
        assert!(
            sql.ends_with("set local app.user_id = '00000000-0000-0000-0000-000000000000'"),
            "{sql}"
        );
    }

    #[test]
    fn people_can_be_reached_in_somebodys_name() {
        let user = UserId::from_uuid(Uuid::from_u128(7));
        assert_eq!(
            begin_identity_in(&scope(Actor::User { id: user })),
            "begin; set local role saas_identity; \
             set local app.tenant_id = '00000000-0000-0000-0000-00000000002a'; \
             set local app.user_id = '00000000-0000-0000-0000-000000000007'",
        );
    }

    #[test]
    fn nobodys_name_is_said_when_the_application_acts() {
        let sql = begin_of_tenant(&scope(Actor::system("sweep")));
        assert!(sql.ends_with("set local app.user_id = ''"), "{sql}");
    }
}
