//! The single-writer actor that owns sockets, timers, the site store and the registry.

pub mod command;
pub mod doctor;
pub mod handle;
pub mod ports;
pub mod ranges;
pub mod sweep;
pub mod tcp;
