//! One tenant never reaches another's data, whatever happens to requests, statements and servers.

mod cancellation;
mod fairness;
mod pooler;
mod round_trips;
mod statements;
mod wall;
