use std::{ops::RangeInclusive, sync::Arc};

use saas_core::{Clock, Scope, TenantId, audit::Action};
use saas_tenancy::{
    TenancyError,
    db::{ControlTx, TenantDatabases},
};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;

use super::{
    Connection, ConnectionId, NewConnection, Newcomers, OidcError, ProviderHttp,
    provider::checked_issuer, rows,
};
use crate::{
    acting::Acting,
    audit::{entry, note},
    error::AccessError,
    model::AccessModel,
    role::Book,
    seal::{Seal, SealError},
    sql::{not_committed, refused},
};

/// How many connections a tenant may have.
const MOST: usize = 20;

/// What stands for "people get an account" where there is no tenant in which they could get a role:
/// the last bit, which no fixed role has.
const ACCOUNT_ONLY: i64 = 1 << 62;

/// The connections of all tenants, and those for all. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Connections {
    databases: TenantDatabases,
    model: AccessModel,
    seal: Arc<dyn Seal>,
    http: ProviderHttp,
    clock: Clock,
}

impl Connections {
    /// The connections in the control plane of `databases`, to providers that `http` may ask. `seal`
    /// seals their secrets.
    #[must_use]
    pub fn new(
        databases: TenantDatabases,
        model: AccessModel,
        seal: Arc<dyn Seal>,
        http: ProviderHttp,
        clock: Clock,
    ) -> Self {
        Self { databases, model, seal, http, clock }
    }

    /// Makes a connection of the tenant. Who comes by it for the first time gets `role`; without one
    /// they must have been invited.
    ///
    /// # Errors
    /// [`AccessError::Invalid`] when a field is not valid or there are 20 already,
    /// [`AccessError::UnknownRole`], [`AccessError::NotGrantable`] and [`AccessError::OwnersOnly`]
    /// when the actor could not give the role, [`AccessError::Unavailable`] when the database or the
    /// seal is not available.
    pub async fn create(
        &self,
        acting: &Acting,
        new: NewConnection,
        role: Option<&str>,
    ) -> Result<Connection, AccessError> {
        let newcomers = if role.is_some() { Newcomers::Admitted } else { Newcomers::Refused };
        let one = self.draft(Some(acting.tenant()), new, newcomers).await?;
        let mut tx = self.databases.control(acting.scope()).await?;
        let book = Book::load(&mut tx, acting.tenant(), self.model).await?;
        let mask = role.map(|name| book.mask_named(name)).transpose()?;
        acting.require(book.permissions(mask.unwrap_or_default()), &self.model)?;
        let before = rows::list(&mut tx, Some(acting.tenant())).await.map_err(refused)?;
        if before.len() >= MOST {
            let why = format!("at most {MOST} connections; delete one first");
            return Err(AccessError::invalid("connections", why));
        }
        rows::insert(&mut tx, &one, mask).await.map_err(refused)?;
        let changes = json!({ "after": { "connection": &one, "role": role } });
        self.note(&mut tx, acting, Action::literal("connection.create"), one.id, changes).await?;
        tx.commit().await.map_err(not_committed)?;
        Ok(one)
    }

    /// Makes a connection that is there for all: the application itself trusts this provider, also
    /// about addresses.
    ///
    /// # Errors
    /// [`AccessError::Invalid`] when a field is not valid, [`AccessError::Unavailable`] when the
    /// database or the seal is not available.
    pub async fn create_for_all(
        &self,
        new: NewConnection,
        newcomers: Newcomers,
    ) -> Result<Connection, AccessError> {
        let one = self.draft(None, new, newcomers).await?;
        let mask = (newcomers == Newcomers::Admitted).then_some(ACCOUNT_ONLY);
        let mut tx = self.databases.identity().await?;
        rows::insert(&mut tx, &one, mask).await.map_err(refused)?;
        tx.commit().await.map_err(not_committed)?;
        Ok(one)
    }

    /// The connections of the scope's tenant, by name.
    ///
    /// # Errors
    /// [`AccessError::Unavailable`] when the database cannot be asked.
    pub async fn list(&self, scope: &Scope) -> Result<Vec<Connection>, AccessError> {
        let mut tx = self.databases.control(scope).await?;
        rows::list(&mut tx, Some(scope.tenant())).await.map_err(refused)
    }

    /// What people may sign in with: the connections for all, then those of `tenant`, by name.
    ///
    /// # Errors
    /// [`OidcError::Database`] when the database cannot be asked.
    pub async fn offered(&self, tenant: Option<TenantId>) -> Result<Vec<Connection>, OidcError> {
        let mut tx = self.databases.identity().await?;
        let mut all = rows::list(&mut tx, None).await.map_err(TenancyError::from)?;
        if tenant.is_some() {
            all.extend(rows::list(&mut tx, tenant).await.map_err(TenancyError::from)?);
        }
        Ok(all)
    }

    /// A connection that is there for all, or for `tenant`.
    ///
    /// # Errors
    /// [`OidcError::NoConnection`], also for one of another tenant; [`OidcError::Database`] when the
    /// database cannot be asked.
    pub async fn find(
        &self,
        tenant: Option<TenantId>,
        id: ConnectionId,
    ) -> Result<Connection, OidcError> {
        let one = self.by_id(id).await?;
        let is_here = one.tenant.is_none() || one.tenant == tenant;
        if is_here { Ok(one) } else { Err(OidcError::NoConnection) }
    }

    /// Ends a connection of the tenant. Who came by it stays who they are.
    ///
    /// # Errors
    /// [`AccessError::NotFound`] when the tenant has none with this id,
    /// [`AccessError::NotGrantable`] and [`AccessError::OwnersOnly`] when the actor could not give
    /// its role, [`AccessError::Unavailable`] when the database cannot be asked.
    pub async fn delete(&self, acting: &Acting, id: ConnectionId) -> Result<(), AccessError> {
        let mut tx = self.databases.control(acting.scope()).await?;
        let gone = rows::delete(&mut tx, Some(acting.tenant()), id).await.map_err(refused)?;
        let gone = gone.ok_or(AccessError::NotFound("connection"))?;
        let changes = json!({ "before": { "connection": &gone } });
        self.note(&mut tx, acting, Action::literal("connection.delete"), id, changes).await?;
        tx.commit().await.map_err(not_committed)
    }

    /// Ends a connection that is there for all.
    ///
    /// # Errors
    /// [`AccessError::NotFound`], or [`AccessError::Unavailable`] when the database cannot be asked.
    pub async fn delete_for_all(&self, id: ConnectionId) -> Result<(), AccessError> {
        let mut tx = self.databases.identity().await?;
        let gone = rows::delete(&mut tx, None, id).await.map_err(refused)?;
        gone.ok_or(AccessError::NotFound("connection"))?;
        tx.commit().await.map_err(not_committed)
    }

    pub(super) async fn by_id(&self, id: ConnectionId) -> Result<Connection, OidcError> {
        let mut tx = self.databases.identity().await?;
        let found = rows::find(&mut tx, id).await.map_err(TenancyError::from)?;
        found.ok_or(OidcError::NoConnection)
    }

    pub(super) async fn client_secret(
        &self,
        of: &Connection,
    ) -> Result<Option<SecretString>, OidcError> {
        let Some(sealed) = &of.sealed_client_secret else { return Ok(None) };
        let plain = self.seal.open(&context(of.id), sealed).await.map_err(OidcError::Seal)?;
        let text = std::str::from_utf8(plain.expose_secret());
        Ok(Some(text.map_err(|_| OidcError::Seal(SealError::Refused))?.to_owned().into()))
    }

    async fn draft(
        &self,
        tenant: Option<TenantId>,
        new: NewConnection,
        newcomers: Newcomers,
    ) -> Result<Connection, AccessError> {
        let id = ConnectionId::generate(&self.clock);
        let name = new.name.trim().to_owned();
        check_text("name", &name, 1..=100)?;
        check_text("client_id", &new.client_id, 1..=500)?;
        checked_issuer(&new.issuer, &self.http)
            .map_err(|error| AccessError::invalid("issuer", error.to_string()))?;
        let sealed_client_secret = match &new.client_secret {
            None => None,
            Some(secret) => Some(self.sealed(id, secret).await?),
        };
        let (issuer, client_id, created_at) = (new.issuer, new.client_id, self.clock.now());
        Ok(Connection {
            id,
            tenant,
            name,
            issuer,
            client_id,
            newcomers,
            created_at,
            sealed_client_secret,
        })
    }

    async fn sealed(
        &self,
        id: ConnectionId,
        secret: &SecretString,
    ) -> Result<Vec<u8>, AccessError> {
        let text = secret.expose_secret();
        if !(1..=500).contains(&text.len()) || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            let why = "1 to 500 visible characters of ASCII";
            return Err(AccessError::invalid("client_secret", why));
        }
        let sealed = self.seal.seal(&context(id), text.as_bytes()).await;
        sealed.map_err(|error| AccessError::Unavailable(error.into()))
    }

    async fn note(
        &self,
        tx: &mut ControlTx,
        acting: &Acting,
        action: Action,
        id: ConnectionId,
        changes: serde_json::Value,
    ) -> Result<(), AccessError> {
        note(tx, entry(acting.scope(), &self.clock, action, ("connection", id), changes)).await
    }
}

/// A secret opens in its own row only.
fn context(id: ConnectionId) -> String {
    format!("saas_rbac.connections/{id}/client_secret")
}

fn check_text(
    field: &'static str,
    text: &str,
    length: RangeInclusive<usize>,
) -> Result<(), AccessError> {
    if length.contains(&text.chars().count()) && !text.chars().any(char::is_control) {
        return Ok(());
    }
    let (from, to) = (length.start(), length.end());
    Err(AccessError::invalid(field, format!("{from} to {to} characters, none of them a control")))
}
