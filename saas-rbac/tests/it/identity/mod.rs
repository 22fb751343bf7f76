//! People, sessions and tokens on a real server.

mod house;
mod keys;
mod liveness;
mod log_in;
mod races;
mod recover;
mod refresh;
mod second_factor;
mod sessions;
#[cfg(feature = "smtp")]
mod smtp;
mod throttle;
mod users;
