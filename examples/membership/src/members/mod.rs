//! The people of a tenant.
//!
//! 1. What comes from outside is parsed into types that cannot hold anything else: [`Email`],
//!    [`PersonName`], [`SearchTerm`], [`Sort`], [`Page`].
//! 2. Every operation takes the tenant's transaction first, and neither begins nor commits one.
//! 3. No statement names a tenant: the transaction stands in one.
//! 4. A member is never deleted, only made inactive.
//!
//! ```no_run
//! use membership::members::{self, MemberFilter, Page, Sort};
//! use saas_tenancy::db::TenantDb;
//!
//! async fn how_many(db: &mut TenantDb) -> Result<i64, Box<dyn std::error::Error>> {
//!     let mut tx = db.begin().await?;
//!     let filter = MemberFilter::default();
//!     let page = members::list(&mut tx, &filter, Sort::default(), Page::default()).await?;
//!     Ok(page.total)
//! }
//! ```

mod bulk;
mod conditions;
mod csv_cell;
mod email;
mod error;
mod export;
mod filter;
pub mod import;
mod list;
mod member;
mod name;
mod sort;
mod status;
mod store;

pub use bulk::{BulkChange, BulkResult, BulkTarget, GrantedChange, MAX_IDS, bulk};
pub use email::Email;
pub use error::MemberError;
pub use export::Export;
pub use filter::{MemberFilter, SearchTerm};
pub use list::{MemberPage, list};
pub use member::{Member, MemberChange, MemberId, NewMember, TypeRef};
pub use name::PersonName;
pub use sort::{Direction, Page, Sort, SortColumn};
pub use status::MemberStatus;
pub use store::{create, deactivate, get, update};

/// Every statement of this module, so that a test can have the database check them all.
#[must_use]
pub fn statements() -> Vec<String> {
    [
        list::statements(),
        store::statements(),
        bulk::statements(),
        export::statements(),
        import::statements(),
    ]
    .concat()
}
