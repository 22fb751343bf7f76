use std::sync::Arc;

use chrono::{DateTime, Utc};
use http::StatusCode;
use saas_core::{Actor, Clock, Problem, RequestId, Scope, TenantId, UserId, audit::Action};
use saas_tenancy::{
    TenancyError,
    db::{ControlTx, TenantDatabases},
};
use secrecy::SecretString;
use serde_json::json;

use super::{Arrival, Identity, rows};
use crate::{
    audit::{entry, note},
    error::AccessError,
    invitation::{Seats, lock_seats, require_free_seat},
    outage,
    session::Client,
    sign_in::{Elsewhere, SignIn, SignInError, SignedIn, Wanted},
    sql::refused,
    user::{Email, User},
};

/// Turns people whom a provider knows into people who are signed in. Cheap to clone. See the
/// [module docs](super).
#[derive(Debug, Clone)]
pub struct SignInWith {
    databases: TenantDatabases,
    sign_in: SignIn,
    seats: Arc<dyn Seats>,
    clock: Clock,
}

/// How somebody arrives.
#[derive(Debug, Clone)]
#[must_use]
pub struct Arriving {
    client: Client,
    request: RequestId,
    tenant: Option<TenantId>,
    wanted: Wanted,
    replaces: Option<SecretString>,
}

impl Arriving {
    /// On this device, for a cookie that is bound to no tenant.
    pub const fn new(client: Client, request: RequestId) -> Self {
        Self { client, request, tenant: None, wanted: Wanted::Cookie, replaces: None }
    }

    /// For a session that is good for one tenant only.
    pub const fn in_tenant(mut self, tenant: TenantId) -> Self {
        self.tenant = Some(tenant);
        self
    }

    /// For a cookie or for tokens.
    pub const fn for_a(mut self, wanted: Wanted) -> Self {
        self.wanted = wanted;
        self
    }

    /// Ends the session whose secret or refresh token the device had until now.
    pub fn replacing(self, credential: SecretString) -> Self {
        Self { replaces: Some(credential), ..self }
    }
}

/// Why somebody whom a provider knows is not signed in.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SignInWithError {
    /// Somebody has the address, and it is not certain that they are the same.
    #[error("there is an account with this address; sign in to it and link the provider there")]
    LinkRequired,
    /// Nobody is known by this identity, and the connection takes no newcomers.
    #[error("there is no account for you here; ask for an invitation")]
    NoAccount,
    /// The provider has no address to make an account with, or none that it has verified.
    #[error("the provider gives no verified e-mail address; verify it there, and try again")]
    NoAddress,
    /// The identity is linked to somebody else.
    #[error("this account of the provider belongs to somebody else here")]
    LinkedElsewhere,
    /// The connection is another tenant's, has been deleted or changed, or is a tenant's and the person
    /// is a super-administrator.
    #[error("this connection cannot be used here; begin again")]
    WrongConnection,
    /// The tenant takes nobody more, or not in this role.
    #[error("{0}")]
    NotJoined(AccessError),
    /// The account is disabled, the person does not belong to the tenant, or it cannot be done now.
    #[error("{0}")]
    SignIn(SignInError),
    /// The database cannot be asked. The cause is logged and never sent.
    #[error("sign-in is not available")]
    Unavailable(#[from] TenancyError),
}

impl From<SignInWithError> for Problem {
    fn from(error: SignInWithError) -> Self {
        use SignInWithError as E;
        let (status, code) = match error {
            E::LinkRequired => (StatusCode::CONFLICT, "link_required"),
            E::NoAccount => (StatusCode::FORBIDDEN, "no_account"),
            E::NoAddress => (StatusCode::FORBIDDEN, "no_address"),
            E::LinkedElsewhere => (StatusCode::CONFLICT, "linked_elsewhere"),
            E::WrongConnection | E::SignIn(SignInError::InvalidCredentials) => {
                return Self::new(StatusCode::UNAUTHORIZED, "sign_in_failed")
                    .with_detail("signing in did not work; begin again");
            }
            E::NotJoined(error) => return error.into(),
            E::SignIn(error) => return error.into(),
            E::Unavailable(_) => return outage::problem(error),
        };
        Self::new(status, code).with_detail(error.to_string())
    }
}

#[cfg(feature = "axum")]
impl axum_core::response::IntoResponse for SignInWithError {
    fn into_response(self) -> axum_core::response::Response {
        outage::respond(self.into(), None)
    }
}

impl SignInWith {
    /// Makes sessions by `sign_in`. `seats` bounds how many people a tenant takes in.
    #[must_use]
    pub const fn new(
        databases: TenantDatabases,
        sign_in: SignIn,
        seats: Arc<dyn Seats>,
        clock: Clock,
    ) -> Self {
        Self { databases, sign_in, seats, clock }
    }

    /// Signs in whoever has arrived: whom the identity is known for, else whose verified address it
    /// has, else somebody new. It is one transaction. Through a tenant's connection the session is
    /// good for that tenant only.
    ///
    /// # Errors
    /// [`SignInWithError`]; nothing was changed then.
    pub async fn sign_in(
        &self,
        arrival: &Arrival,
        arriving: Arriving,
    ) -> Result<SignedIn, SignInWithError> {
        let connection = arrival.connection();
        let tenant = match (connection.tenant, arriving.tenant) {
            (Some(own), Some(asked)) if own != asked => {
                return Err(SignInWithError::WrongConnection);
            }
            (own, asked) => own.or(asked),
        };
        let limit = self.seats_of(arrival).await?;
        let mut tx = self.databases.identity().await?;
        let held = rows::hold(&mut tx, connection).await.map_err(TenancyError::from)?;
        let role_mask = held.ok_or(SignInWithError::WrongConnection)?;
        let newcomers = Newcomer { role_mask, limit, request: arriving.request };
        let user = self.person(&mut tx, arrival, &newcomers).await?;
        // Whoever runs the application is nobody that a tenant may speak for.
        if connection.tenant.is_some() && user.is_super_admin {
            return Err(SignInWithError::WrongConnection);
        }
        let elsewhere = Elsewhere {
            user: &user,
            tenant,
            wanted: arriving.wanted,
            client: &arriving.client,
            replaces: arriving.replaces.as_ref(),
        };
        let done = self.sign_in.open_elsewhere(tx, elsewhere).await;
        done.map_err(SignInWithError::SignIn)
    }

    /// Lets somebody who is signed in, and has just shown it, sign in with this identity from now on.
    ///
    /// # Errors
    /// [`SignInWithError::LinkedElsewhere`], [`SignInWithError::WrongConnection`], or
    /// [`SignInWithError::Unavailable`] when the database cannot be asked.
    pub async fn link(&self, user: UserId, arrival: &Arrival) -> Result<(), SignInWithError> {
        let mut tx = self.databases.identity().await?;
        let held = rows::hold(&mut tx, arrival.connection()).await.map_err(TenancyError::from)?;
        held.ok_or(SignInWithError::WrongConnection)?;
        rows::take_turn(&mut tx, arrival.identity()).await?;
        let known = rows::person(&mut tx, arrival.identity()).await?;
        if known.is_some_and(|(known, _)| known.id != user) {
            return Err(SignInWithError::LinkedElsewhere);
        }
        rows::connect(&mut tx, user, arrival.identity(), self.clock.now()).await?;
        Ok(tx.commit().await?)
    }

    async fn person(
        &self,
        tx: &mut ControlTx,
        arrival: &Arrival,
        newcomer: &Newcomer,
    ) -> Result<User, SignInWithError> {
        let identity = arrival.identity();
        rows::take_turn(tx, identity).await?;
        if let Some((known, linked_at)) = rows::person(tx, identity).await? {
            // Whoever has proven the address since may be somebody else than who linked this.
            let is_older = known.email_verified_at.is_some_and(|proven| proven > linked_at);
            return if is_older { Err(SignInWithError::LinkRequired) } else { Ok(known) };
        }
        let email = identity.email.as_deref().and_then(|text| Email::parse(text).ok());
        // What a tenant's own provider says of an address proves nothing.
        let is_proven = arrival.connection().tenant.is_none() && identity.email_verified;
        let user = match &email {
            None => None,
            Some(email) => match rows::with_address(tx, email.as_str()).await? {
                None => None,
                Some((user, false)) if is_proven && user.email_verified_at.is_some() => Some(user),
                Some(_) => return Err(SignInWithError::LinkRequired),
            },
        };
        let user = match user {
            Some(user) => user,
            None => self.make(tx, arrival, email, is_proven, newcomer).await?,
        };
        rows::connect(tx, user.id, identity, self.clock.now()).await?;
        Ok(user)
    }

    /// Makes somebody new, and lets them into the tenant of the connection.
    async fn make(
        &self,
        tx: &mut ControlTx,
        arrival: &Arrival,
        email: Option<Email>,
        is_proven: bool,
        newcomer: &Newcomer,
    ) -> Result<User, SignInWithError> {
        let tenant = arrival.connection().tenant;
        let role_mask = newcomer.role_mask.ok_or(SignInWithError::NoAccount)?;
        // Nobody gets an account with an address that may be somebody else's, unless a tenant
        // answers for its people.
        let email = email.filter(|_| is_proven || tenant.is_some());
        let email = email.ok_or(SignInWithError::NoAddress)?;
        let (id, now) = (UserId::generate(&self.clock), self.clock.now());
        let name = shown_name(arrival.identity(), &email);
        let address = (email.as_str(), is_proven.then_some(now));
        let made = rows::insert_person(tx, id, address, &name, now).await?;
        let user = made.ok_or(SignInWithError::LinkRequired)?;
        if let Some(tenant) = tenant {
            self.join(tx, arrival, tenant, &user, (role_mask, newcomer, now)).await?;
        }
        Ok(user)
    }

    async fn join(
        &self,
        tx: &mut ControlTx,
        arrival: &Arrival,
        tenant: TenantId,
        user: &User,
        (role_mask, newcomer, now): (i64, &Newcomer, DateTime<Utc>),
    ) -> Result<(), SignInWithError> {
        let not_joined = SignInWithError::NotJoined;
        lock_seats(tx, tenant).await.map_err(not_joined)?;
        require_free_seat(tx, tenant, newcomer.limit, now).await.map_err(not_joined)?;
        let joined = rows::join(tx, tenant, user.id, role_mask, now).await;
        joined.map_err(|error| not_joined(refused(error)))?;
        let scope = Scope::new(tenant, Actor::User { id: user.id }, newcomer.request);
        let connection = arrival.connection();
        let changes = json!({ "after": { "user": user.id, "connection": connection.id } });
        let action = Action::literal("connection.join");
        let entry = entry(&scope, &self.clock, action, ("user", user.id), changes);
        note(tx, entry).await.map_err(not_joined)
    }

    /// How many people the connection's tenant may have; asked before the transaction begins.
    async fn seats_of(&self, arrival: &Arrival) -> Result<Option<u32>, SignInWithError> {
        let Some(tenant) = arrival.connection().tenant else { return Ok(None) };
        let limit = self.seats.limit(tenant).await;
        limit.map_err(|error| SignInWithError::NotJoined(AccessError::Unavailable(error)))
    }
}

/// What somebody gets who comes for the first time.
struct Newcomer {
    role_mask: Option<i64>,
    limit: Option<u32>,
    request: RequestId,
}

/// What to call somebody: as the provider does, or by their address.
fn shown_name(identity: &Identity, email: &Email) -> String {
    let plain = identity.name.as_deref().unwrap_or_default().chars().filter(|c| !c.is_control());
    let name: String = plain.take(200).collect();
    match name.trim() {
        "" => email.as_str().split('@').next().unwrap_or_default().to_owned(),
        name => name.to_owned(),
    }
}
