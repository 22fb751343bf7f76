//! The tenant's database: the only place that opens connections and holds them.
//!
//! 1. SQL on tenant data runs on a [`TenantTx`], and a `TenantTx` comes only from
//!    [`TenantDb::begin`]. A [`TenantDb`] is bound to the [`Scope`](saas_core::Scope) of a resolved
//!    tenant and holds no connection until it begins.
//! 2. The tenant's context — role, schema, tenant id, time limit — is part of the one message that
//!    says `BEGIN`, so it costs no round trip, and it ends with the transaction, so nothing is left
//!    on the connection behind a transaction pooler.
//! 3. The next borrower of a connection begins with a clean one: after `COMMIT` was acknowledged, or
//!    with the `ROLLBACK` of a transaction that was only read from at the head of the message that
//!    begins its own. Nobody waits for the end of a read. If no borrower comes, the rollback is sent
//!    after a tenth of a second; behind a transaction pooler it is sent at once. A request that is
//!    cancelled in the middle of a message is cleaned up in the background or its connection closed.
//! 4. Only statements that read or change rows are let through. The simple protocol, transaction
//!    control, `SET`, `RESET`, `COPY` and `DO` are refused before they reach the server.
//! 5. Connections of all databases of one server share a budget, and one tenant waits for its own
//!    share before it may wait for a connection.
//!
//! Without a transaction the login role may read no tenant table at all: a lost context fails
//! closed.

mod control;
mod database;
#[cfg(feature = "axum")]
mod extract;
mod handle;
mod lease;
mod options;
mod pool;
mod recent;
mod row_level;
mod schema;
mod server;
mod session;
mod shares;
mod statement;
mod system;
mod transaction;

pub use control::ControlTx;
pub(crate) use control::append_entry;
pub use handle::{TenantDatabases, TenantDb};
pub use options::{DatabaseOptions, Pooler};
pub use server::{DatabaseKey, InvalidDatabaseKey, ServerAddress};
pub use system::SystemTx;
pub use transaction::TenantTx;
