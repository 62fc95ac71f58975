//! The single-writer actor that owns sockets, timers, the site store and the registry.

pub mod command;
pub mod handle;
