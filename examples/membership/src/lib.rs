//! An enterprise membership platform on the `saas` crates.

pub mod access;
pub mod app;
pub mod audit_log;
pub mod auth;
pub mod boot;
pub mod cli;
pub mod config;
pub mod demo;
pub mod error;
pub mod failure;
pub mod idempotency;
pub mod input;
pub mod logging;
pub mod members;
pub mod membership_types;
pub mod metrics_page;
pub mod openapi;
pub mod request_log;
pub mod routes;
pub mod server;
pub mod state;
pub mod tls;
pub mod version;
