//! Requests go in, and answers for their tenants come out.

mod app;
mod attacks;
mod fixed_store;
mod hosts;
mod layer;
mod telemetry;
