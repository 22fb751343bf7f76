//! Everything that signs people in and says what they may do, put together.
//!
//! 1. [`Identity::start`] makes it, with the parts that must hear of changes. Until a
//!    [`ChangeListener`](saas_tenancy::store::ChangeListener) has them, every answer is asked of the
//!    database.
//! 2. All secrets come from one key ([`Secrets`]), so all processes of the application have the same.
//! 3. Mail goes out by SMTP if `SMTP_URL` is set, else it is kept in memory ([`Mailing`]).

mod identity;
mod mailing;
mod secrets;

pub use identity::{Foundations, Identity, Started};
pub use mailing::Mailing;
pub use secrets::Secrets;
