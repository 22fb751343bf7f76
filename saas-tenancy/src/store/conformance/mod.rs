//! What every [`TenantStore`] must do, as checks that panic when it does not.
//!
//! An implementation calls [`run`] from a test of its own. The store may be shared with other
//! tests: every check makes tenants of its own and looks at nothing else.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! use saas_core::Clock;
//! use saas_tenancy::store::{MemoryTenantStore, conformance};
//!
//! let clock = Clock::system();
//! conformance::run(&MemoryTenantStore::new(clock.clone()), &clock).await;
//! # }
//! ```

mod domains;
mod life;
mod names;
mod tenants;

use std::sync::Arc;

use saas_core::{Clock, TenantId};

use super::TenantStore;
use crate::{
    domain::{Domain, DomainId},
    placement::Isolation,
    resolve::HostName,
    tenant::{NewTenant, Tenant},
};

/// Runs every check, one after the other. Ids are stamped with the time of `clock`.
///
/// # Panics
/// When `store` breaks the contract; the message says where.
pub async fn run(store: &dyn TenantStore, clock: &Clock) {
    let suite = Suite { store, clock };
    life::a_tenant_resolves_only_once_it_is_ready(suite).await;
    life::a_new_tenant_holds_what_was_given(suite).await;
    life::a_removed_tenant_is_gone_with_its_domains(suite).await;
    life::a_tenant_that_was_never_ready_leaves_no_trace(suite).await;
    life::what_is_not_there_is_reported(suite).await;
    names::a_repeated_insert_returns_the_stored_tenant(suite).await;
    names::a_slug_is_never_given_twice(suite).await;
    names::an_id_is_never_given_twice(suite).await;
    names::one_of_many_concurrent_inserts_of_a_slug_wins(suite).await;
    tenants::an_update_changes_what_it_names_and_nothing_else(suite).await;
    tenants::a_stale_update_is_refused(suite).await;
    tenants::one_of_many_concurrent_updates_of_a_version_wins(suite).await;
    tenants::a_server_that_is_not_there_is_refused(suite).await;
    tenants::pages_hold_every_tenant_once_in_order(suite).await;
    domains::a_domain_resolves_only_while_it_is_verified(suite).await;
    domains::a_claim_is_never_verified_at_once(suite).await;
    domains::a_domain_of_a_tenant_that_is_not_ready_does_not_resolve(suite).await;
    domains::a_domain_belongs_to_the_first_that_proves_it(suite).await;
    domains::one_of_many_concurrent_proofs_wins(suite).await;
    domains::a_tenant_cannot_touch_the_domain_of_another(suite).await;
    domains::a_released_domain_is_free(suite).await;
}

/// The store under test.
#[derive(Debug, Clone, Copy)]
struct Suite<'a> {
    store: &'a dyn TenantStore,
    clock: &'a Clock,
}

impl Suite<'_> {
    /// A tenant that no other check has, not stored yet.
    fn new_tenant(self) -> NewTenant {
        let id = TenantId::generate(self.clock);
        let slug = format!("s{}", id.as_uuid().simple());
        let slug = slug.parse().expect("letters and digits make a slug");
        NewTenant::new(id, slug, "Club Zürich & Söhne", Isolation::Shared)
    }

    /// A tenant that resolves.
    async fn ready_tenant(self) -> Arc<Tenant> {
        let tenant = self.store.insert(self.new_tenant()).await.expect("insert a new tenant");
        self.store.mark_ready(tenant.id).await.expect("mark it ready");
        tenant
    }

    /// A claim of a name that no other check has.
    fn domain(self, tenant: TenantId) -> Domain {
        let id = DomainId::generate(self.clock);
        let name = format!("d{}.example.org", id.as_uuid().simple());
        self.domain_called(tenant, &host(&name))
    }

    /// A claim of `name`.
    fn domain_called(self, tenant: TenantId, name: &HostName) -> Domain {
        let id = DomainId::generate(self.clock);
        Domain { id, tenant, name: name.clone(), token: format!("token-{id}"), verified_at: None }
    }

    /// Whom the domain leads to.
    async fn owner(self, name: &HostName) -> Option<TenantId> {
        self.store.by_domain(name).await.expect("look a domain up").map(|tenant| tenant.id)
    }
}

fn host(name: &str) -> HostName {
    serde_json::from_value(name.into()).expect("letters, digits and dots make a host name")
}
