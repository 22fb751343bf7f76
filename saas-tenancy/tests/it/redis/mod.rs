//! Changes heard through a real Redis server, told by a real PostgreSQL server.

mod bridges;
mod connections;
mod gate;
mod scene;
mod source;
mod visible;
