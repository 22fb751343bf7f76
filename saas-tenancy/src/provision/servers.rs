//! Connections of the administrator, opened for one piece of work and closed after it.

use std::collections::HashMap;

use sqlx::{ConnectOptions, PgConnection, postgres::PgConnectOptions};

use super::ProvisionError;
use crate::{
    db::{DatabaseKey, ServerAddress},
    placement::{Isolation, ServerId, physical_name},
    tenant::Tenant,
};

const ADMIN: &str = "an administrator's connection; set `ADMIN_DATABASE_URL`";
const KEY: &str = "a key for the passwords of databases; set `SAAS_SECRET_KEY`";
const ADDRESS: &str = "the address of its server; configure it and its administrator";

/// The addresses of the fleet.
#[derive(Debug, Clone)]
pub(super) struct Servers {
    control: ServerId,
    all: HashMap<ServerId, ServerAddress>,
}

impl Servers {
    pub(super) fn new(control: ServerAddress) -> Self {
        Self { control: control.id(), all: HashMap::from([(control.id(), control)]) }
    }

    pub(super) fn add(&mut self, server: ServerAddress) {
        self.all.insert(server.id(), server);
    }

    /// Refuses early, before a row is made, what cannot work on any server.
    pub(super) fn require(&self, isolation: Isolation) -> Result<(), ProvisionError> {
        let lacks = |needs| Err(ProvisionError::Unprovisionable { isolation, needs });
        if !self.all.values().any(|server| server.admin.is_some()) {
            return lacks(ADMIN);
        }
        let keyless = !self.all.values().any(|server| server.key.is_some());
        if isolation == Isolation::Database && keyless {
            return lacks(KEY);
        }
        Ok(())
    }

    /// To the control plane's database.
    pub(super) async fn control(
        &self,
        isolation: Isolation,
    ) -> Result<PgConnection, ProvisionError> {
        Ok(self.admin(self.control, isolation)?.connect().await?)
    }

    /// To the common database of the tenant's server.
    pub(super) async fn common(&self, tenant: &Tenant) -> Result<PgConnection, ProvisionError> {
        Ok(self.options(tenant)?.connect().await?)
    }

    /// To the database that holds the tenant's tables.
    pub(super) async fn home(&self, tenant: &Tenant) -> Result<PgConnection, ProvisionError> {
        let options = self.options(tenant)?;
        let options = match tenant.placement.isolation {
            Isolation::Shared | Isolation::Schema => options,
            Isolation::Database => options.database(&physical_name(tenant.id)),
        };
        Ok(options.connect().await?)
    }

    /// The key of the tenant's server.
    pub(super) fn key(&self, tenant: &Tenant) -> Result<&DatabaseKey, ProvisionError> {
        let server = self.all.get(&tenant.placement.server);
        server.and_then(|server| server.key.as_deref()).ok_or(ProvisionError::Unprovisionable {
            isolation: tenant.placement.isolation,
            needs: KEY,
        })
    }

    fn options(&self, tenant: &Tenant) -> Result<PgConnectOptions, ProvisionError> {
        self.admin(tenant.placement.server, tenant.placement.isolation)
    }

    fn admin(
        &self,
        server: ServerId,
        isolation: Isolation,
    ) -> Result<PgConnectOptions, ProvisionError> {
        let lacks = |needs| ProvisionError::Unprovisionable { isolation, needs };
        let address = self.all.get(&server).ok_or_else(|| lacks(ADDRESS))?;
        address.admin.clone().ok_or_else(|| lacks(ADMIN))
    }
}
