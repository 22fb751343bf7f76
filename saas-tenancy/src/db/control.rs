use futures_util::{future::BoxFuture, stream::BoxStream};
use sqlx::{
    Either, Execute, Executor, Postgres, SqlStr,
    postgres::{PgQueryResult, PgRow, PgStatement, PgTypeInfo},
};

use super::{lease::Lease, transaction::executor};

/// A transaction of the crate's own stores, as the application's login: it may read what the
/// control plane lets that login read, and no tenant's table.
#[derive(Debug)]
pub(crate) struct ControlTx {
    lease: Lease,
}

impl ControlTx {
    pub(super) const fn new(lease: Lease) -> Self {
        Self { lease }
    }
}

executor!(ControlTx);
