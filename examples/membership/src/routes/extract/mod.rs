//! What handlers take from a request, and how it is refused: always with a problem document that
//! says which field is wrong.
//!
//! | extractor | refuses |
//! |---|---|
//! | [`Json`] | 415 another content type, 413 what is too large, 408 what does not arrive, 400 what is no JSON, 422 fields that are unknown, missing or of the wrong type |
//! | [`Query`] | 422 parameters that are unknown, doubled or wrong |
//! | [`Id`] | 404 what is no id |
//! | [`IfMatch`] | 428 if it is missing, 400 if it is malformed |
//! | [`Idempotent`] | what [`Json`] does, and 400 a key that is too long or not ASCII |

mod id;
mod idempotent;
mod if_match;
mod json;
mod query;

pub use id::Id;
pub use idempotent::{Created, Idempotent, Made, Ticket};
pub use if_match::{IfMatch, Tagged, etag};
pub use json::{Json, content_type_is, read_body};
pub use query::{FromParameters, Parameters, Query};
