//! The application as a client meets it, on a real PostgreSQL server.

#[cfg(test)]
mod access;
#[cfg(test)]
mod app;
#[cfg(test)]
mod bad_input;
#[cfg(test)]
mod commands;
#[cfg(test)]
mod disconnects;
#[cfg(test)]
mod layers;
#[cfg(test)]
mod members;
#[cfg(test)]
mod membership_types;
#[cfg(test)]
mod parity;
#[cfg(test)]
mod routes;
