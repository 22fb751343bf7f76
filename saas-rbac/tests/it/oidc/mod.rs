//! Signing in at a real identity provider.

mod browser;
mod connections;
mod flow;
mod hall;
mod people;
mod provider;
