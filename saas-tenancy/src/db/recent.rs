//! Which schema tenants a connection has served lately, and so may keep plans for.
//!
//! The server plans a prepared statement again whenever it finds another `search_path` than at the
//! time before. A text of its own per tenant keeps the plans apart; doing so only for tenants that
//! come back keeps rare ones from pushing the plans of frequent ones out.

use saas_core::TenantId;

use crate::placement::physical_name;

/// How many prepared statements each of the remembered tenants may have on average.
const STATEMENTS_PER_TENANT: usize = 4;

/// The schema tenants that used a connection last.
#[derive(Debug, Default)]
pub(super) struct Recent(Vec<TenantId>);

impl Recent {
    /// Notes that `tenant` uses the connection, which keeps `statements` prepared statements.
    /// Gives the comment that keeps its texts apart, if it was among the last ones already.
    pub(super) fn note(&mut self, tenant: TenantId, statements: usize) -> Option<String> {
        let known = self.0.iter().rposition(|one| *one == tenant);
        if let Some(at) = known {
            self.0.remove(at);
        } else if self.0.len() >= (statements / STATEMENTS_PER_TENANT).max(1) {
            self.0.remove(0);
        }
        self.0.push(tenant);
        known.map(|_| format!("/* {} */ ", physical_name(tenant)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn tenant(n: u128) -> TenantId {
        TenantId::from_uuid(Uuid::from_u128(n))
    }

    #[test]
    fn a_tenant_that_comes_back_keeps_its_plans() {
        let mut recent = Recent::default();
        assert_eq!(recent.note(tenant(1), 16), None);
        let comment = recent.note(tenant(1), 16).unwrap();
        assert_eq!(comment, format!("/* {} */ ", physical_name(tenant(1))));
    }

    #[test]
    fn more_tenants_than_fit_push_out_the_one_that_was_away_longest() {
        let mut recent = Recent::default();
        for n in 0..5 {
            assert_eq!(recent.note(tenant(n), 16), None);
        }
        assert!(recent.note(tenant(1), 16).is_some());
        assert_eq!(recent.note(tenant(0), 16), None);
    }
}
