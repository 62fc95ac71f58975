//! The single-writer actor that owns sockets, timers, the site store and the registry.

pub mod command;
pub mod files;
pub mod handle;
pub mod store;
